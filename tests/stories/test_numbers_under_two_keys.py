"""A number that was written under the old index key is found under the new one, before and after it has moved."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import select, update

from service.channels.base import IncomingSms, Keystroke, Pulled, Receipt
from service.config import Config
from service.runtime import Runtime
from service.store import message_claims, people_tables, phone_tables
from service.store.columns import new_id
from service.store.conversation_tables import conversation
from service.store.message_tables import message
from service.store.phone_tables import opt_out, phone
from service.store.receipt_tables import unmatched_receipt
from service.stories.delivery import outbox, receipts
from service.stories.keeping import erasure, key_checks, key_rotation
from service.stories.talk import conversations, incoming, missed_messages, opt_outs
from tests.cover import everything, rows_of
from tests.keys import MOTHER, Opened, check_keys, keyed_command, reminder, rings, rotate
from tests.people import Handset, TestClock
from tests.stories.test_privacy import live_through
from tests.stories.test_recalls import enrol


class TestOneNumber:
    """Ring "2,1" and not yet rotated; rotated; each time with what was written by the old key."""

    @pytest.fixture(params=["before", "after"])
    def now_with(self, request: pytest.FixtureRequest, runtime: Runtime, opened: Opened) -> Callable[[], Runtime]:
        def process() -> Runtime:
            both = opened(2, 1)
            if request.param == "after":
                assert rotate(both).left == 0
            return both

        return process

    def test_she_is_who_she_was(self, runtime: Runtime, clock: TestClock, now_with: Callable[[], Runtime]) -> None:
        enrol(runtime, clock)
        was = rows_of(runtime, phone)[0].id
        process = now_with()
        with process.database.begin() as tx:
            found = phone_tables.ensure_phone(tx, MOTHER, clock.now())
            caller = people_tables.find_caller(tx, MOTHER)
        assert found.id == was
        assert caller
        assert caller.household_id
        assert len(rows_of(process, phone)) == 1

    def test_her_stop_counts_and_can_be_taken_back(
        self, runtime: Runtime, clock: TestClock, now_with: Callable[[], Runtime]
    ) -> None:
        with runtime.database.begin() as tx:
            opt_outs.stop(tx, runtime, MOTHER, "sms", clock.now())
        process = now_with()
        assert claimed_of(process, clock, MOTHER) == []
        with process.database.begin() as tx:
            opt_outs.start(tx, process, MOTHER, clock.now())
        assert rows_of(process, opt_out) == []
        assert set(claimed_of(process, clock, MOTHER)) == {MOTHER}

    def test_a_stop_now_holds_back_what_was_queued_before(
        self, runtime: Runtime, clock: TestClock, now_with: Callable[[], Runtime]
    ) -> None:
        with runtime.database.begin() as tx:
            outbox.put(tx, clock.now(), reminder(clock, MOTHER, "before"))
        process = now_with()
        with process.database.begin() as tx:
            opt_outs.stop(tx, process, MOTHER, "sms", clock.now())
        assert [row.state for row in rows_of(process, message)] == ["suppressed"]
        assert claimed_of(process, clock, MOTHER) == []

    def test_an_sms_that_came_before_is_a_repeat(
        self, runtime: Runtime, clock: TestClock, now_with: Callable[[], Runtime]
    ) -> None:
        sms = sms_of("ARRET")
        incoming.take_sms(runtime, sms)
        process = now_with()
        with process.database.begin() as tx:
            opt_outs.start(tx, process, MOTHER, clock.now())
        incoming.take_sms(process, sms)
        assert rows_of(process, opt_out) == [], "the same STOP was applied twice"

    def test_an_sms_that_came_before_is_not_taken_again_from_the_carriers_inbox(
        self, runtime: Runtime, clock: TestClock, now_with: Callable[[], Runtime]
    ) -> None:
        """Under its own id, or under the other one that some carriers give to the same words in their lists."""
        sms = sms_of("Bonjour")
        incoming.take_sms(runtime, sms)
        process = now_with()
        listed = replace(sms, at=clock.now()), replace(sms, event_id="another-id", at=clock.now())
        for one in listed:
            assert missed_messages._unheard(process, sms.channel, Pulled((one,), "", True)) == []

    def test_a_call_goes_on(self, runtime: Runtime, clock: TestClock, now_with: Callable[[], Runtime]) -> None:
        first = conversations.reply_to(runtime, stroke(""))
        second = conversations.reply_to(runtime, stroke("1"))
        process = now_with()
        assert conversations.reply_to(process, stroke("")) == first
        assert conversations.reply_to(process, stroke("1")) == second
        assert conversations.reply_to(process, stroke("1*2")).more
        assert len(rows_of(process, conversation)) == 1

    def test_a_receipt_finds_its_message(
        self, runtime: Runtime, clock: TestClock, now_with: Callable[[], Runtime]
    ) -> None:
        with runtime.database.begin() as tx:
            outbox.put(tx, clock.now(), reminder(clock, MOTHER, "m"))
            sent = {"state": "accepted", "channel": "africastalking", "carrier_id": "ATX1"}
            tx.execute(update(message).values(**sent))
        process = now_with()
        receipts.take(process, receipt("ATX1"))
        assert receipts.settle(process) == 1
        assert [row.state for row in rows_of(process, message)] == ["delivered"]

    def test_a_receipt_that_came_too_early_finds_it_later(
        self, runtime: Runtime, clock: TestClock, now_with: Callable[[], Runtime]
    ) -> None:
        with runtime.database.begin() as tx:
            outbox.put(tx, clock.now(), reminder(clock, MOTHER, "m"))
        receipts.take(runtime, receipt("ATX2"))
        receipts.settle(runtime)
        assert len(rows_of(runtime, unmatched_receipt)) == 1, "no message fits yet"
        process = now_with()
        with process.database.begin() as tx:
            (one,) = tx.execute(select(message.c.id)).scalars()
            tx.execute(update(message).values(state="accepted", channel="africastalking", carrier_id="ATX2"))
            assert receipts.apply_early(tx, process, [(one, "africastalking", "ATX2")], clock.now()) == 1
        assert [row.state for row in rows_of(process, message)] == ["delivered"]

    def test_she_is_erased_whole(
        self, handset: Handset, runtime: Runtime, clock: TestClock, now_with: Callable[[], Runtime]
    ) -> None:
        live_through(handset, runtime, clock)
        process = now_with()
        with process.database.begin() as tx:
            erasure.forget_phone(tx, process, MOTHER, "request", clock.now())
        both = process.vault.indexes(MOTHER)
        left = {
            place
            for place, rows in everything(process).items()
            for row in rows
            if any(str(index)[2:-1] in row for index in both)
        }
        assert left == {"opt_out"}
        assert [row.index_version for row in rows_of(process, opt_out)] == [2]


def test_the_stop_of_somebody_who_was_erased_is_found_by_the_key_of_that_time(
    runtime: Runtime, clock: TestClock, opened: Opened, settings: Config
) -> None:
    with runtime.database.begin() as tx:
        erasure.forget_phone(tx, runtime, MOTHER, "ussd", clock.now())
    process = opened(2, 1)
    assert rotate(process).left == 0
    with process.database.begin() as tx:
        assert phone_tables.opted_out(tx, phone_tables.index_of(tx, MOTHER), "reminder"), "before she is known again"
    assert "1 refusals of people who were erased" in keyed_command(settings, rings(2, 1), "keys", "status").output
    with pytest.raises(key_checks.WrongKeys, match="lacks key 1"):
        check_keys(opened(2))
    with process.database.begin() as tx:
        outbox.put(tx, clock.now(), reminder(clock, MOTHER, "again"))
    assert claimed_of(process, clock, MOTHER) == []
    assert [(row.index_version, row.purpose) for row in rows_of(process, opt_out)] == [(2, "all")]


def test_the_old_index_key_goes_when_nothing_is_known_by_it(
    runtime: Runtime, clock: TestClock, opened: Opened, settings: Config
) -> None:
    incoming.take_sms(runtime, sms_of("Bonjour"))
    process = opened(2, 1)
    clock.advance(minutes=1)
    assert rotate(process).left == 0
    assert "1 events are known by it until 2027-12-25" in keyed_command(settings, rings(2, 1), "keys", "status").output
    assert key_rotation.withdraw_index_keys(process) == []
    with process.database.begin() as tx:
        tx.exec_driver_sql("DELETE FROM inbound_event")
    done = keyed_command(settings, rings(2, 1), "keys", "rotate")
    assert "Index key 1 is needed no more" in done.output
    check_keys(opened(2))
    with opened(2).database.begin() as tx:
        assert phone_tables.find_phone(tx, MOTHER)


def claimed_of(process: Runtime, clock: TestClock, number: str) -> list[str]:
    """Queue one to this number and claim what is due."""
    with process.database.begin() as tx:
        outbox.put(tx, clock.now(), reminder(clock, number, f"claim:{new_id()}"))
    with process.database.begin() as tx:
        return [one.to for one in message_claims.claim_due(tx, clock.now(), 50, ["any"])]


def stroke(typed: str) -> Keystroke:
    return Keystroke("africastalking", "session-1", MOTHER, "*384*223#", typed, "61001")


def sms_of(text: str) -> IncomingSms:
    return IncomingSms("africastalking", "event-1", MOTHER, MOTHER, text, "99000")


def receipt(carrier_id: str) -> Receipt:
    return Receipt("africastalking", carrier_id, MOTHER, None, "delivered", "")
