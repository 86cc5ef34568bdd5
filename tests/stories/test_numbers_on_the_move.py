"""Numbers move to the new index key while others look them up, stop, send and are written to: nobody is missed."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import update

from service.runtime import Runtime
from service.store import message_claims, phone_tables, reach_tables, receipt_tables, reindexing
from service.store.columns import new_id
from service.store.message_tables import message
from service.store.phone_tables import opt_out, phone
from service.store.receipt_tables import unmatched_receipt
from service.stories.delivery import outbox, receipts
from service.stories.talk import opt_outs
from tests.cover import rows_of
from tests.keys import MOTHER, Opened, Writers, reminder, rotate
from tests.loopback import LoopbackCarrier
from tests.people import TestClock
from tests.stories.test_numbers_under_two_keys import receipt


def test_two_who_write_with_different_keys_make_one_phone(clock: TestClock, runtime: Runtime, opened: Opened) -> None:
    processes = opened(1, 2), opened(2, 1)
    numbers = [f"+2237005{place:04d}" for place in range(40)]
    ready = threading.Barrier(2)

    def call(process: Runtime) -> list[int]:
        ids = []
        for number in numbers:
            ready.wait(30)
            with process.database.begin() as tx:
                ids.append(phone_tables.ensure_phone(tx, number, clock.now()).id)
        return ids

    with ThreadPoolExecutor(2) as threads:
        mine, theirs = threads.map(call, processes)
    assert mine == theirs
    assert len(rows_of(processes[0], phone)) == len(numbers)


def test_who_moves_between_two_questions_is_found(
    clock: TestClock, runtime: Runtime, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    with runtime.database.begin() as tx:
        was = phone_tables.ensure_phone(tx, MOTHER, clock.now()).id
    process, mover = opened(2, 1), opened(2, 1)
    ask = phone_tables._HOLD_PHONE

    class MovesMeanwhile:
        def first(self, tx: Any, idx: bytes) -> Any:
            found = ask.first(tx, idx=idx)
            monkeypatch.setattr(phone_tables, "_HOLD_PHONE", ask)
            if not runtime.database.is_sqlite:  # there a reader sees one moment only
                with mover.database.begin() as other:
                    assert reindexing.move(other, [was]).moved == 1
            return found

    monkeypatch.setattr(phone_tables, "_HOLD_PHONE", MovesMeanwhile())
    with process.database.begin() as tx:
        found = phone_tables.find_phone(tx, MOTHER)
    assert found
    assert found.id == was


def test_who_is_at_work_with_a_number_is_not_waited_for(clock: TestClock, runtime: Runtime, opened: Opened) -> None:
    """Whoever waits and is waited for is thrown out by PostgreSQL, and it might be the caller."""
    if runtime.database.is_sqlite:
        pytest.skip("SQLite has one writer at a time")
    with runtime.database.begin() as tx:
        was = phone_tables.ensure_phone(tx, MOTHER, clock.now()).id
        outbox.put(tx, clock.now(), reminder(clock, MOTHER, "m"))
    process, mover = opened(2, 1), opened(2, 1)
    with process.database.begin() as tx:
        phone_tables.find_phone(tx, MOTHER)
        with mover.database.begin() as other:
            assert reindexing.move(other, [was]).moved == 0
    with process.database.begin() as tx:
        tx.execute(update(message).values(reason="somebody is at work"))
        with mover.database.begin() as other:
            assert reindexing.move(other, [was]).moved == 0
    with mover.database.begin() as other:
        assert reindexing.move(other, [was]).moved == 1


def test_a_receipt_is_kept_under_the_index_that_its_number_has_until_then(
    clock: TestClock, runtime: Runtime, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    if runtime.database.is_sqlite:
        pytest.skip("SQLite has one writer at a time")
    with runtime.database.begin() as tx:
        was = phone_tables.ensure_phone(tx, MOTHER, clock.now()).id
    process, mover = opened(2, 1), opened(2, 1)
    keep, moved = receipt_tables.keep_receipts, []

    def meanwhile(tx: Any, rows: Any) -> None:
        with mover.database.begin() as other:
            moved.append(reindexing.move(other, [was]).moved)
        keep(tx, rows)

    monkeypatch.setattr(receipt_tables, "keep_receipts", meanwhile)
    receipts.take(process, receipt("ATX3"))
    assert moved == [0]
    assert rotate(mover).left == 0
    assert [row.number_idx for row in rows_of(process, unmatched_receipt)] == [mover.vault.index(MOTHER)]


def test_what_was_taken_back_while_it_stood_under_both_keys_does_not_come_back(
    clock: TestClock, runtime: Runtime, opened: Opened
) -> None:
    """A number that was unreachable is reached again, in the seconds between the copy and the move."""
    with runtime.database.begin() as tx:
        mine = phone_tables.ensure_phone(tx, MOTHER, clock.now())
        reach_tables.mark_unreachable(tx, mine.number_idx, clock.now())
    mover = opened(2, 1)
    with mover.database.begin() as tx:
        done = reindexing.move(tx, [mine.id])
    assert done.copied == 1
    assert done.moved == (1 if runtime.database.is_sqlite else 0)
    with mover.database.begin() as tx:
        here = phone_tables.find_phone(tx, MOTHER)
        assert here
        assert reach_tables.take_back(tx, [here.number_idx]) == [mine.id]
    assert rotate(mover).left == 0
    assert rows_of(mover, opt_out) == []


def test_lookups_never_miss_while_numbers_move(
    runtime: Runtime, clock: TestClock, opened: Opened, carrier: LoopbackCarrier
) -> None:
    """Half of the processes still write with the old key. Each number has one row, and a STOP is never passed over."""
    numbers = [f"+2237004{place:04d}" for place in range(120)]
    with runtime.database.begin() as tx:
        ids = {number: phone_tables.ensure_phone(tx, number, clock.now()).id for number in numbers[:100]}
    locks = {number: threading.Lock() for number in numbers}
    stopped: dict[str, object] = {}
    wrong: list[str] = []
    sent: list[str] = []

    def people(process: Runtime) -> Callable[[random.Random], object]:
        def job(dice: random.Random) -> None:
            number = dice.choice(numbers)
            with locks[number]:
                what = dice.randrange(4)
                if what == 1:
                    stopped.pop(number, None)  # before it is written: a message that then leaves is not too early
                with process.database.begin() as tx:
                    if what == 0:
                        opt_outs.stop(tx, process, number, "sms", clock.now())
                    elif what == 1:
                        opt_outs.start(tx, process, number, clock.now())
                    else:
                        found = phone_tables.ensure_phone(tx, number, clock.now())
                        refuses = phone_tables.opted_out(tx, found.number_idx)
                        outbox.put(tx, clock.now(), reminder(clock, number, str(new_id())))
                        if ids.setdefault(number, found.id) != found.id:
                            wrong.append("a second row")
                        if refuses != (number in stopped):
                            wrong.append("a refusal was not found" if number in stopped else "a refusal came back")
                        if phone_tables.index_of(tx, number) != found.number_idx:
                            wrong.append("it moved under our hands")
                if what == 0:
                    stopped[number] = object()

        return job

    def sender(process: Runtime) -> Callable[[random.Random], object]:
        def job(dice: random.Random) -> None:
            before = dict(stopped)
            with process.database.begin() as tx:
                claimed = message_claims.claim_due(tx, clock.now(), 8, ["any"])
            sent.extend(one.to for one in claimed)
            wrong.extend("claimed after a STOP" for one in claimed if before.get(one.to, 1) is stopped.get(one.to, 2))

        return job

    old, new = [opened(1, 2) for _ in range(2)], [opened(2, 1) for _ in range(2)]
    jobs = [people(process) for process in (*old, *new)] * 2
    with Writers(*jobs[:6], sender(old[0]), sender(new[0])) as writers:
        while next(writers.turns) < 60 and not writers.failed:
            threading.Event().wait(0.02)
        rotate(opened(2, 1))
        while next(writers.turns) < 200 and not writers.failed:
            threading.Event().wait(0.02)
    assert writers.failed == []
    assert wrong == []
    assert sent
    last = opened(2, 1)
    assert rotate(last).left == 0
    rows = rows_of(last, phone)
    assert len({row.number for row in rows}) == len(rows)
    of = {row.id: row for row in rows}
    for row in rows:
        assert (row.number_idx, row.index_version) == (last.vault.index(row.number), 2)
    assert all(row.number_idx == of[row.phone_id].number_idx for row in rows_of(last, message))
    refused = {row.number_idx for row in rows_of(last, opt_out)}
    assert refused == {last.vault.index(number) for number in stopped}
