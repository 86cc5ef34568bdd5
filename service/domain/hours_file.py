"""Sending hours as data: dated files in `hours/`, read strictly, each figure with its source or the word "default"."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from functools import cache
from itertools import pairwise
from pathlib import Path

from service.domain.data_files import DataMistake, Table, parse
from service.domain.places import WEEKDAYS
from service.domain.public_holidays import Holidays, holidays_of
from service.domain.sending_hours import (
    ALWAYS,
    ANY,
    DAY,
    DAYTIME,
    PURPOSES,
    Hours,
    HoursTable,
    Market,
    Profile,
    read_window,
)

FOLDER = Path(__file__).parent / "hours"
LONGEST_ZONE = 40  # what the column of a message leaves beside the purpose
KINDS = ("usual", "friday", "holiday", "market_day")
WAIT = "wait"


class HoursMistake(DataMistake):
    """A file of hours cannot be used; the text names the place and the remedy."""


def load_hours(text: str) -> HoursTable:
    """The hours written in this YAML text; raises HoursMistake naming the place and the remedy."""
    return _checked(_read(text))


def _read(text: str) -> HoursTable:
    file = Table(parse(text, HoursMistake), "hours", HoursMistake)
    file.where = name = file.text("hours")
    file.text("why")
    file.plain("confidence")
    file.plain("sources")
    holidays = _holidays(file.table("holidays"))
    profiles: dict[str, Profile] = {ANY: ALWAYS, DAY: Profile((DAYTIME,))}
    purposes = file.named("purposes")
    for purpose in PURPOSES:
        if purpose not in purposes:
            raise HoursMistake(f"{name}: purposes: '{purpose}' is missing; there are {', '.join(PURPOSES)}")
        profiles[purpose] = _profile(purposes.pop(purpose))
    if purposes:
        raise HoursMistake(f"{name}: purposes: '{next(iter(purposes))}' is none; there are {', '.join(PURPOSES)}")
    for code, part in file.named("zones").items():
        profiles |= _zone(code, part, profiles)
    file.done()
    return HoursTable(name, profiles, holidays)


@cache
def built_in_hours(name: str = "ml-2026") -> HoursTable:
    """The hours that come with the product."""
    # Checked by a test: the check asks for holidays, which costs every process ten megabytes.
    return _read((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))


def _holidays(part: Table) -> Holidays:
    country = part.text("country")
    announced = dict(_announced(day) for day in part.tables("announced"))
    found = Holidays(country if country != "none" else "", part.whole("spread_days"), announced)
    part.done()
    return found


def _announced(part: Table) -> tuple[date, bool]:
    day, is_one = part.day("on"), part.one_of("holiday", ("true", "false")) == "true"
    part.text("source")
    part.done()
    return day, is_one


def _profile(part: Table, market: Market | None = None) -> Profile:
    kinds = {kind: part.maybe(kind, lambda name: _hours(part, name)) for kind in KINDS}
    part.maybe("why", part.text)
    part.done()
    usual = kinds.pop("usual")
    if usual == ALWAYS.usual and not any(hours is not None for hours in kinds.values()):
        return ALWAYS
    if not usual:
        raise HoursMistake(f"{part.where}: 'usual' must be hours like \"08:00-12:30 14:30-19:00\", or any")
    return Profile(usual, **kinds, market=market)


def _hours(part: Table, kind: str) -> Hours:
    written = part.text(kind)
    if written == WAIT:
        return ()
    if written == ANY:
        return ALWAYS.usual
    try:
        windows = tuple(read_window(one) for one in written.split())
    except ValueError as reason:
        raise HoursMistake(f"{part.where}: '{kind}': {reason}; or '{WAIT}', or '{ANY}'") from None
    if any(after.opens <= before.closes for before, after in pairwise(windows)):
        raise HoursMistake(f"{part.where}: '{kind}': its hours must follow each other with a pause between them")
    return windows


def _zone(code: str, part: Table, base: Mapping[str, Profile]) -> dict[str, Profile]:
    """The names of one quartier: those purposes that have hours of its own, or another market day."""
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", code) or len(code) > LONGEST_ZONE:
        raise HoursMistake(f"{part.where}: '{code}' is no code of a zone, or longer than {LONGEST_ZONE} characters")
    market = _market(part.table("market")) if part.has("market") else None
    part.taken.add("market")
    part.maybe("why", part.text)
    own = part.named("purposes") if part.has("purposes") else {}
    part.taken.add("purposes")
    part.done()
    strange = own.keys() - set(PURPOSES)
    if strange:
        raise HoursMistake(f"{part.where}: purposes: '{min(strange)}' is none; there are {', '.join(PURPOSES)}")
    found = {f"{purpose}@{code}": _profile(table, market) for purpose, table in own.items()}
    for purpose in PURPOSES:
        if market is not None and base[purpose].market_day is not None:
            found.setdefault(f"{purpose}@{code}", base[purpose]._replace(market=market))
    return found


def _market(part: Table) -> Market:
    if part.has("weekly"):
        days = part.texts("weekly")
        part.done()
        if not set(days) <= set(WEEKDAYS):
            raise HoursMistake(f"{part.where}: 'weekly' takes {', '.join(WEEKDAYS)}")
        return Market(frozenset(WEEKDAYS.index(day) for day in days))
    market = Market(every=part.whole("every", 2), first=part.day("from"))
    part.done()
    return market


def _checked(table: HoursTable) -> HoursTable:
    country = table.holidays.country
    try:
        holidays_of(country, 2026)
    except KeyError:
        told = f"no holidays are known of '{country}': write two letters, or none"
        raise HoursMistake(f"{table.name}: holidays: {told}") from None
    for name in table.profiles:
        if table.next_opening(name, datetime(2026, 1, 1)) is None:
            raise HoursMistake(f"{table.name}: '{name}' never opens: its messages would wait until nobody needs them")
    return table
