"""A coarse job that fails, or whose worker dies, is tried again, and in the end given up where a person finds it."""

from __future__ import annotations

import json
from io import StringIO

import pytest
import requests
from sqlalchemy import text, update

from service import jobs
from service.config import Config
from service.runtime import Runtime
from service.store import job_tables, restored_tables
from service.store.job_tables import job
from service.stories.keeping import retention
from tests.cover import command
from tests.diary import CANARY, Diary, add, an_hour_later, counted, listed
from tests.people import TestClock

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
    assert "diary.py:" in lines
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
