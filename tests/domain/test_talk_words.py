"""What mediators write of a talk, as thumbs type it."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.talk_words import TalkNotRead, ThemesMistake, built_in_themes, is_talk, load_themes, read_talk

THEMES = built_in_themes()
HEAD = "themes: essai\nwhy: essai\nsources: {P: essai}\nnames:\n"


def shown(text: str) -> str:
    """'25 nutrition in DARSALAM on 12/11', as it was read."""
    told = read_talk(text, THEMES)
    where = f" in {told.quartiers[-1]}" if told.quartiers else ""
    return f"{told.participants} {told.theme}{where}" + (f" on {told.day}" if told.day else "")


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("CAUSERIE 25 VACCINATION", "25 vaccination"),
        ("causerie 25 vaccination darsalam", "25 vaccination in DARSALAM"),
        ("Causeries: 25 personnes, sur la nutrition à Bamako-Coura", "25 nutrition in BAMAKO COURA"),
        ("CAUSERIE NUTRITION 12 BADIALAN 1 12/11", "12 nutrition in BADIALAN 1 on 12/11"),
        ("CAUSERIE25PALU", "25 malaria"),
        ("causerie 8 lavage des mains hier", "8 hygiene on HIER"),
        (
            "CAUSERIE 40 femmes planification familiale Quartier du fleuve 12-11-2026",
            "40 spacing in FLEUVE on 12-11-2026",
        ),
        ("causerie 500 autre svp", "500 other"),
        ("causerie 1 hygiène merci.", "1 hygiene"),
    ],
)
def test_what_they_write_is_read(text: str, meant: str) -> None:
    assert is_talk(text)
    assert shown(text) == meant


def test_a_quartier_is_kept_as_it_was_written_too() -> None:
    assert read_talk("CAUSERIE 40 PF Quartier du fleuve", THEMES).quartiers == (
        "QUARTIER DU FLEUVE",
        "DU FLEUVE",
        "FLEUVE",
    )
    assert "QUARTIER DU FLEUVE" in read_talk("CAUSERIE 40 PF au quartier du fleuve svp", THEMES).quartiers
    assert read_talk("CAUSERIE 40 PF Ex-Base A", THEMES).quartiers == ("EX BASE A", "EX BASE")


@pytest.mark.parametrize(
    ("text", "trouble", "word"),
    [
        ("CAUSERIE", "words", ""),
        ("CAUSERIE 25", "words", ""),
        ("CAUSERIE 12/11 NUTRITION", "words", ""),
        ("CAUSERIE 0 NUTRITION", "number", "0"),
        ("CAUSERIE 501 NUTRITION", "number", "501"),
        ("CAUSERIE 7600 NUTRITION", "number", "7600"),
        ("CAUSERIE 25 LUNE", "theme", "LUNE"),
        ("CAUSERIE 25 DARSALAM NUTRITION", "theme", "DARSALAM"),
        ("CAUSERIE 25 NUTRITION 12/11 13/11", "day", ""),
        ("CAUSERIE 25 NUTRITION " + "A" * 320, "words", ""),
    ],
)
def test_what_is_unclear_is_never_guessed(text: str, trouble: str, word: str) -> None:
    with pytest.raises(TalkNotRead) as unclear:
        read_talk(text, THEMES)
    assert (unclear.value.trouble, unclear.value.word) == (trouble, word)


@pytest.mark.parametrize(
    "text", ["La causerie de 8 heures", "Causerie avec les femmes", "CAUSERIEZ 4", "VU 4821 PENTA2"]
)
def test_what_is_no_talk(text: str) -> None:
    assert not is_talk(text)


@given(st.text(max_size=400))
def test_whatever_is_written_is_read_or_refused(text: str) -> None:
    is_talk(text)
    with suppress(TalkNotRead):
        assert read_talk(f"CAUSERIE {text}", THEMES).theme in THEMES.names


def test_themes_fit_their_column_and_the_answer() -> None:
    assert max(map(len, THEMES.names)) <= 20
    assert max(map(len, THEMES.names.values())) <= 24 + 2
    assert len(" ".join(THEMES.to_type)) <= 95
    assert list(THEMES.names) == list(dict.fromkeys(THEMES.by_spelling.values()))


def test_a_word_stands_for_one_theme_only() -> None:
    twice = "  a: {name: A, written: [X], confidence: low}\n  b: {name: B, written: [x], confidence: low}\n"
    with pytest.raises(ThemesMistake, match=r"essai: names: b: 'x' stands for a already"):
        load_themes(HEAD + twice)
    with pytest.raises(ThemesMistake, match="'confidence' is missing"):
        load_themes(HEAD + "  a: {name: A, written: [X]}\n")
