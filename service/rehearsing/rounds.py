"""The malaria rounds of a rehearsed year, as a programme announces them: one is moved, one is called off."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Literal, NamedTuple

from service.domain.malaria_rounds import Round
from service.rehearsing.behaviour import Season

Kind = Literal["announced", "moved", "cancelled"]
TOLD_AT = 10 * 60 + 10
"""Minutes of the day."""


class RoundWord(NamedTuple):
    """What the programme says on a day. Both days of the round are included."""

    on: date
    kind: Kind
    number: int
    first: date
    last: date

    @property
    def round(self) -> Round:
        return Round(self.number, self.first, self.last, None)


def words_of(season: Season, first: date, last: date) -> list[RoundWord]:
    """What is said within these days, in the order of time."""
    found = [word for year in range(first.year, last.year + 1) for word in _words(season, year)]
    spoken_of = [word for word in found if first <= word.on <= last]
    begun = {(word.first.year, word.number) for word in spoken_of if word.kind == "announced"}
    return sorted(word for word in spoken_of if (word.first.year, word.number) in begun)


def _words(season: Season, year: int) -> Iterator[RoundWord]:
    for number in range(1, season.many + 1):
        first = date(year, season.month, season.day) + timedelta(season.every_days * (number - 1))
        last = first + timedelta(season.days - 1)
        yield RoundWord(first - timedelta(season.announced_before), "announced", number, first, last)
        told = first - timedelta(season.told_before)
        if number == season.moved:
            by = timedelta(season.moved_by)
            yield RoundWord(told, "moved", number, first + by, last + by)
        elif number == season.cancelled:
            yield RoundWord(told, "cancelled", number, first, last)
