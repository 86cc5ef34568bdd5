"""Messages for the rig: each to a number of its own, each text its own key, so that the truth can be told apart."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select, update

from service.clock import SystemClock
from service.runtime import Runtime
from service.store.message_tables import message
from service.stories import dispatcher
from service.stories.outbox import Letter, put_many

HOUR = 3_600_000
CLASSES = ("once", "must-arrive")
PAGE = 500


class ClockAhead(SystemClock):
    """The real time, and so many hours more as a test lets pass."""

    def __init__(self) -> None:
        self.hours = 0.0

    def now(self) -> int:
        return super().now() + int(self.hours * HOUR)


def number(place: int) -> str:
    return f"+2237{place:07d}"


def letters(count: int, now: int, *, classes: Sequence[str] = CLASSES, first: int = 1) -> list[Letter]:
    """So many messages that may leave at any hour, of these classes in turn."""
    return [
        Letter(
            to=number(place),
            text=f"m-{place}",
            key=f"m-{place}",
            purpose="reminder",
            klass=classes[place % len(classes)],
            not_before=now,
            useful_until=now + 48 * HOUR,
            hours="any",
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
    dispatcher.look_after(runtime)


def let_hours_pass(runtime: Runtime, hours: float) -> None:
    """Time goes on, half an hour a round: what waits is settled and sent."""
    clock = runtime.clock
    assert isinstance(clock, ClockAhead)
    until = clock.hours + hours
    while clock.hours < until:
        clock.hours = min(clock.hours + 0.5, until)
        dispatcher.look_after(runtime)
        dispatcher.send_due(runtime)
    dispatcher.look_after(runtime)
