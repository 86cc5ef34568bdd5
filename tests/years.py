"""Years go by for tests: messages that came to their end, children that grew up, and what is left of them."""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import Any

from sqlalchemy import func, select

from service.clock import DAY_MS
from service.domain.ages import add_months
from service.domain.retention_rules import GROWN_MONTHS
from service.runtime import Runtime
from service.store import people_tables, tally_tables
from service.store.people_tables import child
from service.store.tally_tables import CareKey
from service.stories.delivery import dispatcher
from service.stories.delivery.outbox import Letter, put_many
from service.stories.keeping import tallies
from tests.people import TestClock
from tests.stories.test_recalls import MOTHER, enrol

WORDS = "Canari du Zanzibar"


def letter(clock: TestClock, key: str = "k", to: str = MOTHER, **changes: Any) -> Letter:
    values = {"purpose": "notice", "klass": "once", "not_before": clock.now(), "useful_until": clock.now() + DAY_MS}
    return Letter(to=to, text=WORDS, key=key, hours="any", **(values | changes))


def send(runtime: Runtime, clock: TestClock, *letters: Letter) -> None:
    """To somebody we know, or only to these numbers; four days later the messages have come to their end."""
    if not letters or letters[0].to == MOTHER:
        enrol(runtime, clock)
    with runtime.database.begin() as tx:
        put_many(tx, clock.now(), letters or [letter(clock)])
    dispatcher.send_due(runtime)
    clock.advance(days=4)
    dispatcher.look_after(runtime)  # three days without a receipt: its last state


def how_many(runtime: Runtime, table: Any) -> int:
    with runtime.database.read() as tx:
        return int(tx.execute(select(func.count()).select_from(table)).scalar_one())


def counted(runtime: Runtime, now: int) -> Counter[CareKey]:
    """What reports see: the children that stand and those that are counts."""
    with runtime.database.begin() as tx:
        found = tally_tables.care_counts(tx)
        for child_id in tx.execute(select(child.c.person_id)).scalars().all():
            one = people_tables.find_child(tx, id=child_id)
            assert one
            found.update(tallies.care_keys(tx, runtime, one, now))
        return found


def years_later(clock: TestClock, born: str) -> None:
    """The day before a child of that birthday is 63 months old."""
    last = add_months(date.fromisoformat(born), GROWN_MONTHS)
    clock.set(f"{date.fromordinal(last.toordinal() - 1)}T10:00")
