"""The report of an experiment as a workbook: the arms, the result in words, and the record as it was declared."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from service.commands import experiment_words as words
from service.commands.experiment_commands import as_data, table
from service.commands.report_files import beside
from service.stories.recall.trial_readings import Reading


def write_xlsx(target: Path, found: Reading) -> None:
    """Numbers are numbers; written whole, or not at all (OSError)."""
    from openpyxl import Workbook

    book = Workbook()
    book.remove(book.active)
    _page(book, "Groupes", table(found), 18)
    _page(book, "Résultat", _result(found), 34)
    told = [] if found.hidden else [words.withheld(found.arms[1])]
    notes = [
        *words.warnings(found),
        *words.result(found),
        *told,
        f"Compté : {words.outcome(found)}",
        f"Méthode : {words.METHOD}",
    ]
    _page(book, "À savoir", [["à savoir"], *([note] for note in notes)], 120)
    record = as_data(found)["record"]
    _page(book, "Déclaration", [["quoi", "valeur"], *([name, _written(value)] for name, value in record.items())], 40)
    with beside(target) as file:
        book.save(file)


def _result(found: Reading) -> list[list[str | float | None]]:
    rows: list[list[str | float | None]] = [["chiffre", "valeur", "limite basse", "limite haute"]]
    for name, one in (("effet, points", found.found.effect), ("F par dose à temps de plus", found.found.price)):
        rows.append([name, one.value, one.low, one.high] if one else [name, None, None, None])
    return rows


def _written(value: Any) -> str | int | None:
    return ", ".join(value) if isinstance(value, tuple) else value


def _page(book: Any, title: str, rows: Any, width: int) -> None:
    from openpyxl.styles import Font

    page = book.create_sheet(title)
    page.freeze_panes = "A2"
    for number, row in enumerate(rows, 1):
        for place, value in enumerate(row, 1):
            cell = page.cell(number, place, value)
            if isinstance(value, str):  # text whatever it begins with: openpyxl would make a formula of `=`
                cell.data_type = "s"
            cell.font = Font(bold=number == 1)
            page.column_dimensions[cell.column_letter].width = width
