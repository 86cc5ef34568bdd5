"""Somebody else's words made fit for a phone: without markup, in letters that travel, in pieces that fit a screen.

A text under way is a dict of words by language, with our `{names}` already in it.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Final, TypeAlias

from flows.interchange.made_ids import plain
from flows.sms_text import fold, units
from flows.texts import template_of

Written: TypeAlias = dict[str, str]
_NAMES: Final = {
    "fr": ("fr", "fra", "fre", "french", "francais"),
    "bm": ("bm", "bam", "bambara", "bamanankan"),
    "en": ("en", "eng", "english", "anglais"),
}
_OURS: Final = {name: code for code, names in _NAMES.items() for name in names}
# What stands where an answer was to stand that is not known there.
UNKNOWN: Final = "..."
# A screen, less the keys under it and some room for what is said before.
ROOM: Final = 140
_LONGEST: Final = 2000
_TAG: Final = re.compile(r"<[^<>]{1,120}>")
_MARKS: Final = re.compile(r"\*\*|__|^#{1,6} ", re.MULTILINE)
_NAME: Final = re.compile(r"\{([a-z0-9_.]+)\}")
_SPACE: Final = re.compile(r"\s+")
_SENTENCE_ENDS: Final = (".", "!", "?", ":")


def our_code(language: str) -> str | None:
    """ "French (fr)", "fra", "Français": "fr". None for a language we have no words for."""
    words = re.findall(r"[a-z]+", plain(language).lower())
    return next((_OURS[word] for word in reversed(words) if word in _OURS), None)


def kind_of_pattern(pattern: str) -> str | None:
    """What a regular expression that takes only digits asks for: a "phone" of eight, or a "number". None for others.

    A text of ours needs a letter in it, so digits alone must not be asked for as a text.
    """
    if (
        not pattern
        or not re.fullmatch(r"[\^$\[\]()0-9\\d{},+?*|-]*", pattern)
        or not re.search(r"\\d|\[[0-9]", pattern)
    ):
        return None
    return "phone" if re.search(r"\{8[,}]|\{7\}", pattern) else "number"


def cleaned(words: str) -> str:
    """Words without tags, emphasis, braces, line breaks and letters that no phone shows; spaces at the ends stay."""
    words = _MARKS.sub("", _TAG.sub(" ", words[:_LONGEST]))
    words = words.replace("{", "(").replace("}", ")").replace("&nbsp;", " ")
    kept = "".join(letter for letter in words if letter == "?" or fold(letter) != "?")
    return _SPACE.sub(" ", kept)


def joined(parts: Sequence[str]) -> str:
    """Words and names by turns, as one text of ours. Names stand at the odd places; "" there is an unknown one."""
    words = [(f"{{{part}}}" if part else UNKNOWN) if place & 1 else cleaned(part) for place, part in enumerate(parts)]
    return "".join(words).strip()


def names_of_words(words: str) -> list[str]:
    return list(template_of(words)[1::2])


def without_names(written: Mapping[str, str], unknown: Callable[[str], bool]) -> Written:
    """The same text with `...` where an unknown name stood."""
    return {
        language: _NAME.sub(lambda found: UNKNOWN if unknown(found[1]) else found[0], words)
        for language, words in written.items()
    }


def in_languages(written: Mapping[str, str], languages: Sequence[str]) -> tuple[Written, list[str]]:
    """The text in all these languages, and those it was missing in: they get the words of the first that has some."""
    said = {language: words for language in languages if (words := written.get(language, "").strip())}
    usual = next(iter(said.values()), UNKNOWN)
    missing = [language for language in languages if language not in said]
    whole = {language: said.get(language, usual) for language in languages}
    if len(languages) > 1 and not missing and len(set(whole.values())) == 1:
        return {"all": usual}, []
    return whole, missing if said else []


def width_of(words: str, widths: Callable[[str], int]) -> int:
    """Septets of a text with the longest answers in it."""
    return sum(widths(part) if place & 1 else units(fold(part)) for place, part in enumerate(template_of(words)))


def in_pieces(written: Mapping[str, str], room: int, widths: Callable[[str], int]) -> list[Written]:
    """The text as texts of at most `room` septets, as many in every language; whole where that cannot be done."""
    cut = {language: _cut(words.split(), room, widths) for language, words in written.items()}
    count = max(len(pieces) for pieces in cut.values())
    for language, pieces in cut.items():
        if len(pieces) < count:
            cut[language] = _spread(written[language].split(), count)
    if count == 1 or any(not all(pieces) or len(pieces) != count for pieces in cut.values()):
        return [dict(written)]
    return [{language: pieces[place] for language, pieces in cut.items()} for place in range(count)]


def _cut(words: Sequence[str], room: int, widths: Callable[[str], int]) -> list[str]:
    """Pieces as long as fits, cut at the end of a sentence where one ends in the second half."""
    pieces: list[str] = []
    held: list[str] = []
    used = 0
    for word in words:
        width = width_of(word, widths)
        if held and used + 1 + width > room:
            ends = [place for place, each in enumerate(held, 1) if each.endswith(_SENTENCE_ENDS)]
            at = ends[-1] if ends and 2 * ends[-1] >= len(held) else len(held)
            pieces.append(" ".join(held[:at]))
            held = held[at:]
            used = width_of(" ".join(held), widths)
        held.append(word)
        used += width + (len(held) > 1)
    return [*pieces, " ".join(held)]


def _spread(words: Sequence[str], count: int) -> list[str]:
    """The words in so many pieces of about the same length; fewer words than pieces leave empty ones."""
    edges = [round(place * len(words) / count) for place in range(count + 1)]
    return [" ".join(words[first:last]) for first, last in pairwise(edges)]
