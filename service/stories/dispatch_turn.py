"""One turn of the dispatcher: what may leave now and by which carrier, the call itself, and what it came to.

`claim` and `note` work in the dispatcher's transaction; `make` runs on a sender thread, with no transaction open.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy.engine import Connection

from service.channels import routing
from service.channels.base import Channel, Outgoing
from service.domain import sending_hours
from service.domain.message_states import Accepted, Ambiguous, Change, NotSent, Outcome, Refused, after_send
from service.logs import log
from service.runtime import Runtime
from service.store import message_claims
from service.store.message_claims import Claimed, Noted, Start
from service.stories import dispatch_gate, opt_outs, receipts

MOST_IN_ONE_CALL = 100


class Call(NamedTuple):
    """One call to a carrier: for one message, or for many that say the same."""

    channel: Channel
    messages: tuple[Claimed, ...]


class Finished(NamedTuple):
    """What a call came to for one message; `called` False when it was not even begun."""

    message: Claimed
    channel: str
    outcome: Outcome
    called: bool = True


# -- before the calls


def claim(tx: Connection, runtime: Runtime, now: int, free: int, busy: Counter[str]) -> list[Call]:
    """Take at most `free` calls' worth of due messages; `busy` counts the calls in the air by channel."""
    if dispatch_gate.closed(tx):
        return []
    open_hours = ["any"]
    if sending_hours.within(runtime.local(now), runtime.sending_window):
        open_hours.append("day")
    claimed = message_claims.claim_due(tx, now, free, open_hours)
    calls = _grouped(runtime, claimed)
    calls = [_filled(tx, call, now, open_hours) for call in calls]
    starts = [Start(one.id, one.fence, call.channel.name, None) for call in calls for one in call.messages]
    message_claims.start_attempts(tx, starts, now)
    return calls


def _grouped(runtime: Runtime, claimed: Iterable[Claimed]) -> list[Call]:
    """One call for each message, but one for all that say the same where the carrier takes many."""
    groups: dict[tuple[str, object], Call] = {}
    for one in claimed:
        channel = routing.choose(runtime.routes, one.to)
        together = one.batch_key if channel.capabilities.many and one.batch_key else one.id
        before = groups.get((channel.name, together), Call(channel, ()))
        groups[channel.name, together] = Call(channel, (*before.messages, one))
    return list(groups.values())


def _filled(tx: Connection, call: Call, now: int, open_hours: Sequence[str]) -> Call:
    """A call to many takes along as many more of its kind as it may carry."""
    batch_key = call.messages[0].batch_key
    if not call.channel.capabilities.many or batch_key is None:
        return call
    room = MOST_IN_ONE_CALL - len(call.messages)
    return Call(call.channel, (*call.messages, *message_claims.claim_batch(tx, now, batch_key, room, open_hours)))


# -- the call


def make(call: Call, deadline: float) -> list[Finished]:
    """Call the carrier, unless the lease is nearly over. Never raises."""
    name = call.channel.name
    if time.monotonic() > deadline:
        late = NotSent("the lease was nearly over", retry_after_s=0)
        return [Finished(one, name, late, called=False) for one in call.messages]
    letters = [Outgoing(message_id=one.id, to=one.to, text=one.text) for one in call.messages]
    try:
        outcomes = [call.channel.send(letters[0])] if len(letters) == 1 else call.channel.send_many(letters)
    except Exception as bug:
        # We do not know how far the adapter came: the safe word is "unknown". Only the kind of error is logged,
        # since its text may quote the request.
        log.error("send_crashed", channel=name, error=type(bug).__name__)
        outcomes = [Ambiguous(f"our adapter failed: {type(bug).__name__}")] * len(letters)
    return [Finished(one, name, outcome) for one, outcome in zip(call.messages, outcomes, strict=True)]


# -- after the calls


def note(tx: Connection, runtime: Runtime, finished: Sequence[Finished], now: int) -> None:
    """Write down what calls came to, in one go; where we lost the lease meanwhile, only the attempt is noted."""
    if not finished:
        return
    changes = [_change(one, now) for one in finished]
    notes = [_noted(one, change) for one, change in zip(finished, changes, strict=True)]
    kept = message_claims.note_outcomes(tx, notes, now)
    for one in finished:
        if isinstance(one.outcome, Refused) and one.outcome.opt_out:
            opt_outs.stop(tx, runtime, one.message.to, "carrier", now)
    named = {(one.channel, one.carrier_id): one.id for one in notes if one.carrier_id}
    receipts.apply_early(tx, named, now)
    _log(finished, changes, kept)


def _change(one: Finished, now: int) -> Change:
    message = one.message
    return after_send(message.klass, message.attempts, one.outcome, now, message.useful_until, message.resends)


def _noted(one: Finished, change: Change) -> Noted:
    taken = one.outcome if isinstance(one.outcome, Accepted) else None
    return Noted(
        id=one.message.id,
        fence=one.message.fence,
        outcome=type(one.outcome).__name__.lower(),
        detail=one.outcome.detail,
        state=change.state,
        reason=change.reason or None,
        channel=one.channel,
        not_before=change.not_before,
        carrier_id=taken.carrier_id if taken else None,
        cost=taken.cost if taken else None,
    )


def _log(finished: Iterable[Finished], changes: Iterable[Change], kept: set[int]) -> None:
    """A line for each that did not leave, and one for all that a carrier took."""
    taken: Counter[str] = Counter()
    for one, change in zip(finished, changes, strict=True):
        if isinstance(one.outcome, Accepted) and one.message.id in kept:
            taken[one.channel] += 1
            continue
        log.info(
            "message_not_sent",
            message=str(one.message.id),
            channel=one.channel,
            state=change.state if one.message.id in kept else "somebody else has it",
            reason=change.reason,
            pause=change.pause_channel,
        )
    for channel, number in taken.items():
        log.info("messages_sent", channel=channel, number=number)
