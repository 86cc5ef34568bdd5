"""A form's file, opened carefully: what is no form, too large or made to hurt is refused before it is unpacked."""

import csv
import io
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from typing import Any, Final

from flows.interchange.workbook_parts import MOST_TAGS, MOST_UNPACKED, HostilePart, count_parts
from flows.mistakes import FlowMistake

MOST_BYTES: Final = 5_000_000
MOST_RATIO: Final = 100
MOST_ROWS: Final = 5_000
MOST_COLUMNS: Final = 300
LONGEST_CELL: Final = 4_000
# The list of what a zip holds; a form has some twenty entries.
_LARGEST_LIST: Final = 200_000
_END_OF_ZIP: Final = b"PK\x05\x06"
_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED: Final = "EncryptedPackage".encode("utf-16-le")
# A sheet ends where so many rows in a row are empty; pyxform reads no further either.
_EMPTY_ROWS: Final = 60
_SUPPORTED: Final = "save it as .xlsx, .xls or CSV UTF-8"


def form_of(data: bytes, file: str) -> Any:
    """The sheets as pyxform reads them (a `DefinitionData`). FlowMistake in one line for anything that is no form."""
    if len(data) > MOST_BYTES:
        raise FlowMistake(f"{len(data):,} bytes are no form: {MOST_BYTES:,} at most", file=file)
    if not data.strip():
        raise FlowMistake("the file is empty", file=file)
    if data.startswith(b"PK"):
        _refuse_bombs(data, file)
        return _read_by_pyxform(data, ".xlsx", file, _sheets_of_xlsx)
    if data.startswith(_OLE):
        if _ENCRYPTED in data:
            raise FlowMistake("the file is locked with a password: take it off in Excel and save it again", file=file)
        return _read_by_pyxform(data, ".xls", file, _sheets_of_xls)
    return _read_by_pyxform(_plain_csv(data, file), ".csv", file, _sheets_of_csv)


def _read_by_pyxform(data: bytes, kind: str, file: str, sheets: Any) -> Any:
    from pyxform.errors import PyXFormError
    from pyxform.xls2json_backends import get_xlsform

    try:
        for sheet, rows in sheets(data):
            _measure(sheet, rows, file)
        return get_xlsform(data, file_type=kind)
    except FlowMistake:
        raise
    except PyXFormError as error:
        raise FlowMistake(f"{one_line(error)}; {_SUPPORTED}", file=file) from None
    except Exception as error:  # the readers of old and broken workbooks raise whatever they stumble on
        name = type(error).__name__
        raise FlowMistake(
            f"this {kind[1:]} cannot be read ({name}: {one_line(error)}); {_SUPPORTED}", file=file
        ) from None


def one_line(error: object, most: int = 200) -> str:
    line = " ".join(str(error).split())
    return line if len(line) <= most else line[: most - 3] + "..."


def _refuse_bombs(data: bytes, file: str) -> None:
    """Sizes are summed before anything is unpacked, and counted again while it is, so that no lie helps."""
    end = data.rfind(_END_OF_ZIP)
    if end < 0 or len(data) < end + 22:
        raise FlowMistake("this .xlsx is cut off or broken: save it again", file=file)
    if struct.unpack_from("<I", data, end + 12)[0] > _LARGEST_LIST:
        raise FlowMistake("this file holds too many parts to be a form", file=file)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = archive.infolist()
            unpacked = sum(part.file_size for part in parts)
            if unpacked > MOST_UNPACKED or unpacked > MOST_RATIO * len(data):
                raise FlowMistake(f"{unpacked:,} bytes unpacked are no form: {MOST_UNPACKED:,} at most", file=file)
            if any(part.flag_bits & 1 for part in parts):
                raise FlowMistake("the file is locked with a password: take it off and save it again", file=file)
            count_parts(archive)
    except HostilePart as hostile:
        why = "declares a DOCTYPE" if hostile.kind == "declares" else f"has more than {MOST_TAGS:,} tags"
        raise FlowMistake(f"'{hostile.part}' in it {why}, as no form does", file=file) from None
    except (zipfile.BadZipFile, zlib.error, ValueError, NotImplementedError, OSError, EOFError) as error:
        raise FlowMistake(f"this .xlsx is broken ({one_line(error)}): save it again", file=file) from None


def _plain_csv(data: bytes, file: str) -> bytes:
    """The same in UTF-8 with commas between the cells, as pyxform wants it. Excel in French writes semicolons."""
    if b"\0" in data:
        raise FlowMistake(f"this is no form: {_SUPPORTED}", file=file)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        cell = data[: error.start].rsplit(b"\n", 1)[-1].count(b",") + 1
        problem = f"line {line}, cell {cell}: the byte 0x{data[error.start]:02X} is not UTF-8; save as 'CSV UTF-8'"
        raise FlowMistake(problem, file=file) from None
    first = next((line for line in text.splitlines() if ";" in line or "," in line), "")
    if first.count(";") <= first.count(","):
        return text.encode()
    written = io.StringIO()
    csv.writer(written).writerows(csv.reader(io.StringIO(text, newline=""), delimiter=";"))
    return written.getvalue().encode()


def _measure(sheet: str, rows: Iterator[Sequence[object]], file: str) -> None:
    """Refuses what no form has. Counting stops where the sheet does, or at the first thing that is too much."""
    empty = 0
    for number, row in enumerate(rows, 1):
        if len(row) > MOST_COLUMNS and any(cell is not None for cell in row[MOST_COLUMNS:]):
            raise FlowMistake(f"sheet '{sheet}' has more than {MOST_COLUMNS} columns in row {number}", file=file)
        if number > MOST_ROWS:
            raise FlowMistake(
                f"sheet '{sheet}' has more than {MOST_ROWS} rows: cut the form into smaller ones", file=file
            )
        for place, cell in enumerate(row):
            if isinstance(cell, str) and len(cell) > LONGEST_CELL:
                where = f"sheet '{sheet}', cell {column_letters(place)}{number}"
                raise FlowMistake(f"{where}: {len(cell):,} letters, {LONGEST_CELL:,} at most; shorten it", file=file)
        empty = 0 if any(cell not in (None, "") for cell in row) else empty + 1
        if empty > _EMPTY_ROWS:
            return


def column_letters(place: int) -> str:
    """The letters over a column: 0 is A, 26 is AA."""
    letters = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def _sheets_of_xlsx(data: bytes) -> Iterator[tuple[str, Iterator[Sequence[object]]]]:
    from openpyxl import load_workbook

    book = load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
    try:
        for sheet in book.worksheets:
            yield sheet.title, sheet.iter_rows(values_only=True)
    finally:
        book.close()


def _sheets_of_xls(data: bytes) -> Iterator[tuple[str, Iterator[Sequence[object]]]]:
    """Ragged: without it one cell in the last corner makes sixteen million of them."""
    from xlrd import open_workbook

    book = open_workbook(file_contents=data, ragged_rows=True, logfile=io.StringIO())
    try:
        for sheet in book.sheets():
            if sheet.ncols > MOST_COLUMNS or sheet.nrows > MOST_ROWS:
                raise ValueError(f"sheet '{sheet.name}' has {sheet.nrows} rows and {sheet.ncols} columns")
            yield sheet.name, (sheet.row_values(row) for row in range(sheet.nrows))
    finally:
        book.release_resources()


def _sheets_of_csv(data: bytes) -> Iterator[tuple[str, Iterator[Sequence[object]]]]:
    yield "csv", (row for row in csv.reader(io.StringIO(data.decode(), newline="")))
