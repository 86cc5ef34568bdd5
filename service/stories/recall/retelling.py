"""What waits for a phone that is to hear otherwise from now on, or no more: taken back, and told anew the same day.

The planner comes round every minute and tells it as it is told by then: in a call, in an SMS, or to the next caregiver.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy.engine import Connection

from service.runtime import Runtime
from service.store import family_changes, message_tables, recall_tables
from service.store.care_tables import COVER
from service.store.recall_tables import Pardon
from service.stories.delivery import outbox
from service.stories.recall import recall_receivers, unsaid

ANOTHER_HEARS = "another caregiver hears it"


def tell_anew(tx: Connection, runtime: Runtime, phone_id: int, now: int) -> None:
    """Whoever holds this phone hears by another way from now on: what waits for it too."""
    waiting = recall_tables.waiting_for(tx, phone_id)
    _take_back(tx, runtime, waiting, "it is told by another way", now)


def say_no_cover(tx: Connection, runtime: Runtime, phone_id: int, now: int) -> None:
    """Whoever holds this phone wants no news any more: of a cover neither, which leaves as a reminder does."""
    waiting = recall_tables.waiting_for(tx, phone_id, COVER)
    _take_back(tx, runtime, waiting, "the news were refused", now)


def leave_to_the_next(tx: Connection, runtime: Runtime, phone_id: int, now: int) -> None:
    """Whoever holds this phone hears no more reminders: a family's next caregiver hears today what waits for it.

    Where there is none it stays, for whoever stops to suppress. A pardon is said in the words that waited.
    """
    waiting, pardons = recall_tables.waiting_for(tx, phone_id), recall_tables.pardons_for(tx, phone_id)
    homes = {home for _, home in waiting} | {one.household_id for one in pardons}
    followed = recall_receivers.next_in_order(tx, homes, but=phone_id) if homes else {}
    for home in sorted(followed):
        family_changes.lock_household(tx, home)
    _take_back(tx, runtime, [one for one in waiting if one[1] in followed], ANOTHER_HEARS, now)
    for one in pardons:
        if one.household_id in followed:
            _say_to(tx, one, followed[one.household_id].number, now)


def _say_to(tx: Connection, one: Pardon, number: str, now: int) -> None:
    """By the same key, so that the household is asked pardon once, and of the same appointments."""
    if not message_tables.cancel(tx, [one.message_id], now, ANOTHER_HEARS):
        return  # it may have left
    letter = outbox.Letter(
        to=number,
        text=one.text,
        key=one.key,
        purpose="reminder",
        klass="once",
        not_before=one.not_before,
        useful_until=one.useful_until,
        hours=one.hours,
        organisation_id=one.organisation_id,
        programme_id=one.programme_id,
    )
    outbox.put(tx, now, letter)


def _take_back(tx: Connection, runtime: Runtime, waiting: Iterable[tuple[int, int]], reason: str, now: int) -> None:
    """Households first and in order, as the planner locks them."""
    found = sorted(set(waiting), key=lambda one: (one[1], one[0]))
    for home in dict.fromkeys(home for _, home in found):
        family_changes.lock_household(tx, home)
    if found:
        unsaid.unsay(tx, runtime, [message_id for message_id, _ in found], reason, now)
