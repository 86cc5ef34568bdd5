"""A yes or a no that a family gave on paper or aloud, written down by who was there: a mediator, or the centre.

It changes what that family agreed to, and nothing else. What stopped on a phone is begun again on that phone, and a no
that the family pressed itself is not overruled by what somebody else says of it.
"""

from __future__ import annotations

from datetime import date
from typing import Final, NamedTuple

from sqlalchemy.engine import Connection

from service.domain import local_time
from service.runtime import Runtime
from service.store import consent_tables, family_changes
from service.store.consent_tables import FOLLOW_UP, Standing
from service.store.people_tables import Child
from service.stories.homes import consents
from service.stories.homes.consents import CAMPAIGN, REMINDER, Words

PAPER, SPOKEN = "paper", "spoken"
PURPOSES: Final = (REMINDER, CAMPAIGN, FOLLOW_UP)
NOON_MS = 12 * 3_600_000


class Refused(Exception):
    """Nothing was written down; the text says why, and what to do instead."""


class Told(NamedTuple):
    """On what, yes or no, on which day, in which words and how (`words.how`: paper or spoken), and who writes it."""

    purpose: str
    given: bool
    on: date
    words: Words
    by: str


def write_down(tx: Connection, runtime: Runtime, child: Child, told: Told, now: int) -> bool:
    """Keep it for the child's first caregiver. False: a later word stands, and this one joins its history.

    Raises Refused.
    """
    if told.purpose == REMINDER and not told.given:
        raise Refused("a family that wants no reminders is a visit: `refused`, which stops them at once")
    if told.on > runtime.today(now) or told.on < child.born_on:
        raise Refused(f"{told.on} is not between the child's birth and today")
    family_changes.lock_household(tx, child.household_id)
    carer = family_changes.first_caregiver(tx, child.household_id)
    if carer is None:
        raise Refused("nobody is known who cares for this child: its family calls with the child's code first")
    last = next(iter(consent_tables.standing(tx, (carer,), (told.purpose,))), None)
    if told.given and last is not None and not last.given and last.recorded_by == "self":
        raise Refused(
            "the family said no with its own phone: it says yes there too, by dialling the code, then 5 and 1"
        )
    at = _moment(runtime, told.on, now)
    counts = last is None or last.at < at or told.on == runtime.today(last.at)
    wording = last.wording if last is not None and told.given else consents.DISCREET
    consents.keep(
        tx,
        carer,
        told.purpose,
        told.words,
        at,
        given=told.given,
        wording=wording,
        by=told.by,
        before=last if counts else None,
    )
    return counts


def words_of(tx: Connection, child: Child) -> list[Standing]:
    """Every word of the child's first caregiver, and on the child's own weekly visits; the oldest first."""
    carer = family_changes.first_caregiver(tx, child.household_id)
    said = consent_tables.history(tx, carer) if carer is not None else []
    return sorted([*said, *consent_tables.history(tx, child.id)], key=lambda one: one.at)


def _moment(runtime: Runtime, on: date, now: int) -> int:
    """Now, or noon of a day that has passed: nobody noted the hour."""
    if on == runtime.today(now):
        return now
    return local_time.start_of_day(on, runtime.zone) + NOON_MS
