"""`laseli mutual confirm --list` and `end --list`: whole lists, xlsx and csv, with every mistake by row and column."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path

import pytest
from click.testing import Result
from openpyxl import Workbook, load_workbook

from service.config import Config
from service.domain.cover_lists import OF_CONFIRMED, OF_ENDED, Line, read_list
from service.runtime import Runtime
from service.store.decision_tables import decision
from service.store.mutual_tables import membership
from service.stories.homes import cover_import, memberships
from tests.cover import command, rows_of
from tests.stories.test_cover_ends import asked, covered

HEADINGS = ("Nom", "N° demande", "Payé jusqu'au")
FAR, FURTHER = date(2098, 6, 30), date(2099, 6, 30)
"""The commands live in the true time."""


def written(file: Path, rows: Sequence[Sequence[object]]) -> Path:
    if file.suffix == ".xlsx":
        book = Workbook()
        for row in rows:
            book.active.append(row)  # type: ignore[union-attr]
        book.save(file)
    else:
        with file.open("w", encoding="cp1252", newline="") as opened:
            csv.writer(opened, delimiter=";").writerows(
                [f"{cell:%d/%m/%Y}" if isinstance(cell, date) else cell for cell in row] for row in rows
            )
    return file


def states(runtime: Runtime) -> dict[str, tuple[str, date | None]]:
    return {row.number: (row.state, row.paid_until) for row in rows_of(runtime, membership)}


def decided(runtime: Runtime) -> list[str]:
    return sorted(row.what for row in rows_of(runtime, decision))


@pytest.fixture
def requests(runtime: Runtime) -> list[str]:
    """Two that wait, one that is covered."""
    found = [asked(runtime, f"+2237600001{place}") for place in range(3)]
    covered(runtime, found[2], FAR)
    return found


def taken(settings: Config, what: str, file: Path, *words: str) -> Result:
    done = command(settings, "mutual", what, "--list", str(file), "--by", "Fatou", *words)
    assert "Traceback" not in done.output
    return done


@pytest.mark.parametrize("name", ["membres.xlsx", "membres.csv"])
def test_a_list_is_rehearsed_then_written_then_known(
    runtime: Runtime, settings: Config, requests: list[str], tmp_path: Path, name: str
) -> None:
    """A title above, a column more, a number without its letter: as managers' lists are."""
    rows = [("Mutuelle de Darsalam",), HEADINGS, ("Awa", requests[0], FAR), (), ("Bah", requests[1][2:], FAR)]
    file = written(tmp_path / name, [*rows, ("Sira", requests[2].lower(), FURTHER)])
    before = states(runtime)
    rehearsed = taken(settings, "confirm", file, "--dry-run")
    assert rehearsed.exit_code == 0
    assert rehearsed.output.startswith("3 lines: 2 would be confirmed, 1 would be renewed, 0 wrong.\n")
    assert "Nothing was changed." in rehearsed.output
    assert states(runtime) == before
    done = taken(settings, "confirm", file)
    assert done.output.startswith("3 lines: 2 confirmed, 1 renewed, 0 wrong.\n")
    assert "ligne 3, 30/06/2098 est dans plus de deux ans" in done.output
    assert "Awa" not in done.output
    assert "is not told before that day: LASELI_COVER__CONFIRMED_BY" in done.output
    covers = {requests[0]: FAR, requests[1]: FAR, requests[2]: FURTHER}
    assert states(runtime) == {number: ("active", day) for number, day in covers.items()}
    assert decided(runtime) == ["cover confirmed"] * 3 + ["cover list", "cover renewed"]
    assert taken(settings, "confirm", file).output.startswith("3 lines: 3 known already, 0 wrong.\n")
    [line] = [row for row in rows_of(runtime, decision) if row.what == "cover list" and "renewed" in row.why]
    assert (line.by, line.why) == ("Fatou", "2 cover confirmed, 1 cover renewed")


def test_one_wrong_line_and_nothing_is_written(
    runtime: Runtime, settings: Config, requests: list[str], tmp_path: Path
) -> None:
    with runtime.database.begin() as tx:
        memberships.refuse(tx, requests[1], "Fatou", runtime.now())
    rows: list[Sequence[object]] = [HEADINGS, ("", requests[0], FAR), ("", "A-12", "bientôt"), ("", "A-000000", FAR)]
    rows += [("", requests[1], FAR), ("", requests[2], date(2001, 1, 1)), ("", requests[0], FURTHER)]
    rows += [("", "=HYPERLINK(1)", "=TODAY()"), ("", True, datetime(2098, 6, 30))]
    file, rejects = written(tmp_path / "a.xlsx", rows), tmp_path / "refus.xlsx"
    before = states(runtime)
    done = taken(settings, "confirm", file, "--rejects", str(rejects))
    assert done.exit_code == 1
    assert done.output.startswith("8 lines: 1 would be confirmed, 7 wrong.\n")
    for said in (
        "ligne 3, numéro « A-12 » : il a six chiffres, comme A-482177 sur le reçu ; "
        "payé jusqu'au « bientôt » : écrivez le jour comme 31/12/2026",
        "ligne 4, numéro « A-000000 » : aucune demande n'a ce numéro",
        f"ligne 5, numéro « {requests[1]} » : elle est refusée : la famille fait une nouvelle demande",
        "ligne 6, payé jusqu'au « 01/01/2001 » : ce jour est passé",
        f"ligne 7, numéro « {requests[0]} » : il est déjà à la ligne 2",
        "ligne 8, numéro « =HYPERLINK(1) » : c'est une formule, collez la valeur ; "
        "payé jusqu'au « =TODAY() » : c'est une formule, collez la valeur",
        "ligne 9, numéro « True » : il a six chiffres",
        "Nothing was changed: mend these lines",
    ):
        assert said in done.output
    assert states(runtime) == before
    assert "cover list" not in decided(runtime)
    page = load_workbook(rejects).active
    assert page is not None
    mended = list(page.iter_rows(values_only=True))
    assert mended[0] == ("ligne", "numéro", "payé jusqu'au", "raison")
    assert len(mended) == 8
    assert {cell.data_type for row in page.iter_rows() for cell in row} <= {"s", "n"}, "no formula is written back"


@pytest.mark.parametrize("name", ["sorties.xlsx", "sorties.csv"])
def test_a_list_of_ends(runtime: Runtime, settings: Config, requests: list[str], tmp_path: Path, name: str) -> None:
    file = written(tmp_path / name, [("Numéro",), (requests[2],)])
    assert taken(settings, "end", file).output == "1 line: 1 ended, 0 wrong.\n"
    assert states(runtime)[requests[2]] == ("ended", FAR)
    assert taken(settings, "end", file).output == "1 line: 1 known already, 0 wrong.\n"
    waits = taken(settings, "end", written(tmp_path / f"b{name}", [("Numéro",), (requests[0],)]))
    assert "la demande est en attente : seule une couverture confirmée se termine" in waits.output


def test_who_is_ended_while_the_list_is_taken_in_is_told(
    runtime: Runtime, requests: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [Line(2, requests[0], FAR), Line(3, requests[1], FAR)]

    def refused_meanwhile(what: str, done: int, of: int) -> None:
        if what == "checked":
            with runtime.database.begin() as tx:
                memberships.refuse(tx, requests[0], "another", runtime.now())

    found = cover_import.take_in(runtime, lines, [], "Fatou", runtime.now(), refused_meanwhile, dry_run=False)
    assert [(one.number, one.why.split(" : ")[1]) for one in found.refused] == [(2, "elle a changé pendant l'import")]
    assert found.is_written
    assert found.came_to == {"cover confirmed": 1}
    assert {number: state for number, (state, _) in states(runtime).items()} == {
        requests[0]: "refused",
        requests[1]: "active",
        requests[2]: "active",
    }


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("confirm",), "give the number of one request, or --list FILE"),
        (("end", "A-000000", "--list", "{file}"), "give the number of one request, or --list FILE"),
        (("confirm", "A-000000", "--dry-run"), "--dry-run and --rejects go with --list FILE"),
        (("confirm", "--list", "{file}"), "--by NAME: write who of the mutual answers for the list"),
        (("confirm", "--list", "{file}", "--by", "Fatou", "--paid-until", "2098-12-31"), "leave --paid-until out"),
        (("end", "--list", "{file}", "--by", "Fatou", "--rejects", "{file}"), "take the place of the list itself"),
        (("confirm", "--list", "{file}", "--by", "Fatou"), "il manque la colonne « payé jusqu'au »"),
    ],
)
def test_what_was_typed_wrong_is_one_line(
    runtime: Runtime, settings: Config, tmp_path: Path, words: tuple[str, ...], told: str
) -> None:
    file = written(tmp_path / "a.csv", [("Numéro", "Nom"), ("A-123456", "x")])
    done = command(settings, "mutual", *(word.format(file=file) for word in words))
    assert done.exit_code != 0
    assert told in done.output


def test_a_number_that_excel_made_of_a_code_keeps_its_noughts() -> None:
    rows: list[Sequence[object]] = [("numero",), (12345.0,), (7,), (1_000_000,), ("12345",), (" a - 012345 ",)]
    found = read_list(rows, OF_ENDED)
    assert [line.number for line in found.lines] == ["A-012345", "A-000007", "A-012345"]
    assert [one.number for one in found.unread] == [4, 5]
    assert OF_CONFIRMED.keys() > OF_ENDED.keys()
