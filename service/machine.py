"""What this machine says of itself: its disk, its files, who keeps its clock."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path


def disk_free(folder: Path) -> int | None:
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return None


def readable_by_others(files: list[Path]) -> list[Path]:
    """Those of the files that more than their owner may read or write."""
    return [file for file in files if file.exists() and file.stat().st_mode & 0o077]


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
