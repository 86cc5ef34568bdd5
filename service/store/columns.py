"""The column kinds that our tables share."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from random import Random
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    bindparam,
    cast,
    func,
    literal,
    literal_column,
    or_,
    select,
)
from sqlalchemy.engine import Connection, Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql import ColumnElement
from sqlalchemy.types import TypeDecorator

from service.domain.letter_rules import LetterRules
from service.store.dialects import insert_for
from service.store.vault import Vault

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# A BIGINT primary key on SQLite is a second index beside the row id; INTEGER is the row id itself.
Id = BigInteger().with_variant(Integer(), "sqlite")
Instant = BigInteger().with_variant(Integer(), "sqlite")
"""A moment: milliseconds since 1970 in UTC, the same on both databases."""


_UNKNOWN = secrets.SystemRandom()
_chance: ContextVar[Random] = ContextVar("chance", default=_UNKNOWN)


def new_id() -> int:
    """A random 63-bit id: SQLite gives the ids of deleted rows out again, and a counter tells how many there are."""
    return _chance.get().getrandbits(63) | 1


@contextmanager
def ids_from(chance: Random) -> Iterator[None]:
    """Ids are drawn from this in here, in this thread: for a rehearsal, which is to be the same another time."""
    before = _chance.set(chance)
    try:
        yield
    finally:
        _chance.reset(before)


def ids_starting_with(tx: Connection, id: Column[int], digits: str) -> list[int]:
    """A few of the ids that begin with these digits, for tables of some thousands: every row is looked at."""
    which = select(id).where(cast(id, String).startswith(digits)).order_by(id).limit(4)
    return list(tx.execute(which).scalars())


def id_column() -> Column[int]:
    return Column("id", Id, primary_key=True, autoincrement=False)


def reference(name: str, target: str, *, nullable: bool = False, **options: Any) -> Column[int]:
    return Column(name, Id, ForeignKey(target), nullable=nullable, **options)


def vault_of(tx: Connection) -> Vault:
    """The vault of the database that this transaction belongs to (`Database` puts it there)."""
    vault: Vault = tx.dialect.vault  # type: ignore[attr-defined]
    return vault


def rules_of(tx: Connection) -> LetterRules:
    """What the outbox of this transaction's database asks of a letter (`build_runtime` puts it there)."""
    rules: LetterRules = tx.dialect.letter_rules  # type: ignore[attr-defined]
    return rules


def upsert(tx: Connection, table: Table) -> Any:
    """An INSERT that knows ON CONFLICT. We never catch a conflict: on PostgreSQL an error ends the transaction."""
    return insert_for(tx.dialect)(table)


def wrote(tx: Connection, statement: Any) -> bool:
    """Run an upsert of one row; False when the conflict won. (An INSERT's rowcount differs between the drivers.)"""
    return tx.execute(statement.returning(literal(1))).first() is not None


def take_turns(tx: Connection, names: Iterable[bytes]) -> None:
    """Whoever comes with the same names, in whatever order, waits until we commit (SQLite has one writer anyway)."""
    if tx.dialect.name == "postgresql":
        tx.execute(select(func.pg_advisory_xact_lock(int.from_bytes(min(names)[:8], "big", signed=True))))


class Sealed(TypeDecorator[str]):
    """Text that is encrypted in the file: the column's name is bound into the ciphertext."""

    impl = LargeBinary
    cache_ok = True

    def __init__(self, column: str) -> None:
        super().__init__()
        self.column = column

    def process_bind_param(self, value: str | None, dialect: Dialect) -> bytes | None:
        return None if value is None else dialect.vault.seal(self.column, value)  # type: ignore[attr-defined]

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> str | None:
        return None if value is None else dialect.vault.open(self.column, value)  # type: ignore[attr-defined]


class _ListOf(TypeDecorator[Any]):
    """Many values in one parameter: an array for PostgreSQL, JSON for SQLite."""

    impl = LargeBinary
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        return dialect.type_descriptor(ARRAY(self.item) if dialect.name == "postgresql" else Text())

    def __init__(self, item: Any) -> None:
        super().__init__()
        self.item = item

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        return list(value) if dialect.name == "postgresql" else json.dumps(list(value))


def spelled(word: str) -> Any:
    """A constant that stands in the statement itself: SQLite uses a partial index for no parameter."""
    return literal_column(f"'{word}'")


class among(ColumnElement[bool]):  # noqa: N801 -- reads like the SQL it is
    """`column IN (the values of one parameter)`: the statement stays the same however many there are."""

    type = Boolean()
    inherit_cache = False
    _is_implicitly_boolean = True  # else SQLite is asked `... = 1`, and looks at every row

    def __init__(self, column: Any, name: str, kind: Any) -> None:
        self.column, self.values = column, bindparam(name, type_=_ListOf(kind))


@compiles(among, "sqlite")
def _among_json(element: among, compiler: Any, **kwargs: Any) -> str:
    values = compiler.process(element.values, **kwargs)
    return f"{compiler.process(element.column, **kwargs)} IN (SELECT value FROM json_each({values}))"  # noqa: S608


@compiles(among, "postgresql")
def _among_array(element: among, compiler: Any, **kwargs: Any) -> str:
    return f"{compiler.process(element.column, **kwargs)} = ANY ({compiler.process(element.values, **kwargs)})"


class database_now(ColumnElement[int]):  # noqa: N801 -- reads like the SQL function it is
    """The database's own clock in UTC milliseconds: leases are judged by it and by nothing else."""

    type = Instant
    inherit_cache = True


@compiles(database_now, "sqlite")
def _sqlite_now(*_: Any, **__: Any) -> str:
    # SQLite 3.40's unixepoch('now','subsec') is NULL.
    return "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)"


@compiles(database_now, "postgresql")
def _postgresql_now(*_: Any, **__: Any) -> str:
    return "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)"


def lease_is_over(until: ColumnElement[Any], length_ms: int) -> ColumnElement[bool]:
    """Whether a lease of this length has ended, by the database's clock.

    One that ends later than any that could begin now was taken by a clock that ran ahead and was set right since: if
    its holder died meanwhile, nobody would ever have it again.
    """
    return or_(until < database_now(), until > database_now() + 2 * length_ms)
