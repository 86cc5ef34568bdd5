"""SIGKILL the worker at random moments while it sends: nothing is lost, class "once" is never doubled."""

from __future__ import annotations

import collections
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from service.clock import SystemClock
from service.config import Config
from service.runtime import Runtime, build_runtime
from service.store.message_tables import message
from service.stories import dispatcher
from service.stories.outbox import Letter, put_many
from tests.conftest import HOOK_SECRET, a_config
from tests.loopback import LoopbackCarrier

MESSAGES = 1000
MOST_SECONDS = 90
HOUR = 3_600_000


@pytest.fixture
def settings(database_url: str, carrier: LoopbackCarrier) -> Config:
    carrier_settings = {
        "username": "laseli",
        "api_key": "key",
        "base_url": carrier.base_url,
        "sender": "99000",
        "hook_secrets": (HOOK_SECRET,),
    }
    return a_config(database_url, routes=("africastalking",), sender_threads=4, africastalking=carrier_settings)


@pytest.fixture
def runtime(settings: Config) -> Runtime:
    return build_runtime(settings, at=SystemClock())


@pytest.mark.slow
def test_killed_workers_lose_nothing_and_double_nothing(
    runtime: Runtime, settings: Config, carrier: LoopbackCarrier, tmp_path: Path
) -> None:
    seed = int(os.environ.get("TEST_SEED", "20261120"))
    print(f"seed {seed}")
    dice = random.Random(seed)
    _queue(runtime)
    kills = _send_under_fire(runtime, settings, dice)
    _let_leases_end(runtime)

    sent = collections.Counter(sms.text for sms in carrier.accepted)
    with runtime.database.read() as tx:
        rows = {row.key: row for row in tx.execute(select(message.c.key, message.c.state, message.c.klass))}
    assert len(rows) == MESSAGES
    assert {row.state for row in rows.values()} <= {"accepted", "unknown"}
    lost = [key for key, row in rows.items() if not sent[key] and row.state != "unknown"]
    doubled = [key for key, row in rows.items() if row.klass == "once" and sent[key] > 1]
    unknown = [key for key, row in rows.items() if row.state == "unknown"]
    print(f"{kills} kills: lost {len(lost)}, doubled {len(doubled)}, unknown {len(unknown)}")
    assert lost == []
    assert doubled == []
    assert len(unknown) <= kills * settings.sender_threads
    assert kills >= 5


def _queue(runtime: Runtime) -> None:
    now = runtime.now()
    letters = [
        Letter(
            to=f"+2237000{number:04d}",
            text=f"m-{number}",
            key=f"m-{number}",
            purpose="reminder",
            klass="once" if number % 2 else "must-arrive",
            not_before=now,
            useful_until=now + 48 * HOUR,
            hours="any",
        )
        for number in range(MESSAGES)
    ]
    with runtime.database.begin() as tx:
        assert len(put_many(tx, now, letters)) == MESSAGES


def _send_under_fire(runtime: Runtime, settings: Config, dice: random.Random) -> int:
    """Start workers and kill them until everything has left the queue; gives the number of kills."""
    deadline = time.monotonic() + MOST_SECONDS
    kills = 0
    while _queued(runtime):
        assert time.monotonic() < deadline, "the queue does not empty"
        worker = subprocess.Popen([sys.executable, "-m", "scheduler", "worker"], env=_environment(settings))
        try:
            before = _queued(runtime)
            while _queued(runtime) == before and time.monotonic() < deadline:  # until it has begun to send
                time.sleep(0.02)
            time.sleep(dice.uniform(0.05, 0.8))
        finally:
            worker.send_signal(signal.SIGKILL)
            worker.wait()
            kills += 1
    return kills


def _queued(runtime: Runtime) -> int:
    with runtime.database.read() as tx:
        return int(tx.execute(select(func.count()).where(message.c.state == "queued")).scalar_one())


def _let_leases_end(runtime: Runtime) -> None:
    """As if a minute passed on the database's clock: what a dead worker held becomes unknown, never queued."""
    with runtime.database.begin() as tx:
        tx.execute(update(message).values(lease_until=message.c.lease_until - 61_000))
    dispatcher.look_after(runtime)


def _environment(settings: Config) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("LASELI_")}
    carrier = settings.africastalking
    assert carrier is not None
    return clean | {
        "LASELI_DATABASE_URL": settings.database_url,
        "LASELI_KEYS__IDENTITY": settings.keys.identity.get_secret_value(),
        "LASELI_KEYS__INDEX": settings.keys.index.get_secret_value(),
        "LASELI_ROUTES": "africastalking",
        "LASELI_SENDER_THREADS": "4",
        "LASELI_LOG_LEVEL": "ERROR",
        "LASELI_AFRICASTALKING__USERNAME": carrier.username,
        "LASELI_AFRICASTALKING__API_KEY": carrier.api_key.get_secret_value(),
        "LASELI_AFRICASTALKING__BASE_URL": carrier.base_url,
        "LASELI_AFRICASTALKING__SENDER": "99000",
        "LASELI_AFRICASTALKING__HOOK_SECRETS": HOOK_SECRET,
    }
