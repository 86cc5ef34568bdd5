"""Seasonal malaria chemoprevention: the announced rounds for which one child is of age, in its district.

Dates are announced each year and never computed; a season that nobody announced invites nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cache
from itertools import groupby, pairwise
from typing import NamedTuple

from service.domain.ages import add_months
from service.domain.data_files import Table
from service.domain.places import plain_name
from service.domain.protocol_file import Protocol, open_protocol, read_built_in
from service.domain.protocol_parameters import ProtocolMistake, Value, how_sure, number
from service.domain.protocols import Anchor, NotPossible


class AgeBand(NamedTuple):
    """Ages in whole months, `below_months` not included. `staff_only_fr` is never said to a family."""

    id: str
    from_months: int
    below_months: int
    extension: bool
    blister_fr: str
    staff_only_fr: str | None
    confidence: str


class Round(NamedTuple):
    """One announced round, both days included."""

    number: int
    first: date
    last: date
    also_fr: str | None


class Season(NamedTuple):
    """What was announced for one year; ages of the extension only in `extension_districts`."""

    year: int
    rounds: tuple[Round, ...]
    districts: frozenset[str]
    extension_districts: frozenset[str]
    confidence: str


class Invitation(NamedTuple):
    """A child is expected at one contact of a round, from `on` on; from `lapses_on` on it is asked for no more.

    `contact` is '2026-1-day1': year, round, and the contact as the protocol names it.
    """

    contact: str
    on: date
    lapses_on: date


class ChildRound(NamedTuple):
    """A round, or the part of it, during which the child is of this age band."""

    number: int
    opens_on: date
    closes_on: date
    band: AgeBand

    @property
    def anchor(self) -> Anchor:
        """What `contacts_of` takes."""
        return Anchor("round", self.opens_on, closes_on=self.closes_on)


@dataclass(frozen=True, eq=False)
class Malaria:
    """Contacts of a round, age bands and announced seasons."""

    protocol: Protocol
    bands: tuple[AgeBand, ...]
    seasons: Mapping[int, Season]
    unsettled: Mapping[str, str]

    def with_parameters(self, values: Mapping[str, Value]) -> Malaria:
        """The same file with some parameters settled otherwise."""
        return load_malaria(self.protocol.text, {**self.protocol.settled, **values})


@cache
def built_in_malaria(name: str = "ml-smc-2026") -> Malaria:
    """The file that comes with the product."""
    return load_malaria(read_built_in(name))


def rounds_for(malaria: Malaria, born: date, district: str, year: int) -> tuple[ChildRound, ...]:
    """The rounds of a year for this child, in order; two parts when it grows into the next band during a round.

    Empty when the year was not announced, the district takes no part, or the child is never of age.
    """
    season, where = malaria.seasons.get(year), plain_name(district)
    if season is None or where not in season.districts:
        return ()
    found = []
    for one in season.rounds:
        for band in malaria.bands:
            if band.extension and where not in season.extension_districts:
                continue
            opens = max(one.first, add_months(born, band.from_months))
            closes = min(one.last, add_months(born, band.below_months) - timedelta(1))
            if opens <= closes:
                found.append(ChildRound(one.number, opens, closes, band))
    return tuple(found)


def announced(malaria: Malaria, district: str, rounds: Iterable[Round]) -> Malaria:
    """The same ages and contacts with these rounds of one district, and no other: what a programme announced to us.

    Only the standard ages: a programme that gives it to older children says so in a file of its own.
    """
    by_year: dict[int, list[Round]] = {}
    for one in sorted(rounds, key=lambda one: one.first):
        by_year.setdefault(one.first.year, []).append(one)
    where: frozenset[str] = frozenset({plain_name(district)})
    seasons = {
        year: Season(year, tuple(found), where, frozenset(), "announced to us") for year, found in by_year.items()
    }
    return replace(malaria, seasons=seasons)


def invitations(
    malaria: Malaria, born: date, district: str, years: Iterable[int], known_on: date, today: date
) -> tuple[Invitation, ...]:
    """The contacts that its family is to be told of, of rounds that are not over. `known_on`: enrolled on that day."""
    found = []
    for year in sorted(set(years)):
        for which, parts in groupby(rounds_for(malaria, born, district, year), key=lambda one: one.number):
            whole = list(parts)
            opens, closes = max(whole[0].opens_on, known_on), whole[-1].closes_on
            if opens <= closes:
                found += _told(malaria.protocol, f"{year}-{which}", opens, closes)
    return tuple(one for one in found if one.lapses_on > today)


def _told(protocol: Protocol, name: str, opens: date, closes: date) -> list[Invitation]:
    """The contacts that are reminded of. Each counts from the day of the one that it follows."""
    best: dict[str, date] = {}
    told = []
    for rule in protocol.contacts["round"]:
        base = best[rule.follows] if rule.follows else opens
        best[rule.id] = base + timedelta(rule.best)
        last = closes if rule.last is None else base + timedelta(rule.last)
        if rule.remind and best[rule.id] <= last:
            told.append(Invitation(f"{name}-{rule.id}", best[rule.id], last + timedelta(1)))
    return told


def checked(malaria: Malaria, known: Iterable[Round], one: Round, today: date, *, begun: bool = False) -> None:
    """Raises NotPossible where this round cannot be, beside those known of its district and year.

    `begun`: it was announced before, and its first day may be past.
    """
    if one.first > one.last:
        raise NotPossible(f"it would end on {one.last}, before it begins on {one.first}")
    if one.last < today or (one.first < today and not begun):
        raise NotPossible(f"{min(one.first, one.last)} is past")
    if one.first.year != one.last.year:
        raise NotPossible("a round is of one year: its first and its last day are not")
    if one.first.year > today.year + 1:
        raise NotPossible(f"{one.first} is of no year that is announced yet: this one, or the next")
    floor = malaria.protocol.number("interval_days")
    if (one.last - one.first).days >= floor:
        raise NotPossible(f"a round of {floor} days or more would run into the next one")
    near = _too_near([*known, one], floor)
    if near is not None:
        raise NotPossible(f"round {near.number} would come less than {floor} days after the one before, or before it")


def _too_near(rounds: Iterable[Round], floor: int) -> Round | None:
    """The first round that does not keep its distance from the one before, in the order of their numbers."""
    for before, one in pairwise(sorted(rounds, key=lambda one: one.number)):
        if (one.first - before.first).days < floor or one.first <= before.last:
            return one
    return None


def load_malaria(text: str, settled: Mapping[str, Value] | None = None) -> Malaria:
    """The protocol, age bands and seasons of this YAML text; raises ProtocolMistake naming the place and the remedy."""
    file, protocol = open_protocol(text, settled or {})
    if "round" not in protocol.contacts:
        raise ProtocolMistake(f"{protocol.name}: 'courses' have no 'round'")
    bands = tuple(_band(part, protocol) for part in file.tables("age_bands"))
    seasons = [_season(part, protocol) for part in file.tables("seasons")]
    unsettled = file.plain("unsettled")
    file.done()
    for before, band in pairwise(bands):
        if band.from_months != before.below_months:
            raise ProtocolMistake(f"{protocol.name}: age_bands: '{band.id}' must begin where '{before.id}' ends")
    years = [season.year for season in seasons]
    twice = sorted({year for year in years if years.count(year) > 1})
    if twice:
        raise ProtocolMistake(f"{protocol.name}: seasons: {twice[0]} is there twice")
    return Malaria(protocol, bands, {season.year: season for season in seasons}, unsettled)


def _band(part: Table, protocol: Protocol) -> AgeBand:
    band = AgeBand(
        id=part.text("band"),
        from_months=number(part, "from_months", protocol.parameters),
        below_months=number(part, "below_months", protocol.parameters),
        extension=part.yes("extension"),
        blister_fr=part.text("blister_fr"),
        staff_only_fr=part.maybe("staff_only_fr", part.text),
        confidence=how_sure(part, protocol.sources),
    )
    part.done()
    if band.from_months >= band.below_months:
        raise ProtocolMistake(f"{part.where}: 'from_months' must be below 'below_months'")
    return band


def _season(part: Table, protocol: Protocol) -> Season:
    season = Season(
        year=part.whole("year", 1),
        rounds=tuple(_round(one) for one in part.tables("rounds")),
        districts=frozenset(map(plain_name, part.texts("districts"))),
        extension_districts=frozenset(map(plain_name, part.texts("extension_districts"))),
        confidence=how_sure(part, protocol.sources),
    )
    part.done()
    floor = protocol.number("interval_days")
    for one in season.rounds:
        if {one.first.year, one.last.year} != {season.year}:
            raise ProtocolMistake(f"{part.where}: round {one.number} is not in {season.year}")
    near = _too_near(season.rounds, floor)
    if near is not None:
        raise ProtocolMistake(
            f"{part.where}: round {near.number} comes less than {floor} days after the one before, or before its end"
        )
    if not season.extension_districts <= season.districts:
        raise ProtocolMistake(f"{part.where}: an extension district must be one of 'districts'")
    return season


def _round(part: Table) -> Round:
    one = Round(part.whole("round", 1), part.day("from"), part.day("to"), part.maybe("also_fr", part.text))
    part.done()
    if one.first > one.last:
        raise ProtocolMistake(f"{part.where}: 'from' must not be after 'to'")
    return one
