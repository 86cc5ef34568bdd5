"""Two keys of each ring for tests, processes that hold one or both, and people who go on writing meanwhile."""

from __future__ import annotations

import itertools
import os
import random
import threading
from collections.abc import Callable

from click.testing import Result

from service.clock import DAY_MS
from service.config import Config
from service.runtime import Runtime
from service.store import resealing
from service.stories.delivery.outbox import Letter
from service.stories.keeping import key_checks, key_rotation
from service.stories.keeping.key_rotation import Rotated
from tests.cover import command
from tests.people import TestClock

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


def rotate(runtime: Runtime, tell: Callable[[str, int], None] = lambda *_: None) -> Rotated:
    return key_rotation.rotate(runtime, tell)


def keyed_command(settings: Config, keys: dict[str, str], *words: str) -> Result:
    """What `laseli ...` answers where these keys are set."""
    return command(with_keys(settings, keys), *words)


def check_keys(runtime: Runtime) -> None:
    with runtime.database.read() as tx:
        key_checks.check(tx, runtime.vault)


def by_key(runtime: Runtime) -> dict[int, int]:
    with runtime.database.read() as tx:
        counts = [resealing.count_by_key(tx, place) for place in resealing.sealed_places()]
    return {key: sum(one.get(key, 0) for one in counts) for key in (1, 2)}


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


def notice(clock: TestClock, number: str, key: str) -> Letter:
    return Letter(number, "Laseli", key, "notice", "once", clock.now(), clock.now() + DAY_MS)


def reminder(clock: TestClock, number: str, key: str) -> Letter:
    return Letter(number, "Laseli", key, "reminder", "once", clock.now(), clock.now() + DAY_MS, hours="any")
