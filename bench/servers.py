"""Starting the servers that are measured, each on its own processor, and reading the CPU time they took."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
TICKS = os.sysconf("SC_CLK_TCK")
SERVER_CPU, CLIENT_CPU = 0, 1


def command(server: str, app: str, port: int) -> list[str]:
    """One process with four threads: gunicorn's gthread as the yardstick, granian as the product runs."""
    if server == "gunicorn":
        options = ["-k", "gthread", "-w", "1", "--threads", "4", "-b", f"127.0.0.1:{port}", "--log-level", "error"]
        return [sys.executable, "-m", "gunicorn", *options, "--keep-alive", "60", app]
    return [sys.executable, "-m", "service.web.server", app]


@contextmanager
def running(server: str, app: str, port: int, environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    environment = environment | {"LASELI_PORT": str(port), "LASELI_WEB_THREADS": "4"}
    process = subprocess.Popen(command(server, app, port), cwd=HERE, env=environment, start_new_session=True)
    try:
        pin(process.pid, SERVER_CPU)
        _wait(port)
        for pid in family(process.pid):
            pin(pid, SERVER_CPU)
        yield process
    finally:
        process.terminate()
        process.wait(20)


def pin(pid: int, cpu: int) -> None:
    """Keep a process and all its threads on one processor, where the machine has two."""
    if (os.cpu_count() or 1) > 1:
        for thread in Path(f"/proc/{pid}/task").iterdir():
            os.sched_setaffinity(int(thread.name), {cpu})


def _wait(port: int) -> None:
    for _ in range(200):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=1)
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise SystemExit(f"the server on port {port} does not answer")


def family(pid: int) -> list[int]:
    """The process and its descendants."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            found += family(int(child))
    return found


def cpu_seconds(pid: int) -> float:
    """Of the process and its descendants, also of those that are gone: each connection of PostgreSQL is a process."""
    total = 0
    for member in family(pid):
        fields = Path(f"/proc/{member}/stat").read_text().rsplit(")", 1)[1].split()
        total += sum(int(ticks) for ticks in fields[11:15])
    return total / TICKS


def memory_mb(pid: int) -> float:
    """Resident memory of the process and its descendants."""
    pages = sum(int(Path(f"/proc/{member}/statm").read_text().split()[1]) for member in family(pid))
    return pages * os.sysconf("SC_PAGE_SIZE") / 1_000_000


def share_of_memory_mb(pid: int) -> float:
    """The same, but pages that several processes share are counted in parts (PSS): what the machine has less."""
    rollups = [Path(f"/proc/{member}/smaps_rollup").read_text() for member in family(pid)]
    kilobytes = sum(int(found) for text in rollups for found in re.findall(r"^Pss: +(\d+) kB", text, re.MULTILINE))
    return kilobytes * 1024 / 1_000_000
