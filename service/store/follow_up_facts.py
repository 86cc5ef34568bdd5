"""What reports and the counts kept of deleted rows read of treatments, follow-ups, covers and what was said of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date
from typing import NamedTuple

from sqlalchemy import Table, and_, case, func, select
from sqlalchemy.engine import Connection

from service.domain import treatment_rules
from service.domain.follow_up_counts import Treated
from service.store.care_tables import appointment
from service.store.decision_tables import decision
from service.store.follow_up_tables import follow_up, follow_up_contact
from service.store.message_tables import message
from service.store.mutual_tables import membership
from service.store.people_tables import child
from service.store.recall_tables import MAY_HAVE_ARRIVED, message_appointment
from service.store.treatment_tables import treatment, treatment_visit

PAGE = 500


def treatments_after(tx: Connection, after: int) -> list[int]:
    """Ids of the next treatments, a page of them."""
    return _ids_after(tx, treatment, after)


def follow_ups_after(tx: Connection, after: int) -> list[int]:
    return _ids_after(tx, follow_up, after)


def _ids_after(tx: Connection, table: Table, after: int) -> list[int]:
    return list(tx.execute(select(table.c.id).where(table.c.id > after).order_by(table.c.id).limit(PAGE)).scalars())


def treated(tx: Connection, ids: Sequence[int]) -> Iterator[tuple[int, Treated]]:
    """(programme, what is known) of each of these treatments."""
    t, v = treatment.c, treatment_visit.c
    admission = and_(v.treatment_id == t.id, v.made_on == t.admitted_on)
    rows = tx.execute(
        select(child.c.programme_id, t.admitted_on, v.measure, t.ended_on, t.ended_why)
        .select_from(treatment)
        .join(child, child.c.person_id == t.child_id)
        .outerjoin(treatment_visit, admission)
        .where(t.id.in_(ids))
    )
    for programme_id, on, measure, ended_on, why in rows:
        first = treatment_rules.read(on, measure) if measure else None
        yield programme_id, Treated(on, first, ended_on, why)


class FollowUpRow(NamedTuple):
    id: int
    programme_id: int
    kind: str
    opened_on: date
    ended_on: date | None


class AskedFor(NamedTuple):
    """A contact's day, and when the first message about it was queued that may have arrived; None: none was."""

    follow_up_id: int
    contact: str
    on: date
    lapses_on: date | None
    told_at: int | None


def follow_ups(tx: Connection, ids: Sequence[int]) -> list[FollowUpRow]:
    columns = [follow_up.c[name] for name in FollowUpRow._fields]
    return [FollowUpRow._make(row) for row in tx.execute(select(*columns).where(follow_up.c.id.in_(ids)))]


def contacts_asked_for(tx: Connection, ids: Sequence[int]) -> list[AskedFor]:
    """Every appointment that these follow-ups had, by day; a contact that was moved has several."""
    a, link, m = appointment.c, message_appointment.c, message.c
    may_have_arrived = and_(m.id == link.message_id, m.state.in_(MAY_HAVE_ARRIVED))
    rows = tx.execute(
        select(a.follow_up_id, a.doses, a.anchor_on, a.lapses_on, func.min(m.created_at))
        .select_from(appointment)
        .outerjoin(message_appointment, link.appointment_id == a.id)
        .outerjoin(message, may_have_arrived)
        .where(a.follow_up_id.in_(ids))
        .group_by(a.id, a.follow_up_id, a.doses, a.anchor_on, a.lapses_on)
        .order_by(a.anchor_on, a.id)
    )
    return [AskedFor._make(row) for row in rows]


def contacts_made(tx: Connection, ids: Sequence[int]) -> dict[int, dict[str, date]]:
    """follow-up -> contact -> the day on which it was made."""
    c = follow_up_contact.c
    found: dict[int, dict[str, date]] = defaultdict(dict)
    for follow_up_id, name, on in tx.execute(
        select(c.follow_up_id, c.contact, c.made_on).where(c.follow_up_id.in_(ids))
    ):
        found[follow_up_id][name] = on
    return found


# --- covers -------------------------------------------------------------------------------------------------


class CoversNow(NamedTuple):
    """Requests that wait, covers that last, and those whose last day is past without another word of the mutual."""

    requested: int
    lasting: int
    over: int


def covers_now(tx: Connection, today: date) -> CoversNow:
    c = membership.c
    is_active = c.state == "active"
    which = (c.state == "requested", is_active & (c.paid_until >= today), is_active & (c.paid_until < today))
    sums = [func.coalesce(func.sum(case((one, 1), else_=0)), 0) for one in which]
    return CoversNow(*(int(number) for number in tx.execute(select(*sums)).one()))


def decided_between(tx: Connection, what: Sequence[str], since: int, before: int) -> list[tuple[str, int]]:
    """(what, when) of the decisions of these kinds."""
    d = decision.c
    rows = tx.execute(select(d.what, d.at).where(d.at >= since, d.at < before, d.what.in_(what)))
    return [(row.what, row.at) for row in rows]
