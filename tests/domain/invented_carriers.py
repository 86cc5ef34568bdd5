"""Carriers that exist in numbers only: how they treat messages is a function of the time; dice come from a seed."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from service.domain.route_standing import Route, Standing, weigh
from service.domain.route_window import KEPT_MS, LONGEST_DELAY_MS, MINUTE_MS, SLICE_MS, Slice

LOOK_MS = 10_000
START = 1_800_000_000_000


@dataclass(frozen=True)
class Behaviour:
    """Chances, and the mean delay of a receipt in seconds."""

    fails: float = 0.01
    arrives: float = 0.92
    tells: float = 0.95  # that a receipt comes at all
    delay: float = 6.0


GOOD = Behaviour()
DEAF = Behaviour(tells=0.0)
Life = Callable[[float], Behaviour]  # of the minutes since the start


@dataclass
class World:
    """One operator's traffic through several carriers, looked at every ten seconds."""

    lives: dict[str, Life]
    per_minute: Callable[[float], float]
    seed: int = 0
    prices: dict[str, int] = field(default_factory=dict)
    standing: dict[str, Standing] = field(default_factory=dict)
    shares: list[dict[str, int]] = field(default_factory=list)
    whys: list[str] = field(default_factory=list)
    sent: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    arrived: int = 0

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)
        self.now = START
        self.told: list[tuple[int, str, int, bool]] = []
        self.seen: dict[str, dict[int, list[int]]] = {name: defaultdict(lambda: [0] * 7) for name in self.lives}
        self.look()

    @property
    def minute(self) -> float:
        return (self.now - START) / MINUTE_MS

    def live(self, minutes: float) -> World:
        until = self.now + minutes * MINUTE_MS
        while self.now < until:
            self.now += LOOK_MS
            self._send()
            self._receipts()
            self.look()
        return self

    def _send(self) -> None:
        mean = self.per_minute(self.minute) * LOOK_MS / MINUTE_MS
        count = int(mean) + (self.dice.random() < mean % 1)
        names = list(self.lives)
        weights = [self.standing[name].share for name in names]
        for name in self.dice.choices(names, weights, k=count):
            self.sent[name] += 1
            at = self.now - self.dice.randrange(LOOK_MS)
            figures, life = self.seen[name][at - at % SLICE_MS], self.lives[name](self.minute)
            if self.dice.random() < life.fails:
                figures[1 + self.dice.randrange(2)] += 1
                continue
            figures[0] += 1
            arrives = self.dice.random() < life.arrives
            self.arrived += arrives
            if self.dice.random() < life.tells:
                delay = int(self.dice.expovariate(1 / max(life.delay, 0.1)) * 1000)
                self.told.append((at + delay, name, at, arrives))

    def _receipts(self) -> None:
        for due in [one for one in self.told if one[0] <= self.now]:
            self.told.remove(due)
            at, name, sent_at, arrives = due
            figures = self.seen[name][sent_at - sent_at % SLICE_MS]
            figures[3 if arrives else 4] += 1
            figures[5] += min(at - sent_at, LONGEST_DELAY_MS)
            figures[6] += 1

    def look(self) -> None:
        routes = []
        for name, seen in self.seen.items():
            for at in [at for at in seen if self.now - at > KEPT_MS]:
                del seen[at]
            slices = [Slice(at, *figures) for at, figures in seen.items()]
            routes.append(Route(name, True, self.prices.get(name), slices, self.standing.get(name)))
        new = weigh(routes, self.now, LOOK_MS)
        if self.standing and any(new[name].share != self.standing[name].share for name in new):
            self.whys.append(
                f"{self.minute:.1f}: "
                + " | ".join(sorted({one.why for one in new.values() if one.changed_at == self.now}))
            )
        self.standing = new
        self.shares.append({name: one.share for name, one in new.items()})

    @property
    def changes(self) -> int:
        return sum(one != before for before, one in zip(self.shares, self.shares[1:], strict=False))

    def share(self, name: str) -> int:
        return self.standing[name].share


def steady(behaviour: Behaviour) -> Life:
    return lambda _: behaviour


def troubled(start: float, end: float, meanwhile: Behaviour, otherwise: Behaviour = GOOD) -> Life:
    return lambda minute: meanwhile if start <= minute < end else otherwise
