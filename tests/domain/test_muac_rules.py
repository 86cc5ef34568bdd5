"""The upper arm: every boundary of the bands, and what overrides the tape."""

from __future__ import annotations

import pytest

from service.domain.muac import FOLDER, CannotBe, MuacMistake, built_in_rules, load_rules

RULES = built_in_rules()
TEXT = (FOLDER / "ml-muac.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("mm", "band"),
    [
        (60, "red"), (114, "red"), (115, "yellow"), (116, "yellow"), (124, "yellow"), (125, "green"), (250, "green"),
    ],
)  # fmt: skip
def test_a_width_has_its_band(mm: int, band: str) -> None:
    found = RULES.classify(mm=mm, age_months=24)
    assert (found.band, found.meaning) == (band, band)


@pytest.mark.parametrize("mm", [-1, 0, 11, 25, 59, 251, 1150])
def test_what_no_arm_measures_is_refused(mm: int) -> None:
    with pytest.raises(CannotBe, match="60 to 250"):
        RULES.classify(mm=mm, age_months=24)


@pytest.mark.parametrize("colour", ["", "blue", "rouge", "Red"])
def test_only_the_tapes_colours_are_colours(colour: str) -> None:
    with pytest.raises(CannotBe):
        RULES.classify(colour=colour, age_months=24)


@pytest.mark.parametrize("colour", ["red", "yellow", "green"])
def test_a_colour_without_a_width_is_enough(colour: str) -> None:
    assert RULES.classify(colour=colour, age_months=24).meaning == colour


def test_a_width_counts_more_than_the_colour_told() -> None:
    assert RULES.classify(mm=114, colour="green", age_months=24).band == "red"


@pytest.mark.parametrize("colour", ["red", "yellow", "green"])
def test_oedema_overrides_the_tape(colour: str) -> None:
    found = RULES.classify(colour=colour, oedema=True, age_months=24)
    assert (found.band, found.meaning, found.referral.within_days) == (colour, "oedema", 0)


@pytest.mark.parametrize("oedema", [True, False])
def test_a_danger_sign_overrides_everything(oedema: bool) -> None:
    found = RULES.classify(colour="green", oedema=oedema, danger=True, age_months=2)
    assert (found.meaning, found.referral.to, found.referral.within_days) == ("danger", "nearest_centre", 0)


@pytest.mark.parametrize(("age", "classified"), [(0, False), (5, False), (6, True), (59, True), (60, False)])
def test_the_tape_is_for_six_to_fifty_nine_months(age: int, classified: bool) -> None:
    assert RULES.takes_age(age) is classified
    found = RULES.classify(mm=130, age_months=age)
    assert found.meaning == ("green" if classified else "not_classified")


def test_oedema_counts_at_any_age() -> None:
    assert RULES.classify(mm=130, oedema=True, age_months=70).meaning == "oedema"


@pytest.mark.parametrize(("colour", "days"), [("red", 1), ("yellow", 7), ("green", 30)])
def test_each_band_has_its_time_and_its_certainty(colour: str, days: int) -> None:
    referral = RULES.classify(colour=colour, age_months=24).referral
    assert referral.within_days == days
    assert referral.confidence in ("medium", "low"), "the days are assumptions: settings, soft words"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("below: 115, confidence", "below: 114, confidence", "begin where the one before it ends"),
        ("from: 6, to: 59", "from: 60, to: 59", "must be below"),
        ("{band: red,", "{band: green,", "in this order"),
        ("when: yellow, to", "when: green, to", "say nothing of yellow"),
        ("from: 60, to: 250", "from: 120, to: 250", "within 120 to 250 mm"),
        ("confidence: high, sources: [W9]", "confidence: sure, sources: [W9]", "one of high, medium, low"),
        ("within_days: 7, confidence: medium, sources: [N7]", "confidence: medium", "'within_days' is missing"),
        ("country: ML", "country: ML\nunits: mm", "'units' is not a key here"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_is_refused_in_a_sentence(old: str, new: str, words: str) -> None:
    assert old in TEXT
    with pytest.raises(MuacMistake, match=words) as told:
        load_rules(TEXT.replace(old, new, 1))
    assert "\n" not in str(told.value)
