"""Given names and vaccines as they are spoken of, and all that is not said."""

from __future__ import annotations

import pytest

from service.domain.household_words import (
    WordsMistake,
    given_name,
    load_words,
    said_of,
    spoken_words,
    vaccine_words,
)
from service.domain.vaccine_calendar import built_in_calendar

MALI = spoken_words("ML")
CALENDAR = built_in_calendar()


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("Awa", "Awa"),
        ("Awa Traoré", "Awa"),
        ("TRAORE Awa", "Awa"),
        ("Fatoumata Bintou Diarra", "Fatoumata"),
        ("N'Golo Coulibaly", "N'Golo"),
        ("Traoré", None),
        ("Awa 2", None),
        ("www.exemple.ml", None),
        ("70000001", None),
        ("", None),
        ("Abcdefghijklmnop", None),
    ],
)
def test_a_family_name_is_left_out_and_what_is_no_name_is_not_said(written: str, said: str | None) -> None:
    assert given_name(MALI, written) == said


def test_vaccines_stand_in_the_calendars_order_with_their_number() -> None:
    due = {"ROTA2", "PENTA2", "OPV2", "PCV2"}
    assert vaccine_words(MALI, CALENDAR, due, "fr") == "penta 2, polio 2, pneumo 2, rota 2"
    assert vaccine_words(MALI, CALENDAR, {"MR1", "YF"}, "fr") == "rougeole 1, fièvre jaune"
    assert vaccine_words(MALI, CALENDAR, {"MR1"}, "en") == "measles 1"


def test_a_vaccine_that_nobody_has_words_for_is_not_said() -> None:
    assert vaccine_words(MALI, CALENDAR, {"HPV"}, "fr") is None
    assert vaccine_words(MALI, CALENDAR, {"NOTHING"}, "fr") is None
    assert vaccine_words(MALI, CALENDAR, {"MR1"}, "xx") is None


def test_a_household_is_said_whole_or_not_at_all() -> None:
    told = said_of(MALI, CALENDAR, ["Awa Traoré", "Moussa"], [{"PENTA2"}, {"MR1"}], "fr")
    assert told == "Awa (penta 2), Moussa (rougeole 1)"
    assert said_of(MALI, CALENDAR, ["Awa", "Traoré"], [{"PENTA2"}, {"MR1"}], "fr") is None
    assert said_of(MALI, CALENDAR, ["Awa", "Moussa"], [{"PENTA2"}, {"HPV"}], "fr") is None


def test_where_nobody_wrote_words_nothing_is_said() -> None:
    assert said_of(spoken_words("XX"), CALENDAR, ["Awa"], [{"PENTA2"}], "fr") is None


def test_every_word_of_the_file_is_of_a_series_and_in_every_language() -> None:
    assert MALI.vaccines.keys() <= CALENDAR.series.keys()
    assert {frozenset(words) for words in MALI.vaccines.values()} == {frozenset({"fr", "bm", "en"})}


def test_a_mistake_in_the_file_says_where() -> None:
    with pytest.raises(WordsMistake, match="'why' is missing"):
        load_words("household_words: x\nvaccines: {}\n")
