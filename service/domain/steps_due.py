"""What the ladders say at one moment, worked out once for all appointments that stand alike.

Of the thousands of a day nearly all do: they were told the same step of the same ladder, and their day is the same.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import NamedTuple

from service.domain import local_time, reminder_ladder
from service.domain.reminder_ladder import Ladder, Occurrence
from service.domain.sending_hours import HoursTable


class Standing(NamedTuple):
    """How an appointment stands, with a step due; `hours` is the name under which its household is written to."""

    kind: str
    on: date
    lapses_on: date | None
    last_step: str | None
    next_step: str
    hours: str


class Decision(NamedTuple):
    """The step to tell, today or later, None when the ladder is climbed; `told` is the one before it, told or let go.

    `passed`: how many steps went by while nobody planned.
    """

    told: str | None
    step: Occurrence | None
    passed: int


class StepsDue:
    """Asked as often as one likes; it lives as long as its moment `now`: UTC milliseconds."""

    def __init__(self, ladder_for: Callable[[str], Ladder], hours: HoursTable, zone: str, now: int) -> None:
        self.now, self.today = now, local_time.day_of(now, zone)
        self._ladder_for, self._hours, self._zone = ladder_for, hours, zone
        self.here = local_time.local(now, zone)
        self._decisions: dict[Standing, Decision] = {}
        self._after: dict[tuple[str, date, date | None, str | None], Occurrence | None] = {}
        self._instants: dict[datetime, int] = {}
        self._tomorrow: dict[Standing, bool] = {}

    def decide(self, one: Standing) -> Decision:
        found = self._decisions.get(one)
        if found is None:
            found = self._decisions[one] = self._decide(one)
        return found

    def after(self, kind: str, on: date, lapses_on: date | None, told: str | None) -> Occurrence | None:
        """The first step after `told` that is still useful; None when the ladder is climbed: the visit list is next."""
        key = kind, on, lapses_on, told
        if key not in self._after:
            ladder = self._ladder_for(kind)
            self._after[key] = reminder_ladder.next_step(ladder, on, told, self.here, lapses_on)
        return self._after[key]

    def same_tomorrow(self, one: Standing) -> bool:
        """Whether this step, told tomorrow, is the same one, and has an hour in which it may leave."""
        found = self._tomorrow.get(one)
        if found is None:
            found = self._tomorrow[one] = self._is_same_tomorrow(one)
        return found

    def instant(self, hour_of_a_step: datetime) -> int:
        """Its UTC milliseconds. No step is written for the second time that an hour is lived."""
        found = self._instants.get(hour_of_a_step)
        if found is None:
            found = self._instants[hour_of_a_step] = local_time.instant(hour_of_a_step, self._zone)
        return found

    def _decide(self, one: Standing) -> Decision:
        """The first step with an hour in which it may still leave."""
        told = one.last_step
        while True:
            step = self.after(one.kind, one.on, one.lapses_on, told)
            if step is None or step.on > self.today or self._may_still_leave(one.hours, step):
                return Decision(told, step, self._passed_over(one))
            told = step.step

    def _is_same_tomorrow(self, one: Standing) -> bool:
        midnight = datetime.combine(self.today + timedelta(1), time())
        ladder = self._ladder_for(one.kind)
        before = reminder_ladder.step_before(ladder, one.next_step)
        step = reminder_ladder.next_step(ladder, one.on, before, midnight, one.lapses_on)
        if step is None or step.step != one.next_step:
            return False
        since = max(local_time.start_of_day(midnight.date(), self._zone), self.instant(step.at))
        return self._hours.good_instant(one.hours, self._zone, since, self.instant(step.until)) is not None

    def _may_still_leave(self, hours: str, step: Occurrence) -> bool:
        """A feast, a market or a short day may leave no hour before the step is no longer useful."""
        since = max(self.now, self.instant(step.at))
        return self._hours.good_instant(hours, self._zone, since, self.instant(step.until)) is not None

    def _passed_over(self, one: Standing) -> int:
        """They are counted, never dropped in silence."""
        ladder = self._ladder_for(one.kind)
        before = reminder_ladder.step_before(ladder, one.next_step)
        return len(reminder_ladder.steps_passed_over(ladder, one.on, before, self.here, one.lapses_on))
