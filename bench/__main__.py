"""python3 dev bench [NAME]: run one benchmark, or all of them."""

from __future__ import annotations

import sys

from bench import dispatch, flow, ussd

BENCHMARKS = {"dispatch": dispatch.main, "flow": flow.main, "ussd": ussd.main}


def main(names: list[str]) -> int:
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        print(f"no benchmark called {', '.join(unknown)}; there are: {', '.join(BENCHMARKS)}", file=sys.stderr)
        return 2
    for name in names or BENCHMARKS:
        BENCHMARKS[name]()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
