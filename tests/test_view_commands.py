"""`laseli flow show | draw | fmt | diff`, and `check --against`, as typed at a terminal."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result

from flows.loader import DEFINITIONS, load_library
from flows.model import Flow, Menu
from flows.phrases import FOLDER
from scheduler.__main__ import main

AMV = Path(__file__).parent / "flows" / "data" / "adhesion_amv.yaml"


def laseli(*words: object) -> Result:
    result = CliRunner().invoke(main, ["flow", *map(str, words)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def refused(*words: object) -> str:
    """What is said when it cannot be done: readable lines, never a trace."""
    result = laseli(*words)
    assert result.exit_code in (1, 2)
    assert "Traceback" not in result.output
    return result.output


@pytest.fixture
def ours(tmp_path: Path) -> Path:
    """A copy of our conversations, to be changed."""
    return Path(shutil.copytree(DEFINITIONS, tmp_path / "definitions", ignore=shutil.ignore_patterns("*.py", "__*")))


def change(file: Path, old: str, new: str) -> Path:
    source = file.read_text("utf-8")
    assert old in source
    file.write_text(source.replace(old, new), "utf-8")
    return file


class TestShow:
    def test_a_flow_and_its_sub_flows(self) -> None:
        shown = laseli("show", "accueil").output
        assert shown.startswith("accueil, version ")
        for child in load_library().get("accueil").children.values():
            assert shown.count(f"\n{child.id}, version {child.version}: ") == 1
        assert max(map(len, shown.splitlines())) <= 80

    def test_the_true_spelling_stands_beside_what_the_handset_gets(self) -> None:
        shown = laseli("show", AMV, "--language", "bm").output
        assert "  | Dutigi tògò ni jamu?               |  Dutigi tɔgɔ ni jamu?\n" in shown

    def test_one_step_in_one_language_on_a_narrow_screen(self) -> None:
        shown = laseli("show", AMV, "--language", "en", "--step", "confirme", "--limit", "80").output
        assert "page 1 of " in shown
        assert "of 80 septets" in shown
        assert "chef (text)" not in shown

    def test_as_data(self) -> None:
        data = json.loads(laseli("show", AMV, "--json", "--language", "bm").output)
        assert [each["flow"] for each in data] == ["adhesion_amv"]
        assert {each["language"] for each in data[0]["pictures"]} == {"bm"}

    def test_what_is_not_there(self) -> None:
        assert "Error: there is no flow 'acueil'; did you mean 'accueil'?" in refused("show", "acueil")
        assert "there is no step 'chefe'; did you mean 'chef'?" in refused("show", AMV, "--step", "chefe")
        assert "is not in the range" in refused("show", "accueil", "--limit", "10")
        assert "nothing.yaml cannot be read" in refused("show", "nothing.yaml")


class TestDraw:
    def test_to_the_terminal_or_into_a_file(self, tmp_path: Path) -> None:
        drawn = laseli("draw", "accueil").output
        ElementTree.fromstring(drawn)
        result = laseli("draw", "accueil", "--out", tmp_path / "accueil.svg")
        assert result.output == f"accueil is drawn in {tmp_path / 'accueil.svg'}\n"
        assert (tmp_path / "accueil.svg").read_text("utf-8") == drawn
        assert list(tmp_path.iterdir()) == [tmp_path / "accueil.svg"]

    def test_in_another_language_from_a_file(self) -> None:
        assert "How many people" in laseli("draw", AMV, "--language", "en").output

    def test_a_place_that_cannot_be_written(self, tmp_path: Path) -> None:
        message = refused("draw", "accueil", "--out", tmp_path / "nowhere" / "a.svg")
        assert "cannot be written: No such file or directory" in message


class TestFmt:
    def test_ours_are_in_their_one_form(self) -> None:
        result = laseli("fmt", "--check")
        assert (result.exit_code, result.output) == (0, "")

    def test_an_untidy_file_is_told_and_then_written(self, ours: Path) -> None:
        neat = (ours / "messages.yaml").read_text("utf-8")
        change(ours / "messages.yaml", "version: ", "\r\n\r\nversion:    ")
        untidy = (ours / "messages.yaml").read_bytes()
        files = sorted(ours.glob("*.yaml"))

        told = laseli("fmt", "--check", *files)
        assert (told.exit_code, told.output) == (1, f"{ours / 'messages.yaml'} is not in its one form\n")
        assert (ours / "messages.yaml").read_bytes() == untidy

        written = laseli("fmt", *files)
        assert (written.exit_code, written.output) == (0, f"{ours / 'messages.yaml'} is now in its one form\n")
        assert (ours / "messages.yaml").read_text("utf-8") == neat
        assert laseli("fmt", *files).output == ""
        assert sorted(ours.iterdir()) == files

    def test_phrases_too(self, tmp_path: Path) -> None:
        file = tmp_path / "engine.yaml"
        file.write_bytes((FOLDER / "engine.yaml").read_bytes().replace(b"languages: [fr,", b"languages: [ fr,"))
        assert laseli("fmt", file).output == f"{file} is now in its one form\n"
        assert file.read_bytes() == (FOLDER / "engine.yaml").read_bytes()

    def test_a_broken_file_changes_none(self, ours: Path) -> None:
        change(ours / "messages.yaml", "version: ", "version:    ")
        change(ours / "accueil.yaml", "version: ", "version: un")
        change(ours / "ne_plus_suivre.yaml", "languages:", "langages:")
        before = {file: file.read_bytes() for file in ours.iterdir()}
        message = refused("fmt", *sorted(ours.glob("*.yaml")))
        assert "accueil.yaml:" in message
        assert "ne_plus_suivre.yaml:" in message
        assert {file: file.read_bytes() for file in ours.iterdir()} == before

    def test_a_file_that_is_no_utf_8_says_where(self, ours: Path) -> None:
        file = ours / "accueil.yaml"
        file.write_bytes(file.read_text("utf-8").replace("ɛ", "e").replace("ɔ", "o").encode("cp1252", "replace"))
        assert "accueil.yaml:" in refused("fmt", file)
        assert "are not UTF-8: save the file as UTF-8" in refused("diff", ours)

    def test_a_file_that_is_not_there(self) -> None:
        assert "does not exist" in refused("fmt", "nothing.yaml")


class TestDiff:
    def test_nothing_differs_from_our_own(self, ours: Path) -> None:
        result = laseli("diff", ours)
        assert (result.exit_code, result.output) == (0, "Nothing differs.\n")

    def test_a_word_changed_in_bambara(self, tmp_path: Path) -> None:
        old = Path(shutil.copy(AMV, tmp_path))
        change(old, "Dutigi tɔgɔ", "Cɛ tɔgɔ")
        result = laseli("diff", old, AMV)
        assert result.exit_code == 0
        assert result.output == (
            "adhesion_amv\n  step chef\n    text [bm]\n      - [-Cɛ-] tɔgɔ ni jamu?\n      + [+Dutigi+] tɔgɔ ni jamu?\n"
        )

    def test_two_folders_and_a_flow_that_came(self, ours: Path, tmp_path: Path) -> None:
        shutil.copy(AMV, ours)
        assert (
            "adhesion_amv\n  + flow: version 4, " in laseli("diff", DEFINITIONS, ours).output
            or (DEFINITIONS / AMV.name).exists()
        )

    def test_a_single_file_is_compared_with_its_own_flow_only(self, ours: Path) -> None:
        file = change(ours / "accueil.yaml", "version: ", "version: 9")
        told = laseli("diff", file).output
        assert told.splitlines()[0] == "accueil"
        assert len(told.splitlines()) == 2
        assert laseli("diff", file, ours).output == "Nothing differs.\n"

    def test_what_cannot_be_compared(self, tmp_path: Path) -> None:
        assert "there is no .yaml file in" in refused("diff", tmp_path)
        assert "does not exist" in refused("diff", tmp_path / "nothing")
        (tmp_path / "a.yaml").write_text("flow: [")
        assert "a.yaml:1: this is not YAML" in refused("diff", tmp_path)
        (tmp_path / "a.yaml").write_bytes(b"#" * 5_000_001)
        assert "is too long for a conversation" in refused("diff", tmp_path)


class TestCheckAgainst:
    def test_the_same_needs_no_word(self, ours: Path) -> None:
        result = laseli("check", "--against", ours)
        assert result.exit_code == 0
        assert "changed steps say what they replace" not in result.output

    def test_a_step_that_meant_something_else_is_an_error(self, ours: Path) -> None:
        flow, step, key = a_choice()
        lines = (ours / flow.file).read_text("utf-8").split("\n")
        at = next(at for at in range(step.line, len(lines)) if lines[at].strip().startswith(f"{key}: "))
        lines[at] = lines[at].replace(f"{key}: ", f"autre_{key}: ", 1)
        (ours / flow.file).write_text("\n".join(lines), "utf-8")
        result = laseli("check", "--against", ours)
        assert result.exit_code == 1
        first = result.output.splitlines()[0]
        assert first.startswith(
            f"{flow.file}:{step.line}: step '{step.id}' error (changed steps say what they replace): "
        )
        assert f"choice 'autre_{key}' is gone and choice '{key}' is new" in first
        assert first.endswith(f"write `replaces: {flow.version}` under `id: {step.id}`")

    def test_a_changed_word_raises_the_version(self, ours: Path) -> None:
        file = ours / "accueil.yaml"
        file.write_text(re.sub(r'(title:\s*(\{\s*)?fr: ")', r"\1Vieil ", file.read_text("utf-8"), count=1), "utf-8")
        result = laseli("check", "--against", ours)
        assert result.exit_code == 0
        version = load_library().get("accueil").version
        assert f"it differs from the published version {version}: raise version to {version + 1}" in result.output


def a_choice() -> tuple[Flow, Menu, str]:
    """A choice of ours whose key stands in the lines of its own step."""
    for flow in load_library().flows.values():
        lines = flow.source.split("\n")
        for step in flow.steps.values():
            if type(step) is Menu and step.options and not step.sets_language:
                options = next((at for at in range(step.line, len(lines)) if lines[at].strip() == "options:"), None)
                key = step.options[0].key
                if options is not None and lines[options + 1].strip().startswith(f"{key}: "):
                    return flow, step, key
    raise AssertionError("no menu of ours writes its own choices")
