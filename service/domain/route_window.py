"""What the last minutes say of a carrier: figures of the messages sent in them, and how far they can be believed.

Every figure belongs to the moment its message was *sent*: "3 of 40 delivered" speaks of the same forty. Two questions
are asked apart, because they are answered at different times: did the carrier take our calls (known at once), and did
what it took arrive (known when receipts come, or should have come).

Few figures decide nothing. A rate is drawn towards what is usual on that route, and "clearly worse" means that chance
would show it less than once in a million looks: a route is looked at 8,640 times a day.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

SECOND_MS, MINUTE_MS, HOUR_MS = 1_000, 60_000, 3_600_000
SLICE_MS = 5 * SECOND_MS
WINDOW_MS = 10 * MINUTE_MS
HORIZONS_MS = (MINUTE_MS, 3 * MINUTE_MS, WINDOW_MS)
"""The short ones notice a carrier that just fell; the long one hears a carrier with few messages."""

# Silence means something after three times the usual delay; heard sooner it is impatience, later it is too late.
PATIENCE_MS = (20 * SECOND_MS, 5 * MINUTE_MS)
KEPT_MS = WINDOW_MS + PATIENCE_MS[1]
LONGEST_DELAY_MS = 2 * MINUTE_MS
"""A phone that was off all night says nothing about the carrier's delay: longer ones count as this."""

WEIGHT_OF_USUAL = 20  # messages: what is usual weighs as much as so many of the window
MARGIN = 0.25  # a difference worth leaving a carrier for
WIDE_MARGIN = 0.50  # while hardly anything is known of a route and of the one that would take over
KNOWN = 100  # messages
WEIGHT_OF_OTHERS = 500  # messages: what is usual for all routes to an operator weighs as much for each of them
QUIETER = 0.40  # of the receipts that usually come, so many do not
FEWEST = 6
SURE = 14.0  # nats: a chance of one in a million
LEAST_RATE = 0.05  # a rate believed to be lower than this could be bad luck

USUAL_HALF_LIFE_MS = 6 * HOUR_MS
"""What a message taught counts half after so long."""


class Slice(NamedTuple):
    """Figures of the messages that were sent from `at` on, for SLICE_MS (UTC milliseconds)."""

    at: int
    accepted: int = 0
    refused: int = 0  # surely not sent, or refused
    unknown: int = 0  # no readable answer
    delivered: int = 0
    undelivered: int = 0
    delay_ms: int = 0  # the sum over `delays` receipts
    delays: int = 0


class Expected(NamedTuple):
    """How often calls fail, and how often what was taken is lost, on a route."""

    failed: float
    lost: float

    @property
    def success(self) -> float:
        return (1 - self.failed) * (1 - self.lost)

    def or_worse(self, other: Expected) -> Expected:
        return Expected(max(self.failed, other.failed), max(self.lost, other.lost))


class Usual(NamedTuple):
    """What this route does on an ordinary day, as shares of one; `silent`: no receipt, good or bad."""

    failed: float = 0.02
    undelivered: float = 0.25  # phones that are off: learnt within a hundred messages
    silent: float = 1.0  # nothing is expected of a route that never sent a receipt
    delay_ms: int = 10 * SECOND_MS
    weight: float = WEIGHT_OF_USUAL  # the messages that it was learnt from, the older counting less

    @property
    def patience_ms(self) -> int:
        return min(max(3 * self.delay_ms, PATIENCE_MS[0]), PATIENCE_MS[1])

    @property
    def success(self) -> float:
        return (1 - self.failed) * (1 - self.undelivered)

    def expected(self) -> Expected:
        return Expected(self.failed, self.undelivered)


class Evidence(NamedTuple):
    """One horizon: `failed` of `calls`, and of `settled` messages (old enough for a receipt) what became of them."""

    horizon_ms: int
    calls: int
    failed: int
    unknown: int
    settled: int
    delivered: int
    undelivered: int
    missing: float  # silent beyond what is usual

    @property
    def told(self) -> int:
        return self.delivered + self.undelivered

    @property
    def silent(self) -> int:
        return self.settled - self.told

    @property
    def lost(self) -> float:
        return self.undelivered + self.missing

    @property
    def judged(self) -> float:
        """Messages of which something is known; a silence that is usual says nothing."""
        return self.delivered + self.lost

    @property
    def failed_rate(self) -> float:
        return self.failed / self.calls if self.calls else 0.0

    @property
    def lost_rate(self) -> float:
        return self.lost / self.judged if self.judged else 0.0


def add(slices: Iterable[Slice]) -> Slice:
    """All of them in one; `at` is of the earliest."""
    rows = list(slices)
    if not rows:
        return Slice(0)
    return Slice(min(row.at for row in rows), *(sum(column) for column in list(zip(*rows, strict=True))[1:]))


def evidence(slices: Sequence[Slice], now: int, usual: Usual, horizon_ms: int, since: int = 0) -> Evidence:
    """What the messages of this horizon say, of those sent from `since` on.

    Calls are judged when they were made; for receipts the horizon is as long, but ends when patience began.
    """
    calls = add(one for one in slices if one.at >= since and now - one.at < horizon_ms)
    patience = usual.patience_ms + SLICE_MS
    told = add(one for one in slices if one.at >= since and patience <= now - one.at < horizon_ms + patience)
    settled = max(told.accepted, told.delivered + told.undelivered)
    silent = settled - told.delivered - told.undelivered
    return Evidence(
        horizon_ms,
        calls.accepted + calls.refused + calls.unknown,
        calls.refused + calls.unknown,
        calls.unknown,
        settled,
        told.delivered,
        told.undelivered,
        max(0.0, silent - usual.silent * settled),
    )


def expected(window: Evidence, usual: Usual) -> Expected:
    """The window's rates drawn towards what is usual: with no messages they are the usual ones."""
    return Expected(
        (window.failed + WEIGHT_OF_USUAL * usual.failed) / (window.calls + WEIGHT_OF_USUAL),
        (window.lost + WEIGHT_OF_USUAL * usual.undelivered) / (window.judged + WEIGHT_OF_USUAL),
    )


def among_others(usual: Usual, others: Iterable[Usual]) -> Usual:
    """A route's usual rates, drawn towards those of all routes to this operator: the less is known of it, the more.

    Phones that are off are off for every carrier: one that was hardly used must not look better for it.
    """
    known = list(others)
    weight = sum(one.weight for one in known)
    own = usual.weight / (usual.weight + WEIGHT_OF_OTHERS)

    def drawn(mine: float, theirs: Iterable[float]) -> float:
        common = sum(rate * one.weight for rate, one in zip(theirs, known, strict=True)) / weight
        return common + (mine - common) * own

    return usual._replace(
        failed=drawn(usual.failed, (one.failed for one in known)),
        undelivered=drawn(usual.undelivered, (one.undelivered for one in known)),
        delay_ms=round(drawn(usual.delay_ms, (one.delay_ms for one in known))),
    )


def why_worse(slices: Sequence[Slice], now: int, usual: Usual, than: Expected, margin: float = MARGIN) -> str:
    """In a few words what the last minutes show that is clearly worse than expected; "" when nothing is.

    Worse by a margin worth acting on, and not by chance: what calls, bad news and silence say is added up.
    """
    for horizon in HORIZONS_MS:
        seen = evidence(slices, now, usual, horizon)
        span = f"{horizon // MINUTE_MS} minutes" if horizon > MINUTE_MS else "a minute"
        of_calls = _surprise(seen.failed, seen.calls, than.failed)
        of_receipts = _surprise(seen.undelivered, seen.told, than.lost) + _of_silence(seen, usual)
        arrive = (1 - seen.failed_rate) * (1 - seen.lost_rate)
        if seen.calls + seen.settled < FEWEST or arrive > than.success - margin or of_calls + of_receipts < SURE:
            continue
        if of_calls >= of_receipts:
            return f"{seen.failed} of {seen.calls} calls failed in {span}"
        return f"{seen.delivered} of {seen.settled} delivered in {span}"
    return ""


def _of_silence(seen: Evidence, usual: Usual) -> float:
    """Nats of a silence that is much longer than usual here; short horizons always miss a few late receipts."""
    if not seen.settled or seen.silent / seen.settled < usual.silent + QUIETER * (1 - usual.silent):
        return 0.0
    return _surprise(seen.silent, seen.settled, usual.silent)


def _surprise(bad: int, seen: int, rate: float) -> float:
    """Nats of finding so many bad ones where `rate` of them were to be found, or none when they are no more.

    How surprising it is: e to the minus this, at most (Chernoff's bound on a coin thrown `seen` times).
    """
    rate = max(rate, LEAST_RATE)
    if not seen or bad <= seen * rate or rate >= 1:
        return 0.0
    found = bad / seen
    good = 0.0 if found >= 1 else (1 - found) * math.log((1 - found) / (1 - rate))
    return seen * (found * math.log(found / rate) + good)


def learnt(usual: Usual, slices: Sequence[Slice], now: int, elapsed_ms: int) -> Usual:
    """What is usual, with the messages that left the window since the last look. Each teaches once, when it is old.

    So a trouble of this minute is not yet usual, and late receipts have come.
    """
    left = add(one for one in slices if WINDOW_MS <= now - one.at < WINDOW_MS + elapsed_ms)
    weight = max(WEIGHT_OF_USUAL, usual.weight * 2 ** (-elapsed_ms / USUAL_HALF_LIFE_MS))
    calls = left.accepted + left.refused + left.unknown
    told = left.delivered + left.undelivered

    def moved(old: float, new: float, messages: int) -> float:
        return old + (new - old) * messages / (messages + weight) if messages else old

    return Usual(
        moved(usual.failed, (left.refused + left.unknown) / max(1, calls), calls),
        moved(usual.undelivered, left.undelivered / max(1, told), told),
        moved(usual.silent, 1 - min(1.0, told / max(1, left.accepted)), left.accepted),
        round(moved(usual.delay_ms, left.delay_ms / max(1, left.delays), left.delays)),
        weight + calls,
    )
