"""Encryption of what could name a person, and the blind index by which a phone is found.

A sealed value is: key number (1 octet), nonce (12), AES-256-GCM ciphertext with tag (n + 16). The associated data is
the column's name, so a value moved to another column no longer opens. The blind index is the first 16 octets of
HMAC-SHA256(index key, E.164 number): equal numbers are equal, nothing else can be read from it without the key.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

INDEX_VERSION = 1


class CannotOpen(Exception):
    """A sealed value does not open: its key is missing from the ring, or the value was changed."""


class Vault:
    def __init__(self, ring: Mapping[int, bytes], index_key: bytes) -> None:
        self._ring = {number: AESGCM(key) for number, key in ring.items()}
        self._writing = next(iter(ring))
        self._prefix = bytes([self._writing])
        self._index_key = index_key

    def seal(self, column: str, text: str) -> bytes:
        nonce = os.urandom(12)
        secret = self._ring[self._writing].encrypt(nonce, text.encode(), column.encode())
        return self._prefix + nonce + secret

    def open(self, column: str, sealed: bytes) -> str:
        try:
            key = self._ring[sealed[0]]
            return key.decrypt(sealed[1:13], sealed[13:], column.encode()).decode()
        except KeyError:
            raise CannotOpen(f"{column}: sealed with key {sealed[0]}, which LASELI_KEYS__IDENTITY lacks") from None
        except (InvalidTag, IndexError, ValueError):
            raise CannotOpen(f"{column}: the stored value was changed or belongs elsewhere") from None

    def event_key(self, *parts: str) -> bytes:
        """The 32 octets by which a repeated event is known. Keyed: else a thief of the file tries every number."""
        event = "\x1f".join(("event", *parts)).encode("utf-8", "surrogatepass")
        return hmac.digest(self._index_key, event, "sha256")

    def index(self, *parts: str) -> bytes:
        """The 16 octets by which a number (or a channel, session, number) is looked up."""
        return hmac.digest(self._index_key, "\x1f".join(parts).encode(), "sha256")[:16]
