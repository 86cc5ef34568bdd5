"""Lines about a child on the list of its quartier's mediator: what happened, with the child's code and no name."""

from __future__ import annotations

import json
from datetime import date
from typing import Final

from sqlalchemy.engine import Connection

from service.clock import DAY_MS
from service.store import family_changes, task_tables
from service.store.people_tables import Child
from service.stories.talk.wording import show_code

ABOUT_A_PHONE: Final = ("dead_number", "silent_number")
HELD, BESIDE = "birth_doubt", "beside_doubt"
"""A child of whom nothing is said in doubt, and a follow-up of another woman that may have ended with a child's."""
KEPT_MS = 90 * DAY_MS


def put_on_list(
    tx: Connection,
    now: int,
    kind: str,
    child: Child,
    *,
    key: str,
    phone_id: int | None = None,
    due_on: date | None = None,
    details: dict[str, str] | None = None,
) -> bool:
    """One line for the mediator of the child's quartier; False when this very reason is on the list already.

    `phone_id` is whom to call. `details` are French labels with their words.
    """
    told = {"Code de l'enfant": show_code(child.code), **(details or {})}
    return task_tables.add_task(
        tx,
        now,
        key=key,
        kind=kind,
        zone_id=child.zone_id,
        phone_id=phone_id,
        person_id=child.id,
        details=json.dumps(told, ensure_ascii=False),
        due_on=due_on,
        expires_at=now + KEPT_MS,
    )


def drop_lines(tx: Connection, child: Child, by: str, now: int) -> None:
    """Nobody is to go there for this child, which is followed no longer; what is asked of its family goes on."""
    others = family_changes.children_of(tx, child.household_id)
    kept = (BESIDE, *ABOUT_A_PHONE) if others else (BESIDE,)
    task_tables.close_tasks_of_person(tx, child.id, "dropped", by, now, but=kept)
