"""What the checker found, as lines for a terminal."""

from collections.abc import Iterable, Mapping, Sequence

from flows.checks.widths import Seen
from flows.findings import ERROR, WARNING, Finding


def lines_of_check(findings: Iterable[Finding], widest: Mapping[str, Sequence[Seen]], limit: int = 160) -> list[str]:
    """One line for each finding, then the widest screen of each flow and language, then the sum."""
    found = list(findings)
    counts = {level: sum(each.level == level for each in found) for level in (ERROR, WARNING)}
    return [
        *[str(each) for each in found],
        *[_of_flow(flow, seen, limit) for flow, seen in widest.items()],
        f"{len(widest)} flows, {_several(counts[ERROR], 'error')}, {_several(counts[WARNING], 'warning')}",
    ]


def _of_flow(flow: str, seen: Sequence[Seen], limit: int) -> str:
    widths = ", ".join(f"{each.language} {each.units} ({each.step})" for each in seen)
    return f"{flow}: widest screen of {limit} septets: {widths}"


def _several(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
