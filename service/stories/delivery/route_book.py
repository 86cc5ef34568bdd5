"""The routes as the dispatcher sees them: which are open, how many parts may leave now, and what became of calls.

Asked in every turn of the dispatcher, in its transaction. `service/domain/route_choice.choose` then finds the route of
each message; how the shares come about is in `route_weighing`, pauses in `route_pauses`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy.engine import Connection

from service.channels.base import Channel
from service.domain import pace
from service.domain.message_states import Accepted, Ambiguous, Outcome, ReceiptState, Refused
from service.domain.route_choice import OpenRoute
from service.domain.route_window import LONGEST_DELAY_MS, SLICE_MS
from service.runtime import Runtime
from service.store import route_tables
from service.store.route_tables import RouteRow
from service.stories.delivery import route_pauses
from service.stories.delivery.route_pauses import pause, reopen
from service.stories.delivery.route_weighing import weigh

__all__ = [
    "OpenRoute",
    "Sample",
    "note_samples",
    "of_call",
    "of_receipt",
    "open_routes",
    "pause",
    "reopen",
    "take",
    "weigh",
]


# --- before the calls ---------------------------------------------------------------------------------------


def open_routes(
    tx: Connection, runtime: Runtime, now: int, channels: Sequence[Channel] | None = None
) -> list[OpenRoute]:
    """The routes that messages may take now: those for SMS, or these channels.

    A paused one is not among them. One whose bucket is empty is, without room: its messages wait for it. Where a pace
    is set the rows are ours until the commit, so what two workers are given together is never more than the pace.
    """
    channels = runtime.routes if channels is None else channels
    rows = _rows(tx, runtime, [one.name for one in channels], now)
    shares: dict[str, dict[str, int]] = {}
    for channel, network, share in route_tables.shares(tx):
        shares.setdefault(channel, {})[network] = share
    first = channels[0].name if channels else ""
    found = [_open(tx, runtime, rows[one.name], shares.get(one.name), first, now) for one in channels]
    return [one for one in found if one is not None]


def _rows(tx: Connection, runtime: Runtime, names: Sequence[str], now: int) -> dict[str, RouteRow]:
    rows = {} if runtime.config.pace else route_tables.read_routes(tx)
    if set(names) <= set(rows) and not any(route_pauses.is_over(row, now) for row in rows.values()):
        return rows
    return route_tables.lock_routes(tx, names, now)


def _open(
    tx: Connection, runtime: Runtime, row: RouteRow, shares: Mapping[str, int] | None, first: str, now: int
) -> OpenRoute | None:
    state = route_pauses.state_by_now(tx, row, now)
    if state == "paused":
        return None
    prices = _prices(runtime, row.channel, now)
    if state == "trial":
        return OpenRoute(row.channel, 1, {"": 100}, prices, full=True, trial=True)
    # Before anything was weighed the first of the settings takes all.
    shares = shares or {"": 100 if row.channel == first else 0}
    rate = runtime.config.pace.get(row.channel)
    if rate is None:
        return OpenRoute(row.channel, None, shares, prices)
    bucket = pace.filled(row.bucket, row.database_ms, rate)
    return OpenRoute(row.channel, bucket.parts, shares, prices, full=pace.is_full(bucket, rate))


def _prices(runtime: Runtime, channel: str, now: int) -> Mapping[str, int]:
    """What a part costs by operator; nothing where the list is only an example: it decides nothing."""
    if runtime.prices.example:
        return {}
    day = runtime.today(now)
    found = ((code, runtime.prices.part_price(channel, code, day)) for code in ("", *runtime.networks.codes))
    return {code: price for code, price in found if price is not None}


def take(tx: Connection, runtime: Runtime, used: Mapping[str, int]) -> None:
    """These parts leave now, by channel; in the transaction that asked `open_routes`."""
    paced = {channel: rate for channel, rate in runtime.config.pace.items() if used.get(channel)}
    if not paced:
        return
    rows = route_tables.lock_routes(tx)
    for channel, rate in paced.items():
        row = rows[channel]
        bucket = pace.filled(row.bucket, row.database_ms, rate)
        route_tables.set_bucket(tx, channel, bucket.without(used[channel]))


# --- after the calls ----------------------------------------------------------------------------------------


class Sample(NamedTuple):
    """What somebody saw of one message, or of several. `delay_ms`: from our call to the receipt, of each of them."""

    channel: str
    network: str
    accepted: int = 0
    refused: int = 0
    unknown: int = 0
    delivered: int = 0
    undelivered: int = 0
    delay_ms: int | None = None


def of_call(channel: str, network: str, outcome: Outcome) -> Sample | None:
    """What a call says of its route; None for a person's own STOP, which is no fault of any carrier."""
    match outcome:
        case Accepted():
            return Sample(channel, network, accepted=1)
        case Ambiguous():
            return Sample(channel, network, unknown=1)
        case Refused(opt_out=True):
            return None
    return Sample(channel, network, refused=1)


def of_receipt(channel: str, network: str, state: ReceiptState, delay_ms: int) -> Sample | None:
    """What a receipt that moved a message says of its route; None while it is only on its way."""
    if state == "accepted":
        return None
    arrived = int(state == "delivered")
    return Sample(channel, network, delivered=arrived, undelivered=1 - arrived, delay_ms=delay_ms)


def note_samples(tx: Connection, samples: Iterable[Sample | None], now: int) -> None:
    """Add to the window. Rows are only added, so workers never wait for each other.

    A receipt is written down where its message was sent, not where it came: "3 of 40 delivered" is of the same forty.
    """
    sums: dict[tuple[str, str, int], list[int]] = {}
    for one in samples:
        if one is None:
            continue
        sent_at = now - (one.delay_ms or 0)
        figures = sums.setdefault((one.channel, one.network, sent_at - sent_at % SLICE_MS), [0] * 7)
        told = one.delivered + one.undelivered if one.delay_ms is not None else 0
        delay = min(max(0, one.delay_ms or 0), LONGEST_DELAY_MS) * told
        seen = (one.accepted, one.refused, one.unknown, one.delivered, one.undelivered, delay, told)
        sums[one.channel, one.network, sent_at - sent_at % SLICE_MS] = [
            a + b for a, b in zip(figures, seen, strict=True)
        ]
    rows = [
        {"channel": channel, "network": network, "at": at, **dict(zip(route_tables.FIGURES, figures, strict=True))}
        for (channel, network, at), figures in sums.items()
    ]
    if rows:
        route_tables.add_samples(tx, rows)
