"""What a mediator writes from her own phone; from any other phone the words mean nothing.

`VU 4821 7730 PENTA2 OPV2` are doses, `ANNULE 4821 7730 PENTA2` takes back what her own account wrote lately,
`VISITE 4821 7730 REFUS` is what she found at home, `CAUSERIE 25 NUTRITION` a talk that she held.

The answer goes to the number that she registered, whoever wrote in her name, and says what was written down.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta
from typing import Final

from sqlalchemy.engine import Connection

from flows import answers
from service.channels.base import IncomingSms
from service.clock import DAY_MS
from service.domain import dose_words, talk_words, visit_rules, visit_words
from service.domain.dose_words import NotRead, Report
from service.domain.talk_words import TalkNotRead
from service.domain.vaccine_calendar import Calendar
from service.domain.visit_words import VisitReport
from service.runtime import Runtime
from service.store import handover_tables, message_tables, phone_tables, task_tables
from service.store.mediator_tables import Mediator
from service.store.people_tables import Child
from service.store.system_tables import count
from service.stories.care import dose_corrections, home_visits
from service.stories.care.dose_corrections import TakenBack
from service.stories.delivery import outbox
from service.stories.homes import child_tasks
from service.stories.homes.families import show_code
from service.stories.recall.reminders import spoken_language
from service.stories.staff import mediator_accounts, mediator_doses, mediator_talks
from service.stories.staff.mediator_doses import Record, Refused
from service.stories.staff.mediator_talks import Noted
from service.stories.talk.wording import short_date

ELSEWHERE: Final = "AILLEURS"
MOST_ANSWERS_A_DAY: Final = 200
"""A full vaccination day has fewer. What comes after is written down all the same."""
TRIES: Final = "report_code"
MOST_UNKNOWN_CODES: Final = 5
"""A day. Whoever has her PIN goes on by call."""
LAST_YEAR_WITHIN: Final = timedelta(183)
"""A day without a year that has not come yet is last year's, if that is no longer ago."""


def take_report(tx: Connection, runtime: Runtime, sms: IncomingSms, key_hash: bytes, now: int) -> bool:
    """Write down what a mediator reports, and answer; False when this is no report, or not a mediator's phone."""
    assert sms.phone is not None
    deed = next((deed for is_meant, deed in _DEEDS if is_meant(sms.text)), None)
    if deed is None:
        return False
    one = mediator_accounts.active_on(tx, sms.phone)
    if one is None:
        return False
    say = _Words(runtime, one)
    try:
        text = deed(tx, say, sms.phone, sms.text, now)
    except Refused as reason:
        count(tx, "reports_refused")
        text = say(reason.phrase, **reason.slots)
    _answer(tx, sms.phone, text, key_hash, now)
    return True


def _record(tx: Connection, say: _Words, number: str, text: str, now: int) -> str:
    runtime, one = say.runtime, say.one
    report = _read(runtime, dose_words.read_report, text)
    on = _day(report.day, runtime.today(now))
    child = _find_child(tx, runtime, one, number, report.code, now)
    return say.record(mediator_doses.record(tx, runtime, one, child, report.doses, on, now))


def _take_back(tx: Connection, say: _Words, number: str, text: str, now: int) -> str:
    runtime, one = say.runtime, say.one
    try:
        report = _read(runtime, dose_words.read_annulment, text)
    except Refused as reason:
        raise Refused("annul_words") if reason.phrase == "words" else reason from None
    on = _day(report.day, runtime.today(now)) if report.day else None
    child = _find_child(tx, runtime, one, number, report.code, now)
    return say.taken_back(dose_corrections.take_back_hers(tx, runtime, one, child, report.doses, on, now))


def _record_talk(tx: Connection, say: _Words, number: str, text: str, now: int) -> str:
    runtime, themes = say.runtime, talk_words.built_in_themes()
    try:
        told = talk_words.read_talk(text, themes)
    except TalkNotRead as unclear:
        if unclear.trouble == "day":
            raise Refused("day") from None
        words = {"number": str(talk_words.MOST), "word": unclear.word[:12], "themes": " ".join(themes.to_type)}
        raise Refused(f"talk_{unclear.trouble}", **words) from None
    today = runtime.today(now)
    on = _day(told.day, today)
    if today - on > LAST_YEAR_WITHIN:
        raise Refused("talk_too_old", day=short_date(on))
    return say.talk(mediator_talks.record(tx, runtime, say.one, told, on, now))


def _record_visit(tx: Connection, say: _Words, number: str, text: str, now: int) -> str:
    """What ends everything for a child is taken by call only: it is refused before the code is looked at."""
    runtime, one = say.runtime, say.one
    report = _read_visit(text)
    zone_id = mediator_accounts.zone_named(tx, report.place) if report.place else None
    elsewhere = report.status == "moved" and zone_id is None
    if elsewhere and report.place not in ("", ELSEWHERE):
        raise Refused("visit_zone")
    if not visit_rules.rule_of(report.status, elsewhere=elsewhere).by_sms:
        raise Refused("visit_by_call")
    # Four digits may be another child's by a slip: it would be silent for two weeks, or seen by nobody and on no list.
    if len(report.code) < max(dose_words.CODE_DIGITS):
        raise Refused("visit_whole_code")
    on = _day(report.day, runtime.today(now))
    child = _find_child(tx, runtime, one, number, report.code, now)
    home_visits.record(tx, runtime, one, child, home_visits.Found(report.status, on, zone_id), now)
    return say(f"visit_{report.status}", child=show_code(child.code), day=short_date(on))


def _read_visit(text: str) -> VisitReport:
    try:
        return visit_words.read_visit(text)
    except NotRead as unclear:
        raise Refused("visit_words" if unclear.trouble == "words" else unclear.trouble) from None


def _find_child(tx: Connection, runtime: Runtime, one: Mediator, number: str, code: str, now: int) -> Child:
    """A forged sender who guesses codes would end the recalls of children: after a few, SMS write nothing that day."""
    index, today = phone_tables.index_of(tx, number), runtime.today(now)
    if handover_tables.tries(tx, index, TRIES, today) >= MOST_UNKNOWN_CODES:
        raise Refused("too_many_codes")
    try:
        return mediator_doses.find_child(tx, one, code)
    except Refused as reason:
        if reason.phrase == "no_child" and handover_tables.count_try(tx, index, TRIES, today) == MOST_UNKNOWN_CODES:
            key = f"{TRIES}:{one.id}:{today}"
            expires_at = now + child_tasks.KEPT_MS
            task_tables.add_task(tx, now, key=key, kind="code_tries", phone_id=one.phone_id, expires_at=expires_at)
        raise


def _read(runtime: Runtime, read: Callable[[str, Calendar], Report], text: str) -> Report:
    try:
        return read(text, runtime.calendar)
    except NotRead as unclear:
        known = dict.fromkeys(one.record_as for one in runtime.calendar.series.values())
        raise Refused(unclear.trouble, word=unclear.word[:12], doses=" ".join(known)) from None


def _day(written: str, today: date) -> date:
    """The day that was meant: today when none is written, the last 12/11 when no year is."""
    if not written:
        return today
    short = re.fullmatch(r"(\d{1,2})[/.\-](\d{1,2})", written)
    if short is None:
        return _whole_day(written, today)
    day = _this_year(int(short[1]), int(short[2]), today.year)
    if day is not None and day <= today:
        return day
    before = _this_year(int(short[1]), int(short[2]), today.year - 1)
    found = before if before is not None and today - before <= LAST_YEAR_WITHIN else day
    if found is None:
        raise Refused("day")
    return found


def _whole_day(written: str, today: date) -> date:
    words = "auj" if written.startswith("AUJ") else written.lower()
    try:
        # A year of two digits may be a coming one by a slip: that is said, and not read as a century ago.
        return answers.read_date(words, today, date(today.year - 20, 1, 1), date(today.year + 10, 12, 31))
    except answers.Unclear:
        raise Refused("day") from None


def _this_year(day: int, month: int, year: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


class _Words:
    """The sentences of flows/phrases/mediator.yaml in her language."""

    def __init__(self, runtime: Runtime, one: Mediator) -> None:
        self.runtime, self.one, self.language = runtime, one, one.language

    def __call__(self, phrase: str, **slots: str) -> str:
        key = f"mediator.{phrase}"
        return self.runtime.phrases.say(key, spoken_language(self.runtime, self.language, key), **slots)

    def record(self, found: Record) -> str:
        """What was written down, what of it does not count and why, what is left, and when the child comes next."""
        said = []
        if found.noted:
            names = " ".join(one.dose for one in found.noted)
            said.append(self("noted", child=show_code(found.child.code), doses=names, day=short_date(found.on)))
        if found.known:
            whose = "" if found.noted else f"{show_code(found.child.code)}: "
            said.append(whose + self("known", doses=" ".join(found.known)))
        for reason in ("too_young", "interval_too_short", "live_spacing"):
            invalid = [one.dose for one in found.noted if reason in one.reasons]
            if invalid:
                said.append(self(reason, doses=" ".join(invalid)))
        for remark in ("counted_as", "one_before_invalid"):
            remarked = [one.dose for one in found.noted if one.remark == remark]
            if remarked:
                said.append(self(remark, doses=" ".join(remarked)))
        return " ".join([*said, self._next(found)])

    def taken_back(self, found: TakenBack) -> str:
        """What counts no more, with its days, and when the child comes next."""
        doses = " ".join(f"{name} ({short_date(on)})" for name, on in found.doses)
        return f"{self('taken_back', child=show_code(found.child.code), doses=doses)} {self._next(found)}"

    def talk(self, found: Noted) -> str:
        """What stands now, and what stood before where that was another number."""
        words = {
            "theme": found.theme,
            "zone": found.zone,
            "day": short_date(found.on),
            "number": str(found.participants),
        }
        if found.before is None:
            return self("talk", **words)
        if found.before == found.participants:
            return self("talk_known", **words)
        return self("talk_changed", before=str(found.before), **words)

    def _next(self, found: Record | TakenBack) -> str:
        if found.left:
            return self("left", doses=" ".join(found.left))
        return self("next", day=short_date(found.next_on)) if found.next_on else self("complete")


def _answer(tx: Connection, number: str, text: str, key_hash: bytes, now: int) -> None:
    phone = phone_tables.ensure_phone(tx, number, now)
    if message_tables.sent_since(tx, phone.number_idx, "talk", now - DAY_MS) >= MOST_ANSWERS_A_DAY:
        count(tx, "replies_held_back")
        return
    letter = outbox.Letter(
        to=number,
        text=text,
        key=f"report:{key_hash.hex()[:32]}",
        purpose="talk",
        klass="once",
        not_before=now,
        useful_until=now + DAY_MS,
        hours="any",
    )
    outbox.put(tx, now, letter)


Deed = Callable[[Connection, _Words, str, str, int], str]
_DEEDS: tuple[tuple[Callable[[str], bool], Deed], ...] = (
    (visit_words.is_visit, _record_visit),
    (dose_words.is_report, _record),
    (dose_words.is_annulment, _take_back),
    (talk_words.is_talk, _record_talk),
)
"""What an SMS of hers may be, and what is done and answered then."""
