"""While the database is in trouble a carrier hears 503 within two seconds, never 200, never 500; then all is well."""

from __future__ import annotations

import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
from sqlalchemy import func, select, text

from service.runtime import Runtime
from service.store.conversation_tables import conversation
from service.store.inbound_tables import inbound_event
from service.store.phone_tables import opt_out
from service.store.receipt_tables import unmatched_receipt
from tests.conftest import HOOK_SECRET
from tests.people import Handset

STOP = {"date": "x", "from": "+22370000001", "id": "1", "text": "ARRET", "to": "99000"}
RECEIPT = {"id": "1", "status": "Success", "phoneNumber": "+22370000001"}
STEP = {"sessionId": "s", "phoneNumber": "+22370000001", "networkCode": "1", "serviceCode": "x", "text": ""}


def post(product: str, event: str, fields: dict[str, str]) -> requests.Response:
    return requests.post(f"{product}/hooks/africastalking/{event}/{HOOK_SECRET}", data=fields, timeout=40)


def rows(runtime: Runtime, table: Any) -> int:
    with runtime.database.read() as tx:
        return tx.execute(select(func.count()).select_from(table)).scalar_one()


@pytest.fixture
def on_sqlite(runtime: Runtime) -> Runtime:
    if not runtime.database.is_sqlite:
        pytest.skip("about the file")
    return runtime


@pytest.fixture
def on_postgresql(runtime: Runtime) -> Runtime:
    if runtime.database.is_sqlite:
        pytest.skip("about the server")
    return runtime


def test_a_locked_file_is_a_503_within_two_seconds(product: str, on_sqlite: Runtime) -> None:
    other = sqlite3.connect(str(on_sqlite.database.engine.url.database), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    began = time.monotonic()
    try:
        answer = post(product, "sms-in", STOP)
    finally:
        took = time.monotonic() - began
        other.execute("ROLLBACK")
        other.close()
    assert answer.status_code == 503
    assert took < 2.5, f"{took:.1f} s"
    assert post(product, "sms-in", STOP).status_code == 200
    assert rows(on_sqlite, opt_out) == 1


def test_receipts_that_wait_together_are_told_503_together(product: str, on_sqlite: Runtime) -> None:
    """Nobody is thanked for what is not on disk, and nobody waits for another one's turn after his own."""
    other = sqlite3.connect(str(on_sqlite.database.engine.url.database), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    def told(number: int) -> tuple[int, float]:
        began = time.monotonic()
        answer = post(product, "receipt", RECEIPT | {"id": str(number)})
        return answer.status_code, time.monotonic() - began

    try:
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(told, range(8)))
    finally:
        other.execute("ROLLBACK")
        other.close()
    assert {status for status, _ in answers} == {503}
    assert max(took for _, took in answers) < 2.5, answers
    assert rows(on_sqlite, unmatched_receipt) == 0
    assert told(9)[0] == 200
    assert rows(on_sqlite, unmatched_receipt) == 1


@pytest.mark.parametrize("event", ["ussd", "sms-in"])
def test_a_full_disk_is_a_503_and_nothing_half_written(product: str, on_sqlite: Runtime, event: str) -> None:
    database = on_sqlite.database
    post(product, "ussd", STEP | {"sessionId": "earlier"})
    with database.begin() as tx:
        pages = tx.execute(text("PRAGMA page_count")).scalar_one()
        tx.execute(text(f"PRAGMA max_page_count={pages}"))
    statuses = set()
    for number in range(60):
        fields = (
            STEP | {"sessionId": f"s{number}"} if event == "ussd" else STOP | {"id": str(number), "text": "x" * 900}
        )
        statuses.add(post(product, event, fields).status_code)
    assert statuses == {200, 503}, statuses
    kept = rows(on_sqlite, inbound_event)
    with database.begin() as tx:
        tx.execute(text("PRAGMA max_page_count=100000"))
        assert tx.execute(text("PRAGMA integrity_check")).scalar_one() == "ok"
    assert post(product, "sms-in", STOP | {"id": "after"}).status_code == 200
    assert rows(on_sqlite, inbound_event) == kept + 1


def test_a_row_that_somebody_else_holds_is_a_503_within_two_seconds(product: str, on_postgresql: Runtime) -> None:
    post(product, "ussd", STEP)
    with on_postgresql.database.begin() as tx:
        tx.execute(select(conversation.c.id).with_for_update())
        began = time.monotonic()
        answer = post(product, "ussd", STEP | {"text": "1"})
        took = time.monotonic() - began
    assert answer.status_code == 503
    assert took < 2.5, f"{took:.1f} s"
    assert post(product, "ussd", STEP | {"text": "1"}).status_code == 200


def test_a_restarted_server_costs_one_503_and_no_500(product: str, on_postgresql: Runtime) -> None:
    for number in range(3):
        post(product, "ussd", STEP | {"sessionId": f"s{number}"})
    with on_postgresql.database.engine.connect() as tx:
        kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> "
        tx.execute(text(kill + "pg_backend_pid()"))
    statuses = [post(product, "ussd", STEP | {"sessionId": f"t{number}"}).status_code for number in range(6)]
    assert 500 not in statuses, statuses
    assert statuses.count(200) >= 3, statuses
    assert statuses[-1] == 200


@pytest.mark.parametrize("event", ["ussd", "sms-in", "opt-out"])
def test_a_bug_in_one_request_leaves_no_lock_behind(
    product: str, handset: Handset, runtime: Runtime, monkeypatch: pytest.MonkeyPatch, event: str
) -> None:
    def bug(*_: object, **__: object) -> None:
        raise RuntimeError("a bug")

    fields = {"ussd": STEP, "sms-in": STOP, "opt-out": {"phoneNumber": "+22370000001", "senderId": "x"}}[event]
    with monkeypatch.context() as broken:
        broken.setattr("service.stories.talk.opt_outs.message_tables.suppress", bug)
        broken.setattr("service.stories.talk.conversations.conversation_tables.add_conversation", bug)
        assert [post(product, event, fields).status_code for _ in range(14)] == [500] * 14
    assert rows(runtime, inbound_event) == rows(runtime, opt_out) == 0
    began = time.monotonic()
    assert post(product, event, fields).status_code == 200
    assert time.monotonic() - began < 1
