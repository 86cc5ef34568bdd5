"""Which carrier takes a message. A function of values, so that prices and networks can decide later."""

from __future__ import annotations

from collections.abc import Sequence

from service.channels.base import Channel


def choose(routes: Sequence[Channel], to: str) -> Channel:
    """The channel for a number; `routes` are in the order of preference and hold at least one."""
    return routes[0]
