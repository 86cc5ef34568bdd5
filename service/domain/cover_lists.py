"""A mutual's list of members: the numbers of their requests, and the last covered day of each.

Kind to spellings and never guessing, as with lists of doses; what is wrong is told by row and column, in French for
whoever mends it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Final, NamedTuple

from service.domain.dose_lists import Headings, NoColumns, Refusal, find_places, is_empty, read_day, shown

NUMBER, UNTIL = "numéro", "payé jusqu'au"
_SPELLINGS: Final[Headings] = {
    NUMBER: (
        "NUMERO",
        "N",
        "NO",
        "DEMANDE",
        "NUMERODEMANDE",
        "NUMERODEDEMANDE",
        "NUMERODELADEMANDE",
        "NDEMANDE",
        "NDEDEMANDE",
        "NDELADEMANDE",
    ),
    UNTIL: (
        "PAYEJUSQUAU",
        "PAYEJUSQUA",
        "PAYEEJUSQUAU",
        "COUVERTJUSQUAU",
        "COUVERTEJUSQUAU",
        "FINDECOUVERTURE",
        "FINDELACOUVERTURE",
        "FINCOUVERTURE",
        "DATEDEFIN",
        "DERNIERJOUR",
        "DERNIERJOURCOUVERT",
    ),
}
OF_CONFIRMED: Final[Headings] = _SPELLINGS
OF_ENDED: Final[Headings] = {NUMBER: _SPELLINGS[NUMBER]}
DIGITS: Final = 6
FORMULA: Final = "c'est une formule, collez la valeur"


class Line(NamedTuple):
    """A line that could be read; `row` is its row in the file, the first being 1. `until`: None in a list of ends."""

    row: int
    number: str
    until: date | None


class ReadList(NamedTuple):
    """The cells of every line that is not empty, the lines that could be read, and what is wrong with the others."""

    cells: dict[int, tuple[object, ...]]
    lines: list[Line]
    unread: list[Refusal]


def read_list(rows: Sequence[Sequence[object]], headings: Headings) -> ReadList:
    """A whole list; raises NoColumns where it lacks a heading, or has nothing below them."""
    at, places = find_places(rows, headings)
    found = ReadList({}, [], [])
    for row, cells in enumerate(rows[at + 1 :], at + 2):
        mine = tuple(cells[places[title]] if places[title] < len(cells) else None for title in headings)
        if is_empty(mine):
            continue
        found.cells[row] = mine
        said = _read_line(row, mine)
        if isinstance(said, Line):
            found.lines.append(said)
        else:
            found.unread.append(said)
    if not found.cells:
        raise NoColumns("la liste a des titres, et aucune ligne dessous")
    return found


def _read_line(row: int, cells: tuple[object, ...]) -> Line | Refusal:
    """Number and day of a line, or all that is wrong with it."""
    number, until = _number(cells[0]), read_day(cells[1]) if len(cells) > 1 else None
    wrong = []
    if number is None:
        wrong.append(about(NUMBER, shown(cells[0]), _why(cells[0], "il a six chiffres, comme A-482177 sur le reçu")))
    if len(cells) > 1 and until is None:
        wrong.append(about(UNTIL, shown(cells[1]), _why(cells[1], "écrivez le jour comme 31/12/2026")))
    if wrong or number is None:
        return Refusal(row, " ; ".join(wrong))
    return Line(row, number, until)


def about(column: str, cell: str, why: str) -> str:
    """What is wrong in a column: 'numéro « 12 » : ...'."""
    return f"{column} « {cell} » : {why}"


def _why(cell: object, otherwise: str) -> str:
    is_formula = not isinstance(cell, str | int | float | date | None) or str(cell).lstrip().startswith("=")
    return FORMULA if is_formula else otherwise


def _number(cell: object) -> str | None:
    """'A-482177'. A spreadsheet's number has lost the noughts before it; a text has not."""
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    if isinstance(cell, int) and not isinstance(cell, bool):
        return f"A-{cell:0{DIGITS}d}" if 0 <= cell < 10**DIGITS else None
    found = re.fullmatch(rf"(?:A[\s.\-]*)?([0-9]{{{DIGITS}}})", cell.strip().upper()) if isinstance(cell, str) else None
    return f"A-{found[1]}" if found else None


def told_once(lines: Iterable[Line]) -> tuple[list[Line], list[Refusal]]:
    """The lines without those whose number stands further up."""
    first: dict[str, int] = {}
    once, twice = list[Line](), list[Refusal]()
    for line in lines:
        before = first.setdefault(line.number, line.row)
        if before == line.row:
            once.append(line)
        else:
            twice.append(Refusal(line.row, about(NUMBER, line.number, f"il est déjà à la ligne {before}")))
    return once, twice
