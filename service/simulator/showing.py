"""What the page shows, as plain values: letters with those outside GSM-7 marked, counts, French dates."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import groupby

from flows.phone_numbers import show
from flows.sms_text import is_gsm7, measure
from service.simulator.state import Phone, Sms, State
from service.simulator.watch import Watch

DAYS = ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche")
MONTHS = ("janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre",
          "novembre", "décembre")  # fmt: skip
ENCODINGS = {"gsm7": "GSM-7", "ucs2": "UCS-2"}
SCREEN_UNITS = {"gsm7": 160, "ucs2": 80}  # what fits on a USSD screen everywhere
SMS_SHOWN = 20
CALL = "(appel)"  # how an inbox shows what was heard in a call

Run = tuple[str, bool]  # letters, and whether they are outside GSM-7


@dataclass(frozen=True, slots=True)
class ScreenView:
    kind: str
    runs: tuple[Run, ...]
    count: str
    is_too_long: bool


@dataclass(frozen=True, slots=True)
class SmsView:
    other: str
    at: str
    runs: tuple[Run, ...]
    size: str
    is_received: bool


@dataclass(frozen=True, slots=True)
class PhoneView:
    id: int
    number: str
    name: str
    is_on: bool
    is_calling: bool
    can_repeat: bool
    screen: ScreenView
    inbox: tuple[SmsView, ...]
    sms_count: int
    waiting: int


def letters(text: str) -> tuple[Run, ...]:
    """The exact text, cut where it leaves GSM-7 and where it comes back: ('b', False), ('ɛ', True)."""
    return tuple(("".join(run), outside) for outside, run in groupby(text, lambda letter: not is_gsm7(letter)))


def screen_view(phone: Phone) -> ScreenView:
    """The phone's screen. Only what the product wrote is counted."""
    if not phone.is_on:
        return ScreenView("off", letters("Éteint"), "", False)
    if phone.screen_kind not in ("more", "last"):
        return ScreenView(phone.screen_kind, letters(phone.screen), "", False)
    size = measure(phone.screen)
    limit = SCREEN_UNITS[size.encoding]
    count = f"{size.units}/{limit} · {ENCODINGS[size.encoding]}"
    return ScreenView(phone.screen_kind, letters(phone.screen), count, size.units > limit)


def sms_view(sms: Sms, watch: Watch) -> SmsView:
    size = measure(sms.text)
    if sms.text.startswith(CALL):
        return SmsView(sms.other, short_time(watch.local(sms.at)), letters(sms.text), "appel vocal", sms.is_received)
    words = (plural(size.parts, "SMS", "SMS"), plural(size.units, "unité", "unités"), ENCODINGS[size.encoding])
    return SmsView(sms.other, short_time(watch.local(sms.at)), letters(sms.text), " · ".join(words), sms.is_received)


def phone_view(phone: Phone, state: State, watch: Watch) -> PhoneView:
    count, waiting = state.count_sms(phone.number)
    if phone.screen_kind == "call" and state.open_call(phone.number) is None:
        phone = replace(phone, screen="", screen_kind="idle")  # the line closed by itself
    return PhoneView(
        id=phone.id,
        number=phone.number,
        name=show(phone.number),
        is_on=phone.is_on,
        is_calling=phone.is_calling,
        can_repeat=phone.is_on and bool(phone.session_id),
        screen=screen_view(phone),
        inbox=tuple(sms_view(sms, watch) for sms in state.inbox(phone.number, SMS_SHOWN)),
        sms_count=count,
        waiting=waiting,
    )


def plural(count: int, one: str, many: str) -> str:
    return f"{count} {one if count < 2 else many}"


def long_day(day: date) -> str:
    """'vendredi 20 novembre 2026', 'dimanche 1er mars 2026'."""
    number = "1er" if day.day == 1 else str(day.day)
    return f"{DAYS[day.weekday()]} {number} {MONTHS[day.month - 1]} {day.year}"


def short_day(day: date) -> str:
    return day.strftime("%d/%m/%Y")


def short_time(moment: datetime) -> str:
    return moment.strftime("%d/%m/%Y %H:%M")
