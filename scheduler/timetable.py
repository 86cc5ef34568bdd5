"""The whole day on one page: what the worker does, and how often.

APScheduler is only the clock here (memory store, in the worker's process). What is due lives in our tables, so a missed
tick, two workers or a restart lose nothing and double nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from service.clock import DAY_MS
from service.runtime import Runtime
from service.store import conversation_tables, handover_tables, inbound_tables, task_tables
from service.stories import (
    dead_numbers,
    dispatcher,
    missed_messages,
    recalls,
    receipts,
    reconciliation,
    route_book,
    unfinished,
)


@dataclass(frozen=True, slots=True)
class Entry:
    name: str
    every_s: float
    run: Callable[[Runtime], object]
    leader_only: bool = False


def forget(runtime: Runtime) -> None:
    """Keep nothing longer than promised: keystrokes 24 hours, message bodies 30 days, event keys 400 days.

    Who wanted whose messages: 90 days after it was settled or ran out; tries of a child's code: two days.
    """
    now = runtime.now()
    with runtime.database.begin() as tx:
        conversation_tables.forget_conversations(tx, now - DAY_MS)
        task_tables.forget_tasks(tx, now)
        handover_tables.forget_handovers(tx, now - 90 * DAY_MS, runtime.today(now - DAY_MS))
        inbound_tables.forget_inbound(tx, now - 30 * DAY_MS, now - 400 * DAY_MS, now - 3 * DAY_MS)


TIMETABLE = (
    Entry("plan the reminders that are due", 60, recalls.queue_recalls, leader_only=True),
    Entry("send what is due", 1, dispatcher.send_due),
    Entry("apply the receipts that came", 1, receipts.settle),
    Entry("settle what waits: leases, expiry, unknown", 10, dispatcher.look_after),
    Entry("weigh the routes", 10, route_book.weigh, leader_only=True),
    # Both also at once when a worker starts: whatever was down may have missed something.
    Entry("take in what people wrote meanwhile", 600, missed_messages.pull_missed),
    Entry("ask carriers about unknown messages", 600, reconciliation.ask_carriers),
    Entry("look after calls that were cut", 20, unfinished.look_after_cut_calls),
    Entry("forget", 3600, forget, leader_only=True),
    Entry("ask after numbers that are silent", 3600, dead_numbers.ask_after_silent_numbers, leader_only=True),
)


def one_round(runtime: Runtime) -> dict[str, int]:
    """Everything once, in the order of a morning: plan, send, settle."""
    unfinished.look_after_cut_calls(runtime)
    planned = recalls.queue_recalls(runtime)
    sent = dispatcher.send_due(runtime)
    route_book.weigh(runtime)
    return {"planned": planned, "sent": sent, **dispatcher.look_after(runtime)}
