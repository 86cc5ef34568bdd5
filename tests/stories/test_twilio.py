"""The same road through Twilio: its SDK out, its signed callbacks in."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from service.config import Config
from service.runtime import Runtime
from service.store.message_tables import message
from service.stories.delivery import dispatcher, receipts
from service.stories.delivery.outbox import Letter, put
from tests.conftest import TWILIO_SID, TWILIO_TOKEN, a_config
from tests.loopback import LoopbackCarrier, Receipts
from tests.people import TestClock

HOUR = 3_600_000


@pytest.fixture
def settings(database_url: str, carrier: LoopbackCarrier) -> Config:
    twilio = {
        "account_sid": TWILIO_SID,
        "auth_token": TWILIO_TOKEN,
        "base_url": carrier.base_url,
        "sender": "+15005550006",
    }
    return a_config(database_url, routes=("twilio",), public_url="https://alertes.example.org", twilio=twilio)


def state(runtime: Runtime) -> str:
    with runtime.database.read() as tx:
        return tx.execute(select(message.c.state)).scalar_one()


def queue(runtime: Runtime, clock: TestClock) -> None:
    letter = Letter("+22370000001", "rendez-vous", "k", "reminder", "once", clock.now(), clock.now() + 48 * HOUR)
    with runtime.database.begin() as tx:
        put(tx, clock.now(), letter)


def test_a_message_leaves_and_its_signed_receipt_delivers_it(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier, product: str
) -> None:
    queue(runtime, clock)
    assert dispatcher.send_due(runtime) == 1
    assert state(runtime) == "accepted"
    assert carrier.tell(carrier.accepted[0], "delivered", plan=Receipts(product_url=product)) == 200
    receipts.settle(runtime)
    assert state(runtime) == "delivered"


def test_when_the_answer_was_lost_the_receipt_still_finds_its_message(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier, product: str
) -> None:
    """Each message carries its own callback address: the carrier's id was never read, and is not needed."""
    carrier.next("drop")
    queue(runtime, clock)
    dispatcher.send_due(runtime)
    assert state(runtime) == "unknown"
    assert carrier.tell(carrier.accepted[0], "delivered", plan=Receipts(product_url=product)) == 200
    receipts.settle(runtime)
    assert state(runtime) == "delivered"


def test_a_number_that_wrote_stop_to_twilio_is_not_tried_again(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier
) -> None:
    carrier.next("code", code=21610)
    queue(runtime, clock)
    dispatcher.send_due(runtime)
    assert state(runtime) == "failed"
    letter = Letter("+22370000001", "encore", "k2", "reminder", "once", clock.now(), clock.now() + HOUR)
    with runtime.database.begin() as tx:
        put(tx, clock.now(), letter)
    assert dispatcher.send_due(runtime) == 0
