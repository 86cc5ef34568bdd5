"""python3 dev bench [NAME] [--quick] [--keep]: run one benchmark, or all of them.

`--quick`: in a small size, where it can. `--keep`: what was printed goes into bench/RESULTS.md too, with the day and
the machine; a benchmark that was not run keeps what it printed last.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import sys
from datetime import UTC, datetime
from pathlib import Path

from bench import claim, dispatch, flow, footprint, keeping, receipts, sweep, ussd
from tests.faults.reliability import machine

BENCHMARKS = {
    "ussd": ussd.main,
    "flow": flow.main,
    "dispatch": dispatch.main,
    "claim": claim.main,
    "receipts": receipts.main,
    "sweep": sweep.main,
    "keeping": keeping.main,
    "footprint": footprint.main,
}
RESULTS = Path(__file__).parent / "RESULTS.md"
ABOUT = """\
# What the benchmarks printed

Written by `python3 dev bench --keep`; `python3 dev bench NAME` runs one of them, and its file tells what it measures.
Two things are compared side by side in one run: **read the ratios**. Rates move by a third from one run to the next on
shared processors, and CPU by a tenth. What is called a goal is a wish, and is said also where it is missed.
"""


class _Twice(io.StringIO):
    """Shown at once, and kept."""

    def write(self, text: str) -> int:
        assert sys.__stdout__ is not None
        sys.__stdout__.write(text)
        sys.__stdout__.flush()
        return super().write(text)


def main(arguments: list[str]) -> int:
    options = {argument for argument in arguments if argument.startswith("--")}
    names = [argument for argument in arguments if argument not in options]
    unknown = [name for name in names if name not in BENCHMARKS] + sorted(options - {"--quick", "--keep"})
    if unknown:
        print(f"no benchmark called {', '.join(unknown)}; there are: {', '.join(BENCHMARKS)}", file=sys.stderr)
        return 2
    if "--quick" in options:
        os.environ["BENCH_QUICK"] = "1"
    for name in names or BENCHMARKS:
        with contextlib.redirect_stdout(_Twice()) as said:
            BENCHMARKS[name]()
        if "--keep" in options:
            _keep(name, said.getvalue())
    return 0


def _keep(name: str, said: str) -> None:
    known = _parts(RESULTS.read_text("utf-8")) if RESULTS.exists() else {}
    known[name] = f"{datetime.now(UTC):%d %B %Y}; {machine()}.\n\n```\n{said.strip()}\n```\n"
    parts = "".join(f"\n## {one}\n\n{known[one]}" for one in BENCHMARKS if one in known)
    RESULTS.write_text(ABOUT + parts, "utf-8")


def _parts(page: str) -> dict[str, str]:
    found = re.findall(r"^## (\w+)\n\n(.*?```\n.*?\n```\n)", page, re.MULTILINE | re.DOTALL)
    return dict(found)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
