"""Phones, found by a blind index, and the refusals of those who use them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import (
    Column,
    Date,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    String,
    Table,
    bindparam,
    delete,
    select,
    update,
)
from sqlalchemy.engine import Connection

from service.store.columns import Instant, Sealed, id_column, metadata, new_id, upsert, vault_of
from service.store.prepared import Prepared, inserting
from service.store.vault import INDEX_VERSION

phone = Table(
    "phone",
    metadata,
    id_column(),
    Column("number", Sealed("phone.number"), nullable=False),
    Column("number_idx", LargeBinary(16), nullable=False, unique=True),
    Column("index_version", Integer, nullable=False),
    Column("language", String(8)),
    Column("network", String(12)),  # the operator's code as a call or a receipt told it last
    Column("failed_days", Integer, nullable=False, server_default="0"),  # days in a row on which nothing arrived
    Column("failed_on", Date),  # the last of them
    Column("created_at", Instant, nullable=False),
    Column("last_heard_at", Instant),
)

# By number and not by phone row: when a person is erased, her refusal stays.
opt_out = Table(
    "opt_out",
    metadata,
    Column("number_idx", LargeBinary(16), nullable=False),
    Column("purpose", String(20), nullable=False),
    Column("index_version", Integer, nullable=False),
    Column("how", String(20), nullable=False),
    Column("at", Instant, nullable=False),
    PrimaryKeyConstraint("number_idx", "purpose"),
)

UNREACHABLE = "unreachable"
"""The purpose under which a number stands that nothing reaches any more: nobody's wish, and it goes by itself."""


class Phone(NamedTuple):
    id: int
    number_idx: bytes
    language: str | None


_FIND_PHONE = Prepared(
    lambda _: select(phone.c.id, phone.c.number_idx, phone.c.language).where(phone.c.number_idx == bindparam("idx"))
)
_ADD_PHONE = inserting(phone, "id", "number", "number_idx", "index_version", "created_at", once=True)


def find_phone(tx: Connection, number: str) -> Phone | None:
    row = _FIND_PHONE.first(tx, idx=vault_of(tx).index(number))
    return Phone._make(row) if row else None


def ensure_phone(tx: Connection, number: str, now: int) -> Phone:
    """The phone's row, made when the number is new; safe when two callers make it at once."""
    found = find_phone(tx, number)
    if found is None:
        number_idx = vault_of(tx).index(number)
        _ADD_PHONE.first(
            tx, id=new_id(), number=number, number_idx=number_idx, index_version=INDEX_VERSION, created_at=now
        )
        found = find_phone(tx, number)
    assert found is not None
    return found


class Reached(NamedTuple):
    """A phone that can be written to."""

    number: str
    language: str | None


def phone_of_id(tx: Connection, phone_id: int) -> Reached:
    row = tx.execute(select(phone.c.number, phone.c.language).where(phone.c.id == phone_id)).one()
    return Reached._make(row)


_LOCK_PHONE = Prepared(lambda _: select(phone.c.id).where(phone.c.id == bindparam("which")).with_for_update())


def lock_phone(tx: Connection, phone_id: int) -> None:
    """Whoever else locks this phone waits until we commit (SQLite has one writer anyway)."""
    _LOCK_PHONE.first(tx, which=phone_id)


_SET_LANGUAGE = Prepared(
    lambda _: update(phone).where(phone.c.id == bindparam("which")).values(language=bindparam("language"))
)


def set_language(tx: Connection, phone_id: int, language: str) -> None:
    _SET_LANGUAGE.run(tx, which=phone_id, language=language)


_OPTED_OUT = Prepared(
    lambda _: select(opt_out.c.at).where(
        opt_out.c.number_idx == bindparam("idx"),
        (opt_out.c.purpose == bindparam("purpose")) | (opt_out.c.purpose == "all"),
    )
)


def opted_out(tx: Connection, number_idx: bytes, purpose: str = "all") -> bool:
    return _OPTED_OUT.first(tx, idx=number_idx, purpose=purpose) is not None


def add_opt_out(tx: Connection, number_idx: bytes, purpose: str, how: str, now: int) -> None:
    tx.execute(
        upsert(tx, opt_out)
        .values(number_idx=number_idx, purpose=purpose, how=how, at=now, index_version=INDEX_VERSION)
        .on_conflict_do_nothing()
    )


def remove_opt_outs(tx: Connection, number_idx: bytes, purposes: Sequence[str] = ()) -> int:
    """Take refusals back: those of these purposes, or every one."""
    which = opt_out.c.number_idx == number_idx
    if purposes:
        which &= opt_out.c.purpose.in_(purposes)
    return tx.execute(delete(opt_out).where(which)).rowcount


def any_phone(tx: Connection) -> bool:
    """True when somebody's number is in this database."""
    return tx.execute(select(phone.c.id).limit(1)).first() is not None
