"""What every letter of pardon has: a household that can be told, once about one thing, while that is of use."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta

from sqlalchemy.engine import Connection

from service.domain import local_time
from service.runtime import Runtime
from service.store.home_tables import Home
from service.stories.delivery.outbox import Letter
from service.stories.recall.recall_receivers import receivers_of


def reached(tx: Connection, homes: Sequence[Home]) -> list[Home]:
    """Those that can be told, each with the phone that hears its reminders now: it may be the next caregiver's."""
    to = receivers_of(tx, homes)
    return [
        home._replace(number=to[home.household_id].number, language=to[home.household_id].language)
        for home in homes
        if home.household_id in to
    ]


def letter(runtime: Runtime, home: Home, text: str, about: str, last: date, closes: time, now: int) -> Letter:
    """These words, once about this, whatever is asked later; useful until the hours close on the day after `last`."""
    assert home.number is not None, "a household without a phone gets no letter"
    return Letter(
        to=home.number,
        text=text,
        key=f"sorry:{home.programme_id}:{home.household_id}:{about}",
        purpose="reminder",
        klass="once",
        not_before=now,
        useful_until=local_time.instant(datetime.combine(last + timedelta(1), closes), runtime.zone),
        hours=runtime.hours.name_for("reminder", home.zone),
        organisation_id=home.organisation_id,
        programme_id=home.programme_id,
    )
