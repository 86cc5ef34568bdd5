"""The keys are changed while eight others write: nothing fails to open and nothing is lost."""

from __future__ import annotations

import itertools
import random
import threading
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from service.channels.base import Keystroke
from service.config import Config
from service.runtime import Runtime
from service.store import people_tables, phone_tables
from service.store.columns import new_id
from service.store.feedback_tables import feedback
from service.store.message_tables import message
from service.store.phone_tables import phone
from service.stories.delivery import outbox
from service.stories.keeping import key_checks, key_rotation
from service.stories.keeping.key_rotation import Rotated
from service.stories.talk import conversations
from tests.cover import everything, rows_of
from tests.keys import INDEX, MOTHER, Opened, Writers, by_key, check_keys, keyed_command, notice, rings, rotate
from tests.people import Handset, TestClock
from tests.stories.test_privacy import live_through
from tests.stories.test_recalls import enrol


def test_everything_that_is_kept_of_a_family_is_sealed_anew(
    handset: Handset, runtime: Runtime, clock: TestClock, opened: Opened
) -> None:
    live_through(handset, runtime, clock)
    before, counts = everything(runtime, "marker", "conversation"), by_key(runtime)
    assert counts[1] > 15
    done = rotate(opened(2, 1))
    assert done.sealed == counts[1]
    assert (done.closed, done.left) == (0, 0)
    withdrawn = opened(2, index=rings(2, 1)["index"])
    check_keys(withdrawn)
    assert by_key(withdrawn) == {1: 0, 2: counts[1]}
    same = ("phone", "message", "opt_out", "attempt", "unmatched_receipt")  # these hold the index too
    after = everything(withdrawn, "marker", "conversation")
    assert {name: rows for name, rows in after.items() if name not in same} == {
        name: rows for name, rows in before.items() if name not in same
    }


def test_the_old_key_cannot_be_withdrawn_before(
    handset: Handset, runtime: Runtime, clock: TestClock, opened: Opened
) -> None:
    live_through(handset, runtime, clock)
    with pytest.raises(key_checks.WrongKeys):
        check_keys(opened(2, index=rings(2, 1)["index"]))


def test_eight_writers_lose_nothing_and_read_everything(runtime: Runtime, clock: TestClock, opened: Opened) -> None:
    """Each counts in a sealed word of its own and in one for all; calls, answers and messages go on."""
    now = clock.now()
    with runtime.database.begin() as tx:
        for place in range(9):
            row = {"id": place + 1, "number": str(place), "kind": "complaint", "words": "0", "state": "received"}
            tx.execute(insert(feedback).values(**row, created_at=now, state_at=now))
        for first in range(0, 800, 400):
            numbers = [f"+2237001{place:04d}" for place in range(first, first + 400)]
            outbox.put_many(tx, now, [notice(clock, number, number) for number in numbers])
    processes = [opened(2, 1) for _ in range(4)]
    counted: dict[int, int] = dict.fromkeys(range(1, 10), 0)
    counting = threading.Lock()

    def counts(process: Runtime, own: int) -> Callable[[random.Random], object]:
        def job(dice: random.Random) -> None:
            which = own if dice.random() < 0.7 else 9
            with process.database.begin() as tx:
                words = select(feedback.c.words).where(feedback.c.id == which)
                value = int(tx.execute(words.with_for_update()).scalar_one())
                tx.execute(update(feedback).where(feedback.c.id == which).values(words=str(value + 1)))
            with counting:
                counted[which] += 1

        return job

    sessions = itertools.count()

    def calls(process: Runtime) -> Callable[[random.Random], object]:
        def job(dice: random.Random) -> None:
            session, number = f"s{next(sessions)}", f"+2237002{dice.randrange(10_000):04d}"
            typed = ""
            for key in ("", "1", "2"):
                typed = f"{typed}*{key}" if typed else key
                conversations.reply_to(
                    process, Keystroke("africastalking", session, number, "*384*223#", typed, "61001")
                )

        return job

    def messages(process: Runtime) -> Callable[[random.Random], object]:
        def job(dice: random.Random) -> None:
            with process.database.begin() as tx:
                outbox.put(tx, now, notice(clock, f"+2237003{dice.randrange(10_000):04d}", str(new_id())))
            with process.database.read() as tx:
                tx.execute(select(message.c.text).limit(200)).all()

        return job

    jobs = [counts(processes[place % 4], place + 1) for place in range(5)]
    with Writers(*jobs, calls(processes[0]), calls(processes[1]), messages(processes[2])) as writers:
        while next(writers.turns) < 20 and not writers.failed:
            threading.Event().wait(0.05)
        done = rotate(opened(2, 1))
    assert writers.failed == []
    assert (done.closed, done.left) == (0, 0)
    withdrawn = opened(2, index=rings(2, 1)["index"])
    assert by_key(withdrawn)[1] == 0
    with withdrawn.database.read() as tx:
        kept = {row.id: int(row.words) for row in tx.execute(select(feedback.c.id, feedback.c.words))}
    assert kept == counted
    assert everything(withdrawn, "conversation")["message"]


def test_it_may_be_stopped_at_any_moment_and_goes_on(
    handset: Handset, runtime: Runtime, clock: TestClock, opened: Opened
) -> None:
    live_through(handset, runtime, clock)
    counts = by_key(runtime)
    process = opened(2, 1)
    stops = 0

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    while by_key(process)[1] or any(row.index_version != 2 for row in rows_of(process, phone)):
        try:
            rotate(process, stop)
        except KeyboardInterrupt:
            stops += 1
            assert sum(by_key(process).values()) == counts[1]
    assert stops > 5
    assert rotate(process) == Rotated(0, 0, 0, 0)
    assert everything(opened(2), "marker", "conversation")["child"]


def test_a_process_that_still_writes_with_the_old_key_is_noticed(
    runtime: Runtime, clock: TestClock, opened: Opened, settings: Config
) -> None:
    enrol(runtime, clock)
    behind, ahead = opened(1, 2), opened(2, 1)
    assert rotate(ahead).left == 0
    with behind.database.begin() as tx:
        people_tables.add_person(tx, organisation_id=_organisation(tx), name="Awa", created_at=1)
    assert by_key(ahead)[1] == 1
    assert (
        "person.name              key 1: 1, key 2: 1" in keyed_command(settings, rings(2, 1), "keys", "status").output
    )
    done = keyed_command(settings, rings(2, 1), "keys", "rotate")
    assert done.exit_code == 0, done.output
    assert by_key(ahead)[1] == 0


def _organisation(tx: Any) -> int:
    from service.store.place_tables import organisation

    return int(tx.execute(select(organisation.c.id)).scalar_one())


def test_a_value_that_no_key_opens_is_told_and_holds_nothing_up(
    runtime: Runtime, clock: TestClock, opened: Opened
) -> None:
    enrol(runtime, clock)
    with runtime.database.begin() as tx:
        tx.exec_driver_sql(
            "UPDATE person SET name = " + ("x'0100'" if runtime.database.is_sqlite else "'\\x0100'::bytea")
        )
    done = rotate(opened(2, 1))
    assert done.closed == done.left == 2
    assert by_key(runtime)[2] > 0, "the others are sealed anew"


def test_a_key_under_another_number_is_refused(runtime: Runtime, opened: Opened) -> None:
    """Bare, it would be number 1: the next rotation would take every number for moved."""
    process = opened(2, 1)
    assert rotate(process).left == 0
    assert key_rotation.withdraw_index_keys(process) == [1]
    with pytest.raises(key_checks.WrongKeys, match="has number 2: write 2:KEY"):
        check_keys(opened(2, index=INDEX[2]))
    check_keys(opened(2))


def test_a_bare_key_is_number_one(runtime: Runtime, clock: TestClock, opened: Opened) -> None:
    enrol(runtime, clock)
    same = opened(1, index=INDEX[1])
    check_keys(same)
    with same.database.begin() as tx:
        assert phone_tables.find_phone(tx, MOTHER)
