"""The dispatcher's statements: take a few messages with a lease and a fence, and write down what their calls came to.

They run in every turn of the dispatcher, so they are prepared. What moves a message is guarded by state and fence: a
worker that lost its lease cannot write.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    Select,
    String,
    Text,
    bindparam,
    case,
    cast,
    exists,
    false,
    func,
    null,
    or_,
    select,
    update,
)
from sqlalchemy.engine import Connection

from service.domain.message_states import Klass, State
from service.store.columns import Id, Instant, among, database_now, lease_is_over, new_id, spelled
from service.store.consent_tables import is_wanted
from service.store.message_tables import IS_OPEN, IS_QUEUED, message, send_attempt
from service.store.phone_tables import is_unreachable, opt_out, phone
from service.store.prepared import Prepared, adding, paged

LEASE_MS = 60_000
SMS, VOICE = "sms", "voice"

m = message.c


class Claimed(NamedTuple):
    """A message that this worker may send now: nobody else can before its lease ends."""

    id: int
    fence: int
    attempts: int
    resends: int
    klass: Klass
    purpose: str
    hours: str
    to: str
    text: str
    useful_until: int
    not_before: int
    phone_id: int
    number_idx: bytes
    network: str | None
    parts: int
    batch_key: bytes | None
    campaign_id: int | None
    channel: str | None  # by which it was tried last
    recording: str | None = None  # of a call: what is played

    @property
    def medium(self) -> str:
        return VOICE if self.recording else SMS


_CLAIMED = (
    m.id,
    m.fence,
    m.attempts,
    m.resends,
    m.klass,
    m.purpose,
    m.hours,
    phone.c.number,
    m.text,
    m.useful_until,
    m.not_before,
    m.phone_id,
    m.number_idx,
    func.coalesce(phone.c.network, m.network),
    m.parts,
    m.batch_key,
    m.campaign_id,
    m.channel,
    m.recording,
)


def claim_due(
    tx: Connection, now: int, limit: int, open_hours: Iterable[str], medium: str | None = None
) -> list[Claimed]:
    """Take at most `limit` due messages for this worker: state, fence and lease in one statement.

    Opt-out, the yes to informations, hours and validity are asked again here, so that a STOP committed a moment ago is
    honoured. `open_hours` are the names of those hours in which people may be written to now. `medium`: only calls, or
    only SMS.
    """
    return _taken(tx, _claim(tuple(sorted(open_hours)), False, medium), now=now, most=limit)


def claim_batch(tx: Connection, now: int, batch_key: bytes, limit: int, open_hours: Iterable[str]) -> list[Claimed]:
    """Take at most `limit` more that say the same as one that was just claimed: one call can carry them together."""
    return _taken(tx, _claim(tuple(sorted(open_hours)), True), now=now, most=limit, batch=batch_key)


def any_due(tx: Connection, now: int, open_hours: Iterable[str]) -> bool:
    """Whether there is anything to claim."""
    return _any_due(tuple(sorted(open_hours))).first(tx, now=now) is not None


@lru_cache(maxsize=200)
def _any_due(open_hours: tuple[str, ...]) -> Prepared:
    return Prepared(lambda _: _due(open_hours).limit(1))


def _taken(tx: Connection, claim: Prepared, **values: Any) -> list[Claimed]:
    ids = [row[0] for row in claim.rows(tx, **values)]
    return [Claimed._make(row) for row in _READ_CLAIMED.rows(tx, ids=ids)] if ids else []


@lru_cache(maxsize=200)
def _claim(open_hours: tuple[str, ...], of_batch: bool, medium: str | None = None) -> Prepared:
    return Prepared(lambda insert: _claiming(open_hours, of_batch, medium, "postgresql" in insert.__module__))


def _claiming(open_hours: tuple[str, ...], of_batch: bool, medium: str | None, on_postgresql: bool) -> Any:
    due = _due(open_hours)
    if medium is not None:
        due = due.where(m.medium == spelled(medium))  # as the index of waiting calls spells it
    if of_batch:
        due = due.where(m.batch_key.is_not(None), m.batch_key == bindparam("batch")).order_by(m.not_before)
    else:
        due = due.order_by(m.priority.desc(), m.not_before)
    due = due.limit(bindparam("most", type_=Integer))
    claim = update(message).values(
        state="sending",
        fence=m.fence + 1,
        attempts=m.attempts + 1,
        lease_until=database_now() + LEASE_MS,
        state_at=_NOW,
    )
    if on_postgresql:
        # MATERIALIZED: `id IN (SELECT ... LIMIT n)` may run the inner query again per row and take far more than n.
        locked = due.with_for_update(of=message, skip_locked=True)
        cte = locked.cte("due").prefix_with("MATERIALIZED", dialect="postgresql")
        return claim.where(m.id == cte.c.id).returning(m.id)
    return claim.where(m.id.in_(due.scalar_subquery())).returning(m.id)


_NOW = bindparam("now", type_=Instant)


def _due(open_hours: tuple[str, ...]) -> Select[Any]:
    return select(m.id).where(
        IS_QUEUED,
        m.not_before <= _NOW,
        m.useful_until > _NOW,
        or_(false(), *(m.hours == name for name in open_hours)),
        ~_refused(),
        is_wanted(m.purpose, m.phone_id),
    )


def _refused() -> ColumnElement[bool]:
    return exists().where(
        opt_out.c.number_idx == m.number_idx,
        or_(opt_out.c.purpose == m.purpose, opt_out.c.purpose == "all", is_unreachable(m.purpose)),
        # The one answer to a STOP itself, and what somebody asks for by writing to us after it.
        m.purpose != "reply",
        m.purpose != "talk",
    )


# What one parameter may hold many of is no IN list here: a prepared statement is the same however many there are.
_READ_CLAIMED = Prepared(
    lambda _: (
        select(*_CLAIMED)
        .join(phone, phone.c.id == m.phone_id)
        .where(among(m.id, "ids", BigInteger))
        .order_by(m.priority.desc(), m.not_before)
    )
)


class Wait(NamedTuple):
    """A claimed message that may not leave before `until`, and why; None: at no moment at which it is useful."""

    id: int
    until: int | None
    reason: str


def put_back(tx: Connection, waits: Iterable[Wait], now: int) -> None:
    """What was claimed a moment ago, in this very transaction: it was not tried, so no try is counted.

    Without a moment it expires, or is "unresolved" where an earlier try may have arrived.
    """
    _PUT_BACK.run(tx, [{"which": one.id, "until": one.until, "why": one.reason, "now": now} for one in waits])


_PUT_BACK = paged(
    lambda value: (
        update(message)
        .where(m.id == value("which"), m.state == "sending")
        .values(
            # Each use of a value that may be empty names its type: PostgreSQL would have to guess it.
            state=case(
                (cast(value("until"), BigInteger).is_not(None), "queued"),
                (m.resends > 0, "unresolved"),
                else_="expired",
            ),
            not_before=func.coalesce(cast(value("until"), BigInteger), m.not_before),
            attempts=m.attempts - 1,
            lease_until=null(),
            reason=value("why"),
            state_at=value("now"),
        )
    ),
    which=Id,
    until=Instant,
    why=Text,
    now=Instant,
)


class Start(NamedTuple):
    """A call that is about to be made for one message, and what it will probably cost (hundredths of a franc)."""

    id: int
    fence: int
    channel: str
    cost_estimated: int | None
    network: str | None = None


def start_attempts(tx: Connection, starts: Sequence[Start], now: int) -> None:
    """Committed before the calls: after a crash these are the calls that may have happened."""
    _ADD_ATTEMPT.run(
        tx,
        [
            {
                "id": new_id(),
                "message_id": one.id,
                "fence": one.fence,
                "channel": one.channel,
                "outcome": "calling",
                "at": now,
            }
            for one in starts
        ],
    )
    _ROUTE.run(
        tx,
        [
            {"which": one.id, "by": one.channel, "on": one.network or None, "price": one.cost_estimated}
            for one in starts
        ],
    )


_ADD_ATTEMPT = adding(send_attempt, "id", "message_id", "fence", "channel", "outcome", "at")
_ROUTE = paged(
    lambda value: (
        update(message)
        .where(m.id == value("which"))
        .values(channel=value("by"), network=value("on"), cost_estimated=value("price"))
    ),
    which=Id,
    by=m.channel.type,
    on=m.network.type,
    price=Integer,
)


class Noted(NamedTuple):
    """What one call came to. `not_before` None: it stays as it is; the carrier's words are None where it said none."""

    id: int
    fence: int
    outcome: str
    detail: str
    state: State
    reason: str | None
    channel: str
    not_before: int | None = None
    carrier_id: str | None = None
    cost: str | None = None
    cost_true: int | None = None
    tries: int = 0  # -1: the call was not begun, and is no try


def note_outcomes(tx: Connection, notes: Sequence[Noted], now: int) -> set[int]:
    """Write down what calls came to; gives the messages for which it counts.

    For the others another worker or the reaper has moved on since (an old fence), or a receipt was quicker.
    """
    ids = [note.id for note in notes]
    # In the order of the ids: whoever writes many messages locks them in this order, so nobody waits in a circle.
    standing = {id: (fence, state) for id, fence, state in _LOCK.rows(tx, ids=ids)}
    _NOTE_ATTEMPT.run(
        tx,
        [{"which": one.id, "with_fence": one.fence, "came_to": one.outcome, "told": one.detail[:200]} for one in notes],
    )
    kept = [one for one in notes if _still_counts(one, *standing.get(one.id, (0, "")))]
    _NOTE.run(
        tx,
        [
            {
                "which": one.id,
                "now": now,
                "to_state": one.state,
                "why": one.reason,
                "by": one.channel,
                "until": one.not_before,
                "named": one.carrier_id,
                "said_cost": one.cost,
                "true_cost": one.cost_true,
                "tries": one.tries,
            }
            for one in kept
        ],
    )
    return {one.id for one in kept}


def _still_counts(one: Noted, fence: int, state: str) -> bool:
    """Nobody has called again since. Put back as unknown, but not claimed: that a carrier took it still counts."""
    return one.fence == fence and (state in ("sending", "unknown") or (state == "queued" and one.state == "accepted"))


_LOCK = Prepared(
    lambda _: select(m.id, m.fence, m.state).where(among(m.id, "ids", BigInteger)).order_by(m.id).with_for_update()
)
_NOTE_ATTEMPT = paged(
    lambda value: (
        update(send_attempt)
        .where(send_attempt.c.message_id == value("which"), send_attempt.c.fence == value("with_fence"))
        .values(outcome=value("came_to"), detail=value("told"))
    ),
    which=Id,
    with_fence=Integer,
    came_to=String,
    told=Text,
)
_NOTE = paged(
    lambda value: (
        update(message)
        .where(m.id == value("which"))
        .values(
            state=value("to_state"),
            reason=value("why"),
            channel=value("by"),
            lease_until=null(),
            state_at=value("now"),
            not_before=func.coalesce(value("until"), m.not_before),
            carrier_id=func.coalesce(value("named"), m.carrier_id),
            cost=func.coalesce(value("said_cost"), m.cost),
            cost_true=func.coalesce(value("true_cost"), m.cost_true),
            attempts=m.attempts + value("tries"),
        )
    ),
    which=Id,
    now=Instant,
    to_state=String,
    why=Text,
    by=String,
    until=Instant,
    named=String,
    said_cost=String,
    true_cost=Integer,
    tries=Integer,
)


def reap(tx: Connection, now: int) -> int:
    """A lease that ran out is ambiguous, never "not sent": the call may have happened.

    One that somebody holds is left out: what its call came to is being written down just now.
    """
    late = select(m.id).where(IS_OPEN, m.state == "sending", lease_is_over(m.lease_until, LEASE_MS))
    return tx.execute(
        update(message)
        .where(m.id.in_(late.with_for_update(skip_locked=True).scalar_subquery()))
        .values(state="unknown", reason="lease ran out", lease_until=None, state_at=now)
    ).rowcount
