"""A SQLite database as a file: copied while others write, proved, and put in the place of another."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import IO

PAGES_A_STEP = 256
PAUSE_S = 0.002
"""A megabyte, then a breath for whoever else waits for the disk."""


class Unsound(Exception):
    """SQLite itself finds the file damaged; the text is what it found first."""


class InUse(Exception):
    """Another process has the file open."""


def copy_running(source: Path, target: Path) -> None:
    """Write into `target` the database as it is at this moment. Writers go on; none waits for this."""
    new_file(target).close()
    with closing(_opened(source)) as live, closing(sqlite3.connect(target)) as copy:
        try:
            # One read transaction holds the moment. Without it each write of another process begins the copy anew,
            # and on a busy database it never ends.
            live.isolation_level = None
            live.execute("BEGIN")
            live.execute("SELECT count(*) FROM sqlite_master").fetchone()
            copy.execute("PRAGMA synchronous=OFF")  # it is read back and sealed; a power cut ends it anyway
            live.backup(copy, pages=PAGES_A_STEP, sleep=PAUSE_S)
        except sqlite3.Error as reason:  # damaged, or the disk is full
            raise Unsound(str(reason)) from None


def new_file(file: Path) -> IO[bytes]:
    """A file that was not there, to be written; for its owner only."""
    return os.fdopen(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb")


def prove(file: Path, *, quickly: bool = False) -> None:
    """Raise Unsound unless the file is whole, and nothing in it refers to what is not there."""
    with closing(_opened(file)) as found:
        try:
            said = found.execute("PRAGMA quick_check(1)" if quickly else "PRAGMA integrity_check(1)").fetchone()
            lost = None if quickly else found.execute("PRAGMA foreign_key_check").fetchone()
        except sqlite3.DatabaseError as reason:
            raise Unsound(str(reason)) from None
    if said != ("ok",):
        raise Unsound(str(said[0]))
    if lost is not None:
        raise Unsound(f"a row of {lost[0]} refers to one of {lost[2]} that is not there")


def is_empty(file: Path) -> bool:
    """No file, or one without tables."""
    if not file.exists() or file.stat().st_size == 0:
        return True
    with closing(_opened(file)) as found:
        try:
            return bool(found.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,))
        except sqlite3.DatabaseError:
            return False


def make_whole(file: Path) -> None:
    """Everything in the one file, nothing in a journal beside it; onto the disk. Raises InUse while others have it."""
    with closing(_opened(file)) as found:
        _leave_journal(found)
    handle = os.open(file, os.O_RDONLY)
    os.fsync(handle)
    os.close(handle)


@contextmanager
def held(file: Path) -> Iterator[None]:
    """Nobody else reads or writes it meanwhile. Raises InUse when another process has it open.

    One that is damaged, or not there, is nobody's.
    """
    if not file.exists():
        yield
        return
    with closing(_opened(file)) as found:
        with suppress(sqlite3.DatabaseError):
            _leave_journal(found)
        yield


def _leave_journal(found: sqlite3.Connection) -> None:
    """SQLite leaves its write-ahead log only when no other connection is there: who still has it open is found so.

    The lock that is taken then ends with the connection.
    """
    found.isolation_level = None
    found.execute("PRAGMA busy_timeout=2000")
    try:
        mode = found.execute("PRAGMA journal_mode=DELETE").fetchone()
        if mode != ("delete",):
            raise InUse("it is open elsewhere")
        found.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as reason:
        if "locked" not in str(reason):
            raise
        raise InUse("it is open elsewhere") from None


def put_in_place(copy: Path, target: Path, aside: Path | None) -> None:
    """`copy` becomes `target`; what stood there stands at `aside` from then on. All are on the same disk."""
    with held(target):
        if aside is not None:
            os.link(target, aside)
        os.replace(copy, target)
    for journal in ("-wal", "-shm"):
        with suppress(FileNotFoundError):
            Path(f"{target}{journal}").unlink()
    settle_folder(target.parent)


def settle_folder(folder: Path) -> None:
    """The names in a folder are on the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _opened(file: Path) -> sqlite3.Connection:
    """The file must be there: SQLite would make a new one. Its error for one that is no database is told as usual."""
    return sqlite3.connect(f"{file.absolute().as_uri()}?mode=rw", uri=True, timeout=15)
