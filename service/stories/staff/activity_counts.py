"""What mediators did, counted for reports: visits at home and talks, by month and quartier. No child is named in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date

from service.domain.ages import add_months
from service.domain.indicator_definitions import ACTIVITY_MONTHS
from service.domain.indicators import WHOLE, Definition, Indicator
from service.domain.talk_words import built_in_themes
from service.runtime import Runtime
from service.store import report_tables, talk_tables

EVERY_TALK, EVERY_VISIT = "Toutes les causeries", "Toutes les visites"
Groups = Callable[[int], tuple[str, ...]]
"""The groups that something in this quartier belongs to."""


def first_day(as_of: date) -> date:
    """The day from which activities are counted."""
    return add_months(as_of.replace(day=1), 1 - ACTIVITY_MONTHS)


def groups_of(zones: Mapping[int, str], *, by_zone: bool) -> Groups:
    return lambda zone_id: (WHOLE, zones[zone_id]) if by_zone else (WHOLE,)


def visits(runtime: Runtime, said: Definition, as_of: date, zone_id: int | None, groups: Groups) -> list[Indicator]:
    """A line for each month, and one for all."""
    with runtime.database.read() as tx:
        found = report_tables.visits_between(tx, first_day(as_of), as_of, zone_id)
    sums = _Sums(said, EVERY_VISIT)
    for one in found:
        sums.add((EVERY_VISIT, f"{one.month:%Y-%m}"), groups(one.zone_id), one.seen, one.visits)
    return sums.indicators()


def talks(runtime: Runtime, said: Definition, as_of: date, zone_id: int | None, groups: Groups) -> list[Indicator]:
    """A line for each month and theme, and one for all.

    Small numbers are shown: a talk is public, and nobody is known by having been among so many.
    """
    with runtime.database.read() as tx:
        held = talk_tables.held_between(tx, first_day(as_of), as_of, zone_id)
    names = built_in_themes().names
    sums = _Sums(said, EVERY_TALK)
    for one in held:
        theme = f"{one.month:%Y-%m} {names.get(one.theme, one.theme)}"
        sums.add((EVERY_TALK, theme), groups(one.zone_id), one.participants, one.talks)
    return sums.indicators()


class _Sums:
    """Numerators and denominators by line and group; the line of everything is there even when nothing was."""

    def __init__(self, said: Definition, everything: str) -> None:
        self.said, self.everything = said, everything
        self.cells: dict[tuple[str, str], list[int]] = {(everything, WHOLE): [0, 0]}

    def add(self, lines: tuple[str, ...], groups: tuple[str, ...], top: int, bottom: int) -> None:
        for line in lines:
            for group in groups:
                cell = self.cells.setdefault((line, group), [0, 0])
                cell[0] += top
                cell[1] += bottom

    def indicators(self) -> list[Indicator]:
        """Everything first, then the lines in order, the whole of each before its groups."""
        keys = sorted(self.cells, key=lambda key: (key[0] != self.everything, key[0], key[1] != WHOLE, key[1]))
        cells = ((key, self.cells[key]) for key in keys)
        return [Indicator(self.said, name, group, top, bottom) for (name, group), (top, bottom) in cells]
