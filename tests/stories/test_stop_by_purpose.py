"""Who wants no reminders may still want to hear from the mutual, and the other way round."""

from __future__ import annotations

import itertools

import pytest

from service.clock import DAY_MS
from service.runtime import Runtime
from service.store.message_tables import message
from service.store.phone_tables import opt_out
from service.stories.delivery import dispatcher, outbox
from service.stories.delivery.outbox import Letter
from tests.cover import dial, rows_of
from tests.people import Handset, TestClock

_letters = itertools.count(1)
MENU = ("Langue, SMS, mes données", "Arrêter/reprendre SMS")


def queue(runtime: Runtime, clock: TestClock, handset: Handset, purpose: str) -> None:
    text = f"{purpose} {next(_letters)}"
    now = clock.now()
    with runtime.database.begin() as tx:
        outbox.put(tx, now, Letter(handset.number, text, text, purpose, "must-arrive", now, now + DAY_MS))


@pytest.fixture(autouse=True)
def news(handset: Handset) -> None:
    """She asked for informations: nobody is sent any before."""
    assert "Les informations par SMS : les recevoir" in dial(handset, *MENU, "Les informations")
    handset.choose("Oui")


def arrives(runtime: Runtime, clock: TestClock, handset: Handset) -> set[str]:
    """The purposes of which a new message arrives, on a day that has had none."""
    clock.advance(days=1)
    before = len(handset.inbox)
    for purpose in ("reminder", "campaign"):
        queue(runtime, clock, handset, purpose)
    dispatcher.send_due(runtime)
    return {text.split()[0] for text in handset.inbox[before:]}


def change(handset: Handset, what: str) -> str:
    dial(handset, *MENU, what)
    return handset.press("1")


@pytest.mark.parametrize(
    ("what", "left"),
    [
        ("Les rappels", {"campaign"}),
        ("Les informations", {"reminder"}),
        ("Tous les SMS", set()),
    ],
)
def test_what_is_stopped_is_no_longer_sent_and_the_rest_is(
    handset: Handset, runtime: Runtime, clock: TestClock, what: str, left: set[str]
) -> None:
    for purpose in ("reminder", "campaign"):
        queue(runtime, clock, handset, purpose)
    told = change(handset, what)
    assert "les personnes de ce téléphone" in told
    assert "*384*223#, puis 5 et 1" in told
    dispatcher.send_due(runtime)
    assert {text.split()[0] for text in handset.inbox} == left, "what was queued before the wish counts too"
    assert {one.purpose for one in rows_of(runtime, message) if one.state == "suppressed"} == (
        {"reminder", "campaign"} - left
    )
    assert arrives(runtime, clock, handset) == left


def test_what_was_stopped_begins_again_by_the_same_way(handset: Handset, runtime: Runtime, clock: TestClock) -> None:
    change(handset, "Les rappels")
    assert "recommencer" in dial(handset, *MENU, "Les rappels").casefold()
    handset.press("1")
    assert arrives(runtime, clock, handset) == {"reminder", "campaign"}
    assert rows_of(runtime, opt_out) == []


def test_after_stopping_all_one_purpose_alone_may_begin_again(
    handset: Handset, runtime: Runtime, clock: TestClock
) -> None:
    change(handset, "Tous les SMS")
    change(handset, "Les rappels")
    assert arrives(runtime, clock, handset) == {"reminder"}
    change(handset, "Les informations")
    assert arrives(runtime, clock, handset) == {"reminder", "campaign"}


def test_whoever_thinks_again_changes_nothing(handset: Handset, runtime: Runtime, clock: TestClock) -> None:
    dial(handset, *MENU, "Tous les SMS")
    assert handset.press("2") == "Rien n'est changé. Merci."
    assert arrives(runtime, clock, handset) == {"reminder", "campaign"}


def test_arret_by_sms_stops_everything_and_start_begins_everything(
    handset: Handset, runtime: Runtime, clock: TestClock
) -> None:
    change(handset, "Les informations")
    handset.write("ARRET")
    dispatcher.send_due(runtime)
    assert "5 et 1" in handset.inbox[-1]
    assert arrives(runtime, clock, handset) == set()
    handset.write("START")
    dispatcher.send_due(runtime)
    assert arrives(runtime, clock, handset) == {"reminder", "campaign"}


def test_a_dialled_path_stops_nothing_by_itself(handset: Handset, runtime: Runtime, clock: TestClock) -> None:
    dial(handset)
    handset.session += "x"
    handset.typed = "5*1*1"
    handset.send_step()
    assert "les arreter pour toutes les personnes de ce téléphone ?" in handset.screen
    assert arrives(runtime, clock, handset) == {"reminder", "campaign"}
