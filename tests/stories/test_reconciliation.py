"""F5 where the carrier can be asked: a message whose answer was lost is found in its list, or left to people."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select, update

from service.channels.base import Receipt
from service.config import Config
from service.runtime import Runtime
from service.store.message_tables import message, send_attempt
from service.store.unknown_messages import MOST_ASKED
from service.stories.delivery import dispatcher, receipts, reconciliation
from tests.conftest import TWILIO_SID, TWILIO_TOKEN, a_config
from tests.loopback import LoopbackCarrier
from tests.people import TestClock
from tests.stories.test_dispatch import MOTHER, queue, row


@pytest.fixture
def settings(database_url: str, carrier: LoopbackCarrier, clock: TestClock) -> Config:
    carrier.clock = lambda: clock.now() / 1000
    twilio = {
        "account_sid": TWILIO_SID,
        "auth_token": TWILIO_TOKEN,
        "base_url": carrier.base_url,
        "sender": "+15005550006",
    }
    return a_config(database_url, routes=("twilio",), public_url="https://alertes.example.org", twilio=twilio)


def lost(runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier, *, taken: bool = True, **changes: Any) -> None:
    """A call that was cut: after the carrier took the message, or before."""
    carrier.next("drop" if taken else "close")
    queue(runtime, clock, **changes)
    dispatcher.send_due(runtime)
    assert row(runtime, changes.get("key", "k1")).state == "unknown"


def questions(carrier: LoopbackCarrier) -> int:
    return sum(seen.method == "GET" for seen in carrier.requests)


def test_what_the_carrier_has_is_resolved_and_not_sent_again(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier
) -> None:
    lost(runtime, clock, carrier)
    carrier.statuses[carrier.accepted[0].id] = "delivered"
    clock.advance(minutes=2)
    assert reconciliation.ask_carriers(runtime) == 1
    assert (row(runtime).state, row(runtime).carrier_id) == ("delivered", carrier.accepted[0].id)
    clock.advance(hours=7)
    dispatcher.look_after(runtime)
    dispatcher.send_due(runtime)
    assert len(carrier.accepted) == 1


def test_a_call_that_its_worker_did_not_survive_is_asked_about_too(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier
) -> None:
    lost(runtime, clock, carrier)
    with runtime.database.begin() as tx:  # it noted nothing, not even which carrier it called
        tx.execute(update(message).values(channel=None))
        tx.execute(update(send_attempt).values(outcome="calling", detail=None))
    clock.advance(minutes=2)
    assert reconciliation.ask_carriers(runtime) == 1
    assert row(runtime).state == "accepted"


def test_what_it_only_took_becomes_accepted_and_goes_on_from_there(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier
) -> None:
    lost(runtime, clock, carrier)
    clock.advance(minutes=2)
    assert reconciliation.ask_carriers(runtime) == 1
    assert row(runtime).state == "accepted"
    receipts.take(runtime, Receipt("twilio", carrier.accepted[0].id, MOTHER, None, "delivered", ""))
    receipts.settle(runtime)
    assert row(runtime).state == "delivered"


def test_a_call_of_a_moment_ago_is_left_alone(runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier) -> None:
    lost(runtime, clock, carrier)
    clock.advance(seconds=119)
    assert reconciliation.ask_carriers(runtime) == questions(carrier) == 0


def test_what_the_carrier_does_not_have_is_asked_for_rarely_and_ends_with_people(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier
) -> None:
    lost(runtime, clock, carrier, taken=False, klass="once", useful_until=clock.now() + 200 * 3_600_000)
    for _ in range(73 * 6):
        clock.advance(minutes=10)
        assert reconciliation.ask_carriers(runtime) == 0
        dispatcher.look_after(runtime)
    assert row(runtime).state == "unresolved"
    assert 8 <= questions(carrier) <= MOST_ASKED
    assert carrier.accepted == []


def test_after_many_hours_away_it_is_asked_once_and_not_for_every_hour(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier
) -> None:
    lost(runtime, clock, carrier, taken=False)
    clock.advance(hours=5)
    reconciliation.ask_carriers(runtime)
    assert questions(carrier) == 1


def test_another_message_with_the_same_words_is_not_taken_for_it(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier
) -> None:
    """The same words went out a moment before and arrived: their id is known, so it is not the lost one's."""
    queue(runtime, clock, key="arrived")
    dispatcher.send_due(runtime)
    lost(runtime, clock, carrier, taken=False)
    clock.advance(minutes=2)
    assert reconciliation.ask_carriers(runtime) == 0
    assert row(runtime).state == "unknown"


def test_of_two_lost_ones_with_the_same_words_nobody_says_which(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier
) -> None:
    lost(runtime, clock, carrier)
    lost(runtime, clock, carrier, taken=False, key="k2")
    clock.advance(minutes=2)
    assert reconciliation.ask_carriers(runtime) == 0
    assert {row(runtime, key).state for key in ("k1", "k2")} == {"unknown"}


def test_the_same_words_of_last_week_are_no_answer(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier
) -> None:
    queue(runtime, clock, key="last week")
    dispatcher.send_due(runtime)
    with runtime.database.begin() as tx:  # forgotten by us since, and still in the carrier's list
        tx.execute(send_attempt.delete())
        tx.execute(message.delete())
    clock.advance(days=7)
    lost(runtime, clock, carrier, taken=False)
    clock.advance(minutes=2)
    assert reconciliation.ask_carriers(runtime) == 0


def test_a_carrier_that_cannot_answer_is_asked_once_in_a_go(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier
) -> None:
    for n in range(5):
        lost(runtime, clock, carrier, key=f"k{n}", to=f"+2237000000{n}")
    clock.advance(minutes=2)
    carrier.next_list("500", times=1)
    assert reconciliation.ask_carriers(runtime) == 0
    assert questions(carrier) == 1
    clock.advance(minutes=10)
    assert reconciliation.ask_carriers(runtime) == 5


def test_sixty_lost_answers_are_all_resolved_in_one_go(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier
) -> None:
    """A slice of F5: every call was cut after the carrier took it; nothing is sent twice, nothing stays unknown."""
    number = 60
    carrier.faults = {"drop": 1.0}
    for n in range(number):
        queue(runtime, clock, key=f"k{n}", to=f"+2237000{n:04d}", klass="once")
    dispatcher.send_due(runtime)
    clock.advance(minutes=2)
    assert reconciliation.ask_carriers(runtime) == number
    with runtime.database.read() as tx:
        states = list(tx.execute(select(message.c.state)).scalars())
    assert states == ["accepted"] * number
    assert len(carrier.accepted) == number


def test_while_it_is_asked_the_message_may_move_and_stays_where_it_went(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost(runtime, clock, carrier)
    clock.advance(minutes=2)
    channel = runtime.channels["twilio"]
    reconcile = channel.reconcile  # type: ignore[attr-defined]

    def meanwhile(*args: Any) -> Any:
        with runtime.database.begin() as tx:
            tx.execute(update(message).values(state="delivered"))
        return reconcile(*args)

    monkeypatch.setattr(channel, "reconcile", meanwhile)
    assert reconciliation.ask_carriers(runtime) == 1
    assert row(runtime).state == "delivered"
