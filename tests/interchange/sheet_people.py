"""People who open a sheet, change cells and save: helpers for its tests. Files are real ones on disk."""

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click.testing
from openpyxl import Workbook, load_workbook

from flows.interchange.sheet_cells import ref_of
from flows.interchange.sheet_in import read_sheet
from flows.interchange.sheet_making import Sheet
from flows.interchange.sheet_opening import open_sheet
from flows.interchange.sheet_out import Table, table_of
from flows.linking import Draft
from flows.loader import read_flow
from flows.mistakes import FlowMistake
from flows.model import Flow
from service.cli import main
from tests.flows.callers import a_flow

TWO = """
  - id: accord
    menu: {fr: "Vous êtes d'accord ?", bm: "I sɔnna wa?"}
    options:
      oui: {fr: "Oui", bm: "Awɔ"}
      non: {fr: "Non", bm: "Ayi"}
    go: {non: fin}
  - id: nom
    text: {fr: "Votre nom ?", bm: "I tɔgɔ?"}
    max: 24
  - id: fin
    end: {fr: "Merci {nom}", bm: "I ni ce {nom}"}
"""

# A flow with every kind of step and every key that the format has.
EVERYTHING = """
  - id: langue
    menu: {all: "Langue / Kan"}
    options:
      fr: {all: "Français"}
      bm: {all: "Bamanankan"}
    sets_language: true
    go: {fr: accord, bm: accord}
  - id: accord
    menu: {fr: "D'accord ?", bm: "I sɔnna wa?"}
    options: oui_non
    go: {non: fin}
    again: 2
    give_up: rien
    wrong: {fr: "Tapez 1 ou 2.", bm: "1 walima 2 digi."}
  - id: maux
    pick: {fr: "Lesquels ?", bm: "Jumɛnw?"}
    options:
      fievre: {fr: "Fièvre", bm: "Farigan"}
      TOUX: {fr: "Toux", bm: "Sɔgɔsɔgɔ"}
  - id: village
    menu: {fr: "Votre village ?", bm: "I ka dugu?"}
    options_from: villages(maux)
    with: {zone: '"nord"'}
    show: 30
    skip_if_one: true
    empty: fin
    fails: fin
    go: {aucun: fin}
    personal: true
  - id: age
    number: {fr: "Âge ?", bm: "Si?"}
    from: -1
    to: 99
  - id: nom
    text: {fr: "Nom ?", bm: "Tɔgɔ?"}
    max: 24
    personal: true
    or:
      rien: {fr: "Rien", bm: "Foyi"}
    go: {rien: naissance}
  - id: naissance
    date: {fr: "Né le ?", bm: "Don?"}
    from: -5y
    to: "2030-12-31"
    or:
      inconnue: {fr: "Je ne sais pas", bm: "N t'a dɔn"}
    go: {inconnue: numero}
  - id: numero
    phone: {fr: "Numéro ?", bm: "Nimɔrɔ?"}
    country: SN
  - id: tri
    when:
      - {if: "age < 5 and 'a;b' != \\"=x\\"", go: noter}
      - {if: "age_months(naissance) in (1, 2)", go: noter}
      - {else: action}
  - id: noter
    set: {a: age, b: '"l''été; x = y"', c: -3, d: count(maux)}
    next: action
  - id: action
    do: enregistrer
    with: {age: age, nom: nom}
    gives: {numero_recu: 10, due: 8}
    reads: true
    fails: rien
  - id: sous
    run: autre
  - id: recu
    say: {fr: "Numéro {numero_recu}.", bm: "Nimɔrɔ {numero_recu}."}
    by: sms
    parts: 2
  - id: dit
    say: {fr: "=Bien\\nmerci ", bm: "+ -@ \\"ok\\""}
  - id: fin
    end:
  - id: rien
    end: {fr: "Au revoir"}
"""
TOP = """start: {ussd: essai, sms: [ESSAI, "LE MOT"]}
resume: {within: 30m, ask: true}
if_dropped: {after: 3m, sms: rappel}
facts: {code: {text: 12}, enfants: {number: 2}, connu: yes_no, fr: yes_no}
lists:
  oui_non:
    oui: {fr: "Oui", bm: "Awɔ"}
    non: {fr: "Non", bm: "Ayi"}
  jamais:
    x: {all: "-"}
texts:
  rappel: {fr: "Faites {code}", bm: "{code} wele"}
  autre: {fr: "", bm: "  "}
"""
OTHER = '  - id: fin\n    end: {fr: "Fini"}'


def everything() -> Flow:
    return a_flow(EVERYTHING, top=TOP, autre=OTHER, **_TWO_LANGUAGES)


def small() -> Flow:
    """A menu, a question, an end, in French and Bambara."""
    return a_flow(TWO, **_TWO_LANGUAGES)


_TWO_LANGUAGES = {"languages": "[fr, bm]", "reviewed": "{bm: true}"}


def grid_of(table: Table) -> list[list[Any]]:
    return [table.header(), *table.lines()]


class Paper:
    """A sheet on somebody's desk: the cells by row and column title, and by what stands in them."""

    def __init__(self, flow: Flow) -> None:
        self.flow = flow
        self.cells: list[list[Any]] = grid_of(table_of(flow))

    def at(self, step: str, kind: str, name: str, title: str) -> tuple[int, int]:
        """Row and column, from 0, of one value."""
        for number, row in enumerate(self.cells):
            found = (row[self.column("étape")], row[self.column("sorte")]) == (step, kind)
            if found and (not name or row[self.column("nom")] == name):
                return number, self.column(title)
        raise AssertionError(f"no row {step} {kind} {name}")

    def column(self, title: str) -> int:
        return self.cells[0].index(title)

    def write(self, step: str, kind: str, title: str, value: Any, name: str = "") -> str:
        """Put a value there; the address of the cell."""
        row, column = self.at(step, kind, name, title)
        self.cells[row][column] = value
        return ref_of(row + 1, column)

    def without_column(self, title: str) -> "Paper":
        place = self.column(title)
        for row in self.cells:
            del row[place]
        return self

    def insert(self, row: int, **cells: Any) -> None:
        """A row at this place, cells by title."""
        titles = {"etape": "étape", "aller": "aller à"}
        new = [""] * len(self.cells[0])
        for title, value in cells.items():
            new[self.column(titles.get(title, title))] = value
        self.cells.insert(row, new)

    def xlsx(self, change: Callable[[Any], None] | None = None) -> bytes:
        book = Workbook()
        page = book.active
        assert page is not None
        for number, row in enumerate(self.cells, 1):
            for column, value in enumerate(row, 1):
                if value not in ("", None):
                    cell = page.cell(number, column, value)
                    if isinstance(value, str):
                        cell.data_type = "s"
        if change is not None:
            change(page)
        return saved(book)

    def csv(self, delimiter: str = ";", encoding: str = "utf-8-sig", end: str = "\r\n") -> bytes:
        written = io.StringIO(newline="")
        csv.writer(written, delimiter=delimiter, lineterminator=end).writerows(self.cells)
        return written.getvalue().encode(encoding)


def saved(book: Any) -> bytes:
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


def edited(data: bytes, change: Callable[[Any], None]) -> bytes:
    """A workbook opened, changed and saved."""
    book = load_workbook(io.BytesIO(data))
    change(book.worksheets[0])
    return saved(book)


def read(data: bytes, name: str = "essai.xlsx", encoding: str = "") -> Sheet:
    return read_sheet(open_sheet(data, name, encoding))


def refused(data: bytes, name: str = "essai.xlsx", encoding: str = "") -> str:
    """What is said of a sheet that cannot be read."""
    try:
        read(data, name, encoding)
    except FlowMistake as mistake:
        return str(mistake)
    raise AssertionError("the sheet was read")


def draft(flow: Flow) -> Draft:
    return read_flow(flow.source, flow.file)


def run(*arguments: str | Path) -> click.testing.Result:
    """The real command; an exception that is no sentence for people rises."""
    done = click.testing.CliRunner().invoke(main, ["flow", "sheet", *map(str, arguments)])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done
