"""A table as a file: a workbook for Excel and LibreOffice, or a CSV that both open with every letter right."""

import csv
import io
from typing import Any, Final

from flows.interchange.sheet_cells import FORMULA_SIGNS, letters_of, without_formula
from flows.interchange.sheet_out import Table
from flows.interchange.sheet_words import SHEET
from flows.model import LANGUAGES

_WIDTHS: Final = {"step": 18, "kind": 16, "name": 18, "info": 22, "next": 16, "if": 24, "value": 24}
_GREY: Final = "F2F2F2"
_HELP: Final = (
    "Changez les textes dans les colonnes des langues. Une ligne est une étape, un choix, un message.",
    "Les colonnes grises disent comment la conversation marche : changez-les seulement si vous savez pourquoi.",
    "La colonne « septets » est pour information : personne ne la lit. Un écran en a 160, avec les réponses.",
    "{chef} met la réponse de l'étape « chef » dans le texte : gardez les deux accolades et le nom tel quel.",
    "Une cellule vide veut dire : pas de texte. « toutes » : les mêmes mots dans toutes les langues.",
    "Gardez l'ordre des lignes : l'étape suivante est celle de dessous, sauf si « aller à » en nomme une autre.",
    "Enregistrez en .xlsx, ou en « CSV UTF-8 » : un simple CSV perd les lettres ɛ ɔ ɲ ŋ.",
    "Puis : laseli flow sheet in FICHIER. Les erreurs sont dites avec leur cellule, comme D14.",
)


def csv_of(table: Table, delimiter: str = ";") -> bytes:
    """UTF-8 with the mark by which Excel knows it; no cell begins like a formula."""
    written = io.StringIO(newline="")
    writer = csv.writer(written, delimiter=delimiter)
    for line in [table.header(), *table.lines()]:
        writer.writerow([without_formula(cell) for cell in line])
    return written.getvalue().encode("utf-8-sig")


def xlsx_of(table: Table) -> bytes:
    """A workbook whose every cell is text; the header stays in sight, what only the program needs is grey."""
    from openpyxl import Workbook

    book = Workbook()
    page = book.active
    page.title = SHEET
    for number, line in enumerate([table.header(), *table.lines()], 1):
        for place, text in enumerate(line):
            _write(page.cell(number, place + 1), text)
    _dress(page, table)
    notes = book.create_sheet("aide")
    notes.column_dimensions["A"].width = 110
    for number, sentence in enumerate(_HELP, 1):
        _write(notes.cell(number, 1), sentence)
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


def _write(cell: Any, text: str) -> None:
    """Text whatever it begins with: openpyxl would make a formula of `=`, and Excel a date of what it knows."""
    cell.number_format = "@"
    if text:
        cell.value = text
        cell.data_type = "s"
        cell.quotePrefix = text.startswith(FORMULA_SIGNS)


def _dress(page: Any, table: Table) -> None:
    from openpyxl.styles import Alignment, Font, PatternFill

    grey, header = PatternFill("solid", fgColor=_GREY), PatternFill("solid", fgColor="D9E2D5")
    wrapped = Alignment(wrap_text=True, vertical="top")
    for place, column in enumerate(table.columns):
        is_words = column in ("all", *LANGUAGES)
        dimension = page.column_dimensions[letters_of(place)]
        dimension.width = 42 if column in LANGUAGES else _WIDTHS.get(column, 18)
        dimension.number_format = "@"
        for number in range(1, len(table.rows) + 2):
            cell = page.cell(number, place + 1)
            cell.alignment = wrapped
            if number == 1:
                cell.font, cell.fill = Font(bold=True), header
            elif not is_words:
                cell.font, cell.fill = Font(color="7F7F7F", italic=column == "info"), grey
    first_words = next(place for place, column in enumerate(table.columns) if column in ("all", *LANGUAGES))
    page.freeze_panes = f"{letters_of(first_words)}2"
    page.auto_filter.ref = f"A1:{letters_of(len(table.columns) - 1)}{len(table.rows) + 1}"
