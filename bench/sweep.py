"""The daily tick: what it costs to queue the reminders of today, by how many are due and by how many are followed.

"scan": reading every child's row once. "insert": one statement that copies as many messages as are due, with all their
indexes, the cheapest way there is to write them. The registry is grown by copies of one family whose next step is a
year away; the due families are made beside it, each third child a sibling. Nothing else runs; `keeping` shows callers
beside long work.

    python3 dev bench sweep
"""

from __future__ import annotations

import os
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path

from sqlalchemy import Table, text
from sqlalchemy.engine import Connection

from bench.databases import Postgres
from bench.ussd import environment
from service.config import Config
from service.runtime import Runtime, build_runtime
from service.store.care_tables import appointment
from service.store.message_tables import message
from service.store.people_tables import child, household, person
from service.store.phone_tables import phone
from service.stories.keeping import setup
from service.stories.recall import recalls
from tests.many_families import due_children

SIZES, DUE = (10_000, 100_000, 1_000_000), (1_500, 6_000)
ROUNDS = 3
A_YEAR_AWAY = "2027-12-01"


def main() -> None:
    quick = bool(os.environ.get("BENCH_QUICK"))
    sizes, dues = ((10_000, 50_000), (500, 2_000)) if quick else (SIZES, DUE)
    print(f"The daily tick, median of {ROUNDS} (goal: 0.5 x scan + 2 x insert; a million with 6,000 due: 1 x scan)")
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        postgres = stack.enter_context(Postgres(Path(folder)))
        urls = {"sqlite FULL": f"sqlite:///{folder}/sweep.db", "postgresql": postgres.fresh("sweep")}
        for name, url in urls.items():
            runtime = build_runtime(Config.from_env(environment(url, "FULL")))
            setup.prepare(runtime)
            due_children(runtime, 3)
            recalls.queue_recalls(runtime)
            for size in sizes:
                grow(runtime, size)
                for due in dues:
                    measure(runtime, name, size, due)
            runtime.database.close()


def measure(runtime: Runtime, name: str, size: int, due: int) -> None:
    ticks, cpu, inserts, messages = [], [], [], 0
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(ROUNDS):
        messages = due_children(runtime, due)
        started = time.process_time()
        ticks.append(timed(lambda: recalls.queue_recalls(runtime)))
        cpu.append((time.process_time() - started) / due * 1e6)
        inserts.append(insert_as_many(runtime, messages))
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    scan = statistics.median(scanned(runtime) for _ in range(ROUNDS))
    tick, insert = statistics.median(ticks), statistics.median(inserts)
    print(
        f"{name}, {size:>9,} children, {due:,} due ({messages:,} messages): tick {tick:6.2f} s = "
        f"{tick / (0.5 * scan + 2 * insert):5.1f} x the goal, {tick / scan:6.1f} x scan ({scan:.3f} s), "
        f"insert {insert:.3f} s; {statistics.median(cpu):.0f} us of CPU a child; {grown:.0f} MB more",
        flush=True,
    )


def timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def scanned(runtime: Runtime) -> float:
    with runtime.database.read() as tx:
        return timed(lambda: tx.execute(text("SELECT count(*), max(enrolled_at), max(code) FROM child")).all())


class _Undone(Exception):
    pass


def insert_as_many(runtime: Runtime, rows: int) -> float:
    taken = 0.0
    try:
        with runtime.database.begin() as tx:
            changed = {"id": "-i", "key": "'copy' || i", "number_idx": blob(runtime, "c")}
            taken = timed(lambda: copy(tx, runtime, message, changed, 1, rows))
            raise _Undone
    except _Undone:
        return taken


# --- a large registry ---------------------------------------------------------------------------------------


def grow(runtime: Runtime, size: int) -> None:
    """Copies of one family, until so many children are followed; each has a phone, a household and an appointment."""
    with runtime.database.begin() as tx:
        there = tx.execute(text("SELECT count(*) FROM child WHERE person_id < 0")).scalar_one()
        ids = {"id": "-i", "household_id": "-i", "person_id": "-i", "child_id": "-i"}
        for table, changed in (
            (phone, {"id": "-i", "number_idx": blob(runtime, "n")}),
            (household, {"id": "-i", "preferred_phone_id": "-i"}),
            (person, {name: ids[name] for name in ("id", "household_id")}),
            (child, {"person_id": "-i", "household_id": "-i", "code": "'x' || i"}),
            (appointment, {name: ids[name] for name in ("id", "child_id", "household_id")}
                | {"next_step_on": f"'{A_YEAR_AWAY}'", "next_step": "'J-3'", "last_step": "NULL"}),
        ):  # fmt: skip
            copy(tx, runtime, table, changed, there + 1, size)
    with runtime.database.begin() as tx:
        tx.exec_driver_sql("ANALYZE")


def copy(tx: Connection, runtime: Runtime, table: Table, changed: Mapping[str, str], first: int, last: int) -> None:
    """Rows numbered i, from the first row that the product wrote into this table."""
    if runtime.database.is_sqlite:
        series = "WITH RECURSIVE n(i) AS (SELECT :first UNION ALL SELECT i + 1 FROM n WHERE i < :last)"
    else:
        tx.execute(text("SET LOCAL statement_timeout = 0"))
        series = "WITH n AS (SELECT generate_series(CAST(:first AS bigint), CAST(:last AS bigint)) AS i)"
    kept = [column.name for column in table.columns if column.name not in changed]
    key = next(iter(table.primary_key.columns)).name
    date = "" if runtime.database.is_sqlite else "::date"
    written = [value + date if name == "next_step_on" else value for name, value in changed.items()]
    tx.execute(
        text(
            f"{series} INSERT INTO {table.name} ({', '.join([*changed, *kept])}) "  # names of our tables
            f"SELECT {', '.join([*written, *(f'o.{name}' for name in kept)])} "
            f"FROM n, (SELECT * FROM {table.name} WHERE {key} > 0 ORDER BY {key} LIMIT 1) o"
        ),
        {"first": first, "last": last},
    )


def blob(runtime: Runtime, letter: str) -> str:
    return f"CAST('{letter}' || i AS {'BLOB' if runtime.database.is_sqlite else 'bytea'})"


if __name__ == "__main__":
    main()
