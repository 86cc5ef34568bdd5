"""A small line with two carriers, on an invented clock: messages leave through the doors of the route book.

Receipts come back after each carrier's own delay, by that same clock.
"""

from __future__ import annotations

import heapq
import random
from dataclasses import dataclass, field
from itertools import count

from service.channels.base import Receipt
from service.config import Config
from service.runtime import Runtime
from service.store import route_tables
from service.stories.delivery import dispatcher, receipts, route_book
from service.stories.delivery.outbox import Letter, put_many
from tests.conftest import HOOK_SECRET, a_config
from tests.loopback import LoopbackCarrier
from tests.people import TestClock

HOUR = 3_600_000
LOOK_S = 10
FIRST, SECOND = "africastalking", "simulator"
MALITEL, ORANGE = "61001", "61002"


def two_carriers(database_url: str, first: LoopbackCarrier, second: LoopbackCarrier, **changes: object) -> Config:
    """Settings with two routes, in this order of preference, both in the form of Africa's Talking."""
    account = {"username": "laseli", "api_key": "key", "sender": "99000", "hook_secrets": (HOOK_SECRET,)}
    base = {
        "routes": (FIRST, SECOND),
        "send_timeout": 0.6,
        FIRST: account | {"base_url": first.base_url},
        SECOND: account | {"base_url": second.base_url},
    }
    return a_config(database_url, **(base | changes))


@dataclass
class Manner:
    """How a carrier treats what it took: the share that arrives, and its receipts' mean delay in seconds."""

    arrives: float = 0.95
    delay: float = 5.0


@dataclass
class Line:
    """Messages, turns and receipts, ten seconds at a time."""

    runtime: Runtime
    clock: TestClock
    carriers: dict[str, LoopbackCarrier]
    manners: dict[str, Manner] = field(default_factory=dict)
    seed: int = 0

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)
        self.numbers = count()
        self.read = dict.fromkeys(self.carriers, 0)
        self.due: list[tuple[int, int, str, str, str, str, int]] = []
        self.shares: list[dict[str, int]] = []
        self.begun = self.clock.now()

    @property
    def minute(self) -> float:
        return (self.clock.now() - self.begun) / 60_000

    def live(self, minutes: float, per_look: int) -> None:
        """Let so many minutes pass, with so many new messages every ten seconds."""
        for _ in range(round(minutes * 60 / LOOK_S)):
            self.clock.advance(seconds=LOOK_S)
            self.queue(per_look)
            dispatcher.send_due(self.runtime)
            self._write_receipts()
            self._bring_receipts()
            route_book.weigh(self.runtime)
            self.shares.append(self.share())

    def queue(self, how_many: int, **changes: object) -> None:
        now = self.clock.now()
        letters = []
        for _ in range(how_many):
            n = next(self.numbers)
            number = f"+223{'66' if n % 5 == 0 else '70'}{n % 1_000_000:06d}"
            base = {"to": number, "text": f"n {n}", "key": f"k{n}", "purpose": "reminder", "klass": "once"}
            base |= {"not_before": now, "useful_until": now + 48 * HOUR, "hours": "any"}
            letters.append(Letter(**(base | changes)))
        with self.runtime.database.begin() as tx:
            put_many(tx, now, letters)

    def share(self, network: str = "") -> dict[str, int]:
        with self.runtime.database.read() as tx:
            return {channel: share for channel, of, share in route_tables.shares(tx) if of == network}

    def sent(self, channel: str) -> int:
        return len(self.carriers[channel].accepted)

    def _write_receipts(self) -> None:
        now = self.clock.now()
        for name, carrier in self.carriers.items():
            manner = self.manners.get(name, Manner())
            for sms in carrier.accepted[self.read[name] :]:
                at = now + int(self.dice.expovariate(1 / manner.delay) * 1000)
                state = "delivered" if self.dice.random() < manner.arrives else "undelivered"
                heapq.heappush(self.due, (at, next(self.numbers), name, sms.id, sms.to, state, now))
            self.read[name] = len(carrier.accepted)

    def _bring_receipts(self) -> None:
        now = self.clock.now()
        while self.due and self.due[0][0] <= now:
            _, _, name, carrier_id, to, state, _ = heapq.heappop(self.due)
            receipts.take(self.runtime, Receipt(name, carrier_id, to, None, state, ""))
        receipts.settle(self.runtime)
