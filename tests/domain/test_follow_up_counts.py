"""Worked cases: what a treatment and the follow-up of a pregnancy add to the counts of their months."""

from __future__ import annotations

from datetime import date

import pytest

from service.domain.follow_up_counts import Contact, Followed, Treated, contact_fr, contact_place, of_follow_up
from service.domain.follow_up_counts import of_treatment as counted_of
from service.domain.muac import built_in_rules
from service.domain.rations import Measure

ADMITTED = date(2026, 11, 20)
TODAY = date(2027, 2, 1)


def of_treatment(
    mm: int | None, *, oedema: bool = False, ended: date | None = None, why: str | None = None
) -> set[str]:
    first = None if mm is None else Measure(ADMITTED, 18, mm, oedema)
    found = counted_of(built_in_rules(), Treated(ADMITTED, first, ended, why))
    return {f"{one.month:%m-%d} {one.measure}" for one in found}


@pytest.mark.parametrize(
    ("mm", "oedema", "severity"),
    [(114, False, "severe"), (115, False, "moderate"), (124, False, "moderate"), (130, True, "severe")],
)
def test_an_admission_is_severe_or_moderate_by_its_first_measure(mm: int, oedema: bool, severity: str) -> None:
    assert of_treatment(mm, oedema=oedema) == {f"11-01 admitted:{severity}"}


def test_an_end_counts_in_its_own_month() -> None:
    found = of_treatment(112, ended=date(2027, 1, 15), why="recovered")
    assert found == {"11-01 admitted:severe", "01-01 ended:recovered"}
    assert of_treatment(None, ended=ADMITTED, why="death") == {"11-01 admitted:unknown", "11-01 ended:death"}


def test_a_treatment_begun_by_mistake_counts_nowhere() -> None:
    assert of_treatment(112, ended=ADMITTED, why="mistake") == set()


def of_contact(
    *, told: date | None = date(2026, 11, 26), made: date | None = None, ended: date | None = None, today: date = TODAY
) -> set[str]:
    """Of a contact of 27 November that is asked for until 8 January."""
    contact = Contact("w20", date(2026, 11, 27), date(2027, 1, 8), told, made)
    found = of_follow_up(Followed("antenatal", date(2026, 10, 31), ended, (contact,)), today)
    return {f"{one.month:%m-%d} {one.measure}" for one in found} - {"10-01 antenatal:opened"}


def test_a_contact_told_and_made_is_kept() -> None:
    found = of_contact(made=date(2026, 12, 1))
    assert found == {"12-01 antenatal:made:w20", "11-01 antenatal:told:w20", "11-01 antenatal:kept:w20"}


def test_a_contact_made_before_the_first_message_is_made_only() -> None:
    assert "11-01 antenatal:kept:w20" not in of_contact(made=date(2026, 11, 25))
    assert of_contact(told=None, made=date(2026, 11, 25)) == {"11-01 antenatal:made:w20"}


def test_a_contact_told_whose_time_goes_on_is_not_counted_yet_made_or_not() -> None:
    assert of_contact(made=date(2026, 12, 1), today=date(2027, 1, 7)) == {"12-01 antenatal:made:w20"}
    assert of_contact(today=date(2027, 1, 7)) == set()
    assert of_contact(today=date(2027, 1, 8)) == {"11-01 antenatal:told:w20"}


def test_a_contact_that_fell_away_before_its_day_was_never_to_be_kept() -> None:
    assert of_contact(ended=date(2026, 11, 26)) == set()
    assert of_contact(ended=date(2026, 11, 27)) == {"11-01 antenatal:told:w20"}


def test_contacts_are_named_and_stand_in_the_order_of_their_days() -> None:
    names = ["w6", "h24", "d7", "d3"]
    assert sorted(names, key=lambda one: contact_place("postnatal", one)) == ["h24", "d3", "d7", "w6"]
    assert [contact_fr("postnatal", one) for one in ("h24", "d3", "w6")] == [
        "Postnatal, 24 heures",
        "Postnatal, jour 3",
        "Postnatal, semaine 6",
    ]
    assert contact_fr("antenatal", "cpn2") == "Prénatal, CPN2"
