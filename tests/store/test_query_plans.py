"""What the dispatcher asks all day goes by an index: its price must not follow how many messages there ever were."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Connection

from service.runtime import Runtime, build_runtime
from service.store import call_tables, message_claims, message_tables
from tests.conftest import a_config, fresh_sqlite

CLAIMS: dict[str, tuple[Any, dict[str, Any]]] = {
    "claim": (message_claims._claim(("any", "day"), False), {"now": 1, "most": 4}),
    "claim of calls": (message_claims._claim(("any", "day"), False, "voice"), {"now": 1, "most": 4}),
    "claim of SMS beside calls": (message_claims._claim(("any", "day"), False, "sms"), {"now": 1, "most": 4}),
    "claim of a batch": (message_claims._claim(("any",), True), {"now": 1, "most": 4, "batch": b"x"}),
    "what was claimed": (message_claims._READ_CLAIMED, {"ids": [1, 2]}),
    "locks before notes": (message_claims._LOCK, {"ids": [1, 2]}),
}
CARE: dict[str, Callable[[Connection], Any]] = {
    "reap": lambda tx: message_claims.reap(tx, 1),
    "expire": lambda tx: message_tables.expire(tx, 1),
    "unanswered": lambda tx: message_tables.unanswered(tx, 1),
    "to resend": lambda tx: message_tables.to_resend(tx, 1, 1, 1),
    "the message of a call": lambda tx: call_tables.spoken_in(tx, "twilio_voice", "CA1", b"x"),
    "calls that ended": lambda tx: call_tables.calls(tx, [1, 2], date(2026, 11, 20)),
    "a try that waits": lambda tx: call_tables.queued_with_key(tx, "k"),
    "who was called back": lambda tx: call_tables.called_back_since(tx, b"x", 1),
    "oldest due": lambda tx: message_tables.oldest_due(tx, 1, {"reminder"}),
}


@pytest.fixture
def runtime(sqlite_template: Any, tmp_path: Any) -> Iterator[Runtime]:
    built = build_runtime(a_config(fresh_sqlite(sqlite_template, tmp_path)))
    yield built
    built.database.close()


@pytest.mark.parametrize("name", CLAIMS)
def test_a_turn_of_the_dispatcher_reads_no_whole_table(runtime: Runtime, name: str) -> None:
    prepared, values = CLAIMS[name]
    with runtime.database.begin() as tx:
        form = prepared._form(tx)
        assert not whole_tables(tx, form.sql, form.arguments(values))


@pytest.mark.parametrize("name", CARE)
def test_looking_after_what_waits_reads_no_whole_table(runtime: Runtime, name: str) -> None:
    with runtime.database.begin() as tx:
        with seen(tx) as statements:
            CARE[name](tx)
        assert statements
        for statement, parameters in statements:
            assert not whole_tables(tx, statement, parameters)


def whole_tables(tx: Connection, statement: str, parameters: Any) -> list[str]:
    """The steps of SQLite's plan that read every row of `message`, and no index."""
    return whole_tables_of(tx, statement, parameters, ("message",))


def whole_tables_of(tx: Connection, statement: str, parameters: Any, tables: tuple[str, ...]) -> list[str]:
    """The same for these tables."""
    plan = tx.connection.driver_connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall()
    return [
        step for *_, step in plan if step.startswith(tuple(f"SCAN {table}" for table in tables)) and "INDEX" not in step
    ]


@contextmanager
def seen(tx: Connection) -> Iterator[list[tuple[str, Any]]]:
    found: list[tuple[str, Any]] = []

    def note(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        found.append((statement, parameters))

    event.listen(tx, "before_cursor_execute", note)
    yield found
    event.remove(tx, "before_cursor_execute", note)
