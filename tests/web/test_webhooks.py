"""What reaches us from carriers, well made or not: a clear status, no effect of the wrong, no trace in the logs."""

from __future__ import annotations

import json
import threading
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy import func, select

from service import logs
from service.runtime import Runtime
from service.store.conversation_tables import conversation
from service.store.inbound_tables import inbound_event
from service.store.message_tables import message
from service.store.people_tables import child
from service.store.phone_tables import opt_out, phone
from service.store.system_tables import counters
from service.stories.delivery import dispatcher
from tests.conftest import HOOK_SECRET
from tests.people import Handset
from tests.stories.test_enrolment import enrol_awa

CALLBACKS = Path(__file__).resolve().parent.parent / "contracts" / "data" / "callbacks"
STEP = {
    "sessionId": "ATUid_1",
    "phoneNumber": "+22370000001",
    "networkCode": "61001",
    "serviceCode": "*384*223#",
    "text": "",
}


def post(product: str, event: str, body: Any, secret: str = HOOK_SECRET, **options: Any) -> requests.Response:
    address = f"{product}/hooks/africastalking/{event}/{secret}"
    return requests.post(address, data=body, timeout=10, **options)


def rows(runtime: Runtime, table: Any) -> int:
    with runtime.database.read() as tx:
        return tx.execute(select(func.count()).select_from(table)).scalar_one()


def nothing_written(runtime: Runtime) -> bool:
    return not any(rows(runtime, table) for table in (conversation, inbound_event, message, phone, opt_out))


@pytest.mark.parametrize("secret", ["", "wrong", HOOK_SECRET[:-1], HOOK_SECRET + "x", "%00"])
def test_a_wrong_secret_finds_nothing_here(product: str, runtime: Runtime, secret: str) -> None:
    for event in ("ussd", "ussd-end", "sms-in", "receipt", "opt-out"):
        assert post(product, event, STEP, secret=secret).status_code == 404
    assert nothing_written(runtime)


def test_an_unknown_carrier_looks_the_same_as_a_wrong_secret(product: str) -> None:
    known = requests.post(f"{product}/hooks/africastalking/ussd/wrong", data=STEP, timeout=5)
    unknown = requests.post(f"{product}/hooks/orange/ussd/{HOOK_SECRET}", data=STEP, timeout=5)
    assert (known.status_code, known.text) == (unknown.status_code, unknown.text)


@pytest.mark.parametrize("missing", ["sessionId", "phoneNumber", "text"])
def test_a_step_without_a_field_is_refused_by_name(product: str, runtime: Runtime, missing: str) -> None:
    answer = post(product, "ussd", {name: value for name, value in STEP.items() if name != missing})
    assert answer.status_code == 400
    assert missing in answer.text
    assert nothing_written(runtime)


def test_a_repeated_field_is_refused(product: str, runtime: Runtime) -> None:
    answer = post(product, "ussd", [*STEP.items(), ("phoneNumber", "+22360000002")])
    assert answer.status_code == 400
    assert "22360000002" not in answer.text
    assert nothing_written(runtime)


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"", {}, 400),
        (b"{}", {"Content-Type": "application/json"}, 400),
        (b"text=caf\xe9&sessionId=1&phoneNumber=%2B22370000001&serviceCode=x&networkCode=1", None, 400),
        (b"a=1&" * 60 + b"b=2", None, 413),
        (b"text=" + b"x" * 20_000, None, 413),
        (b"sessionId=1&phoneNumber=%2B22370000001&serviceCode=x&networkCode=1&text=%00", None, 400),
        (b"sessionId=1&phoneNumber=Orange&serviceCode=x&networkCode=1&text=", None, 400),
        (b"sessionId=" + b"9" * 500 + b"&phoneNumber=%2B22370000001&serviceCode=x&networkCode=1&text=", None, 400),
    ],
)
def test_odd_bodies_get_a_clear_status(
    product: str, runtime: Runtime, body: bytes, headers: dict[str, str] | None, status: int
) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    for event in ("ussd",) if b"phoneNumber" in body else ("ussd", "sms-in", "receipt", "opt-out"):
        answer = post(product, event, body, headers=form if headers is None else headers)
        assert answer.status_code == status, (event, answer.text)
    assert nothing_written(runtime)


def test_other_methods_are_not_allowed(product: str) -> None:
    address = f"{product}/hooks/africastalking/ussd/{HOOK_SECRET}"
    assert requests.get(address, timeout=5).status_code == 405


def test_a_plus_that_got_lost_is_the_same_phone(product: str, runtime: Runtime) -> None:
    for session, number in enumerate(("+22370000001", " 22370000001", "22370000001", "0022370000001")):
        assert post(product, "ussd", STEP | {"sessionId": str(session), "phoneNumber": number}).status_code == 200
        post(product, "ussd", STEP | {"sessionId": str(session), "phoneNumber": number, "text": "1"})
    assert rows(runtime, phone) == 1


def test_the_same_step_twice_gets_the_same_screen_and_one_child(handset: Handset, runtime: Runtime) -> None:
    last = enrol_awa(handset)
    assert handset.send_step() == last
    assert handset.send_step() == last
    assert rows(runtime, child) == 1


def test_the_same_step_twice_at_once_has_one_effect(handset: Handset, runtime: Runtime) -> None:
    handset.dial()
    handset.choose("Français")
    handset.choose("Mon enfant")
    handset.choose("Inscrire un enfant")
    handset.choose("Oui")
    handset.press("Awa", "12102026", "1")
    handset.choose("Darsalam")
    handset.press("1")
    handset.typed += "*1"
    fields = handset.step_fields()
    answers: list[str] = []

    def press() -> None:
        answers.append(handset.post("ussd", fields).text)

    threads = [threading.Thread(target=press) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(answers)) == 1, answers
    assert answers[0].startswith("CON Code")
    assert rows(runtime, child) == 1


def test_the_first_step_twice_at_once_is_one_conversation(product: str, runtime: Runtime) -> None:
    answers: list[str] = []
    threads = [threading.Thread(target=lambda: answers.append(post(product, "ussd", STEP).text)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(answers)) == 1
    assert rows(runtime, conversation) == 1


def test_an_older_step_gets_the_screen_it_got_then(handset: Handset) -> None:
    handset.dial()
    second = handset.choose("Français")
    handset.choose("Mon enfant")
    third = handset.choose("Inscrire un enfant")
    newest = handset.typed
    handset.typed = "1"
    assert handset.send_step() == second
    handset.typed = newest
    assert handset.send_step() == third
    assert handset.choose("Oui") != third


def test_another_phone_on_the_session_gets_its_own_conversation(handset: Handset, runtime: Runtime) -> None:
    handset.dial()
    handset.choose("Français")
    handset.choose("Mon enfant")
    mine = handset.choose("Inscrire un enfant")
    theirs = handset.post("ussd", handset.step_fields() | {"phoneNumber": "+22360000002", "text": ""})
    assert theirs.text.startswith("CON Langue")
    assert handset.send_step() == mine
    with runtime.database.read() as tx:
        assert counters(tx)["ussd_other_phone_in_session"] == 1


def test_a_session_id_given_out_again_the_next_day_starts_afresh(handset: Handset, clock: Any) -> None:
    handset.dial()
    handset.choose("Français")
    session = handset.session
    clock.advance(days=1)
    handset.typed = ""
    assert handset.session == session
    assert "Mon enfant" in handset.send_step()


def test_a_star_in_an_answer_is_part_of_it(handset: Handset) -> None:
    handset.dial()
    handset.choose("Français")
    handset.choose("Mon enfant")
    handset.choose("Inscrire un enfant")
    handset.choose("Oui")
    handset.press("Awa")
    asked = handset.screen
    handset.press("12*05")
    assert handset.open
    assert asked.split()[0] in handset.screen, "asked again, with an example"


def test_anything_typed_anywhere_is_answered(handset: Handset) -> None:
    for nonsense in ("", " ", "*", "9999", "bonjour", "😀", "ɛ", "1" * 150, "#", "31022026"):
        handset.dial()
        for _ in range(6):
            if not handset.open:
                break
            handset.press(nonsense)
            assert len(handset.screen) <= 160


def test_a_dialled_path_leads_into_the_menu_but_never_through_a_form(handset: Handset, runtime: Runtime) -> None:
    handset.dial()
    handset.choose("Français")
    handset.dial()
    handset.session, handset.typed = "ATUid_path", "1*1"
    assert "accord" in handset.send_step()
    handset.session, handset.typed = "ATUid_long_path", "1*1*1*Awa*12102026*1*7*1*1"
    assert "Mon enfant" in handset.send_step(), "a whole form typed at once is not filled blindly"
    assert rows(runtime, child) == 0


def test_an_sms_counts_once_however_often_it_comes(product: str, runtime: Runtime) -> None:
    fields = {"date": "2026-11-20", "from": "+22370000001", "id": "1", "linkId": "", "text": "ARRET", "to": "99000"}
    for _ in range(5):
        assert post(product, "sms-in", fields).status_code == 200
    assert rows(runtime, inbound_event) == 1
    assert rows(runtime, message) == 1  # the one answer


def test_a_machine_is_never_answered(product: str, runtime: Runtime) -> None:
    for number, sender in enumerate(("OrangeMoney", "36011", "anonymous")):
        fields = {"date": "x", "from": sender, "id": str(number), "text": "STOP", "to": "99000"}
        assert post(product, "sms-in", fields).status_code == 200
    assert rows(runtime, message) == 0


def test_two_robots_stop_talking_after_three_answers(product: str, runtime: Runtime) -> None:
    for number in range(8):
        fields = {"date": "x", "from": "+22370000001", "id": str(number), "text": "STOP", "to": "99000"}
        post(product, "sms-in", fields)
    assert rows(runtime, message) == 3
    with runtime.database.read() as tx:
        assert counters(tx)["replies_held_back"] == 5


def test_a_carriers_opt_out_is_applied_and_may_be_repeated(product: str, runtime: Runtime) -> None:
    for _ in range(3):
        answer = post(product, "opt-out", {"senderId": "SANTE", "phoneNumber": "+22370000001"})
        assert answer.status_code == 200
    assert rows(runtime, opt_out) == 1
    assert rows(runtime, message) == 0


def test_an_undocumented_receipt_status_changes_nothing_and_is_thanked(product: str, runtime: Runtime) -> None:
    fields = {"id": "ATXid_1", "status": "Parked", "phoneNumber": "+22370000001", "networkCode": "99999"}
    assert post(product, "receipt", fields).status_code == 200
    with runtime.database.read() as tx:
        assert counters(tx)["receipt_status_unknown"] == 1


def test_a_forged_twilio_request_is_refused(product: str, runtime: Runtime) -> None:
    for name in ("twilio-sms-in-forged", "twilio-sms-in-no-signature"):
        sample = json.loads((CALLBACKS / f"{name}.json").read_text("utf-8"))
        answer = requests.post(
            f"{product}/hooks/twilio/sms", data=sample["raw_body"].encode(), headers=sample["headers"], timeout=5
        )
        assert answer.status_code == 403
    assert nothing_written(runtime)


def test_a_signed_arret_by_twilio_is_obeyed(product: str, runtime: Runtime) -> None:
    sample = json.loads((CALLBACKS / "twilio-sms-in-arret.json").read_text("utf-8"))
    for _ in range(2):
        answer = requests.post(
            f"{product}/hooks/twilio/sms", data=sample["raw_body"].encode(), headers=sample["headers"], timeout=5
        )
        assert answer.status_code == 200
        assert answer.headers["Content-Type"].startswith("text/xml")
    assert rows(runtime, opt_out) == 1
    assert rows(runtime, inbound_event) == 1


def test_when_the_database_is_gone_the_carrier_is_told_to_come_again(
    product: str, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sqlalchemy.exc import OperationalError

    def gone(*_: object) -> None:
        raise OperationalError("SELECT", {}, Exception("disk full"))

    monkeypatch.setattr("service.stories.talk.incoming.take_sms", gone)
    fields = {"date": "x", "from": "+22370000001", "id": "1", "text": "ARRET", "to": "99000"}
    answer = post(product, "sms-in", fields)
    assert answer.status_code == 503
    assert "Retry-After" in answer.headers


def test_no_name_number_text_or_secret_reaches_the_logs(
    handset: Handset, runtime: Runtime, log_lines: StringIO
) -> None:
    enrol_awa(handset)
    handset.write("ARRET Zanzibar")
    handset.post("ussd", {"phoneNumber": handset.number})
    handset.post("receipt", {"id": "x", "status": "Success", "phoneNumber": handset.number})
    dispatcher.send_due(runtime)
    logs.log.error("left_over", number="+223 70 00 00 01", path=f"/hooks/africastalking/ussd/{HOOK_SECRET}")
    lines = log_lines.getvalue().splitlines()
    assert lines
    for line in lines:
        json.loads(line)
        for canary in ("70000001", "70 00 00 01", "Awa", "Diarra", "Zanzibar", HOOK_SECRET, "at-key"):
            assert canary not in line, line
