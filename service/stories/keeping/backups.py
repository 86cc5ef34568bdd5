"""A copy of everything, sealed to keys that are not on this server, made while people call and messages leave.

Nothing readable is left lying: SQLite's copy stands for moments in a private folder beside the database it came from,
PostgreSQL's goes from pg_dump into the seal without touching the disk.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from sqlalchemy.engine import Connection, make_url
from sqlalchemy.exc import DBAPIError

from service.domain import backup_rules
from service.domain.backup_rules import Header, Here, NotOurs
from service.key_rings import parse_index_ring, parse_ring
from service.logs import log, scrub
from service.readiness import LAST_BACKUP
from service.runtime import Runtime
from service.store import backup_facts, postgresql_dumps, schema, sealed_files, sqlite_copies, system_tables
from service.store.database import Database
from service.store.private_folder import private_folder
from service.stories.keeping import key_checks

INSTALLATION = "installation"
"""The mark of its name, by which it knows its own backups in a folder."""


class Refused(Exception):
    """Nothing was done; the text says why and what to do."""


class Made(NamedTuple):
    file: Path
    octets: int
    header: Header


# --- making one ---------------------------------------------------------------------------------------------


def make(runtime: Runtime, target: Path, now: int) -> Made:
    """Seal a copy of this moment into the new file `target`. It is there whole, on the disk, or not at all."""
    recipients = runtime.config.backup.recipients
    if not recipients:
        raise Refused(
            "LASELI_BACKUP__RECIPIENTS is not set: `laseli db backup-key` prints a pair; its public key goes there, "
            "its private key into the safe."
        )
    if target.exists():
        raise Refused(f"{target} is there already, and backups are not overwritten: choose another name")
    if not target.parent.is_dir():
        raise Refused(f"there is no folder {target.parent}")
    with told_as_refusal(), private_folder(target.parent) as room:
        sealed = room / "sealed"
        header = (_seal_sqlite if runtime.database.is_sqlite else _seal_postgresql)(runtime, sealed, recipients, now)
        octets = sealed.stat().st_size
        _name(sealed, target)
    with runtime.database.begin() as tx:
        system_tables.mark(tx, LAST_BACKUP, json.dumps({"at": now, "octets": octets}))
    log.info("backup_made", octets=str(octets), rows=str(sum(header.rows.values())))
    return Made(target, octets, header)


def make_in(runtime: Runtime, folder: Path, now: int) -> Made:
    """The same, under a name that says whose it is and when it was made."""
    return make(runtime, folder / backup_rules.file_name(_installation(runtime), now), now)


def throw_away_old(runtime: Runtime, folder: Path, now: int, keep_ms: int) -> list[str]:
    """Delete this installation's own backups that are older than that, by name; nothing else in the folder."""
    names = [file.name for file in folder.iterdir() if file.is_file() and not file.is_symlink()]
    gone = backup_rules.too_old(names, _installation(runtime), now, keep_ms)
    for name in gone:
        (folder / name).unlink(missing_ok=True)
    return gone


def _name(sealed: Path, target: Path) -> None:
    """Give the finished file its name; one that appeared there meanwhile stays what it is."""
    try:
        os.link(sealed, target)
    except FileExistsError:
        raise Refused(f"{target} is there already, and backups are not overwritten: choose another name") from None
    except OSError:  # a disk without hard links: a stick
        if target.exists():
            raise Refused(f"{target} is there already, and backups are not overwritten") from None
        os.replace(sealed, target)
    sqlite_copies.settle_folder(target.parent)


def _seal_sqlite(runtime: Runtime, sealed: Path, recipients: Sequence[str], now: int) -> Header:
    live = sqlite_file(runtime)
    _has_room(live)
    with private_folder(live.parent) as room:
        copy = room / "copy.db"
        sqlite_copies.copy_running(live, copy)
        sqlite_copies.prove(copy)
        opened = Database(f"sqlite:///{copy}", runtime.vault)
        with opened.begin() as tx:
            header = _header(runtime, tx, now)
            schema.forget_revision(tx)
        opened.close()
        sqlite_copies.make_whole(copy)
        with copy.open("rb") as file:
            sealed_files.seal(_After(header.line(), file), sealed, recipients)
    return header


def _seal_postgresql(runtime: Runtime, sealed: Path, recipients: Sequence[str], now: int) -> Header:
    with postgresql_dumps.one_moment(runtime.database) as (tx, moment):
        tools = postgresql_dumps.find_tools(postgresql_dumps.server_major(tx), runtime.config.backup.pg_dump)
        header = _header(runtime, tx, now)
        with postgresql_dumps.dump(tools, runtime.config.database_url, moment) as dump:
            sealed_files.seal(_After(header.line(), dump), sealed, recipients)
    return header


class _After:
    """The header, then what follows it."""

    def __init__(self, header: bytes, rest: sealed_files.Reader) -> None:
        self._header, self._rest = header, rest

    def read(self, size: int, /) -> bytes:
        if self._header:
            piece, self._header = self._header[:size], self._header[size:]
            return piece
        return self._rest.read(size)


def _header(runtime: Runtime, tx: Connection, now: int) -> Header:
    here = here_of(runtime)
    identity, index = key_checks.needed_keys(tx)
    needed = {f"identity {number}" for number in backup_facts.sealing_keys(tx) | identity}
    needed |= {f"index {number}" for number in backup_facts.index_keys(tx) | index}
    return Header(
        laseli=version("laseli"),
        migration=schema.revision(tx) or "0",
        made_at=now,
        kind=here.kind,
        server=here.server,
        rows=backup_facts.rows_by_table(tx),
        keys={name: here.keys.get(name, "unknown") for name in sorted(needed)},
    )


def _has_room(live: Path) -> None:
    """The copy must not fill the disk on which people's calls are written."""
    needed = 2 * live.stat().st_size + 50_000_000
    free = shutil.disk_usage(live.parent).free
    if free < needed:
        raise Refused(f"the disk of {live.parent} has {free // 10**6} MB left, and the copy needs {needed // 10**6}")


# --- looking into one ---------------------------------------------------------------------------------------


class Looked(NamedTuple):
    header: Header
    why_not: list[str]


def look_into(runtime: Runtime, file: Path, private_keys: Sequence[str]) -> Looked:
    """Open a backup to its end, which proves every octet of it, and say whether it fits here."""
    reading = Opening()
    open_backup(file, private_keys, reading)
    assert reading.header is not None
    return Looked(reading.header, backup_rules.why_not(reading.header, here_of(runtime)))


def open_backup(file: Path, private_keys: Sequence[str], opening: Opening) -> None:
    """Let `opening` see all of a backup; raises Refused for what is no backup, or not ours to open, or damaged."""
    try:
        sealed_files.unseal(file, private_keys, opening)
    except (sealed_files.CannotUnseal, NotOurs) as reason:
        raise Refused(f"{file}: {reason}") from None
    except FileNotFoundError:
        raise Refused(f"there is no file {file}") from None
    if opening.header is None:
        raise Refused(f"{file}: it opens, but it is no backup of Laseli")


class Opening:
    """Takes what is unsealed apart: the header, and the database after it, which goes to `into`."""

    def __init__(self, into: sealed_files.Writer | None = None) -> None:
        self.header: Header | None = None
        self._into, self._line = into, b""

    def write(self, piece: bytes, /) -> None:
        if self.header is None:
            self._line += piece
            line, ended, piece = self._line.partition(b"\n")
            if not ended:
                if len(self._line) > backup_rules.LONGEST_HEADER:
                    raise NotOurs("it opens, but it is no backup of Laseli")
                return
            self.header = backup_rules.read_header(line)
            self.begun(self.header)
        if piece and self._into is not None:
            self._into.write(piece)

    def begun(self, header: Header) -> None:
        """The header is known and nothing of the database was passed on yet."""


# --- this installation --------------------------------------------------------------------------------------


def here_of(runtime: Runtime) -> Here:
    """What this installation is; the server's version when it answers."""
    keys = runtime.config.keys
    rings = {
        "identity": parse_ring(keys.identity.get_secret_value()),
        "index": parse_index_ring(keys.index.get_secret_value()),
    }
    return Here(
        migration=schema.newest(),
        kind="sqlite" if runtime.database.is_sqlite else "postgresql",
        server=_server(runtime),
        keys={
            f"{kind} {number}": backup_rules.fingerprint(key)
            for kind, ring in rings.items()
            for number, key in ring.items()
        },
    )


def _server(runtime: Runtime) -> int:
    if runtime.database.is_sqlite:
        return 0
    try:
        with runtime.database.read() as tx:
            return postgresql_dumps.server_major(tx)
    except DBAPIError:
        return 0


def _installation(runtime: Runtime) -> str:
    """A name for this installation, drawn once: several may keep their backups in one folder."""
    with runtime.database.begin() as tx:
        name = system_tables.read_mark(tx, INSTALLATION)
        if name is None:
            name = secrets.token_hex(4)
            system_tables.mark(tx, INSTALLATION, name)
    return name


def sqlite_file(runtime: Runtime) -> Path:
    name = make_url(runtime.config.database_url).database
    if not name or name == ":memory:":
        raise Refused("a database in memory has no file")
    return Path(name).absolute()


@contextmanager
def told_as_refusal() -> Iterator[None]:
    """What the tools and the disk say, as a sentence for the person who asked."""
    try:
        yield
    except sqlite_copies.Unsound as reason:
        raise Refused(f"the copy of the database is no good: {reason}. Run `laseli db check`.") from None
    except (postgresql_dumps.NoTool, postgresql_dumps.ToolFailed) as reason:
        raise Refused(str(reason)) from None
    except DBAPIError as reason:
        first, *_ = str(reason.orig).splitlines() or [""]
        raise Refused(f"the database refused: {scrub(first)}") from None
    except OSError as reason:
        raise Refused(f"{reason.filename or 'the disk'}: {reason.strerror or reason}") from None
