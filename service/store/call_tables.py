"""Messages that are said in a call: found when the call is taken, and once more when nobody took it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from sqlalchemy import ColumnElement, Exists, exists, func, or_, select, update
from sqlalchemy.engine import Connection

from service.store.care_tables import appointment
from service.store.child_states import is_quiet
from service.store.message_tables import message
from service.store.people_tables import caregiver, child, household, person_phone
from service.store.phone_tables import phone
from service.store.recall_tables import message_appointment

m = message.c


class Spoken(NamedTuple):
    """A message that is said in a call, and to whom."""

    id: int
    recording: str
    number_idx: bytes
    phone_id: int
    number: str
    purpose: str


_SPOKEN = (m.id, m.recording, m.number_idx, m.phone_id, phone.c.number, m.purpose)
_CALLS = select(*_SPOKEN).join(phone, phone.c.id == m.phone_id).where(m.recording.is_not(None))


def spoken(tx: Connection, message_id: int) -> Spoken | None:
    row = tx.execute(_CALLS.where(m.id == message_id)).first()
    return Spoken._make(row) if row else None


def spoken_in(tx: Connection, channel: str, call_id: str, number_idx: bytes) -> Spoken | None:
    """The message of a call that the carrier names by its own id; else the one that is just ringing this number."""
    named = tx.execute(_CALLS.where(m.channel == channel, m.carrier_id == call_id)).first()
    if named is not None:
        return Spoken._make(named)
    rings = m.carrier_id.is_(None) & m.state.in_(("sending", "unknown"))
    rows = tx.execute(_CALLS.where(m.number_idx == number_idx, m.channel == channel, rings).limit(2)).all()
    return Spoken._make(rows[0]) if len(rows) == 1 else None


class Untaken(NamedTuple):
    """A call that ended, with all that another one needs.

    `still_holds`: an appointment it tells of is still open, may be spoken of, and is told on this phone.
    """

    id: int
    key: str
    number: str
    text: str
    recording: str
    purpose: str
    klass: str
    hours: str
    priority: int
    useful_until: int
    organisation_id: int | None
    programme_id: int | None
    still_holds: bool


def calls(tx: Connection, ids: Sequence[int], today: date) -> list[Untaken]:
    """Those of these messages that were calls, in the order of their ids."""
    rows = tx.execute(
        select(
            m.id,
            m.key,
            phone.c.number,
            m.text,
            m.recording,
            m.purpose,
            m.klass,
            m.hours,
            m.priority,
            m.useful_until,
            m.organisation_id,
            m.programme_id,
            _still_holds(today),
        )
        .join(phone, phone.c.id == m.phone_id)
        .where(m.id.in_(ids), m.recording.is_not(None))
        .order_by(m.id)
    )
    return [Untaken._make(row) for row in rows]


def _still_holds(today: date) -> Exists:
    """The family may have refused, or have another number, since the call left."""
    spoken_of = child.c.person_id.is_(None) | ~is_quiet(today)  # a follow-up has no child
    return (
        select(appointment.c.id)
        .join(message_appointment, message_appointment.c.appointment_id == appointment.c.id)
        .join(household, household.c.id == appointment.c.household_id)
        .outerjoin(child, child.c.person_id == appointment.c.child_id)
        .where(message_appointment.c.message_id == m.id, appointment.c.state == "open", spoken_of, _is_told_here())
        .exists()
    )


def _is_told_here() -> ColumnElement[bool]:
    """The message's phone is the household's, or that of somebody who cares for the child beside."""
    beside = exists().where(
        caregiver.c.child_id == child.c.person_id,
        caregiver.c.until.is_(None),
        person_phone.c.person_id == caregiver.c.person_id,
        person_phone.c.phone_id == m.phone_id,
        person_phone.c.until.is_(None),
    )
    return or_(household.c.preferred_phone_id == m.phone_id, beside)


def told_by_another(tx: Connection, message_id: int, instead: int) -> None:
    """What a message tells of appointments is told by the one that takes its place."""
    which = message_appointment.c.message_id == message_id
    tx.execute(update(message_appointment).where(which).values(message_id=instead))


def queued_with_key(tx: Connection, key: str) -> list[int]:
    return list(tx.execute(select(m.id).where(m.key == key, m.state == "queued")).scalars())


def called_back_since(tx: Connection, number_idx: bytes, since: int) -> int:
    """How many calls this number was promised for letting us ring."""
    back = (m.number_idx == number_idx) & m.key.startswith("callback:") & (m.created_at > since)
    return int(tx.execute(select(func.count()).where(back)).scalar_one())


def is_known(tx: Connection, phone_id: int) -> bool:
    """Whether somebody of ours uses this phone."""
    return tx.execute(select(person_phone.c.person_id).where(person_phone.c.phone_id == phone_id)).first() is not None
