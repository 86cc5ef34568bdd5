"""Somebody walks away with the database file (or a backup) and without the keys."""

from __future__ import annotations

import hashlib
import sqlite3
import stat
from pathlib import Path

import pytest

from service.runtime import Runtime
from service.stories.delivery import dispatcher
from tests.loopback import LoopbackCarrier
from tests.people import Handset
from tests.stories.test_enrolment import enrol_awa


def dumped(runtime: Runtime) -> list[tuple[str, tuple[object, ...]]]:
    if not runtime.database.is_sqlite:
        pytest.skip("about the file")
    with sqlite3.connect(str(runtime.database.engine.url.database)) as file:
        tables = [name for (name,) in file.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return [(table, row) for table in tables for row in file.execute(f'SELECT * FROM "{table}"')]


def test_the_thief_reads_no_name_no_number_and_no_text(handset: Handset, runtime: Runtime) -> None:
    enrol_awa(handset)
    handset.write("Zanzibar est malade, appelez le 70 00 00 01")
    handset.write("ARRET")
    handset.post("receipt", {"id": "ATXid_9", "status": "Success", "phoneNumber": handset.number})
    dispatcher.send_due(runtime)
    for table, row in dumped(runtime):
        plain = " ".join(str(value) for value in row) + "".join(
            value.decode("latin1") for value in row if isinstance(value, bytes)
        )
        for canary in ("70000001", "70 00 00 01", "Awa", "Diarra", "Zanzibar", "malade", "carnet", "ARRET", "arrêt"):
            assert canary not in plain or table in ("flow_version", "flow_release"), (table, canary)


def test_the_thief_cannot_try_numbers_until_a_receipt_fits(
    handset: Handset, runtime: Runtime, carrier: LoopbackCarrier
) -> None:
    """The carrier's id and the state stand in the clear; with an unkeyed hash of them the number does as well."""
    handset.write("ARRET")
    dispatcher.send_due(runtime)
    (sent,) = carrier.accepted
    rows = dumped(runtime)
    (carrier_id,) = {
        value for table, row in rows if table == "message" for value in row if str(value).startswith("ATX")
    }
    handset.post("receipt", {"id": str(carrier_id), "status": "Success", "phoneNumber": handset.number})
    hashes = {row[0] for table, row in dumped(runtime) if table == "inbound_event"}
    found = [
        number
        for number in (f"+2237000{last:04d}" for last in range(10_000))
        if hashlib.sha256(
            "\x1f".join(("africastalking", "receipt", str(carrier_id), number, "delivered")).encode()
        ).digest()
        in hashes
    ]
    assert sent.to == handset.number
    assert found == [], "ten thousand tries named the mother; a hundred million are a minute's work"


def test_the_thief_cannot_try_numbers_until_a_stop_fits(handset: Handset, runtime: Runtime) -> None:
    handset.post("sms-in", {"date": "x", "from": handset.number, "text": "ARRET", "to": "99000"})
    hashes = {row[0] for table, row in dumped(runtime) if table == "inbound_event"}
    guess = "\x1f".join(("africastalking", "sms", handset.number, "ARRET", "99000")).encode()
    assert hashlib.sha256(guess).digest() not in hashes


def test_other_users_of_the_machine_cannot_read_a_new_file(tmp_path: Path) -> None:
    from service.runtime import build_runtime
    from service.stories.keeping import setup
    from tests.conftest import a_config

    made = build_runtime(a_config(f"sqlite:///{tmp_path / 'new.db'}"))
    setup.prepare(made)
    made.database.close()
    assert stat.S_IMODE((tmp_path / "new.db").stat().st_mode) & 0o077 == 0
