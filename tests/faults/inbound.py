"""What the database holds of inbound events, held against what callers were told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.engine import Connection

from service.runtime import Runtime
from service.store.conversation_tables import conversation
from service.store.inbound_tables import inbound_body, inbound_event
from service.store.message_tables import message
from service.store.phone_tables import opt_out
from tests.faults.crowd import Event


class Kept(NamedTuple):
    """Acknowledged events of which something is missing, and rows that stand twice."""

    lost: list[str]
    doubled: list[str]


def kept(runtime: Runtime, acknowledged: Iterable[Event]) -> Kept:
    """A STOP is its words, the refusal and one answer; a call is one conversation. Each once, for its own phone."""
    with runtime.database.read() as tx:
        counted = {
            "words": _by_phone(tx, inbound_body.c.number_idx),
            "refusal": _by_phone(tx, opt_out.c.number_idx),
            "answer": _by_phone(tx, message.c.number_idx),
            "conversation": _by_phone(tx, conversation.c.number_idx),
        }
        keys = int(tx.execute(select(func.count()).select_from(inbound_event)).scalar_one())
    wanted = {"sms": ("words", "refusal", "answer"), "call": ("conversation",)}
    lost, doubled = [], []
    for event in acknowledged:
        index = runtime.vault.index(event.phone)
        numbers = [counted[what][index] for what in wanted[event.kind]]
        lost += [event.phone] if min(numbers) < 1 else []
        doubled += [event.phone] if max(numbers) > 1 else []
    if keys != sum(counted["words"].values()):
        doubled.append("a key without its words, or words without a key")
    return Kept(lost, doubled)


def _by_phone(tx: Connection, index: ColumnElement[bytes]) -> Counter[bytes]:
    return Counter({row[0]: row[1] for row in tx.execute(select(index, func.count()).group_by(index))})
