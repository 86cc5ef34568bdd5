"""When people may be written to: by purpose, by quartier, on Fridays, feasts and market days, wherever they live."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.domain.hours_file import FOLDER, HoursMistake, built_in_hours, load_hours
from service.domain.local_time import instant, local
from service.domain.public_holidays import Holidays, holidays_of
from service.domain.sending_hours import DAYTIME, PURPOSES, Window, read_window, within

BUILT_IN = built_in_hours()
TEXT = (FOLDER / "ml-2026.yaml").read_text("utf-8")
ZONES = ["Africa/Bamako", "Asia/Tokyo", "America/Bogota", "Europe/Paris"]


def with_zones(zones: str) -> str:
    return TEXT.replace("zones: {}", f"zones:\n{zones}")


VILLAGES = load_hours(
    with_zones(
        """
  banankoro:
    market: {weekly: [wed]}
    purposes:
      reminder: {usual: "06:30-08:00 17:00-20:00"}
  sirakoro:
    market: {every: 5, from: 2026-11-02}
"""
    )
)


def test_the_hours_of_the_product_pass_what_anybody_s_must_pass() -> None:
    assert load_hours(TEXT).profiles == BUILT_IN.profiles, "they are read without this check"


def at(moment: str) -> datetime:
    return datetime.fromisoformat(moment)


# --- a purpose's hours --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("moment", "open_purposes"),
    [
        ("2026-04-16T07:59", {"staff", "reply", "talk"}),
        ("2026-04-16T08:00", {"staff", "reply", "talk", "reminder", "notice"}),
        ("2026-04-16T09:00", set(PURPOSES)),
        ("2026-04-16T18:29", set(PURPOSES)),
        ("2026-04-16T18:30", {"staff", "reply", "talk", "reminder", "notice"}),
        ("2026-04-16T19:00", {"staff", "reply", "talk"}),
        ("2026-04-16T23:59:59.999", {"staff", "reply", "talk"}),
    ],
)
def test_each_purpose_has_its_hours(moment, open_purposes):
    assert BUILT_IN.open_names(at(moment)) & set(PURPOSES) == open_purposes


def test_answers_and_alarms_are_open_at_any_hour_and_day():
    for hour in range(24):
        for day in (date(2026, 4, 17), date(2026, 3, 20), date(2026, 12, 25)):
            assert BUILT_IN.open_names(datetime.combine(day, time(hour, 30))) >= {"any", "staff", "reply", "talk"}


def test_what_was_queued_under_the_old_names_still_leaves():
    assert BUILT_IN.is_open("day", at("2026-04-17T13:00"))
    assert not BUILT_IN.is_open("day", at("2026-04-17T19:00"))
    assert BUILT_IN.is_open("any", at("2026-04-17T03:00"))


def test_nobody_is_disturbed_at_the_prayer_on_friday():
    friday, thursday = at("2026-04-17T13:00"), at("2026-04-16T13:00")
    for purpose in ("reminder", "campaign", "notice"):
        assert not BUILT_IN.is_open(purpose, friday)
        assert BUILT_IN.is_open(purpose, thursday)
        assert BUILT_IN.next_opening(purpose, friday) == at("2026-04-17T14:30")


def test_the_next_opening():
    assert BUILT_IN.next_opening("reminder", at("2026-04-16T03:00")) == at("2026-04-16T08:00")
    assert BUILT_IN.next_opening("reminder", at("2026-04-16T09:30:01")) == at("2026-04-16T09:30:01")
    assert BUILT_IN.next_opening("reminder", at("2026-12-31T19:00")) == at("2027-01-01T10:00")
    assert BUILT_IN.next_opening("reply", at("2026-04-16T03:00")) == at("2026-04-16T03:00")


def test_a_good_moment_is_one_while_the_message_is_useful():
    evening = at("2026-04-15T20:00")
    assert BUILT_IN.good_moment("reminder", evening, at("2026-04-16T08:01")) == at("2026-04-16T08:00")
    assert BUILT_IN.good_moment("reminder", evening, at("2026-04-16T08:00")) is None
    assert BUILT_IN.good_moment("staff", evening, at("2026-04-15T20:01")) == evening


# --- feasts -------------------------------------------------------------------------------------------------


def test_the_holidays_are_the_law_s_and_those_of_the_moon_are_marked():
    found = holidays_of("ML", 2026)
    assert not found[date(2026, 9, 22)].estimated
    estimated = {day for day, holiday in found.items() if holiday.estimated}
    assert estimated == {date(2026, 3, 20), date(2026, 5, 27), date(2026, 8, 25), date(2026, 9, 1)}
    assert all("estimated" not in holiday.name for holiday in found.values())
    assert len(found) == 12


def test_a_feast_that_follows_the_moon_may_be_a_day_earlier_or_later():
    holidays = Holidays("ML", 1)
    tabaski, national = date(2026, 5, 27), date(2026, 9, 22)
    assert [holidays.is_holiday(tabaski + timedelta(days)) for days in (-2, -1, 0, 1, 2)] == [
        True,  # the day of Africa
        True,
        True,
        True,
        False,
    ]
    assert [holidays.is_holiday(national + timedelta(days)) for days in (-1, 0, 1)] == [False, True, False]


def test_a_feast_at_the_turn_of_the_year_is_seen_from_both_sides():
    """The Prophet's birthday of 2015 fell on 24 December; what lies beside an estimate may lie in another year."""
    for year in range(2026, 2060):
        for day, holiday in holidays_of("ML", year).items():
            if holiday.estimated:
                assert Holidays("ML", 3).is_holiday(day + timedelta(3))
                assert Holidays("ML", 3).is_holiday(day - timedelta(3))


def test_what_the_government_announces_wins():
    announced = TEXT.replace(
        "announced: []",
        """announced:
    - {on: 2026-05-28, holiday: true, source: "communiqué"}
    - {on: 2026-05-26, holiday: false, source: "communiqué"}
    - {on: 2026-07-01, holiday: true, source: "a day of mourning"}""",
    )
    table = load_hours(announced)
    assert table.is_open("campaign", at("2026-05-26T10:00"))
    assert not table.is_open("campaign", at("2026-05-28T10:00"))
    assert not table.is_open("campaign", at("2026-07-01T10:00"))


def test_on_a_feast_campaigns_wait_and_recalls_go_once_the_morning_is_over():
    feast = "2026-05-27"
    assert not any(BUILT_IN.is_open("campaign", at(f"{feast}T{hour:02d}:00")) for hour in range(24))
    assert not BUILT_IN.is_open("reminder", at(f"{feast}T09:00"))
    assert BUILT_IN.is_open("reminder", at(f"{feast}T10:00"))
    # Tabaski with a day before and after, and a Friday behind it.
    assert BUILT_IN.next_opening("campaign", at("2026-05-25T19:00")) == at("2026-05-29T09:00")


def test_a_feast_on_a_friday_keeps_the_prayer_too():
    friday = date(2026, 12, 25)
    assert friday.weekday() == 4
    assert BUILT_IN.profile("reminder").hours_of(friday, BUILT_IN.holidays) == (
        Window(time(10), time(12, 30)),
        Window(time(14, 30), time(19)),
    )


# --- quartiers and markets ----------------------------------------------------------------------------------


def test_a_quartier_has_a_name_of_its_own_only_where_its_hours_differ():
    assert VILLAGES.name_for("reminder", "banankoro") == "reminder@banankoro"
    assert VILLAGES.name_for("campaign", "banankoro") == "campaign@banankoro"
    assert VILLAGES.name_for("campaign", "sirakoro") == "campaign@sirakoro"
    assert VILLAGES.name_for("reminder", "sirakoro") == "reminder"
    assert VILLAGES.name_for("reply", "banankoro") == "reply"
    assert VILLAGES.name_for("reminder", "darsalam") == VILLAGES.name_for("reminder") == "reminder"


def test_a_quartier_s_hours_are_its_own():
    assert VILLAGES.is_open("reminder@banankoro", at("2026-11-17T06:30"))
    assert not VILLAGES.is_open("reminder@banankoro", at("2026-11-17T10:00"))
    assert VILLAGES.next_opening("reminder@banankoro", at("2026-11-17T10:00")) == at("2026-11-17T17:00")
    assert VILLAGES.is_open("reminder", at("2026-11-17T10:00"))


@pytest.mark.parametrize(
    ("name", "market_days"),
    [("campaign@banankoro", {4, 11, 18, 25}), ("campaign@sirakoro", {2, 7, 12, 17, 22, 27}), ("campaign", set())],
)
def test_a_campaign_waits_until_people_are_back_from_the_market(name, market_days):
    mornings = {day for day in range(1, 31) if not VILLAGES.is_open(name, datetime(2026, 11, day, 10))}
    assert mornings == market_days
    assert all(VILLAGES.is_open(name, datetime(2026, 11, day, 15)) for day in range(1, 31) if day % 7 != 6)


def test_a_name_that_the_table_no_longer_has_means_its_purpose():
    assert BUILT_IN.is_open("reminder@banankoro", at("2026-11-17T10:00"))
    assert not BUILT_IN.is_open("reminder@banankoro", at("2026-11-17T06:30"))
    assert BUILT_IN.is_open("something", at("2026-11-17T10:00"))


# --- all over the world -------------------------------------------------------------------------------------

A_YEAR = st.integers(1_767_225_600_000, 1_767_225_600_000 + 500 * 86_400_000)
NAMES = sorted(VILLAGES.profiles)


@settings(max_examples=300, deadline=None)
@given(A_YEAR, st.sampled_from(ZONES), st.sampled_from(NAMES), st.integers(1, 8 * 86_400_000))
def test_a_good_instant_is_open_there_and_nothing_before_it_was(since, zone, name, span):
    moment = VILLAGES.good_instant(name, zone, since, since + span)
    end = since + span if moment is None else moment
    steps = range(since, end, 15 * 60_000)
    assert not any(VILLAGES.is_open(name, local(step, zone)) for step in steps if step < end)
    if moment is not None:
        assert since <= moment < since + span
        assert VILLAGES.is_open(name, local(moment, zone))


@settings(max_examples=200, deadline=None)
@given(st.datetimes(datetime(2026, 1, 1), datetime(2028, 1, 1)), st.sampled_from(NAMES))
def test_the_next_opening_is_open_and_the_open_names_say_so(now, name):
    opening = VILLAGES.next_opening(name, now)
    assert opening is not None
    assert opening >= now
    assert name in VILLAGES.open_names(opening)
    assert (name in VILLAGES.open_names(now)) is (opening == now)


NIGHT = load_hours(
    TEXT.replace('usual: "09:00-18:30"', 'usual: "02:15-02:45"').replace(
        'friday: "09:00-12:30 14:30-18:30"', 'friday: "02:15-02:45"'
    )
)


def utc(*parts):
    return int(datetime(*parts, tzinfo=UTC).timestamp() * 1000)


def test_an_opening_that_the_clocks_jump_over_is_none():
    """In Paris 29 March 2026 has no 02:15: what would have left then leaves the next night."""
    found = NIGHT.good_instant("campaign", "Europe/Paris", utc(2026, 3, 28, 20), utc(2026, 4, 2))
    assert found == instant(at("2026-03-30T02:15"), "Europe/Paris")


def test_in_an_hour_that_comes_twice_we_stay_in_ours():
    """02:15 to 02:45 comes twice on 25 October 2026; from the second 02:10 on, the next opening is not in the past."""
    first, second = utc(2026, 10, 25, 0, 10), utc(2026, 10, 25, 1, 10)
    end = utc(2026, 10, 27)
    assert NIGHT.good_instant("campaign", "Europe/Paris", first, end) == utc(2026, 10, 25, 0, 15)
    assert NIGHT.good_instant("campaign", "Europe/Paris", second, end) == utc(2026, 10, 25, 1, 15)


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("day", [date(2026, 3, 28), date(2026, 10, 24)])
def test_across_the_nights_when_clocks_change_the_morning_is_at_eight(zone, day):
    evening = instant(datetime.combine(day, time(20)), zone)
    found = BUILT_IN.good_instant("reminder", zone, evening, evening + 3 * 86_400_000)
    assert local(found, zone) == datetime.combine(day + timedelta(1), time(8))


# --- the file -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (('usual: "09:00-18:30"', 'usual: "9-18"'), "must be written like 08:00-19:00"),
        (('usual: "09:00-18:30"', "usual: wait"), "'usual' must be hours"),
        (('usual: "09:00-18:30"', 'usual: "09:00-12:00 11:00-18:00"'), "follow each other"),
        (('usual: "09:00-18:30"', 'usual: "18:30-09:00"'), "open before they close"),
        (("  campaign:", "  champaign:"), "'campaign' is missing"),
        (("  campaign:", "  wedding: {usual: any}\n  campaign:"), "'wedding' is none"),
        (("market_day:", "marketday:"), "'marketday' is not a key here"),
        (("country: ML", "country: XX"), "no holidays are known of 'XX'"),
        (("zones: {}", "zones: {Darsalam: {market: {weekly: [wed]}}}"), "no code of a zone"),
        (("zones: {}", "zones: {darsalam: {market: {weekly: [mercredi]}}}"), "'weekly' takes mon"),
        (("zones: {}", 'zones: {darsalam: {market: {every: "1", from: 2026-01-01}}}'), "whole number, 2 or more"),
        (("zones: {}", "zones: {darsalam: {purposes: {wedding: {usual: any}}}}"), "'wedding' is none"),
        (("zones: {}", "zones: {" + "a" * 41 + ": {market: {weekly: [wed]}}}"), "longer than 40"),
        (("spread_days:", "spread:"), "'spread_days' is missing"),
    ],
)
def test_a_mistake_in_the_file_is_one_sentence(change, told):
    assert change[0] in TEXT
    with pytest.raises(HoursMistake, match=told) as mistake:
        load_hours(TEXT.replace(*change))
    assert "\n" not in str(mistake.value)


def test_hours_that_never_open_are_refused():
    days = ", ".join(("mon", "tue", "wed", "thu", "fri", "sat", "sun"))
    never = with_zones(
        f"""
  darsalam:
    market: {{weekly: [{days}]}}
    purposes:
      campaign: {{usual: "09:00-12:00", market_day: wait}}
"""
    )
    with pytest.raises(HoursMistake, match="'campaign@darsalam' never opens"):
        load_hours(never)


def test_a_country_without_a_list_of_holidays_has_none():
    table = load_hours(TEXT.replace("country: ML", "country: none"))
    assert table.is_open("campaign", at("2026-05-27T10:00"))


def test_windows_are_written_like_this():
    assert read_window("08:00-19:00") == DAYTIME
    assert read_window(" 07:30-20:15 ") == Window(time(7, 30), time(20, 15))
    assert within(datetime(2026, 4, 16, 8))
    assert not within(datetime(2026, 4, 16, 19))
    for wrong in ("8-19", "19:00-08:00", "08:00-08:00", "08:00-24:00", ""):
        with pytest.raises(ValueError):
            read_window(wrong)
