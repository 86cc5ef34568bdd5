"""What the processes of an installation hold in memory: when they have started, and when they have worked.

A web process is given calls of the enrolment, a worker sends a campaign to a carrier of this machine. "held": resident,
as `ps` tells it. "takes": what it shares with others counted in parts (PSS): these may be added up, and the sum is what
the machine has less. The database's own processes are not counted.

    python3 dev bench footprint
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench.databases import Postgres
from bench.dispatch import carrier, fill
from bench.load import drive
from bench.servers import HERE, memory_mb, running, share_of_memory_mb
from bench.ussd import CONNECTIONS, enrolments, environment
from service.config import Config
from service.readiness import WORKER_LEASE
from service.runtime import Runtime, build_runtime
from service.store import message_tables, system_tables
from service.stories.keeping import setup

WEB_GOAL, WORKER_GOAL, WHOLE_GOAL = 90, 80, 150
WEB_PORT, CARRIER_PORT = 18410, 18411
PATIENCE_S = 900.0


@contextmanager
def working(settings: dict[str, str], runtime: Runtime) -> Iterator[int]:
    """A worker that leads, as it is run; gives its pid."""
    process = subprocess.Popen([sys.executable, "-m", "scheduler", "worker"], cwd=HERE, env=settings)
    try:
        _until(lambda: _leads(runtime))
        time.sleep(3)  # everything of the timetable has run once
        yield process.pid
    finally:
        process.terminate()
        process.wait(60)


def _leads(runtime: Runtime) -> bool:
    with runtime.database.read() as tx:
        return system_tables.lease_age(tx, WORKER_LEASE) is not None


def _waiting(runtime: Runtime) -> int:
    with runtime.database.read() as tx:
        states = message_tables.count_by_state(tx)
    return states.get("queued", 0) + states.get("sending", 0)


def _until(come: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not come():
        if time.monotonic() > deadline:
            raise SystemExit("it did not come to an end")
        time.sleep(0.2)


def _sizes() -> tuple[int, int]:
    """How many steps, how many messages."""
    return (1_000, 5_000) if os.environ.get("BENCH_QUICK") else (10_000, 100_000)


def _call(port: int, enough: int) -> None:
    """Steps of the enrolment, until there were enough."""
    steps = 0
    while steps < enough:
        steps += drive(port, CONNECTIONS, 1.0, enrolments).requests


def measure(name: str, settings: dict[str, str]) -> None:
    steps, messages = _sizes()
    runtime = build_runtime(Config.from_env(settings))
    setup.prepare(runtime)
    with running("granian", "wsgi:app", WEB_PORT, settings) as web, working(settings, runtime) as worker:
        _print(f"{name}, idle", web.pid, worker)
        _call(WEB_PORT, steps)
        fill(runtime, messages, equal=True)
        _until(lambda: _waiting(runtime) == 0)
        _print(f"{name}, worked", web.pid, worker)
    runtime.database.close()


def _print(name: str, web: int, worker: int) -> None:
    held = [memory_mb(pid) for pid in (web, worker)]
    takes = [share_of_memory_mb(pid) for pid in (web, worker)]
    print(
        f"{name:20} web holds {held[0]:4.0f} MB, takes {takes[0]:4.0f} (goal {WEB_GOAL})   "
        f"worker holds {held[1]:4.0f}, takes {takes[1]:4.0f} (goal {WORKER_GOAL})   "
        f"both take {sum(takes):4.0f} (goal {WHOLE_GOAL})",
        flush=True,
    )


def main() -> None:
    steps, messages = _sizes()
    print(f"Memory of one web process and one worker; worked: {steps:,} steps of USSD, {messages:,} messages sent")
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        stack.enter_context(carrier(CARRIER_PORT))
        postgres = stack.enter_context(Postgres(Path(folder)))
        for name, url in (("sqlite", f"sqlite:///{folder}/footprint.db"), ("postgresql", postgres.fresh("footprint"))):
            measure(
                name,
                environment(url, "FULL")
                | {
                    "LASELI_AFRICASTALKING__BASE_URL": f"http://127.0.0.1:{CARRIER_PORT}",
                    "LASELI_AFRICASTALKING__SENDER": "LASELI",
                },
            )
