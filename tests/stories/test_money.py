"""Budgets stop everything at a hundred of a hundred, whoever sends; what is spent becomes true when carriers say so."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select

from service.config import Config
from service.domain.message_states import NotSent
from service.runtime import Runtime, build_runtime
from service.store import spend_tables, system_tables
from service.store.spend_tables import spend_change
from service.stories.delivery import dispatch_turn, dispatcher, money, route_book
from service.stories.delivery.dispatch_turn import Finished
from service.stories.delivery.money import Settled, Wanted
from service.stories.delivery.outbox import Letter, put
from tests.loopback import LoopbackCarrier
from tests.people import TestClock
from tests.two_carriers import FIRST, ORANGE, SECOND, Line, two_carriers

CAMPAIGN = 7


@pytest.fixture
def second() -> Iterator[LoopbackCarrier]:
    with LoopbackCarrier() as running:
        yield running


@pytest.fixture
def settings(database_url: str, carrier: LoopbackCarrier, second: LoopbackCarrier) -> Config:
    budget = {"day_fcfa": 100, "campaign_fcfa": 40}
    return two_carriers(database_url, carrier, second, budget=budget)


@pytest.fixture
def unlimited(settings: Config, clock: TestClock) -> Iterator[Runtime]:
    built = build_runtime(Config.model_validate(settings.model_dump() | {"budget": {}}), at=clock)
    yield built
    built.database.close()


def wanted(*costs: int, first: int = 1, campaign_id: int | None = None) -> list[Wanted]:
    """Messages that cost so many francs."""
    return [Wanted(number, cost * 100, campaign_id) for number, cost in enumerate(costs, first)]


def afford(runtime: Runtime, messages: list[Wanted]) -> set[int]:
    with runtime.database.begin() as tx:
        return money.afford(tx, runtime, messages, runtime.now())


def accounts(runtime: Runtime) -> dict[str, money.Standing]:
    with runtime.database.read() as tx:
        return {one.account: one for one in money.today(tx, runtime, runtime.now())}


def spent(runtime: Runtime, account: str = "all") -> float:
    return accounts(runtime)[account].spent / 100


def events(runtime: Runtime) -> dict[str, int]:
    with runtime.database.read() as tx:
        return system_tables.counters(tx)


def is_spent(runtime: Runtime) -> bool:
    with runtime.database.read() as tx:
        return money.day_is_spent(tx, runtime, runtime.now())


def test_the_first_ones_leave_until_nothing_is_left(runtime: Runtime) -> None:
    assert afford(runtime, wanted(30, 30, 30)) == {1, 2, 3}
    assert afford(runtime, wanted(20, 10, 10)) == {2}, "what does not fit stays, what fits goes, to the last franc"
    assert spent(runtime) == 100
    assert afford(runtime, wanted(1)) == set()
    assert is_spent(runtime)
    assert accounts(runtime)["all"].stopped


def test_at_eighty_it_is_said_once_and_at_a_hundred_once(runtime: Runtime) -> None:
    afford(runtime, wanted(79))
    assert not accounts(runtime)["all"].warned
    for _ in range(3):
        afford(runtime, wanted(1))
    assert accounts(runtime)["all"].warned
    assert events(runtime) == {"budget_nearly_spent": 1}
    for _ in range(3):
        afford(runtime, wanted(60))
    assert events(runtime) == {"budget_nearly_spent": 1, "budget_stopped": 1}


def test_a_new_local_day_has_its_own_money(settings: Config, clock: TestClock) -> None:
    far = build_runtime(settings.model_copy(update={"timezone": "Asia/Tokyo"}), at=clock)
    clock.moment = TestClock("2026-11-20T23:59", "Asia/Tokyo").moment
    assert afford(far, wanted(100)) == {1}
    assert is_spent(far)
    clock.advance(minutes=2)
    assert not is_spent(far)
    assert afford(far, wanted(100)) == {1}
    far.database.close()


def test_a_campaign_has_one_budget_for_all_its_days(runtime: Runtime, clock: TestClock) -> None:
    assert afford(runtime, wanted(15, 15, campaign_id=CAMPAIGN)) == {1, 2}
    clock.advance(days=1)
    assert afford(runtime, wanted(15, 10, campaign_id=CAMPAIGN) + wanted(15, first=9)) == {2, 9}
    assert spent(runtime) == 25, "what the campaign could not pay took nothing from the day"
    assert spent(runtime, f"campaign:{CAMPAIGN}") == 40
    clock.advance(days=1)
    assert afford(runtime, wanted(1, campaign_id=CAMPAIGN)) == set()
    assert events(runtime)["budget_stopped"] == 1, "said once in the life of a campaign"


def test_many_workers_together_never_spend_more(settings: Config, clock: TestClock) -> None:
    runtimes = [build_runtime(settings, at=clock) for _ in range(4)]

    def work(turn: int) -> int:
        campaign = CAMPAIGN if turn % 2 else None
        left = len(afford(runtimes[turn % 4], wanted(1, 2, 1, campaign_id=campaign)))
        if turn % 7 == 0:
            route_book.weigh(runtimes[turn % 4])  # the leader adds up meanwhile
        return left

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(work, range(80)))
    route_book.weigh(runtimes[0])
    assert spent(runtimes[0]) == 100
    assert spent(runtimes[0], f"campaign:{CAMPAIGN}") <= 40
    for one in runtimes:
        one.database.close()


def test_without_a_budget_it_is_only_written_down(unlimited: Runtime) -> None:
    assert afford(unlimited, wanted(1_000_000, 5, campaign_id=CAMPAIGN)) == {1, 2}
    assert spent(unlimited) == spent(unlimited, f"campaign:{CAMPAIGN}") == 1_000_005
    assert not is_spent(unlimited)
    assert events(unlimited) == {}


def test_adding_up_changes_no_sum(runtime: Runtime) -> None:
    afford(runtime, wanted(10, 20))
    before = spent(runtime)
    for _ in range(2):
        route_book.weigh(runtime)
        assert spent(runtime) == before == 30
    with runtime.database.read() as tx:
        assert tx.execute(select(func.count()).select_from(spend_change)).scalar_one() == 0


def test_what_did_not_leave_can_be_spent_on_others(runtime: Runtime) -> None:
    messages = wanted(40, 40, 20)
    afford(runtime, messages)
    with runtime.database.begin() as tx:
        money.give_back(tx, runtime, messages[:1], runtime.now())
    assert spent(runtime) == 60
    assert afford(runtime, wanted(40)) == {1}


def test_what_came_back_after_midnight_is_given_back_to_the_day_it_was_taken_from(
    runtime: Runtime, clock: TestClock
) -> None:
    clock.set("2026-11-18T23:59")
    with runtime.database.begin() as tx:
        now = clock.now()
        put(tx, now, Letter(to="+22370000001", text="x", key="k", purpose="reminder", klass="once",
                            not_before=now, useful_until=now + 86_400_000, hours="any"))  # fmt: skip
        calls = dispatch_turn.claim(tx, runtime, now, 1).calls
    assert spent(runtime) > 0
    clock.advance(minutes=2)
    back = [Finished(one, call.channel.name, NotSent("busy")) for call in calls for one in call.letters]
    with runtime.database.begin() as tx:
        dispatch_turn.note(tx, runtime, back, clock.now())
    assert spent(runtime) == 0
    clock.advance(minutes=-2)
    assert spent(runtime) == 0


def test_the_carriers_own_price_takes_the_place_of_the_estimate(runtime: Runtime, clock: TestClock) -> None:
    afford(runtime, wanted(40, campaign_id=CAMPAIGN))
    sent_at = clock.now()
    clock.advance(days=1)
    true = money.true_cost(runtime, "XOF 33.5000", clock.now())
    assert true == 3350
    with runtime.database.begin() as tx:
        money.settle_true_cost(tx, runtime, [Settled(4000, true, CAMPAIGN, sent_at)], clock.now())
    assert spent(runtime) == 0, "it counts on the day of its sending"
    with runtime.database.read() as tx:
        assert spend_tables.spent_on(tx, runtime.today(sent_at), "all") == 3350
        assert spend_tables.spent_ever(tx, f"campaign:{CAMPAIGN}") == 3350


def test_an_estimate_is_by_channel_operator_parts_and_day(runtime: Runtime) -> None:
    now = runtime.now()
    assert money.estimate(runtime, FIRST, ORANGE, 2, now) == 2 * money.estimate(runtime, FIRST, ORANGE, 1, now)
    assert money.estimate(runtime, "nobody", ORANGE, 1, now) == runtime.prices.otherwise
    assert money.true_cost(runtime, None, now) is None


def test_a_loop_ends_with_the_days_money(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier, second: LoopbackCarrier
) -> None:
    """Estimated at 12 F and really 12 F each: eight leave, and then nothing, whatever it is."""
    line = Line(runtime, clock, {FIRST: carrier, SECOND: second})
    line.queue(20)
    line.queue(5, purpose="reply")
    for _ in range(5):
        dispatcher.send_due(runtime)
        clock.advance(minutes=5)
    assert len(carrier.accepted) == 8
    assert spent(runtime) == 96
    clock.advance(days=1)
    dispatcher.send_due(runtime)
    assert len(carrier.accepted) == 16
