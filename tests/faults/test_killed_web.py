"""F1: SIGKILL to web processes, one or all of them, while carriers call: what was acknowledged is there, once."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator

import pytest

from service.runtime import Runtime
from tests.faults.crowd import Crowd, Event, mixed_events
from tests.faults.figures import Figures
from tests.faults.inbound import kept
from tests.faults.sizes import size
from tests.faults.supervisor import Child, Supervisor, answers

EVENTS = size(700, 12_000)
KILLS, FULL_KILLS = size(5, 40), size(2, 12)

pytestmark = pytest.mark.slow


class Tier:
    """Two web processes on their own ports. Who dies is started again, as systemd does, the rest of his group ended."""

    def __init__(self, supervisor: Supervisor, dice: random.Random) -> None:
        self._supervisor, self._dice = supervisor, dice
        self.children = [supervisor.web(), supervisor.web()]
        self.addresses = [child.address for child in self.children]

    def kill_one(self) -> None:
        """The server's parent or its child, as the kernel chooses when memory is short."""
        victim = self._dice.choice(self._up())
        self._supervisor.kill_one_of(victim, self._dice)
        self._supervisor.wait_for(lambda: not victim.alive)
        self._again(victim)

    def kill_all(self) -> None:
        self._up()
        for child in self.children:
            self._supervisor.kill(child)
        for child in list(self.children):
            self._again(child)

    def _up(self) -> list[Child]:
        """Those that answer; one at least."""
        self._supervisor.wait_for(lambda: any(map(answers, self.children)))
        return [child for child in self.children if answers(child)] or self._up()

    def _again(self, dead: Child) -> None:
        self._supervisor.kill(dead)
        self.children[self.children.index(dead)] = self._supervisor.web_soon(dead.port)


class Gate:
    """Lets events through in equal parts, so that some are on their way at every killing."""

    def __init__(self) -> None:
        self.killed, self._let = 0, 0

    def part(self, number: int) -> int:
        return EVENTS * number // (KILLS + FULL_KILLS + 2)

    def through(self, events: Iterator[Event]) -> Iterator[Event]:
        for event in events:
            while self._let >= self.part(self.killed + 2):
                time.sleep(0.01)
            self._let += 1
            yield event

    def wait(self, crowd: Crowd) -> None:
        """Until one more part has been acknowledged: nobody is kept from his 15 seconds by killing without a pause."""
        while len(crowd.told.acknowledged) + len(crowd.told.gave_up) < self.part(self.killed + 1):
            time.sleep(0.01)


def test_killed_at_random_while_carriers_call(
    runtime: Runtime, supervisor: Supervisor, dice: random.Random, figures: Figures, database: str
) -> None:
    tier, gate = Tier(supervisor, dice), Gate()
    crowd = Crowd(lambda: tier.addresses, dice.getrandbits(32))
    crowd.start(gate.through(mixed_events(EVENTS)))
    for killing in dice.sample([tier.kill_one] * KILLS + [tier.kill_all] * FULL_KILLS, KILLS + FULL_KILLS):
        gate.wait(crowd)
        time.sleep(dice.uniform(0.0, 0.3))
        killing()
        gate.killed += 1
    crowd.wait()
    found = kept(runtime, crowd.told.acknowledged)
    figures.note(
        "F1",
        f"{KILLS} kills of one web process and {FULL_KILLS} of all, {EVENTS} events",
        database,
        "acknowledged but lost 0, doubled 0, gave up within 15 s 0",
        {
            "acknowledged": len(crowd.told.acknowledged),
            "lost": len(found.lost),
            "doubled": len(found.doubled),
            "gave up": len(crowd.told.gave_up),
            "repeated on purpose": crowd.told.repeated,
            "calls that broke": crowd.told.statuses[0],
        },
    )
    assert found.lost == []
    assert found.doubled == []
    assert crowd.told.gave_up == []
    assert len(crowd.told.acknowledged) == EVENTS
    assert crowd.told.statuses.keys() <= {0, 200, 503}
    assert supervisor.complaints() == []
