"""The rig: a carrier that writes the truth, the product's own processes, and a place for the figures."""

from __future__ import annotations

import random
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.clock import SystemClock
from service.config import Config
from service.runtime import Runtime, build_runtime
from tests.conftest import HOOK_SECRET, TWILIO_SID, TWILIO_TOKEN, a_config
from tests.faults.figures import Figures
from tests.faults.sizes import SEED, dice_for
from tests.faults.supervisor import Supervisor
from tests.loopback import LoopbackCarrier

REPORT = pytest.StashKey[bool]()


def pytest_configure() -> None:
    """Asked to end, the run ends as by Ctrl-C: its processes are ended first."""

    def end(*_: object) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, end)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    report = yield
    if call.when == "call":
        item.stash[REPORT] = report.passed
    return report


@pytest.fixture(scope="session")
def postgres_does_without() -> tuple[str, ...]:
    """Here it is as careful as in the field."""
    return ()


@pytest.fixture
def figures(request: pytest.FixtureRequest) -> Iterator[Figures]:
    kept = Figures(request.node.name)
    yield kept
    kept.write(held=request.node.stash.get(REPORT, False))


@pytest.fixture
def dice(request: pytest.FixtureRequest) -> random.Random:
    print(f"seed {SEED}")
    return dice_for(request.node.name)


@pytest.fixture
def truth(tmp_path: Path) -> Path:
    return tmp_path / "truth.jsonl"


@pytest.fixture
def carrier(truth: Path, dice: random.Random) -> Iterator[LoopbackCarrier]:
    """It thinks a moment over each call, as carriers do: a process that is killed has calls in flight."""
    seed = dice.getrandbits(32)
    with LoopbackCarrier(seed=seed, truth=truth, slow_seconds=1.2, think=0.03, postmen=4) as running:
        yield running


@pytest.fixture
def settings(database_url: str, carrier: LoopbackCarrier) -> Config:
    return a_config(
        database_url,
        routes=("africastalking",),
        public_url="https://alertes.example.org",
        sender_threads=4,
        send_timeout=0.6,
        africastalking={
            "username": "laseli",
            "api_key": "at-key",
            "base_url": carrier.base_url,
            "sender": "99000",
            "hook_secrets": (HOOK_SECRET,),
        },
        twilio={
            "account_sid": TWILIO_SID,
            "auth_token": TWILIO_TOKEN,
            "base_url": carrier.base_url,
            "sender": "+15005550006",
        },
    )


@pytest.fixture
def runtime(settings: Config) -> Iterator[Runtime]:
    """The test's own hands on the database, in the real time."""
    built = build_runtime(settings, at=SystemClock())
    yield built
    built.database.close()


@pytest.fixture
def database(runtime: Runtime) -> str:
    return "SQLite" if runtime.database.is_sqlite else "PostgreSQL"


@pytest.fixture
def supervisor(settings: Config, tmp_path: Path) -> Iterator[Supervisor]:
    with Supervisor(settings, tmp_path) as running:
        yield running
