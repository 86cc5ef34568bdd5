"""The word that begins a conversation by SMS, read as forgivingly as people type it.

"amv", "A.M.V.", "Amv svp", "AMV4", "ma mutuelle", "MUTUELE" and "rdv 2" all say what they seem to. A text longer than
a few words is somebody talking: it must begin with the very word. One of several lines is a machine that sends our own
screens back to us, and some of these begin with a keyword.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Final

from flows.model import Library
from flows.sms_text import fold

_LONGEST_SMS: Final = 200
_MOST_WORDS: Final = 6
_LONGEST_ANSWER: Final = 60
_POLITE: Final = frozenset(
    word
    for words in (
        "bonjour bonsoir salut svp stp merci beaucoup ok d accord oui bien s il vous plait je j veux voudrais pour",
        "le la les l de d du des un une mon ma mes i ni ce sogoma tile wula please hello hi the my",
    )
    for word in words.split()
)
# What thumbs and T9 put for a letter inside a word.
_MEANT: Final = str.maketrans("0135", "oles")
# Shorter words are too near to each other for a letter to be missing.
_FORGIVEN_FROM: Final = 5
# Words that lead about in a conversation, whatever it is.
BACK: Final = frozenset({"retour", "kofe", "back"})
MORE: Final = frozenset({"suite", "more"})
_YES: Final = frozenset({"oui", "awo", "yes"})
_NO: Final = frozenset({"non", "ayi", "no"})
_LONGEST_YES: Final = 4


def keywords_of(library: Library) -> dict[str, str]:
    """The plain form of every keyword of the library, with the id of its flow."""
    return {
        "".join(plain_words(word)): flow.id for flow in library.flows.values() for word in flow.start.get("sms", ())
    }


def openings(library: Library) -> list[tuple[tuple[str, ...], str]]:
    """What begins a conversation, for people to read: its keywords as they are written, and its title."""
    flows = [flow for flow in library.flows.values() if flow.start.get("sms")]
    return [(flow.start["sms"], "".join(flow.title.true[flow.languages[0]])) for flow in flows]


def yes_or_no(typed: str) -> bool | None:
    """What an SMS of a few words answers to a question; None when it is somebody talking, or neither."""
    words = plain_words(typed)
    if not words or len(words) > _LONGEST_YES or words[0] not in _YES | _NO:
        return None
    return words[0] in _YES


def find_keyword(typed: str, keywords: Mapping[str, str]) -> str | None:
    """The id of the flow that an SMS asks for; None when it asks for none, or could ask for two."""
    words = plain_words(typed)
    if not words or len(typed) > _LONGEST_SMS:
        return None
    if len(words) > _MOST_WORDS:
        return None if "\n" in fold(typed.strip()) else keywords.get(words[0])
    for candidate in _candidates(words):
        if candidate in keywords:
            return keywords[candidate]
    return _nearly(words, keywords)


def is_word(typed: str, words: frozenset[str]) -> bool:
    """Whether the whole SMS is one of these words."""
    return "".join(plain_words(typed)) in words


def is_like_a_screen(typed: str) -> bool:
    """Whether an SMS is longer than what thumbs answer a question with, or has several lines, as our own screens."""
    return len(typed) > _LONGEST_ANSWER or "\n" in fold(typed.strip())


def is_only_polite(typed: str) -> bool:
    """Whether an SMS thanks or greets and asks for nothing: answering it would be tiresome."""
    words = plain_words(typed)
    return bool(words) and _POLITE.issuperset(words)


def plain_words(typed: str) -> list[str]:
    """The words in small letters without accents, ɛ read as e and ɔ as o; "A.M.V." is one word."""
    letters = unicodedata.normalize("NFKD", fold(typed[:_LONGEST_SMS])).casefold()
    plain = "".join(sign for sign in letters if unicodedata.category(sign) not in {"Mn", "Me", "Cf"})
    words = re.findall(r"[a-z0-9]+", plain)
    return ["".join(words)] if len(words) > 1 and all(len(word) == 1 for word in words) else words


def _candidates(words: list[str]) -> Iterator[str]:
    """What may be meant, likeliest first: words written apart, then each word with its digits read away."""
    for start in range(len(words)):
        for end in range(len(words), start, -1):
            yield "".join(words[start:end])
        if words[start] not in _POLITE and not words[start].isdigit():
            break
    for word in words:
        yield word.strip("0123456789")
        yield word.translate(_MEANT)


def _nearly(words: list[str], keywords: Mapping[str, str]) -> str | None:
    """The one flow whose keyword lacks, doubles or changes a single letter of a word."""
    meant = [word.translate(_MEANT) for word in words if word not in _POLITE]
    found = {
        flow
        for keyword, flow in keywords.items()
        for word in [*meant, "".join(meant)]
        if _squeezed(word) == _squeezed(keyword) or (len(keyword) >= _FORGIVEN_FROM and _one_apart(word, keyword))
    }
    return found.pop() if len(found) == 1 else None


def _squeezed(word: str) -> str:
    """The word with every doubled letter once."""
    return re.sub(r"(.)\1+", r"\1", word)


def _one_apart(one: str, other: str) -> bool:
    short, long = sorted((one, other), key=len)
    if len(long) - len(short) > 1 or not short:
        return False
    same = 0
    while same < len(short) and short[same] == long[same]:
        same += 1
    rest = long[same + 1 :]
    return rest in (short[same:], short[same + 1 :])
