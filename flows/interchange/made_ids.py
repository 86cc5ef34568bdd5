"""Ids for what other forms name as they like: small plain letters, digits and _, each taken once."""

import re
import unicodedata
from typing import Final

from flows.step_reading import RESERVED

_LONGEST: Final = 40
_ANOTHER: Final = re.compile(r"[^a-z0-9_]+")


class Ids:
    """The ids of one flow. `take` gives the name itself where it can be an id and is free."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def take(self, name: str, *, instead: str = "") -> str:
        """An id like the name; where that is taken, `instead` (a longer name) or a number behind."""
        made = id_like(name)
        if made in self._taken and instead:
            made = id_like(instead)
        free, number = made, 2
        while free in self._taken:
            free, number = f"{made}_{number}", number + 1
        self._taken.add(free)
        return free

    def __contains__(self, made: str) -> bool:
        return made in self._taken


def id_like(name: str) -> str:
    """The nearest id to a name: "Âge (ans)" becomes "age_ans", "1er" becomes "q_1er"."""
    made = _ANOTHER.sub("_", plain(name).lower()).strip("_")[:_LONGEST].strip("_")
    if not made or not made[0].isalpha():
        made = f"q_{made}".strip("_")
    return f"{made}_" if made in RESERVED else made


def choice_like(name: str) -> str:
    """The nearest key to the name of a choice. Capitals stay: "F" is one already; "1" becomes "c_1"."""
    made = re.sub(r"[^A-Za-z0-9_]+", "_", plain(name)).strip("_")[:_LONGEST].strip("_")
    return made if made and made[0].isalpha() else f"c_{made}".rstrip("_")


def plain(name: str) -> str:
    """The name in ASCII letters, marks dropped."""
    letters = unicodedata.normalize("NFKD", name[:200])
    return letters.encode("ascii", "ignore").decode()
