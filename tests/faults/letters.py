"""Messages for the rig: each to a number of its own, each text its own key, so that the truth can be told apart."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select, update

from scheduler.timetable import one_round
from service.runtime import Runtime
from service.store.columns import Instant, metadata
from service.store.message_tables import message
from service.store.system_tables import lease
from service.stories.delivery.outbox import Letter, put_many

HOUR = 3_600_000
CLASSES = ("once", "must-arrive")
PAGE = 500


def number(place: int) -> str:
    return f"+2237{place:07d}"


def letters(
    count: int, now: int, *, classes: Sequence[str] = CLASSES, first: int = 1, hours: str = "any"
) -> list[Letter]:
    """So many messages, of these classes in turn."""
    return [
        Letter(
            to=number(place),
            text=f"m-{place}",
            key=f"m-{place}",
            purpose="reminder",
            klass=classes[place % len(classes)],
            not_before=now,
            useful_until=now + 48 * HOUR,
            hours=hours,
        )
        for place in range(first, first + count)
    ]


def queue(runtime: Runtime, written: Sequence[Letter]) -> set[str]:
    """Queue them a page at a time; gives the keys that were acknowledged, each after its commit."""
    acknowledged: set[str] = set()
    for start in range(0, len(written), PAGE):
        with runtime.database.begin() as tx:
            told = put_many(tx, runtime.now(), written[start : start + PAGE])
        acknowledged |= told.keys()
    return acknowledged


def due(runtime: Runtime) -> int:
    """How many wait that may leave now."""
    now = runtime.now()
    with runtime.database.read() as tx:
        waiting = (message.c.state == "queued") & (message.c.not_before <= now)
        return int(tx.execute(select(func.count()).where(waiting)).scalar_one())


def in_state(runtime: Runtime, *states: str) -> int:
    with runtime.database.read() as tx:
        return int(tx.execute(select(func.count()).where(message.c.state.in_(states))).scalar_one())


def let_leases_end(runtime: Runtime) -> None:
    """As if a minute passed on the database's clock: what a dead worker held becomes unknown, never queued."""
    with runtime.database.begin() as tx:
        tx.execute(update(message).values(lease_until=message.c.lease_until - 61_000))
    one_round(runtime)


def let_hours_pass(runtime: Runtime, hours: int, *, rounds: int = 0) -> None:
    """Time goes on, with the worker's rounds in it (two an hour): what waits is settled and sent.

    The clock of the running processes cannot be moved, so all that ever happened is made older instead.
    """
    rounds = rounds or 2 * hours
    for _ in range(rounds):
        _make_older(runtime, hours * HOUR // rounds)
        one_round(runtime)


def _make_older(runtime: Runtime, milliseconds: int) -> None:
    with runtime.database.begin() as tx:
        for table in metadata.sorted_tables:
            moments = [column for column in table.c if column.type is Instant]
            if moments and table is not lease:
                tx.execute(update(table).values({moment: moment - milliseconds for moment in moments}))
