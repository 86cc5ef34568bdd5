"""Keys as they are written in the settings: base64 of 32 bytes, numbered, the one that writes first."""

from __future__ import annotations

import base64


def parse_ring(text: str) -> dict[int, bytes]:
    """`'2:KEY,1:KEY'` -> {2: bytes, 1: bytes}, in that order; the first is the one that writes."""
    ring: dict[int, bytes] = {}
    for part in text.split(","):
        number, _, key = part.strip().partition(":")
        if not number.isdigit() or not 0 < int(number) < 256:
            raise ValueError("write number:key, with a number from 1 to 255 (`laseli keys new` prints both keys)")
        if int(number) in ring:
            raise ValueError(f"key number {number} stands twice")
        ring[int(number)] = parse_key(key)
    return ring


def parse_index_ring(text: str) -> dict[int, bytes]:
    """The same; a key without a number is number 1, as every installation began."""
    return parse_ring(text) if ":" in text else {1: parse_key(text)}


def parse_key(text: str) -> bytes:
    try:
        key = base64.b64decode(text, validate=True)
    except ValueError:
        key = b""
    if len(key) != 32:
        raise ValueError("not the base64 of 32 bytes (`laseli keys new` prints both keys)")
    return key
