"""A number at which nothing arrives leaves the list, a person confirms it, and it comes back by itself."""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from scheduler.timetable import one_round
from service.runtime import Runtime
from service.store import phone_tables, system_tables, task_tables
from service.store.columns import new_id
from service.store.message_tables import message
from service.store.people_tables import household
from service.store.phone_tables import opt_out, phone
from service.store.route_tables import route_sample
from service.stories.delivery import dead_numbers, dispatcher
from service.stories.delivery.dead_numbers import End
from service.stories.delivery.outbox import Letter, put
from service.stories.keeping import erasure
from tests.loopback import LoopbackCarrier
from tests.people import Days, Handset, TestClock
from tests.stories.test_recalls import MOTHER, enrol, on_days

DAY_MS = 86_400_000


def tell(runtime: Runtime, *states: str, number: str = MOTHER, left_at: int | None = None) -> None:
    """The final receipts of messages to this number, as the receipts story passes them on; they left just now."""
    with runtime.database.begin() as tx:
        one = phone_tables.ensure_phone(tx, number, runtime.now())
        left_at = runtime.now() if left_at is None else left_at
        results = [End(one.id, one.number_idx, state, left_at) for state in states]
        dead_numbers.after_receipts(tx, runtime, results, runtime.now())


def fail_for(runtime: Runtime, clock: TestClock, days: int, number: str = MOTHER) -> None:
    for _ in range(days):
        tell(runtime, "undelivered", number=number)
        clock.advance(days=1)


def is_dead(runtime: Runtime, number: str = MOTHER) -> bool:
    with runtime.database.read() as tx:
        which = (opt_out.c.number_idx == runtime.vault.index(number)) & (opt_out.c.purpose == "unreachable")
        return tx.execute(select(opt_out.c.at).where(which)).first() is not None


def failed_days(runtime: Runtime) -> int:
    with runtime.database.read() as tx:
        which = phone.c.number_idx == runtime.vault.index(MOTHER)
        return int(tx.execute(select(phone.c.failed_days).where(which)).scalar_one())


def tasks(runtime: Runtime, state: str = "open") -> list[Any]:
    with runtime.database.read() as tx:
        return list(task_tables.tasks(tx, state=state))


def states(runtime: Runtime) -> dict[str, str]:
    with runtime.database.read() as tx:
        return {row.key: row.state for row in tx.execute(select(message.c.key, message.c.state))}


def test_two_pages_of_receipts_about_the_same_phones_do_not_wait_in_a_circle(
    runtime: Runtime, clock: TestClock
) -> None:
    numbers = [f"+2237000{place:04d}" for place in range(40)]
    with runtime.database.begin() as tx:
        phones = [phone_tables.ensure_phone(tx, number, clock.now()) for number in numbers]
    halves = phones[:20], phones[20:]
    pages = [
        [End(one.id, one.number_idx, "delivered", clock.now()) for one in arrived]
        + [End(one.id, one.number_idx, "undelivered", clock.now()) for one in missed]
        for arrived, missed in (halves, halves[::-1])
    ]

    def settle(page: list[End]) -> None:
        for _ in range(25):
            with runtime.database.begin() as tx:
                dead_numbers.after_receipts(tx, runtime, page, clock.now())

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(settle, pages))


def test_two_messages_of_one_evening_told_of_before_and_after_midnight_are_one_day(
    runtime: Runtime, clock: TestClock
) -> None:
    enrol(runtime, clock)
    clock.set("2026-11-21T18:30")
    left_at = clock.now()
    tell(runtime, "undelivered", left_at=left_at)
    clock.set("2026-11-22T08:00")
    tell(runtime, "undelivered", left_at=left_at)
    assert failed_days(runtime) == 1


def test_five_days_on_which_nothing_arrives_take_a_number_off_the_list(runtime: Runtime, clock: TestClock) -> None:
    child = enrol(runtime, clock)
    fail_for(runtime, clock, 4)
    assert not is_dead(runtime)
    now = clock.now()
    with runtime.database.begin() as tx:
        for purpose in ("reminder", "campaign", "notice", "staff", "reply", "talk"):
            put(tx, now, Letter(MOTHER, "x", purpose, purpose, "once", now, now + 3 * DAY_MS))
    tell(runtime, "undelivered")
    assert is_dead(runtime)
    gone = {"reminder": "suppressed", "campaign": "suppressed", "notice": "suppressed"}
    assert states(runtime) == gone | {"staff": "queued", "reply": "queued", "talk": "queued"}
    [line] = tasks(runtime)
    assert (line.kind, line.zone, line.number) == ("dead_number", "Darsalam", MOTHER)
    told = json.loads(line.details)
    assert told["Code de l'enfant"] == child.code
    assert "Awa" not in line.details
    with runtime.database.read() as tx:
        assert system_tables.counters(tx)["numbers_unreachable"] == 1


def test_a_line_is_put_on_the_list_once(runtime: Runtime, clock: TestClock) -> None:
    fail_for(runtime, clock, 9)
    assert len(tasks(runtime)) == 1


def test_a_day_counts_once_however_many_receipts_it_brings(runtime: Runtime, clock: TestClock) -> None:
    for _ in range(3):
        tell(runtime, *["undelivered"] * 4)
    assert failed_days(runtime) == 1


@pytest.mark.parametrize("sign", ["delivered", "call", "sms"])
def test_one_sign_of_life_begins_the_count_anew(
    runtime: Runtime, clock: TestClock, handset: Handset, sign: str
) -> None:
    fail_for(runtime, clock, 4)
    if sign == "delivered":
        tell(runtime, "delivered")
    elif sign == "call":
        handset.dial()
    else:
        handset.write("bonjour")
    assert failed_days(runtime) == 0
    fail_for(runtime, clock, 4)
    assert not is_dead(runtime)


@pytest.mark.parametrize("sign", ["delivered", "call", "sms"])
def test_a_number_comes_back_by_itself(runtime: Runtime, clock: TestClock, handset: Handset, sign: str) -> None:
    fail_for(runtime, clock, 5)
    assert is_dead(runtime)
    if sign == "delivered":
        tell(runtime, "delivered")
    elif sign == "call":
        handset.dial()
    else:
        handset.write("bonjour")
    assert not is_dead(runtime)
    assert [line.kind for line in tasks(runtime)] == []
    assert [line.kind for line in tasks(runtime, "done")] == ["dead_number"]
    with runtime.database.read() as tx:
        assert system_tables.counters(tx)["numbers_reachable_again"] == 1


def test_nothing_is_planned_for_a_dead_number_and_its_plan_goes_on(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier, handset: Handset
) -> None:
    enrol(runtime, clock)
    days = Days(runtime, clock, carrier)
    assert on_days(days.until("2026-11-20")) == ["11-20"]
    clock.set("2026-11-21T00:05")
    with runtime.database.begin() as tx:
        tx.execute(update(phone).values(failed_days=4))
    tell(runtime, "undelivered")
    assert days.until("2026-11-23") == []
    handset.dial()
    assert on_days(days.until("2026-12-08")) == ["11-25", "11-30", "12-07"]


def test_an_alarm_to_staff_is_tried_all_the_same(runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier) -> None:
    fail_for(runtime, clock, 5)
    now = clock.now()
    with runtime.database.begin() as tx:
        for purpose in ("reminder", "campaign", "notice", "staff", "reply", "talk"):
            put(tx, now, Letter(MOTHER, purpose, purpose, purpose, "once", now, now + 3 * DAY_MS))
    dispatcher.send_due(runtime)
    assert {sms.text for sms in carrier.accepted} == {"staff", "reply", "talk"}


def test_a_dead_number_that_dies_again_is_a_new_line(runtime: Runtime, clock: TestClock, handset: Handset) -> None:
    fail_for(runtime, clock, 5)
    handset.dial()
    fail_for(runtime, clock, 5)
    assert is_dead(runtime)
    assert len(tasks(runtime)) == 1
    assert len(tasks(runtime, "done")) == 1


def test_a_day_on_which_the_carrier_fails_condemns_nobody(runtime: Runtime, clock: TestClock) -> None:
    fail_for(runtime, clock, 4)

    def sample(delivered: int, undelivered: int) -> None:
        row = dict.fromkeys(("accepted", "refused", "unknown", "delay_ms", "delays"), 0)
        row |= {"id": new_id(), "channel": "africastalking", "network": "", "at": clock.now()}
        with runtime.database.begin() as tx:
            tx.execute(insert(route_sample).values(row | {"delivered": delivered, "undelivered": undelivered}))

    sample(30, 400)
    tell(runtime, "undelivered")
    assert not is_dead(runtime)
    clock.advance(days=1, minutes=1)
    sample(400, 30)
    tell(runtime, "undelivered")
    assert is_dead(runtime)


def test_who_is_forgotten_is_not_dead_for_whoever_has_the_number_next(runtime: Runtime, clock: TestClock) -> None:
    fail_for(runtime, clock, 5)
    with runtime.database.begin() as tx:
        erasure.forget_phone(tx, runtime, MOTHER, "ussd", clock.now())
    assert not is_dead(runtime)


# --- silence ------------------------------------------------------------------------------------------------


def test_after_half_a_year_of_silence_the_number_itself_is_asked_and_then_a_mediator(
    runtime: Runtime, clock: TestClock
) -> None:
    enrol(runtime, clock)
    clock.advance(days=179)
    assert dead_numbers.ask_after_silent_numbers(runtime) == 0
    clock.advance(days=2)
    assert dead_numbers.ask_after_silent_numbers(runtime) == 1
    assert dead_numbers.ask_after_silent_numbers(runtime) == 0, "once a day"
    clock.advance(days=1)
    assert dead_numbers.ask_after_silent_numbers(runtime) == 0, "and once in half a year"
    [asked] = questions(runtime)
    assert (asked.klass, asked.purpose, asked.parts) == ("must-arrive", "reminder", 1)
    assert not re.search(r"enfant|vaccin|sant|carnet|rendez", asked.text)
    assert tasks(runtime) == [], "fourteen days to answer"
    clock.advance(days=13)
    assert dead_numbers.ask_after_silent_numbers(runtime) == 1
    [line] = tasks(runtime)
    assert (line.kind, line.zone) == ("silent_number", "Darsalam")
    assert not is_dead(runtime), "silence alone stops no recall"
    clock.advance(days=150)
    assert dead_numbers.ask_after_silent_numbers(runtime) == 0
    clock.advance(days=31)
    assert dead_numbers.ask_after_silent_numbers(runtime) == 1, "half a year after the line the number is asked again"
    assert (len(questions(runtime)), len(tasks(runtime))) == (2, 1)


def questions(runtime: Runtime) -> list[Any]:
    with runtime.database.read() as tx:
        asked = select(message).where(message.c.key.startswith("number:")).order_by(message.c.key)
        return list(tx.execute(asked))


def asked_for(runtime: Runtime, clock: TestClock) -> None:
    enrol(runtime, clock)
    clock.advance(days=181)
    assert dead_numbers.ask_after_silent_numbers(runtime) == 1
    dispatcher.send_due(runtime)


@pytest.mark.parametrize("words", ["OUI", "oui merci", "Awɔ"])
def test_a_yes_keeps_the_number_and_nobody_is_troubled(
    runtime: Runtime, clock: TestClock, handset: Handset, words: str
) -> None:
    asked_for(runtime, clock)
    assert "Répondez OUI ou NON" in handset.inbox[-1]
    handset.write(words)
    dispatcher.send_due(runtime)
    assert "les messages continuent" in handset.inbox[-1]
    clock.advance(days=20)
    assert dead_numbers.ask_after_silent_numbers(runtime) == 0
    assert tasks(runtime) == []


def test_a_no_takes_the_whole_family_off_the_number_and_a_mediator_looks_for_it(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier, handset: Handset
) -> None:
    enrol(runtime, clock, born="2026-10-02")
    asked_for(runtime, clock)
    handset.write("NON")
    dispatcher.send_due(runtime)
    assert handset.inbox[-1].startswith("Laseli: merci de l'avoir dit")
    assert {line.kind for line in tasks(runtime)} == {"wrong_family"}
    assert len(tasks(runtime)) == 2
    with runtime.database.read() as tx:
        assert set(tx.execute(select(household.c.preferred_phone_id)).scalars()) == {None}, "and stays one household"
    before = len(handset.inbox)
    Days(runtime, clock, carrier).until(f"{clock.here.date() + timedelta(40)}")
    assert len(handset.inbox) == before


def test_a_yes_or_a_no_that_nobody_asked_for_is_not_understood(
    runtime: Runtime, clock: TestClock, handset: Handset
) -> None:
    enrol(runtime, clock)
    handset.write("NON")
    dispatcher.send_due(runtime)
    assert "message non compris" in handset.inbox[-1]
    assert tasks(runtime) == []


def test_who_cannot_answer_by_sms_is_given_the_code(runtime: Runtime, clock: TestClock) -> None:
    text = runtime.phrases.say("number.ask.code", "fr", sender="Laseli", code="*1#", stop="")
    assert "Faites *1#" in text
    assert "OUI" not in text


@pytest.mark.parametrize("sign", ["call", "sms", "delivered", "stopped"])
def test_who_is_heard_of_or_wants_nothing_is_not_asked_for(
    runtime: Runtime, clock: TestClock, handset: Handset, carrier: LoopbackCarrier, sign: str
) -> None:
    enrol(runtime, clock)
    if sign == "delivered":
        one_round(runtime)
    clock.advance(days=100)
    if sign == "call":
        handset.dial()
    elif sign == "sms":
        handset.write("bonjour")
    elif sign == "stopped":
        handset.write("ARRET")
        clock.advance(days=100)
    else:
        with runtime.database.begin() as tx:
            tx.execute(update(message).values(state="delivered", state_at=clock.now()))
    clock.advance(days=100)
    assert dead_numbers.ask_after_silent_numbers(runtime) == 0


def test_a_call_takes_the_question_off_the_list(runtime: Runtime, clock: TestClock, handset: Handset) -> None:
    asked_for(runtime, clock)
    clock.advance(days=15)
    assert dead_numbers.ask_after_silent_numbers(runtime) == 1
    assert [line.kind for line in tasks(runtime)] == ["silent_number"]
    handset.dial()
    assert tasks(runtime) == []


def test_when_she_called_is_noted_as_a_day_and_no_more_than_once_a_week(
    runtime: Runtime, clock: TestClock, handset: Handset
) -> None:
    """Nobody is to read from the phone's row which evening she called to talk to somebody."""
    enrol(runtime, clock)

    def heard_at() -> int | None:
        with runtime.database.read() as tx:
            return tx.execute(select(phone.c.last_heard_at)).scalar_one()

    clock.set("2026-11-26T21:30")
    handset.dial()
    assert heard_at() is None
    clock.set("2026-11-28T21:30")
    handset.dial()
    noted = heard_at()
    assert noted is not None
    assert runtime.local(noted).isoformat() == "2026-11-28T00:00:00"
    clock.advance(days=6)
    handset.dial()
    assert heard_at() == noted
    clock.advance(days=2)
    handset.dial()
    assert heard_at() == noted + 8 * DAY_MS
