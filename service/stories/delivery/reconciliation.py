"""Asking a carrier what became of the messages whose call ended without an answer we could read.

Only carriers that list what they took can be asked. What is found is a receipt like any other: it goes the same way.
"""

from __future__ import annotations

from service.channels.base import CannotAsk, ListsSent, Receipt
from service.logs import log
from service.runtime import Runtime
from service.store import unknown_messages
from service.store.unknown_messages import Unknown
from service.stories.delivery import receipts

PAGE = 20
MOST_PAGES = 25
"""In one go: five hundred questions are some minutes."""
BEFORE_MS, AFTER_MS = 60_000, 5 * 60_000
"""The window of our call: it began at `called_at` by our clock, and ended with its lease a minute later."""


def ask_carriers(runtime: Runtime) -> int:
    """Ask about every unknown message whose turn it is; gives how many were found at their carrier."""
    lists: dict[str, ListsSent] = {
        name: channel
        for name, channel in runtime.channels.items()
        if channel.capabilities.lists and isinstance(channel, ListsSent)
    }
    found = 0
    for _ in range(MOST_PAGES):
        if not lists:
            break
        now = runtime.now()
        with runtime.database.begin() as tx:
            page = unknown_messages.to_ask(tx, lists.keys(), now, PAGE)
        for one in page:
            if one.channel in lists:
                found += _ask(runtime, lists, one)
        if len(page) < PAGE:
            break
    if found:
        receipts.settle(runtime)
    return found


def _ask(runtime: Runtime, lists: dict[str, ListsSent], one: Unknown) -> bool:
    since, until = one.called_at - BEFORE_MS, one.called_at + AFTER_MS
    try:
        listed = lists[one.channel].reconcile(one.to, one.text, since, until)
    except CannotAsk as reason:
        log.warning("carrier_cannot_be_asked", channel=one.channel, reason=str(reason))
        del lists[one.channel]  # not again in this go
        return False
    with runtime.database.read() as tx:
        ours = unknown_messages.already_ours(tx, one.channel, [each.carrier_id for each in listed])
        equals = unknown_messages.rivals(tx, one, since).count(one.text)
    left = [each for each in listed if each.carrier_id not in ours]
    if len(left) != 1 or equals:
        return False  # none may still appear; of several, nobody can say which
    its = left[0]
    receipts.take(runtime, Receipt(one.channel, its.carrier_id, one.to, one.id, its.state, its.detail, fault=its.fault))
    log.info("unknown_message_found", channel=one.channel, message=str(one.id), state=its.state)
    return True
