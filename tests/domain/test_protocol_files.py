"""Every reader of a follow-up file: a mistake is one line with its place, and the files that come are whole."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from service.domain.cover import built_in_renewal, load_renewal
from service.domain.data_files import Table
from service.domain.malaria_rounds import built_in_malaria, load_malaria
from service.domain.protocol_file import FOLDER, load_protocol, read_built_in
from service.domain.protocol_parameters import ProtocolMistake, offset
from service.domain.protocols import built_in_protocol
from service.domain.rations import built_in_nutrition, load_nutrition

READERS: dict[str, Callable] = {
    "ml-anc-pnc-2026": load_protocol,
    "ml-mutual-renewal": load_renewal,
    "ml-nutrition-2026": load_nutrition,
    "ml-smc-2026": load_malaria,
}

MISTAKES = [
    # any file
    ("ml-anc-pnc-2026", "country: ML", "contry: ML", "ml-anc-pnc-2026: 'country' is missing"),
    ("ml-anc-pnc-2026", "country: ML", "country: ML\nmessage_fr: x", "'message_fr' is not a key here"),
    ("ml-anc-pnc-2026", "country: ML", "country: ML\ncountry: ML", "'country' is written twice"),
    (
        "ml-anc-pnc-2026",
        "early_days: {value: 7,",
        "early_days: {value: 7.5,",
        "early_days: 'value' must be a whole number",
    ),
    (
        "ml-anc-pnc-2026",
        "early_days: {value: 7,",
        "early_days: {value: -7,",
        "early_days: 'value' must be a whole number",
    ),
    (
        "ml-anc-pnc-2026",
        "early_days: {value: 7, confidence: low",
        "early_days: {value: 7, confidence: sure",
        "one of high, medium, low",
    ),
    (
        "ml-anc-pnc-2026",
        "confidence: medium, sources: [W5]}",
        "confidence: medium}",
        "says neither 'sources' nor 'why'",
    ),
    ("ml-anc-pnc-2026", "sources: [W4, ML12]}", "sources: [W44]}", "source 'W44' is not in 'sources'"),
    ("ml-anc-pnc-2026", "value: who_2016", "value: who_2030", "'value' must be one of who_2016, focused_4"),
    ("ml-anc-pnc-2026", "one_of: [who_2016, focused_4]", "one_of: [who_2016]", "one_of: who_2016, focused_4"),
    (
        "ml-anc-pnc-2026",
        "chosen_by: postnatal_model",
        "chosen_by: early_days",
        "'early_days' must be a parameter with one_of",
    ),
    ("ml-anc-pnc-2026", "  birth:\n", "  naissance:\n", "'naissance' is no anchor; known: last_menses, birth"),
    (
        "ml-anc-pnc-2026",
        "{iptp_target_doses} prises",
        "{doses} prises",
        "'text_fr' names {doses}, which is no parameter",
    ),
    ("ml-anc-pnc-2026", "first: 13 weeks", "first: 3 months", "'first' must be like '12 weeks'"),
    ("ml-anc-pnc-2026", "carried: true", "carried: oui", "'carried' must be one of true, false"),
    # contacts
    ("ml-anc-pnc-2026", "contact: w20,", "contact: w12,", "contact 'w12' is there twice"),
    ("ml-anc-pnc-2026", "best: 20 weeks,", "best: 22 weeks,", "'best' must be within 'opens' and 'closes'"),
    (
        "ml-anc-pnc-2026",
        "opens: 20 weeks - early_days",
        "opens: 20 weeks - soon",
        "'opens' names 'soon', which is no parameter with a number",
    ),
    (
        "ml-anc-pnc-2026",
        "opens: 41 weeks, best: 41 weeks, closes: 42 weeks, caught_up: 46 weeks",
        "opens: 41 weeks, best: 41 weeks, closes: 42 weeks, caught_up: until next contact",
        "no contact comes after this one",
    ),
    ("ml-anc-pnc-2026", "caught_up: 46 weeks", "caught_up: 41 weeks", "'caught_up' must be a day on or after 'closes'"),
    (
        "ml-anc-pnc-2026",
        "closes: 14 days, caught_up: until next contact",
        "closes: 36 days, caught_up: never",
        "'w6' opens before 'd7' has ended",
    ),
    (
        "ml-anc-pnc-2026",
        "acts: [both, newborn, calendar], remind: false",
        "acts: [both, vaccin], remind: false",
        "act 'vaccin' is not in 'acts'",
    ),
    ("ml-anc-pnc-2026", "remind: true}", "remind: maybe}", "'remind' must be one of true, false"),
    ("ml-anc-pnc-2026", "remind: true}", "remind: true, sms: oui}", "contacts 1: 'sms' is not a key here"),
    (
        "ml-smc-2026",
        "follows: day1, opens: 1 day",
        "follows: day3, opens: 1 day",
        "follows 'day3', which is not before it",
    ),
    (
        "ml-smc-2026",
        "closes: announced end, caught_up: never",
        "closes: announced end, caught_up: 9 days",
        "'caught_up' must be one of never",
    ),
    ("ml-anc-pnc-2026", "silent_from: 41 weeks", "silent_from: bientôt", "'silent_from' must be like '12 weeks'"),
    # rounds
    ("ml-smc-2026", "band: infant, from", "band: infant, sex: F, from", "age_bands 1: 'sex' is not a key here"),
    ("ml-smc-2026", "from_months: larger_dose_months", "from_months: 13", "'child' must begin where 'infant' ends"),
    ("ml-smc-2026", "from_months: youngest_months", "from_months: three", "'from_months' must be a whole number"),
    (
        "ml-smc-2026",
        "from: 2024-07-18, to: 2024-07-22",
        "from: 2024-07-18, to: 2024-07-17",
        "'from' must not be after 'to'",
    ),
    ("ml-smc-2026", "from: 2024-08-15", "from: 2024-08-14", "round 2 comes less than 28 days after the one before"),
    (
        "ml-smc-2026",
        "to: 2024-07-22",
        "to: 2024-08-15",
        "round 2 comes less than 28 days after the one before, or before its end",
    ),
    ("ml-smc-2026", "from: 2024-11-07", "from: 2024-02-30", "'from' must be a date like"),
    ("ml-smc-2026", "from: 2024-11-07, to: 2024-11-11", "from: 2025-11-07, to: 2025-11-11", "round 5 is not in 2024"),
    (
        "ml-smc-2026",
        "    extension_districts: [Kadiolo,",
        "    extension_districts: [Kati,",
        "an extension district must be one of 'districts'",
    ),
    # treatments
    ("ml-nutrition-2026", "    product: RUTF", "    produit: RUTF", "treatments: optima: 'product' is missing"),
    (
        "ml-nutrition-2026",
        "when: [yellow], below_mm: 120",
        "when: [orange], below_mm: 120",
        "'orange' is no meaning of the tape",
    ),
    ("ml-nutrition-2026", "when: [yellow], below_mm: 120, ", "when: [yellow], ", "a line for yellow is never reached"),
    (
        "ml-nutrition-2026",
        "kcal_per_kg_day: 170",
        "kcal_per_kg_day: 170, sachets_per_day: 2",
        "give either 'kcal_per_kg_day' or 'sachets_per_day'",
    ),
    (
        "ml-nutrition-2026",
        "kcal_per_kg_day: 170",
        "kcal_per_kg_day: beaucoup",
        "'kcal_per_kg_day' must be a whole number, 1 or more",
    ),
    (
        "ml-nutrition-2026",
        "good_visits: optima_good_visits",
        "good_visits: 0",
        "'good_visits' must be a whole number, 1 or more",
    ),
    ("ml-nutrition-2026", "sachet_kcal: {value: 500", "sachet_kcal: {value: 0", "'sachet_kcal' must be more than 0"),
    ("ml-nutrition-2026", "repeats: true, ", "", "no 'admission' with a visit that repeats"),
    # schemes
    ("ml-mutual-renewal", "ends: end_of_card,", "ends: birth,", "'ends' must be one of end_of_cover, end_of_card"),
    (
        "ml-mutual-renewal",
        "valid_months: ramed_valid_months",
        "valid_months: 0",
        "'valid_months' must be a whole number, 1 or more",
    ),
    (
        "ml-mutual-renewal",
        "valid_months: ramed",
        "valid_years: ramed",
        "schemes: RAMED: 'valid_years' is not a key here",
    ),
]


@pytest.mark.parametrize(("name", "old", "new", "words"), MISTAKES)
def test_a_mistake_in_a_file_is_one_line_with_its_place(name: str, old: str, new: str, words: str) -> None:
    text = read_built_in(name)
    assert old in text
    with pytest.raises(ProtocolMistake) as mistake:
        READERS[name](text.replace(old, new, 1))
    assert words in str(mistake.value)
    assert "\n" not in str(mistake.value)


def test_every_file_in_the_folder_is_read_by_its_reader() -> None:
    assert {file.stem for file in FOLDER.iterdir()} == set(READERS)
    for name, read in READERS.items():
        found = read(read_built_in(name))
        assert getattr(found, "protocol", found).name == name


def test_a_file_with_parts_of_its_own_is_not_taken_for_contacts_only() -> None:
    with pytest.raises(ProtocolMistake, match="'age_bands' is not a key here"):
        load_protocol(read_built_in("ml-smc-2026"))


def test_an_unknown_file_is_named_with_those_that_are_known() -> None:
    for name in ("ml-tb-2026", "../places/commune3"):
        with pytest.raises(ProtocolMistake, match="known: ml-anc-pnc-2026, ml-mutual-renewal"):
            built_in_protocol(name)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"late_day": 3}, "parameter 'late_day' is unknown; known: antenatal_model"),
        ({"late_days": -1}, "'late_days' must be a whole number"),
        ({"late_days": True}, "'late_days' must be a whole number"),
        ({"late_days": "3"}, "'late_days' must be a whole number"),
        ({"antenatal_model": "six"}, "'antenatal_model' must be one of who_2016, focused_4"),
        ({"late_days": 7}, "'caught_up' must be a day on or after 'closes', and before the next contact opens"),
    ],
)
def test_a_setting_that_cannot_be_is_refused(values: dict, words: str) -> None:
    with pytest.raises(ProtocolMistake) as mistake:
        built_in_protocol("ml-anc-pnc-2026").with_parameters(values)
    assert words in str(mistake.value)


def test_a_setting_reaches_the_days_the_figures_and_the_words_and_leaves_the_rest() -> None:
    anc = built_in_protocol("ml-anc-pnc-2026")
    settled = anc.with_parameters({"late_days": 3, "iptp_target_doses": 4})
    first, before = settled.contacts["last_menses"][0], anc.contacts["last_menses"][0]
    assert (first.closes, before.closes) == (84 + 3, 84 + 6)
    assert "au moins 4 prises" in first.acts[2].text_fr
    assert "au moins 3 prises" in before.acts[2].text_fr
    again = settled.with_parameters({"early_days": 2})
    assert (again.number("late_days"), again.number("early_days")) == (3, 2), "what was settled stays settled"
    assert built_in_malaria().with_parameters({"extension_below_months": 120}).bands[2].below_months == 120
    assert built_in_nutrition().with_parameters({"optima_visit_days": 14}).visit_days == 14
    assert built_in_renewal().with_parameters({"ramed_valid_months": 24}).schemes["RAMED"].valid_months == 24


def test_a_setting_keeps_what_is_known_about_it() -> None:
    found = built_in_protocol("ml-anc-pnc-2026").with_parameters({"late_days": 3}).parameters["late_days"]
    assert (found.value, found.confidence, found.assumption) == (3, "low", True)


@pytest.mark.parametrize(
    ("written", "days"),
    [("12 weeks", 84), ("0 days", 0), ("3 days before", -3), ("2 weeks + a", 24), ("1 day before - a + b", -10)],
)
def test_an_offset_is_a_number_of_days(written: str, days: int) -> None:
    parameters = load_protocol(read_built_in("ml-anc-pnc-2026")).parameters
    late = parameters["late_days"]
    known = {"a": late._replace(value=10), "b": late._replace(value=1)}
    assert offset(Table({"best": written}, "x", ProtocolMistake), "best", known) == days


@pytest.mark.parametrize("written", ["12", "weeks", "1 month", "2 weeks +a", "+ a", "-3 days", "2 weeks + a +"])
def test_what_is_no_offset_is_refused(written: str) -> None:
    with pytest.raises(ProtocolMistake, match=r"like .12 weeks.|no parameter"):
        offset(Table({"best": written}, "x", ProtocolMistake), "best", {})
