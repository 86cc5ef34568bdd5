"""Somebody needs to talk. Whoever looks at the phone, the carrier's list or the database later learns nothing of it."""

from __future__ import annotations

import pytest

from service.config import Config
from service.runtime import Runtime
from service.stories.delivery import dispatcher
from tests.cover import dial, everything
from tests.people import Days, Handset, TestClock

FEEDING, TALKING = "Nourrir mon enfant", "Parler à quelqu'un"


def heard(handset: Handset, entry: str, key: str = "1") -> list[str]:
    """Every screen from the advice menu to the end, for somebody whose language is known."""
    dial(handset)
    screens = [dial(handset, "Conseil, écoute"), handset.choose(entry)]
    while handset.open:
        screens.append(handset.press(key))
    return screens


def test_the_two_entries_are_the_same_screen_by_screen(handset: Handset) -> None:
    feeding, talking = heard(handset, FEEDING), heard(handset, TALKING)
    assert feeding == talking
    assert heard(handset, TALKING, "2") == talking
    assert talking[1].startswith("L'opérateur peut voir ce numéro, le code appelé et ce qui est tapé ici.")
    assert talking[-1].startswith("Pour un conseil ou pour parler, venez au centre de santé")


@pytest.mark.parametrize("entry", [FEEDING, TALKING])
def test_nothing_is_written_and_nothing_is_sent(
    handset: Handset, runtime: Runtime, clock: TestClock, entry: str
) -> None:
    dial(handset)  # the language is known from here on
    dispatcher.send_due(runtime)  # the routes have their rows from here on
    before = everything(runtime, "conversation", "flow_version")
    heard(handset, entry)
    dispatcher.send_due(runtime)
    assert everything(runtime, "conversation", "flow_version") == before
    assert handset.inbox == []


def test_a_call_that_is_cut_leads_to_no_sms(
    handset: Handset, runtime: Runtime, clock: TestClock, carrier: object
) -> None:
    dial(handset, "Conseil, écoute", TALKING)
    assert Days(runtime, clock, handset.carrier).until("2026-11-22") == []
    assert handset.inbox == []


class TestWithAHelpLine:
    @pytest.fixture
    def settings(self, settings: Config) -> Config:
        return settings.model_copy(update={"help_number": "80 00 11 11"})

    def test_both_entries_tell_the_number(self, handset: Handset) -> None:
        feeding, talking = heard(handset, FEEDING), heard(handset, TALKING)
        assert feeding == talking
        assert "appelez le 80 00 11 11 ou venez au centre de santé" in talking[-1]


@pytest.mark.parametrize("language", ["fr", "bm", "en"])
def test_no_screen_on_the_way_names_what_happened_to_anybody(handset: Handset, language: str) -> None:
    dial(handset, language=language)
    screens = [handset.screen, handset.press("4"), handset.press("3"), handset.press("1")]
    for screen in screens:
        for word in ("viol", "vbg", "gbv", "agress", "abus", "frapp", "victim", "danger"):
            assert word not in screen.casefold()
