"""Families that ask to join their mutual. Laseli writes the request down; only the mutual enrols, and is paid."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from datetime import date

from sqlalchemy.engine import Connection

from service.programme_settings import MutualSettings
from service.runtime import Runtime
from service.store import mutual_tables, people_tables, task_tables
from service.store.consent_tables import MUTUAL
from service.store.decision_tables import note_decision
from service.store.mutual_tables import Membership
from service.stories.homes import consents, cover_consents, cover_ends
from service.stories.homes.consents import Words

SCHEME = "amv"
PACKAGES = ("communautaire_public", "mixte_public_prive")
TASK = "amv_request"
MOST_PEOPLE = 30
CONFIRMED, RENEWED, CORRECTED = "cover confirmed", "cover renewed", "cover corrected"
ENDED, REFUSED = "cover ended", "cover refused"
"""How the book of decisions names what the mutual said; reports count these words."""


class CannotRequest(Exception):
    """The request contradicts itself; nothing was written."""


class Refused(Exception):
    """A command of the mutual's staff that cannot be obeyed; the words say why."""


@dataclass(frozen=True, slots=True)
class Request:
    """What somebody told of the family."""

    head: str
    size: int
    package: str
    consent: Words


@dataclass(frozen=True, slots=True)
class Requested:
    """The request's number; `before` when an earlier one still stands, and nothing new was written."""

    number: str
    before: bool


def monthly_price(settings: MutualSettings | None, people: int) -> int | None:
    """Francs a month for so many people; None when the mutual has confirmed no price."""
    if settings is None:
        return None
    return settings.monthly_fcfa * (people if settings.per == "person" else 1)


def membership_of(tx: Connection, number: str) -> Membership | None:
    """The request of the family behind this phone: the one that stands, or the last one that did."""
    caller = people_tables.find_caller(tx, number)
    if caller is None or caller.household_id is None:
        return None
    return mutual_tables.latest_membership(tx, caller.household_id, SCHEME)


def request(tx: Connection, runtime: Runtime, number: str, told: Request, now: int) -> Requested:
    """Write one request for the household and put it on the list; while one stands, its number is given again."""
    if told.package not in PACKAGES or not 1 <= told.size <= MOST_PEOPLE:
        raise CannotRequest
    standing = _standing(membership_of(tx, number))
    if standing:
        return Requested(standing.number, True)
    caller, programme = cover_consents.agreed(tx, runtime, number, "mutual", told.consent, now)
    assert caller.household_id is not None
    mutual_tables.lock_household(tx, caller.household_id)
    # Asked again with the lock: a twin may have come first.
    standing = _standing(mutual_tables.latest_membership(tx, caller.household_id, SCHEME))
    if standing:
        return Requested(standing.number, True)
    values = {
        "organisation_id": programme.organisation_id,
        "household_id": caller.household_id,
        "person_id": caller.person_id,
        "phone_id": caller.phone_id,
        "scheme": SCHEME,
        "package": told.package,
        "head_name": told.head,
        "size": told.size,
        "monthly_fcfa": monthly_price(runtime.config.mutual, told.size),
        "state": "requested",
        "requested_at": now,
        "state_at": now,
    }
    while not mutual_tables.add_membership(tx, number=(fresh := _new_number()), **values):
        pass
    details = json.dumps({"demande": fresh, "personnes": str(told.size), "formule": told.package})
    ids = {"phone_id": caller.phone_id, "person_id": caller.person_id}
    task_tables.add_task(tx, now, key=task_key(fresh), kind=TASK, details=details, **ids)
    return Requested(fresh, False)


def confirm(tx: Connection, runtime: Runtime, number: str, paid_until: date, by: str, now: int) -> None:
    """The mutual enrolled the family, or was paid again: it is covered until this day, and told in time before it.

    Raises Refused when there is nothing to confirm, or for a day that is past.
    """
    found = _found(tx, number)
    if paid_until < runtime.today(now):
        raise Refused(f"{paid_until} is past: give the last day that is still to come")
    if found.state not in mutual_tables.STANDING:
        raise Refused(f"{number} is {found.state}: the family makes a new request")
    mutual_tables.set_state(tx, found.id, "active", now, paid_until)
    if (what := what_changes(found.state, found.paid_until, paid_until)) is not None:
        note_decision(tx, now, by, what, f"{number}, {paid_until}")
    task_tables.close_task_of(tx, task_key(number), "done", by, now)
    cover_ends.replan(tx, runtime, found.id, now)


def what_changes(state: str, was: date | None, paid_until: date) -> str | None:
    """How the book of decisions names a confirmation of a request; None where it says what stood there before."""
    if state != "active" or was is None:
        return CONFIRMED
    if paid_until == was:
        return None
    return RENEWED if paid_until > was else CORRECTED


def end(tx: Connection, runtime: Runtime, number: str, by: str, now: int) -> None:
    """The family wants no more of it, or is enrolled no longer: silence. Raises Refused when none stands."""
    found = _found(tx, number)
    if found.state != "active":
        raise Refused(f"{number} is {found.state}: only an active membership ends")
    mutual_tables.set_state(tx, found.id, "ended", now)
    note_decision(tx, now, by, ENDED, number)
    consents.withdraw(tx, mutual_tables.cover_of(tx, found.id).person_id, MUTUAL, by, now)
    cover_ends.replan(tx, runtime, found.id, now)


def refuse(tx: Connection, number: str, by: str, now: int) -> None:
    """The mutual did not enrol the family. Raises Refused when nothing is asked."""
    found = _found(tx, number)
    if found.state != "requested":
        raise Refused(f"{number} is {found.state}: only a request can be refused")
    mutual_tables.set_state(tx, found.id, "refused", now)
    note_decision(tx, now, by, REFUSED, number)
    task_tables.close_task_of(tx, task_key(number), "done", by, now)


def task_key(number: str) -> str:
    """The key of the line on the list."""
    return f"{TASK}:{number}"


def _found(tx: Connection, number: str) -> Membership:
    found = mutual_tables.find_membership(tx, number)
    if found is None:
        raise Refused(f"there is no request {number}; `laseli mutual list` shows them")
    return found


def _standing(found: Membership | None) -> Membership | None:
    return found if found is not None and found.state in mutual_tables.STANDING else None


def _new_number() -> str:
    """Random: whoever knows his own cannot guess his neighbour's."""
    return f"A-{secrets.randbelow(10**6):06d}"
