"""The day's recalls, a page of households in one transaction: what is due, what is told of it, and what comes next."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import cache, partial

from sqlalchemy.engine import Connection

from service.domain import local_time
from service.domain.reminder_ladder import Occurrence
from service.domain.steps_due import Standing, StepsDue
from service.runtime import Runtime
from service.store import care_tables, centre_tables, recall_tables
from service.store.care_tables import NextStep
from service.store.recall_tables import DueAppointment, Told
from service.store.system_tables import count
from service.stories.delivery import dispatch_gate
from service.stories.delivery.outbox import put_many
from service.stories.recall import meeting_days, trials, unsaid
from service.stories.recall.recall_letters import Ready, hours_of, leaves_at, ready_letters, said_today
from service.stories.recall.told_together import DaysOf, Due, Together
from service.stories.recall.trials import Underway

TAKEN_AS_TOLD = "recalls_taken_as_told"
Replan = Callable[[Connection, Runtime, int, int], object]
DuesOf = dict[int, Sequence[Due]]
"""household -> what is told to it now."""


def queue_page(tx: Connection, runtime: Runtime, now: int, most: int, replan: Replan) -> tuple[int, int]:
    """(appointments seen, messages queued) of at most so many households with something due; (0, 0): none is left.

    `replan` plans a child anew.
    """
    steps = StepsDue(runtime.ladder_for, runtime.hours, runtime.zone, now)
    midnight = local_time.start_of_day(steps.today, runtime.zone)
    underway = trials.underway(tx, runtime, steps.today)  # before any household is locked, as whoever stops one does
    homes = recall_tables.lock_due_households(tx, steps.today, most)
    if not homes:
        return 0, 0
    # What did not leave on its own day says the same as today's message, which takes its place.
    unsaid.unsay(tx, runtime, recall_tables.left_over(tx, homes, midnight), "said by a later message", now)
    days_of = cache(partial(centre_tables.days_of, tx))
    seen, rows = _due(tx, runtime, homes, steps, replan, days_of)
    heard = recall_tables.written_to(tx, homes, midnight)
    due_in, moved_on = _sorted_out(tx, runtime, steps, rows, underway)
    dues_of: DuesOf = {}
    for house, due in due_in.items():
        dues_of[house], waits = said_today(due)
        moved_on += [_tomorrow(each, steps) for each in waits]
    heard_or_taken = heard | _taken_as_told(tx, runtime, steps, dues_of)
    together = Together(runtime, steps, days_of)
    ready = ready_letters(tx, runtime, together, steps, dues_of, heard_or_taken, underway)
    queued = put_many(tx, now, [one.letter for one in ready.values()])
    told, told_of = _written_down(steps, dues_of, heard, ready, queued)
    recall_tables.tell(tx, told)
    care_tables.set_next_steps(tx, moved_on + told_of, now)
    return seen, len(queued)


def _due(
    tx: Connection, runtime: Runtime, homes: Sequence[int], steps: StepsDue, replan: Replan, days_of: DaysOf
) -> tuple[int, list[DueAppointment]]:
    """(how many were due, what is told of now) for these households.

    Whoever is late while the centre's next day is cancelled, or what is due is out of stock, is planned anew first:
    such a day may have been told of before the child was late.
    """
    rows = recall_tables.due_appointments(tx, homes, steps.today)
    late = meeting_days.held_up(runtime, [row for row in rows if row.on < steps.today], steps.today, days_of)
    for child_id in sorted(late):
        replan(tx, runtime, child_id, steps.now)
    # Nothing may be left of a page that was planned anew; it is not the last one for that.
    return len(rows), recall_tables.due_appointments(tx, homes, steps.today) if late else rows


def _sorted_out(
    tx: Connection, runtime: Runtime, steps: StepsDue, rows: Sequence[DueAppointment], underway: Underway
) -> tuple[dict[int, list[Due]], list[NextStep]]:
    """What is told now; and of the rest, whose step went by, had no good hour or was left out, where it stands now."""
    dues_of: dict[int, list[Due]] = defaultdict(list)
    moved_on: list[NextStep] = []
    passed = held = 0
    for row in rows:
        hours = hours_of(runtime, row)
        found = steps.decide(Standing(row.kind, row.on, row.lapses_on, row.last_step, row.next_step, hours))
        passed += found.passed
        held += found.told != row.last_step
        told, step = found.told, found.step
        while step is not None and step.on <= steps.today and underway.withholds(row, step.step):
            told, step = step.step, _after(steps, row, step.step)
        if step is not None and step.on <= steps.today:
            dues_of[row.household_id].append(Due(row, step))
        else:  # its time has passed while nobody planned: the next useful step, or none
            moved_on.append(_next(row, told, step))
    if passed:
        count(tx, "recall_steps_passed_over", passed)
    if held:
        count(tx, "recall_steps_without_a_good_moment", held)
    underway.write_down(tx)
    return dues_of, moved_on


def _taken_as_told(tx: Connection, runtime: Runtime, steps: StepsDue, dues_of: DuesOf) -> set[int]:
    """On the day of a restore: the households whose message of that day, if there was one, had left by then."""
    restored_at = dispatch_gate.restored_at(tx)
    if not restored_at or runtime.today(restored_at) != steps.today:
        return set()
    told = {house for house, dues in dues_of.items() if leaves_at(steps, dues) <= restored_at}
    if told:
        count(tx, TAKEN_AS_TOLD, sum(len(dues_of[house]) for house in told))
    return told


def _written_down(
    steps: StepsDue, dues_of: DuesOf, heard: set[int], ready: Mapping[int, Ready], queued: Mapping[str, int]
) -> tuple[list[Told], list[NextStep]]:
    """What the queued messages tell, and where the ladder of everything that was due stands now."""
    told: list[Told] = []
    stand: list[NextStep] = []
    for house, dues in dues_of.items():
        one = ready.get(house)
        message_id = queued.get(one.letter.key) if one else None
        if house in heard or (one and message_id is None):
            stand += [_tomorrow(due, steps) for due in dues]  # this household had its message of today
            continue
        if one and message_id is not None:
            on = one.said.awaited
            told += [Told(message_id, due.row.id, due.step.step, on.get(due.row.id)) for due in one.said.dues]
        wait = one.said.wait if one else []
        for due in dues:
            over = _next(due.row, due.step.step, _after(steps, due.row, due.step.step))
            stand.append(_tomorrow(due, steps) if due in wait else over)
    return told, stand


def _after(steps: StepsDue, row: DueAppointment, told: str) -> Occurrence | None:
    return steps.after(row.kind, row.on, row.lapses_on, told)


def _tomorrow(due: Due, steps: StepsDue) -> NextStep:
    return NextStep(due.row.id, due.row.last_step, due.step.step, steps.today + timedelta(days=1))


def _next(row: DueAppointment, told: str | None, step: Occurrence | None) -> NextStep:
    return NextStep(row.id, told, step and step.step, step and step.on)
