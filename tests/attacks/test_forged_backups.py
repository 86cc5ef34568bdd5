"""Backups that somebody else sealed to our public key: the header lies, or another database stands behind it."""

from __future__ import annotations

import contextlib
import io
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain import backup_rules
from service.domain.backup_rules import Header, Here, NotOurs
from service.runtime import Runtime
from service.store import sealed_files
from service.stories.keeping import backups
from tests.attacks.test_bad_backups import PRIVATE, PUBLIC, backup, is_empty, place, refused, settings

__all__ = ["backup", "place", "settings"]

HERE = Here("0018", "sqlite", 0, {"identity 1": "ab"})
GOOD: dict[str, Any] = {
    "laseli-backup": 1,
    "laseli": "0.1.0",
    "migration": "0018",
    "made_at": 1_790_000_000_000,
    "kind": "sqlite",
    "server": 0,
    "rows": {"person": 3},
    "keys": {"identity 1": "0123456789abcdef"},
}
ODD = [
    *[None, True, -1, 1e308, float("inf"), 10**30, "", "abc", "-1", "\x1b[2J", "0\n18", "\u202e", "٣", "1" * 5000],
    *[[], {}, {"a": "b"}, {"\x1b[2J": 1}, {"identity 1\nEverything is well.": "x"}, {"person": 10**30}, {"person": -1}],
]


def sealed(folder: Path, content: bytes) -> Path:
    file = folder / "forged.age"
    file.unlink(missing_ok=True)
    sealed_files.seal(io.BytesIO(content), file, [PUBLIC])
    return file


@given(st.dictionaries(st.sampled_from([*GOOD, "more"]), st.sampled_from(ODD), min_size=1, max_size=3))
def test_any_header_is_ours_and_can_be_shown_or_is_not_ours(changes: dict[str, Any]) -> None:
    line = json.dumps(GOOD | changes).encode()
    try:
        header = backup_rules.read_header(line)
    except NotOurs:
        return
    said = [*backup_rules.why_not(header, HERE), *map(str, backup_rules.told(header).values())]
    assert all(each.isprintable() for each in said)


@pytest.mark.parametrize("line", [b"[" * 60_000, b'{"a":' * 10_000, b"\xff\xfe", b"9" * 5_000, b"NaN", b'"x"'])
def test_a_line_that_is_no_header_is_not_ours(line: bytes) -> None:
    with pytest.raises(NotOurs):
        backup_rules.read_header(line)


@pytest.mark.parametrize("migration", ["0000", "0001", "0017"])
def test_a_header_that_lies_about_its_version_changes_nothing(
    runtime: Runtime, place: Runtime, backup: Path, tmp_path: Path, migration: str
) -> None:
    whole = io.BytesIO()
    sealed_files.unseal(backup, [PRIVATE], whole)
    line, _, database = whole.getvalue().partition(b"\n")
    header = backup_rules.read_header(line)._replace(migration=migration)
    assert refused(place, sealed(tmp_path, header.line() + database))
    assert is_empty(place)


def test_another_database_behind_our_header_changes_nothing(
    runtime: Runtime, place: Runtime, backup: Path, tmp_path: Path
) -> None:
    if not place.database.is_sqlite:
        pytest.skip("pg_restore refuses what is no dump")
    header = backups.look_into(runtime, backup, [PRIVATE]).header
    other = tmp_path / "other.db"
    with contextlib.closing(sqlite3.connect(other)) as made:
        made.executescript("CREATE TABLE a (b); CREATE TRIGGER t AFTER INSERT ON a BEGIN DELETE FROM a; END;")
    assert refused(place, sealed(tmp_path, header.line() + other.read_bytes()))
    assert is_empty(place)


def test_the_good_header_is_read() -> None:
    header = backup_rules.read_header(json.dumps(GOOD).encode())
    assert isinstance(header, Header)
    assert header.keys == GOOD["keys"]
