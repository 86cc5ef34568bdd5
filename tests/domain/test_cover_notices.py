"""What a household is told of the end of its cover, and when a mediator asks instead."""

from __future__ import annotations

from datetime import date

from service.domain.cover import (
    built_in_renewal,
    days_asked_at_home,
    end_of_cover,
    is_asked_at_home,
    notices,
)

RENEWAL = built_in_renewal()
LAST = date(2026, 12, 31)
END = end_of_cover(RENEWAL, "AMV", LAST, LAST)
LONG_AGO = date(2026, 1, 1)


def told(given_on: date, today: date) -> list[tuple[str, str, str]]:
    found = notices(RENEWAL, END, given_on, today)
    return [(one.contact, f"{one.on:%m-%d}", f"{one.lapses_on:%m-%d}") for one in found]


def test_thirty_and_seven_days_before_and_on_the_day() -> None:
    whole = [("first", "12-01", "12-24"), ("second", "12-24", "12-31"), ("last", "12-31", "01-01")]
    assert told(LONG_AGO, date(2026, 11, 20)) == whole
    assert told(LONG_AGO, date(2026, 12, 24)) == whole[1:]
    assert told(LONG_AGO, date(2027, 1, 1)) == []


def test_whoever_has_just_been_at_the_mutual_is_not_told_at_once() -> None:
    for given_on, first in ((date(2026, 12, 1), "second"), (date(2026, 12, 5), "second"), (date(2026, 12, 24), "last")):
        assert told(given_on, given_on)[0][0] == first
    assert told(LAST, LAST) == []


def test_a_mediator_asks_from_the_day_after_and_not_for_ever() -> None:
    days = days_asked_at_home(RENEWAL, "end_of_cover")
    assert days == 30
    asked = [
        is_asked_at_home(RENEWAL, END, day) for day in (LAST, date(2027, 1, 1), date(2027, 1, 30), date(2027, 1, 31))
    ]
    assert asked == [False, True, True, False]


def test_the_mutual_settles_the_days() -> None:
    chosen = RENEWAL.with_parameters({"first_days_before": 14, "caught_up_days_after": 5})
    assert [f"{one.on:%m-%d}" for one in notices(chosen, END, LONG_AGO, LONG_AGO)] == ["12-17", "12-24", "12-31"]
    assert days_asked_at_home(chosen, "end_of_cover") == 5
