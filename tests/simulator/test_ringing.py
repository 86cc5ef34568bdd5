"""The product rings a phone: what it plays stands in the inbox, and the end of the call is told."""

from __future__ import annotations

from tests.simulator.fake_product import FakeProduct
from tests.simulator.visitors import Carrier, Visitor

AWA = "+22370000001"
PLAYS = (
    '<?xml version="1.0"?><Response><Play url="http://x/recordings/greeting.fr.wav"/><GetDigits>'
    '<Play url="http://x/recordings/keys.fr.wav"/></GetDigits></Response>'
)


def ring(carrier: Carrier, number: str = AWA, **form: str) -> dict[str, str]:
    fields = {"username": "u", "from": "+22320000001", "to": number, "clientRequestId": "7"} | form
    answer = carrier.client.post("/call", data=fields, headers={"apiKey": "k"})
    assert answer.status_code == 201
    (entry,) = answer.get_json()["entries"]
    return dict(entry)


def test_a_phone_that_is_on_hears_the_words(carrier: Carrier, visitor: Visitor, product: FakeProduct) -> None:
    product.plays = PLAYS
    entry = ring(carrier)
    assert (entry["phoneNumber"], entry["status"]) == (AWA, "Queued")
    (heard,) = visitor.inbox()
    assert heard.startswith("(appel) Bonjour. Ceci est un message enregistré")
    assert heard.endswith("tapez 9.")
    taken, end = product.wait_for("voice", 2)
    assert (taken["isActive"], end["isActive"]) == ("1", "0")
    assert (end["sessionId"], end["clientRequestId"]) == (entry["sessionId"], "7")
    assert end["hangupCause"] == "NORMAL_CLEARING"


def test_a_product_that_says_nothing_leaves_a_bare_call(
    carrier: Carrier, visitor: Visitor, product: FakeProduct
) -> None:
    ring(carrier)
    assert visitor.inbox() == ["(appel)"]


def test_a_number_that_is_none_and_a_call_without_a_key_are_refused(carrier: Carrier) -> None:
    assert ring(carrier, "abc")["status"] == "InvalidPhoneNumber"
    assert carrier.client.post("/call", data={}).status_code == 401
    assert carrier.client.post("/call", data={}, headers={"apiKey": "k"}).status_code == 400
