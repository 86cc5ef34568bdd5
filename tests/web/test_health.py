"""What a sysadmin and Prometheus may see: is it up, is it ready, how many; never who."""

from __future__ import annotations

import json

import requests

from service.app import create_app
from service.clock import SystemClock
from service.config import Config
from service.readiness import LAST_BACKUP, WORKER_LEASE
from service.runtime import Runtime, build_runtime
from service.store import system_tables
from service.stories.delivery import dispatch_gate, dispatcher
from service.stories.delivery.outbox import Letter, put
from tests.conftest import a_config
from tests.people import TestClock

HOUR = 3_600_000


def worker_beats(runtime: Runtime) -> None:
    with runtime.database.begin() as tx:
        assert system_tables.take_lease(tx, WORKER_LEASE, "a worker", 30_000)


def test_alive(product: str) -> None:
    assert requests.get(f"{product}/healthz", timeout=5).text == "ok\n"


def test_ready_when_a_worker_beats(product: str, runtime: Runtime) -> None:
    waiting = requests.get(f"{product}/readyz", timeout=5)
    assert waiting.status_code == 503
    assert "laseli worker" in waiting.json()["worker"]["remedy"]
    worker_beats(runtime)
    answer = requests.get(f"{product}/readyz", timeout=5)
    assert answer.status_code == 200, answer.text
    assert answer.json()["database"]["ok"]


def test_not_ready_when_due_messages_wait(product: str, runtime: Runtime, clock: TestClock) -> None:
    worker_beats(runtime)
    with runtime.database.begin() as tx:
        due = clock.now() - HOUR
        put(tx, clock.now(), Letter("+22370000001", "x", "k", "reminder", "once", due, clock.now() + HOUR))
    answer = requests.get(f"{product}/readyz", timeout=5)
    assert answer.status_code == 503
    assert answer.json()["outbox"]["oldest_due_waits_ms"] >= HOUR
    dispatcher.send_due(runtime)
    assert requests.get(f"{product}/readyz", timeout=5).status_code == 200


def test_what_waits_for_the_morning_is_not_late(product: str, runtime: Runtime, clock: TestClock) -> None:
    worker_beats(runtime)
    clock.set("2026-11-23T10:00")
    with runtime.database.begin() as tx:
        put(tx, clock.now(), Letter("+22370000001", "x", "k", "reminder", "once", clock.now(), clock.now() + 48 * HOUR))
    ready = {}
    for moment in ("23T18:30", "23T19:00", "23T23:00", "24T08:05", "24T08:15"):
        clock.set(f"2026-11-{moment}")
        ready[moment] = requests.get(f"{product}/readyz", timeout=5).status_code
    assert ready == {"23T18:30": 503, "23T19:00": 200, "23T23:00": 200, "24T08:05": 200, "24T08:15": 503}


def test_not_ready_while_nothing_may_be_sent(product: str, runtime: Runtime, clock: TestClock) -> None:
    """After a restore that nobody released, say: whoever watches reads why, and what to do."""
    worker_beats(runtime)
    with runtime.database.begin() as tx:
        dispatch_gate.close(tx, "restored", "the backup of yesterday", clock.now())
    answer = requests.get(f"{product}/readyz", timeout=5)
    assert answer.status_code == 503
    assert answer.json()["dispatch"]["closed"] == ["restored"]
    assert "the backup of yesterday" in answer.json()["dispatch"]["remedy"]
    page = requests.get(f"{product}/metrics", timeout=5).text
    assert 'laseli_dispatch_closed{reason="restored"} 1.0' in page
    with runtime.database.begin() as tx:
        dispatch_gate.reopen(tx, "restored")
    assert requests.get(f"{product}/readyz", timeout=5).status_code == 200
    assert 'reason="restored"' not in requests.get(f"{product}/metrics", timeout=5).text


def test_the_age_of_the_last_backup(product: str, runtime: Runtime, clock: TestClock) -> None:
    assert "last_backup" not in requests.get(f"{product}/metrics", timeout=5).text
    with runtime.database.begin() as tx:
        system_tables.mark(tx, LAST_BACKUP, json.dumps({"at": clock.now() - HOUR, "octets": 1}))
    assert "laseli_last_backup_age_seconds 3600.0" in requests.get(f"{product}/metrics", timeout=5).text


def test_not_ready_without_migrations(tmp_path: object) -> None:
    runtime = build_runtime(a_config(f"sqlite:///{tmp_path}/empty.db"), at=SystemClock())
    answer = create_app(runtime).test_client().get("/readyz")
    assert answer.status_code == 503
    assert "laseli db upgrade" in answer.text


def test_figures_come_from_the_database_and_name_nobody(product: str, runtime: Runtime, clock: TestClock) -> None:
    with runtime.database.begin() as tx:
        put(tx, 1, Letter("+22370000001", "Zanzibar", "k", "reminder", "once", 1, clock.now() + HOUR))
    page = requests.get(f"{product}/metrics", timeout=5)
    assert page.headers["Content-Type"].startswith("text/plain")
    assert 'laseli_messages{state="queued"} 1.0' in page.text
    assert "laseli_children_followed 0.0" in page.text
    assert "Zanzibar" not in page.text
    assert "7000000" not in page.text


def test_figures_are_for_this_machine_or_for_the_token(runtime: Runtime, settings: Config) -> None:
    client = create_app(runtime).test_client()
    assert client.get("/metrics").status_code == 200
    assert client.get("/metrics", headers={"X-Forwarded-For": "127.0.0.1"}).status_code == 404, "a proxy stands between"
    assert client.get("/metrics", environ_base={"REMOTE_ADDR": "10.0.0.9"}).status_code == 404

    with_token = settings.model_copy(update={"metrics_token": "a-long-token"})
    rebuilt = build_runtime(Config.model_validate(with_token.model_dump() | {"metrics_token": "a-long-token"}))
    client = create_app(rebuilt).test_client()
    far = {"REMOTE_ADDR": "10.0.0.9"}
    assert client.get("/metrics", environ_base=far, headers={"Authorization": "Bearer a-long-token"}).status_code == 200
    assert client.get("/metrics", environ_base=far, headers={"Authorization": "Bearer wrong"}).status_code == 404
    assert client.get("/metrics", environ_base=far, headers={"Authorization": "Bearer "}).status_code == 404
    rebuilt.database.close()


def test_the_demos_buttons_do_not_exist_elsewhere(product: str) -> None:
    assert requests.post(f"{product}/demo/anything/clock", data={"days": "7"}, timeout=5).status_code == 404
