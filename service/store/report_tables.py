"""What reports read: children a page at a time in the order of their ids, messages counted a week at a time.

No name and no number is read here. A page is small and a count is of one week, so that memory stays flat and no
statement runs for long, however many children are followed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import Select, bindparam, case, extract, func, select
from sqlalchemy.engine import Connection

from service.store.care_tables import ROUND, VACCINE, appointment, dose
from service.store.columns import Id, among, spelled
from service.store.message_tables import message
from service.store.people_tables import child, person
from service.store.prepared import Prepared
from service.store.recall_tables import message_appointment
from service.store.tally_tables import message_tally
from service.store.visit_tables import visit

a, d, link, m, v = appointment.c, dose.c, message_appointment.c, message.c, visit.c
_for_vaccines = a.kind == spelled(VACCINE)


class Scope(NamedTuple):
    """Which children: of a quartier, born from one day to another (both included); None: no matter."""

    zone_id: int | None = None
    born_from: date | None = None
    born_until: date | None = None

    @property
    def is_everybody(self) -> bool:
        return self == Scope()


class ChildRow(NamedTuple):
    id: int
    profile: str
    status: str
    born_on: date | None
    birth_precision: str
    zone_id: int | None


class ReminderRow(NamedTuple):
    """A message that told of a contact of this child for vaccines. `doses`: 'PENTA1,OPV1'."""

    child_id: int
    doses: str
    state: str
    created_at: int


class Sent(NamedTuple):
    """Messages of one state and what they cost, in hundredths of a franc CFA."""

    state: str
    messages: int
    cost: int


def children_after(tx: Connection, scope: Scope, enrolled_by: date, after: int, limit: int) -> list[ChildRow]:
    """The next children by id, enrolled by that day, followed or not."""
    c = child.c
    page = (
        select(c.person_id, c.profile, c.status, person.c.born_on, c.birth_precision, c.zone_id)
        .join(person, person.c.id == c.person_id)
        .where(c.person_id > after, c.enrolled_on <= enrolled_by)
    )
    return [ChildRow._make(row) for row in tx.execute(_within(page, scope).order_by(c.person_id).limit(limit))]


_DOSES = Prepared(
    lambda _: (
        select(d.child_id, d.antigen, d.given_on, d.date_quality)
        .where(among(d.child_id, "ids", Id), d.voided_at.is_(None), d.given_on <= bindparam("until"))
        .order_by(d.child_id, d.given_on, d.antigen)
    )
)
_PLANNED = Prepared(
    lambda _: select(a.child_id).where(among(a.child_id, "ids", Id), a.state == "open", _for_vaccines).distinct()
)
_REMINDERS = Prepared(
    lambda _: (
        select(a.child_id, a.doses, m.state, m.created_at)
        .select_from(appointment)
        .join(message_appointment, link.appointment_id == a.id)
        .join(message, m.id == link.message_id)
        .where(among(a.child_id, "ids", Id), _for_vaccines, m.created_at < bindparam("before"))
    )
)


def doses_of(tx: Connection, ids: Sequence[int], until: date) -> list[tuple[Any, ...]]:
    """(child, antigen, day, quality of the day) of these children's standing doses given by that day, in order.

    Millions of rows pass here: a named tuple would cost twice as much.
    """
    return _DOSES.rows(tx, ids=ids, until=until)


def planned(tx: Connection, ids: Sequence[int]) -> set[int]:
    """Those of the children for whom an appointment for vaccines waits."""
    return {row[0] for row in _PLANNED.rows(tx, ids=ids)}


def reminders_of(tx: Connection, ids: Sequence[int], before: int) -> list[ReminderRow]:
    return [ReminderRow._make(row) for row in _REMINDERS.rows(tx, ids=ids, before=before)]


_SEEN = Prepared(
    lambda _: (
        select(v.child_id)
        .where(among(v.child_id, "ids", Id), v.status == "seen")
        .where(v.visited_on >= bindparam("since"), v.visited_on <= bindparam("until"))
        .distinct()
    )
)


def seen_at_home(tx: Connection, ids: Sequence[int], since: date, until: date) -> set[int]:
    """Those of the children whom a mediator has seen at home from one day to the other."""
    return {row[0] for row in _SEEN.rows(tx, ids=ids, since=since, until=until)}


class Invited(NamedTuple):
    """A contact of a malaria round that this child had on a day, and the state of a message about it, if there was."""

    child_id: int
    contact: str
    on: date
    state: str | None


_INVITED = Prepared(
    lambda _: (
        select(a.child_id, a.doses, a.anchor_on, m.state)
        .select_from(appointment)
        .outerjoin(message_appointment, link.appointment_id == a.id)
        .outerjoin(message, (m.id == link.message_id) & (m.created_at < bindparam("before")))
        .where(among(a.child_id, "ids", Id), a.kind == spelled(ROUND), a.anchor_on >= bindparam("since"))
        .where(a.anchor_on <= bindparam("until"))
    )
)


def invited_to_rounds(tx: Connection, ids: Sequence[int], since: date, until: date, before: int) -> list[Invited]:
    """What these children were invited to between two days, a row for each message about it."""
    rows = _INVITED.rows(tx, ids=ids, since=since, until=until, before=before)
    return [Invited._make(row) for row in rows]


class Visited(NamedTuple):
    """Visits in a quartier in a month (its first day), and in how many of them the child was seen."""

    month: date
    zone_id: int
    visits: int
    seen: int


def visits_between(tx: Connection, first: date, last: date, zone_id: int | None) -> list[Visited]:
    """Visits at home by month and quartier."""
    year, month = extract("year", v.visited_on), extract("month", v.visited_on)
    seen = func.sum(case((v.status == "seen", 1), else_=0))
    counted = (
        select(year, month, v.zone_id, func.count(), seen)
        .where(v.visited_on >= first, v.visited_on <= last)
        .group_by(year, month, v.zone_id)
    )
    if zone_id is not None:
        counted = counted.where(v.zone_id == zone_id)
    rows = tx.execute(counted).all()
    return sorted(Visited(date(int(y), int(m), 1), where, int(n), int(s)) for y, m, where, n, s in rows)


def oldest_message_at(tx: Connection) -> int | None:
    return tx.execute(select(func.min(m.created_at))).scalar_one_or_none()


def reminders_sent(tx: Connection, scope: Scope, since: int, before: int) -> list[Sent]:
    """Reminders queued in this time by state; of some children, those that tell of one of them, each once."""
    cost = func.coalesce(func.sum(func.coalesce(m.cost_true, m.cost_estimated, 0)), 0)
    counted = (
        select(m.state, func.count(), cost)
        .where(m.purpose == "reminder", m.created_at >= since, m.created_at < before)
        .group_by(m.state)
    )
    if not scope.is_everybody:
        theirs = (
            select(link.message_id)
            .join(appointment, a.id == link.appointment_id)
            .join(child, child.c.person_id == a.child_id)
            .join(person, person.c.id == child.c.person_id)
            .where(link.message_id == m.id)
            .correlate(message)
        )
        counted = counted.where(_within(theirs, scope).exists())
    return [Sent(row[0], int(row[1]), int(row[2])) for row in tx.execute(counted)]


def reminders_tallied(tx: Connection, until: date) -> list[Sent]:
    """Reminders that were counted before they were deleted; their true cost where a carrier told one."""
    t = message_tally.c
    rows = tx.execute(
        select(t.state, t.messages, t.cost_true, t.cost_estimated).where(t.purpose == "reminder", t.day <= until)
    )
    return [Sent(state, int(messages), int(true or estimated)) for state, messages, true, estimated in rows]


def _within(statement: Select[Any], scope: Scope) -> Select[Any]:
    if scope.zone_id is not None:
        statement = statement.where(child.c.zone_id == scope.zone_id)
    if scope.born_from is not None:
        statement = statement.where(person.c.born_on >= scope.born_from)
    if scope.born_until is not None:
        statement = statement.where(person.c.born_on <= scope.born_until)
    return statement
