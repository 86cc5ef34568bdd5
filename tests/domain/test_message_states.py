"""The life of a message, and what receipts in any order make of it."""

from itertools import pairwise, permutations, product
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.domain.message_states import (
    FINAL,
    HOUR_MS,
    MAX_TRIES,
    MINUTE_MS,
    OPEN,
    TAKES_OUTCOME,
    Accepted,
    Ambiguous,
    Change,
    NotSent,
    Refused,
    State,
    after_receipt,
    after_send,
    after_waiting,
)

NOW = 1_800_000_000_000
RECEIPTS = ("accepted", "delivered", "undelivered")
CLASSES = ("once", "must-arrive")
STATES = get_args(State)


def sent(outcome, attempts=1, useful_until=None, klass="once", resends=0):
    return after_send(klass, attempts, outcome, NOW, useful_until, resends)


def test_the_states_are_open_or_final():
    assert set(STATES) == OPEN | FINAL
    assert not OPEN & FINAL


@pytest.mark.parametrize("klass", CLASSES)
def test_what_a_carrier_may_answer(klass):
    assert sent(Accepted("AT_1", 1, "XOF 12", "Sent"), klass=klass) == Change("accepted", None, "Sent")
    assert sent(Ambiguous("read time-out"), klass=klass) == Change("unknown", None, "read time-out")
    assert sent(Refused("invalid number", "person"), klass=klass) == Change("failed", None, "invalid number")
    assert sent(Refused("text refused", "message"), klass=klass).state == "failed"
    assert sent(Refused("STOP", "person", opt_out=True), klass=klass).state == "failed"


def test_what_was_certainly_not_sent_is_tried_again_later_and_later():
    waits = [sent(NotSent("503"), attempts=n).not_before - NOW for n in range(1, MAX_TRIES)]
    assert waits == [minutes * MINUTE_MS for minutes in (1, 5, 15, 60, 60, 60, 60)]
    assert sent(NotSent("503"), attempts=8) == Change("failed", None, "gave up after 8 tries: 503")


def test_a_carrier_that_says_when_is_listened_to_but_never_before_our_own_pace():
    assert sent(NotSent("429", retry_after_s=600)).not_before == NOW + 600_000
    assert sent(NotSent("429", retry_after_s=1)).not_before == NOW + MINUTE_MS


def test_no_try_begins_when_the_message_is_no_longer_useful():
    assert sent(NotSent("x"), useful_until=NOW + MINUTE_MS).state == "expired"
    assert sent(NotSent("x"), useful_until=NOW + MINUTE_MS + 1).state == "queued"
    assert sent(NotSent("429", retry_after_s=7200), useful_until=NOW + HOUR_MS).state == "expired"


@pytest.mark.parametrize("scope", ["sender", "account"])
def test_our_own_fault_pauses_the_channel_and_not_the_person(scope):
    change = sent(Refused("no credit", scope))
    assert (change.state, change.not_before, change.pause_channel) == ("queued", NOW + MINUTE_MS, True)
    assert sent(Refused("no credit", scope), attempts=8).pause_channel
    assert not sent(Refused("no credit", "person")).pause_channel
    assert not sent(NotSent("x")).pause_channel


def test_a_message_that_may_have_arrived_once_does_not_end_as_never_sent():
    assert sent(NotSent("x"), resends=1, useful_until=NOW + 1).state == "unresolved"
    assert sent(NotSent("x"), resends=1, attempts=8).state == "unresolved"


def waited(klass, state, waited_ms, resends=0, useful_until=None, alert=False):
    return after_waiting(klass, state, NOW - waited_ms, NOW, resends, useful_until, alert)


def test_must_arrive_is_sent_once_more_after_six_hours_never_a_third_time():
    assert waited("must-arrive", "unknown", 6 * HOUR_MS - 1) is None
    change = waited("must-arrive", "unknown", 6 * HOUR_MS)
    assert (change.state, change.not_before, change.resend) == ("queued", NOW, True)
    assert waited("must-arrive", "unknown", 6 * HOUR_MS, resends=1) is None
    assert waited("must-arrive", "unknown", 72 * HOUR_MS, resends=1).state == "unresolved"


def test_a_staff_alert_waits_five_minutes_only():
    assert waited("must-arrive", "unknown", 5 * MINUTE_MS - 1, alert=True) is None
    assert waited("must-arrive", "unknown", 5 * MINUTE_MS, alert=True).resend
    assert waited("must-arrive", "unknown", 5 * MINUTE_MS, resends=1, alert=True) is None


def test_what_is_no_longer_useful_is_not_sent_again_but_waits_for_its_receipt():
    assert waited("must-arrive", "unknown", 7 * HOUR_MS, useful_until=NOW) is None
    assert waited("must-arrive", "unknown", 72 * HOUR_MS, useful_until=NOW).state == "unresolved"


def test_once_is_never_sent_again_by_a_machine():
    assert waited("once", "unknown", 72 * HOUR_MS - 1) is None
    assert waited("once", "unknown", 72 * HOUR_MS).state == "unresolved"


@pytest.mark.parametrize("klass", CLASSES)
def test_accepted_without_a_receipt_says_so_after_three_days(klass):
    assert waited(klass, "accepted", 72 * HOUR_MS - 1) is None
    assert waited(klass, "accepted", 72 * HOUR_MS) == Change("no_receipt", None, "no receipt within 72 hours")


def test_a_message_in_the_queue_ends_with_its_use():
    assert waited("once", "queued", HOUR_MS, useful_until=NOW).state == "expired"
    assert waited("must-arrive", "queued", HOUR_MS, resends=1, useful_until=NOW).state == "unresolved"
    assert waited("once", "queued", 1000 * HOUR_MS, useful_until=NOW + 1) is None


@pytest.mark.parametrize("state", sorted(FINAL | {"sending"}))
@pytest.mark.parametrize("klass", CLASSES)
def test_time_changes_nothing_else(klass, state):
    assert waited(klass, state, 1000 * HOUR_MS, useful_until=NOW - 1) is None


@settings(max_examples=300)
@given(
    st.sampled_from(CLASSES),
    st.lists(st.sampled_from(["lost", "not sent", "refused"]), max_size=30),
    st.integers(1, 200),
    st.booleans(),
)
def test_however_bad_the_line_the_tries_and_resends_are_bounded(klass, answers, useful_hours, alert):
    now, resends, tries, lost = NOW, 0, 0, 0
    state, useful_until = "queued", NOW + useful_hours * HOUR_MS
    for answer in [*answers, *["lost"] * 12]:
        if state != "queued":
            break
        assert now < useful_until, "no call starts after the useful time"
        tries += 1
        outcome = {"lost": Ambiguous("?"), "not sent": NotSent("503"), "refused": Refused("no", "person")}[answer]
        change = after_send(klass, tries, outcome, now, useful_until, resends)
        lost += answer == "lost"
        state, since = change.state, now
        while state == "unknown":
            now += 5 * MINUTE_MS
            change = after_waiting(klass, state, since, now, resends, useful_until, alert) or change
            state, resends = change.state, resends + change.resend
        if state == "queued":
            now = max(now, change.not_before)
    assert state in FINAL
    assert lost <= (1 if klass == "once" else 2), "at most once; must-arrive at most twice"
    assert tries <= MAX_TRIES + 1


# --- receipts in any order -------------------------------------------------------------------------------------
#
# Statement proved, for every state S a message may be in and every list of up to five receipts, by going through all
# of them: applying the receipts in any order, with repeats, ends in the same state, namely
#   from an open S:   delivered if any receipt says so, else undelivered if any says so, else accepted if any, else S;
#   from a final S:   delivered if any receipt says so and S is undelivered, no_receipt, unresolved or failed; else S.
# The outcome of our own call may fall anywhere among them, and changes the end only when no receipt came at all.
# A final state is left for "delivered" only, and "delivered" is never left.


def through(state, events):
    """The states passed through; an outcome is written only while nobody was quicker, as the database does."""
    passed = [state]
    for event in events:
        if event in RECEIPTS:
            state = after_receipt(state, event) or state
        elif state in TAKES_OUTCOME:
            state = after_send("once", 1, event, NOW, None).state
        passed.append(state)
    return passed


def promised_end(state, receipts):
    if state in OPEN:
        return next((one for one in ("delivered", "undelivered", "accepted") if one in receipts), state)
    overridden = state in {"undelivered", "no_receipt", "unresolved", "failed"}
    return "delivered" if "delivered" in receipts and overridden else state


@pytest.mark.parametrize("state", STATES)
def test_all_orders_of_up_to_five_receipts_end_alike(state):
    for length in range(6):
        for receipts in product(RECEIPTS, repeat=length):
            passed = through(state, receipts)
            assert passed[-1] == promised_end(state, receipts)
            for before, after in pairwise(passed):
                assert before not in FINAL or after == before or (after == "delivered" != before)


@settings(max_examples=400)
@given(
    st.lists(st.sampled_from(RECEIPTS), min_size=1, max_size=4),
    st.sampled_from([Accepted("id"), Ambiguous("cut")]),
)
def test_a_receipt_may_come_before_our_own_call_returns(receipts, outcome):
    ends = {through("sending", order)[-1] for order in permutations([*receipts, outcome])}
    assert ends == {promised_end("sending", receipts)}


def test_without_any_receipt_our_own_call_decides():
    assert through("sending", [Accepted("id")])[-1] == "accepted"
    assert through("sending", [Ambiguous("cut")])[-1] == "unknown"


@settings(max_examples=400)
@given(st.sampled_from(STATES), st.lists(st.sampled_from([*RECEIPTS, "reap", "wait"]), max_size=12))
def test_no_state_ever_goes_back_from_a_final_one(state, events):
    for event in events:
        before = state
        if event in RECEIPTS:
            state = after_receipt(state, event) or state
        elif event == "reap":
            state = "unknown" if state == "sending" else state
        else:
            change = waited("must-arrive", state, 72 * HOUR_MS)
            state = change.state if change else state
        assert before not in FINAL or state in {before, "delivered"}
        assert before != "delivered" or state == "delivered"
