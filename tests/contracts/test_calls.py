"""Carriers that call keep the promises of those that send; and what they tell of a call is read as strictly."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import pytest

from service.channels.base import Channel, Fields, Outgoing, Unreadable
from service.channels.calling import Calls, Saying
from service.channels.via_africastalking_voice import AfricasTalkingVoice
from service.channels.via_twilio_voice import TwilioVoice
from service.domain.message_states import Accepted, Ambiguous, NotSent, Refused
from tests.contracts.carriers import API_KEY, CONNECT_SECONDS, LONGEST, PHONE, PUBLIC_URL, READ_SECONDS, SECRET
from tests.contracts.recordings import load
from tests.contracts.test_sending_promises import DETAILS, MAY_HAVE_IT, TIGHT
from tests.loopback import ACCOUNT, FAULTS, TOKEN, LoopbackCarrier, closed_port

NUMBER = "+22320000001"
HERS = {"CallSid": "CA" + "0" * 31 + "1", "AccountSid": ACCOUNT, "From": NUMBER, "To": PHONE}


def at_calls(base_url: str, **changes: Any) -> AfricasTalkingVoice:
    settings: dict[str, Any] = {
        "username": "laseli",
        "api_key": API_KEY,
        "hook_secrets": (SECRET,),
        "base_url": base_url,
        "sender": NUMBER,
        "connect_timeout": CONNECT_SECONDS,
        "read_timeout": READ_SECONDS,
    }
    return AfricasTalkingVoice(**settings | changes)


def twilio_calls(base_url: str, **changes: Any) -> TwilioVoice:
    settings: dict[str, Any] = {
        "account_sid": ACCOUNT,
        "auth_token": TOKEN,
        "public_url": PUBLIC_URL,
        "sender": NUMBER,
        "base_url": base_url,
        "connect_timeout": CONNECT_SECONDS,
        "timeout": READ_SECONDS,
    }
    return TwilioVoice(**settings | changes)


RECIPES: dict[str, Callable[..., Channel]] = {"africastalking_voice": at_calls, "twilio_voice": twilio_calls}


@pytest.fixture(params=RECIPES)
def channel(request: pytest.FixtureRequest, carrier: LoopbackCarrier) -> Channel:
    return RECIPES[request.param](carrier.base_url)


def a_call() -> Outgoing:
    return Outgoing(7, PHONE, "what an SMS would say")


# -- out


def test_accepted_gives_the_carriers_id_and_no_text_travels(channel: Channel, carrier: LoopbackCarrier) -> None:
    outcome = channel.send(a_call())
    assert isinstance(outcome, Accepted)
    (made,) = carrier.accepted
    assert (outcome.carrier_id, outcome.parts) == (made.id, 1)
    assert (made.to, made.sender, made.protocol) == (PHONE, NUMBER, channel.name)
    assert "what an SMS would say" not in str(carrier.requests)


def test_our_id_goes_along_and_no_number_stands_in_an_address(carrier: LoopbackCarrier) -> None:
    twilio_calls(carrier.base_url).send(a_call())
    at_calls(carrier.base_url).send(a_call())
    by_twilio, by_at = carrier.accepted
    assert by_twilio.text.partition("#")[0] == f"{PUBLIC_URL}/hooks/twilio/voice?m=7"
    assert by_twilio.callback == f"{PUBLIC_URL}/hooks/twilio/voice/status?m=7"
    assert by_at.text == "7"


@pytest.mark.parametrize("fault", MAY_HAVE_IT)
def test_a_call_that_may_have_rung_is_ambiguous_and_in_time(
    channel: Channel, carrier: LoopbackCarrier, fault: str
) -> None:
    carrier.next(fault, **DETAILS.get(fault, {}))
    started = time.monotonic()
    assert isinstance(channel.send(a_call()), Ambiguous)
    assert time.monotonic() - started < LONGEST + TIGHT
    assert bool(carrier.accepted) == FAULTS[fault]
    assert len(carrier.requests) <= 1


@pytest.mark.parametrize("name", RECIPES)
def test_a_refused_connection_rang_nobody(name: str) -> None:
    assert RECIPES[name](f"http://127.0.0.1:{closed_port()}").send(a_call()) == NotSent("no connection with it", None)


def test_too_many_at_once_rang_nobody(channel: Channel, carrier: LoopbackCarrier) -> None:
    carrier.next("429", retry_after="7")
    assert channel.send(a_call()) == NotSent("HTTP 429, too many requests", 7)


@pytest.mark.parametrize(("fault", "scope"), [("401", "account"), ("redirect", "account"), ("sender", "sender")])
def test_a_refusal_says_who_is_to_blame(channel: Channel, carrier: LoopbackCarrier, fault: str, scope: str) -> None:
    carrier.next(fault)
    outcome = channel.send(a_call())
    assert isinstance(outcome, Refused)
    assert outcome.scope == scope
    assert carrier.accepted == []


@pytest.mark.parametrize(
    ("code", "scope"), [(21215, "account"), (21210, "sender"), (21216, "person"), (999, "message")]
)
def test_twilios_codes_of_calls(carrier: LoopbackCarrier, code: int, scope: str) -> None:
    carrier.next("code", code=code)
    outcome = twilio_calls(carrier.base_url).send(a_call())
    assert isinstance(outcome, Refused)
    assert outcome.scope == scope


@pytest.mark.parametrize("fault", FAULTS)
def test_no_number_or_key_is_told(
    channel: Channel, carrier: LoopbackCarrier, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    body = f'{{"code": 21614, "message": "{PHONE}", "entries": [], "errorMessage": "{PHONE}"}}'.encode()
    carrier.next(fault, **DETAILS.get(fault, {}) | ({"body": body} if fault == "say" else {}))
    told = repr(channel.send(a_call())) + caplog.text
    for secret in (PHONE, "22370000001", "70000001", API_KEY, TOKEN):
        assert secret not in told


# -- in


def test_recorded_forms_of_africas_talking() -> None:
    channel = at_calls("https://voice.example.org")
    ringing = channel.read_call(Fields(load("at-voice-1-ringing").pairs))
    assert (ringing.incoming, ringing.over, ringing.phone, ringing.key) == (True, False, PHONE, None)
    assert channel.read_call(Fields(load("at-voice-plus-date").pairs)).over is False
    assert channel.read_call(Fields(load("at-voice-4-end").pairs)).over is True
    pressed = channel.read_call(Fields(load("at-voice-2-digits").pairs), Fields([("m", "7"), ("n", "1")]))
    assert (pressed.key, pressed.played, pressed.message_ref) == ("2", 1, 7)
    untaken = channel.read_receipt(Fields(load("at-voice-outbound-no-answer").pairs))
    assert (untaken.state, untaken.phone, untaken.fault) == ("undelivered", PHONE, "message")


def test_recorded_forms_of_twilio() -> None:
    channel = twilio_calls("https://api.example.org")
    recorded = load("twilio-voice-1-ringing")
    assert channel.is_genuine(recorded.path_and_query, recorded.pairs, recorded.signature)
    ringing = channel.read_call(Fields(recorded.pairs))
    assert (ringing.incoming, ringing.phone, ringing.key) == (True, PHONE, None)
    pressed = channel.read_call(Fields(load("twilio-voice-2-digits").pairs), Fields([("m", "7"), ("n", "1")]))
    assert (pressed.key, pressed.message_ref) == ("2", 7)
    nothing = channel.read_call(Fields(load("twilio-voice-2-no-digits").pairs), Fields([("m", "7"), ("n", "1")]))
    assert nothing.key == ""
    ended = channel.read_receipt(Fields(load("twilio-voice-status-completed").pairs), Fields([("m", "7")]))
    assert (ended.state, ended.phone, ended.message_ref) == ("delivered", PHONE, 7)
    untaken = channel.read_receipt(Fields(load("twilio-voice-status-no-answer").pairs))
    assert (untaken.state, untaken.fault) == ("undelivered", "message")


@pytest.mark.parametrize(
    ("status", "state", "fault"),
    [
        ("ringing", "accepted", "person"),
        ("busy", "undelivered", "message"),
        ("failed", "undelivered", "person"),
        ("canceled", "undelivered", "message"),
        ("flying", None, "person"),
    ],
)
def test_what_became_of_a_call(status: str, state: str | None, fault: str) -> None:
    form = HERS | {"CallStatus": status, "Direction": "outbound-api"}
    receipt = twilio_calls("https://api.example.org").read_receipt(Fields(form.items()))
    assert (receipt.state, receipt.fault) == (state, fault)


def test_a_form_cut_into_other_fields_is_refused() -> None:
    """Its signature would still fit: Twilio signs names and values without a mark between them."""
    channel = twilio_calls("https://api.example.org")
    form = HERS | {"CallStatus": "in-progress", "Direction": "outbound-api", "Digits": "2"}
    channel.read_call(Fields(form.items()))
    gone = {name: value for name, value in form.items() if name != "Digits"}
    for cut in (gone | {"Direction": "outbound-apiDigits2"}, gone | {"DigitsTwo": ""}, gone | {"D": "igits2"}):
        with pytest.raises(Unreadable):
            channel.read_call(Fields(cut.items()))
    with pytest.raises(Unreadable):
        channel.read_call(Fields((form | {"AccountSid": "AC" + "1" * 32}).items()))


@pytest.mark.parametrize("changes", [{"direction": ""}, {"direction": "up"}, {"isActive": "2"}, {"sessionId": " "}])
def test_a_moment_that_cannot_be_read_is_refused(changes: dict[str, str]) -> None:
    form = dict(load("at-voice-1-ringing").pairs) | changes
    with pytest.raises(Unreadable):
        at_calls("https://voice.example.org").read_call(Fields(form.items()))


@pytest.mark.parametrize(
    "query", [[("m", "x"), ("n", "1")], [("n", "-1")], [("n", "1"), ("n", "2")], [("m", str(2**63))]]
)
def test_an_address_that_is_none_of_ours_is_refused(query: list[tuple[str, str]]) -> None:
    form = HERS | {"CallStatus": "in-progress", "Direction": "outbound-api"}
    with pytest.raises(Unreadable):
        twilio_calls("https://api.example.org").read_call(Fields(form.items()), Fields(query))


# -- said


@pytest.mark.parametrize("name", RECIPES)
def test_what_is_played_is_well_formed_and_escaped(name: str) -> None:
    channel = RECIPES[name]("https://api.example.org")
    assert isinstance(channel, Calls)
    sounds = ("https://a.example.org/1.wav?x=1&y=2", 'https://a.example.org/"<2>.wav')
    answer = channel.say(Saying(sounds, listens=True, played=2, message_ref=7), "https://a.example.org/hooks")
    said = ElementTree.fromstring(answer.body)
    assert [one.text or one.attrib["url"] for one in said.iter("Play")] == list(sounds)
    asks = next(one for one in said.iter() if one.tag in ("Gather", "GetDigits"))
    assert "https://a.example.org/hooks?m=7&n=2" in asks.attrib.values()
    over = ElementTree.fromstring(channel.say(Saying(), "https://a.example.org/hooks").body)
    assert not list(over.iter("Play"))
    assert [one.tag for one in ElementTree.fromstring(channel.busy().body)] == ["Reject"]
