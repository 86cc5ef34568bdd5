"""`VISITE 4821 7730 REFUS 12/11`: what a mediator writes of a visit at home, read as thumbs type it.

As with doses: what could be two things is said to be unclear, and nothing is written down.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import dropwhile
from typing import Final, NamedTuple

from service.domain import dose_words
from service.domain.dose_words import NotRead
from service.domain.visit_rules import Status

_BEGINS: Final = re.compile(r"\W*VISITES?(?=[\W\d_]|$)")
_WORDS: Final[Mapping[str, Status]] = {
    word: status
    for status, words in dict[Status, str](
        {
            "seen": "VU VUE VUS VUES SEEN OK",
            "refused": "REFUS REFUSE REFUSEE REFUSENT REFUSED",
            "moved": "PARTI PARTIE PARTIS DEMENAGE DEMENAGEE DEMENAGES MOVED",
            "dead": "DECES DECEDE DECEDEE MORT MORTE DEAD",
            "wrong_number": "FAUXNUMERO FAUXNUM FAUXNO FAUXN FAUX MAUVAISNUMERO WRONGNUMBER",
            "hospital": "HOPITAL HOPITALISE HOPITALISEE HOSPITALISE HOSPITALISEE HOSPITAL",
        }
    ).items()
    for word in words.split()
}
_BESIDE: Final = frozenset(
    {"A", "AU", "AUX", "DE", "DES", "DU", "EST", "ET", "LA", "LE", "LES", "MERCI", "SVP", "VERS"}
)


class VisitReport(NamedTuple):
    """`code` and `day` as in a report of doses. `place` is the quartier that was written, of a move; else empty."""

    code: str
    status: Status
    day: str
    place: str


def is_visit(text: str) -> bool:
    """Whether an SMS is meant as one: VISITE alone, or VISITE and something with a digit."""
    return dose_words.rest_after(_BEGINS, text) is not None


def read_visit(text: str) -> VisitReport:
    """What was written; raises NotRead."""
    rest = dose_words.rest_after(_BEGINS, text, whole=True)
    if not rest:
        raise NotRead("words")
    code, day, rest = dose_words.take_code_and_day(rest)
    words = _without_first(re.findall(r"[A-Z]+|\d+", rest))
    status, left = _status(words)
    left = _without_first(left)
    if left and status != "moved":
        raise NotRead("words", left[0])
    return VisitReport(code, status, day, " ".join(left))


def _without_first(words: list[str]) -> list[str]:
    """From the first word that says something: "A BADIALAN" is Badialan, and "QUARTIER DU FLEUVE" is whole."""
    return list(dropwhile(_BESIDE.__contains__, words))


def _status(words: list[str]) -> tuple[Status, list[str]]:
    """The word of a status, alone or in two parts (FAUX NUMERO), and what stands after it."""
    if not words:
        raise NotRead("words")
    for size in (2, 1):
        written = "".join(words[:size])
        if len(words) >= size and written in _WORDS:
            return _WORDS[written], words[size:]
    raise NotRead("words", words[0])
