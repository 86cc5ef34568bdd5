"""The product rings a phone: what it plays stands in the inbox, and the end of the call is told."""

from __future__ import annotations

from tests.simulator.fake_product import FakeProduct
from tests.simulator.visitors import Carrier, Visitor

AWA = "+22370000001"
PLAYS = (
    '<?xml version="1.0"?><Response><Play url="http://x/recordings/greeting.fr.wav"/><GetDigits'
    ' callbackUrl="https://x/hooks/simulator/voice/s?m=7&amp;n=1">'
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
    assert visitor.screen().startswith("Bonjour. Ceci est un message"), "the line is open"
    visitor.press("hang-up")
    assert visitor.screen().startswith("Composez")
    taken, end = product.wait_for("voice", 2)
    assert (taken["isActive"], end["isActive"]) == ("1", "0")
    assert (end["sessionId"], end["clientRequestId"]) == (entry["sessionId"], "7")
    assert end["hangupCause"] == "NORMAL_CLEARING"


def test_keys_are_pressed_in_a_call_until_it_ends(carrier: Carrier, visitor: Visitor, product: FakeProduct) -> None:
    product.plays = PLAYS
    stopped = '<Response><Play url="http://x/recordings/stopped.fr.wav"/></Response>'
    product.plays_after = {"1": PLAYS.replace("n=1", "n=2"), "9": stopped}
    entry = ring(carrier)
    assert visitor.press("press", key="1").startswith("Bonjour. Ceci est un message")
    assert visitor.press("press", key="9").startswith("Composez"), "nothing is waited for any more"
    assert len(visitor.inbox()) == 3
    first, again, nine, end = product.wait_for("voice", 4)
    assert {one["sessionId"] for one in (first, again, nine, end)} == {entry["sessionId"]}
    assert [(one["dtmfDigits"], one["?"]) for one in (again, nine)] == [("1", "m=7&n=1"), ("9", "m=7&n=2")]
    assert (end["isActive"], end["hangupCause"]) == ("0", "NORMAL_CLEARING")
    assert "Pas d'appel en cours" in visitor.press("press", key="1")


def test_a_second_call_and_a_code_that_is_dialled_end_the_one_before(
    carrier: Carrier, visitor: Visitor, product: FakeProduct
) -> None:
    product.plays = PLAYS
    first, second = ring(carrier), ring(carrier)
    product.wait_for("voice", 3)
    assert visitor.press("dial").startswith("Suivi vaccinal")
    ends = [one for one in product.wait_for("voice", 4) if one["isActive"] == "0"]
    assert [one["sessionId"] for one in ends] == [first["sessionId"], second["sessionId"]]
    ring(carrier)
    assert visitor.screen().startswith("Suivi vaccinal"), "whoever is in a conversation hears it without a key"


def test_a_product_that_says_nothing_leaves_a_bare_call(
    carrier: Carrier, visitor: Visitor, product: FakeProduct
) -> None:
    ring(carrier)
    assert visitor.inbox() == ["(appel)"]


def test_a_number_that_is_none_and_a_call_without_a_key_are_refused(carrier: Carrier) -> None:
    assert ring(carrier, "abc")["status"] == "InvalidPhoneNumber"
    assert carrier.client.post("/call", data={}).status_code == 401
    assert carrier.client.post("/call", data={}, headers={"apiKey": "k"}).status_code == 400
