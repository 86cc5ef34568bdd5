"""What a health centre told us of its days: the week's, those cancelled, those beside the week, and stock-outs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Literal, NamedTuple

from sqlalchemy import Column, Date, Index, String, Table, Text, bindparam, exists, func, insert, select, update
from sqlalchemy.engine import Connection

from service.domain.centre_days import CentreDays, ExtraDay, StockOut, WeeklyDay
from service.domain.places import WEEKDAYS
from service.store.care_tables import APPOINTMENT_COLUMNS, COVER, VACCINE, Appointment, appointment
from service.store.columns import Instant, id_column, metadata, new_id, reference
from service.store.dialects import only_rows
from service.store.message_tables import message, send_attempt
from service.store.people_tables import child, household
from service.store.place_tables import health_centre
from service.store.prepared import Prepared
from service.store.recall_tables import SORRY, message_appointment

Kind = Literal["weekly", "cancelled", "extra", "stock_out"]

centre_fact = Table(
    "centre_fact",
    metadata,
    id_column(),
    reference("centre_id", "health_centre.id"),
    Column("kind", String(10), nullable=False),  # weekly, cancelled, extra, stock_out
    Column("weekday", String(3)),  # mon ... sun, of a weekly day
    Column("antigens", String(120)),  # 'BCG,MR'; of a stock-out the one that is missing; NULL: all
    Column("since", Date, nullable=False),
    Column("until", Date),  # the last day; NULL: for good, or nobody knows
    Column("why", Text, nullable=False),
    Column("recorded_by", String(60), nullable=False),
    Column("recorded_at", Instant, nullable=False),
    Column("ended_by", String(60)),  # it counts no longer; the row stays, with who said so
    Column("ended_at", Instant),
)
f = centre_fact.c
_stands = f.ended_at.is_(None)
Index("ix_centre_fact_standing", f.centre_id, **only_rows(_stands))


class Fact(NamedTuple):
    """One thing that a centre told. Without `antigens` it is about all of them."""

    id: int
    kind: Kind
    weekday: str | None
    antigens: tuple[str, ...]
    since: date
    until: date | None
    why: str
    recorded_by: str

    @property
    def says(self) -> tuple[object, ...]:
        """Two facts that say the same are one."""
        return self.kind, self.weekday, self.antigens, self.since, self.until


class Planned(NamedTuple):
    """An open appointment of a child."""

    household_id: int
    child_id: int
    row: Appointment


_STANDING = Prepared(
    lambda _: (
        select(health_centre.c.vaccination_days, *(f[name] for name in Fact._fields))
        .select_from(health_centre)
        .outerjoin(centre_fact, (f.centre_id == health_centre.c.id) & _stands)
        .where(health_centre.c.id == bindparam("centre_id"))
        .order_by(f.since, f.recorded_at, f.weekday, f.id)
    )
)


def days_of(tx: Connection, centre_id: int) -> CentreDays:
    """The days of a centre: what was told last, else the days of the week that came with its name."""
    rows = _STANDING.rows(tx, centre_id=centre_id)
    usual = rows[0][0] if rows else None
    return as_days([_fact(row[1:]) for row in rows if row[1] is not None], usual.split(",") if usual else ())


def standing_facts(tx: Connection, centre_id: int) -> list[Fact]:
    """What stands of what the centre told, the earliest first."""
    rows = _STANDING.rows(tx, centre_id=centre_id)
    return [_fact(row[1:]) for row in rows if row[1] is not None]


def usual_days(tx: Connection, centre_id: int) -> tuple[str, ...]:
    """The days of the week that came with the centre's name, in the files of places."""
    days = tx.execute(select(health_centre.c.vaccination_days).where(health_centre.c.id == centre_id)).scalar_one()
    return tuple(days.split(",")) if days else ()


def as_days(facts: Iterable[Fact], usual: Sequence[str] = ()) -> CentreDays:
    """The same as the rules read it. `usual`: the week's days, where the facts say nothing of the week."""
    facts = list(facts)
    weekly = [
        WeeklyDay(WEEKDAYS.index(one.weekday), frozenset(one.antigens), one.since, one.until)
        for one in facts
        if one.kind == "weekly" and one.weekday
    ]
    since = min((one.since for one in weekly), default=None)
    before = since - timedelta(1) if since else None
    return CentreDays(
        (*(WeeklyDay(WEEKDAYS.index(day), until=before) for day in usual), *weekly),
        frozenset(one.since for one in facts if one.kind == "cancelled"),
        tuple(ExtraDay(one.since, frozenset(one.antigens)) for one in facts if one.kind == "extra"),
        tuple(
            StockOut(antigen, one.since, one.until)
            for one in facts
            if one.kind == "stock_out"
            for antigen in one.antigens
        ),
    )


def _fact(row: Sequence[object]) -> Fact:
    fact = Fact._make(row)
    return fact._replace(antigens=tuple(str(fact.antigens).split(",")) if fact.antigens else ())


def lock_centre(tx: Connection, code: str) -> tuple[int, str] | None:
    """(id, name) of the centre with this code; whoever else changes its days waits until we commit."""
    which = select(health_centre.c.id, health_centre.c.name).where(health_centre.c.code == code)
    # `key_share`: an enrolment, which names the centre, does not wait.
    row = tx.execute(which.with_for_update(key_share=True)).first()
    return (row.id, row.name) if row else None


def centres(tx: Connection) -> list[tuple[int, str, str]]:
    """(id, code, name) of every centre, in the order of the names."""
    c = health_centre.c
    return [(row.id, row.code, row.name) for row in tx.execute(select(c.id, c.code, c.name).order_by(c.name))]


def add_fact(tx: Connection, centre_id: int, fact: Fact, now: int) -> Fact:
    """Write it down; gives it with its id."""
    added = fact._replace(id=new_id())
    values = added._asdict() | {"antigens": ",".join(fact.antigens) or None, "recorded_by": fact.recorded_by[:60]}
    tx.execute(insert(centre_fact).values(values | {"centre_id": centre_id, "recorded_at": now}))
    return added


def end_fact(tx: Connection, fact_id: int, by: str, now: int) -> None:
    tx.execute(update(centre_fact).where(f.id == fact_id).values(ended_by=by[:60], ended_at=now))


def hold_until(tx: Connection, fact_id: int, day: date) -> None:
    """A weekly day that others follow holds until the day before theirs."""
    tx.execute(update(centre_fact).where(f.id == fact_id).values(until=day - timedelta(1)))


# --- the families that go there -------------------------------------------------------------------------------


def households_from(tx: Connection, centre_id: int, after: int, limit: int) -> list[int]:
    """The next households with a followed child of this centre, in the order of their ids."""
    which = (child.c.centre_id == centre_id) & (child.c.household_id > after)
    page = select(child.c.household_id).where(which).distinct().order_by(child.c.household_id).limit(limit)
    return list(tx.execute(page).scalars())


def lock_households(tx: Connection, homes: Sequence[int]) -> None:
    """The planner and replans of these households take turns with us."""
    which = household.c.id.in_(homes)
    tx.execute(select(household.c.id).where(which).order_by(household.c.id).with_for_update(key_share=True))


def planned_at(tx: Connection, centre_id: int, homes: Sequence[int]) -> list[Planned]:
    """The open appointments of these households' children who go to this centre, a child's together."""
    rows = tx.execute(
        select(child.c.household_id, child.c.person_id, *APPOINTMENT_COLUMNS)
        .join(appointment, (appointment.c.child_id == child.c.person_id) & (appointment.c.state == "open"))
        .where(child.c.household_id.in_(homes), child.c.centre_id == centre_id, appointment.c.kind == VACCINE)
        .order_by(child.c.household_id, child.c.person_id, appointment.c.anchor_on)
    )
    return [Planned(row[0], row[1], Appointment(*row[2:])) for row in rows]


def days_still_told(tx: Connection, homes: Sequence[int]) -> set[tuple[int, date]]:
    """(household, day) of every open appointment of these households: there is a reason to come on that day.

    The day of a notice about a cover is none: nobody is to come for it.
    """
    a = appointment.c
    day = func.coalesce(a.meets_on, a.anchor_on)
    which = a.household_id.in_(homes) & (a.state == "open") & a.awaits_stock.is_(False) & (a.kind != COVER)
    return {(row[0], row[1]) for row in tx.execute(select(a.household_id, day).where(which).distinct())}


def heard_of(tx: Connection, appointment_ids: Sequence[int]) -> set[int]:
    """Those of the appointments of which a message left, or may have."""
    link, called = message_appointment.c, send_attempt.c
    statement = (
        select(link.appointment_id)
        .join(send_attempt, called.message_id == link.message_id)
        .where(link.appointment_id.in_(appointment_ids), called.outcome != "notsent")
        .distinct()
    )
    return set(tx.execute(statement).scalars())


class Awaited(NamedTuple):
    """A late child whose family was told to come on `on`; not `left`: the message waits."""

    household_id: int
    child_id: int
    appointment_id: int
    doses: str
    on: date
    left: bool


def awaited_at(tx: Connection, centre_id: int, homes: Sequence[int], today: date) -> list[Awaited]:
    """The late children of these households who are awaited at this centre from today on."""
    a, link, called = appointment.c, message_appointment.c, send_attempt.c
    left = exists().where(called.message_id == link.message_id, called.outcome != "notsent")
    rows = tx.execute(
        select(a.household_id, a.child_id, a.id, a.doses, link.named_on, left)
        .join(message_appointment, link.appointment_id == a.id)
        .join(message, message.c.id == link.message_id)
        .join(child, child.c.person_id == a.child_id)
        .where(a.household_id.in_(homes), a.state == "open", a.kind == VACCINE, link.named_on >= today)
        .where(child.c.centre_id == centre_id, left | (message.c.state == "queued"))
        .order_by(a.household_id, link.named_on, a.id)
    )
    return [Awaited._make((*row[:5], bool(row[5]))) for row in rows]


def pardoned(tx: Connection, appointment_ids: Sequence[int]) -> None:
    """Nobody is asked pardon twice for the day that these were awaited on."""
    which = message_appointment.c.appointment_id.in_(appointment_ids)
    tx.execute(update(message_appointment).where(which).values(named_on=None))


class Heard(NamedTuple):
    """A day that a family heard of, of an appointment that stands no longer."""

    child_id: int
    anchor_on: date
    on: date


def days_heard_before(tx: Connection, children: Sequence[int], today: date, kind: str = VACCINE) -> list[Heard]:
    """The days from `today` on that these children's families heard of, of this kind, and that stand no longer."""
    a, link, called = appointment.c, message_appointment.c, send_attempt.c
    day = func.coalesce(a.meets_on, a.anchor_on)
    rows = tx.execute(
        select(a.child_id, a.anchor_on, day)
        .join(message_appointment, link.appointment_id == a.id)
        .join(send_attempt, called.message_id == link.message_id)
        .where(a.child_id.in_(children), a.kind == kind, a.state == "closed", day >= today, a.awaits_stock.is_(False))
        .where(called.outcome != "notsent")
        .distinct()
    )
    return [Heard._make(row) for row in rows]


def with_an_apology_waiting(tx: Connection, homes: Sequence[int]) -> set[int]:
    """Those of the households to whom an apology is to leave."""
    a, link = appointment.c, message_appointment.c
    statement = (
        select(a.household_id)
        .join(message_appointment, link.appointment_id == a.id)
        .join(message, message.c.id == link.message_id)
        .where(a.household_id.in_(homes), a.state == "open", link.step == SORRY, message.c.state == "queued")
    )
    return set(tx.execute(statement).scalars())
