"""The doors are the same for every carrier: its own method, form and thanks. Recordings: test_every_callback.py."""

from __future__ import annotations

from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import pytest

from service.config import Config
from service.runtime import Runtime
from service.store.inbound_tables import inbound_event
from service.store.message_tables import message
from service.store.phone_tables import opt_out
from service.stories.delivery import dispatcher, receipts
from tests.conftest import HOOK_SECRET
from tests.contracts.recordings import Recording
from tests.loopback import LoopbackCarrier, kannel_receipt
from tests.people import TestClock
from tests.receipt_post import get_address
from tests.stories.test_dispatch import queue, row
from tests.web.test_webhooks import nothing_written, rows

EVENTS = {"ussd": "ussd", "ussd-end": "ussd-end", "sms-in": "sms-in", "sms-receipt": "receipt", "opt-out": "opt-out"}
SIGNED = {"sms-in": "/hooks/twilio/sms", "sms-receipt": "/hooks/twilio/status"}


@pytest.fixture
def settings(settings: Config, carrier: LoopbackCarrier) -> Config:
    """Kannel set up as well, its callbacks at our own address."""
    kannel = {
        "username": "laseli",
        "password": "kannel-password",
        "base_url": carrier.base_url,
        "sender": "8888",
        "hook_secrets": (HOOK_SECRET,),
        "callback_url": "http://127.0.0.1:8000",
    }
    return Config.model_validate(settings.model_dump() | {"kannel": kannel, "routes": ("kannel",)})


def call(product: str, method: str, path: str, body: bytes = b"", headers: Any = None) -> tuple[int, bytes]:
    """The request octet for octet, as no library would tidy it."""
    return exchange(product, method, path, body, headers)[:2]


def exchange(product: str, method: str, path: str, body: bytes = b"", headers: Any = None) -> tuple[int, bytes, str]:
    """The same; gives the content type of the answer as well."""
    connection = HTTPConnection(urlsplit(product).netloc, timeout=10)
    try:
        connection.request(method, path, body or None, headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read(), answer.headers.get("Content-Type", "")
    finally:
        connection.close()


def kannel_path(event: str, query: str = "", secret: str = HOOK_SECRET) -> str:
    return f"/hooks/kannel/{event}/{secret}?{query}"


def door_of(recording: Recording) -> str:
    carrier = recording.name.split("-")[0]
    query = recording.path_and_query.partition("?")[2]
    if carrier == "twilio":
        return SIGNED[recording.event] + (f"?{query}" if query else "")
    door = f"/hooks/{ {'at': 'africastalking'}.get(carrier, carrier) }/{EVENTS[recording.event]}/{HOOK_SECRET}"
    return door + (f"?{query}" if query else "")


@pytest.mark.parametrize(
    ("name", "method"),
    [("africastalking", "GET"), ("africastalking", "HEAD"), ("kannel", "POST"), ("kannel", "HEAD")],
)
def test_each_carrier_comes_by_its_own_method(product: str, runtime: Runtime, name: str, method: str) -> None:
    query = "id=1&from=%2B22370000001&to=8888&raw=ARRET&coding=0&charset=UTF-8"
    for event in EVENTS.values():
        assert call(product, method, f"/hooks/{name}/{event}/{HOOK_SECRET}?{query}")[0] == 405
        assert call(product, method, f"/hooks/{name}/{event}/wrong?{query}")[0] == 404, "says nothing to strangers"
    assert nothing_written(runtime)


def test_signed_carriers_have_no_secret_and_no_door_of_that_kind(product: str, runtime: Runtime) -> None:
    for event in EVENTS.values():
        assert call(product, "POST", f"/hooks/twilio/{event}/{HOOK_SECRET}", b"a=1")[0] == 404
    assert nothing_written(runtime)


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 400),
        ("from=%2B22370000001&to=8888", 400),
        ("from=%2B22370000001&from=%2B22360000002&to=8888&raw=x", 400),
        ("from=%2B22370000001&to=8888&raw=" + "x" * 17_000, 413),
        ("a=1&" * 51 + "from=%2B22370000001&to=8888&raw=x", 413),
    ],
)
def test_odd_queries_get_a_clear_status(product: str, runtime: Runtime, query: str, status: int) -> None:
    answered, body = call(product, "GET", kannel_path("sms-in", query))
    assert answered == status, body
    assert b"22370000001" not in body
    assert nothing_written(runtime)


def test_an_arret_by_kannel_is_obeyed_once(product: str, runtime: Runtime) -> None:
    for number, text in enumerate(("ARRET", "%00A%00R%00R%00%CA%00T", "Arr%C3%AAt+!")):
        alphabet = "coding=2&charset=UTF-16BE" if "%00" in text else "coding=0&charset=UTF-8"
        path = kannel_path("sms-in", f"id={number}&from=%2B22370000001&to=8888&raw={text}&{alphabet}")
        for _ in range(2):
            status, body = call(product, "GET", path)
            assert (status, body) == (200, b""), "a body would be sent to her as an SMS"
    assert rows(runtime, opt_out) == 1
    assert rows(runtime, inbound_event) == 3
    assert rows(runtime, message) == 3  # told each time that it is done


def test_each_message_by_kannel_has_its_own_receipts(
    product: str, runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier
) -> None:
    """Two to one phone: Kannel gives no id of its own, so only ours keeps their receipts apart."""
    queue(runtime, clock, "k1")
    queue(runtime, clock, "k2")
    dispatcher.send_due(runtime)
    assert [row(runtime, key).state for key in ("k1", "k2")] == ["accepted", "accepted"]
    assert carrier.requests[0].form["validity"] == str(48 * 60), "Kannel keeps it no longer than it is of use"
    first, second = carrier.accepted
    for sms, kinds in ((first, ("8", "1", "1")), (second, ("1", "8"))):
        for kind in kinds:
            assert get_address(product, kannel_receipt(sms, kind)) == 200
    receipts.settle(runtime)
    assert [row(runtime, key).state for key in ("k1", "k2")] == ["delivered", "delivered"]


def test_a_receipt_for_another_number_changes_nothing(
    product: str, runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier
) -> None:
    queue(runtime, clock)
    dispatcher.send_due(runtime)
    assert get_address(product, kannel_receipt(carrier.accepted[0], "1", p="+22360000002")) == 200
    receipts.settle(runtime)
    assert row(runtime).state == "accepted"


def test_a_lost_answer_is_found_by_its_receipt(
    product: str, runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier
) -> None:
    carrier.next("drop")
    queue(runtime, clock)
    dispatcher.send_due(runtime)
    assert row(runtime).state == "unknown"
    refusal = {"A": "NACK/0x0000000b/Invalid Destination Address"}
    assert get_address(product, kannel_receipt(carrier.accepted[0], "16", **refusal)) == 200
    receipts.settle(runtime)
    assert (row(runtime).state, row(runtime).reason) == (
        "undelivered",
        "refused by the operator, SMPP 0x0B RINVDSTADR",
    )
