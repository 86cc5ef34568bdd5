"""The words of a household's own reminder, for those who chose them: given names, and vaccines as they are spoken of.

"Awa (penta 2, polio 2), Moussa (rougeole)". Never a whole name: of what was written as the child's name the family name
is left out. What does not look like a name is not said at all.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

from service.domain.data_files import CONFIDENCES, DataMistake, Table, parse
from service.domain.vaccine_calendar import Calendar

FOLDER: Final = Path(__file__).parent / "household_words"
LONGEST_NAME: Final = 14
_A_NAME: Final = re.compile(r"[^\W\d_]+(?:['’\-][^\W\d_]+)*")


class WordsMistake(DataMistake):
    """A file of spoken words cannot be used; the text names the place and the remedy."""


class Spoken(NamedTuple):
    """`vaccines` are by series and language; `family_names` are small letters without accents."""

    vaccines: Mapping[str, Mapping[str, str]]
    family_names: frozenset[str]


def said_of(
    spoken: Spoken, calendar: Calendar, names: Sequence[str], doses: Sequence[Iterable[str]], language: str
) -> str | None:
    """The children with what each is due, in this order; None when a name or a vaccine cannot be said."""
    parts = []
    for name, due in zip(names, doses, strict=True):
        given = given_name(spoken, name)
        vaccines = vaccine_words(spoken, calendar, due, language)
        if given is None or vaccines is None:
            return None
        parts.append(f"{given} ({vaccines})")
    return ", ".join(parts) or None


def given_name(spoken: Spoken, name: str) -> str | None:
    """The first word that is no family name; None when what was written is no name, or nothing else is left."""
    for word in name.split():
        if not _A_NAME.fullmatch(word):
            return None
    given = [word for word in name.split() if _plain(word) not in spoken.family_names]
    return given[0] if given and len(given[0]) <= LONGEST_NAME else None


def vaccine_words(spoken: Spoken, calendar: Calendar, doses: Iterable[str], language: str) -> str | None:
    """'penta 2, polio 2': in the calendar's order, with a number where a series has several doses."""
    wanted, words = set(doses), list[str]()
    for series in calendar.series.values():
        for number, dose in enumerate(series.doses, 1):
            if dose.id not in wanted:
                continue
            wanted.discard(dose.id)
            word = spoken.vaccines.get(series.name, {}).get(language)
            if word is None:
                return None
            words.append(word if len(series.doses) == 1 else f"{word} {number}")
    return None if wanted or not words else ", ".join(words)


@cache
def spoken_words(country: str) -> Spoken:
    """The words that come with the product for this country; none where nobody has written any."""
    file = FOLDER / f"{country.lower()}.yaml"
    return load_words(file.read_text("utf-8")) if file.is_file() else Spoken({}, frozenset())


def load_words(text: str) -> Spoken:
    """The words written in this YAML text; raises WordsMistake."""
    file = Table(parse(text, WordsMistake), "household words", WordsMistake)
    file.where = file.text("household_words")
    file.text("why")
    file.plain("sources")
    vaccines: dict[str, Mapping[str, str]] = {}
    for series, part in file.named("vaccines").items():
        part.one_of("confidence", CONFIDENCES)
        vaccines[series] = part.plain("said")
        part.done()
    family_names = frozenset(_plain(name) for name in file.texts("family_names"))
    file.done()
    return Spoken(vaccines, family_names)


def _plain(word: str) -> str:
    letters = unicodedata.normalize("NFKD", word).casefold()
    return "".join(sign for sign in letters if not unicodedata.combining(sign))
