"""python3 dev bench [NAME] [--quick]: run one benchmark, or all of them; where it can, in a small size."""

from __future__ import annotations

import os
import sys

from bench import claim, dispatch, flow, receipts, ussd

BENCHMARKS = {
    "claim": claim.main,
    "dispatch": dispatch.main,
    "flow": flow.main,
    "receipts": receipts.main,
    "ussd": ussd.main,
}


def main(names: list[str]) -> int:
    if "--quick" in names:
        os.environ["BENCH_QUICK"] = "1"
        names = [name for name in names if name != "--quick"]
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        print(f"no benchmark called {', '.join(unknown)}; there are: {', '.join(BENCHMARKS)}", file=sys.stderr)
        return 2
    for name in names or BENCHMARKS:
        BENCHMARKS[name]()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
