"""The outbox as a person looks at it and decides about it. The dispatcher's own statements: `message_claims`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import ColumnElement, case, func, or_, select, update
from sqlalchemy.engine import Connection

from service.domain.message_states import Klass, State
from service.domain.retry_rules import AGAIN, MAY_HAVE_ARRIVED
from service.store import former_ids
from service.store.message_tables import HAS_WORDS, message, send_attempt
from service.store.phone_tables import is_unreachable, opt_out, phone
from service.store.receipt_tables import unmatched_receipt

m = message.c


class Wanted(NamedTuple):
    """Which messages: all that fit everything that is said here. `before`: in their state since before then."""

    ids: Sequence[int] = ()
    states: Sequence[str] = ()
    purpose: str = ""
    reason: str = ""
    before: int | None = None


class Heap(NamedTuple):
    """Messages of one purpose in one state."""

    state: State
    purpose: str
    number: int
    oldest: int  # since when the one that has been in this state for longest is


class Line(NamedTuple):
    id: int
    state: State
    state_at: int
    purpose: str
    klass: Klass
    to: str
    channel: str | None
    reason: str | None
    attempts: int
    resends: int
    not_before: int
    useful_until: int
    parts: int
    refused: bool
    emptied: bool


class Attempt(NamedTuple):
    at: int
    channel: str
    outcome: str
    detail: str | None


class Unapplied(NamedTuple):
    at: int
    channel: str
    state: str
    detail: str


class Leaving(NamedTuple):
    """What leaves of one purpose by one operator ("" where it is not known)."""

    purpose: str
    network: str
    messages: int
    parts: int


def heaps(tx: Connection, wanted: Wanted) -> list[Heap]:
    rows = tx.execute(
        select(m.state, m.purpose, func.count(), func.min(m.state_at))
        .where(*_fits(wanted))
        .group_by(m.state, m.purpose)
        .order_by(m.state, m.purpose)
    )
    return [Heap._make(row) for row in rows]


def lines(tx: Connection, wanted: Wanted, limit: int) -> list[Line]:
    """Those that have been in their state for longest come first."""
    rows = tx.execute(
        select(
            m.id,
            m.state,
            m.state_at,
            m.purpose,
            m.klass,
            phone.c.number,
            m.channel,
            m.reason,
            m.attempts,
            m.resends,
            m.not_before,
            m.useful_until,
            m.parts,
            _refused(),
            ~HAS_WORDS,
        )
        .join(phone, phone.c.id == m.phone_id)
        .where(*_fits(wanted))
        .order_by(m.state_at, m.id)
        .limit(limit)
    )
    return [Line._make(row) for row in rows]


def text_of(tx: Connection, message_id: int) -> str:
    return str(tx.execute(select(m.text).where(m.id == message_id)).scalar_one())


def attempts_of(tx: Connection, message_id: int) -> list[Attempt]:
    a = send_attempt.c
    rows = tx.execute(
        select(a.at, a.channel, a.outcome, a.detail).where(a.message_id == message_id).order_by(a.at, a.fence)
    )
    return [Attempt._make(row) for row in rows]


def receipts_kept_for(tx: Connection, message_id: int) -> list[Unapplied]:
    """Receipts that name it and were not applied: of another number, or come before their time."""
    r = unmatched_receipt.c
    same = (r.channel == m.channel) & (r.carrier_id == m.carrier_id)
    rows = tx.execute(
        select(r.at, r.channel, r.state, r.detail)
        .join(message, or_(r.message_id == m.id, same))
        .where(m.id == message_id)
        .order_by(r.at)
    )
    return [Unapplied._make(row) for row in rows]


def leaving(tx: Connection, now: int, until: int) -> list[Leaving]:
    """What is queued to leave by then, if its hours and the money allow it."""
    network = func.coalesce(phone.c.network, m.network, "")
    rows = tx.execute(
        select(m.purpose, network, func.count(), func.sum(m.parts))
        .join(phone, phone.c.id == m.phone_id)
        .where(m.state == "queued", m.not_before <= until, m.useful_until > now, ~_refused())
        .group_by(m.purpose, network)
        .order_by(m.purpose, network)
    )
    return [Leaving(row[0], row[1], int(row[2]), int(row[3])) for row in rows]


def queue_again(tx: Connection, ids: Sequence[int], now: int, useful_until: int, reason: str) -> list[int]:
    """Back into the queue, if they still are as they were seen; one that may have arrived is resent by nobody else.

    What the carrier called the first sending is put aside: bad news of that one must not end the second.
    """
    if not ids:
        return []
    before = former_ids.named(tx, ids)
    again = (
        update(message)
        .where(m.id.in_(ids), m.state.in_(AGAIN), HAS_WORDS, ~_refused())
        .values(
            state="queued",
            reason=reason,
            attempts=0,
            carrier_id=None,
            resends=case((m.state.in_(MAY_HAVE_ARRIVED), 1), else_=m.resends),
            not_before=now,
            useful_until=case((m.useful_until > useful_until, m.useful_until), else_=useful_until),
            state_at=now,
        )
        .returning(m.id)
    )
    done = [row.id for row in tx.execute(again)]
    former_ids.keep(tx, {id: before[id] for id in done if id in before}, now)
    return done


def give_up(tx: Connection, ids: Sequence[int], now: int, reason: str) -> list[int]:
    """Nobody waits for these any more: queued ones are cancelled, of unknown ones nobody will know."""
    surely_not = (m.state == "queued") & (m.resends == 0)
    done = (
        update(message)
        .where(m.id.in_(ids), m.state.in_(("queued", "unknown")))
        .values(state=case((surely_not, "cancelled"), else_="unresolved"), reason=reason, state_at=now)
        .returning(m.id)
    )
    return [row.id for row in tx.execute(done)] if ids else []


def _fits(wanted: Wanted) -> list[ColumnElement[bool]]:
    fits: list[ColumnElement[bool]] = []
    if wanted.ids:
        fits.append(m.id.in_(wanted.ids))
    if wanted.states:
        fits.append(m.state.in_(wanted.states))
    if wanted.purpose:
        fits.append(m.purpose == wanted.purpose)
    if wanted.reason:
        fits.append(m.reason == wanted.reason)
    if wanted.before is not None:
        fits.append(m.state_at <= wanted.before)
    return fits


def _refused() -> ColumnElement[bool]:
    """As the dispatcher asks when it claims: it would not send this one."""
    refusal = select(opt_out.c.at).where(
        opt_out.c.number_idx == m.number_idx,
        or_(opt_out.c.purpose == m.purpose, opt_out.c.purpose == "all", is_unreachable(m.purpose)),
        m.purpose.not_in(("reply", "talk")),
    )
    return refusal.correlate(message).exists()


def keys_of(tx: Connection, ids: Sequence[int]) -> dict[int, tuple[str, str]]:
    """(key, purpose) of these messages."""
    if not ids:
        return {}
    rows = tx.execute(select(m.id, m.key, m.purpose).where(m.id.in_(ids)))
    return {row.id: (row.key, row.purpose) for row in rows}
