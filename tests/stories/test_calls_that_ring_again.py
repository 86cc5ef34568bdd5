"""A call that nobody took rings once more: not where the family has refused, is in hospital, or has left that phone."""

from __future__ import annotations

import pytest

from service.config import Config
from service.domain.visit_rules import Status
from service.runtime import Runtime
from service.store import people_tables
from service.stories.delivery import dispatcher, receipts
from service.stories.homes import handovers
from service.stories.homes.consents import Words
from tests.call_takers import Taker
from tests.loopback import LoopbackCarrier
from tests.mediators import an_account
from tests.people import Handset, TestClock
from tests.stories.test_recalls import enrol
from tests.stories.test_voice import calls, choose_voice, let_one_ring, with_calls
from tests.visits import visited


@pytest.fixture
def settings(database_url: str, carrier: LoopbackCarrier) -> Config:
    return with_calls(database_url, carrier)


@pytest.mark.parametrize("found", ["refused", "hospital", "wrong_number", "claimed"])
def test_no_second_ring_for_what_was_taken_back(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier, product: str, handset: Handset, found: Status | str
) -> None:
    an_account(runtime)
    one = enrol(runtime, clock)
    choose_voice(handset)
    taker = Taker(product, let_one_ring(runtime, clock, carrier))
    with runtime.database.begin() as tx:
        child = people_tables.find_child(tx, id=one.child_id)
    assert child is not None
    # Before the carrier says that nobody took it.
    if found == "claimed":
        with runtime.database.begin() as tx:
            yes = Words("test", "fr", "ussd")
            assert handovers.claim(tx, runtime, "+22370000077", int(child.code), 10, yes, clock.now()) == "ok"
    else:
        visited(runtime, child, found)  # type: ignore[arg-type]
    taker.end("NO_ANSWER", 0)
    receipts.settle(runtime)
    clock.advance(minutes=46)
    dispatcher.send_due(runtime)
    assert len(calls(carrier)) == 1
