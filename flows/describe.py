"""What the checker found, as lines for a terminal, and what may stand in such a line."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from flows.checks.widths import Seen
from flows.findings import ERROR, WARNING, Finding

# Blanks that a line does not break at, and the line feed.
_SEEN: Final = "\u00a0\u202f\u2009\n"


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


def visible(text: str) -> str:
    """The text without signs that nobody sees and that move the cursor or turn the line round: a mark stands there."""
    return "".join(sign if sign.isprintable() or sign in _SEEN else "\ufffd" for sign in text)
