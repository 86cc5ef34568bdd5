"""Which children a mediator is asked to visit, and whom first: the ladder of reminders ends with her."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import NamedTuple, Protocol, TypeVar


class LateRule(NamedTuple):
    """Days late after which a visit is called for. `told`: the offset of the ladder's last reminder.

    `untold`: of a family that no reminder reaches, where its ladder would go on for longer.
    """

    told: int
    untold: int

    @property
    def soonest(self) -> int:
        return min(self.told, self.untold)


class Late(Protocol):
    """What the order is made of. Read-only: tuples have them."""

    @property
    def days_late(self) -> int: ...
    @property
    def born_on(self) -> date: ...
    @property
    def code(self) -> str: ...


L = TypeVar("L", bound=Late)


def needs_visit(rule: LateRule, days_late: int, *, is_climbed: bool, is_reached: bool) -> bool:
    """Nothing more is said of this appointment and its last day passed, or nobody could be told of it at all."""
    if is_climbed and days_late > rule.told:
        return True
    return not is_reached and days_late > rule.untold


def most_urgent_first(children: Iterable[L]) -> list[L]:
    """Whoever waits longest first; of those the youngest, whom a dose missed leaves open the longest."""
    return sorted(children, key=lambda one: (-one.days_late, -one.born_on.toordinal(), one.code))


class Band(NamedTuple):
    """Days late from the first to the last, both counted; None: and all that is later."""

    first: int
    last: int | None

    def has(self, days_late: int) -> bool:
        return self.first <= days_late and (self.last is None or days_late <= self.last)


def bands(rule: LateRule, bounds: Iterable[int]) -> list[Band]:
    """The days late of a list, cut after each of these bounds."""
    first, cut = rule.soonest + 1, list[Band]()
    for last in sorted(set(bounds)):
        if last >= first:
            cut.append(Band(first, last))
            first = last + 1
    return [*cut, Band(first, None)]
