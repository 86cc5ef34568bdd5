"""`laseli flow xlsform-in` and `rapidpro-in` as somebody types them."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from flows.loader import load_library
from service.cli import main
from tests.interchange.form_samples import household_visit, workbook
from tests.interchange.rapidpro_samples import registration


def laseli(*words: str) -> Result:
    return CliRunner().invoke(main, ["flow", *words])


@pytest.fixture
def form(tmp_path: Path) -> Path:
    path = tmp_path / "visite.xlsx"
    path.write_bytes(workbook(household_visit()))
    return path


@pytest.fixture
def flows(tmp_path: Path) -> Path:
    path = tmp_path / "flux.json"
    path.write_bytes(registration())
    return path


def test_a_form_is_printed_and_its_report_goes_beside(form: Path) -> None:
    result = laseli("xlsform-in", str(form))
    assert result.exit_code == 0
    assert "# --- visite_2.yaml\n" in result.stdout
    assert "flow: visite_2" in result.stdout
    assert "row 19 'photo'" in result.stderr
    assert "row 19" not in result.stdout


def test_flows_are_written_into_a_folder_that_loads(flows: Path, tmp_path: Path) -> None:
    folder = tmp_path / "neufs"
    result = laseli("rapidpro-in", str(flows), "--folder", str(folder))
    assert result.exit_code == 0
    assert result.stdout.split() == [str(folder / "inscription_meres.yaml"), str(folder / "lieu.yaml")]
    assert set(load_library(folder).flows) == {"inscription_meres", "lieu"}


def test_nothing_is_written_over_without_being_told_to(flows: Path, tmp_path: Path) -> None:
    folder = tmp_path / "neufs"
    folder.mkdir()
    (folder / "lieu.yaml").write_text("le mien")
    result = laseli("rapidpro-in", str(flows), "--folder", str(folder))
    assert result.exit_code == 1
    assert "lieu.yaml is in" in result.stderr
    assert [path.name for path in folder.iterdir()] == ["lieu.yaml"]
    assert (folder / "lieu.yaml").read_text() == "le mien"
    assert laseli("rapidpro-in", str(flows), "--folder", str(folder), "--force").exit_code == 0
    assert (folder / "lieu.yaml").read_text() != "le mien"


def test_a_mistake_is_one_line_and_writes_nothing(flows: Path, form: Path, tmp_path: Path) -> None:
    folder = tmp_path / "neufs"
    for words in (("xlsform-in", str(flows)), ("rapidpro-in", str(form))):
        result = laseli(*words, "--folder", str(folder))
        assert result.exit_code == 1
        assert result.stdout == ""
        assert len(result.stderr.strip().splitlines()) == 1
    assert not folder.exists()


def test_a_folder_that_is_a_file_is_told(flows: Path, form: Path) -> None:
    result = laseli("rapidpro-in", str(flows), "--folder", str(form))
    assert result.exit_code != 0
    assert "Traceback" not in result.output
