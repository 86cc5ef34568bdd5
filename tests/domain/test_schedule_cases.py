"""The worked children and indicators, and what outside testers may write."""

import json
from datetime import date
from pathlib import Path

import pytest
import yaml

from service.domain.schedule_cases import CaseMistake, card, run_cases
from service.domain.vaccination import built_in_calendar

CALENDAR = built_in_calendar()
TEXT = (Path(__file__).parent / "data" / "schedule-cases.yaml").read_text(encoding="utf-8")
FILE = yaml.safe_load(TEXT)
RESULTS = {result["id"]: result for result in run_cases(TEXT, CALENDAR)}
ANSWER_KEYS = ["id", "due", "upcoming", "lapsed", "invalid", "next_contact", "penta_zero_dose", "fully_immunised_basic"]


def in_iso(value):
    if isinstance(value, dict):
        return {key: in_iso(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [in_iso(inner) for inner in value]
    return value.isoformat() if isinstance(value, date) else value


def one(**fields):
    case = {"id": "T", "profile": "infant", "dob": "2025-01-15", "as_of": "2025-03-01", **fields}
    return run_cases(json.dumps({"cases": [case]}), CALENDAR)[0]


@pytest.mark.parametrize("case", FILE["cases"], ids=lambda case: case["id"])
def test_a_worked_child(case):
    result = RESULTS[case["id"]]
    if "expect_error" in case:
        assert result == {"id": case["id"], "error": case["expect_error"]}
        return
    assert list(result) == ANSWER_KEYS
    for key, expected in in_iso(case["expect"]).items():
        assert result[key] == expected, f"{key}: {case['why']}"


@pytest.mark.parametrize("case", FILE["indicator_cases"], ids=lambda case: case["id"])
def test_a_worked_indicator(case):
    assert RESULTS[case["id"]] == {"id": case["id"], **case["expect"]}


def test_children_come_first_then_indicators_in_the_files_order():
    assert list(RESULTS) == [case["id"] for case in FILE["cases"] + FILE["indicator_cases"]]


def test_the_same_cases_as_json_give_the_same_answers():
    assert run_cases(json.dumps(in_iso(FILE), indent="\t"), CALENDAR) == list(RESULTS.values())


def test_doses_may_be_missing_null_or_grouped():
    assert one() == one(doses=None) == one(doses=[])
    grouped = one(doses=[{"date": "2025-01-15", "antigens": ["BCG", "OPV"]}])
    assert grouped == one(
        doses=[{"date": "2025-01-15", "antigen": "OPV"}, {"date": "2025-01-15T00:00:00", "antigens": "BCG"}]
    )


def test_extra_keys_and_unknown_antigens_change_nothing():
    doses = [{"date": "2025-01-15", "antigens": ["BCG"], "lot": "A1"}]
    strange = [*doses, {"date": "2025-02-01", "antigens": ["COVID"]}]
    assert one(doses=doses) == one(doses=strange, sex="M", title="x", expect={}, grace_days=None)


def test_grace_makes_a_dose_four_days_early_valid():
    doses = [{"date": "2025-01-15", "antigens": ["OPV"]}, {"date": "2025-02-22", "antigens": ["PENTA", "OPV"]}]
    assert {dose["antigen"] for dose in one(doses=doses)["invalid"]} == {"PENTA", "OPV"}
    assert one(doses=doses, grace_days=4)["invalid"] == []
    early = [{"date": "2025-02-21", "antigens": ["PENTA"]}]
    assert one(doses=early, grace_days=4)["invalid"][0]["reasons"] == ["too_young"]


def test_a_programme_with_grace_needs_none_in_the_case():
    case = {"id": 7, "profile": "infant", "dob": "2025-01-15", "as_of": "2025-03-01"}
    case["doses"] = [{"date": "2025-02-22", "antigens": ["PENTA"]}]
    text = json.dumps([case])
    assert run_cases(text, CALENDAR.with_parameters(grace_days=4))[0]["invalid"] == []
    assert run_cases(text, CALENDAR)[0]["id"] == 7


def test_every_reason_of_an_invalid_dose_is_listed_in_order():
    doses = [{"date": "2025-02-10", "antigens": ["BCG"]}, {"date": "2025-02-20", "antigens": ["MR"]}]
    doses.append({"date": "2025-02-28", "antigens": ["MR"]})
    assert [dose["reasons"] for dose in one(doses=doses)["invalid"]] == [
        ["too_young", "live_spacing"],
        ["too_young", "interval_too_short", "live_spacing"],
    ]


def test_errors_of_the_question_are_results():
    assert one(as_of="2025-01-14") == {"id": "T", "error": "as_of_before_birth"}
    assert one(doses=[{"date": "2025-03-02", "antigens": ["BCG"]}])["error"] == "dose_after_as_of"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"dob": None}, "case 1 (T): 'dob' is missing"),
        ({"dob": "2025-02-30"}, "'dob' must be a date like 2025-01-31, not '2025-02-30'"),
        ({"as_of": 5}, "'as_of' must be a date"),
        ({"profile": "adult"}, "'profile' must be one of infant, infant_r21, girl_hpv, not 'adult'"),
        ({"profile": None}, "'profile' must be one of"),
        ({"doses": {"date": "2025-01-15"}}, "'doses' must be a list"),
        ({"doses": ["BCG"]}, "dose 1: expected a date and its antigens"),
        ({"doses": [{"antigens": ["BCG"]}]}, "dose 1: 'date' is missing"),
        ({"doses": [{"date": "2025-01-15"}]}, "dose 1: 'antigens' must be a list of codes"),
        ({"doses": [{"date": "2025-01-15", "antigens": [1]}]}, "'antigens' must be a list of codes"),
        ({"grace_days": "four"}, "'grace_days' must be a whole number of days"),
        ({"grace_days": -1}, "'grace_days' must be a whole number of days"),
        ({"id": None}, "case 1: 'id' is missing"),
        ({"dob": "9999-12-01", "as_of": "9999-12-02"}, "too far"),
    ],
)
def test_what_cannot_be_read_is_said_in_one_line(fields, words):
    with pytest.raises(CaseMistake) as mistake:
        one(**fields)
    assert words in str(mistake.value)
    assert "\n" not in str(mistake.value)


@pytest.mark.parametrize("text", ["", "cases: {", "just words", "cases: 5", "[1]", "a: b", "{\t]", "'" * 3])
def test_a_file_that_holds_no_cases_is_refused(text):
    with pytest.raises(CaseMistake) as mistake:
        run_cases(text, CALENDAR)
    assert "\n" not in str(mistake.value)


def test_an_empty_list_of_cases_gives_no_results():
    assert run_cases("cases: []", CALENDAR) == run_cases("indicator_cases:", CALENDAR) == []


def test_a_date_that_does_not_exist_is_found_in_plain_yaml_too():
    text = "cases:\n  - {id: A, profile: infant, dob: 2025-02-30, as_of: 2025-03-01}"
    with pytest.raises(CaseMistake, match=r"case 1 \(A\): 'dob'"):
        run_cases(text, CALENDAR)


def indicator(**fields):
    return run_cases(json.dumps({"indicator_cases": [{"id": "I", **fields}]}), CALENDAR)[0]


@pytest.mark.parametrize(
    ("first", "last", "percent", "negative"),
    [(80, 92, -15.0, True), (0, 5, None, False), (3, 2, 33.3, False), (2000, 1999, 0.1, False), (1, 1, 0.0, False)],
)
def test_drop_out(first, last, percent, negative):
    result = indicator(indicator="dropout", counts={"from": first, "to": last})
    assert result == {"id": "I", "percent": percent, "negative": negative}


def test_half_a_tenth_goes_up_and_there_is_no_minus_zero():
    assert indicator(indicator="dropout", counts={"from": 2000, "to": 1995})["percent"] == 0.3
    almost = indicator(indicator="dropout", counts={"from": 100000, "to": 100001})
    assert str(almost["percent"]) == "0.0"
    assert almost["negative"] is True


@pytest.mark.parametrize(
    ("dose", "given", "timely"),
    [
        ("PENTA1", "2025-03-26", True),
        ("PENTA1", "2025-03-27", False),
        ("PENTA1", "2025-02-25", False),  # too young, so not valid
        ("MR1", "2025-11-12", True),
        ("R21_4", "2026-05-02", None),
    ],
)
def test_timely(dose, given, timely):
    assert indicator(indicator="timely", dose=dose, dob="2025-01-15", given=given) == {"id": "I", "timely": timely}


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"indicator": "dropout"}, "counts: expected a mapping"),
        ({"indicator": "dropout", "counts": {"from": 1}}, "'to' must be a whole number"),
        ({"indicator": "dropout", "counts": {"from": -1, "to": 1}}, "'from' must be a whole number"),
        ({"indicator": "timely", "dose": "X", "dob": "2025-01-15", "given": "2025-01-15"}, "dose 'X' is unknown"),
        ({"indicator": "other"}, "'indicator' must be dropout or timely"),
    ],
)
def test_an_indicator_that_cannot_be_read(fields, words):
    with pytest.raises(CaseMistake, match=words):
        indicator(**fields)


def test_a_card_in_french():
    assert card(RESULTS["C11"]) == (
        "C11\n"
        "  À venir\n"
        "    PENTA2  à partir du 22/04/2025\n"
        "    OPV2    à partir du 22/04/2025\n"
        "    PCV2    à partir du 22/04/2025\n"
        "    ROTA2   à partir du 22/04/2025\n"
        "    IPV1    à partir du 23/04/2025\n"
        "    MR1     à partir du 15/10/2025\n"
        "    YF      à partir du 15/10/2025\n"
        "    MENA    à partir du 15/10/2025\n"
        "  Doses non valables\n"
        "    OPV     du 25/03/2025 : trop tôt après la dose précédente\n"
        "    PCV     du 25/03/2025 : trop tôt après la dose précédente\n"
        "    PENTA   du 25/03/2025 : trop tôt après la dose précédente\n"
        "    ROTA    du 25/03/2025 : trop tôt après la dose précédente\n"
        "  Prochain contact : 22/04/2025\n"
        "  Penta zéro dose : non\n"
        "  Complètement vacciné (base) : non"
    )
    assert "très en retard" in card(RESULTS["C17"])
    assert "Âge dépassé : BCG, OPV0" in card(RESULTS["C17"])
    assert "aucun" in card(RESULTS["C27"])
    assert "sans objet" in card(RESULTS["C37"])
    assert "avant la naissance" in card(RESULTS["C39"])
    assert "15,0 %" in card(RESULTS["I01"])
    assert "personne" in card(RESULTS["I03"])
    assert "oui" in card(RESULTS["I07"])


@pytest.mark.parametrize(("first", "third_due"), [("2026-01-14", "2026-03-12"), ("2026-01-15", "2026-08-12")])
def test_penta_is_late_from_the_first_birthday_on(first, third_due):
    doses = [{"date": first, "antigens": ["PENTA"]}, {"date": "2026-02-12", "antigens": ["PENTA"]}]
    found = one(as_of="2026-02-13", doses=doses)
    assert {"dose": "PENTA3", "due_date": third_due} in found["upcoming"]


@pytest.mark.parametrize(("as_of", "flag"), [("2026-01-14", False), ("2026-01-15", True)])
def test_a_child_is_zero_dose_from_the_first_birthday_on_without_any_penta(as_of, flag):
    assert one(as_of=as_of)["penta_zero_dose"] is flag
    assert one(as_of=as_of, doses=[{"date": "2025-01-20", "antigens": ["PENTA"]}])["penta_zero_dose"] is False


def test_a_live_dose_too_many_still_holds_the_others():
    doses = [{"date": day, "antigens": ["BCG"]} for day in ("2025-01-15", "2025-10-10")]
    found = one(as_of="2025-10-20", doses=doses)
    assert found["invalid"] == []
    assert {"dose": "MR1", "due_date": "2025-11-07"} in found["upcoming"]
