"""Every carrier keeps the same promises when we send: one of four outcomes, in time, and never a secret told."""

from __future__ import annotations

import logging
import socket
import time
from contextlib import ExitStack

import pytest

from service.channels import careful_calls, transport
from service.channels.base import Channel
from service.domain.message_states import Accepted, Ambiguous, NotSent, Refused
from tests.contracts.carriers import API_KEY, KEYS, LONGEST, PHONE, RECIPES, TEXT, a_message
from tests.loopback import FAULTS, TOKEN, LoopbackCarrier, closed_port

TIGHT = 1.0  # how much longer than its time-outs a call may take on a busy machine
DETAILS = {"drip": {"seconds": 0.05}, "drip-head": {"seconds": 0.05}, "say": {"status": 400}}


def test_accepted_gives_the_carriers_id(channel: Channel, carrier: LoopbackCarrier) -> None:
    outcome = channel.send(a_message())
    assert isinstance(outcome, Accepted)
    assert outcome.carrier_id == carrier.accepted[0].id
    assert outcome.parts == 1
    assert carrier.accepted[0].sender == "LASELI"


@pytest.mark.parametrize(
    "text",
    [
        "Vaccination à 09h: l'été, où? Père è é ò ù ì Ç Ñ @ £ $ ¥ ¤ § ¿ ¡ ß",
        "€ [1] {2} ^ ~ \\ | + & = % # ; * / ?",
        "une ligne\nune autre",
        "  des blancs autour  ",
        "a" * 1530,
        "Den ka boloci: aw ye na ni karine ye",
    ],
)
def test_a_text_arrives_letter_for_letter(channel: Channel, carrier: LoopbackCarrier, text: str) -> None:
    assert isinstance(channel.send(a_message(text=text)), Accepted)
    assert carrier.accepted[0].text == text


def test_a_message_may_name_its_own_sender(channel: Channel, carrier: LoopbackCarrier) -> None:
    channel.send(a_message(sender="AUTRE"))
    assert carrier.accepted[0].sender == "AUTRE"


def test_one_call_is_one_message(channel: Channel, carrier: LoopbackCarrier) -> None:
    for name in FAULTS:
        before = len(carrier.requests)
        carrier.next(name, **DETAILS.get(name, {}), **({"code": 500} if name == "code" else {}))
        channel.send(a_message())
        assert len(carrier.requests) <= before + 1, f"repeated after {name}"


# -- not sent: only when that is sure


@pytest.mark.parametrize("name", RECIPES)
def test_a_refused_connection_is_not_sent(name: str) -> None:
    outcome = RECIPES[name](f"http://127.0.0.1:{closed_port()}").send(a_message())
    assert outcome == NotSent("no connection with it", None)


@pytest.mark.parametrize("name", RECIPES)
def test_a_connection_that_never_comes_about_is_not_sent(name: str) -> None:
    with ExitStack() as stack:
        full = stack.enter_context(socket.socket())
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(4):  # nobody accepts: after these the kernel lets further callers wait
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        started = time.monotonic()
        outcome = RECIPES[name](f"http://127.0.0.1:{full.getsockname()[1]}").send(a_message())
        assert outcome == NotSent("connecting took too long", None)
        assert time.monotonic() - started < LONGEST + TIGHT


@pytest.mark.parametrize("name", RECIPES)
def test_an_unknown_name_is_not_sent(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", nowhere)
    assert RECIPES[name]("https://api.example.org").send(a_message()) == NotSent("its name was not found", None)


@pytest.mark.parametrize("name", RECIPES)
def test_a_name_that_is_found_too_late_is_not_sent(
    name: str, carrier: LoopbackCarrier, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = socket.getaddrinfo

    def at_last(*args: object, **kwargs: object) -> object:
        time.sleep(LONGEST + 0.1)
        return found(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", at_last)
    assert RECIPES[name](carrier.base_url).send(a_message()) == NotSent("connecting took too long", None)
    assert carrier.requests == []


@pytest.mark.parametrize("name", RECIPES)
def test_no_tls_is_not_sent(name: str, carrier: LoopbackCarrier) -> None:
    outcome = RECIPES[name](carrier.base_url.replace("http:", "https:")).send(a_message())
    assert outcome == NotSent("no TLS with it", None)
    assert carrier.requests == []


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7),
        ("0", 0),
        ("999999999", 24 * 3600),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("Fri, 31 Dec 1999 23:59:59 GMT", 0),
    ],
)
def test_too_many_requests_is_not_sent_and_says_when(
    channel: Channel, carrier: LoopbackCarrier, header: str, seconds: int | None
) -> None:
    carrier.next("429", retry_after=header)
    assert channel.send(a_message()) == NotSent("HTTP 429, too many requests", seconds)


def test_a_retry_date_is_measured_from_the_answers_own_date() -> None:
    headers = {"Date": "Fri, 20 Nov 2026 10:00:00 GMT", "Retry-After": "Fri, 20 Nov 2026 10:02:00 GMT"}
    assert transport.retry_after(headers) == 120
    assert transport.retry_after({"Retry-After": headers["Retry-After"]}) is None
    assert transport.retry_after(headers | {"Date": "Fri, 20 Nov 2026 10:00:00"}) is None


# -- ambiguous: whenever the carrier may have it

MAY_HAVE_IT = [
    "500",
    "500-late",
    "503",
    "close",
    "drop",
    "hang-up",
    "slow",
    "drip",
    "drip-head",
    "empty",
    "garbage",
    "other-json",
    "noise",
    "cut",
    "huge",
    "missing",
]


@pytest.mark.parametrize("fault", MAY_HAVE_IT)
def test_what_may_have_been_sent_is_ambiguous_and_in_time(
    channel: Channel, carrier: LoopbackCarrier, fault: str
) -> None:
    carrier.next(fault, **DETAILS.get(fault, {}))
    started = time.monotonic()
    outcome = channel.send(a_message())
    assert isinstance(outcome, Ambiguous)
    assert time.monotonic() - started < LONGEST + TIGHT
    assert bool(carrier.accepted) == FAULTS[fault]


def test_every_fault_of_the_loopback_is_promised_something() -> None:
    settled = {"429", "401", "redirect", "charset", "sender", "code", "say"}
    assert set(FAULTS) == set(MAY_HAVE_IT) | settled


def test_after_trouble_the_next_message_goes_out(channel: Channel, carrier: LoopbackCarrier) -> None:
    for fault in ("drop", "cut", "slow", "garbage"):
        carrier.next(fault)
        channel.send(a_message())
        assert isinstance(channel.send(a_message()), Accepted), f"after {fault}"


def test_an_old_connection_is_not_trusted(
    channel: Channel, carrier: LoopbackCarrier, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel.send(a_message())
    monkeypatch.setattr(careful_calls, "FRESH_SECONDS", 0.0)
    carrier.close_idle()
    assert isinstance(channel.send(a_message()), Accepted)
    assert isinstance(channel.send(a_message()), Accepted)


# -- refused


def test_a_wrong_key_is_a_fault_of_our_account(channel: Channel, carrier: LoopbackCarrier) -> None:
    carrier.next("401")
    outcome = channel.send(a_message())
    assert isinstance(outcome, Refused)
    assert (outcome.scope, outcome.opt_out) == ("account", False)
    assert carrier.accepted == []


@pytest.mark.parametrize("name", RECIPES)
def test_the_key_is_shown_to_the_carrier(name: str, carrier: LoopbackCarrier) -> None:
    outcome = RECIPES[name](carrier.base_url, **{KEYS.get(name, "api_key"): "another"}).send(a_message())
    assert isinstance(outcome, Refused)
    assert outcome.scope == "account"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed_and_the_key_stays_here(
    channel: Channel, carrier: LoopbackCarrier, status: int
) -> None:
    with LoopbackCarrier() as stranger:
        for place in ("/version1/messaging", "/cgi-bin/sendsms", "/", "//[", ""):
            carrier.next("redirect", status=status, location=stranger.base_url + place)
            outcome = channel.send(a_message())
            assert isinstance(outcome, Refused)
            assert outcome.scope == "account"
        assert stranger.requests == []
    assert carrier.accepted == []


def test_a_refused_sender_is_a_fault_of_our_sender(channel: Channel, carrier: LoopbackCarrier) -> None:
    carrier.next("sender")
    outcome = channel.send(a_message())
    assert isinstance(outcome, Refused)
    assert outcome.scope == "sender"


@pytest.mark.parametrize(("name", "code"), [("twilio", 21610), ("africastalking", 406), ("simulator", 406)])
def test_an_opt_out_known_to_the_carrier_is_told(name: str, code: int, carrier: LoopbackCarrier) -> None:
    carrier.next("code", code=code)
    outcome = RECIPES[name](carrier.base_url).send(a_message())
    assert isinstance(outcome, Refused)
    assert (outcome.scope, outcome.opt_out) == ("person", True)


@pytest.mark.parametrize("code", [1, 999, 40401])
def test_an_unlisted_code_is_a_fault_of_the_message_and_no_opt_out(
    channel: Channel, carrier: LoopbackCarrier, code: int
) -> None:
    carrier.next("code", code=code)
    outcome = channel.send(a_message())
    assert isinstance(outcome, Refused)
    assert (outcome.scope, outcome.opt_out) == ("message", False)


# -- nothing told


@pytest.mark.parametrize("fault", FAULTS)
def test_no_number_text_or_key_is_told(
    channel: Channel, carrier: LoopbackCarrier, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    body = f'{{"code": 21614, "message": "{PHONE} cannot get {TEXT}", "status": 400}}'.encode()
    carrier.next(fault, **DETAILS.get(fault, {}) | ({"body": body} if fault == "say" else {}))
    told = repr(channel.send(a_message())) + caplog.text
    for secret in (PHONE, "22370000001", "70000001", "70 00 00 01", TEXT, "Darsalam", API_KEY, TOKEN):
        assert secret not in told


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize(
    "address",
    ["", "api.example.org", "ftp://api.example.org", "https://", "https://u:p@api.example.org", "https://a/?b"],
)
def test_a_wrong_address_is_refused_at_the_start_and_its_password_not_told(name: str, address: str) -> None:
    with pytest.raises(ValueError) as refusal:
        RECIPES[name](address)
    assert "u:p" not in str(refusal.value)
