"""Recalls: which contacts are coming for a child, and the reminder steps of each, one message per household and day.

`replan` rewrites a child's appointments whenever something about it changes. Follow-ups (`follow_up_plans`) and malaria
rounds (`round_plans`) put theirs beside them, each kind on its own ladder: a household hears of all of them in the same
message, in the same words. Only the end of a cover (`cover_ends`) has a message of its own, on another day.
`queue_recalls` takes the steps that are due today, and only those: its cost follows what is due, not how many are
followed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from datetime import date, timedelta
from functools import cache, partial
from typing import NamedTuple

from sqlalchemy.engine import Connection

from service.domain import appointment_plan, contacts
from service.domain.appointment_plan import Heard
from service.domain.centre_days import CentreDays
from service.domain.contacts import Contact
from service.domain.vaccination import Given
from service.runtime import Runtime
from service.store import care_tables, people_tables, recall_tables
from service.store.care_tables import VACCINE, Appointment, NextStep
from service.store.people_tables import Child
from service.store.recall_tables import Told
from service.store.system_tables import counters
from service.stories.care import care, round_plans
from service.stories.keeping import clock_guard, paged_work
from service.stories.recall import meeting_days, recall_day, unsaid
from service.stories.recall.ladder_steps import step_after, step_columns, step_of

PAGE = 200
"""At most so many households in one transaction; where that takes long, fewer."""


# --- planning a child ---------------------------------------------------------------------------------------


class Known(NamedTuple):
    """What a plan is made from: a child, the doses it was given, its open appointments, and the days of its centre."""

    child: Child
    given: Sequence[Given]
    standing: Sequence[Appointment]
    days: CentreDays


class Closed(NamedTuple):
    """The contacts of a child that were closed; `rounds`: one of a malaria round was too."""

    contacts: list[Appointment]
    rounds: bool


def replan(tx: Connection, runtime: Runtime, child_id: int, now: int, *, taken_back: bool = False) -> list[Appointment]:
    """Make the child's appointments say what the schedule says now; what waited to be sent about others is cancelled.

    An appointment whose doses, anchor and day are unchanged stays as it is, with the steps already told. Gives those
    that were closed. `taken_back`: a dose was, and a contact that it had closed goes on where its ladder stood.
    """
    one = people_tables.find_child(tx, id=child_id)
    assert one is not None
    standing = care_tables.open_appointments(tx, child_id)
    known = Known(one, care.given_to(tx, one), standing, meeting_days.days_of(tx, one.centre_id))
    return _plan(tx, runtime, known, now, taken_back=taken_back).contacts


def replan_page(tx: Connection, runtime: Runtime, children: Sequence[Child], now: int) -> int:
    """The same for a page of children whose households are held; gives of how many a contact was closed."""
    ids = [one.id for one in children]
    doses, open_ones = care_tables.standing_doses(tx, ids), care_tables.open_appointments_of(tx, ids)
    days_of = cache(partial(meeting_days.days_of, tx))
    changed, touched = 0, set[int]()
    for one in children:
        given = [Given(dose.antigen, dose.given_on) for dose in doses.get(one.id, ())]
        # What a sibling's message is taken back with waits again: its rows are not what they were.
        again = one.household_id in touched
        standing = care_tables.open_appointments(tx, one.id) if again else open_ones.get(one.id, ())
        closed = _plan(tx, runtime, Known(one, given, standing, days_of(one.centre_id)), now)
        changed += bool(closed.contacts)
        if closed.contacts or closed.rounds:
            touched.add(one.household_id)
    return changed


def _plan(tx: Connection, runtime: Runtime, known: Known, now: int, *, taken_back: bool = False) -> Closed:
    gone, new = appointment_plan.changes(known.standing, _contacts(runtime, known, now))
    ids = [was.id for was in gone]
    # While they are open: which of their steps were told is asked.
    not_said = unsaid.unsay_appointments(tx, runtime, ids, now)
    care_tables.close_appointments(tx, ids, now)
    heard = appointment_plan.heard_of(gone, not_said, known.given, _antigen_of(runtime), runtime.ladder)
    if taken_back:
        closed = recall_tables.closed_and_told(tx, known.child.id)
        heard += appointment_plan.heard_before(runtime.ladder, closed)
    _add(tx, runtime, known.child, new, now, heard)
    fell = round_plans.replan(tx, runtime, [known.child], now)
    return Closed(gone, bool(fell))


def plan_anew(tx: Connection, runtime: Runtime, one: Child, given: Sequence[Given], now: int) -> tuple[Contact, ...]:
    """The first plan of a child that was just enrolled: no appointment stands yet, so none is read."""
    coming = _contacts(runtime, Known(one, given, (), meeting_days.days_of(tx, one.centre_id)), now)
    _add(tx, runtime, one, coming, now)
    round_plans.replan(tx, runtime, [one], now, is_new=True)
    return coming


def _contacts(runtime: Runtime, known: Known, now: int) -> tuple[Contact, ...]:
    one = known.child
    if one.status != "followed":
        return ()
    # A live dose given today holds the others only from tomorrow (R6), and nobody comes back the same day.
    as_of = contacts.planning_day(runtime.today(now), known.given)
    meet = meeting_days.meet_with(runtime, known.days, known.standing, as_of)
    return contacts.coming_contacts(care.assess_doses(runtime, one, known.given, as_of), one.enrolled_on, meet)


def _antigen_of(runtime: Runtime) -> Callable[[str], str]:
    return lambda dose: runtime.calendar.dose(dose)[0].record_as


def _add(
    tx: Connection,
    runtime: Runtime,
    one: Child,
    coming: Iterable[Contact],
    now: int,
    heard: Sequence[Heard] = (),
) -> None:
    rows = [_row(runtime, one, contact, appointment_plan.told_of(contact, heard), now) for contact in coming]
    care_tables.add_appointments(tx, rows, now)


def _row(runtime: Runtime, one: Child, contact: Contact, told: str | None, now: int) -> dict[str, object]:
    step = step_of(runtime, one, VACCINE, contact.on, contact.lapses_on, told, now)
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
        **step_columns(step),
    }


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
        after = step_after(runtime, VACCINE, row.on, row.lapses_on, by_then[-1], now)
        next_step = NextStep(row.id, by_then[-1], after and after.step, after and after.on)
        care_tables.set_next_steps(tx, [next_step], now)
    recall_tables.tell(tx, told)


def take_back(tx: Connection, runtime: Runtime, child_id: int, now: int) -> None:
    """What waits to be sent about this child is cancelled, and told anew: its phone or its centre has changed.

    So is what waits about its household that is of no child: it is written to on the same phone.
    """
    unsaid.unsay_appointments(tx, runtime, care_tables.open_beside(tx, child_id), now)


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
            seen, done = recall_day.queue_page(tx, runtime, now, size, replan)
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
    before = counters(tx).get(recall_day.TAKEN_AS_TOLD, 0)
    seen = 1
    while seen:
        seen, _ = recall_day.queue_page(tx, runtime, now, PAGE, replan)
    return counters(tx).get(recall_day.TAKEN_AS_TOLD, 0) - before


class _Rehearsed(Exception):
    """Ends a transaction that must change nothing."""


def count_due(runtime: Runtime) -> int:
    """How many messages `queue_recalls` would queue now; changes nothing."""
    queued = 0
    try:
        with runtime.database.begin() as tx:
            seen = 1
            while seen:
                seen, done = recall_day.queue_page(tx, runtime, runtime.now(), PAGE, replan)
                queued += done
            raise _Rehearsed
    except _Rehearsed:
        return queued
