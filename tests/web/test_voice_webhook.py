"""What carriers post about calls, on real sockets: proof first, then what is played; and calls that come in."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
from sqlalchemy import func, select

from service.config import Config
from service.runtime import Runtime
from service.store.message_tables import message
from service.store.system_tables import counters
from service.stories.delivery import dispatcher, receipts
from service.stories.recall import recalls
from service.stories.talk import opt_outs
from tests.call_takers import HOME, OUR_NUMBER, Taker, TwilioTaker, names, post_signed
from tests.conftest import HOOK_SECRET, TWILIO_SID, TWILIO_TOKEN, a_config
from tests.loopback import Accepted, LoopbackCarrier
from tests.people import TestClock
from tests.stories.test_recalls import MOTHER, enrol
from tests.stories.test_voice import with_calls

STRANGER = "+22376000009"


@pytest.fixture
def settings(database_url: str, carrier: LoopbackCarrier) -> Config:
    return with_calls(database_url, carrier)


def twilio_settings(database_url: str, carrier: LoopbackCarrier) -> Config:
    account = {"account_sid": TWILIO_SID, "auth_token": TWILIO_TOKEN, "base_url": carrier.base_url}
    return a_config(
        database_url,
        routes=("twilio",),
        public_url=HOME,
        drafts_allowed_by="the tests",
        send_timeout=0.6,
        twilio=account | {"sender": "+15005550006"},
        twilio_voice={"number": OUR_NUMBER, "base_url": carrier.base_url},
        voice={"by": "twilio_voice"},
    )


def by_voice(runtime: Runtime, clock: TestClock) -> None:
    from service.store import phone_tables

    enrol(runtime, clock)
    with runtime.database.begin() as tx:
        phone = phone_tables.find_phone(tx, MOTHER)
        assert phone is not None
        phone_tables.set_by_voice(tx, phone.id, True)


def calls_back(runtime: Runtime) -> list[Any]:
    with runtime.database.read() as tx:
        return list(tx.execute(select(message).where(message.c.key.startswith("callback:"))))


def counted(runtime: Runtime, name: str) -> int:
    with runtime.database.read() as tx:
        return counters(tx).get(name, 0)


def rings_us(product: str, number: str, session: str = "ATVId_1", **changes: str) -> requests.Response:
    form = {
        "isActive": "1",
        "sessionId": session,
        "direction": "Inbound",
        "callerNumber": number,
        "destinationNumber": OUR_NUMBER,
        "callSessionState": "Ringing",
    }
    address = f"{product}/hooks/africastalking/voice/{HOOK_SECRET}"
    return requests.post(address, data=form | changes, timeout=10)


# -- proof


def test_without_the_secret_or_the_signature_nothing_is_played(product: str) -> None:
    assert requests.post(f"{product}/hooks/africastalking/voice/wrong", data={}, timeout=10).status_code == 404
    assert requests.post(f"{product}/hooks/twilio/voice", data={}, timeout=10).status_code == 404, "not set up"
    assert rings_us(product, MOTHER, isActive="maybe").status_code == 400


class TestTwilio:
    """The same road with real signatures."""

    @pytest.fixture
    def settings(self, database_url: str, carrier: LoopbackCarrier) -> Config:
        return twilio_settings(database_url, carrier)

    def test_a_signed_call_is_played_and_its_end_delivers_it(
        self, runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier, product: str
    ) -> None:
        by_voice(runtime, clock)
        recalls.queue_recalls(runtime)
        dispatcher.send_due(runtime)
        taker = TwilioTaker(product, carrier.accepted[-1])
        assert taker.take() == ["greeting", "recall_before", "keys"]
        assert taker.press("1") == ["recall_before", "keys"]
        assert taker.press("2") == ["called_back"]
        assert taker.end("completed", SequenceNumber="3") == 200
        assert taker.end("ringing") == 200, "out of order"
        receipts.settle(runtime)
        with runtime.database.read() as tx:
            assert tx.execute(select(message.c.state)).scalars().all() == ["delivered"]

    def test_a_wrong_signature_another_address_and_another_key_are_refused(
        self, runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier, product: str
    ) -> None:
        by_voice(runtime, clock)
        recalls.queue_recalls(runtime)
        dispatcher.send_due(runtime)
        taker = TwilioTaker(product, carrier.accepted[-1])
        taker.take()
        form = {"CallSid": taker.call.id, "AccountSid": TWILIO_SID, "From": OUR_NUMBER, "To": MOTHER}
        form |= {"CallStatus": "in-progress", "Direction": "outbound-api", "Digits": "9"}
        assert post_signed(product, taker.asks_at, form, token="another").status_code == 403
        path = taker.asks_at.removeprefix(HOME)
        assert requests.post(product + path, data=form, timeout=10).status_code == 403
        with runtime.database.read() as tx:
            phone = runtime.vault.index(MOTHER)
            from service.store.phone_tables import opted_out

            assert not opted_out(tx, phone, "reminder")

    def test_who_lets_it_ring_hears_busy_and_is_called_back(
        self, runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier, product: str
    ) -> None:
        by_voice(runtime, clock)
        form = {"CallSid": "CA" + "0" * 32, "AccountSid": TWILIO_SID, "From": MOTHER, "To": OUR_NUMBER}
        form |= {"CallStatus": "ringing", "Direction": "inbound", "CallerCountry": "ML"}
        answer = post_signed(product, f"{HOME}/hooks/twilio/voice", form)
        assert 'reason="busy"' in answer.text
        assert len(calls_back(runtime)) == 1


# -- recordings


def test_recordings_are_served_with_caching_and_nothing_else_is(product: str) -> None:
    answer = requests.get(f"{product}/recordings/greeting.fr.wav", timeout=10)
    assert (answer.status_code, answer.headers["Content-Type"], answer.content[:4]) == (200, "audio/wav", b"RIFF")
    assert "max-age" in answer.headers["Cache-Control"]
    again = requests.get(
        f"{product}/recordings/greeting.fr.wav", headers={"If-None-Match": answer.headers["ETag"]}, timeout=10
    )
    assert again.status_code == 304
    for name in ("recordings.yaml", "greeting.bm.wav", "..%2Fsms_text.py", "greeting.fr.wav.py", "%00.fr.wav"):
        assert requests.get(f"{product}/recordings/{name}", timeout=10).status_code == 404, name


# -- somebody lets our line ring


def test_a_known_phone_is_refused_as_busy_and_called_back_once_an_hour(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier, product: str
) -> None:
    enrol(runtime, clock)
    assert "<Reject/>" in rings_us(product, MOTHER).text
    for n in range(5):
        rings_us(product, MOTHER, f"ATVId_more{n}")
        rings_us(product, MOTHER)  # told once more
    assert len(calls_back(runtime)) == 1
    dispatcher.send_due(runtime)
    (call,) = carrier.accepted
    taker = Taker(product, call)
    assert taker.take() == ["greeting", "line", "keys"]
    assert taker.press("2") == ["called_back"]
    clock.advance(minutes=59)
    rings_us(product, MOTHER, "ATVId_soon")
    assert len(calls_back(runtime)) == 1
    clock.advance(minutes=2)
    rings_us(product, MOTHER, "ATVId_later")
    assert len(calls_back(runtime)) == 2


def test_two_calls_at_the_same_moment_are_called_back_once(runtime: Runtime, clock: TestClock, product: str) -> None:
    enrol(runtime, clock)
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda n: rings_us(product, MOTHER, f"ATVId_{n}").status_code, range(4)))
    assert answers == [200] * 4
    assert len(calls_back(runtime)) == 1


def test_so_many_times_a_day_and_no_more(runtime: Runtime, clock: TestClock, product: str) -> None:
    enrol(runtime, clock)
    for n in range(8):
        rings_us(product, MOTHER, f"ATVId_{n}")
        clock.advance(minutes=61)
    assert len(calls_back(runtime)) == runtime.config.voice.calls_back_a_day


@pytest.mark.parametrize("number", [STRANGER, "+33612345678", "+2348012345678", OUR_NUMBER, "anonymous", ""])
def test_strangers_foreign_numbers_and_our_own_are_not_called_back(runtime: Runtime, product: str, number: str) -> None:
    answer = rings_us(product, number)
    assert answer.status_code == 200
    assert "<Reject/>" in answer.text
    assert calls_back(runtime) == []


def test_who_stopped_everything_is_not_called_back(runtime: Runtime, clock: TestClock, product: str) -> None:
    enrol(runtime, clock)
    with runtime.database.begin() as tx:
        opt_outs.stop(tx, runtime, MOTHER, "sms", clock.now())
    rings_us(product, MOTHER)
    assert calls_back(runtime) == []
    assert counted(runtime, "missed_calls_refused") == 1


def test_a_call_back_that_nobody_takes_is_not_made_again(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier, product: str
) -> None:
    enrol(runtime, clock)
    rings_us(product, MOTHER)
    dispatcher.send_due(runtime)
    Taker(product, carrier.accepted[-1]).end("NO_ANSWER", 0)
    receipts.settle(runtime)
    clock.advance(hours=2)
    dispatcher.send_due(runtime)
    assert len(carrier.accepted) == 1


def test_a_late_call_back_is_not_made(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier, product: str
) -> None:
    enrol(runtime, clock)
    rings_us(product, MOTHER)
    clock.advance(minutes=16)
    dispatcher.send_due(runtime)
    assert carrier.accepted == []


def test_no_number_stands_in_what_is_logged_or_addressed(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier, product: str, log_lines: Any
) -> None:
    enrol(runtime, clock)
    rings_us(product, MOTHER)
    dispatcher.send_due(runtime)
    taker = Taker(product, carrier.accepted[-1])
    taker.take()
    assert "70000001" not in taker.asks_at
    taker.press("9")
    taker.end()
    receipts.settle(runtime)
    assert "70000001" not in log_lines.getvalue()


def test_the_end_of_somebody_elses_call_changes_nothing(runtime: Runtime, product: str) -> None:
    taker = Taker(product, Accepted(MOTHER, "99", OUR_NUMBER, "ATVId_nobody", "africastalking_voice"))
    assert taker.end() == 200
    receipts.settle(runtime)
    with runtime.database.read() as tx:
        assert tx.execute(select(func.count()).select_from(message)).scalar_one() == 0
    assert names([]) == []
