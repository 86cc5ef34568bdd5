"""A conversation goes out as a sheet and comes back as it was."""

import csv
import io
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook

from flows.fmt import format_source
from flows.interchange.flow_writing import draft_of, yaml_of
from flows.interchange.sheet_files import csv_of, xlsx_of
from flows.interchange.sheet_merge import bring_in
from flows.interchange.sheet_out import table_of, tree_of
from flows.loader import load_library, read_flow
from flows.model import Flow
from tests.flows.callers import a_flow, amv
from tests.interchange.sheet_people import Paper, draft, everything, read, refused, run, small

EVERY = [*load_library().flows.values(), amv(), everything(), small()]
FORMS = {"flow.xlsx": xlsx_of, "flow.csv": csv_of, "tab.csv": lambda table: csv_of(table, "\t")}


@pytest.mark.parametrize("flow", EVERY, ids=lambda flow: flow.id)
@pytest.mark.parametrize("form", FORMS)
def test_every_flow_comes_back_the_same(flow: Flow, form: str) -> None:
    sheet = read(FORMS[form](table_of(flow)), form)
    assert draft_of(sheet.tree) == draft(flow)
    assert read_flow(yaml_of(sheet.tree), flow.file) == draft(flow)
    assert sheet.notes == []
    # Not only what the loader sees: lists keep their names, and one that nobody uses is still there.
    assert sheet.tree.get("lists") == tree_of(flow.source, flow.file).get("lists")
    arrival = bring_in(sheet, flow.source)
    assert not arrival.changed
    assert arrival.yaml == flow.source


@pytest.mark.parametrize("flow", EVERY, ids=lambda flow: flow.id)
def test_the_sheet_alone_is_enough_to_write_the_file(flow: Flow) -> None:
    """Without the old file only its comments are missing."""
    lines = format_source(flow.source, flow.file).split("\n")
    bare = "\n".join(line for line in lines if not line.lstrip().startswith("#"))
    assert format_source(yaml_of(read(xlsx_of(table_of(flow))).tree), flow.file) == format_source(bare, flow.file)


def test_a_workbook_has_no_formula_and_every_cell_is_text() -> None:
    book = load_workbook(io.BytesIO(xlsx_of(table_of(everything()))))
    cells = [cell for page in book for row in page.iter_rows() for cell in row if cell.value is not None]
    assert {cell.data_type for cell in cells} == {"s"}
    assert all(cell.number_format == "@" for cell in cells)
    like_formulas = [cell for cell in cells if cell.value[0] in "=+-@"]
    assert like_formulas
    assert all(cell.quotePrefix for cell in like_formulas)


def test_no_cell_of_a_csv_begins_like_a_formula() -> None:
    data = csv_of(table_of(everything()))
    assert data.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), delimiter=";"))
    begun = {cell[0] for row in rows for cell in row if cell}
    assert not begun & set("=+-@\t\r\n\0＝＋－＠")


def test_the_page_is_made_for_people() -> None:
    page = load_workbook(io.BytesIO(xlsx_of(table_of(amv())))).worksheets[0]
    assert page.freeze_panes == "D2"
    titles = [cell.value for cell in page[1]]
    assert titles[:11] == [
        "étape", "sorte", "nom", "toutes", "fr", "bm", "en", "septets (pour information)", "aller à", "si", "valeur",
    ]  # fmt: skip
    row = next(row for row in page.iter_rows() if (row[0].value, row[1].value) == ("confirme", "menu"))
    assert row[4].alignment.wrap_text
    assert row[4].fill.fill_type is None
    assert row[1].fill.fgColor.rgb == "00F2F2F2"
    assert row[7].value == "fr 113, bm 107, en 104 (sur 160)"


def test_nobody_reads_the_septets() -> None:
    paper = Paper(small())
    paper.write("accord", "menu", "septets (pour information)", "n'importe quoi")
    assert not bring_in(read(paper.xlsx()), small().source).changed


def test_a_sheet_may_have_fewer_columns_more_notes_and_english_titles() -> None:
    paper = Paper(small()).without_column("septets (pour information)")
    paper.cells[0][paper.column("étape")] = "Step"
    paper.cells[0][paper.column("sorte")] = " KIND "
    paper.cells[0][paper.column("aller à")] = "Aller\u00a0À"
    for row, note in zip(paper.cells, ["remarques", *["vu par Awa"] * 3, *[""] * 20], strict=False):
        row.append(note)
    # Somebody put a title above, and left lines empty.
    paper.cells.insert(0, ["Conversation de Kayes"])
    paper.cells[4:4] = [[], [""], ["  "]]
    assert not bring_in(read(paper.xlsx()), small().source).changed
    assert not bring_in(read(paper.csv(), "a.csv"), small().source).changed


def a_text(words: str, other: str = "x") -> Flow:
    escaped = "".join(f"\\U{ord(sign):08x}" for sign in words)
    steps = f'  - id: fin\n    end: {{fr: "{escaped}", bm: "{other}"}}'
    return a_flow(steps, languages="[fr, bm]", reviewed="{bm: false}")


# Any text without control characters, braces left out: they would be names.
ANY = st.text(st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="{}"), max_size=60)
ODD = st.sampled_from(
    ['""', '"', '"a"', " a ", "\u00a0", "=1", "'x", "_x0041_", "[a]", "a\nb", "\ufeff", "“x”", "1.0", "vrai", "@", ";"]
)


@settings(max_examples=40, deadline=None)
@given(ANY | ODD)
def test_any_text_survives(words: str) -> None:
    flow = a_text(words)
    table = table_of(flow)
    for data in (xlsx_of(table), csv_of(table)):
        tree = read(data).tree
        assert tree["steps"][0]["end"] == {"fr": words, "bm": "x"}
        assert draft_of(tree) == draft(flow)


def test_control_characters_survive_too() -> None:
    words = "a\tb\rc\u0007d\ufffe\n"
    for data in (xlsx_of(table_of(a_text(words))), csv_of(table_of(a_text(words)))):
        assert read(data).tree["steps"][0]["end"]["fr"] == words


def test_a_key_that_came_to_the_format_later_has_its_place() -> None:
    """The sheet is made from the file, not from the keys we knew of."""
    flow = small()
    source = flow.source.replace("steps:", "later: {to: mediator, keep: [a, b], ask: {fr: 'Quoi ?'}}\nsteps:")
    source = source.replace("    max: 24", "    max: 24\n    newer: [ancien, vieux]")
    table = table_of(replace(flow, source=source))
    named = {row.get("name"): row for row in table.rows}
    assert named["later.to"]["value"] == "mediator"
    assert named["later.keep"]["value"] == '["a", "b"]'
    assert named["later.ask"]["fr"] == "Quoi ?"
    assert next(row for row in table.rows if row.get("step") == "nom")["newer"] == '["ancien", "vieux"]'
    assert table.header()[-1] == "newer"
    # This program does not know them: it says so with their cells, and no other.
    said = refused(xlsx_of(table))
    assert "L1 : on ne connaît pas de colonne « newer »" in said


def test_out_and_in_by_command(tmp_path: Path) -> None:
    (tmp_path / "essai.yaml").write_text(small().source, "utf-8")
    for name in ("a.xlsx", "a.csv"):
        done = run("out", "essai", "--folder", tmp_path, "--out", tmp_path / name)
        assert done.exit_code == 0, done.output
        assert "fr, bm" in done.output
        done = run("in", tmp_path / name, "--folder", tmp_path)
        assert done.exit_code == 0, done.output
        assert "rien n'a changé, version 1" in done.output
    assert (tmp_path / "essai.yaml").read_text("utf-8") == small().source
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.csv", "a.xlsx", "essai.yaml"]


def test_out_says_what_it_cannot_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = run("out", "acueil")
    assert done.exit_code == 1
    assert "vouliez-vous dire « accueil »" in done.output
    assert "finit par .xlsx ou .csv" in run("out", "accueil", "--out", "a.ods").output
    assert run("out", "accueil").exit_code == 0
    assert (tmp_path / "accueil.xlsx").exists()
    assert "existe déjà" in run("out", "accueil").output
    assert run("out", "accueil", "--out", "accueil.xlsx").exit_code == 0
    assert "ne s'écrit pas" in run("out", "accueil", "--out", "nulle_part/a.csv").output
