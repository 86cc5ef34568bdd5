"""Explicit words are for one reader: neither a SIM that has a new owner nor a changed mind may get a name."""

from __future__ import annotations

import pytest

from service.config import Config
from service.runtime import Runtime
from service.store import phone_tables
from service.stories.delivery import dispatcher
from service.stories.homes import handovers, number_checks
from service.stories.homes.consents import Words
from service.stories.recall import recalls
from tests.caregivers import SETTINGS, about_visits, choose_explicit, kill
from tests.cover import dial
from tests.follow_ups import pregnant, with_follow_ups
from tests.people import Days, Handset, TestClock
from tests.stories.test_recalls import MOTHER, NEIGHBOUR, enrol


@pytest.fixture
def settings(settings: Config) -> Config:
    return with_follow_ups(settings)


def test_a_dead_number_that_comes_back_hears_no_name_before_somebody_says_who_it_is(
    handset: Handset, runtime: Runtime, clock: TestClock, days: Days
) -> None:
    """The SIM was given to somebody else, who calls our short code once out of curiosity."""
    enrol(runtime, clock)
    choose_explicit(handset)
    kill(runtime, clock)
    clock.set("2026-12-05T08:00")
    handset.dial()
    assert not [text for _, text in days.until("2026-12-31") if "Awa" in text]


def test_a_phone_that_was_asked_whose_it_is_hears_no_name_before_it_answers(
    handset: Handset, runtime: Runtime, clock: TestClock, days: Days
) -> None:
    enrol(runtime, clock)
    choose_explicit(handset)
    with runtime.database.begin() as tx:
        mine = phone_tables.find_phone(tx, MOTHER)
        assert mine is not None
        number_checks.ask(tx, runtime, [mine.id], clock.now())
    assert not [text for _, text in days.until("2026-11-25") if "Awa" in text]


def test_discreet_words_hold_for_what_waits_already(handset: Handset, runtime: Runtime, clock: TestClock) -> None:
    """In the morning, before the day's SMS leave: 'others read my phone'."""
    enrol(runtime, clock)
    choose_explicit(handset)
    clock.set("2026-11-22T06:00")
    assert recalls.queue_recalls(runtime) == 1
    dial(handset, SETTINGS, "Mots des rappels")
    handset.choose("La date et le lieu seulement")
    clock.set("2026-11-22T18:00")
    dispatcher.send_due(runtime)
    assert not [text for text in handset.inbox if "Awa" in text]


@pytest.mark.parametrize("shared", ["asked whose it is", "beside another family", "another woman"])
def test_names_that_wait_are_taken_back_when_others_may_read_the_phone(
    handset: Handset, runtime: Runtime, clock: TestClock, shared: str
) -> None:
    enrol(runtime, clock)
    enrol(runtime, clock, number=NEIGHBOUR)
    choose_explicit(handset)
    clock.set("2026-11-22T06:00")
    assert recalls.queue_recalls(runtime) == 2
    with runtime.database.begin() as tx:
        mine = phone_tables.ensure_phone(tx, MOTHER, clock.now())
        if shared == "asked whose it is":
            number_checks.ask(tx, runtime, [mine.id], clock.now())
        if shared == "beside another family":
            handovers.announce(tx, runtime, NEIGHBOUR, MOTHER, "fr", clock.now(), kind="beside")
            assert handovers.accept(tx, runtime, MOTHER, Words("test", "fr", "ussd"), clock.now())
    if shared == "another woman":
        pregnant(runtime, number=MOTHER)
        pregnant(runtime, number=MOTHER, another=True)
    clock.set("2026-11-22T18:00")
    recalls.queue_recalls(runtime)
    dispatcher.send_due(runtime)
    assert about_visits(handset), "the discreet ones go"
    assert not [text for text in handset.inbox if "Awa" in text]
