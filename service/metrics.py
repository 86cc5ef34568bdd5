"""Figures about the installation, read from the database at the moment somebody asks.

Only who is asked for them loads this: Prometheus's library is a megabyte.
"""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from service import jobs, route_metrics
from service.readiness import WORKER_LEASE, last_backup, oldest_due
from service.runtime import Runtime
from service.store import care_tables, message_tables, people_tables, system_tables, task_tables
from service.stories.delivery import dispatch_gate

CONTENT_TYPE = CONTENT_TYPE_LATEST


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
            due = oldest_due(runtime, tx)
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


def _gauge(name: str, about: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, about, value=value)


def page(runtime: Runtime) -> bytes:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Figures(runtime))
    return generate_latest(registry)
