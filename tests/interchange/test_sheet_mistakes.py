"""Whatever is wrong in a sheet is told with its cell and with what to write there, all of it together."""

from datetime import datetime, time
from pathlib import Path
from typing import Any

import pytest

from flows.interchange.sheet_merge import bring_in
from flows.mistakes import FlowMistake
from tests.flows.callers import amv
from tests.interchange.sheet_people import Paper, everything, read, refused, run, small


def lines_of(told: str) -> list[str]:
    return [line.removeprefix("essai.xlsx: ") for line in told.splitlines()]


def test_a_missing_column_says_where_to_write_its_title() -> None:
    assert refused(Paper(small()).without_column("sorte").xlsx()).startswith(
        "essai.xlsx: K1 : il manque la colonne « sorte » : écrivez « sorte » dans cette cellule"
    )
    for title in ("étape", "nom", "aller à", "si", "valeur"):
        told = refused(Paper(small()).without_column(title).xlsx())
        assert f"K1 : il manque la colonne « {title} »" in told
    both = refused(Paper(small()).without_column("étape").without_column("nom").xlsx())
    assert "J1 : il manque la colonne « étape »" in both
    assert "K1 : il manque la colonne « nom »" in both


def test_a_column_that_was_there_is_missed() -> None:
    told = refused(Paper(small()).without_column("bm").xlsx())
    assert "la langue « bm » n'a pas de colonne" in told
    told = refused(Paper(everything()).without_column("personnel").xlsx())
    assert "la colonne « personnel » n'est plus dans la feuille" in told
    # Its cell is the list of columns that went out.
    assert lines_of(told)[0].startswith("J11 : ")


def test_a_sheet_of_something_else() -> None:
    paper = Paper(small())
    paper.cells = [["Nom", "Téléphone"], ["Awa", 76000001]]
    assert "A1 : il manque la ligne des titres : écrivez sur la ligne 1" in refused(paper.xlsx())
    paper.cells = [[""]]
    assert "A1 : il manque la ligne des titres" in refused(paper.xlsx())
    paper.cells = Paper(small()).cells[:1]
    assert "A2 : il n'y a aucune ligne sous les titres" in refused(paper.xlsx())


# What is written where, and what is said: {} is the address of the cell.
PLANTED: list[tuple[tuple[str, str, str, Any, str], str]] = [
    (("accord", "menu", "sorte", "mennu", ""), "{} : on ne connaît pas la sorte « mennu » ; vouliez-vous dire « menu"),
    (("accord", "menu", "sorte", "", ""), "{} : la cellule « sorte » est vide : écrivez la sorte de la ligne"),
    (("accord", "menu", "fr", "", ""), "{} : il manque le texte : écrivez-le, en fr au moins"),
    (("accord", "choix", "fr", " \u00a0 ", "oui"), "{} : il manque le texte"),
    (("accord", "choix", "nom", "", "oui"), "{} : la cellule « nom » est vide : écrivez le nom du choix"),
    (("accord", "choix", "nom", "non", "oui"), "C9 : le choix « non » est déjà dans l'étape « accord »"),
    (("accord", "choix", "étape", "nom", "oui"), "{} : l'étape « nom » n'est pas plus haut dans la feuille"),
    (("accord", "choix", "aller à", "fim", "non"), "{} : l'étape « fim » n'existe pas ; vouliez-vous dire « fin » ?"),
    (("accord", "choix", "si", "age < 5", "non"), "{} : une ligne « choix » ne se sert pas de la colonne « si »"),
    (("nom", "saisie", "étape", "accord", ""), "{} : l'étape « accord » est déjà en A7"),
    (("nom", "saisie", "étape", "", ""), "{} : la cellule « étape » est vide : écrivez le nom de l'étape"),
    (("nom", "saisie", "étape", "mon nom", ""), "{} : 'mon nom' cannot be an id"),
    (("nom", "saisie", "longueur maximale", "", ""), "{} : la cellule « longueur maximale » est vide : écrivez"),
    (("nom", "saisie", "longueur maximale", 3.5, ""), "{} : le tableur a fait un nombre de ce texte (3.5)"),
    (("nom", "saisie", "longueur maximale", "vingt", ""), "{} : « vingt » n'est pas un nombre entier"),
    (("nom", "saisie", "longueur maximale", 5000, ""), "{} : 'max' must be a whole number from 1 to 1000"),
    (("nom", "saisie", "fr", 3.5, ""), "{} : le tableur a fait un nombre de ce texte (3.5)"),
    (("nom", "saisie", "fr", True, ""), "{} : le tableur a fait VRAI de ce mot"),
    (("nom", "saisie", "bm", datetime(2026, 3, 5), ""), "{} : le tableur a changé ce texte en date (2026-03-05"),
    (("nom", "saisie", "bm", time(9, 30), ""), "{} : le tableur a changé ce texte en date (09:30"),
    (("nom", "saisie", "toutes", "Nom", ""), "E10 : ce texte est aussi en D10, pour toutes les langues"),
    (("fin", "fin", "fr", "Merci {Nom}", ""), "{} : « {Nom} » n'est pas un nom : écrivez {nom}, sans blancs"),
    (("fin", "fin", "fr", "Merci { nom }", ""), "{} : « { nom } » n'est pas un nom : écrivez {nom}"),
    (("fin", "fin", "bm", "I ni ce {nöm }", ""), "{} : « {nöm } » n'est pas un nom : écrivez {nom}"),
    (("fin", "fin", "bm", "I ni ce {nom", ""), "{} : une accolade est seule"),
    (("fin", "fin", "aller à", "accord", ""), "{} : nothing comes after an `end`"),
    (("", "relu", "bm", "peut-être", ""), "{} : « peut-être » n'est ni oui ni non"),
    (("", "réglage", "valeur", "", "version"), "{} : la valeur de « version » est vide"),
    (("", "réglage", "valeur", "deux", "version"), "{} : 'version' must be a whole number"),
    (("", "réglage", "nom", "steps", "version"), "{} : « steps » n'est pas un réglage : cela s'écrit dans"),
    (("", "réglage", "nom", "vesion", "version"), "{} : unknown key 'vesion'; did you mean 'version'?"),
    (("", "réglage", "valeur", "fr, bm, es", "langues"), "{} : 'es' is no language we have words for"),
    (("", "réglage", "valeur", "fr", "langues"), "F7 : « bm » n'est pas une langue de cette conversation"),
    (("essai", "conversation", "étape", "Mon Essai", ""), "{} : « Mon Essai » ne peut pas être un nom"),
    (("essai", "conversation", "sorte", "fait", ""), "B2 : il manque la ligne « conversation »"),
]  # fmt: skip


@pytest.mark.parametrize(("planted", "told"), PLANTED, ids=[told[:60] for _, told in PLANTED])
def test_a_planted_fault_names_its_cell(planted: tuple[str, str, str, Any, str], told: str) -> None:
    step, kind, title, value, name = planted
    paper = Paper(small())
    ref = paper.write(step, kind, title, value, name)
    said = lines_of(refused(paper.xlsx()))
    assert any(line.startswith(told.replace("{}", ref, 1)) for line in said), said


MORE: list[tuple[tuple[str, str, str, Any, str], str]] = [
    (("accord", "choix", "nom", "no", "non"), "{} : « no » n'est pas un choix de l'étape « accord » ; vouliez-vous"),
    (("accord", "choix", "fr", "Non", "non"), "C{row} : cette étape prend déjà ses choix d'ailleurs"),
    (("accord", "choix", "aller à", "", "non"), "{} : ce choix n'a ni texte ni suite"),
    (("nom", "autre réponse", "sorte", "choix", "rien"), "{} : l'étape « nom » (saisie) n'a pas de choix"),
    (("tri", "branche", "si", "", ""), "{} : la cellule « si » est vide : écrivez la condition"),
    (("tri", "branche", "si", "age <", ""), "{} : "),
    (("tri", "branche", "aller à", "", ""), "{} : la cellule « aller à » est vide"),
    (("tri", "branche", "étape", "nom", ""), "B{row} : l'étape « nom » n'est pas un « aiguillage »"),
    (("action", "action", "avec", "age age", ""), "{} : « age age » : écrivez une paire par ligne"),
    (("action", "action", "nom", "", ""), "{} : la cellule « nom » est vide : écrivez le nom de l'action"),
    (("action", "action", "si échec", "nulle_part", ""), "{} : l'étape « nulle_part » n'existe pas"),
    (("langue", "menu", "choisit la langue", "parfois", ""), "{} : « parfois » n'est ni oui ni non"),
    (("", "réglage", "valeur", "rapel", "coupure : message"), "{} : le message « rapel » n'existe pas ; vouliez-vous"),
    (("oui_non", "liste", "nom", "non", "oui"), "C{next} : le choix « non » est déjà dans la liste « oui_non »"),
    (("autre", "message", "étape", "rappel", ""), "{} : le message « rappel » est déjà écrit plus haut"),
    (("", "fait", "valeur", "couleur", "connu"), "{} : 'couleur' is no type of fact"),
    (("accord", "menu", "liste", "oui_nom", ""), "{} : there is no list 'oui_nom'; did you mean 'oui_non'?"),
]  # fmt: skip


@pytest.mark.parametrize(("planted", "told"), MORE, ids=[told[:60] for _, told in MORE])
def test_a_fault_in_any_kind_of_step_names_its_cell(planted: tuple[str, str, str, Any, str], told: str) -> None:
    step, kind, title, value, name = planted
    paper = Paper(everything())
    ref = paper.write(step, kind, title, value, name)
    row = "".join(filter(str.isdigit, ref))
    expected = told.replace("{}", ref, 1).replace("{row}", row).replace("{next}", str(int(row) + 1))
    said = lines_of(refused(paper.xlsx()))
    assert any(line.startswith(expected) for line in said), said


def test_several_mistakes_are_told_together() -> None:
    paper = Paper(small())
    refs = [
        paper.write("accord", "menu", "sorte", "menuu"),
        paper.write("nom", "saisie", "longueur maximale", "beaucoup"),
        paper.write("fin", "fin", "fr", ""),
    ]
    said = refused(paper.xlsx())
    assert all(f"essai.xlsx: {ref} : " in said for ref in refs)
    # Steps that the loader refuses are all told, too.
    paper = Paper(small())
    refs = [paper.write("nom", "saisie", "étape", "mon nom"), paper.write("fin", "fin", "étape", "la fin")]
    said = refused(paper.xlsx())
    assert all(f"essai.xlsx: {ref} : " in said for ref in refs)


def test_a_sheet_full_of_mistakes_stays_readable() -> None:
    paper = Paper(small())
    for number in range(200):
        paper.insert(2, sorte="rien", etape=f"e{number}")
    said = lines_of(refused(paper.xlsx()))
    assert len(said) == 31
    assert "et 170 autres cellules" in said[-1]


def test_titles_that_are_wrong() -> None:
    paper = Paper(small())
    paper.cells[0][paper.column("bm")] = "bn"
    said = refused(paper.xlsx())
    assert "F1 : on ne connaît pas de colonne « bn » ; " in said
    paper = Paper(small())
    paper.cells[0][paper.column("valeur")] = "aller a"
    assert "J1 : la colonne « aller a » est déjà en H" in refused(paper.xlsx())
    paper = Paper(small())
    paper.cells[8] += ["un mot perdu"]
    assert "L9 : cette colonne n'a pas de titre : écrivez-le en L1, ou videz" in refused(paper.xlsx())
    paper = Paper(small())
    paper.cells[0][paper.column("toutes")] = "en"
    paper.cells[8][paper.column("fr") - 1] = "Yes"
    assert "D9 : « en » n'est pas une langue de cette conversation : ajoutez en en J4" in refused(paper.xlsx())


def test_what_spreadsheets_do_to_words_is_undone() -> None:
    """Capitals at the start of a cell, numbers with a point, no-break blanks, curly quotes, booleans, dates, CRLF."""
    paper = Paper(everything())
    paper.write("accord", "choix", "aller à", "Fin", "non")
    paper.write("nom", "saisie", "longueur maximale", 24.0)
    paper.write("nom", "saisie", "personnel", True)
    paper.write("naissance", "date", "jusqu'à", datetime(2030, 12, 31))
    paper.write("accord", "menu", "fr", "D'accord ? \u00a0\n")
    paper.write("accord", "menu", "sorte", "Menu\u00a0")
    paper.write("village", "menu", "avec", "zone\u00a0= « nord »\r\n")
    paper.write("tri", "branche", "si", "age < 5 and 'a;b' != “=x”")
    assert not bring_in(read(paper.xlsx()), paper.flow.source).changed


def test_words_may_have_line_breaks_and_quotes_of_any_kind() -> None:
    paper = Paper(small())
    paper.write("nom", "saisie", "fr", "«\u00a0Votre nom\u00a0»\r\nl’entier…")
    paper.write("nom", "saisie", "bm", '"I" tɔgɔ?')
    written = read(paper.xlsx()).tree["steps"][1]["text"]
    assert written == {"fr": "«\u00a0Votre nom\u00a0»\nl’entier…", "bm": '"I" tɔgɔ?'}


def test_a_name_nobody_gives_is_pointed_at() -> None:
    paper = Paper(small())
    ref = paper.write("fin", "fin", "fr", "Merci {nim}")
    assert read(paper.xlsx()).notes == [f"{ref} : personne ne donne {{nim}} ; vouliez-vous dire « nom » ?"]


def test_formulas_merged_cells_and_errors_are_refused() -> None:
    def formulas(page: Any) -> None:
        page["E8"] = "=CONCATENATE(E9;F9)"
        page["F8"] = "#NAME?"
        page["F8"].data_type = "e"

    said = refused(Paper(small()).xlsx(formulas))
    assert "E8 : c'est une formule : écrivez le texte lui-même" in said
    assert "F8 : le tableur montre une erreur (#NAME?)" in said

    def merged(page: Any) -> None:
        page.merge_cells("A9:A10")

    assert "A9 : les cellules A9 à A10 sont fusionnées : défusionnez-les" in refused(Paper(small()).xlsx(merged))


def test_hidden_rows_are_read_and_told() -> None:
    def hide(page: Any) -> None:
        page.row_dimensions[9].hidden = True
        page.row_dimensions[11].hidden = True

    sheet = read(Paper(small()).xlsx(hide))
    assert sheet.notes == ["lignes cachées, lues comme les autres : 9, 11"]
    assert not bring_in(sheet, small().source).changed


def test_the_sheet_of_our_name_is_the_one_that_is_read() -> None:
    def move(page: Any) -> None:
        page.title = "Conversation"
        page.parent.create_sheet("brouillon", 0)["A1"] = "=1"

    assert not bring_in(read(Paper(small()).xlsx(move)), small().source).changed


# --- CSV ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("delimiter", [";", ",", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-8", "utf-16"])
@pytest.mark.parametrize("end", ["\r\n", "\n"])
def test_a_csv_of_any_office_is_read(delimiter: str, encoding: str, end: str) -> None:
    data = Paper(everything()).csv(delimiter, encoding, end)
    assert not bring_in(read(data, "a.csv"), everything().source).changed


def test_the_hint_of_excel_is_taken() -> None:
    data = b"\xef\xbb\xbfsep=,\r\n" + Paper(small()).csv(",", "utf-8")
    assert not bring_in(read(data, "a.csv"), small().source).changed


def test_a_csv_in_cp1252_names_the_first_cell_and_says_what_to_do() -> None:
    paper = Paper(small())
    for row in paper.cells:
        row[:] = [str(cell).replace("ɔ", "o").replace("ɛ", "e") for cell in row]
    data = paper.csv(encoding="cp1252")
    said = refused(data, "essai.csv")
    # The first letter of a French sheet that is wrong is the é of its first title.
    assert said.startswith("essai.csv: A1 : « étape » : ses lettres ne sont pas en UTF-8")
    assert "enregistrez sous « CSV UTF-8 (délimité par des virgules) », ou en classeur .xlsx" in said
    assert "`--encoding cp1252`" in said
    assert read(data, "essai.csv", "cp1252").tree["title"] == {"all": "Essai"}
    paper.cells = [[cell.replace("é", "e").replace("à", "a").replace("ê", "e") for cell in row] for row in paper.cells]
    paper.cells[6][4] = "Êtes-vous prête ?"
    assert "E7 : « Êtes-vous prête ? »" in refused(paper.csv(encoding="cp1252"), "essai.csv")


def test_a_csv_that_is_not_even_cp1252_is_offered_nothing() -> None:
    said = refused(Paper(small()).csv().replace("Vous êtes".encode(), b"Vous \x81\xff"), "essai.csv")
    assert "essai.csv: E7 : " in said
    assert "--encoding" not in said
    assert "n'est pas en cp1252" in refused(b"a\x81", "essai.csv", "cp1252")


def test_letters_lost_on_the_way_are_noticed() -> None:
    """Excel writes ɔ as ? into a plain CSV, and é as Ã© when it opens UTF-8 without the mark."""
    for lose in (
        lambda text: text.encode("cp1252", "replace").decode("cp1252"),
        lambda text: text.encode().decode("cp1252", "replace"),
    ):
        paper = Paper(small())
        ref = paper.write("nom", "saisie", "bm", lose("I tɔgɔ?"))
        with pytest.raises(FlowMistake, match=f"{ref} : ce texte .* : remettez « I tɔgɔ\\? »"):
            bring_in(read(paper.xlsx()), small().source)
    paper = Paper(small())
    ref = paper.write("nom", "saisie", "bm", "I t?g? ye di?")
    assert f"{ref} : un « ? » au milieu d'un mot" in bring_in(read(paper.xlsx()), small().source).notes[0]


def test_a_quote_that_is_never_closed() -> None:
    data = Paper(small()).csv().replace(b"Votre nom ?", b'"Votre nom ?')
    assert "A10 : un guillemet" in refused(data, "essai.csv")


def test_the_command_tells_every_cell(tmp_path: Path) -> None:
    paper = Paper(amv())
    refs = [paper.write("chef", "saisie", "sorte", "saisi e"), paper.write("fin", "fin", "fr", "")]
    sheet = tmp_path / "amv.csv"
    sheet.write_bytes(paper.csv())
    done = run("in", sheet, "--folder", tmp_path)
    assert done.exit_code == 1
    assert all(f"amv.csv: {ref} : " in done.output for ref in refs)
    assert list(tmp_path.iterdir()) == [sheet]
    sheet.write_bytes(paper.csv().decode("utf-8-sig").encode("cp1252", "replace"))
    assert "`--encoding cp1252`" in run("in", sheet).output
