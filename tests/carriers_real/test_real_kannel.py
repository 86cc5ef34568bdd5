"""A real Kannel from Debian, configured as docs/kannel.conf says, carries messages out, receipts and texts in."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

import pytest
from pydantic import SecretStr
from sqlalchemy import select
from werkzeug.serving import make_server

from flows.sms_text import BASIC, EXTENSION
from scheduler.timetable import one_round
from service.app import create_app
from service.channels.base import Channel, Outgoing
from service.channels.registry import build_channels
from service.config import Config
from service.domain.message_states import Accepted, NotSent, Refused
from service.runtime import Runtime
from service.store.inbound_tables import inbound_body
from service.store.phone_tables import opt_out
from service.stories.delivery import receipts
from tests.carriers_real.kannel_boxes import MISSING, PASSWORD, FakePhones, Kannel, free_ports
from tests.carriers_real.smpp_server import UCS_2, SmppServer, until
from tests.conftest import HOOK_SECRET, _Quiet, a_config, fresh_sqlite
from tests.people import TestClock
from tests.stories.test_dispatch import MOTHER, queue, row
from tests.web.test_webhooks import rows

pytestmark = pytest.mark.skipif(
    bool(MISSING), reason=f"no {', '.join(MISSING)} here: apt-get install kannel kannel-extras"
)
SHORT_CODE = "8888"
FOREIGN = {
    "Arabic": "التلقيح يوم 12/12 في المركز",
    "N'Ko": "ߒߞߏ ߞߊ߬ߙߊ߲",
    "Bambara": "I ka kɛnɛ wa? Ɲɔgɔn ŋ",
    "emoji": "Merci 😀",
}


@pytest.fixture(scope="module")
def port() -> int:
    """Where the product listens: Kannel's configuration names it, so it is one for all the tests here."""
    return free_ports(1)[0]


@pytest.fixture(scope="module")
def kannel(port: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kannel]:
    folder = tmp_path_factory.mktemp("kannel") / "boxes"
    with Kannel(folder, f"http://127.0.0.1:{port}", HOOK_SECRET) as boxes:
        yield boxes


@pytest.fixture(scope="module")
def operator() -> Iterator[SmppServer]:
    with SmppServer() as server:
        yield server


@pytest.fixture(scope="module")
def linked(port: int, operator: SmppServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kannel]:
    """Kannel on an SMPP link."""
    folder = tmp_path_factory.mktemp("kannel") / "boxes"
    with Kannel(folder, f"http://127.0.0.1:{port}", HOOK_SECRET, operator.port) as boxes:
        until(lambda: operator.is_bound)
        yield boxes


def told(runtime: Runtime) -> Any:
    """The message, with what its receipts have told so far: the worker applies them every second."""
    receipts.settle(runtime)
    return row(runtime)


def settings_for(database_url: str, boxes: Kannel, port: int) -> Config:
    return a_config(
        database_url,
        routes=("kannel",),
        drafts_allowed_by="the tests",
        kannel={
            "username": "laseli",
            "password": PASSWORD,
            "base_url": boxes.address,
            "sender": SHORT_CODE,
            "hook_secrets": (HOOK_SECRET,),
            "callback_url": f"http://127.0.0.1:{port}",
        },
    )


@pytest.fixture
def settings(database_url: str, kannel: Kannel, port: int) -> Config:
    return settings_for(database_url, kannel, port)


@contextmanager
def listening(runtime: Runtime, port: int) -> Iterator[None]:
    """The web application at the address that Kannel knows."""
    server = make_server("127.0.0.1", port, create_app(runtime), threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def product(runtime: Runtime, port: int) -> Iterator[None]:
    with listening(runtime, port):
        yield


@pytest.fixture
def phones(kannel: Kannel) -> FakePhones:
    assert kannel.phones is not None
    return kannel.phones


@pytest.mark.usefixtures("product")
def test_a_reminder_goes_out_its_receipt_comes_back_and_arret_ends_it(
    runtime: Runtime, clock: TestClock, phones: FakePhones
) -> None:
    before = len(phones.inbox)
    queue(runtime, clock, text="Laseli: à partir du 12/12, au CSCom de Darsalam, avec le carnet.")
    one_round(runtime)
    until(lambda: len(phones.inbox) > before)
    assert phones.inbox[-1] == (
        SHORT_CODE,
        MOTHER,
        "text",
        "Laseli: à partir du 12/12, au CSCom de Darsalam, avec le carnet.",
    )
    until(lambda: told(runtime).state == "delivered")
    assert row(runtime).channel == "kannel"

    queue(runtime, clock, "k2", not_before=clock.now() + 3_600_000)
    phones.writes(MOTHER, SHORT_CODE, "ARRET")
    until(lambda: rows(runtime, opt_out) == 1)
    assert row(runtime, "k2").state == "suppressed"
    one_round(runtime)
    until(lambda: len(phones.inbox) > before + 1)
    assert "plus" in phones.inbox[-1][3], "she is told that it is done"
    clock.advance(hours=2)
    one_round(runtime)
    assert row(runtime, "k2").state == "suppressed"
    assert len(phones.inbox) == before + 2


class OnOneDatabase:
    """What does not depend on the database."""

    @pytest.fixture
    def database_url(self, sqlite_template: Path, tmp_path: Path) -> str:
        return fresh_sqlite(sqlite_template, tmp_path)

    @pytest.fixture
    def channel(self, runtime: Runtime) -> Channel:
        return runtime.channels["kannel"]


class TestWithTheFakeOperator(OnOneDatabase):
    @pytest.mark.parametrize("language", FOREIGN)
    def test_letters_outside_the_alphabet_arrive_letter_for_letter(
        self, channel: Channel, phones: FakePhones, language: str
    ) -> None:
        before = len(phones.inbox)
        outcome = channel.send(Outgoing(1, MOTHER, FOREIGN[language]))
        assert outcome == Accepted("1", 1, None, "accepted")
        until(lambda: len(phones.inbox) > before)
        _, _, kind, octets = phones.inbox[-1]
        assert kind == "ucs-2"
        assert unquote_to_bytes(octets.replace("+", " ")).decode("utf-16-be") == FOREIGN[language]

    def test_blanks_and_lines_stay(self, channel: Channel, phones: FakePhones) -> None:
        before = len(phones.inbox)
        channel.send(Outgoing(2, MOTHER, "  deux  blancs & un + % = ?  "))
        until(lambda: len(phones.inbox) > before)
        assert phones.inbox[-1][3] == "  deux  blancs & un + % = ?  "

    def test_a_wrong_password_and_a_wrong_address_stop_the_channel(self, kannel: Kannel, settings: Config) -> None:
        assert settings.kannel is not None
        for changes in ({"password": "wrong"}, {"base_url": f"{kannel.address}/elsewhere"}):
            wrong = settings.kannel.model_copy(update={name: _secret(name, value) for name, value in changes.items()})
            channel = build_channels(settings.model_copy(update={"kannel": wrong}))["kannel"]
            outcome = channel.send(Outgoing(3, MOTHER, "Salut"))
            assert isinstance(outcome, Refused)
            assert outcome.scope == "account"

    def test_what_people_write_while_we_are_away_comes_later_and_they_read_nothing_of_it(
        self, runtime: Runtime, port: int, phones: FakePhones
    ) -> None:
        before = len(phones.inbox)
        phones.writes(MOTHER, SHORT_CODE, "Je  suis là é")
        time.sleep(1.5)  # at least two tries of Kannel
        assert rows(runtime, inbound_body) == 0
        with listening(runtime, port):
            until(lambda: rows(runtime, inbound_body) == 1)
        assert texts_of(runtime) == ["Je  suis là é"]
        assert len(phones.inbox) == before, "no 'Could not fetch content, sorry.'"

    def test_while_smsbox_is_down_nothing_is_sent_and_that_is_known(
        self, kannel: Kannel, channel: Channel, phones: FakePhones
    ) -> None:
        kannel.stop_smsbox()
        assert channel.send(Outgoing(4, MOTHER, "Salut")) == NotSent("no connection with it", None)
        kannel.start_smsbox()
        assert isinstance(channel.send(Outgoing(4, MOTHER, "Salut")), Accepted)

    def test_what_people_write_while_smsbox_is_down_waits_for_it(
        self, kannel: Kannel, runtime: Runtime, port: int, phones: FakePhones
    ) -> None:
        kannel.stop_smsbox()
        phones.writes(MOTHER, SHORT_CODE, "AMV")
        with listening(runtime, port):
            kannel.start_smsbox()
            until(lambda: texts_of(runtime) == ["AMV"])

    def test_while_the_operator_is_away_kannel_keeps_what_it_took(
        self, kannel: Kannel, channel: Channel, phones: FakePhones
    ) -> None:
        phones.leave()
        until(lambda: channel.send(Outgoing(5, MOTHER, "Salut")) == Accepted("5", 1, None, "queued at Kannel"))
        channel.send(Outgoing(6, MOTHER, "Plus tard"))
        kannel.connect_phones()
        phones = kannel.phones or phones
        until(lambda: "Plus tard" in [text for _, _, _, text in phones.inbox])

    def test_kannel_writes_nothing_down_about_people(self, kannel: Kannel) -> None:
        """Runs last of these: with its usual log level, Kannel quotes every callback that failed."""
        for canary in ("22370000001", HOOK_SECRET, "Darsalam", "suis", PASSWORD):
            assert canary not in kannel.said


def _secret(name: str, value: str) -> object:
    return SecretStr(value) if name == "password" else value


def texts_of(runtime: Runtime) -> list[str]:
    with runtime.database.read() as tx:
        return list(tx.execute(select(inbound_body.c.body).order_by(inbound_body.c.at)).scalars())


class TestOverSmpp(OnOneDatabase):
    """The operator's side is an SMPP server of ours; Kannel's is the documented one."""

    @pytest.fixture
    def settings(self, database_url: str, linked: Kannel, port: int) -> Config:
        return settings_for(database_url, linked, port)

    def test_every_letter_of_the_alphabet_arrives(self, channel: Channel, operator: SmppServer) -> None:
        letters = (BASIC + EXTENSION).replace("\r", "").replace("\f", "")
        before = len(operator.submitted)
        outcome = channel.send(Outgoing(11, MOTHER, letters))
        assert isinstance(outcome, Accepted)
        until(lambda: len(operator.submitted) > before)
        one = operator.submitted[-1]
        assert one.text == letters
        assert (one.to, one.wants_receipt, one.header) == (MOTHER.lstrip("+"), True, b"")

    @pytest.mark.parametrize(("sender", "kind"), [("LASELI", 5), (SHORT_CODE, 3), ("+22370000009", 1)])
    def test_each_kind_of_sender_is_called_what_it_is(
        self, channel: Channel, operator: SmppServer, sender: str, kind: int
    ) -> None:
        before = len(operator.submitted)
        channel.send(Outgoing(10, MOTHER, "Salut", sender=sender))
        until(lambda: len(operator.submitted) > before)
        assert (operator.submitted[-1].source, operator.submitted[-1].source_ton) == (sender.lstrip("+"), kind)

    @pytest.mark.parametrize(("text", "count"), [("é" * 460, 4), ("ɛ" * 135, 3), ("a" * 1530, 10)])
    def test_a_long_text_comes_in_the_parts_that_were_counted(
        self, channel: Channel, operator: SmppServer, text: str, count: int
    ) -> None:
        before = len(operator.submitted)
        assert channel.send(Outgoing(12, MOTHER, text)) == Accepted("12", count, None, "accepted")
        until(lambda: len(operator.submitted) == before + count)
        parts = operator.submitted[before:]
        assert "".join(part.text for part in parts) == text
        assert [part.header[-1] for part in parts] == list(range(1, count + 1))

    def test_too_many_at_once_is_tried_again_by_kannel_itself(self, channel: Channel, operator: SmppServer) -> None:
        before = len(operator.submitted)
        operator.answers += [0x58, 0x14]
        channel.send(Outgoing(13, MOTHER, "Salut"))
        until(lambda: len(operator.submitted) > before)
        assert (operator.answers, operator.submitted[-1].text) == ([], "Salut")

    @pytest.mark.parametrize(
        ("stat", "state", "reason"),
        [("DELIVRD", "delivered", "delivered"), ("UNDELIV", "undelivered", "failed, stat:UNDELIV err:027")],
    )
    @pytest.mark.usefixtures("product")
    def test_a_receipt_from_the_handset(
        self, runtime: Runtime, clock: TestClock, operator: SmppServer, stat: str, state: str, reason: str
    ) -> None:
        before = len(operator.submitted)
        queue(runtime, clock)
        one_round(runtime)
        until(lambda: len(operator.submitted) > before)
        until(lambda: told(runtime).state == "accepted")
        operator.deliver_receipt(before, stat, "027")
        until(lambda: told(runtime).state == state)
        assert row(runtime).reason == reason

    @pytest.mark.usefixtures("product")
    def test_a_number_that_the_operator_refuses(self, runtime: Runtime, clock: TestClock, operator: SmppServer) -> None:
        operator.answers.append(0x0B)
        queue(runtime, clock)
        one_round(runtime)
        until(lambda: told(runtime).state == "undelivered")
        assert row(runtime).reason == "refused by the operator, SMPP 0x0B RINVDSTADR"

    @pytest.mark.usefixtures("product")
    def test_texts_of_both_alphabets_come_in(self, runtime: Runtime, operator: SmppServer) -> None:
        operator.deliver_text(MOTHER.lstrip("+"), SHORT_CODE, b"J\x05j\x7f  \x1be", coding=0)
        until(lambda: rows(runtime, inbound_body) == 1)
        operator.deliver_text(MOTHER.lstrip("+"), SHORT_CODE, "ɛɔŋ é 😀".encode("utf-16-be"), coding=UCS_2)
        until(lambda: rows(runtime, inbound_body) == 2)
        assert sorted(texts_of(runtime)) == ["Jéjà  €", "ɛɔŋ é 😀"]
        until(lambda: operator.acknowledged[-2:] == [0, 0])
