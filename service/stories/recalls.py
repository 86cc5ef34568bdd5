"""Recalls: which contacts are coming for a child, and the reminder steps of each, one message per household and day.

`replan` rewrites a child's appointments whenever something about it changes. Follow-ups (`follow_up_plans`) put theirs
beside them, each kind on its own ladder: a household hears of all of them in the same message, in the same words.
`queue_recalls` takes the steps that are due today, and only those: its cost follows what is due, not how many are
followed.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta

from sqlalchemy.engine import Connection

from service.domain import contacts, local_time, reminder_ladder
from service.domain.contacts import Contact
from service.domain.reminder_ladder import Occurrence
from service.domain.vaccination import Given
from service.runtime import Runtime
from service.store import care_tables, message_tables, people_tables, recall_tables
from service.store.care_tables import VACCINE, Appointment, NextStep
from service.store.people_tables import Child
from service.store.recall_tables import DueAppointment, Told
from service.store.system_tables import count, counters
from service.stories import care, clock_guard, dispatch_gate, meeting_days, paged_work, trials
from service.stories.outbox import put_many
from service.stories.recall_letters import Due, hours_of, leaves_at, ready_letters

PAGE = 200
"""At most so many households in one transaction; where that takes long, fewer."""
TAKEN_AS_TOLD = "recalls_taken_as_told"


# --- planning a child ---------------------------------------------------------------------------------------


def replan(tx: Connection, runtime: Runtime, child_id: int, now: int, *, taken_back: bool = False) -> list[Appointment]:
    """Make the child's appointments say what the schedule says now; what waited to be sent about others is cancelled.

    An appointment whose doses, anchor and day are unchanged stays as it is, with the steps already told. Gives those
    that were closed. `taken_back`: a dose was, and a contact that it had closed goes on where its ladder stood.
    """
    one = people_tables.find_child(tx, id=child_id)
    assert one is not None
    rows, given = care_tables.open_appointments(tx, child_id), care.given_to(tx, one)
    coming = _contacts(tx, runtime, one, given, rows, now)
    wanted = {(",".join(contact.doses), contact.anchor_on, contact.on): contact for contact in coming}
    standing = {(row.doses, row.anchor_on, row.on): row for row in rows}
    gone = [standing[key] for key in standing.keys() - wanted.keys()]
    # While they are open: which of their steps were told is asked.
    unsaid = unsay_appointments(tx, runtime, [was.id for was in gone], now)
    care_tables.close_appointments(tx, [was.id for was in gone], now)
    heard = [
        was if _came(runtime, was, given) else was._replace(last_step=unsaid.get(was.id, was.last_step)) for was in gone
    ]
    if taken_back:
        heard += _closed_before(tx, runtime, child_id)
    _add(tx, runtime, one, [contact for key, contact in wanted.items() if key not in standing], now, heard)
    return gone


def _closed_before(tx: Connection, runtime: Runtime, child_id: int) -> list[Appointment]:
    """Appointments that were closed, each with the last of its steps that left, the one closed last first."""
    order = [one.name for one in runtime.ladder.steps]
    heard: dict[int, Appointment] = {}
    for was, step in recall_tables.closed_and_told(tx, child_id):
        before = heard.get(was.id)
        if step in order and (before is None or order.index(step) > order.index(before.last_step or step)):
            heard[was.id] = was._replace(last_step=step)
    return list(heard.values())


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
    heard: Sequence[Appointment] = (),
) -> None:
    rows = [_row(runtime, one, contact, _told_of(contact, heard), now) for contact in coming]
    care_tables.add_appointments(tx, rows)


def _came(runtime: Runtime, was: Appointment, given: Sequence[Given]) -> bool:
    """Whether something of it was given since its ladder began: the family has just been there."""
    antigens = {runtime.calendar.dose(dose)[0].record_as for dose in was.doses.split(",")}
    since = (was.on or was.anchor_on) + timedelta(runtime.ladder.steps[0].offset_days)
    return any(dose.antigen in antigens and dose.on >= since for dose in given)


def _told_of(contact: Contact, heard: Sequence[Appointment]) -> str | None:
    """The last step that the family heard of a contact of which something fell away."""
    for was in heard:
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
        "kind": VACCINE,
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
    runtime: Runtime, kind: str, on: date | None, lapses_on: date | None, told: str | None, now: int
) -> Occurrence | None:
    """The first step after `told` that is still useful; None when the ladder is climbed: the visit list is next.

    None too while nobody knows the day `on`.
    """
    ladder = runtime.ladder_for(kind)
    return reminder_ladder.next_step(ladder, on, told, runtime.local(now), lapses_on) if on else None


def step_of(
    runtime: Runtime, one: Child, on: date | None, lapses_on: date | None, told: str | None, now: int
) -> Occurrence | None:
    """The same for this child: none while its family refuses, and none before its silence ends."""
    if one.quiet_why is None:
        return _step_after(runtime, VACCINE, on, lapses_on, told, now)
    if one.quiet_until is None:
        return None
    speaks_at = local_time.start_of_day(one.quiet_until, runtime.zone)
    step = _step_after(runtime, VACCINE, on, lapses_on, told, max(now, speaks_at))
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
        after = _step_after(runtime, VACCINE, row.on, row.lapses_on, by_then[-1], now)
        care_tables.set_next_steps(tx, [_next(row.id, by_then[-1], after)], now)
    recall_tables.tell(tx, told)


def take_back(tx: Connection, runtime: Runtime, child_id: int, now: int) -> None:
    """What waits to be sent about this child is cancelled, and told anew: its phone or its centre has changed.

    So is what waits about the follow-ups of its household, which is written to on the same phone.
    """
    unsay_appointments(tx, runtime, care_tables.open_beside(tx, child_id), now)


def unsay_appointments(
    tx: Connection, runtime: Runtime, appointment_ids: Sequence[int], now: int
) -> dict[int, str | None]:
    """Cancel the queued messages that tell of these appointments; siblings told of by the same message wait again.

    Gives, for each appointment of which something was not said after all, the last step that was.
    """
    if not appointment_ids:
        return {}
    told = recall_tables.messages_telling_of(tx, appointment_ids)
    return unsay(tx, runtime, told, "the appointment changed", now)


def unsay(tx: Connection, runtime: Runtime, message_ids: Sequence[int], reason: str, now: int) -> dict[int, str | None]:
    """Cancel those still queued; the open appointments they told of wait again, from today on. The others are not tried
    again. Gives, for each appointment that waits, the last step that was said.
    """
    message_tables.try_no_more(tx, message_ids, now)
    cancelled = message_tables.cancel(tx, message_ids, now, reason)
    again: dict[int, str] = {}
    for appointment_id, step in recall_tables.untell(tx, cancelled) if cancelled else ():
        if step != recall_tables.SORRY:
            again[appointment_id] = min(again.get(appointment_id, step), step, key=reminder_ladder.offset_of)
    today = runtime.today(now)
    waiting = [
        NextStep(id, reminder_ladder.step_before(runtime.ladder, step), step, today) for id, step in again.items()
    ]
    care_tables.set_next_steps(tx, waiting, now)
    return {one.appointment_id: one.last_step for one in waiting}


# --- the day's reminders ------------------------------------------------------------------------------------


def queue_recalls(runtime: Runtime) -> int:
    """Queue one message for every household with a step due by today; gives how many were queued.

    Running it twice, or in two workers at once, queues nothing twice: households are locked, keys are unique.
    """
    queued, size = 0, min(PAGE, paged_work.AT_FIRST) if runtime.database.is_sqlite else PAGE
    while True:
        now = runtime.now()
        with runtime.database.begin() as tx:
            began = time.monotonic()
            if clock_guard.holds(tx):
                return queued
            seen, done = _queue_page(tx, runtime, now, size)
        queued += done
        if not seen:
            return queued
        if runtime.database.is_sqlite and seen >= size:  # one writer: a caller's keystroke comes between two pages
            took = time.monotonic() - began
            size = paged_work.next_size(size, took, PAGE)
            time.sleep(max(paged_work.SHORTEST_PAUSE_S, took))


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


def _queue_page(tx: Connection, runtime: Runtime, now: int, households: int = PAGE) -> tuple[int, int]:
    today = runtime.today(now)
    midnight = local_time.start_of_day(today, runtime.zone)
    underway = trials.underway(tx, runtime, today)  # before any household is locked, as whoever stops one does
    homes = recall_tables.lock_due_households(tx, today, households)
    # What did not leave on its own day says the same as today's message, which takes its place.
    unsay(tx, runtime, recall_tables.left_over(tx, homes, midnight), "said by a later message", now)
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
        while step is not None and step.on <= today and underway.withholds(row, step.step):
            told, step = step.step, _step_after(runtime, row.kind, row.on, row.lapses_on, step.step, now)
        if step is not None and step.on <= today:
            by_household[row.household_id].append(Due(row, step))
        else:  # its time has passed while nobody planned: the next useful step, or none
            steps.append(_next(row.id, told, step))
    if held:
        count(tx, "recall_steps_without_a_good_moment", held)
    underway.write_down(tx)
    taken = _taken_as_told(tx, runtime, by_household, today)
    ready = ready_letters(tx, runtime, by_household, heard | taken, underway, now)
    queued = put_many(tx, now, [one.letter for one in ready.values()])
    told_now: list[Told] = []
    for house, dues in by_household.items():
        one = ready.get(house)
        message_id = queued.get(one.letter.key) if one else None
        if house in heard or (one and message_id is None):
            steps += [_tomorrow(due, today) for due in dues]  # this household had its message of today
            continue
        if one and message_id is not None:
            told_now += [Told(message_id, due.row.id, due.step.step) for due in one.dues]
        steps += [_next(due.row.id, due.step.step, _after(runtime, due, now)) for due in dues]
    recall_tables.tell(tx, told_now)
    care_tables.set_next_steps(tx, steps, now)
    return len(rows), len(queued)


def _taken_as_told(tx: Connection, runtime: Runtime, dues_of: Mapping[int, Sequence[Due]], today: date) -> set[int]:
    """On the day of a restore: the households whose message of that day, if there was one, had left by then."""
    restored_at = dispatch_gate.restored_at(tx)
    if not restored_at or runtime.today(restored_at) != today:
        return set()
    told = {house for house, dues in dues_of.items() if leaves_at(runtime, dues) <= restored_at}
    if told:
        count(tx, TAKEN_AS_TOLD, sum(len(dues_of[house]) for house in told))
    return told


def _step_to_tell(runtime: Runtime, row: DueAppointment, now: int) -> tuple[str | None, Occurrence | None]:
    """The first step with an hour in which it may still leave, and the step before it that was told or let go."""
    told = row.last_step
    while True:
        step = _step_after(runtime, row.kind, row.on, row.lapses_on, told, now)
        if step is None or step.on > runtime.today(now) or _may_still_leave(runtime, row, step, now):
            return told, step
        told = step.step


def _may_still_leave(runtime: Runtime, row: DueAppointment, step: Occurrence, now: int) -> bool:
    """A feast, a market or a short day may leave no hour before the step is no longer useful."""
    since = max(now, local_time.instant(step.at, runtime.zone))
    until = local_time.instant(step.until, runtime.zone)
    return runtime.hours.good_instant(hours_of(runtime, row), runtime.zone, since, until) is not None


def _passed_over(runtime: Runtime, row: DueAppointment, now: int) -> int:
    """How many steps went by while nobody planned: they are counted, never dropped in silence."""
    ladder = runtime.ladder_for(row.kind)
    before = reminder_ladder.step_before(ladder, row.next_step)
    return len(reminder_ladder.steps_passed_over(ladder, row.on, before, runtime.local(now), row.lapses_on))


def _after(runtime: Runtime, due: Due, now: int) -> Occurrence | None:
    return _step_after(runtime, due.row.kind, due.row.on, due.row.lapses_on, due.step.step, now)


def _tomorrow(due: Due, today: date) -> NextStep:
    return NextStep(due.row.id, due.row.last_step, due.step.step, today + timedelta(days=1))


def _next(appointment_id: int, told: str | None, step: Occurrence | None) -> NextStep:
    return NextStep(appointment_id, told, step and step.step, step and step.on)
