"""A programme officer changes a word in her spreadsheet; the next caller reads it, and nobody restarted anything."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest
from click.testing import CliRunner, Result

from service.cli import main
from service.config import Config
from service.runtime import Runtime
from tests.people import Handset


@pytest.fixture
def laseli(settings: Config, monkeypatch: pytest.MonkeyPatch) -> object:
    monkeypatch.setenv("LASELI_DATABASE_URL", settings.database_url)
    monkeypatch.setenv("LASELI_KEYS__IDENTITY", settings.keys.identity.get_secret_value())
    monkeypatch.setenv("LASELI_KEYS__INDEX", settings.keys.index.get_secret_value())

    def run(*words: object, answer: str = "") -> Result:
        return CliRunner().invoke(main, ["flow", *map(str, words)], input=answer)

    return run


def test_from_the_cell_to_the_screen(
    laseli: object, handset: Handset, runtime: Runtime, product: str, tmp_path: Path
) -> None:
    assert callable(laseli)
    work, sheet = tmp_path / "work", tmp_path / "amv.xlsx"
    assert laseli("export", work).exit_code == 0
    assert "already holds" in laseli("export", work).output
    assert laseli("sheet", "out", "adhesion_amv", "--folder", work, "--out", sheet).exit_code == 0

    handset.dial()
    handset.choose("Français")
    handset.choose("Mutuelle et RAMED")
    handset.choose("Prix et adhésion")
    assert handset.choose("Oui").startswith("Nom et prénom du chef de famille ?")

    change_a_cell(sheet, "Nom et prénom du chef de famille ?", "Prénom et nom du chef de famille ?")
    said = laseli("sheet", "in", sheet, "--folder", work)
    assert said.exit_code == 0, said.output
    assert "version: 2" in (work / "adhesion_amv.yaml").read_text("utf-8")
    assert laseli("check", work).exit_code == 0
    said = laseli("publish", work, "--by", "Awa", answer="y\n")
    assert "is heard from now on" in said.output
    assert "[-Nom-] et [-prénom-] du chef de famille" in said.output

    assert handset.press("0").startswith("La mutuelle garde"), "the older call goes on on its own version"
    assert handset.choose("Oui").startswith("Nom et prénom du chef de famille ?")
    handset.dial()
    handset.choose("Recommencer")
    handset.choose("Mutuelle et RAMED")
    handset.choose("Prix et adhésion")
    assert handset.choose("Oui").startswith("Prénom et nom du chef de famille ?")


def change_a_cell(file: Path, before: str, after: str) -> None:
    book = openpyxl.load_workbook(file)
    cells = [cell for page in book for row in page.iter_rows() for cell in row if cell.value == before]
    assert len(cells) == 1
    cells[0].value = after
    book.save(file)
