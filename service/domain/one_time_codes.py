"""Codes of six digits that a phone shows for half a minute (TOTP, RFC 6238: SHA-1, 30 seconds, as every app has it)."""

from __future__ import annotations

import base64
import hmac
import re
from typing import Final
from urllib.parse import quote

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.hotp import HOTP

SECRET_BYTES: Final = 20
DIGITS: Final = 6
STEP_MS: Final = 30_000
DRIFT: Final = 1
"""Half minutes that a phone's clock may be wrong, to either side."""


def written(secret: bytes) -> str:
    """As apps take it in, and as it is kept."""
    return base64.b32encode(secret).decode()


def step_at(now: int) -> int:
    """The half minute of this moment (UTC milliseconds since 1970)."""
    return now // STEP_MS


def code_at(secret: str, step: int) -> str:
    """The code of that half minute."""
    key = base64.b32decode(secret)
    return HOTP(key, DIGITS, SHA1()).generate(step).decode()  # noqa: S303 -- the standard's; nothing rests on collisions


def step_of(secret: str, typed: str, now: int, after: int) -> int | None:
    """The half minute whose code was typed, if it is near this moment and later than `after`; else None."""
    digits = re.sub(r"\s", "", typed[:20])
    if not re.fullmatch(rf"[0-9]{{{DIGITS}}}", digits):
        return None
    here = step_at(now)
    for step in range(here - DRIFT, here + DRIFT + 1):
        if hmac.compare_digest(code_at(secret, step), digits) and step > after:
            return step
    return None


def address_of(secret: str, login: str, issuer: str) -> str:
    """The otpauth address that apps take in, as text or as a picture."""
    label = quote(f"{issuer}:{login}", safe="")
    return f"otpauth://totp/{label}?secret={secret}&issuer={quote(issuer, safe='')}&digits={DIGITS}&period=30"
