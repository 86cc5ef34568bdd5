"""A file that came from outside, opened with care: a workbook or a CSV as a grid of raw cells.

Size, nesting and number of cells are known to be small before a library sees the file; formulas and merged cells are
refused in words; a CSV in another alphabet is told by its first letter that is wrong.
"""

import csv
import io
import re
import warnings
import zipfile
import zlib
from datetime import date, time, timedelta
from typing import Any, Final

from flows.interchange.sheet_cells import letters_of, ref_of
from flows.interchange.sheet_lines import MOST_COLUMNS, MOST_ROWS, Grid, Problems
from flows.interchange.sheet_words import SHEET, column_of, spelling
from flows.interchange.workbook_parts import MOST_UNPACKED, HostilePart, count_parts
from flows.mistakes import FlowMistake

LARGEST: Final = 5_000_000
_RATIO: Final = 100
_MOST_ENTRIES: Final = 500
_ESCAPED: Final = re.compile("_x([0-9A-Fa-f]{4})_")
_DELIMITERS: Final = (";", ",", "\t")
# What a cell may hold; whatever else openpyxl makes of one is some kind of formula.
_VALUES: Final = (str, int, float, date, time, timedelta)
_SAVE_AS: Final = "enregistrez sous « CSV UTF-8 (délimité par des virgules) », ou en classeur .xlsx"


def open_sheet(data: bytes, file: str, encoding: str = "") -> Grid:
    """The sheet in this file. FlowMistake says what to do when it cannot be opened; `encoding` is for a CSV only."""
    if len(data) > LARGEST:
        raise FlowMistake(f"le fichier dépasse {LARGEST // 1_000_000} Mo : ce n'est pas une conversation", file=file)
    if not data.strip():
        raise FlowMistake("le fichier est vide : partez d'un `laseli flow sheet out`", file=file)
    if data.startswith(b"PK"):
        grid = _of_workbook(data, file)
    elif data.startswith(b"\xd0\xcf\x11\xe0"):
        raise FlowMistake("c'est un ancien classeur (.xls) ou un fichier protégé : enregistrez-le en .xlsx", file=file)
    else:
        grid = _of_csv(data, file, encoding)
    _not_too_large(grid)
    return grid


def _not_too_large(grid: Grid) -> None:
    rows = max((number for number, row in enumerate(grid.rows, 1) if any(row)), default=0)
    columns = max(
        (place for row in grid.rows for place, value in enumerate(row, 1) if value not in (None, "")), default=0
    )
    if rows > MOST_ROWS:
        told = f"A{MOST_ROWS + 1} : plus de {MOST_ROWS} lignes : coupez la conversation en deux"
        raise FlowMistake(told, file=grid.file)
    if columns > MOST_COLUMNS:
        told = f"{letters_of(MOST_COLUMNS)}1 : plus de {MOST_COLUMNS} colonnes : ôtez celles de droite"
        raise FlowMistake(told, file=grid.file)
    grid.rows = [row[:columns] for row in grid.rows[:rows]]


# --- workbooks ----------------------------------------------------------------------------------------------------


def _of_workbook(data: bytes, file: str) -> Grid:
    judge_archive(data, file)
    page = _page(data, file)
    grid = Grid(file, [])
    if page.max_row > MOST_ROWS or page.max_column > MOST_COLUMNS:
        told = (
            f"{ref_of(min(page.max_row, MOST_ROWS + 1), min(page.max_column - 1, MOST_COLUMNS))} : la feuille s'étend "
            f"sur {page.max_row} lignes et {page.max_column} colonnes : supprimez les lignes et colonnes vides après "
            f"la dernière (au plus {MOST_ROWS} et {MOST_COLUMNS})"
        )
        raise FlowMistake(told, file=file)
    problems = Problems(file)
    for merged in list(page.merged_cells.ranges)[:MOST_COLUMNS]:
        first, _, last = str(merged).partition(":")
        told = f"les cellules {first} à {last} sont fusionnées : défusionnez-les, puis remplissez chacune"
        problems.tell(first, told)
    hidden = [number for number, row in page.row_dimensions.items() if row.hidden and number <= page.max_row]
    if hidden:
        lines = ", ".join(map(str, sorted(hidden)[:10]))
        grid.notes.append(f"lignes cachées, lues comme les autres : {lines}{' …' if len(hidden) > 10 else ''}")
    for row in page.iter_rows():
        grid.rows.append([_raw(cell, problems) for cell in row])
    problems.stop_if_any()
    return grid


def _raw(cell: Any, problems: Problems) -> object:
    ref, value = str(getattr(cell, "coordinate", "")), cell.value
    if cell.data_type == "f" or not (value is None or isinstance(value, _VALUES)):
        told = "c'est une formule : écrivez le texte lui-même (collage spécial « valeurs »)"
        problems.tell(ref, f"{told}, ou une apostrophe devant le signe =")
        return None
    if cell.data_type == "e":
        problems.tell(ref, f"le tableur montre une erreur ({value}) : écrivez le texte lui-même")
        return None
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), value) if isinstance(value, str) else value


def _page(data: bytes, file: str) -> Any:
    """The sheet of the conversation: the one of our name, or the first."""
    from openpyxl import load_workbook

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about drawings and validations, which nobody reads here
            book = load_workbook(io.BytesIO(data), keep_links=False)
    except Exception:
        # A broken or hostile part raises whatever it hits first; for the person it is one thing.
        told = "ce classeur ne s'ouvre pas : ouvrez-le dans Excel ou LibreOffice et enregistrez-le en .xlsx"
        raise FlowMistake(told, file=file) from None
    pages = book.worksheets
    if not pages:
        raise FlowMistake("ce classeur n'a pas de feuille : partez d'un `laseli flow sheet out`", file=file)
    return next((page for page in pages if spelling(page.title) == SHEET), pages[0])


def judge_archive(data: bytes, file: str, limits: str = f"{MOST_ROWS} lignes et {MOST_COLUMNS} colonnes") -> None:
    """What the archive would unpack to, counted while reading: its own table may lie. `limits` are told."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            declared = sum(entry.file_size for entry in entries)
            if len(entries) > _MOST_ENTRIES or declared > MOST_UNPACKED or declared > _RATIO * len(data):
                raise _too_large(file, limits)
            if any(entry.flag_bits & 1 for entry in entries):
                raise FlowMistake("ce classeur a un mot de passe : enregistrez-le sans", file=file)
            names = {entry.filename for entry in entries}
            if "mimetype" in names and "content.xml" in names:
                raise FlowMistake(
                    "c'est un .ods : dans LibreOffice, « Enregistrer sous », Excel 2007-365 (.xlsx)", file=file
                )
            if "xl/workbook.xml" not in names:
                raise FlowMistake("ce n'est pas un classeur : il faut un fichier .xlsx ou .csv", file=file)
            count_parts(archive)
    except HostilePart as hostile:
        if hostile.kind == "large":
            raise _too_large(file, limits) from None
        told = "ce classeur contient ce qu'aucun tableur n'y met : enregistrez-le de nouveau"
        raise FlowMistake(told, file=file) from None
    except (zipfile.BadZipFile, NotImplementedError, OSError, EOFError, ValueError, zlib.error):
        told = "ce fichier est abîmé : enregistrez-le de nouveau en .xlsx, ou demandez une autre copie"
        raise FlowMistake(told, file=file) from None


def _too_large(file: str, limits: str) -> FlowMistake:
    told = f"ce classeur est trop grand une fois ouvert (au plus {limits})"
    return FlowMistake(f"{told} : copiez la feuille dans un classeur neuf", file=file)


# --- CSV ----------------------------------------------------------------------------------------------------------


def _of_csv(data: bytes, file: str, encoding: str) -> Grid:
    text, is_another = _decoded(data, file, encoding)
    if "\0" in text:
        raise FlowMistake("ce n'est ni un classeur .xlsx ni un CSV : enregistrez la feuille en .xlsx", file=file)
    rows = _rows(text, file)
    if is_another:
        _tell_wrong_letter(rows, data, file)
    return Grid(file, [list(row) for row in rows])


def _decoded(data: bytes, file: str, encoding: str) -> tuple[str, bool]:
    """The text, and whether there are bytes in it that are not UTF-8: they stand there as lone surrogates."""
    try:
        if encoding:
            return data.decode(encoding).removeprefix("\ufeff"), False
        if data.startswith((b"\xff\xfe", b"\xfe\xff")):
            return data.decode("utf-16"), False
        return data.decode("utf-8-sig"), False
    except UnicodeDecodeError:
        if encoding:
            raise FlowMistake(f"ce fichier n'est pas en {encoding} : {_SAVE_AS}", file=file) from None
        return data.decode("utf-8-sig", errors="surrogateescape"), True
    except LookupError:
        raise FlowMistake(f"on ne connaît pas l'encodage « {encoding} » : cp1252 ou utf-8", file=file) from None


def _tell_wrong_letter(rows: list[list[str]], data: bytes, file: str) -> None:
    for number, row in enumerate(rows, 1):
        for place, cell in enumerate(row):
            if any("\ud800" <= sign <= "\udfff" for sign in cell):
                raise FlowMistake(_about_wrong_letter(ref_of(number, place), cell, data), file=file)
    raise FlowMistake(f"A1 : ce fichier n'est pas en UTF-8 : {_SAVE_AS}", file=file)


def _about_wrong_letter(ref: str, cell: str, data: bytes) -> str:
    meant = cell.encode("utf-8", "surrogateescape").decode("cp1252", errors="replace")
    shown = " ".join(meant.split())[:60]
    told = f"{ref} : « {shown} » : ses lettres ne sont pas en UTF-8 (le « CSV » simple d'Excel) : {_SAVE_AS}"
    try:
        data.decode("cp1252")
    except UnicodeDecodeError:
        return told
    return f"{told}. Sinon : `--encoding cp1252`, s'il n'y a aucun ɛ ɔ ɲ ŋ dans les textes, car ce format les perd"


def _rows(text: str, file: str) -> list[list[str]]:
    """The cells, parted by the sign under which the first lines are our titles."""
    text, named = _without_hint(text)
    best = named or max(_DELIMITERS, key=lambda each: _titles(text, each))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=best, strict=True)
    rows: list[list[str]] = []
    try:
        for row in reader:
            rows.append(row)
            if len(rows) > MOST_ROWS * 2 or len(row) > MOST_COLUMNS * 2:
                break
    except csv.Error:
        told = f"A{len(rows) + 1} : un guillemet \" n'est pas fermé sur cette ligne ou une ligne d'avant"
        raise FlowMistake(f'{told} : doublez ceux du texte (""), ou enregistrez en .xlsx', file=file) from None
    return [[], *rows] if named else rows


def _without_hint(text: str) -> tuple[str, str]:
    """Excel takes a first line `sep=;` as a hint, and so do we; its row still counts."""
    found = re.match(r"sep=([;,\t])\r?\n", text)
    return (text[found.end() :], found[1]) if found is not None else (text, "")


def _titles(text: str, delimiter: str) -> int:
    """How many titles of ours the first lines hold when they are cut here."""
    lines = text[:20_000].splitlines()[:10]
    return max(
        (sum(column_of(cell.strip(' "')) is not None for cell in line.split(delimiter)) for line in lines), default=0
    )
