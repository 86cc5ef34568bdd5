"""A new calendar: every followed child is planned anew by a job that is looked at, stopped, cut and gone on with."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import select

from service import jobs
from service.config import Config
from service.domain import vaccine_calendar
from service.domain.vaccine_calendar import Calendar, load_calendar
from service.runtime import Runtime
from service.store import replan_tables
from service.store.care_tables import appointment
from service.store.recall_tables import message_appointment
from service.stories.homes import families
from service.stories.homes.families import Enrolled
from service.stories.keeping import doctor
from service.stories.recall import recalls, replanning
from tests.cover import command
from tests.diary import an_hour_later
from tests.people import TestClock
from tests.stories.test_recalls import enrol, give, messages, plans

SIX_WEEKS, EIGHT_WEEKS = "2026-11-23", "2026-12-07"


@pytest.fixture(scope="module")
def later_calendar() -> Calendar:
    """The same, with the first PENTA two weeks later: invented, as everything in these tests."""
    file = vaccine_calendar.FOLDER / "ml-pev-2026.yaml"
    text = file.read_text("utf-8")
    first = "{id: PENTA1, recommended: 42 days"
    assert text.count(first) == 1
    calendar = load_calendar(text.replace(first, "{id: PENTA1, recommended: 56 days"))
    return replace(calendar, latest_source="TEST9")


@pytest.fixture
def later(runtime: Runtime, later_calendar: Calendar) -> Runtime:
    """The same installation after an upgrade that brings another calendar."""
    return replace(runtime, calendar=later_calendar)


@pytest.fixture
def homes(runtime: Runtime, clock: TestClock, monkeypatch: pytest.MonkeyPatch) -> list[Enrolled]:
    """Twelve families, read three at a time."""
    monkeypatch.setattr(replanning, "MOST_HOUSEHOLDS", 3)
    return [enrol(runtime, clock, number=f"+223700000{place:02d}") for place in range(12)]


def penta_day(runtime: Runtime, one: Enrolled) -> str:
    found = plans(runtime, one)
    return next(day for doses, day in found.items() if "PENTA1" in doses)


def days_of(runtime: Runtime, homes: list[Enrolled]) -> list[str]:
    return [penta_day(runtime, one) for one in homes]


def run_of(runtime: Runtime) -> replan_tables.Run:
    with runtime.database.read() as tx:
        found = replan_tables.last_run(tx)
    assert found is not None
    return found


def older(runtime: Runtime) -> int:
    return replanning.status(runtime)[1]


def test_every_child_gets_the_dates_of_the_new_calendar(
    runtime: Runtime, later: Runtime, homes: list[Enrolled]
) -> None:
    assert older(runtime) == 0
    assert older(later) == 12
    assert set(days_of(runtime, homes)) == {SIX_WEEKS}
    assert replanning.start(later, "Awa") == 12
    jobs.carry_out_due(later)
    assert set(days_of(runtime, homes)) == {EIGHT_WEEKS}
    done = run_of(later)
    assert (done.state, done.children, done.children_in_all, done.changed) == ("done", 12, 12, 12)
    assert older(later) == 0


def test_what_waited_to_be_said_is_taken_back(
    runtime: Runtime, later: Runtime, clock: TestClock, homes: list[Enrolled]
) -> None:
    clock.set("2026-11-23T06:00")
    assert recalls.queue_recalls(runtime) == 12
    replanning.start(later, "Awa")
    jobs.carry_out_due(later)
    # The other vaccines of that day are still due: the families hear of them once, and only once, that day.
    assert {one.state for one in messages(runtime)} == {"cancelled"}
    recalls.queue_recalls(later)
    assert {one.state for one in messages(runtime)} == {"queued"}
    assert len({one.key for one in messages(runtime)}) == len(messages(runtime)) == 12


def test_twins_told_by_one_message_are_told_anew_by_one(runtime: Runtime, later: Runtime, clock: TestClock) -> None:
    """The page was read before the first one's plan took the message back, which the second was told of too."""
    twins = {enrol(runtime, clock).child_id, enrol(runtime, clock).child_id}
    clock.set("2026-11-23T06:00")
    assert recalls.queue_recalls(runtime) == 1
    replanning.start(later, "Awa")
    jobs.carry_out_due(later)
    with runtime.database.read() as tx:
        which = (appointment.c.state == "open") & (appointment.c.anchor_on == date(2026, 11, 23))
        stand = tx.execute(
            select(appointment.c.child_id, appointment.c.next_step, appointment.c.last_step).where(which)
        )
        rows = [tuple(row) for row in stand]
    assert {row[0] for row in rows} == twins
    assert len({row[1:] for row in rows}) == 1
    assert recalls.queue_recalls(later) == 1
    with runtime.database.read() as tx:
        told = tx.execute(select(message_appointment.c.appointment_id).distinct()).scalars().all()
    assert len(told) == 2


def test_a_child_that_is_followed_no_more_stays_without_a_plan(
    runtime: Runtime, later: Runtime, clock: TestClock, homes: list[Enrolled]
) -> None:
    with runtime.database.begin() as tx:
        families.stop_child(tx, runtime, homes[4].child_id, clock.now())
    assert replanning.start(later, "Awa") == 11
    jobs.carry_out_due(later)
    assert plans(runtime, homes[4]) == {}
    assert run_of(later).children == 11


# --- stopped, cut, twice at once -------------------------------------------------------------------------------


@pytest.fixture
def after_a_page(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[object]]:
    """Things to do, one after each page that is planned."""
    to_do: list[object] = []
    plan_page = replanning.plan_page

    def planned(tx: object, runtime: Runtime, homes: object, now: int) -> tuple[int, int]:
        found = plan_page(tx, runtime, homes, now)  # type: ignore[arg-type]
        if to_do:
            what = to_do.pop(0)
            assert callable(what)
            what()
        return found

    monkeypatch.setattr(replanning, "plan_page", planned)
    yield to_do
    assert not to_do


def planned_later(runtime: Runtime, homes: list[Enrolled]) -> int:
    return days_of(runtime, homes).count(EIGHT_WEEKS)


def test_it_is_stopped_and_goes_on_where_it_was(runtime: Runtime, later: Runtime, homes: list[Enrolled]) -> None:
    replanning.start(later, "Awa")
    assert replanning.stop(later).state == "stopped"
    jobs.carry_out_due(later)
    assert planned_later(runtime, homes) == 0
    with pytest.raises(replanning.Refused, match="one is stopped already"):
        replanning.start(later, "Awa")
    replanning.resume(later)
    jobs.carry_out_due(later)
    assert planned_later(runtime, homes) == 12


def test_a_stop_counts_from_the_next_page(
    runtime: Runtime, later: Runtime, homes: list[Enrolled], monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = paged(monkeypatch, 2, lambda: replanning.stop(later))
    replanning.start(later, "Awa")
    jobs.carry_out_due(later)
    assert len(pages) == 3  # two that did something, and one that found it stopped
    assert (run_of(later).state, run_of(later).children, planned_later(runtime, homes)) == ("stopped", 6, 6)
    replanning.resume(later)
    jobs.carry_out_due(later)
    assert (run_of(later).state, run_of(later).children, planned_later(runtime, homes)) == ("done", 12, 12)


def paged(monkeypatch: pytest.MonkeyPatch, after: int, act: object) -> list[int]:
    """Have this done before the page after so many; gives the places that pages began from, as they come."""
    seen: list[int] = []
    households_after = replan_tables.households_after

    def found(tx: object, place: int, limit: int) -> list[int]:
        seen.append(place)
        if len(seen) == after + 1:
            assert callable(act)
            threading.Thread(target=act).run()
        return households_after(tx, place, limit)  # type: ignore[arg-type]

    monkeypatch.setattr(replan_tables, "households_after", found)
    return seen


def test_a_crash_in_a_page_undoes_that_page_alone(
    runtime: Runtime, later: Runtime, homes: list[Enrolled], after_a_page: list[object], clock: TestClock
) -> None:
    def crash() -> None:
        raise OSError("the disk was full")

    after_a_page += [lambda: None, crash]
    replanning.start(later, "Awa")
    jobs.carry_out_due(later)
    assert (run_of(later).state, run_of(later).children, planned_later(runtime, homes)) == ("running", 3, 3)
    an_hour_later(later, clock)
    jobs.carry_out_due(later)  # it is tried again by itself
    assert (run_of(later).state, run_of(later).children, planned_later(runtime, homes)) == ("done", 12, 12)


def test_a_worker_that_is_to_end_leaves_the_rest_to_the_next(
    runtime: Runtime, later: Runtime, homes: list[Enrolled], after_a_page: list[object]
) -> None:
    after_a_page += [later.stopping.set]
    replanning.start(later, "Awa")
    replanning.carry_on(later, run_of(later).id)
    assert (run_of(later).state, planned_later(runtime, homes)) == ("running", 3)
    later.stopping.clear()
    jobs.carry_out_due(later)
    assert (run_of(later).state, planned_later(runtime, homes)) == ("done", 12)


def test_two_workers_at_once_plan_nobody_twice(runtime: Runtime, later: Runtime, homes: list[Enrolled]) -> None:
    replanning.start(later, "Awa")
    run_id = run_of(later).id
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: replanning.carry_on(later, run_id), range(2)))
    replanning.carry_on(later, run_id)
    done = run_of(later)
    assert (done.state, done.children, planned_later(runtime, homes)) == ("done", 12, 12)
    with runtime.database.read() as tx:
        open_rows = tx.execute(select(appointment.c.child_id, appointment.c.doses).where(appointment.c.state == "open"))
        rows = [tuple(row) for row in open_rows]
    assert len(rows) == len(set(rows))


def test_what_happens_meanwhile_is_kept(
    runtime: Runtime, later: Runtime, clock: TestClock, homes: list[Enrolled], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A dose is written down and a child is enrolled between two pages."""
    newborn: list[Enrolled] = []

    def meanwhile() -> None:
        give(later, clock, homes[0], "PCV", on="2026-11-23")
        newborn.append(enrol(later, clock, number="+22370000099"))

    clock.set("2026-11-24T10:00")
    paged(monkeypatch, 2, meanwhile)
    replanning.start(later, "Awa")
    jobs.carry_out_due(later)
    assert days_of(runtime, homes + newborn) == [EIGHT_WEEKS] * 13
    assert not any("PCV1" in doses for doses in plans(runtime, homes[0]))


# --- as the staff types it --------------------------------------------------------------------------------------


def said(settings: Config, *words: str) -> str:
    result = command(settings, "replan", *words)
    assert result.exit_code == 0, result.output
    return result.output


def test_the_commands_tell_how_far_it_is(settings: Config, runtime: Runtime, homes: list[Enrolled]) -> None:
    assert said(settings, "status") == "It was never started.\n"
    assert "12 children would be planned anew, 0 of them otherwise than now." in said(settings, "start", "--dry-run")
    assert command(settings, "replan", "start").exit_code == 1
    assert said(settings, "start", "--by", "Awa").startswith("12 children: the worker is at it.")
    assert "running: 0 of 12 children, 0 of them planned otherwise; begun 20" in said(settings, "status")
    assert "one is running already" in command(settings, "replan", "start", "--by", "Awa").output
    assert said(settings, "stop").startswith("Stopped.")
    assert "it is stopped" in command(settings, "replan", "stop").output
    assert said(settings, "resume") == "The worker goes on with it.\n"
    jobs.carry_out_due(runtime)
    assert json.loads(said(settings, "status", "--json"))["run"]["state"] == "done"
    assert "none is running" in command(settings, "replan", "stop").output


def test_a_dry_run_changes_nothing(runtime: Runtime, later: Runtime, homes: list[Enrolled]) -> None:
    heard: list[int] = []
    found = replanning.foresee(later, heard.append)
    assert (found.children, found.changed, heard[-1]) == (12, 12, 12)
    assert set(days_of(runtime, homes)) == {SIX_WEEKS}
    assert older(later) == 12


def test_the_doctor_says_that_plans_are_of_an_older_calendar(
    later: Runtime, clock: TestClock, homes: list[Enrolled]
) -> None:
    def told() -> list[str]:
        return [one.said for one in doctor.examine(later, clock.now()) if one.about == "plans"]

    assert told() == ["12 children have dates of an older calendar."]
    replanning.start(later, "Awa")
    assert told() == []
    jobs.carry_out_due(later)
    assert told() == []
