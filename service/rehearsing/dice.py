"""Dice that fall the same for the same question, in whatever order questions are asked.

A family has the same luck with reminders and without them (common random numbers), so that the difference between the
two years is the reminders' and not the dice's.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import TypeVar

T = TypeVar("T")


class Dice:
    def __init__(self, seed: int) -> None:
        self._seed = str(seed)

    def roll(self, *question: object) -> float:
        """A number from 0 to less than 1, the same for the same question."""
        asked = "\x1f".join([self._seed, *map(str, question)]).encode()
        return int.from_bytes(blake2b(asked, digest_size=8).digest()) / 2**64

    def whole(self, low: int, high: int, *question: object) -> int:
        """A whole number from `low` to `high`, both included."""
        return low + int(self.roll(*question) * (high - low + 1))

    def pick(self, options: Sequence[T], *question: object) -> T:
        return options[self.whole(0, len(options) - 1, *question)]
