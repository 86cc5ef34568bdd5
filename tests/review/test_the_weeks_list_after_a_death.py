"""The Monday list waits at the carrier's door while a death is noted."""

from __future__ import annotations

from service.runtime import Runtime
from service.store import people_tables
from service.stories import dispatcher, weekly_list
from tests.loopback import LoopbackCarrier
from tests.mediators import an_account
from tests.people import TestClock
from tests.stories.test_home_visits import visited
from tests.stories.test_recalls import enrol
from tests.stories.test_weekly_list import heard, until

OUMOU = "+22366000008"


def test_another_mediators_list_does_not_send_her_to_a_child_that_died(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier
) -> None:
    one = enrol(runtime, clock)
    an_account(runtime)
    an_account(runtime, OUMOU)
    until(runtime, clock, "2026-12-14T07:31")
    assert weekly_list.queue_weekly_lists(runtime) == 2
    with runtime.database.begin() as tx:
        child = people_tables.find_child(tx, id=one.child_id)
    assert child is not None
    visited(runtime, child, "dead")
    dispatcher.send_due(runtime)
    assert not [text for text in heard(carrier, OUMOU) if one.code in text]
