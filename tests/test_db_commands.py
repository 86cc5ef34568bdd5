"""`laseli db ...` as typed at a terminal, and as a supervisor or a power cut ends it."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import make_url

from scheduler.__main__ import main
from service.config import Config
from service.runtime import Runtime, build_runtime
from service.store import schema, sealed_files, sqlite_copies
from service.store.system_tables import marker
from service.stories.keeping import backups
from tests.backups import PRIVATE, an_empty_place, environment, litter, servers_own, with_backups
from tests.people import TestClock
from tests.stories.test_recalls import enrol

KEY_FILE = f"# created: today\n# public key: age1...\n{PRIVATE}\n"


@pytest.fixture(autouse=True)
def _own_logs() -> Iterator[None]:
    """The command sends logs to the standard error of its run, which is gone afterwards."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def settings(settings: Config) -> Config:
    return with_backups(settings)


def db(settings: Config, *words: object, typed: str = "") -> Result:
    result = CliRunner().invoke(main, ["db", *map(str, words)], input=typed, env=environment(settings))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def test_a_pair_is_printed_and_fits_the_settings() -> None:
    result = CliRunner().invoke(main, ["db", "backup-key"])
    assert result.exit_code == 0
    [private] = sealed_files.private_keys(result.output)
    public = next(line for line in result.output.splitlines() if "LASELI_" in line).partition("=")[2]
    assert sealed_files.public_key_of(private) == public
    assert all(line.startswith("#") or line == private for line in result.output.splitlines()), "age reads it too"
    assert CliRunner().invoke(main, ["db", "backup-key"]).output != result.output


def test_out_and_back(runtime: Runtime, settings: Config, clock: TestClock, tmp_path: Path) -> None:
    enrol(runtime, clock)
    runtime.database.close()
    (tmp_path / "key.txt").write_text(KEY_FILE)
    folder = tmp_path / "backups"
    folder.mkdir()
    made = db(settings, "backup", "--to", folder, "--keep", "35d")
    assert made.exit_code == 0, made.output
    [file] = folder.glob("laseli-*.age")
    assert "sealed to 1 key." in made.output

    new = an_empty_place(settings, tmp_path)
    looked = db(new, "check", file, "--key", tmp_path / "key.txt")
    assert looked.exit_code == 0, looked.output
    assert "child 1" in looked.output
    assert "It can be restored here." in looked.output

    restored = db(new, "restore", file, "--key", "-", "--by", "Awa", typed=KEY_FILE)
    assert restored.exit_code == 0, restored.output
    assert "Nothing is sent until somebody releases it" in restored.output
    assert "laseli outbox release" in restored.output
    assert db(new, "check").output.count("good") == 4
    again = db(new, "restore", file, "--key", tmp_path / "key.txt")
    assert again.exit_code == 1
    assert "--replace" in again.output
    assert "Nothing was changed." in again.output
    assert "70000001" not in made.output + looked.output + restored.output


def test_what_is_in_a_backup_as_json(runtime: Runtime, settings: Config, clock: TestClock, tmp_path: Path) -> None:
    file = backups.make(runtime, tmp_path / "one.age", clock.now()).file
    (tmp_path / "key.txt").write_text(KEY_FILE)
    said = json.loads(db(settings, "check", file, "--key", tmp_path / "key.txt", "--json").output)
    assert said["made"] == "2026-11-20T10:00:00.000Z"
    assert said["why_not"] == []
    runtime.database.close()


def test_a_backup_needs_its_key(settings: Config, tmp_path: Path) -> None:
    (tmp_path / "one.age").write_bytes(b"x")
    assert "add --key FILE" in db(settings, "check", tmp_path / "one.age").output
    for content in ("", "hello", PRIVATE[:-1], PRIVATE.replace("AGE", "age")):
        (tmp_path / "key.txt").write_text(content)
        result = db(settings, "check", tmp_path / "one.age", "--key", tmp_path / "key.txt")
        assert result.exit_code == 1
        assert "private key" in result.output
        assert PRIVATE[20:40] not in result.output


def test_a_damaged_database_is_found(runtime: Runtime, settings: Config, clock: TestClock) -> None:
    if not runtime.database.is_sqlite:
        pytest.skip("PostgreSQL's pages have checksums of their own")
    for number in range(40):
        enrol(runtime, clock, number=f"+2237000{number:04d}")
    runtime.database.close()
    file = backups.sqlite_file(runtime)
    sqlite_copies.make_whole(file)
    content = bytearray(file.read_bytes())
    for page in range(20, len(content) // 4096, 3):
        content[page * 4096 : page * 4096 + 64] = os.urandom(64)
    file.write_bytes(content)
    result = db(settings, "check")
    assert result.exit_code == 1
    assert "restore the last backup" in result.output


def test_a_value_sealed_with_a_lost_key_is_found(runtime: Runtime, settings: Config, clock: TestClock) -> None:
    enrol(runtime, clock)
    with runtime.database.begin() as tx:
        tx.exec_driver_sql("UPDATE phone SET number = " + ("x'0901'" if runtime.database.is_sqlite else "'\\x0901'"))
    runtime.database.close()
    result = db(settings, "check")
    assert result.exit_code == 1
    assert "sealed with key 9" in result.output


def test_a_backup_put_in_place_by_hand_starts_nothing(
    runtime: Runtime, settings: Config, clock: TestClock, tmp_path: Path
) -> None:
    """It would say again all that it has said since."""
    import pyrage

    enrol(runtime, clock)
    file = backups.make(runtime, tmp_path / "one.age", clock.now()).file
    plain = pyrage.decrypt(file.read_bytes(), [pyrage.x25519.Identity.from_str(PRIVATE)])
    by_hand = tmp_path / "by hand"
    by_hand.write_bytes(plain.partition(b"\n")[2])
    place = an_empty_place(settings, tmp_path)
    if runtime.database.is_sqlite:
        place = settings.model_copy(update={"database_url": f"sqlite:///{by_hand}"})
    else:
        address = make_url(place.database_url).set(drivername="postgresql").render_as_string(hide_password=False)
        subprocess.run([servers_own("pg_restore"), "-d", address, by_hand], check=True)
    runtime.database.close()
    result = CliRunner().invoke(main, ["worker"], env=environment(place))
    assert result.exit_code == 1
    assert "lacks migrations" in result.output
    assert "put here by hand" in db(place, "upgrade").output


# --- ended from outside -------------------------------------------------------------------------------------


def a_large_database(runtime: Runtime, clock: TestClock, megabytes: int = 30) -> None:
    """Large enough that a backup of it takes a moment."""
    with runtime.database.begin() as tx:
        rows = [{"name": f"filling-{number}", "value": os.urandom(50_000).hex()} for number in range(megabytes * 10)]
        tx.execute(marker.insert(), rows)
    runtime.database.close()


def _started(settings: Config, *words: object) -> subprocess.Popen[bytes]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("LASELI_")}
    return subprocess.Popen(
        [sys.executable, "-m", "scheduler", "db", *map(str, words)],
        env=clean | environment(settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        # A shell's background job ignores Ctrl-C, and so would this process when the tests run in one.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def _at_work(process: subprocess.Popen[bytes], folder: Path) -> None:
    deadline = time.monotonic() + 30
    while not litter(folder):
        assert process.poll() is None, "it was over before it could be stopped"
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP], ids=["TERM", "INT", "HUP"])
def test_told_to_stop_it_tidies_up(
    runtime: Runtime, settings: Config, clock: TestClock, tmp_path: Path, number: signal.Signals
) -> None:
    a_large_database(runtime, clock)
    folder = tmp_path / "backups"
    folder.mkdir()
    process = _started(settings, "backup", "--to", folder)
    _at_work(process, tmp_path)
    process.send_signal(number)
    said, _ = process.communicate(timeout=30)
    assert process.returncode not in (0, None)
    assert b"Traceback" not in said
    assert litter(tmp_path) == []
    assert list(folder.iterdir()) == []


def test_killed_the_next_one_tidies_up(runtime: Runtime, settings: Config, clock: TestClock, tmp_path: Path) -> None:
    a_large_database(runtime, clock)
    folder = tmp_path / "backups"
    folder.mkdir()
    process = _started(settings, "backup", "--to", folder)
    _at_work(process, tmp_path)
    process.kill()
    process.communicate(timeout=30)
    assert litter(tmp_path) != []
    assert list(folder.glob("*.age")) == []
    made = db(settings, "backup", "--to", folder)
    assert made.exit_code == 0, made.output
    assert litter(tmp_path) == []
    assert len(list(folder.iterdir())) == 1


def test_nobody_else_can_look_at_the_copy_while_it_is_made(
    runtime: Runtime, settings: Config, clock: TestClock, tmp_path: Path
) -> None:
    a_large_database(runtime, clock)
    process = _started(settings, "backup", tmp_path / "one.age")
    _at_work(process, tmp_path)
    seen = list(tmp_path.glob(".laseli-private-*"))
    assert seen
    assert {file.stat().st_mode & 0o777 for file in seen} == {0o700}
    process.communicate(timeout=60)
    assert process.returncode == 0


def test_a_restore_that_is_told_to_stop_leaves_the_place_as_it_was(
    runtime: Runtime, settings: Config, clock: TestClock, tmp_path: Path
) -> None:
    a_large_database(runtime, clock)
    file = tmp_path / "one.age"
    assert db(settings, "backup", file).exit_code == 0
    (tmp_path / "key.txt").write_text(KEY_FILE)
    new = an_empty_place(settings, tmp_path)
    process = _started(new, "restore", file, "--key", tmp_path / "key.txt")
    _fills(process, tmp_path)
    process.send_signal(signal.SIGTERM)
    said, _ = process.communicate(timeout=30)
    assert process.returncode == 128 + signal.SIGTERM
    assert b"Traceback" not in said
    assert litter(tmp_path) == []
    again = db(new, "restore", file, "--key", tmp_path / "key.txt")
    assert again.exit_code == 0, "the place is as empty as before"


def _fills(process: subprocess.Popen[bytes], folder: Path) -> None:
    """Wait until it writes: into a private folder, or through pg_restore."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    deadline = time.monotonic() + 60
    while not litter(folder) and not any(_is_pg_restore(child) for child in children.read_text().split()):
        assert process.poll() is None, "it was over before it could be stopped"
        assert time.monotonic() < deadline
        time.sleep(0.005)


def _is_pg_restore(pid: str) -> bool:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return words[0].endswith(b"pg_restore") and b"--version" not in words


def test_an_upgrade_says_from_where_to_where(settings: Config, tmp_path: Path) -> None:
    place = an_empty_place(settings, tmp_path)
    runtime = build_runtime(place)
    with runtime.database.begin() as tx:
        schema.upgrade_within(tx, "0006")
    runtime.database.close()
    first, second = (db(place, "upgrade").output for _ in range(2))
    assert f"The database is up to date, from migration 0006 to {schema.newest()}." in first
    assert "The database is up to date." in second
