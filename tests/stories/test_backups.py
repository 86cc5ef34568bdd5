"""A backup is made while people call, opens only with the safe's key, and becomes the same database again."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from service.config import Config
from service.domain import backup_rules
from service.readiness import LAST_BACKUP
from service.runtime import Runtime
from service.store import backup_facts, schema, sealed_files, system_tables
from service.store.message_tables import message
from service.stories.delivery.outbox import Letter, put
from service.stories.keeping import backups, restores
from service.stories.keeping.backups import Refused
from tests.backups import PRIVATE, PUBLIC, an_empty_place, litter, opened, rows_of, with_backups
from tests.people import TestClock
from tests.stories.test_recalls import enrol

HOUR = 3_600_000
MOTHER, CANARY = "+22370000001", "Zanzibar"
SAID_ONCE_MORE = {"marker", "message", "decision", "lease", "counter", "conversation", "appointment"}
"""What a restore settles: these tables differ afterwards, and tests of their own look at them."""


@pytest.fixture
def settings(settings: Config) -> Config:
    return with_backups(settings)


@pytest.fixture
def place(settings: Config, clock: TestClock, tmp_path: Path) -> Iterator[Runtime]:
    """An empty database to restore into."""
    built = opened(an_empty_place(settings, tmp_path), clock)
    yield built
    built.database.close()


def restore(place: Runtime, file: Path) -> restores.Restored:
    return restores.restore(place, file, [PRIVATE], "", "Awa", place.now())


def a_life(runtime: Runtime, clock: TestClock) -> None:
    """A family, and a message on its way to it."""
    enrol(runtime, clock)
    with runtime.database.begin() as tx:
        letter = Letter(MOTHER, f"Laseli: {CANARY}", "k1", "notice", "once", clock.now(), clock.now() + HOUR)
        put(tx, clock.now(), letter)


# --- the same again -----------------------------------------------------------------------------------------


def test_what_is_restored_is_what_was_there(runtime: Runtime, place: Runtime, clock: TestClock, tmp_path: Path) -> None:
    a_life(runtime, clock)
    before = rows_of(runtime)
    made = backups.make(runtime, tmp_path / "one.age", clock.now())
    done = restore(place, made.file)
    after = rows_of(place)
    for table in before.keys() - SAID_ONCE_MORE:
        assert after[table] == before[table], table
    assert len(after["message"]) == len(before["message"]) == 1
    assert done.header.rows == {table: len(rows) for table, rows in before.items()}
    assert not schema.pending(place.database)
    assert litter(tmp_path) == []
    if place.database.is_sqlite:
        assert backups.sqlite_file(place).stat().st_mode & 0o777 == 0o600


def test_the_restored_database_goes_on(runtime: Runtime, place: Runtime, clock: TestClock, tmp_path: Path) -> None:
    """Sequences, constraints and keys are all there: the next family enrols as on any other day."""
    a_life(runtime, clock)
    restore(place, backups.make(runtime, tmp_path / "one.age", clock.now()).file)
    enrol(place, clock, number="+22370000009")
    schema.upgrade(place.database)
    again = backups.make(place, tmp_path / "two.age", clock.now())
    assert again.header.rows["child"] == 2


def test_it_is_made_while_others_write_and_none_of_them_waits(
    runtime: Runtime, place: Runtime, clock: TestClock, tmp_path: Path
) -> None:
    """Two marks are always changed together: a copy that mixed two moments would hold one of each."""
    stop, waits = threading.Event(), list[float]()

    def write() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            began = time.monotonic()
            with runtime.database.begin() as tx:
                system_tables.mark(tx, "left", str(number))
                letter = Letter(MOTHER, "x" * 150, f"k{number}", "notice", "once", 1, clock.now() + HOUR)
                put(tx, clock.now(), letter)
                system_tables.mark(tx, "right", str(number))
            waits.append(time.monotonic() - began)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        while len(waits) < 50:
            time.sleep(0.01)
        at_least = len(waits)
        made = backups.make(runtime, tmp_path / "one.age", clock.now())
    finally:
        stop.set()
        writer.join()
    restore(place, made.file)
    with place.database.read() as tx:
        left, right = system_tables.read_mark(tx, "left"), system_tables.read_mark(tx, "right")
        messages = tx.execute(select(func.count()).select_from(message)).scalar_one()
    assert left == right
    assert int(left or 0) == messages == made.header.rows["message"]
    assert at_least <= messages < len(waits), "it was made in the midst of the writing"
    waits.sort()
    print(f"{len(waits)} writes, the longest {waits[-1] * 1000:.0f} ms")
    assert waits[int(len(waits) * 0.99)] < 0.5


def test_a_backup_of_an_older_version_is_brought_up_to_date(
    settings: Config, place: Runtime, clock: TestClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The migrations that it lacks are run before anything starts on it."""
    older = opened(an_empty_place(settings, tmp_path), clock)
    with older.database.engine.begin() as tx:
        schema.upgrade_within(tx, "0002")
    # The version of those days counted the tables of those days.
    monkeypatch.setattr(backup_facts, "rows_by_table", lambda _: {})
    monkeypatch.setattr(backup_facts, "sealing_keys", lambda _: set())
    made = backups.make(older, tmp_path / "old.age", clock.now())
    older.database.close()
    assert made.header.migration == "0002"
    restore(place, made.file)
    assert not schema.pending(place.database)


# --- what it is ---------------------------------------------------------------------------------------------


def test_without_the_key_it_says_nothing(runtime: Runtime, clock: TestClock, tmp_path: Path) -> None:
    """Names and numbers are sealed twice; but neither a table's name nor how many rows it has can be read."""
    a_life(runtime, clock)
    file = backups.make(runtime, tmp_path / "one.age", clock.now()).file
    content = file.read_bytes()
    assert content.startswith(b"age-encryption.org/v1\n")
    assert not any(word in content for word in (CANARY.encode(), b"70000001", b"message", b"laseli-backup"))
    assert file.stat().st_mode & 0o777 == 0o600


def test_each_of_its_keys_opens_it(settings: Config, clock: TestClock, tmp_path: Path) -> None:
    """One in the ministry's safe, one in the hospital's: either is enough."""
    other_private, other_public = sealed_files.new_pair()
    both = opened(
        with_backups(settings, backup=settings.backup.model_copy(update={"recipients": (PUBLIC, other_public)})), clock
    )
    file = backups.make(both, tmp_path / "one.age", clock.now()).file
    for key in (PRIVATE, other_private):
        assert backups.look_into(both, file, [key]).why_not == []
    both.database.close()


def test_its_first_line_can_be_read_without_us(runtime: Runtime, clock: TestClock, tmp_path: Path) -> None:
    """`age -d -i KEY FILE | head -n 1` is JSON; what follows is the database: `tail -n +2`."""
    import json

    import pyrage

    made = backups.make(runtime, tmp_path / "one.age", clock.now())
    plain = pyrage.decrypt(made.file.read_bytes(), [pyrage.x25519.Identity.from_str(PRIVATE)])
    line, _, database = plain.partition(b"\n")
    said = json.loads(line)
    assert said["made"] == "2026-11-20T10:00:00.000Z"
    assert said["migration"] == schema.newest()
    assert database.startswith(b"SQLite format 3\0" if runtime.database.is_sqlite else b"PGDMP")
    for secret in (runtime.config.keys.identity, runtime.config.keys.index):
        assert secret.get_secret_value().split(":")[-1] not in line.decode()


def test_it_is_noted_when_the_last_one_was_made(runtime: Runtime, clock: TestClock, tmp_path: Path) -> None:
    backups.make(runtime, tmp_path / "one.age", clock.now())
    with runtime.database.read() as tx:
        assert str(clock.now()) in (system_tables.read_mark(tx, LAST_BACKUP) or "")


# --- a folder of them ---------------------------------------------------------------------------------------


def test_old_ones_of_ours_go_and_nothing_else(runtime: Runtime, clock: TestClock, tmp_path: Path) -> None:
    made: list[str] = []
    for _ in range(6):
        made.append(backups.make_in(runtime, tmp_path, clock.now()).file.name)
        clock.advance(days=10)
    others = ["laseli-ffffffff-20200101T000000Z.age", "photos.age", made[0] + ".note"]
    for name in others:
        (tmp_path / name).write_bytes(b"not ours")
    gone = backups.throw_away_old(runtime, tmp_path, clock.now(), backup_rules.read_span("35d"))
    assert gone == made[:3]
    assert sorted(file.name for file in tmp_path.glob("*.age*")) == sorted([*made[3:], *others])


def test_a_clock_that_jumped_does_not_throw_the_last_ones_away(
    runtime: Runtime, clock: TestClock, tmp_path: Path
) -> None:
    for _ in range(3):
        backups.make_in(runtime, tmp_path, clock.now())
        clock.advance(minutes=15)
    clock.advance(days=4000)
    assert backups.throw_away_old(runtime, tmp_path, clock.now(), backup_rules.read_span("35d")) == []


def test_a_backup_is_never_overwritten(runtime: Runtime, clock: TestClock, tmp_path: Path) -> None:
    there = tmp_path / "one.age"
    there.write_text("something else")
    with pytest.raises(Refused, match="is there already"):
        backups.make(runtime, there, clock.now())
    assert there.read_text() == "something else"


def test_without_keys_nothing_is_made(settings: Config, clock: TestClock, tmp_path: Path) -> None:
    bare = opened(with_backups(settings, backup={}), clock)
    with pytest.raises(Refused, match="laseli db backup-key"):
        backups.make(bare, tmp_path / "one.age", clock.now())
    bare.database.close()
    assert list(tmp_path.glob("*.age")) == []
