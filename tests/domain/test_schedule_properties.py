"""The schedule against a second, slow and plain reading of the same rules, and what must hold for every child."""

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.domain.vaccination import DoseError, Given, add_months, assess, built_in_calendar

CALENDAR = built_in_calendar()

# dose: (series, antigen, recommended, minimum age, before age); days as numbers, months as texts.
DOSES = {
    "BCG": ("BCG", "BCG", 0, 0, "12"),
    "OPV0": ("OPV0", "OPV", 0, 0, 14),
    **{f"PENTA{n}": ("PENTA", "PENTA", 14 + 28 * n, 42, "60") for n in (1, 2, 3)},
    **{f"OPV{n}": ("OPV", "OPV", 14 + 28 * n, 42, "60") for n in (1, 2, 3)},
    **{f"PCV{n}": ("PCV", "PCV", 14 + 28 * n, 42, "60") for n in (1, 2, 3)},
    **{f"ROTA{n}": ("ROTA", "ROTA", 14 + 28 * n, 42, "24") for n in (1, 2, 3)},
    "IPV1": ("IPV", "IPV", 98, 98, "60"),
    "MR1": ("MR", "MR", "9", "9", None),
    "MR2": ("MR", "MR", "15", "15", None),
    "YF": ("YF", "YF", "9", "9", None),
    "MENA": ("MENA", "MENA", "9", "9", None),
    "R21_1": ("R21", "R21", "5", "5", "36"),
    "R21_2": ("R21", "R21", "6", "5", None),
    "R21_3": ("R21", "R21", "7", "5", None),
    "R21_4": ("R21", "R21", "may", "5", None),
    "R21_5": ("R21", "R21", "may", "5", None),
    "HPV": ("HPV", "HPV", "120", "108", "180"),
}
PROFILES = {
    "infant": ["BCG", "OPV0", "PENTA", "OPV", "PCV", "ROTA", "IPV", "MR", "YF", "MENA"],
    "infant_r21": ["BCG", "OPV0", "PENTA", "OPV", "PCV", "ROTA", "IPV", "MR", "YF", "MENA", "R21"],
    "girl_hpv": ["HPV"],
}
LIVE = {"BCG", "MR", "YF"}


def later(day, age):
    """R1, told step by step."""
    if isinstance(age, int):
        return day + timedelta(age)
    year, month = day.year, day.month + int(age)
    while month > 12:
        year, month = year + 1, month - 12
    try:
        return date(year, month, day.day)
    except ValueError:
        return date(year, month + 1, 1)


def slow_assess(profile, dob, as_of, doses, grace):
    """Dose after dose in the order of time, looking at the whole history each time."""
    assert all(dob <= on <= as_of for _, on in doses)
    names = PROFILES[profile]
    places = {name: [dose for dose, row in DOSES.items() if row[0] == name] for name in names}
    antigens = {DOSES[ids[0]][1] for ids in places.values()}
    history = sorted({(on, antigen) for antigen, on in doses if antigen in antigens})
    filled = {name: [] for name in names}
    last = {}
    invalid = []

    def interval_after(name, previous):
        late = name == "PENTA" and len(filled[name]) == 2 and filled[name][0] >= later(dob, "12")
        return later(previous, "6" if late else 28)

    for on, antigen in history:
        name = antigen
        early = antigen == "OPV" and "OPV0" in names and (on - dob).days < 42 - grace
        if early and not filled["OPV0"]:
            filled["OPV0"].append(on)
            last["OPV"] = on
            continue
        if len(filled[name]) == len(places[name]):
            continue
        reasons = []
        if on < later(dob, DOSES[places[name][len(filled[name])]][3]) - timedelta(grace):
            reasons.append("too_young")
        if name in last and on < interval_after(name, last[name]) - timedelta(grace):
            reasons.append("interval_too_short")
        others = [day for day, other in history if other in LIVE and other != antigen]
        if antigen in LIVE and any(0 < (on - day).days < 28 for day in others):
            reasons.append("live_spacing")
        if reasons:
            invalid.append((antigen, on, tuple(reasons)))
        else:
            filled[name].append(on)
        last[name] = on

    due, upcoming, lapsed = [], [], []
    for name in names:
        if len(filled[name]) == len(places[name]):
            continue
        dose = places[name][len(filled[name])]
        _, antigen, recommended, _, before = DOSES[dose]
        days = [date(filled[name][-1].year + 1, 5, 1) if recommended == "may" else later(dob, recommended)]
        if name in last:
            days.append(interval_after(name, last[name]))
        if antigen in LIVE:
            held_by = [day for day, other in history if other in LIVE and other != antigen and day < as_of]
            days += [day + timedelta(28) for day in held_by]
        due_on = max(days)
        if before is not None and max(as_of, due_on) >= later(dob, before):
            lapsed.append(dose)
        elif as_of < due_on:
            upcoming.append((due_on, names.index(name), dose))
        else:
            late = (as_of - due_on).days
            due.append((dose, due_on, "due" if late <= 10 else "overdue" if late <= 28 else "defaulter"))
    upcoming = [(dose, due_on) for due_on, _, dose in sorted(upcoming)]
    infant = profile != "girl_hpv"
    penta = any(antigen == "PENTA" for _, antigen in history)
    wanted = {"BCG": 1, "OPV": 3, "PENTA": 3, "MR": 1}
    return {
        "due": due,
        "upcoming": upcoming,
        "lapsed": lapsed,
        "invalid": sorted(invalid, key=lambda dose: (dose[1], dose[0])),
        "next_contact": as_of if due else upcoming[0][1] if upcoming else None,
        "penta_zero_dose": (as_of >= later(dob, "12") and not penta) if infant else None,
        "fully_immunised_basic": all(len(filled[n]) >= k for n, k in wanted.items()) if infant else None,
    }


def as_plain(assessment):
    return {
        "due": [(dose.dose, dose.due_on, dose.status) for dose in assessment.due],
        "upcoming": [(dose.dose, dose.due_on) for dose in assessment.upcoming],
        "lapsed": list(assessment.lapsed),
        "invalid": [tuple(dose) for dose in assessment.invalid],
        "next_contact": assessment.next_contact,
        "penta_zero_dose": assessment.penta_zero_dose,
        "fully_immunised_basic": assessment.fully_immunised_basic,
    }


TURNING_DAYS = [0, 13, 14, 38, 41, 42, 66, 69, 70, 71, 97, 98, 126, 152, 183, 213, 273, 274, 275, 301, 303, 364, 366]
TURNING_DAYS += [393, 456, 457, 458, 540, 549, 730, 1095, 1826, 3287, 3652, 5479]
AGES = st.one_of(st.sampled_from(TURNING_DAYS), st.integers(0, 500), st.integers(0, 2000))
ANTIGENS = sorted({row[1] for row in DOSES.values()})


@st.composite
def children(draw, profiles=("infant", "infant", "infant_r21", "girl_hpv")):
    """A child with any history at all: (profile, dob, as_of, doses)."""
    dob = draw(st.dates(date(2019, 12, 1), date(2026, 2, 28)))
    focus = draw(st.lists(st.sampled_from([*ANTIGENS, "OTHER"]), min_size=1, max_size=4))
    steps = draw(st.lists(st.tuples(st.sampled_from(focus), AGES, st.integers(-5, 32)), max_size=12))
    doses = [Given(antigen, dob + timedelta(max(0, age + more))) for antigen, age, more in steps]
    asked = dob + timedelta(draw(AGES))
    as_of = max([asked, *(dose.on for dose in doses)])
    return draw(st.sampled_from(profiles)), dob, as_of, doses


@settings(max_examples=700, deadline=None)
@given(children(), st.sampled_from([None, 0, 4]))
def test_two_readings_of_the_rules_agree(child, grace):
    profile, dob, as_of, doses = child
    found = assess(CALENDAR, profile, dob, as_of, doses, grace_days=grace)
    assert as_plain(found) == slow_assess(profile, dob, as_of, doses, grace or 0)


@settings(max_examples=150, deadline=None)
@given(children(), st.randoms(use_true_random=False))
def test_the_order_of_the_file_does_not_matter_and_a_dose_written_twice_counts_once(child, random):
    profile, dob, as_of, doses = child
    shuffled = [*doses, *doses[:3]]
    random.shuffle(shuffled)
    assert assess(CALENDAR, profile, dob, as_of, shuffled) == assess(CALENDAR, profile, dob, as_of, doses)


@settings(max_examples=150, deadline=None)
@given(children(), st.integers(0, 10))
def test_antigens_outside_the_profile_change_nothing(child, age):
    profile, dob, as_of, doses = child
    more = [*doses, Given("OTHER", min(as_of, dob + timedelta(age)))]
    assert assess(CALENDAR, profile, dob, as_of, more) == assess(CALENDAR, profile, dob, as_of, doses)


@settings(max_examples=300, deadline=None)
@given(children())
def test_a_valid_dose_given_today_never_brings_the_next_of_its_series_nearer(child):
    profile, dob, as_of, doses = child
    before = assess(CALENDAR, profile, dob, as_of, doses)
    antigen_of = {name: series.record_as for name, series in CALENDAR.series.items()}
    for dose in before.due + before.upcoming:
        after = assess(CALENDAR, profile, dob, as_of, [*doses, Given(antigen_of[dose.series], as_of)])
        if any(one.antigen == antigen_of[dose.series] and one.on == as_of for one in after.invalid):
            continue
        for later_dose in after.due + after.upcoming:
            if later_dose.series == dose.series:
                assert later_dose.due_on >= dose.due_on


@settings(max_examples=200, deadline=None)
@given(children())
def test_what_holds_for_every_answer(child):
    profile, dob, as_of, doses = child
    found = assess(CALENDAR, profile, dob, as_of, doses)
    assert found == assess(CALENDAR, profile, dob, as_of, doses)
    listed = [dose.dose for dose in found.due + found.upcoming] + list(found.lapsed)
    assert len(listed) == len(set(listed)), "a dose is due, coming or lapsed, never two of them"
    assert all(dose.due_on <= as_of for dose in found.due)
    assert all(dose.due_on > as_of for dose in found.upcoming)
    assert all(d.lapses_on is None or max(d.due_on, as_of) < d.lapses_on for d in found.due + found.upcoming)
    assert found.next_contact is None or found.next_contact >= as_of
    assert found.complete == (found.next_contact is None)
    assert (found.penta_zero_dose is None) == (found.fully_immunised_basic is None) == (profile == "girl_hpv")


@settings(max_examples=150, deadline=None)
@given(children(profiles=("infant",)), st.integers(1, 1500))
def test_no_series_ever_starts_again_however_long_the_pause(child, pause):
    profile, dob, as_of, doses = child
    now = assess(CALENDAR, profile, dob, as_of, doses)
    later_on = assess(CALENDAR, profile, dob, as_of + timedelta(pause), doses)
    next_now = {dose.dose for dose in now.due + now.upcoming} | set(now.lapsed)
    next_later = {dose.dose for dose in later_on.due + later_on.upcoming} | set(later_on.lapsed)
    assert next_now == next_later
    assert now.invalid == later_on.invalid


@settings(max_examples=200)
@given(st.dates(date(1990, 1, 1), date(2060, 12, 31)), st.integers(0, 400))
def test_months_are_counted_on_the_calendar(day, months):
    found = add_months(day, months)
    assert found == later(day, str(months))
    assert add_months(day + timedelta(1), months) >= found, "a younger child is never called sooner"


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        (date(2025, 5, 31), 9, date(2026, 3, 1)),
        (date(2023, 5, 31), 9, date(2024, 3, 1)),
        (date(2023, 5, 29), 9, date(2024, 2, 29)),
        (date(2024, 2, 29), 12, date(2025, 3, 1)),
        (date(2025, 8, 31), 1, date(2025, 10, 1)),
        (date(2025, 12, 31), 2, date(2026, 3, 1)),
        (date(2025, 1, 15), 12, date(2026, 1, 15)),
    ],
)
def test_a_day_that_does_not_exist_becomes_the_first_of_the_next_month(day, months, expected):
    assert add_months(day, months) == expected


@pytest.mark.parametrize(
    ("as_of", "days", "code"),
    [
        (date(2025, 1, 14), [], "as_of_before_birth"),
        (date(2025, 1, 14), [date(2025, 1, 10)], "as_of_before_birth"),
        (date(2025, 2, 1), [date(2025, 2, 2)], "dose_after_as_of"),
        (date(2025, 2, 1), [date(2025, 2, 2), date(2025, 1, 14)], "dose_before_birth"),
    ],
)
def test_impossible_dates_are_refused_with_a_code(as_of, days, code):
    with pytest.raises(DoseError) as refused:
        assess(CALENDAR, "infant", date(2025, 1, 15), as_of, [Given("BCG", day) for day in days])
    assert refused.value.code == code
