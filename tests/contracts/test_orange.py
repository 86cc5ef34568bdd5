"""What is Orange's alone: its token of the hour, its JSON, its refusals, its receipts and its recorded callbacks."""

from __future__ import annotations

import json
import operator
import threading
import time
from functools import partial
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.channels import orange_tokens
from service.channels.base import Capabilities, IncomingSms, Receipt, Unreadable
from service.channels.raw_request import Raw
from service.channels.via_orange import RECEIPTS, Orange
from service.domain.message_states import Accepted, Ambiguous, NotSent, Outcome, Refused
from tests.contracts.carriers import API_KEY, LONGEST, PHONE, SECRET, a_message, orange
from tests.contracts.recordings import load, names
from tests.loopback import LoopbackCarrier
from tests.orange_answers import orange_receipt, refusal

ORANGE = orange("https://api.orange.com")
POLICY, SERVICE = "policyException", "serviceException"
NOT_NOW = (429, b""), (500, b""), (503, b"busy"), (200, b""), (200, b"{}"), (200, b"[1]"), (200, b'{"access_token": 7}')


# -- the token


def test_one_token_serves_many_messages(carrier: LoopbackCarrier) -> None:
    channel = orange(carrier.base_url)
    assert all(isinstance(channel.send(a_message()), Accepted) for _ in range(5))
    assert carrier.desk.asked == [{"grant_type": "client_credentials"}]


def test_many_threads_ask_for_one_token(carrier: LoopbackCarrier) -> None:
    channel = orange(carrier.base_url, read_timeout=2.0)
    carrier.desk.orders = [0.2]
    outcomes = at_once(channel, 12)
    assert all(isinstance(outcome, Accepted) for outcome in outcomes)
    carrier.desk.end_all()
    outcomes = at_once(channel, 12)
    assert all(isinstance(outcome, Accepted) for outcome in outcomes)
    assert len(carrier.desk.asked) == 2, "one at the beginning, one after all had been refused"
    assert len(carrier.accepted) == 24


def at_once(channel: Orange, how_many: int) -> list[Outcome]:
    outcomes: list[Outcome] = []
    threads = [threading.Thread(target=lambda: outcomes.append(channel.send(a_message()))) for _ in range(how_many)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


def test_a_token_is_renewed_shortly_before_its_end(carrier: LoopbackCarrier, monkeypatch: pytest.MonkeyPatch) -> None:
    channel = orange(carrier.base_url)
    asked = []
    for passed in (0.0, 3500.0, 3545.0, 7080.0, 7100.0):
        later = SimpleNamespace(monotonic=partial(operator.add, 1000.0, passed))
        monkeypatch.setattr(orange_tokens, "time", later)
        channel.send(a_message())
        asked.append(len(carrier.desk.asked))
    assert asked == [1, 1, 2, 2, 3]
    assert len(carrier.requests) == 5, "none was refused on the way"


@pytest.mark.parametrize(("life", "seconds"), [("3600", 3540), (3600, 3540), ("", 240), ("soon", 240), (30, 24)])
def test_the_life_of_a_token_may_be_written_in_several_ways(
    life: object, seconds: int, carrier: LoopbackCarrier
) -> None:
    carrier.desk.life = life
    channel = orange(carrier.base_url)
    began = time.monotonic()
    channel.send(a_message())
    assert channel._tokens._until - began == pytest.approx(seconds, abs=2)


def test_a_token_that_ended_too_soon_is_replaced_and_the_message_goes_once(carrier: LoopbackCarrier) -> None:
    channel = orange(carrier.base_url)
    channel.send(a_message())
    carrier.desk.end_all()
    assert isinstance(channel.send(a_message()), Accepted)
    assert (len(carrier.requests), len(carrier.accepted), len(carrier.desk.asked)) == (3, 2, 2)


def test_a_second_refusal_is_a_fault_of_our_account(carrier: LoopbackCarrier) -> None:
    channel = orange(carrier.base_url)
    carrier.next("say", times=2, status=401, body=b'{"code": 41, "message": "Invalid credentials"}')
    assert channel.send(a_message()) == Refused("HTTP 401", "account", opt_out=False)
    assert len(carrier.requests) == 2, "one repeat and no more"
    assert isinstance(channel.send(a_message()), Accepted)


def test_the_repeat_may_be_lost_as_any_call(carrier: LoopbackCarrier) -> None:
    channel = orange(carrier.base_url)
    carrier.next("say", status=401)
    carrier.next("drop")
    assert isinstance(channel.send(a_message()), Ambiguous)
    assert len(carrier.accepted) == 1


@pytest.mark.parametrize("answer", [*NOT_NOW, (408, b""), "cut", 1.0])
def test_without_a_token_nothing_was_sent(carrier: LoopbackCarrier, answer: tuple[int, bytes] | str | float) -> None:
    carrier.desk.orders = [answer]
    channel = orange(carrier.base_url)
    began = time.monotonic()
    assert isinstance(channel.send(a_message()), NotSent)
    assert time.monotonic() - began < LONGEST
    assert carrier.requests == []
    assert isinstance(channel.send(a_message()), Accepted), "the next one asks again"


@pytest.mark.parametrize("status", [301, 307, 400, 401, 403, 404])
def test_a_key_that_gets_no_token_is_a_fault_of_our_account(carrier: LoopbackCarrier, status: int) -> None:
    carrier.desk.orders = [(status, b'{"error": "invalid_client"}')]
    assert orange(carrier.base_url).send(a_message()) == Refused(f"no token, HTTP {status}", "account", opt_out=False)
    assert carrier.requests == []


def test_who_waited_for_a_token_in_vain_does_not_queue_up_for_another(carrier: LoopbackCarrier) -> None:
    channel = orange(carrier.base_url)
    carrier.desk.orders = [1.0] * 8
    began = time.monotonic()
    assert all(isinstance(outcome, NotSent) for outcome in at_once(channel, 8))
    assert time.monotonic() - began < 3 * LONGEST
    assert len(carrier.desk.asked) <= 3


def test_a_token_that_would_break_a_header_is_none(carrier: LoopbackCarrier) -> None:
    carrier.desk.orders = [(200, b'{"access_token": "a\\r\\nX: y", "expires_in": 3600}')]
    assert orange(carrier.base_url).send(a_message()) == NotSent("no token, HTTP 200", None)


def test_no_key_is_told_of_the_desk(carrier: LoopbackCarrier, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    channel = orange(carrier.base_url)
    carrier.desk.orders = ["cut", (401, API_KEY.encode())]
    told = repr([channel.send(a_message()), channel.send(a_message())]) + caplog.text
    assert API_KEY not in told
    assert "Basic" not in told


# -- out


def answer_to(carrier: LoopbackCarrier, status: int, body: bytes) -> Outcome:
    """What we make of this answer to a send."""
    carrier.next("say", status=status, body=body)
    return orange(carrier.base_url).send(a_message())


def test_the_request_is_what_orange_reads(carrier: LoopbackCarrier) -> None:
    orange(carrier.base_url).send(a_message(text="Ji bɛ ka kɔrɔta"))
    assert carrier.requests[0].path == "/smsmessaging/v1/outbound/tel%3A%2B2230000/requests"
    assert carrier.requests[0].form == {
        "to": PHONE,
        "text": "Ji bɛ ka kɔrɔta",
        "from": "LASELI",
        "senderAddress": "tel:+2230000",
    }


def test_without_a_name_orange_puts_its_own(carrier: LoopbackCarrier) -> None:
    assert isinstance(orange(carrier.base_url, sender=None).send(a_message()), Accepted)
    assert carrier.accepted[0].sender == ""


def test_parts_are_counted_by_us(carrier: LoopbackCarrier) -> None:
    outcome = orange(carrier.base_url).send(a_message(text="ɛ" * 71))
    assert isinstance(outcome, Accepted)
    assert outcome.parts == 2


@pytest.mark.parametrize(
    "body",
    [
        b'{"outboundSMSMessageRequest": {"resourceURL": null}}',
        b'{"outboundSMSMessageRequest": {"resourceURL": "https://api.orange.com/x"}}',
        b'{"outboundSMSMessageRequest": {"resourceURL": "https://api.orange.com/requests/"}}',
        b'{"outboundSMSMessageRequest": "https://api.orange.com/requests/1"}',
        b'{"outboundSMSMessageRequest": {"resourceURL": "/requests/' + b"1" * 200 + b'"}}',
    ],
)
def test_a_send_that_names_no_message_is_ambiguous(carrier: LoopbackCarrier, body: bytes) -> None:
    assert isinstance(answer_to(carrier, 201, body), Ambiguous)
    good = b'{"outboundSMSMessageRequest": {"resourceURL": "https://a/outbound/tel:+2230000/requests/abc-1"}}'
    assert isinstance(answer_to(carrier, 200, good), Ambiguous), "201 and nothing else is a yes"
    assert answer_to(carrier, 201, good) == Accepted("abc-1", 1, None, "accepted")


@pytest.mark.parametrize(
    ("status", "body", "scope", "detail"),
    [
        (
            403,
            refusal(POLICY, "POL0001", "Error code is %1", "Expired contract"),
            "account",
            "POL0001, credit or contract",
        ),
        (
            403,
            refusal(POLICY, "POL0001", "Error code is %1", "Insufficient credit"),
            "account",
            "POL0001, credit or contract",
        ),
        (403, refusal(POLICY, "POL0001", "Error code is %1", "senderName is not allowed"), "sender", "POL0001"),
        (400, refusal(SERVICE, "SVC0002", "Invalid input value", "senderName"), "sender", "SVC0002"),
        (400, refusal(SERVICE, "SVC0004", "No valid addresses provided", "address"), "message", "SVC0004"),
        (403, refusal(POLICY, "POL0002", "Privacy verification failed for %1", PHONE), "message", "POL0002"),
        (403, refusal(POLICY, "POL 9", "?"), "account", ""),
        (403, b'{"code": 50, "message": "Access denied"}', "account", ""),
        (404, b"", "account", ""),
        (400, b"", "message", ""),
        (400, b'{"requestError": [1]}', "message", ""),
    ],
)
def test_a_refusal_says_whose_fault_it_is(
    carrier: LoopbackCarrier, status: int, body: bytes, scope: str, detail: str
) -> None:
    outcome = answer_to(carrier, status, body)
    assert outcome == Refused(f"HTTP {status} {detail}".strip(), scope, opt_out=False)


@pytest.mark.parametrize("to", ["", "70000001", "tel:+22370000001", "+22370000001 +22360000002", "abc"])
def test_what_is_no_number_is_not_even_tried(carrier: LoopbackCarrier, to: str) -> None:
    assert orange(carrier.base_url).send(a_message(to=to)) == Refused("not a number in E.164", "person", False)
    assert carrier.requests == []
    assert carrier.desk.asked == []


@pytest.mark.parametrize("sender", ["x" * 12, "Santé", "A\nB", " A", ""])
def test_a_name_that_nobody_could_approve_is_not_even_tried(carrier: LoopbackCarrier, sender: str) -> None:
    outcome = orange(carrier.base_url, sender=sender).send(a_message())
    assert isinstance(outcome, Refused)
    assert outcome.scope == "sender"
    assert carrier.desk.asked == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"sender_address": "2230000"},
        {"sender_address": "tel:+2230000"},
        {"client_id": "two:parts"},
        {"client_id": ""},
        {"client_secret": ""},
        {"hook_secrets": ()},
    ],
)
def test_settings_that_would_break_an_address_or_a_header_are_refused_at_the_start(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        orange("https://api.orange.com", **wrong)


def test_what_it_can() -> None:
    assert ORANGE.capabilities == Capabilities(two_way=False, receipts=True)
    assert orange("https://api.orange.com", sender="36011").capabilities.two_way
    assert not orange("https://api.orange.com", sender=None).capabilities.two_way
    assert ORANGE.methods == {"POST"}
    assert ORANGE.thanks("receipt") == (200, "", "text/plain; charset=utf-8")


# -- in


def posted(body: bytes) -> Raw:
    return Raw("POST", f"/hooks/orange/x/{SECRET}", b"", "application/json", body)


def test_every_recording_is_read() -> None:
    assert {load(name).event for name in names("orange")} == {"sms-in", "sms-receipt"}
    assert len(names("orange")) == 3


@pytest.mark.parametrize(("name", "state"), [("orange-dlr", "delivered"), ("orange-dlr-impossible", "undelivered")])
def test_a_receipt_by_orange(name: str, state: str) -> None:
    recording = load(name)
    receipt = ORANGE.read_receipt(ORANGE.fields(recording.raw))
    assert (receipt.carrier_id, receipt.phone, receipt.state) == ("0001", PHONE, state)
    assert recording.expect["final"]


def test_a_text_by_orange() -> None:
    assert ORANGE.read_sms(ORANGE.fields(load("orange-sms-in").raw)) == IncomingSms(
        channel="orange", event_id="0001", phone=PHONE, sender=PHONE, text="ALERTE inondation", to="99000"
    )


@pytest.mark.parametrize(("status", "state"), [*RECEIPTS.items(), ("DeliveredToMoon", None), ("+22370000001", None)])
def test_the_five_states_in_our_words(status: str, state: str | None) -> None:
    receipt = ORANGE.read_receipt(ORANGE.fields(posted(orange_receipt("abc-1", PHONE, status))))
    detail = status if status in RECEIPTS else "unknown status"
    assert receipt == Receipt("orange", "abc-1", PHONE, None, state, detail)


@pytest.mark.parametrize("sender", ["tel:OrangeMoney", "tel:36011", "OrangeMoney"])
def test_machines_have_no_phone(sender: str) -> None:
    body = {"inboundSMSMessageNotification": {"inboundSMSMessage": {"senderAddress": sender, "message": "Bonjour"}}}
    sms = ORANGE.read_sms(ORANGE.fields(posted(json.dumps(body).encode())))
    assert (sms.phone, sms.sender, sms.event_id) == (None, sender.removeprefix("tel:"), None)


def test_it_has_no_ussd_and_no_opt_outs() -> None:
    for read in (ORANGE.read_keystroke, ORANGE.read_session_end, ORANGE.read_opt_out):
        with pytest.raises(Unreadable, match="orange"):
            read(ORANGE.fields(posted(b'{"a": "b"}')))


NAMES = st.sampled_from(
    [
        "deliveryInfoNotification",
        "deliveryInfo",
        "callbackData",
        "address",
        "deliveryStatus",
        "message",
        "senderAddress",
        "inboundSMSMessageNotification",
        "inboundSMSMessage",
        "messageId",
        "destinationAddress",
    ]
)
LEAVES = st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=8), st.sampled_from([PHONE, *RECEIPTS]))
TREES = st.recursive(LEAVES, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner)))


@given(tree=TREES)
def test_any_json_is_a_value_or_unreadable(tree: object) -> None:
    for read in (ORANGE.read_sms, ORANGE.read_receipt):
        try:
            assert read(ORANGE.fields(posted(json.dumps(tree).encode()))) is not None
        except Unreadable as refused:
            assert "22370000001" not in str(refused)  # noqa: PT017 -- a refusal is as good as a value
