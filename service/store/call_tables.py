"""Messages that are said in a call: found when the call is taken, and once more when nobody took it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import exists, func, select, update
from sqlalchemy.engine import Connection

from service.store.care_tables import appointment
from service.store.message_tables import message
from service.store.people_tables import person_phone
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
    """A call that ended, with all that another one needs. `still_holds`: an appointment it tells of is still open."""

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


def calls(tx: Connection, ids: Sequence[int]) -> list[Untaken]:
    """Those of these messages that were calls, in the order of their ids."""
    tells = exists().where(
        message_appointment.c.message_id == m.id,
        appointment.c.id == message_appointment.c.appointment_id,
        appointment.c.state == "open",
    )
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
            tells,
        )
        .join(phone, phone.c.id == m.phone_id)
        .where(m.id.in_(ids), m.recording.is_not(None))
        .order_by(m.id)
    )
    return [Untaken._make(row) for row in rows]


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
