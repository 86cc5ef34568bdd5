"""One machine's wrong clock holds all of them up; the database's own clock is a witness."""

from __future__ import annotations

import json

import pytest

from service.clock import FixedClock
from service.config import Config
from service.runtime import Runtime, build_runtime
from service.store import system_tables
from service.stories.keeping import clock_guard
from tests.clocks import DAY, MINUTE, Hands, closed, make_real, write_to
from tests.loopback import LoopbackCarrier


@pytest.fixture
def on_postgresql(runtime: Runtime) -> None:
    if runtime.database.is_sqlite:
        pytest.skip("SQLite is on one machine")


def test_one_machine_with_a_wrong_clock_holds_all(
    hands: Hands, settings: Config, on_postgresql: None, monkeypatch: pytest.MonkeyPatch, carrier: LoopbackCarrier
) -> None:
    monkeypatch.setattr(clock_guard.socket, "gethostname", lambda: "wrong")
    other = FixedClock(hands.clock.moment + 90 * DAY)
    ahead = build_runtime(settings, at=other)
    bad = Hands(ahead, other)
    monkeypatch.setattr(clock_guard.socket, "gethostname", lambda: "right")
    write_to(hands.runtime, "k")
    hands._beat()
    hands.tick()
    assert carrier.accepted == []
    assert "wrong" in closed(hands.runtime)[0]
    age_doubts(hands.runtime, 4 * MINUTE)
    hands.beat_and_tick()
    assert carrier.accepted == []
    age_doubts(hands.runtime, 2 * MINUTE)  # the other machine was switched off
    hands.beat_and_tick()
    assert len(carrier.accepted) == 1
    ahead.database.close()
    del bad


def age_doubts(runtime: Runtime, milliseconds: int) -> None:
    """As if so much time had passed on the database's clock since a machine told of its doubt."""
    with runtime.database.begin() as tx:
        for name, written in system_tables.marks(tx, clock_guard.DOUBT).items():
            told = json.loads(written)
            system_tables.mark(tx, name, json.dumps(told | {"told_at": told["told_at"] - milliseconds}))


def test_the_database_s_clock_is_a_witness(
    settings: Config, on_postgresql: None, runtime: Runtime, carrier: LoopbackCarrier
) -> None:
    make_real(runtime)
    with runtime.database.read() as tx:
        true = system_tables.database_time(tx)
    seen = build_runtime(settings.model_copy(update={"clock_witness": True}), at=FixedClock(true))
    clock = seen.clock
    assert isinstance(clock, FixedClock)
    hands = Hands(seen, clock)
    assert closed(seen) == []
    with seen.database.begin() as tx:  # away for ninety days; both clocks say so
        system_tables.mark(tx, clock_guard.HIGHEST, str(true - 90 * DAY))
    Hands(seen, clock)
    assert closed(seen) == []
    hands.jump(10 * MINUTE)
    hands.tick()
    assert "the database's machine says" in closed(seen)[0]
    seen.database.close()
