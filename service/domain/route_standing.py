"""How much of an operator's traffic each carrier is trusted with, from the figures of `route_window`.

A share falls at once and comes back in small steps, minutes apart, each after good evidence. Changes limited in size
and in frequency are what keeps routes from flapping: a route that falls again on the same day comes back at half the
pace, so even a carrier that fails on purpose is left and tried again a bounded number of times.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from service.domain.route_window import (
    HOUR_MS,
    KNOWN,
    MARGIN,
    MINUTE_MS,
    WIDE_MARGIN,
    WINDOW_MS,
    Evidence,
    Expected,
    Slice,
    Usual,
    among_others,
    evidence,
    expected,
    learnt,
    why_worse,
)

TRIAL = 2
"""Of a hundred, what a route keeps that was left: enough to hear when it is well again, and harm to few."""
TRICKLE = 5
"""What a good route has that is not the first choice: it is known to work when it is needed."""
STEPS = (TRIAL, 10, 25, 50, 100)
STEP_MS = 5 * MINUTE_MS
SLOWEST_STEP_MS = HOUR_MS
QUIET_MS = HOUR_MS  # too few messages to prove anything: trusted by one step more an hour, up to half
QUIET_MOST = 50
FALLS_FORGOTTEN_MS = 24 * HOUR_MS
PROOF = 5  # messages
AS_GOOD = 0.10
BETTER = 0.95  # another first choice must cost so much less per arrival
# Without prices of one's own the order of LASELI_ROUTES is the wish; with them it only decides between equals.
RANK_WITHOUT_PRICES, RANK_WITH_PRICES = 0.10, 0.01
MINUTE_OF_DELAY = 0.05


class Standing(NamedTuple):
    """Where a route stands with an operator. `resting` is the share it has when all is well; times UTC milliseconds."""

    share: int
    resting: int
    why: str
    changed_at: int
    trial: bool = False  # it was left and has not come back to its resting share
    falls: int = 0
    fell_at: int | None = None
    usual: Usual = Usual()


class Route(NamedTuple):
    """One route as it is looked at for one operator; `whole` and `whole_usual` are of all operators together."""

    channel: str
    open: bool
    price: int | None  # hundredths for a part; None: unknown, or an example
    slices: Sequence[Slice] = ()
    standing: Standing | None = None
    whole: Sequence[Slice] = ()
    whole_usual: Usual = Usual()

    @property
    def usual(self) -> Usual:
        return self.standing.usual if self.standing else self.whole_usual

    @property
    def on_trial(self) -> bool:
        return self.standing is not None and self.standing.trial


def weigh(routes: Sequence[Route], now: int, elapsed_ms: int) -> dict[str, Standing]:
    """The new standing of each route; `routes` in the order of preference, `elapsed_ms` since they were weighed last.

    The shares of the open ones are a hundred together; a closed one has none and keeps what is known of it.
    """
    found = {one.channel: _closed(one, now) for one in routes if not one.open}
    opened = [one for one in routes if one.open]
    if opened:
        found |= _Weighing(opened, now).done(elapsed_ms)
    return {one.channel: found[one.channel] for one in routes}


def _closed(route: Route, now: int) -> Standing:
    was = route.standing or Standing(0, 0, "", now)
    changed_at = now if was.share else was.changed_at
    return was._replace(share=0, resting=0, why="paused", changed_at=changed_at, trial=False)


class _Weighing:
    """One look at the open routes of one operator."""

    def __init__(self, routes: Sequence[Route], now: int) -> None:
        self.routes, self.now = routes, now
        self.resting = resting_shares(routes)
        self.shares = {one.channel: one.standing.share if one.standing else 0 for one in routes}
        self.trial = {one.channel: one.on_trial for one in routes}
        self.falls = {one.channel: falls_within_a_day(one.standing, now) for one in routes}
        self.usual = usual_among(routes)
        self.expected = {one.channel: expected(_window(one, now), self.usual[one.channel]) for one in routes}
        self.fell: set[str] = set()
        self.rose: set[str] = set()
        self.why: dict[str, str] = {}

    def done(self, elapsed_ms: int) -> dict[str, Standing]:
        if any(self.shares.values()):
            self._fall()
            self._rise()
            self._balance()
        else:
            self.shares = dict(self.resting)
            self.why = dict.fromkeys(self.shares, "as it is when all is well")
        return {one.channel: self._standing(one, elapsed_ms) for one in self.routes}

    # -- down, at once

    def _fall(self) -> None:
        for route in sorted(self.routes, key=lambda one: self.expected[one.channel].success):
            taker = self._taker(route) if self.shares[route.channel] > TRIAL else None
            reason = self._why_leave(route, taker) if taker else ""
            if taker and reason:
                self._leave(route.channel, taker.channel, f"{route.channel}: {reason}, {taker.channel} takes over")

    def _taker(self, route: Route) -> Route | None:
        """The best of the others that is trusted, or has proved itself again. When all are bad nobody is left."""
        others = [one for one in self.routes if one is not route and one.channel not in self.fell]
        able = [one for one in others if not self.trial[one.channel] or self._may_come_back(one)]
        return max(able, key=lambda one: self.expected[one.channel].success, default=None)

    def _may_come_back(self, route: Route) -> bool:
        return self._has_waited(route) and self._has_proved(route, self.usual[route.channel].expected())

    def _has_waited(self, route: Route) -> bool:
        changed_at = route.standing.changed_at if route.standing else 0
        return self.now - changed_at >= step_ms(self.falls[route.channel])

    def _why_leave(self, route: Route, taker: Route) -> str:
        """By this operator's figures, or by those of all together; "" unless it is clearly worse than the other route
        and than itself on an ordinary day: phones that are off are no carrier's fault.
        """
        than = self.expected[taker.channel].or_worse(self.usual[route.channel].expected())
        known = route.usual.weight + taker.usual.weight >= KNOWN
        reason = why_worse(route.slices, self.now, route.usual, than, MARGIN if known else WIDE_MARGIN)
        if reason or not route.whole:
            return reason
        theirs = expected(evidence(taker.whole, self.now, taker.whole_usual, WINDOW_MS), taker.whole_usual)
        known = route.whole_usual.weight + taker.whole_usual.weight >= KNOWN
        than, margin = theirs.or_worse(route.whole_usual.expected()), MARGIN if known else WIDE_MARGIN
        return why_worse(route.whole, self.now, route.whole_usual, than, margin)

    def _leave(self, name: str, taker: str, why: str) -> None:
        self.shares[taker] += self.shares[name] - TRIAL
        self.shares[name] = TRIAL
        self.trial[name] = True
        self.falls[name] += 1
        self.fell.add(name)
        self.why |= {name: why, taker: why}

    # -- up, one step of one route at a time

    def _rise(self) -> None:
        last_change = max(one.standing.changed_at for one in self.routes if one.standing)
        if self.fell or self.now - last_change < STEP_MS:
            return
        for route in self.routes:
            name, share = route.channel, self.shares[route.channel]
            reason = self._why_rise(route) if share < self.resting[name] else ""
            if reason:
                self.rose.add(name)
                self.shares[name] = step = next_step(share, self.resting[name])
                self.why = dict.fromkeys(self.shares, f"{name}: {reason}, from {share} to {step} of a hundred")
                return

    def _why_rise(self, route: Route) -> str:
        name = route.channel
        if not self.trial[name] or route.standing is None:
            return "its share when all is well"
        if not self._has_waited(route):
            return ""
        others = [self.expected[other] for other in self.shares if other != name]
        best = max(others, key=lambda one: one.success, default=self.usual[name].expected())
        if self._has_proved(route, best):
            seen = self._since_change(route)
            return f"{seen.delivered} of {seen.settled} delivered, {seen.calls - seen.failed} of {seen.calls} taken"
        for_an_hour = self.now - route.standing.changed_at >= QUIET_MS
        if for_an_hour and self.shares[name] < QUIET_MOST and _nothing_bad(_window(route, self.now)):
            return "few messages and nothing against it for an hour"
        return ""

    def _has_proved(self, route: Route, than: Expected) -> bool:
        seen = self._since_change(route)
        enough = min(seen.calls, seen.settled) >= PROOF
        return enough and seen.failed_rate <= than.failed + AS_GOOD and seen.lost_rate <= than.lost + AS_GOOD

    def _since_change(self, route: Route) -> Evidence:
        """Its messages since its share changed; with few of this operator, and none bad, those of all operators."""
        since = route.standing.changed_at if route.standing else 0
        own = evidence(route.slices, self.now, route.usual, WINDOW_MS, since)
        if min(own.calls, own.settled) >= PROOF or not _nothing_bad(own) or not route.whole:
            return own
        return evidence(route.whole, self.now, route.whole_usual, WINDOW_MS, since)

    # -- what is written down

    def _balance(self) -> None:
        fixed = {name for name in self.shares if self.trial[name]} | self.rose
        before, self.shares = self.shares, balanced(self.shares, self.resting, fixed)
        for name, share in self.shares.items():
            if share != before[name]:
                self.why.setdefault(name, "what another route left or took")

    def _standing(self, route: Route, elapsed_ms: int) -> Standing:
        name, was = route.channel, route.standing or Standing(-1, 0, "", self.now)
        share, rest = self.shares[name], self.resting[name]
        changed = share != was.share
        return Standing(
            share=share,
            resting=rest,
            why=self.why.get(name, "") if changed else was.why,
            changed_at=self.now if changed else was.changed_at,
            trial=self.trial[name] and share < rest,
            falls=self.falls[name],
            fell_at=self.now if name in self.fell else was.fell_at,
            usual=learnt(route.usual, route.slices, self.now, elapsed_ms),
        )


def _window(route: Route, now: int) -> Evidence:
    return evidence(route.slices, now, route.usual, WINDOW_MS)


def _nothing_bad(seen: Evidence) -> bool:
    return not seen.failed and seen.lost < 1


def falls_within_a_day(standing: Standing | None, now: int) -> int:
    fell_at = standing.fell_at if standing else None
    return standing.falls if standing and fell_at is not None and now - fell_at < FALLS_FORGOTTEN_MS else 0


def step_ms(falls: int) -> int:
    """How long a route waits for a step up, by how often it fell in a day: 5, 10, 20, 40, 60 minutes."""
    return min(STEP_MS << max(0, min(falls, 10) - 1), SLOWEST_STEP_MS)


def next_step(share: int, resting: int) -> int:
    return min(resting, next(step for step in STEPS if step > share))


# --- what is best when all is well --------------------------------------------------------------------------


def resting_shares(routes: Sequence[Route]) -> dict[str, int]:
    """The share of each when all is well: a trickle, and the rest for the one whose arrivals cost least."""
    trickle = min(TRICKLE, 50 // len(routes))
    shares = {one.channel: trickle for one in routes}
    return shares | {_first_choice(routes): 100 - trickle * (len(routes) - 1)}


def _first_choice(routes: Sequence[Route]) -> str:
    """The cheapest by arrival; what is first choice already stays so while another is not clearly better."""
    cost = costs_of_arrival(routes)
    best = min(cost, key=lambda name: cost[name])
    rests = {one.channel: one.standing.resting for one in routes if one.standing}
    first = max(rests, key=lambda name: rests[name], default=best)
    return first if rests.get(first, 0) > TRICKLE and cost[best] > cost[first] * BETTER else best


def costs_of_arrival(routes: Sequence[Route]) -> dict[str, float]:
    """What a message that arrives costs by each: its price by its usual success, a little more when it is slow.

    Without a price for every one of them they count as equally dear, and the order of the settings decides.
    """
    priced = all(one.price is not None for one in routes)
    preference = RANK_WITH_PRICES if priced else RANK_WITHOUT_PRICES
    usual = usual_among(routes)
    return {
        one.channel: ((one.price or 0) + 1.0 if priced else 100.0)
        * (1 + preference * rank)
        * (1 + MINUTE_OF_DELAY * usual[one.channel].delay_ms / MINUTE_MS)
        / max(0.05, usual[one.channel].expected().success)
        for rank, one in enumerate(routes)
    }


def usual_among(routes: Sequence[Route]) -> dict[str, Usual]:
    return {one.channel: among_others(one.usual, [other.usual for other in routes]) for one in routes}


def balanced(shares: Mapping[str, int], resting: Mapping[str, int], fixed: set[str]) -> dict[str, int]:
    """The shares, brought to a sum of a hundred without touching the `fixed` ones, unless there are no others.

    What is missing goes to whoever is furthest below its rest; what is too much comes from who is furthest above.
    """
    found = dict(shares)
    free = [name for name in found if name not in fixed] or list(found)
    while left := 100 - sum(found.values()):
        one = 1 if left > 0 else -1
        able = [name for name in free if found[name] + one >= 0] or [name for name in found if found[name] + one >= 0]
        found[max(able, key=lambda name: (one * (resting[name] - found[name]), resting[name], name))] += one
    return found
