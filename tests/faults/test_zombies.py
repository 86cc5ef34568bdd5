"""F7: a worker that is stopped (SIGSTOP) until its lease is over, and goes on when another has sent what it held."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest
from sqlalchemy import select

from service.config import Config
from service.runtime import Runtime
from service.store.message_tables import send_attempt
from service.stories.delivery import dispatcher
from tests.faults.figures import Figures
from tests.faults.judge import judge
from tests.faults.letters import let_hours_pass, let_leases_end, letters, queue
from tests.faults.sizes import size
from tests.faults.supervisor import Child, Supervisor
from tests.loopback import LoopbackCarrier
from tests.loopback_http import Seen

STOPS = size(3, 10)
AT_ONCE = 4

pytestmark = pytest.mark.slow


@pytest.fixture
def settings(settings: Config) -> Config:
    """The carrier may take its time: no call ends of itself while its caller is stopped."""
    return settings.model_copy(update={"send_timeout": 10.0, "sender_threads": AT_ONCE})


def test_a_worker_that_slept_past_its_lease_cannot_write(
    runtime: Runtime,
    supervisor: Supervisor,
    carrier: LoopbackCarrier,
    dice: random.Random,
    truth: Path,
    figures: Figures,
    database: str,
) -> None:
    """Its calls in the air were accepted. Meanwhile the must-arrive ones were sent once more, with a new fence."""
    worker = supervisor.worker()
    carrier.think = 0.5
    acknowledged: set[str] = set()
    for turn in range(STOPS):
        acknowledged |= queue(runtime, letters(AT_ONCE, runtime.now(), first=1 + turn * AT_ONCE))
        _stopped_in_the_middle(runtime, supervisor, worker, carrier, dice)
        let_leases_end(runtime)
        let_hours_pass(runtime, 6, rounds=1)
        assert dispatcher.send_due(runtime) == AT_ONCE // 2
        supervisor.go_on(worker)
        supervisor.wait_for(lambda: not _calling(runtime), worker)
    supervisor.kill(worker)
    found = judge(runtime, truth, acknowledged)
    again = [one for one in found.of("must-arrive") if one.resends]
    overwritten = [one.key for one in again if one.carrier_id != one.accepted[-1]]
    figures.note(
        "F7",
        f"{STOPS} stops past the lease, {AT_ONCE} calls in the air at each",
        database,
        "once doubled 0; what the sleeper writes about messages that were sent anew is refused",
        {"sent anew meanwhile": len(again), "overwritten by the sleeper": len(overwritten)} | found.figures,
    )
    found.must_be_honest()
    assert overwritten == []
    assert len(again) == STOPS * AT_ONCE // 2
    assert all(len(one.accepted) == 2 for one in again)
    # Nobody else touched the others: the sleeper's word about them is welcome, however late.
    assert all(one.state == "accepted" and one.carrier_id == one.accepted[0] for one in found.of("once"))
    assert supervisor.complaints() == []


def _stopped_in_the_middle(
    runtime: Runtime, supervisor: Supervisor, worker: Child, carrier: LoopbackCarrier, dice: random.Random
) -> None:
    """Stop it while the carrier thinks over its calls, and let the carrier accept them."""
    before, wanted = len(posted(carrier)), len(carrier.accepted) + AT_ONCE
    supervisor.wait_for(lambda: _calling(runtime) == AT_ONCE, worker)
    time.sleep(dice.uniform(0.1, 0.3))
    supervisor.stop(worker)
    supervisor.wait_for(lambda: len(carrier.accepted) == wanted)
    assert len(posted(carrier)) - before == AT_ONCE


def posted(carrier: LoopbackCarrier) -> list[Seen]:
    """Its sends; a worker that starts also asks what people wrote meanwhile."""
    return [one for one in carrier.requests if one.method == "POST"]


def _calling(runtime: Runtime) -> int:
    """Tries whose end nobody has noted."""
    with runtime.database.read() as tx:
        return len(tx.execute(select(send_attempt.c.id).where(send_attempt.c.outcome == "calling")).all())
