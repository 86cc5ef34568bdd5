"""The whole day on one page: what the worker does, and how often.

APScheduler is only the clock here (memory store, in the worker's process). What is due lives in our tables, so a missed
tick, two workers or a restart lose nothing and double nothing. Coarse jobs are beside it: see service/jobs.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from service import jobs
from service.runtime import Runtime
from service.stories.care import malaria_announcements, treatments
from service.stories.delivery import dead_numbers, dispatcher, drain, receipts, reconciliation, route_book
from service.stories.homes import cover_ends
from service.stories.keeping import retention
from service.stories.recall import recalls, weekly_list
from service.stories.talk import missed_messages, unfinished


@dataclass(frozen=True, slots=True)
class Entry:
    """`leader_only` saves work, and is no lock: what such an entry does must be harmless when two do it at once."""

    name: str
    every_s: float
    run: Callable[[Runtime], object]
    leader_only: bool = False


TIMETABLE = (
    Entry("plan the reminders that are due", 60, recalls.queue_recalls, leader_only=True),
    Entry("send what is due", 1, drain.drain),
    Entry("apply the receipts that came", 1, receipts.settle),
    Entry("settle what waits: leases, expiry, unknown", 10, dispatcher.look_after),
    Entry("weigh the routes", 10, route_book.weigh, leader_only=True),
    # Both also at once when a worker starts: whatever was down may have missed something.
    Entry("take in what people wrote meanwhile", 600, missed_messages.pull_missed),
    Entry("ask carriers about unknown messages", 600, reconciliation.ask_carriers),
    Entry("look after calls that were cut", 20, unfinished.look_after_cut_calls),
    Entry("forget: keystrokes every hour, the rest at night", 300, retention.forget, leader_only=True),
    # Looks often, tells once a week: on Monday morning, or the next working day.
    Entry("tell mediators whom to visit", 300, weekly_list.queue_weekly_lists, leader_only=True),
    Entry("end weekly visits to which nobody comes", 3600, treatments.end_the_absent, leader_only=True),
    Entry("tell of missed weekly visits where nobody may knock", 3600, treatments.tell_of_the_missed, leader_only=True),
    Entry("look after covers that end", 3600, cover_ends.look_after, leader_only=True),
    Entry("look after malaria rounds", 3600, malaria_announcements.look_after, leader_only=True),
    Entry("ask after numbers that are silent", 3600, dead_numbers.ask_after_silent_numbers, leader_only=True),
)


def one_round(runtime: Runtime) -> dict[str, int]:
    """Everything once, in the order of a morning: plan, send, settle."""
    unfinished.look_after_cut_calls(runtime)
    treatments.end_the_absent(runtime)
    treatments.tell_of_the_missed(runtime)
    planned = recalls.queue_recalls(runtime)
    weekly_list.queue_weekly_lists(runtime)
    cover_ends.look_after(runtime)
    sent = dispatcher.send_due(runtime)
    route_book.weigh(runtime)
    jobs.carry_out_due(runtime)
    return {"planned": planned, "sent": sent, **dispatcher.look_after(runtime)}
