"""Coarse jobs, whatever carries them: added with the fact that causes them, done at least once, never lost silently."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from importlib import resources
from io import StringIO
from pathlib import Path
from typing import Any, Literal, get_type_hints

import pytest
import requests
from click.testing import CliRunner, Result
from sqlalchemy import text, update

from service import jobs
from service.cli import main
from service.config import Config
from service.runtime import Runtime, build_runtime
from service.store import job_tables, procrastinate_tables, restored_tables, system_tables
from service.store.job_tables import Listed, job
from service.store.procrastinate_tables import queued
from service.stories import retention
from service.stories.outbox import Letter, put_many
from tests.loopback import LoopbackCarrier
from tests.people import TestClock

HOUR = 3_600_000
CANARY = "Zanzibar"


class Diary:
    """A job that writes down that it was done, and fails when told to."""

    def __init__(self) -> None:
        self.done: list[int] = []
        self.fails = 0
        self.meanwhile: Callable[[], None] = lambda: None

    def write(self, runtime: Runtime, page: int) -> None:
        self.meanwhile()
        if self.fails:
            self.fails -= 1
            raise RuntimeError(f"{CANARY} +22370000001 page {page}")
        self.done.append(page)


class Stop(Exception):
    """Ends a transaction."""


@pytest.fixture
def diary(monkeypatch: pytest.MonkeyPatch) -> Diary:
    found = Diary()
    monkeypatch.setitem(jobs.JOBS, "write", found.write)
    return found


@pytest.fixture
def another(settings: Config, clock: TestClock) -> Iterator[Runtime]:
    built = build_runtime(settings, at=clock)
    yield built
    built.database.close()


def add(runtime: Runtime, page: int, **how: Any) -> None:
    with runtime.database.begin() as tx:
        jobs.later(tx, "write", page=page, **how)


def listed(runtime: Runtime) -> list[Listed]:
    with runtime.database.read() as tx:
        return jobs.listed(tx)


def counted(runtime: Runtime) -> dict[str, int]:
    with runtime.database.read() as tx:
        return {name: value for name, value in system_tables.counters(tx).items() if name.startswith("jobs_")}


def an_hour_later(runtime: Runtime, clock: TestClock) -> None:
    """Whatever waits for its time waits no more; Procrastinate knows the server's clock only."""
    clock.advance(hours=1)
    if not runtime.database.is_sqlite:
        with runtime.database.begin() as tx:
            tx.execute(text("UPDATE procrastinate_jobs SET scheduled_at = scheduled_at - interval '1 hour'"))


# --- added with the fact ------------------------------------------------------------------------------------


def test_a_job_is_done_when_its_transaction_commits(runtime: Runtime, diary: Diary) -> None:
    with runtime.database.begin() as tx:
        jobs.later(tx, "write", page=1)
        system_tables.mark(tx, "fact", "yes")
    assert [(one.name, one.state, one.args) for one in listed(runtime)] == [("write", "waiting", {"page": 1})]
    jobs.carry_out_due(runtime)
    assert diary.done == [1]
    assert listed(runtime) == [], "one that is done is not kept"
    assert counted(runtime) == {"jobs_done": 1}


def test_a_job_goes_with_the_transaction_that_is_rolled_back(runtime: Runtime, diary: Diary) -> None:
    with suppress(Stop), runtime.database.begin() as tx:
        jobs.later(tx, "write", lock="a", page=1)
        system_tables.mark(tx, "fact", "yes")
        raise Stop
    assert listed(runtime) == []
    with runtime.database.read() as tx:
        assert system_tables.read_mark(tx, "fact") is None
    add(runtime, 2, lock="a")
    jobs.carry_out_due(runtime)
    assert diary.done == [2]


def test_under_the_same_lock_one_waits(runtime: Runtime, diary: Diary) -> None:
    with runtime.database.begin() as tx:
        jobs.later(tx, "write", lock="register:1", page=1)
        jobs.later(tx, "write", lock="register:1", page=2)
        jobs.later(tx, "write", lock="register:2", page=3)
    add(runtime, 4, lock="register:1")
    add(runtime, 5)
    add(runtime, 5)
    jobs.carry_out_due(runtime)
    assert sorted(diary.done) == [1, 3, 5, 5], "they are carried out side by side"
    add(runtime, 6, lock="register:1")
    jobs.carry_out_due(runtime)
    assert diary.done[-1] == 6, "it waits no longer: the next one is added"


def test_what_comes_while_one_runs_is_done_after_it(runtime: Runtime, diary: Diary, another: Runtime) -> None:
    def once() -> None:
        diary.meanwhile = lambda: None
        add(another, 2, lock="a")

    diary.meanwhile = once
    add(runtime, 1, lock="a")
    jobs.carry_out_due(runtime)
    assert diary.done == [1, 2]


def test_a_job_waits_for_whoever_counts_on_it(runtime: Runtime, diary: Diary, another: Runtime) -> None:
    """It was waiting, so no second one was added: it may not run before what it should see is committed."""
    if runtime.database.is_sqlite:
        pytest.skip("SQLite has one writer at a time")
    add(runtime, 1, lock="a")
    with another.database.begin() as tx:
        jobs.later(tx, "write", lock="a", page=1)
        jobs.carry_out_due(runtime)
        assert diary.done == []
    jobs.carry_out_due(runtime)
    assert diary.done == [1]


def test_nobody_waits_for_another_who_adds_the_same(runtime: Runtime, diary: Diary, another: Runtime) -> None:
    if runtime.database.is_sqlite:
        pytest.skip("SQLite has one writer at a time")
    with runtime.database.begin() as tx:
        jobs.later(tx, "write", lock="a", page=1)
        with ThreadPoolExecutor(1) as threads:
            threads.submit(add, another, 2, lock="a").result(5)
    jobs.carry_out_due(runtime)
    assert sorted(diary.done) == [1, 2], "neither had seen the other; one run too many is harmless"


def test_many_at_once_add_few_and_lose_none(runtime: Runtime, diary: Diary, settings: Config, clock: TestClock) -> None:
    others = [build_runtime(settings, at=clock) for _ in range(4)]
    ready = threading.Barrier(len(others))

    def go(one: Runtime) -> None:
        ready.wait(10)
        for page in range(10):
            add(one, page, lock="a")

    with ThreadPoolExecutor(len(others)) as threads:
        list(threads.map(go, others))
    assert 1 <= len(listed(runtime)) <= len(others)
    jobs.carry_out_due(runtime)
    assert listed(runtime) == []
    for one in others:
        one.database.close()


def test_a_job_is_not_done_before_its_time(runtime: Runtime, diary: Diary, clock: TestClock) -> None:
    soon = clock.now() + HOUR if runtime.database.is_sqlite else 32_503_680_000_000  # Procrastinate has its own clock
    add(runtime, 1, run_at=soon)
    jobs.carry_out_due(runtime)
    assert diary.done == []
    assert listed(runtime)[0].at == soon
    if runtime.database.is_sqlite:
        clock.advance(hours=1)
        jobs.carry_out_due(runtime)
        assert diary.done == [1]


# --- what may stand in one ----------------------------------------------------------------------------------


@pytest.mark.parametrize("value", ["Awa", "awa", "+22370000001", "22370000001", "Bonjour !", 1.5, ["a"], {"a": 1}])
def test_what_names_a_person_is_refused(runtime: Runtime, monkeypatch: pytest.MonkeyPatch, value: object) -> None:
    def export(runtime: Runtime, kind: Literal["csv", "xlsx"]) -> None: ...

    monkeypatch.setitem(jobs.JOBS, "export", export)
    with runtime.database.begin() as tx:
        with pytest.raises(ValueError, match="'kind'") as refused:
            jobs.later(tx, "export", kind=value)
        assert str(value) not in str(refused.value)
        with pytest.raises(ValueError, match="lock"):
            jobs.later(tx, "export", lock="+22370000001", kind="csv")
        for small in ("csv", "2026-11-20", 12345678901234567, True, None):
            jobs.later(tx, "export", kind=small)


def test_an_unknown_name_and_a_wrong_argument_are_told_at_once(runtime: Runtime, diary: Diary) -> None:
    with runtime.database.begin() as tx:
        with pytest.raises(LookupError, match="no job 'drian'"):
            jobs.later(tx, "drian")
        with pytest.raises(TypeError, match="takes page"):
            jobs.later(tx, "write", child_id=1)


def test_every_job_takes_ids_only() -> None:
    """Whoever adds a job with a name, a number or words in it must look these up instead."""
    for name, run in jobs.JOBS.items():
        kinds = get_type_hints(run)
        taken = [argument for argument in kinds if argument not in ("runtime", "return")]
        for argument in taken:
            named = argument.endswith("_id") or argument in ("page", "revision", "day")
            listed_words = getattr(kinds[argument], "__origin__", None) is Literal
            assert named or listed_words or kinds[argument] is bool, f"{name}: {argument}"


# --- failing ------------------------------------------------------------------------------------------------


def test_a_job_that_fails_is_tried_again_later_and_later(runtime: Runtime, diary: Diary, clock: TestClock) -> None:
    diary.fails = 2
    add(runtime, 1, lock="a")
    jobs.carry_out_due(runtime)
    jobs.carry_out_due(runtime)
    assert diary.fails == 1, "not at once"
    assert [(one.state, one.tries) for one in listed(runtime)] == [("waiting", 1)]
    add(runtime, 2, lock="a")
    an_hour_later(runtime, clock)
    jobs.carry_out_due(runtime)
    an_hour_later(runtime, clock)
    jobs.carry_out_due(runtime)
    assert sorted(diary.done) == [1, 2]
    assert listed(runtime) == []


def test_a_job_that_always_fails_ends_where_a_person_finds_it(
    runtime: Runtime, diary: Diary, clock: TestClock, settings: Config, product: str
) -> None:
    diary.fails = 99
    add(runtime, 7, lock="a")
    for _ in range(jobs.MOST_TRIES + 2):
        jobs.carry_out_due(runtime)
        an_hour_later(runtime, clock)
    assert diary.fails == 99 - jobs.MOST_TRIES
    (given_up,) = listed(runtime)
    assert (given_up.state, given_up.tries, given_up.error) == ("failed", jobs.MOST_TRIES, "RuntimeError")
    assert counted(runtime) == {"jobs_given_up": 1}
    figures = requests.get(f"{product}/metrics", timeout=5).text
    assert 'laseli_jobs{state="failed"} 1.0' in figures
    assert 'laseli_events_total{event="jobs_given_up"} 1.0' in figures

    shown = command(settings, "jobs", "list")
    assert f"{given_up.id}  failed  write" in shown.output
    assert "RuntimeError  page=7\n1 job" in shown.output
    assert json.loads(command(settings, "jobs", "list", "--json").output)[0]["args"] == {"page": 7}
    assert command(settings, "jobs", "list", "--state", "waiting").output == "0 jobs\n"

    diary.fails = 0
    assert command(settings, "jobs", "retry", str(given_up.id)).exit_code == 0
    jobs.carry_out_due(runtime)
    assert diary.done == [7]
    assert listed(runtime) == []
    again = command(settings, "jobs", "retry", str(given_up.id))
    assert again.exit_code == 1
    assert "laseli jobs list --state failed" in again.output


def test_a_job_that_was_given_up_is_dropped_by_hand_or_after_ninety_days(
    runtime: Runtime, diary: Diary, clock: TestClock, settings: Config
) -> None:
    with runtime.database.begin() as tx:
        for page in (1, 2):
            job_tables.bury(tx, "write", {"page": page}, None, 5, clock.now() + page, "RuntimeError")
    first, second = listed(runtime)
    assert command(settings, "jobs", "drop", str(first.id)).output == "Taken off the list.\n"
    assert command(settings, "jobs", "drop", str(first.id)).exit_code == 1
    clock.advance(days=89)
    assert retention.purge(runtime, ["given_up_jobs"]) == {"given_up_jobs": 0}
    clock.advance(days=2)
    assert retention.purge(runtime, ["given_up_jobs"]) == {"given_up_jobs": 1}
    assert second not in listed(runtime)


def test_a_job_that_a_restore_cancelled_is_listed_and_taken_up_again(
    runtime: Runtime, diary: Diary, clock: TestClock
) -> None:
    add(runtime, 1, lock="a")
    with runtime.database.begin() as tx:
        assert restored_tables.cancel_jobs(tx, clock.now() + 10**12) == 1
    jobs.carry_out_due(runtime)
    (cancelled,) = listed(runtime)
    assert (cancelled.state, cancelled.error) in (("failed", "restored"), ("failed", "cancelled"))
    with runtime.database.begin() as tx:
        assert jobs.count_jobs(tx) == {"waiting": 0, "running": 0, "failed": 1}
        assert jobs.retry(tx, cancelled.id)
        assert not jobs.retry(tx, cancelled.id)
    jobs.carry_out_due(runtime)
    assert diary.done == [1]


def command(settings: Config, *words: str) -> Result:
    environment = {
        "LASELI_DATABASE_URL": settings.database_url,
        "LASELI_KEYS__IDENTITY": settings.keys.identity.get_secret_value(),
        "LASELI_KEYS__INDEX": settings.keys.index.get_secret_value(),
    }
    return CliRunner().invoke(main, list(words), env=environment)


def test_no_log_line_holds_an_argument_or_what_an_error_says(
    runtime: Runtime, diary: Diary, clock: TestClock, log_lines: StringIO
) -> None:
    diary.fails = jobs.MOST_TRIES
    add(runtime, 987_654, lock="a")
    for _ in range(jobs.MOST_TRIES + 1):
        jobs.carry_out_due(runtime)
        an_hour_later(runtime, clock)
    add(runtime, 987_654)
    jobs.carry_out_due(runtime)
    lines = log_lines.getvalue()
    assert diary.done == [987_654]
    assert lines.count('"job_failed"') == jobs.MOST_TRIES
    assert lines.count('"job_given_up"') == 1
    assert "test_jobs.py:" in lines
    for word in (CANARY, "987654", "70000001", "write("):
        assert word not in lines


# --- workers that die or know less --------------------------------------------------------------------------


def test_a_job_of_a_dead_worker_is_given_back(runtime: Runtime, diary: Diary) -> None:
    add(runtime, 1, lock="a")
    _die_with_it(runtime)
    carrier = jobs.carrier(runtime)
    carrier.keep()
    assert [(one.state, one.tries) for one in listed(runtime)] == [("waiting", 1)]
    add(runtime, 2, lock="a")  # its word is free
    jobs.carry_out_due(runtime)
    assert sorted(diary.done) == [1, 2]
    assert counted(runtime)["jobs_given_back"] == 1


def test_a_job_that_kills_its_workers_is_given_up(runtime: Runtime, diary: Diary) -> None:
    add(runtime, 1)
    carrier = jobs.carrier(runtime)
    for again in range(jobs.MOST_TRIES):
        _die_with_it(runtime, since=90 * 86_400_000 if again % 2 else -60_000)
        carrier.keep()
    (given_up,) = listed(runtime)
    assert (given_up.state, given_up.tries, given_up.error) == ("failed", jobs.MOST_TRIES, "its worker died")


def _die_with_it(runtime: Runtime, since: int = -60_000) -> None:
    """As a worker that took the job and was killed a minute ago, or (on SQLite) by a clock that was set right since."""
    with runtime.database.begin() as tx:
        if runtime.database.is_sqlite:
            assert job_tables.take_job(tx, runtime.now(), list(jobs.JOBS))
            tx.execute(update(job).values(lease_until=job.c.lease_until + since))
        else:
            tx.execute(text("SELECT procrastinate_fetch_job_v2(NULL, (procrastinate_register_worker_v1()))"))
            tx.execute(text("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 minute'"))


def test_a_worker_that_lives_keeps_its_job(runtime: Runtime, diary: Diary) -> None:
    carrier = jobs.carrier(runtime)
    if runtime.database.is_sqlite:

        def nearly_over() -> None:
            with runtime.database.begin() as tx:
                tx.execute(update(job).values(lease_until=job.c.lease_until - 60_000))
            carrier.keep()

        diary.meanwhile = nearly_over
        add(runtime, 1)
        carrier.turn()
    else:
        diary.meanwhile = carrier.keep
        add(runtime, 1)
        jobs.carry_out_due(runtime)
    assert diary.done == [1]
    assert listed(runtime) == []
    assert counted(runtime) == {"jobs_done": 1}


def test_a_worker_that_slept_cannot_finish_what_another_has_taken(runtime: Runtime, diary: Diary) -> None:
    """On PostgreSQL Procrastinate has no fence: there the sleeper, who did the job, ends it for both."""
    if not runtime.database.is_sqlite:
        pytest.skip("about our own table")
    add(runtime, 1)
    with runtime.database.begin() as tx:
        slept = job_tables.take_job(tx, runtime.now(), list(jobs.JOBS))
        assert slept
        tx.execute(update(job).values(lease_until=job.c.lease_until - 60_000))
    jobs.carrier(runtime).keep()
    with runtime.database.begin() as tx:
        tx.execute(update(job).values(run_at=None))
        taken = job_tables.take_job(tx, runtime.now(), list(jobs.JOBS))
        assert taken
        assert not job_tables.finish_job(tx, slept.id, slept.fence)
        assert not job_tables.give_up(tx, slept.id, slept.fence, 1, "x")
        assert job_tables.finish_job(tx, taken.id, taken.fence)


def test_an_older_worker_leaves_a_job_that_it_does_not_know(
    runtime: Runtime, diary: Diary, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(runtime, 1)
    with monkeypatch.context() as older:
        older.delitem(jobs.JOBS, "write")
        jobs.carry_out_due(runtime)
    assert [one.state for one in listed(runtime)] == ["waiting"]
    jobs.carry_out_due(runtime)
    assert diary.done == [1]


# --- who adds one -------------------------------------------------------------------------------------------


def test_a_hundred_due_messages_wake_a_worker(runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier) -> None:
    queue(runtime, clock, 99)
    queue(runtime, clock, 200, after=HOUR)
    assert listed(runtime) == [], "few, or not yet"
    queue(runtime, clock, 100)
    queue(runtime, clock, 100, prefix="again")
    assert [one.name for one in listed(runtime)] == ["drain"]
    jobs.carry_out_due(runtime)
    assert len(carrier.accepted) == 299
    queue(runtime, clock, 100)
    assert listed(runtime) == [], "nothing new was queued"


def queue(runtime: Runtime, clock: TestClock, how_many: int, *, after: int = 0, prefix: str = "m") -> None:
    due = clock.now() + after
    with runtime.database.begin() as tx:
        letters = [
            Letter(
                to=f"+2237000{number:04d}",
                text=f"{prefix} {number}",
                key=f"{prefix}-{how_many}-{number}",
                purpose="notice",
                klass="once",
                not_before=due,
                useful_until=due + HOUR,
                hours="any",
            )
            for number in range(how_many)
        ]
        put_many(tx, clock.now(), letters)


def test_sqlite_never_loads_procrastinate_and_a_web_process_never_does(
    runtime: Runtime, settings: Config, tmp_path: Path
) -> None:
    about = """
import sys
from service import jobs
from service.app import create_app
from service.config import Config
from service.runtime import build_runtime
from service.store import system_tables
import scheduler.worker
runtime = build_runtime(Config.from_env())
create_app(runtime)
with runtime.database.begin() as tx:
    jobs.later(tx, "drain", lock="drain")
    print(len(jobs.listed(tx)))
if runtime.database.is_sqlite:
    scheduler.worker.Worker(runtime).jobs.turn()
print([name for name in sys.modules if name.partition(".")[0] in ("procrastinate", "asgiref", "psycopg_pool")])
"""
    environment = {
        "LASELI_DATABASE_URL": settings.database_url,
        "LASELI_KEYS__IDENTITY": settings.keys.identity.get_secret_value(),
        "LASELI_KEYS__INDEX": settings.keys.index.get_secret_value(),
    }
    done = subprocess.run([sys.executable, "-c", about], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["1", "[]"]


def test_procrastinate_s_table_is_cleaned_often(runtime: Runtime) -> None:
    if runtime.database.is_sqlite:
        pytest.skip("about the server")
    with runtime.database.read() as tx:
        options = tx.execute(text("SELECT reloptions FROM pg_class WHERE relname = 'procrastinate_jobs'")).scalar_one()
    assert "autovacuum_vacuum_threshold=200" in options


def test_the_schema_that_was_migrated_is_the_installed_procrastinate_s() -> None:
    """A newer one with other tables needs a migration of ours that runs the files of its `sql/migrations`."""
    schema = resources.files("procrastinate.sql").joinpath("schema.sql").read_bytes()
    assert hashlib.sha256(schema).hexdigest().startswith("c70ec4b400a60ad9")


def test_the_tables_that_we_touch_are_procrastinate_s_own(runtime: Runtime) -> None:
    if runtime.database.is_sqlite:
        pytest.skip("about the server")
    with runtime.database.read() as tx:
        for table in (queued, procrastinate_tables.worker):
            named = "SELECT column_name FROM information_schema.columns WHERE table_name = :name"
            assert {column.name for column in table.columns} <= set(
                tx.execute(text(named), {"name": table.name}).scalars()
            )
