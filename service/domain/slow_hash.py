"""Secrets that people remember, kept as hashes that take time and memory to make: PINs and passwords.

scrypt of Python's own library: one way for both, and no package more in a program that is installed offline.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final, NamedTuple

SALT_BYTES: Final = 16
_MEMORY: Final = 64 * 2**20


class Price(NamedTuple):
    """What one hash costs: 128 * cost * block octets of memory, `parallel` times over."""

    cost: int
    block: int
    parallel: int

    @property
    def nobodys(self) -> str:
        """The stored form that no secret has: compared with where there is no account, so that this takes as long."""
        return f"scrypt${self.cost}${self.block}${self.parallel}${'00' * SALT_BYTES}${'00' * 32}"


def stored_form(secret: str, salt: bytes, price: Price) -> str:
    """What is kept of it: 'scrypt$cost$block$parallel$salt$hash', so that the price may change later."""
    cost, block, parallel = price
    digest = hashlib.scrypt(secret.encode(), salt=salt, n=cost, r=block, p=parallel, maxmem=_MEMORY, dklen=32)
    return f"scrypt${cost}${block}${parallel}${salt.hex()}${digest.hex()}"


def is_secret_of(secret: str, stored: str) -> bool:
    """Whether this is the secret that was stored; takes as long for a wrong one."""
    _, cost, block, parallel, salt, _ = stored.split("$")
    found = stored_form(secret, bytes.fromhex(salt), Price(int(cost), int(block), int(parallel)))
    return hmac.compare_digest(found.encode(), stored.encode())
