"""What is kept no longer goes at night, slice by slice, once, and never by a clock that jumped."""

from __future__ import annotations

from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from service.domain import retention_rules
from service.domain.ages import add_months
from service.domain.retention_rules import GROWN_MONTHS, RULES
from service.runtime import Runtime
from service.store import retention_notes
from service.store.message_tables import message
from service.store.people_tables import child, household
from service.store.phone_tables import phone
from service.stories.delivery import dispatch_gate
from service.stories.homes.families import stop_child
from service.stories.keeping import erasure, retention
from service.stories.keeping.retention_sweeps import SWEEPS
from service.stories.talk import opt_outs
from tests.cover import everything, rows_of
from tests.people import Handset, TestClock
from tests.stories.test_recalls import NEIGHBOUR, enrol
from tests.years import WORDS, counted, how_many, letter, send


def watched(runtime: Runtime, clock: TestClock) -> dict[str, int]:
    """A day and a night of the timetable's looks; gives what went."""
    gone: Counter[str] = Counter()
    for _ in range(30):
        clock.advance(hours=1)
        gone.update(retention.forget(runtime))
    return dict(gone)


# --- the table ----------------------------------------------------------------------------------------------


def test_every_rule_is_carried_out_by_somebody() -> None:
    assert SWEEPS.keys() == {rule.name for rule in RULES if rule.when != "elsewhere"}
    assert len({rule.name for rule in RULES}) == len(RULES)


def test_the_sysadmin_reads_the_table_that_is_carried_out() -> None:
    page = (Path(__file__).parents[2] / "docs" / "keys-and-retention.md").read_text("utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| ")]
    assert rows[1:] == [f"| {rule.data} | {rule.keep} | {rule.then} | {rule.source} |" for rule in RULES]


@pytest.mark.parametrize("today", ["2026-11-20", "2031-07-31", "2028-02-29", "2031-05-31", "2032-03-01"])
def test_a_child_goes_on_the_day_it_is_63_months_old_and_on_no_day_before(today: str) -> None:
    day = date.fromisoformat(today)
    last = retention_rules.born_by(day)
    assert add_months(last, GROWN_MONTHS) <= day
    assert add_months(date.fromordinal(last.toordinal() + 1), GROWN_MONTHS) > day


# --- the night, and a clock that jumps ----------------------------------------------------------------------


def test_the_timetable_does_it_at_night_and_once(runtime: Runtime, clock: TestClock) -> None:
    send(runtime, clock)
    clock.advance(days=95)
    gone = watched(runtime, clock)
    assert gone["message_texts"] == 1
    with runtime.database.read() as tx:
        notes = retention_notes.read_notes(tx)
    assert notes.last["message_texts"] == 1
    hours = []
    for _ in range(72):
        clock.advance(hours=1)
        if "message_texts" in retention.forget(runtime):
            hours.append(clock.here.hour)
    assert hours == [1, 1, 1]


def test_a_clock_that_jumps_a_year_deletes_nothing_for_a_day(runtime: Runtime, clock: TestClock) -> None:
    send(runtime, clock)
    for _ in range(48):
        clock.advance(hours=1)
        retention.forget(runtime)
    before = clock.moment
    clock.advance(days=365)
    for _ in range(23):
        assert "message_texts" not in retention.forget(runtime)
        clock.advance(hours=1)
    clock.moment = before  # somebody set it right
    for _ in range(30):
        clock.advance(hours=1)
        retention.forget(runtime)
    assert rows_of(runtime, message)[0].text == WORDS


def test_while_dispatch_stands_still_for_the_clock_nothing_is_deleted(
    handset: Handset, runtime: Runtime, clock: TestClock
) -> None:
    handset.dial()
    clock.advance(days=30)
    with runtime.database.begin() as tx:
        dispatch_gate.close(tx, "clock", "it jumped", clock.now())
    assert retention.forget(runtime) == {}
    with pytest.raises(retention.ClockJumped):
        retention.purge(runtime)
    with runtime.database.begin() as tx:
        dispatch_gate.reopen(tx, "clock")
    assert retention.forget(runtime)["keystrokes"] == 1


def test_a_night_goes_on_where_the_slice_before_stopped(
    runtime: Runtime, clock: TestClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(runtime, clock, *(letter(clock, str(place)) for place in range(120)))
    clock.advance(days=95)
    monkeypatch.setattr(retention, "SLICE_S", 0.0)
    retention.forget(runtime)
    clock.advance(hours=30)
    slices = []
    while not slices or slices[-1] > 0:
        clock.advance(minutes=5)
        slices.append(sum(retention.forget(runtime).values()))
    assert sum(slices) == 120
    assert len(slices) > 2
    with runtime.database.read() as tx:
        assert retention_notes.read_notes(tx).last["message_texts"] == 120


def test_a_rule_that_fails_does_not_hold_up_the_others(
    runtime: Runtime, clock: TestClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = enrol(runtime, clock)
    with runtime.database.begin() as tx:
        stop_child(tx, runtime, one.child_id, clock.now())
    send(runtime, clock)
    clock.advance(days=95)

    def fails(*_: object) -> int:
        raise RuntimeError("a bug")

    monkeypatch.setattr(erasure, "forget_children", fails)
    gone = watched(runtime, clock)
    assert gone["message_texts"] == 1
    assert gone["left_children"] == 0
    monkeypatch.undo()
    clock.advance(days=1)
    assert watched(runtime, clock)["left_children"] == 1


def test_a_dry_run_counts_what_a_run_then_does(handset: Handset, runtime: Runtime, clock: TestClock) -> None:
    one = enrol(runtime, clock)
    handset.write("Bonjour")
    with runtime.database.begin() as tx:
        stop_child(tx, runtime, one.child_id, clock.now())
        opt_outs.stop(tx, runtime, NEIGHBOUR, "sms", clock.now())
    enrol(runtime, clock, number=NEIGHBOUR)
    send(runtime, clock)
    clock.advance(days=100)
    before = everything(runtime)
    told = retention.purge(runtime, dry_run=True)
    assert everything(runtime) == before
    done = retention.purge(runtime)
    by_themselves = [name for name in told if name not in ("people", "households", "phones", "former_phones")]
    assert {name: told[name] for name in by_themselves} == {name: done[name] for name in by_themselves}
    assert told["left_children"] == told["refused_children"] == told["message_texts"] == 1


def test_two_workers_at_once_do_it_once(handset: Handset, runtime: Runtime, clock: TestClock) -> None:
    from concurrent.futures import ThreadPoolExecutor

    for place in range(12):
        one = enrol(runtime, clock, number=f"+223700003{place:02d}")
        with runtime.database.begin() as tx:
            stop_child(tx, runtime, one.child_id, clock.now())
    clock.advance(days=100)
    before = counted(runtime, clock.now())
    with ThreadPoolExecutor(3) as threads:
        done = list(threads.map(lambda _: retention.purge(runtime), range(3)))
    assert how_many(runtime, child) == how_many(runtime, household) == how_many(runtime, phone) == 0
    assert counted(runtime, clock.now()) == before
    assert sum(one["left_children"] for one in done) == 12
