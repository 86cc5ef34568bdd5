"""Two workers and two web processes on one PostgreSQL, as on four machines: one worker is killed again and again.

The sum is exact: what the carrier accepted, what the database says and what was posted to the webs are held against
each other. Short by default; FAULTS=long is the form with 20,000 messages.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import requests
from sqlalchemy import case, func, select, update

from service import jobs
from service.clock import SystemClock
from service.config import Config
from service.runtime import Runtime, build_runtime
from service.store import system_tables
from service.store.inbound_tables import inbound_event
from service.store.message_tables import message
from service.store.phone_tables import opt_out, phone
from service.store.route_tables import route_sample
from service.stories.delivery.outbox import Letter, put_many
from tests.carrier_answers import Accepted
from tests.conftest import HOOK_SECRET, a_config, fresh_postgresql
from tests.faults.figures import Figures
from tests.faults.sizes import LONG, dice_for, size
from tests.loopback import LoopbackCarrier, closed_port
from tests.machines import Machines, Process, wait_until
from tests.receipt_post import Receipts

pytestmark = pytest.mark.slow
MESSAGES = size(1_200, 20_000)
STOPS = size(60, 600)
KILLS = size(3, 5)
THREADS = 4
COVERAGE = 0.95  # of the messages, so many have a receipt
PAGE = 200
HOUR = 3_600_000
RECEIPT = f"/hooks/africastalking/receipt/{HOOK_SECRET}"


@pytest.fixture
def slow_carrier() -> Iterator[LoopbackCarrier]:
    """It takes its time for every answer, so that there is always something in the air to be cut off."""
    with LoopbackCarrier(faults={"slow": 1.0}, slow_seconds=0.02 if LONG else 0.06) as running:
        yield running


@pytest.fixture
def settings(postgres: str, slow_carrier: LoopbackCarrier) -> Config:
    return a_config(
        fresh_postgresql(postgres),
        routes=("africastalking",),
        drafts_allowed_by="the tests",
        sender_threads=THREADS,
        africastalking={
            "username": "laseli",
            "api_key": "key",
            "base_url": slow_carrier.base_url,
            "sender": "99000",
            "hook_secrets": (HOOK_SECRET,),
        },
    )


@pytest.fixture
def runtime(settings: Config) -> Iterator[Runtime]:
    built = build_runtime(settings, at=SystemClock())
    yield built
    built.database.close()


@dataclass
class Outside:
    """The world: it writes to both webs, and tells both what became of messages, some of it twice or in disorder."""

    webs: list[str]
    carrier: LoopbackCarrier
    dice: random.Random
    events: Counter[int] = field(default_factory=Counter)  # HTTP status of what was posted
    told: set[tuple[str, str]] = field(default_factory=set)
    arrived: set[str] = field(default_factory=set)  # as the webs were told
    over: threading.Event = field(default_factory=threading.Event)

    def write_stops(self) -> None:
        """Every STOP reaches both webs, at once: one effect."""
        with ThreadPoolExecutor(2) as both:
            for number in range(STOPS):
                form = {
                    "date": "x",
                    "from": f"+2237100{number:04d}",
                    "id": f"in-{number}",
                    "text": "ARRET",
                    "to": "99000",
                }
                statuses = both.map(lambda web, form=form: self._insist(web, form), self.webs)
                self.events.update(statuses)

    def _insist(self, web: str, form: dict[str, str]) -> int:
        """A carrier repeats until it hears 2xx."""
        for _ in range(40):
            try:
                status = requests.post(f"{web}/hooks/africastalking/sms-in/{HOOK_SECRET}", form, timeout=10).status_code
            except requests.RequestException:
                status = 0
            if status == 200:
                return status
            time.sleep(0.25)
        return status

    def tell_receipts(self) -> None:
        """Receipts follow the messages until it is over and all have been told."""
        seen = 0
        with ThreadPoolExecutor(16) as tellers:
            while not (self.over.is_set() and seen == len(self.carrier.accepted)):
                batch = self.carrier.accepted[seen : seen + 100]
                seen += len(batch)
                list(tellers.map(self._tell_about, [sms for sms in batch if self.dice.random() < COVERAGE]))
                time.sleep(0 if batch else 0.05)

    def _tell_about(self, sms: Accepted) -> None:
        statuses = ["Success", *["Sent", "Success"][: self.dice.choice((0, 0, 1, 2))]]
        for status in self.dice.sample(statuses, len(statuses)):
            self.told.add((sms.id, status))
            assert self._told(sms, status), "no web takes the receipt"
        self.arrived.add(what(sms))

    def _told(self, sms: Accepted, status: str) -> bool:
        for _ in range(40):
            plan = Receipts(product_url=self.dice.choice(self.webs), at_path=RECEIPT)
            if self.carrier.tell(sms, status, plan=plan) == 200:
                return True
            time.sleep(0.25)
        return False


def test_two_workers_and_two_webs_share_the_work_and_the_sum_is_exact(
    runtime: Runtime,
    settings: Config,
    slow_carrier: LoopbackCarrier,
    tmp_path: Path,
    dice: random.Random,
    figures: Figures,
) -> None:
    began = time.monotonic()
    with Machines(tmp_path) as machines:
        ports = [closed_port(), closed_port()]
        webs = [machines.web(settings, port) for port in ports]
        workers = [machines.worker(settings), machines.worker(settings)]
        outside = Outside([f"http://127.0.0.1:{port}" for port in ports], slow_carrier, dice_for("outside"))
        with ThreadPoolExecutor(3) as world:
            posted = [world.submit(outside.write_stops), world.submit(outside.tell_receipts)]
            queued = world.submit(queue_all, runtime)
            try:
                workers[0] = kill_again_and_again(machines, settings, workers[0], dice)
                queued.result(300)
                sent_in = everything_leaves(runtime) - began
                posted[0].result(60)
            finally:
                outside.over.set()
            posted[1].result(900)
        wait_until(lambda: not untold(runtime, outside), 60, "the receipts that were told are applied", every=0.5)
        assert outside.events == {200: 2 * STOPS}
        assert [one.end() for one in workers] == [0, 0]
        assert all(one.alive for one in webs)
    check_the_sum(runtime, slow_carrier, outside, figures, sent_in)


def everything_leaves(runtime: Runtime) -> float:
    """Gives the moment when all had been called once; what nobody knows about then is sent once more, if it may be."""
    wait_until(lambda: left(runtime, "queued") == 0, 1500, "everything was called", every=0.2)
    done = time.monotonic()
    time.sleep(3)  # what living workers have in the air comes down
    leases_end(runtime)
    wait_until(lambda: left(runtime, "sending") == 0, 90, "what the dead had is unknown", every=0.2)
    seven_hours_pass(runtime)
    time.sleep(11)  # "settle what waits" comes every ten seconds
    wait_until(lambda: left(runtime, "queued", "sending") == 0, 60, "that is sent once more", every=0.2)
    return done


def queue_all(runtime: Runtime) -> None:
    for first in range(0, MESSAGES, PAGE):
        now = runtime.now()
        letters = [
            Letter(
                to=f"+223700{number:05d}",
                text=f"m-{number}",
                key=f"m-{number}",
                purpose="reminder",
                klass="once" if number % 2 else "must-arrive",
                not_before=now,
                useful_until=now + 48 * HOUR,
                hours="any",
            )
            for number in range(first, first + PAGE)
        ]
        with runtime.database.begin() as tx:
            assert len(put_many(tx, now, letters)) == PAGE


def kill_again_and_again(machines: Machines, settings: Config, worker: Process, dice: random.Random) -> Process:
    """SIGKILL, in the middle of its work, and start another in its place."""
    for _ in range(KILLS):
        wait_until(lambda worker=worker: '"messages_sent"' in worker.said(), 60, "the worker sends")
        time.sleep(dice.uniform(0.05, 15.0 if LONG else 1.0))
        worker.kill()
        worker = machines.worker(settings)
    return worker


def left(runtime: Runtime, *states: str) -> int:
    with runtime.database.read() as tx:
        return int(tx.execute(select(func.count()).where(message.c.state.in_(states))).scalar_one())


def leases_end(runtime: Runtime) -> None:
    """As if a minute passed on the database's clock; the long form lives through it."""
    if not LONG:
        with runtime.database.begin() as tx:
            held = message.c.state == "sending"
            tx.execute(update(message).where(held).values(lease_until=message.c.lease_until - 61_000))


def seven_hours_pass(runtime: Runtime) -> None:
    """For what nobody knows about: a must-arrive message is sent once more."""
    with runtime.database.begin() as tx:
        unknown = message.c.state == "unknown"
        tx.execute(update(message).where(unknown).values(state_at=message.c.state_at - 7 * HOUR))


def what(sms: Accepted) -> str:
    """Which message it was: the key of ours, or the number of the one answer to a STOP."""
    return sms.text if sms.text.startswith("m-") else sms.to


def untold(runtime: Runtime, outside: Outside) -> set[str]:
    """What arrived, as the webs were told, though the database does not say so."""
    key = case((message.c.purpose == "reply", None), else_=message.c.key)
    rows = select(key, phone.c.number).join(phone, phone.c.id == message.c.phone_id)
    with runtime.database.read() as tx:
        delivered = list(tx.execute(rows.where(message.c.state == "delivered")))
    return outside.arrived - {key or number for key, number in delivered}


def check_the_sum(
    runtime: Runtime, carrier: LoopbackCarrier, outside: Outside, figures: Figures, seconds: float
) -> None:
    sent = Counter(map(what, carrier.accepted))
    with runtime.database.read() as tx:
        rows = list(tx.execute(select(message.c.key, message.c.state, message.c.klass, message.c.purpose)))
        events = Counter(tx.execute(select(inbound_event.c.kind)).scalars())
        stopped = tx.execute(select(func.count()).select_from(opt_out)).scalar_one()
        counted_delivered = tx.execute(select(func.sum(route_sample.c.delivered))).scalar_one()
        standing, counted = jobs.count_jobs(tx), system_tables.counters(tx)
    ours = [row for row in rows if row.purpose == "reminder"]
    replies = [row for row in rows if row.purpose == "reply"]
    states = Counter(f"{row.klass} {row.state}" for row in ours)
    once = {row.key: row.state for row in ours if row.klass == "once"}
    must = {row.key: row.state for row in ours if row.klass == "must-arrive"}
    known = {"accepted", "delivered", "unknown"}
    lost = [key for key, state in (once | must).items() if not sent[key] and state not in ("unknown", "unresolved")]
    doubled = [key for key in must if sent[key] > 1]
    twice = [key for key in once if sent[key] > 1]
    unknown = sum(state == "unknown" for state in (once | must).values())
    figures.note(
        "F8",
        f"{MESSAGES} messages, {STOPS} STOPs and their receipts by two workers and two webs, {KILLS} kills of a worker",
        "PostgreSQL",
        f"lost 0, once doubled 0, must-arrive at most {KILLS * THREADS}; each event once",
        {
            "lost": len(lost),
            "once doubled": len(twice),
            "must-arrive doubled": len(doubled),
            "unknown": unknown,
            "receipts": len(outside.told),
            "seconds": seconds,
        },
    )
    print(f"states {dict(states)}; jobs {standing} {counted}")
    assert len(ours) == MESSAGES
    assert {row.state for row in rows} <= known
    assert lost == []
    assert twice == []
    assert len(doubled) <= KILLS * THREADS
    assert max(sent.values()) <= 2
    assert unknown <= KILLS * THREADS
    # In: each event once, and its one answer.
    assert events["sms"] == stopped == len(replies) == STOPS
    assert counted_delivered == sum(row.state == "delivered" for row in rows), "a receipt that was repeated counts once"
    assert sum(count for to, count in sent.items() if not to.startswith("m-")) <= STOPS
    assert standing["failed"] == 0
