"""Figures about the installation, read from the database at the moment somebody asks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError, TimeoutError

from service import jobs, route_metrics
from service.runtime import Runtime
from service.store import care_tables, message_tables, people_tables, schema, system_tables, task_tables
from service.stories import dispatch_gate, releases

CONTENT_TYPE = CONTENT_TYPE_LATEST
WORKER_LEASE = "worker"
LAST_BACKUP = "last_backup"
"""The mark of the last backup: when it was made, and how large it was."""
LATE_AFTER_MS = 15 * 60_000
"""A message that should have left a quarter of an hour ago is a thing to look at."""


def readiness(runtime: Runtime) -> dict[str, dict[str, Any]]:
    """Each check with its finding; all must be ok for the service to be called ready."""
    try:
        if schema.pending(runtime.database):
            return {"migrations": {"ok": False, "remedy": "run `laseli db upgrade`"}}
        with runtime.database.read() as tx:
            found = {"database": {"ok": True}, "migrations": {"ok": True}} | _conversations(runtime, tx)
            return found | _work(runtime, tx)
    except (DBAPIError, TimeoutError) as error:
        return {"database": {"ok": False, "error": type(error).__name__, "remedy": "look at LASELI_DATABASE_URL"}}


def _conversations(runtime: Runtime, tx: Connection) -> dict[str, dict[str, Any]]:
    """Callers are served as long as one release can be read; what could not be is told, with what goes on instead."""
    try:
        heard = releases.heard(runtime, tx)
    except LookupError as reason:
        return {"conversations": {"ok": False, "remedy": str(reason)}}
    told: dict[str, Any] = {"ok": True, "release": heard.number}
    problem = heard.problem or runtime.mistake
    if problem:
        told["problem"] = problem
        told["remedy"] = "callers hear the last good version; mend the file, then `laseli flow check`"
    return {"conversations": told}


def _work(runtime: Runtime, tx: Connection) -> dict[str, dict[str, Any]]:
    left = system_tables.lease_age(tx, WORKER_LEASE)
    due = _oldest_due(runtime, tx)
    waited = runtime.now() - due if due is not None else 0
    worker: dict[str, Any] = {"ok": left is not None and left > 0, "lease_ms_left": left}
    if not worker["ok"]:
        worker["remedy"] = "start `laseli worker`"
    outbox: dict[str, Any] = {"ok": waited < LATE_AFTER_MS, "oldest_due_waits_ms": waited}
    return {"worker": worker, "outbox": outbox, "dispatch": _gate(tx)}


def _oldest_due(runtime: Runtime, tx: Connection) -> int | None:
    """What waits for its hours is not late, nor is it in their first quarter of an hour."""
    now = runtime.now()
    return message_tables.oldest_due(tx, now, runtime.open_for(now, LATE_AFTER_MS))


def _gate(tx: Connection) -> dict[str, Any]:
    closed = dispatch_gate.closed(tx)
    if not closed:
        return {"ok": True}
    return {"ok": False, "closed": [one.reason for one in closed], "remedy": closed[0].detail}


class Figures(Collector):
    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def collect(self) -> Iterator[GaugeMetricFamily | CounterMetricFamily]:
        runtime = self._runtime
        with runtime.database.read() as tx:
            states = GaugeMetricFamily("laseli_messages", "Messages by state", labels=["state"])
            for state, number in message_tables.count_by_state(tx).items():
                states.add_metric([state], number)
            yield states
            events = CounterMetricFamily("laseli_events", "Things worth counting", labels=["event"])
            for name, number in system_tables.counters(tx).items():
                events.add_metric([name], number)
            yield events
            waiting = GaugeMetricFamily("laseli_jobs", "Coarse jobs that wait, run or were given up", labels=["state"])
            for state, number in jobs.count_jobs(tx).items():
                waiting.add_metric([state], number)
            yield waiting
            yield _gauge("laseli_children_followed", "Children followed", people_tables.count_followed(tx))
            yield _gauge("laseli_appointments_open", "Coming contacts", care_tables.count_open(tx))
            yield _gauge("laseli_tasks_open", "Lines on the mediators' list", task_tables.count_open_tasks(tx))
            due = _oldest_due(runtime, tx)
            waits = max(0, runtime.now() - due) / 1000 if due is not None else 0
            yield _gauge("laseli_oldest_due_seconds", "How long the oldest due message waits", waits)
            closed = GaugeMetricFamily(
                "laseli_dispatch_closed", "Why nothing is sent: 1 for each reason", labels=["reason"]
            )
            for one in dispatch_gate.closed(tx):
                closed.add_metric([one.reason], 1)
            yield closed
            backup = last_backup(tx)
            if backup is not None:
                age = max(0, runtime.now() - backup) / 1000
                yield _gauge("laseli_last_backup_age_seconds", "How old the last backup is", age)
            left = system_tables.lease_age(tx, WORKER_LEASE)
            yield _gauge("laseli_worker_lease_seconds", "What is left of the worker's lease", (left or 0) / 1000)
            yield from route_metrics.families(tx, runtime, runtime.now())


def last_backup(tx: Connection) -> int | None:
    """When the last backup was made; None when none ever was."""
    kept = system_tables.read_mark(tx, LAST_BACKUP)
    return int(json.loads(kept)["at"]) if kept else None


def _gauge(name: str, about: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, about, value=value)


def page(runtime: Runtime) -> bytes:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Figures(runtime))
    return generate_latest(registry)
