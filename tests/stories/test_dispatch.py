"""A queued message on its way: sent once, retried when surely not sent, left alone when nobody knows."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError

from service.channels.base import Receipt
from service.config import Config
from service.domain.message_states import MAX_TRIES, Accepted, Refused
from service.runtime import Runtime, build_runtime
from service.store.message_tables import message, send_attempt
from service.stories.delivery import dispatch_gate, dispatch_turn, dispatcher, receipts
from service.stories.delivery.dispatch_turn import Call, Finished
from service.stories.delivery.dispatcher import _gather_s
from service.stories.delivery.outbox import Letter, put
from service.stories.talk import opt_outs
from tests.loopback import LoopbackCarrier
from tests.people import TestClock, everybody_wants_news

MOTHER = "+22370000001"
MINUTE, HOUR = 60_000, 3_600_000


def queue(
    runtime: Runtime, clock: TestClock, key: str = "k1", klass: str = "must-arrive", **changes: Any
) -> int | None:
    base = {
        "to": MOTHER,
        "text": "Laseli: rendez-vous à partir du 12/12",
        "key": key,
        "purpose": "reminder",
        "klass": klass,
        "not_before": clock.now(),
        "useful_until": clock.now() + 48 * HOUR,
    }
    with runtime.database.begin() as tx:
        return put(tx, clock.now(), Letter(**(base | changes)))


def claim_one_turn(runtime: Runtime) -> list[Call]:
    """What a worker claims in one turn before it dies."""
    with runtime.database.begin() as tx:
        return dispatch_turn.claim(tx, runtime, runtime.now(), runtime.config.sender_threads).calls


def row(runtime: Runtime, key: str = "k1") -> Any:
    with runtime.database.read() as tx:
        return tx.execute(select(message).where(message.c.key == key)).one()


def receipt(carrier_id: str, state: str | None, number: str = MOTHER) -> Receipt:
    return Receipt("africastalking", carrier_id, number, None, state, "")


def told(runtime: Runtime, *come: Receipt) -> None:
    """These receipts come, and the worker applies them."""
    for one in come:
        receipts.take(runtime, one)
    assert receipts.settle(runtime) >= len([one for one in come if one.state])


def test_a_message_leaves_once_and_is_delivered(runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier) -> None:
    assert queue(runtime, clock) is not None
    assert dispatcher.send_due(runtime) == 1
    assert dispatcher.send_due(runtime) == 0
    assert [sms.text for sms in carrier.accepted] == ["Laseli: rendez-vous à partir du 12/12"]
    assert row(runtime).state == "accepted"
    told(runtime, receipt(row(runtime).carrier_id, "delivered"))
    assert row(runtime).state == "delivered"


def test_the_same_key_is_queued_once(runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier) -> None:
    assert queue(runtime, clock) is not None
    assert queue(runtime, clock) is None
    dispatcher.send_due(runtime)
    assert queue(runtime, clock) is None
    dispatcher.send_due(runtime)
    assert len(carrier.accepted) == 1


def test_a_cancelled_message_is_taken_up_again_by_its_key(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier
) -> None:
    queue(runtime, clock)
    with runtime.database.begin() as tx:
        tx.execute(update(message).values(state="cancelled"))
    clock.advance(days=1)
    assert queue(runtime, clock, text="autre texte") is not None
    assert row(runtime).created_at == clock.now(), "and kept for as long as a new one"
    dispatcher.send_due(runtime)
    assert [sms.text for sms in carrier.accepted] == ["autre texte"]


def test_letters_outside_the_alphabet_are_folded_before_they_are_stored(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier
) -> None:
    queue(runtime, clock, text="An bɛ taa dɔgɔtɔrɔso la, garçon")
    dispatcher.send_due(runtime)
    assert carrier.accepted[0].text == "An bè taa dògòtòròso la, garcon"
    assert (row(runtime).encoding, row(runtime).parts) == ("gsm7", 1)


def test_what_was_surely_not_sent_is_tried_again_later(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier
) -> None:
    carrier.next("429")
    queue(runtime, clock)
    dispatcher.send_due(runtime)
    assert row(runtime).state == "queued"
    assert dispatcher.send_due(runtime) == 0  # not yet
    clock.advance(minutes=1)
    assert dispatcher.send_due(runtime) == 1
    assert row(runtime).state == "accepted"
    assert len(carrier.accepted) == 1


@pytest.mark.parametrize("klass", ["once", "must-arrive"])
@pytest.mark.parametrize("fault", ["drop", "500-late", "garbage", "slow"])
def test_nobody_knows_whether_it_left(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier, klass: str, fault: str
) -> None:
    carrier.slow_seconds = 1.0
    carrier.next(fault)
    queue(runtime, clock, klass=klass)
    dispatcher.send_due(runtime)
    assert row(runtime).state == "unknown"
    clock.advance(hours=5, minutes=59)
    dispatcher.look_after(runtime)
    dispatcher.send_due(runtime)
    assert len(carrier.accepted) == 1
    clock.set("2026-11-21T10:00")
    dispatcher.look_after(runtime)
    dispatcher.send_due(runtime)
    assert len(carrier.accepted) == (2 if klass == "must-arrive" else 1)
    clock.advance(hours=24)
    dispatcher.look_after(runtime)
    dispatcher.send_due(runtime)
    assert len(carrier.accepted) <= 2, "never a third"


def test_a_once_message_that_stays_unknown_becomes_a_question_for_people(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier
) -> None:
    carrier.next("drop")
    queue(runtime, clock, klass="once", useful_until=clock.now() + 200 * HOUR)
    dispatcher.send_due(runtime)
    clock.advance(hours=73)
    dispatcher.look_after(runtime)
    assert row(runtime).state == "unresolved"


def test_a_receipt_resolves_the_unknown_by_number(runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier) -> None:
    carrier.next("drop")
    queue(runtime, clock)
    dispatcher.send_due(runtime)
    told(runtime, receipt(carrier.accepted[0].id, "delivered"))
    assert row(runtime).state == "delivered"
    clock.advance(hours=8)
    dispatcher.look_after(runtime)
    dispatcher.send_due(runtime)
    assert len(carrier.accepted) == 1


def test_a_receipt_that_overtakes_our_own_answer_is_not_lost(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier
) -> None:
    queue(runtime, clock)
    original = runtime.routes[0].send

    def receipt_first(outgoing: Any) -> Any:
        outcome = original(outgoing)
        told(runtime, receipt(outcome.carrier_id, "delivered"))
        assert row(runtime).state == "sending"
        return outcome

    runtime.routes[0].send = receipt_first  # type: ignore[method-assign]
    dispatcher.send_due(runtime)
    assert row(runtime).state == "delivered"


def test_a_receipt_kept_before_the_call_failed_is_matched_later(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier
) -> None:
    """The carrier took it, told so, and only then was our connection cut."""
    carrier.next("drop")
    queue(runtime, clock)
    original = runtime.routes[0].send

    def receipt_first(outgoing: Any) -> Any:
        outcome = original(outgoing)
        told(runtime, receipt(carrier.accepted[0].id, "delivered"))
        return outcome

    runtime.routes[0].send = receipt_first  # type: ignore[method-assign]
    dispatcher.send_due(runtime)
    assert row(runtime).state == "unknown"
    dispatcher.look_after(runtime)
    assert row(runtime).state == "delivered"


def test_a_receipt_for_another_number_changes_nothing(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier
) -> None:
    queue(runtime, clock)
    dispatcher.send_due(runtime)
    told(runtime, receipt(row(runtime).carrier_id, "delivered", number="+22360000002"))
    assert row(runtime).state == "accepted"


def test_receipts_in_any_order_and_twice(runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier) -> None:
    queue(runtime, clock)
    dispatcher.send_due(runtime)
    carrier_id = row(runtime).carrier_id
    for state in ("undelivered", "delivered", "accepted", "undelivered", "delivered", None):
        told(runtime, receipt(carrier_id, state))
    assert row(runtime).state == "delivered"


def test_without_a_receipt_accepted_is_the_honest_last_word(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier
) -> None:
    queue(runtime, clock)
    dispatcher.send_due(runtime)
    clock.advance(hours=73)
    dispatcher.look_after(runtime)
    assert row(runtime).state == "no_receipt"


def test_past_its_use_it_is_not_sent_late(runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier) -> None:
    queue(runtime, clock)
    clock.advance(hours=49)
    assert dispatcher.send_due(runtime) == 0
    dispatcher.look_after(runtime)
    assert row(runtime).state == "expired"
    assert carrier.accepted == []


def test_at_night_reminders_wait_and_answers_leave(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier
) -> None:
    clock.set("2026-11-20T21:00")
    queue(runtime, clock)
    queue(runtime, clock, key="k2", purpose="reply", klass="once", hours="any", text="réponse")
    dispatcher.send_due(runtime)
    assert [sms.text for sms in carrier.accepted] == ["réponse"]
    clock.set("2026-11-21T08:00")
    dispatcher.send_due(runtime)
    assert len(carrier.accepted) == 2


@pytest.mark.parametrize(
    "since", [pytest.param(-61_000, id="a minute ago"), pytest.param(90 * 86_400_000, id="by a clock 90 days ahead")]
)
def test_a_worker_that_died_leaves_an_unknown_and_its_late_word_is_refused(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier, since: int
) -> None:
    queue(runtime, clock)
    call = claim_one_turn(runtime)[0]
    assert row(runtime).state == "sending"
    dispatcher.look_after(runtime)
    assert row(runtime).state == "sending"
    with runtime.database.begin() as tx:  # by the database's clock
        tx.execute(update(message).values(lease_until=message.c.lease_until + since))
    dispatcher.look_after(runtime)
    assert row(runtime).state == "unknown"
    clock.advance(hours=6)
    dispatcher.look_after(runtime)
    dispatcher.send_due(runtime)
    assert row(runtime).fence == 2
    assert row(runtime).state == "accepted"
    zombie = Finished(call.letters[0], call.channel.name, Refused("zombie", "person", False))
    with runtime.database.begin() as tx:
        dispatch_turn.note(tx, runtime, [zombie], clock.now())
    assert row(runtime).state == "accepted", "a result with an old fence is refused"


def test_every_call_leaves_its_trace(runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier) -> None:
    carrier.next("429", retry_after="0")
    queue(runtime, clock)
    dispatcher.send_due(runtime)
    clock.advance(minutes=1)
    dispatcher.send_due(runtime)
    with runtime.database.read() as tx:
        outcomes = list(tx.execute(select(send_attempt.c.outcome).order_by(send_attempt.c.fence)).scalars())
    assert outcomes == ["notsent", "accepted"]


def test_a_refused_account_marks_no_number_and_loses_nothing(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier
) -> None:
    carrier.next("401")
    queue(runtime, clock)
    dispatcher.send_due(runtime)
    assert row(runtime).state == "queued"
    clock.advance(minutes=1)
    assert dispatcher.send_due(runtime) == 0, "the route waits: every other message would meet the same"
    clock.advance(hours=1)
    dispatcher.send_due(runtime)
    assert row(runtime).state == "accepted"


def test_more_is_never_claimed_than_there_are_senders(runtime: Runtime, clock: TestClock) -> None:
    for number in range(7):
        queue(runtime, clock, key=f"k{number}")
    assert len(claim_one_turn(runtime)) == runtime.config.sender_threads == 2


def a_campaign(runtime: Runtime, clock: TestClock, people: int, **changes: Any) -> None:
    for number in range(people):
        words = {"to": f"+2237000{number:04d}", "key": f"c1:{number}", "text": "Journée de vaccination le 12/12."}
        queue(runtime, clock, **({"purpose": "campaign", "klass": "once", "campaign_id": 7} | words | changes))
    everybody_wants_news(runtime)


def test_a_campaign_of_equal_texts_leaves_in_calls_of_many(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier
) -> None:
    a_campaign(runtime, clock, 230)
    queue(runtime, clock, key="recall")
    assert dispatcher.send_due(runtime) == 231
    assert len(carrier.accepted) == len({sms.to for sms in carrier.accepted}) + 1 == 231
    assert len(carrier.requests) <= 5
    assert MOTHER in [seen.form["to"] for seen in carrier.requests[:2]], "the recall goes with the first"
    with runtime.database.read() as tx:
        found = tx.execute(select(message.c.state, message.c.carrier_id, send_attempt.c.outcome).join(send_attempt))
        rows = found.all()
    assert {(state, outcome) for state, _, outcome in rows} == {("accepted", "accepted")}
    assert len({carrier_id for _, carrier_id, _ in rows}) == 231, "each has the name that the carrier gave to it"


def test_each_of_many_gets_its_own_outcome(runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier) -> None:
    a_campaign(runtime, clock, 20)
    carrier.next("drop")
    dispatcher.send_due(runtime)
    with runtime.database.read() as tx:
        states = Counter(tx.execute(select(message.c.state)).scalars())
    assert states == {"unknown": 20}, "all of them may have left, and none is sent again"


def test_two_texts_of_one_campaign_are_two_calls(runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier) -> None:
    a_campaign(runtime, clock, 10)
    for number in range(10, 20):
        queue(
            runtime,
            clock,
            **{"purpose": "campaign", "klass": "once", "campaign_id": 7},
            to=f"+2237000{number:04d}",
            key=f"c1:{number}",
            text="Vaccination day on 12/12.",
        )
    everybody_wants_news(runtime)
    dispatcher.send_due(runtime)
    assert sorted(Counter(sms.text for sms in carrier.accepted).values()) == [10, 10]


def test_a_stop_between_two_calls_of_a_campaign_is_honoured(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier
) -> None:
    a_campaign(runtime, clock, 30)
    with runtime.database.begin() as tx:
        opt_outs.stop(tx, runtime, "+22370000011", "sms", clock.now())
    dispatcher.send_due(runtime)
    assert len(carrier.accepted) == 29
    assert "+22370000011" not in {sms.to for sms in carrier.accepted}


def test_a_closed_gate_lets_nothing_out_and_loses_nothing(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier
) -> None:
    queue(runtime, clock)
    with runtime.database.begin() as tx:
        dispatch_gate.close(tx, "person", "stopped by Awa", clock.now())
    assert dispatcher.send_due(runtime) == 0
    with runtime.database.begin() as tx:
        assert [one.reason for one in dispatch_gate.closed(tx)] == ["person"]
        assert dispatch_gate.reopen(tx, "person")
        assert not dispatch_gate.reopen(tx, "person")
    assert dispatcher.send_due(runtime) == 1


def test_what_a_call_came_to_outlives_a_database_that_is_away(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The carrier has taken it; the database answers again a moment later; nobody is left in doubt."""
    queue(runtime, clock)
    begin, times = runtime.database.begin, []

    def away_for_a_while() -> Any:
        times.append(1)
        if 2 <= len(times) <= 4:
            raise OperationalError("", {}, Exception("the server closed the connection"))
        return begin()

    monkeypatch.setattr(runtime.database, "begin", away_for_a_while)
    assert dispatcher.send_due(runtime) == 1
    assert row(runtime).state == "accepted"
    assert len(carrier.accepted) == 1


def test_who_is_to_stop_finishes_its_calls_and_begins_no_other(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier
) -> None:
    for number in range(8):
        queue(runtime, clock, key=f"k{number}")
    original = runtime.routes[0].send

    def stop_then_send(letter: Any) -> Any:
        runtime.stopping.set()
        return original(letter)

    runtime.routes[0].send = stop_then_send  # type: ignore[method-assign]
    assert dispatcher.send_due(runtime) <= 2
    with runtime.database.read() as tx:
        assert set(tx.execute(select(message.c.state)).scalars()) == {"accepted", "queued"}


def test_a_zombie_whose_message_waits_to_be_asked_once_more_ends_the_doubt(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier
) -> None:
    """It slept past its lease; the message was put back as unknown; then it says that the carrier took it."""
    queue(runtime, clock)
    call = claim_one_turn(runtime)[0]
    with runtime.database.begin() as tx:
        tx.execute(update(message).values(lease_until=message.c.lease_until - 61_000))
    dispatcher.look_after(runtime)
    clock.advance(hours=6)
    dispatcher.look_after(runtime)
    assert row(runtime).state == "queued"
    with runtime.database.begin() as tx:
        taken = Finished(call.letters[0], call.channel.name, Accepted("ATXid_late"))
        dispatch_turn.note(tx, runtime, [taken], clock.now())
    assert row(runtime).state == "accepted"
    assert dispatcher.send_due(runtime) == 0


def test_a_call_that_was_not_begun_is_no_try(runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier) -> None:
    """A machine so busy that its leases run out gives up no message: the carrier was never asked."""
    queue(runtime, clock)
    for _ in range(MAX_TRIES + 1):
        [call] = claim_one_turn(runtime)
        late = dispatch_turn.make(call, time.monotonic() - 1, clock.now())
        with runtime.database.begin() as tx:
            dispatch_turn.note(tx, runtime, late, clock.now())
        assert (row(runtime).state, row(runtime).attempts) == ("queued", 0)
        clock.advance(minutes=1)
    assert dispatcher.send_due(runtime) == 1
    assert (row(runtime).state, row(runtime).attempts) == ("accepted", 1)


def test_at_a_pace_one_round_sends_all_and_never_too_many_at_once(
    settings: Config, clock: TestClock, carrier: LoopbackCarrier
) -> None:
    paced = build_runtime(settings.model_copy(update={"pace": {"africastalking": 40.0}}), at=clock)
    for number in range(50):
        queue(paced, clock, key=f"k{number}", to=f"+2237000{number:04d}")
    begun = time.monotonic()
    assert dispatcher.send_due(paced) == 50
    assert time.monotonic() - begun >= 1.1
    paced.database.close()


def test_a_route_without_room_does_not_hold_up_the_other(
    settings: Config, clock: TestClock, carrier: LoopbackCarrier, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sixty recalls wait for a slow route; what another route can carry leaves meanwhile."""
    changes = {"routes": ("africastalking", "simulator"), "pace": {"africastalking": 1.0}, "sender_threads": 4}
    two = build_runtime(settings.model_copy(update=changes | {"simulator": settings.africastalking}), at=clock)

    def by_operator(_: int, network: str, parts: int, routes: Any, used: Any, **__: Any) -> str | None:
        wanted = "simulator" if network == "61001" else "africastalking"
        route = next(one for one in routes if one.channel == wanted)
        return wanted if route.has_room(parts, used.get(wanted, 0)) else None

    monkeypatch.setattr(dispatch_turn, "choose", by_operator)
    for number in range(60):
        queue(two, clock, key=f"k{number}", to=f"+2237000{number:04d}")
    queue(two, clock, key="low", purpose="campaign", klass="once", to="+22366000001", text="autre", campaign_id=1)
    everybody_wants_news(two)
    assert dispatcher.send_due(two) <= 3
    assert "autre" in [sms.text for sms in carrier.accepted]
    with two.database.read() as tx:
        waits = tx.execute(select(message.c.not_before).where(message.c.state == "queued")).scalars().all()
    assert len(set(waits)) > 50, "each is looked at again when its turn may have come, and not all in a second"
    two.database.close()


@pytest.mark.parametrize(
    ("turn_s", "part_s", "free", "gathered_s"),
    [
        (0.002, 0.0, 16, 0.004),  # no pace: so that bookkeeping gets a third of the time
        (0.500, 0.0, 16, 0.025),  # a slow database makes nobody wait for long
        (0.002, 1 / 500, 16, 0.016),  # until a pace of 500 a second has room for half of the threads
        (0.002, 1 / 500, 0, 0.004),  # none is free: the threads hold it up, not the pace
        (0.002, 0.5, 16, 0.025),
    ],
)
def test_how_long_calls_are_gathered_between_two_turns(
    turn_s: float, part_s: float, free: int, gathered_s: float
) -> None:
    assert _gather_s(turn_s, part_s, free) == pytest.approx(gathered_s)
