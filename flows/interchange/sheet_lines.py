"""The lines of a sheet with their columns known by name; whatever cannot be read is told with the address of its cell.

Problems are gathered, not raised one by one: whoever fills in a sheet wants to mend everything before trying again.
"""

from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Final

from flows.interchange.sheet_cells import Cell, letters_of, read_cell, ref_of, straight_quotes
from flows.interchange.sheet_words import (
    IGNORED,
    NEEDED,
    YES_NO,
    column_of,
    header_of,
    nearest_column,
    yes_or_no,
)
from flows.mistakes import FlowMistake, together
from flows.model import LANGUAGES

MOST_ROWS: Final = 2000
MOST_COLUMNS: Final = 60
_MOST_TOLD: Final = 30
# A title or a note may stand above the header.
_HEADER_WITHIN: Final = 10
_DAYS: Final = ("from", "to", "value")
WORDS: Final = ("all", *LANGUAGES)


@dataclass(slots=True)
class Grid:
    """A sheet as it was opened: a row of raw values for each line, and what the reader should be told."""

    file: str
    rows: list[list[object]]
    notes: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Problems:
    """What is wrong with a sheet, cell by cell."""

    file: str
    found: list[tuple[str, str]] = field(default_factory=list)

    def tell(self, ref: str, problem: str) -> None:
        self.found.append((ref, problem))

    def __bool__(self) -> bool:
        return bool(self.found)

    def stop_if_any(self) -> None:
        """FlowMistake with all of them, the first thirty in words."""
        told = list(dict.fromkeys(f"{ref} : {problem}" for ref, problem in self.found))
        if len(told) > _MOST_TOLD:
            told = [*told[:_MOST_TOLD], f"et {len(told) - _MOST_TOLD} autres cellules : corrigez, puis recommencez"]
        if told:
            raise together([FlowMistake(each, file=self.file) for each in told])


class Line:
    """One row under the header. A cell that nobody asked for is a problem: nothing in a sheet is dropped silently."""

    def __init__(self, number: int, values: list[object], columns: dict[str, int], problems: Problems) -> None:
        self.number = number
        self.columns = columns
        self.problems = problems
        self._values = values
        self._asked: set[str] = set()

    @property
    def is_empty(self) -> bool:
        return all(_is_blank(value) for value in self._values)

    def ref(self, column: str) -> str:
        """The address of a cell; of the first cell of the row when the sheet has no such column."""
        return ref_of(self.number, self.columns.get(column, 0))

    def has(self, column: str) -> bool:
        return not _is_blank(self._value(column))

    def cell(self, column: str) -> Cell:
        """The words of a cell, whatever the spreadsheet made of them."""
        self._asked.add(column)
        return read_cell(self.ref(column), self._written(column, self._value(column)))

    def word(self, column: str) -> str:
        """A word for the program, not for people: no-break blanks and curly quotes are plain ones here."""
        found = self.cell(column)
        return found.text if found.quoted else straight_quotes(found.text)

    def id(self, column: str) -> str:
        """An id: spreadsheets like to begin a cell with a capital."""
        word = self.word(column)
        return word.lower() if word[:1].isupper() and word[1:] == word[1:].lower() else word

    def yes(self, column: str) -> str:
        """ "true" or "false"; anything else is a problem."""
        written = self._value(column)
        word = str(written).lower() if isinstance(written, bool) else self.word(column)
        self._asked.add(column)
        found = yes_or_no(word)
        if found is None:
            self.problems.tell(self.ref(column), f"« {word} » n'est ni oui ni non : écrivez oui ou non")
        return found or "false"

    def needed(self, column: str, what: str) -> str:
        """A word that must be there; the problem says `what` to write."""
        word = self.id(column)
        if not word:
            self.problems.tell(self.ref(column), f"la cellule « {header_of(column)} » est vide : écrivez {what}")
        return word

    def texts(self) -> dict[str, Cell]:
        """The words of each language that has some, or those under `all`."""
        cells: dict[str, Cell] = {column: self.cell(column) for column in WORDS if column in self.columns}
        found = {column: cell for column, cell in cells.items() if not cell.is_empty}
        if "all" in found and len(found) > 1:
            other = next(cell for column, cell in found.items() if column != "all")
            problem = (
                f"ce texte est aussi en {found['all'].ref}, pour toutes les langues : videz l'une des deux cellules"
            )
            self.problems.tell(other.ref, problem)
        return found

    def leave(self) -> None:
        """The line is refused: what else stands in it is not judged."""
        self._asked.update(self.columns)

    def finish(self, row: str) -> None:
        """A problem for each filled cell that a row of this sort has no use for."""
        for column in self.columns:
            if column not in self._asked and column not in IGNORED and self.has(column):
                problem = f"une ligne « {row} » ne se sert pas de la colonne « {header_of(column)} » : videz la cellule"
                self.problems.tell(self.ref(column), problem)

    def _value(self, column: str) -> object:
        place = self.columns.get(column)
        return self._values[place] if place is not None and place < len(self._values) else None

    def _written(self, column: str, value: object) -> str:
        if value is None or isinstance(value, str):
            return value or ""
        if isinstance(value, bool):
            if column in YES_NO or column == "value" or column not in (*WORDS, *NEEDED):
                return "true" if value else "false"
            word = "VRAI" if value else "FAUX"
            return self._changed(column, f"le tableur a fait {word} de ce mot")
        if isinstance(value, int) or (isinstance(value, float) and value.is_integer()):
            return str(int(value))
        if isinstance(value, datetime) and value.time() == time(0) and column in _DAYS:
            return value.date().isoformat()
        if isinstance(value, date | time):
            return self._changed(column, f"le tableur a changé ce texte en date ({value})")
        return self._changed(column, f"le tableur a fait un nombre de ce texte ({value})")

    def _changed(self, column: str, what: str) -> str:
        remedy = "donnez à la cellule le format « Texte », puis écrivez-le de nouveau"
        if column in _DAYS:
            remedy = "écrivez un jour comme 2026-03-05, ou un nombre entier"
        self.problems.tell(self.ref(column), f"{what} : {remedy}")
        return ""


def lines_of(grid: Grid, problems: Problems) -> list[Line]:
    """The rows under the header that hold something. FlowMistake when the header itself cannot be used."""
    place, columns = _header(grid, problems)
    problems.stop_if_any()
    lines = [Line(number, values, columns, problems) for number, values in enumerate(grid.rows, 1)]
    filled = [line for line in lines[place + 1 :] if not line.is_empty]
    _nothing_beside(grid, place, columns, problems)
    if not filled:
        problems.tell(ref_of(place + 2, 0), "il n'y a aucune ligne sous les titres : partez d'un `flow sheet out`")
    problems.stop_if_any()
    return filled


def _header(grid: Grid, problems: Problems) -> tuple[int, dict[str, int]]:
    """Where the header is, and the columns it names."""
    rows = [_known_columns(row) for row in grid.rows[:_HEADER_WITHIN]]
    place = max(range(len(rows)), key=lambda each: (len(rows[each]), -each), default=0)
    columns = rows[place] if rows else {}
    if not {"step", "kind"} & columns.keys():
        names = ", ".join(header_of(column) for column in (*NEEDED[:3], "fr", "bm", *NEEDED[3:]))
        problems.tell("A1", f"il manque la ligne des titres : écrivez sur la ligne 1, un par colonne : {names}")
        return place, columns
    row = grid.rows[place]
    for column, value in enumerate(row):
        _judge_title(ref_of(place + 1, column), value, column, columns, problems)
    free = max((at for at, value in enumerate(row) if not _is_blank(value)), default=-1) + 1
    for column in (*NEEDED, *(() if any(each in columns for each in LANGUAGES) else ("fr",))):
        if column not in columns:
            name = header_of(column)
            problem = f"il manque la colonne « {name} » : écrivez « {name} » dans cette cellule, et remplissez dessous"
            problems.tell(ref_of(place + 1, free), problem)
            free += 1
    return place, columns


def _judge_title(ref: str, value: object, place: int, columns: dict[str, int], problems: Problems) -> None:
    if _is_blank(value):
        return
    title = str(value).strip()
    column = column_of(title)
    if column is None:
        problem = f"on ne connaît pas de colonne « {title[:40]} » ; {nearest_column(title)}"
        problems.tell(ref, f"{problem} (des notes vont dans une colonne « remarques »)")
    elif columns[column] != place:
        first = letters_of(columns[column])
        problems.tell(ref, f"la colonne « {title[:40]} » est déjà en {first} : gardez-en une seule")


def _known_columns(row: list[object]) -> dict[str, int]:
    columns: dict[str, int] = {}
    for place, value in enumerate(row):
        column = column_of(value) if isinstance(value, str) and value.strip() else None
        if column is not None:
            columns.setdefault(column, place)
    return columns


def _nothing_beside(grid: Grid, place: int, columns: dict[str, int], problems: Problems) -> None:
    """What stands under no title would be lost."""
    titled = set(columns.values())
    for number, row in enumerate(grid.rows[place + 1 :], place + 2):
        for column, value in enumerate(row):
            if column not in titled and not _is_blank(value):
                title = ref_of(place + 1, column)
                problems.tell(
                    ref_of(number, column), f"cette colonne n'a pas de titre : écrivez-le en {title}, ou videz"
                )


def _is_blank(value: object) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())
