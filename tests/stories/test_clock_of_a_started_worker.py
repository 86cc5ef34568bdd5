"""A worker that is started again, after hours or months: what it believes, and when a person must say so."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from click.testing import CliRunner
from sqlalchemy import update

from scheduler.__main__ import main
from service.config import Config
from service.runtime import Runtime
from service.store import system_tables
from service.store.message_tables import message
from service.stories.keeping import clock_guard
from tests.clocks import DAY, HOUR, NOW, Hands, closed, make_real, state_of, write_to
from tests.faults.supervisor import environment
from tests.loopback import LoopbackCarrier
from tests.people import TestClock
from tests.stories.test_recalls import check_promises, enrol


def test_starting_again_washes_no_jump_away(hands: Hands, carrier: LoopbackCarrier) -> None:
    """The new process has counted nothing itself; what the old one saw is kept."""
    write_to(hands.runtime, "k")
    hands.jump(6 * HOUR)
    hands.tick()
    hands.live(HOUR)
    again = Hands(hands.runtime, hands.clock)
    again.live(HOUR)
    assert carrier.accepted == []
    again.jump(-6 * HOUR)
    third = Hands(hands.runtime, hands.clock)
    third.tick()
    assert len(carrier.accepted) == 1


def test_a_machine_that_wakes_in_1970_waits_for_its_clock(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier
) -> None:
    make_real(runtime)
    write_to(runtime, "k")
    clock.moment = 30_000
    hands = Hands(runtime, clock)
    hands.live(HOUR)
    assert carrier.accepted == []
    assert "1970-01-01" in closed(runtime)[0]
    hands.jump(NOW)
    hands.beat_and_tick()
    assert len(carrier.accepted) == 1


@pytest.mark.parametrize("away", [DAY + HOUR, 3 * DAY, 40 * DAY])
def test_after_more_than_a_day_a_person_says_that_the_clock_is_right(
    hands: Hands, settings: Config, away: int, carrier: LoopbackCarrier
) -> None:
    runtime, clock = hands.runtime, hands.clock
    assert isinstance(clock, TestClock)
    enrol(runtime, clock)
    hands.tick()
    write_to(runtime, "short", useful=2 * HOUR)
    with runtime.database.begin() as tx:
        tx.execute(update(message).where(message.c.key == "short").values(not_before=clock.moment + HOUR))
    before = len(carrier.accepted)
    clock.moment += away
    again = Hands(runtime, clock)
    again.live(HOUR)
    assert len(carrier.accepted) == before
    assert state_of(runtime, "short") == "queued"
    with runtime.database.begin() as tx:
        clock_guard.accept(tx, "Fanta", clock.moment)
    again.live(HOUR)
    assert closed(runtime) == []
    assert state_of(runtime, "short") == "expired"
    check_promises(runtime)


def test_a_few_hours_away_need_nobody(hands: Hands, carrier: LoopbackCarrier) -> None:
    write_to(hands.runtime, "k")
    hands.clock.moment += 23 * HOUR
    Hands(hands.runtime, hands.clock).tick()
    assert len(carrier.accepted) == 1


def test_a_person_is_believed_by_a_worker_that_counted_otherwise(hands: Hands, carrier: LoopbackCarrier) -> None:
    """The machine had the wrong time when it was started; somebody has set it right, six hours on."""
    write_to(hands.runtime, "k")
    hands.jump(6 * HOUR)
    hands.tick()
    assert carrier.accepted == []
    with hands.runtime.database.begin() as tx:
        clock_guard.accept(tx, "Fanta", hands.clock.moment)
    hands.tick()
    assert len(carrier.accepted) == 1
    hands.live(2 * HOUR)
    assert closed(hands.runtime) == []


# --- the commands -------------------------------------------------------------------------------------------


@pytest.fixture
def as_set(settings: Config, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, value in environment(settings).items():
        if name.startswith("LASELI_"):
            monkeypatch.setenv(name, value)
    return


def test_the_commands_of_the_clock(runtime: Runtime, as_set: None) -> None:
    make_real(runtime)
    with runtime.database.begin() as tx:
        system_tables.mark(tx, clock_guard.HIGHEST, str(runtime.now() - 400 * DAY))
    run = CliRunner()
    refused = run.invoke(main, ["tick"])
    assert refused.exit_code == 1
    assert "laseli clock accept" in refused.output
    told = run.invoke(main, ["clock", "status"])
    assert "seen last:        2025-10-16 10:00:00" in told.output
    assert "but the worker last ran at 2025-10-16 10:00" in told.output
    assert "Accepted" in run.invoke(main, ["clock", "accept", "--by", "Fanta"]).output
    assert run.invoke(main, ["tick"]).exit_code == 0
