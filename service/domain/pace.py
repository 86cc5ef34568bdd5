"""A token bucket that counts parts of messages: how many may leave now. Times are milliseconds of one clock.

The burst is chosen so that no second sees more than 1.05 times the rate: with a burst of b parts, less than b + rate
leave in any second. A message longer than the burst may leave when the bucket is full; it leaves a debt.
"""

from __future__ import annotations

import math
from typing import NamedTuple

EXCESS = 0.04  # a hundredth is left for calls that leave a little later than the bucket counted them
PART = 1000  # a part of a message, in thousandths
CLOCK_WENT_BACK_MS = 1000


class Bucket(NamedTuple):
    """What is in it at `at`, in thousandths of a part."""

    tokens: int
    at: int

    @property
    def parts(self) -> int:
        """Whole parts that may leave."""
        return max(0, self.tokens // PART)

    def without(self, parts: int) -> Bucket:
        return self._replace(tokens=self.tokens - parts * PART)


def burst(rate: float) -> int:
    """How many parts the bucket holds: one, and a twenty-fifth of what leaves in a second."""
    return 1 + math.floor(rate * EXCESS)


def is_full(bucket: Bucket, rate: float) -> bool:
    return bucket.tokens >= burst(rate) * PART


def filled(bucket: Bucket | None, now: int, rate: float) -> Bucket:
    """The bucket at this moment, at `rate` parts a second: a new one is full, and so is one whose clock went back."""
    most = burst(rate) * PART
    if bucket is None or now < bucket.at - CLOCK_WENT_BACK_MS:
        return Bucket(most, now)
    # So many parts a second are so many thousandths a millisecond.
    return Bucket(min(most, bucket.tokens + int(rate * max(0, now - bucket.at))), max(now, bucket.at))
