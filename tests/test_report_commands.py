"""`laseli report ...` as typed at a terminal, and the files it writes, opened again."""

from __future__ import annotations

import csv
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from openpyxl import load_workbook

from scheduler.__main__ import main
from service.commands.report_commands import french
from service.commands.report_files import _TITLES
from service.config import Config
from service.domain.indicator_definitions import ALL, ReportRules, definitions
from service.domain.vaccine_calendar import built_in_calendar
from service.runtime import Runtime, build_runtime
from tests.backups import environment
from tests.conftest import fresh_sqlite
from tests.people import TestClock
from tests.stories.test_recalls import enrol, give

DAY = "2026-11-24"
DOCS = Path(__file__).parents[1] / "docs"


@pytest.fixture
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return fresh_sqlite(request.getfixturevalue("sqlite_template"), tmp_path)


@pytest.fixture(autouse=True)
def _own_logs() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def runtime(settings: Config) -> Iterator[Runtime]:
    """Six children of Darsalam and three of Bamako-Coura, six weeks old; four have their first Penta."""
    clock = TestClock("2026-11-20T10:00")
    built = build_runtime(settings, at=clock)
    children = [enrol(built, clock, number=f"+2237000000{place}") for place in range(6)]
    children += [enrol(built, clock, number=f"+2237000001{n}", quartier="Bamako-Coura") for n in range(3)]
    clock.set(f"{DAY}T10:00")
    for one in children[:4]:
        give(built, clock, one, "PENTA")
    yield built
    built.database.close()


def laseli(runtime: Runtime, *words: object, fails: bool = False) -> Result:
    result = CliRunner().invoke(main, ["report", *map(str, words)], env=environment(runtime.config))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert (result.exit_code != 0) is fails, result.output
    for secret in ("Awa", "7000000", "7000001"):
        assert secret not in result.output
    return result


def table(found: Any, key: str) -> dict[tuple[str, str], tuple[Any, Any, Any]]:
    (one,) = [one for one in found["indicators"] if one["key"] == key]
    return {(row["name"], row["group"]): (row["numerator"], row["denominator"], row["value"]) for row in one["rows"]}


# --- the terminal -------------------------------------------------------------------------------------------


def test_a_page_of_tables_in_french_each_with_its_definition(runtime: Runtime) -> None:
    page = laseli(runtime, "coverage", "--as-of", DAY, "--by", "whole").output
    lines = page.splitlines()
    assert lines[0] == "Situation au 24/11/2026, tous les quartiers"
    assert lines[1] == "Fiches lues : 9 ; enfants connus seulement par les comptes gardés : 0."
    at = lines.index("COUVERTURE VACCINALE PAR DOSE")
    header, *rows = lines[at + 1 : at + 20]
    penta = next(row for row in rows if row.startswith("  PENTA1 "))
    assert header.split() == ["vaccinés", "en", "âge", "%"]
    assert penta.split() == ["PENTA1", "4", "9", "44,4"]
    assert len(penta) == len(header), "the columns stand under each other"
    for one in definitions(built_in_calendar(), ReportRules(14, 90)).values():
        assert (one.title.upper() in lines) == (one.key in _keys("coverage"))
    said = definitions(built_in_calendar(), ReportRules(14, 90))["coverage"]
    assert f"Définition : {said.says} Source : {said.source}." in " ".join(page.split())
    assert max(map(len, lines)) <= 100


def _keys(part: str) -> tuple[str, ...]:
    from service.domain.indicator_definitions import PARTS

    return PARTS[part]


def test_everything_at_once(runtime: Runtime) -> None:
    lines = laseli(runtime, "all", "--as-of", DAY).output.splitlines()
    for one in definitions(built_in_calendar(), ReportRules(14, 90)).values():
        assert one.title.upper() in lines
    counted = [line.split() for line in lines]
    assert ["Toutes", "les", "admissions", "0"] in counted, "a count has no denominator and no value"


def test_numbers_as_the_french_write_them() -> None:
    assert [french(number) for number in (0, 999, 1234, 1234567, 27.5)] == ["0", "999", "1 234", "1 234 567", "27,50"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("coverage", "--cohort", "2026"), "'2026' are no months; write 2026-03, or 2026-01..2026-06"),
        (("coverage", "--cohort", "2026-13"), "'2026-13' are no months"),
        (("coverage", "--cohort", "2026-06..2026-01"), "ends before it begins"),
        (("coverage", "--as-of", "2999-01-01"), "2999-01-01 is still to come"),
        (("coverage", "--as-of", "24/11"), "lacks its whole year: write a day as"),
        (("coverage", "--zone", "Paris"), "there is no quartier 'Paris'; there are Badialan 1, "),
        (("reach", "--within", "0"), "0 is not in the range"),
        (("everything",), "is not one of 'coverage', 'timeliness', 'defaulters', 'reach', 'nutrition', "),
        (("covers", "--zone", "Darsalam"), "of the whole programme: leave --zone, --cohort and --by zone out"),
        (("all", "--xlsx", "/nowhere/there/a.xlsx"), "cannot be written: No such file or directory"),
    ],
)
def test_what_cannot_be_answered_says_why(runtime: Runtime, words: tuple[str, ...], sentence: str) -> None:
    found = laseli(runtime, *words, fails=True).output
    assert sentence in found
    assert "Traceback" not in found


# --- machines -----------------------------------------------------------------------------------------------


def test_the_same_as_data(runtime: Runtime) -> None:
    found = json.loads(laseli(runtime, "all", "--as-of", DAY, "--json").stdout)
    assert (found["as_of"], found["zone"], found["born"], found["children_read"]) == (DAY, None, None, 9)
    assert {one["key"] for one in found["indicators"]} == ALL
    coverage = table(found, "coverage")
    assert coverage["PENTA1", "Ensemble"] == coverage["PENTA1", "2026-10"] == (4, 9, 44.4)
    assert coverage["MR1", "Ensemble"] == (0, 0, None)


def test_a_cohort_and_a_quartier(runtime: Runtime) -> None:
    words = ("coverage", "--as-of", DAY, "--json", "--zone", "darsalam", "--cohort", "2026-10..2026-11")
    found = json.loads(laseli(runtime, *words).stdout)
    assert (found["zone"], found["born"]) == ("Darsalam", ["2026-10-01", "2026-11-30"])
    assert table(found, "coverage")["PENTA1", "Ensemble"] == (4, 6, 66.7)
    none = json.loads(laseli(runtime, "coverage", "--as-of", DAY, "--json", "--cohort", "2026-09").stdout)
    assert none["children_read"] == 0


def test_small_quartiers_are_nowhere_shown(runtime: Runtime, tmp_path: Path) -> None:
    words = ("defaulters", "--as-of", DAY, "--by", "zone")
    found = json.loads(laseli(runtime, *words, "--json").stdout)
    assert found["smallest_group_shown"] == 5
    assert table(found, "checked")["Contrôlés", "Bamako-Coura"] == (None, None, None)
    assert "Bamako-Coura" in laseli(runtime, *words).output
    laseli(runtime, *words, "--xlsx", tmp_path / "a.xlsx", "--csv", tmp_path / "a.csv")
    page = load_workbook(tmp_path / "a.xlsx")["Contrôlés"]
    small = [row[2:] for row in page.iter_rows(values_only=True) if row[1] == "Bamako-Coura"]
    assert set(small) == {("<5", "<5", None)}
    rows = read_csv(tmp_path / "a.csv")
    assert {(row["numérateur"], row["valeur"]) for row in rows if row["groupe"] == "Bamako-Coura"} == {("<5", "")}


def test_the_smallest_group_is_a_setting(runtime: Runtime) -> None:
    words = ["report", "defaulters", "--as-of", DAY, "--by", "zone", "--json"]
    env = environment(runtime.config) | {"LASELI_REPORT__SMALLEST_GROUP": "3"}
    found = json.loads(CliRunner().invoke(main, words, env=env).stdout)
    assert table(found, "checked")["Contrôlés", "Bamako-Coura"] == (3, 3, 100.0)


# --- files --------------------------------------------------------------------------------------------------


def read_csv(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8-sig", newline="") as opened:
        return list(csv.DictReader(opened, delimiter=";"))


def test_the_workbook_opened_again(runtime: Runtime, tmp_path: Path) -> None:
    file = tmp_path / "rapport.xlsx"
    done = laseli(runtime, "all", "--as-of", DAY, "--xlsx", file)
    assert done.stdout == ""
    assert list(tmp_path.glob("*.xlsx*")) == [file]
    book = load_workbook(file)
    assert book.sheetnames == [*_TITLES.values(), "Définitions"]
    assert all(page.freeze_panes == "A2" for page in book)
    page = book["Couverture"]
    assert [cell.value for cell in page[1]] == ["ligne", "groupe", "vaccinés", "en âge", "%"]
    assert page["A1"].font.bold
    penta = next(row for row in page.iter_rows() if (row[0].value, row[1].value) == ("PENTA1", "Ensemble"))
    assert [cell.value for cell in penta] == ["PENTA1", "Ensemble", 4, 9, 44.4]
    assert [cell.data_type for cell in penta] == ["s", "s", "n", "n", "n"]
    assert [cell.number_format for cell in penta[2:]] == ["#,##0", "#,##0", '0.0" %"']
    said = {row[0]: row[1:] for row in book["Définitions"].iter_rows(values_only=True)}
    for one in definitions(runtime.calendar, ReportRules(14, 90)).values():
        assert said[one.title] == (one.says, one.source)


def test_the_csv_opened_again(runtime: Runtime, tmp_path: Path) -> None:
    file = tmp_path / "rapport.csv"
    laseli(runtime, "coverage", "--as-of", DAY, "--csv", file, "--by", "whole")
    assert file.read_bytes().startswith(b"\xef\xbb\xbf")
    penta = next(row for row in read_csv(file) if row["ligne"] == "PENTA1")
    assert (penta["numérateur"], penta["dénominateur"], penta["valeur"], penta["unité"]) == ("4", "9", "44,4", "%")
    assert penta["définition"].startswith("Enfants suivis qui ont reçu cette dose")


def test_a_file_that_is_there_is_replaced_whole(runtime: Runtime, tmp_path: Path) -> None:
    file = tmp_path / "rapport.xlsx"
    file.write_text("old")
    laseli(runtime, "timeliness", "--as-of", DAY, "--xlsx", file)
    assert load_workbook(file).sheetnames == ["À temps", "Définitions"]
    assert [one.name for one in tmp_path.iterdir() if "rapport" in one.name] == ["rapport.xlsx"]


# --- the docs -----------------------------------------------------------------------------------------------


def test_the_page_of_indicators_says_what_reports_say() -> None:
    page = " ".join((DOCS / "indicators.md").read_text("utf-8").split())
    for one in definitions(built_in_calendar(), ReportRules(14, 90)).values():
        assert f"## {one.title} (`{one.key}`) {one.says} *Source : {one.source}.*" in page, one.key
