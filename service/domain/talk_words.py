"""`CAUSERIE 25 VACCINATION DARSALAM 12/11`: a talk that a mediator held, read as thumbs type it.

The first number is how many listened; the theme is one of a list of ours, and what stands after it is the quartier.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Final, Literal, NamedTuple

from service.domain.data_files import CONFIDENCES, DataMistake, Table, parse
from service.domain.dose_words import NotRead, plain_capitals, rest_after, take_day

FOLDER: Final = Path(__file__).parent / "talk_themes"
FEWEST, MOST = 1, 500
"""Listeners. More than the most is a slip of the thumb; a programme with larger talks must say so."""
MOST_WORDS_OF_A_NAME: Final = 4

_TALK: Final = re.compile(r"\W*(?:CAUSERIES?|CAUSERI|KOSERI)(?=[\W\d_]|$)")
_BESIDE: Final = frozenset(
    word
    for words in (
        "A AU AUX AVEC CHEZ D DANS DE DES DU EN ET L LA LE LES SUR THEME QUARTIER SVP MERCI",
        "PARTICIPANT PARTICIPANTS PERSONNE PERSONNES PERS P FEMME FEMMES MERE MERES HOMMES GENS",
    )
    for word in words.split()
)
Trouble = Literal["words", "number", "theme", "day"]


class TalkNotRead(Exception):
    """The talk could not be read; `word` is what is unclear, in capitals without accents, or empty."""

    def __init__(self, trouble: Trouble, word: str = "") -> None:
        super().__init__(trouble)
        self.trouble: Trouble = trouble
        self.word = word


class ThemesMistake(DataMistake):
    """A file of themes cannot be used; the text names the place and the remedy."""


class TalkReport(NamedTuple):
    """`theme` is a key of the themes; `quartiers` are ways to read what was written after it, none when nothing was.

    `day` is as it was written, empty for the day it arrives.
    """

    participants: int
    theme: str
    quartiers: tuple[str, ...]
    day: str


class Themes(NamedTuple):
    """Names for people by key, the key of every spelling without spaces, and the word to type for each."""

    names: Mapping[str, str]
    by_spelling: Mapping[str, str]
    to_type: tuple[str, ...]


def is_talk(text: str) -> bool:
    """Whether an SMS tells of one: CAUSERIE alone, or CAUSERIE and something with a digit."""
    return rest_after(_TALK, text) is not None


def read_talk(text: str, themes: Themes) -> TalkReport:
    """What was written; raises TalkNotRead."""
    after = rest_after(_TALK, text, whole=True)
    if not after:
        raise TalkNotRead("words")
    try:
        rest, day = take_day(after)
    except NotRead:
        raise TalkNotRead("day") from None
    words = re.findall(r"[A-Z]+|\d+", rest)
    place = next((place for place, word in enumerate(words) if word.isdigit()), None)
    if place is None:
        raise TalkNotRead("words")
    participants = _participants(words.pop(place))
    theme, left = _take_theme(_without_small(words, 0), themes)
    return TalkReport(participants, theme, tuple(_quartiers(left)), day)


def _participants(written: str) -> int:
    if len(written) > len(str(MOST)) or not FEWEST <= int(written) <= MOST:
        raise TalkNotRead("number", written)
    return int(written)


def _take_theme(words: list[str], themes: Themes) -> tuple[str, list[str]]:
    """The theme that stands first, in as many words as it has, and what stands after it."""
    for size in range(min(MOST_WORDS_OF_A_NAME, len(words)), 0, -1):
        theme = themes.by_spelling.get("".join(words[:size]))
        if theme is not None:
            return theme, words[size:]
    raise TalkNotRead("theme" if words else "words", words[0] if words else "")


def _quartiers(words: list[str]) -> Iterator[str]:
    """All of it, then with fewer and fewer small words at its ends: one quartier's own name begins with "Quartier"."""
    bare = _without_small(words, 0)
    first, last = len(words) - len(bare), len(_without_small(words, -1))
    if bare:
        for start in range(first + 1):
            for end in range(len(words), last - 1, -1):
                yield " ".join(words[start:end])


def _without_small(words: list[str], end: int) -> list[str]:
    left = list(words)
    while left and left[end] in _BESIDE:
        left.pop(end)
    return left


@cache
def built_in_themes(country: str = "ML") -> Themes:
    """The themes that come with the product."""
    return load_themes((FOLDER / f"{country.lower()}.yaml").read_text("utf-8"))


def load_themes(text: str) -> Themes:
    """The themes written in this YAML text; raises ThemesMistake."""
    file = Table(parse(text, ThemesMistake), "themes", ThemesMistake)
    file.where = file.text("themes")
    file.text("why")
    file.plain("sources")
    names: dict[str, str] = {}
    spelt: dict[str, str] = {}
    to_type: list[str] = []
    for theme, part in file.named("names").items():
        part.one_of("confidence", CONFIDENCES)
        names[theme] = part.text("name")
        words = part.texts("written")
        to_type.append(words[0])
        for word in words:
            plain = re.sub(r"[^A-Z]", "", plain_capitals(word))
            if plain in spelt:
                raise ThemesMistake(f"{part.where}: '{word}' stands for {spelt[plain]} already")
            spelt[plain] = theme
        part.done()
    file.done()
    return Themes(names, spelt, tuple(to_type))
