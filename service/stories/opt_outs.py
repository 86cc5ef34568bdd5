"""STOP and START: who says no more, says it for everybody on that phone, and can take it back."""

from __future__ import annotations

from sqlalchemy.engine import Connection

from service.runtime import Runtime
from service.store import message_tables, phone_tables

EVERYTHING = "all"


def stop(tx: Connection, runtime: Runtime, number: str, how: str, now: int) -> None:
    """In the transaction that stores the wish: nothing to this phone is claimed after it commits."""
    phone = phone_tables.ensure_phone(tx, number, now)
    phone_tables.add_opt_out(tx, phone.number_idx, EVERYTHING, how, now)
    message_tables.suppress(tx, phone.number_idx, EVERYTHING, now)


def start(tx: Connection, runtime: Runtime, number: str, now: int) -> None:
    """Messages begin again from now on; what would have been said meanwhile stays unsaid."""
    phone = phone_tables.ensure_phone(tx, number, now)
    phone_tables.remove_opt_outs(tx, phone.number_idx)
