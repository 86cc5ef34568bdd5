"""Every recorded callback, octet for octet over HTTP, does what its file says: in the database, or by its answer.

The effects are looked at after `dispatcher.look_after`, as a worker would: a receipt need not be applied at once.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from io import StringIO
from typing import Any

import pytest
from sqlalchemy import delete, func, select, update

from service.config import Config
from service.runtime import Runtime
from service.store.columns import metadata
from service.store.conversation_tables import conversation
from service.store.inbound_tables import inbound_body, inbound_event
from service.store.message_tables import message
from service.store.phone_tables import opt_out, phone
from service.store.receipt_tables import unmatched_receipt
from service.store.system_tables import counters
from service.stories.delivery import dispatcher
from service.stories.talk.threads import Thread
from tests.conftest import HOOK_SECRET
from tests.contracts.recordings import FOLDER, Recording, load, names
from tests.loopback import LoopbackCarrier
from tests.people import TestClock
from tests.stories.test_dispatch import queue, row
from tests.web.callback_facts import (
    CHANGED_TEXTS,
    CHANNEL,
    DELIVERED,
    MACHINES,
    NOT_HANDLED,
    REFUSED,
    STATE,
    STOPPED_BY_THE_CARRIER,
    STOPS,
    WRONG_DOORS,
)
from tests.web.test_carrier_doors import call, door_of, exchange

PHONE = "+22370000001"


@pytest.fixture
def settings(settings: Config, carrier: LoopbackCarrier) -> Config:
    """Every carrier that has recordings is set up."""
    secrets = {"hook_secrets": (HOOK_SECRET,)}
    kannel = {"username": "laseli", "password": "kannel-password", "sender": "8888"}
    orange = {"client_id": "laseli", "client_secret": "orange-key", "sender_address": "+2230000"}
    more = {
        "kannel": kannel | secrets | {"base_url": carrier.base_url},
        "orange": orange | secrets | {"base_url": carrier.base_url},
        "truroute": secrets,
    }
    return Config.model_validate(settings.model_dump() | more)


Post = Callable[[str], bytes]
"""Sends a recording by its name, sees that it is answered as its file says, and gives the answer's body."""


@pytest.fixture
def post(product: str, runtime: Runtime) -> Post:
    def send(name: str) -> bytes:
        recording = load(name)
        raw = recording.raw
        status, body, kind = exchange(product, raw.method, door_of(recording), raw.body, recording.headers)
        wanted = recording.answer
        assert status == wanted["status"], (name, body)
        if "body_starts_with" in wanted:
            assert body.startswith(wanted["body_starts_with"].encode()), name
        elif "root" in wanted:
            assert body == f"<{wanted['root']}/>".encode(), name
        elif wanted.get("body") == "":
            assert body == b"", name
        assert kind.startswith(wanted.get("content_type", "")), name
        dispatcher.look_after(runtime)
        return body

    return send


WIPED = {
    "message",
    "send_attempt",
    "unmatched_receipt",
    "inbound_event",
    "inbound_body",
    "conversation",
    "opt_out",
    "phone",
    "counter",
}


def told(runtime: Runtime) -> dict[str, int]:
    """How many rows each table has that a callback may write to, the empty ones left out."""
    with runtime.database.read() as tx:
        tables = [table for table in metadata.sorted_tables if table.name in WIPED]
        counted = {table.name: tx.execute(select(func.count()).select_from(table)).scalar_one() for table in tables}
    return {name: count for name, count in counted.items() if count}


def each(runtime: Runtime, recordings: list[str]) -> Iterator[str]:
    """One recording after the other, each on a database that has heard nothing yet."""
    assert recordings
    for name in recordings:
        with runtime.database.begin() as tx:
            for table in reversed(metadata.sorted_tables):
                if table.name in WIPED:
                    tx.execute(delete(table))
        yield name


def rows(runtime: Runtime, *columns: Any) -> list[Any]:
    with runtime.database.read() as tx:
        found = tx.execute(select(*columns)).all()
    return [one[0] if len(columns) == 1 else tuple(one) for one in found]


def of_event(event: str) -> list[str]:
    return sorted({name for name in every() if load(name).event == event} - NOT_HANDLED.keys() - REFUSED)


def every() -> list[str]:
    return sorted(file.stem for file in FOLDER.glob("*.json"))


def test_every_recording_is_in_one_of_these_tests() -> None:
    events = ("ussd", "ussd-end", "sms-in", "sms-receipt", "opt-out")
    tested = [name for event in events for name in of_event(event)]
    assert len(every()) == 101
    assert sorted([*tested, *REFUSED, *NOT_HANDLED]) == every()
    assert {load(name).event for name in NOT_HANDLED} == {
        "airtime",
        "subscription",
        "voice",
        "voice-status",
    }


# -- texts from people


def test_a_text_is_stored_once_and_a_stop_is_obeyed(runtime: Runtime, post: Post) -> None:
    for name in each(runtime, of_event("sms-in")):
        recording = load(name)
        for again in (name, name):
            post(again)
        found = rows(runtime, inbound_body.c.body)
        assert found == [text_of(recording)], name
        assert len(rows(runtime, inbound_event.c.key_hash)) == 1, name
        assert bool(rows(runtime, opt_out.c.number_idx)) is (name in STOPS), name
        assert (name in STOPS) == bool(recording.expect.get("opt_out")), name
        replies = rows(runtime, message.c.number_idx)
        if name in MACHINES | STOPPED_BY_THE_CARRIER:
            assert replies == [], (name, "never answered")
        elif name in STOPS:
            assert replies == [runtime.vault.index(PHONE)], (name, "told once that it is done")
        assert len(replies) <= 1, name


def text_of(recording: Recording) -> str:
    if recording.name in CHANGED_TEXTS:
        return CHANGED_TEXTS[recording.name]
    if recording.name.startswith("orange"):
        return "ALERTE inondation"
    return str(recording.expect.get("text", recording.form.get("text", recording.form.get("Body"))))


@pytest.mark.parametrize("first", ["at-sms-in", "twilio-sms-in"])
def test_a_text_that_comes_again_has_one_effect(runtime: Runtime, post: Post, first: str) -> None:
    before = post(first), told(runtime)
    assert load(f"{first}-repeated").raw.body == load(first).raw.body
    assert (post(f"{first}-repeated"), told(runtime)) == before


def test_what_is_no_form_or_not_genuine_is_refused_and_leaves_nothing(runtime: Runtime, post: Post) -> None:
    for name in each(runtime, sorted(REFUSED)):
        post(name)
        assert told(runtime) == {}, name


# -- opt-outs


def test_an_opt_out_may_be_repeated(runtime: Runtime, post: Post) -> None:
    assert of_event("opt-out") == ["at-opt-out", "at-opt-out-repeated"]
    for name in of_event("opt-out"):
        post(name)
        assert rows(runtime, opt_out.c.number_idx) == [runtime.vault.index(PHONE)]
    assert rows(runtime, message.c.id) == []


# -- receipts


def waiting(runtime: Runtime, clock: TestClock, recording: Recording) -> None:
    """A message that this carrier took a moment ago, under the id that the recording speaks of."""
    carrier = recording.name.split("-")[0]
    queue(runtime, clock)
    values = {"channel": CHANNEL.get(carrier, carrier), "state": "accepted", "carrier_id": carrier_id(recording)}
    if carrier in ("kannel", "twilio"):
        values["id"] = int(dict(recording.query)["m"])
    with runtime.database.begin() as tx:
        tx.execute(update(message).values(**values))


def carrier_id(recording: Recording) -> str:
    if recording.name.startswith("orange"):
        return "0001"
    return recording.form.get("id") or recording.form.get("MessageSid") or recording.form["m"]


def state_after(recording: Recording) -> str:
    """What our message is after this receipt, in the file's words: final, class, rule."""
    if recording.name in STATE:
        return STATE[recording.name]
    if recording.expect.get("final") is False:
        return "accepted"
    return "delivered" if recording.name in DELIVERED else "undelivered"


def test_a_receipt_moves_its_message_as_its_file_says(runtime: Runtime, clock: TestClock, post: Post) -> None:
    others = {"at-dlr-unknown-id"}
    recordings = [name for name in of_event("sms-receipt") if name not in others]
    assert len(recordings) >= 32
    for name in each(runtime, recordings):
        recording = load(name)
        waiting(runtime, clock, recording)
        if (first := after_of(name)) is not None:
            post(first)
        post(name)
        once = row(runtime).state, row(runtime).reason
        assert once[0] == state_after(recording), name
        assert bool(rows(runtime, opt_out.c.number_idx)) is bool(recording.expect.get("opt_out")), name
        post(name)
        assert (row(runtime).state, row(runtime).reason) == once, (name, "the same again")


def after_of(name: str) -> str | None:
    found: str | None = json.loads((FOLDER / f"{name}.json").read_text("utf-8")).get("after")
    return found


@pytest.mark.parametrize("name", ["at-dlr-unknown-status"])
def test_a_status_that_nobody_documented_is_counted(runtime: Runtime, clock: TestClock, post: Post, name: str) -> None:
    waiting(runtime, clock, load(name))
    post(name)
    with runtime.database.read() as tx:
        assert counters(tx)["receipt_status_unknown"] == 1


def test_a_receipt_that_overtakes_our_call_is_kept_until_the_call_is_over(
    runtime: Runtime, clock: TestClock, post: Post, carrier: LoopbackCarrier
) -> None:
    post("at-dlr-unknown-id")
    assert len(rows(runtime, unmatched_receipt.c.id)) == 1
    queue(runtime, clock)
    known = f'{{"messageId": "{load("at-dlr-unknown-id").form["id"]}", "number": "{PHONE}", "statusCode": 101}}'
    answer = f'{{"SMSMessageData": {{"Message": "Sent to 1/1", "Recipients": [{known}]}}}}'
    carrier.next("say", status=201, body=answer.encode())
    dispatcher.send_due(runtime)
    dispatcher.look_after(runtime)
    assert row(runtime).state == "delivered"
    assert rows(runtime, unmatched_receipt.c.id) == []


# -- USSD

STORY = ["at-ussd-1-first", "at-ussd-2-answer-1", "at-ussd-3-answer-1-name"]
FRESH = ["at-ussd-1-first", "at-ussd-not-e164", "at-ussd-plus-lost", "at-ussd-shortcut", "truroute-1-request"]
FURTHER = [
    "at-ussd-2-answer-1",
    "at-ussd-3-answer-1-name",
    "at-ussd-4-back",
    "at-ussd-4-empty-answer",
    "at-ussd-4-star-in-answer",
]


def thread_of(runtime: Runtime) -> Thread:
    (progress,) = rows(runtime, conversation.c.progress)
    return Thread.opened(runtime, progress)


def test_every_step_of_ussd_is_in_a_story() -> None:
    told_alone = ["at-ussd-3-repeated", "at-ussd-older-step", "at-ussd-session-other-phone"]
    truroute = ["truroute-2-response", "truroute-3-release", "truroute-4-timeout"]
    assert sorted({*FRESH, *FURTHER, *told_alone, *truroute}) == of_event("ussd")


def test_a_call_begins_for_the_phone_that_is_meant(runtime: Runtime, post: Post) -> None:
    for name in each(runtime, FRESH):
        screen = post(name)
        assert rows(runtime, conversation.c.number_idx) == [runtime.vault.index(PHONE)], name
        assert b"Langue" in screen, name
        assert thread_of(runtime).last.more
        assert post(name) == screen, (name, "the same again")
        assert len(rows(runtime, conversation.c.id)) == 1, name


def test_a_step_is_what_follows_the_step_before(runtime: Runtime, post: Post) -> None:
    for name in each(runtime, FURTHER):
        recording = load(name)
        before = [one for one in STORY if len(load(one).form["text"]) < len(recording.form["text"])]
        for step in before:
            post(step)
        typed_before = thread_of(runtime).typed
        screen = post(name).decode()
        thread = thread_of(runtime)
        assert thread.typed == recording.form["text"], name
        if "new_input" in recording.expect:
            assert thread.typed == f"{typed_before}*{recording.expect['new_input']}", name
        assert screen == f"CON {thread.last.text}", name
        assert [json.loads(one)[0] for one in thread.screens] == [
            len(load(one).form["text"]) for one in [*before, name]
        ]


def test_a_step_that_comes_again_or_late_gets_its_own_screen(runtime: Runtime, post: Post) -> None:
    screens = {load(name).form["text"]: post(name) for name in STORY}
    newest, writing = thread_of(runtime).typed, told(runtime)
    for name in ("at-ussd-3-repeated", "at-ussd-older-step"):
        assert post(name) == screens[load(name).form["text"]], name
        assert (thread_of(runtime).typed, told(runtime)) == (newest, writing), name


def test_another_phone_in_a_session_has_its_own_conversation(runtime: Runtime, post: Post) -> None:
    for name in STORY:
        post(name)
    mine = rows(runtime, conversation.c.number_idx, conversation.c.progress)
    assert b"Langue" in post("at-ussd-session-other-phone")
    both = rows(runtime, conversation.c.number_idx, conversation.c.progress)
    assert mine[0] in both
    assert {number for number, _ in both} == {runtime.vault.index(PHONE), runtime.vault.index("+22360000002")}


def test_the_end_of_a_session_is_noted_and_invents_nothing(runtime: Runtime, post: Post, log_lines: StringIO) -> None:
    for name in each(runtime, of_event("ussd-end")):
        before = len(log_lines.getvalue())
        post(name)
        assert told(runtime) == {}, name
        assert "ussd_session_ended" in log_lines.getvalue()[before:], name
    assert "70000001" not in log_lines.getvalue()


def test_a_session_of_truroute(runtime: Runtime, post: Post) -> None:
    first = post("truroute-1-request")
    second = post("truroute-2-response")
    thread = thread_of(runtime)
    assert thread.typed == "1", "the last key, added to those before"
    assert first != second
    for screen in (first, second):
        assert screen.startswith(b"<ussd><type>2</type><msg>")
    for end in ("truroute-3-release", "truroute-4-timeout"):
        assert post(end) == b""
        assert thread_of(runtime) == thread


# -- what nothing reads


def test_what_we_do_not_handle_is_answered_and_does_no_harm(product: str, runtime: Runtime) -> None:
    for name in each(runtime, sorted(NOT_HANDLED)):
        recording = load(name)
        carrier = name.split("-")[0]
        own = (
            recording.path_and_query
            if carrier == "twilio"
            else f"/hooks/africastalking/{recording.event}/{HOOK_SECRET}"
        )
        assert call(product, "POST", own, recording.raw.body, recording.headers)[0] == 404, name
        for door in WRONG_DOORS[carrier]:
            status, body = call(product, "POST", door, recording.raw.body, recording.headers)
            assert status < 500, (name, door)
            assert b"70000001" not in body
        assert told(runtime) == {}, (name, NOT_HANDLED[name])


def test_the_phone_of_a_stranger_is_not_kept(runtime: Runtime, post: Post) -> None:
    for name in names("at", "ussd-end"):
        post(name)
    assert rows(runtime, phone.c.id) == []
