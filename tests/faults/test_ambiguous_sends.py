"""F5: the carrier takes every message and resets the connection instead of answering. Only receipts tell more."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from scheduler.timetable import one_round
from service.config import Config
from service.runtime import Runtime
from service.stories.delivery import dispatcher
from tests.conftest import HOOK_SECRET
from tests.faults.figures import Figures
from tests.faults.judge import judge
from tests.faults.letters import in_state, let_hours_pass, letters, queue
from tests.faults.sizes import size
from tests.faults.supervisor import Supervisor
from tests.loopback import LoopbackCarrier
from tests.receipt_post import Receipts

MESSAGES = size(60, 500)

pytestmark = pytest.mark.slow


@pytest.fixture(params=["africastalking", "twilio"])
def route(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def settings(settings: Config, route: str) -> Config:
    return settings.model_copy(update={"routes": (route,)})


@pytest.mark.parametrize("coverage", size([0.8], [1.0, 0.8]))
def test_accepted_and_then_reset(
    runtime: Runtime,
    supervisor: Supervisor,
    carrier: LoopbackCarrier,
    dice: random.Random,
    truth: Path,
    figures: Figures,
    database: str,
    route: str,
    coverage: float,
) -> None:
    web = supervisor.web()
    path = f"/hooks/africastalking/receipt/{HOOK_SECRET}"
    # The connection is cut and noted before the first receipt comes, or after it: both must end well.
    carrier.receipts = Receipts(web.address, path, coverage=coverage, delay=(0.0, 0.5), insist_seconds=60)
    carrier.faults, carrier.think = {"drop": 1.0}, 0.0
    acknowledged = queue(runtime, letters(MESSAGES, runtime.now()))
    assert dispatcher.send_due(runtime) == MESSAGES
    assert carrier.flush(60)
    one_round(runtime)
    after_one_round = in_state(runtime, "unknown")
    let_hours_pass(runtime, 7)
    assert carrier.flush(60)
    one_round(runtime)
    found = judge(runtime, truth, acknowledged)
    doubled = found.doubled("must-arrive")
    figures.note(
        "F5",
        f"{MESSAGES} messages by {route}, every answer lost, receipts for {coverage:.0%}",
        database,
        "once doubled 0; must-arrive doubled only where no receipt came; the rest settled one round after its receipt",
        {"unknown a round after the receipts": after_one_round, "no receipt": len(carrier.without_receipt)}
        | found.figures,
    )
    found.must_be_honest()
    silent = {key for key, one in found.messages.items() if one.accepted[0] in carrier.without_receipt}
    assert after_one_round == len(silent)
    assert {one.key for one in doubled} == {key for key in silent if found.messages[key].klass == "must-arrive"}
    assert all(len(one.accepted) == 2 for one in doubled), "never a third time"
    assert found.in_state("once", "unknown") == {key for key in silent if found.messages[key].klass == "once"}
