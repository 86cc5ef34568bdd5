"""How values are written in the cells of a sheet, so that each is read back as it was.

A text stands in its cell as it is. Where that would not come back (blanks at an end, control characters), it stands
between double quotes with the escapes of JSON; an empty pair of quotes is a text with nothing in it.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

# What a spreadsheet would count instead of showing. (OWASP: CSV injection)
FORMULA_SIGNS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\0", "＝", "＋", "－", "＠")
# Control and half characters that a workbook cannot hold, and what it would take for an escape of one.
_UNFIT: Final = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufeff\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")
_PAIR: Final = re.compile(r"([^\s=]+)[ \u00a0]*=[ \u00a0]*(\S.*)")
# Settings nest two or three deep; a cell that nests more is no setting of ours.
_MOST_BRACKETS: Final = 50
_INVISIBLE_ENDS: Final = "\u200b\u200e\u200f\ufeff"


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell as it was read: its address, its words, and whether they stood between quotes."""

    ref: str
    text: str
    quoted: bool = False

    @property
    def is_empty(self) -> bool:
        return not self.text and not self.quoted


def letters_of(column: int) -> str:
    """The letters of a column, the first being 0: A, B ... Z, AA."""
    letters = ""
    while column >= 0:
        letters = chr(ord("A") + column % 26) + letters
        column = column // 26 - 1
    return letters


def ref_of(row: int, column: int) -> str:
    """The address of a cell: row 1 and column 0 are A1."""
    return f"{letters_of(column)}{row}"


def read_cell(ref: str, written: str) -> Cell:
    """The cell of what stands there, blanks at its ends dropped."""
    words = written.replace("\r\n", "\n").replace("\r", "\n").strip().strip(_INVISIBLE_ENDS).strip()
    if len(words) > 1 and words[0] == words[-1] == '"':
        inner = _of_json(words)
        if isinstance(inner, str):
            return Cell(ref, inner, quoted=True)
    return Cell(ref, words)


def cell_of(text: str) -> str:
    """What to write so that `read_cell` gives the text again."""
    plain = not _UNFIT.search(text) and text and read_cell("", text) == Cell("", text)
    return text if plain else _json(text)


def without_formula(written: str) -> str:
    """The same cell, so that no spreadsheet takes it for a formula: in a CSV there is nothing but its first sign."""
    return _json(written) if written.startswith(FORMULA_SIGNS) else written


def setting_cell(value: Any) -> str:
    """A setting: a word, or lists and mappings as JSON."""
    if not isinstance(value, str):
        return _json(value)
    written = cell_of(value)
    return written if read_setting(read_cell("", written)) == value else _json(value)


def read_setting(cell: Cell) -> Any:
    found = _of_json(cell.text) if not cell.quoted and cell.text[:1] in ("[", "{") else None
    return found if isinstance(found, list | dict) and _is_of_words(found) else cell.text


def _is_of_words(value: Any) -> bool:
    """A flow knows words, lists and mappings: a null or a true of JSON is no value of ours."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return isinstance(value, str | list | dict) and all(_is_of_words(each) for each in inner)


def pairs_cell(pairs: Mapping[str, Any]) -> str:
    """Names and values, `name = value`, a line for each; as JSON where that could not be read back."""
    if all(isinstance(value, str) for value in pairs.values()):
        written = "\n".join(f"{name} = {value}" for name, value in pairs.items())
        # A name and its value keep their place: the order is the author's.
        if not _UNFIT.search(written) and list(read_pairs(read_cell("", written)).items()) == list(pairs.items()):
            return written
    return _json(dict(pairs))


def read_pairs(cell: Cell) -> dict[str, Any]:
    """The pairs of a cell. ValueError holds the line that is none."""
    found = _of_json(cell.text) if cell.text.startswith("{") else None
    if isinstance(found, dict) and _is_of_words(found):
        return found
    pairs: dict[str, Any] = {}
    for line in cell.text.split("\n"):
        pair = _PAIR.fullmatch(line.strip())
        if pair is None:
            if line.strip():
                raise ValueError(line.strip())
            continue
        if pair[1] in pairs:
            raise ValueError(line.strip())
        pairs[pair[1]] = pair[2]
    return pairs


def words_cell(words: Any) -> str:
    """Several words with commas between them; as JSON where that could not be read back."""
    written = words if isinstance(words, str) else ", ".join(map(str, words))
    return written if read_words(read_cell("", written)) == words else setting_cell(words)


def read_words(cell: Cell) -> Any:
    """One word by itself, or the list of them."""
    found = read_setting(cell)
    if not isinstance(found, str) or cell.quoted:
        return found
    words = [word.strip() for word in found.split(",") if word.strip()]
    return words[0] if len(words) == 1 else words


def fact_cell(fact: Any) -> str:
    """ "yes_no", or a type with its width: "text 12"."""
    if isinstance(fact, dict) and len(fact) == 1 and all(isinstance(width, str) for width in fact.values()):
        written = " ".join(f"{kind} {width}" for kind, width in fact.items())
        return written if read_fact(read_cell("", written)) == fact else _json(fact)
    return setting_cell(fact)


def read_fact(cell: Cell) -> Any:
    found = read_setting(cell)
    words = found.split() if isinstance(found, str) else []
    return {words[0]: words[1]} if len(words) == 2 else found


def straight_quotes(text: str) -> str:
    """Curly and French quotation marks of a condition as the straight ones it needs."""
    plain = re.sub("«[ \u00a0\u202f]?|[ \u00a0\u202f]?»|[“”„]", '"', text)
    return re.sub("[‘’]", "'", plain).replace("\u00a0", " ").replace("\u202f", " ")


def _json(value: Any) -> str:
    return _UNFIT.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(value, ensure_ascii=False))


def _of_json(written: str) -> Any:
    """What the JSON says, its numbers as words; None for anything else, however deep or broken."""
    if written.count("[") + written.count("{") > _MOST_BRACKETS and not written.startswith('"'):
        return None
    try:
        return json.loads(written, parse_int=str, parse_float=str, parse_constant=str)
    except (ValueError, RecursionError):
        return None
