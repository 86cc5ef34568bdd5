"""A list of doses or of covers as a file: opened as a grid of cells, and what was refused written for mending.

Workbooks are judged before they are unpacked; a CSV may be in UTF-8 or as the old Excel wrote it, since codes, doses
and days are the same letters in both.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from flows.interchange.sheet_cells import without_formula
from flows.interchange.sheet_opening import judge_archive
from flows.mistakes import FlowMistake
from service.domain.dose_lists import HEADINGS, LOOKED_FOR_IN, Headings, count_headings

LARGEST: Final = 10_000_000
MOST_ROWS, MOST_COLUMNS = 50_000, 60
_DELIMITERS: Final = (";", ",", "\t")
_LIMITS: Final = f"{MOST_ROWS} lignes et {MOST_COLUMNS} colonnes"
Rows = list[Sequence[object]]


class CannotOpen(Exception):
    """The file is no list; the text says what to do."""


def read_rows(file: Path, headings: Headings = HEADINGS, *, formulas: bool = False) -> Rows:
    """Every row of the first sheet, or of the CSV, which is told by its headings. Raises CannotOpen.

    `formulas`: as they were typed ('=B2+365'), so that they can be refused; else what Excel last made of them.
    """
    try:
        if file.stat().st_size > LARGEST:
            raise CannotOpen(f"{file.name} dépasse {LARGEST // 1_000_000} Mo : coupez la liste en deux")
        data = file.read_bytes()
    except OSError as error:
        raise CannotOpen(f"{file} cannot be read: {error.strerror}") from None
    return rows_of(data, file.name, headings=headings, formulas=formulas)


def rows_of(
    data: bytes, name: str, most_rows: int = MOST_ROWS, headings: Headings = HEADINGS, *, formulas: bool = False
) -> Rows:
    """The same of a file's octets. Raises CannotOpen."""
    if data.startswith(b"PK"):
        rows = _of_workbook(data, name, most_rows, formulas)
    elif data.startswith(b"\xd0\xcf\x11\xe0"):
        raise CannotOpen(f"{name} est un ancien classeur (.xls) ou protégé : enregistrez-le en .xlsx")
    else:
        rows = _of_csv(data, name, most_rows, headings)
    if len(rows) > most_rows:
        raise CannotOpen(f"{name} a plus de {most_rows} lignes : coupez la liste en deux")
    return rows


def _of_workbook(data: bytes, name: str, most_rows: int, formulas: bool) -> Rows:
    from openpyxl import load_workbook

    try:
        judge_archive(data, name, _LIMITS)
    except FlowMistake as mistake:
        raise CannotOpen(str(mistake)) from None
    try:
        with closing(load_workbook(io.BytesIO(data), read_only=True, data_only=not formulas, keep_links=False)) as book:
            page = book.worksheets[0]
            page.reset_dimensions()  # what the sheet says of its own size may be wrong
            # Bounded while reading: one cell far to the right makes sixteen thousand of every row.
            return list(page.iter_rows(max_row=most_rows + 1, max_col=MOST_COLUMNS, values_only=True))
    except Exception:
        # A broken or hostile part raises whatever it hits first; for the person it is one thing.
        raise CannotOpen(f"{name} ne s'ouvre pas : enregistrez-le de nouveau en .xlsx ou en CSV UTF-8") from None


def _of_csv(data: bytes, name: str, most_rows: int, headings: Headings) -> Rows:
    text = _decoded(data)
    if "\0" in text:
        raise CannotOpen(f"{name} n'est ni un classeur .xlsx ni un CSV")
    best = max(_DELIMITERS, key=lambda one: _titles(text, one, headings))
    rows: Rows = []
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=best, strict=True):
            rows.append(row[:MOST_COLUMNS])
            if len(rows) > most_rows:
                break
    except csv.Error:
        raise CannotOpen(f"{name}, ligne {len(rows) + 1} : un guillemet n'est pas fermé ici ou avant") from None
    return rows


def _decoded(data: bytes) -> str:
    for encoding in ("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig", "cp1252"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return data.decode("latin-1")


def _titles(text: str, delimiter: str, headings: Headings) -> int:
    rows = [line.split(delimiter) for line in text[:20_000].splitlines()[:LOOKED_FOR_IN]]
    return max((count_headings([cell.strip(' "') for cell in row], headings) for row in rows), default=0)


def write_refused(target: Path, rows: Sequence[Sequence[str]]) -> None:
    """A workbook or a CSV of texts, by the name of the file; written whole, or not at all (OSError)."""
    beside = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        if target.suffix.lower() == ".xlsx":
            _write_workbook(beside, rows)
        else:
            with beside.open("w", encoding="utf-8-sig", newline="") as opened:
                csv.writer(opened, delimiter=";").writerows([[without_formula(cell) for cell in row] for row in rows])
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)


def _write_workbook(target: Path, rows: Sequence[Sequence[str]]) -> None:
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell

    book = Workbook(write_only=True)
    page = book.create_sheet("refus")
    page.column_dimensions["E"].width = 80

    def cell(words: str) -> Any:
        """Text whatever it looks like: a code keeps its noughts, a day its order."""
        one = WriteOnlyCell(page, words or None)
        one.number_format = "@"
        if words:
            one.data_type = "s"
        return one

    for row in rows:
        page.append([cell(words) for words in row])
    book.save(target)
