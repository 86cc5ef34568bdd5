"""What machines gave up, people decide: again, or not at all; and the gate that only a person opens."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select, update

from service.domain.message_states import MAX_TRIES
from service.domain.retry_rules import PROTECTED
from service.runtime import Runtime
from service.store.decision_tables import decision
from service.store.message_tables import message
from service.store.outbox_views import Wanted
from service.store.receipt_tables import unmatched_receipt
from service.stories.delivery import dispatch_gate, dispatcher, money, outbox_care, receipts
from service.stories.delivery.outbox_care import Refused
from service.stories.keeping import clock_guard, retention
from service.stories.talk import opt_outs
from tests.cover import rows_of
from tests.loopback import LoopbackCarrier
from tests.people import TestClock
from tests.stories.test_dispatch import HOUR, MOTHER, queue, receipt, row, told


def again(runtime: Runtime, clock: TestClock, wanted: Wanted | None = None) -> outbox_care.Again:
    """Look, and send again what may be."""
    with runtime.database.begin() as tx:
        found = outbox_care.look_at_again(tx, wanted or Wanted(purpose="reminder"))
        outbox_care.send_again(tx, found.may, "Awa", 24 * HOUR, clock.now())
    return found


def put_in_state(runtime: Runtime, state: str, key: str = "k1", **changes: Any) -> None:
    with runtime.database.begin() as tx:
        tx.execute(update(message).where(message.c.key == key).values(state=state, **changes))


def decisions(runtime: Runtime) -> list[tuple[str, str]]:
    with runtime.database.read() as tx:
        return [(one.what, one.by) for one in tx.execute(select(decision).order_by(decision.c.at))]


@pytest.mark.parametrize("state", ["unknown", "unresolved", "failed", "expired"])
def test_what_a_machine_gave_up_leaves_again_by_a_persons_word(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier, state: str
) -> None:
    message_id = queue(runtime, clock)
    put_in_state(runtime, state, attempts=MAX_TRIES, useful_until=clock.now() - 1)
    clock.advance(hours=1)
    found = again(runtime, clock)
    assert len(found.may) == 1
    assert list(found.risks.values()) == [1]
    dispatcher.send_due(runtime)
    assert len(carrier.accepted) == 1
    assert row(runtime).state == "accepted"
    assert decisions(runtime) == [("retry", "Awa")]
    with runtime.database.read() as tx:
        assert [one.why for one in outbox_care.show(tx, message_id or 0).decisions] == [f"it was {state}"]


def test_a_late_receipt_of_the_first_sending_still_finds_its_message(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier
) -> None:
    """Good news of it counts; bad news does not end the second sending, which may arrive."""
    for key, late, fate in (("k1", "undelivered", "accepted"), ("k2", "delivered", "delivered")):
        queue(runtime, clock, key=key)
        dispatcher.send_due(runtime)
        first = row(runtime, key).carrier_id
        put_in_state(runtime, "unresolved", key=key)
        again(runtime, clock, Wanted(ids=[row(runtime, key).id]))
        told(runtime, receipt(first, "undelivered"))
        told(runtime, replace(receipt(first, "accepted"), message_ref=row(runtime, key).id))
        assert row(runtime, key).state == "queued", "it is not taken for what became of the second one"
        dispatcher.send_due(runtime)
        assert row(runtime, key).carrier_id not in (None, first)
        told(runtime, receipt(first, late))
        assert row(runtime, key).state == fate
        clock.advance(days=1)
    assert rows_of(runtime, unmatched_receipt) == []
    clock.advance(days=31)
    assert retention.purge(runtime, ["former_ids"])["former_ids"] == 2


@pytest.mark.parametrize(
    "state", ["queued", "sending", "accepted", "delivered", "undelivered", "suppressed", "cancelled"]
)
def test_what_is_on_its_way_or_over_is_not_sent_again(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier, state: str
) -> None:
    message_id = queue(runtime, clock)
    put_in_state(runtime, state)
    found = again(runtime, clock, Wanted(ids=[message_id or 0]))
    assert found.may == []
    assert f"it is {state}" in found.not_these[0][1]
    assert row(runtime).state == state


def test_one_that_may_have_arrived_is_sent_by_a_person_only(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier
) -> None:
    """It fails again without an answer: no machine tries a third time."""
    queue(runtime, clock)
    carrier.next("drop", 2)
    dispatcher.send_due(runtime)
    again(runtime, clock)
    dispatcher.send_due(runtime)
    assert row(runtime).state == "unknown"
    clock.advance(hours=20)
    dispatcher.look_after(runtime)
    dispatcher.send_due(runtime)
    assert len(carrier.accepted) == 2


def test_a_receipt_that_comes_before_it_leaves_again_stops_it(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier
) -> None:
    queue(runtime, clock)
    dispatcher.send_due(runtime)
    put_in_state(runtime, "unknown")
    again(runtime, clock)
    receipts.take(runtime, receipt(carrier.accepted[0].id, "delivered"))
    receipts.settle(runtime)
    dispatcher.send_due(runtime)
    assert len(carrier.accepted) == 1
    assert row(runtime).state == "delivered"


@pytest.mark.parametrize("purpose", ["reminder", "all"])
def test_who_said_stop_is_not_written_to_whoever_decides(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier, purpose: str
) -> None:
    queue(runtime, clock)
    put_in_state(runtime, "unknown")
    with runtime.database.begin() as tx:
        opt_outs.stop(tx, runtime, MOTHER, "sms", clock.now(), purpose=purpose)
    found = again(runtime, clock)
    assert found.may == []
    assert "STOP" in found.not_these[0][1]
    assert row(runtime).state == "unknown"


def test_a_stop_between_the_question_and_the_answer_counts(runtime: Runtime, clock: TestClock) -> None:
    queue(runtime, clock)
    put_in_state(runtime, "unknown")
    with runtime.database.begin() as tx:
        found = outbox_care.look_at_again(tx, Wanted(purpose="reminder"))
        opt_outs.stop(tx, runtime, MOTHER, "sms", clock.now())
        assert outbox_care.send_again(tx, found.may, "Awa", HOUR, clock.now()) == 0


def test_a_message_whose_words_were_emptied_does_not_leave_empty(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier
) -> None:
    queue(runtime, clock)
    put_in_state(runtime, "expired")
    with runtime.database.begin() as tx:
        seen = outbox_care.look_at_again(tx, Wanted(purpose="reminder"))
        tx.execute(update(message).values(text=""))
        assert outbox_care.send_again(tx, seen.may, "Awa", HOUR, clock.now()) == 0
    found = again(runtime, clock)
    assert found.may == []
    assert "words" in found.not_these[0][1]
    assert dispatcher.send_due(runtime) == 0


def test_a_protected_message_is_never_sent_again(runtime: Runtime, clock: TestClock) -> None:
    message_id = queue(runtime, clock)
    put_in_state(runtime, "unknown", purpose=min(PROTECTED))
    found = again(runtime, clock, Wanted(ids=[message_id or 0]))
    assert found.may == []
    assert "protected" in found.not_these[0][1]


def test_never_simply_everything(runtime: Runtime, clock: TestClock) -> None:
    for wanted in (Wanted(), Wanted(ids=[7])):
        with pytest.raises(Refused, match=r"say which|there is no message 7"), runtime.database.read() as tx:
            outbox_care.look_at_again(tx, wanted)


@pytest.mark.parametrize(("state", "becomes"), [("queued", "cancelled"), ("unknown", "unresolved")])
def test_a_person_gives_up(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier, state: str, becomes: str
) -> None:
    queue(runtime, clock)
    put_in_state(runtime, state)
    with runtime.database.begin() as tx:
        found = outbox_care.look_at_drop(tx, Wanted(purpose="reminder"))
        assert outbox_care.drop(tx, found, "Awa", "sent to the wrong group", clock.now()) == 1
    clock.advance(hours=7)
    dispatcher.look_after(runtime)
    dispatcher.send_due(runtime)
    assert row(runtime).state == becomes
    assert "wrong group" in row(runtime).reason
    assert decisions(runtime) == [("drop", "Awa")]
    assert carrier.accepted == []


# --- the gate -----------------------------------------------------------------------------------------------


def test_held_back_and_released(runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier) -> None:
    queue(runtime, clock)
    queue(runtime, clock, key="k2", not_before=clock.now() + 5 * HOUR)
    with runtime.database.begin() as tx:
        outbox_care.hold(tx, "Awa", "a wrong text went out", clock.now())
    assert dispatcher.send_due(runtime) == 0
    with runtime.database.begin() as tx:
        found = outbox_care.look_at_release(tx, runtime, clock.now())
        assert [(one.reason, one.detail) for one in found.closed] == [("person", "Awa: a wrong text went out")]
        assert [one.messages for one in found.now] == [1]
        assert [one.messages for one in found.within_a_day] == [2]
        outbox_care.release(tx, ["person"], "Moussa", clock.now() + 1)
    assert dispatcher.send_due(runtime) == 1
    assert decisions(runtime) == [("hold", "Awa"), ("release", "Moussa")]


def test_each_reason_is_taken_back_by_itself(runtime: Runtime, clock: TestClock) -> None:
    queue(runtime, clock)
    with runtime.database.begin() as tx:
        dispatch_gate.close(tx, "restored", "a backup", clock.now())
        dispatch_gate.close(tx, "clock", "it jumped", clock.now())
        outbox_care.release(tx, ["clock"], "Awa", clock.now())
        assert clock_guard.highest(tx) == clock.now(), "whoever releases says that the clock is right"
    assert dispatcher.send_due(runtime) == 0
    with pytest.raises(Refused, match="not closed for 'clock', but for restored"), runtime.database.begin() as tx:
        outbox_care.release(tx, ["clock"], "Awa", clock.now())


def test_what_leaves_and_what_it_costs(runtime: Runtime, clock: TestClock) -> None:
    """Refused, expired and later ones are not counted."""
    for number in range(4):
        queue(runtime, clock, key=f"k{number}", to=f"+2237000000{number}", text="x" * 200)
    queue(runtime, clock, key="late", useful_until=clock.now() + 1)
    with runtime.database.begin() as tx:
        opt_outs.stop(tx, runtime, "+22370000003", "sms", clock.now())
        [leaving] = outbox_care.look_at_release(tx, runtime, clock.now() + 2).now
    assert leaving == ("reminder", 3, 6, money.estimate(runtime, "africastalking", "", 6, clock.now()))
    assert leaving.cost > 0
    assert outbox_care.francs(123_450) == "1 234.50 FCFA"
    assert outbox_care.francs(4900) == "49 FCFA"
