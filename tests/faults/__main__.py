"""python3 dev faults [--short] [pytest's arguments]: the fault tests, in the long form unless told otherwise.

A whole long run writes docs/reliability.md; anything else prints its table. TEST_SEED=N throws the same dice again.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent.parent


def main(arguments: list[str]) -> int:
    short = "--short" in arguments
    rest = [argument for argument in arguments if argument != "--short"]
    seed = os.environ.get("TEST_SEED") or ("20261120" if short else str(random.randrange(10**8)))
    with tempfile.NamedTemporaryFile(suffix=".jsonl") as figures:
        environment = os.environ | {"FAULTS": "short" if short else "long", "FAULTS_FIGURES": figures.name}
        environment["TEST_SEED"] = seed
        print(f"seed {seed}", flush=True)
        # Most of them wait, for a lease or a restart: three fit on two cores. The long form is measured alone.
        together = ["-n", "3", "--dist", "worksteal"] if short else []
        status = subprocess.run(
            [sys.executable, "-m", "pytest", "tests/faults", *together, *rest], cwd=HERE, env=environment
        ).returncode
        target = [] if short or rest else ["docs/reliability.md"]
        subprocess.run([sys.executable, "-m", "tests.faults.reliability", figures.name, *target], cwd=HERE, check=True)
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
