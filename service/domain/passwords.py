"""Passwords of staff: long rather than odd, and none of those that are tried first."""

from __future__ import annotations

import re
import unicodedata
from typing import Final, Literal

from service.domain import slow_hash

SHORTEST: Final = 12
LONGEST: Final = 200
# 16 MB, five times over: OWASP's figure for scrypt with this memory, some two tenths of a second.
PRICE: Final = slow_hash.Price(2**14, 8, 5)
NOBODYS: Final = PRICE.nobodys
_TRIED_FIRST: Final = (
    "motdepasse",
    "password",
    "passe",
    "azertyuiop",
    "azerty",
    "qwertyuiop",
    "qwerty",
    "laseli",
    "djantoli",
    "vaccination",
    "vaccin",
    "bamako",
    "bienvenue",
    "bonjour",
    "admin",
    "superviseur",
    "superviseuse",
    "mediatrice",
)
_LEFT: Final = 6
"""Letters and digits that must be left when these words, the login and runs of digits are taken out."""

Weakness = Literal["short", "long", "easy"]


def weakness_of(password: str, login: str) -> Weakness | None:
    """Why it cannot be a password; None when it can."""
    if len(password) < SHORTEST:
        return "short"
    if len(password) > LONGEST:
        return "long"
    plain = re.sub(r"[\W_]", "", unicodedata.normalize("NFKD", password).casefold())
    for word in (login.casefold(), *_TRIED_FIRST):
        plain = plain.replace(word, "")
    left = re.sub(r"[0-9]{4,}", "", plain)
    return "easy" if len(left) < _LEFT or len(set(left)) < 4 else None


def stored_form(password: str, salt: bytes) -> str:
    """What is kept of a password."""
    return slow_hash.stored_form(_typed_anywhere(password), salt, PRICE)


def is_password_of(typed: str, stored: str) -> bool:
    """Whether this is the password that was stored; nothing is forgiven but spaces around it."""
    return slow_hash.is_secret_of(_typed_anywhere(typed[: 2 * LONGEST].strip()), stored)


def _typed_anywhere(password: str) -> str:
    """The same octets whether a keyboard sends é as one sign or as two."""
    return unicodedata.normalize("NFKC", password)
