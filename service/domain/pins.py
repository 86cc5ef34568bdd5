"""PINs: four digits that are never stored as they are, nor read back."""

from __future__ import annotations

import hashlib
import hmac
import re
from itertools import pairwise
from typing import Final

DIGITS: Final = 4
SALT_BYTES: Final = 16
# 16 MB and some forty milliseconds: whoever waits is on a call. The sealed column is what keeps a thief of the file
# from trying the ten thousand PINs.
_COST, _BLOCK, _PARALLEL = 2**14, 8, 1
_MEMORY: Final = 64 * 2**20


def stored_form(pin: str, salt: bytes) -> str:
    """What is kept of a PIN: 'scrypt$cost$block$parallel$salt$hash', so that the parameters may change later."""
    return _form(pin, salt, _COST, _BLOCK, _PARALLEL)


NOBODYS: Final = f"scrypt${_COST}${_BLOCK}${_PARALLEL}${'00' * SALT_BYTES}${'00' * 32}"
"""The stored form that no PIN has: compared with where there is no account, so that this takes as long."""


def is_pin_of(typed: str, stored: str) -> bool:
    """Whether this is the PIN that was stored; spaces and marks from T9 are forgiven."""
    _, cost, block, parallel, salt, _ = stored.split("$")
    found = _form(re.sub(r"[\s.#*-]", "", typed[:40]), bytes.fromhex(salt), int(cost), int(block), int(parallel))
    return hmac.compare_digest(found.encode(), stored.encode())


def is_easy(pin: str) -> bool:
    """Whether it is one of those tried first: one or two digits again and again, a run up or down, a year."""
    steps = {(int(after) - int(before)) % 10 for before, after in pairwise(pin)}
    return len(set(pin)) == 1 or pin[:2] == pin[2:] or steps in ({1}, {9}) or pin[:2] in ("19", "20")


def _form(pin: str, salt: bytes, cost: int, block: int, parallel: int) -> str:
    digest = hashlib.scrypt(pin.encode(), salt=salt, n=cost, r=block, p=parallel, maxmem=_MEMORY, dklen=32)
    return f"scrypt${cost}${block}${parallel}${salt.hex()}${digest.hex()}"
