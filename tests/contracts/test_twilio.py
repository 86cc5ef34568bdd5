"""What is Twilio's alone: its error codes, its callback address, its SDK's habits."""

from __future__ import annotations

import json
import logging

import pytest

from service.channels.base import Capabilities, Fields, Unreadable
from service.domain.message_states import Accepted, Ambiguous, NotSent, Outcome, Refused
from tests.contracts.carriers import PHONE, PUBLIC_URL, a_message, twilio
from tests.loopback import ACCOUNT, LoopbackCarrier


def answer_to(carrier: LoopbackCarrier, status: int, body: object, to: str = PHONE) -> Outcome:
    carrier.next("say", status=status, body=body if isinstance(body, bytes) else json.dumps(body).encode())
    return twilio(carrier.base_url).send(a_message(to=to))


def an_error(code: object, status: object = 400) -> dict[str, object]:
    return {"code": code, "message": f"about {PHONE}", "more_info": "https://www.twilio.com", "status": status}


@pytest.mark.parametrize(
    ("status", "code", "scope"),
    [
        (401, 20003, "account"),
        (403, 20003, "account"),
        (404, 20404, "account"),
        (400, 21408, "account"),
        (400, 21608, "account"),
        (400, 21212, "sender"),
        (400, 21606, "sender"),
        (400, 21612, "sender"),
        (400, 21703, "sender"),
        (400, 21211, "person"),
        (400, 21610, "person"),
        (400, 21614, "person"),
        (400, 21635, "person"),
        (400, 21602, "message"),
        (400, 21617, "message"),
        (400, "21614", "person"),
        (400, None, "message"),
        (403, 99999, "account"),
    ],
)
def test_a_code_says_whose_fault_it_is(carrier: LoopbackCarrier, status: int, code: object, scope: str) -> None:
    outcome = answer_to(carrier, status, an_error(code, status))
    assert isinstance(outcome, Refused)
    assert (outcome.scope, outcome.opt_out) == (scope, code == 21610)


@pytest.mark.parametrize("code", [21408, 21606, 21612])
def test_one_number_abroad_does_not_stop_the_channel(carrier: LoopbackCarrier, code: int) -> None:
    outcome = answer_to(carrier, 400, an_error(code), to="+221700000001")
    assert isinstance(outcome, Refused)
    assert outcome.scope == "person"


@pytest.mark.parametrize("code", [14107, 20429, 21611, 30001])
def test_not_now_is_not_sent(carrier: LoopbackCarrier, code: int) -> None:
    assert isinstance(answer_to(carrier, 400, an_error(code)), NotSent)


@pytest.mark.parametrize("code", [20500, 20503, 30410])
def test_their_own_trouble_is_ambiguous(carrier: LoopbackCarrier, code: int) -> None:
    assert isinstance(answer_to(carrier, 400, an_error(code)), Ambiguous)


def test_the_newer_form_of_an_error_is_understood(carrier: LoopbackCarrier) -> None:
    problem = {"type": "https://x", "title": "Refused", "status": 400, "code": 21610, "detail": f"about {PHONE}"}
    outcome = answer_to(carrier, 400, problem)
    assert outcome == Refused("HTTP 400, code 21610", "person", True)


@pytest.mark.parametrize(
    "problem",
    [
        {"type": "x", "title": "x", "status": "400", "code": "21610"},
        {"type": "x", "title": "x", "status": None, "code": []},
        {"type": "x", "title": "x", "status": {}, "code": {}},
    ],
)
def test_an_odd_error_is_no_crash_and_not_accepted(carrier: LoopbackCarrier, problem: dict[str, object]) -> None:
    assert not isinstance(answer_to(carrier, 400, problem), Accepted)


@pytest.mark.parametrize("body", [b"", b"nothing", b"[]", b"null", b"<html>"])
def test_a_refusal_without_a_code_goes_by_its_status(carrier: LoopbackCarrier, body: bytes) -> None:
    assert answer_to(carrier, 400, body) == Refused("HTTP 400", "message", False)
    assert answer_to(carrier, 403, body) == Refused("HTTP 403", "account", False)


@pytest.mark.parametrize("body", [{}, {"sid": None}, {"sid": ""}, {"sid": 5}, {"status": "queued"}])
def test_an_answer_without_an_id_is_ambiguous(carrier: LoopbackCarrier, body: object) -> None:
    assert isinstance(answer_to(carrier, 201, body), Ambiguous)


def test_each_message_carries_its_own_callback(carrier: LoopbackCarrier) -> None:
    twilio(carrier.base_url, public_url=PUBLIC_URL + "/").send(a_message(message_id=9_007_199_254_740_993))
    sent = carrier.requests[0].form["StatusCallback"]
    assert sent == f"{PUBLIC_URL}/hooks/twilio/status?m=9007199254740993#rc=3&rp=all"
    assert carrier.accepted[0].callback == f"{PUBLIC_URL}/hooks/twilio/status?m=9007199254740993"


def test_a_messaging_service_stands_in_for_the_sender(carrier: LoopbackCarrier) -> None:
    channel = twilio(carrier.base_url, sender=None, messaging_service_sid="MG" + "0" * 32)
    channel.send(a_message())
    assert carrier.requests[0].form["MessagingServiceSid"] == "MG" + "0" * 32
    assert "From" not in carrier.requests[0].form
    channel.send(a_message(sender="AUTRE"))
    assert carrier.requests[1].form["From"] == "AUTRE"


def test_the_environment_does_not_move_the_address(carrier: LoopbackCarrier, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWILIO_EDGE", "dublin")
    monkeypatch.setenv("TWILIO_REGION", "ie1")
    monkeypatch.setenv("TWILIO_ACCOUNT_SID", "AC" + "f" * 32)
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", "another")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    assert isinstance(twilio(carrier.base_url).send(a_message()), Accepted)


def test_a_call_leaves_nothing_of_anybody_in_the_log(
    carrier: LoopbackCarrier, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    message = a_message()
    twilio(carrier.base_url).send(message)
    assert carrier.requests
    assert not [one for one in caplog.messages if message.to[1:] in one or message.text in one]


def test_what_it_can() -> None:
    number = twilio("https://a.org", sender="+15005550006").capabilities
    assert number == Capabilities(two_way=True, receipts=True, own_id=True, lists=True, pulls=True)
    assert not twilio("https://a.org").capabilities.two_way


@pytest.mark.parametrize("changes", [{"auth_token": ""}, {"sender": None}, {"public_url": ""}, {"public_url": "x.org"}])
def test_settings_that_would_open_or_close_everything_are_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        twilio("https://api.example.org", **changes)


def test_there_is_no_ussd_and_no_opt_out_event() -> None:
    channel = twilio("https://api.example.org")
    for read in (channel.read_keystroke, channel.read_session_end, channel.read_opt_out):
        with pytest.raises(Unreadable):
            read(Fields([("AccountSid", ACCOUNT)]))
