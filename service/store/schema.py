"""The whole schema, and bringing a database up to it."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from service.store import (
    care_tables,
    conversation_tables,
    inbound_tables,
    message_tables,
    people_tables,
    place_tables,
    system_tables,
)
from service.store.columns import metadata
from service.store.database import Database

TABLES = (
    care_tables,
    conversation_tables,
    inbound_tables,
    message_tables,
    people_tables,
    place_tables,
    system_tables,
)
assert metadata.tables, "importing the table modules fills the metadata"


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


def upgrade(database: Database) -> None:
    """Run the migrations that this database lacks; nothing happens when it has them all."""
    config = _config()
    with database.engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def pending(database: Database) -> bool:
    """True when the database lacks a migration of this version of Laseli."""
    with database.read() as tx:
        return MigrationContext.configure(tx).get_current_revision() != newest()


def newest() -> str:
    head = ScriptDirectory.from_config(_config()).get_current_head()
    assert head is not None
    return head
