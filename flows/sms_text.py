"""What fits into an SMS part or a USSD screen, and how our texts are brought to fit.

A part holds 160 septets of the GSM 7-bit alphabet, and only 70 characters as soon as one letter is outside it.
Alphabet: 3GPP TS 23.038 clauses 6.2.1 (basic table) and 6.2.1.1 (extension table). Joined parts: 3GPP TS 23.040
clause 9.2.3.24.1.
"""

import re
import unicodedata
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

# In the order of their codes, 00 to 7F, without the escape (1B). Code 09 is the capital Ç: the small one is outside.
BASIC: Final = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
# Sent as the escape and a second code: two septets each.
EXTENSION: Final = "\f^{}\\[~]|€"

Encoding: TypeAlias = Literal["gsm7", "ucs2"]
# Units of a text that travels alone, and of each part of a longer one (6 octets go to the header that joins them).
LIMITS: Final[dict[Encoding, tuple[int, int]]] = {"gsm7": (160, 153), "ucs2": (70, 67)}

# What `fold` may leave: the alphabet without its two other control characters.
_KEPT: Final = frozenset(BASIC + EXTENSION) - {"\r", "\f"}

# Circumflex and the like fall with the marks of all Latin letters; these have no mark to drop.
_FRENCH: Final = {"œ": "oe", "Œ": "OE"}
# The spelling before the decree 159 PG-RM of 19 July 1982, which readers still know. Capital È and Ò are outside.
_BAMBARA: Final = {"ɛ": "è", "ɔ": "ò", "ɲ": "ny", "ŋ": "ng", "Ɛ": "E", "Ɔ": "O", "Ɲ": "Ny", "Ŋ": "Ng"}
# The typewriter alphabet of Guinea before the 1980s. Fulfulde would write ŋ as "nh": Bambara's "ng" is kept for both.
_FULFULDE: Final = {"ɓ": "bh", "ɗ": "dh", "ƴ": "yh", "Ɓ": "Bh", "Ɗ": "Dh", "Ƴ": "Yh"}
# Nearest plain letters, for names of people and places; nobody has asked a reader yet.
_OTHER_LATIN: Final = {
    "ə": "e", "ǝ": "e", "Ə": "E", "Ǝ": "E", "ɣ": "gh", "Ɣ": "Gh", "ƙ": "k", "Ƙ": "K", "ɩ": "i", "ı": "i", "ʋ": "v",
    "ɖ": "d", "đ": "d", "Đ": "D", "ð": "d", "Ð": "D", "ħ": "h", "Ħ": "H", "ł": "l", "Ł": "L", "þ": "th", "Þ": "Th",
    "ẞ": "SS",
}  # fmt: skip
_PUNCTUATION: Final = {
    "«": '"', "»": '"', "“": '"', "”": '"', "„": '"', "‟": '"', "″": '"', "‘": "'", "’": "'", "‚": "'", "‛": "'",
    "‹": "'", "›": "'", "′": "'", "´": "'", "`": "'", "ʼ": "'", "ʻ": "'", "ʾ": "'", "ʿ": "'", "…": "...", "•": "-",
    "·": ".", "−": "-", "×": "x", "÷": "/", "⁄": "/", "∕": "/", "°": "o", "µ": "u", "μ": "u", "©": "(c)", "®": "(r)",
    "±": "+/-", "≤": "<=", "≥": ">=", "→": "->", "¦": "|",
}  # fmt: skip
# Words on two lines must not be glued together, whatever broke the line.
_SPACING: Final = {"\t": " "} | dict.fromkeys("\r\v\f\x85\u2028\u2029", "\n")


def _spelling(char: str) -> str:
    """How one character outside the alphabet is written inside it; "?" when there is no way."""
    category = unicodedata.category(char)
    if category in {"Cc", "Cf", "Mn", "Me"}:
        return ""
    if category == "Zs":
        return " "
    if category == "Pd":
        return "-"
    digit = unicodedata.decimal(char, None)
    if digit is not None:
        return str(digit)
    plain = unicodedata.normalize("NFKD", char)
    letters = "".join(_FIXED.get(c, c) for c in plain if not unicodedata.combining(c))
    return letters if letters and _KEPT.issuperset(letters) else "?"


class _Spellings(dict[int, str]):
    """A table for str.translate: known letters are looked up, the others worked out and not kept in memory."""

    def __missing__(self, code: int) -> str:
        return _spelling(chr(code))


_FIXED: Final = _FRENCH | _BAMBARA | _FULFULDE | _OTHER_LATIN | _PUNCTUATION | _SPACING
_LATIN: Final = [chr(code) for code in (*range(0x250), *range(0x1E00, 0x1F00))]
_SPELLINGS: Final = _Spellings(
    {ord(c): _spelling(c) for c in _LATIN} | {ord(c): spelt for c, spelt in _FIXED.items()} | {ord(c): c for c in _KEPT}
)

_FOREIGN: Final = re.compile(f"[^{re.escape(BASIC + EXTENSION)}]")
_TO_FOLD: Final = re.compile(f"[^{re.escape(''.join(sorted(_KEPT)))}]")
# A run of blanks is begun where it begins, or a text of blanks alone would take the square of its length.
_INSIDE_QUOTES: Final = re.compile("«[ \u00a0\u2009\u202f]+|(?<![ \u00a0\u2009\u202f])[ \u00a0\u2009\u202f]+»")
_PIECE: Final = 1000
# Two halves of a surrogate pair travel as one, even when they reached us as two characters.
_WHOLE: Final = re.compile("[\ud800-\udbff][\udc00-\udfff]|[\\s\\S]")


def fold(text: str) -> str:
    """The text in the GSM 7-bit alphabet: nearest spelling first, "?" only where there is none (N'Ko, Arabic, emoji).

    Every kind of line break becomes a line feed; other control and invisible characters are dropped.
    What is inside already comes back unchanged, so folding twice changes nothing.
    """
    if _TO_FOLD.search(text) is None:
        return text
    whole = _composed(text).replace("\r\n", "\n")
    if "«" in whole or "»" in whole:
        whole = _INSIDE_QUOTES.sub(lambda found: found[0].strip(), whole)
    return whole.translate(_SPELLINGS)


def _composed(text: str) -> str:
    # Composing takes the square of the length for a heap of marks: a text too long for any of our messages goes
    # through in pieces, where one accent in a thousand letters may be lost.
    pieces = (text[start : start + _PIECE] for start in range(0, len(text), _PIECE))
    return "".join(unicodedata.normalize("NFC", piece) for piece in pieces)


def is_gsm7(text: str) -> bool:
    """Whether a carrier can send the text as it stands in 7-bit letters."""
    return _FOREIGN.search(text) is None


def units(text: str) -> int:
    """Septets of a text that is inside the GSM 7-bit alphabet: one each, two for `EXTENSION`. Fold first."""
    return len(text) + sum(map(text.count, EXTENSION))


@dataclass(frozen=True, slots=True)
class Size:
    """What a text weighs on the network: `units` are septets (gsm7) or 16-bit units (ucs2)."""

    encoding: Encoding
    units: int
    parts: int
    part_units: tuple[int, ...]


def measure(text: str) -> Size:
    """The size of the text as it stands, without folding. An empty text has no parts."""
    encoding: Encoding = "gsm7" if is_gsm7(text) else "ucs2"
    if encoding == "gsm7" and 0 < (septets := units(text)) <= LIMITS["gsm7"][0]:  # nearly all of ours
        return Size("gsm7", septets, 1, (septets,))
    part_units = tuple(sum(width for _, width in part) for part in _parts(text, encoding))
    return Size(encoding, sum(part_units), len(part_units), part_units)


def split(text: str) -> tuple[str, ...]:
    """The parts in which the text travels. Joined they are the text again; no two-unit character is cut in half."""
    encoding: Encoding = "gsm7" if is_gsm7(text) else "ucs2"
    return tuple("".join(letter for letter, _ in part) for part in _parts(text, encoding))


def fit(text: str, limit: int) -> str:
    """The beginning of a GSM 7-bit text, at most `limit` septets long; an escape pair is kept whole or left out."""
    cut = text[: max(limit, 0)]
    while (over := units(cut) - limit) > 0 and cut:
        # Each letter taken away frees one or two septets, so half of what is over is never too much.
        cut = cut[: -max(over // 2, 1)]
    return cut


_Letter: TypeAlias = tuple[str, int]


def _letters(text: str, encoding: Encoding) -> list[_Letter]:
    """What can stand alone, each with its units."""
    if encoding == "gsm7":
        return [(letter, 2 if letter in EXTENSION else 1) for letter in text]
    return [(letter, 2 if letter > "\uffff" else len(letter)) for letter in _WHOLE.findall(text)]


def _parts(text: str, encoding: Encoding) -> list[list[_Letter]]:
    alone, joined = LIMITS[encoding]
    letters = _letters(text, encoding)
    if sum(width for _, width in letters) <= alone:
        return [letters] if letters else []
    parts: list[list[_Letter]] = [[]]
    filled = 0
    for letter, width in letters:
        if filled + width > joined:
            parts.append([])
            filled = 0
        parts[-1].append((letter, width))
        filled += width
    return parts
