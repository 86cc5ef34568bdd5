"""F29: people say STOP while a message to thousands is being sent: nothing to them is claimed after that is on disk."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.engine import Connection

from service.runtime import Runtime
from service.store.message_tables import message, send_attempt
from service.store.phone_tables import phone
from service.stories.delivery.outbox import Letter
from service.stories.talk import opt_outs
from tests.faults.figures import Figures
from tests.faults.judge import judge
from tests.faults.letters import due, in_state, letters, queue
from tests.faults.sizes import size
from tests.faults.supervisor import Supervisor
from tests.loopback import LoopbackCarrier
from tests.people import everybody_wants_news

ROWS = size(1200, 10_000)
STOPS = size(60, 200)
LAST_STOP = ROWS * 9 // 10  # when so many are sent: those who said STOP never will be
MOST_SECONDS = size(120, 600)

pytestmark = pytest.mark.slow


def one_by_one(letter: Letter) -> Letter:
    return letter


def in_calls_of_many(letter: Letter) -> Letter:
    return letter._replace(text="Vaccination a Darsalam le 12/12", purpose="campaign", klass="once")


@pytest.mark.parametrize(("way", "think"), [(one_by_one, 0.01), (in_calls_of_many, 0.5)])
def test_nothing_is_claimed_after_a_stop(
    runtime: Runtime,
    supervisor: Supervisor,
    carrier: LoopbackCarrier,
    dice: random.Random,
    truth: Path,
    figures: Figures,
    database: str,
    way: Callable[[Letter], Letter],
    think: float,
) -> None:
    carrier.think = think
    acknowledged = queue(runtime, [way(letter) for letter in letters(ROWS, runtime.now())])
    everybody_wants_news(runtime)
    for _ in range(2):
        supervisor.worker()
    claimed = {}
    for turn in range(STOPS):
        _until_so_many_are_sent(carrier, dice.uniform(turn, turn + 1) / STOPS * LAST_STOP)
        number = _somebody(runtime, dice)
        claimed[number] = _stop(runtime, number)
    supervisor.wait_for(lambda: not due(runtime) and not in_state(runtime, "sending"), seconds=120)
    found = judge(runtime, truth, acknowledged)
    with runtime.database.read() as tx:
        after = {number: _tries(tx, number) - before for number, before in claimed.items()}
    spared = sum(not before for before in claimed.values())
    figures.note(
        "F29",
        f"{len(claimed)} STOPs in a message to {ROWS}, {way.__name__.replace('_', ' ')}",
        database,
        "claimed after the STOP is on disk 0",
        {
            "claimed after the STOP": sum(after.values()),
            "claimed before it": len(claimed) - spared,
            "spared": spared,
            "suppressed": found.states["suppressed"],
        },
    )
    found.must_be_honest()
    assert sum(after.values()) == 0
    assert found.states["suppressed"] == spared > 0
    assert supervisor.complaints() == []


def _until_so_many_are_sent(carrier: LoopbackCarrier, wanted: float) -> None:
    deadline = time.monotonic() + MOST_SECONDS
    while len(carrier.accepted) < wanted:
        assert time.monotonic() < deadline, "nothing more is sent"
        time.sleep(0.002)


def _somebody(runtime: Runtime, dice: random.Random) -> str:
    """One of those whose turn comes next, or anybody."""
    m = message.c
    waiting = select(phone.c.number).join(message, m.phone_id == phone.c.id).where(m.state == "queued")
    with runtime.database.read() as tx:
        next_ones = tx.execute(waiting.order_by(m.priority.desc(), m.not_before).limit(30)).scalars().all()
        anybody = tx.execute(select(phone.c.number).limit(100).offset(dice.randrange(ROWS))).scalars().all()
    return dice.choice(next_ones if next_ones and dice.random() < 0.7 else anybody)


def _stop(runtime: Runtime, number: str) -> int:
    """How often a message to it had been claimed at the moment when its STOP was committed.

    Counted in the transaction of the STOP itself, which holds what waits for this phone: nobody can claim it meanwhile.
    """
    with runtime.database.begin() as tx:
        opt_outs.stop(tx, runtime, number, "sms", runtime.now())
        return _tries(tx, number)


def _tries(tx: Connection, number: str) -> int:
    tries = (
        select(func.count(send_attempt.c.id))
        .join(message, message.c.id == send_attempt.c.message_id)
        .where(message.c.number_idx == tx.dialect.vault.index(number))  # type: ignore[attr-defined]
    )
    return int(tx.execute(tries).scalar_one())
