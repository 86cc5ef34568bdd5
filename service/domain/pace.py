"""A token bucket that counts parts of messages: how many may leave now. Times are milliseconds of one clock.

The burst is chosen so that no second sees more than 1.05 times the rate: with a burst of b parts, less than b + rate
leave in any second. A message longer than the burst may leave when the bucket is full; it leaves a debt.
"""

from __future__ import annotations

import math
from typing import NamedTuple

EXCESS = 0.05
CLOCK_WENT_BACK_MS = 1000


class Bucket(NamedTuple):
    """What is in it at `at`."""

    tokens: float
    at: int


def burst(rate: float) -> int:
    """How many parts the bucket holds: one, and a twentieth of what leaves in a second."""
    return 1 + math.floor(rate * EXCESS)


def filled(bucket: Bucket | None, now: int, rate: float) -> Bucket:
    """The bucket at this moment: a new one is full, and so is one whose clock was set back."""
    most = burst(rate)
    if bucket is None or now < bucket.at - CLOCK_WENT_BACK_MS:
        return Bucket(most, now)
    return Bucket(min(most, bucket.tokens + rate * max(0, now - bucket.at) / 1000), max(now, bucket.at))


def taken(bucket: Bucket, parts: int) -> Bucket:
    return bucket._replace(tokens=bucket.tokens - parts)


def room(bucket: Bucket) -> int:
    """Whole parts that may leave; a thousandth is forgiven, for sums of tenths."""
    return max(0, math.floor(bucket.tokens + 0.001))
