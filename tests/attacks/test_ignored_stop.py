"""Somebody says STOP and messages go on."""

from __future__ import annotations

import pytest

from service.runtime import Runtime, build_runtime
from service.store import phone_tables
from tests.conftest import a_config
from tests.people import Handset, TestClock
from tests.stories.test_enrolment import enrol_awa


def stopped(runtime: Runtime, number: str) -> bool:
    with runtime.database.read() as tx:
        return phone_tables.opted_out(tx, runtime.vault.index(number), "reminder")


def test_a_second_stop_months_later_is_obeyed_though_the_carrier_gives_no_id(
    handset: Handset, runtime: Runtime, clock: TestClock
) -> None:
    def write(words: str) -> None:
        fields = {"date": f"{clock.here}", "from": handset.number, "text": words, "to": "99000"}
        assert handset.post("sms-in", fields).status_code == 200

    enrol_awa(handset)
    write("ARRET")
    assert stopped(runtime, handset.number)
    clock.advance(days=30)
    write("REPRENDRE")
    assert not stopped(runtime, handset.number)
    clock.advance(days=30)
    write("ARRET")
    assert stopped(runtime, handset.number), "the second ARRET was taken for a repeat of the first"


def test_a_wrong_index_key_is_noticed_before_anybody_is_served(handset: Handset, runtime: Runtime) -> None:
    """With another index key every number is a stranger: a STOP would stop nothing."""
    from service.stories.keeping import setup

    enrol_awa(handset)
    keys = {
        "identity": runtime.config.keys.identity.get_secret_value(),
        "index": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
    }
    wrong = build_runtime(a_config(runtime.config.database_url, keys=keys))
    try:
        with pytest.raises(Exception, match="LASELI_KEYS__INDEX"):
            setup.prepare(wrong)
    finally:
        wrong.database.close()


def test_a_missing_identity_key_is_noticed_before_anybody_is_served(handset: Handset, runtime: Runtime) -> None:
    from service.stories.keeping import setup

    enrol_awa(handset)
    keys = {
        "identity": "2:Hx4dHBsaGRgXFhUUExIREA8ODQwLCgkIBwYFBAMCAQA=",
        "index": runtime.config.keys.index.get_secret_value(),
    }
    wrong = build_runtime(a_config(runtime.config.database_url, keys=keys))
    try:
        with pytest.raises(Exception, match="LASELI_KEYS__IDENTITY"):
            setup.prepare(wrong)
    finally:
        wrong.database.close()
