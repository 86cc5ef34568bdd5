"""The next step of an appointment's ladder, whatever it is of; of a child, while its family wants to hear of it."""

from __future__ import annotations

from datetime import date

from service.domain import local_time, reminder_ladder
from service.domain.reminder_ladder import Occurrence
from service.runtime import Runtime
from service.store.people_tables import Child


def step_after(
    runtime: Runtime, kind: str, on: date | None, lapses_on: date | None, told: str | None, now: int
) -> Occurrence | None:
    """The first step after `told` that is still useful; None when the ladder is climbed: the visit list is next.

    None too while nobody knows the day `on`.
    """
    ladder = runtime.ladder_for(kind)
    return reminder_ladder.next_step(ladder, on, told, runtime.local(now), lapses_on) if on else None


def step_of(
    runtime: Runtime, one: Child, kind: str, on: date | None, lapses_on: date | None, told: str | None, now: int
) -> Occurrence | None:
    """The same for this child: none while its family refuses, and none before its silence ends."""
    if one.quiet_why is None:
        return step_after(runtime, kind, on, lapses_on, told, now)
    if one.quiet_until is None:
        return None
    speaks_at = local_time.start_of_day(one.quiet_until, runtime.zone)
    step = step_after(runtime, kind, on, lapses_on, told, max(now, speaks_at))
    return step._replace(on=max(step.on, one.quiet_until)) if step else None
