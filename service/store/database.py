"""One database, SQLite or PostgreSQL: how to open it, and what a transaction is."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from sqlalchemy import create_engine, event
from sqlalchemy.engine import Connection, Engine, make_url
from sqlalchemy.exc import DBAPIError, TimeoutError

from service.domain.letter_rules import NO_RULES, LetterRules
from service.store.vault import Vault

PATIENCE_S = 15.0
"""How long a transaction waits for its turn. A web process says less (`answer_within`): its caller is told 503."""


class Database:
    """`begin()` writes, `read()` reads; both are one transaction, committed at the end, rolled back on an error."""

    def __init__(self, url: str, vault: Vault, *, pool_size: int = 10, sqlite_synchronous: str = "FULL") -> None:
        self.is_sqlite = make_url(url).get_backend_name() == "sqlite"
        self._patience_s = PATIENCE_S
        options = _sqlite_options() if self.is_sqlite else _postgresql_options(pool_size)
        if self.is_sqlite:
            _make_private(make_url(url).database)
        self._writer = create_engine(url, **options)
        self._reader = create_engine(url, **options) if self.is_sqlite else self._writer
        if self.is_sqlite:
            _make_sqlite_safe(self._writer, "BEGIN IMMEDIATE", sqlite_synchronous, lambda: self._patience_s)
            _make_sqlite_safe(self._reader, "BEGIN", sqlite_synchronous, lambda: self._patience_s)
        else:
            _make_postgresql_patient(self._writer, lambda: self._patience_s)
        for engine in (self._writer, self._reader):
            engine.dialect.vault = vault  # type: ignore[attr-defined]
            engine.dialect.prepared = {}  # type: ignore[attr-defined]
        self.rules = NO_RULES
        self._driver_error: type[Exception] = self._writer.dialect.loaded_dbapi.Error
        # SQLite's busy handler sleeps, a mutex queues: p99 at 16 connections fell from 80-430 ms to 28-40 ms.
        self._turn = threading.Lock()

    def answer_within(self, seconds: float) -> None:
        """For a process whose callers wait: a turn or a lock that does not come in this time is an error."""
        self._patience_s = seconds
        self.close()  # connections made before have the other patience

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        if self.is_sqlite and not self._turn.acquire(timeout=self._patience_s):
            raise TimeoutError("another transaction of this process goes on for too long")
        try:
            with self._writer.begin() as tx:
                yield tx
        except self._driver_error as error:
            raise self._told_as_usual(error) from None
        finally:
            if self.is_sqlite:
                self._turn.release()

    @contextmanager
    def at_once(self) -> Iterator[Connection]:
        """For one statement that stands alone: PostgreSQL commits it by itself, one message there and one back."""
        if self.is_sqlite:
            with self.begin() as tx:
                yield tx
            return
        try:
            with self._writer.connect().execution_options(isolation_level="AUTOCOMMIT") as tx:
                yield tx
        except self._driver_error as error:
            raise self._told_as_usual(error) from None

    @contextmanager
    def read(self) -> Iterator[Connection]:
        try:
            with self._reader.begin() as tx:
                yield tx
        except self._driver_error as error:
            raise self._told_as_usual(error) from None

    def _told_as_usual(self, error: Exception) -> BaseException:
        """Prepared statements fail with the driver's own errors: made SQLAlchemy's, as everywhere else."""
        dialect = self._writer.dialect
        return DBAPIError.instance(None, None, error, self._driver_error, hide_parameters=True, dialect=dialect)

    @property
    def rules(self) -> LetterRules:
        """What the outbox asks of a letter before it keeps it; known to every transaction, as the vault is."""
        rules: LetterRules = self._writer.dialect.letter_rules  # type: ignore[attr-defined]
        return rules

    @rules.setter
    def rules(self, rules: LetterRules) -> None:
        for engine in (self._writer, self._reader):
            engine.dialect.letter_rules = rules  # type: ignore[attr-defined]

    @property
    def engine(self) -> Engine:
        """For migrations only."""
        return self._writer

    def close(self) -> None:
        self._writer.dispose()
        self._reader.dispose()


def _sqlite_options() -> dict[str, Any]:
    return {"hide_parameters": True, "connect_args": {"check_same_thread": False, "timeout": 15}}


def _postgresql_options(pool_size: int) -> dict[str, Any]:
    # No statement of ours may hang a web thread: a carrier gives up after ten seconds.
    return {
        "hide_parameters": True,  # an error text must not carry names or numbers into a log
        "pool_size": pool_size,
        "max_overflow": 10,
        "pool_timeout": 2,
        "pool_pre_ping": False,
        "connect_args": {"connect_timeout": 2},
    }


def _make_private(file: str | None) -> None:
    """A new file, and the journal beside it, is for its owner only."""
    if file and file != ":memory:":
        with suppress(OSError):  # a wrong path is told better by SQLite
            os.close(os.open(file, os.O_CREAT | os.O_RDWR, 0o600))


def _make_postgresql_patient(engine: Engine, patience: Callable[[], float]) -> None:
    @event.listens_for(engine, "do_connect")
    def _on_connect(_: Any, __: Any, ___: Any, arguments: dict[str, Any]) -> None:
        lock_ms = min(5000, int(patience() * 1000))
        arguments["options"] = (
            f"-c statement_timeout=15000 -c lock_timeout={lock_ms} -c idle_in_transaction_session_timeout=60000"
        )


def _make_sqlite_safe(engine: Engine, begin: str, synchronous: str, patience: Callable[[], float]) -> None:
    """Take transactions into our own hands.

    With the driver's defaults a SELECT runs outside the transaction, and two writers lose each other's updates
    without an error (11,257 of 13,113 in a trial). BEGIN IMMEDIATE takes the write lock before the first read.
    """

    @event.listens_for(engine, "connect")
    def _on_connect(connection: Any, _: Any) -> None:
        connection.isolation_level = None
        for pragma in (
            "journal_mode=WAL",
            f"synchronous={synchronous}",
            f"busy_timeout={int(patience() * 1000)}",
            "foreign_keys=ON",
            "temp_store=MEMORY",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Connection) -> None:
        connection.connection.driver_connection.execute(begin)  # type: ignore[union-attr]
