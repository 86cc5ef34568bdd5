"""A clock that jumps: nothing is sent, planned, expired or deleted by it, and a person reads why."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from service import readiness
from service.domain.clock_judgement import EARLIEST_MS, Doubt, Reading, judge
from service.runtime import Runtime
from service.store import system_tables
from service.store.conversation_tables import conversation
from service.stories.keeping import clock_guard
from tests.clocks import DAY, HOUR, JUMPS, MINUTE, NOW, Hands, closed, state_of, write_to
from tests.loopback import LoopbackCarrier
from tests.people import Handset, TestClock
from tests.stories.test_recalls import check_promises, enrol, messages

# --- the judgement ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reading", "doubt"),
    [
        (Reading(NOW), None),
        (Reading(30_000), Doubt("back", EARLIEST_MS)),
        (Reading(NOW, NOW - 5000, NOW), None),
        (Reading(NOW, NOW + 4 * MINUTE), None),
        (Reading(NOW, NOW + 6 * MINUTE), Doubt("back", NOW + 6 * MINUTE)),
        (Reading(NOW, NOW - 23 * HOUR), None),
        (Reading(NOW, NOW - 25 * HOUR), Doubt("ahead", NOW - 25 * HOUR)),
        (Reading(NOW, NOW - HOUR, NOW - HOUR), Doubt("jump", NOW - HOUR)),
        (Reading(NOW, NOW - HOUR, NOW - 4 * MINUTE), None),
        (Reading(NOW, NOW - HOUR, None, None, NOW - MINUTE), Doubt("jump", NOW - HOUR)),
        (Reading(NOW, NOW - HOUR, None, None, NOW + 5 * HOUR), None),
        (Reading(NOW, NOW - 90 * DAY, None, NOW - MINUTE), None),
        (Reading(NOW, NOW - HOUR, NOW - HOUR, NOW), None),
        (Reading(NOW, NOW - HOUR, NOW, NOW - 10 * MINUTE), Doubt("witness", NOW - 10 * MINUTE)),
        (Reading(NOW, NOW + HOUR, None, NOW), Doubt("back", NOW + HOUR)),
    ],
)
def test_what_is_believed(reading: Reading, doubt: Doubt | None) -> None:
    assert judge(reading) == doubt


# --- a worker without its scheduler -------------------------------------------------------------------------


def test_a_day_passes_and_nothing_is_doubted(hands: Hands) -> None:
    hands.live(26 * HOUR, 30 * MINUTE)
    assert closed(hands.runtime) == []
    with hands.runtime.database.read() as tx:
        assert clock_guard.highest(tx) == hands.clock.moment


@pytest.mark.parametrize("jump", JUMPS.values(), ids=JUMPS.keys())
def test_a_jump_stops_everything_and_is_told(hands: Hands, jump: int, carrier: LoopbackCarrier) -> None:
    runtime = hands.runtime
    hands.live(HOUR)
    write_to(runtime, "before")
    hands.jump(jump)
    hands.tick()
    assert state_of(runtime, "before") == "queued"
    assert carrier.accepted == []
    [detail] = closed(runtime)
    assert "laseli clock accept" in detail
    assert "2026-11-20" in detail
    assert f"{runtime.local(hands.clock.moment):%Y-%m-%d %H:%M}" in detail
    gate = readiness.readiness(runtime)["dispatch"]
    assert gate == {"ok": False, "closed": ["clock"], "remedy": detail}
    with runtime.database.read() as tx:
        assert system_tables.counters(tx)["clock_doubted"] == 1


@pytest.mark.parametrize("jump", JUMPS.values(), ids=JUMPS.keys())
def test_a_clock_that_comes_back_goes_on_by_itself(hands: Hands, jump: int, carrier: LoopbackCarrier) -> None:
    write_to(hands.runtime, "before")
    hands.jump(jump)
    hands.live(HOUR)
    assert carrier.accepted == []
    hands.jump(-jump)
    hands.beat_and_tick()
    assert [sms.text for sms in carrier.accepted] == ["before"]
    assert closed(hands.runtime) == []


def test_small_corrections_are_no_jump(hands: Hands, carrier: LoopbackCarrier) -> None:
    for correction in (2 * MINUTE, -2 * MINUTE, 4 * MINUTE, -3 * MINUTE):
        hands.jump(correction)
        hands.live(HOUR)
        assert closed(hands.runtime) == []
    write_to(hands.runtime, "k")
    hands.tick()
    assert len(carrier.accepted) == 1


def test_ninety_days_ahead_expire_and_delete_nothing(hands: Hands, handset: Handset, carrier: LoopbackCarrier) -> None:
    """What would be too late, or too old, by a wrong clock is gone for good."""
    runtime = hands.runtime
    handset.dial()
    write_to(runtime, "k")
    hands.jump(90 * DAY)
    hands.live(HOUR)
    assert state_of(runtime, "k") == "queued"
    with runtime.database.read() as tx:
        assert tx.execute(select(conversation.c.id)).first() is not None


def test_a_ladder_is_climbed_as_if_the_clock_had_never_jumped(hands: Hands, carrier: LoopbackCarrier) -> None:
    """It jumps by each of these, every night and every noon, and comes back: every step once, at its hour."""
    runtime, clock = hands.runtime, hands.clock
    assert isinstance(clock, TestClock)
    enrol(runtime, clock)
    heard, jumps = [], list(JUMPS.values())
    for half_day in range(2 * 19):
        for _ in range(4):
            before = len(carrier.accepted)
            hands.live(3 * HOUR, 3 * HOUR)
            heard += [f"{clock.here:%m-%d}"] * (len(carrier.accepted) - before)
        jump = jumps[half_day % len(jumps)]
        hands.jump(jump)
        before = len(carrier.accepted)
        hands.live(HOUR // 2, HOUR // 2)
        assert len(carrier.accepted) == before
        hands.jump(-jump)
    assert heard == ["11-20", "11-22", "11-23", "11-25", "11-30", "12-07"]
    assert len(messages(runtime)) == 6
    check_promises(runtime)
    with runtime.database.read() as tx:
        assert "recall_steps_passed_over" not in system_tables.counters(tx)


def test_at_two_in_the_night_a_clock_that_says_eight_wakes_nobody(hands: Hands, carrier: LoopbackCarrier) -> None:
    runtime, clock = hands.runtime, hands.clock
    assert isinstance(clock, TestClock)
    hands.live(9 * HOUR, HOUR)
    write_to(runtime, "recall", "reminder")
    hands.live(7 * HOUR, HOUR)
    assert f"{clock.here:%H:%M}" == "02:00"
    hands.jump(7 * HOUR)
    hands.live(4 * HOUR, HOUR)
    assert carrier.accepted == []
    hands.jump(-7 * HOUR)
    hands.live(2 * HOUR + 10 * MINUTE)
    assert len(carrier.accepted) == 1
    assert f"{clock.here:%a %H:%M}" == "Sat 08:10"


# --- where it is off ----------------------------------------------------------------------------------------


def test_in_a_rehearsal_time_is_moved_on_purpose(runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier) -> None:
    hands = Hands(runtime, clock)
    for jump in (90 * DAY, -HOUR):
        hands.jump(jump)
        hands.tick()
        assert closed(runtime) == []
    write_to(runtime, "k")
    hands.tick()
    assert len(carrier.accepted) == 1
