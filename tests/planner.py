"""`python -m tests.planner START`: one planner in a process of its own; it begins when the file START is there.

It goes on until nothing is due: one that finds its page taken by another comes back, as the timetable would a minute
later.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from sqlalchemy import select

from service.config import Config
from service.runtime import Runtime, build_runtime
from service.store.care_tables import appointment
from service.stories.recall import recalls


def left(runtime: Runtime) -> bool:
    with runtime.database.read() as tx:
        due = appointment.c.next_step_on <= runtime.today(runtime.now())
        return tx.execute(select(appointment.c.id).where(due).limit(1)).first() is not None


if __name__ == "__main__":
    start = Path(sys.argv[1])
    runtime = build_runtime(Config.from_env())
    print("ready", flush=True)
    while not start.exists():
        time.sleep(0.001)
    queued = 0
    while left(runtime):
        queued += recalls.queue_recalls(runtime)
    print("queued", queued, flush=True)
