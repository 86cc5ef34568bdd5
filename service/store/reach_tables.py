"""Whether a phone is still reached: the days on which nothing arrived, the refusal that follows, and silence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import NamedTuple

from sqlalchemy import ColumnElement, bindparam, delete, exists, func, literal, null, or_, select, update
from sqlalchemy.engine import Connection

from service.store.child_states import is_quiet
from service.store.columns import upsert, wrote
from service.store.message_tables import message
from service.store.people_tables import child, household
from service.store.phone_tables import UNREACHABLE, index_of, opt_out, phone, version_of
from service.store.prepared import Prepared
from service.store.route_tables import route_sample
from service.store.task_tables import task

TOO_MANY_TO_BE_PHONES = 20

p = phone.c


class Failed(NamedTuple):
    id: int
    number_idx: bytes
    days: int


class Heard(NamedTuple):
    id: int
    number_idx: bytes


def hold(tx: Connection, phones: Iterable[int]) -> None:
    """Lock these phones in one order, so that two that change many of them do not wait for each other in a circle."""
    tx.execute(select(p.id).where(p.id.in_(sorted(phones))).order_by(p.id).with_for_update()).all()


def arrived(tx: Connection, phones: Sequence[int]) -> None:
    """The days on which nothing arrived begin anew."""
    tx.execute(update(phone).where(p.id.in_(phones), p.failed_days > 0).values(failed_days=0, failed_on=None))


def missed(tx: Connection, phones: Sequence[int], today: date) -> list[Failed]:
    """One more day for each of these phones, if this day is not counted yet; those for which it was."""
    uncounted = p.failed_on.is_(None) | (p.failed_on < today)
    statement = update(phone).where(p.id.in_(phones), uncounted).values(failed_days=p.failed_days + 1, failed_on=today)
    return [Failed._make(row) for row in tx.execute(statement.returning(p.id, p.number_idx, p.failed_days))]


def carriers_fail(tx: Connection, since: int) -> bool:
    """Whether more was lost than delivered since then: a route that fails says nothing about a phone."""
    s = route_sample.c
    sums = select(func.coalesce(func.sum(s.delivered), 0), func.coalesce(func.sum(s.undelivered), 0)).where(
        s.at >= since
    )
    delivered, undelivered = tx.execute(sums).one()
    return bool(undelivered >= TOO_MANY_TO_BE_PHONES and undelivered > delivered)


def mark_unreachable(tx: Connection, number_idx: bytes, now: int) -> bool:
    """False when it was already."""
    row = {"number_idx": number_idx, "purpose": UNREACHABLE, "how": "receipts", "at": now}
    statement = upsert(tx, opt_out).values(index_version=version_of(tx, number_idx), **row)
    return wrote(tx, statement.on_conflict_do_nothing())


def suppress_unreachable(tx: Connection, number_idx: bytes, purposes: Sequence[str], now: int) -> int:
    m = message.c
    which = (m.number_idx == number_idx) & (m.state == "queued") & m.purpose.in_(purposes)
    reason = "nothing arrives at this number: a person confirms it first"
    return tx.execute(update(message).where(which).values(state="suppressed", reason=reason, state_at=now)).rowcount


def take_back(tx: Connection, numbers: Sequence[bytes]) -> list[int]:
    """These numbers may be written to again; gives the phones that could not be."""
    gone = delete(opt_out).where(opt_out.c.number_idx.in_(numbers), opt_out.c.purpose == UNREACHABLE)
    back = list(tx.execute(gone.returning(opt_out.c.number_idx)).scalars())
    return list(tx.execute(select(p.id).where(p.number_idx.in_(back))).scalars()) if back else []


_HEARD = Prepared(
    lambda _: (
        update(phone)
        .where(
            p.number_idx == bindparam("idx"),
            or_(
                func.coalesce(p.last_heard_at, p.created_at) < bindparam("lately"),
                p.failed_days > literal(0),
                p.asked_on.is_not(None),
            ),
        )
        .values(last_heard_at=bindparam("day"), failed_days=0, failed_on=null(), asked_on=null())
        .returning(p.id, p.number_idx)
    )
)


def heard(tx: Connection, number: str, day: int, lately: int) -> Heard | None:
    """Note that this phone is in use; None when it is unknown, or this was known lately."""
    row = _HEARD.first(tx, idx=index_of(tx, number), day=day, lately=lately)
    return Heard._make(row) if row else None


def silent_since(tx: Connection, since: int, since_day: date, today: date, kind: str, limit: int) -> list[int]:
    """Phones of families with children to speak of, not heard of nor reached since then, and not asked nor on the list.

    They are ours until the end of the transaction.
    """
    m = message.c
    reached = exists().where(m.number_idx == p.number_idx, m.state == "delivered", m.state_at > since)
    listed = exists().where(task.c.phone_id == p.id, task.c.kind == kind, task.c.created_at > since)
    silent = func.coalesce(p.last_heard_at, p.created_at) < since
    not_asked = p.asked_on.is_(None) | (p.asked_on < since_day)
    which = select(p.id).where(silent, not_asked, _spoken_of(today), ~reached, ~_refused(), ~listed)
    # `key_share`: the planner, who holds their households, does not wait for us while we ask for one of these.
    mine = which.order_by(p.id).limit(limit).with_for_update(skip_locked=True, key_share=True)
    return list(tx.execute(mine).scalars())


def ask(tx: Connection, phones: Sequence[int], today: date) -> None:
    """These phones are asked today whether they still are the family's.

    Who reads them is not known any more: a call out of curiosity is heard as a yes, and is none to names.
    """
    tx.execute(update(phone).where(p.id.in_(phones)).values(asked_on=today, readers=None))


def question_key(phone_id: int) -> str:
    """How the keys of the questions to this phone begin; the day follows."""
    return f"number:{phone_id}:"


def not_asked_after_all(tx: Connection, phone_id: int) -> None:
    """The question to this phone did not leave: no word is waited for."""
    tx.execute(update(phone).where(p.id == phone_id).values(asked_on=None))


def unanswered(tx: Connection, first: date, last: date, since: int, today: date, kind: str, limit: int) -> list[int]:
    """Phones that were asked between these days and gave no word, and that are not on the list since."""
    listed = exists().where(task.c.phone_id == p.id, task.c.kind == kind, task.c.created_at > since)
    which = select(p.id).where(p.asked_on.between(first, last), _spoken_of(today), ~_refused(), ~listed)
    return list(tx.execute(which.order_by(p.id).limit(limit)).scalars())


def asked_on(tx: Connection, phone_id: int) -> date | None:
    """The day since which we wait for a word of this phone."""
    return tx.execute(select(p.asked_on).where(p.id == phone_id)).scalar_one_or_none()


def _spoken_of(today: date) -> ColumnElement[bool]:
    """Who refused everything that is said of its children is not asked after, nor is who is at a bedside."""
    theirs = exists().where(household.c.preferred_phone_id == p.id, child.c.household_id == household.c.id)
    return theirs.where(child.c.status == "followed", ~is_quiet(today))


def _refused() -> ColumnElement[bool]:
    return exists().where(opt_out.c.number_idx == p.number_idx, opt_out.c.purpose.in_(("all", "reminder", UNREACHABLE)))
