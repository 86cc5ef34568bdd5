"""The demonstration's phones and the product, both on real sockets: a reminder rings, and its end is told."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.serving import make_server

from service.config import Config
from service.runtime import Runtime
from service.simulator import taken_calls
from service.simulator.phone_app import create_simulator, simulation_of
from service.store import phone_tables
from service.store.message_tables import message
from service.stories.delivery import dispatcher, receipts
from service.stories.recall import recalls
from tests.conftest import HOOK_SECRET, a_config
from tests.loopback import closed_port
from tests.people import TestClock
from tests.simulator.visitors import Visitor
from tests.stories.test_recalls import MOTHER, enrol


@pytest.fixture
def port() -> int:
    return closed_port()


@pytest.fixture
def settings(database_url: str, port: int) -> Config:
    here = f"http://127.0.0.1:{port}"
    return a_config(
        database_url,
        routes=("simulator",),
        public_url=here,
        simulator={"base_url": here, "hook_secrets": (HOOK_SECRET,)},
        simulator_voice={"base_url": here},
        voice={"by": "simulator_voice"},
    )


@pytest.fixture
def phones(product: str, port: int, tmp_path: Path) -> Iterator[Flask]:
    app = create_simulator(product, HOOK_SECRET, tmp_path / "phones.db", receipt_delay=0)
    server = make_server("127.0.0.1", port, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield app
    server.shutdown()
    thread.join()
    server.server_close()
    simulation_of(app).close()


def test_a_reminder_rings_and_its_end_delivers_it(runtime: Runtime, clock: TestClock, phones: Flask) -> None:
    enrol(runtime, clock)
    with runtime.database.begin() as tx:
        phone = phone_tables.find_phone(tx, MOTHER)
        assert phone is not None
        phone_tables.set_by_voice(tx, phone.id, True)
    recalls.queue_recalls(runtime)
    dispatcher.send_due(runtime)
    (heard,) = Visitor(phones).inbox()
    assert "Un rendez-vous est prévu ces jours-ci" in heard
    taken_calls.hang_up(simulation_of(phones), MOTHER)
    assert simulation_of(phones).postman.all_told(10)
    receipts.settle(runtime)
    with runtime.database.read() as tx:
        assert tx.execute(select(message.c.state)).scalar_one() == "delivered"
