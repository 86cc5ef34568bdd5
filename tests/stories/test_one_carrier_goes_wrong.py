"""Two carriers for one country; one goes slow and wrong. Traffic leaves it, comes back slowly, and does not flap."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import pairwise

import pytest

from service.commands.route_commands import status_lines
from service.config import Config
from service.runtime import Runtime
from service.store import message_tables
from service.stories.delivery import route_report
from tests.loopback import LoopbackCarrier
from tests.people import TestClock
from tests.two_carriers import FIRST, MALITEL, ORANGE, SECOND, Line, Manner, two_carriers


@pytest.fixture
def second() -> Iterator[LoopbackCarrier]:
    with LoopbackCarrier() as running:
        yield running


@pytest.fixture
def settings(database_url: str, carrier: LoopbackCarrier, second: LoopbackCarrier) -> Config:
    return two_carriers(database_url, carrier, second)


@pytest.fixture
def line(runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier, second: LoopbackCarrier) -> Line:
    return Line(runtime, clock, {FIRST: carrier, SECOND: second})


def status(line: Line) -> str:
    with line.runtime.database.read() as tx:
        return "\n".join(status_lines(route_report.report(tx, line.runtime, line.clock.now())))


@pytest.fixture
def same_dice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which message takes which route is drawn by its id: the same ids at every run."""
    dice = random.Random(20261120)
    monkeypatch.setattr(message_tables, "new_id", lambda: dice.getrandbits(63))


@pytest.mark.slow
def test_traffic_leaves_within_a_minute_comes_back_slowly_and_does_not_flap(line: Line, same_dice: None) -> None:
    line.live(15, per_look=4)
    assert line.share() == line.share(ORANGE) == line.share(MALITEL) == {FIRST: 95, SECOND: 5}

    line.carriers[FIRST].faults = {"drop": 0.4}
    line.manners[FIRST] = Manner(arrives=0.4, delay=100)
    line.live(1, per_look=20)
    assert line.share(ORANGE)[FIRST] == line.share(MALITEL)[FIRST] == 2
    assert f"{SECOND} takes over" in status(line)
    assert "2%?" in status(line), "on trial"

    before = line.sent(FIRST)
    line.live(6, per_look=5)
    assert line.sent(FIRST) - before <= 15, "of 180 messages"

    line.carriers[FIRST].faults = {}
    line.manners[FIRST] = Manner()
    while line.share()[FIRST] < 95 and line.minute < 100:
        line.live(5, per_look=5)
    changes = [(look, after[FIRST]) for look, (before, after) in enumerate(pairwise(line.shares)) if before != after]
    shares = [share for _, share in changes]
    assert shares == sorted(shares), "one fall, then only up"
    assert set(shares) <= {2, 10, 25, 50, 95}
    assert shares[-1] == 95
    assert all(later - sooner >= 30 for (sooner, _), (later, _) in pairwise(changes)), "five minutes apart or more"
    assert "from 50 to 95 of a hundred" in status(line)
