"""The outbox: every message we ever promised to send, where it stands, and every try.

A message row is written in the transaction of the fact it tells about. States and promises: docs/promises.md.
What the dispatcher does to them in every turn is in `message_claims`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from sqlalchemy import (
    Column,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    bindparam,
    case,
    func,
    select,
    type_coerce,
    update,
)
from sqlalchemy.engine import Connection

from service.domain.message_states import Klass, State
from service.store.columns import (
    Id,
    Instant,
    Sealed,
    id_column,
    metadata,
    new_id,
    reference,
    spelled,
)
from service.store.consent_tables import is_wanted
from service.store.dialects import only_rows
from service.store.prepared import PreparedPage, listed
from service.store.vault import SEALED_NOTHING

message = Table(
    "message",
    metadata,
    id_column(),
    Column("key", String(120), nullable=False, unique=True),
    reference("organisation_id", "organisation.id", nullable=True),
    reference("programme_id", "programme.id", nullable=True),
    Column("campaign_id", Id),
    reference("phone_id", "phone.id", index=True),
    Column("number_idx", LargeBinary(16), nullable=False),
    Column("text", Sealed("message.text"), nullable=False),
    Column("medium", String(5), nullable=False, server_default="sms"),  # sms, voice
    Column("recording", String(40)),  # of a call: what is played, "recall_before.fr"; its text is the same as an SMS
    Column("purpose", String(20), nullable=False),  # staff, reminder, reply, talk, notice, campaign
    Column("class", String(12), nullable=False, key="klass"),  # once, must-arrive
    # When it may leave: a name that service/domain/sending_hours knows.
    Column("open_hours", String(60), nullable=False, server_default="day", key="hours"),
    Column("priority", Integer, nullable=False),
    Column("channel", String(20)),
    Column("sender", String(20)),
    Column("network", String(12)),  # the operator by whom it was routed, or whom a receipt told
    Column("batch_key", LargeBinary(16)),  # equal for messages that one call may carry to many recipients
    Column("encoding", String(8), nullable=False),
    Column("parts", Integer, nullable=False),
    Column("cost", String(20)),  # as the carrier said it
    Column("cost_estimated", Integer),  # both in hundredths of a franc CFA
    Column("cost_true", Integer),
    Column("state", String(12), nullable=False),
    Column("reason", Text),
    Column("fence", Integer, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("resends", Integer, nullable=False),
    Column("asked", Integer, nullable=False, server_default="0"),  # how often its carrier was asked what became of it
    Column("lease_until", Instant),  # by the database's clock; every other time is the runtime's
    Column("not_before", Instant, nullable=False),
    Column("useful_until", Instant, nullable=False),
    Column("carrier_id", String(100)),
    Column("created_at", Instant, nullable=False, index=True),
    Column("state_at", Instant, nullable=False),
)
m = message.c
_queued = m.state == "queued"
Index("ix_message_due", m.priority.desc(), m.not_before, **only_rows(_queued))
_call = _queued & (m.medium == "voice")
Index("ix_message_call", m.priority.desc(), m.not_before, **only_rows(_call))
_open = m.state.in_(("sending", "unknown", "accepted"))
Index("ix_message_open", m.state, m.state_at, **only_rows(_open))
Index("ix_message_carrier", m.channel, m.carrier_id)
Index("ix_message_number", m.number_idx, m.state)
_batched = _queued & m.batch_key.is_not(None)
Index("ix_message_batch", m.batch_key, m.not_before, **only_rows(_batched))

# As the indexes above spell it, letter for letter: a partial index serves no parameter.
IS_QUEUED = m.state == spelled("queued")
IS_OPEN = m.state.in_([spelled("sending"), spelled("unknown"), spelled("accepted")])
HAS_WORDS = func.length(type_coerce(m.text, LargeBinary)) > SEALED_NOTHING
"""Its text was not emptied yet: what was kept for long enough has none."""

send_attempt = Table(
    "send_attempt",
    metadata,
    id_column(),
    reference("message_id", "message.id", index=True),
    Column("fence", Integer, nullable=False),
    Column("channel", String(20), nullable=False),
    Column("outcome", String(12), nullable=False),  # calling until the carrier's answer is noted
    Column("detail", Text),
    Column("at", Instant, nullable=False),
)


class Message(NamedTuple):
    id: int
    state: State
    klass: Klass
    purpose: str
    attempts: int
    resends: int
    useful_until: int
    state_at: int
    fence: int
    number_idx: bytes


MESSAGE_COLUMNS = (
    m.id,
    m.state,
    m.klass,
    m.purpose,
    m.attempts,
    m.resends,
    m.useful_until,
    m.state_at,
    m.fence,
    m.number_idx,
)


def add_messages(tx: Connection, rows: Sequence[dict[str, object]]) -> dict[str, int]:
    """Insert what is new by key; a cancelled row with the same key is taken up again.

    Gives key -> id of what is queued now; a key that is missing there was queued, sent or refused before.
    """
    found = _ADD.returned(tx, [{"id": new_id(), **row} for row in rows])
    return {str(key): int(id) for key, id in found}


WRITTEN = (
    "id",
    "key",
    "organisation_id",
    "programme_id",
    "campaign_id",
    "phone_id",
    "number_idx",
    "text",
    "medium",
    "recording",
    "batch_key",
    "purpose",
    "klass",
    "hours",
    "priority",
    "encoding",
    "parts",
    "state",
    "reason",
    "fence",
    "attempts",
    "resends",
    "not_before",
    "useful_until",
    "created_at",
    "state_at",
)
TAKEN_UP = (
    "phone_id",
    "number_idx",
    "text",
    "medium",
    "recording",
    "hours",
    "batch_key",
    "encoding",
    "parts",
    "state",
    "reason",
    "attempts",  # not the fence: a late word about the old text must stay refused
    "not_before",
    "useful_until",
    "created_at",  # it is kept for as long as a new one
    "state_at",
)


def _or_take_up(statement: Any) -> Any:
    taken = {name: statement.excluded[name] for name in TAKEN_UP}
    where = message.c.state == "cancelled"
    return statement.on_conflict_do_update(index_elements=["key"], set_=taken, where=where).returning(m.key, m.id)


def _add_each(insert: Any) -> Any:
    return _or_take_up(insert(message).values({name: bindparam(name, type_=m[name].type) for name in WRITTEN}))


def _add_page(insert: Any) -> Any:
    page = listed(**{name: m[name].type for name in WRITTEN})
    return _or_take_up(insert(message).from_select(WRITTEN, select(page), include_defaults=False))


_ADD = PreparedPage(_add_each, _add_page, *WRITTEN)


def expire(tx: Connection, now: int) -> int:
    """Queued messages past their use are not sent late; one that may have left before is "unresolved"."""
    return tx.execute(
        update(message)
        .where(IS_QUEUED, m.useful_until <= now)
        .values(state=case((m.resends > 0, "unresolved"), else_="expired"), reason="no longer useful", state_at=now)
    ).rowcount


def unanswered(tx: Connection, before: int, limit: int = 500) -> list[Message]:
    """Accepted messages that have had no receipt since `before`, and unknown ones as old, oldest first."""
    return _waiting(tx, m.state.in_(("accepted", "unknown")) & (m.state_at <= before), limit)


def to_resend(tx: Connection, before: int, alerts_before: int, now: int, limit: int = 500) -> list[Message]:
    """Unknown must-arrive messages that may be sent once more: never resent, still useful, waited for long enough."""
    patience = case((m.purpose == "staff", alerts_before), else_=before)
    once_more = (m.klass == "must-arrive") & (m.resends == 0) & (m.useful_until > now) & (m.state_at <= patience)
    return _waiting(tx, (m.state == "unknown") & once_more, limit)


def _waiting(tx: Connection, which: Any, limit: int) -> list[Message]:
    rows = tx.execute(
        select(*MESSAGE_COLUMNS)
        .where(IS_OPEN, which)
        .order_by(m.state_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return [Message._make(row) for row in rows]


def move(tx: Connection, message_id: int, from_state: str, **values: object) -> bool:
    """Change a message only if it still is in `from_state`."""
    return tx.execute(update(message).where(m.id == message_id, m.state == from_state).values(**values)).rowcount == 1


def find_message(tx: Connection, *, id: int | None = None, channel: str = "", carrier_id: str = "") -> Message | None:
    which = m.id == id if id is not None else (m.channel == channel) & (m.carrier_id == carrier_id)
    row = tx.execute(select(*MESSAGE_COLUMNS).where(which).with_for_update()).first()
    return Message._make(row) if row else None


def uncertain_for_number(tx: Connection, channel: str, number_idx: bytes) -> list[Message]:
    """Messages to this number whose carrier's id we never read."""
    rows = tx.execute(
        select(*MESSAGE_COLUMNS)
        .where(
            m.number_idx == number_idx,
            m.channel == channel,
            m.carrier_id.is_(None),
            m.state.in_(("sending", "unknown")),
        )
        .limit(2)
        .with_for_update()
    )
    return [Message._make(row) for row in rows]


def last_call_at(tx: Connection, message_id: int) -> int | None:
    calls = select(func.max(send_attempt.c.at)).where(send_attempt.c.message_id == message_id)
    return tx.execute(calls).scalar_one_or_none()


def suppress(tx: Connection, number_idx: bytes, purpose: str, now: int) -> int:
    """Everything still queued to this number for this purpose (or for all) will not be sent."""
    which = (m.number_idx == number_idx) & (m.state == "queued") & (m.purpose != "reply")
    if purpose != "all":
        which &= m.purpose == purpose
    return tx.execute(update(message).where(which).values(state="suppressed", reason="opt-out", state_at=now)).rowcount


def cancel(tx: Connection, ids: Sequence[int], now: int, reason: str) -> list[int]:
    """Cancel what is still queued; gives the ids that surely never left: the others are "unresolved"."""
    if not ids:
        return []
    done = tx.execute(
        update(message)
        .where(m.id.in_(ids), m.state == "queued")
        .values(state=case((m.resends > 0, "unresolved"), else_="cancelled"), reason=reason, state_at=now)
        .returning(m.id, m.state)
    )
    return [row.id for row in done if row.state == "cancelled"]


def queued_with_key(tx: Connection, key: str) -> list[int]:
    """The message with this key, while it waits."""
    return list(tx.execute(select(m.id).where(m.key == key, m.state == "queued")).scalars())


def take_back_with_key(tx: Connection, phone_id: int, begins: str, now: int, reason: str) -> list[int]:
    """What this phone is to get under a key that begins so is cancelled, or not tried again; gives the cancelled."""
    its = select(m.id).where(m.phone_id == phone_id, m.key.startswith(begins, autoescape=True))
    ids = list(tx.execute(its).scalars())
    try_no_more(tx, ids, now)
    return cancel(tx, ids, now, reason)


def try_no_more(tx: Connection, ids: Sequence[int], now: int) -> None:
    """What is on its way, or may have arrived, is not sent another time."""
    if ids:
        tx.execute(update(message).where(m.id.in_(ids), m.state.in_(("sending", "unknown"))).values(useful_until=now))


def sent_since(tx: Connection, number_idx: bytes, purpose: str, since: int) -> int:
    statement = select(func.count()).where(m.number_idx == number_idx, m.purpose == purpose, m.created_at > since)
    return int(tx.execute(statement).scalar_one())


def count_by_state(tx: Connection) -> dict[str, int]:
    return {row[0]: row[1] for row in tx.execute(select(m.state, func.count()).group_by(m.state))}


def oldest_due(tx: Connection, now: int, open_hours: Collection[str]) -> int | None:
    """When the oldest message that should be out by now became due, of those that are held under these hours."""
    late = select(func.min(m.not_before)).where(
        IS_QUEUED,
        m.not_before <= now,
        m.useful_until > now,
        m.hours.in_(sorted(open_hours)),
        is_wanted(m.purpose, m.phone_id),
    )
    return tx.execute(late).scalar_one_or_none()
