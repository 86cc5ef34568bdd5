"""A line at Orange: messages leave with its token, its receipts come back to our address, and an ARRET by it counts."""

from __future__ import annotations

import json

import pytest

from service.config import Config
from service.runtime import Runtime
from service.store.phone_tables import opt_out
from service.stories.delivery import dispatcher
from tests.conftest import HOOK_SECRET
from tests.loopback import LoopbackCarrier, Receipts
from tests.people import TestClock
from tests.stories.test_dispatch import queue, row
from tests.web.test_carrier_doors import call
from tests.web.test_webhooks import nothing_written, rows

JSON = {"Content-Type": "application/json"}


@pytest.fixture
def settings(settings: Config, carrier: LoopbackCarrier) -> Config:
    orange = {
        "client_id": "laseli",
        "client_secret": "orange-key",
        "sender_address": "+2230000",
        "sender": "36011",
        "base_url": carrier.base_url,
        "hook_secrets": (HOOK_SECRET,),
    }
    return Config.model_validate(settings.model_dump() | {"orange": orange, "routes": ("orange",)})


@pytest.fixture
def plan(product: str) -> Receipts:
    return Receipts(product, f"/hooks/africastalking/receipt/{HOOK_SECRET}")


def test_messages_leave_and_their_receipts_come_back(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier, plan: Receipts
) -> None:
    queue(runtime, clock, "k1")
    queue(runtime, clock, "k2")
    carrier.next("say", status=401)  # the token ended a moment ago
    dispatcher.send_due(runtime)
    assert [row(runtime, key).state for key in ("k1", "k2")] == ["accepted", "accepted"]
    assert len(carrier.accepted) == 2
    for sms in carrier.accepted:
        for status in ("MessageWaiting", "DeliveryUncertain", "DeliveredToTerminal", "DeliveredToNetwork"):
            assert carrier.tell(sms, status, plan=plan) == 200
    dispatcher.look_after(runtime)
    assert [row(runtime, key).state for key in ("k1", "k2")] == ["delivered", "delivered"]


def test_without_a_token_a_message_waits_and_is_not_uncertain(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier
) -> None:
    queue(runtime, clock, klass="once")
    carrier.desk.orders = ["cut"]
    dispatcher.send_due(runtime)
    assert (row(runtime).state, len(carrier.requests)) == ("queued", 0)
    clock.advance(minutes=2)
    dispatcher.send_due(runtime)
    assert row(runtime).state == "accepted"


def test_a_receipt_for_another_number_changes_nothing(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier, plan: Receipts
) -> None:
    queue(runtime, clock)
    dispatcher.send_due(runtime)
    assert carrier.tell(carrier.accepted[0], "DeliveryImpossible", plan=plan, to="+22360000002") == 200
    dispatcher.look_after(runtime)
    assert row(runtime).state == "accepted"


def test_an_arret_by_orange_is_obeyed_once(product: str, runtime: Runtime) -> None:
    said = {"messageId": "7", "message": "Arrêt", "senderAddress": "tel:+22370000001", "destinationAddress": "36011"}
    body = json.dumps({"inboundSMSMessageNotification": {"inboundSMSMessage": said}}).encode()
    for _ in range(2):
        assert call(product, "POST", f"/hooks/orange/sms-in/{HOOK_SECRET}", body, JSON) == (200, b"")
    assert rows(runtime, opt_out) == 1


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b'{"inboundSMSMessageNotification": null}', b"a=1", b"\xff"])
def test_odd_bodies_get_a_clear_status(product: str, runtime: Runtime, body: bytes) -> None:
    for event in ("sms-in", "receipt", "opt-out", "ussd", "ussd-end"):
        assert call(product, "POST", f"/hooks/orange/{event}/{HOOK_SECRET}", body, JSON)[0] == 400
    assert nothing_written(runtime)
