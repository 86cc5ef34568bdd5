"""A carrier is asked what it took from us, and what people wrote to us: it answers to the point and in time, or not."""

from __future__ import annotations

import logging
import time
from typing import Any

import pytest

from service.channels import africastalking_inbox, twilio_lists
from service.channels.base import CannotAsk, Channel, KeepsReceived, Listed, ListsSent
from service.channels.via_twilio import Twilio
from tests.carrier_answers import FAULTS
from tests.contracts.carriers import API_KEY, LONGEST, PHONE, RECIPES, TEXT, a_message, africastalking, twilio
from tests.loopback import TOKEN, LoopbackCarrier

NOW = 1_795_000_000_000
MINUTE, HOUR = 60_000, 3_600_000
OTHER = "+22360000002"
NUMBER = "+15005550006"
ASKABLE = ("africastalking", "twilio")


@pytest.fixture
def carrier(carrier: LoopbackCarrier) -> LoopbackCarrier:
    carrier.clock = lambda: NOW / 1000
    return carrier


@pytest.fixture
def lists(carrier: LoopbackCarrier) -> Twilio:
    return twilio(carrier.base_url)


@pytest.fixture(params=ASKABLE)
def inbox(request: pytest.FixtureRequest, carrier: LoopbackCarrier) -> Any:
    return twilio(carrier.base_url, sender=NUMBER) if request.param == "twilio" else africastalking(carrier.base_url)


def asked(lists: Twilio, **changes: Any) -> list[Listed]:
    usual: dict[str, Any] = {"to": PHONE, "text": TEXT, "since": NOW - MINUTE, "until": NOW + MINUTE}
    return lists.reconcile(**usual | changes)


def begun(inbox: Any) -> str:
    """The cursor of somebody who has read everything so far."""
    cursor: str = inbox.pull("", NOW).cursor
    return cursor


@pytest.mark.parametrize("name", RECIPES)
def test_who_says_it_can_be_asked_can(name: str) -> None:
    channel: Channel = RECIPES[name]("http://127.0.0.1:9")
    assert isinstance(channel, ListsSent) or not channel.capabilities.lists
    assert isinstance(channel, KeepsReceived) or not channel.capabilities.pulls


def test_where_nobody_can_write_to_there_is_nothing_to_pull() -> None:
    assert not twilio("http://127.0.0.1:9", sender="LASELI").capabilities.pulls
    assert twilio("http://127.0.0.1:9", sender=NUMBER).capabilities.pulls
    assert not RECIPES["simulator"]("http://127.0.0.1:9").capabilities.pulls


# -- what it took


def test_a_message_whose_answer_was_lost_is_found_by_number_text_and_moment(
    lists: Twilio, carrier: LoopbackCarrier
) -> None:
    carrier.next("drop")
    lists.send(a_message())
    lists.send(a_message(text="un autre texte"))
    lists.send(a_message(to=OTHER))
    carrier.write(PHONE, TEXT, to=PHONE)  # somebody repeats our words to us
    its = carrier.accepted[0].id
    assert asked(lists) == [Listed(its, "accepted", "listed as sent")]
    assert asked(lists, until=NOW - 1) == []
    assert asked(lists, since=NOW + 1) == []


@pytest.mark.parametrize(
    ("status", "state"),
    [("queued", "accepted"), ("delivered", "delivered"), ("undelivered", "undelivered"), ("moonwards", "accepted")],
)
def test_its_words_are_told_in_ours(lists: Twilio, carrier: LoopbackCarrier, status: str, state: str) -> None:
    lists.send(a_message())
    carrier.statuses[carrier.accepted[0].id] = status
    assert [one.state for one in asked(lists)] == [state]


def test_of_several_with_one_text_all_are_told(lists: Twilio, carrier: LoopbackCarrier) -> None:
    for _ in range(3):
        lists.send(a_message())
    assert {one.carrier_id for one in asked(lists)} == {sms.id for sms in carrier.accepted}


def test_it_is_found_among_many_pages(lists: Twilio, carrier: LoopbackCarrier, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(twilio_lists, "PAGE_SIZE", 3)
    lists.send(a_message())
    for n in range(10):
        lists.send(a_message(text=f"autre {n}"))
    assert [one.carrier_id for one in asked(lists)] == [carrier.accepted[0].id]
    assert {seen.path.partition("?")[0] for seen in carrier.requests} == {
        f"/2010-04-01/Accounts/{carrier.account_sid}/Messages.json"
    }


def test_what_is_older_than_the_call_is_not_read_to_its_end(
    lists: Twilio, carrier: LoopbackCarrier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(twilio_lists, "PAGE_SIZE", 3)
    carrier.clock = lambda: NOW / 1000 - 3600
    for n in range(12):
        lists.send(a_message(text=f"vieux {n}"))
    carrier.requests.clear()
    assert asked(lists) == []
    assert len(carrier.requests) == 1


@pytest.mark.parametrize("fault", ["repeating", "empty-pages"])
def test_pages_that_tell_nothing_new_are_the_end(lists: Twilio, carrier: LoopbackCarrier, fault: str) -> None:
    lists.send(a_message())
    carrier.requests.clear()
    carrier.next_list(fault, times=100)
    assert len(asked(lists)) <= 1
    assert len(carrier.requests) <= 2


def test_a_list_without_end_is_no_answer(
    lists: Twilio, carrier: LoopbackCarrier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(twilio_lists, "MOST_PAGES", 5)
    carrier.next_list("endless", times=100)
    with pytest.raises(CannotAsk, match="no end"):
        asked(lists)
    assert len(carrier.requests) == 6


def test_another_address_for_the_next_page_is_not_gone_to(lists: Twilio, carrier: LoopbackCarrier) -> None:
    """Our key would go with the question."""
    with LoopbackCarrier() as stranger:
        lists.send(a_message())
        for place in (stranger.base_url + "/next", carrier.base_url + "@127.0.0.1:9/", "//127.0.0.1:9/"):
            carrier.next_list("elsewhere", location=place)
            with pytest.raises(CannotAsk):
                asked(lists)
        assert stranger.requests == []


# -- what people wrote


def test_a_text_is_told_as_its_webhook_would_have_told_it(inbox: Any, carrier: LoopbackCarrier) -> None:
    cursor = begun(inbox)
    to = NUMBER if inbox.name == "twilio" else "99000"
    one, two = carrier.write(PHONE, " Arrêt ! è", to=to), carrier.write("OrangeMoney", "Votre solde", to=to)
    first, second = inbox.pull(cursor, NOW).texts
    ids = (one.sid, two.sid) if inbox.name == "twilio" else (str(one.id), str(two.id))
    assert (first.event_id, second.event_id) == ids
    assert (first.phone, first.text, first.to, first.at) == (PHONE, " Arrêt ! è", to, NOW)
    assert (second.phone, second.sender) == (None, "OrangeMoney")


def test_it_goes_on_where_it_stopped(inbox: Any, carrier: LoopbackCarrier) -> None:
    cursor = begun(inbox)
    to = NUMBER if inbox.name == "twilio" else "99000"
    for n in range(230):
        carrier.write(PHONE, f"mot {n}", to=to)
    pulled = inbox.pull(cursor, NOW + 2 * HOUR)
    assert [sms.text for sms in pulled.texts] == [f"mot {n}" for n in range(230)]
    assert pulled.whole
    carrier.clock = lambda: NOW / 1000 + 3600 * 2
    carrier.write(PHONE, "encore", to=to)
    later = inbox.pull(pulled.cursor, NOW + 3 * HOUR)
    assert [sms.text for sms in later.texts] == ["encore"]


def test_only_what_was_written_to_us_counts(carrier: LoopbackCarrier) -> None:
    inbox = twilio(carrier.base_url, sender=NUMBER)
    cursor = begun(inbox)
    inbox.send(a_message())
    carrier.write(PHONE, "à un autre", to="+15005550009")
    assert inbox.pull(cursor, NOW).texts == ()


def test_behind_a_messaging_service_every_number_is_ours(carrier: LoopbackCarrier) -> None:
    inbox = twilio(carrier.base_url, sender=None, messaging_service_sid="MG" + "0" * 32)
    cursor = begun(inbox)
    inbox.send(a_message())
    carrier.write(PHONE, "bonjour", to="+15005550009")
    assert [sms.text for sms in inbox.pull(cursor, NOW).texts] == ["bonjour"]


@pytest.mark.parametrize("fault", ["repeating", "endless", "empty-pages"])
def test_a_dishonest_page_ends(
    inbox: Any, carrier: LoopbackCarrier, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    monkeypatch.setattr(africastalking_inbox, "MOST_PAGES", 5)
    monkeypatch.setattr(twilio_lists, "MOST_PAGES", 5)
    cursor = begun(inbox)
    carrier.write(PHONE, "un mot", to=NUMBER)
    carrier.requests.clear()
    carrier.next_list(fault, times=100)
    try:
        pulled = inbox.pull(cursor, NOW)
    except CannotAsk:
        assert (inbox.name, fault) == ("twilio", "endless")
    else:
        assert pulled.whole == (fault != "endless")
        assert len({sms.event_id for sms in pulled.texts}) == len(pulled.texts) <= 5 * 100
    assert len(carrier.requests) <= 6


def test_what_is_no_text_is_left_out_and_does_not_stop_the_others(carrier: LoopbackCarrier) -> None:
    inbox = africastalking(carrier.base_url)
    cursor = begun(inbox)
    carrier.write(PHONE, "x" * 3000)
    carrier.write(PHONE, "un mot")
    carrier.next_list("odd")
    assert [sms.text for sms in inbox.pull(cursor, NOW).texts] == ["un mot"]


def test_a_date_that_nobody_can_read_is_no_date(carrier: LoopbackCarrier) -> None:
    inbox = africastalking(carrier.base_url)
    cursor = begun(inbox)
    carrier.write(PHONE, "un mot")
    carrier.next_list("undated")
    assert [sms.at for sms in inbox.pull(cursor, NOW).texts] == [None]


# -- no answer

NO_ANSWER = ["500", "503", "429", "401", "close", "drop", "hang-up", "slow", "empty", "garbage", "other-json", "noise"]
NO_ANSWER += ["cut", "redirect"]


@pytest.mark.parametrize("fault", NO_ANSWER)
@pytest.mark.parametrize("question", ["reconcile", "pull"])
def test_without_a_usable_answer_it_says_so_in_time_and_tells_nothing(
    inbox: Any, carrier: LoopbackCarrier, fault: str, question: str, caplog: pytest.LogCaptureFixture
) -> None:
    if question == "reconcile" and inbox.name != "twilio":
        pytest.skip("Africa's Talking lists nothing")
    caplog.set_level(logging.DEBUG)
    assert fault in FAULTS
    cursor = begun(inbox)
    carrier.next_list(fault, **({"status": 302, "location": carrier.base_url} if fault == "redirect" else {}))
    started = time.monotonic()
    with pytest.raises(CannotAsk) as reason:
        asked(inbox) if question == "reconcile" else inbox.pull(cursor, NOW)
    assert time.monotonic() - started < LONGEST + 1.0
    told = str(reason.value) + repr(reason.value.__cause__) + caplog.text
    for secret in (PHONE, "22370000001", "70000001", TEXT, "Darsalam", API_KEY, TOKEN):
        assert secret not in told
    begun(inbox)  # and the next question is answered
