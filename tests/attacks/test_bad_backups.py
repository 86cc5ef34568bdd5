"""A backup that is not what it should be, or a place that is not: a clear sentence, and nothing is changed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import make_url

from service.config import Config
from service.runtime import Runtime
from service.store import postgresql_dumps, schema, sealed_files, sqlite_copies
from service.stories.keeping import backups, restores
from service.stories.keeping.backups import Refused
from tests.backups import PRIVATE, PUBLIC, an_empty_place, litter, opened, rows_of, with_backups
from tests.people import TestClock
from tests.stories.test_recalls import enrol


@pytest.fixture
def settings(settings: Config) -> Config:
    return with_backups(settings)


@pytest.fixture
def place(settings: Config, clock: TestClock, tmp_path: Path) -> Iterator[Runtime]:
    """An empty database to restore into."""
    built = opened(an_empty_place(settings, tmp_path), clock)
    yield built
    built.database.close()


@pytest.fixture
def backup(runtime: Runtime, clock: TestClock, tmp_path: Path) -> Path:
    enrol(runtime, clock)
    return backups.make(runtime, tmp_path / "one.age", clock.now()).file


def refused(place: Runtime, file: Path, *, key: str = PRIVATE, replacing: str = "") -> str:
    with pytest.raises(Refused) as reason:
        restores.restore(place, file, [key], replacing, "Awa", place.now())
    return str(reason.value)


def is_empty(place: Runtime) -> bool:
    if place.database.is_sqlite:
        return sqlite_copies.is_empty(backups.sqlite_file(place))
    with place.database.read() as tx:
        return postgresql_dumps.is_empty(tx) and not postgresql_dumps.has_aside(tx)


# --- the file -----------------------------------------------------------------------------------------------


def test_cut_short_at_any_place(backup: Path, place: Runtime, tmp_path: Path) -> None:
    whole = backup.read_bytes()
    dice = random.Random(4)
    for length in [0, 1, 21, 200, len(whole) - 1, len(whole) - 65_536, *(dice.randrange(len(whole)) for _ in range(8))]:
        cut = tmp_path / "cut.age"
        cut.write_bytes(whole[:length])
        said = refused(place, cut)
        assert "cut short" in said or "no sealed file" in said, said
        assert is_empty(place)
    assert litter(tmp_path) == []


def test_one_octet_changed_anywhere(backup: Path, place: Runtime, tmp_path: Path) -> None:
    whole = backup.read_bytes()
    dice = random.Random(5)
    for at in [0, 30, 100, 180, len(whole) - 1, *(dice.randrange(200, len(whole)) for _ in range(12))]:
        changed = bytearray(whole)
        changed[at] ^= 1 << dice.randrange(8)
        (tmp_path / "changed.age").write_bytes(changed)
        said = refused(place, tmp_path / "changed.age")
        assert any(word in said for word in ("damaged", "no sealed file", "does not open")), said
        assert is_empty(place)


def test_longer_than_it_was(backup: Path, place: Runtime) -> None:
    with backup.open("ab") as file:
        file.write(b"more")
    assert "damaged" in refused(place, backup)
    assert is_empty(place)


def test_another_private_key(backup: Path, place: Runtime) -> None:
    stranger, _ = sealed_files.new_pair()
    assert "does not open it" in refused(place, backup, key=stranger)
    assert is_empty(place)


def test_sealed_to_us_but_no_backup(place: Runtime, tmp_path: Path) -> None:
    """Whoever has the public key can seal anything to us."""
    import io

    for content in (b"", b"hello", b"x" * 200_000, b'{"laseli-backup": 1}\n', b"[]\n", b'{"laseli-backup": 99}\nx'):
        file = tmp_path / "odd.age"
        file.unlink(missing_ok=True)
        sealed_files.seal(io.BytesIO(content), file, [PUBLIC])
        said = refused(place, file)
        assert "no backup of Laseli" in said or "newer Laseli" in said
        assert is_empty(place)


def test_a_good_header_before_what_is_no_database(
    runtime: Runtime, place: Runtime, backup: Path, tmp_path: Path
) -> None:
    import io

    header = backups.look_into(runtime, backup, [PRIVATE]).header
    file = tmp_path / "odd.age"
    sealed_files.seal(io.BytesIO(header.line() + b"no database at all" * 9000), file, [PUBLIC])
    refused(place, file)
    assert is_empty(place)
    assert litter(tmp_path) == []


# --- the place ----------------------------------------------------------------------------------------------


def test_of_the_other_kind(runtime: Runtime, backup: Path, place: Runtime, tmp_path: Path) -> None:
    import io

    header = backups.look_into(runtime, backup, [PRIVATE]).header
    other = header._replace(kind="postgresql" if header.kind == "sqlite" else "sqlite")
    file = tmp_path / "other.age"
    sealed_files.seal(io.BytesIO(other.line() + b"..."), file, [PUBLIC])
    assert "LASELI_DATABASE_URL names one of" in refused(place, file)
    assert is_empty(place)


def test_of_a_newer_version(runtime: Runtime, backup: Path, place: Runtime, tmp_path: Path) -> None:
    import io

    header = backups.look_into(runtime, backup, [PRIVATE]).header
    file = tmp_path / "newer.age"
    sealed_files.seal(io.BytesIO(header._replace(laseli="9.9", migration="0099").line() + b"..."), file, [PUBLIC])
    said = refused(place, file)
    assert "Laseli 9.9" in said
    assert "0099" in said
    assert is_empty(place)


@pytest.mark.parametrize(
    ("identity", "index", "said"),
    [
        ("1:Hx4dHBsaGRgXFhUUExIREA8ODQwLCgkIBwYFBAMCAQA=", None, "LASELI_KEYS__IDENTITY lacks key 1"),
        ("2:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", None, "LASELI_KEYS__IDENTITY lacks key 1"),
        (None, "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", "LASELI_KEYS__INDEX lacks key 1"),
    ],
)
def test_with_other_keys_in_the_settings(
    settings: Config,
    place: Runtime,
    backup: Path,
    clock: TestClock,
    identity: str | None,
    index: str | None,
    said: str,
) -> None:
    had = settings.keys
    keys = {
        "identity": identity or had.identity.get_secret_value(),
        "index": index or had.index.get_secret_value(),
    }
    elsewhere = opened(with_backups(settings, keys=keys, database_url=place.config.database_url), clock)
    assert said in refused(elsewhere, backup)
    assert is_empty(elsewhere)
    elsewhere.database.close()


def name_of(runtime: Runtime) -> str:
    if runtime.database.is_sqlite:
        return backups.sqlite_file(runtime).name
    return make_url(runtime.config.database_url).database or ""


def test_a_database_in_use_is_replaced_only_by_its_name(runtime: Runtime, backup: Path, clock: TestClock) -> None:
    before = rows_of(runtime)
    assert f"--replace {name_of(runtime)}" in refused(runtime, backup)
    assert "nothing was replaced" in refused(runtime, backup, replacing="laseli")
    assert rows_of(runtime) == before


def test_a_database_that_somebody_has_open_is_not_replaced(
    runtime: Runtime, settings: Config, backup: Path, clock: TestClock
) -> None:
    before = rows_of(runtime)  # and the pool keeps its connection, as a web process does
    other = opened(settings, clock)
    said = refused(other, backup, replacing=name_of(runtime))
    assert "stop `laseli serve`" in said or "sessions are on this database" in said
    other.database.close()
    assert rows_of(runtime) == before


def test_what_is_replaced_is_set_aside(
    runtime: Runtime, settings: Config, backup: Path, clock: TestClock, tmp_path: Path
) -> None:
    enrol(runtime, clock, number="+22370000002")
    runtime.database.close()
    other = opened(settings, clock)
    done = restores.restore(other, backup, [PRIVATE], name_of(runtime), "Awa", clock.now())
    assert done.aside
    assert len(rows_of(other)["child"]) == 1
    if other.database.is_sqlite:
        was = opened(settings.model_copy(update={"database_url": f"sqlite:///{done.aside}"}), clock)
        assert len(rows_of(was)["child"]) == 2
        was.database.close()
    else:
        with other.database.read() as tx:
            assert tx.exec_driver_sql("SELECT count(*) FROM laseli_replaced.child").scalar_one() == 2
        again = backups.make(other, tmp_path / "after.age", clock.now()).file
        place = opened(an_empty_place(settings, tmp_path), clock)
        restores.restore(place, again, [PRIVATE], "", "Awa", clock.now())
        with place.database.read() as tx:
            assert not postgresql_dumps.has_aside(tx), "what was set aside is in no backup"
        place.database.close()
        other.database.close()
        another = opened(settings, clock)
        assert "DROP SCHEMA laseli_replaced" in refused(another, backup, replacing=name_of(runtime))
        another.database.close()
    other.database.close()


def test_a_replacement_that_fails_at_its_end_leaves_what_stood_there(
    runtime: Runtime, settings: Config, backup: Path, clock: TestClock, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    before = rows_of(runtime)
    runtime.database.close()
    other = opened(settings, clock)

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(restores.recalls, "plan_restored_day", interrupted)
    with pytest.raises(KeyboardInterrupt):
        restores.restore(other, backup, [PRIVATE], name_of(runtime), "Awa", clock.now())
    assert rows_of(other) == before
    assert litter(tmp_path) == []
    other.database.close()


def test_a_restore_that_was_killed_starts_nothing_and_can_be_done_again(
    place: Runtime, backup: Path, monkeypatch: pytest.MonkeyPatch, clock: TestClock
) -> None:
    """PostgreSQL is filled before it is settled: in between, no process of ours takes it for a database."""

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as moment:
        moment.setattr(restores.schema, "set_revision", killed)
        moment.setattr(restores, "_give_back", lambda *_: None)  # a killed process gives nothing back
        moment.setattr(restores.sqlite_copies, "put_in_place", killed)
        with pytest.raises(KeyboardInterrupt):
            restores.restore(place, backup, [PRIVATE], "", "Awa", clock.now())
    place.database.close()
    again = opened(place.config, clock)
    assert schema.pending(again.database), "`laseli worker` refuses it"
    again.database.close()
    restores.restore(again, backup, [PRIVATE], "", "Awa", clock.now())
    assert not schema.pending(again.database)
    again.database.close()


def test_a_damaged_database_can_be_replaced(settings: Config, backup: Path, clock: TestClock, runtime: Runtime) -> None:
    """The very day on which a backup is needed."""
    if not runtime.database.is_sqlite:
        pytest.skip("PostgreSQL repairs itself, or does not start")
    runtime.database.close()
    file = backups.sqlite_file(runtime)
    file.write_bytes(b"rubbish" * 5000)
    other = opened(settings, clock)
    restores.restore(other, backup, [PRIVATE], file.name, "Awa", clock.now())
    assert len(rows_of(other)["child"]) == 1
    other.database.close()


# --- the tools ----------------------------------------------------------------------------------------------


def test_a_pg_dump_that_is_too_old_is_told_of(tmp_path: Path) -> None:
    tool = tmp_path / "pg_dump"
    for name in ("pg_dump", "pg_restore"):
        (tmp_path / name).write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 15.8 (Debian)'\n")
        (tmp_path / name).chmod(0o755)
    assert postgresql_dumps.find_tools(15, tool).major == 15
    with pytest.raises(postgresql_dumps.NoTool, match="postgresql-client-18"):
        postgresql_dumps.find_tools(18, tool)


def test_the_password_is_no_argument_of_a_tool() -> None:
    address, environment = postgresql_dumps._address("postgresql+psycopg://awa:s%40cret@db.example.org:5433/laseli")
    assert address == "postgresql://awa@db.example.org:5433/laseli"
    assert environment["PGPASSWORD"] == "s@cret"
