"""A browser that has come in before is known by a mark in its cookie, and has tries of its own at the door.

Whoever keeps an account waiting from elsewhere, by wrong tries, keeps no known browser waiting. A mark opens nothing:
password and code are asked for as ever. It is good for one account, until the password or the secret of its codes is
another one, or until it is too old. Nothing is kept of it here.
"""

from __future__ import annotations

import base64
import hmac
import secrets

from service.clock import DAY_MS
from service.runtime import Runtime
from service.store.staff_tables import Staff

KEPT_DAYS = 90
MOST_MARKS = 4
"""Accounts that one browser may be known for: a centre's people share a phone."""
LONGEST = 400
"""Characters of a cookie that are looked at."""
_NONCE, _UNTIL, _PROOF = 12, 6, 16


def known_by(runtime: Runtime, one: Staff, marks: str, now: int) -> str | None:
    """What tells this browser from others, if one of its marks is this account's."""
    for octets in map(_octets, _parted(marks)):
        head, proof = octets[:-_PROOF], octets[-_PROOF:]
        is_whole = len(head) == _NONCE + _UNTIL
        if is_whole and hmac.compare_digest(proof, _proof(runtime, one, head)) and now < _until(head):
            return head.hex()
    return None


def with_mark(runtime: Runtime, one: Staff, marks: str, now: int) -> str:
    """The browser's marks with a new one for this account, and without its former one."""
    head = secrets.token_bytes(_NONCE) + (now + KEPT_DAYS * DAY_MS).to_bytes(_UNTIL, "big")
    mark = base64.urlsafe_b64encode(head + _proof(runtime, one, head)).decode().rstrip("=")
    others = [each for each in _parted(marks) if known_by(runtime, one, each, now) is None]
    return ".".join([mark, *others][:MOST_MARKS])


def _proof(runtime: Runtime, one: Staff, head: bytes) -> bytes:
    """Made from what a change of the password or a reset changes: that ends every mark of the account."""
    return runtime.vault.event_key("staff browser", str(one.id), head.hex(), one.password, one.totp)[:_PROOF]


def _until(head: bytes) -> int:
    return int.from_bytes(head[_NONCE:], "big")


def _parted(marks: str) -> list[str]:
    return [each for each in marks[:LONGEST].split(".") if each][:MOST_MARKS]


def _octets(mark: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(mark + "=" * (-len(mark) % 4))
    except ValueError:
        return b""
