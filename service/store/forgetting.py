"""Deleting everything that names a phone and its people, in an order that every foreign key allows.

Each function is one table's part of `service.stories.keeping.erasure`, and gives how many rows went, by table. The
refusal of messages is by number and not by phone row: it is left alone here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Table, delete, exists, func, or_, select, update
from sqlalchemy.engine import Connection

from service.store.care_tables import NUTRITION, appointment, dose
from service.store.consent_tables import DATED_CONTACTS, WEEKLY_VISITS
from service.store.conversation_tables import conversation
from service.store.feedback_tables import feedback
from service.store.follow_up_tables import follow_up, follow_up_contact, line_key
from service.store.former_ids import former_carrier_id
from service.store.handover_tables import attempt, handover
from service.store.inbound_tables import inbound_body
from service.store.mediator_tables import mediator, mediator_zone
from service.store.message_tables import message, send_attempt
from service.store.mutual_tables import membership
from service.store.people_tables import caregiver, child, consent, household, person, person_phone
from service.store.phone_tables import phone
from service.store.recall_tables import message_appointment
from service.store.receipt_tables import unmatched_receipt
from service.store.screening_tables import screening
from service.store.task_tables import task
from service.store.treatment_tables import of_children, treatment, treatment_visit
from service.store.visit_tables import let_go_of

Gone = Counter[str]
"""How many rows went, by the name of their table."""
_now_used = person_phone.c.until.is_(None)


class Home(NamedTuple):
    """A household that the phone serves. `other_phone` serves it too, and stays; None when there is no other."""

    id: int
    other_phone: int | None


# --- what there is ------------------------------------------------------------------------------------------


def homes_of(tx: Connection, phone_id: int) -> list[int]:
    """The households that this phone serves: those of its people, and those that prefer it."""
    theirs = (
        select(person.c.household_id)
        .join(person_phone, person_phone.c.person_id == person.c.id)
        .where(person_phone.c.phone_id == phone_id, _now_used, person.c.household_id.is_not(None))
    )
    preferred = select(household.c.id).where(household.c.preferred_phone_id == phone_id)
    return sorted(tx.execute(theirs.union(preferred)).scalars())


def lock_homes(tx: Connection, homes: Sequence[int]) -> None:
    """The planner and the replans wait until we are done, or we for them."""
    mine = select(household.c.id).where(household.c.id.in_(homes)).order_by(household.c.id)
    tx.execute(mine.with_for_update())


def other_phone_of(tx: Connection, home: int, phone_id: int) -> int | None:
    """Another phone that serves this household: preferred, of one of its people, or of whoever cares for its child."""
    preferred = select(household.c.preferred_phone_id).where(
        household.c.id == home, household.c.preferred_phone_id != phone_id
    )
    found = tx.execute(preferred).scalar_one_or_none()
    if found is not None:
        return int(found)
    of_people = (
        select(person_phone.c.phone_id)
        .join(person, person.c.id == person_phone.c.person_id)
        .where(person.c.household_id == home)
    )
    in_care = (
        select(person_phone.c.phone_id)
        .join(caregiver, caregiver.c.person_id == person_phone.c.person_id)
        .join(child, child.c.person_id == caregiver.c.child_id)
        .where(child.c.household_id == home, caregiver.c.until.is_(None))
    )
    for question in (of_people, in_care):
        another = question.where(_now_used, person_phone.c.phone_id != phone_id).order_by(person_phone.c.since)
        found = tx.execute(another.limit(1)).scalar_one_or_none()
        if found is not None:
            return int(found)
    return None


def people_of_homes(tx: Connection, homes: Sequence[int]) -> list[int]:
    return list(tx.execute(select(person.c.id).where(person.c.household_id.in_(homes))).scalars())


def people_of_phone_alone(tx: Connection, phone_id: int) -> list[int]:
    """Those who use this phone and no other."""
    others = select(person_phone.c.person_id).where(person_phone.c.phone_id != phone_id, _now_used)
    mine = select(person_phone.c.person_id).where(
        person_phone.c.phone_id == phone_id, _now_used, person_phone.c.person_id.not_in(others)
    )
    return list(tx.execute(mine).scalars())


def children_among(tx: Connection, homes: Sequence[int], people: Sequence[int]) -> list[int]:
    """The children of these households, and those among these people."""
    which = child.c.household_id.in_(homes) | child.c.person_id.in_(people)
    return list(tx.execute(select(child.c.person_id).where(which)).scalars())


def homes_with_requests(tx: Connection, phone_id: int) -> list[int]:
    """The households whose request to the mutual was made with this phone."""
    asked = select(membership.c.household_id).where(membership.c.phone_id == phone_id).distinct()
    return sorted(tx.execute(asked).scalars())


# --- what goes ----------------------------------------------------------------------------------------------


def forget_care(tx: Connection, children: Sequence[int], homes: Sequence[int]) -> Gone:
    """Everything about these children, and the children. Visits to them stay as counts, and are nobody's."""
    theirs = appointment.c.child_id.in_(children) | appointment.c.household_id.in_(homes)
    visits = select(appointment.c.id).where(theirs)
    let_go_of(tx, children)
    return (
        forget_treatments(tx, of_children(tx, children))
        + _delete(tx, message_appointment, message_appointment.c.appointment_id.in_(visits))
        + _delete(tx, appointment, theirs)
        + _delete(tx, dose, dose.c.child_id.in_(children))
        + _delete(tx, screening, screening.c.child_id.in_(children))
        + _delete(tx, task, task.c.person_id.in_(children))
        + _delete(tx, caregiver, caregiver.c.child_id.in_(children))
        + _delete(tx, child, child.c.person_id.in_(children))
    )


def forget_treatments(tx: Connection, ids: Sequence[int]) -> Gone:
    """These treatments, open or ended, with their visits and appointments, and the yes of whoever has no other one."""
    t, a = treatment.c, appointment.c
    children = list(tx.execute(select(t.child_id).where(t.id.in_(ids)).distinct()).scalars())
    others = select(t.child_id).where(t.child_id.in_(children), t.id.not_in(ids))
    # A child has one at a time: what was asked for while one was open is its own.
    its_own = exists().where(
        t.id.in_(ids), t.child_id == a.child_id, a.created_at >= t.opened_at, a.created_at <= _ended_at()
    )
    visits = select(a.id).where(a.child_id.in_(children), a.kind == NUTRITION, its_own)
    theirs = list(tx.execute(visits).scalars())
    agreed = consent.c.person_id.in_(children) & (consent.c.purpose == WEEKLY_VISITS)
    return (
        _delete(tx, message_appointment, message_appointment.c.appointment_id.in_(theirs))
        + _delete(tx, appointment, a.id.in_(theirs))
        + _delete(tx, consent, agreed & consent.c.person_id.not_in(others))
        + _delete(tx, treatment_visit, treatment_visit.c.treatment_id.in_(ids))
        + _delete(tx, treatment, t.id.in_(ids))
    )


def _ended_at() -> ColumnElement[int]:
    return func.coalesce(treatment.c.ended_at, appointment.c.created_at)


def follow_ups_of(tx: Connection, people: Sequence[int], homes: Sequence[int]) -> list[int]:
    """The follow-ups of these people, and of these households."""
    which = follow_up.c.person_id.in_(people) | follow_up.c.household_id.in_(homes)
    return list(tx.execute(select(follow_up.c.id).where(which)).scalars())


def follow_ups_left_behind(tx: Connection, phone_id: int) -> list[int]:
    """Those without a phone, of people who had this one until somebody took its messages with a child's code."""
    h, p = handover.c, person_phone.c
    nowhere = select(household.c.id).where(household.c.preferred_phone_id.is_(None))
    had = (
        select(p.person_id)
        .join(person, person.c.id == p.person_id)
        .join(handover, h.household_id == person.c.household_id)
        .where(p.phone_id == phone_id, h.old_phone_id == phone_id, h.state == "accepted", h.kind == "instead")
    )
    which = follow_up.c.person_id.in_(had) & follow_up.c.household_id.in_(nowhere)
    return list(tx.execute(select(follow_up.c.id).where(which)).scalars())


def forget_follow_ups(tx: Connection, ids: Sequence[int]) -> Gone:
    """These follow-ups, open or ended, with their contacts and appointments, and the yes of whom no other one is of."""
    theirs = appointment.c.follow_up_id.in_(ids)
    visits = select(appointment.c.id).where(theirs)
    people = list(tx.execute(select(follow_up.c.person_id).where(follow_up.c.id.in_(ids)).distinct()).scalars())
    others = select(follow_up.c.person_id).where(follow_up.c.person_id.in_(people))
    agreed = consent.c.person_id.in_(people) & (consent.c.purpose == DATED_CONTACTS)
    return (
        _delete(tx, message_appointment, message_appointment.c.appointment_id.in_(visits))
        + _delete(tx, appointment, theirs)
        + _delete(tx, task, task.c.key.in_([line_key(one) for one in ids]))
        + _delete(tx, follow_up_contact, follow_up_contact.c.follow_up_id.in_(ids))
        + _delete(tx, follow_up, follow_up.c.id.in_(ids))
        + _delete(tx, consent, agreed & consent.c.person_id.not_in(others))
    )


def messages_to(tx: Connection, indexes: Sequence[bytes], phone_id: int) -> list[int]:
    """Every message to the phone."""
    theirs = or_(message.c.phone_id == phone_id, message.c.number_idx.in_(indexes))
    return list(tx.execute(select(message.c.id).where(theirs)).scalars())


def forget_messages(tx: Connection, ids: Sequence[int]) -> Gone:
    """These messages, and every try."""
    links = (message_appointment, send_attempt, unmatched_receipt, former_carrier_id)
    gone = [_delete(tx, table, table.c.message_id.in_(ids)) for table in links]
    return sum([*gone, _delete(tx, message, message.c.id.in_(ids))], Gone())


def messages_elsewhere_about(
    tx: Connection, children: Sequence[int], follow_ups: Sequence[int], phone_id: int
) -> list[int]:
    """Messages to another phone that tell of these children's appointments, or of these follow-ups'."""
    whose = appointment.c.child_id.in_(children) | appointment.c.follow_up_id.in_(follow_ups)
    about = (
        select(message_appointment.c.message_id)
        .join(appointment, appointment.c.id == message_appointment.c.appointment_id)
        .join(message, message.c.id == message_appointment.c.message_id)
        .where(whose, message.c.phone_id != phone_id)
        .distinct()
    )
    return list(tx.execute(about).scalars())


def hand_over(tx: Connection, phone_id: int, home: Home, leaving: Sequence[int], task_keys: str) -> None:
    """A household that another phone serves goes on with that phone, and so does a request of whoever stays in it."""
    _set(tx, household, {"id": home.id, "preferred_phone_id": phone_id}, preferred_phone_id=home.other_phone)
    staying = (
        (membership.c.phone_id == phone_id)
        & (membership.c.household_id == home.id)
        & membership.c.person_id.not_in(leaving)
    )
    for number in list(tx.execute(select(membership.c.number).where(staying)).scalars()):
        _set(tx, task, {"key": f"{task_keys}{number}"}, phone_id=home.other_phone)
    tx.execute(update(membership).where(staying).values(phone_id=home.other_phone))


def forget_requests(
    tx: Connection, phone_id: int, people: Sequence[int], homes: Sequence[int], request_keys: str, opinion_keys: str
) -> Gone:
    """Requests, opinions, and the lines about them; the keys of those lines begin with these words."""
    asked = (
        (membership.c.phone_id == phone_id) | membership.c.person_id.in_(people) | membership.c.household_id.in_(homes)
    )
    wrote = feedback.c.phone_id == phone_id
    about = [
        *(f"{request_keys}{number}" for number in tx.execute(select(membership.c.number).where(asked)).scalars()),
        *(f"{opinion_keys}{number}" for number in tx.execute(select(feedback.c.number).where(wrote)).scalars()),
    ]
    lines = task.c.key.in_(about) | (task.c.phone_id == phone_id) | task.c.person_id.in_(people)
    gone = _delete(tx, task, lines) + _delete(tx, feedback, wrote)
    return gone + forget_memberships(tx, list(tx.execute(select(membership.c.id).where(asked)).scalars()))


def forget_memberships(tx: Connection, ids: Sequence[int]) -> Gone:
    """Requests to a mutual, or what they became, with what was planned about their covers."""
    theirs = appointment.c.membership_id.in_(ids)
    told = select(appointment.c.id).where(theirs)
    return (
        _delete(tx, message_appointment, message_appointment.c.appointment_id.in_(told))
        + _delete(tx, appointment, theirs)
        + _delete(tx, membership, membership.c.id.in_(ids))
    )


def forget_people(tx: Connection, people: Sequence[int]) -> Gone:
    return (
        _delete(tx, caregiver, caregiver.c.person_id.in_(people))
        + _delete(tx, consent, consent.c.person_id.in_(people))
        + _delete(tx, person_phone, person_phone.c.person_id.in_(people))
        + _delete(tx, person, person.c.id.in_(people))
    )


def forget_mediators(tx: Connection, phone_id: int) -> Gone:
    """Accounts of mediators with this phone, and their persons. Doses keep the account's number, and no name."""
    theirs = mediator.c.phone_id == phone_id
    people = list(tx.execute(select(mediator.c.person_id).where(theirs)).scalars())
    served = mediator_zone.c.mediator_id.in_(select(mediator.c.id).where(theirs))
    return (
        _delete(tx, mediator_zone, served)
        + _delete(tx, mediator, theirs)
        + _delete(tx, consent, consent.c.person_id.in_(people))
        + _delete(tx, person, person.c.id.in_(people))
    )


def forget_homes(tx: Connection, homes: Sequence[int], phone_id: int) -> Gone:
    """The households, and every hand-over of a family's messages from or to this phone."""
    _set(tx, handover, {"old_phone_id": phone_id}, old_phone_id=None)
    passed = handover.c.household_id.in_(homes) | (handover.c.new_phone_id == phone_id)
    return _delete(tx, handover, passed) + _delete(tx, household, household.c.id.in_(homes))


def forget_traces(tx: Connection, indexes: Sequence[bytes], but_conversation: int | None) -> Gone:
    """What is known of the number by its index, by every key's: what it wrote and typed, receipts, tries.

    This very call is left, and no longer known by the number: it is about to end, and then holds its last screen only.
    """
    typed: ColumnElement[bool] = conversation.c.number_idx.in_(indexes)
    if but_conversation is not None:
        typed &= conversation.c.id != but_conversation
        _set(tx, conversation, {"id": but_conversation}, number_idx=None)
    return (
        _delete(tx, inbound_body, inbound_body.c.number_idx.in_(indexes))
        + _delete(tx, unmatched_receipt, unmatched_receipt.c.number_idx.in_(indexes))
        + _delete(tx, attempt, attempt.c.number_idx.in_(indexes))
        + _delete(tx, conversation, typed)
    )


def forget_phone(tx: Connection, phone_id: int) -> Gone:
    return _delete(tx, person_phone, person_phone.c.phone_id == phone_id) + _delete(tx, phone, phone.c.id == phone_id)


def _delete(tx: Connection, table: Table, which: ColumnElement[bool]) -> Gone:
    return Counter({table.name: tx.execute(delete(table).where(which)).rowcount})


def _set(tx: Connection, table: Table, where: dict[str, Any], **values: Any) -> None:
    which = [table.c[name] == value for name, value in where.items()]
    tx.execute(update(table).where(*which).values(**values))
