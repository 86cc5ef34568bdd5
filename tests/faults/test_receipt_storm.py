"""F6 over HTTP: a thousand receipts, repeated, shuffled, too early, for nobody, for another number, contradicting."""

from __future__ import annotations

import collections
import os
import random
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
import requests
from sqlalchemy import func, select

from service.config import Config
from service.runtime import Runtime, build_runtime
from service.store.message_tables import message
from service.store.receipt_tables import unmatched_receipt
from service.stories.delivery import dispatcher, receipts
from service.stories.delivery.outbox import Letter, put_many
from tests.conftest import HOOK_SECRET
from tests.loopback import LoopbackCarrier
from tests.people import TestClock

RECEIPTS, MESSAGES = 1000, 120
WORDS = {"Sent": "accepted", "Success": "delivered", "Failed": "undelivered", "Buffered": "accepted"}
STRONGEST_FIRST = ("delivered", "undelivered", "accepted")
STRANGER = "+22360000002"


class Storm:
    """Throws the dice for what the carrier posts, and remembers what must come of it."""

    def __init__(self, product: str, dice: random.Random) -> None:
        self.address = f"{product}/hooks/africastalking/receipt/{HOOK_SECRET}"
        self.dice = dice
        self.said: dict[str, set[str]] = collections.defaultdict(set)
        self.strange = 0
        self.lock = threading.Lock()

    def about(self, carrier_id: str, number: str) -> dict[str, str]:
        """One receipt for this message; or, one time in five, one that only looks like it."""
        word = self.dice.choice(list(WORDS))
        trick = self.dice.random()
        with self.lock:
            if trick < 0.1:
                carrier_id, self.strange = f"ATXid_{self.dice.getrandbits(64):x}", self.strange + 1
            elif trick < 0.2:
                number, self.strange = STRANGER, self.strange + 1
            else:
                self.said[carrier_id].add(WORDS[word])
        return {"id": carrier_id, "status": word, "phoneNumber": number, "networkCode": "61002"}

    def post(self, form: dict[str, str]) -> int:
        return requests.post(self.address, data=form, timeout=30).status_code

    def promised(self, carrier_id: str) -> str:
        return next((one for one in STRONGEST_FIRST if one in self.said[carrier_id]), "accepted")


@contextmanager
def workers_settling(settings: Config, clock: TestClock, number: int) -> Iterator[None]:
    """So many workers that apply receipts all the time, as other processes would."""
    over = threading.Event()

    def work() -> None:
        runtime = build_runtime(settings, at=clock)
        while not over.wait(0.02):
            receipts.settle(runtime)
        runtime.database.close()

    with ThreadPoolExecutor(number) as pool:
        running = [pool.submit(work) for _ in range(number)]
        try:
            yield
        finally:
            over.set()
    for one in running:
        one.result()


def test_a_thousand_receipts_in_any_order_end_where_they_must(
    runtime: Runtime, settings: Config, clock: TestClock, carrier: LoopbackCarrier, product: str
) -> None:
    seed = int(os.environ.get("TEST_SEED", "20261120"))
    print(f"seed {seed}")
    storm = Storm(product, random.Random(seed))
    queue(runtime, clock)
    early = post_before_the_send_returns(runtime, carrier, storm)
    with workers_settling(settings, clock, 2):
        dispatcher.send_due(runtime)
        assert len(carrier.accepted) == MESSAGES
        late = [one for sms in carrier.accepted for one in repeats(storm, sms.id, sms.to)]
        storm.dice.shuffle(late)
        with ThreadPoolExecutor(8) as pool:
            statuses = collections.Counter(pool.map(storm.post, late))
    statuses += collections.Counter(early)
    assert set(statuses) == {200}
    assert statuses[200] >= RECEIPTS
    dispatcher.look_after(runtime)
    with runtime.database.read() as tx:
        states = {row.carrier_id: row.state for row in tx.execute(select(message.c.carrier_id, message.c.state))}
        left = tx.execute(select(func.count()).select_from(unmatched_receipt)).scalar_one()
    assert states == {carrier_id: storm.promised(carrier_id) for carrier_id in states}
    assert len(states) == MESSAGES
    assert left == storm.strange, "those for nobody wait, and no other does"
    print(f"{collections.Counter(states.values())}, {left} for nobody, {len(early)} before the send returned")


def repeats(storm: Storm, carrier_id: str, number: str) -> list[dict[str, str]]:
    """Nine receipts for one message, some of them twice."""
    forms = [storm.about(carrier_id, number) for _ in range(6)]
    again = storm.dice.sample(forms, 3)
    storm.strange += sum(form["id"] != carrier_id or form["phoneNumber"] != number for form in again)
    return forms + again


def post_before_the_send_returns(runtime: Runtime, carrier: LoopbackCarrier, storm: Storm) -> list[int]:
    """Every third call is overtaken by one of its own receipts; gives the statuses of these."""
    channel, statuses = runtime.routes[0], []
    send = channel.send

    def overtaken(outgoing: Any) -> Any:
        outcome = send(outgoing)
        if outgoing.message_id % 3 == 0:
            statuses.append(storm.post(storm.about(outcome.carrier_id, outgoing.to)))
        return outcome

    channel.send = overtaken  # type: ignore[method-assign]
    return statuses


@pytest.fixture
def runtime(settings: Config, clock: TestClock) -> Iterator[Runtime]:
    """All in this process, so that its clock may stand still."""
    built = build_runtime(settings, at=clock)
    yield built
    built.database.close()


def queue(runtime: Runtime, clock: TestClock) -> None:
    now = clock.now()
    letters = [
        Letter(f"+2237000{n:04d}", f"m-{n}", f"m-{n}", "reminder", "once", now, now + 86_400_000)
        for n in range(MESSAGES)
    ]
    with runtime.database.begin() as tx:
        put_many(tx, now, letters)
