"""What the day's reminders, planning anew, forgetting and changing keys cost on SQLite, and how long callers wait.

python3 dev bench keeping
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import update

from service import jobs, logs
from service.channels.base import Keystroke
from service.clock import FixedClock
from service.config import Config
from service.runtime import Runtime, build_runtime
from service.store.database import Database
from service.store.message_tables import message
from service.stories.delivery import outbox
from service.stories.delivery.outbox import Letter
from service.stories.keeping import key_rotation, paged_work, retention, setup
from service.stories.recall import recalls, replanning
from service.stories.talk import conversations
from tests.many_families import due_children

DAY = 86_400_000
NOW = 1_795_000_000_000
MESSAGES, NUMBERS, DUE = 100_000, 20_000, 6_000
KEYS = {
    1: ("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", "Hx4dHBsaGRgXFhUUExIREA8ODQwLCgkIBwYFBAMCAQA="),
    2: ("ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=", "Pz49PDs6OTg3NjU0MzIxMC8uLSwrKikoJyYlJCMiISA="),
}


def main() -> None:
    logs.configure("ERROR")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "bench.db"
        made = opened(file, NOW, 1)
        setup.prepare(made)
        fill(made)
        due_children(made, DUE)
        print(f"{MESSAGES} messages to {NUMBERS} numbers on SQLite, synchronous=FULL; {size(file)} MB")
        print("a USSD step beside it, in ms:     median     p99     max")
        show("nothing else", lambda: time.sleep(5), made)
        show(f"the day's reminders: {DUE} children", lambda: today(opened(file, NOW, 1)), made)
        show(f"{DUE} children planned anew", lambda: plan_anew(opened(file, NOW, 1)), made)
        both = opened(file, NOW, 2, 1)
        show("keys rotate: seal, then move", lambda: rotate(both), both)
        show("words of 90 days are emptied", lambda: purge(opened(file, NOW + 91 * DAY, 2, 1), "message_texts"), both)
        show("messages of 400 days are counted", lambda: purge(opened(file, NOW + 401 * DAY, 2, 1), "messages"), both)
        show("phones of nobody", lambda: purge(opened(file, NOW + 401 * DAY, 2, 1), "phones"), both)
        print(f"the file afterwards: {size(file)} MB (its pages are used again; VACUUM makes it small)")
    secure_delete()


def fill(runtime: Runtime) -> None:
    for first in range(0, MESSAGES, 500):
        letters = [
            Letter(f"+2236{place % NUMBERS:07d}", TEXT, f"k{place}", "reminder", "once", NOW, NOW + DAY)
            for place in range(first, first + 500)
        ]
        with runtime.database.begin() as tx:
            outbox.put_many(tx, NOW + first, letters)
    with runtime.database.begin() as tx:
        tx.execute(update(message).values(state="delivered"))


TEXT = "Laseli: rendez-vous de suivi le 12/12 au CSCom de Darsalam, avec le carnet. Info *384*223#. ARRET pour arreter."


def today(runtime: Runtime) -> str:
    return f"{recalls.queue_recalls(runtime)} messages"


def plan_anew(runtime: Runtime) -> str:
    replanning.start(runtime, "the benchmark")
    jobs.carry_out_due(runtime)
    done = replanning.status(runtime)[0]
    return f"{done.changed} of {done.children} otherwise" if done else ""


def rotate(runtime: Runtime) -> str:
    done = key_rotation.rotate(runtime, lambda *_: None)
    return f"{done.sealed} sealed, {done.moved} moved"


def purge(runtime: Runtime, rule: str) -> str:
    return f"{retention.purge(runtime, [rule])[rule]} rows"


# --- a caller beside it -------------------------------------------------------------------------------------


def show(what: str, work: Callable[[], Any], caller: Runtime) -> None:
    """Do it while somebody presses keys; both on connections of their own, as two processes have."""
    ended = threading.Event()
    waits: list[float] = []
    thread = threading.Thread(target=press, args=(caller, ended, waits))
    with longest_turns() as turns:
        thread.start()
        began = time.perf_counter()
        done = work()
        took = time.perf_counter() - began
        ended.set()
        thread.join()
    ms = sorted(wait * 1000 for wait in waits)
    figures = f"{statistics.median(ms):8.1f}{ms[int(len(ms) * 0.99)]:8.1f}{ms[-1]:8.1f}"
    wall, cpu = (max((turn[place] for turn in turns), default=0) * 1000 for place in (0, 1))
    longest = f"longest write {wall:.0f} ms, {cpu:.0f} ms of CPU"
    print(f"{what:<32} {figures}   {took:6.1f} s  {done or ''}; {longest}")
    sys.stdout.flush()


def press(caller: Runtime, ended: threading.Event, waits: list[float]) -> None:
    call = 0
    runtime = opened(Path(str(caller.database.engine.url.database)), caller.now(), *caller.vault.index_numbers)
    while not ended.is_set():
        call += 1
        typed = ""
        for key in ("", "1", "2", "1"):
            typed = f"{typed}*{key}" if typed else key
            stroke = Keystroke("africastalking", f"{id(waits)}-{call}", f"+2239{call:07d}", "*1#", typed, "61001")
            began = time.perf_counter()
            conversations.reply_to(runtime, stroke)
            waits.append(time.perf_counter() - began)
            time.sleep(0.02)


@contextmanager
def longest_turns() -> Iterator[list[tuple[float, float]]]:
    """How long each page held the database: by the clock on the wall, and of CPU."""
    turns: list[tuple[float, float]] = []
    timed = paged_work._timed

    def noted(database: Database, act: paged_work.Act, keys: Sequence[Any]) -> tuple[float, int]:
        began = time.thread_time()
        took, rows = timed(database, act, keys)
        turns.append((took, time.thread_time() - began))
        return took, rows

    paged_work._timed = noted
    try:
        yield turns
    finally:
        paged_work._timed = timed


# --- overwriting what is deleted ----------------------------------------------------------------------------


def secure_delete() -> None:
    """A USSD step with and without it, in turns: the progress of a call is written anew at every key."""
    medians: dict[str, list[float]] = {"ON": [], "OFF": []}
    with tempfile.TemporaryDirectory() as folder:
        runtimes = {}
        for how in medians:
            runtimes[how] = opened(Path(folder) / f"{how}.db", NOW, 1)
            setup.prepare(runtimes[how])
            with runtimes[how].database.begin() as tx:
                tx.connection.driver_connection.execute(f"PRAGMA secure_delete={how}")  # type: ignore[union-attr]
        for turn in range(6):
            for how, runtime in runtimes.items():
                medians[how].append(statistics.median(steps(runtime, turn)))
    on, off = (min(medians[how]) * 1e6 for how in ("ON", "OFF"))
    print(f"CPU of a USSD step with secure_delete {on:.0f} us, without {off:.0f} us: ratio {on / off:.2f}")


def steps(runtime: Runtime, turn: int) -> list[float]:
    times = []
    for call in range(60):
        typed = ""
        for key in ("", "1", "2", "1", "2"):
            typed = f"{typed}*{key}" if typed else key
            stroke = Keystroke("africastalking", f"s{turn}-{call}", f"+2237000{call:04d}", "*1#", typed, "61001")
            began = time.thread_time()
            conversations.reply_to(runtime, stroke)
            times.append(time.thread_time() - began)
    return times


def opened(file: Path, now: int, *numbers: int) -> Runtime:
    identity, index = (",".join(f"{number}:{KEYS[number][which]}" for number in numbers) for which in (0, 1))
    settings = {
        "database_url": f"sqlite:///{file}",
        "keys": {"identity": identity, "index": index},
        "drafts_allowed_by": "the benchmark",
        "africastalking": {"username": "bench", "api_key": "bench", "hook_secrets": ("x" * 32,)},
    }
    return build_runtime(Config.model_validate(settings), at=FixedClock(now))


def size(file: Path) -> int:
    return file.stat().st_size // 1_000_000
