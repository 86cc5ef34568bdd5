"""One database, SQLite or PostgreSQL: how to open it, and what a transaction is."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from types import TracebackType
from typing import Any

from sqlalchemy import create_engine, event
from sqlalchemy.engine import Connection, Engine, make_url
from sqlalchemy.exc import DBAPIError, TimeoutError

from service.domain.letter_rules import NO_RULES, LetterRules
from service.store.vault import Vault

WRITE = "BEGIN IMMEDIATE"
MOST_WAITING = 10
"""Connections kept beside the pool: as many as it may open beyond its size, so that nobody waits for one of them."""
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
            _make_sqlite_safe(self._writer, WRITE, sqlite_synchronous, lambda: self._patience_s)
            _make_sqlite_safe(self._reader, "BEGIN", sqlite_synchronous, lambda: self._patience_s)
        else:
            _make_postgresql_patient(self._writer, lambda: self._patience_s)
            _keep_a_cursor(self._writer)
        for engine in (self._writer, self._reader):
            engine.dialect.vault = vault  # type: ignore[attr-defined]
            engine.dialect.prepared = {}  # type: ignore[attr-defined]
        self.rules = NO_RULES
        self._driver_error: type[Exception] = self._writer.dialect.loaded_dbapi.Error
        # SQLite's busy handler sleeps, a mutex queues: p99 at 16 connections fell from 80-430 ms to 28-40 ms.
        self._turn = threading.Lock()
        # Connections that wait for the next transaction: to give them to the pool and ask for them again costs more
        # than what a keystroke does in SQLite.
        self._waiting: list[Connection] = []

    def answer_within(self, seconds: float) -> None:
        """For a process whose callers wait: a turn or a lock that does not come in this time is an error."""
        self._patience_s = seconds
        self.close()  # connections made before have the other patience

    def begin(self) -> AbstractContextManager[Connection]:
        return _Transaction(self)

    def _take(self) -> Connection:
        """A connection in a transaction, for nobody else.

        SQLAlchemy hears of the transaction at its own first statement, and never where all statements are prepared.
        """
        if self.is_sqlite and not self._turn.acquire(timeout=self._patience_s):
            raise TimeoutError("another transaction of this process goes on for too long")
        tx = None
        try:
            try:
                tx = self._waiting.pop()
            except IndexError:
                tx = self._writer.connect()
            if self.is_sqlite:
                _driver(tx).execute(WRITE)
        except BaseException as error:
            self._give_up(tx)
            if isinstance(error, self._driver_error):
                raise self._told_as_usual(error) from None
            raise
        return tx

    def _keep(self, tx: Connection) -> None:
        """Commit, and keep the connection for the next transaction."""
        try:
            if tx.in_transaction():
                tx.commit()
            else:
                _driver(tx).commit()
        except BaseException as error:
            self._give_up(tx)
            if isinstance(error, self._driver_error):
                raise self._told_as_usual(error) from None
            raise
        if len(self._waiting) < MOST_WAITING:
            self._waiting.append(tx)
        else:
            tx.close()
        if self.is_sqlite:
            self._turn.release()

    def _give_up(self, tx: Connection | None) -> None:
        """Roll back, and give the connection to the pool. Where it is broken, those that wait are hardly better."""
        try:
            if tx is not None and not _rolled_back(tx):
                self._let_go()
        finally:
            if self.is_sqlite:
                self._turn.release()

    def _let_go(self) -> None:
        with suppress(IndexError):
            while True:
                _throw_away(self._waiting.pop())

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

    def empty_journal(self) -> bool:
        """Move SQLite's journal into the file and cut it, so that nothing deleted stays there.

        False when somebody reads: we do not wait, since writers would wait with us. (PostgreSQL has no such command.)
        """
        if not self.is_sqlite:
            return True
        connection = self._reader.raw_connection()
        try:
            connection.driver_connection.execute("PRAGMA busy_timeout=100")  # type: ignore[union-attr]
            busy = connection.driver_connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()  # type: ignore[union-attr]
            return not busy[0]
        finally:
            connection.invalidate()  # its patience is not that of the others
            connection.close()

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

    def driver_arguments(self) -> dict[str, Any]:
        """How to connect, for a library that brings connections of its own to PostgreSQL."""
        _, arguments = self._writer.dialect.create_connect_args(self._writer.url)
        alive = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 15_000}
        return {**arguments, **alive, "connect_timeout": 2, "options": _options(PATIENCE_S)}

    def close(self) -> None:
        self._let_go()
        self._writer.dispose()
        self._reader.dispose()


class _Transaction:
    """One transaction that writes: a class, since a generator's two turns would cost every keystroke more."""

    __slots__ = ("_database", "_tx")

    def __init__(self, database: Database) -> None:
        self._database = database

    def __enter__(self) -> Connection:
        self._tx = tx = self._database._take()
        return tx

    def __exit__(self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None) -> None:
        if error is None:
            self._database._keep(self._tx)
            return
        self._database._give_up(self._tx)
        if isinstance(error, self._database._driver_error):
            raise self._database._told_as_usual(error) from None


def _sqlite_options() -> dict[str, Any]:
    return {"hide_parameters": True, "connect_args": {"check_same_thread": False, "timeout": 15}}


def _postgresql_options(pool_size: int) -> dict[str, Any]:
    # No statement of ours may hang a web thread: a carrier gives up after ten seconds.
    return {
        "hide_parameters": True,  # an error text must not carry names or numbers into a log
        "pool_size": pool_size,
        "max_overflow": MOST_WAITING,
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
        arguments["options"] = _options(patience())


def _keep_a_cursor(engine: Engine) -> None:
    """For prepared statements: psycopg makes a cursor for each otherwise, and reads octets from hexadecimal digits."""

    @event.listens_for(engine, "connect")
    def _on_connect(connection: Any, _: Any) -> None:
        connection.kept_cursor = connection.cursor(binary=True)


def _options(patience_s: float) -> str:
    lock_ms = min(5000, int(patience_s * 1000))
    return f"-c statement_timeout=15000 -c lock_timeout={lock_ms} -c idle_in_transaction_session_timeout=60000"


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
            # What is deleted is overwritten: a stolen file holds nothing that we forgot, sealed or not.
            "secure_delete=ON",
        ):
            connection.execute(f"PRAGMA {pragma}")

    def _begin(connection: Any) -> None:
        if not connection.dbapi_connection.in_transaction:  # `Database` may have begun it
            connection.dbapi_connection.execute(begin)

    # Not by an event: SQLAlchemy would ask at every statement whether anybody listens.
    engine.dialect.do_begin = _begin  # type: ignore[assignment, method-assign]


def _driver(tx: Connection) -> Any:
    return tx.connection.dbapi_connection


def _rolled_back(tx: Connection) -> bool:
    """False where the connection is broken."""
    try:
        if tx.in_transaction():
            tx.rollback()
        else:
            _driver(tx).rollback()
    except Exception:
        _throw_away(tx)
        return False
    tx.close()
    return True


def _throw_away(tx: Connection) -> None:
    """The pool makes another in its place."""
    tx.invalidate()
    tx.close()
