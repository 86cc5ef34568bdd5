"""F6: whatever carriers tell, in whatever order and however often, a message ends where it must.

FAULTS=long python3 dev test tests/domain/test_receipt_orders.py      ten thousand cases of each
"""

from __future__ import annotations

import os
from itertools import permutations
from typing import get_args

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from service.domain.message_states import (
    FINAL,
    OPEN,
    RECEIPT_PATIENCE_MS,
    TAKES_OUTCOME,
    Accepted,
    Ambiguous,
    Outcome,
    State,
    after_receipt,
    after_send,
    after_waiting,
)

CASES = 10_000 if os.environ.get("FAULTS") == "long" else 500
NOW = 1_800_000_000_000
DAY = 86_400_000
RECEIPTS = ("accepted", "delivered", "undelivered")
OUTCOMES = (Accepted("id"), Ambiguous("cut"))
STRONGEST_FIRST = ("delivered", "undelivered", "accepted")


def heard(state: State, event: object) -> State:
    """The state after a receipt, after our own call's answer, or after its lease ran out."""
    if isinstance(event, str) and event in RECEIPTS:
        return after_receipt(state, event) or state  # type: ignore[arg-type]
    if event == "reaped":
        return "unknown" if state == "sending" else state
    assert isinstance(event, (Accepted, Ambiguous))
    return after_send("once", 1, event, NOW, None).state if state in TAKES_OUTCOME else state


@settings(max_examples=CASES, deadline=None)
@given(
    st.sampled_from(get_args(State)),
    st.lists(st.sampled_from(RECEIPTS), max_size=5),
    st.sampled_from([*OUTCOMES, None]),
    st.booleans(),
)
def test_every_order_of_up_to_five_events_ends_alike(
    start: State, receipts: list[str], outcome: Outcome | None, reaped: bool
) -> None:
    events: list[object] = [*receipts, *([outcome] if outcome else []), *(["reaped"] if reaped else [])]
    events = events[-5:]
    ends = set()
    for order in permutations(events):
        state = start
        for event in order:
            before, state = state, heard(state, event)
            assert before not in FINAL or state in {before, "delivered"}
        ends.add(state)
    told = [one for one in STRONGEST_FIRST if one in events]
    assert len(ends) == 1, (start, events, ends)
    if start in OPEN and told:
        assert ends == {told[0]}, "the strongest receipt decides; without any, our own call does"


@settings(max_examples=CASES, deadline=None)
@given(st.sampled_from(get_args(State)), st.lists(st.sampled_from(RECEIPTS), min_size=1, max_size=5))
def test_said_again_it_changes_nothing(start: State, receipts: list[str]) -> None:
    """Why no receipt needs a key: when all were heard, none of them moves the message another time."""
    state = start
    for receipt in receipts:
        state = heard(state, receipt)
    assert {after_receipt(state, receipt) for receipt in receipts} == {None}  # type: ignore[arg-type]


class OneMessage(RuleBasedStateMachine):
    """A message among its carrier's receipts, our own calls, leases that run out, and the days that pass."""

    @initialize(klass=st.sampled_from(["once", "must-arrive"]))
    def begin(self, klass: str) -> None:
        self.klass, self.state = klass, "queued"
        self.now, self.since, self.resends, self.calls = NOW, NOW, 0, 0
        self.told: set[str] = set()
        self.ended: list[str] = []

    def _go(self, state: str) -> None:
        if state != self.state:
            if self.state in FINAL:
                self.ended.append(self.state)
            self.state, self.since = state, self.now

    @rule(receipt=st.sampled_from(RECEIPTS))
    def a_receipt_comes(self, receipt: str) -> None:
        self.told.add(receipt)
        self._go(heard(self.state, receipt))  # type: ignore[arg-type]

    @precondition(lambda self: self.state == "queued")
    @rule()
    def it_is_claimed(self) -> None:
        self.calls += 1
        self._go("sending")

    @rule(event=st.sampled_from([*OUTCOMES, "reaped"]))
    def our_call_ends(self, event: object) -> None:
        if self.calls:  # late words of an earlier call are refused by their fence
            self._go(heard(self.state, event))  # type: ignore[arg-type]

    @rule(hours=st.sampled_from([1, 6, 80]))
    def time_passes(self, hours: int) -> None:
        self.now += hours * 3_600_000
        change = after_waiting(
            self.klass,  # type: ignore[arg-type]
            self.state,  # type: ignore[arg-type]
            self.since,
            self.now,
            self.resends,
            NOW + 30 * DAY,
        )
        if change is not None:
            self.resends += change.resend
            self._go(change.state)

    @invariant()
    def no_end_is_taken_back(self) -> None:
        if hasattr(self, "ended"):
            assert not self.ended or self.state == "delivered"
            assert "delivered" not in self.ended

    @invariant()
    def the_receipts_are_believed(self) -> None:
        if not hasattr(self, "told"):
            return
        if "delivered" in self.told:
            assert self.state == "delivered"
        elif "undelivered" in self.told:
            assert self.state in {"undelivered", "no_receipt", "unresolved"}
        assert self.state != "delivered" or "delivered" in self.told

    @invariant()
    def it_is_called_for_once_or_twice_and_never_a_third_time(self) -> None:
        assert getattr(self, "calls", 0) <= (2 if getattr(self, "klass", "") == "must-arrive" else 1)
        assert RECEIPT_PATIENCE_MS == 3 * DAY


TestOneMessage = OneMessage.TestCase
TestOneMessage.settings = settings(max_examples=CASES // 5, stateful_step_count=30, deadline=None)
