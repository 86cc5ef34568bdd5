"""An upgrade is one transaction: killed in its middle, the database is what it was, and the next try does all of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from service.config import Config
from service.runtime import build_runtime
from service.store import schema
from tests.backups import an_empty_place, environment

BEFORE = "0006"
KILLED = """
import os, signal
from service.config import Config
from service.runtime import build_runtime
from service.store import schema
with build_runtime(Config.from_env()).database.engine.begin() as connection:
    schema.upgrade_within(connection)
    assert schema.revision(connection) == schema.newest()
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_an_upgrade_that_is_killed_leaves_all_as_it_was(settings: Config, tmp_path: Path) -> None:
    place = an_empty_place(settings, tmp_path)
    runtime = build_runtime(place)
    with runtime.database.begin() as tx:
        schema.upgrade_within(tx, BEFORE)
    runtime.database.close()
    done = subprocess.run(
        [sys.executable, "-c", KILLED],
        env=os.environ | environment(place),
        cwd=Path(__file__).resolve().parents[2],
        timeout=120,
    )
    assert done.returncode == -signal.SIGKILL
    runtime = build_runtime(place)
    with runtime.database.read() as tx:
        assert schema.revision(tx) == BEFORE
    schema.upgrade(runtime.database)
    with runtime.database.read() as tx:
        assert schema.revision(tx) == schema.newest()
    runtime.database.close()
