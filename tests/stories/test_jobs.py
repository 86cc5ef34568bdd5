"""Coarse jobs, whatever carries them: added with the fact that causes them, holding no person, done once it stands."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Literal, get_type_hints

import pytest

from service import jobs
from service.config import Config
from service.runtime import Runtime, build_runtime
from service.store import system_tables
from service.stories.delivery.outbox import Letter, put_many
from tests.diary import HOUR, Diary, add, counted, listed
from tests.loopback import LoopbackCarrier
from tests.people import TestClock


class Stop(Exception):
    """Ends a transaction."""


@pytest.fixture
def another(settings: Config, clock: TestClock) -> Iterator[Runtime]:
    built = build_runtime(settings, at=clock)
    yield built
    built.database.close()


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
