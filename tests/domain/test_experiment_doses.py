"""Which doses of a child an experiment counts: by its age alone, whatever came before."""

from __future__ import annotations

from datetime import date

from service.domain.experiment_doses import doses_counted, on_time
from service.domain.vaccination import Given, built_in_calendar

CALENDAR = built_in_calendar()
PROFILE = next(iter(CALENDAR.profiles))
BORN, ENROLLED = date(2026, 10, 12), date(2026, 10, 20)
SIX_WEEKS, TEN_WEEKS = date(2026, 11, 23), date(2026, 12, 21)


def counted(first: date = date(2026, 11, 20), last: date = date(2026, 12, 31)) -> dict[str, date]:
    return doses_counted(CALENDAR, PROFILE, BORN, ENROLLED, first, last)


def in_time(*given: Given, within: int = 28) -> int:
    return on_time(CALENDAR, PROFILE, BORN, date(2027, 3, 1), given, counted(), within)


def test_doses_recommended_in_the_period_and_no_other() -> None:
    found = counted()
    assert {found["PENTA1"], found["PENTA2"]} == {SIX_WEEKS, TEN_WEEKS}
    assert set(found.values()) == {SIX_WEEKS, TEN_WEEKS}
    assert counted(first=date(2026, 11, 24)).keys() == {dose for dose, on in found.items() if on == TEN_WEEKS}
    assert "BCG" not in counted(first=BORN), "due before it was enrolled"
    assert doses_counted(CALENDAR, "nowhere", BORN, ENROLLED, BORN, TEN_WEEKS) == {}


def test_on_time_is_valid_and_soon_enough() -> None:
    assert in_time() == 0
    assert in_time(Given("PENTA", SIX_WEEKS)) == 1
    assert in_time(Given("PENTA", date(2026, 12, 21))) == 1, "the last day"
    assert in_time(Given("PENTA", date(2026, 12, 22))) == 0
    assert in_time(Given("PENTA", date(2026, 12, 3)), within=10) == 1
    assert in_time(Given("PENTA", date(2026, 12, 4)), within=10) == 0
    assert in_time(Given("PENTA", date(2026, 10, 25))) == 0, "too young: it does not count"
    assert in_time(Given("PENTA", SIX_WEEKS), Given("PENTA", TEN_WEEKS)) == 2


def test_a_late_first_dose_does_not_move_the_day_of_the_second() -> None:
    """What was tried may make the first late; the second is judged by the child's age all the same."""
    assert in_time(Given("PENTA", date(2026, 12, 28)), Given("PENTA", date(2027, 1, 25))) == 0


def test_a_record_that_cannot_be_is_not_on_time() -> None:
    assert in_time(Given("PENTA", date(2026, 1, 1)), Given("PENTA", SIX_WEEKS)) == 0
