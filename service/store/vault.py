"""Encryption of what could name a person, and the blind index by which a phone is found.

A sealed value is: key number (1 octet), nonce (12), AES-256-GCM ciphertext with tag (n + 16). The associated data is
the column's name, so a value moved to another column no longer opens. The blind index is the first 16 octets of
HMAC-SHA256(index key, E.164 number): equal numbers are equal, nothing else can be read from it without the key.

Both kinds of keys are rings: the first key writes, all read. A sealed value says which key it needs. An index cannot
say so: while there are several keys, whoever looks a number up asks for each of them (`indexes`).
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

SEALED_NOTHING = 1 + 12 + 16
"""The octets of a sealed empty text."""


class CannotOpen(Exception):
    """A sealed value does not open: its key is missing from the ring, or the value was changed."""


class Vault:
    def __init__(self, ring: Mapping[int, bytes], index_ring: Mapping[int, bytes] | bytes) -> None:
        self._ring = {number: AESGCM(key) for number, key in ring.items()}
        self.writing = next(iter(ring))
        self._prefix = bytes([self.writing])
        self._index_ring = {1: index_ring} if isinstance(index_ring, bytes) else dict(index_ring)
        self.index_writing = next(iter(self._index_ring))
        self._index_key = self._index_ring[self.index_writing]
        self._older = [key for number, key in self._index_ring.items() if number != self.index_writing]

    def seal(self, column: str, text: str) -> bytes:
        nonce = os.urandom(12)
        secret = self._ring[self.writing].encrypt(nonce, text.encode(), column.encode())
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
        return hmac.digest(self._index_key, _event(parts), "sha256")

    def older_event_keys(self, *parts: str) -> list[bytes]:
        """The same by the keys that write no more; none where there is one key."""
        return [hmac.digest(key, _event(parts), "sha256") for key in self._older]

    def index(self, *parts: str) -> bytes:
        """The 16 octets by which a number (or a channel, session, number) is looked up."""
        return _index(self._index_key, parts)

    def indexes(self, *parts: str) -> list[bytes]:
        """The same by every key of the ring, the one that writes first."""
        return [_index(key, parts) for key in (self._index_key, *self._older)]

    def index_by(self, number: int, *parts: str) -> bytes | None:
        """The same by the key of this number; None when the ring lacks it."""
        key = self._index_ring.get(number)
        return None if key is None else _index(key, parts)

    @property
    def rotates_index(self) -> bool:
        """Whether a number may stand under an older key too."""
        return bool(self._older)

    @property
    def index_numbers(self) -> list[int]:
        """The numbers of the index keys, the one that writes first."""
        return list(self._index_ring)


def _index(key: bytes, parts: tuple[str, ...]) -> bytes:
    return hmac.digest(key, "\x1f".join(parts).encode(), "sha256")[:16]


def _event(parts: tuple[str, ...]) -> bytes:
    return "\x1f".join(("event", *parts)).encode("utf-8", "surrogatepass")
