"""Of all that is due in a household, what its message of today tells: one clear day, as `household_day` decides."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from functools import cache, partial
from types import MappingProxyType
from typing import NamedTuple

from service.domain.centre_days import NOTHING_KNOWN, CentreDays
from service.domain.experiments import LATE
from service.domain.household_day import OneDue, Words, household_day
from service.domain.reminder_ladder import Occurrence
from service.domain.steps_due import Standing, StepsDue
from service.runtime import Runtime
from service.store.care_tables import VACCINE
from service.store.recall_tables import DueAppointment
from service.stories.recall import meeting_days

NOON = 12
"""Whoever reads after it comes to no session of that day (hypothesis: centres vaccinate in the morning)."""

DaysOf = Callable[[int], CentreDays]
"""What is known of the days of a centre."""


class Due(NamedTuple):
    """An appointment whose next step is to be told now."""

    row: DueAppointment
    step: Occurrence

    @property
    def is_late(self) -> bool:
        return self.step.phrase == LATE


class Said(NamedTuple):
    """What one message is about, the days that it names, and which sentence it is; the others wait for tomorrow.

    `awaited`: appointment -> the day among them on which whoever is late may come.
    """

    dues: list[Due]
    days: tuple[date, ...]
    words: Words
    wait: list[Due]
    awaited: Mapping[int, date] = MappingProxyType({})


class Together:
    """Asked for every household of a page; it lives as long as the page."""

    def __init__(self, runtime: Runtime, steps: StepsDue, days_of: DaysOf) -> None:
        self._runtime, self._steps, self._days_of = runtime, steps, days_of
        self._given_from = cache(self._first_day)

    def said(self, dues: Sequence[Due], hours: str) -> Said:
        """`hours`: the name under which this household is written to."""
        late = any(due.is_late for due in dues)
        if not late and len({due.row.on for due in dues}) == 1:  # nearly all
            return Said(list(dues), (dues[0].row.on,), "before", [])
        here = max(self._steps.here, min(due.step.at for due in dues))
        since = here.date() + timedelta(here.hour >= NOON)
        asked = [self._one(due, hours) for due in dues]
        found = household_day(asked, self._steps.today, since)
        told = [dues[place] for place in found.told]
        awaited = {dues[at].row.id: asked[at].day_among(found.days) for at in found.told if dues[at].is_late}
        return Said(told, found.days, found.words, [due for due in dues if due not in told], awaited)

    def _one(self, due: Due, hours: str) -> OneDue:
        row = due.row
        can_wait = self._steps.same_tomorrow(
            Standing(row.kind, row.on, row.lapses_on, row.last_step, due.step.step, hours)
        )
        if not due.is_late:
            return OneDue(row.on, False, can_wait and row.on > self._steps.today + timedelta(1))
        days = self._days_of(row.centre_id) if row.kind == VACCINE and row.centre_id is not None else NOTHING_KNOWN
        given_from = partial(self._given_from, row.centre_id, row.doses, row.lapses_on)
        return OneDue(row.on, True, can_wait, given_from if days != NOTHING_KNOWN else _any_day, not days.weekly)

    def _first_day(self, centre_id: int, doses: str, lapses_on: date | None, since: date) -> date | None:
        """The first day on which any of them is given, while it still may be."""
        return meeting_days.first_of(self._runtime, self._days_of(centre_id), doses.split(","), since, lapses_on)


def _any_day(since: date) -> date:
    return since
