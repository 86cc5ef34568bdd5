"""What one turn of the dispatcher decides for several calls at once, and in which order it takes what others want."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import select, update

from service.config import Config
from service.runtime import Runtime, build_runtime
from service.store.message_tables import message
from service.stories.delivery import brakes, dispatcher, money, route_book, route_trying
from service.stories.delivery.money import Wanted
from service.stories.delivery.outbox import Letter, put_many
from tests.loopback import LoopbackCarrier
from tests.people import TestClock, everybody_wants_news

DAY_MS = 86_400_000
UNTIL_THE_OTHER_WAITS_S = 0.5


@pytest.fixture
def with_settings(settings: Config, clock: TestClock) -> Iterator[Callable[..., Runtime]]:
    opened: list[Runtime] = []

    def build(**changes: Any) -> Runtime:
        opened.append(build_runtime(settings.model_copy(update=changes), at=clock))
        return opened[-1]

    yield build
    for one in opened:
        one.database.close()


def campaign(clock: TestClock, number: int, phones: range, delay: int) -> list[Letter]:
    now = clock.now()
    return [
        Letter(
            to=f"+223700001{phone:02d}", text=f"campagne {number}", key=f"{number}:{phone}", purpose="campaign",
            klass="once", not_before=now + delay, useful_until=now + DAY_MS, campaign_id=number,
        )
        for phone in phones
    ]  # fmt: skip


def test_a_key_twice_in_one_page_is_queued_once(with_settings: Callable[..., Runtime], clock: TestClock) -> None:
    runtime = with_settings()
    first, twin = campaign(clock, 1, range(2), 0), campaign(clock, 1, range(1), 0)
    with runtime.database.begin() as tx:
        assert set(put_many(tx, clock.now(), [*first, *twin])) == {"1:0", "1:1"}


def test_two_campaigns_in_one_turn_share_a_phones_day(
    with_settings: Callable[..., Runtime], clock: TestClock, carrier: LoopbackCarrier
) -> None:
    """The calls of both take many along; what the first takes has no call written down when the second is filled."""
    runtime = with_settings(most_a_day=2)  # one for campaigns
    letters = [*campaign(clock, 1, range(1), 0), *campaign(clock, 2, range(1, 2), 0)]
    letters += [*campaign(clock, 1, range(2, 12), 1), *campaign(clock, 2, range(2, 12), 1)]
    with runtime.database.begin() as tx:
        put_many(tx, clock.now(), letters)
    everybody_wants_news(runtime)
    clock.advance(seconds=1)
    dispatcher.send_due(runtime)
    assert Counter(sms.to for sms in carrier.accepted) == {f"+223700001{phone:02d}": 1 for phone in range(12)}


def test_the_test_of_a_route_and_a_turn_do_not_wait_in_a_circle(
    with_settings: Callable[..., Runtime], settings: Config, clock: TestClock, carrier: LoopbackCarrier
) -> None:
    budget = settings.budget.model_copy(update={"day_fcfa": 10_000})
    runtime = with_settings(pace={"africastalking": 10.0}, budget=budget)
    now = clock.now()
    with ThreadPoolExecutor(1) as threads:
        with runtime.database.begin() as tx:
            route_book.open_routes(tx, runtime, now)
            tried = threads.submit(route_trying.send, runtime, "africastalking", "+22370000001", now)
            time.sleep(UNTIL_THE_OTHER_WAITS_S)
            assert money.afford(tx, runtime, [Wanted(1, 100)], now) == {1}
        assert tried.result(30).taken


def test_a_turn_that_holds_messages_back_and_one_that_pays_do_not_wait_in_a_circle(
    with_settings: Callable[..., Runtime], settings: Config, clock: TestClock, carrier: LoopbackCarrier
) -> None:
    """Whoever takes a second look has the day's account already, and counts those that he holds back after it."""
    budget = settings.budget.model_copy(update={"day_fcfa": 10_000})
    runtime = with_settings(most_a_day=1, budget=budget)
    with runtime.database.begin() as tx:
        put_many(tx, clock.now(), [*campaign(clock, 1, range(1), 0), *campaign(clock, 2, range(1), 0)])
    everybody_wants_news(runtime)
    with ThreadPoolExecutor(1) as threads:
        with runtime.database.begin() as tx:
            money.afford(tx, runtime, [Wanted(1, 100)], clock.now())
            sending = threads.submit(dispatcher.send_due, runtime)
            time.sleep(UNTIL_THE_OTHER_WAITS_S)
            brakes.count_held(tx, 1)
        assert sending.result(30) == 1


def test_whoever_settles_what_waits_leaves_out_what_is_being_noted(
    with_settings: Callable[..., Runtime], clock: TestClock
) -> None:
    """Both write to many messages: if each waited for the other's, nobody would go on."""
    runtime = with_settings()
    if runtime.database.is_sqlite:
        pytest.skip("one writer: nobody holds single rows")
    with runtime.database.begin() as tx:
        put_many(tx, clock.now(), campaign(clock, 1, range(2), 0))
        tx.execute(update(message).values(state="sending", lease_until=1))
    with runtime.database.begin() as tx:
        held = tx.execute(select(message.c.id).limit(1).with_for_update()).scalar_one()
        assert dispatcher.look_after(runtime)["reaped"] == 1
        assert tx.execute(select(message.c.state).where(message.c.id == held)).scalar_one() == "sending"
    assert dispatcher.look_after(runtime)["reaped"] == 1
