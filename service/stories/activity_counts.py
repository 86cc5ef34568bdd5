"""What mediators did, counted for reports: talks by month, theme and quartier. No child and no family is in it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import date

from service.domain.ages import add_months
from service.domain.indicator_definitions import ACTIVITY_MONTHS
from service.domain.indicators import WHOLE, Definition, Indicator
from service.domain.talk_words import built_in_themes
from service.runtime import Runtime
from service.store import talk_tables

EVERY_TALK = "Toutes les causeries"


def talks(
    runtime: Runtime, said: Definition, as_of: date, zones: Mapping[int, str], zone_id: int | None, *, by_zone: bool
) -> list[Indicator]:
    """A line for each month and theme, and one for all; split by quartier where that is wanted.

    Small numbers are shown: a talk is public, and nobody is known by having been among so many.
    """
    first = add_months(as_of.replace(day=1), 1 - ACTIVITY_MONTHS)
    with runtime.database.read() as tx:
        held = talk_tables.held_between(tx, first, as_of, zone_id)
    names = built_in_themes().names
    sums: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    sums[EVERY_TALK, WHOLE] = [0, 0]
    for one in held:
        lines = (EVERY_TALK, f"{one.month:%Y-%m} {names.get(one.theme, one.theme)}")
        groups = (WHOLE, zones[one.zone_id]) if by_zone else (WHOLE,)
        for line in lines:
            for group in groups:
                sums[line, group][0] += one.participants
                sums[line, group][1] += one.talks
    rows = sorted(
        sums.items(), key=lambda item: (item[0][0] != EVERY_TALK, item[0][0], item[0][1] != WHOLE, item[0][1])
    )
    return [Indicator(said, name, group, listened, times) for (name, group), (listened, times) in rows]
