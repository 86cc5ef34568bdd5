"""How much is done to the product: the short form of every merge, or the long one of `python3 dev faults`."""

from __future__ import annotations

import os
import random
from typing import TypeVar

LONG = os.environ.get("FAULTS") == "long"
SEED = int(os.environ.get("TEST_SEED", "20261120"))
Size = TypeVar("Size")


def size(short: Size, long: Size) -> Size:
    return long if LONG else short


def dice_for(name: str) -> random.Random:
    """The dice of one test: the same seed and the same test throw the same."""
    return random.Random(f"{SEED} {name}")


def patience(seconds: float) -> float:
    """So long on a machine of our own; longer on one that has more to do than processors when the test begins."""
    return seconds * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
