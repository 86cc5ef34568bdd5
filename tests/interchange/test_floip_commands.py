"""`laseli flow floip-out` and `floip-in`, as somebody types them."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from flows.loader import load_library
from service.cli import main


def laseli(*words: str | Path) -> Result:
    return CliRunner().invoke(main, ["flow", *map(str, words)])


def test_a_flow_goes_out_to_a_file_and_comes_in_to_another_folder(tmp_path: Path) -> None:
    file, folder = tmp_path / "accueil.json", tmp_path / "flows"
    folder.mkdir()
    out = laseli("floip-out", "accueil", "--out", file)
    assert out.exit_code == 0
    assert "only we act on it" in out.stderr
    assert json.loads(file.read_text())["specification_version"] == "1.0.0-rc4"
    into = laseli("floip-in", file, "--folder", folder)
    assert into.exit_code == 0
    assert into.stderr == ""
    library, again = load_library(), load_library(folder)
    assert "messages" in again.flows
    assert all(flow == library.get(flow.id) for flow in again.flows.values())
    (folder / "messages.yaml").unlink()
    refused = laseli("floip-in", file, "--folder", folder)
    assert refused.exit_code == 1
    assert "would be overwritten" in refused.stderr
    assert not (folder / "messages.yaml").exists()
    assert laseli("floip-in", file, "--folder", folder, "--force").exit_code == 0


def test_without_a_folder_nothing_is_written_but_on_the_screen(tmp_path: Path) -> None:
    file = tmp_path / "messages.json"
    file.write_text(laseli("floip-out", "messages").stdout)
    shown = laseli("floip-in", file)
    assert shown.stdout.startswith("# messages.yaml\nflow: messages\n")
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("held", ["", "{", "[1, 2]", "[" * 5000, '{"flows": [{"uuid": "f", "blocks": []}]}'])
def test_a_file_that_is_no_container_is_refused_in_a_line(tmp_path: Path, held: str) -> None:
    file = tmp_path / "x.json"
    file.write_text(held)
    result = laseli("floip-in", file)
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: ")
    assert len(result.stderr.splitlines()) == 1


def test_a_flow_that_does_not_exist_is_refused_with_those_that_do() -> None:
    result = laseli("floip-out", "acceuil")
    assert result.exit_code == 1
    assert "there is no flow 'acceuil'; there are accord_donne, accueil" in result.stderr


def test_what_cannot_be_written_is_told_in_a_line(tmp_path: Path) -> None:
    out = laseli("floip-out", "messages", "--out", tmp_path / "none" / "x.json")
    assert out.exit_code == 1
    assert "cannot be written: No such file" in out.stderr
    file = tmp_path / "messages.json"
    assert laseli("floip-out", "messages", "--out", file).exit_code == 0
    (tmp_path / "messages.yaml").mkdir()
    into = laseli("floip-in", file, "--folder", tmp_path, "--force")
    assert into.exit_code == 1
    assert "cannot be written: Is a directory" in into.stderr
