"""The next step of an appointment's ladder, whatever it is of; of a child, while its family wants to hear of it."""

from __future__ import annotations

from datetime import date

from service.domain import appointment_plan
from service.domain.appointment_plan import Quiet
from service.domain.reminder_ladder import Occurrence
from service.runtime import Runtime
from service.store.people_tables import Child


def step_after(
    runtime: Runtime, kind: str, on: date | None, lapses_on: date | None, told: str | None, now: int
) -> Occurrence | None:
    """The first step after `told` that is still useful; None when the ladder is climbed: the visit list is next.

    None too while nobody knows the day `on`.
    """
    return appointment_plan.step_after(runtime.ladder_for(kind), on, lapses_on, told, runtime.local(now), None)


def step_of(
    runtime: Runtime, one: Child, kind: str, on: date | None, lapses_on: date | None, told: str | None, now: int
) -> Occurrence | None:
    """The same for this child: none while its family refuses, and none before its silence ends."""
    quiet = Quiet(one.quiet_until) if one.quiet_why is not None else None
    return appointment_plan.step_after(runtime.ladder_for(kind), on, lapses_on, told, runtime.local(now), quiet)


def step_columns(step: Occurrence | None) -> dict[str, object]:
    """Where a ladder stands, as an appointment's row holds it."""
    return {"next_step": step.step if step else None, "next_step_on": step.on if step else None}
