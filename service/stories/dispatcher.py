"""Claim, let go, act, note: how a queued message reaches a carrier.

A message is `sending`, committed, before the carrier is called: after a crash we know which calls may have happened.
No transaction is open while a carrier thinks, and no more messages are claimed than there are threads to call for them.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat

from sqlalchemy.engine import Connection

from service.channels import routing
from service.channels.base import Channel, Outgoing
from service.domain import sending_hours
from service.domain.message_states import (
    ALERT_RESEND_AFTER_MS,
    RECEIPT_PATIENCE_MS,
    RESEND_AFTER_MS,
    Accepted,
    Ambiguous,
    NotSent,
    Outcome,
    Refused,
    after_send,
    after_waiting,
)
from service.logs import log
from service.runtime import Runtime
from service.store import message_tables
from service.store.message_tables import LEASE_MS, Claimed, Message
from service.stories import opt_outs, receipts

NO_CALL_WITH_LESS_S = 15.0
"""No call starts with less than this left of its lease: a carrier may take ten seconds to answer."""


def send_due(runtime: Runtime, *, most: int | None = None) -> int:
    """Send what is due now, a few at a time, until nothing is left (or `most` were called); gives how many calls."""
    if not runtime.routes:
        return 0
    calls = 0
    with ThreadPoolExecutor(runtime.config.sender_threads, thread_name_prefix="sender") as senders:
        while most is None or calls < most:
            claimed = _claim(runtime)
            if not claimed:
                break
            deadline = time.monotonic() + LEASE_MS / 1000 - NO_CALL_WITH_LESS_S
            calls += sum(senders.map(_send_and_note, repeat(runtime), claimed, repeat(deadline)))
    return calls


def _claim(runtime: Runtime) -> Sequence[Claimed]:
    now = runtime.now()
    open_now = sending_hours.within(runtime.local(now), runtime.sending_window)
    with runtime.database.begin() as tx:
        claimed = message_tables.claim_due(tx, now, runtime.config.sender_threads, within_hours=open_now)
        if claimed:
            routes = {one.id: routing.choose(runtime.routes, one.to).name for one in claimed}
            message_tables.start_attempts(tx, claimed, routes, now)
    return claimed


def _send_and_note(runtime: Runtime, one: Claimed, deadline: float) -> int:
    channel = routing.choose(runtime.routes, one.to)
    if time.monotonic() > deadline:
        _note(runtime, one, channel, NotSent("the lease was nearly over", retry_after_s=0))
        return 0
    outcome = _call(channel, one)
    _note(runtime, one, channel, outcome)
    return 1


def _call(channel: Channel, one: Claimed) -> Outcome:
    try:
        return channel.send(Outgoing(message_id=one.id, to=one.to, text=one.text))
    except Exception as bug:
        # We do not know how far the adapter came: the safe word is "unknown". Only the kind of error is logged,
        # since its text may quote the request.
        log.error("send_crashed", channel=channel.name, error=type(bug).__name__)
        return Ambiguous(f"our adapter failed: {type(bug).__name__}")


def _note(runtime: Runtime, one: Claimed, channel: Channel, outcome: Outcome) -> None:
    now = runtime.now()
    change = after_send(one.klass, one.attempts, outcome, now, one.useful_until, one.resends)
    values: dict[str, object] = {"state": change.state, "reason": change.reason or None, "channel": channel.name}
    if change.not_before is not None:
        values["not_before"] = change.not_before
    if isinstance(outcome, Accepted):
        values |= {"carrier_id": outcome.carrier_id, "cost": outcome.cost}
    with runtime.database.begin() as tx:
        message_tables.note_attempt(tx, one.id, one.fence, type(outcome).__name__.lower(), outcome.detail)
        kept = message_tables.note_outcome(tx, one.id, one.fence, now, **values)
        if isinstance(outcome, Refused) and outcome.opt_out:
            opt_outs.stop(tx, runtime, one.to, "carrier", now)
        if isinstance(outcome, Accepted) and outcome.carrier_id:
            receipts.apply_early(tx, runtime, [(one.id, channel.name, outcome.carrier_id)], now)
    log.info(
        "message_sent" if isinstance(outcome, Accepted) else "message_not_sent",
        message=str(one.id),
        channel=channel.name,
        state=change.state if kept else "somebody else has it",
        reason=change.reason,
        pause=change.pause_channel,
    )


def look_after(runtime: Runtime) -> dict[str, int]:
    """What time does to messages: leases run out, queued ones expire, unknown and unanswered ones are settled."""
    receipts.settle(runtime)
    now = runtime.now()
    with runtime.database.begin() as tx:
        done = {"reaped": message_tables.reap(tx, now), "expired": message_tables.expire(tx, now)}
        receipts.match_kept(tx, runtime, now)
        # Two questions of the database: what waits 72 hours must not stand before what is to be sent once more.
        waiting = message_tables.to_resend(tx, now - RESEND_AFTER_MS, now - ALERT_RESEND_AFTER_MS, now)
        waiting += message_tables.unanswered(tx, now - RECEIPT_PATIENCE_MS)
        return done | {"settled": sum(_settle(tx, message, now) for message in waiting)}


def _settle(tx: Connection, waiting: Message, now: int) -> bool:
    alert = waiting.purpose == "staff"
    change = after_waiting(
        waiting.klass, waiting.state, waiting.state_at, now, waiting.resends, waiting.useful_until, alert
    )
    if change is None:
        return False
    values: dict[str, object] = {"state": change.state, "reason": change.reason, "state_at": now}
    if change.resend:
        values |= {"resends": waiting.resends + 1, "not_before": change.not_before}
    return message_tables.move(tx, waiting.id, waiting.state, **values)
