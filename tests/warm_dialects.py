"""What SQLAlchemy learned about our statements in one test is known in the next.

Each test has databases of its own and so engines of its own; every engine compiles every statement anew, a quarter of a
story's processor time. Here an engine gets a dialect that an engine of an earlier test left behind, with what was
compiled for it: as in production, where a process compiles a statement once. Only that is kept. Vault, rules and
listeners belong to the new engine, and no two engines of one test share a dialect.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import util
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.engine import Connection, Engine

MOST_STATEMENTS = 2000
OF_ONE_ENGINE = ("vault", "letter_rules", "dispatch")

_free: defaultdict[tuple[str, ...], list[_Warm]] = defaultdict(list)
_lent: list[_Warm] = []
_lending = True


class _Warm:
    """Mixed into a dialect: making one takes a free one, if there is one of the same kind."""

    def __new__(cls, **options: Any) -> _Warm:
        kind = (cls.__name__, *(f"{name}={options[name]!r}" for name in sorted(options)))
        if not _lending:
            return super().__new__(cls)
        try:  # not "if there is one": another thread may take it first
            one = _free[kind].pop()
        except IndexError:
            one = super().__new__(cls)
        one.__dict__["kind"] = kind
        _lent.append(one)
        return one

    def __init__(self, **options: Any) -> None:
        for name in OF_ONE_ENGINE:
            self.__dict__.pop(name, None)
        if "compiled" not in self.__dict__:
            super().__init__(**options)
            self.__dict__.update(compiled=util.LRUCache(MOST_STATEMENTS), forms={}, seen=False)

    @classmethod
    def engine_created(cls, engine: Engine) -> None:
        engine._compiled_cache = engine.dialect.compiled  # type: ignore[attr-defined]

    def initialize(self, connection: Connection) -> None:
        if not self.__dict__["seen"]:
            super().initialize(connection)  # type: ignore[misc]
            self.__dict__["seen"] = True

    @property
    def prepared(self) -> dict[Any, Any]:
        """Our own statements (`service.store.prepared`), kept as SQLAlchemy's are."""
        forms: dict[Any, Any] = self.__dict__["forms"]
        return forms

    @prepared.setter
    def prepared(self, _: dict[Any, Any]) -> None:
        """A new engine begins with what is known."""


class WarmSQLite(_Warm, SQLiteDialect_pysqlite):
    supports_statement_cache = True


class WarmPostgreSQL(_Warm, PGDialect_psycopg):
    supports_statement_cache = True


def install() -> None:
    registry.register("sqlite", __name__, "WarmSQLite")
    registry.register("postgresql.psycopg", __name__, "WarmPostgreSQL")


def give_back() -> None:
    """At the end of a test: whatever it made may be taken by the next."""
    for one in _lent:
        _free[one.__dict__["kind"]].append(one)
    _lent.clear()


@contextmanager
def cold() -> Iterator[None]:
    """For what lives longer than a test: its engines keep their dialects."""
    global _lending
    before, _lending = _lending, False
    try:
        yield
    finally:
        _lending = before
