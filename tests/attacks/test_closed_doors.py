"""Strangers on the Internet who know no secret, and callers who know none but their own phone."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import requests
from pydantic import SecretStr
from sqlalchemy import func, select

from service.app import create_app
from service.runtime import Runtime
from service.store.columns import metadata
from service.store.conversation_tables import conversation
from service.store.message_tables import message
from service.store.people_tables import child
from service.store.phone_tables import opt_out
from tests.conftest import HOOK_SECRET, fresh_sqlite
from tests.people import Handset
from tests.stories.test_enrolment import enrol_awa

STEP = {"sessionId": "s", "phoneNumber": "+22370000001", "networkCode": "1", "serviceCode": "x", "text": ""}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def sizes(runtime: Runtime) -> dict[str, int]:
    with runtime.database.read() as tx:
        return {
            table.name: tx.execute(select(func.count()).select_from(table)).scalar_one()
            for table in metadata.sorted_tables
        }


def rows(runtime: Runtime, table: Any) -> int:
    return sizes(runtime)[table.name]


def test_who_knows_no_secret_leaves_no_row(product: str, runtime: Runtime) -> None:
    before = sizes(runtime)
    paths = [
        *(
            f"/hooks/africastalking/{event}/{'x' * 41}"
            for event in ("ussd", "ussd-end", "sms-in", "receipt", "opt-out")
        ),
        f"/hooks/africastalking/ussd/{HOOK_SECRET}%00",
        f"/hooks/africastalking/ussd/{HOOK_SECRET}%2Fx",
        f"/hooks/twilio/sms-in/{HOOK_SECRET}",
        f"/hooks/simulator/ussd/{HOOK_SECRET}",
        "/hooks/twilio/sms",
        "/hooks/twilio/status?m=1",
        "/demo/x/clock",
        "/demo/x/dose",
    ]
    for path in paths:
        for body in (STEP, b"\xff\xfe", b"a=%ED%A0%BD", b"=&=&==" * 100):
            for headers in (
                FORM,
                {"Content-Type": "multipart/form-data; boundary=x"},
                {"X-HTTP-Method-Override": "PUT"},
            ):
                assert requests.post(product + path, data=body, headers=headers, timeout=5).status_code in (
                    403,
                    404,
                    413,
                )
    assert sizes(runtime) == before


@pytest.mark.parametrize(
    "typed", ["%00", "%ED%A0%BD%ED%B8%80", "%FF", "%C0%80", "%F4%90%80%80", "%E2%80%AE", "%0D%0AX: y"]
)
def test_odd_octets_in_a_keystroke_never_end_in_a_bug(product: str, runtime: Runtime, typed: str) -> None:
    address = f"{product}/hooks/africastalking/ussd/{HOOK_SECRET}"
    fixed = "sessionId=s&phoneNumber=%2B22370000001&networkCode=1&serviceCode=x&text="
    assert requests.post(address, data=fixed, headers=FORM, timeout=5).status_code == 200
    answer = requests.post(address, data=fixed + typed, headers=FORM, timeout=5)
    assert answer.status_code in (200, 400)
    assert answer.headers.get("X") is None


def test_fields_in_the_query_string_are_no_fields(product: str, runtime: Runtime) -> None:
    address = f"{product}/hooks/africastalking/ussd/{HOOK_SECRET}"
    assert requests.post(address, params=STEP, timeout=5).status_code == 400
    assert requests.post(address, params=STEP | {"text": "1"}, data=STEP, timeout=5).text.startswith("CON Langue")
    assert rows(runtime, conversation) == 1


def test_the_demos_buttons_do_not_exist_on_a_database_of_real_people(runtime: Runtime) -> None:
    secret = "s" * 40
    with_secret = runtime.config.model_copy(update={"demo_secret": SecretStr(secret)})
    object.__setattr__(runtime, "config", with_secret)
    client = create_app(runtime).test_client()
    assert client.get(f"/demo/{secret}/state").status_code == 404
    assert client.post(f"/demo/{secret}/clock", data={"days": "1"}).status_code == 404


def test_with_a_token_set_the_figures_need_it_also_behind_a_proxy_that_names_nobody(runtime: Runtime) -> None:
    """A proxy without X-Forwarded-For makes the whole Internet look like this machine."""
    object.__setattr__(runtime, "config", runtime.config.model_copy(update={"metrics_token": SecretStr("t" * 32)}))
    client = create_app(runtime).test_client()
    assert client.get("/metrics", headers={"Authorization": "Bearer " + "t" * 32}).status_code == 200
    for header in (
        {},
        {"X-Forwarded-For": "127.0.0.1"},
        {"Authorization": "Bearer "},
        {"Authorization": "Bearer \xe9"},
    ):
        assert client.get("/metrics", headers=header).status_code == 404


def test_a_code_on_a_leaflet_cannot_make_its_readers_leave(handset: Handset, runtime: Runtime) -> None:
    """'Dial *384*223*4*1# and win': a dialled path may lead to a question, never through the answer that acts."""
    enrol_awa(handset)
    handset.dial()
    handset.session, handset.typed = "leaflet-1", "5*1*1"
    screen = handset.send_step()
    assert rows(runtime, opt_out) == 0, screen
    handset.session, handset.typed = "leaflet-2", "1*4*4"
    handset.send_step()
    handset.session, handset.typed = "leaflet-3", "1*4*4*1"
    screen = handset.send_step()
    with runtime.database.read() as tx:
        assert tx.execute(select(child.c.status)).scalar_one() == "followed", screen


def test_a_foreign_number_draws_no_paid_answers(product: str, runtime: Runtime) -> None:
    """SMS pumping: whoever earns on answers to his own numbers writes to us from thousands of them."""
    for number in range(20):
        sms = {"date": "x", "from": f"+88216{number:08d}", "id": str(number), "text": "STOP", "to": "99000"}
        sms_uk = sms | {"from": f"+4479111234{number:02d}", "id": f"uk{number}"}
        for form in (sms, sms_uk):
            address = f"{product}/hooks/africastalking/sms-in/{HOOK_SECRET}"
            assert requests.post(address, data=form, timeout=5).status_code == 200
    assert rows(runtime, message) == 0


def test_a_phone_sees_only_its_own_children(handset: Handset, product: str, runtime: Runtime) -> None:
    enrol_awa(handset)
    handset.dial()
    handset.choose("Mon enfant")
    mine = handset.choose("Prochain rendez-vous")
    assert "ASACODAR" in mine
    other = Handset(product, handset.carrier, "+22360000002", HOOK_SECRET)
    other.session, other.typed = handset.session, handset.typed
    for typed in ("", "1", "1*2", "1*1*2", handset.typed, handset.typed + "*1"):
        other.typed = typed
        assert "ASACODAR" not in other.send_step()
        assert "10/2026" not in other.screen
    assert handset.send_step() == mine


def test_a_name_is_only_a_name(handset: Handset) -> None:
    handset.dial()
    handset.choose("Français")
    handset.choose("Mon enfant")
    handset.choose("Inscrire un enfant")
    handset.choose("Oui")
    handset.press("{code}{nom} %s {0}", "12102026", "1")
    handset.choose("Darsalam")
    screen = handset.press("1")
    assert "{code}{nom} %s {0}" in screen


@pytest.fixture
def granian(sqlite_template: Path, tmp_path: Path) -> Iterator[int]:
    """The product's own server, as `laseli serve` runs it, with Twilio set up; gives its port."""
    with closing(socket.create_server(("127.0.0.1", 0))) as probe:
        port = probe.getsockname()[1]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LASELI_")} | {
        "LASELI_DATABASE_URL": fresh_sqlite(sqlite_template, tmp_path),
        "LASELI_KEYS__IDENTITY": "1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
        "LASELI_KEYS__INDEX": "Hx4dHBsaGRgXFhUUExIREA8ODQwLCgkIBwYFBAMCAQA=",
        "LASELI_PUBLIC_URL": "https://alertes.example.org",
        "LASELI_TWILIO__ACCOUNT_SID": "AC" + "0" * 32,
        "LASELI_TWILIO__AUTH_TOKEN": "test-token-not-a-secret",
        "LASELI_TWILIO__SENDER": "+15005550006",
        "LASELI_PORT": str(port),
    }
    server = subprocess.Popen([sys.executable, "-m", "scheduler", "serve"], env=environment, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                assert time.monotonic() < deadline
                time.sleep(0.1)
        yield port
    finally:
        server.terminate()
        server.wait(10)


def test_a_stranger_with_eight_idle_sockets_does_not_silence_the_service(granian: int) -> None:
    """A body that never comes, to an address that needs no secret, must not take every web thread."""
    head = b"POST /hooks/twilio/sms HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\nX-Twilio-Signature: aaaa\r\n"
    head += b"Content-Type: application/x-www-form-urlencoded\r\n\r\na"
    sockets = [socket.create_connection(("127.0.0.1", granian)) for _ in range(8)]
    try:
        for one in sockets:
            one.sendall(head)
        time.sleep(0.5)
        assert requests.get(f"http://127.0.0.1:{granian}/healthz", timeout=3).status_code == 200
    finally:
        for one in sockets:
            one.close()
