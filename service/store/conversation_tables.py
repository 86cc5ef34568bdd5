"""Where each caller stands, which steps were already answered, and every version of a flow that is still in use."""

from __future__ import annotations

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

from service.store.columns import Instant, id_column, metadata, new_id, upsert
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
    Column("progress", LargeBinary, nullable=False),  # sealed by the story, on the hot path
    Column("ended", Boolean, nullable=False),
    # Forgotten by the day it began: an index on what changes at every keystroke would be written at every keystroke.
    Column("started_at", Instant, nullable=False, index=True),
    Column("updated_at", Instant, nullable=False),
    # When the worker looks whether the line was cut. Keystrokes leave it alone, so they pay for no index.
    Column("look_at", Instant),
)
_looked_at = conversation.c.look_at.is_not(None)
Index("ix_conversation_look_at", conversation.c.look_at, sqlite_where=_looked_at, postgresql_where=_looked_at)

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
        .values(progress=bindparam("progress"), ended=bindparam("ended"), updated_at=bindparam("updated_at"))
    )
)
_ADD = inserting(
    conversation,
    "id",
    "key",
    "session_idx",
    "channel",
    "flow_hash",
    "progress",
    "ended",
    "started_at",
    "updated_at",
    once=True,
)
_SAME_SESSION = Prepared(lambda _: select(c.id).where(c.session_idx == bindparam("session_idx")).limit(1))


class Conversation(NamedTuple):
    id: int
    flow_hash: str
    progress: bytes
    ended: bool
    updated_at: int


def find_conversation(tx: Connection, key: bytes) -> Conversation | None:
    row = _FIND.first(tx, key=key)
    return Conversation._make(row) if row else None


def keep_step(tx: Connection, conversation_id: int, progress: bytes, ended: bool, now: int) -> None:
    _STEP.run(tx, which=conversation_id, progress=progress, ended=ended, updated_at=now)


def add_conversation(
    tx: Connection,
    key: bytes,
    session_idx: bytes,
    channel: str,
    flow_hash: str,
    progress: bytes,
    ended: bool,
    now: int,
) -> bool:
    """False when another request made the same conversation at this very moment."""
    row = _ADD.first(
        tx,
        id=new_id(),
        key=key,
        session_idx=session_idx,
        channel=channel,
        flow_hash=flow_hash,
        progress=progress,
        ended=ended,
        started_at=now,
        updated_at=now,
    )
    return row is not None


def forget_conversation(tx: Connection, conversation_id: int) -> None:
    tx.execute(delete(conversation).where(c.id == conversation_id))


def forget_conversations(tx: Connection, before: int) -> int:
    """Delete the keystrokes of conversations that began before this moment."""
    return tx.execute(delete(conversation).where(c.started_at < before)).rowcount


def session_is_known(tx: Connection, session_idx: bytes) -> bool:
    return _SAME_SESSION.first(tx, session_idx=session_idx) is not None


def keep_flow_version(tx: Connection, hash: str, flow: str, version: int, body: str, now: int) -> None:
    tx.execute(
        upsert(tx, flow_version)
        .values(hash=hash, flow=flow, version=version, body=body, created_at=now)
        .on_conflict_do_nothing()
    )


def flow_body(tx: Connection, hash: str) -> str | None:
    return tx.execute(select(flow_version.c.body).where(flow_version.c.hash == hash)).scalar_one_or_none()
