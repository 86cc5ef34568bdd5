"""What the doctor's sentences share: spans of time in milliseconds, and accounts, in words."""

from __future__ import annotations

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000


def account_name(name: str) -> str:
    return "today" if name == "all" else name


def ago(span: int) -> str:
    return f"since {how_long(span)}" if span >= MINUTE else "since a moment ago"


def how_long(span: int) -> str:
    """'3 days', '5 hours', '17 minutes'."""
    for unit, name in ((DAY, "day"), (HOUR, "hour"), (MINUTE, "minute")):
        if span >= unit:
            number = span // unit
            return f"{number} {name}{'s' if number > 1 else ''}"
    return "less than a minute"
