"""The routes in the dispatcher's turn: pace, pauses and trials, shared by all workers on both databases."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select, update

from service.config import Config
from service.domain.message_states import Accepted, Ambiguous, NotSent, Refused
from service.runtime import Runtime, build_runtime
from service.store import route_tables, system_tables
from service.store.message_tables import message
from service.store.route_tables import route, route_sample
from service.stories.delivery import dispatcher, route_book, route_pauses
from service.stories.delivery.route_book import OpenRoute, Sample
from tests.loopback import LoopbackCarrier
from tests.people import TestClock
from tests.two_carriers import FIRST, ORANGE, SECOND, Line, two_carriers

MINUTE, HOUR = 60_000, 3_600_000


@pytest.fixture
def second() -> Iterator[LoopbackCarrier]:
    with LoopbackCarrier() as running:
        yield running


@pytest.fixture
def settings(database_url: str, carrier: LoopbackCarrier, second: LoopbackCarrier) -> Config:
    return two_carriers(database_url, carrier, second)


@pytest.fixture
def line(runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier, second: LoopbackCarrier) -> Line:
    return Line(runtime, clock, {FIRST: carrier, SECOND: second})


def opened(runtime: Runtime) -> dict[str, OpenRoute]:
    with runtime.database.begin() as tx:
        return {one.channel: one for one in route_book.open_routes(tx, runtime, runtime.now())}


def paused(runtime: Runtime, channel: str = FIRST, scope: str = "account", **more: object) -> bool:
    with runtime.database.begin() as tx:
        return route_book.pause(tx, channel, scope, "HTTP 401", runtime.now(), **more)


def row(runtime: Runtime, channel: str = FIRST) -> route_tables.RouteRow:
    with runtime.database.read() as tx:
        return route_tables.read_routes(tx)[channel]


def note(runtime: Runtime, *samples: Sample) -> None:
    with runtime.database.begin() as tx:
        route_book.note_samples(tx, samples, runtime.now())


def events(runtime: Runtime) -> dict[str, int]:
    with runtime.database.read() as tx:
        return system_tables.counters(tx)


# --- what is open -------------------------------------------------------------------------------------------


def test_before_anything_is_known_the_first_route_has_everything(runtime: Runtime) -> None:
    found = opened(runtime)
    assert [(one.channel, one.parts, one.share(ORANGE)) for one in found.values()] == [
        (FIRST, None, 100),
        (SECOND, None, 0),
    ]
    assert {len(one.prices) for one in found.values()} == {0}, "an example of a price list decides nothing"


def test_weighing_gives_the_second_its_trickle_and_writes_down_what_was_seen(
    runtime: Runtime, clock: TestClock
) -> None:
    note(runtime, Sample(FIRST, ORANGE, accepted=8, refused=1, unknown=1), Sample(FIRST, "", accepted=2))
    clock.advance(seconds=30)
    receipt = route_book.of_receipt(FIRST, ORANGE, "delivered", 25_000)
    note(
        runtime,
        *([receipt] * 6),
        route_book.of_receipt(FIRST, ORANGE, "accepted", 1),
        route_book.of_receipt(FIRST, ORANGE, "undelivered", 27_000),
    )
    route_book.weigh(runtime)
    with runtime.database.read() as tx:
        found = {(one.channel, one.network): one for one in route_tables.health(tx)}
    whole, orange = found[FIRST, ""], found[FIRST, ORANGE]
    assert (orange.sent, orange.delivered, orange.undelivered, orange.refused, orange.unknown) == (10, 6, 1, 1, 1)
    assert (whole.sent, whole.delivered) == (12, 6)
    assert 25_000 <= (orange.delay_ms or 0) <= 27_000
    assert {one.share(ORANGE) for one in opened(runtime).values()} == {95, 5}


def test_a_receipt_counts_where_its_message_was_sent(runtime: Runtime, clock: TestClock) -> None:
    note(runtime, Sample(FIRST, ORANGE, accepted=1))
    clock.advance(minutes=9)
    note(runtime, *[route_book.of_receipt(FIRST, ORANGE, "delivered", 9 * MINUTE)])
    with runtime.database.read() as tx:
        slices = route_tables.slices_since(tx, 0)[FIRST, ORANGE]
    assert [(one.accepted, one.delivered, one.delay_ms) for one in slices] == [(1, 1, 120_000)], "a night is no delay"


def test_what_calls_say_of_their_route() -> None:
    def said(outcome: object) -> Sample | None:
        return route_book.of_call(FIRST, ORANGE, outcome)

    assert said(Accepted("x")) == Sample(FIRST, ORANGE, accepted=1)
    assert said(Ambiguous("time-out")) == Sample(FIRST, ORANGE, unknown=1)
    assert said(NotSent("no connection")) == said(Refused("no", "account")) == Sample(FIRST, ORANGE, refused=1)
    assert said(Refused("STOP", "person", opt_out=True)) is None


def test_a_crowded_window_is_packed_and_says_the_same(runtime: Runtime, clock: TestClock) -> None:
    for turn in range(60):
        note(runtime, Sample(FIRST, ORANGE, accepted=turn % 3), Sample(SECOND, "", unknown=1))
        clock.advance(seconds=0.2)
    clock.advance(minutes=2)
    with runtime.database.read() as tx:
        before = route_tables.slices_since(tx, 0)
    route_book.weigh(runtime)
    with runtime.database.read() as tx:
        assert route_tables.slices_since(tx, 0) == before
        assert tx.execute(select(func.count()).select_from(route_sample)).scalar_one() <= 24, "of 120"


def test_the_window_is_not_kept_for_ever(runtime: Runtime, clock: TestClock) -> None:
    note(runtime, Sample(FIRST, ORANGE, accepted=1))
    clock.advance(hours=1)
    route_book.weigh(runtime)
    with runtime.database.read() as tx:
        assert tx.execute(select(func.count()).select_from(route_sample)).scalar_one() == 0


# --- pauses -------------------------------------------------------------------------------------------------


def test_a_refused_account_is_left_out_and_loses_no_message(
    line: Line, runtime: Runtime, second: LoopbackCarrier
) -> None:
    line.carriers[FIRST].next("401", times=1)
    line.queue(10)
    dispatcher.send_due(runtime)
    assert list(opened(runtime)) == [SECOND]
    line.clock.advance(minutes=1)
    dispatcher.send_due(runtime)
    assert len(second.accepted) + line.sent(FIRST) == 10
    assert second.accepted, "what was refused took the other route"
    with runtime.database.read() as tx:
        assert set(tx.execute(select(message.c.state)).scalars()) == {"accepted"}
    assert (row(runtime).scope, row(runtime).reason) == ("account", "HTTP 401")


def test_a_hundred_refusals_are_one_pause(runtime: Runtime) -> None:
    assert [paused(runtime) for _ in range(3)] == [True, False, False]
    assert row(runtime).pauses == 1
    assert events(runtime)["route_paused"] == 1


def test_a_carriers_pause_grows_from_one_to_the_next() -> None:
    hours = [route_pauses.pause_ms("account", before) / HOUR for before in range(5)]
    assert hours == [1, 4, 16, 24, 24]
    assert [route_pauses.pause_ms("sender", before) / HOUR for before in range(5)] == [0.25, 1, 4, 16, 24]
    assert route_pauses.pause_ms("sender", 10_000) == 24 * HOUR


def test_one_message_tries_a_route_that_was_paused(runtime: Runtime, clock: TestClock) -> None:
    paused(runtime, scope="sender")
    clock.advance(minutes=14)
    assert FIRST not in opened(runtime)
    clock.advance(minutes=2)
    tried = opened(runtime)[FIRST]
    assert (tried.parts, tried.trial) == (1, True)
    assert FIRST not in opened(runtime), "only one caller gets it"
    clock.advance(minutes=3)
    assert opened(runtime)[FIRST].trial, "nobody had a message for it: the next may try"


def test_a_trial_that_is_refused_is_a_longer_pause(line: Line, runtime: Runtime) -> None:
    paused(runtime)
    line.clock.advance(hours=1, seconds=1)
    line.carriers[FIRST].faults = {"401": 1.0}
    line.queue(20)
    dispatcher.send_due(runtime)
    assert len(line.carriers[FIRST].requests) == 1, "one message found out"
    assert (row(runtime).state, row(runtime).pauses) == ("paused", 2)
    assert row(runtime).until == line.clock.now() + 4 * HOUR


def test_a_trial_that_is_taken_opens_the_route_which_has_to_prove_itself(line: Line, runtime: Runtime) -> None:
    route_book.weigh(runtime)
    paused(runtime)
    route_book.weigh(runtime)
    assert line.share() == {FIRST: 0, SECOND: 100}
    line.clock.advance(hours=1, seconds=1)
    line.queue(20)
    dispatcher.send_due(runtime)
    assert line.sent(FIRST) == 1
    route_book.weigh(runtime)
    assert row(runtime).state == "open"
    assert line.share() == {FIRST: 2, SECOND: 98}
    line.live(4, per_look=2)
    assert line.share() == {FIRST: 2, SECOND: 98}


def test_the_only_route_is_tried_too(line: Line, runtime: Runtime, database_url: str, carrier: LoopbackCarrier) -> None:
    alone = build_runtime(runtime.config.model_copy(update={"routes": (FIRST,)}), at=line.clock)
    paused(alone)
    line.queue(3)
    assert dispatcher.send_due(alone) == 0
    line.clock.advance(hours=1, seconds=1)
    assert dispatcher.send_due(alone) == 1
    route_book.weigh(alone)
    assert dispatcher.send_due(alone) == 2
    alone.database.close()


def test_a_persons_pause_is_hers(runtime: Runtime, clock: TestClock) -> None:
    paused(runtime)
    assert paused(runtime, scope="person", by="Awa", until=clock.now() + HOUR)
    assert not paused(runtime), "the carrier's refusals change nothing of it"
    assert (row(runtime).by, row(runtime).scope) == ("Awa", "person")
    clock.advance(minutes=61)
    assert opened(runtime)[FIRST].trial is False
    assert row(runtime).by == "its time"


def test_a_pause_without_an_end_waits_for_somebody(runtime: Runtime, clock: TestClock) -> None:
    paused(runtime, scope="person", by="Awa")
    clock.advance(days=30)
    assert FIRST not in opened(runtime)
    with runtime.database.begin() as tx:
        assert route_book.reopen(tx, FIRST, "Awa", clock.now())
        assert not route_book.reopen(tx, FIRST, "Awa", clock.now())
    assert FIRST in opened(runtime)


def test_old_pauses_are_forgiven(runtime: Runtime, clock: TestClock) -> None:
    paused(runtime)
    with runtime.database.begin() as tx:
        tx.execute(update(route).values(state="open", since=clock.now()))
    clock.advance(hours=25)
    route_book.weigh(runtime)
    assert row(runtime).pauses == 0


def test_when_all_are_paused_nothing_is_open(runtime: Runtime) -> None:
    paused(runtime, FIRST)
    paused(runtime, SECOND)
    assert opened(runtime) == {}
    route_book.weigh(runtime)


# --- pace ---------------------------------------------------------------------------------------------------


def at_pace(settings: Config, clock: TestClock, **pace: float) -> Runtime:
    return build_runtime(settings.model_copy(update={"pace": pace}), at=clock)


def test_an_empty_bucket_is_seen_without_room_and_fills_again(settings: Config, clock: TestClock) -> None:
    paced = at_pace(settings, clock, africastalking=25)
    with paced.database.begin() as tx:
        found = {one.channel: one for one in route_book.open_routes(tx, paced, clock.now())}
        assert (found[FIRST].parts, found[FIRST].full, found[SECOND].parts) == (2, True, None)
        route_book.take(tx, paced, {FIRST: 20, SECOND: 50})
        found = {one.channel: one for one in route_book.open_routes(tx, paced, clock.now())}
        assert found[FIRST].parts == 0
    time.sleep(1.0)
    assert opened(paced)[FIRST].parts == 2
    paced.database.close()


def test_no_room_anywhere_is_seen(settings: Config, clock: TestClock) -> None:
    paced = at_pace(settings, clock, africastalking=0.1, simulator=0.1)
    with paced.database.begin() as tx:
        route_book.open_routes(tx, paced, clock.now())
        route_book.take(tx, paced, {FIRST: 1, SECOND: 1})
        assert [one.parts for one in route_book.open_routes(tx, paced, clock.now())] == [0, 0]
    paced.database.close()


def test_a_turn_that_failed_took_nothing(settings: Config, clock: TestClock) -> None:
    paced = at_pace(settings, clock, africastalking=0.1)
    with paced.database.begin() as tx:
        route_book.open_routes(tx, paced, clock.now())
        route_book.take(tx, paced, {FIRST: 1})
        tx.rollback()
    assert opened(paced)[FIRST].parts == 1
    paced.database.close()


def test_all_workers_together_keep_the_pace(settings: Config, clock: TestClock) -> None:
    """Four processes, as far as the database can tell, take all they may; judged by the database's own clock."""
    rate, seconds = 200, 3.0
    runtimes = [at_pace(settings, clock, africastalking=rate) for _ in range(4)]
    end, lock, grants = time.monotonic() + seconds, threading.Lock(), []

    def work(one: Runtime) -> None:
        while time.monotonic() < end:
            with one.database.begin() as tx:
                found = {each.channel: each for each in route_book.open_routes(tx, one, clock.now())}
                parts = found[FIRST].parts or 0
                route_book.take(tx, one, {FIRST: parts})
                at = route_tables.read_routes(tx)[FIRST].filled_at
            with lock:
                grants.append((at, parts))
            time.sleep(0.01)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(work, runtimes))
    for one in runtimes:
        one.database.close()
    grants = sorted((at, parts) for at, parts in grants if parts)
    busiest = max(sum(parts for at, parts in grants if start <= at < start + 1000) for start, _ in grants)
    total = sum(parts for _, parts in grants)
    print(f"at most {busiest} in a second of {rate}; {total} in {seconds} s")
    assert busiest <= 1.05 * rate
    assert total >= 0.7 * rate * seconds, "a busy machine looks in less often; alone it is nearly all"


def test_pausing_and_pacing_at_once_wait_for_each_other_and_not_in_a_circle(settings: Config, clock: TestClock) -> None:
    runtimes = [at_pace(settings, clock, africastalking=100, simulator=100) for _ in range(4)]

    opened(runtimes[0])

    def work(turn: int) -> int:
        one, channel = runtimes[turn % 4], (FIRST, SECOND)[turn % 2]
        with one.database.begin() as tx:
            if turn % 3 == 0:
                route_book.pause(tx, channel, "sender", "21212", clock.now())
            elif turn % 3 == 1:
                route_book.reopen(tx, channel, "Awa", clock.now())
            found = route_book.open_routes(tx, one, clock.now())
            route_book.take(tx, one, {each.channel: 1 for each in found if each.parts})
        if turn % 10 == 0:
            route_book.weigh(one)
        return 1

    with ThreadPoolExecutor(4) as threads:
        assert sum(threads.map(work, range(120))) == 120
    for one in runtimes:
        one.database.close()


def test_two_workers_try_a_paused_route_with_one_message(settings: Config, clock: TestClock) -> None:
    runtimes = [build_runtime(settings, at=clock) for _ in range(4)]
    paused(runtimes[0])
    clock.advance(hours=2)
    with ThreadPoolExecutor(4) as threads:
        found = Counter(FIRST in one for one in threads.map(opened, runtimes))
    assert found == {True: 1, False: 3}
    for one in runtimes:
        one.database.close()
