"""The calendar's file is read strictly, and everything doubtful in it is a setting."""

from datetime import date

import pytest

from service.domain.vaccination import CalendarMistake, Given, assess, built_in_calendar, load_calendar
from service.domain.vaccine_calendar import FOLDER

CALENDAR = built_in_calendar()
TEXT = (FOLDER / "ml-pev-2026.yaml").read_text(encoding="utf-8")
DOB = date(2025, 1, 15)


def test_every_parameter_and_series_tells_how_sure_it_is():
    assert all(parameter.confidence for parameter in CALENDAR.parameters.values())
    assert all(series.confidence and series.sources and series.why for series in CALENDAR.series.values())
    assert CALENDAR.parameters["defaulter_after_days"].assumption
    assert set(CALENDAR.disabled) == {"HEPB_BD", "IPV2", "MEN5"}


def test_only_some_districts_give_r21():
    assert CALENDAR.profile_for("Commune III") == "infant"
    assert CALENDAR.profile_for(None) == "infant"
    assert CALENDAR.profile_for("Kalaban-Coro") == "infant_r21"
    assert CALENDAR.profile_for("DIOILA ") == "infant_r21"
    assert CALENDAR.profile_for("Commune III", "girl", sex="F") == "girl_hpv"
    with pytest.raises(CalendarMistake, match="no profile of choice 'girl'"):
        CALENDAR.profile_for("Commune III", "girl", sex="M")


def test_a_programme_settles_a_number_otherwise_and_the_calendar_itself_stays():
    early = [Given("PENTA", date(2025, 2, 22))]
    kind = CALENDAR.with_parameters(grace_days=4)
    assert assess(kind, "infant", DOB, date(2025, 3, 1), early).invalid == ()
    assert assess(CALENDAR, "infant", DOB, date(2025, 3, 1), early).invalid != ()
    assert assess(kind, "infant", DOB, date(2025, 3, 1), early, grace_days=0).invalid != ()
    assert kind.parameters["grace_days"].value == 4
    assert CALENDAR.parameters["grace_days"].value == 0


def test_every_parameter_changes_an_answer():
    def statuses(calendar, day, doses=()):
        found = assess(calendar, "infant", DOB, day, [Given(*dose) for dose in doses])
        return {dose.dose: (dose.status, dose.due_on) for dose in found.due + found.upcoming}

    day = date(2025, 3, 8)
    assert statuses(CALENDAR, day)["PENTA1"][0] == "due"
    assert statuses(CALENDAR.with_parameters(due_window_days=9), day)["PENTA1"][0] == "overdue"
    both = CALENDAR.with_parameters(due_window_days=5, defaulter_after_days=9)
    assert statuses(both, day)["PENTA1"][0] == "defaulter"
    mr = [("MR", date(2025, 10, 15))]
    wider = CALENDAR.with_parameters(live_spacing_days=30)
    assert statuses(wider, date(2025, 10, 16), mr)["YF"][1] == date(2025, 11, 14)
    late = [("PENTA", date(2025, 12, 1)), ("PENTA", date(2026, 1, 1))]
    assert statuses(CALENDAR, date(2026, 1, 2), late)["PENTA3"][1] == date(2026, 1, 29)
    sooner = CALENDAR.with_parameters(late_dtp_start_months=10, late_dtp_interval_2_3_months=5)
    assert statuses(sooner, date(2026, 1, 2), late)["PENTA3"][1] == date(2026, 6, 1)
    assert assess(CALENDAR, "infant", DOB, date(2025, 10, 15), []).penta_zero_dose is False
    early = CALENDAR.with_parameters(zero_dose_from_months=9)
    assert assess(early, "infant", DOB, date(2025, 10, 15), []).penta_zero_dose is True


@pytest.mark.parametrize("values", [{"grace": 4}, {"grace_days": -1}, {"grace_days": "4"}])
def test_a_wrong_parameter_is_refused(values):
    with pytest.raises(CalendarMistake):
        CALENDAR.with_parameters(**values)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("  grace_days: {value: 0", "  grace_days: {value: none", "'value' must be a whole number"),
        ("  grace_days: {value: 0, confidence: medium", "  grace_days: {value: 0, confidence: sure", "one of high"),
        ("  grace_days: {", "  grace_dayz: {", "'grace_days' is missing"),
        ("    record_as: BCG", "    recorded_as: BCG", "'record_as' is missing"),
        ("    live: oral", "    live: yes", "'live' must be one of injectable, oral, no"),
        ("recommended: 42 days", "recommended: 6 weekz", "'recommended' must be like '42 days'"),
        ("recommended: 42 days", "recommended: 41 days", "recommended before its 'min_age'"),
        ("recommended: 98 days, min_age: 42", "recommended: 60 days, min_age: 42", "before the dose that goes before"),
        ("{id: R21_5", "{id: R21_4", "'R21_4' is there twice"),
        ("{id: OPV0, recommended: 0 days,", "{id: OPV0,", "either 'recommended' or 'season'"),
        ("birth_dose_of: OPV ", "birth_dose_of: PCV ", "must name a series recorded alike"),
        ("infant: [BCG, OPV0, PENTA, OPV, ", "infant: [BCG, OPV0, PENTA, ", "'OPV0' goes with 'OPV'"),
        ("girl_hpv: [HPV]", "girl_hpv: [HPW]", "series 'HPW' is not in 'series'"),
        ("  girl: [girl_hpv]", "  girl: [girl]", "profile 'girl' is not in 'profiles'"),
        ("doses: [BCG, OPV0]}", "doses: [BCG, OPV00]}", "dose 'OPV00' is in no series"),
        ("sources: [ML7]", "sources: [ML77]", "source 'ML77' is not in 'sources'"),
        ("calendar: ml-pev-2026", "calender: ml-pev-2026", "'calendar' is missing"),
        ("country: ML", "country: ML\ncountry: SN", "'country' is written twice"),
        ("country: ML", "country: ML\nmood: good", "'mood' is not a key here"),
        ("month: 5, day: 1", "month: 5, day: 31", "day 1 to 28"),
        ("{id: w10, at: 70 days", "{id: w10, at: 40 days", "visits must be in order of age"),
        ("  MEN5: {", "  IPV: {", "both disabled and in 'series'"),
        ("series:\n", "series: [\n", "not readable as YAML"),
    ],
)
def test_a_mistake_in_the_file_is_named(old, new, words):
    assert old in TEXT
    with pytest.raises(CalendarMistake) as mistake:
        load_calendar(TEXT.replace(old, new, 1))
    assert words in str(mistake.value)
    assert "\n" not in str(mistake.value)


def test_unknown_names_are_answered_with_the_known_ones():
    with pytest.raises(CalendarMistake, match="known: infant, infant_r21, girl_hpv"):
        CALENDAR.plan("adult")
    with pytest.raises(CalendarMistake, match="known: birth, w6"):
        CALENDAR.visit("w7")
    with pytest.raises(CalendarMistake, match="known: ml-pev-2026"):
        built_in_calendar("../x")


def test_remembered_birth_dates_do_not_pile_up():
    plan = built_in_calendar().plan("infant")
    for day in range(9000):
        plan.days_of(date.fromordinal(date(2000, 1, 1).toordinal() + day))
    assert len(plan._remembered) <= 4096
