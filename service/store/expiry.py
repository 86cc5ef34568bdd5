"""What was kept for long enough: found a page at a time, and deleted or emptied a page at a time.

Finding only reads. Deleting asks again in its own short transaction, since what was found may be in use again; on
PostgreSQL a row that somebody else holds is left for the next time, so that we wait for nobody.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import (
    Column,
    ColumnElement,
    Table,
    and_,
    delete,
    exists,
    func,
    select,
    tuple_,
    update,
)
from sqlalchemy.engine import Connection

from service.domain.message_states import FINAL
from service.store.alarm_tables import staff_alarm
from service.store.care_tables import appointment
from service.store.conversation_tables import conversation
from service.store.feedback_tables import feedback
from service.store.follow_up_tables import follow_up
from service.store.former_ids import former_carrier_id
from service.store.handover_tables import attempt, handover
from service.store.inbound_tables import inbound_body, inbound_event
from service.store.job_tables import job
from service.store.mediator_tables import mediator
from service.store.message_tables import HAS_WORDS, IS_OPEN, IS_QUEUED, message, send_attempt
from service.store.mutual_tables import membership
from service.store.people_tables import caregiver, child, consent, household, person, person_phone
from service.store.phone_tables import UNREACHABLE, opt_out, phone
from service.store.receipt_tables import unmatched_receipt
from service.store.route_tables import route_sample
from service.store.staff_tables import staff, staff_list, staff_read, staff_session, staff_try
from service.store.talk_tables import dropped_talk, talk
from service.store.tally_tables import erasure
from service.store.task_tables import task
from service.store.visit_tables import visit

Keys = Sequence[Any]


class Aged(NamedTuple):
    """Rows of a table that are deleted by their age alone: `key` names them, `at` says how old they are."""

    table: Table
    key: Column[Any]
    at: Column[Any]
    which: ColumnElement[bool] | None = None

    def old(self, before: int | date) -> ColumnElement[bool]:
        return self.at < before if self.which is None else (self.at < before) & self.which


CONVERSATIONS = Aged(conversation, conversation.c.id, conversation.c.started_at)
RECEIPTS = Aged(unmatched_receipt, unmatched_receipt.c.id, unmatched_receipt.c.at)
FORMER_IDS = Aged(former_carrier_id, former_carrier_id.c.id, former_carrier_id.c.at)
TRIES = Aged(attempt, attempt.c.number_idx, attempt.c.day)
ROUTE_SAMPLES = Aged(route_sample, route_sample.c.id, route_sample.c.at)
GIVEN_UP_JOBS = Aged(job, job.c.id, job.c.ended_at, job.c.state == "failed")
INBOUND_BODIES = Aged(inbound_body, inbound_body.c.id, inbound_body.c.at)
EVENT_KEYS = Aged(inbound_event, inbound_event.c.key_hash, inbound_event.c.at)
EXPIRED_TASKS = Aged(task, task.c.id, task.c.expires_at)
CLOSED_TASKS = Aged(task, task.c.id, task.c.closed_at, task.c.state != "open")
FEEDBACK = Aged(feedback, feedback.c.id, feedback.c.state_at, feedback.c.state == "answered")
UNANSWERED_REQUESTS = Aged(membership, membership.c.id, membership.c.requested_at, membership.c.state == "requested")
HANDOVERS = Aged(handover, handover.c.id, handover.c.expires_at)
FORMER_PHONES = Aged(person_phone, person_phone.c.person_id, person_phone.c.until)
FORMER_MEDIATORS = Aged(mediator, mediator.c.id, mediator.c.left_at)
TALKS = Aged(talk, talk.c.id, talk.c.held_on)
DROPPED_TALKS = Aged(dropped_talk, dropped_talk.c.id, dropped_talk.c.held_on)
VISITS = Aged(visit, visit.c.id, visit.c.visited_on)
STAFF_TRIES = Aged(staff_try, staff_try.c.id, staff_try.c.at)
STAFF_LISTS = Aged(staff_list, staff_list.c.id, staff_list.c.at)
STAFF_SESSIONS = Aged(staff_session, staff_session.c.id, staff_session.c.started_at)
STAFF_READS = Aged(staff_read, staff_read.c.id, staff_read.c.at)
STAFF_ALARMS = Aged(staff_alarm, staff_alarm.c.id, staff_alarm.c.at)
FORMER_STAFF = Aged(staff, staff.c.id, staff.c.revoked_at)
ERASURES = Aged(erasure, erasure.c.id, erasure.c.at)


# --- by age -------------------------------------------------------------------------------------------------


def count_old(tx: Connection, aged: Aged, before: int | date) -> int:
    return int(tx.execute(select(func.count()).select_from(aged.table).where(aged.old(before))).scalar_one())


def old_keys(tx: Connection, aged: Aged, before: int | date, limit: int) -> Keys:
    return list(tx.execute(select(aged.key).where(aged.old(before)).limit(limit)).scalars())


def delete_old(tx: Connection, aged: Aged, before: int | date, keys: Keys) -> int:
    return tx.execute(delete(aged.table).where(aged.key.in_(keys), aged.old(before))).rowcount


# --- messages -----------------------------------------------------------------------------------------------

m = message.c
_final = m.state.in_(sorted(FINAL))


class Place(NamedTuple):
    """How far the emptying of messages has come: the last one looked at."""

    created_at: int
    id: int


def count_worded(tx: Connection, after: Place, before: int) -> int:
    """Messages of this time whose words may go."""
    return int(
        tx.execute(select(func.count()).where(_after(after), m.created_at < before, _final, HAS_WORDS)).scalar_one()
    )


def worded(tx: Connection, after: Place, before: int, limit: int) -> list[Place]:
    """The next messages whose words may go, the oldest first."""
    old = select(m.created_at, m.id).where(_after(after), m.created_at < before, _final, HAS_WORDS)
    return [Place._make(row) for row in tx.execute(old.order_by(m.created_at, m.id).limit(limit))]


def _after(place: Place) -> ColumnElement[bool]:
    # The first half is what an index can follow; a fan-out writes a thousand messages in one moment.
    return (m.created_at >= place.created_at) & (tuple_(m.created_at, m.id) > tuple_(place.created_at, place.id))


def empty_messages(tx: Connection, ids: Keys) -> int:
    """No words, no carrier's name for it, no remark, no try: class, state, times and ids without a name stay."""
    tx.execute(delete(send_attempt).where(send_attempt.c.message_id.in_(ids)))
    emptied = update(message).where(m.id.in_(ids), _final)
    return tx.execute(emptied.values(text="", carrier_id=None, batch_key=None, reason=None)).rowcount


def oldest_open(tx: Connection) -> int | None:
    """When the oldest message was queued that has not come to its end."""
    # One question for each of the indexes that hold nothing but these.
    underway = select(func.min(m.created_at)).where(IS_OPEN)
    queued = select(func.min(m.created_at)).where(IS_QUEUED)
    found = [tx.execute(question).scalar_one_or_none() for question in (underway, queued)]
    return min((moment for moment in found if moment is not None), default=None)


def old_messages(tx: Connection, before: int, limit: int) -> Keys:
    which = (m.created_at < before) & _final
    return list(tx.execute(select(m.id).where(which).order_by(m.created_at).limit(limit)).scalars())


def count_old_messages(tx: Connection, before: int) -> int:
    return int(tx.execute(select(func.count()).where(m.created_at < before, _final)).scalar_one())


def messages_to(tx: Connection, phones: Keys) -> Keys:
    return list(tx.execute(select(m.id).where(m.phone_id.in_(phones))).scalars())


class Figures(NamedTuple):
    """What is counted of a message."""

    created_at: int
    programme_id: int | None
    purpose: str
    klass: str
    channel: str | None
    network: str | None
    state: str
    parts: int
    cost_estimated: int | None
    cost_true: int | None


def figures_of(tx: Connection, ids: Keys) -> list[Figures]:
    columns = [m[name] for name in Figures._fields]
    return [Figures._make(row) for row in tx.execute(select(*columns).where(m.id.in_(ids)))]


# --- children -----------------------------------------------------------------------------------------------


def children_born_by(tx: Connection, day: date, after: int, limit: int) -> Keys:
    which = (person.c.born_on <= day) & (child.c.person_id > after)
    return _page(tx, select(child.c.person_id).join(person, person.c.id == child.c.person_id), which, limit)


def children_stopped(tx: Connection, before: int, after: int, limit: int) -> Keys:
    which = (child.c.status == "stopped") & (child.c.stopped_at < before) & (child.c.person_id > after)
    return _page(tx, select(child.c.person_id), which, limit)


def refusing_phones(tx: Connection, before: int, after: int, limit: int) -> Keys:
    """Phones that refused every message before then."""
    rows = select(phone.c.id).join(opt_out, opt_out.c.number_idx == phone.c.number_idx)
    which = (opt_out.c.purpose == "all") & (opt_out.c.at < before) & (phone.c.id > after)
    return list(tx.execute(rows.where(which).order_by(phone.c.id).limit(limit)).scalars())


def children_that_nobody_hears_of(tx: Connection, phone_id: int, before: int) -> list[int]:
    """The children of this phone whose every phone refused every message before then."""
    used = person_phone.c.until.is_(None)
    home = select(household.c.id).where(household.c.preferred_phone_id == phone_id)
    behind = select(person_phone.c.person_id).where(person_phone.c.phone_id == phone_id, used)
    lives = select(person.c.household_id).where(person.c.id.in_(behind), person.c.household_id.is_not(None))
    cared = select(caregiver.c.child_id).where(caregiver.c.person_id.in_(behind), caregiver.c.until.is_(None))
    ids = (child.c.person_id, child.c.household_id)
    # Two questions that each follow an index: as one OR, the whole registry would be read for every phone.
    at_home = select(*ids).where(child.c.household_id.in_(home.union(lives)))
    theirs = at_home.union(select(*ids).where(child.c.person_id.in_(cared)))
    return sorted(row[0] for row in tx.execute(theirs).all() if not _hears(tx, row[0], row[1], before))


def _hears(tx: Connection, child_id: int, home: int, before: int) -> bool:
    """Whether a phone of the child's household, or of whoever cares for it, has not refused everything."""
    members = select(person.c.id).where(person.c.household_id == home)
    carers = select(caregiver.c.person_id).where(caregiver.c.child_id == child_id, caregiver.c.until.is_(None))
    used = person_phone.c.until.is_(None) & person_phone.c.person_id.in_(members.union(carers))
    preferred = select(household.c.preferred_phone_id).where(
        household.c.id == home, household.c.preferred_phone_id.is_not(None)
    )
    theirs = phone.c.id.in_(preferred.union(select(person_phone.c.phone_id).where(used)))
    refused = exists().where(
        opt_out.c.number_idx == phone.c.number_idx, opt_out.c.purpose == "all", opt_out.c.at < before
    )
    return tx.execute(select(phone.c.id).where(theirs, ~refused).limit(1)).first() is not None


def requests_over(before: int) -> ColumnElement[bool]:
    """Those of a mutual that were refused, or ended."""
    return membership.c.state.in_(("refused", "ended")) & (membership.c.state_at < before)


def follow_ups_ended(before: int) -> ColumnElement[bool]:
    return (follow_up.c.state == "ended") & (follow_up.c.ended_at < before)


def follow_ups_begun(before: date) -> ColumnElement[bool]:
    """Those whose end nobody told: their contacts are long over."""
    return follow_up.c.started_on < before


# --- who is left over ---------------------------------------------------------------------------------------


def people_of_nothing(before: int) -> ColumnElement[bool]:
    """Neither a child, a mediator, nor anybody who is followed, cares for a child, asked for anything, or lives where
    somebody did."""
    p = person.c
    no_child_at_home = ~exists().where(child.c.household_id == p.household_id)
    nobody_followed_at_home = ~exists().where(follow_up.c.household_id == p.household_id)
    no_request_at_home = ~exists().where(membership.c.household_id == p.household_id)
    return and_(
        p.created_at < before,
        *(
            ~exists().where(column == p.id)
            for column in (
                child.c.person_id,
                caregiver.c.person_id,
                membership.c.person_id,
                mediator.c.person_id,
                follow_up.c.person_id,
                task.c.person_id,
            )
        ),
        p.household_id.is_(None) | (no_child_at_home & no_request_at_home & nobody_followed_at_home),
    )


def homes_of_nobody(before: int) -> ColumnElement[bool]:
    h = household.c
    empty = (
        ~exists().where(column == h.id)
        for column in (
            person.c.household_id,
            child.c.household_id,
            membership.c.household_id,
            follow_up.c.household_id,
            appointment.c.household_id,
        )
    )
    return and_(h.created_at < before, *empty)


def phones_of_nobody(before: int, refused_before: int) -> ColumnElement[bool]:
    """Of no person, household, mediator, request, opinion, line or hand-over; and silent, or refusing every message."""
    p = phone.c
    alone = (
        ~exists().where(column == p.id)
        for column in (
            person_phone.c.phone_id,
            household.c.preferred_phone_id,
            mediator.c.phone_id,
            membership.c.phone_id,
            feedback.c.phone_id,
            task.c.phone_id,
            handover.c.new_phone_id,
            handover.c.old_phone_id,
        )
    )
    written_to = exists().where(m.phone_id == p.id, m.created_at >= before)
    waits = exists().where(m.phone_id == p.id, m.state.not_in(sorted(FINAL)))
    silent = (func.coalesce(p.last_heard_at, p.created_at) < before) & ~written_to
    refuses = exists().where(
        opt_out.c.number_idx == p.number_idx, opt_out.c.purpose == "all", opt_out.c.at < refused_before
    )
    return and_(*alone, ~waits, silent | refuses)


def refusals_of_nobody(before: int) -> ColumnElement[bool]:
    return (opt_out.c.at < before) & ~exists().where(phone.c.number_idx == opt_out.c.number_idx)


def left_over(tx: Connection, table: Table, which: ColumnElement[bool], after: int, limit: int) -> Keys:
    return _page(tx, select(table.c.id), which & (table.c.id > after), limit)


def still_left_over(tx: Connection, table: Table, which: ColumnElement[bool], ids: Keys) -> Keys:
    """Those of the ids that nobody holds and that are still left over. They are ours until we commit."""
    free = select(table.c.id).where(table.c.id.in_(ids)).with_for_update(skip_locked=True)
    ours = list(tx.execute(free).scalars())
    # A second question: what somebody wrote while we waited for the row counts.
    return list(tx.execute(select(table.c.id).where(table.c.id.in_(ours), which)).scalars())


def delete_people(tx: Connection, ids: Keys) -> int:
    for table in (consent, person_phone):
        tx.execute(delete(table).where(table.c.person_id.in_(ids)))
    return tx.execute(delete(person).where(person.c.id.in_(ids))).rowcount


def delete_homes(tx: Connection, ids: Keys) -> int:
    tx.execute(delete(handover).where(handover.c.household_id.in_(ids)))
    return tx.execute(delete(household).where(household.c.id.in_(ids))).rowcount


def delete_phones(tx: Connection, ids: Keys) -> int:
    """Their refusals stay; that nothing reached a number is nobody's wish, and no reason to keep it."""
    indexes = select(phone.c.number_idx).where(phone.c.id.in_(ids))
    tx.execute(delete(opt_out).where(opt_out.c.number_idx.in_(indexes), opt_out.c.purpose == UNREACHABLE))
    return tx.execute(delete(phone).where(phone.c.id.in_(ids))).rowcount


def old_refusals(tx: Connection, before: int, limit: int) -> Keys:
    return list(tx.execute(select(opt_out.c.number_idx).where(refusals_of_nobody(before)).limit(limit)).scalars())


def delete_refusals(tx: Connection, before: int, keys: Keys) -> int:
    return tx.execute(delete(opt_out).where(opt_out.c.number_idx.in_(keys), refusals_of_nobody(before))).rowcount


def count_which(tx: Connection, table: Table, which: ColumnElement[bool]) -> int:
    return int(tx.execute(select(func.count()).select_from(table).where(which)).scalar_one())


def _page(tx: Connection, question: Any, which: ColumnElement[bool], limit: int) -> Keys:
    key = next(iter(question.selected_columns))
    return list(tx.execute(question.where(which).order_by(key).limit(limit)).scalars())
