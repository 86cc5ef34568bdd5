"""A nurse changes a word in a cell, saves, and brings the sheet back: only that word changes in the file."""

from pathlib import Path

import pytest

from flows.fmt import format_source
from flows.interchange.sheet_files import csv_of, xlsx_of
from flows.interchange.sheet_merge import Arrival, bring_in, with_comments
from flows.interchange.sheet_out import table_of
from flows.loader import load_library, read_flow
from flows.model import Flow
from tests.flows.callers import DATA, amv
from tests.interchange.sheet_people import Paper, edited, everything, read, run, small


def brought(paper: Paper) -> Arrival:
    return bring_in(read(paper.xlsx()), paper.flow.source)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of conversations with the AMV form in it."""
    folder = tmp_path / "flows"
    folder.mkdir()
    (folder / "adhesion_amv.yaml").write_text((DATA / "adhesion_amv.yaml").read_text("utf-8"), "utf-8")
    return folder


def difference(before: str, after: str) -> list[str]:
    """The lines that are in one only."""
    one, other = before.splitlines(), after.splitlines()
    return [f"-{line}" for line in one if line not in other] + [f"+{line}" for line in other if line not in one]


@pytest.mark.parametrize("name", ["amv.xlsx", "amv.csv"])
def test_a_nurse_changes_a_word_in_bambara(folder: Path, tmp_path: Path, name: str) -> None:
    sheet, file = tmp_path / name, folder / "adhesion_amv.yaml"
    assert run("out", "adhesion_amv", "--folder", folder, "--out", sheet).exit_code == 0
    if name.endswith("xlsx"):

        def change(page: object) -> None:
            cell = next(cell for row in page.iter_rows() for cell in row if cell.value == "Dutigi tɔgɔ ni jamu?")  # type: ignore[attr-defined]
            cell.value = "Dutigi tɔgɔ?"

        sheet.write_bytes(edited(sheet.read_bytes(), change))
    else:
        sheet.write_text(sheet.read_text("utf-8").replace("Dutigi tɔgɔ ni jamu?", "Dutigi tɔgɔ?"), "utf-8")
    before = file.read_text("utf-8")
    dry = run("in", sheet, "--folder", folder, "--dry-run")
    assert dry.exit_code == 0
    assert "version 4 → 5" in dry.output
    assert "rien n'est écrit" in dry.output
    assert file.read_text("utf-8") == before
    done = run("in", sheet, "--folder", folder)
    assert done.exit_code == 0, done.output
    assert "adhesion_amv : version 4 → 5" in done.output
    assert "étape chef text bm (F22) : « Dutigi tɔgɔ ni jamu? » → « Dutigi tɔgɔ? »" in done.output
    assert difference(before, file.read_text("utf-8")) == [
        "-version: 4", '-      bm: "Dutigi tɔgɔ ni jamu?"', "+version: 5", '+      bm: "Dutigi tɔgɔ?"',
    ]  # fmt: skip
    again = run("in", sheet, "--folder", folder)
    assert "rien n'a changé, version 5" in again.output
    assert sorted(path.name for path in folder.iterdir()) == ["adhesion_amv.yaml"]


def test_without_a_folder_the_changes_and_the_file_are_shown(tmp_path: Path) -> None:
    flow = load_library().get("accueil")
    sheet = tmp_path / "accueil.csv"
    sheet.write_bytes(csv_of(table_of(flow)).replace(b"Inscrire un enfant", b"Inscrire mon enfant"))
    done = run("in", sheet)
    assert done.exit_code == 0, done.output
    assert "étape mon_enfant options inscrire fr" in done.output
    assert f"version {flow.version} → {flow.version + 1}" in done.output
    shown = done.output[done.output.index("# What a caller meets first") :]
    assert read_flow(shown, "accueil.yaml").steps["mon_enfant"].options[0].label.written["fr"] == "Inscrire mon enfant"  # type: ignore[attr-defined]
    assert load_library().get("accueil") == flow


@pytest.mark.parametrize("flow", load_library().flows.values(), ids=lambda flow: flow.id)
def test_comments_stay_with_what_they_are_about(flow: Flow) -> None:
    paper = Paper(flow)
    row = next(row for row in paper.cells if row[1] == "conversation")
    # A title that is the same in every language stands in a column of its own.
    row[paper.column("fr" if row[paper.column("fr")] else "toutes")] += " bis"
    arrival = brought(paper)
    source = format_source(flow.source, flow.file)
    changed = [line for line in difference(source, arrival.yaml) if line not in ("-", "+")]
    assert [line[:8] for line in changed] == ["-version", "-title: ", "+version", "+title: "]
    assert all("relu par un locuteur" in note for note in arrival.notes)


def test_comments_of_steps_that_went_away_are_told() -> None:
    old = small().source.replace(
        "  - id: nom\n", "  # Le nom de la mère.\n  - id: nom\n    # Assez pour deux prénoms.\n"
    )
    old += "# La fin.\n"
    new = old.replace("  - id: nom\n", "  - id: prenom\n").replace("{nom}", "{prenom}")
    bare = "\n".join(line for line in new.splitlines() if "#" not in line)
    written, lost = with_comments(format_source(bare, "essai.yaml"), old, "essai.yaml")
    assert lost == ["# Le nom de la mère.", "# Assez pour deux prénoms."]
    assert written.endswith("# La fin.\n")
    written, lost = with_comments(format_source(bare.replace("prenom", "nom"), "essai.yaml"), old, "essai.yaml")
    assert lost == []
    assert written == format_source(old, "essai.yaml")


def test_a_text_a_speaker_has_read_is_to_be_confirmed() -> None:
    paper = Paper(small())
    paper.write("nom", "saisie", "bm", "I tɔgɔ ye di?")
    paper.write("nom", "saisie", "fr", "Ton nom ?")
    arrival = brought(paper)
    assert arrival.notes == ("bm : relu par un locuteur : à confirmer (un texte changé)",)
    assert read_flow(arrival.yaml, "essai.yaml").reviewed["bm"] is True


def test_a_new_step_a_new_choice_and_an_order() -> None:
    paper = Paper(small())
    row, _ = paper.at("fin", "fin", "", "fr")
    paper.insert(row, etape="age", sorte="nombre", fr="Votre âge ?", bm="I si?")
    for title, value in (("de", 1), ("jusqu'à", 99.0)):
        for number, cells in enumerate(paper.cells):
            cells.append(title if number == 0 else "")
        paper.cells[row][-1] = value
    row, _ = paper.at("accord", "choix", "non", "fr")
    paper.insert(row, etape="", sorte="choix", nom="plus_tard", fr="Plus tard", bm="Kɔfɛ", aller="fin")
    arrival = brought(paper)
    flow = read_flow(arrival.yaml, "essai.yaml")
    assert list(flow.steps) == ["accord", "nom", "age", "fin"]
    assert (flow.steps["age"].low, flow.steps["age"].high) == (1, 99)  # type: ignore[attr-defined]
    assert [option.key for option in flow.steps["accord"].options] == ["oui", "plus_tard", "non"]  # type: ignore[attr-defined]
    told = [str(change) for change in arrival.changes]
    assert any(line.startswith("étape age") for line in told)
    assert any(line.startswith("étape accord go plus_tard") for line in told)


def test_what_is_moved_or_taken_away_is_told() -> None:
    paper = Paper(everything())
    first, _ = paper.at("maux", "choix", "fievre", "fr")
    paper.cells[first], paper.cells[first + 1] = paper.cells[first + 1], paper.cells[first]
    row, _ = paper.at("recu", "dire", "", "fr")
    del paper.cells[row]
    told = [str(change) for change in brought(paper).changes]
    assert "étape recu : « recu » → rien" in told
    assert any("étape maux options ordre" in line and "« fievre, TOUX » → « TOUX, fievre »" in line for line in told)
    assert len(told) == 2


def test_an_old_sheet_is_told() -> None:
    old = Paper(small())
    newer = small().source.replace("version: 1", "version: 7")
    old.write("nom", "saisie", "fr", "Ton nom ?")
    arrival = bring_in(read(old.xlsx()), newer)
    assert (arrival.before, arrival.after) == (7, 8)
    assert "vient de la version 1, la conversation en est à 7" in arrival.notes[0]
    old.write("", "réglage", "valeur", 12, "version")
    assert bring_in(read(old.xlsx()), newer).after == 12


def test_a_new_conversation_is_written(tmp_path: Path) -> None:
    sheet = tmp_path / "s.xlsx"
    sheet.write_bytes(xlsx_of(table_of(amv())))
    folder = tmp_path / "vide"
    folder.mkdir()
    done = run("in", sheet, "--folder", folder)
    assert done.exit_code == 0, done.output
    assert "une conversation nouvelle, version 4" in done.output
    assert read_flow((folder / "adhesion_amv.yaml").read_text("utf-8"), "adhesion_amv.yaml").version == 4


def test_a_text_that_no_longer_fits_is_told(folder: Path, tmp_path: Path) -> None:
    paper = Paper(amv())
    long = paper.write("fin", "fin", "bm", "I ni ce. " * 20)
    menu = paper.write("accord", "menu", "fr", "D'accord pour tout cela ? " * 6)
    sms = paper.write("recu", "dire", "en", "Request {numero}. " * 12)
    sheet = tmp_path / "amv.xlsx"
    sheet.write_bytes(paper.xlsx())
    done = run("in", sheet, "--folder", folder, "--dry-run")
    assert f"{long} : étape fin, bm : 179 septets, l'écran en a 160 : ôtez 19 lettres" in done.output
    assert f"{menu} : étape accord, fr : l'écran se coupe en" in done.output
    assert f"{sms} : étape recu, en : 239 septets, le SMS en a 160 : ôtez 79 lettres" in done.output


def test_a_bad_sheet_leaves_the_old_file(folder: Path, tmp_path: Path) -> None:
    paper = Paper(amv())
    paper.write("chef", "saisie", "fr", "Le nom de {chef ?")
    sheet, file = tmp_path / "amv.xlsx", folder / "adhesion_amv.yaml"
    sheet.write_bytes(paper.xlsx())
    before = file.read_bytes()
    done = run("in", sheet, "--folder", folder)
    assert done.exit_code == 1
    assert "amv.xlsx: E22 : " in done.output
    assert file.read_bytes() == before
    # A file that is broken is no ground to build on either.
    file.write_text("flow: [", "utf-8")
    sheet.write_bytes(Paper(amv()).xlsx())
    done = run("in", sheet, "--folder", folder)
    assert done.exit_code == 1
    assert "adhesion_amv.yaml" in done.output
    assert file.read_text("utf-8") == "flow: ["
    for broken in (b"a: 1", "# é".encode("cp1252")):
        file.write_bytes(broken)
        done = run("in", sheet, "--folder", folder)
        assert done.exit_code == 1
        assert "adhesion_amv.yaml" in done.output
