"""What every letter is asked before it is kept: in which hours it may leave, and to whom nothing is written."""

from __future__ import annotations

from typing import NamedTuple

from service.domain.public_holidays import NONE
from service.domain.sending_hours import ALWAYS, ANY, DAY, DAYTIME, HoursTable, Profile


class LetterRules(NamedTuple):
    """`countries`: whose mobile numbers are written to, by two letters; empty: every country's."""

    hours: HoursTable
    zone: str
    countries: frozenset[str]
    own_numbers: frozenset[str]

    def leaves_at(self, name: str, not_before: int, useful_until: int, now: int) -> int | None:
        """When a letter held under this name may leave: `not_before` where it can, else the next good moment.

        None when there is none while it is useful.
        """
        since = max(now, not_before)
        moment = self.hours.good_instant(name, self.zone, since, useful_until)
        return not_before if moment == since else moment


NO_RULES = LetterRules(
    HoursTable("none", {ANY: ALWAYS, DAY: Profile((DAYTIME,))}, NONE), "UTC", frozenset(), frozenset()
)
"""Of a database that was opened without settings: by day, to whoever can be written to."""
