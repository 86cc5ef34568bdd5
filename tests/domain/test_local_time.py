"""Local days and hours, in Bamako, where mistakes hide, and elsewhere."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.domain.local_time import day_of, instant, local, start_of_day

ZONES = ["Africa/Bamako", "Europe/Paris", "Asia/Tokyo", "America/Bogota"]


def utc(*parts):
    return int(datetime(*parts, tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    ("zone", "day", "hour"),
    [
        ("Africa/Bamako", date(2026, 4, 16), 22),
        ("Asia/Tokyo", date(2026, 4, 17), 7),
        ("America/Bogota", date(2026, 4, 16), 17),
        ("Europe/Paris", date(2026, 4, 17), 0),
    ],
)
def test_one_instant_is_another_day_elsewhere(zone, day, hour):
    now = utc(2026, 4, 16, 22, 0)
    assert day_of(now, zone) == day
    assert local(now, zone) == datetime.combine(day, time(hour))
    assert instant(local(now, zone), zone) == now


def test_milliseconds_are_kept_exactly():
    now = utc(2026, 4, 16, 22, 0) + 123
    assert local(now, "Asia/Tokyo").microsecond == 123_000
    assert instant(local(now, "Asia/Tokyo"), "Asia/Tokyo") == now
    assert day_of(-1, "Africa/Bamako") == date(1969, 12, 31)


def test_an_hour_the_clocks_jump_over_is_read_as_if_they_had_not():
    assert instant(datetime(2026, 3, 29, 2, 30), "Europe/Paris") == utc(2026, 3, 29, 1, 30)
    assert local(utc(2026, 3, 29, 1, 30), "Europe/Paris") == datetime(2026, 3, 29, 3, 30)


def test_an_hour_that_comes_twice_is_the_first_unless_said():
    twice = datetime(2026, 10, 25, 2, 30)
    assert instant(twice, "Europe/Paris") == utc(2026, 10, 25, 0, 30)
    assert instant(twice.replace(fold=1), "Europe/Paris") == utc(2026, 10, 25, 1, 30)
    assert local(utc(2026, 10, 25, 1, 30), "Europe/Paris").fold == 1


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25)])
def test_the_day_the_clocks_change_is_shorter_or_longer(day, hours):
    begin, end = (start_of_day(one, "Europe/Paris") for one in (day, day + timedelta(1)))
    assert end - begin == hours * 3_600_000
    assert day_of(begin, "Europe/Paris") == day_of(end - 1, "Europe/Paris") == day


@settings(max_examples=200)
@given(st.integers(0, 4_000_000_000_000), st.sampled_from(ZONES))
def test_there_and_back_is_the_same_instant(now, zone):
    assert instant(local(now, zone), zone) == now
    assert start_of_day(day_of(now, zone), zone) <= now


def test_a_local_hour_has_no_zone_of_its_own():
    with pytest.raises(ValueError, match="no zone"):
        instant(datetime(2026, 1, 1, tzinfo=UTC), "Europe/Paris")
