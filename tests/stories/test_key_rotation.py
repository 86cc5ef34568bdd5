"""The keys are changed while eight others write: nothing fails to open, nothing is lost, nobody is missed."""

from __future__ import annotations

import itertools
import os
import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import insert, select, update

from service.channels.base import IncomingSms, Keystroke, Pulled, Receipt
from service.cli import main
from service.clock import DAY_MS
from service.config import Config
from service.runtime import Runtime, build_runtime
from service.store import (
    message_claims,
    people_tables,
    phone_tables,
    reach_tables,
    receipt_tables,
    reindexing,
    resealing,
)
from service.store.columns import new_id
from service.store.conversation_tables import conversation
from service.store.feedback_tables import feedback
from service.store.message_tables import message
from service.store.phone_tables import opt_out, phone
from service.store.receipt_tables import unmatched_receipt
from service.stories import (
    conversations,
    erasure,
    incoming,
    key_checks,
    key_rotation,
    missed_messages,
    opt_outs,
    outbox,
    receipts,
)
from service.stories.key_rotation import Rotated
from service.stories.outbox import Letter
from tests.cover import everything, rows_of
from tests.loopback import LoopbackCarrier
from tests.people import Handset, TestClock
from tests.stories.test_privacy import live_through
from tests.stories.test_recalls import enrol

IDENTITY = {1: "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", 2: "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8="}
INDEX = {1: "Hx4dHBsaGRgXFhUUExIREA8ODQwLCgkIBwYFBAMCAQA=", 2: "Pz49PDs6OTg3NjU0MzIxMC8uLSwrKikoJyYlJCMiISA="}
MOTHER = "+22370000001"
Opened = Callable[..., Runtime]


def rings(*numbers: int) -> dict[str, str]:
    """The settings with these keys of both rings, the first of which writes."""
    return {
        "identity": ",".join(f"{number}:{IDENTITY[number]}" for number in numbers),
        "index": ",".join(f"{number}:{INDEX[number]}" for number in numbers),
    }


def with_keys(settings: Config, keys: dict[str, str]) -> Config:
    return Config.model_validate(settings.model_dump() | {"keys": keys})


@pytest.fixture
def opened(settings: Config, clock: TestClock) -> Iterator[Opened]:
    """One more process with these keys on the same database."""
    made: list[Runtime] = []

    def build(*numbers: int, **keys: str) -> Runtime:
        made.append(build_runtime(with_keys(settings, rings(*numbers) | keys), at=clock))
        return made[-1]

    yield build
    for one in made:
        one.database.close()


@pytest.fixture(autouse=True)
def _shorter_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_rotation, "NO_STATEMENT_IS_OLDER_S", 2.0)


def rotate(runtime: Runtime, tell: Callable[[str, int], None] = lambda *_: None) -> Rotated:
    return key_rotation.rotate(runtime, tell)


def command(settings: Config, keys: dict[str, str], *words: str) -> Result:
    environment = {
        "LASELI_DATABASE_URL": settings.database_url,
        "LASELI_KEYS__IDENTITY": keys["identity"],
        "LASELI_KEYS__INDEX": keys["index"],
    }
    return CliRunner().invoke(main, list(words), env=environment)


def check_keys(runtime: Runtime) -> None:
    with runtime.database.read() as tx:
        key_checks.check(tx, runtime.vault)


class Writers:
    """Threads that do one thing again and again until they are told to stop; what they raise is kept."""

    def __init__(self, *jobs: Callable[[random.Random], object]) -> None:
        self.failed: list[BaseException] = []
        self.turns = itertools.count()
        self._stop = threading.Event()
        seed = int(os.environ.get("TEST_SEED", "20261120"))
        print(f"seed {seed}")
        self._threads = [
            threading.Thread(target=self._work, args=(job, random.Random(seed + place)), daemon=True)
            for place, job in enumerate(jobs)
        ]

    def _work(self, job: Callable[[random.Random], object], dice: random.Random) -> None:
        while not self._stop.is_set():
            try:
                job(dice)
                next(self.turns)
            except BaseException as error:
                self.failed.append(error)
                return

    def __enter__(self) -> Writers:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(60)


# --- what is sealed -----------------------------------------------------------------------------------------


def by_key(runtime: Runtime) -> dict[int, int]:
    with runtime.database.read() as tx:
        counts = [resealing.count_by_key(tx, place) for place in resealing.sealed_places()]
    return {key: sum(one.get(key, 0) for one in counts) for key in (1, 2)}


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
    assert "person.name              key 1: 1, key 2: 1" in command(settings, rings(2, 1), "keys", "status").output
    done = command(settings, rings(2, 1), "keys", "rotate")
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


# --- numbers ------------------------------------------------------------------------------------------------


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
    assert "1 refusals of people who were erased" in command(settings, rings(2, 1), "keys", "status").output
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
    assert "1 events are known by it until 2027-12-25" in command(settings, rings(2, 1), "keys", "status").output
    assert key_rotation.withdraw_index_keys(process) == []
    with process.database.begin() as tx:
        tx.exec_driver_sql("DELETE FROM inbound_event")
    done = command(settings, rings(2, 1), "keys", "rotate")
    assert "Index key 1 is needed no more" in done.output
    check_keys(opened(2))
    with opened(2).database.begin() as tx:
        assert phone_tables.find_phone(tx, MOTHER)


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


# --- builders -----------------------------------------------------------------------------------------------


def notice(clock: TestClock, number: str, key: str) -> Letter:
    return Letter(number, "Laseli", key, "notice", "once", clock.now(), clock.now() + DAY_MS)


def reminder(clock: TestClock, number: str, key: str) -> Letter:
    return Letter(number, "Laseli", key, "reminder", "once", clock.now(), clock.now() + DAY_MS, hours="any")


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
