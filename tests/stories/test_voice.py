"""A mother who chose voice: her reminders ring, keys do what they say, and no occasion rings twice."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from service.commands.route_commands import status_lines
from service.config import Config
from service.runtime import Runtime
from service.store import people_tables
from service.store.message_tables import message, send_attempt
from service.store.people_tables import consent
from service.store.phone_tables import opt_out
from service.store.recall_tables import message_appointment
from service.store.task_tables import task
from service.stories.delivery import dispatcher, receipts, route_book, route_report
from service.stories.delivery.outbox import Letter, put
from service.stories.homes import wrong_numbers
from service.stories.keeping import doctor
from service.stories.recall import recalls
from service.stories.talk import opt_outs
from tests.call_takers import OUR_NUMBER, Taker
from tests.conftest import HOOK_SECRET, a_config
from tests.cover import dial
from tests.loopback import Accepted, LoopbackCarrier
from tests.people import Days, Handset, TestClock
from tests.stories.test_recalls import MOTHER, NEIGHBOUR, enrol, give

CALLS = "africastalking_voice"
WHOLE_MENU = ["greeting", "recall_before", "keys"]


@pytest.fixture
def settings(database_url: str, carrier: LoopbackCarrier) -> Config:
    return with_calls(database_url, carrier)


def with_calls(database_url: str, carrier: LoopbackCarrier, **voice: object) -> Config:
    account = {"username": "laseli", "api_key": "key", "base_url": carrier.base_url, "sender": "99000"}
    return a_config(
        database_url,
        routes=("africastalking",),
        public_url="https://alertes.example.org",
        drafts_allowed_by="the tests",
        send_timeout=0.6,
        africastalking=account | {"hook_secrets": (HOOK_SECRET,)},
        africastalking_voice={"number": OUR_NUMBER, "base_url": carrier.base_url},
        voice={"by": CALLS} | voice,
    )


def calls(carrier: LoopbackCarrier) -> list[Accepted]:
    return [one for one in carrier.accepted if one.protocol == CALLS]


def texts(carrier: LoopbackCarrier) -> list[Accepted]:
    return [one for one in carrier.accepted if one.protocol != CALLS]


def rows(runtime: Runtime) -> list[Any]:
    with runtime.database.read() as tx:
        return list(tx.execute(select(message).where(message.c.purpose == "reminder").order_by(message.c.key)))


def states(runtime: Runtime) -> list[tuple[str, str]]:
    return [(row.medium, row.state) for row in rows(runtime)]


def stopped(runtime: Runtime) -> set[str]:
    with runtime.database.read() as tx:
        return set(tx.execute(select(opt_out.c.purpose)).scalars())


def tasks(runtime: Runtime) -> list[Any]:
    with runtime.database.read() as tx:
        return list(tx.execute(select(task).where(task.c.kind == "call_asked")))


def choose_voice(handset: Handset) -> str:
    dial(handset)
    return handset.press("5", "1", "4", "1")


def let_one_ring(runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier) -> Accepted:
    """Her first reminder of these days."""
    before = len(calls(carrier))
    recalls.queue_recalls(runtime)
    dispatcher.send_due(runtime)
    assert len(calls(carrier)) == before + 1
    return calls(carrier)[-1]


@pytest.fixture
def mother(runtime: Runtime, clock: TestClock, handset: Handset) -> Handset:
    """Enrolled, and reminded by calls from now on."""
    enrol(runtime, clock)
    assert "viennent par appel" in choose_voice(handset)
    return handset


def test_a_mother_who_chose_voice_is_rung_and_hears_the_message(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier, product: str, mother: Handset
) -> None:
    with runtime.database.read() as tx:
        assert "voice" in set(tx.execute(select(consent.c.purpose)).scalars())
    taker = Taker(product, let_one_ring(runtime, clock, carrier))
    assert taker.call.to == MOTHER
    assert not texts(carrier)
    assert taker.take() == WHOLE_MENU
    assert taker.press("1") == ["recall_before", "keys"]
    assert taker.press("") == []
    assert taker.end() == 200
    receipts.settle(runtime)
    assert states(runtime) == [("voice", "delivered")]


def test_the_whole_ladder_rings_once_a_step(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier, mother: Handset
) -> None:
    """Every round of the worker is done twice; nobody tells what became of the calls, and none is made again."""
    Days(runtime, clock, carrier).until("2026-12-08")
    assert len(calls(carrier)) == 6
    assert not texts(carrier)
    with runtime.database.read() as tx:
        attempts = list(tx.execute(select(send_attempt.c.message_id)).scalars())
    assert len(attempts) == len(set(attempts)) == 6


def test_what_waits_is_told_by_the_way_that_was_chosen_meanwhile(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier, handset: Handset
) -> None:
    enrol(runtime, clock)
    clock.set("2026-11-22T06:00")  # what is said later in the day waits already
    assert recalls.queue_recalls(runtime) == 1
    assert states(runtime) == [("sms", "queued")]
    assert "viennent par appel" in choose_voice(handset)
    assert "rappels par appel, infos non" in dial(handset, "Langue, SMS, mes données", "Mes données")
    assert recalls.queue_recalls(runtime) == 1
    assert states(runtime) == [("voice", "queued")], "the one message of the day"
    assert "viennent par SMS" in choose_voice(handset)
    assert recalls.queue_recalls(runtime) == 1
    clock.set("2026-11-22T17:30")
    dispatcher.send_due(runtime)
    assert states(runtime) == [("sms", "accepted")]
    assert not calls(carrier)
    with runtime.database.read() as tx:
        said = tx.execute(select(consent.c.given).where(consent.c.purpose == "voice").order_by(consent.c.at)).scalars()
        assert list(said) == [True, False]


def test_the_channel_that_calls_stands_among_the_others(runtime: Runtime, clock: TestClock) -> None:
    with runtime.database.begin() as tx:
        route_book.pause(tx, CALLS, "person", "no credit", clock.now(), "Fatou", None)
    with runtime.database.read() as tx:
        found = route_report.report(tx, runtime, clock.now())
    assert [(one["channel"], one["state"]) for one in found["routes"]] == [
        ("africastalking", "open"),
        (CALLS, "paused"),
    ]
    assert f"{CALLS} (calls): paused" in "\n".join(status_lines(found))
    facts = doctor.gather(runtime, clock.now())
    assert facts.real_routes == ("africastalking", CALLS)
    assert facts.cannot_be_said == ()
    for_real = replace(runtime, config=runtime.config.model_copy(update={"drafts_allowed_by": ""}))
    [finding] = [one for one in doctor.examine(for_real, clock.now()) if one.about == "calls"]
    assert "cannot say greeting, keys, called_back, stopped, recall_before, recall_late" in finding.said


def test_a_neighbour_who_chose_nothing_gets_sms(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier, mother: Handset
) -> None:
    enrol(runtime, clock, number=NEIGHBOUR)
    recalls.queue_recalls(runtime)
    dispatcher.send_due(runtime)
    assert [one.to for one in calls(carrier)] == [MOTHER]
    assert [one.to for one in texts(carrier)] == [NEIGHBOUR]


def test_she_goes_back_to_sms(runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier, mother: Handset) -> None:
    mother.dial()
    assert "Revenir aux SMS" in mother.press("5", "1", "4")
    assert "par SMS" in mother.press("1")
    recalls.queue_recalls(runtime)
    dispatcher.send_due(runtime)
    assert [one.to for one in texts(carrier)] == [MOTHER]
    assert not calls(carrier)


def test_a_phone_that_leaves_the_family_is_not_rung_for_the_next_one(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier, handset: Handset
) -> None:
    child = enrol(runtime, clock)
    choose_voice(handset)
    with runtime.database.begin() as tx:
        found = people_tables.find_child(tx, id=child.child_id)
        assert found is not None
        wrong_numbers.not_my_child(tx, runtime, MOTHER, found, clock.now())
    enrol(runtime, clock)
    recalls.queue_recalls(runtime)
    dispatcher.send_due(runtime)
    assert [one.to for one in texts(carrier)] == [MOTHER]
    assert not calls(carrier)


def test_key_2_puts_one_line_on_the_list_of_her_quartiers_mediator(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier, product: str, mother: Handset
) -> None:
    taker = Taker(product, let_one_ring(runtime, clock, carrier))
    taker.take()
    key_goes_to = taker.asks_at
    assert taker.press("2") == ["called_back"]
    for _ in range(3):  # the carrier repeats itself
        assert taker.post(key_goes_to, dtmfDigits="2").status_code == 200
    (line,) = tasks(runtime)
    assert line.zone_id is not None
    assert line.phone_id is not None


def test_key_9_stops_reminders_before_it_is_answered_and_a_repeat_undoes_no_start(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier, product: str, mother: Handset
) -> None:
    taker = Taker(product, let_one_ring(runtime, clock, carrier))
    taker.take()
    key_goes_to = taker.asks_at
    assert taker.press("9") == ["stopped"]
    assert stopped(runtime) == {"reminder"}
    with runtime.database.begin() as tx:
        opt_outs.start(tx, runtime, MOTHER, clock.now(), purpose="reminder")
    assert taker.post(key_goes_to, dtmfDigits="9").status_code == 200
    assert stopped(runtime) == set()


def test_after_a_stop_no_call_is_claimed(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier, mother: Handset
) -> None:
    recalls.queue_recalls(runtime)
    with runtime.database.begin() as tx:
        opt_outs.stop(tx, runtime, MOTHER, "sms", clock.now())
    assert dispatcher.send_due(runtime) == 0
    assert states(runtime) == [("voice", "suppressed")]


def test_keys_that_mean_nothing_end_after_a_few_turns(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier, product: str, mother: Handset
) -> None:
    taker = Taker(product, let_one_ring(runtime, clock, carrier))
    taker.take()
    assert taker.press("7") == ["keys"]
    assert taker.press("12345") == ["keys"]
    assert taker.press("1") == []
    assert not taker.asks_at
    assert stopped(runtime) == set()
    assert not tasks(runtime)


@pytest.mark.parametrize("cause", ["NO_ANSWER", "USER_BUSY"])
def test_a_call_that_nobody_takes_rings_once_more_within_the_hours_and_then_no_more(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier, product: str, mother: Handset, cause: str
) -> None:
    first = let_one_ring(runtime, clock, carrier)
    for _ in range(3):
        Taker(product, first).end(cause, 0)
        receipts.settle(runtime)
    assert states(runtime) == [("voice", "undelivered"), ("voice", "queued")]
    dispatcher.send_due(runtime)
    assert len(calls(carrier)) == 1, "at once is too soon"
    clock.advance(minutes=46)
    recalls.queue_recalls(runtime)
    dispatcher.send_due(runtime)
    assert len(calls(carrier)) == 2
    Taker(product, calls(carrier)[-1]).end(cause, 0)
    receipts.settle(runtime)
    clock.advance(hours=2)
    recalls.queue_recalls(runtime)
    dispatcher.send_due(runtime)
    assert len(calls(carrier)) == 2


def test_what_was_taken_after_all_does_not_ring_again(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier, product: str, mother: Handset
) -> None:
    """The end of a call is told twice, and the second word is the better one."""
    taker = Taker(product, let_one_ring(runtime, clock, carrier))
    taker.end("NO_ANSWER", 0)
    receipts.settle(runtime)
    taker.end()
    receipts.settle(runtime)
    assert states(runtime) == [("voice", "delivered"), ("voice", "cancelled")]
    taker.end("NO_ANSWER", 0)
    receipts.settle(runtime)
    clock.advance(hours=2)
    dispatcher.send_due(runtime)
    assert len(calls(carrier)) == 1


def test_a_child_vaccinated_meanwhile_does_not_ring_again(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier, product: str, handset: Handset
) -> None:
    child = enrol(runtime, clock)
    choose_voice(handset)
    taker = Taker(product, let_one_ring(runtime, clock, carrier))
    clock.set("2026-11-23T08:10")
    give(runtime, clock, child, "penta", "opv", "pcv", "rota")
    taker.end("NO_ANSWER", 0)
    receipts.settle(runtime)
    assert states(runtime) == [("voice", "undelivered")]


def test_a_try_that_waits_is_taken_back_with_its_appointment(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier, product: str, handset: Handset
) -> None:
    child = enrol(runtime, clock)
    choose_voice(handset)
    Taker(product, let_one_ring(runtime, clock, carrier)).end("NO_ANSWER", 0)
    receipts.settle(runtime)
    with runtime.database.read() as tx:
        (told_by,) = set(tx.execute(select(message_appointment.c.message_id)).scalars())
    assert told_by == rows(runtime)[1].id
    clock.set("2026-11-23T08:10")
    give(runtime, clock, child, "penta", "opv", "pcv", "rota")
    assert states(runtime)[1] == ("voice", "cancelled")


def test_a_call_whose_answer_was_lost_is_found_by_her_number(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier, product: str, mother: Handset
) -> None:
    carrier.next("drop")
    taker = Taker(product, let_one_ring(runtime, clock, carrier), brings_our_id=False)
    assert states(runtime) == [("voice", "unknown")]
    assert taker.take() == WHOLE_MENU
    taker.end()
    receipts.settle(runtime)
    assert states(runtime) == [("voice", "delivered")]


def test_the_call_of_another_number_says_nothing(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier, product: str, mother: Handset
) -> None:
    call = let_one_ring(runtime, clock, carrier)
    stranger = Taker(product, Accepted(NEIGHBOUR, call.text, call.sender, call.id, call.protocol))
    assert stranger.take() == []
    assert not stranger.asks_at
    unknown = Taker(product, Accepted(MOTHER, "12345", call.sender, "ATVId_other", call.protocol))
    assert unknown.take() == []


def test_calls_have_their_own_pace_and_sms_do_not_wait_for_them(
    database_url: str, clock: TestClock, carrier: LoopbackCarrier
) -> None:
    from service.runtime import build_runtime

    paced = with_calls(database_url, carrier).model_copy(update={"pace": {CALLS: 1.0}})
    runtime = build_runtime(paced, at=clock)
    with runtime.database.begin() as tx:
        for n in range(6):
            at = clock.now()
            letter = {"to": f"+2237000001{n}", "text": "rendez-vous", "purpose": "reminder", "klass": "once"}
            letter |= {"not_before": at, "useful_until": at + 7_200_000, "hours": "any"}
            put(tx, at, Letter(**letter, key=f"call{n}", recording="recall_before.fr"))
            put(tx, at, Letter(**letter, key=f"sms{n}"))
    dispatcher.send_due(runtime, most=8)
    assert len(texts(carrier)) == 6
    assert 1 <= len(calls(carrier)) <= 2
    runtime.database.close()


def test_where_nothing_calls_she_gets_sms_and_cannot_choose_calls(
    database_url: str, clock: TestClock, carrier: LoopbackCarrier
) -> None:
    from service.runtime import build_runtime
    from service.store import phone_tables
    from service.stories.delivery import spoken

    runtime = build_runtime(with_calls(database_url, carrier, by=""), at=clock)
    enrol(runtime, clock)
    with runtime.database.begin() as tx:
        phone = phone_tables.find_phone(tx, MOTHER)
        assert phone is not None
        phone_tables.set_by_voice(tx, phone.id, True)
    assert not spoken.can_call(runtime, "fr")
    recalls.queue_recalls(runtime)
    dispatcher.send_due(runtime)
    assert [one.to for one in texts(carrier)] == [MOTHER]
    runtime.database.close()
