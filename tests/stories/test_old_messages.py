"""What was written and what came in loses its words, and is a count in the end."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from service.clock import DAY_MS
from service.runtime import Runtime
from service.store.columns import new_id
from service.store.inbound_tables import inbound_body, inbound_event
from service.store.message_tables import message, send_attempt
from service.store.phone_tables import phone
from service.store.route_tables import route_sample
from service.store.tally_tables import message_tally
from service.stories.keeping import erasure, retention
from tests.cover import rows_of
from tests.people import Handset, TestClock
from tests.years import WORDS, how_many, letter, send

# --- what we sent -------------------------------------------------------------------------------------------


def test_after_ninety_days_a_message_has_no_words_and_still_its_state(runtime: Runtime, clock: TestClock) -> None:
    send(runtime, clock)
    before = rows_of(runtime, message)[0]
    assert before.carrier_id
    clock.advance(days=85)
    assert retention.purge(runtime)["message_texts"] == 0
    clock.advance(days=2)
    assert retention.purge(runtime)["message_texts"] == 1
    (after,) = rows_of(runtime, message)
    assert after.text == ""
    assert (after.carrier_id, after.reason, after.batch_key) == (None, None, None)
    for kept in ("id", "key", "phone_id", "number_idx", "purpose", "class", "state", "created_at", "state_at", "parts"):
        assert getattr(after, kept) == getattr(before, kept), kept
    assert how_many(runtime, send_attempt) == 0
    assert retention.purge(runtime)["message_texts"] == 0, "it is done once"


def test_a_message_that_has_not_come_to_its_end_keeps_its_words_and_is_found_later(
    runtime: Runtime, clock: TestClock
) -> None:
    send(runtime, clock, letter(clock), letter(clock, "waits", useful_until=clock.now() + 500 * DAY_MS))
    with runtime.database.begin() as tx:
        tx.execute(update(message).where(message.c.key == "waits").values(state="queued"))
    clock.advance(days=100)
    assert retention.purge(runtime)["message_texts"] == 1
    assert sorted(row.text for row in rows_of(runtime, message)) == ["", WORDS]
    with runtime.database.begin() as tx:
        tx.execute(update(message).where(message.c.key == "waits").values(state="delivered"))
    assert retention.purge(runtime)["message_texts"] == 1
    assert [row.text for row in rows_of(runtime, message)] == ["", ""]


def test_after_four_hundred_days_a_message_is_a_count(runtime: Runtime, clock: TestClock) -> None:
    numbers = [f"+223700001{place:02d}" for place in range(30)]
    send(runtime, clock, *(letter(clock, number, number) for number in numbers))
    with runtime.database.begin() as tx:
        tx.execute(update(message).values(cost_estimated=2000, cost_true=1850, network="61002"))
        states = Counter(row.state for row in tx.execute(select(message.c.state)))
    clock.advance(days=401)
    retention.purge(runtime)
    assert how_many(runtime, message) == 0
    tally = rows_of(runtime, message_tally)
    assert Counter({row.state: row.messages for row in tally}) == states
    assert sum(row.cost_true for row in tally) == 30 * 1850
    assert {row.day.isoformat() for row in tally} == {"2026-11-20"}
    assert how_many(runtime, phone) == 0, "and nobody knows these numbers any more"


def test_a_page_that_was_stopped_on_the_way_counts_nothing_twice(
    runtime: Runtime, clock: TestClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(runtime, clock, *(letter(clock, str(place)) for place in range(130)))
    clock.advance(days=401)
    forget_messages, left = erasure.forget_messages, [1]

    class Killed(BaseException):
        """What a killed process never sees itself."""

    def killed_on_the_way(*args: Any) -> Any:
        left[0] -= 1
        gone = forget_messages(*args)
        if left[0] < 0:
            raise Killed
        return gone

    monkeypatch.setattr(erasure, "forget_messages", killed_on_the_way)
    with pytest.raises(Killed):
        retention.purge(runtime, ["messages"])
    waiting = how_many(runtime, message)
    assert 0 < waiting < 130
    assert sum(row.messages for row in rows_of(runtime, message_tally)) == 130 - waiting
    monkeypatch.setattr(erasure, "forget_messages", forget_messages)
    assert retention.purge(runtime, ["messages"])["messages"] == waiting
    assert sum(row.messages for row in rows_of(runtime, message_tally)) == 130


# --- what came in -------------------------------------------------------------------------------------------


def test_what_somebody_wrote_goes_after_thirty_days_and_is_known_as_a_repeat_for_four_hundred(
    handset: Handset, runtime: Runtime, clock: TestClock
) -> None:
    event = {"date": "x", "from": handset.number, "id": "one", "text": "Bonjour", "to": "99000"}
    handset.post("sms-in", event)
    clock.advance(days=31)
    assert retention.purge(runtime)["inbound_bodies"] == 1
    assert how_many(runtime, inbound_body) == 0
    clock.advance(days=368)
    retention.purge(runtime)
    handset.post("sms-in", event)
    assert how_many(runtime, inbound_body) == 0, "a repeat, after 399 days"
    clock.advance(days=2)
    assert retention.purge(runtime)["event_keys"] == 1
    assert how_many(runtime, inbound_event) == 0


def test_keystrokes_go_after_a_day_whatever_the_hour(handset: Handset, runtime: Runtime, clock: TestClock) -> None:
    handset.dial()
    clock.advance(hours=23)
    assert retention.forget(runtime)["keystrokes"] == 0
    clock.advance(hours=2)
    assert retention.forget(runtime)["keystrokes"] == 1


def test_how_routes_served_is_kept_two_days(runtime: Runtime, clock: TestClock) -> None:
    counts = dict.fromkeys(("accepted", "refused", "unknown", "delivered", "undelivered", "delay_ms", "delays"), 1)
    with runtime.database.begin() as tx:
        tx.execute(insert(route_sample).values(id=new_id(), channel="a", network="", at=clock.now(), **counts))
    clock.advance(days=1, hours=23)
    assert retention.forget(runtime)["route_samples"] == 0
    clock.advance(hours=2)
    assert retention.forget(runtime)["route_samples"] == 1
