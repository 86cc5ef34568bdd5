"""When the week's list goes out."""

from __future__ import annotations

from datetime import date, datetime, time

import pytest

from service.domain.list_week import ListTime, is_time, may_have_gone, week_of
from service.domain.public_holidays import Holidays

MONDAY = ListTime(0, time(7, 30))
MALI = Holidays("ML", 1)


@pytest.mark.parametrize(
    ("local", "goes"),
    [
        ("2026-11-30T07:29", False),
        ("2026-11-30T07:30", True),
        ("2026-11-30T18:59", True),
        ("2026-11-30T19:00", False),  # the phone of somebody at rest
        ("2026-12-01T07:30", True),  # Monday was missed
        ("2026-12-05T10:00", False),  # Saturday
        ("2026-12-06T10:00", False),
        ("2027-03-29T10:00", False),  # Easter Monday is a holiday in Mali
        ("2027-03-30T10:00", True),
        ("2026-05-25T10:00", False),  # Africa Day, and then a feast of the moon that may be a day earlier or later
        ("2026-05-26T10:00", False),
        ("2026-05-29T10:00", True),
    ],
)
def test_the_list_goes_on_monday_or_the_next_working_day(local: str, goes: bool) -> None:
    assert is_time(MONDAY, datetime.fromisoformat(local), MALI) is goes


def test_another_day_of_the_week_is_a_setting() -> None:
    wednesday = ListTime(2, time(8))
    assert not is_time(wednesday, datetime(2026, 12, 1, 9), MALI)
    assert is_time(wednesday, datetime(2026, 12, 2, 9), MALI)
    assert is_time(wednesday, datetime(2026, 12, 3, 9), MALI)


def test_what_may_have_gone_this_week() -> None:
    assert not may_have_gone(MONDAY, datetime(2026, 11, 30, 7))
    assert may_have_gone(MONDAY, datetime(2026, 11, 30, 8))
    assert may_have_gone(MONDAY, datetime(2026, 12, 6, 1))


def test_a_week_has_one_name_across_new_year() -> None:
    assert week_of(date(2026, 12, 28)) == week_of(date(2027, 1, 3)) == "2026-W53"
    assert week_of(date(2027, 1, 4)) == "2027-W01"
