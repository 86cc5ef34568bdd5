"""The product sends an SMS: Africa's Talking's answer, an inbox, and a receipt that keeps coming until it is taken."""

import logging
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from flask import Flask

from service.simulator.phone_app import create_simulator, simulation_of
from tests.simulator.fake_product import SECRET, FakeProduct
from tests.simulator.visitors import Carrier, Visitor

AWA = "+22370000001"


def test_a_send_is_answered_as_africas_talking_does(carrier: Carrier, visitor: Visitor) -> None:
    answer = carrier.send(AWA, "Bonjour")
    assert (answer.status_code, answer.content_type) == (201, "application/json")
    data = answer.get_json()["SMSMessageData"]
    assert data["Message"] == "Sent to 1/1 Total Cost: XOF 0 Message parts: 1"
    (recipient,) = data["Recipients"]
    assert re.fullmatch(r"ATXid_[0-9a-f]{32}", recipient.pop("messageId"))
    assert recipient == {"statusCode": 102, "number": AWA, "status": "Success", "cost": "XOF 0"}
    assert visitor.inbox() == ["Bonjour"]


def test_without_a_key_nothing_is_taken(carrier: Carrier, visitor: Visitor) -> None:
    answer = carrier.send(AWA, "Bonjour", headers={})
    assert (answer.status_code, answer.mimetype) == (401, "text/plain")
    assert answer.text == "The supplied authentication is invalid"
    assert visitor.inbox() == []


@pytest.mark.parametrize("missing", ["to", "message", "username"])
def test_a_form_without_its_fields_is_refused(carrier: Carrier, missing: str) -> None:
    fields = {"username": "u", "to": AWA, "message": "m", missing: ""}
    answer = carrier.client.post("/version1/messaging", data=fields, headers={"apiKey": "k"})
    assert (answer.status_code, answer.mimetype) == (400, "text/plain")
    assert missing in answer.text


def test_many_numbers_each_get_their_own_answer(carrier: Carrier, product: FakeProduct) -> None:
    found = carrier.recipients("+22370000001, 22370000002,abc", "Bonjour", enqueue="")
    assert [(one["number"], one["statusCode"], one["status"]) for one in found] == [
        ("+22370000001", 101, "Success"),
        ("+22370000002", 101, "Success"),
        ("abc", 403, "InvalidPhoneNumber"),
    ]
    assert found[2]["messageId"] == "None"
    assert {receipt["phoneNumber"] for receipt in product.wait_for("receipt", 2)} == {"+22370000001", "+22370000002"}


def test_a_receipt_follows(carrier: Carrier, product: FakeProduct) -> None:
    (sent,) = carrier.recipients(AWA, "Bonjour")
    assert product.wait_for("receipt", 1) == [
        {"id": sent["messageId"], "status": "Success", "phoneNumber": AWA, "networkCode": "99999"}
    ]


def test_a_receipt_is_posted_again_until_it_is_taken(carrier: Carrier, visitor: Visitor, product: FakeProduct) -> None:
    product.refuse["receipt"] = 2
    (sent,) = carrier.recipients(AWA, "Bonjour")
    assert {receipt["id"] for receipt in product.wait_for("receipt", 3)} == {sent["messageId"]}
    carrier.send(AWA, "Encore")
    product.wait_for("receipt", 4)
    assert len(product.of("receipt")) == 4, "a receipt that was taken is not posted again"


def test_it_gives_up_after_some_tries_and_says_so(carrier: Carrier, visitor: Visitor, product: FakeProduct) -> None:
    product.refuse["receipt"] = 4
    carrier.send(AWA, "Bonjour")
    product.wait_for("receipt", 4)
    carrier.send(AWA, "Encore")
    product.wait_for("receipt", 5)
    assert len(product.of("receipt")) == 5
    assert "1 abandonné après plusieurs essais." in visitor.notices()


def test_the_secret_of_the_address_is_in_no_log(
    carrier: Carrier, visitor: Visitor, product: FakeProduct, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "service.simulator")
    product.refuse["receipt"] = 1
    carrier.send(AWA, "Bonjour")
    product.wait_for("receipt", 2)
    product.close()
    visitor.press("dial")
    assert "receipt callback not taken (status 503)" in caplog.text
    assert SECRET not in caplog.text + visitor.page()


def test_a_phone_that_is_off_gets_its_sms_when_it_is_turned_on(
    carrier: Carrier, visitor: Visitor, product: FakeProduct
) -> None:
    visitor.press("off")
    (sent,) = carrier.recipients(AWA, "Bonjour")
    assert visitor.inbox() == []
    assert "1 en attente" in visitor.page()
    assert [receipt["status"] for receipt in product.wait_for("receipt", 1)] == ["AbsentSubscriber"]
    visitor.press("on")
    assert visitor.inbox() == ["Bonjour"]
    assert [(receipt["id"], receipt["status"]) for receipt in product.wait_for("receipt", 2)] == [
        (sent["messageId"], "AbsentSubscriber"),
        (sent["messageId"], "Success"),
    ]
    visitor.press("on")
    carrier.send(AWA, "Encore")
    assert len(product.wait_for("receipt", 3)) == 3
    assert visitor.inbox() == ["Encore", "Bonjour"]


def test_a_phone_that_is_off_cannot_call_or_write(visitor: Visitor, product: FakeProduct) -> None:
    visitor.press("dial")
    assert visitor.press("off") == "Éteint"
    assert product.wait_for("ussd-end", 1)[0]["status"] == "Incomplete"
    assert visitor.press("dial") == visitor.press("press", key="1") == visitor.press("repeat") == "Éteint"
    visitor.press("sms", text="STOP")
    assert "éteint" in visitor.notices()
    assert len(product.of("ussd")) == 1
    assert product.of("sms-in") == []


def test_a_phone_writes_to_the_service(visitor: Visitor, product: FakeProduct) -> None:
    visitor.press("sms", text="Arrêt !\r\nmerci")
    (form,) = product.of("sms-in")
    assert re.fullmatch(r"[0-9a-f-]{36}", form.pop("id"))
    assert re.fullmatch(r"2026-11-20 14:0\d:\d\d", form.pop("date"))
    assert form == {
        "from": AWA, "linkId": "", "text": "Arrêt !\nmerci", "to": "36223", "networkCode": "99999",
    }  # fmt: skip
    assert visitor.inbox() == ["Arrêt !\nmerci"]
    assert visitor.notices() == "SMS remis au service."


def test_an_sms_that_the_service_did_not_take_is_presented_again(visitor: Visitor, product: FakeProduct) -> None:
    product.refuse["sms-in"] = 2
    visitor.press("sms", text="STOP")
    forms = product.wait_for("sms-in", 3)
    assert forms[0] == forms[1] == forms[2]


def test_the_letters_of_an_sms_are_shown_not_obeyed(carrier: Carrier, visitor: Visitor) -> None:
    text = "<script>alert(1)</script>\n\"'&lt; ŋ"
    carrier.send(AWA, text, **{"from": "<i>X"})
    assert visitor.inbox() == [text]
    page = visitor.page()
    assert "<script>alert" not in page
    assert "<i>X" not in page
    assert ">ŋ</mark>" in page
    assert "1 SMS · 34 unités · UCS-2" in page


def test_numbers_outside_the_page_are_listed_and_can_be_shown(carrier: Carrier, visitor: Visitor) -> None:
    carrier.send("+22360000009", "Bonjour")
    page = visitor.page()
    assert "+223 60 00 00 09</button> 1 SMS" in page
    page = visitor.post("phones", number="+22360000009")
    assert "SMS reçus par d'autres numéros" not in page
    assert visitor.inbox(3) == ["Bonjour"]


def test_the_state_survives_a_restart(app: Flask, product: FakeProduct, state_file: Path) -> None:
    visitor, carrier = Visitor(app), Carrier(app)
    visitor.post("phones", number="70 00 00 07")
    visitor.post("phones/2/remove")
    visitor.press("dial")
    visitor.press("press", key="1")
    visitor.press("off", 3)
    carrier.send("+22370000007", "Attends")
    product.wait_for("receipt", 1)
    product.refuse["receipt"] = 1
    carrier.send(AWA, "Bonjour")
    product.wait_for("receipt", 2)
    simulation_of(app).close()

    again = create_simulator(product.url, SECRET, state_file, receipt_delay=0, retry_seconds=(0.02,))
    try:
        visitor = Visitor(again)
        assert visitor.inbox() == ["Bonjour"]
        assert visitor.screen() == "Prénom de l'enfant ?"
        assert visitor.press("send", typed="Awa") == "Awa est inscrit. Un SMS confirme."
        assert visitor.screen(3) == "Éteint"
        assert 'id="phone-2"' not in visitor.page()
        assert len(product.wait_for("receipt", 3)) == 3, "the receipt that was refused comes after the restart"
        visitor.press("on", 3)
        assert visitor.inbox(3) == ["Attends"]
    finally:
        simulation_of(again).close()


def test_an_sms_is_on_the_disk_before_it_is_answered(app: Flask) -> None:
    state = simulation_of(app).state
    assert state._rows("PRAGMA journal_mode")[0][0] == "wal"
    assert state._rows("PRAGMA synchronous")[0][0] == 2  # FULL: the log is synced at every commit


def test_a_file_of_another_version_is_left_alone(state_file: Path) -> None:
    with closing(sqlite3.connect(state_file)) as other:
        other.execute("PRAGMA user_version = 99")
    with pytest.raises(RuntimeError, match="move it away"):
        create_simulator("http://127.0.0.1:9", SECRET, state_file)
