"""Whether taking a message, and noting what came of it, costs the same however many messages there ever were.

The table is filled with 10,000, 100,000 and 1,000,000 messages that are over; beside them a few thousand wait. What is
measured is the dispatcher's own transaction: claim sixteen, write their attempts, write their outcomes.

    python3 dev bench claim
"""

from __future__ import annotations

import statistics
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from bench.databases import Postgres
from bench.dispatch import fill
from bench.ussd import environment
from service.config import Config
from service.runtime import Runtime, build_runtime
from service.store import message_claims
from service.store.message_claims import Noted, Start
from service.stories.keeping import setup

SIZES = (10_000, 100_000, 1_000_000)
TURNS, AT_ONCE, ROUNDS = 60, 16, 3


def main() -> None:
    print(f"A turn of the dispatcher's database work, {AT_ONCE} messages, by the number of messages in the table")
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        postgres = stack.enter_context(Postgres(Path(folder)))
        for name, url in (
            ("sqlite NORMAL", f"sqlite:///{folder}/claim.db"),
            ("postgresql", postgres.fresh("claim")),
        ):
            runtime = build_runtime(Config.from_env(environment(url, "NORMAL")))
            setup.prepare(runtime)
            fill(runtime, TURNS * AT_ONCE * ROUNDS * len(SIZES) + 1000, equal=False)
            figures = []
            for size in SIZES:
                grow(runtime, size)
                figures.append(statistics.median(per_message(runtime) for _ in range(ROUNDS)))
            shown = ", ".join(f"{size:,}: {micros:.0f} us" for size, micros in zip(SIZES, figures, strict=True))
            print(f"{name}: {shown} a message; {figures[-1] / figures[0]:.2f} x (goal 1.3)", flush=True)
            runtime.database.close()


def per_message(runtime: Runtime) -> float:
    """Microseconds of wall time for one message in turns of sixteen, as the dispatcher makes them."""
    started = time.perf_counter()
    notes: list[Noted] = []
    for _ in range(TURNS):
        with runtime.database.begin() as tx:
            now = runtime.now()
            if notes:
                message_claims.note_outcomes(tx, notes, now)
            claimed = message_claims.claim_due(tx, now, AT_ONCE, ["any"])
            starts = [Start(one.id, one.fence, "africastalking", 1200) for one in claimed]
            message_claims.start_attempts(tx, starts, now)
        notes = [
            Noted(one.id, one.fence, "accepted", "102", "accepted", None, "africastalking", carrier_id=str(one.id))
            for one in claimed
        ]
    with runtime.database.begin() as tx:
        message_claims.note_outcomes(tx, notes, runtime.now())
    return (time.perf_counter() - started) / (TURNS * AT_ONCE) * 1e6


def grow(runtime: Runtime, size: int) -> None:
    """Copies of one message that is over, until the table holds so many; other ids, keys and numbers."""
    from sqlalchemy import text

    with runtime.database.begin() as tx:
        there = tx.execute(text("SELECT count(*) FROM message WHERE state = 'delivered'")).scalar_one()
        if runtime.database.is_sqlite:
            series = "WITH RECURSIVE n(i) AS (SELECT :first UNION ALL SELECT i + 1 FROM n WHERE i < :last)"
            idx = "CAST('n' || i AS BLOB)"
        else:
            tx.execute(text("SET LOCAL statement_timeout = 0"))
            series = "WITH n AS (SELECT generate_series(CAST(:first AS bigint), CAST(:last AS bigint)) AS i)"
            idx = "CAST('n' || i AS bytea)"
        columns = [column for column in COPIED if column not in CHANGED]
        tx.execute(
            text(
                f"{series} INSERT INTO message ({', '.join((*CHANGED, *columns))}) "
                f"SELECT i, 'old:' || i, {idx}, 'delivered', 'old' || i, {', '.join('o.' + name for name in columns)} "
                "FROM n, (SELECT * FROM message WHERE state = 'queued' LIMIT 1) o"
            ),
            {"first": there + 1, "last": size},
        )
    with runtime.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE")


CHANGED = ("id", "key", "number_idx", "state", "carrier_id")
COPIED = (
    "phone_id",
    "text",
    "purpose",
    "class",
    "open_hours",
    "priority",
    "channel",
    "encoding",
    "parts",
    "fence",
    "attempts",
    "resends",
    "not_before",
    "useful_until",
    "created_at",
    "state_at",
)
