"""Recalls: which contacts are coming for a child, and the reminder steps of each, one message per household and day.

`replan` rewrites a child's appointments whenever something about it changes. `queue_recalls` takes the steps that are
due today, and only those: its cost follows what is due, not how many children are followed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy.engine import Connection

from service.domain import contacts, local_time, reminder_ladder
from service.domain.contacts import Contact
from service.domain.reminder_ladder import Occurrence
from service.domain.vaccination import Given
from service.runtime import Runtime
from service.store import care_tables, message_tables, people_tables, recall_tables
from service.store.care_tables import Appointment, NextStep
from service.store.people_tables import Child
from service.store.recall_tables import DueAppointment, Told
from service.store.system_tables import count, counters
from service.stories import care, clock_guard, dispatch_gate, meeting_days
from service.stories.outbox import Letter, put_many
from service.stories.reminders import reminder_text

PAGE = 200
"""Households planned in one transaction: short enough that a caller's keystroke never waits for it."""
TAKEN_AS_TOLD = "recalls_taken_as_told"


# --- planning a child ---------------------------------------------------------------------------------------


def replan(tx: Connection, runtime: Runtime, child_id: int, now: int) -> list[Appointment]:
    """Make the child's appointments say what the schedule says now; what waited to be sent about others is cancelled.

    An appointment whose doses, anchor and day are unchanged stays as it is, with the steps already told. Gives those
    that were closed.
    """
    one = people_tables.find_child(tx, id=child_id)
    assert one is not None
    rows = care_tables.open_appointments(tx, child_id)
    coming = _contacts(tx, runtime, one, care.given_to(tx, one), rows, now)
    wanted = {(",".join(contact.doses), contact.anchor_on, contact.on): contact for contact in coming}
    standing = {(row.doses, row.anchor_on, row.on): row for row in rows}
    gone = [standing[key] for key in standing.keys() - wanted.keys()]
    care_tables.close_appointments(tx, [was.id for was in gone], now)
    _take_back(tx, runtime, [was.id for was in gone], now)
    _add(tx, runtime, one, [contact for key, contact in wanted.items() if key not in standing], now, gone)
    return gone


def plan_anew(tx: Connection, runtime: Runtime, one: Child, given: Sequence[Given], now: int) -> tuple[Contact, ...]:
    """The first plan of a child that was just enrolled: no appointment stands yet, so none is read."""
    coming = _contacts(tx, runtime, one, given, (), now)
    _add(tx, runtime, one, coming, now)
    return coming


def _contacts(
    tx: Connection, runtime: Runtime, one: Child, given: Sequence[Given], standing: Sequence[Appointment], now: int
) -> tuple[Contact, ...]:
    if one.status != "followed":
        return ()
    # A live dose given today holds the others only from tomorrow (R6), and nobody comes back the same day.
    as_of = contacts.planning_day(runtime.today(now), given)
    meet = meeting_days.days_for(tx, runtime, one, standing, as_of)
    return contacts.coming_contacts(care.assess_doses(runtime, one, given, as_of), one.enrolled_on, meet)


def _add(
    tx: Connection,
    runtime: Runtime,
    one: Child,
    coming: Iterable[Contact],
    now: int,
    gone: Sequence[Appointment] = (),
) -> None:
    rows = [_row(runtime, one, contact, _told_of(contact, gone), now) for contact in coming]
    care_tables.add_appointments(tx, rows)


def _told_of(contact: Contact, gone: Sequence[Appointment]) -> str | None:
    """The last step told of a contact that was given in part: its family has just been there."""
    for was in gone:
        same_day = was.anchor_on == contact.anchor_on and was.on == contact.on
        if same_day and set(contact.doses) <= set(was.doses.split(",")):
            return was.last_step
    return None


def _row(runtime: Runtime, one: Child, contact: Contact, told: str | None, now: int) -> dict[str, object]:
    step = step_of(runtime, one, contact.on, contact.lapses_on, told, now)
    return {
        "organisation_id": one.organisation_id,
        "programme_id": one.programme_id,
        "child_id": one.id,
        "household_id": one.household_id,
        "kind": "vaccine",
        "doses": ",".join(contact.doses),
        "anchor_on": contact.anchor_on,
        "lapses_on": contact.lapses_on,
        "meets_on": contact.meets_on,
        "awaits_stock": contact.awaits_stock,
        "last_step": told,
        "next_step": step.step if step else None,
        "next_step_on": step.on if step else None,
        "created_at": now,
        "updated_at": now,
    }


def _step_after(
    runtime: Runtime, on: date | None, lapses_on: date | None, told: str | None, now: int
) -> Occurrence | None:
    """The first step after `told` that is still useful; None when the ladder is climbed: the visit list is next.

    None too while nobody knows the day `on`.
    """
    return reminder_ladder.next_step(runtime.ladder, on, told, runtime.local(now), lapses_on) if on else None


def step_of(
    runtime: Runtime, one: Child, on: date | None, lapses_on: date | None, told: str | None, now: int
) -> Occurrence | None:
    """The same for this child: none while its family refuses, and none before its silence ends."""
    if one.quiet_why is None:
        return _step_after(runtime, on, lapses_on, told, now)
    if one.quiet_until is None:
        return None
    speaks_at = local_time.start_of_day(one.quiet_until, runtime.zone)
    step = _step_after(runtime, on, lapses_on, told, max(now, speaks_at))
    return step._replace(on=max(step.on, one.quiet_until)) if step else None


def said_otherwise(
    tx: Connection, runtime: Runtime, message_id: int, row: Appointment, leaves_on: date, now: int
) -> None:
    """A message that asks pardon tells the day of this appointment too: what its ladder would say by then need not be.

    It is taken back like a reminder when the appointment changes or is kept.
    """
    told = [Told(message_id, row.id, recall_tables.SORRY)]
    by_then = [
        step.name for step in runtime.ladder.steps if row.on and row.on + timedelta(step.offset_days) <= leaves_on
    ]
    if by_then:
        told.append(Told(message_id, row.id, by_then[-1]))
        after = _step_after(runtime, row.on, row.lapses_on, by_then[-1], now)
        care_tables.set_next_steps(tx, [_next(row.id, by_then[-1], after)], now)
    recall_tables.tell(tx, told)


def take_back(tx: Connection, runtime: Runtime, child_id: int, now: int) -> None:
    """What waits to be sent about this child is cancelled, and told anew: its phone or its centre has changed."""
    _take_back(tx, runtime, [row.id for row in care_tables.open_appointments(tx, child_id)], now)


def _take_back(tx: Connection, runtime: Runtime, appointment_ids: Sequence[int], now: int) -> None:
    """Cancel the queued messages that tell of these appointments; siblings told of by the same message wait again."""
    if appointment_ids:
        told = recall_tables.messages_telling_of(tx, appointment_ids)
        _unsay(tx, runtime, told, "the appointment changed", now)


def _unsay(tx: Connection, runtime: Runtime, message_ids: Sequence[int], reason: str, now: int) -> None:
    """Cancel those still queued; the open appointments they told of wait again. The others are not tried again."""
    message_tables.try_no_more(tx, message_ids, now)
    cancelled = message_tables.cancel(tx, message_ids, now, reason)
    again: dict[int, str] = {}
    order = [one.name for one in runtime.ladder.steps]
    for appointment_id, step in recall_tables.untell(tx, cancelled) if cancelled else ():
        if step != recall_tables.SORRY:
            again[appointment_id] = min(again.get(appointment_id, step), step, key=order.index)
    today = runtime.today(now)
    waiting = [NextStep(id, _step_before(runtime, step), step, today) for id, step in again.items()]
    care_tables.set_next_steps(tx, waiting, now)


def _step_before(runtime: Runtime, step: str) -> str | None:
    names = [one.name for one in runtime.ladder.steps]
    return names[names.index(step) - 1] if step in names[1:] else None


# --- the day's reminders ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Due:
    """An appointment whose next step is to be told now."""

    row: DueAppointment
    step: Occurrence


def queue_recalls(runtime: Runtime) -> int:
    """Queue one message for every household with a step due by today; gives how many were queued.

    Running it twice, or in two workers at once, queues nothing twice: households are locked, keys are unique.
    """
    queued = 0
    while True:
        now = runtime.now()
        with runtime.database.begin() as tx:
            if clock_guard.holds(tx):
                return queued
            seen, done = _queue_page(tx, runtime, now)
        queued += done
        if not seen:
            return queued


def plan_restored_day(tx: Connection, runtime: Runtime, now: int) -> int:
    """Right after a restore, plan the day once more, and never again what may have been told since the backup.

    Whatever should have left by now is taken as told; the ladder goes on from there. Gives how many steps that were.
    """
    before = counters(tx).get(TAKEN_AS_TOLD, 0)
    seen = 1
    while seen:
        seen, _ = _queue_page(tx, runtime, now)
    return counters(tx).get(TAKEN_AS_TOLD, 0) - before


class _Rehearsed(Exception):
    """Ends a transaction that must change nothing."""


def count_due(runtime: Runtime) -> int:
    """How many messages `queue_recalls` would queue now; changes nothing."""
    queued = 0
    try:
        with runtime.database.begin() as tx:
            seen = 1
            while seen:
                seen, done = _queue_page(tx, runtime, runtime.now())
                queued += done
            raise _Rehearsed
    except _Rehearsed:
        return queued


def _queue_page(tx: Connection, runtime: Runtime, now: int) -> tuple[int, int]:
    today = runtime.today(now)
    midnight = local_time.start_of_day(today, runtime.zone)
    homes = recall_tables.lock_due_households(tx, today, PAGE)
    # What did not leave on its own day says the same as today's message, which takes its place.
    _unsay(tx, runtime, recall_tables.left_over(tx, homes, midnight), "said by a later message", now)
    rows = recall_tables.due_appointments(tx, homes, today)
    heard = recall_tables.written_to(tx, homes, midnight)
    passed = sum(_passed_over(runtime, row, now) for row in rows)
    if passed:
        count(tx, "recall_steps_passed_over", passed)
    by_household: dict[int, list[Due]] = defaultdict(list)
    held, steps = 0, list[NextStep]()
    for row in rows:
        told, step = _step_to_tell(runtime, row, now)
        held += told != row.last_step
        if step is not None and step.on <= today:
            by_household[row.household_id].append(Due(row, step))
        else:  # its time has passed while nobody planned: the next useful step, or none
            steps.append(_next(row.id, told, step))
    if held:
        count(tx, "recall_steps_without_a_good_moment", held)
    taken = _taken_as_told(tx, runtime, by_household, today)
    refused = recall_tables.who_refused(tx, [dues[0].row.number_idx for dues in by_household.values()])
    letters = {
        house: _letter(runtime, dues, now)
        for house, dues in by_household.items()
        if dues[0].row.number is not None and dues[0].row.number_idx not in refused and house not in heard | taken
    }
    queued = put_many(tx, now, list(letters.values()))
    told_now: list[Told] = []
    for house, dues in by_household.items():
        letter = letters.get(house)
        message_id = queued.get(letter.key) if letter else None
        if house in heard or (letter and message_id is None):
            steps += [_tomorrow(due, today) for due in dues]  # this household had its message of today
            continue
        if message_id is not None:
            told_now += [Told(message_id, due.row.id, due.step.step) for due in dues]
        steps += [_next(due.row.id, due.step.step, _after(runtime, due, now)) for due in dues]
    recall_tables.tell(tx, told_now)
    care_tables.set_next_steps(tx, steps, now)
    return len(rows), len(queued)


def _taken_as_told(tx: Connection, runtime: Runtime, dues_of: Mapping[int, Sequence[Due]], today: date) -> set[int]:
    """On the day of a restore: the households whose message of that day, if there was one, had left by then."""
    restored_at = dispatch_gate.restored_at(tx)
    if not restored_at or runtime.today(restored_at) != today:
        return set()
    told = {house for house, dues in dues_of.items() if _leaves_at(runtime, dues) <= restored_at}
    if told:
        count(tx, TAKEN_AS_TOLD, sum(len(dues_of[house]) for house in told))
    return told


def _leaves_at(runtime: Runtime, dues: Sequence[Due]) -> int:
    return min(local_time.instant(due.step.at, runtime.zone) for due in dues)


def _step_to_tell(runtime: Runtime, row: DueAppointment, now: int) -> tuple[str | None, Occurrence | None]:
    """The first step with an hour in which it may still leave, and the step before it that was told or let go."""
    told = row.last_step
    while True:
        step = _step_after(runtime, row.on, row.lapses_on, told, now)
        if step is None or step.on > runtime.today(now) or _may_still_leave(runtime, row, step, now):
            return told, step
        told = step.step


def _may_still_leave(runtime: Runtime, row: DueAppointment, step: Occurrence, now: int) -> bool:
    """A feast, a market or a short day may leave no hour before the step is no longer useful."""
    since = max(now, local_time.instant(step.at, runtime.zone))
    until = local_time.instant(step.until, runtime.zone)
    return runtime.hours.good_instant(_hours(runtime, row), runtime.zone, since, until) is not None


def _hours(runtime: Runtime, row: DueAppointment) -> str:
    return runtime.hours.name_for("reminder", row.zone)


def _passed_over(runtime: Runtime, row: DueAppointment, now: int) -> int:
    """How many steps went by while nobody planned: they are counted, never dropped in silence."""
    before = _step_before(runtime, row.next_step)
    here = runtime.local(now)
    return len(reminder_ladder.steps_passed_over(runtime.ladder, row.on, before, here, row.lapses_on))


def _letter(runtime: Runtime, dues: Sequence[Due], now: int) -> Letter:
    """The household's one message of the day, about all its children, useful as long as its shortest step."""
    first = dues[0].row
    assert first.number is not None, "a household without a phone gets no letter"
    day = runtime.today(now)
    return Letter(
        to=first.number,
        text=reminder_text(
            runtime,
            first.language,
            [due.row.on for due in dues],
            {due.row.centre for due in dues},
            {due.step.phrase for due in dues},
        ),
        key=f"recall:{first.programme_id}:{first.household_id}:{day.isoformat()}",
        purpose="reminder",
        klass="must-arrive",
        not_before=_leaves_at(runtime, dues),
        useful_until=min(local_time.instant(due.step.until, runtime.zone) for due in dues),
        hours=_hours(runtime, first),
        organisation_id=first.organisation_id,
        programme_id=first.programme_id,
    )


def _after(runtime: Runtime, due: Due, now: int) -> Occurrence | None:
    return _step_after(runtime, due.row.on, due.row.lapses_on, due.step.step, now)


def _tomorrow(due: Due, today: date) -> NextStep:
    return NextStep(due.row.id, due.row.last_step, due.step.step, today + timedelta(days=1))


def _next(appointment_id: int, told: str | None, step: Occurrence | None) -> NextStep:
    return NextStep(appointment_id, told, step and step.step, step and step.on)
