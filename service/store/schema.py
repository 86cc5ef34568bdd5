"""The whole schema, and bringing a database up to it."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Column, MetaData, String, Table, delete, insert, inspect, select
from sqlalchemy.engine import Connection

from service.store import (
    alarm_tables,
    care_tables,
    centre_tables,
    conversation_tables,
    decision_tables,
    experiment_tables,
    feedback_tables,
    follow_up_tables,
    former_ids,
    handover_tables,
    inbound_tables,
    job_tables,
    mediator_tables,
    message_tables,
    mutual_tables,
    people_tables,
    phone_tables,
    place_tables,
    recall_tables,
    receipt_tables,
    release_tables,
    replan_tables,
    round_tables,
    route_tables,
    screening_tables,
    spend_tables,
    staff_tables,
    system_tables,
    talk_tables,
    tally_tables,
    task_tables,
    treatment_tables,
    visit_tables,
)
from service.store.columns import metadata
from service.store.database import Database

TABLES = (
    alarm_tables,
    care_tables,
    centre_tables,
    conversation_tables,
    decision_tables,
    experiment_tables,
    feedback_tables,
    follow_up_tables,
    former_ids,
    handover_tables,
    inbound_tables,
    job_tables,
    mediator_tables,
    message_tables,
    mutual_tables,
    people_tables,
    phone_tables,
    place_tables,
    recall_tables,
    receipt_tables,
    release_tables,
    replan_tables,
    round_tables,
    route_tables,
    screening_tables,
    spend_tables,
    staff_tables,
    system_tables,
    talk_tables,
    tally_tables,
    task_tables,
    treatment_tables,
    visit_tables,
)
assert metadata.tables, "importing the table modules fills the metadata"


MIGRATIONS = Path(__file__).parent / "migrations"
# Alembic's own table; in a metadata of its own, so that no migration of ours touches it.
alembic_version = Table("alembic_version", MetaData(), Column("version_num", String(32)))


def upgrade(database: Database) -> None:
    """Run the migrations that this database lacks; nothing happens when it has them all."""
    with database.engine.begin() as connection:
        upgrade_within(connection)


def upgrade_within(tx: Connection, to: str = "head") -> None:
    """`upgrade` as a part of something larger."""
    # Only here: the web process and the worker need not carry Alembic's ten megabytes.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = tx
    command.upgrade(config, to)


def pending(database: Database) -> bool:
    """True when the database lacks a migration of this version of Laseli."""
    with database.read() as tx:
        return revision(tx) != newest()


def revision(tx: Connection) -> str | None:
    """The last migration that this database has; None for one without tables, or one that was filled in part."""
    if not inspect(tx).has_table(alembic_version.name):
        return None
    return tx.execute(select(alembic_version.c.version_num)).scalar_one_or_none()


def set_revision(tx: Connection, number: str) -> None:
    """The tables stand as this migration left them: said last of all after they were filled from a backup."""
    forget_revision(tx)
    tx.execute(insert(alembic_version).values(version_num=number))


def forget_revision(tx: Connection) -> None:
    """No process of ours takes this for a database until it is said again: it is a backup, and not settled."""
    tx.execute(delete(alembic_version))


def is_unsettled(tx: Connection) -> bool:
    """The tables stand without their version: a backup, put here by hand, or by a restore that was killed."""
    look = inspect(tx)
    return look.has_table(alembic_version.name) and look.has_table("marker") and revision(tx) is None


def newest() -> str:
    """The last revision: migration files are named by their number."""
    return max(file.stem.partition("_")[0] for file in (MIGRATIONS / "versions").glob("[0-9]*.py"))
