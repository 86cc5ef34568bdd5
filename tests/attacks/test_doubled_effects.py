"""Many requests at the same instant, on both databases: each effect happens once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import requests
from sqlalchemy import func, select

from service.runtime import Runtime
from service.store.message_tables import message
from service.store.people_tables import child, household
from service.store.phone_tables import opt_out
from service.store.system_tables import counters
from service.stories.delivery import dispatcher, receipts
from tests.conftest import HOOK_SECRET
from tests.loopback import LoopbackCarrier
from tests.people import Handset, TestClock
from tests.stories.test_enrolment import enrol_awa


def at_once(calls: list[Callable[[], Any]]) -> list[Any]:
    """Start every call at the same moment; gives their results."""
    gate, results = threading.Barrier(len(calls)), []

    def run(call: Callable[[], Any]) -> None:
        gate.wait()
        results.append(call())

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def rows(runtime: Runtime, table: Any) -> int:
    with runtime.database.read() as tx:
        return tx.execute(select(func.count()).select_from(table)).scalar_one()


def post(product: str, event: str, fields: dict[str, str]) -> requests.Response:
    return requests.post(f"{product}/hooks/africastalking/{event}/{HOOK_SECRET}", data=fields, timeout=20)


def almost_enrolled(phone: Handset) -> Handset:
    """From the first screen as far as the last question, whose answer is typed and not yet sent."""
    phone.choose("Français")
    phone.choose("Mon enfant")
    phone.choose("Inscrire un enfant")
    phone.choose("Oui")
    phone.press("Awa", "12102026", "1")
    phone.choose("Darsalam")
    phone.press("1")
    phone.typed += "*1"
    return phone


def test_one_phone_that_confirms_in_two_sessions_at_once_has_one_household(
    product: str, carrier: LoopbackCarrier, runtime: Runtime
) -> None:
    """Two households on one phone are two messages a day."""
    phones = [Handset(product, carrier, "+22370000001", HOOK_SECRET) for _ in range(6)]
    for phone in phones:
        phone.dial()  # before any of them is in the middle of a form: a later call would go on with that one
    for phone in phones:
        almost_enrolled(phone)
    at_once([phone.send_step for phone in phones])
    assert rows(runtime, child) == 6
    assert rows(runtime, household) == 1


def test_a_robot_that_writes_ten_times_at_once_gets_three_answers(product: str, runtime: Runtime) -> None:
    sms = {"date": "x", "from": "+22370000001", "text": "STOP", "to": "99000"}
    post(product, "sms-in", sms | {"id": "first"})
    answers = at_once(
        [lambda number=number: post(product, "sms-in", sms | {"id": str(number)}) for number in range(10)]
    )
    assert {answer.status_code for answer in answers} == {200}
    assert rows(runtime, message) <= 3


def test_stop_and_start_at_once_end_in_one_of_the_two_and_no_error(
    product: str, handset: Handset, runtime: Runtime
) -> None:
    enrol_awa(handset)
    sms = {"date": "x", "from": handset.number, "to": "99000"}
    for turn in range(4):
        answers = at_once(
            [
                lambda word=word, key=f"{turn}{number}": post(product, "sms-in", sms | {"id": key, "text": word})
                for number, word in enumerate(("ARRET", "REPRENDRE") * 3)
            ]
        )
        assert {answer.status_code for answer in answers} == {200}
    assert rows(runtime, opt_out) <= 1


def test_a_receipt_sent_twenty_times_at_once_counts_once(
    product: str, handset: Handset, runtime: Runtime, carrier: LoopbackCarrier
) -> None:
    handset.write("ARRET")
    dispatcher.send_due(runtime)
    with runtime.database.read() as tx:
        carrier_id = tx.execute(select(message.c.carrier_id)).scalar_one()
    receipt = {"id": carrier_id, "status": "Success", "phoneNumber": handset.number}
    forged = receipt | {"phoneNumber": "+22360000002", "status": "Failed"}
    answers = at_once([lambda form=form: post(product, "receipt", form) for form in [forged, receipt] * 8])
    assert {answer.status_code for answer in answers} == {200}
    assert at_once([lambda: receipts.settle(runtime)] * 3) != [0, 0, 0]
    with runtime.database.read() as tx:
        assert tx.execute(select(message.c.state)).scalar_one() == "delivered"
        assert counters(tx)["receipt_unmatched"] == 8, "those for another number"


def test_a_stop_that_races_the_claim_is_honoured(
    product: str, handset: Handset, runtime: Runtime, carrier: LoopbackCarrier, clock: TestClock
) -> None:
    """Once the STOP is answered with 2xx, nothing about reminders is claimed."""
    from service.stories.delivery.outbox import Letter, put

    for turn in range(8):
        with runtime.database.begin() as tx:
            now = runtime.now()
            letter = Letter(handset.number, "x", f"k{turn}", "reminder", "once", now, now + 3_600_000, hours="any")
            put(tx, now, letter)
        at_once([lambda: handset.write("ARRET"), lambda: dispatcher.send_due(runtime)])
        with runtime.database.begin() as tx:
            now = runtime.now()
            put(
                tx,
                now,
                Letter(handset.number, "late", f"l{turn}", "reminder", "once", now, now + 3_600_000, hours="any"),
            )
        dispatcher.send_due(runtime)
        assert "late" not in handset.inbox
        handset.write("REPRENDRE")
        with runtime.database.begin() as tx:
            tx.execute(message.update().where(message.c.state == "queued").values(state="cancelled"))
        clock.advance(days=1)
