"""Invented families by the thousand, made with plain inserts: enrolling so many as people do takes minutes."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Table, func, insert, select
from sqlalchemy.engine import Connection

from service.runtime import Runtime
from service.store.care_tables import appointment
from service.store.columns import new_id, vault_of
from service.store.people_tables import child, household, person
from service.store.phone_tables import phone
from service.store.place_tables import organisation, programme


def due_children(runtime: Runtime, how_many: int) -> int:
    """So many children, every third a sibling of the one before, each with one step due; gives the households.

    The step was due yesterday and is useful for five days more: these tests run at any hour.
    """
    now = runtime.now()
    with runtime.database.begin() as tx:
        homes = how_many - how_many // 3
        rows = _rows(tx, runtime, how_many, homes, now)
        for table, values in rows.items():
            tx.execute(insert(table), values)
    return homes


Rows = dict[Table, list[dict[str, object]]]


def _rows(tx: Connection, runtime: Runtime, how_many: int, homes: int, now: int) -> Rows:
    organisation_id = tx.execute(select(organisation.c.id)).scalar_one()
    programme_id = tx.execute(select(programme.c.id)).scalars().first()
    already = tx.execute(select(func.count()).select_from(child)).scalar_one()
    today, vault = runtime.today(now), vault_of(tx)
    whose = {"organisation_id": organisation_id, "programme_id": programme_id}
    rows: Rows = {table: [] for table in (phone, household, person, child, appointment)}
    for place in range(homes):
        number = f"+22370{already + place:06d}"
        phone_id, home_id = new_id(), new_id()
        rows[phone].append(
            {
                "id": phone_id,
                "number": number,
                "number_idx": vault.index(number),
                "index_version": vault.index_writing,
                "created_at": now,
            }
        )
        home = {"id": home_id, "organisation_id": organisation_id, "preferred_phone_id": phone_id, "created_at": now}
        rows[household].append(home)
        for _ in range(1 + (place < how_many - homes)):
            person_id = new_id()
            rows[person].append(
                {
                    "id": person_id,
                    "organisation_id": organisation_id,
                    "household_id": home_id,
                    "born_on": today - timedelta(days=50),
                    "created_at": now,
                }
            )
            rows[child].append(
                whose
                | {
                    "person_id": person_id,
                    "code": f"{already + len(rows[child]):08d}",
                    "household_id": home_id,
                    "calendar": runtime.calendar.name,
                    "calendar_version": "older",
                    "profile": "infant",
                    "birth_precision": "day",
                    "status": "followed",
                    "enrolled_on": today - timedelta(days=49),
                    "enrolled_at": now,
                }
            )
            rows[appointment].append(
                whose
                | {
                    "id": new_id(),
                    "child_id": person_id,
                    "household_id": home_id,
                    "kind": "vaccine",
                    "doses": "PENTA1",
                    "anchor_on": today - timedelta(days=8),
                    "state": "open",
                    "last_step": "J+2",
                    "next_step": "J+7",
                    "next_step_on": today - timedelta(days=1),
                    "created_at": now,
                    "updated_at": now,
                }
            )
    return rows
