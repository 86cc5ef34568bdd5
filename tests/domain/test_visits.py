"""From a mother's memory to doses, and from a schedule to appointments."""

import itertools
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.domain.ages import birth_of_age
from service.domain.contacts import Contact, coming_contacts, planning_day
from service.domain.vaccination import Given, add_months, assess, built_in_calendar
from service.domain.visits import doses_of_contact, visits_made, visits_so_far

CALENDAR = built_in_calendar()
DOB = date(2025, 1, 15)
VISITS = [visit.id for visit in CALENDAR.visits]


def made(last, on, today, dob=DOB):
    return visits_made(CALENDAR, dob, last, on, "infant", today=today)


def by_visit(doses):
    return {dose.visit: (dose.on, dose.quality) for dose in doses}


def test_only_visits_whose_age_has_come_are_asked_about():
    assert visits_so_far(CALENDAR, DOB, DOB) == ("birth",)
    assert visits_so_far(CALENDAR, DOB, date(2025, 2, 25)) == ("birth",)
    assert visits_so_far(CALENDAR, DOB, date(2025, 2, 26)) == ("birth", "w6")
    assert visits_so_far(CALENDAR, DOB, date(2027, 1, 1)) == tuple(VISITS)


def test_the_doses_of_a_visit():
    assert doses_of_contact(CALENDAR, "w14") == ("PENTA3", "OPV3", "PCV3", "ROTA3", "IPV1")
    assert doses_of_contact(CALENDAR, "w14", "girl_hpv") == ()


def test_nothing_was_given_yet():
    assert made(None, None, date(2025, 6, 1)) == made("none", None, date(2025, 6, 1)) == ()


def test_earlier_visits_get_their_recommended_dates():
    found = made("w14", date(2025, 5, 2), date(2025, 6, 1))
    assert by_visit(found) == {
        "birth": (DOB, "assumed"),
        "w6": (date(2025, 2, 26), "assumed"),
        "w10": (date(2025, 3, 26), "assumed"),
        "w14": (date(2025, 5, 2), "told"),
    }
    assert [dose.antigen for dose in found if dose.visit == "birth"] == ["BCG", "OPV"]
    assert assess(CALENDAR, "infant", DOB, date(2025, 6, 1), [Given(d.antigen, d.on) for d in found]).invalid == ()


def test_a_last_visit_without_a_date_is_assumed_too():
    assert by_visit(made("w6", None, date(2025, 3, 10)))["w6"] == (date(2025, 2, 26), "assumed")


def test_a_last_visit_told_early_moves_the_visit_before_it_to_keep_the_interval():
    found = by_visit(made("w10", date(2025, 3, 29), date(2025, 6, 1), dob=date(2025, 1, 10)))
    assert found["w6"] == (date(2025, 2, 21), "assumed")  # 42 days: an age kept
    late = by_visit(made("w14", date(2025, 4, 20), date(2025, 6, 1)))
    assert late["w10"] == (date(2025, 3, 23), "assumed")  # 28 days before the day told
    assert late["w6"] == (date(2025, 2, 26), "assumed")  # cannot be sooner than 42 days


def test_days_outside_of_the_childs_life_are_moved_inside_and_no_longer_told():
    assert by_visit(made("birth", date(2025, 1, 1), date(2025, 6, 1)))["birth"] == (DOB, "assumed")
    assert by_visit(made("birth", date(2025, 7, 1), date(2025, 6, 1)))["birth"] == (date(2025, 6, 1), "assumed")
    assert by_visit(made("w6", None, date(2025, 2, 1)))["w6"] == (date(2025, 2, 1), "assumed")


@settings(max_examples=200, deadline=None)
@given(
    st.dates(date(2020, 1, 1), date(2026, 1, 1)),
    st.sampled_from(VISITS),
    st.one_of(st.none(), st.integers(-20, 700)),
    st.integers(0, 700),
)
def test_whatever_is_told_the_doses_fit_into_the_childs_life(dob, last, told_age, age):
    today = dob + timedelta(age)
    told = None if told_age is None else dob + timedelta(told_age)
    found = made(last, told, today, dob)
    assert last in by_visit(found)
    days = [by_visit(found)[visit][0] for visit in VISITS if visit in by_visit(found)]
    assert len({(dose.antigen, dose.on) for dose in found}) == len(found), "an antigen once a day"
    assert all(dob <= day <= today for day in days)
    assert all(before < after or after == dob for before, after in itertools.pairwise(days))
    assert {quality for visit, (_, quality) in by_visit(found).items() if visit != last} <= {"assumed"}
    assess(CALENDAR, "infant", dob, today, [Given(dose.antigen, dose.on) for dose in found])


@settings(max_examples=200, deadline=None)
@given(st.dates(date(2020, 1, 1), date(2026, 1, 1)), st.sampled_from(VISITS), st.integers(0, 60))
def test_a_child_on_time_who_goes_on_is_believed_entirely(dob, last, days_late):
    on = CALENDAR.visit(last).at.after(dob) + timedelta(days_late)
    found = made(last, on, on, dob)
    assert assess(CALENDAR, "infant", dob, on, [Given(dose.antigen, dose.on) for dose in found]).invalid == ()


@settings(max_examples=200)
@given(st.dates(date(2015, 1, 1), date(2030, 12, 31)), st.integers(0, 60), st.sampled_from(["months", "years"]))
def test_an_age_becomes_the_latest_birth_date_it_can_mean(today, number, unit):
    months = number * 12 if unit == "years" else number
    dob = birth_of_age(today, number, unit)
    assert add_months(dob, months) <= today < add_months(dob + timedelta(1), months)


def test_an_age_in_weeks():
    assert birth_of_age(date(2025, 2, 26), 6, "weeks") == DOB
    with pytest.raises(ValueError):
        birth_of_age(date(2025, 2, 26), -1, "weeks")


def contacts(as_of, doses, enrolled_on):
    return coming_contacts(assess(CALENDAR, "infant", DOB, as_of, doses), enrolled_on)


def test_doses_due_on_one_day_are_one_contact():
    birth = [Given("BCG", DOB), Given("OPV", DOB)]
    first, second, third = contacts(date(2025, 1, 20), birth, DOB)
    assert first == Contact(("OPV1", "PCV1", "PENTA1", "ROTA1"), date(2025, 2, 26), date(2030, 1, 15))
    assert second == Contact(("IPV1",), date(2025, 4, 23), date(2030, 1, 15))
    assert third == Contact(("MENA", "MR1", "YF"), date(2025, 10, 15), None)


def test_a_child_enrolled_late_has_one_contact_on_the_day_of_enrolment():
    enrolled = date(2025, 6, 15)
    first, second = contacts(enrolled, [], enrolled)
    assert first.anchor_on == enrolled
    assert first.doses == ("BCG", "IPV1", "OPV1", "PCV1", "PENTA1", "ROTA1")
    assert second.anchor_on == date(2025, 10, 15)


@pytest.mark.parametrize("days", [0, 5, 30, 100])
def test_the_anchor_stays_while_days_go_by(days):
    birth = [Given("BCG", DOB), Given("OPV", DOB)]
    asked = date(2025, 2, 26) + timedelta(days)
    assert contacts(asked, birth, DOB)[0].anchor_on == date(2025, 2, 26)


def test_planning_asks_for_tomorrow_when_a_live_dose_was_given_today():
    today = date(2025, 10, 15)
    doses = [Given("MR", today)]
    assert planning_day(today, []) == planning_day(today, [Given("MR", today - timedelta(1))]) == today
    assert planning_day(today, doses) == today + timedelta(1)
    yellow_fever = [c for c in contacts(planning_day(today, doses), doses, DOB) if "YF" in c.doses]
    assert yellow_fever[0].anchor_on == date(2025, 11, 12)
