"""What is Africa's Talking's alone: its status codes, its odd answers, its secrets in our address."""

from __future__ import annotations

import json

import pytest

from service.channels.base import Capabilities
from service.domain.message_states import Accepted, Ambiguous, Outcome, Refused
from tests.contracts.carriers import OTHER_SECRET, PHONE, SECRET, a_message, africastalking, simulator
from tests.loopback import LoopbackCarrier


def answer_to(carrier: LoopbackCarrier, status: int, body: object) -> Outcome:
    """What we make of this answer to a send."""
    carrier.next("say", status=status, body=body if isinstance(body, bytes) else json.dumps(body).encode())
    return africastalking(carrier.base_url).send(a_message())


def recipients(*entries: object, message: object = "Sent to 1/1 Total Cost: XOF 12.0000 Message parts: 2") -> object:
    return {"SMSMessageData": {"Message": message, "Recipients": list(entries)}}


def an_entry(**changes: object) -> dict[str, object]:
    usual = {"cost": "XOF 12.0000", "messageId": "ATXid_1", "number": PHONE, "status": "Success", "statusCode": 101}
    return usual | changes


@pytest.mark.parametrize(
    ("code", "scope", "opt_out"),
    [
        (401, "account", False),
        (402, "sender", False),
        (403, "person", False),
        (404, "person", False),
        (405, "account", False),
        (406, "person", True),
        (407, "person", False),
        (409, "message", False),
        (502, "message", False),
    ],
)
def test_a_recipients_code_says_whose_fault_it_is(
    carrier: LoopbackCarrier, code: int, scope: str, opt_out: bool
) -> None:
    outcome = answer_to(carrier, 201, recipients(an_entry(statusCode=code, messageId="None", cost="0")))
    assert isinstance(outcome, Refused)
    assert (outcome.scope, outcome.opt_out) == (scope, opt_out)
    assert outcome.detail.startswith(str(code))


@pytest.mark.parametrize("code", [500, 501])
def test_the_gateways_own_trouble_is_ambiguous(carrier: LoopbackCarrier, code: int) -> None:
    assert isinstance(answer_to(carrier, 201, recipients(an_entry(statusCode=code))), Ambiguous)


@pytest.mark.parametrize("code", [100, 101, 102, "101"])
def test_a_message_taken(carrier: LoopbackCarrier, code: object) -> None:
    outcome = answer_to(carrier, 201, recipients(an_entry(statusCode=code)))
    assert outcome == Accepted("ATXid_1", 2, "XOF 12.0000", str(code))


@pytest.mark.parametrize("number", ["22370000001", "+223 70 00 00 01", "0022370000001"])
def test_the_carrier_may_write_the_number_its_own_way(carrier: LoopbackCarrier, number: str) -> None:
    stranger = an_entry(number="+22360000002", messageId="ATXid_2", statusCode=406)
    outcome = answer_to(carrier, 201, recipients(stranger, an_entry(number=number)))
    assert isinstance(outcome, Accepted)
    assert outcome.carrier_id == "ATXid_1"


@pytest.mark.parametrize(
    ("changes", "carrier_id", "cost"),
    [
        ({"messageId": "None", "cost": "0"}, None, None),
        ({"messageId": None, "cost": None}, None, None),
        ({"messageId": "", "cost": ["x"]}, None, None),
        ({"messageId": "A" * 101, "cost": "KES 0.8000"}, None, "KES 0.8000"),
    ],
)
def test_an_id_or_a_cost_that_is_none(
    carrier: LoopbackCarrier, changes: dict[str, object], carrier_id: str | None, cost: str | None
) -> None:
    outcome = answer_to(carrier, 201, recipients(an_entry(**changes), message="nothing about parts"))
    assert outcome == Accepted(carrier_id, None, cost, "101")


@pytest.mark.parametrize(
    "body",
    [
        b"null",
        b"[]",
        b'"text"',
        b"{}",
        b'{"SMSMessageData": null}',
        b'{"SMSMessageData": {"Message": "x"}}',
        b'{"SMSMessageData": {"Message": "x", "Recipients": {}}}',
        b'{"SMSMessageData": {"Message": "x", "Recipients": [null, 5, "x", []]}}',
        b"[" * 50_000,
    ],
)
def test_an_answer_of_another_shape_is_ambiguous(carrier: LoopbackCarrier, body: bytes) -> None:
    assert isinstance(answer_to(carrier, 201, body), Ambiguous)


@pytest.mark.parametrize("code", [None, "", "x", [], True])
def test_a_recipient_without_a_code_is_not_taken_for_accepted(carrier: LoopbackCarrier, code: object) -> None:
    assert not isinstance(answer_to(carrier, 201, recipients(an_entry(statusCode=code))), Accepted)


@pytest.mark.parametrize(
    ("message", "scope", "opt_out"),
    [
        ("InvalidSenderId", "sender", False),
        ("InsufficientBalance", "account", False),
        ("UserInBlacklist", "person", True),
        ("Anything else", "message", False),
        (f"{PHONE} is not good", "message", False),
        (None, "message", False),
    ],
)
def test_nobody_in_the_answer_means_nothing_was_sent(
    carrier: LoopbackCarrier, message: object, scope: str, opt_out: bool
) -> None:
    outcome = answer_to(carrier, 201, recipients(message=message))
    assert isinstance(outcome, Refused)
    assert (outcome.scope, outcome.opt_out) == (scope, opt_out)
    assert PHONE not in outcome.detail


@pytest.mark.parametrize(
    ("status", "scope"),
    [(400, "message"), (401, "account"), (403, "account"), (404, "account"), (409, "message"), (413, "message")],
)
def test_an_http_refusal(carrier: LoopbackCarrier, status: int, scope: str) -> None:
    outcome = answer_to(carrier, status, b"The supplied authentication is invalid")
    assert isinstance(outcome, Refused)
    assert outcome.scope == scope


def test_an_http_refusal_that_names_its_recipient(carrier: LoopbackCarrier) -> None:
    entry = an_entry(statusCode=409, status="DoNotDisturbRejection", messageId="None", cost="0")
    assert answer_to(carrier, 409, recipients(entry)) == Refused("409 DoNotDisturbRejection", "message", False)


@pytest.mark.parametrize("end", ["", "/", "/version1", "/version1/"])
def test_the_address_may_or_may_not_name_the_version(carrier: LoopbackCarrier, end: str) -> None:
    assert isinstance(africastalking(carrier.base_url + end).send(a_message()), Accepted)
    assert carrier.requests[0].path == "/version1/messaging"


def test_the_form_is_africas_talkings(carrier: LoopbackCarrier) -> None:
    africastalking(carrier.base_url, sender=None).send(a_message(text="Salut"))
    form = {"username": "laseli", "to": PHONE, "message": "Salut", "bulkSMSMode": "1", "enqueue": "1"}
    assert carrier.requests[0].form == form
    assert "Authorization" not in carrier.requests[0].headers


@pytest.mark.parametrize("to", ["", "70000001", "+0001", "+22370000001\n", "+٢٢٣٧٠٠٠٠٠٠١", "+22370000001,+22370000002"])
def test_what_is_no_number_is_not_even_tried(carrier: LoopbackCarrier, to: str) -> None:
    outcome = africastalking(carrier.base_url).send(a_message(to=to))
    assert outcome == Refused("not a number in E.164", "person", False)
    assert carrier.requests == []


def test_a_number_that_comes_twice_goes_alone_and_the_others_together(carrier: LoopbackCarrier) -> None:
    channel = africastalking(carrier.base_url)
    numbers = ["+22370000001", "+22370000002", "+22370000001", "70000003"]
    one, two, again, wrong = channel.send_many([a_message(to=number) for number in numbers])
    assert isinstance(one, Accepted)
    assert isinstance(two, Accepted)
    assert isinstance(again, Accepted)
    assert isinstance(wrong, Refused)
    assert len({one.carrier_id, two.carrier_id, again.carrier_id}) == 3
    assert [call.form["to"] for call in carrier.requests] == ["+22370000001,+22370000002", "+22370000001"]


def test_either_secret_opens_and_nothing_else() -> None:
    channel = africastalking("https://api.example.org")
    assert channel.knows_secret(SECRET)
    assert channel.knows_secret(OTHER_SECRET)
    for wrong in ("", SECRET[:-1], SECRET + "x", SECRET.upper(), "é" * 32, "\ud800", SECRET + OTHER_SECRET):
        assert not channel.knows_secret(wrong)


def test_the_secret_is_the_last_part_of_the_path() -> None:
    channel = africastalking("https://api.example.org")
    assert channel.is_genuine(f"/hooks/africastalking/ussd/{SECRET}", [], None)
    assert channel.is_genuine(f"/hooks/africastalking/ussd/{OTHER_SECRET}?a=b/c", [], None)
    for path in ("", "/", f"/hooks/{SECRET}/ussd", f"/hooks/ussd?{SECRET}", f"/hooks/ussd/{SECRET}/", "/hooks/ussd/"):
        assert not channel.is_genuine(path, [("secret", SECRET)], SECRET)


@pytest.mark.parametrize("secrets", [(), ("",), (SECRET, "")])
def test_a_carrier_without_signature_needs_a_secret(secrets: tuple[str, ...]) -> None:
    with pytest.raises(ValueError):
        africastalking("https://api.example.org", hook_secrets=secrets)


def test_what_it_can() -> None:
    assert africastalking("https://a.org", sender="99000").capabilities == Capabilities(
        two_way=True, receipts=True, many=True, pulls=True
    )
    assert not africastalking("https://a.org", sender="LASELI").capabilities.two_way
    assert not africastalking("https://a.org", sender=None).capabilities.two_way
    assert not africastalking("https://a.org").capabilities.shows_drafts
    assert simulator("https://a.org").capabilities.shows_drafts
    assert simulator("https://a.org").name == "simulator"


@pytest.mark.parametrize("key", ["with\nline", "clé"])
def test_a_key_that_no_header_can_hold_is_refused_at_the_start(key: str) -> None:
    with pytest.raises(ValueError):
        africastalking("https://api.example.org", api_key=key)
