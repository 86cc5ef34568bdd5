"""The web process is away while people write, STOP among it; afterwards every text has had its effect once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from sqlalchemy import func, select

from service.config import Config
from service.runtime import Runtime
from service.store.inbound_tables import inbound_event
from service.store.message_tables import message
from service.store.phone_tables import opt_out
from service.store.system_tables import counters, read_mark
from service.stories.talk import incoming, missed_messages
from service.stories.talk.missed_messages import pull_missed
from tests.carrier_lists import Written
from tests.conftest import HOOK_SECRET, TWILIO_SID, TWILIO_TOKEN, a_config
from tests.loopback import LoopbackCarrier
from tests.people import TestClock

MOTHER, FATHER, AUNT = "+22370000001", "+22370000002", "+22370000003"


@pytest.fixture
def carrier(carrier: LoopbackCarrier, clock: TestClock) -> LoopbackCarrier:
    carrier.clock = lambda: clock.now() / 1000
    return carrier


@pytest.fixture
def settings(database_url: str, carrier: LoopbackCarrier) -> Config:
    at = {"username": "laseli", "api_key": "k", "base_url": carrier.base_url, "hook_secrets": (HOOK_SECRET,)}
    return a_config(database_url, routes=("africastalking",), drafts_allowed_by="the tests", africastalking=at)


@pytest.fixture
def listening(runtime: Runtime, carrier: LoopbackCarrier, clock: TestClock) -> Runtime:
    """A service that has read its inbox up to now."""
    assert pull_missed(runtime) == 0
    clock.advance(minutes=10)
    return runtime


def rows(runtime: Runtime, table: Any) -> int:
    with runtime.database.read() as tx:
        return int(tx.execute(select(func.count()).select_from(table)).scalar_one())


def replies(runtime: Runtime) -> int:
    return rows(runtime, message)


def by_webhook(product: str, one: Written, **changes: str) -> None:
    """What the carrier posts, once or again."""
    form = {"date": "2026-11-20 10:00:00", "from": one.sender, "id": str(one.id), "text": one.text, "to": one.to}
    answer = requests.post(f"{product}/hooks/africastalking/sms-in/{HOOK_SECRET}", data=form | changes, timeout=10)
    assert answer.status_code == 200


def test_every_text_counts_once_whichever_way_it_comes_first(
    listening: Runtime, clock: TestClock, carrier: LoopbackCarrier, product: str
) -> None:
    texts = [carrier.write(f"+2237000{n:04d}", "ARRET" if n % 3 == 0 else f"bonjour {n} ?") for n in range(40)]
    for one in texts[:15]:
        by_webhook(product, one)  # while the web was up
    clock.advance(minutes=2)
    assert pull_missed(listening) == 25
    for one in texts[10:30]:
        by_webhook(product, one)  # the carrier repeats what it was not thanked for
    clock.advance(minutes=10)
    assert pull_missed(listening) == 0
    assert rows(listening, inbound_event) == 40
    assert rows(listening, opt_out) == 14
    assert replies(listening) == 40
    with listening.database.read() as tx:
        assert counters(tx)["sms_pulled"] == 25


def test_a_stop_of_the_last_page_comes_before_the_first_question(
    listening: Runtime, clock: TestClock, carrier: LoopbackCarrier, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(150):
        carrier.write(f"+2237000{n:04d}", "bonjour ?")
    carrier.write("+22370000200", "ARRET")
    order: list[str] = []
    take = incoming.take_sms

    def noting(runtime: Runtime, sms: Any) -> None:
        order.append(sms.text)
        take(runtime, sms)

    monkeypatch.setattr(incoming, "take_sms", noting)
    assert pull_missed(listening) == 151
    assert order[0] == "ARRET"


@pytest.mark.parametrize(("words", "stopped"), [(("STOP", "REPRENDRE"), 0), (("REPRENDRE", "STOP"), 1)])
def test_her_last_word_counts(
    listening: Runtime, clock: TestClock, carrier: LoopbackCarrier, words: tuple[str, ...], stopped: int
) -> None:
    for word in words:
        carrier.write(MOTHER, word)
    pull_missed(listening)
    assert rows(listening, opt_out) == stopped


def test_what_was_in_the_inbox_before_the_first_time_is_none_of_ours(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier
) -> None:
    for _ in range(120):
        carrier.write(MOTHER, "ARRET")
    assert pull_missed(runtime) == 0
    clock.advance(minutes=10)
    carrier.write(FATHER, "ARRET")
    assert pull_missed(runtime) == 1
    assert rows(runtime, opt_out) == 1


def test_a_long_old_inbox_is_passed_over_in_several_goes(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.channels.africastalking_inbox.MOST_PAGES", 2)
    for _ in range(450):
        carrier.write(MOTHER, "ARRET")
    for _ in range(4):
        assert pull_missed(runtime) == 0
        clock.advance(minutes=10)
    carrier.write(FATHER, "ARRET")
    assert pull_missed(runtime) == 1


def test_a_carrier_with_other_ids_for_its_inbox_doubles_nothing(
    listening: Runtime, clock: TestClock, carrier: LoopbackCarrier, product: str
) -> None:
    """Africa's Talking does not say whether both ways give the same id."""
    texts = [carrier.write(MOTHER, word) for word in ("bonjour ?", "bonjour ?", "et demain ?")]
    by_webhook(product, texts[0], id="8c1e7f6a-0001")
    by_webhook(product, texts[2], id="8c1e7f6a-0003")
    clock.advance(minutes=5)
    assert pull_missed(listening) == 1, "the second greeting, which no webhook brought"
    clock.advance(minutes=10)
    assert pull_missed(listening) == 0


def test_the_same_words_twice_are_two_texts(
    listening: Runtime, clock: TestClock, carrier: LoopbackCarrier, product: str
) -> None:
    first, _ = carrier.write(MOTHER, "1"), carrier.write(MOTHER, "1")
    by_webhook(product, first)
    clock.advance(minutes=1)
    assert pull_missed(listening) == 1
    assert rows(listening, inbound_event) == 2


def test_of_yesterday_only_a_stop_is_obeyed(listening: Runtime, clock: TestClock, carrier: LoopbackCarrier) -> None:
    carrier.write(MOTHER, "bonjour ?")
    carrier.write(FATHER, "ARRET")
    clock.advance(hours=13)
    assert pull_missed(listening) == 1
    assert rows(listening, opt_out) == 1
    with listening.database.read() as tx:
        assert counters(tx)["sms_pulled_too_late"] == 1


@pytest.mark.parametrize("fault", ["500", "garbage", "401", "drop"])
def test_a_carrier_that_does_not_answer_is_asked_again_from_the_same_place(
    listening: Runtime, clock: TestClock, carrier: LoopbackCarrier, fault: str
) -> None:
    carrier.write(MOTHER, "ARRET")
    carrier.next_list(fault)
    assert pull_missed(listening) == 0
    clock.advance(minutes=10)
    assert pull_missed(listening) == 1


def test_when_the_database_goes_away_in_the_middle_nothing_is_passed_over(
    listening: Runtime, clock: TestClock, carrier: LoopbackCarrier, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sqlalchemy.exc import OperationalError

    for number in (MOTHER, FATHER, AUNT):
        carrier.write(number, "ARRET")
    take, left = incoming.take_sms, [2]

    def going(runtime: Runtime, sms: Any) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise OperationalError("INSERT", {}, Exception("gone"))
        take(runtime, sms)

    with monkeypatch.context() as broken:
        broken.setattr(incoming, "take_sms", going)
        with pytest.raises(OperationalError):
            pull_missed(listening)
    clock.advance(minutes=10)
    assert pull_missed(listening) == 1
    assert rows(listening, opt_out) == 3


def test_one_text_that_we_stumble_over_does_not_hold_back_the_others(
    listening: Runtime, clock: TestClock, carrier: LoopbackCarrier, monkeypatch: pytest.MonkeyPatch
) -> None:
    carrier.write(MOTHER, "ARRET")
    carrier.write(FATHER, "ARRET")
    take = incoming.take_sms

    def stumbling(runtime: Runtime, sms: Any) -> None:
        if sms.phone == MOTHER:
            raise RuntimeError("a bug")
        take(runtime, sms)

    monkeypatch.setattr(incoming, "take_sms", stumbling)
    pull_missed(listening)
    assert rows(listening, opt_out) == 1


def test_two_workers_that_start_together_ask_once(
    listening: Runtime, clock: TestClock, carrier: LoopbackCarrier
) -> None:
    carrier.requests.clear()
    pull_missed(listening)
    asked = len(carrier.requests)
    pull_missed(listening)
    assert len(carrier.requests) == asked
    clock.advance(seconds=15)
    pull_missed(listening)
    assert len(carrier.requests) > asked


def test_a_clock_that_went_back_does_not_keep_it_from_asking(
    listening: Runtime, clock: TestClock, carrier: LoopbackCarrier
) -> None:
    pull_missed(listening)
    clock.advance(days=-3)
    carrier.requests.clear()
    pull_missed(listening)
    assert carrier.requests


class TestTwilio:
    @pytest.fixture
    def settings(self, database_url: str, carrier: LoopbackCarrier) -> Config:
        twilio = {
            "account_sid": TWILIO_SID,
            "auth_token": TWILIO_TOKEN,
            "base_url": carrier.base_url,
            "sender": "+15005550006",
        }
        public = "https://alertes.example.org"
        return a_config(database_url, routes=("twilio",), public_url=public, drafts_allowed_by="me", twilio=twilio)

    def test_each_text_counts_once_though_every_pull_looks_back_an_hour(
        self, runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier
    ) -> None:
        carrier.write(MOTHER, "ARRET", to="+15005550006")
        clock.advance(hours=2)
        assert pull_missed(runtime) == 0
        for number in (FATHER, AUNT):
            clock.advance(minutes=10)
            carrier.write(number, "ARRET", to="+15005550006")
            assert pull_missed(runtime) == 1
        assert rows(runtime, opt_out) == 2


@pytest.fixture
def worker(runtime: Runtime, settings: Config, carrier: LoopbackCarrier) -> Iterator[subprocess.Popen[bytes]]:
    """A real worker process, on the clock of this machine."""
    carrier.clock = time.time
    now = time.time_ns() // 1_000_000
    with runtime.database.begin() as tx:
        missed_messages._keep(tx, "africastalking", missed_messages.Place("0", begun=True, at=now - 60_000))
    for word in ("ARRET", "bonjour ?"):
        carrier.write(MOTHER, word)
    assert settings.africastalking is not None
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LASELI_")} | {
        "LASELI_DATABASE_URL": settings.database_url,
        "LASELI_KEYS__IDENTITY": settings.keys.identity.get_secret_value(),
        "LASELI_KEYS__INDEX": settings.keys.index.get_secret_value(),
        "LASELI_AFRICASTALKING__USERNAME": "laseli",
        "LASELI_AFRICASTALKING__API_KEY": "k",
        "LASELI_AFRICASTALKING__BASE_URL": carrier.base_url,
        "LASELI_AFRICASTALKING__HOOK_SECRETS": HOOK_SECRET,
        "LASELI_LOG_LEVEL": "ERROR",
    }
    running = subprocess.Popen([sys.executable, "-m", "scheduler", "worker"], env=environment)
    yield running
    running.send_signal(signal.SIGTERM)
    running.wait(20)


def test_a_worker_asks_as_soon_as_it_starts(runtime: Runtime, worker: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    while rows(runtime, inbound_event) < 2 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert rows(runtime, opt_out) == 1
    assert rows(runtime, inbound_event) == 2
    with runtime.database.read() as tx:
        assert read_mark(tx, "inbox:africastalking") is not None
