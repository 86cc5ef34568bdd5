"""A folder for what must not lie about: only its owner may enter it, and it goes whatever happens."""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PREFIX = ".laseli-private-"


@contextmanager
def private_folder(beside: Path) -> Iterator[Path]:
    """A new folder (0700) in the folder `beside`, removed at the end, also after an error or an interruption.

    A process that was killed could not tidy up: what it left is removed by the next one. It is known by its lock,
    which dies with its holder.
    """
    folder = beside / f"{PREFIX}{secrets.token_hex(8)}"  # named first: a signal may come at any moment
    holder = -1
    try:
        with _locked(beside):
            _tidy_up(beside)
            folder.mkdir(0o700)
            holder = os.open(folder, os.O_RDONLY)
            _try_lock(holder)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if holder >= 0:
            os.close(holder)


def _tidy_up(beside: Path) -> None:
    for left in beside.glob(f"{PREFIX}*"):
        with suppress(OSError):  # somebody else's
            holder = os.open(left, os.O_RDONLY)
            if _try_lock(holder):
                shutil.rmtree(left, ignore_errors=True)
            os.close(holder)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One process at a time makes and removes folders here: a new one has no lock for a moment."""
    holder = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(holder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(holder)


def _try_lock(holder: int) -> bool:
    try:
        fcntl.flock(holder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
