"""The ground: migrations, transactions that lose nothing, and a file that names nobody."""

from __future__ import annotations

import threading
from contextlib import ExitStack

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import CreateIndex

from service.runtime import Runtime
from service.store import message_tables, people_tables, phone_tables, schema, system_tables
from service.store.columns import metadata
from service.store.database import MOST_WAITING
from service.stories.delivery.outbox import Letter, put

CANARY = "Canari Zanzibar"


def is_ours(name: str | None, *_: object) -> bool:
    """Procrastinate's tables on PostgreSQL are made from its own file."""
    return not (name or "").startswith("procrastinate_")


def test_the_migrations_make_the_tables_that_the_code_names(runtime: Runtime) -> None:
    with runtime.database.read() as tx:
        assert compare_metadata(MigrationContext.configure(tx, opts={"include_name": is_ours}), metadata) == []
        assert MigrationContext.configure(tx).get_current_revision() == schema.newest()
    assert not schema.pending(runtime.database)
    schema.upgrade(runtime.database)  # again: nothing happens


@pytest.mark.parametrize("dialect", [postgresql.dialect(), sqlite.dialect()], ids=["postgresql", "sqlite"])
def test_an_index_of_some_rows_is_one_on_both_databases(dialect: Dialect) -> None:
    [due] = [index for index in message_tables.message.indexes if index.name == "ix_message_due"]
    told = " ".join(str(CreateIndex(due).compile(dialect=dialect)).split())
    assert told.endswith("ON message (priority DESC, not_before) WHERE state = 'queued'")


def test_concurrent_updates_are_not_lost(runtime: Runtime) -> None:
    """With the driver's own transactions on SQLite most of these updates vanish without an error."""

    def add() -> None:
        for _ in range(40):
            with runtime.database.begin() as tx:
                value = int(system_tables.read_mark(tx, "n") or 0)
                if not runtime.database.is_sqlite:
                    tx.execute(select(system_tables.marker).where(system_tables.marker.c.name == "n").with_for_update())
                    value = int(system_tables.read_mark(tx, "n") or 0)
                system_tables.mark(tx, "n", str(value + 1))

    with runtime.database.begin() as tx:
        system_tables.mark(tx, "n", "0")
    threads = [threading.Thread(target=add) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with runtime.database.read() as tx:
        assert system_tables.read_mark(tx, "n") == "240"


def test_a_failed_transaction_leaves_nothing(runtime: Runtime) -> None:
    class Stop(Exception):
        pass

    try:
        with runtime.database.begin() as tx:
            system_tables.mark(tx, "half", "done")
            raise Stop
    except Stop:
        pass
    with runtime.database.read() as tx:
        assert system_tables.read_mark(tx, "half") is None


def test_a_connection_that_broke_is_not_taken_again(runtime: Runtime) -> None:
    def broken(says: str) -> None:
        with runtime.database.begin() as tx:
            tx.connection.dbapi_connection.close()
            if says:
                system_tables.mark(tx, says, "done")

    for says in ("half", ""):  # a statement finds it out, or the commit
        with pytest.raises(DBAPIError):
            broken(says)
    with runtime.database.begin() as tx:
        system_tables.mark(tx, "whole", "done")
        assert system_tables.read_mark(tx, "half") is None


def test_more_transactions_at_once_than_connections_are_kept(runtime: Runtime) -> None:
    at_once = 1 if runtime.database.is_sqlite else MOST_WAITING + 2
    for _ in range(2):
        with ExitStack() as stack:
            for tx in [stack.enter_context(runtime.database.begin()) for _ in range(at_once)]:
                assert system_tables.read_mark(tx, "n") is None


def test_names_numbers_and_texts_are_sealed_in_the_tables(runtime: Runtime) -> None:
    with runtime.database.begin() as tx:
        put(tx, 1, Letter("+22370000042", CANARY, "k", "reminder", "once", 1, 2))
        people_tables.add_person(tx, organisation_id=_organisation(tx), name=CANARY, created_at=1)
        raw = tx.exec_driver_sql("SELECT number, number_idx FROM phone").all()
        raw += tx.exec_driver_sql("SELECT text, text FROM message").all()
        raw += tx.exec_driver_sql("SELECT name, name FROM person").all()
        assert len(raw) == 3
        for row in raw:
            for value in row:
                assert isinstance(value, bytes | memoryview)
                assert b"70000042" not in bytes(value)
                assert b"Canari" not in bytes(value)
        assert tx.execute(select(message_tables.message.c.text)).scalar_one() == CANARY
        assert phone_tables.find_phone(tx, "+22370000042") is not None
        assert phone_tables.find_phone(tx, "+22370000043") is None


def _organisation(tx) -> int:
    from service.store.place_tables import organisation

    return tx.execute(select(organisation.c.id)).scalar_one()


def test_a_lease_has_one_holder_until_it_ends(runtime: Runtime) -> None:
    with runtime.database.begin() as tx:
        assert system_tables.take_lease(tx, "worker", "a", 60_000)
        assert not system_tables.take_lease(tx, "worker", "b", 60_000)
        assert system_tables.take_lease(tx, "worker", "a", 60_000)
        left = system_tables.lease_age(tx, "worker")
        assert left is not None
        assert 55_000 < left <= 60_000
        system_tables.give_lease_back(tx, "worker", "a")
        assert system_tables.take_lease(tx, "worker", "b", 60_000)
        # Its clock was 90 days ahead when it died.
        tx.execute(update(system_tables.lease).values(until=system_tables.lease.c.until + 90 * 86_400_000))
        assert system_tables.take_lease(tx, "worker", "a", 60_000)
        assert not system_tables.take_lease(tx, "worker", "b", 60_000)
