"""Figures of hand-made children, whose right answer is written here; and what holds for any children at all."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.domain import indicator_definitions as names
from service.domain.indicator_counts import (
    ALL_DOSES,
    BORN_LATER,
    CONTROLLED,
    DOSE_BEFORE_BIRTH,
    NO_BIRTHDAY,
    NOT_PLANNED,
    UNKNOWN_PROFILE,
    ChildRecord,
    Counting,
    Reminded,
)
from service.domain.indicator_definitions import PARTS, ReportRules, definitions
from service.domain.indicators import WHOLE, Indicator, hide_small, is_timely
from service.domain.vaccination import Given, assess
from service.domain.vaccine_calendar import FOLDER as CALENDARS
from service.domain.vaccine_calendar import CalendarMistake, built_in_calendar, load_calendar

CALENDAR = built_in_calendar()
RULES = ReportRules(caught_up_days=14, long_late_days=90)
BORN = date(2026, 1, 15)  # six weeks old on 26 February, nine months on 15 October
AS_OF = date(2026, 11, 20)
SERIES = ("PENTA", "OPV", "PCV", "ROTA")
Figures = dict[tuple[str, str, str], Indicator]


def on_time(born: date = BORN, until: date = AS_OF) -> list[Given]:
    """Every dose of the calendar on its recommended day, but none after `until`."""
    doses = [Given("BCG", born), Given("OPV", born)]
    doses += [Given(antigen, born + timedelta(42 + 28 * n)) for n in range(3) for antigen in SERIES]
    doses += [Given("IPV", born + timedelta(98))]
    doses += [Given(antigen, born + timedelta(280)) for antigen in ("MR", "YF", "MENA")]
    return [dose for dose in doses if dose.on <= until]


def a_child(*doses: Given, born: date | None = BORN, **changes: object) -> ChildRecord:
    values = {"born_on": born, "birth_precision": "day", "profile": "infant", "doses": doses} | changes
    return ChildRecord(**values)  # type: ignore[arg-type]


def figures(*children: ChildRecord, as_of: date = AS_OF, group: str = WHOLE) -> Figures:
    counting = Counting(CALENDAR, RULES, as_of)
    for child in children:
        counting.add(child, group)
    return {(one.definition.key, one.name, one.group): one for one in counting.indicators()}


def counts(found: Figures, key: str, name: str, group: str = WHOLE) -> tuple[float | None, int | None, float | None]:
    one = found[key, name, group]
    return one.numerator, one.denominator, one.value


# --- coverage -----------------------------------------------------------------------------------------------


def test_coverage_counts_valid_doses_of_those_who_are_old_enough() -> None:
    too_soon = [Given("PENTA", BORN + timedelta(40)), Given("PENTA", BORN + timedelta(100))]
    young = date(2026, 9, 25)  # eight weeks on the day of the report: of age for PENTA1 only
    found = figures(
        a_child(*on_time()),
        a_child(*too_soon),  # the first is invalid: the second is PENTA1
        a_child(),
        a_child(Given("PENTA", young + timedelta(42)), born=young),
        a_child(*on_time(), followed=False),
    )
    assert counts(found, names.COVERAGE, "PENTA1") == (3, 4, 75.0)
    assert counts(found, names.COVERAGE, "PENTA2") == (1, 3, 33.3)
    assert counts(found, names.COVERAGE, "MR1") == (1, 3, 33.3)
    assert counts(found, names.COVERAGE, "MR2") == (0, 0, None)
    assert (names.COVERAGE, "R21_1", WHOLE) not in found, "no child of this district has it in its calendar"


def test_opv_of_birth_is_no_first_opv() -> None:
    found = figures(a_child(Given("OPV", BORN)))
    assert counts(found, names.COVERAGE, "OPV0") == (1, 1, 100.0)
    assert counts(found, names.COVERAGE, "OPV1") == (0, 1, 0.0)


def test_fully_immunised_of_those_who_could_be() -> None:
    young = date(2026, 6, 1)
    late = [dose for dose in on_time() if dose.antigen != "MR"]
    found = figures(a_child(*on_time()), a_child(*late), a_child(*on_time(young), born=young))
    assert counts(found, names.FULLY, "Base") == (1, 2, 50.0)


def test_zero_dose_from_twelve_months_on() -> None:
    born = date(2025, 11, 20)  # twelve months on the day
    one_bad = Given("PENTA", born + timedelta(10))  # too young: it does not count, but it is written down
    found = figures(
        a_child(born=born), a_child(one_bad, born=born), a_child(*on_time(born), born=born), a_child(born=BORN)
    )
    assert counts(found, names.ZERO_DOSE, "PENTA") == (1, 3, 33.3)


def test_drop_out_is_of_those_who_are_old_enough_for_the_last() -> None:
    begun = [dose for dose in on_time() if dose.on < BORN + timedelta(50)]
    young = date(2026, 9, 25)
    found = figures(
        a_child(*on_time()),
        a_child(*begun),
        a_child(),
        a_child(Given("PENTA", young + timedelta(42)), born=young),  # may still go on
    )
    assert counts(found, names.DROP_OUT, "PENTA1 → PENTA3") == (1, 2, 50.0)
    assert counts(found, names.DROP_OUT, "PENTA1 → MR1") == (1, 2, 50.0)


def test_a_negative_drop_out_is_kept() -> None:
    no_bcg = [dose for dose in on_time() if dose.antigen != "BCG"]
    found = figures(a_child(*on_time()), a_child(*no_bcg))
    assert counts(found, names.DROP_OUT, "BCG → MR1") == (-1, 1, -100.0)


def test_doses_noted_include_those_who_left_and_those_known_as_counts_only() -> None:
    counting = Counting(CALENDAR, RULES, AS_OF)
    counting.add(a_child(Given("PENTA", BORN + timedelta(3)), Given("PENTA", BORN + timedelta(80))))
    counting.add(a_child(*on_time(), followed=False))
    counting.add_noted(2026, "children", 2)
    counting.add_noted(2026, "dose:PENTA:1", 1)
    counting.add_noted(2026, "muac:red", 1)
    found = {(one.definition.key, one.name, one.group): one for one in counting.indicators()}
    assert counts(found, names.NOTED, "PENTA, 1 dose", "2026") == (3, 4, 75.0)
    assert counts(found, names.NOTED, "PENTA, 2 doses", "2026") == (2, 4, 50.0)
    assert counts(found, names.NOTED, "Complètement vaccinés (base)", "2026") == (1, 4, 25.0)
    assert not [one for one in found if "muac" in one[1]]


# --- time ---------------------------------------------------------------------------------------------------


def test_timeliness_leaves_out_what_nobody_knows_to_the_day() -> None:
    last = Given("PENTA", BORN + timedelta(42 + 28))
    after = Given("PENTA", BORN + timedelta(42 + 29))
    guessed = Given("BCG", BORN)
    found = figures(
        a_child(last),
        a_child(after),
        a_child(last, birth_precision="month"),
        a_child(guessed, assumed=frozenset([guessed])),
        a_child(Given("PENTA", BORN + timedelta(30))),  # invalid: neither early nor in time
    )
    assert counts(found, names.TIMELY, "PENTA1") == (1, 2, 50.0)
    assert counts(found, names.TIMELY, "BCG") == (0, 0, None)
    assert counts(found, names.TIMELY, ALL_DOSES) == (1, 2, 50.0)


@pytest.mark.parametrize(
    ("as_of", "band"),
    [
        ("2026-02-25", "À jour"),  # BCG and OPV0 were given, nothing is due
        ("2026-02-26", "À jour"),  # due today
        ("2026-02-27", "1 à 10 jours"),
        ("2026-03-08", "1 à 10 jours"),
        ("2026-03-09", "11 à 28 jours"),
        ("2026-03-26", "11 à 28 jours"),
        ("2026-03-27", "29 à 90 jours"),
        ("2026-05-27", "29 à 90 jours"),
        ("2026-05-28", "Plus de 90 jours"),
    ],
)
def test_a_child_stands_in_the_band_of_its_latest_dose(as_of: str, band: str) -> None:
    birth = Given("BCG", BORN), Given("OPV", BORN)
    found = figures(a_child(*birth), as_of=date.fromisoformat(as_of))
    assert counts(found, names.LATE, band) == (1, 1, 100.0)
    assert sum(one.numerator or 0 for (key, _, _), one in found.items() if key == names.LATE) == 1


def test_every_child_is_checked_or_it_is_said_why_not() -> None:
    early = Given("BCG", BORN - timedelta(1))
    found = figures(
        a_child(),
        a_child(born=None),
        a_child(early),
        a_child(born=AS_OF + timedelta(1)),
        a_child(profile="what"),
        a_child(planned=False),
        a_child(born=None, followed=False),
    )
    assert counts(found, names.CHECKED, CONTROLLED) == (1, 6, 16.7)
    for reason in (NO_BIRTHDAY, DOSE_BEFORE_BIRTH, BORN_LATER, UNKNOWN_PROFILE, NOT_PLANNED):
        assert counts(found, names.CHECKED, reason)[:2] == (1, 6), reason


def test_a_child_who_has_everything_needs_no_appointment() -> None:
    born = date(2025, 1, 15)
    doses = [*on_time(born), Given("MR", date(2026, 5, 1))]
    assert assess(CALENDAR, "infant", born, AS_OF, doses).complete
    assert counts(figures(a_child(*doses, born=born, planned=False)), names.CHECKED, CONTROLLED) == (1, 1, 100.0)


# --- reach --------------------------------------------------------------------------------------------------


def reminded(on: date, *doses: str, left: bool = True, delivered: bool = True) -> Reminded:
    return Reminded(on, doses or ("PENTA1",), left, delivered)


def test_a_child_caught_up_had_a_dose_of_that_contact_soon_after() -> None:
    day = BORN + timedelta(60)

    def after(days: int, antigen: str = "PENTA") -> Given:
        return Given(antigen, day + timedelta(days))

    found = figures(
        a_child(after(0), reminders=(reminded(day),)),
        a_child(after(14), reminders=(reminded(day),)),
        a_child(after(15), reminders=(reminded(day),)),
        a_child(after(-1), reminders=(reminded(day),)),
        a_child(after(1, "PCV"), reminders=(reminded(day),)),  # not of that contact
        a_child(after(2), reminders=(reminded(day, left=False, delivered=False),)),  # nobody read it
        a_child(after(2)),
    )
    assert counts(found, names.CAUGHT_UP, "Enfants") == (2, 5, 40.0)
    assert counts(found, names.REACHED, "Enfants") == (5, 6, 83.3)


# --- what a figure is ---------------------------------------------------------------------------------------


def test_nobody_gives_no_percent() -> None:
    for one in figures().values():
        assert (one.numerator, one.denominator, one.value, one.percent) == (0, 0, None, None)


@pytest.mark.parametrize(("top", "bottom", "percent"), [(1, 3, 33.3), (2, 3, 66.7), (1, 16, 6.3), (5, 5, 100.0)])
def test_one_decimal_half_up(top: int, bottom: int, percent: float) -> None:
    said = definitions(CALENDAR, RULES)
    assert Indicator(said[names.COVERAGE], "BCG", WHOLE, top, bottom).percent == percent


def test_a_cost_is_no_percent() -> None:
    one = Indicator(definitions(CALENDAR, RULES)[names.DELIVERED_COST], "Rappels", WHOLE, 37.25, 3)
    assert (one.value, one.percent) == (12.4, None)


def test_every_definition_is_one_sentence_with_a_source() -> None:
    said = definitions(CALENDAR, RULES)
    assert said.keys() == names.ALL
    assert sorted(said) == sorted(key for keys in PARTS.values() for key in keys)
    for one in said.values():
        assert one.says.endswith(".")
        assert one.says.count(". ") == 0
        assert one.source


def test_definitions_say_the_numbers_that_count() -> None:
    other = CALENDAR.with_parameters(timely_within_days=14, zero_dose_from_months=9)
    said = definitions(other, ReportRules(caught_up_days=21, long_late_days=60))
    assert "14 jours" in said[names.TIMELY].says
    assert "9 mois" in said[names.ZERO_DOSE].says
    assert "21 jours" in said[names.CAUGHT_UP].says
    counting = Counting(other, ReportRules(21, 60), AS_OF)
    assert "Plus de 60 jours" in [one.name for one in counting.indicators()]


# --- small groups -------------------------------------------------------------------------------------------


def split(*groups: tuple[str, int, int], name: str = "BCG") -> list[Indicator]:
    said = definitions(CALENDAR, RULES)[names.COVERAGE]
    whole = (WHOLE, sum(top for _, top, _ in groups), sum(bottom for _, _, bottom in groups))
    return [Indicator(said, name, *one) for one in (whole, *groups)]


def shown(found: list[Indicator]) -> list[tuple[float | None, int | None, str]]:
    return [(one.numerator, one.denominator, one.hidden) for one in found]


def test_small_groups_are_not_shown() -> None:
    found = hide_small(split(("A", 1, 4), ("B", 0, 2), ("C", 5, 5), ("D", 0, 0)), 5, whole_too=False)
    assert shown(found) == [(6, 11, ""), (None, None, "<5"), (None, None, "<5"), (5, 5, ""), (0, 0, "")]
    assert found[1].value is None


def test_the_total_does_not_tell_the_one_that_is_hidden() -> None:
    found = hide_small(split(("A", 1, 4), ("B", 6, 9), ("C", 7, 8)), 5, whole_too=False)
    assert shown(found) == [(14, 21, ""), (None, None, "<5"), (6, 9, ""), (None, None, "masqué")]


def test_the_total_of_one_small_group_is_that_group() -> None:
    found = hide_small(split(("A", 1, 4), ("B", 0, 0)), 5, whole_too=False)
    assert shown(found) == [(None, None, "masqué"), (None, None, "<5"), (0, 0, "")]


def test_of_one_quartier_the_whole_may_be_small_too() -> None:
    assert shown(hide_small(split(("2026-01", 1, 3)), 5, whole_too=True)) == [(None, None, "<5")] * 2
    assert shown(hide_small(split(("A", 1, 4)), 1, whole_too=True)) == [(1, 4, ""), (1, 4, "")]


# --- the calendar's pairs -----------------------------------------------------------------------------------


def test_the_pairs_of_drop_out_are_the_calendars() -> None:
    text = (CALENDARS / "ml-pev-2026.yaml").read_text("utf-8")
    assert CALENDAR.drop_outs == (("PENTA1", "PENTA3"), ("PENTA1", "MR1"), ("BCG", "MR1"))
    with pytest.raises(CalendarMistake, match="drop_out 1: 'doses' must be two"):
        load_calendar(text.replace("{doses: [PENTA1, PENTA3]}", "{doses: [PENTA1]}"))
    with pytest.raises(CalendarMistake, match="dose 'PENTA9' is in no series"):
        load_calendar(text.replace("{doses: [PENTA1, PENTA3]}", "{doses: [PENTA1, PENTA9]}"))


# --- whatever the children ----------------------------------------------------------------------------------

ANTIGENS = sorted({one.record_as for one in CALENDAR.series.values()})


@st.composite
def children(draw: st.DrawFn) -> ChildRecord:
    born = AS_OF - timedelta(draw(st.integers(0, 900)))
    age = (AS_OF - born).days
    doses = draw(
        st.lists(
            st.builds(Given, st.sampled_from(ANTIGENS), st.integers(0, age).map(lambda n: born + timedelta(n))),
            max_size=12,
            unique=True,
        )
    )
    told = st.builds(
        Reminded,
        st.integers(0, age).map(lambda n: born + timedelta(n)),
        st.lists(st.sampled_from(["BCG", "PENTA1", "PENTA2", "MR1"]), min_size=1).map(tuple),
        st.booleans(),
        st.booleans(),
    )
    return ChildRecord(
        born,
        draw(st.sampled_from(["day", "month"])),
        draw(st.sampled_from(["infant", "infant_r21", "girl_hpv", "what"])),
        followed=draw(st.booleans()),
        doses=tuple(doses),
        assumed=frozenset(dose for dose in doses if draw(st.booleans())),
        planned=draw(st.booleans()),
        reminders=tuple(draw(st.lists(told, max_size=3))),
    )


@settings(deadline=None, max_examples=60)
@given(st.lists(children(), max_size=12))
def test_cohorts_sum_to_the_whole_and_a_part_is_never_more_than_all(some: list[ChildRecord]) -> None:
    by_cohort = Counting(CALENDAR, RULES, AS_OF)
    for child in some:
        by_cohort.add(child, f"{child.born_on:%Y-%m}")
    whole = figures(*some)
    sums: dict[tuple[str, str], list[float]] = {}
    for one in by_cohort.indicators():
        if one.definition.key != names.DROP_OUT:
            assert 0 <= (one.numerator or 0) <= (one.denominator or 0)
            assert one.percent is None or 0 <= one.percent <= 100
        assert (one.value is None) == (one.denominator == 0)
        if one.group == WHOLE:
            assert one == whole[one.definition.key, one.name, WHOLE]
        elif one.definition.key != names.NOTED:
            total = sums.setdefault((one.definition.key, one.name), [0, 0])
            total[0] += one.numerator or 0
            total[1] += one.denominator or 0
    for (key, name), (top, bottom) in sums.items():
        assert (whole[key, name, WHOLE].numerator, whole[key, name, WHOLE].denominator) == (top, bottom)


@settings(deadline=None, max_examples=60)
@given(st.lists(children(), max_size=8))
def test_reasons_and_bands_leave_nobody_out(some: list[ChildRecord]) -> None:
    found = figures(*some)
    followed = sum(child.followed for child in some)
    checked = [one for (key, _, _), one in found.items() if key == names.CHECKED]
    assert sum(one.numerator or 0 for one in checked) == followed
    late = [one for (key, _, _), one in found.items() if key == names.LATE]
    assert sum(one.numerator or 0 for one in late) == late[0].denominator


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)).map(sorted), max_size=6), st.integers(1, 8))
def test_no_small_group_can_be_subtracted_from_the_total(counts: list[list[int]], smallest: int) -> None:
    before = split(*((f"Q{place}", top, bottom) for place, (top, bottom) in enumerate(counts)))
    whole, *parts = hide_small(before, smallest, whole_too=False)
    kept_back = [one for one in parts if one.hidden]
    assert all(one.denominator is None or not 0 < one.denominator < smallest for one in parts)
    if whole.denominator is not None:
        assert len(kept_back) != 1


@settings(deadline=None, max_examples=60)
@given(children())
def test_a_valid_dose_is_timely_as_the_rule_says(child: ChildRecord) -> None:
    if child.profile == "what" or child.born_on is None:
        return
    exact = child._replace(birth_precision="day", assumed=frozenset(), followed=True)
    found = assess(CALENDAR, child.profile, child.born_on, AS_OF, child.doses)
    right = [is_timely(CALENDAR, dose, child.born_on, on) for dose, on in found.valid]
    assert counts(figures(exact), names.TIMELY, ALL_DOSES)[:2] == (
        right.count(True),
        sum(one is not None for one in right),
    )
