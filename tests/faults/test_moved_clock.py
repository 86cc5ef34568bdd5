"""F10: a machine's clock jumps under a worker, or comes up in 1970; and a host that keeps another zone's summer time.

The worker is a real process whose clock libfaketime moves; its own count of seconds goes on, as a real machine's does.
What the guard itself believes, and what it keeps from being planned and deleted: tests/stories/test_clock_guard.py.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from service.clock import SystemClock
from service.config import Config
from service.domain.local_time import instant
from service.runtime import Runtime, build_runtime
from service.store.system_tables import drop_marks
from service.stories.delivery import dispatch_gate
from service.stories.keeping.setup import REHEARSAL_MARK
from tests.faults.figures import Figures
from tests.faults.judge import judge
from tests.faults.letters import due, in_state, letters, queue
from tests.faults.sizes import size
from tests.faults.supervisor import Child, Supervisor
from tests.loopback import LoopbackCarrier

LIBRARY = next(iter(sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))), None)
MESSAGES = size(200, 1000)
BY_DAY = size(200, 1000)
NOTICED_S = 60
DAY_S = 86_400
PRELOADED = {"LD_PRELOAD": str(LIBRARY), "DONT_FAKE_MONOTONIC": "1"}
JUMPS = {
    "an hour back": -3600,
    "90 days on": 90 * DAY_S,
    "a quarter of an hour on": 900,
    "to 1970": -(56 * 365 * DAY_S),
}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(LIBRARY is None, reason="libfaketime is not here: apt-get install faketime"),
]


class TrueClock(SystemClock):
    """The true time of the story, which began at a moment that we chose."""

    def __init__(self, begins: str) -> None:
        self.ahead_s = instant(datetime.fromisoformat(begins), "Africa/Bamako") / 1000 - time.time()

    def now(self) -> int:
        return super().now() + int(self.ahead_s * 1000)

    def at(self, system_s: float) -> int:
        return int((system_s + self.ahead_s) * 1000)


class MovedClock:
    """The clock of processes started with `environment`: so many seconds off the true time of the story."""

    def __init__(self, true: TrueClock, file: Path) -> None:
        self._true, self._file = true, file
        self.move(0)

    def move(self, seconds: float) -> None:
        self._file.write_text(f"{self._true.ahead_s + seconds:+.3f}")

    @property
    def environment(self) -> dict[str, str]:
        """The file is read at every look at the clock, so that it can be moved; that costs some time."""
        return PRELOADED | {"FAKETIME_TIMESTAMP_FILE": str(self._file), "FAKETIME_NO_CACHE": "1"}

    @property
    def environment_for_good(self) -> dict[str, str]:
        return PRELOADED | {"FAKETIME": self._file.read_text()}


@pytest.fixture
def begins() -> str:
    return "2026-11-20T10:00"


@pytest.fixture
def true_clock(begins: str) -> TrueClock:
    return TrueClock(begins)


@pytest.fixture
def runtime(settings: Config, true_clock: TrueClock) -> Iterator[Runtime]:
    built = build_runtime(settings, at=true_clock)
    with built.database.begin() as tx:
        drop_marks(tx, REHEARSAL_MARK)  # where time may be moved nobody minds a clock that jumps
    yield built
    built.database.close()


@pytest.fixture
def moved(true_clock: TrueClock, tmp_path: Path) -> MovedClock:
    return MovedClock(true_clock, tmp_path / "faketime")


def gate(runtime: Runtime) -> set[str]:
    with runtime.database.read() as tx:
        return {one.reason for one in dispatch_gate.closed(tx)}


@pytest.mark.parametrize("jump", size(["90 days on"], list(JUMPS)))
def test_a_clock_that_jumps_stops_the_sending_until_it_is_right(
    runtime: Runtime,
    supervisor: Supervisor,
    carrier: LoopbackCarrier,
    moved: MovedClock,
    truth: Path,
    figures: Figures,
    database: str,
    jump: str,
) -> None:
    acknowledged = queue(runtime, letters(MESSAGES, runtime.now()))
    worker = supervisor.worker(**moved.environment)
    supervisor.wait_for(lambda: len(carrier.accepted) > MESSAGES // 10, worker)
    moved.move(JUMPS[jump])
    jumped = time.monotonic()
    supervisor.wait_for(lambda: gate(runtime) == {"clock"}, worker, seconds=NOTICED_S)
    noticed = time.monotonic() - jumped
    time.sleep(1.0)  # the calls in the air
    before = len(carrier.accepted)
    time.sleep(size(2.0, 20.0))
    while_shut = len(carrier.accepted) - before
    expired = in_state(runtime, "expired")
    moved.move(0)
    supervisor.wait_for(lambda: not due(runtime) and not in_state(runtime, "sending"), worker, seconds=90)
    supervisor.kill(worker)
    found = judge(runtime, truth, acknowledged)
    figures.note(
        "F10",
        f"the clock goes {jump} under a worker",
        database,
        "dispatch pauses within 60 s, doubled 0, expired by a wrong clock 0, goes on when it is right",
        {"noticed after (s)": noticed, "sent while shut": while_shut, "expired meanwhile": expired} | found.figures,
    )
    found.must_be_honest()
    assert while_shut == 0
    assert expired == 0
    assert found.doubled("must-arrive") == []
    # What was noted by the clock of 1970 has waited for its receipt since then. One that comes still counts.
    assert found.states["accepted"] + found.states["unknown"] + found.states["no_receipt"] == MESSAGES
    assert found.states["no_receipt"] <= MESSAGES // 50
    assert supervisor.complaints() == []


def test_a_machine_that_comes_up_in_1970_sends_nothing(
    runtime: Runtime,
    supervisor: Supervisor,
    carrier: LoopbackCarrier,
    moved: MovedClock,
    figures: Figures,
    database: str,
) -> None:
    """A power cut, no battery behind the clock, no network yet."""
    queue(runtime, letters(20, runtime.now()))
    worker = supervisor.worker(**moved.environment)
    supervisor.wait_for(lambda: len(carrier.accepted) == 20, worker)
    supervisor.kill(worker)
    queue(runtime, letters(20, runtime.now(), first=21))
    moved.move(JUMPS["to 1970"])
    worker = supervisor.worker(**moved.environment)
    supervisor.wait_for(lambda: gate(runtime) == {"clock"}, worker, seconds=NOTICED_S)
    time.sleep(2.0)
    in_1970 = len(carrier.accepted) - 20
    moved.move(0)
    supervisor.wait_for(lambda: len(carrier.accepted) == 40, worker, seconds=90)
    figures.note(
        "F10",
        "a worker starts in 1970, and the clock is set a little later",
        database,
        "sent in 1970: 0; goes on when the clock is right",
        {"sent in 1970": in_1970, "sent after": len(carrier.accepted) - 20 - in_1970},
    )
    assert in_1970 == 0


SUMMER_ENDS, SUMMER_BEGINS = "2026-10-25", "2027-03-28"
OPENS = size([SUMMER_ENDS], [SUMMER_ENDS, SUMMER_BEGINS])
CLOSES = size([SUMMER_BEGINS], [SUMMER_ENDS, SUMMER_BEGINS])


@pytest.mark.parametrize("begins", [f"{day}T07:59:55" for day in OPENS])
def test_a_host_of_another_zone_opens_at_our_hour(
    runtime: Runtime,
    supervisor: Supervisor,
    carrier: LoopbackCarrier,
    true_clock: TrueClock,
    moved: MovedClock,
    figures: Figures,
    database: str,
    begins: str,
) -> None:
    worker = _worker_in_paris(runtime, supervisor, moved)
    supervisor.wait_for(lambda: len(carrier.accepted) == BY_DAY, worker)
    first = true_clock.at(carrier.accepted_at[0])
    opens = instant(datetime.fromisoformat(f"{begins[:10]}T08:00"), runtime.zone)
    _note(figures, database, begins, {"opened after (s)": (first - opens) / 1000, "sent": len(carrier.accepted)})
    assert first >= opens


@pytest.mark.parametrize("begins", [f"{day}T18:59:50" for day in CLOSES])
def test_a_host_of_another_zone_closes_at_our_hour(
    runtime: Runtime,
    supervisor: Supervisor,
    carrier: LoopbackCarrier,
    true_clock: TrueClock,
    moved: MovedClock,
    figures: Figures,
    database: str,
    begins: str,
) -> None:
    carrier.think = 0.5
    worker = _worker_in_paris(runtime, supervisor, moved)
    closes = instant(datetime.fromisoformat(f"{begins[:10]}T19:00"), runtime.zone)
    supervisor.wait_for(lambda: runtime.now() > closes + 2000, worker)
    last = true_clock.at(carrier.accepted_at[-1])
    _note(figures, database, begins, {"last accepted after (s)": (last - closes) / 1000, "sent": len(carrier.accepted)})
    assert due(runtime) > 0, "there was more to send"
    assert last <= closes + 1000, "the calls in the air"


def _worker_in_paris(runtime: Runtime, supervisor: Supervisor, moved: MovedClock) -> Child:
    """A worker whose host keeps Paris's time, and messages for the day."""
    queue(runtime, letters(BY_DAY, runtime.now(), hours="day"))
    return supervisor.worker(TZ="Europe/Paris", **moved.environment_for_good)


def _note(figures: Figures, database: str, begins: str, found: dict[str, object]) -> None:
    done = f"the host keeps Paris's time, {begins.replace('T', ' ')}, the day on which its hour changes"
    figures.note("F10", done, database, "sent outside the sending hours of Bamako 0", found)
