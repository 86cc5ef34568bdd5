"""A report as a file: a workbook whose numbers are numbers, or a CSV that Excel opens with every letter right."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.interchange.sheet_cells import without_formula
from service.commands.report_commands import HEADS, by_definition, heading, remarks
from service.domain.indicators import Definition, Indicator

if TYPE_CHECKING:
    from service.stories.staff.reports import Report

_TITLES = {
    "coverage": "Couverture",
    "fully_immunised": "Complètement vaccinés",
    "zero_dose": "Zéro dose",
    "drop_out": "Abandon",
    "noted_doses": "Doses notées",
    "timeliness": "À temps",
    "checked": "Contrôlés",
    "days_late": "Retards",
    "reminders_delivered": "Rappels remis",
    "cost_per_delivered": "Coût par rappel",
    "children_reached": "Enfants joints",
    "caught_up": "Venus après rappel",
    "cost_per_caught_up": "Coût par enfant venu",
    "treatments_begun": "Admissions malnutrition",
    "treatment_results": "Résultats malnutrition",
    "treatment_other_ends": "Autres fins malnutrition",
    "round_told": "Passages paludisme",
    "pregnancies_followed": "Grossesses",
    "contacts_kept": "Contacts rappelés",
    "contacts_made": "Contacts faits",
    "covers": "Couvertures",
    "cover_decisions": "Paroles de la mutuelle",
    "seen_at_home": "Suivis à domicile",
    "home_visits": "Visites",
    "talks": "Causeries",
}
_WIDTHS = (34, 16, 14, 18, 12)
_WHOLE, _FRANCS = "#,##0", '#,##0.0" F"'
_VALUES = {"%": '0.0" %"', "F": _FRANCS, "n": "0.0", "#": _WHOLE}


def write_xlsx(target: Path, found: Report) -> None:
    """A sheet for each indicator and one of definitions; written whole, or not at all (OSError)."""
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    for said, rows in by_definition(found):
        page = _page(book, _TITLES[said.key], _WIDTHS)
        page.append([_bold(page, cell) for cell in _header(said)])
        for one in rows:
            page.append(_cells(page, one))
    page = _page(book, "Définitions", (28, 100, 60))
    page.append([_bold(page, cell) for cell in ("indicateur", "définition", "source")])
    for said, _ in by_definition(found):
        page.append([_text(page, said.title), _text(page, said.says), _text(page, said.source)])
    for line in (heading(found), *remarks(found)):
        page.append([_text(page, "à savoir"), _text(page, line)])
    with beside(target) as file:
        book.save(file)


def write_csv(target: Path, found: Report) -> None:
    """One line for each figure, numbers with a comma as in French; written whole, or not at all (OSError)."""
    header = ("indicateur", "ligne", "groupe", "numérateur", "dénominateur", "valeur", "unité", "définition", "source")
    with beside(target) as file, file.open("w", encoding="utf-8-sig", newline="") as opened:
        writer = csv.writer(opened, delimiter=";")
        writer.writerow(header)
        for said, rows in by_definition(found):
            for one in rows:
                counts = [_comma(one.numerator, one.hidden), _comma(one.denominator, one.hidden), _comma(one.value)]
                words = [without_formula(word) for word in (said.title, one.name, one.group)]
                writer.writerow([*words, *counts, said.unit, without_formula(said.says), said.source])


@contextmanager
def beside(target: Path) -> Iterator[Path]:
    """A file to be written, that then takes the place of `target`: nobody ever finds half of one."""
    file = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        yield file
        file.replace(target)
    finally:
        file.unlink(missing_ok=True)


def _comma(number: float | None, hidden: str = "") -> str:
    return hidden if number is None else f"{number:.10g}".replace(".", ",")


def _header(said: Definition) -> tuple[str, ...]:
    return ("ligne", "groupe", said.top, said.bottom, HEADS[said.unit])


def _page(book: Any, title: str, widths: tuple[int, ...]) -> Any:
    page = book.create_sheet(title)
    page.freeze_panes = "A2"
    for letter, width in zip("ABCDE", widths, strict=False):
        page.column_dimensions[letter].width = width
    return page


def _cells(page: Any, one: Indicator) -> list[Any]:
    unit = one.definition.unit
    return [
        _text(page, one.name),
        _text(page, one.group),
        _number(page, one.numerator, _FRANCS if unit == "F" else _WHOLE, one.hidden),
        _number(page, one.denominator, _WHOLE, one.hidden),
        _number(page, one.value, _VALUES[unit], ""),
    ]


def _number(page: Any, number: float | None, form: str, hidden: str) -> Any:
    if number is None:
        return _text(page, hidden)
    cell = _cell(page, number)
    cell.number_format = form
    return cell


def _text(page: Any, words: str) -> Any:
    """Text whatever it begins with: openpyxl would make a formula of what begins with `=`."""
    cell = _cell(page, words or None)
    if words:
        cell.data_type = "s"
    return cell


def _bold(page: Any, words: str) -> Any:
    from openpyxl.styles import Font

    cell = _text(page, words)
    cell.font = Font(bold=True)
    return cell


def _cell(page: Any, value: Any) -> Any:
    from openpyxl.cell import WriteOnlyCell

    return WriteOnlyCell(page, value)
