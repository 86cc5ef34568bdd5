"""Doses given, and appointments: one row for each coming contact, with the day of its next reminder step indexed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from typing import NamedTuple

from sqlalchemy import (
    Boolean,
    Column,
    Date,
    Index,
    String,
    Table,
    bindparam,
    false,
    func,
    null,
    select,
    update,
)
from sqlalchemy.engine import Connection

from service.store.columns import Id, Instant, Sealed, among, id_column, metadata, new_id, reference
from service.store.dialects import only_rows
from service.store.prepared import Prepared, adding, inserting, paged

VACCINE = "vaccine"
"""The kind of a child's appointments; follow-ups have others."""
NUTRITION = "nutrition"
"""The weekly visits of a child that is treated for malnutrition."""
ROUND = "smc"
"""A child is expected in an announced malaria round (`round_plans`)."""
COVER = "cover"
"""A household's cover of a mutual ends (`cover_ends`): of no child, and told in words of its own."""
OF_CHILDREN = (VACCINE, NUTRITION, ROUND)

dose = Table(
    "dose",
    metadata,
    id_column(),
    reference("child_id", "child.person_id", index=True),
    Column("antigen", String(12), nullable=False),
    Column("given_on", Date, nullable=False),
    Column("source", String(12), nullable=False),  # mother, card, centre, mediator, list, correction, demo
    Column("date_quality", String(8), nullable=False),  # told, seen, assumed
    Column("recorded_by", String(60), nullable=False),
    Column("recorded_at", Instant, nullable=False),
    Column("voided_by", String(60)),
    Column("voided_at", Instant),
    Column("voided_why", String(12)),  # one of service.domain.correction_words
    Column("voided_note", Sealed("dose.voided_note")),  # what a person added
)
_standing = dose.c.voided_at.is_(None)
Index(
    "uq_dose_standing",
    dose.c.child_id,
    dose.c.antigen,
    dose.c.given_on,
    unique=True,
    **only_rows(_standing),
)

appointment = Table(
    "appointment",
    metadata,
    id_column(),
    reference("organisation_id", "organisation.id"),
    reference("programme_id", "programme.id"),
    # One of the three: whose appointment it is.
    reference("child_id", "child.person_id", nullable=True),
    reference("follow_up_id", "follow_up.id", nullable=True),
    reference("membership_id", "membership.id", nullable=True),
    reference("household_id", "household.id"),
    Column("kind", String(12), nullable=False),  # vaccine, nutrition, smc; cover; antenatal, postnatal
    Column("doses", String(120), nullable=False),  # 'PENTA1,OPV1,PCV1,ROTA1'; of others the contact, 'w20'
    Column("anchor_on", Date, nullable=False),
    Column("lapses_on", Date),
    Column("meets_on", Date),  # the day the centre gives them; NULL: the anchor itself
    Column("awaits_stock", Boolean, nullable=False, server_default=false()),  # nobody knows on which day
    Column("state", String(10), nullable=False),  # open, closed
    Column("last_step", String(8)),
    Column("next_step", String(8)),
    Column("next_step_on", Date),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
)
_waiting = appointment.c.next_step_on.is_not(None)
# The daily tick reads this index and nothing else: its cost follows what is due, not who is registered.
Index(
    "ix_appointment_next_step",
    appointment.c.next_step_on,
    appointment.c.household_id,
    **only_rows(_waiting),
)
Index("ix_appointment_child", appointment.c.child_id, appointment.c.state)
_of_follow_up = appointment.c.follow_up_id.is_not(None)
Index(
    "ix_appointment_follow_up",
    appointment.c.follow_up_id,
    appointment.c.state,
    **only_rows(_of_follow_up),
)
Index("ix_appointment_household", appointment.c.household_id, appointment.c.state)
_of_membership = appointment.c.membership_id.is_not(None)
Index(
    "ix_appointment_membership",
    appointment.c.membership_id,
    appointment.c.state,
    **only_rows(_of_membership),
)


class Dose(NamedTuple):
    antigen: str
    given_on: date


class Appointment(NamedTuple):
    """`doses` names the contact where it is none of vaccines."""

    id: int
    doses: str
    anchor_on: date
    lapses_on: date | None
    last_step: str | None
    next_step: str | None
    next_step_on: date | None
    meets_on: date | None
    awaits_stock: bool

    @property
    def on(self) -> date | None:
        """The day that the family is told; None when nobody knows it."""
        return None if self.awaits_stock else self.meets_on or self.anchor_on


APPOINTMENT_COLUMNS = tuple(appointment.c[name] for name in Appointment._fields)
_DOSES = Prepared(
    lambda _: select(dose.c.antigen, dose.c.given_on).where(dose.c.child_id == bindparam("child_id"), _standing)
)
_DOSES_OF = Prepared(
    lambda _: select(dose.c.child_id, dose.c.antigen, dose.c.given_on).where(
        among(dose.c.child_id, "children", Id), _standing
    )
)
_ADD_DOSE = inserting(
    dose,
    "id",
    "child_id",
    "antigen",
    "given_on",
    "source",
    "date_quality",
    "recorded_by",
    "recorded_at",
    once=True,
)
_ADD_APPOINTMENT = adding(
    appointment,
    "id",
    "organisation_id",
    "programme_id",
    "child_id",
    "follow_up_id",
    "membership_id",
    "household_id",
    "kind",
    "doses",
    "anchor_on",
    "lapses_on",
    "meets_on",
    "awaits_stock",
    "state",
    "last_step",
    "next_step",
    "next_step_on",
    "created_at",
    "updated_at",
)


def doses_of(tx: Connection, child_id: int) -> list[Dose]:
    return [Dose._make(row) for row in _DOSES.rows(tx, child_id=child_id)]


def standing_doses(tx: Connection, children: Sequence[int]) -> dict[int, list[Dose]]:
    """child -> the doses on record that nobody took back; a child without any is not there."""
    found: dict[int, list[Dose]] = defaultdict(list)
    for child_id, *row in _DOSES_OF.rows(tx, children=children):
        found[child_id].append(Dose._make(row))
    return found


def add_dose(tx: Connection, child_id: int, antigen: str, given_on: date, **values: object) -> bool:
    """False when the same antigen on the same day already stands (rule R12: it counts once)."""
    row = _ADD_DOSE.first(tx, id=new_id(), child_id=child_id, antigen=antigen, given_on=given_on, **values)
    return row is not None


class RecordedDose(NamedTuple):
    """A dose as it stands in the history, taken back or not."""

    id: int
    antigen: str
    given_on: date
    source: str
    date_quality: str
    recorded_by: str
    recorded_at: int
    voided_by: str | None
    voided_at: int | None
    voided_why: str | None
    voided_note: str | None


def history_of(tx: Connection, child_id: int) -> list[RecordedDose]:
    """Every dose ever written down for this child, by day; those taken back too."""
    columns = [dose.c[name] for name in RecordedDose._fields]
    which = select(*columns).where(dose.c.child_id == child_id)
    rows = tx.execute(which.order_by(dose.c.given_on, dose.c.antigen, dose.c.recorded_at, dose.c.id))
    return [RecordedDose._make(row) for row in rows]


class KnownDose(NamedTuple):
    """A dose that stands, or that somebody took back."""

    child_id: int
    antigen: str
    given_on: date
    stands: bool
    voided_by: str | None


def known_doses(tx: Connection, children: Sequence[int]) -> list[KnownDose]:
    """Every dose of these children, those taken back too."""
    d = dose.c
    columns = (d.child_id, d.antigen, d.given_on, d.voided_at.is_(None), d.voided_by)
    return [KnownDose._make(row) for row in tx.execute(select(*columns).where(d.child_id.in_(children)))]


def void_dose(tx: Connection, dose_id: int, *, by: str, why: str, note: str | None, now: int) -> bool:
    """The dose counts no more and stays in the history; False when somebody took it back before."""
    which = (dose.c.id == dose_id) & _standing
    values = {"voided_by": by, "voided_at": now, "voided_why": why, "voided_note": note}
    return tx.execute(update(dose).where(which).values(**values)).rowcount == 1


_OPEN = Prepared(
    lambda _: (
        select(appointment.c.child_id, *APPOINTMENT_COLUMNS)
        .where(among(appointment.c.child_id, "children", Id), appointment.c.state == "open")
        .where(appointment.c.kind == bindparam("kind"))
        .order_by(appointment.c.child_id, appointment.c.anchor_on, appointment.c.id)
    )
)


def open_appointments(tx: Connection, child_id: int, kind: str = VACCINE) -> list[Appointment]:
    """Those of one kind, the earliest first."""
    return open_appointments_of(tx, [child_id], kind).get(child_id, [])


def open_appointments_of(tx: Connection, children: Sequence[int], kind: str = VACCINE) -> dict[int, list[Appointment]]:
    """child -> its open appointments of one kind, the earliest first; a child without any is not there."""
    found: dict[int, list[Appointment]] = defaultdict(list)
    for child_id, *row in _OPEN.rows(tx, children=children, kind=kind):
        found[child_id].append(Appointment._make(row))
    return found


def open_beside(tx: Connection, child_id: int) -> list[int]:
    """The open appointments of a child, and those of its household that are of no child."""
    c = appointment.c
    its_own = (c.child_id == child_id) & (c.state == "open")
    home = select(c.household_id).where(c.child_id == child_id)  # by those of former days too
    beside = c.household_id.in_(home) & c.child_id.is_(None) & (c.state == "open")
    return list(tx.execute(select(c.id).where(its_own).union(select(c.id).where(beside))).scalars())


_USUAL: dict[str, object] = {
    "state": "open",
    "child_id": None,
    "follow_up_id": None,
    "membership_id": None,
    "meets_on": None,
    "awaits_stock": False,
    "last_step": None,
}


def add_appointments(tx: Connection, rows: Iterable[dict[str, object]], now: int) -> None:
    """Open these, each with whose it is, its contact, its days and where its ladder stands (`step_columns`)."""
    new = [{**_USUAL, **row, "id": new_id(), "created_at": now, "updated_at": now} for row in rows]
    _ADD_APPOINTMENT.run(tx, new)


_CLOSE = Prepared(
    lambda _: (
        update(appointment)
        .where(among(appointment.c.id, "ids", Id))
        .values(state="closed", next_step=null(), next_step_on=null(), updated_at=bindparam("now", type_=Instant))
    )
)


def close_appointments(tx: Connection, ids: list[int], now: int) -> None:
    if ids:
        _CLOSE.run(tx, ids=ids, now=now)


class NextStep(NamedTuple):
    """Where an appointment's ladder stands: the step told last, and the next with its day, or none."""

    appointment_id: int
    last_step: str | None
    next_step: str | None
    next_step_on: date | None


_STEP = ("last_step", "next_step", "next_step_on", "updated_at")
_SET_STEPS = paged(
    lambda value: (
        update(appointment).where(appointment.c.id == value("which")).values({name: value(name) for name in _STEP})
    ),
    which=Id,
    **{name: appointment.c[name].type for name in _STEP},
)


def set_next_steps(tx: Connection, steps: Iterable[NextStep], now: int) -> None:
    rows = [dict(zip(_STEP, (*one[1:], now), strict=True)) | {"which": one.appointment_id} for one in steps]
    _SET_STEPS.run(tx, rows)


def count_open(tx: Connection) -> int:
    return int(tx.execute(select(func.count()).where(appointment.c.state == "open")).scalar_one())
