"""A register's doses taken in: every line checked first, bad ones told with their number, nothing written twice."""

from __future__ import annotations

import csv
import threading
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path

import pytest
from openpyxl import Workbook, load_workbook

from service.commands import dose_import_commands, opening
from service.config import Config
from service.domain.dose_lists import Line
from service.domain.dose_words import DoseWord
from service.runtime import Runtime, build_runtime
from service.store import people_tables
from service.store.care_tables import appointment, dose
from service.stories.care import dose_corrections, dose_import
from service.stories.care.dose_corrections import Correction
from service.stories.homes import families
from service.stories.homes.families import Enrolled
from service.stories.keeping import paged_work
from tests.cover import command, everything, rows_of
from tests.people import TestClock
from tests.stories.test_recalls import enrol, plans

TITLES = ("Code", "Nom", "Antigène", "Date de vaccination")


@pytest.fixture(autouse=True)
def _the_tests_clock(monkeypatch: pytest.MonkeyPatch, clock: TestClock) -> None:
    """The command reads the machine's clock; here it reads the story's."""
    monkeypatch.setattr(dose_import_commands, "opened_runtime", lambda: opening.opened_runtime(clock))


@pytest.fixture
def children(runtime: Runtime, clock: TestClock) -> list[Enrolled]:
    """Three children born on 1 September, of whom nothing is known."""
    return [
        enrol(runtime, clock, number=f"+2237000000{place}", born="2026-09-01", last_visit="none") for place in range(3)
    ]


def a_csv(folder: Path, rows: Sequence[Sequence[str]], name: str = "liste.csv", encoding: str = "utf-8-sig") -> Path:
    file = folder / name
    with file.open("w", encoding=encoding, newline="") as opened:
        csv.writer(opened, delimiter=";").writerows([TITLES, *rows])
    return file


def take(settings: Config, file: Path, *words: str, fails: bool = False) -> str:
    result = command(settings, "dose", "import", str(file), "--by", "Fatou", *words)
    assert (result.exit_code != 0) is fails, result.output
    assert "Traceback" not in result.output
    return result.output


def on_record(runtime: Runtime) -> set[tuple[str, str]]:
    return {(row.antigen, f"{row.given_on:%d/%m}") for row in rows_of(runtime, dose) if row.voided_at is None}


def plan(runtime: Runtime) -> list[object]:
    open_ones = [row for row in rows_of(runtime, appointment) if row.state == "open"]
    doses = sorted((row.child_id, row.antigen, row.given_on, row.source) for row in rows_of(runtime, dose))
    return [doses, sorted((row.child_id, row.doses, row.anchor_on) for row in open_ones)]


# --- written ------------------------------------------------------------------------------------------------


def test_a_list_is_written_and_the_children_are_planned_anew(
    settings: Config, runtime: Runtime, children: list[Enrolled], tmp_path: Path
) -> None:
    one, two, _ = children
    file = a_csv(
        tmp_path,
        [
            (one.code, "Awa", "penta 2, vpo2", "12/11/2026"),
            (two.code.replace(" ", ""), "Awa", "BCG", "2026-09-03"),
            ("", "", "", ""),
            (one.code, "Awa", "PENTA1 OPV1", "13/10/2026"),
        ],
    )
    said = take(settings, file)
    assert said == "3 lines, 2 children: 5 doses written, 0 lines on record already, 0 lines refused.\n"
    assert on_record(runtime) == {
        ("PENTA", "12/11"), ("OPV", "12/11"), ("PENTA", "13/10"), ("OPV", "13/10"), ("BCG", "03/09")
    }  # fmt: skip
    assert {(row.source, row.recorded_by, row.date_quality) for row in rows_of(runtime, dose)} == {
        ("list", "Fatou", "seen")
    }
    assert "OPV3,PENTA3" in str(plans(runtime, one))
    assert "BCG" not in str(plans(runtime, two))


def test_the_same_list_again_changes_nothing(
    settings: Config, runtime: Runtime, children: list[Enrolled], tmp_path: Path
) -> None:
    file = a_csv(tmp_path, [(one.code, "", "PENTA1", "13/10/2026") for one in children])
    take(settings, file)
    before = everything(runtime)
    assert "0 doses written, 3 lines on record already, 0 lines refused" in take(settings, file)
    assert everything(runtime) == before


def test_a_workbook_with_dates_numbers_and_a_title_above(
    settings: Config, runtime: Runtime, children: list[Enrolled], clock: TestClock, tmp_path: Path
) -> None:
    with runtime.database.begin() as tx:
        tx.execute(
            people_tables.child.update()
            .where(people_tables.child.c.person_id == children[0].child_id)
            .values(code="00217730")
        )
    book = Workbook()
    page = book.active
    page.append(["CSCom de Darsalam"])
    page.append(TITLES)
    page.append([217730, "Awa", "Penta 1", datetime(2026, 10, 13)])
    page.append([children[1].code, "Awa", "fièvre jaune", "=1+1"])
    file = tmp_path / "liste.xlsx"
    book.save(file)
    said = take(settings, file)
    assert "1 doses written, 0 lines on record already, 1 lines refused." in said
    assert "  ligne 4 : date «  » : écrivez-la comme 12/11/2026" in said
    assert on_record(runtime) == {("PENTA", "13/10")}


def test_a_csv_as_old_excel_wrote_it(
    settings: Config, runtime: Runtime, children: list[Enrolled], tmp_path: Path
) -> None:
    file = a_csv(tmp_path, [(children[0].code, "Awa Kéïta", "BCG", "03/09/2026")], encoding="cp1252")
    assert "1 doses written" in take(settings, file)


def test_doses_that_do_not_count_are_kept_and_explained(
    settings: Config, runtime: Runtime, children: list[Enrolled], tmp_path: Path
) -> None:
    one, two, three = (child.code for child in children)
    file = a_csv(
        tmp_path,
        [
            (one, "", "PENTA1", "10/09/2026"),
            (two, "", "PENTA1", "20/10/2026"),
            (two, "", "PENTA2", "02/11/2026"),
            (three, "", "PENTA2", "20/10/2026"),
        ],
    )
    said = take(settings, file)
    assert "4 doses written, 0 lines on record already, 0 lines refused." in said
    assert "  ligne 2 : PENTA1 ne compte pas, enfant trop jeune ce jour" in said
    assert "  ligne 4 : PENTA2 ne compte pas, trop près de la dose d'avant" in said
    assert "  ligne 5 : PENTA2 est comptée PENTA1 : les doses d'avant ne sont pas au dossier" in said
    assert len(on_record(runtime)) == 3, "two of them are of the same day"


# --- refused ------------------------------------------------------------------------------------------------


def test_bad_lines_are_told_and_written_for_mending_and_good_ones_are_taken(
    settings: Config, runtime: Runtime, clock: TestClock, children: list[Enrolled], tmp_path: Path
) -> None:
    one, two, three = children
    with runtime.database.begin() as tx:
        families.stop_child(tx, runtime, three.child_id, clock.now())
    file = a_csv(
        tmp_path,
        [
            (one.code, "Awa", "PENTA1", "13/10/2026"),
            ("12345678", "Awa", "PENTA1", "13/10/2026"),
            (one.code, "Awa", "BCG", "31/08/2026"),
            (one.code, "Awa", "BCG", "21/11/2026"),
            (one.code, "Awa", "XYZ", "13/10/2026"),
            (one.code, "Awa", "PENTA2", "13/10/2026"),
            (one.code, "Awa", "R21_1", "13/10/2026"),
            (two.code, "Awa", "OPV0", "13/11/2026"),
            (three.code, "Awa", "PENTA1", "13/10/2026"),
            (one.code, "Awa", "PENTA1", "14/10/2026"),
            ("=1+1", "Awa", "PENTA1", "14/10/2026"),
        ],
    )
    rejects = tmp_path / "refus.csv"
    said = take(settings, file, "--rejects", str(rejects))
    assert "11 lines, 3 children: 1 doses written, 0 lines on record already, 10 lines refused." in said
    reasons = [
        "  ligne 3 : aucun enfant n'a ce code",
        "  ligne 4 : le 31/08/2026 est avant la naissance",
        "  ligne 5 : le 21/11/2026 n'est pas encore venu",
        "  ligne 6 : dose « XYZ » inconnue ; connues : BCG",
        "  ligne 7 : le même vaccin le même jour qu'à la ligne 2",
        "  ligne 8 : R211 n'est pas au calendrier de cet enfant : BCG",
        "  ligne 9 : OPV0 est la dose de naissance, et l'enfant était trop grand ce jour",
        "  ligne 10 : cet enfant n'est plus suivi",
        "  ligne 11 : PENTA1 est déjà au dossier avec une autre date : comparez avec le carnet",
        "  ligne 12 : code « =1+1 » : il a huit chiffres, comme sur le carnet",
    ]
    told = said.splitlines()
    assert all(any(line.startswith(reason) for line in told) for reason in reasons), said
    assert on_record(runtime) == {("PENTA", "13/10")}
    with rejects.open(encoding="utf-8-sig", newline="") as opened:
        kept = list(csv.DictReader(opened, delimiter=";"))
    assert [row["ligne"] for row in kept] == [str(number) for number in range(3, 13)]
    assert kept[0] == {
        "ligne": "3",
        "code": "12345678",
        "dose": "PENTA1",
        "date": "13/10/2026",
        "raison": "aucun enfant n'a ce code",
    }
    assert "Awa" not in rejects.read_text("utf-8-sig")
    assert kept[-1]["code"] == '"=1+1"', "no spreadsheet takes it for a formula"


def test_what_was_mended_is_imported_from_the_rejects(
    settings: Config, runtime: Runtime, children: list[Enrolled], tmp_path: Path
) -> None:
    file = a_csv(tmp_path, [(children[0].code, "", "PENTA1", "31/02/2026")])
    rejects = tmp_path / "refus.xlsx"
    assert f"{rejects} is written: 1 lines to mend" in take(settings, file, "--rejects", str(rejects))
    book = load_workbook(rejects)
    book.active["D2"] = datetime(2026, 10, 13)
    book.save(rejects)
    again = tmp_path / "refus2.xlsx"
    assert "1 doses written" in take(settings, rejects, "--rejects", str(again))
    assert not again.exists(), "nothing was refused"


def test_a_dose_that_was_taken_back_does_not_come_back_with_the_list(
    settings: Config, runtime: Runtime, clock: TestClock, children: list[Enrolled], tmp_path: Path
) -> None:
    code = children[0].code
    file = a_csv(tmp_path, [(code, "", "PENTA1", "13/10/2026")])
    take(settings, file)
    with runtime.database.begin() as tx:
        said = Correction("Kadia", "wrong-child")
        dose_corrections.take_back(tx, runtime, code, "PENTA", date(2026, 10, 13), said, clock.now())
    assert "  ligne 2 : PENTA de ce jour a été retirée du dossier par Kadia" in take(settings, file)
    assert not on_record(runtime)


def test_a_dry_run_says_the_same_and_changes_nothing(
    settings: Config, runtime: Runtime, children: list[Enrolled], tmp_path: Path
) -> None:
    file = a_csv(
        tmp_path,
        [
            (children[0].code, "", "PENTA1", "10/09/2026"),
            ("12345678", "", "PENTA1", "10/10/2026"),
            (children[0].code, "", "BCG", "31/02/2026"),
        ],
    )
    before = everything(runtime)
    rehearsed = take(settings, file, "--dry-run").splitlines()
    assert everything(runtime) == before
    assert rehearsed[-1] == "Nothing was changed."
    done = take(settings, file).splitlines()
    assert [rehearsed[0].replace("would be written", "written"), *rehearsed[1:-1]] == done


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.csv", b"", "il manque la colonne"),
        ("a.csv", b"code;dose\n48217730;BCG\n", "« date »"),
        ("a.csv", b"code;dose;date\n", "aucune ligne dessous"),
        ("a.csv", b'code;dose;date\n"48217730;BCG;12/11/2026\n', "un guillemet n'est pas fermé"),
        ("a.csv", b"\0\1\2\3", "n'est ni un classeur .xlsx ni un CSV"),
        ("a.xlsx", b"PK\3\4broken", "abîmé"),
        ("a.xls", b"\xd0\xcf\x11\xe0\xa1", "ancien classeur (.xls)"),
    ],
)
def test_what_is_no_list_is_refused_in_a_sentence(
    settings: Config, runtime: Runtime, tmp_path: Path, name: str, content: bytes, reason: str
) -> None:
    file = tmp_path / name
    file.write_bytes(content)
    assert reason in take(settings, file, fails=True)
    assert not rows_of(runtime, dose)


def test_the_rejects_never_take_the_place_of_the_list(
    settings: Config, runtime: Runtime, children: list[Enrolled], tmp_path: Path
) -> None:
    file = a_csv(tmp_path, [(children[0].code, "", "PENTA1", "31/02/2026")])
    assert "take the place of the list" in take(settings, file, "--rejects", str(file), fails=True)
    assert "cannot be written" in take(settings, file, "--rejects", str(tmp_path / "none" / "a.csv"), fails=True)


# --- cut, and two at once -----------------------------------------------------------------------------------


def lines_of(children: list[Enrolled]) -> list[Line]:
    days = [("PENTA", 1, date(2026, 10, 13)), ("PENTA", 2, date(2026, 11, 12)), ("BCG", None, date(2026, 9, 3))]
    told = [(one.code.replace(" ", ""), dose) for dose in days for one in children]
    return [
        Line(number, code, (DoseWord(antigen, which),), on)
        for number, (code, (antigen, which, on)) in enumerate(told, 2)
    ]


class Killed(Exception):
    pass


def test_a_run_that_was_cut_and_a_second_one_end_as_one(
    runtime: Runtime, clock: TestClock, children: list[Enrolled], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paged_work, "AT_FIRST", 1)
    monkeypatch.setattr(paged_work, "AT_LEAST", 1)
    monkeypatch.setattr(dose_import, "WRITTEN_AT_MOST", 1)

    def dies(what: str, done: int, of: int) -> None:
        if (what, done) == ("written", 2):
            raise Killed

    lines = lines_of(children)
    with pytest.raises(Killed):
        dose_import.take_in(runtime, lines, "Fatou", clock.now(), dies, dry_run=False)
    assert len(rows_of(runtime, dose)) == 6, "two children, whole"
    heard: list[tuple[str, int, int]] = []
    done = dose_import.take_in(runtime, lines, "Fatou", clock.now(), lambda *said: heard.append(said), dry_run=False)
    assert (done.doses, done.known, done.refused) == (3, 6, [])
    assert heard == [("checked", 3, 3), ("written", 1, 3), ("written", 2, 3), ("written", 3, 3)]
    once = plan(runtime)
    assert len(rows_of(runtime, dose)) == 9
    dose_import.take_in(runtime, lines, "Fatou", clock.now(), lambda *_: None, dry_run=False)
    assert plan(runtime) == once


def test_two_imports_at_once_write_every_dose_once(
    runtime: Runtime, settings: Config, clock: TestClock, children: list[Enrolled]
) -> None:
    lines = lines_of(children)
    start = threading.Barrier(2)
    outcomes: list[dose_import.Outcome] = []

    def run(built: Runtime) -> None:
        def meet(what: str, *_: int) -> None:
            if what == "checked":
                start.wait(30)

        outcomes.append(dose_import.take_in(built, lines, "Fatou", clock.now(), meet, dry_run=False))

    other = build_runtime(settings, at=clock)
    threads = [threading.Thread(target=run, args=(built,)) for built in (runtime, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    other.database.close()
    assert len(rows_of(runtime, dose)) == 9
    assert sum(one.doses for one in outcomes) == 9
    assert not [one for one in outcomes if one.refused]
