"""What the dispatcher asks all day goes by an index: its price must not follow how many messages there ever were."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

import pytest
from sqlalchemy import event, select, update
from sqlalchemy.engine import Connection

from service.runtime import Runtime, build_runtime
from service.store import call_tables, message_claims, message_tables
from service.store.care_tables import appointment
from service.stories.recall import recall_day, recalls
from tests.conftest import a_config, fresh_sqlite
from tests.many_families import due_children
from tests.people import TestClock

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


BIG = (
    *("appointment", "message", "message_appointment", "send_attempt", "household", "person", "child", "phone"),
    *("follow_up", "opt_out"),
)


@pytest.mark.parametrize("is_analysed", [False, True])
def test_the_day_is_planned_without_a_look_at_those_of_whom_nothing_is_due(
    sqlite_template: Any, tmp_path: Any, is_analysed: bool
) -> None:
    """Not even along an index: a household a year away must cost nothing today."""
    clock = TestClock("2026-11-20T10:00")
    built = build_runtime(a_config(fresh_sqlite(sqlite_template, tmp_path)), at=clock)
    due_children(built, 90)
    with built.database.begin() as tx:
        first_half = select(appointment.c.id).limit(60).scalar_subquery()
        tx.execute(update(appointment).where(appointment.c.id.in_(first_half)).values(next_step_on=date(2030, 1, 1)))
        if is_analysed:
            tx.exec_driver_sql("ANALYZE")
            rest = "substr(stat, instr(stat || ' ', ' '))"  # as if of a city: so many rows, as few to each family
            tx.exec_driver_sql(f"UPDATE sqlite_stat1 SET stat = '900000' || {rest}")
            tx.exec_driver_sql("ANALYZE sqlite_schema")
    with built.database.begin() as tx, seen(tx) as statements:
        tx.dialect.prepared.clear()  # type: ignore[attr-defined]  # what another test prepared is not the day's
        assert recall_day.queue_page(tx, built, clock.now(), 200, recalls.replan)[0] == 30
        clock.advance(days=1)  # what has not left is said by the next message
        tx.execute(update(appointment).where(appointment.c.last_step == "J+7").values(next_step_on=date(2026, 1, 1)))
        statements.clear()
        recall_day.queue_page(tx, built, clock.now(), 200, recalls.replan)
        asked = [sql for sql, _ in statements] + [form.sql for form in tx.dialect.prepared.values()]  # type: ignore[attr-defined]
        assert len(asked) > 10
        for sql in asked:
            assert not looks_at_all(tx, sql, [None] * sql.count("?"), BIG), sql
    built.database.close()


def looks_at_all(tx: Connection, statement: str, parameters: Any, tables: tuple[str, ...]) -> list[str]:
    """The steps of SQLite's plan that go through one of these tables from end to end, by an index or without."""
    plan = tx.connection.driver_connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall()
    return [step for *_, step in plan if step.split()[0] == "SCAN" and step.split()[1] in tables]


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
