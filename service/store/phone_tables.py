"""Phones, found by a blind index, and the refusals of those who use them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Date,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Select,
    String,
    Table,
    bindparam,
    delete,
    false,
    select,
    update,
)
from sqlalchemy.engine import Connection

from service.store.columns import Instant, Sealed, id_column, metadata, new_id, take_turns, upsert, vault_of
from service.store.prepared import Prepared, inserting
from service.store.vault import Vault

phone = Table(
    "phone",
    metadata,
    id_column(),
    Column("number", Sealed("phone.number"), nullable=False),
    Column("number_idx", LargeBinary(16), nullable=False, unique=True),
    Column("index_version", Integer, nullable=False),  # the number of the index key
    Column("language", String(8)),
    Column("network", String(12)),  # the operator's code as a call or a receipt told it last
    Column("failed_days", Integer, nullable=False, server_default="0"),  # days in a row on which nothing arrived
    Column("failed_on", Date),  # the last of them
    Column("by_voice", Boolean, nullable=False, server_default=false()),  # reminders come as calls
    Column("readers", String(8)),  # one or several, as its holder said; empty: nobody said
    Column("asked_on", Date),  # since then we wait for a word that the number is still the family's
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


def is_unreachable(purpose: ColumnElement[str]) -> ColumnElement[bool]:
    """The refusal that a number has at which nothing arrives; an alarm to who is on duty is tried all the same."""
    return (opt_out.c.purpose == UNREACHABLE) & (purpose != "staff")


class Phone(NamedTuple):
    id: int
    number_idx: bytes
    language: str | None


def _by_index(idx: object) -> Select[tuple[int, bytes, str | None]]:
    return select(phone.c.id, phone.c.number_idx, phone.c.language).where(phone.c.number_idx == idx)


_FIND_PHONE = Prepared(lambda _: _by_index(bindparam("idx")))
# Whoever moves a number to another key leaves those alone that somebody is at work with: what a transaction was told
# of a number's index holds until its end.
_HOLD_PHONE = Prepared(lambda _: _by_index(bindparam("idx")).with_for_update(read=True, key_share=True))
_ANY_REFUSAL = Prepared(lambda _: select(opt_out.c.at).where(opt_out.c.number_idx == bindparam("idx")).limit(1))
_ADD_PHONE = inserting(phone, "id", "number", "number_idx", "index_version", "created_at", once=True)


def find_phone(tx: Connection, number: str) -> Phone | None:
    vault = vault_of(tx)
    if vault.rotates_index:
        return _find_by_any_key(tx, vault.indexes(number))
    row = _FIND_PHONE.first(tx, idx=vault.index(number))
    return Phone._make(row) if row else None


def _find_by_any_key(tx: Connection, indexes: Sequence[bytes]) -> Phone | None:
    # On PostgreSQL a number may move to the first key just after we asked for it there: so it is asked for again.
    again = () if tx.dialect.name == "sqlite" else indexes[:-1]
    for number_idx in (*indexes, *again):
        row = _HOLD_PHONE.first(tx, idx=number_idx)
        if row:
            return Phone._make(row)
    return None


def ensure_phone(tx: Connection, number: str, now: int) -> Phone:
    """The phone's row, made when the number is new; safe when two callers make it at once."""
    found = find_phone(tx, number)
    if found is None and vault_of(tx).rotates_index:
        take_turns(tx, vault_of(tx).indexes(number))  # the other one may write with the other key
        found = find_phone(tx, number)
    if found is None:
        _add_phone(tx, vault_of(tx), number, now)
        found = find_phone(tx, number)
    assert found is not None
    return found


def _add_phone(tx: Connection, vault: Vault, number: str, now: int) -> None:
    number_idx, *older = vault.indexes(number)
    version = vault.index_writing
    _ADD_PHONE.first(tx, id=new_id(), number=number, number_idx=number_idx, index_version=version, created_at=now)
    for former in older:  # somebody who was erased comes back: her refusal is found by the key of that time
        copy_opt_outs(tx, former, number_idx, version)
        remove_opt_outs(tx, [former])


def index_of(tx: Connection, number: str) -> bytes:
    """The index under which everything about this number stands; until the transaction ends it stays there.

    With one key that is the key's index and nothing is asked.
    """
    vault = vault_of(tx)
    if not vault.rotates_index:
        return vault.index(number)
    found = find_phone(tx, number)
    if found is not None:
        return found.number_idx
    indexes = vault.indexes(number)
    return next((idx for idx in indexes if _ANY_REFUSAL.first(tx, idx=idx)), indexes[0])


class Reached(NamedTuple):
    """A phone that can be written to."""

    number: str
    language: str | None


def phone_of_id(tx: Connection, phone_id: int) -> Reached:
    row = tx.execute(select(phone.c.number, phone.c.language).where(phone.c.id == phone_id)).one()
    return Reached._make(row)


def was_heard(tx: Connection, phone_id: int) -> bool:
    """Whether somebody chose a language on it, called or wrote later on, or something of ours arrived there."""
    row = tx.execute(select(phone.c.last_heard_at, phone.c.language).where(phone.c.id == phone_id)).one()
    return row.last_heard_at is not None or row.language is not None


_LOCK_PHONE = Prepared(lambda _: select(phone.c.id).where(phone.c.id == bindparam("which")).with_for_update())
# Two who hold a phone (`find_phone`, while keys rotate) and then each lock it must not wait for each other's hold.
_LOCK_HELD_PHONE = Prepared(
    lambda _: select(phone.c.id).where(phone.c.id == bindparam("which")).with_for_update(key_share=True)
)


def lock_phone(tx: Connection, phone_id: int) -> None:
    """Whoever else locks this phone waits until we commit (SQLite has one writer anyway)."""
    (_LOCK_HELD_PHONE if vault_of(tx).rotates_index else _LOCK_PHONE).first(tx, which=phone_id)


_SET_LANGUAGE = Prepared(
    lambda _: update(phone).where(phone.c.id == bindparam("which")).values(language=bindparam("language"))
)


def set_language(tx: Connection, phone_id: int, language: str) -> None:
    _SET_LANGUAGE.run(tx, which=phone_id, language=language)


def set_by_voice(tx: Connection, phone_id: int, by_voice: bool) -> None:
    tx.execute(update(phone).where(phone.c.id == phone_id).values(by_voice=by_voice))


def forget_voice(tx: Connection, phone_id: int) -> None:
    """Where calls were chosen, they are not any more."""
    tx.execute(update(phone).where(phone.c.id == phone_id, phone.c.by_voice).values(by_voice=False))


def is_by_voice(tx: Connection, phone_id: int) -> bool:
    return bool(tx.execute(select(phone.c.by_voice).where(phone.c.id == phone_id)).scalar_one_or_none())


_OPTED_OUT = Prepared(
    lambda _: select(opt_out.c.at).where(
        opt_out.c.number_idx == bindparam("idx"),
        (opt_out.c.purpose == bindparam("purpose")) | (opt_out.c.purpose == "all"),
    )
)


def opted_out(tx: Connection, number_idx: bytes, purpose: str = "all") -> bool:
    return _OPTED_OUT.first(tx, idx=number_idx, purpose=purpose) is not None


def add_opt_out(tx: Connection, number_idx: bytes, purpose: str, how: str, now: int) -> None:
    version = version_of(tx, number_idx)
    tx.execute(
        upsert(tx, opt_out)
        .values(number_idx=number_idx, purpose=purpose, how=how, at=now, index_version=version)
        .on_conflict_do_nothing()
    )


def version_of(tx: Connection, number_idx: bytes) -> int:
    """The number of the key by which this index was made."""
    vault = vault_of(tx)
    if not vault.rotates_index:
        return vault.index_writing
    known = tx.execute(select(phone.c.index_version).where(phone.c.number_idx == number_idx)).scalar_one_or_none()
    return vault.index_writing if known is None else known


def copy_opt_outs(tx: Connection, number_idx: bytes, to: bytes, version: int) -> int:
    """The refusals under one index under another one too; gives how many were not there yet."""
    found = tx.execute(select(opt_out).where(opt_out.c.number_idx == number_idx)).mappings()
    rows = [{**row, "number_idx": to, "index_version": version} for row in found]
    if not rows:
        return 0
    copied = upsert(tx, opt_out).values(rows).on_conflict_do_nothing().returning(opt_out.c.purpose)
    return len(tx.execute(copied).all())


def remove_opt_outs(tx: Connection, indexes: Sequence[bytes], purposes: Sequence[str] = ()) -> int:
    """Take refusals of one number, by all its indexes, back: those of these purposes, or every one."""
    whose = delete(opt_out).where(opt_out.c.number_idx.in_(indexes))
    return tx.execute(whose.where(opt_out.c.purpose.in_(purposes)) if purposes else whose).rowcount


def any_phone(tx: Connection) -> bool:
    """True when somebody's number is in this database."""
    return tx.execute(select(phone.c.id).limit(1)).first() is not None
