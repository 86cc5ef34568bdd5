"""A call that nobody took rings once more, later that day: a new message in the place of the one that was not heard.

Its key is the first one's with the number of the try, so that it is made once, however often the carrier says so.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy.engine import Connection

from service.runtime import Runtime
from service.store import call_tables, message_tables
from service.store.call_tables import Untaken
from service.store.system_tables import count
from service.stories.delivery.outbox import Letter, put

AGAIN = ":again:"


def after_receipts(tx: Connection, runtime: Runtime, ended: Iterable[tuple[int, str]], now: int) -> None:
    """(message, state) of calls that ended: untaken ones ring again; what was taken after all rings no more."""
    states = dict(ended)
    for one in call_tables.calls(tx, list(states), runtime.today(now)):
        if states[one.id] == "undelivered":
            _once_more(tx, runtime, one, now)
        elif states[one.id] == "delivered":
            waiting = call_tables.queued_with_key(tx, next_key(one.key)[0])
            message_tables.cancel(tx, waiting, now, "the call was taken after all")


def next_key(key: str) -> tuple[str, int]:
    """The key of the next try, and its number: the first call is the first try."""
    base, again, tries = key.partition(AGAIN)
    following = int(tries) + 1 if again else 2
    return f"{base}{AGAIN}{following}", following


def _once_more(tx: Connection, runtime: Runtime, one: Untaken, now: int) -> None:
    """Only what still holds: an appointment that was kept or moved meanwhile rings nobody, nor one of a family that
    refused, is in hospital, or hears on another phone."""
    key, tries = next_key(one.key)
    not_before = now + runtime.config.voice.again_after_min * 60_000
    if tries > runtime.config.voice.tries or not one.still_holds or not_before >= one.useful_until:
        return
    letter = Letter(
        to=one.number,
        text=one.text,
        key=key,
        purpose=one.purpose,
        klass=one.klass,
        not_before=not_before,
        useful_until=one.useful_until,
        hours=one.hours,
        priority=one.priority,
        organisation_id=one.organisation_id,
        programme_id=one.programme_id,
        recording=one.recording,
    )
    instead = put(tx, now, letter)
    if instead is not None:
        call_tables.told_by_another(tx, one.id, instead)
        count(tx, "calls_tried_again")
