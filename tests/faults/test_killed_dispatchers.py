"""F2, F3, F4: SIGKILL while they send. Nothing is lost, class "once" is never doubled, unknown is what is unknown."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from scheduler.timetable import one_round
from service.runtime import Runtime
from tests.conftest import HOOK_SECRET
from tests.faults.figures import Figures
from tests.faults.judge import Judgement, judge
from tests.faults.letters import due, let_hours_pass, let_leases_end, letters, queue
from tests.faults.sizes import size
from tests.faults.supervisor import Child, Supervisor
from tests.loopback import LoopbackCarrier
from tests.people import everybody_wants_news
from tests.receipt_post import Receipts

MESSAGES = size(360, 3000)
KILLS = size(5, 24)
IN_CAMPAIGN, CAMPAIGN_KILLS = size((2000, 2), (20_000, 10))
THREADS = 4
MOST_SECONDS = size(120, 600)
# In the order of docs/reliability.md: an error, too many, no JSON, too slow, closed unread, taken and cut.
NINE_PERCENT = {"500": 0.02, "429": 0.02, "garbage": 0.01, "slow": 0.01, "close": 0.01, "drop": 0.02}

pytestmark = pytest.mark.slow


def send_under_fire(
    runtime: Runtime, supervisor: Supervisor, carrier: LoopbackCarrier, dice: random.Random, most: int = KILLS
) -> int:
    """Two workers; one of them is killed at a random moment and replaced, until nothing is due; gives the kills."""
    deadline = time.monotonic() + MOST_SECONDS
    workers = [supervisor.worker(), supervisor.worker()]
    kills = 0
    while due(runtime) and kills < most:
        _until_it_sends(carrier, workers, deadline)
        time.sleep(dice.uniform(0.0, 0.3))
        victim = dice.choice(workers)
        supervisor.kill(victim)
        kills += 1
        workers[workers.index(victim)] = supervisor.worker()
    supervisor.wait_for(lambda: not due(runtime), seconds=MOST_SECONDS)
    for worker in workers:
        supervisor.kill(worker)
    supervisor.wait_for(lambda: not carrier.busy)  # what it took from the dead it sends on
    return kills + len(workers)


def _until_it_sends(carrier: LoopbackCarrier, workers: list[Child], deadline: float) -> None:
    before = len(carrier.accepted)
    while len(carrier.accepted) == before:
        assert time.monotonic() < deadline, f"nothing is sent: {workers[0].log.read_text()[-2000:]}"
        time.sleep(0.01)


def test_killed_at_random_with_a_good_carrier(
    runtime: Runtime,
    supervisor: Supervisor,
    carrier: LoopbackCarrier,
    dice: random.Random,
    truth: Path,
    figures: Figures,
    database: str,
) -> None:
    acknowledged = queue(runtime, letters(MESSAGES, runtime.now()))
    kills = send_under_fire(runtime, supervisor, carrier, dice)
    let_leases_end(runtime)
    found = judge(runtime, truth, acknowledged)
    unknown = found.states["unknown"]
    let_hours_pass(runtime, 7)
    ended = judge(runtime, truth, acknowledged)
    figures.note(
        "F2",
        f"{kills} kills in {MESSAGES} messages",
        database,
        "lost 0; once doubled 0; must-arrive doubled ≤ kills × 4",
        {"kills": kills, "unknown after the kills": unknown} | ended.figures,
    )
    found.must_be_honest()
    ended.must_be_honest()
    assert len(acknowledged) == MESSAGES
    assert kills >= KILLS
    assert unknown <= kills * THREADS
    assert sum(len(one.accepted) - 1 for one in ended.doubled("must-arrive")) <= kills * THREADS
    assert all(one.sent for one in ended.of("must-arrive"))
    assert supervisor.complaints() == []


def test_killed_while_one_call_carries_a_hundred(
    runtime: Runtime,
    supervisor: Supervisor,
    carrier: LoopbackCarrier,
    dice: random.Random,
    truth: Path,
    figures: Figures,
    database: str,
) -> None:
    """A campaign says the same to all. More hang on each call, and the promise is the same."""
    carrier.think = 0.4
    written = [
        letter._replace(text="Vaccination a Darsalam le 12/12", purpose="campaign", klass="once")
        for letter in letters(IN_CAMPAIGN, runtime.now())
    ]
    acknowledged = queue(runtime, written)
    everybody_wants_news(runtime)
    kills = send_under_fire(runtime, supervisor, carrier, dice, CAMPAIGN_KILLS)
    let_leases_end(runtime)
    found = judge(runtime, truth, acknowledged)
    figures.note(
        "F2",
        f"{kills} kills in a campaign to {IN_CAMPAIGN}, a hundred in one call",
        database,
        "lost 0; doubled 0; unknown ≤ kills × 4 × 100",
        {"kills": kills, "calls": len(carrier.requests)} | found.figures,
    )
    found.must_be_honest()
    assert found.states.keys() <= {"accepted", "unknown"}
    assert found.states["unknown"] <= kills * THREADS * 100
    assert len(carrier.requests) < IN_CAMPAIGN / 10
    assert supervisor.complaints() == []


def test_killed_at_random_with_a_bad_carrier(
    runtime: Runtime,
    supervisor: Supervisor,
    carrier: LoopbackCarrier,
    dice: random.Random,
    truth: Path,
    figures: Figures,
    database: str,
) -> None:
    acknowledged = queue(runtime, letters(MESSAGES, runtime.now()))
    carrier.faults = NINE_PERCENT
    kills = send_under_fire(runtime, supervisor, carrier, dice)
    let_leases_end(runtime)
    let_hours_pass(runtime, 5)  # the refused ones are tried again
    found = judge(runtime, truth, acknowledged)
    ambiguous = sum(carrier.served.values()) - carrier.served["429"]
    let_hours_pass(runtime, 6)
    ended = judge(runtime, truth, acknowledged)
    figures.note(
        "F3",
        f"{kills} kills in {MESSAGES} messages, 9 % carrier faults, no receipts",
        database,
        "lost 0; once doubled 0; must-arrive doubled ≤ kills × 4 + ambiguous answers",
        {"kills": kills, "faults": sum(carrier.served.values()), "ambiguous": ambiguous} | ended.figures,
    )
    found.must_be_honest()
    ended.must_be_honest()
    assert kills >= KILLS
    assert found.states.keys() <= {"accepted", "unknown"}
    assert found.states["unknown"] <= kills * THREADS + ambiguous
    assert sum(len(one.accepted) - 1 for one in ended.doubled("must-arrive")) <= kills * THREADS + ambiguous
    assert supervisor.complaints() == []


@pytest.mark.parametrize("coverage", [1.0, 0.95], ids=["all receipts", "95 % of receipts"])
def test_killed_at_random_with_a_bad_carrier_that_sends_receipts(
    runtime: Runtime,
    supervisor: Supervisor,
    carrier: LoopbackCarrier,
    dice: random.Random,
    truth: Path,
    figures: Figures,
    database: str,
    coverage: float,
) -> None:
    web = supervisor.web()
    path = f"/hooks/africastalking/receipt/{HOOK_SECRET}"
    carrier.receipts = Receipts(web.address, path, coverage=coverage, repeat=0.1, delay=(0.0, 2.5), insist_seconds=60)
    carrier.faults = NINE_PERCENT
    acknowledged = queue(runtime, letters(MESSAGES, runtime.now()))
    kills = send_under_fire(runtime, supervisor, carrier, dice)
    let_leases_end(runtime)
    for hours in (5, 6):  # the refused ones are tried again; then the unknown must-arrive ones
        assert carrier.flush(60)
        one_round(runtime)
        let_hours_pass(runtime, hours)
    assert carrier.flush(60)
    one_round(runtime)
    let_hours_pass(runtime, 80, rounds=8)
    ended = judge(runtime, truth, acknowledged)
    doubled = ended.doubled("must-arrive")
    share = 100 * sum(len(one.accepted) - 1 for one in doubled) / len(ended.of("must-arrive"))
    figures.note(
        "F4",
        f"{kills} kills in {MESSAGES} messages, 9 % carrier faults, receipts for {coverage:.0%}",
        database,
        _promised(coverage),
        {"kills": kills, "must-arrive doubled %": share} | ended.figures,
    )
    ended.must_be_honest()
    assert kills >= KILLS
    # Nothing but a receipt that never came explains a second one.
    assert {one.accepted[0] for one in doubled} <= carrier.without_receipt
    if coverage == 1.0:
        _nothing_is_unknown(ended)
    assert supervisor.complaints() == []


def _promised(coverage: float) -> str:
    if coverage < 1:
        return "lost 0; once doubled 0; must-arrive doubled about 0.3 %, and only where the receipt never came"
    return (
        "lost 0; doubled 0; unresolved = exactly what never reached the carrier; of must-arrive only what failed twice"
    )


def _nothing_is_unknown(ended: Judgement) -> None:
    assert ended.doubled("must-arrive") == []
    assert all(one.state == "delivered" for one in ended.messages.values() if one.sent)
    for key in ended.in_state("must-arrive", "unresolved"):
        assert ended.messages[key].resends == 1, "sent once more, and never a third time"
    never = {one.key for one in ended.of("once") if not one.sent}
    assert ended.in_state("once", "unresolved") == never
