"""What mediators write of doses, as thumbs type it."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.dose_words import FOLDER, NotRead, SpellingMistake, is_report, load_spellings, read_report
from service.domain.vaccine_calendar import built_in_calendar

MALI = built_in_calendar()


def shown(text: str) -> str:
    """'4821 PENTA2 OPV on 12/11', as it was read."""
    report = read_report(text, MALI)
    doses = " ".join(f"{one.antigen}{'' if one.number is None else one.number}" for one in report.doses)
    return f"{report.code} {doses}" + (f" on {report.day}" if report.day else "")


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("VU 4821 PENTA2 OPV2", "4821 PENTA2 OPV2"),
        ("vu 48217730 penta 2, opv 2 12/11", "48217730 PENTA2 OPV2 on 12/11"),
        ("Vu4821 7730 Penta2+VPO2 + pcv13 rota1 12-11-2026", "48217730 PENTA2 OPV2 PCV ROTA1 on 12-11-2026"),
        ("V.U. 4821.7730 MEN A fièvre jaune RR1 hier", "48217730 MENA YF MR1 on HIER"),
        ("vue 4821 7730 les vaccins Penta-1 et OPV-1 du 12.11", "48217730 PENTA1 OPV1 on 12.11"),
        ("VU 4821 OPV0 BCG1 R21_1", "4821 OPV0 BCG1 R211"),
        ("VU 4821 R21", "4821 R21"),
        ("VU 4821 PENTA2OPV2 121126", "4821 PENTA2 OPV2 on 121126"),
        ("VU 4821 DTC-HepB-Hib 2 pcv13-2", "4821 PENTA2 PCV2"),
        ("VU 4821 7730 12/11 PENTA2", "48217730 PENTA2 on 12/11"),
        ("VU: 4821 - BCG aujourd'hui.", "4821 BCG on AUJOURD'HUI"),
        ("VU 4821 BCG 1-2", "4821 BCG on 1-2"),
        ("VU 4821 PENTA 12-11", "4821 PENTA on 12-11"),
        ("VU 4821 PENTA1 2-3", "4821 PENTA1 on 2-3"),
        ("\u202aVU 48\u200b21\u202c 7730 PEN\u200bTA2", "48217730 PENTA2"),
        ("ＶＵ ４８２１ ＰＥＮＴＡ２", "4821 PENTA2"),
    ],
)
def test_what_they_write_is_read(text: str, meant: str) -> None:
    assert is_report(text)
    assert shown(text) == meant


@pytest.mark.parametrize(
    ("text", "trouble", "word"),
    [
        ("VU", "words", ""),
        ("VU 4821", "words", ""),
        ("VU 4821 merci", "words", ""),
        ("VU PENTA2", "code", ""),
        ("VU 482 PENTA2", "code", ""),
        ("VU 4821 7730 1 PENTA2", "code", ""),
        ("VU 4821 PENTA2 XYZ", "unknown", "XYZ"),
        ("VU 4821 PENTA4", "unknown", "PENTA4"),
        ("VU 4821 PENTA0", "unknown", "PENTA0"),
        ("VU 4821 PENTA2 Penta 3", "same_day", "PENTA3"),
        ("VU 4821 VPO1 OPV", "same_day", "OPV"),
        ("VU 4821 BCG 12/11 13/11", "day", ""),
        ("VU 4821 PENTA 2-3", "day", ""),
        ("VU 4821 BCG, vpo 1.2", "day", ""),
        ("VU ٤٨٢١ PENTA2", "code", ""),
        ("VU 4821⁷ PENTA2", "code", ""),
        ("VU 4821 PENTA½", "unknown", "2"),
        ("VU 4821 " + "BCG " * 90, "words", ""),
    ],
)
def test_what_is_unclear_is_said_and_never_guessed(text: str, trouble: str, word: str) -> None:
    with pytest.raises(NotRead) as unclear:
        read_report(text, MALI)
    assert (unclear.value.trouble, unclear.value.word) == (trouble, word)


@pytest.mark.parametrize("text", ["", "4821 PENTA2", "Vuvuzela 3", "Vu que le centre est fermé", "MENU", "rdv 2"])
def test_other_words_are_no_report(text: str) -> None:
    assert not is_report(text)


@given(st.text(max_size=400) | st.from_regex(r"VU [0-9A-Z /.\-]{0,380}", fullmatch=True))
def test_whatever_is_written_is_read_or_unclear_and_soon(text: str) -> None:
    begun = time.monotonic()
    is_report(text)
    try:
        report = read_report(text, MALI)
    except NotRead:
        report = None
    assert time.monotonic() - begun < 1
    if report is not None:
        assert len(report.code) in (4, 8)
        assert {one.antigen for one in report.doses} <= {one.record_as for one in MALI.series.values()}
        assert len({one.antigen for one in report.doses}) == len(report.doses)


def test_a_long_row_of_digits_takes_no_time() -> None:
    begun = time.monotonic()
    for tail in ("/", " 1" * 100 + "/", ".-" * 60 + "/"):
        with pytest.raises(NotRead):
            read_report("VU " + "1" * 90 + tail, MALI)
    assert time.monotonic() - begun < 0.5


def test_no_spelling_stands_for_two_antigens_and_each_is_the_calendars() -> None:
    found = load_spellings((FOLDER / "ml.yaml").read_text("utf-8"))
    antigens = {one.record_as for one in MALI.series.values()}
    assert set(found.values()) <= antigens
    assert all(antigen == word for word, antigen in found.items() if word in antigens)


def test_a_spelling_written_twice_is_a_mistake() -> None:
    twice = """spellings: x
why: y
sources: {}
antigens: {MR: {written: [RR], confidence: low}, YF: {written: [R R], confidence: low}}"""
    with pytest.raises(SpellingMistake, match="'R R' stands for MR already"):
        load_spellings(twice)
