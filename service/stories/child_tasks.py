"""Lines about a child on the list of its quartier's mediator: what happened, with the child's code and no name."""

from __future__ import annotations

import json
from datetime import date

from sqlalchemy.engine import Connection

from service.clock import DAY_MS
from service.store import task_tables
from service.store.people_tables import Child
from service.stories.families import show_code

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
