"""Two carriers for one country; one goes slow and wrong. Traffic leaves it, comes back slowly, and does not flap."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import pytest

from service.commands.route_commands import status_lines
from service.config import Config
from service.runtime import Runtime
from service.stories import route_report
from tests.conftest import HOOK_SECRET, a_config
from tests.loopback import LoopbackCarrier
from tests.people import TestClock
from tests.two_carriers import Line, Manner

FIRST, SECOND = "africastalking", "simulator"
MALITEL, ORANGE = "61001", "61002"


@pytest.fixture
def second() -> Iterator[LoopbackCarrier]:
    with LoopbackCarrier() as running:
        yield running


@pytest.fixture
def settings(database_url: str, carrier: LoopbackCarrier, second: LoopbackCarrier) -> Config:
    account = {"username": "laseli", "api_key": "key", "sender": "99000", "hook_secrets": (HOOK_SECRET,)}
    return a_config(
        database_url,
        routes=(FIRST, SECOND),
        send_timeout=0.6,
        africastalking=account | {"base_url": carrier.base_url},
        simulator=account | {"base_url": second.base_url},
    )


@pytest.fixture
def line(runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier, second: LoopbackCarrier) -> Line:
    return Line(runtime, clock, {FIRST: carrier, SECOND: second})


def status(line: Line) -> str:
    with line.runtime.database.read() as tx:
        return "\n".join(status_lines(route_report.report(tx, line.runtime, line.clock.now())))


def test_traffic_leaves_within_a_minute_comes_back_slowly_and_does_not_flap(line: Line) -> None:
    line.live(15, per_look=5)
    assert line.share() == {FIRST: 95, SECOND: 5}
    assert line.share(ORANGE) == line.share(MALITEL) == {FIRST: 95, SECOND: 5}

    line.carriers[FIRST].faults = {"drop": 0.35}
    line.manners[FIRST] = Manner(arrives=0.4, delay=100)
    line.live(1, per_look=12)
    assert line.share(ORANGE)[FIRST] == line.share(MALITEL)[FIRST] == 2
    reason = status(line)
    assert f"{SECOND} takes over" in reason
    assert "2%?" in reason

    before = line.sent(FIRST)
    line.live(6, per_look=5)
    assert line.sent(FIRST) - before <= 12, "of 180 messages"

    line.carriers[FIRST].faults = {}
    line.manners[FIRST] = Manner()
    line.live(50, per_look=5)
    assert line.share() == line.share(ORANGE) == {FIRST: 95, SECOND: 5}
    steps = [one[FIRST] for one in line.shares]
    changes = [(look, after) for look, (before, after) in enumerate(pairwise(steps)) if before != after]
    assert [share for _, share in changes] == [2, 10, 25, 50, 95], "one fall, and steps up"
    assert all(later - sooner >= 30 for (sooner, _), (later, _) in pairwise(changes)), "five minutes apart or more"
    assert "from 50 to 95 of a hundred" in status(line)
