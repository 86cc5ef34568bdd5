"""PINs: four digits that are never stored as they are, nor read back."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Final

from service.domain import slow_hash
from service.domain.slow_hash import SALT_BYTES as SALT_BYTES

DIGITS: Final = 4
# 16 MB and some forty milliseconds: whoever waits is on a call. The sealed column is what keeps a thief of the file
# from trying the ten thousand PINs.
PRICE: Final = slow_hash.Price(2**14, 8, 1)
NOBODYS: Final = PRICE.nobodys


def stored_form(pin: str, salt: bytes) -> str:
    """What is kept of a PIN."""
    return slow_hash.stored_form(pin, salt, PRICE)


def is_pin_of(typed: str, stored: str) -> bool:
    """Whether this is the PIN that was stored; spaces and marks from T9 are forgiven."""
    return slow_hash.is_secret_of(re.sub(r"[\s.#*-]", "", typed[:40]), stored)


def is_easy(pin: str) -> bool:
    """Whether it is one of those tried first: one or two digits again and again, a run up or down, a year."""
    steps = {(int(after) - int(before)) % 10 for before, after in pairwise(pin)}
    return len(set(pin)) == 1 or pin[:2] == pin[2:] or steps in ({1}, {9}) or pin[:2] in ("19", "20")
