"""`laseli follow treat`, `measure`, `discharge` and `treated` as the centre types them."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from service.config import Config
from service.runtime import Runtime
from service.store import people_tables
from service.store.consent_tables import WEEKLY_VISITS
from service.store.treatment_tables import treatment
from service.stories.homes import told_consents
from service.stories.homes.families import Enrolled
from tests.cover import rows_of
from tests.people import TestClock
from tests.stories.test_recalls import enrol
from tests.test_follow_commands import follow, said
from tests.treatments import how_ended

BY = ("--by", "Fatou")


@pytest.fixture
def awa(runtime: Runtime, clock: TestClock) -> Enrolled:
    """About a year and a half old on whatever day the command runs."""
    born = date.today() - timedelta(550)
    clock.set(f"{date.today()}T00:01")
    return enrol(runtime, clock, born=born.isoformat(), last_visit="none")


def test_from_the_first_measure_to_the_end(settings: Config, runtime: Runtime, awa: Enrolled) -> None:
    first = said(settings, "treat", awa.code, "--muac", "112", "--weight", "6", *BY, typed="y\n")
    assert "Noted. Next visit: " in first
    assert "RUTF: 15 sachets until then (hypothesis, low: the protocol's table decides)." in first
    listed = said(settings, "treated")
    assert listed.startswith(f"{awa.code}  Darsalam  ")
    assert listed.endswith("\n1 child\n")
    again = said(settings, "measure", awa.code, "--muac", "117", *BY)
    assert "125 kcal per kg and day; with --weight the sachets are told." in again
    assert said(settings, "measure", awa.code, "--danger", *BY).startswith("To the nearest health centre, now.")
    assert "sent on: no visit is asked for" in said(settings, "treated")
    assert said(settings, "discharge", awa.code, "--why", "transferred", *BY).startswith("Closed.")
    assert how_ended(runtime) == ["transferred"]
    with runtime.database.read() as tx:
        child = people_tables.find_child(tx, id=awa.child_id)
        assert child is not None
        words = [(one.purpose, one.given, one.recorded_by) for one in told_consents.words_of(tx, child)]
    assert ("reminder", True, "self") in words
    assert (WEEKLY_VISITS, True, "Fatou") in words


REFUSED = (
    (("treat", "{code}", "--muac", "1120", *BY), "12.5 cm is 125"),
    (("treat", "{code}", "--muac", "11.2", *BY), "12.5 cm is 125"),
    (("treat", "{code}", "--muac", "112", "--weight", "600", *BY), "in kg"),
    (("treat", "{code}", "--muac", "112", "--on", "2099-01-01", *BY), "has not come yet"),
    (("treat", "{code}", *BY), "--muac says what the tape shows"),
    (("treat", "0000", "--muac", "112", *BY), "no followed child has this code"),
    (("measure", "{code}", "--muac", "112", *BY), "laseli follow treat"),
    (("discharge", "{code}", "--why", "death", *BY), "no visits of this child are followed"),
)


def test_what_cannot_be_is_said_in_a_line(settings: Config, runtime: Runtime, awa: Enrolled) -> None:
    for words, reason in REFUSED:
        result = follow(settings, *(word.format(code=awa.code) for word in words), typed="y\n")
        assert result.exit_code in (1, 2), result.output
        assert reason in result.output
    assert rows_of(runtime, treatment) == []


def test_without_a_yes_or_a_confirmation_nothing_is_opened(settings: Config, runtime: Runtime, awa: Enrolled) -> None:
    told = ("treat", awa.code, "--muac", "112", *BY)
    assert "without this yes nothing is kept" in follow(settings, *told, typed="n\n").output
    assert (
        "a health professional confirms the figures first"
        in follow(settings, *told, typed="y\n", confirmed=False).output
    )
    assert rows_of(runtime, treatment) == []
