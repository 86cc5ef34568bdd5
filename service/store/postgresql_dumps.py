"""A PostgreSQL database through pg_dump and pg_restore: which of them to run, and how to fill an empty database."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, NamedTuple

from sqlalchemy import text
from sqlalchemy.engine import URL, Connection, make_url

from service.store.database import Database

ASIDE = "laseli_replaced"
"""The schema into which a replaced database is moved, until somebody drops it."""
_DEBIAN = "/usr/lib/postgresql"


class NoTool(Exception):
    """Neither on PATH nor where it was said to be is there a pg_dump that fits this server."""


class ToolFailed(Exception):
    """pg_dump or pg_restore gave up; the text is the first line of its reason."""


class Tools(NamedTuple):
    """pg_dump and pg_restore of one version."""

    folder: Path
    major: int

    def command(self, name: str) -> str:
        return str(self.folder / name)


# --- which tool ---------------------------------------------------------------------------------------------


def find_tools(server: int, named: Path | None) -> Tools:
    """The tools of the server's own version, else of the next one up: pg_dump reads no server newer than itself."""
    folders = [named.parent] if named else list(_folders())
    found = [Tools(folder, major) for folder in folders if (major := _major(folder)) is not None]
    fitting = [tools for tools in found if tools.major >= server]
    if fitting:
        return min(fitting, key=lambda tools: tools.major)
    there = ", ".join(str(tools.major) for tools in found) or "none"
    raise NoTool(
        f"the server is PostgreSQL {server} and there is no pg_dump of that version or a later one (found: {there}): "
        f"install postgresql-client-{server}, or name the file in LASELI_BACKUP__PG_DUMP"
    )


def _folders() -> Iterable[Path]:
    on_path = shutil.which("pg_dump")
    if on_path:
        yield Path(on_path).parent
    yield from sorted(Path(_DEBIAN).glob("*/bin"))


def _major(folder: Path) -> int | None:
    majors = set()
    for name in ("pg_dump", "pg_restore"):
        try:
            said = subprocess.run([folder / name, "--version"], capture_output=True, text=True, timeout=10)  # noqa: S603
        except (OSError, subprocess.SubprocessError):
            return None
        majors.add(re.search(r"\(PostgreSQL\) (\d+)", said.stdout))
    return int(found[1]) if (found := majors.pop()) else None


# --- out ----------------------------------------------------------------------------------------------------


@contextmanager
def one_moment(database: Database) -> Iterator[tuple[Connection, str]]:
    """A transaction that sees one moment, and the name by which pg_dump sees the same."""
    alike = database.engine.execution_options(isolation_level="REPEATABLE READ")
    with alike.begin() as tx:
        take_your_time(tx)
        yield tx, str(tx.execute(text("SELECT pg_export_snapshot()")).scalar_one())


def take_your_time(tx: Connection) -> None:
    """For work on the whole database, which no caller waits for."""
    for setting in ("statement_timeout", "idle_in_transaction_session_timeout"):
        tx.execute(text(f"SET LOCAL {setting} = 0"))
    tx.execute(text("SET LOCAL lock_timeout = '60s'"))


@contextmanager
def dump(tools: Tools, url: str, moment: str) -> Iterator[Dump]:
    """What pg_dump writes of that moment, to be read; it compresses by itself."""
    command = [tools.command("pg_dump"), "--format=custom", f"--snapshot={moment}", "--no-password"]
    # Its version is written last, by a restore: what is filled in part, or by hand, starts no process of ours.
    command += ["--exclude-table-data=alembic_version", f"--exclude-schema={ASIDE}"]
    address, environment = _address(url)
    with tempfile.TemporaryFile() as complaints, _running(command, address, environment, complaints) as process:
        yield Dump(process, complaints)


class Dump:
    """Read to its end; the end comes only when pg_dump says that all is there."""

    def __init__(self, process: subprocess.Popen[bytes], complaints: IO[bytes]) -> None:
        self._process, self._complaints = process, complaints

    def read(self, size: int, /) -> bytes:
        assert self._process.stdout is not None
        piece = self._process.stdout.read(size)
        if not piece and self._process.wait() != 0:
            raise ToolFailed(_first_line(self._complaints, "pg_dump"))
        return piece


# --- in -----------------------------------------------------------------------------------------------------


@contextmanager
def restoring(tools: Tools, url: str) -> Iterator[Filling]:
    """What is written here fills the empty database, in one transaction: all of it, or nothing when anything fails."""
    command = [tools.command("pg_restore"), "--single-transaction", "--exit-on-error", "--no-password"]
    command += ["--no-owner", "--no-privileges"]
    address, environment = _address(url)
    with tempfile.TemporaryFile() as complaints, _running(command, address, environment, complaints, True) as process:
        filling = Filling(process, complaints)
        yield filling
        filling.close()


class Filling:
    def __init__(self, process: subprocess.Popen[bytes], complaints: IO[bytes]) -> None:
        self._process, self._complaints = process, complaints

    def write(self, piece: bytes, /) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(piece)
        except BrokenPipeError:
            self._process.wait()
            raise ToolFailed(_first_line(self._complaints, "pg_restore")) from None

    def close(self) -> None:
        self.write(b"")
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        if self._process.wait() != 0:
            raise ToolFailed(_first_line(self._complaints, "pg_restore"))


@contextmanager
def _running(
    command: list[str], address: str, environment: Mapping[str, str], complaints: IO[bytes], fills: bool = False
) -> Iterator[subprocess.Popen[bytes]]:
    """The tool at work. Whatever ends this ends it too: cut off, the server takes everything back."""
    process = subprocess.Popen(  # noqa: S603
        [*command, f"--dbname={address}"],
        stdin=subprocess.PIPE if fills else subprocess.DEVNULL,
        stdout=subprocess.DEVNULL if fills else subprocess.PIPE,
        stderr=complaints,
        env=environment,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with suppress(BrokenPipeError):
                    pipe.close()


def _address(url: str) -> tuple[str, dict[str, str]]:
    """The database's address without the password, and the environment that holds it: others see our arguments."""
    said = make_url(url)
    bare = URL.create("postgresql", said.username, None, said.host, said.port, said.database, said.query)
    environment = {**os.environ, "LC_ALL": "C", "PGAPPNAME": "laseli db", "PGCONNECT_TIMEOUT": "10"}
    if said.password:
        environment["PGPASSWORD"] = str(said.password)
    return bare.render_as_string(), environment


def _first_line(complaints: IO[bytes], tool: str) -> str:
    complaints.seek(0)
    lines = complaints.read(20_000).decode("utf-8", "replace").splitlines()
    return next((line for line in lines if "error" in line.lower()), f"{tool} gave no reason")


# --- the database that is filled ----------------------------------------------------------------------------


def server_major(tx: Connection) -> int:
    return int(tx.execute(text("SHOW server_version_num")).scalar_one()) // 10_000


def others_connected(tx: Connection) -> int:
    """How many other sessions are on this database: our web and worker, or somebody's psql."""
    asked = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
    )
    return int(tx.execute(asked).scalar_one())


def only_one(tx: Connection) -> bool:
    """True when no other restore is at work here; ours holds the place until this transaction ends."""
    return bool(tx.execute(text("SELECT pg_try_advisory_xact_lock(hashtext('laseli db restore'))")).scalar_one())


def what_is_broken(tx: Connection) -> list[str]:
    """What PostgreSQL itself knows to be wrong: indexes left invalid, constraints never proved, pages that changed."""
    found = []
    indexes = "SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid"
    found += [f"index {name} is invalid" for name in tx.execute(text(indexes)).scalars()]
    constraints = "SELECT conname FROM pg_constraint WHERE NOT convalidated"
    found += [f"constraint {name} was never proved" for name in tx.execute(text(constraints)).scalars()]
    pages = "SELECT coalesce(checksum_failures, 0) FROM pg_stat_database WHERE datname = current_database()"
    failures = int(tx.execute(text(pages)).scalar_one())
    return [*found, f"{failures} pages did not match their checksum: look at the disk"] if failures else found


def is_empty(tx: Connection) -> bool:
    """Nothing stands in the schema that we would fill."""
    asked = text("SELECT count(*) FROM pg_class WHERE relnamespace = current_schema()::regnamespace")
    return int(tx.execute(asked).scalar_one()) == 0


def has_aside(tx: Connection) -> bool:
    return bool(tx.execute(text(f"SELECT to_regnamespace('{ASIDE}') IS NOT NULL")).scalar_one())


def set_aside(tx: Connection) -> None:
    """What stands here goes into a schema of its own, whole, and the place is empty."""
    schema = _schema(tx)
    tx.execute(text(f"ALTER SCHEMA {schema} RENAME TO {ASIDE}"))
    tx.execute(text(f"CREATE SCHEMA {schema}"))


def put_back(tx: Connection) -> None:
    """What was set aside stands again, and what was filled in its place is gone."""
    schema = _schema(tx)
    tx.execute(text(f"DROP SCHEMA {schema} CASCADE"))
    tx.execute(text(f"ALTER SCHEMA {ASIDE} RENAME TO {schema}"))


def clear(tx: Connection) -> None:
    """Nothing stands here any more."""
    schema = _schema(tx)
    tx.execute(text(f"DROP SCHEMA {schema} CASCADE"))
    tx.execute(text(f"CREATE SCHEMA {schema}"))


def _schema(tx: Connection) -> str:
    # Quoted by PostgreSQL itself; after a rename `current_schema` no longer says it, so the path's word is taken.
    return str(tx.execute(text("SELECT quote_ident(coalesce(current_schema(), 'public'))")).scalar_one())
