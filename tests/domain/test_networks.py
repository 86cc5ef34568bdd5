"""Whose network a number is on: what was told wins over what its first digits say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.networks import NetworksMistake, built_in_networks, load_networks

MALI = built_in_networks()
MALITEL, ORANGE, TELECEL = "61001", "61002", "61003"


@pytest.mark.parametrize(
    ("number", "code"),
    [
        ("+22370000001", ORANGE),
        ("+22383000001", ORANGE),
        ("+22394000001", ORANGE),
        ("+22320010001", ORANGE),
        ("+22360000001", MALITEL),
        ("+22389000001", MALITEL),
        ("+22395000001", MALITEL),
        ("+22320790001", MALITEL),
        ("+22350000001", TELECEL),
        ("+22354000001", ""),
        ("+22387000001", ""),
        ("+33600000001", ""),
        ("70000001", ""),
        ("", ""),
    ],
)
def test_the_first_digits_are_a_guess(number: str, code: str) -> None:
    assert MALI.guess(number) == MALI.of(number) == code


def test_what_was_told_wins() -> None:
    assert MALI.of("+22370000001", MALITEL) == MALITEL
    assert MALI.of("+22370000001", None, "", "Moov Africa") == MALITEL
    assert MALI.of("+22370000001", TELECEL, MALITEL) == TELECEL, "the first that is known"
    assert MALI.of("+33600000001", "orange-mali") == ORANGE


def test_a_word_that_names_no_operator_makes_none() -> None:
    for told in ("99999", "61099", "62130", "a stranger's word", "\x00", "ｏrange"):
        assert MALI.recognise(told) == ""
        assert MALI.of("+22370000001", told) == ORANGE


@given(st.text(max_size=200), st.text(max_size=40))
def test_whatever_comes_it_is_an_operator_of_the_file_or_none(number: str, told: str) -> None:
    assert MALI.of(number, told) in ("", *MALI.codes)


def test_people_read_names() -> None:
    assert [MALI.name(code) for code in (ORANGE, "", "20801")] == ["Orange Mali", "all", "20801"]


def test_a_country_without_a_file_has_no_operators() -> None:
    assert built_in_networks("SN").of("+221770000001", "anything") == ""


def test_a_mistake_in_the_file_is_one_sentence() -> None:
    file = """
networks: x
country_code: "223"
why: w
sources: {T: t}
operators:
  - {code: "1", name: A, prefixes: ["7"], confidence: low}
  - {code: "2", name: B, prefixes: ["PREFIX"], confidence: low}
"""
    with pytest.raises(NetworksMistake, match="'7' stands for 1 and for 2"):
        load_networks(file.replace("PREFIX", "7"))
    with pytest.raises(NetworksMistake, match="one to four digits"):
        load_networks(file.replace("PREFIX", "x"))
