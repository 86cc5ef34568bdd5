"""F32: a backup is restored a day late. What was said since is never said again, what waits for later still waits."""

from __future__ import annotations

import collections
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text, update

from scheduler.timetable import one_round
from service.channels.base import IncomingSms
from service.clock import REHEARSAL_MARK, Watch
from service.config import Config
from service.runtime import Runtime
from service.store import phone_tables, system_tables
from service.store.conversation_tables import conversation
from service.store.message_tables import message
from service.stories.delivery import dispatch_gate, dispatcher, outbox_care, receipts
from service.stories.delivery.outbox import Letter, put
from service.stories.keeping import backups, clock_guard, restores
from service.stories.recall import recall_day, recalls
from service.stories.talk import incoming
from tests.backups import PRIVATE, an_empty_place, opened, with_backups
from tests.faults.figures import Figures
from tests.loopback import LoopbackCarrier
from tests.people import Days, Handset, TestClock
from tests.stories.test_dispatch import receipt
from tests.stories.test_recalls import enrol

HOUR = 3_600_000


@pytest.fixture
def settings(settings: Config) -> Config:
    return with_backups(settings, drafts_allowed_by="the tests")


@pytest.fixture
def runtime(settings: Config, clock: TestClock) -> Iterator[Runtime]:
    """Days pass here by the test's clock."""
    built = opened(settings, clock)
    yield built
    built.database.close()


Restored = Callable[[Path], Runtime]


@pytest.fixture
def restored(settings: Config, clock: TestClock, tmp_path: Path) -> Iterator[Restored]:
    """The new server: the backup in an empty database, at the moment that the clock shows."""
    built: list[Runtime] = []

    def on_a_new_server(file: Path) -> Runtime:
        built.append(opened(an_empty_place(settings, tmp_path), clock))
        restores.restore(built[-1], file, [PRIVATE], "", "Awa", clock.now())
        return built[-1]

    yield on_a_new_server
    for one in built:
        one.database.close()


def queue(runtime: Runtime, clock: TestClock, key: str, **changes: Any) -> None:
    base = {"to": "+22370000001", "text": key, "key": key, "purpose": "notice", "klass": "must-arrive", "hours": "any"}
    times = {"not_before": clock.now(), "useful_until": clock.now() + 96 * HOUR}
    with runtime.database.begin() as tx:
        put(tx, clock.now(), Letter(**(base | times | changes)))


def states(runtime: Runtime) -> dict[str, str]:
    with runtime.database.read() as tx:
        return {row.key: row.state for row in tx.execute(select(message.c.key, message.c.state))}


def release(runtime: Runtime) -> None:
    with runtime.database.begin() as tx:
        assert dispatch_gate.reopen(tx, "restored")


def rounds(runtime: Runtime, clock: TestClock, days: int) -> None:
    """The worker's days go on."""
    for _ in range(days * 8):
        one_round(runtime)
        clock.advance(hours=3)


def sent(carrier: LoopbackCarrier) -> dict[tuple[str, str], int]:
    return collections.Counter((sms.to, sms.text) for sms in carrier.accepted)


def test_a_day_lost_and_nothing_said_twice(
    runtime: Runtime,
    clock: TestClock,
    carrier: LoopbackCarrier,
    restored: Restored,
    tmp_path: Path,
    figures: Figures,
    database: str,
) -> None:
    """Forty families, every kind of message, a backup at ten, a server that dies the next morning.

    Beside it the old server lives on, as if nothing had happened: no phone may hear more from the new one.
    """
    for number in range(40):
        enrol(runtime, clock, number=f"+2237000{number:04d}", born=f"2026-10-{1 + number % 20:02d}")
    for number in range(30):
        klass = "once" if number % 2 else "must-arrive"
        to = f"+2237100{number:04d}"
        queue(runtime, clock, f"now-{number}", to=to, klass=klass)
        queue(runtime, clock, f"soon-{number}", to=to, klass=klass, not_before=clock.now() + 5 * HOUR)
        queue(runtime, clock, f"later-{number}", to=to, klass=klass, not_before=clock.now() + 60 * HOUR)
    carrier.faults = {"drop": 0.2, "429": 0.2}
    recalls.queue_recalls(runtime)
    dispatcher.send_due(runtime, most=20)
    made = backups.make(runtime, tmp_path / "ten.age", clock.now())

    rounds(runtime, clock, 1)  # a whole day of which the backup knows nothing
    carrier.faults = {}
    before = sent(carrier)
    assert len(before) > 60
    clock.advance(hours=1)
    died_at = clock.moment

    new = restored(made.file)
    for _ in range(4):  # the worker runs; the gate is closed
        one_round(new)
    assert sent(carrier) == before, "nothing leaves before somebody releases it"
    release(new)
    rounds(new, clock, 4)
    after = sent(carrier)
    carrier.accepted.clear()
    clock.moment = died_at
    rounds(runtime, clock, 4)
    would_have = {what: number + before[what] for what, number in sent(carrier).items()} | {
        what: number for what, number in before.items() if what not in sent(carrier)
    }
    said_more = {what: number for what, number in after.items() if number > would_have.get(what, 0)}
    figures.note(
        "F32",
        "a backup put back a day late, then released",
        database,
        "nobody hears more than from an undisturbed twin",
        {"sent": sum(after.values()), "the twin sent": sum(would_have.values()), "said more often": len(said_more)},
    )
    assert said_more == {}, "duplicates"
    later = [after[(f"+2237100{number:04d}", f"later-{number}")] for number in range(30)]
    assert later == [1] * 30, "what waits for later leaves"


def test_what_may_have_left_is_unknown_and_stays_so(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier, restored: Restored, tmp_path: Path
) -> None:
    keys = ("accepted", "delivered", "unknown", "sending")
    for place, key in enumerate(keys):
        queue(runtime, clock, key, to=f"+2237100{place:04d}")
    dispatcher.send_due(runtime)
    with runtime.database.begin() as tx:
        for key in keys:
            tx.execute(update(message).where(message.c.key == key).values(state=key))
    queue(runtime, clock, "was due")
    queue(runtime, clock, "for later", not_before=clock.now() + 30 * HOUR)
    made = backups.make(runtime, tmp_path / "ten.age", clock.now())
    clock.advance(hours=24)
    new = restored(made.file)
    unknown = {"accepted", "unknown", "sending", "was due"}
    assert states(new) == dict.fromkeys(unknown, "unknown") | {"delivered": "delivered", "for later": "queued"}
    release(new)
    clock.advance(hours=7)
    one_round(new)
    assert len(carrier.accepted) == 4 + 1, "the one for later, and no resend of the others"
    clock.advance(hours=72)
    one_round(new)
    assert {states(new)[key] for key in unknown} == {"unresolved"}, "people decide"


def test_a_receipt_still_finds_its_message(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier, restored: Restored, tmp_path: Path
) -> None:
    queue(runtime, clock, "k")
    dispatcher.send_due(runtime)
    made = backups.make(runtime, tmp_path / "ten.age", clock.now())
    clock.advance(hours=24)
    new = restored(made.file)
    receipts.take(new, receipt(carrier.accepted[0].id, "delivered"))
    receipts.settle(new)
    assert states(new) == {"k": "delivered"}


# --- recalls ------------------------------------------------------------------------------------------------


def test_a_recall_told_between_backup_and_restore_is_not_told_again(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier, restored: Restored, tmp_path: Path
) -> None:
    """J-3 was told on the 20th at nine, after the backup of half past eight; the ladder goes on with J-1."""
    clock.set("2026-11-19T20:00")
    enrol(runtime, clock)
    made = backups.make(runtime, tmp_path / "evening.age", clock.now())
    assert [day for day, _ in Days(runtime, clock, carrier).until("2026-11-20")] == ["11-20"]
    clock.set("2026-11-20T20:00")
    new = restored(made.file)
    release(new)
    told = Days(new, clock, carrier).until("2026-11-25")
    assert [day for day, _ in told] == ["11-22", "11-23", "11-25"]
    with new.database.read() as tx:
        assert system_tables.counters(tx)[recall_day.TAKEN_AS_TOLD] == 1


def test_a_recall_that_cannot_have_left_yet_is_told(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier, restored: Restored, tmp_path: Path
) -> None:
    """Restored at seven in the morning: what leaves at nine was told by nobody."""
    clock.set("2026-11-19T20:00")
    enrol(runtime, clock)
    made = backups.make(runtime, tmp_path / "evening.age", clock.now())
    clock.set("2026-11-20T07:00")
    new = restored(made.file)
    release(new)
    assert [day for day, _ in Days(new, clock, carrier).until("2026-11-20")] == ["11-20"]


def test_what_is_recorded_again_on_that_day_is_not_told_again(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier, restored: Restored, tmp_path: Path
) -> None:
    """A family enrolled after the backup, whose recall left at nine, is typed in again from the register at noon."""
    clock.set("2026-11-20T08:00")
    made = backups.make(runtime, tmp_path / "morning.age", clock.now())
    enrol(runtime, clock)
    assert len(Days(runtime, clock, carrier).until("2026-11-20")) == 1
    clock.set("2026-11-20T12:00")
    new = restored(made.file)
    release(new)
    enrol(new, clock)
    told = Days(new, clock, carrier).until("2026-11-23")
    assert [day for day, _ in told] == ["11-22", "11-23"]


# --- the rest -----------------------------------------------------------------------------------------------


def test_open_calls_are_over(
    runtime: Runtime,
    clock: TestClock,
    carrier: LoopbackCarrier,
    handset: Handset,
    restored: Restored,
    tmp_path: Path,
) -> None:
    """Nobody is told of a call that was cut a day ago, and nothing of it is taken up again."""
    handset.dial()
    handset.press("1")
    made = backups.make(runtime, tmp_path / "ten.age", clock.now())
    clock.advance(hours=1)
    new = restored(made.file)
    with new.database.read() as tx:
        assert tx.execute(select(conversation.c.id).where(conversation.c.ended.is_(False))).all() == []
    release(new)
    clock.advance(minutes=30)
    one_round(new)
    assert carrier.accepted == []


def test_what_a_carrier_gives_out_again_is_obeyed_and_not_answered_again(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier, restored: Restored, tmp_path: Path
) -> None:
    """Between backup and restore: a STOP, a START and a question, all answered by the server that was lost."""
    made = backups.make(runtime, tmp_path / "ten.age", clock.now())
    clock.advance(hours=1)
    texts = {"+22370000001": "ARRET", "+22370000002": "START", "+22370000003": "bonjour docteur, quand?"}

    def written(number: str, text: str, at: int) -> IncomingSms:
        return IncomingSms("africastalking", f"{number}-{at}", number, number, text, "99000", at=at)

    pulled = [written(number, text, clock.now()) for number, text in texts.items()]
    clock.advance(hours=1)
    new = restored(made.file)
    release(new)
    for sms in pulled:
        incoming.take_sms(new, sms)
    one_round(new)
    assert carrier.accepted == []
    with new.database.read() as tx:
        assert phone_tables.opted_out(tx, new.vault.index("+22370000001"))
        assert system_tables.counters(tx)["sms_before_the_restore"] == 2
    clock.advance(minutes=1)
    incoming.take_sms(new, written("+22370000003", texts["+22370000003"], clock.now()))
    one_round(new)
    assert len(carrier.accepted) == 1, "what is new is answered"


def test_a_backup_of_a_closed_gate_says_why_it_is_closed_now(
    runtime: Runtime, clock: TestClock, restored: Restored, tmp_path: Path
) -> None:
    with runtime.database.begin() as tx:
        dispatch_gate.close(tx, "restored", "an earlier one", 1)
        dispatch_gate.close(tx, "person", "the ministry asked", 1)
    made = backups.make(runtime, tmp_path / "ten.age", clock.now())
    clock.advance(hours=2)
    new = restored(made.file)
    with new.database.read() as tx:
        closed = {one.reason: one for one in dispatch_gate.closed(tx)}
    assert closed["person"].since == 1
    assert closed["restored"].since == clock.now()
    assert "2026-11-20T10:00" in closed["restored"].detail


WAITING, RUNNING, LATER = "due", "at work", "in a week"
HOURS = {WAITING: 0, RUNNING: 0, LATER: 168}


def test_jobs_that_were_waiting_are_not_done_a_second_time(
    runtime: Runtime, clock: TestClock, restored: Restored, tmp_path: Path
) -> None:
    """A page of a campaign that was filled since would be filled again."""
    with runtime.database.engine.begin() as tx:
        tx.execute(text(OUR_JOBS))
        for number, (name, hours) in enumerate(HOURS.items()):
            state = "running" if name == RUNNING else "waiting"
            row = {"id": number, "name": name, "state": state, "at": clock.now() + hours * HOUR}
            tx.execute(
                text("INSERT INTO job VALUES (:id, :name, '{}', NULL, :state, :at, 0, 0, NULL, NULL, 1, NULL)"), row
            )
    made = backups.make(runtime, tmp_path / "ten.age", clock.now())
    clock.advance(hours=2)
    new = restored(made.file)
    with new.database.read() as tx:
        found = {row.name: row.state for row in tx.execute(text("SELECT name, state FROM job"))}
    assert found == {WAITING: "failed", RUNNING: "failed", LATER: "waiting"}


OUR_JOBS = """
    CREATE TABLE IF NOT EXISTS job (
        id BIGINT PRIMARY KEY, name VARCHAR(40), args TEXT, lock VARCHAR(120), state VARCHAR(8), run_at BIGINT,
        tries INTEGER, fence INTEGER, lease_until BIGINT, error VARCHAR(120), added_at BIGINT, ended_at BIGINT
    )
"""


def test_nor_are_those_of_procrastinate(runtime: Runtime, clock: TestClock, restored: Restored, tmp_path: Path) -> None:
    if runtime.database.is_sqlite:
        pytest.skip("it is PostgreSQL's")
    from procrastinate.schema import SchemaManager

    add = (
        "INSERT INTO procrastinate_jobs (queue_name, task_name, status, scheduled_at)"
        " VALUES ('q', :name, CAST(:status AS procrastinate_job_status), to_timestamp(:at))"
    )
    with runtime.database.engine.begin() as tx:
        if not tx.execute(text("SELECT to_regclass('procrastinate_jobs') IS NOT NULL")).scalar_one():
            tx.connection.driver_connection.execute(SchemaManager.get_schema())  # type: ignore[union-attr]
        for name, hours in HOURS.items():
            status = "doing" if name == RUNNING else "todo"
            tx.execute(text(add), {"name": name, "status": status, "at": clock.now() / 1000 + hours * 3600})
    made = backups.make(runtime, tmp_path / "ten.age", clock.now())
    clock.advance(hours=2)
    new = restored(made.file)
    with new.database.read() as tx:
        rows = tx.execute(text("SELECT task_name, status::text FROM procrastinate_jobs"))
        found = {row.task_name: row.status for row in rows}
    assert found == {WAITING: "cancelled", RUNNING: "failed", LATER: "todo"}


def test_one_release_ends_both_reasons_of_a_backup_of_days_ago(
    runtime: Runtime, clock: TestClock, restored: Restored, tmp_path: Path
) -> None:
    """The first worker would doubt a clock that stands days after the last moment that the backup knows."""
    with runtime.database.begin() as tx:
        system_tables.drop_marks(tx, REHEARSAL_MARK)
        assert clock_guard.look(tx, runtime, Watch()) is None
    made = backups.make(runtime, tmp_path / "ten.age", clock.now())
    clock.advance(days=2)
    new = restored(made.file)
    with new.database.begin() as tx:
        found = outbox_care.look_at_release(tx, new, clock.now())
        assert {one.reason for one in found.closed} == {"restored", "clock"}
        assert all(one.detail for one in found.closed)
        outbox_care.release(tx, [one.reason for one in found.closed], "Awa", clock.now())
    clock.advance(minutes=1)
    with new.database.begin() as tx:
        assert clock_guard.look(tx, new, Watch()) is None, "the first worker after it"
        assert dispatch_gate.closed(tx) == []
