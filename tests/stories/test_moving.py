"""A programme outgrows its machine: its SQLite file moves to PostgreSQL, and nobody is forgotten or told twice."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import create_engine, func, select, text

from service import jobs
from service.cli import main
from service.readiness import WORKER_LEASE
from service.runtime import Runtime, build_runtime
from service.store import job_tables, people_tables, schema, system_tables
from service.store.columns import metadata
from service.stories.delivery import dispatch_gate, dispatcher
from service.stories.homes import families
from service.stories.recall import recalls
from tests.conftest import a_config, fresh_sqlite
from tests.loopback import LoopbackCarrier
from tests.people import TestClock
from tests.stories.test_recalls import MOTHER, enrol, messages


@pytest.fixture
def file(sqlite_template: Path, tmp_path: Path) -> Path:
    return Path(fresh_sqlite(sqlite_template, tmp_path).removeprefix("sqlite:///"))


@pytest.fixture
def empty(postgres: str) -> str:
    """A new database that holds nothing."""
    name = f"empty_{os.urandom(4).hex()}"
    with create_engine(postgres, isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    return postgres.replace("/postgres?", f"/{name}?")


def move(empty: str, file: Path, **changes: str) -> Result:
    keys = a_config(empty).keys
    environment = {
        "LASELI_DATABASE_URL": empty,
        "LASELI_KEYS__IDENTITY": keys.identity.get_secret_value(),
        "LASELI_KEYS__INDEX": keys.index.get_secret_value(),
    }
    return CliRunner().invoke(main, ["db", "move-from", str(file)], env=environment | changes)


def opened(url: str, clock: TestClock, carrier: LoopbackCarrier) -> Runtime:
    account = {"username": "x", "api_key": "k", "base_url": carrier.base_url, "hook_secrets": ("s" * 32,)}
    settings = a_config(url, routes=("africastalking",), drafts_allowed_by="the tests", africastalking=account)
    return build_runtime(settings, at=clock)


def test_a_programme_moves_to_postgresql_and_goes_on(
    file: Path, empty: str, clock: TestClock, carrier: LoopbackCarrier
) -> None:
    old = opened(f"sqlite:///{file}", clock, carrier)
    child = enrol(old, clock)
    enrol(old, clock, born="2026-06-20")
    recalls.queue_recalls(old)
    with old.database.begin() as tx:
        jobs.later(tx, "drain", lock="drain")
        job_tables.bury(tx, "export", {"export_id": 5}, None, 5, clock.now(), "RuntimeError")
        before = {
            table.name: tx.execute(select(func.count()).select_from(table)).scalar_one()
            for table in metadata.sorted_tables
        }
    done = move(empty, file)
    assert done.exit_code == 0, done.output
    assert "rows are here now" in done.output

    new = opened(empty, clock, carrier)
    assert not schema.pending(new.database)
    with new.database.read() as tx:
        for table in metadata.sorted_tables:
            if table.name not in ("job", "lease"):
                found = tx.execute(select(func.count()).select_from(table)).scalar_one()
                assert found == before[table.name], table.name
        assert people_tables.find_child(tx, id=child.child_id), "what is sealed is readable"
        assert [(one.name, one.state) for one in jobs.listed(tx)] == [("drain", "waiting"), ("export", "failed")]
        assert dispatch_gate.closed(tx) == []
    jobs.carry_out_due(new)
    assert [sms.to for sms in carrier.accepted] == [MOTHER]
    assert recalls.queue_recalls(new) == 0
    assert dispatcher.send_due(old) == 0, "the file sends nothing more"
    assert {one.state for one in messages(old)} == {"queued"}
    with new.database.begin() as tx:
        families.stop_child(tx, new, child.child_id, clock.now())
    again = move(empty, file)
    assert again.exit_code == 1
    assert "not empty" in again.output
    for runtime in (old, new):
        runtime.database.close()


def test_what_is_not_ready_is_not_moved(
    file: Path, empty: str, clock: TestClock, carrier: LoopbackCarrier, tmp_path: Path
) -> None:
    assert "no file" in move(empty, tmp_path / "nothing.db").output
    (tmp_path / "new.db").touch()
    assert "lacks migrations" in move(empty, tmp_path / "new.db").output
    other_key = {"LASELI_KEYS__INDEX": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="}
    assert "LASELI_KEYS__INDEX" in move(empty, file, **other_key).output
    old = opened(f"sqlite:///{file}", clock, carrier)
    with old.database.begin() as tx:
        system_tables.take_lease(tx, WORKER_LEASE, "a worker", 30_000)
    assert "a worker still runs" in move(empty, file).output
    with old.database.begin() as tx:
        assert dispatch_gate.closed(tx) == [], "nothing has changed"
        system_tables.give_lease_back(tx, WORKER_LEASE, "a worker")
    assert move(empty, file).exit_code == 0
    old.database.close()
