"""Treatments, malaria rounds, pregnancies and covers in a report, before and after their rows are gone."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from service.config import Config
from service.domain import indicator_definitions as names
from service.domain.indicators import WHOLE
from service.follow_up_settings import CoverSettings
from service.runtime import Runtime
from service.store.follow_up_tables import follow_up
from service.store.tally_tables import follow_up_tally
from service.store.treatment_tables import treatment
from service.stories.homes import memberships
from service.stories.keeping import erasure, retention
from service.stories.staff.reports import CannotReport, Report
from tests.cover import rows_of
from tests.follow_ups import TODAY, WOMAN, ended, pregnant, visit, with_follow_ups
from tests.loopback import LoopbackCarrier
from tests.people import Days, TestClock
from tests.stories.test_cover_ends import asked, covered
from tests.stories.test_malaria_rounds import announce, cancel, grown, move, said
from tests.stories.test_recalls import NEIGHBOUR, enrol
from tests.stories.test_reports import figure, report
from tests.treatments import ADMITTED, closed, taken_in

BORN = "2025-05-20"  # a year and a half old


@pytest.fixture
def settings(settings: Config) -> Config:
    covers = {"cover": CoverSettings(confirmed_by="the mutual's manager")}
    return with_follow_ups(settings).model_copy(update=covers)


@pytest.fixture
def days(runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier) -> Days:
    return Days(runtime, clock, carrier)


def lines(found: Report, key: str) -> dict[str, Any]:
    """name -> (numerator, denominator) of the whole."""
    return {
        one.name: (one.numerator, one.denominator)
        for one in found.indicators
        if one.definition.key == key and one.group == WHOLE
    }


# --- treatments ---------------------------------------------------------------------------------------------


def test_treatments_by_how_they_ended_before_and_after_they_are_gone(runtime: Runtime, clock: TestClock) -> None:
    """Six children: two die or do not respond, one is sent elsewhere, one was a mistake, two go on."""
    ends = ("death", "not_responding", "transferred", "mistake", None, None)
    for place, why in enumerate(ends):
        one = enrol(runtime, clock, born=BORN, number=f"+2237000010{place}", last_visit="none")
        taken_in(runtime, one, mm=112 if place < 5 else 118)
        if why:
            closed(runtime, one, why)
    before = report(runtime, clock, "nutrition")
    assert lines(before, names.ADMITTED) == {
        "Toutes les admissions": (5, None),
        "Sévère (rouge ou œdème)": (4, None),
        "Modérée (jaune)": (1, None),
        "2026-11": (5, None),
    }
    results = {"Guéris": (0, 2), "Décédés": (1, 2), "Abandons": (0, 2), "Non-répondants": (1, 2)}
    assert lines(before, names.OUTCOMES) == results | {f"2026-11 {name}": cell for name, cell in results.items()}
    assert figure(before, names.OUTCOMES, "Décédés") == (1, 2, 50.0)
    assert lines(before, names.OTHER_ENDS) == {
        "Transférés": (1, None),
        "Partis ailleurs": (0, None),
        "Refus de la famille": (0, None),
    }
    clock.set("2026-12-25T02:00")
    retention.purge(runtime)
    assert len(rows_of(runtime, treatment)) == 2, "those that go on"
    after = report(runtime, clock, "nutrition")
    for key in names.OF_TREATMENTS:
        assert lines(after, key) == lines(before, key)
    assert {row.month for row in rows_of(runtime, follow_up_tally)} == {ADMITTED.replace(day=1)}
    assert lines(report(runtime, clock, "nutrition", as_of=date(2026, 10, 31)), names.OUTCOMES)["Décédés"] == (0, 0)


def test_a_child_that_is_erased_stays_in_the_counts(runtime: Runtime, clock: TestClock) -> None:
    taken_in(runtime, enrol(runtime, clock, born=BORN, number=NEIGHBOUR, last_visit="none"))
    erasure.forget_on_request(runtime, NEIGHBOUR, "Awa", "asked at the centre", clock.now())
    assert lines(report(runtime, clock, "nutrition"), names.ADMITTED)["Toutes les admissions"] == (1, None)


# --- rounds -------------------------------------------------------------------------------------------------


def test_children_told_of_a_round(runtime: Runtime, clock: TestClock, days: Days) -> None:
    grown(runtime, clock)
    grown(runtime, clock, NEIGHBOUR)
    announce(runtime)
    announce(runtime, said(date(2027, 1, 11), date(2027, 1, 15)))
    days.until("2026-12-03")
    found = report(runtime, clock, "rounds", as_of=date(2026, 12, 3))
    left = {name: cell for name, cell in lines(found, names.ROUND_TOLD).items() if name.endswith("parti")}
    assert left == {"Tous les passages, message parti": (2, 2), "Commune III 2026, passage 1, message parti": (2, 2)}
    hidden = report(runtime, clock, "rounds", as_of=date(2026, 12, 3), by="zone")
    assert {one.hidden for one in hidden.indicators if one.group != WHOLE and one.name.startswith("Tous")} == {"<5"}


def test_a_round_that_was_moved_or_called_off(runtime: Runtime, clock: TestClock, days: Days) -> None:
    grown(runtime, clock)
    announce(runtime)
    days.until("2026-11-30")
    clock.set("2026-12-01T08:00")
    move(runtime, said(date(2026, 12, 20), date(2026, 12, 24)))
    clock.set("2026-12-20T08:00")
    found = lines(report(runtime, clock, "rounds"), names.ROUND_TOLD)
    assert found["Commune III 2026, passage 1, message parti"] == (0, 1), "the former day is none"
    days.until("2026-12-20")
    clock.set("2026-12-21T08:00")
    found = lines(report(runtime, clock, "rounds"), names.ROUND_TOLD)
    assert found["Commune III 2026, passage 1, message parti"] == (1, 1)
    cancel(runtime)
    assert set(lines(report(runtime, clock, "rounds"), names.ROUND_TOLD).values()) == {(0, 0)}


# --- pregnancies --------------------------------------------------------------------------------------------


def test_contacts_told_and_kept_before_and_after_the_rows_are_gone(
    runtime: Runtime, clock: TestClock, days: Days
) -> None:
    keeps, misses = pregnant(runtime).code, pregnant(runtime, number=NEIGHBOUR).code
    days.until("2026-11-27")
    clock.set("2026-11-30T10:00")
    visit(runtime, keeps, date(2026, 11, 30))
    found = report(runtime, clock, "pregnancies")
    assert lines(found, names.CONTACTS_KEPT)["Tous les contacts prénatals"] == (0, 0), "the other may still come"
    ended(runtime, keeps, "moved", date(2026, 11, 30))
    ended(runtime, misses, "moved", date(2026, 11, 30))
    found = report(runtime, clock, "pregnancies")
    assert figure(found, names.CONTACTS_KEPT, "Prénatal, semaine 20") == (1, 2, 50.0)
    assert lines(found, names.CONTACTS_MADE)["Tous les contacts prénatals"] == (1, None)
    assert lines(found, names.PREGNANCIES) == {"Toutes les grossesses": (2, None), "2026-11": (2, None)}
    erasure.forget_on_request(runtime, WOMAN, "Awa", "asked at the centre", clock.now())
    clock.set("2027-01-05T02:00")
    retention.purge(runtime)
    assert rows_of(runtime, follow_up) == []
    after = report(runtime, clock, "pregnancies")
    for key in names.OF_PREGNANCIES:
        assert lines(after, key) == lines(found, key)
    assert TODAY.replace(day=1) in {row.month for row in rows_of(runtime, follow_up_tally)}


# --- covers -------------------------------------------------------------------------------------------------


def test_what_the_mutual_said_of_covers(runtime: Runtime, clock: TestClock) -> None:
    requests = [asked(runtime, f"+2237600001{place}") for place in range(5)]
    for one in requests[:3]:
        covered(runtime, one)
    covered(runtime, requests[0])  # the same again is no new word
    covered(runtime, requests[0], date(2027, 6, 30))
    covered(runtime, requests[1], date(2026, 12, 1))  # a correction
    with runtime.database.begin() as tx:
        memberships.end(tx, runtime, requests[2], "Fatou", clock.now())
        memberships.refuse(tx, requests[3], "Fatou", clock.now())
    clock.set("2026-12-02T10:00")
    found = report(runtime, clock, "covers")
    assert lines(found, names.COVERS) == {
        "Demandes en attente": (1, None),
        "Couvertures en cours": (1, None),
        "Dernier jour passé, sans nouvelle": (1, None),
    }
    said_of_it = {
        "Confirmées": (3, None),
        "Prolongées": (1, None),
        "Terminées": (1, None),
        "Demandes refusées": (1, None),
    }
    by_month = {f"2026-11 {name}": cell for name, cell in said_of_it.items()}
    assert lines(found, names.COVER_WORDS) == said_of_it | by_month
    assert all(one.value is None for one in found.indicators)
    earlier = lines(report(runtime, clock, "covers", as_of=date(2026, 12, 1)), names.COVERS)
    assert set(earlier.values()) == {(None, None)}


@pytest.mark.parametrize("only", [{"zone": "Darsalam"}, {"by": "zone"}, {"cohort": (TODAY, TODAY)}])
def test_they_are_told_of_the_whole_programme_only(runtime: Runtime, clock: TestClock, only: dict[str, Any]) -> None:
    for part in ("nutrition", "pregnancies", "covers"):
        with pytest.raises(CannotReport, match="leave --zone"):
            report(runtime, clock, part, **only)
