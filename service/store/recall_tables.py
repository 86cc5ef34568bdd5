"""Which message told of which step of which appointment, and the questions that the planner asks every day."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import NamedTuple

from sqlalchemy import (
    Column,
    Date,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    UniqueConstraint,
    bindparam,
    delete,
    func,
    select,
)
from sqlalchemy.engine import Connection

from service.store.care_tables import APPOINTMENT_COLUMNS, COVER, VACCINE, Appointment, appointment
from service.store.columns import Id, Instant, among, metadata, reference, spelled
from service.store.follow_up_tables import follow_up
from service.store.message_tables import message, send_attempt
from service.store.mutual_tables import membership
from service.store.people_tables import child, household
from service.store.phone_tables import opt_out, phone
from service.store.place_tables import health_centre, zone
from service.store.prepared import Prepared, PreparedPage, listed

message_appointment = Table(
    "message_appointment",
    metadata,
    reference("message_id", "message.id"),
    reference("appointment_id", "appointment.id"),
    Column("step", String(8), nullable=False),
    # To whoever is late: the day to come that was named, until pardon is asked for it.
    Column("named_on", Date),
    PrimaryKeyConstraint("message_id", "appointment_id", "step"),
    UniqueConstraint("appointment_id", "step"),
)
link = message_appointment.c
SORRY = "sorry"
"""In the place of a step: the message asks pardon for the day that this appointment had before."""
MAY_HAVE_ARRIVED = ("sending", "accepted", "delivered", "unknown", "no_receipt", "unresolved")
a = appointment.c
_on = func.coalesce(a.meets_on, a.anchor_on)


class DueAppointment(NamedTuple):
    """An appointment with a step due, and all that its reminder needs; `on` is the day from which it counts.

    Where it is about the end of a cover: `asked_phone_id` is the phone with which the household asked for it,
    `covered_until` its last day.
    """

    id: int
    kind: str
    child_id: int | None  # None: of a woman, or of the whole household
    doses: str
    household_id: int
    programme_id: int
    organisation_id: int
    on: date
    lapses_on: date | None
    last_step: str | None
    next_step: str
    phone_id: int | None
    number: str | None
    number_idx: bytes | None
    language: str | None
    readers: str | None
    centre: str | None
    zone: str | None
    enrolled_at: int | None
    birth_precision: str | None
    by_voice: bool | None = None
    asked_phone_id: int | None = None
    covered_until: date | None = None
    centre_id: int | None = None

    @property
    def is_cover(self) -> bool:
        return self.kind == COVER


# In the order of its index: the others, of those whose step is far away, are not even looked at.
_DUE_HOMES = Prepared(
    lambda _: (
        select(a.next_step_on, a.household_id)
        .where(a.next_step_on <= bindparam("today"))
        .distinct()
        .order_by(a.next_step_on, a.household_id)
        .limit(bindparam("most", type_=Integer))
    )
)
# Another planner's households are skipped: it is at work on them. `key_share`: an enrolment does not wait for us.
_LOCK_HOMES = Prepared(
    lambda _: (
        select(household.c.id)
        .where(among(household.c.id, "homes", Id))
        .with_for_update(skip_locked=True, key_share=True)
    )
)


def lock_due_households(tx: Connection, today: date, limit: int) -> list[int]:
    """The next households with something due, the longest due first: ours until the end of the transaction."""
    homes = sorted({home for _, home in _DUE_HOMES.rows(tx, today=today, most=limit)})
    if not homes or tx.dialect.name == "sqlite":
        return homes  # there is one writer
    return [row[0] for row in _LOCK_HOMES.rows(tx, homes=homes)]


_DUE = Prepared(
    lambda _: (
        select(
            a.id,
            a.kind,
            a.child_id,
            a.doses,
            a.household_id,
            a.programme_id,
            a.organisation_id,
            _on,
            a.lapses_on,
            a.last_step,
            a.next_step,
            phone.c.id,
            phone.c.number,
            phone.c.number_idx,
            phone.c.language,
            phone.c.readers,
            health_centre.c.name,
            zone.c.code,
            child.c.enrolled_at,
            child.c.birth_precision,
            phone.c.by_voice,
            membership.c.phone_id,
            membership.c.paid_until,
            child.c.centre_id,
        )
        .join(household, household.c.id == a.household_id)
        .outerjoin(child, child.c.person_id == a.child_id)
        .outerjoin(follow_up, follow_up.c.id == a.follow_up_id)
        .outerjoin(membership, membership.c.id == a.membership_id)
        .outerjoin(phone, phone.c.id == household.c.preferred_phone_id)
        .outerjoin(health_centre, health_centre.c.id == func.coalesce(child.c.centre_id, follow_up.c.centre_id))
        .outerjoin(zone, zone.c.id == func.coalesce(child.c.zone_id, follow_up.c.zone_id))
        .where(among(a.household_id, "homes", Id), a.next_step_on <= bindparam("today"), a.state == "open")
        .order_by(a.household_id, _on, a.id)
    )
)


def due_appointments(tx: Connection, homes: Sequence[int], today: date) -> list[DueAppointment]:
    """The due appointments of these households, a household's together, the earliest first."""
    return [DueAppointment._make(row) for row in _DUE.rows(tx, homes=homes, today=today)]


_LEFT_OVER = Prepared(
    lambda _: (
        select(message.c.id)
        .join(message_appointment, link.message_id == message.c.id)
        .join(appointment, a.id == link.appointment_id)
        .where(among(a.household_id, "homes", Id))
        .where(message.c.state == "queued", message.c.created_at < bindparam("since", type_=Instant))
        .where(message.c.key.startswith("recall:"))
        .distinct()
    )
)


def left_over(tx: Connection, homes: Sequence[int], since: int) -> list[int]:
    """Reminders to these households that were queued before `since` and still wait. (Who asks pardon says more.)"""
    return [row[0] for row in _LEFT_OVER.rows(tx, homes=homes, since=since)]


_WRITTEN_TO = Prepared(
    lambda _: (
        select(a.household_id)
        .join(message_appointment, link.appointment_id == a.id)
        .join(send_attempt, send_attempt.c.message_id == link.message_id)
        .where(among(a.household_id, "homes", Id), send_attempt.c.at >= bindparam("since", type_=Instant))
        .where(send_attempt.c.outcome != "notsent")
    )
)


def waiting_for(tx: Connection, phone_id: int, kind: str | None = None) -> list[tuple[int, int]]:
    """(message, household) of the reminders that wait to be told on this phone, of one kind where it is named."""
    statement = (
        select(message.c.id, a.household_id)
        .join(message_appointment, link.message_id == message.c.id)
        .join(appointment, a.id == link.appointment_id)
        .where(message.c.phone_id == phone_id, message.c.state == "queued", message.c.key.startswith("recall:"))
        .distinct()
    )
    if kind is not None:
        statement = statement.where(a.kind == kind)
    return [(row.id, row.household_id) for row in tx.execute(statement)]


class Pardon(NamedTuple):
    """A message that waits to ask a household pardon; times are UTC milliseconds."""

    message_id: int
    key: str
    text: str
    not_before: int
    useful_until: int
    hours: str
    organisation_id: int | None
    programme_id: int | None

    @property
    def household_id(self) -> int:
        """It tells of no appointment where no new day is known; its key names the household all the same."""
        return int(self.key.split(":")[2])


def pardons_for(tx: Connection, phone_id: int) -> list[Pardon]:
    """What waits to ask pardon on this phone."""
    m = message.c
    columns = (m.id, m.key, m.text, m.not_before, m.useful_until, m.hours, m.organisation_id, m.programme_id)
    which = (m.phone_id == phone_id) & (m.state == "queued") & m.key.startswith(f"{SORRY}:")
    return [Pardon._make(row) for row in tx.execute(select(*columns).where(which).order_by(m.id))]


def written_to(tx: Connection, homes: Sequence[int], since: int) -> set[int]:
    """Those of the households to whom a recall left since then, or may have."""
    return {row[0] for row in _WRITTEN_TO.rows(tx, homes=homes, since=since)}


_no_reminders = opt_out.c.purpose.in_([spelled("reminder"), spelled("all"), spelled("unreachable")])
_numbers = listed(number=opt_out.c.number_idx.type)
_REFUSED = PreparedPage(
    lambda _: (
        select(opt_out.c.number_idx)
        .where(opt_out.c.number_idx == bindparam("number", type_=opt_out.c.number_idx.type), _no_reminders)
        .limit(1)
    ),
    lambda _: (
        select(opt_out.c.number_idx).join(_numbers, _numbers.c.number == opt_out.c.number_idx).where(_no_reminders)
    ),
    "number",
)


def who_refused(tx: Connection, numbers: Iterable[bytes | None]) -> set[bytes]:
    """Those of the numbers (by blind index) that want no reminders, or receive nothing any more."""
    return {row[0] for row in _REFUSED.returned(tx, [{"number": one} for one in numbers if one is not None])}


def who_wants_no_news(tx: Connection, numbers: Iterable[bytes | None]) -> set[bytes]:
    """Those of them that refused informations."""
    wanted = [number for number in numbers if number is not None]
    refusal = opt_out.c.number_idx.in_(wanted) & (opt_out.c.purpose == "campaign")
    return set(tx.execute(select(opt_out.c.number_idx).where(refusal)).scalars())


class Told(NamedTuple):
    """A message tells of this step of this appointment; it names a day that is not the appointment's own."""

    message_id: int
    appointment_id: int
    step: str
    named_on: date | None = None


_TELL = PreparedPage(
    lambda insert: (
        insert(message_appointment)
        .values({name: bindparam(name, type_=link[name].type) for name in Told._fields})
        .on_conflict_do_nothing()
    ),
    lambda insert: (
        insert(message_appointment)
        .from_select(Told._fields, select(listed(**{name: link[name].type for name in Told._fields})))
        .on_conflict_do_nothing()
    ),
    *Told._fields,
)


def tell(tx: Connection, told: Iterable[Told]) -> None:
    """Each step of an appointment is told once, whatever tells it."""
    _TELL.run(tx, [one._asdict() for one in told])


_TELLING_OF = Prepared(lambda _: select(link.message_id).where(among(link.appointment_id, "ids", Id)).distinct())


def messages_telling_of(tx: Connection, appointment_ids: Sequence[int]) -> list[int]:
    return [row[0] for row in _TELLING_OF.rows(tx, ids=appointment_ids)]


def closed_and_told(tx: Connection, child_id: int) -> list[tuple[Appointment, str]]:
    """The child's closed contacts for vaccines with each step that left, or may have: the one closed last first."""
    rows = tx.execute(
        select(*APPOINTMENT_COLUMNS, link.step)
        .join(message_appointment, link.appointment_id == a.id)
        .join(message, message.c.id == link.message_id)
        .where(a.child_id == child_id, a.state == "closed", a.kind == VACCINE)
        .where(message.c.state.in_(MAY_HAVE_ARRIVED))
        .order_by(a.updated_at.desc(), a.id)
    )
    return [(Appointment(*row[:-1]), row[-1]) for row in rows]


def untell(tx: Connection, message_ids: Sequence[int]) -> list[tuple[int, str, str]]:
    """Forget what these messages told; gives (appointment, kind, step) of those still open, to be told again."""
    rows = tx.execute(
        select(link.appointment_id, a.kind, link.step)
        .join(appointment, a.id == link.appointment_id)
        .where(link.message_id.in_(message_ids), a.state == "open")
    ).all()
    tx.execute(delete(message_appointment).where(link.message_id.in_(message_ids)))
    return [(row.appointment_id, row.kind, row.step) for row in rows]
