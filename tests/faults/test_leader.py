"""One leader for the clock, whatever happens to it; and the planning that it does is exact with three at once."""

from __future__ import annotations

import random
import re
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
import requests
from sqlalchemy import func, select

from service.clock import SystemClock
from service.config import Config
from service.readiness import WORKER_LEASE
from service.runtime import Runtime, build_runtime
from service.store import system_tables
from service.store.care_tables import appointment
from service.store.message_tables import message
from service.store.recall_tables import message_appointment
from tests.conftest import HOOK_SECRET, a_config, fresh_postgresql
from tests.faults.figures import Figures
from tests.faults.sizes import size
from tests.loopback import LoopbackCarrier, closed_port
from tests.machines import Machines, Process, answers, environment, wait_until
from tests.many_families import due_children

pytestmark = pytest.mark.slow
CHILDREN = size(1_500, 10_000)
STOPS = size(2, 6)
LEASE_S = 3.0


@pytest.fixture
def settings(database_url: str, carrier: LoopbackCarrier) -> Config:
    return a_config(
        database_url,
        routes=("africastalking",),
        drafts_allowed_by="the tests",
        africastalking={
            "username": "laseli",
            "api_key": "key",
            "base_url": carrier.base_url,
            "sender": "99000",
            "hook_secrets": (HOOK_SECRET,),
        },
    )


@pytest.fixture
def runtime(settings: Config) -> Iterator[Runtime]:
    built = build_runtime(settings, at=SystemClock())
    yield built
    built.database.close()


@pytest.fixture
def machines(tmp_path: Path) -> Iterator[Machines]:
    with Machines(tmp_path) as found:
        yield found


def check_one_row_per_occasion(runtime: Runtime, children: int, homes: int) -> None:
    with runtime.database.read() as tx:
        keys = list(tx.execute(select(message.c.key)).scalars())
        told = Counter(tx.execute(select(message_appointment.c.appointment_id)).scalars())
        left = tx.execute(select(func.count()).where(appointment.c.next_step == "J+7")).scalar_one()
    assert left == 0
    assert len(keys) == len(set(keys)) == homes
    assert len(told) == children
    assert set(told.values()) == {1}


def test_three_planners_at_once_write_one_row_per_occasion(
    runtime: Runtime, settings: Config, machines: Machines, tmp_path: Path, figures: Figures
) -> None:
    """F8: three processes, begun at the same moment."""
    homes = due_children(runtime, CHILDREN)
    start = tmp_path / "start"
    planners = [machines.start(["-m", "tests.planner", str(start)], environment(settings)) for _ in range(3)]
    wait_until(lambda: all("ready" in one.said() for one in planners), 60, "the planners are up")
    start.touch()
    took = wait_until(lambda: all(not one.alive for one in planners), 300, "the planners are done")
    shares = [int(re.findall(r"queued (\d+)", one.said())[0]) for one in planners]
    figures.note(
        "F8",
        f"three planners at once on {CHILDREN} due children",
        "SQLite" if runtime.database.is_sqlite else "PostgreSQL",
        "exactly one row per occasion",
        {"households": homes, "messages": sum(shares), "seconds": took},
    )
    assert sum(shares) == homes
    check_one_row_per_occasion(runtime, CHILDREN, homes)


# --- the leader sleeps --------------------------------------------------------------------------------------


def test_a_leader_that_sleeps_past_its_lease_leads_no_more(
    postgres: str, machines: Machines, tmp_path: Path, figures: Figures, dice: random.Random
) -> None:
    """SIGSTOP while it plans, SIGCONT when another leads: whatever it does then has no effect twice."""
    settings = a_config(fresh_postgresql(postgres), drafts_allowed_by="the tests")
    runtime = build_runtime(settings, at=SystemClock())
    diary = tmp_path / "diary"
    diary.touch()
    workers = [machines.odd_worker(settings, ODD_LEASE_S=LEASE_S, ODD_DIARY=diary) for _ in range(3)]
    by_pid = {one.pid: one for one in workers}
    wait_until(lambda: all('"worker_started"' in one.said() for one in workers), 60, "three workers are up")
    children, homes, stray, longest = 0, 0, 0, 0.0
    for _ in range(STOPS):
        leader = by_pid[wait_for_leader(diary)]
        homes += due_children(runtime, 300)
        children += 300
        time.sleep(dice.uniform(0, 1.2))
        leader.sleep()
        slept_at = last_line_of(diary, leader)
        took = wait_until(partial(another_leads, diary, slept_at, leader.pid), 20, "another leads")
        longest = max(longest, took)
        assert took < LEASE_S + LEASE_S / 4 + 2
        lines = len(diary.read_text().splitlines())
        leader.wake()
        wait_until(lambda lines=lines: len(diary.read_text().splitlines()) > lines + 10, 20, "it goes on")
        since = diary.read_text().splitlines()[lines + 1 :]  # a tick that had begun before it slept may still end
        stray += sum(int(line.split()[1]) == leader.pid for line in since)
    wait_until(lambda: planned(runtime) >= children, 120, "all is planned")
    figures.note(
        "F7",
        f"{STOPS} leaders of the clock asleep for longer than their lease, while they plan",
        "PostgreSQL",
        "the sleeper leads no more; another within the lease and a beat; one row per occasion",
        {"lease": LEASE_S, "longest without a leader": longest, "led by a sleeper": stray},
    )
    assert stray == 0
    check_one_row_per_occasion(runtime, children, homes)
    runtime.database.close()


def planned(runtime: Runtime) -> int:
    with runtime.database.read() as tx:
        return int(tx.execute(select(func.count()).select_from(message_appointment)).scalar_one())


def wait_for_leader(diary: Path) -> int:
    found: list[int] = []

    def known() -> bool:
        found[:] = [int(line.split()[1]) for line in diary.read_text().splitlines()[-1:]]
        return bool(found)

    wait_until(known, 30, "somebody leads")
    return found[0]


def last_line_of(diary: Path, leader: Process) -> float:
    return max(float(line.split()[0]) for line in diary.read_text().splitlines() if int(line.split()[1]) == leader.pid)


def another_leads(diary: Path, since: float, but: int) -> bool:
    rows = [line.split() for line in diary.read_text().splitlines()]
    return any(float(row[0]) > since and int(row[1]) != but for row in rows)


# --- web processes have no clock ----------------------------------------------------------------------------


@pytest.mark.parametrize("how", [[], ["--preload"]], ids=["gunicorn", "preload"])
def test_four_web_workers_start_no_clock(
    runtime: Runtime, settings: Config, machines: Machines, carrier: LoopbackCarrier, how: list[str]
) -> None:
    due_children(runtime, 3)
    port = closed_port()
    command = ["-m", "gunicorn", "-w", "4", *how, "--threads", "2", "-b", f"127.0.0.1:{port}", "wsgi:app"]
    machines.start(command, environment(settings))
    wait_until(lambda: answers(f"http://127.0.0.1:{port}/healthz"), 60, "gunicorn answers")
    with ThreadPoolExecutor(16) as clients:
        asked = clients.map(lambda _: requests.get(f"http://127.0.0.1:{port}/readyz", timeout=10), range(80))
        states = [answer.json() for answer in asked]
    assert all(state["database"]["ok"] and not state["worker"]["ok"] for state in states), "a connection was shared"
    with runtime.database.read() as tx:
        assert system_tables.lease_age(tx, WORKER_LEASE) is None
    assert planned(runtime) == 0
    assert carrier.accepted == []
