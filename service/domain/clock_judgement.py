"""Whether a machine's clock can be believed, from what else is known of the time. Everything is UTC milliseconds.

A machine without a battery wakes up in 1970; another one is set by hand, a year ahead. Whoever dispatches by such a
clock wakes families at night, and deletes what was to be kept.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal, NamedTuple

TOLERANCE_MS = 5 * 60_000
LONGEST_GAP_MS = 24 * 3_600_000
EARLIEST_MS = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp() * 1000)
"""No clock was right before this program was written."""

Kind = Literal["back", "ahead", "jump", "witness"]


class Reading(NamedTuple):
    """What the wall clock says, and what it is held against.

    `highest` is the latest moment that a believed clock ever showed. `expected` is the time by this process's own
    counter since it was believed last. `witness` is the clock of a database on another machine. `doubted` is the
    latest reading of a clock that was doubted for a jump, by a process that has ended meanwhile.
    """

    now: int
    highest: int | None = None
    expected: int | None = None
    witness: int | None = None
    doubted: int | None = None


class Doubt(NamedTuple):
    """Why a clock is not believed: `other` is what it should be near to, or not before."""

    kind: Kind
    other: int


def judge(reading: Reading) -> Doubt | None:
    """None when the clock can be believed. Two clocks of two machines that agree are believed after any gap."""
    now = reading.now
    if reading.witness is not None and abs(now - reading.witness) > TOLERANCE_MS:
        return Doubt("witness", reading.witness)
    highest = reading.highest if reading.highest is not None else EARLIEST_MS
    if now < highest - TOLERANCE_MS:
        return Doubt("back", highest)
    if reading.witness is not None:
        return None
    if reading.highest is not None and now > reading.highest + LONGEST_GAP_MS:
        return Doubt("ahead", reading.highest)
    if reading.expected is not None:
        return Doubt("jump", reading.expected) if abs(now - reading.expected) > TOLERANCE_MS else None
    if reading.doubted is not None and now >= reading.doubted - TOLERANCE_MS:
        return Doubt("jump", highest)
    return None
