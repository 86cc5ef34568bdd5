"""Families that ask a mediator to come and help with the RAMED's papers. Whether they may have it, we never say."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass

from sqlalchemy.engine import Connection

from service.runtime import Runtime
from service.store import phone_tables, place_tables, task_tables
from service.stories.homes import cover_consents
from service.stories.homes.consents import Words

TASK = "ramed_visit"


class CannotAsk(Exception):
    """The quartier is not one of ours; nothing was written."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The request's number; `before` when an earlier one is still open, and nothing new was written."""

    number: str
    before: bool


def ask(tx: Connection, runtime: Runtime, number: str, zone_id: int, consent: Words, now: int) -> Asked:
    """Put one visit on the mediators' list; while it is open, its number is given again."""
    if place_tables.place_of_zone(tx, zone_id) is None:
        raise CannotAsk
    phone = phone_tables.ensure_phone(tx, number, now)
    phone_tables.lock_phone(tx, phone.id)
    known = task_tables.open_task_of_phone(tx, TASK, phone.id)
    if known is not None:
        return Asked(known.partition(":")[2], True)
    caller, _ = cover_consents.agreed(tx, runtime, number, "visit", consent, now)
    ids = {"zone_id": zone_id, "phone_id": phone.id, "person_id": caller.person_id}
    while True:
        fresh = f"V-{secrets.randbelow(10**6):06d}"
        details = json.dumps({"demande": fresh})
        if task_tables.add_task(tx, now, key=f"{TASK}:{fresh}", kind=TASK, details=details, **ids):
            return Asked(fresh, False)
