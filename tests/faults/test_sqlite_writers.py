"""F12: eight writers in four processes on one SQLite file, a reader that does not end, and a backup that runs."""

from __future__ import annotations

import json
import sqlite3
import statistics
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from service.runtime import build_runtime
from service.store.system_tables import read_mark
from tests.conftest import a_config, fresh_sqlite
from tests.faults.counting_writer import NAME
from tests.faults.figures import Figures
from tests.faults.sizes import patience, size
from tests.faults.supervisor import HERE

PROCESSES, THREADS = 4, 2
SECONDS = size(5.0, 60.0)

pytestmark = pytest.mark.slow


@pytest.fixture
def database_url(sqlite_template: Path, tmp_path: Path) -> str:
    return fresh_sqlite(sqlite_template, tmp_path)


class Backup:
    """SQLite's online backup, again and again, a few pages at a time."""

    def __init__(self, file: str, to: Path) -> None:
        self.made = 0
        self._file, self._to = file, to
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while not self._over.is_set():
            with sqlite3.connect(self._file) as source, sqlite3.connect(self._to) as copy:
                source.backup(copy, pages=32, sleep=0.002)
            self.made += 1
            self._over.wait(0.02)

    def end(self) -> None:
        self._over.set()
        self._thread.join()


def test_writers_lose_nothing_and_wait_little(database_url: str, tmp_path: Path, figures: Figures) -> None:
    most_ms = patience(500)
    database = build_runtime(a_config(database_url)).database
    command = [sys.executable, "-m", "tests.faults.counting_writer", database_url, str(THREADS), str(SECONDS)]
    pipe = subprocess.PIPE
    writers = [subprocess.Popen(command, cwd=HERE, stdin=pipe, stdout=pipe, text=True) for _ in range(PROCESSES)]
    try:
        for writer in writers:
            assert writer.stdout is not None
            assert writer.stdout.readline() == "ready\n"
        backup = Backup(database_url.removeprefix("sqlite:///"), tmp_path / "copy.db")
        with database.read() as reader:
            before = read_mark(reader, NAME)
            said = [json.loads(writer.communicate()[0]) for writer in _told_to_go(writers)]
            assert read_mark(reader, NAME) == before, "a reader sees one moment"
        backup.end()
    finally:
        for writer in writers:
            writer.kill()
            writer.wait()
    took = sorted(one for each in said for one in each["took"])
    errors = [error for each in said for error in each["errors"]]
    with database.read() as tx:
        counted = int(read_mark(tx, NAME) or 0)
    p99 = took[int(len(took) * 0.99)]
    figures.note(
        "F12",
        f"{PROCESSES * THREADS} writers in {PROCESSES} processes for {SECONDS:.0f} s, a long reader, a running backup",
        "SQLite",
        "errors to callers 0, lost updates 0, p99 of a write < 500 ms",
        {
            "writes": len(took),
            "errors": len(errors),
            "lost updates": len(took) - counted,
            "p50 (ms)": statistics.median(took),
            "p99 (ms)": p99,
            "longest (ms)": took[-1],
            "backups": backup.made,
        },
    )
    assert errors == []
    assert counted == len(took)
    assert backup.made > 0
    assert p99 < most_ms
    with sqlite3.connect(tmp_path / "copy.db") as copy:
        assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def _told_to_go(writers: list[subprocess.Popen[str]]) -> list[subprocess.Popen[str]]:
    """All of them at once; `communicate` would tell one and wait for its end."""
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()
    return writers
