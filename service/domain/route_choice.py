"""Which carrier takes one message: drawn by its id from the shares that `route_standing` keeps, where there is room."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import NamedTuple


class OpenRoute(NamedTuple):
    """A route that messages may take now. `parts`: how many may leave, None without a limit."""

    channel: str
    parts: int | None
    shares: Mapping[str, int]  # by operator; "" for one that nobody knows
    prices: Mapping[str, int]  # by operator, only where the price is known
    full: bool = False  # its bucket is full: one message longer than that may leave all the same
    trial: bool = False  # it was paused, and one message tries it out

    def share(self, network: str) -> int:
        return self.shares.get(network, self.shares.get("", 0))

    def has_room(self, parts: int, used: int) -> bool:
        if self.parts is None or parts <= self.parts - used:
            return True
        return self.full and used == 0


def choose(
    message_id: int,
    network: str,
    parts: int,
    routes: Sequence[OpenRoute],
    used: Mapping[str, int],
    *,
    avoid: str | None = None,
    urgent: bool = False,
) -> str | None:
    """The channel for a message, always the same for the same id and shares; None: it waits for its route's turn.

    `used` are the parts given out since `routes` were read. `avoid` is the route on which it just failed: taken only
    when there is no other. When its route has no room, another takes it if that costs no more, or if it is urgent: a
    cheap carrier's pace must not turn a campaign into a dear one. A route that was paused is tried out by the first
    message that is not urgent, and takes no other.
    """
    able = [one for one in routes if one.channel != avoid] or list(routes)
    trials = [one for one in able if one.trial and one.has_room(parts, used.get(one.channel, 0))]
    if trials and not urgent:
        return trials[0].channel
    able = [one for one in able if not one.trial] or able
    mine = _drawn(message_id, network, able)
    if mine is None or mine.has_room(parts, used.get(mine.channel, 0)):
        return mine.channel if mine else None
    free = [one for one in able if one.has_room(parts, used.get(one.channel, 0))]
    if not urgent:
        free = [one for one in free if _no_dearer(one, mine, network)]
    instead = _drawn(message_id, network, free)
    return instead.channel if instead else None


def worth_claiming(routes: Sequence[OpenRoute], most: int) -> int:
    """How many messages can find a place now: to claim more is to put them back."""
    if any(one.parts is None for one in routes):
        return most
    return min(most, sum(one.parts or 0 for one in routes))


def _drawn(message_id: int, network: str, routes: Sequence[OpenRoute]) -> OpenRoute | None:
    """By lot, weighted by the shares. When one share changes, only messages to or from that route change theirs."""
    shared = [one for one in routes if one.share(network) > 0] or routes
    return min(shared, key=lambda one: _lot(message_id, one.channel, max(1, one.share(network))), default=None)


def _lot(message_id: int, channel: str, share: int) -> float:
    octets = blake2b(f"{message_id}:{channel}".encode(), digest_size=8).digest()
    return -math.log((int.from_bytes(octets) + 1) / (2**64 + 1)) / share


def _no_dearer(one: OpenRoute, than: OpenRoute, network: str) -> bool:
    theirs, mine = one.prices.get(network), than.prices.get(network)
    return mine is None or theirs is None or theirs * 10 <= mine * 11
