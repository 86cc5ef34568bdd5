"""Receipts: on disk before they are thanked for, applied in pages, counted only when they change something."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import func, select, text, update

from service.channels.base import Receipt
from service.config import Config
from service.runtime import Runtime, build_runtime
from service.store.message_tables import message
from service.store.phone_tables import opt_out, phone
from service.store.receipt_tables import unmatched_receipt
from service.store.system_tables import counters
from service.stories.delivery import dead_numbers, dispatcher, receipts, route_book
from service.stories.delivery.dead_numbers import End
from service.stories.delivery.route_book import Sample
from service.stories.keeping.retention import forget
from service.stories.talk import opt_outs
from tests.loopback import LoopbackCarrier
from tests.people import TestClock
from tests.stories.test_dispatch import HOUR, MOTHER, queue, receipt, row, told
from tests.stories.test_many_workers import all_at_once

OTHER = "+22360000002"


def waiting(runtime: Runtime) -> list[Any]:
    with runtime.database.read() as tx:
        return list(tx.execute(select(unmatched_receipt)))


def counted(runtime: Runtime, name: str) -> int:
    with runtime.database.read() as tx:
        return counters(tx).get(name, 0)


def sent(runtime: Runtime, clock: TestClock, key: str = "k1", **changes: Any) -> str:
    """A message that its carrier has accepted; gives the carrier's id."""
    queue(runtime, clock, key=key, **changes)
    dispatcher.send_due(runtime)
    carrier_id: str = row(runtime, key).carrier_id
    return carrier_id


# --- in -----------------------------------------------------------------------------------------------------


def test_when_it_is_thanked_for_it_is_on_disk_and_nothing_else_happened(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier
) -> None:
    carrier_id = sent(runtime, clock)
    receipts.take(runtime, receipt(carrier_id, "delivered"))
    assert [one.carrier_id for one in waiting(runtime)] == [carrier_id]
    assert row(runtime).state == "accepted"
    assert receipts.settle(runtime) == 1
    assert row(runtime).state == "delivered"
    assert waiting(runtime) == []
    assert receipts.settle(runtime) == 0


def test_many_at_once_are_all_on_disk(runtime: Runtime, clock: TestClock) -> None:
    calls = [lambda n=n: receipts.take(runtime, receipt(f"id-{n}", "delivered")) for n in range(24)]
    all_at_once(calls)
    assert sorted(one.carrier_id for one in waiting(runtime)) == sorted(f"id-{n}" for n in range(24))


def test_one_that_the_database_refuses_is_thanked_by_nobody(
    runtime: Runtime, clock: TestClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError("disk full")

    with monkeypatch.context() as broken:
        broken.setattr("service.stories.delivery.receipts.receipt_tables.keep_receipts", full)
        with pytest.raises(OSError, match="disk full"):
            receipts.take(runtime, receipt("id", "delivered"))
    receipts.take(runtime, receipt("id", "delivered"))
    assert len(waiting(runtime)) == 1


def test_a_reference_that_no_message_can_have_is_no_reference(runtime: Runtime, clock: TestClock) -> None:
    told(runtime, Receipt("twilio", "SM1", MOTHER, 9_999_999_999_999_999_999, "delivered", ""))
    assert waiting(runtime)[0].message_id is None


# --- applied ------------------------------------------------------------------------------------------------


def test_a_thousand_receipts_are_many_short_transactions(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receipts, "PAGE", 7)
    ids = [sent(runtime, clock, key=f"k{n}", to=f"+2237000{n:04d}") for n in range(20)]
    for n, carrier_id in enumerate(ids):
        for state in ("accepted", "delivered"):
            receipts.take(runtime, receipt(carrier_id, state, number=f"+2237000{n:04d}"))
    assert receipts.settle(runtime) == 40
    with runtime.database.read() as tx:
        assert set(tx.execute(select(message.c.state)).scalars()) == {"delivered"}
    assert waiting(runtime) == []


def test_three_workers_at_once_apply_each_receipt_once(
    runtime: Runtime,
    clock: TestClock,
    carrier: LoopbackCarrier,
    settings: Config,
    monkeypatch: pytest.MonkeyPatch,
    listeners: Listeners,
) -> None:
    monkeypatch.setattr(receipts, "PAGE", 5)
    for n in range(30):
        carrier_id = sent(runtime, clock, key=f"k{n}", to=f"+2237000{n:04d}")
        for state in ("accepted", "delivered", "delivered"):
            receipts.take(runtime, receipt(carrier_id, state, number=f"+2237000{n:04d}"))
    workers = [build_runtime(settings, at=clock) for _ in range(3)]
    done = all_at_once([lambda one=one: receipts.settle(one) for one in workers])
    for one in workers:
        one.database.close()
    assert sum(done) + receipts.settle(runtime) == 90
    assert sum(sample.delivered for sample in listeners.samples) == 30


def test_a_message_that_somebody_holds_is_not_waited_for(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier
) -> None:
    if runtime.database.is_sqlite:
        pytest.skip("SQLite has one writer at a time")
    mine, theirs = sent(runtime, clock), sent(runtime, clock, key="k2", to=OTHER)
    receipts.take(runtime, receipt(mine, "delivered"))
    receipts.take(runtime, receipt(theirs, "delivered", number=OTHER))
    with runtime.database.begin() as tx:
        tx.execute(select(message.c.id).where(message.c.key == "k1").with_for_update())
        assert receipts.settle(runtime) == 1
    assert row(runtime, "k2").state == "delivered"
    assert receipts.settle(runtime) == 1
    assert row(runtime).state == "delivered"


def test_failed_is_not_sent_again(runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier) -> None:
    """The next step of the ladder is the retry."""
    told(runtime, receipt(sent(runtime, clock), "undelivered"))
    assert row(runtime).state == "undelivered"
    clock.advance(hours=7)
    dispatcher.look_after(runtime)
    dispatcher.send_due(runtime)
    assert len(carrier.accepted) == 1


def test_what_waits_is_forgotten_after_three_days(runtime: Runtime, clock: TestClock) -> None:
    told(runtime, receipt("nobody's", "delivered"))
    assert counted(runtime, "receipt_unmatched") == 1
    clock.advance(hours=71)
    forget(runtime)
    assert len(waiting(runtime)) == 1
    clock.advance(hours=2)
    forget(runtime)
    assert waiting(runtime) == []


# --- by number ----------------------------------------------------------------------------------------------


def lost(runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier, key: str = "k1") -> str:
    """A message whose call was cut after the carrier took it; gives the id that we never read."""
    carrier.next("drop")
    queue(runtime, clock, key=key)
    dispatcher.send_due(runtime)
    assert row(runtime, key).state == "unknown"
    return carrier.accepted[-1].id


def test_of_two_that_might_be_meant_neither_is(runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier) -> None:
    first, _ = lost(runtime, clock, carrier), lost(runtime, clock, carrier, "k2")
    told(runtime, receipt(first, "delivered"))
    dispatcher.look_after(runtime)
    assert {row(runtime, key).state for key in ("k1", "k2")} == {"unknown"}
    with runtime.database.begin() as tx:
        tx.execute(update(message).where(message.c.key == "k2").values(state="unresolved"))
    dispatcher.look_after(runtime)
    assert row(runtime).state == "delivered", "and when one remains, it is that one"


def test_what_names_another_message_is_not_guessed_to_be_of_this_one(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier
) -> None:
    """Somebody who knows an id of ours puts another number beside it."""
    known = sent(runtime, clock, key="known", to=OTHER)
    lost(runtime, clock, carrier)
    told(runtime, receipt(known, "delivered"))
    told(runtime, Receipt("africastalking", "new", MOTHER, row(runtime, "known").id, "delivered", ""))
    dispatcher.look_after(runtime)
    assert row(runtime).state == "unknown"
    assert row(runtime, "known").state == "accepted"


def test_a_receipt_older_than_the_call_is_of_another_message(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier
) -> None:
    told(runtime, receipt("of somebody else's message", "delivered"))
    clock.advance(minutes=2)
    lost(runtime, clock, carrier)
    dispatcher.look_after(runtime)
    assert row(runtime).state == "unknown"


def test_a_worker_that_died_during_its_call_noted_no_channel(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier
) -> None:
    ours = lost(runtime, clock, carrier)
    with runtime.database.begin() as tx:
        tx.execute(update(message).values(channel=None))
    told(runtime, receipt(ours, "accepted"))
    told(runtime, receipt(ours, "delivered"))
    assert (row(runtime).state, row(runtime).channel) == ("delivered", "africastalking")


def test_a_receipt_of_another_channel_is_of_another_message(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier
) -> None:
    lost(runtime, clock, carrier)
    told(runtime, Receipt("twilio", "SM1", MOTHER, None, "delivered", ""))
    assert row(runtime).state == "unknown"


def test_one_message_has_one_id_at_its_carrier(runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier) -> None:
    ours = lost(runtime, clock, carrier)
    receipts.take(runtime, receipt(ours, "accepted"))
    clock.advance(seconds=1)
    told(runtime, receipt("another", "undelivered"), receipt(ours, "delivered"))
    assert (row(runtime).state, row(runtime).carrier_id) == ("delivered", ours)
    assert [one.carrier_id for one in waiting(runtime)] == ["another"]


def test_an_id_that_was_noted_while_its_receipt_was_looked_at_is_found_soon(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier
) -> None:
    """Two workers at the same instant: one puts the receipt aside, the other notes the id and sees none waiting."""
    carrier_id = sent(runtime, clock)
    with runtime.database.begin() as tx:
        tx.execute(update(message).values(carrier_id=None))
    told(runtime, receipt(carrier_id, "delivered"))
    with runtime.database.begin() as tx:
        tx.execute(update(message).values(carrier_id=carrier_id))
    assert row(runtime).state == "accepted"
    dispatcher.look_after(runtime)
    assert row(runtime).state == "delivered"


# --- opt-outs -----------------------------------------------------------------------------------------------


def test_a_refusal_told_by_a_receipt_counts_at_once_and_never_undoes_a_start(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier
) -> None:
    carrier_id = sent(runtime, clock)
    queue(runtime, clock, key="next")
    refusal = Receipt("africastalking", carrier_id, MOTHER, None, "undelivered", "UserInBlackList", opt_out=True)
    receipts.take(runtime, refusal)
    assert row(runtime, "next").state == "suppressed"
    with runtime.database.begin() as tx:
        opt_outs.start(tx, runtime, MOTHER, clock.now())
    receipts.take(runtime, refusal)
    with runtime.database.read() as tx:
        assert tx.execute(select(func.count()).select_from(opt_out)).scalar_one() == 0
    receipts.settle(runtime)
    assert row(runtime).state == "undelivered"


# --- what others learn --------------------------------------------------------------------------------------


@dataclass
class Listeners:
    """What the two doors were told about arrivals; they hear it all the same."""

    samples: list[Sample]
    ends: list[End]


@pytest.fixture
def listeners(monkeypatch: pytest.MonkeyPatch) -> Listeners:
    hearing = Listeners([], [])
    note_samples, after_receipts = route_book.note_samples, dead_numbers.after_receipts

    def hear_samples(tx: Any, samples: Any, now: int) -> None:
        found = [one for one in samples if one is not None]
        hearing.samples += [one for one in found if one.delivered or one.undelivered]
        note_samples(tx, found, now)

    def hear_ends(tx: Any, runtime: Runtime, ends: Any, now: int) -> None:
        hearing.ends += ends
        after_receipts(tx, runtime, ends, now)

    monkeypatch.setattr(route_book, "note_samples", hear_samples)
    monkeypatch.setattr(dead_numbers, "after_receipts", hear_ends)
    return hearing


@pytest.fixture
def tell(runtime: Runtime) -> Callable[..., None]:
    def tell(carrier_id: str, state: str, **more: Any) -> None:
        told(runtime, Receipt("africastalking", carrier_id, MOTHER, None, state, "", **more))  # type: ignore[arg-type]

    return tell


def test_the_operator_is_told_by_receipts_and_kept_with_the_phone(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier, tell: Callable[..., None]
) -> None:
    carrier_id = sent(runtime, clock)
    tell(carrier_id, "accepted", network="61002")
    assert (row(runtime).network, row(runtime).state) == ("61002", "accepted")
    tell(carrier_id, "delivered")
    with runtime.database.read() as tx:
        assert tx.execute(select(phone.c.network)).scalar_one() == "61002"
    tell(carrier_id, "delivered", network="61001")
    assert row(runtime).network == "61001", "a number that moved to another operator"


def test_a_change_is_told_once_with_its_operator_and_delay(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier, tell: Callable[..., None], listeners: Listeners
) -> None:
    carrier_id = sent(runtime, clock)
    clock.advance(seconds=40)
    for _ in range(3):
        tell(carrier_id, "accepted")
        tell(carrier_id, "delivered", network="61001")
    assert listeners.samples == [Sample("africastalking", "61001", delivered=1, delay_ms=40_000)]
    assert [(end[1], end[2]) for end in listeners.ends] == [(row(runtime).number_idx, "delivered")]


def test_only_what_the_number_is_to_blame_for_counts_against_it(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier, tell: Callable[..., None], listeners: Listeners
) -> None:
    tell(sent(runtime, clock), "undelivered", fault="message")
    tell(sent(runtime, clock, key="k2"), "undelivered")
    assert [end[2] for end in listeners.ends] == ["undelivered"]
    assert sum(sample.undelivered for sample in listeners.samples) == 2


def test_an_operator_that_refuses_our_account_stops_the_route_and_marks_no_number(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier, tell: Callable[..., None], listeners: Listeners
) -> None:
    tell(sent(runtime, clock), "undelivered", fault="account")
    assert listeners.ends == []
    queue(runtime, clock, key="k2")
    assert dispatcher.send_due(runtime) == 0
    assert row(runtime, "k2").state == "queued"


def test_a_mistake_of_those_who_are_told_holds_no_receipt_back(
    runtime: Runtime,
    clock: TestClock,
    carrier: LoopbackCarrier,
    tell: Callable[..., None],
    listeners: Listeners,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def mistaken(tx: Any, *_: object) -> None:
        tx.execute(text("SELECT * FROM no_such_table"))

    monkeypatch.setattr(dead_numbers, "after_receipts", mistaken)
    tell(sent(runtime, clock), "delivered")
    assert row(runtime).state == "delivered"
    assert waiting(runtime) == []


def test_how_long_a_lost_call_took_is_not_known(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier, tell: Callable[..., None], listeners: Listeners
) -> None:
    carrier_id = lost(runtime, clock, carrier)
    clock.moment += HOUR
    tell(carrier_id, "delivered")
    assert [(one.delivered, one.delay_ms) for one in listeners.samples] == [(1, None)]
