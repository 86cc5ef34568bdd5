"""One turn of the dispatcher: what may leave now and by which carrier, the call itself, and what it came to.

`claim` and `note` work in the dispatcher's transaction; `make` runs on a sender thread, with no transaction open.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy.engine import Connection

from service.channels.base import Channel, Outgoing
from service.domain.message_states import Accepted, Ambiguous, Change, NotSent, Outcome, Refused, after_send
from service.domain.route_choice import OpenRoute, choose, worth_claiming
from service.logs import log
from service.runtime import Runtime
from service.store import message_claims
from service.store.message_claims import SMS, VOICE, Claimed, Noted, Start, Wait
from service.stories.delivery import brakes, dispatch_gate, money, receipts, route_book
from service.stories.delivery.money import Settled, Wanted
from service.stories.talk import opt_outs

MOST_IN_ONE_CALL = 100
LOOKS = 20
"""So often a turn looks for others in the place of messages that it had to put back."""
NO_ROUTE_MS, NO_MONEY_MS = 1_000, 10 * 60_000
LONGEST_WAIT_S = 0.5


class Leaving(NamedTuple):
    """A message with its operator's code and its probable price, in hundredths of a franc CFA.

    `at` is when that was put aside.
    """

    message: Claimed
    network: str
    cost: int
    at: int


class Call(NamedTuple):
    """One call to a carrier: for one message, or for many that say the same."""

    channel: Channel
    letters: tuple[Leaving, ...]


class Finished(NamedTuple):
    """What a call came to for one message; `called` False when it was not even begun."""

    leaving: Leaving
    channel: str
    outcome: Outcome
    called: bool = True


# -- before the calls


class Claims(NamedTuple):
    """The calls to be made now.

    `part_s`: in how many seconds the quickest route has room for one part more, 0 where one has room for all.
    `held_by_pace`: something is due, and only that holds it.
    """

    calls: list[Call]
    part_s: float = 0.0
    held_by_pace: bool = False


def claim(tx: Connection, runtime: Runtime, now: int, free: int) -> Claims:
    """Take at most `free` calls' worth of due messages."""
    if dispatch_gate.closed(tx) or money.day_is_spent(tx, runtime, now):
        return Claims([])
    lines, open_hours = _lines(tx, runtime, now), runtime.hours.open_names(runtime.local(now))
    room = {medium: worth_claiming(routes, free) for medium, routes in lines.items()}
    most = min(free, sum(room.values()))
    routes = [route for line in lines.values() for route in line]
    part_s = 0.0 if any(one.parts is None for one in routes) else _part_s(runtime, routes)
    if routes and most < 1 and message_claims.any_due(tx, now, open_hours):
        return Claims([], part_s, held_by_pace=True)
    turn = _Turn(tx, runtime, now, lines, open_hours)
    calls = turn.calls(most, _only(room))
    letters = [(call, one) for call in calls for one in call.letters]
    starts = [
        Start(one.message.id, one.message.fence, call.channel.name, one.cost, one.network) for call, one in letters
    ]
    message_claims.start_attempts(tx, starts, now)
    route_book.take(tx, runtime, turn.used)
    brakes.count_held(tx, turn.held)
    return Claims(calls, part_s)


def _lines(tx: Connection, runtime: Runtime, now: int) -> dict[str, list[OpenRoute]]:
    """The open routes of each medium: what is said in a call goes by the channel that calls, and by no other."""
    lines = {SMS: route_book.open_routes(tx, runtime, now)}
    if runtime.voice is not None:
        lines[VOICE] = route_book.open_routes(tx, runtime, now, (runtime.voice,))
    return lines


def _only(room: Mapping[str, int]) -> str | None:
    """The one medium with room, where there are two: the other's messages are left where they wait."""
    free = [medium for medium, most in room.items() if most > 0]
    return free[0] if len(room) > 1 and len(free) == 1 else None


def _part_s(runtime: Runtime, routes: Iterable[OpenRoute]) -> float:
    """How long the quickest of the routes with a pace takes to have room for one part."""
    paces = [runtime.config.pace[one.channel] for one in routes if one.channel in runtime.config.pace]
    return min(1 / max(paces, default=1.0), LONGEST_WAIT_S)


class _Turn:
    """What one turn gives out: the room of the routes is counted down as messages find their places."""

    def __init__(
        self,
        tx: Connection,
        runtime: Runtime,
        now: int,
        lines: Mapping[str, Sequence[OpenRoute]],
        open_hours: frozenset[str],
    ) -> None:
        self.tx, self.runtime, self.now, self.lines, self.open_hours = tx, runtime, now, lines, open_hours
        self.used: Counter[str] = Counter()
        self.leaving: Counter[bytes] = Counter()  # unasked messages that have their place, by number
        self.held = self.waiting = 0

    def calls(self, most: int, only: str | None = None) -> list[Call]:
        """The calls to be made now. Who may not leave is put back, and leaves the place to others."""
        placed: list[tuple[str, Leaving]] = []
        for _ in range(LOOKS):
            if len(placed) >= most:
                break
            claimed = message_claims.claim_due(self.tx, self.now, most - len(placed), self.open_hours, only)
            if not claimed:
                break
            placed += self._placed(claimed)
        return [self._filled(call) for call in _grouped(self.runtime, placed)]

    def _placed(self, claimed: Sequence[Claimed], only: str | None = None) -> list[tuple[str, Leaving]]:
        """(channel, message) of those that may leave; the others go back to the queue with a reason."""
        held = brakes.held_back(self.tx, self.runtime, claimed, self.leaving, self.now) if claimed else {}
        self.held += sum(one.full for one in held.values())
        waits = [Wait(id, one.until, one.reason) for id, one in held.items()]
        placed = []
        for one in claimed:
            if one.id in held:
                continue
            network = self.runtime.networks.of(one.to, one.network)
            channel = only or self._route(one, network)
            if channel is None:
                waits.append(Wait(one.id, self._its_turn(one), "waits for its route"))
                continue
            self.used[channel] += one.parts
            cost = money.estimate(self.runtime, channel, network, one.parts, self.now)
            placed.append((channel, Leaving(one, network, cost, self.now)))
        leaving = self._paid_for(placed, waits)
        self.leaving.update(one.message.number_idx for _, one in leaving if brakes.is_unasked(one.message))
        message_claims.put_back(self.tx, waits, self.now)
        return leaving

    def _its_turn(self, one: Claimed) -> int:
        """When a message without room is looked at again: as many as wait before it leave first, at the pace."""
        self.waiting += 1
        return self.now + NO_ROUTE_MS + int(self.waiting * 1000 * _part_s(self.runtime, self.lines.get(one.medium, ())))

    def _route(self, one: Claimed, network: str) -> str | None:
        """`avoid`: where it was tried last and not taken."""
        avoid = one.channel if one.attempts > 1 else None
        urgent = one.purpose == "staff"
        routes = self.lines.get(one.medium, ())
        return choose(one.id, network, one.parts, routes, self.used, avoid=avoid, urgent=urgent)

    def _paid_for(self, placed: list[tuple[str, Leaving]], waits: list[Wait]) -> list[tuple[str, Leaving]]:
        wanted = [Wanted(one.message.id, one.cost, one.message.campaign_id) for _, one in placed]
        paid = money.afford(self.tx, self.runtime, wanted, self.now)
        for channel, one in placed:
            if one.message.id not in paid:
                self.used[channel] -= one.message.parts
                waits.append(Wait(one.message.id, self.now + NO_MONEY_MS, "waits for money: the budget is spent"))
        return [(channel, one) for channel, one in placed if one.message.id in paid]

    def _filled(self, call: Call) -> Call:
        """A call to many takes along as many more of its kind as it may carry, and as its route has room for."""
        first = call.letters[0].message
        if not _carries_many(call.channel, first):
            return call
        room = next(one.parts for one in self.lines[SMS] if one.channel == call.channel.name)
        most = MOST_IN_ONE_CALL - len(call.letters)
        if room is not None:
            most = min(most, (room - self.used[call.channel.name]) // first.parts)
        if most < 1:
            return call
        more = message_claims.claim_batch(self.tx, self.now, first.batch_key or b"", most, self.open_hours)
        return Call(call.channel, (*call.letters, *(one for _, one in self._placed(more, only=call.channel.name))))


def _carries_many(channel: Channel, one: Claimed) -> bool:
    return channel.capabilities.many and one.batch_key is not None


def _grouped(runtime: Runtime, placed: Iterable[tuple[str, Leaving]]) -> list[Call]:
    """One call for each message, but one for all that say the same where the carrier takes many."""
    groups: dict[tuple[str, object], list[Leaving]] = defaultdict(list)
    for channel, one in placed:
        many = _carries_many(runtime.channels[channel], one.message)
        groups[channel, one.message.batch_key if many else one.message.id].append(one)
    return [Call(runtime.channels[channel], tuple(together)) for (channel, _), together in groups.items()]


# -- the call


def make(call: Call, deadline: float, now: int) -> list[Finished]:
    """Call the carrier, unless the lease is nearly over. Never raises."""
    name = call.channel.name
    if time.monotonic() > deadline:
        late = NotSent("the lease was nearly over", retry_after_s=0)
        return [Finished(one, name, late, called=False) for one in call.letters]
    letters = [_letter(one.message, now) for one in call.letters]
    try:
        outcomes = [call.channel.send(letters[0])] if len(letters) == 1 else call.channel.send_many(letters)
    except Exception as bug:
        # We do not know how far the adapter came: the safe word is "unknown". Only the kind of error is logged,
        # since its text may quote the request.
        log.error("send_crashed", channel=name, error=type(bug).__name__)
        outcomes = [Ambiguous(f"our adapter failed: {type(bug).__name__}")] * len(letters)
    return [Finished(one, name, outcome) for one, outcome in zip(call.letters, outcomes, strict=True)]


def _letter(one: Claimed, now: int) -> Outgoing:
    return Outgoing(one.id, one.to, one.text, useful_for_s=max(0, one.useful_until - now) // 1000)


# -- after the calls


def note(tx: Connection, runtime: Runtime, finished: Sequence[Finished], now: int) -> None:
    """Write down what calls came to, in one go; where we lost the lease meanwhile, only the attempt is noted."""
    if not finished:
        return
    changes = [_change(one, now) for one in finished]
    notes = [_noted(runtime, one, change, now) for one, change in zip(finished, changes, strict=True)]
    kept = message_claims.note_outcomes(tx, notes, now)
    for one in finished:
        if isinstance(one.outcome, Refused) and one.outcome.opt_out:
            opt_outs.stop(tx, runtime, one.leaving.message.to, "carrier", now)
    named = [(one.id, one.channel, one.carrier_id) for one in notes if one.carrier_id]
    receipts.apply_early(tx, runtime, named, now)
    called = [one for one in finished if one.called]
    samples = (route_book.of_call(one.channel, one.leaving.network, one.outcome) for one in called)
    route_book.note_samples(tx, samples, now)
    money.settle_true_cost(tx, runtime, _settled(finished, notes, kept), now)
    # Last: whoever waits for a route's row holds all its other rows already, so nobody waits in a circle.
    for one, change in zip(finished, changes, strict=True):
        if isinstance(one.outcome, Refused) and change.pause_channel:
            route_book.pause(tx, one.channel, one.outcome.scope, one.outcome.detail, now)
    _log(finished, changes, kept)


def _change(one: Finished, now: int) -> Change:
    """What was not even begun is no try: it comes back in a minute, and never counts towards giving up."""
    message = one.leaving.message
    tries = message.attempts if one.called else 1
    return after_send(message.klass, tries, one.outcome, now, message.useful_until, message.resends)


def _noted(runtime: Runtime, one: Finished, change: Change, now: int) -> Noted:
    taken = one.outcome if isinstance(one.outcome, Accepted) else None
    return Noted(
        id=one.leaving.message.id,
        fence=one.leaving.message.fence,
        outcome=type(one.outcome).__name__.lower(),
        detail=one.outcome.detail,
        state=change.state,
        reason=change.reason or None,
        channel=one.channel,
        not_before=change.not_before,
        carrier_id=taken.carrier_id if taken else None,
        cost=taken.cost if taken else None,
        cost_true=money.true_cost(runtime, taken.cost, now) if taken else None,
        tries=0 if one.called else -1,
    )


def _settled(finished: Iterable[Finished], notes: Iterable[Noted], kept: set[int]) -> list[Settled]:
    """What was put aside for those that surely did not leave comes back; where the carrier told the price, it counts.

    What may have left is paid for until somebody knows better.
    """
    found = []
    for one, noted in zip(finished, notes, strict=True):
        surely_not = isinstance(one.outcome, NotSent | Refused)
        true = 0 if surely_not else noted.cost_true
        if noted.id in kept and true is not None:
            found.append(Settled(one.leaving.cost, true, one.leaving.message.campaign_id, one.leaving.at))
    return found


def _log(finished: Iterable[Finished], changes: Iterable[Change], kept: set[int]) -> None:
    """A line for each that did not leave, and one for all that a carrier took."""
    taken: Counter[str] = Counter()
    for one, change in zip(finished, changes, strict=True):
        message_id = one.leaving.message.id
        if isinstance(one.outcome, Accepted) and message_id in kept:
            taken[one.channel] += 1
            continue
        log.info(
            "message_not_sent",
            message=str(message_id),
            channel=one.channel,
            state=change.state if message_id in kept else "somebody else has it",
            reason=change.reason,
            pause=change.pause_channel,
        )
    for channel, number in taken.items():
        log.info("messages_sent", channel=channel, number=number)
