"""On which day a centre gives what is due: never before the anchor, never without the vaccine, and steadily."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.centre_days import (
    NOTHING_KNOWN,
    CentreDays,
    ExtraDay,
    Meeting,
    StockOut,
    Together,
    WeeklyDay,
    meetings,
)

MON = date(2026, 11, 23)
TUE, WED, THU, FRI = (MON + timedelta(days) for days in (1, 2, 3, 4))
NEXT_MON = MON + timedelta(7)
BEFORE = MON - timedelta(3)
RULE = Together(within_days=7, live=frozenset({"BCG", "MR", "YF"}), live_spacing_days=28)
SIX_WEEKS = {"PENTA1": "PENTA", "OPV1": "OPV"}
WITH_BCG = SIX_WEEKS | {"BCG": "BCG"}
NINE_MONTHS = {"MR1": "MR", "YF": "YF"}
MONDAYS = CentreDays((WeeklyDay(0),))


def week(*days: int, **only: int) -> CentreDays:
    """week(0, 2, BCG=1): all on Mondays and Wednesdays, BCG on Tuesdays."""
    return CentreDays((*map(WeeklyDay, days), *(WeeklyDay(day, frozenset({name})) for name, day in only.items())))


def on(days: CentreDays, doses: dict[str, str], anchor: date, today: date = BEFORE, **more: object) -> dict[str, str]:
    found = meetings(days, doses, anchor, today, RULE, **more)  # type: ignore[arg-type]
    return {",".join(one.doses): f"{one.on:%m-%d}" if one.on else "?" for one in found}


def test_where_nobody_told_us_the_anchor_stays() -> None:
    assert meetings(NOTHING_KNOWN, WITH_BCG, MON, FRI, RULE) == (Meeting(("BCG", "OPV1", "PENTA1"), MON),)


def test_the_first_day_of_the_week_on_or_after_the_anchor() -> None:
    assert on(MONDAYS, SIX_WEEKS, MON) == {"OPV1,PENTA1": "11-23"}
    assert on(MONDAYS, SIX_WEEKS, TUE) == {"OPV1,PENTA1": "11-30"}


def test_an_antigen_that_has_a_day_of_its_own_is_waited_for_if_that_is_soon() -> None:
    only_fridays = CentreDays((WeeklyDay(0), WeeklyDay(4), WeeklyDay(4, frozenset({"BCG"}))))
    assert on(only_fridays, WITH_BCG, MON) == {"BCG,OPV1,PENTA1": "11-27"}


def test_and_else_the_contact_is_split() -> None:
    assert on(week(0, 2, BCG=1), WITH_BCG, MON) == {"OPV1,PENTA1": "11-23", "BCG": "11-24"}
    patient = RULE._replace(within_days=3)
    only_fridays = CentreDays((WeeklyDay(0), WeeklyDay(4), WeeklyDay(4, frozenset({"BCG"}))))
    found = meetings(only_fridays, WITH_BCG, MON, BEFORE, patient)
    assert found == (Meeting(("OPV1", "PENTA1"), MON), Meeting(("BCG",), FRI))


def test_live_vaccines_that_cannot_be_given_together_are_four_weeks_apart() -> None:
    assert on(week(0, MR=1, YF=3), NINE_MONTHS, MON) == {"MR1": "11-24", "YF": "12-24"}


def test_a_cancelled_day_is_stronger_than_all_else() -> None:
    assert on(MONDAYS._replace(cancelled=frozenset({MON})), SIX_WEEKS, MON) == {"OPV1,PENTA1": "11-30"}
    both = CentreDays(cancelled=frozenset({MON}), extra=(ExtraDay(MON),))
    assert on(both, SIX_WEEKS, MON) == {"OPV1,PENTA1": "11-24"}


def test_a_day_beside_the_week() -> None:
    assert on(MONDAYS._replace(extra=(ExtraDay(THU),)), SIX_WEEKS, TUE) == {"OPV1,PENTA1": "11-26"}
    only_bcg = MONDAYS._replace(extra=(ExtraDay(THU, frozenset({"BCG"})),))
    assert on(only_bcg, SIX_WEEKS, TUE) == {"OPV1,PENTA1": "11-30"}


def test_out_of_stock_until_a_day_and_until_nobody_knows() -> None:
    back_on_tuesday = MONDAYS._replace(stock_outs=(StockOut("BCG", BEFORE, MON),))
    assert on(back_on_tuesday, WITH_BCG, MON) == {"BCG,OPV1,PENTA1": "11-30"}
    longer = MONDAYS._replace(stock_outs=(StockOut("BCG", BEFORE, NEXT_MON),))
    assert on(longer, WITH_BCG, MON) == {"OPV1,PENTA1": "11-23", "BCG": "12-07"}
    unknown = MONDAYS._replace(stock_outs=(StockOut("BCG", BEFORE, None),))
    assert on(unknown, WITH_BCG, MON) == {"OPV1,PENTA1": "11-23", "BCG": "?"}


def test_days_of_the_week_are_dated() -> None:
    changed = CentreDays((WeeklyDay(0, until=MON), WeeklyDay(3, since=TUE)))
    assert on(changed, SIX_WEEKS, MON) == {"OPV1,PENTA1": "11-23"}
    assert on(changed, SIX_WEEKS, TUE) == {"OPV1,PENTA1": "11-26"}
    assert changed.weekdays(MON) == (0,)
    assert changed.weekdays(FRI) == (3,)


class TestWhoIsLate:
    STANDS = dict.fromkeys(SIX_WEEKS, MON)

    def test_stays_late_while_the_centre_gives_it(self) -> None:
        assert on(MONDAYS, SIX_WEEKS, MON, FRI, standing=self.STANDS) == {"OPV1,PENTA1": "11-23"}
        assert on(MONDAYS, SIX_WEEKS, MON, FRI) == {"OPV1,PENTA1": "11-23"}, "nothing stood yet"

    def test_is_called_later_when_the_next_day_is_cancelled(self) -> None:
        cancelled = MONDAYS._replace(cancelled=frozenset({NEXT_MON}))
        assert on(cancelled, SIX_WEEKS, MON, FRI, standing=self.STANDS) == {"OPV1,PENTA1": "12-07"}

    def test_is_called_for_what_is_there(self) -> None:
        without = MONDAYS._replace(stock_outs=(StockOut("PENTA", FRI, None),))
        assert on(without, SIX_WEEKS, MON, FRI, standing=self.STANDS) == {"OPV1": "11-23", "PENTA1": "?"}

    def test_is_not_called_again_when_all_was_told(self) -> None:
        cancelled = MONDAYS._replace(cancelled=frozenset({NEXT_MON}))
        assert on(cancelled, SIX_WEEKS, MON, FRI, standing=self.STANDS, settled={"PENTA1", "OPV1"}) == {
            "OPV1,PENTA1": "11-23"
        }

    def test_waits_no_longer_when_it_is_back(self) -> None:
        assert on(MONDAYS, SIX_WEEKS, MON, FRI, standing=dict.fromkeys(SIX_WEEKS)) == {"OPV1,PENTA1": "11-30"}


# --- properties -----------------------------------------------------------------------------------------------

near = st.integers(-20, 60).map(lambda days: MON + timedelta(days))
antigens = st.frozensets(st.sampled_from(["PENTA", "OPV", "BCG", "MR", "YF"]), max_size=3)
weekly = st.builds(
    lambda weekday, names, since, until: WeeklyDay(weekday, names, since, until),
    st.integers(0, 6),
    antigens,
    st.one_of(st.just(date.min), near),
    st.one_of(st.none(), near),
)
outs = st.builds(
    lambda antigen, since, span: StockOut(antigen, since, None if span is None else since + timedelta(span)),
    st.sampled_from(["PENTA", "BCG", "MR"]),
    near,
    st.one_of(st.none(), st.integers(0, 40)),
)
centres = st.builds(
    CentreDays,
    st.lists(weekly, max_size=4).map(tuple),
    st.frozensets(near, max_size=4),
    st.lists(st.builds(ExtraDay, near, antigens), max_size=2).map(tuple),
    st.lists(outs, max_size=2).map(tuple),
)
contacts = st.sampled_from([SIX_WEEKS, WITH_BCG, NINE_MONTHS, NINE_MONTHS | {"MENA": "MENA"}, WITH_BCG | NINE_MONTHS])


@given(centres, contacts, near, st.integers(0, 30))
def test_every_dose_has_one_day_on_which_it_is_given(
    days: CentreDays, doses: dict[str, str], anchor: date, ahead: int
) -> None:
    found = meetings(days, doses, anchor, anchor - timedelta(ahead), RULE)
    assert sorted(dose for one in found for dose in one.doses) == sorted(doses)
    for one in found:
        for dose in one.doses:
            if one.on is None:
                assert days.first_day([doses[dose]], anchor + timedelta(400)) is None
            elif days != NOTHING_KNOWN:
                assert one.on >= anchor
                assert days.gives(doses[dose], one.on)


@given(centres, contacts, near)
def test_nothing_waits_longer_than_it_must(days: CentreDays, doses: dict[str, str], anchor: date) -> None:
    if days == NOTHING_KNOWN:
        return
    dated = {one.on: one.doses for one in meetings(days, doses, anchor, anchor, RULE) if one.on}
    alone = {dose: days.first_day([antigen], anchor) or date.max for dose, antigen in doses.items()}
    for day, given_then in dated.items():
        if len(dated) == 1:
            assert (day - min(alone[dose] for dose in given_then)).days <= RULE.within_days
        else:
            assert all(alone[dose] == day for dose in given_then if doses[dose] not in RULE.live)


@given(centres, contacts, near)
def test_live_vaccines_are_given_together_or_apart(days: CentreDays, doses: dict[str, str], anchor: date) -> None:
    found = meetings(days, doses, anchor, anchor, RULE)
    told = sorted(one.on for one in found if one.on and any(doses[dose] in RULE.live for dose in one.doses))
    assert all(after - before >= timedelta(28) for before, after in pairwise(told))


@given(centres, contacts, near, st.integers(-10, 40), st.data())
def test_a_plan_made_again_is_the_same(
    days: CentreDays, doses: dict[str, str], anchor: date, later: int, data: st.DataObject
) -> None:
    today = anchor + timedelta(later)
    once = meetings(days, doses, anchor, today, RULE)
    stands = {dose: one.on for one in once for dose in one.doses}
    assert meetings(days, doses, anchor, today, RULE, stands) == once
    coming = [one.on for one in once if one.on]
    if coming and min(coming) > today and all(one.on for one in once):
        meanwhile = today + timedelta(data.draw(st.integers(0, (min(coming) - today).days)))
        assert meetings(days, doses, anchor, meanwhile, RULE, stands) == once


@given(contacts, near, near)
def test_no_data_changes_nothing(doses: dict[str, str], anchor: date, today: date) -> None:
    assert meetings(NOTHING_KNOWN, doses, anchor, today, RULE) == (Meeting(tuple(sorted(doses)), anchor),)


@pytest.mark.parametrize("days", [week(0, BCG=1), MONDAYS, CentreDays(stock_outs=(StockOut("BCG", BEFORE, MON),))])
def test_the_day_asked_about_moves_no_day_to_come(days: CentreDays) -> None:
    asked = [meetings(days, WITH_BCG, TUE, TUE - timedelta(ahead), RULE) for ahead in range(20)]
    assert len(set(asked)) == 1
