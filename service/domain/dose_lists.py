"""Lists of doses as registers give them: which column is which, and what stands in a line, read as people fill them in.

Kind to spellings and never guessing: what could be two things is refused with its reason, in French for whoever mends
it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Final, NamedTuple

from service.domain import dose_words
from service.domain.dose_words import DoseWord, NotRead, plain_capitals
from service.domain.vaccine_calendar import Calendar

Headings = Mapping[str, tuple[str, ...]]
"""title -> how its heading may be spelt, in plain capitals without spaces."""
HEADINGS: Final[Headings] = {
    "code": ("CODE", "CODEENFANT", "CODEDELENFANT", "CODECARNET", "CODEDUCARNET", "NCODE"),
    "dose": ("DOSE", "DOSES", "ANTIGENE", "ANTIGENES", "VACCIN", "VACCINS", "ANTIGENEDOSE", "VACCINDOSE"),
    "date": (
        "DATE",
        "JOUR",
        "DATEVACCINATION",
        "DATEDEVACCINATION",
        "DATEDOSE",
        "DATEDELADOSE",
        "ADMINISTRELE",
        "FAITLE",
    ),
}
TITLES: Final = ("code", "dose", "date")
LOOKED_FOR_IN: Final = 10
"""Rows: above the headings stand the name of the centre and a title."""
CODE_DIGITS: Final = 8
_DAY: Final = re.compile(r"(\d{1,2})[/.\-](\d{1,2})[/.\-](\d{4}|\d{2})")
_ISO: Final = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?:[T ]00:00(?::00)?)?")


class NoColumns(Exception):
    """The headings were not found, or nothing below them; the text says what is missing."""


class Columns(NamedTuple):
    """Where the headings stand: their row, the first being 0, and the place of each column in a row."""

    row: int
    code: int
    dose: int
    date: int


class Line(NamedTuple):
    """A line that could be read; `number` is its row in the file, the first being 1."""

    number: int
    code: str
    doses: tuple[DoseWord, ...]
    on: date


class Refusal(NamedTuple):
    """A line that is not taken, and why."""

    number: int
    why: str


def find_columns(rows: Sequence[Sequence[object]]) -> Columns:
    """The first row that has all three headings; raises NoColumns."""
    row, found = find_places(rows, HEADINGS)
    return Columns(row, found["code"], found["dose"], found["date"])


def find_places(rows: Sequence[Sequence[object]], headings: Headings) -> tuple[int, dict[str, int]]:
    """The first row that has all these headings, and the place of each in a row; raises NoColumns."""
    best: dict[str, int] = {}
    for number, row in enumerate(rows[:LOOKED_FOR_IN]):
        found: dict[str, int] = {}
        for place, cell in enumerate(row):
            heading = _heading(cell, headings)
            if heading and heading not in found:
                found[heading] = place
        if len(found) == len(headings):
            return number, found
        best = max(best, found, key=len)
    missing = ", ".join(f"« {title} »" for title in headings if title not in best)
    titles = ", ".join(headings)
    raise NoColumns(f"il manque la colonne {missing} : la première ligne porte les titres {titles}")


def count_headings(row: Sequence[object], headings: Headings = HEADINGS) -> int:
    """How many of these headings a row has."""
    return len({heading for cell in row if (heading := _heading(cell, headings))})


def _heading(cell: object, headings: Headings) -> str | None:
    plain = re.sub(r"[^A-Z]", "", plain_capitals(cell)) if isinstance(cell, str) else ""
    return next((name for name, spellings in headings.items() if plain in spellings), None)


def cells_of(row: Sequence[object], columns: Columns) -> tuple[object, object, object]:
    """Code, dose and date as they stand in the row."""
    code, dose, day = (row[place] if place < len(row) else None for place in columns[1:])
    return code, dose, day


def is_empty(cells: Sequence[object]) -> bool:
    return all(cell is None or not str(cell).strip() for cell in cells)


Cells = dict[int, tuple[object, object, object]]


class ReadList(NamedTuple):
    """The three cells of every line that is not empty, the lines that could be read, and the others."""

    cells: Cells
    lines: list[Line]
    unread: list[Refusal]


def read_list(rows: Sequence[Sequence[object]], calendar: Calendar) -> ReadList:
    """A whole list; raises NoColumns where it has no headings, or nothing below them."""
    columns = find_columns(rows)
    found = ReadList({}, [], [])
    for number, row in enumerate(rows[columns.row + 1 :], columns.row + 2):
        three = cells_of(row, columns)
        if is_empty(three):
            continue
        found.cells[number] = three
        said = read_line(number, three, calendar)
        if isinstance(said, Line):
            found.lines.append(said)
        else:
            found.unread.append(said)
    if not found.cells:
        raise NoColumns("la liste a des titres, et aucune ligne dessous")
    return found


def read_line(number: int, cells: tuple[object, object, object], calendar: Calendar) -> Line | Refusal:
    """What these three cells say, or why they cannot be read."""
    code, dose, day = cells
    digits = _code(code)
    if digits is None:
        return Refusal(number, f"code « {shown(code)} » : il a huit chiffres, comme sur le carnet")
    try:
        doses = dose_words.read_doses(shown(dose), calendar)
    except NotRead as unclear:
        return Refusal(number, _about_dose(unclear, shown(dose), calendar))
    on = read_day(day)
    if on is None:
        return Refusal(number, f"date « {shown(day)} » : écrivez-la comme 12/11/2026")
    return Line(number, digits, doses, on)


def _code(cell: object) -> str | None:
    """Eight digits. A spreadsheet's number has lost the noughts before it; a text has not."""
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    if isinstance(cell, int) and not isinstance(cell, bool):
        return f"{cell:0{CODE_DIGITS}d}" if 0 <= cell < 10**CODE_DIGITS else None
    plain = re.sub(r"[\s.\-]", "", cell) if isinstance(cell, str) else ""
    return plain if re.fullmatch(rf"[0-9]{{{CODE_DIGITS}}}", plain) else None


def read_day(cell: object) -> date | None:
    """The day in a cell or a field, as people write it or as a browser gives it; None when it is none."""
    if isinstance(cell, datetime):
        return cell.date()
    if isinstance(cell, date):
        return cell
    plain = cell.strip() if isinstance(cell, str) else ""
    try:
        if found := _ISO.fullmatch(plain):
            return date(*(int(part) for part in found.groups()))
        if found := _DAY.fullmatch(plain):
            day, month, year = (int(part) for part in found.groups())
            return date(year + 2000 if year < 100 else year, month, day)
    except ValueError:
        return None
    return None


def _about_dose(unclear: NotRead, text: str, calendar: Calendar) -> str:
    if unclear.trouble == "same_day":
        return f"dose « {text} » : le même vaccin deux fois le même jour"
    known = " ".join(dict.fromkeys(one.record_as for one in calendar.series.values()))
    return f"dose « {text} » inconnue ; connues : {known}"


def shown(cell: object) -> str:
    """A cell as text, short, without what would turn a terminal or a workbook upside down."""
    if isinstance(cell, datetime | date):
        return f"{cell:%d/%m/%Y}"
    text = "" if cell is None else " ".join(str(cell).split())[:60]
    return text if text.isprintable() else "".join(sign if sign.isprintable() else "?" for sign in text)
