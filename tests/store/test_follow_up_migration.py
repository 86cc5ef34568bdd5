"""Appointments are written anew where a column becomes optional: on SQLite not one row, step or link is lost."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import text
from sqlalchemy.engine import Connection

from service.runtime import build_runtime
from service.store import schema
from tests.conftest import a_config

BEFORE, WITH_FOLLOW_UPS = "0006", "0011"
WITH_COVERS = "0017"
# One row of each table that an appointment and its message stand on, in the order of their references.
ROWS: tuple[tuple[str, dict[str, object]], ...] = (
    ("organisation", {}),
    ("programme", {}),
    ("phone", {}),
    ("household", {"preferred_phone_id": 1}),
    ("person", {"household_id": 1}),
    ("child", {"person_id": 1}),
    ("message", {"phone_id": 1}),
    ("appointment", {"doses": "BCG", "next_step": "J", "next_step_on": "2026-11-23", "meets_on": "2026-11-24"}),
    ("message_appointment", {"step": "J-3"}),
)


def put(tx: Connection, table: str, values: dict[str, object]) -> None:
    """A row with these values, and something in every other column that must not be empty."""
    row = dict(values)
    for _, name, kind, needed, default, key in tx.exec_driver_sql(f"PRAGMA table_info({table})"):
        if (needed or key) and default is None and name not in row:
            row[name] = "2026-11-20" if kind == "DATE" else 1
    names = ", ".join(f'"{name}"' for name in row)
    tx.execute(text(f"INSERT INTO {table} ({names}) VALUES ({', '.join(':' + name for name in row)})"), row)


def test_appointments_and_their_messages_outlive_the_change(tmp_path: Path) -> None:
    runtime = build_runtime(a_config(f"sqlite:///{tmp_path / 'laseli.db'}"))
    with runtime.database.begin() as tx:
        schema.upgrade_within(tx, BEFORE)
        for table, values in ROWS:
            put(tx, table, values)
    with runtime.database.begin() as tx:
        schema.upgrade_within(tx, WITH_FOLLOW_UPS)
    with runtime.database.begin() as tx:
        [row] = tx.exec_driver_sql("SELECT * FROM appointment").mappings()
        assert (row["id"], row["child_id"], row["follow_up_id"]) == (1, 1, None)
        assert (row["doses"], row["next_step"], row["next_step_on"], row["meets_on"], row["awaits_stock"]) == (
            "BCG",
            "J",
            "2026-11-23",
            "2026-11-24",
            0,
        )
        assert tx.exec_driver_sql("SELECT appointment_id, step FROM message_appointment").all() == [(1, "J-3")]
        assert tx.exec_driver_sql("PRAGMA foreign_key_check").all() == []
        assert tx.exec_driver_sql("PRAGMA foreign_keys").scalar_one() == 1
    with runtime.database.begin() as tx:
        schema.upgrade_within(tx, WITH_COVERS)
    with runtime.database.begin() as tx:
        [row] = tx.exec_driver_sql("SELECT * FROM appointment").mappings()
        assert (row["id"], row["child_id"], row["membership_id"], row["doses"]) == (1, 1, None, "BCG")
        assert tx.exec_driver_sql("SELECT appointment_id, step FROM message_appointment").all() == [(1, "J-3")]
        referred = {row["table"] for row in tx.exec_driver_sql("PRAGMA foreign_key_list(appointment)").mappings()}
        assert {"membership", "follow_up", "child"} <= referred
    runtime.database.close()
