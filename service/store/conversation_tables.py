"""Where each caller stands, which steps were already answered, and every version of a flow that is still in use."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import (
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    bindparam,
    delete,
    select,
    update,
)
from sqlalchemy.engine import Connection

from service.store.columns import Instant, id_column, metadata, upsert
from service.store.dialects import only_rows
from service.store.prepared import Prepared, inserting

conversation = Table(
    "conversation",
    metadata,
    id_column(),
    Column("key", LargeBinary(16), nullable=False, unique=True),  # blind index of (carrier, session, phone)
    Column("session_idx", LargeBinary(16), nullable=False, index=True),  # blind index of (carrier, session)
    Column("number_idx", LargeBinary(16), index=True),  # blind index of the phone: who dials again goes on
    Column("channel", String(20), nullable=False),
    Column("flow_hash", String(64), nullable=False),
    # Sealed by the story, on the hot path.
    Column("progress", LargeBinary, nullable=False, info={"sealed_as": "conversation.progress"}),
    Column("ended", Boolean, nullable=False),
    # Forgotten by the day it began: an index on what changes at every keystroke would be written at every keystroke.
    Column("started_at", Instant, nullable=False, index=True),
    Column("updated_at", Instant, nullable=False),
    # When the worker looks whether the line was cut. Keystrokes leave it alone, so they pay for no index.
    Column("look_at", Instant),
)
_looked_at = conversation.c.look_at.is_not(None)
Index("ix_conversation_look_at", conversation.c.look_at, **only_rows(_looked_at))

flow_version = Table(
    "flow_version",
    metadata,
    Column("hash", String(64), primary_key=True),
    Column("flow", String(60), nullable=False),
    Column("version", Integer, nullable=False),
    Column("body", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
)

c = conversation.c
BY_SMS = "sms"
"""The channel of a conversation by SMS: its answers leave by whichever route is best at the moment."""
FIRST_LOOK_MS = 60_000
"""Most calls are over by then; those that are not are looked at once they have been silent long enough."""

# The row lock makes two keystrokes of one session take turns on PostgreSQL; SQLite has one writer anyway.
_FIND = Prepared(
    lambda _: (
        select(c.id, c.flow_hash, c.progress, c.ended, c.updated_at).where(c.key == bindparam("key")).with_for_update()
    )
)
_STEP = Prepared(
    lambda _: (
        update(conversation)
        .where(c.id == bindparam("which"))
        .values(progress=bindparam("progress"), updated_at=bindparam("updated_at"))
    )
)
_ADD = inserting(
    conversation,
    "id",
    "key",
    "session_idx",
    "number_idx",
    "channel",
    "flow_hash",
    "progress",
    "ended",
    "started_at",
    "updated_at",
    "look_at",
    once=True,
)
_END = Prepared(
    lambda _: (
        update(conversation)
        .where(c.id == bindparam("which"))
        .values(
            progress=bindparam("progress"),
            ended=True,
            updated_at=bindparam("updated_at"),
            look_at=bindparam("look_at"),
        )
    )
)
# The row lock: a redial and the worker that looks whether the line was cut take turns.
_LAST_LEFT = Prepared(
    lambda _: (
        select(c.id, c.flow_hash, c.progress, c.ended, c.updated_at)
        .where(
            c.number_idx == bindparam("number_idx"),
            c.ended.is_(False),
            c.updated_at > bindparam("since"),
            c.channel != BY_SMS,  # a call does not go on where an SMS stopped
        )
        .order_by(c.updated_at.desc())
        .limit(1)
        .with_for_update()
    )
)
_SAME_SESSION = Prepared(lambda _: select(c.id).where(c.session_idx == bindparam("session_idx")).limit(1))


class Conversation(NamedTuple):
    id: int
    flow_hash: str
    progress: bytes
    ended: bool
    updated_at: int


class Left(NamedTuple):
    """A conversation that may have been cut off."""

    id: int
    channel: str
    flow_hash: str
    progress: bytes
    updated_at: int


def find_conversation(tx: Connection, keys: Iterable[bytes]) -> Conversation | None:
    """The conversation with one of these keys: as many as there are index keys, the one that writes first."""
    for key in keys:
        row = _FIND.first(tx, key=key)
        if row:
            return Conversation._make(row)
    return None


def last_left(tx: Connection, indexes: Iterable[bytes], since: int) -> Conversation | None:
    """The latest conversation of this phone, by its indexes, that did not come to its end."""
    found = [Conversation._make(row) for idx in indexes if (row := _LAST_LEFT.first(tx, number_idx=idx, since=since))]
    return max(found, key=lambda one: one.updated_at, default=None)


def keep_step(
    tx: Connection, conversation_id: int, progress: bytes, ended: bool, now: int, *, is_fleeting: bool = False
) -> None:
    """`is_fleeting`: the worker deletes it within minutes of its end; others keep their last screen for a day."""
    if ended:
        look_at = _first_look(ended, is_fleeting, now)
        _END.run(tx, which=conversation_id, progress=progress, updated_at=now, look_at=look_at)
    else:
        _STEP.run(tx, which=conversation_id, progress=progress, updated_at=now)


def add_conversation(
    tx: Connection,
    *,
    id: int,
    key: bytes,
    session_idx: bytes,
    number_idx: bytes,
    channel: str,
    flow_hash: str,
    progress: bytes,
    ended: bool,
    now: int,
    is_fleeting: bool = False,
) -> bool:
    """False when another request made the same conversation at this very moment. `is_fleeting`: see `keep_step`."""
    row = _ADD.first(
        tx,
        id=id,
        key=key,
        session_idx=session_idx,
        number_idx=number_idx,
        channel=channel,
        flow_hash=flow_hash,
        progress=progress,
        ended=ended,
        started_at=now,
        updated_at=now,
        look_at=_first_look(ended, is_fleeting, now),
    )
    return row is not None


def _first_look(ended: bool, is_fleeting: bool, now: int) -> int | None:
    return None if ended and not is_fleeting else now + FIRST_LOOK_MS


def end_conversation(tx: Connection, conversation_id: int, now: int) -> None:
    """It goes on in another call: nobody is reminded of this one any more."""
    tx.execute(update(conversation).where(c.id == conversation_id).values(ended=True, updated_at=now, look_at=None))


def change_flow(tx: Connection, conversation_id: int, flow_hash: str) -> None:
    tx.execute(update(conversation).where(c.id == conversation_id).values(flow_hash=flow_hash))


def to_look_at(tx: Connection, now: int, limit: int) -> list[Left]:
    """Conversations that may have been cut off; those another worker looks at are left to it."""
    rows = tx.execute(
        select(c.id, c.channel, c.flow_hash, c.progress, c.updated_at)
        .where(c.look_at <= now)
        .order_by(c.look_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return [Left._make(row) for row in rows]


def look_again(tx: Connection, conversation_id: int, look_at: int | None) -> None:
    tx.execute(update(conversation).where(c.id == conversation_id).values(look_at=look_at))


def forget_conversation(tx: Connection, conversation_id: int) -> None:
    tx.execute(delete(conversation).where(c.id == conversation_id))


def session_is_known(tx: Connection, indexes: Iterable[bytes]) -> bool:
    return any(_SAME_SESSION.first(tx, session_idx=session_idx) is not None for session_idx in indexes)


def keep_flow_version(tx: Connection, hash: str, flow: str, version: int, body: str, now: int) -> None:
    tx.execute(
        upsert(tx, flow_version)
        .values(hash=hash, flow=flow, version=version, body=body, created_at=now)
        .on_conflict_do_nothing()
    )


def flow_body(tx: Connection, hash: str) -> str | None:
    return tx.execute(select(flow_version.c.body).where(flow_version.c.hash == hash)).scalar_one_or_none()
