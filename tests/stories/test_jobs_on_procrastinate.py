"""Procrastinate carries coarse jobs on PostgreSQL, is loaded nowhere else, and its tables are the ones we migrated."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from importlib import resources
from pathlib import Path

import pytest
from sqlalchemy import text

from service.config import Config
from service.runtime import Runtime
from service.store import procrastinate_tables
from service.store.procrastinate_tables import queued


def test_sqlite_never_loads_procrastinate_and_a_web_process_never_does(
    runtime: Runtime, settings: Config, tmp_path: Path
) -> None:
    about = """
import sys
from service import jobs
from service.app import create_app
from service.config import Config
from service.runtime import build_runtime
from service.store import system_tables
import scheduler.worker
runtime = build_runtime(Config.from_env())
create_app(runtime)
with runtime.database.begin() as tx:
    jobs.later(tx, "drain", lock="drain")
    print(len(jobs.listed(tx)))
if runtime.database.is_sqlite:
    scheduler.worker.Worker(runtime).jobs.turn()
print([name for name in sys.modules if name.partition(".")[0] in ("procrastinate", "asgiref", "psycopg_pool")])
"""
    environment = {
        "LASELI_DATABASE_URL": settings.database_url,
        "LASELI_KEYS__IDENTITY": settings.keys.identity.get_secret_value(),
        "LASELI_KEYS__INDEX": settings.keys.index.get_secret_value(),
    }
    done = subprocess.run([sys.executable, "-c", about], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["1", "[]"]


def test_procrastinate_s_table_is_cleaned_often(runtime: Runtime) -> None:
    if runtime.database.is_sqlite:
        pytest.skip("about the server")
    with runtime.database.read() as tx:
        options = tx.execute(text("SELECT reloptions FROM pg_class WHERE relname = 'procrastinate_jobs'")).scalar_one()
    assert "autovacuum_vacuum_threshold=200" in options


def test_the_schema_that_was_migrated_is_the_installed_procrastinate_s() -> None:
    """A newer one with other tables needs a migration of ours that runs the files of its `sql/migrations`."""
    schema = resources.files("procrastinate.sql").joinpath("schema.sql").read_bytes()
    assert hashlib.sha256(schema).hexdigest().startswith("c70ec4b400a60ad9")


def test_the_tables_that_we_touch_are_procrastinate_s_own(runtime: Runtime) -> None:
    if runtime.database.is_sqlite:
        pytest.skip("about the server")
    with runtime.database.read() as tx:
        for table in (queued, procrastinate_tables.worker):
            named = "SELECT column_name FROM information_schema.columns WHERE table_name = :name"
            assert {column.name for column in table.columns} <= set(
                tx.execute(text(named), {"name": table.name}).scalars()
            )
