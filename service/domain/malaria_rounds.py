"""Seasonal malaria chemoprevention: the announced rounds for which one child is of age, in its district.

Dates are announced each year and never computed; a season that nobody announced invites nobody.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from itertools import pairwise
from typing import NamedTuple

from service.domain.ages import add_months
from service.domain.data_files import Table
from service.domain.places import plain_name
from service.domain.protocol_file import Protocol, open_protocol, read_built_in
from service.domain.protocol_parameters import ProtocolMistake, Value, how_sure, number
from service.domain.protocols import Anchor


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
    for before, one in pairwise(season.rounds):
        if (one.first - before.first).days < floor or one.first <= before.last:
            raise ProtocolMistake(
                f"{part.where}: round {one.number} comes less than {floor} days after the one before, or before its end"
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
