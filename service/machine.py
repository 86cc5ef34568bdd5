"""What this machine says of itself: its disk, its files, who keeps its clock."""

from __future__ import annotations

import os
import shutil
import subprocess
from http.client import HTTPConnection, HTTPException
from pathlib import Path


def disk_free(folder: Path) -> int | None:
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return None


def readable_by_others(files: list[Path]) -> list[Path]:
    """Those of the files that more than their owner may read or write."""
    return [file for file in files if file.exists() and file.stat().st_mode & 0o077]


def may_write(file: Path) -> bool:
    """Whether this user may read and write the file, and make SQLite's own files beside it."""
    return os.access(file.parent, os.W_OK | os.X_OK) and os.access(file, os.R_OK | os.W_OK)


def web_answers(host: str, port: int) -> bool:
    """Whether our own web process answers there, and not something else that took the port."""
    everywhere = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104
    try:
        door = HTTPConnection(everywhere.get(host, host), port, timeout=5)
        door.request("GET", "/healthz")
        return door.getresponse().read(64).strip() == b"ok"
    except (OSError, HTTPException):
        return False


def is_open_to_everyone(file: Path) -> bool:
    """Whether any user of this machine may read it; its group may, as that of the services."""
    return file.exists() and bool(file.stat().st_mode & 0o007)


def clock_is_kept() -> bool | None:
    """Whether something keeps the clock right; None where the system does not say."""
    try:
        said = subprocess.run(
            ["timedatectl", "show", "--property=NTPSynchronized", "--value"],  # noqa: S607
            capture_output=True,
            text=True,
            timeout=5,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return {"yes": True, "no": False}.get(said.stdout.strip())
