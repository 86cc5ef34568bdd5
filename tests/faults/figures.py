"""What a fault test found, one JSON line each, in the file that FAULTS_FIGURES names: the table is made of them."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from pathlib import Path

from tests.faults.sizes import LONG, SEED


class Figures:
    """Kept until the test is over: only then is it known whether the promise held."""

    def __init__(self, test: str) -> None:
        self._test = test
        self._began = time.monotonic()
        self._notes: list[dict[str, object]] = []

    def note(self, row: str, done: str, database: str, promised: str, found: Mapping[str, object]) -> None:
        """One line of the table: the row of `docs/reliability.md`, what was done, what is promised, what came of it."""
        shown = {name: round(value, 3) if isinstance(value, float) else value for name, value in found.items()}
        self._notes.append(
            {"row": row, "done": done, "database": database, "promised": promised, "found": shown, "test": self._test}
        )
        print(f"{row} {database}, seed {SEED}: {', '.join(f'{name} {value}' for name, value in shown.items())}")

    def write(self, *, held: bool) -> None:
        if not (file := os.environ.get("FAULTS_FIGURES")):
            return
        run = {"seed": SEED, "long": LONG, "held": held, "seconds": round(time.monotonic() - self._began, 1)}
        with Path(file).open("a", encoding="utf-8") as lines:
            lines.writelines(json.dumps(note | run, ensure_ascii=False) + "\n" for note in self._notes)
