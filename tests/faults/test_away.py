"""F9: the worker is away for a moment or for days, while things become due: nothing is dropped silently."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from scheduler.timetable import one_round
from service import metrics
from service.domain.sending_hours import within
from service.runtime import Runtime, build_runtime
from service.store.care_tables import appointment
from service.store.message_tables import message, send_attempt
from service.store.recall_tables import message_appointment
from service.store.system_tables import counters
from service.stories.delivery.outbox import Letter
from tests.faults.figures import Figures
from tests.faults.judge import judge
from tests.faults.letters import CLASSES, HOUR, number, queue
from tests.faults.sizes import size
from tests.loopback import LoopbackCarrier
from tests.people import TestClock
from tests.stories.test_recalls import check_promises, enrol

SECOND, MINUTE = 1000, 60_000
LETTERS = size(150, 1000)
CHILDREN = size(10, 60)
STEPS = 6  # of the ladder, for each contact
DAYS = 130
AWAY = {
    "0.1 s": SECOND // 10,
    "1 min": MINUTE,
    "20 min": 20 * MINUTE,
    "3 h": 3 * HOUR,
    "12 h": 12 * HOUR,
    "24 h": 24 * HOUR,
    "72 h": 72 * HOUR,
    "9 days": 9 * 24 * HOUR,
}
BEFORE, AFTER = 3 * HOUR, 30 * HOUR
USEFUL = (5 * MINUTE, 45 * MINUTE, 3 * HOUR, 26 * HOUR)


@pytest.fixture
def runtime(settings: object, clock: TestClock, carrier: LoopbackCarrier) -> Iterator[Runtime]:
    carrier.think = 0.0
    built = build_runtime(settings, at=clock)  # type: ignore[arg-type]
    yield built
    built.database.close()


def looks_in(begins: int, away: int) -> list[int]:
    """The moments at which the worker looks: every ten minutes before it goes and after it comes back."""
    back = begins + BEFORE + away
    before = range(begins, begins + BEFORE, 10 * MINUTE)
    return [*before, *range(back, back + 3 * HOUR, 10 * MINUTE), *range(back + 3 * HOUR, back + AFTER, HOUR)]


def letters_across(begins: int, away: int, dice: random.Random) -> list[Letter]:
    """Due at any moment from before to after, useful for minutes or for a day, by day or at any hour."""
    found = []
    for place in range(1, LETTERS + 1):
        due = begins + dice.randrange(BEFORE + away + 3 * HOUR)
        found.append(
            Letter(
                to=number(place),
                text=f"m-{place}",
                key=f"m-{place}",
                purpose="reminder",
                klass=CLASSES[place % 2],
                not_before=due,
                useful_until=due + dice.choice(USEFUL),
                hours="day" if place % 3 else "any",
            )
        )
    return found


@pytest.mark.parametrize("away", size(["20 min", "72 h"], list(AWAY)[:-1]))
def test_what_was_due_meanwhile_is_sent_in_time_or_counted_as_expired(
    runtime: Runtime,
    clock: TestClock,
    carrier: LoopbackCarrier,
    dice: random.Random,
    truth: Path,
    figures: Figures,
    database: str,
    away: str,
) -> None:
    begins = clock.now() + dice.randrange(24 * HOUR)
    moments = looks_in(begins, AWAY[away])
    written = letters_across(begins, AWAY[away], dice)
    acknowledged = queue(runtime, written)
    for moment in moments:
        clock.moment = moment
        one_round(runtime)
    clock.moment = max(moments) + max(USEFUL)
    one_round(runtime)
    wanted = {one.key for one in written if any(_may_leave(runtime, one, moment) for moment in moments)}
    found = judge(runtime, truth, acknowledged)
    sent = {key for key, one in found.messages.items() if one.sent}
    dropped = [one.key for one in found.messages.values() if not one.sent and one.state != "expired"]
    figures.note(
        "F9",
        f"the worker is away for {away}, {LETTERS} messages due about then",
        database,
        "each sent once while useful and within hours, or counted as expired",
        {"sent": len(sent), "expired": found.states["expired"], "dropped": len(dropped), "late": _late(runtime)},
    )
    found.must_be_honest()
    assert dropped == []
    assert sent == wanted
    assert _late(runtime) == 0
    assert f'laseli_messages{{state="expired"}} {found.states["expired"]}.0' in metrics.page(runtime).decode()


def _may_leave(runtime: Runtime, one: Letter, moment: int) -> bool:
    in_time = one.not_before <= moment < one.useful_until
    return in_time and (one.hours == "any" or within(runtime.local(moment)))


def _late(runtime: Runtime) -> int:
    """Calls outside the usefulness or the hours of their message."""
    m = message.c
    calls = select(send_attempt.c.at, m.not_before, m.useful_until, m.hours)
    with runtime.database.read() as tx:
        rows = list(tx.execute(calls.join(message, m.id == send_attempt.c.message_id)))
    in_hours = [row.hours == "any" or within(runtime.local(row.at)) for row in rows]
    in_time = [row.not_before <= row.at < row.useful_until for row in rows]
    return in_hours.count(False) + in_time.count(False)


@pytest.mark.parametrize("away", size(["9 days"], ["24 h", "72 h", "9 days"]))
def test_every_step_of_every_recall_is_told_or_counted(
    runtime: Runtime, clock: TestClock, dice: random.Random, figures: Figures, database: str, away: str
) -> None:
    """A family of its own for each child; the planner is away across some of their steps."""
    begins = clock.now()
    for place in range(CHILDREN):
        born = date(2026, 10, 12) + timedelta(dice.randrange(20))
        enrol(runtime, clock, number=number(place + 1), born=f"{born}")
    gone = begins + dice.randrange(10 * 24 * HOUR, 30 * 24 * HOUR)
    for evening in _evenings(clock):
        if not gone <= evening < gone + AWAY[away]:
            clock.moment = evening
            one_round(runtime)
    with runtime.database.read() as tx:
        told = {row.state: row.steps for row in tx.execute(STEPS_BY_STATE)}
        passed_over = counters(tx).get("recall_steps_passed_over", 0)
        anchors = tx.execute(select(appointment.c.anchor_on)).scalars().all()
    contacts = [anchor for anchor in anchors if anchor + timedelta(22) < clock.here.date()]
    figures.note(
        "F9",
        f"the planner is away for {away}, {len(contacts)} contacts with {STEPS} steps each",
        database,
        "each step told once in its time, expired or counted as passed over",
        {"told": told["no_receipt"], "expired": told.get("expired", 0), "passed over": passed_over},
    )
    assert told.keys() <= {"no_receipt", "expired"}, "the carrier took every one, and sends no receipts here"
    assert sum(told.values()) + passed_over == STEPS * len(contacts)
    assert len(contacts) >= CHILDREN
    check_promises(runtime)


def _evenings(clock: TestClock) -> list[int]:
    """Half past five each day: every step of the ladder is useful at one of them."""
    first = clock.here.date()
    return [TestClock(f"{first + timedelta(day)}T17:30", clock.zone).moment for day in range(DAYS)]


STEPS_BY_STATE = (
    select(message.c.state, func.count().label("steps"))
    .join(message_appointment, message_appointment.c.message_id == message.c.id)
    .group_by(message.c.state)
)
