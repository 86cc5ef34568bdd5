"""F13: the disk is full. Carriers hear 503, the dispatcher stops before it sends, and both go on by themselves."""

from __future__ import annotations

import random
import resource
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from service.runtime import Runtime
from service.stories.delivery import dispatcher
from tests.conftest import fresh_sqlite
from tests.faults.crowd import Crowd, mixed_events
from tests.faults.figures import Figures
from tests.faults.inbound import kept
from tests.faults.judge import judge
from tests.faults.letters import due, in_state, letters, queue
from tests.faults.sizes import patience, size
from tests.faults.supervisor import Child, Supervisor
from tests.loopback import LoopbackCarrier

MESSAGES = size(150, 1500)
TIMES = size(2, 10)
FULL_S = size(1.5, 5.0)
NOTHING_FITS = 4096  # octets: less than one page with its head in the write-ahead log

pytestmark = pytest.mark.slow


@pytest.fixture
def database_url(sqlite_template: Path, tmp_path: Path) -> str:
    return fresh_sqlite(sqlite_template, tmp_path)


def fill_the_disk(child: Child) -> None:
    """No file of these processes grows any more, their logs included."""
    _limit(child, NOTHING_FITS)


def make_room(child: Child) -> None:
    _limit(child, resource.RLIM_INFINITY)


def _limit(child: Child, octets: int) -> None:
    for pid in child.family():
        _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (octets, hard))


def is_whole(runtime: Runtime) -> bool:
    with sqlite3.connect(str(runtime.database.engine.url.database)) as file:
        return bool(file.execute("PRAGMA integrity_check").fetchone() == ("ok",))


def test_carriers_are_told_to_come_again(
    runtime: Runtime, supervisor: Supervisor, dice: random.Random, figures: Figures
) -> None:
    most_s = patience(2)
    web = supervisor.web()
    crowd = Crowd(lambda: [web.address], dice.getrandbits(32), threads=8, insist_s=TIMES * (FULL_S + 1) + 30)
    crowd.start(mixed_events(10_000_000))
    while_full = 0
    for _ in range(TIMES):
        time.sleep(dice.uniform(0.2, 0.6))
        fill_the_disk(web)
        time.sleep(0.2)  # what was on its way
        before = crowd.told.statuses[200]
        time.sleep(FULL_S)
        while_full += crowd.told.statuses[200] - before
        make_room(web)
    supervisor.wait_for(lambda before=crowd.told.statuses[200]: crowd.told.statuses[200] > before + 20)
    crowd.stop()
    told, found = crowd.told, kept(runtime, crowd.told.acknowledged)
    whole = is_whole(runtime)
    figures.note(
        "F13",
        f"the web process's disk is full, {TIMES} times for {FULL_S} s",
        "SQLite",
        "503, no 2xx without a row; goes on alone; integrity_check ok",
        {
            "acknowledged": len(told.acknowledged),
            "lost": len(found.lost),
            "2xx while full": while_full,
            "answered 503": told.statuses[503],
            "slowest 503 (s)": told.longest.get(503, 0.0),
            "gave up": len(told.gave_up),
            "integrity_check": "ok" if whole else "broken",
        },
    )
    assert found == ([], [])
    assert while_full == 0
    assert told.statuses.keys() == {200, 503}, told.statuses
    assert told.longest[503] <= most_s
    assert told.gave_up == []
    assert whole


def test_nothing_is_sent_that_cannot_be_noted(
    runtime: Runtime,
    supervisor: Supervisor,
    carrier: LoopbackCarrier,
    dice: random.Random,
    truth: Path,
    figures: Figures,
) -> None:
    acknowledged = queue(runtime, letters(MESSAGES, runtime.now()))
    worker = supervisor.worker()
    while_full = 0
    for turn in range(1, TIMES + 1):
        wanted = MESSAGES * turn // (TIMES + 1)
        supervisor.wait_for(lambda wanted=wanted: len(carrier.accepted) >= wanted, worker)
        time.sleep(dice.uniform(0.0, 0.1))
        fill_the_disk(worker)
        time.sleep(0.3)  # the calls in the air
        before = len(carrier.accepted)
        time.sleep(FULL_S)
        while_full += len(carrier.accepted) - before
        make_room(worker)
    supervisor.wait_for(lambda: not due(runtime) and not in_state(runtime, "sending"), worker)
    supervisor.kill(worker)
    found = judge(runtime, truth, acknowledged)
    figures.note(
        "F13",
        f"the worker's disk is full, {TIMES} times for {FULL_S} s in {MESSAGES} messages",
        "SQLite",
        "stops before sending; goes on alone; integrity_check ok",
        {"sent while full": while_full, "integrity_check": "ok" if is_whole(runtime) else "broken"} | found.figures,
    )
    found.must_be_honest()
    assert while_full == 0
    assert found.states == {"accepted": MESSAGES}
    assert is_whole(runtime)


def test_a_file_that_may_not_grow_stops_the_dispatcher_until_it_may(
    runtime: Runtime, carrier: LoopbackCarrier, truth: Path
) -> None:
    """The same through SQLite's own word for it: what calls came to waits for its page, and nothing else is begun."""
    acknowledged = queue(runtime, letters(MESSAGES, runtime.now()))
    _allow_pages(runtime, 0)
    with ThreadPoolExecutor(1) as thread:
        sending = thread.submit(dispatcher.send_due, runtime)
        sent = _until_nothing_more_is_sent(carrier)
        assert sent < MESSAGES
        judge(runtime, truth, acknowledged).must_be_honest()
        _allow_pages(runtime, 1_000_000)
        wait([sending], 60)
    if isinstance(sending.exception(), DBAPIError):
        assert sent == 0, "not even the first claim found room: the worker's next round tries again"
        dispatcher.send_due(runtime)
    else:
        assert sending.result() == MESSAGES
    found = judge(runtime, truth, acknowledged)
    found.must_be_honest()
    assert found.states == {"accepted": MESSAGES}
    assert is_whole(runtime)


def _allow_pages(runtime: Runtime, more: int) -> None:
    """On the one connection that this runtime writes with."""
    with runtime.database.begin() as tx:
        pages = tx.execute(text("PRAGMA page_count")).scalar_one()
        tx.execute(text(f"PRAGMA max_page_count={pages + more}"))


def _until_nothing_more_is_sent(carrier: LoopbackCarrier) -> int:
    """It may be that not even the first claim found room: then nothing was sent, and that is right."""
    before = -1
    while len(carrier.accepted) != before:
        before = len(carrier.accepted)
        time.sleep(patience(1.5))
    return before
