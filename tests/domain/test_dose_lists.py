"""Registers of doses as they come: which column is which, and what a line says."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.dose_lists import (
    CODE_DIGITS,
    Line,
    NoColumns,
    Refusal,
    find_columns,
    is_empty,
    read_line,
    read_list,
    shown,
)
from service.domain.dose_words import DoseWord
from service.domain.vaccine_calendar import built_in_calendar

MALI = built_in_calendar()


@pytest.mark.parametrize(
    ("rows", "where"),
    [
        ([["code", "dose", "date"]], (0, 0, 1, 2)),
        (
            [["CSCom de Darsalam"], [], ["N°", "Code de l'enfant", "Nom", "Antigène / dose", "Date de vaccination"]],
            (2, 1, 3, 4),
        ),
        ([["Vaccin", "administré le", "CODE carnet"]], (0, 2, 0, 1)),
        ([["date", "code", "Antigènes", "date", "code"]], (0, 1, 2, 0)),
    ],
)
def test_headings_are_found_however_they_are_written(rows: list[list[object]], where: tuple[int, ...]) -> None:
    assert tuple(find_columns(rows)) == where


@pytest.mark.parametrize(
    ("rows", "missing"),
    [
        ([], "« code », « dose », « date »"),
        ([["code", "vaccin"], ["48217730", "PENTA1"]], "« date »"),
        ([[1, 2, 3]], "« code », « dose », « date »"),
        ([[]] * 10 + [["code", "dose", "date"]], "« code »"),
    ],
)
def test_missing_headings_are_named(rows: list[list[object]], missing: str) -> None:
    with pytest.raises(NoColumns, match=f"il manque la colonne {missing}"):
        find_columns(rows)


@pytest.mark.parametrize("code", ["48217730", "4821 7730", " 4821-7730 ", 48217730, 48217730.0])
@pytest.mark.parametrize(
    "day",
    [
        "12/11/2026",
        "12-11-26",
        "12.11.2026",
        "2026-11-12",
        "2026-11-12 00:00:00",
        date(2026, 11, 12),
        datetime(2026, 11, 12),
    ],
)
def test_a_line_is_read_kindly(code: object, day: object) -> None:
    assert read_line(7, (code, "penta 2", day), MALI) == Line(
        7, "48217730", (DoseWord("PENTA", 2),), date(2026, 11, 12)
    )


def test_a_number_has_lost_its_noughts_and_a_text_has_not() -> None:
    assert read_line(2, (217730, "BCG", "12/11/2026"), MALI)[1] == "00217730"
    assert isinstance(read_line(2, ("217730", "BCG", "12/11/2026"), MALI), Refusal)


def test_several_doses_may_stand_in_one_cell() -> None:
    found = read_line(2, ("48217730", "PENTA2, VPO2 + pneumo 2", "12/11/2026"), MALI)
    assert isinstance(found, Line)
    assert found.doses == (DoseWord("PENTA", 2), DoseWord("OPV", 2), DoseWord("PCV", 2))


@pytest.mark.parametrize(
    ("cells", "why"),
    [
        (("4821773", "BCG", "12/11/2026"), "code « 4821773 » : il a huit chiffres"),
        ((None, "BCG", "12/11/2026"), "code «  » : il a huit chiffres"),
        ((True, "BCG", "12/11/2026"), "code « True »"),
        ((-1, "BCG", "12/11/2026"), "code « -1 »"),
        ((4.5, "BCG", "12/11/2026"), "code « 4.5 »"),
        (("48217730", "XYZ", "12/11/2026"), "dose « XYZ » inconnue ; connues : BCG OPV"),
        (("48217730", "PENTA7", "12/11/2026"), "dose « PENTA7 » inconnue"),
        (("48217730", None, "12/11/2026"), "dose «  » inconnue"),
        (("48217730", "PENTA1 PENTA2", "12/11/2026"), "le même vaccin deux fois le même jour"),
        (("48217730", "A" * 400, "12/11/2026"), "inconnue"),
        (("48217730", "BCG", "31/02/2026"), "date « 31/02/2026 » : écrivez-la comme 12/11/2026"),
        (("48217730", "BCG", "12/11"), "date « 12/11 »"),
        (("48217730", "BCG", 46000), "date « 46000 »"),
        (("48217730", "BCG", None), "date «  »"),
        (("48217730", "BCG", "hier"), "date « hier »"),
    ],
)
def test_what_is_unclear_is_refused_with_its_reason(cells: tuple[object, object, object], why: str) -> None:
    found = read_line(9, cells, MALI)
    assert isinstance(found, Refusal)
    assert found.number == 9
    assert why in found.why


def test_empty_lines_are_no_lines() -> None:
    assert is_empty((None, "", "  "))
    assert not is_empty((None, "", 0))


ODD_WORDS = ["48217730", "PENTA1", "12/11/2026", "2026-11-12", "ⅷ", "４８２１７７３０", "١٢/١١/٢٠٢٦"]
CELLS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=90), st.dates(), st.datetimes(), st.times(),
    st.timedeltas(), st.sampled_from(ODD_WORDS),
)  # fmt: skip


@given(st.tuples(CELLS, CELLS, CELLS))
def test_any_three_cells_are_a_line_or_a_refusal_that_can_be_shown(cells: tuple[object, object, object]) -> None:
    said = read_line(7, cells, MALI)
    if isinstance(said, Line):
        assert len(said.code) == CODE_DIGITS
        assert said.code.isascii()
        assert said.doses
    else:
        assert said.why.isprintable()
    assert all(shown(cell).isprintable() for cell in cells)


@given(st.lists(st.lists(CELLS | st.sampled_from(["code", "dose", "date"]), max_size=5), max_size=14))
def test_any_grid_is_a_list_or_none(rows: list[list[object]]) -> None:
    try:
        found = read_list(rows, MALI)
    except NoColumns:
        return
    assert len(found.cells) == len(found.lines) + len(found.unread)
