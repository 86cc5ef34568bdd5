"""Rounds as a programme announces them to us: which may stand beside each other, and which child is expected when."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from service.domain.malaria_rounds import Round, announced, built_in_malaria, checked, invitations, load_malaria
from service.domain.protocols import NotPossible

MALARIA = built_in_malaria()
WHERE = "Commune III"
TODAY = date(2026, 11, 20)
FIRST = Round(1, date(2026, 11, 26), date(2026, 11, 30), None)
LONG_AGO = date(2026, 1, 1)


def told(
    born: date, *, known_on: date = LONG_AGO, today: date = TODAY, district: str = WHERE
) -> list[tuple[str, str, str]]:
    known = announced(MALARIA, WHERE, [FIRST])
    found = invitations(known, born, district, known.seasons, known_on, today)
    return [(each.contact, f"{each.on:%m-%d}", f"{each.lapses_on:%m-%d}") for each in found]


WHOLE = [("2026-1-day1", "11-26", "12-01")]


@pytest.mark.parametrize(
    ("born", "expected"),
    [
        ("2026-08-26", WHOLE),  # three months old on the first day
        ("2026-08-28", [("2026-1-day1", "11-28", "12-01")]),  # in the middle of it
        ("2026-08-31", []),  # on the day after: November has no 31st day, and three months are over on 1 December
        ("2025-11-28", WHOLE),  # twelve months old meanwhile: another blister, the same visit
        ("2021-11-27", [("2026-1-day1", "11-26", "11-27")]),  # five years old on the second day
        ("2021-11-26", []),  # five years old on the first day
        ("2019-01-01", []),
    ],
)
def test_a_child_is_expected_while_it_is_of_age(born: str, expected: list[object]) -> None:
    assert told(date.fromisoformat(born)) == expected


def test_a_child_that_was_enrolled_during_the_round_is_expected_from_that_day_on() -> None:
    born = date(2025, 1, 1)
    during = date(2026, 11, 28)
    assert told(born, known_on=during, today=during) == [("2026-1-day1", "11-28", "12-01")]
    assert told(born, known_on=date(2026, 12, 1), today=date(2026, 12, 1)) == []


def test_another_district_and_a_round_that_is_over_expect_nobody() -> None:
    born = date(2025, 1, 1)
    assert told(born, district="COMMUNE-III") == WHOLE
    assert told(born, district="Commune IV") == []
    assert told(born, today=date(2026, 11, 30)) == WHOLE
    assert told(born, today=date(2026, 12, 1)) == []


def test_days_2_and_3_are_told_only_where_the_file_says_so() -> None:
    loud = built_in_malaria().protocol.text.replace("remind: false", "remind: true")
    known = announced(load_malaria(loud), WHERE, [FIRST])
    found = invitations(known, date(2025, 1, 1), WHERE, known.seasons, LONG_AGO, TODAY)
    assert [(one.contact, f"{one.on:%m-%d}", f"{one.lapses_on:%m-%d}") for one in found] == [
        ("2026-1-day1", "11-26", "12-01"),
        ("2026-1-day2", "11-27", "11-28"),
        ("2026-1-day3", "11-28", "11-29"),
    ]


@pytest.mark.parametrize(
    ("one", "why"),
    [
        (Round(2, date(2026, 12, 24), date(2026, 12, 20), None), "before it begins"),
        (Round(2, date(2026, 11, 19), date(2026, 11, 24), None), "2026-11-19 is past"),
        (Round(2, date(2026, 12, 28), date(2027, 1, 2), None), "of one year"),
        (Round(2, date(2028, 11, 26), date(2028, 11, 30), None), "of no year that is announced yet"),
        (Round(2, date(2026, 12, 1), date(2026, 12, 31), None), "would run into the next one"),
        (Round(2, date(2026, 12, 23), date(2026, 12, 27), None), "less than 28 days"),
        (Round(2, date(2026, 11, 21), date(2026, 11, 22), None), "less than 28 days"),
    ],
)
def test_dates_that_cannot_be_are_refused(one: Round, why: str) -> None:
    with pytest.raises(NotPossible, match=why):
        checked(MALARIA, [FIRST], one, TODAY)


def test_dates_that_can_be_are_taken() -> None:
    checked(MALARIA, [FIRST], Round(2, FIRST.first + timedelta(28), FIRST.last + timedelta(28), None), TODAY)
    checked(MALARIA, [], Round(1, TODAY, TODAY, None), TODAY)
    begun = Round(1, date(2026, 11, 18), date(2026, 11, 24), None)
    checked(MALARIA, [], begun, TODAY, begun=True)
    with pytest.raises(NotPossible, match="is past"):
        checked(MALARIA, [], begun, TODAY)
