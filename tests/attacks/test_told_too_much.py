"""What a reader of the logs, of an error on the screen, or of the figures may learn."""

from __future__ import annotations

import logging
from io import StringIO

import pytest
import requests

from service import logs
from service.config import BadConfig, Config
from service.runtime import Runtime
from service.store import people_tables
from service.stories.delivery import dispatcher
from tests.conftest import HOOK_SECRET
from tests.people import Handset
from tests.stories.test_enrolment import enrol_awa


@pytest.mark.parametrize(
    "written",
    [
        "phoneNumber=%2B22370000001&text=",
        "+223 (70) 00 00 01",
        "70/00/00/01",
        "70\u00a000\u00a000\u00a001",
        "{'phone': '+22370000001'}",
        "00223 70.00.00.01",
    ],
)
def test_a_number_is_hidden_however_it_is_written(written: str) -> None:
    shown = logs.scrub(written)
    assert "0000" not in "".join(filter(str.isdigit, shown)), shown


def test_a_number_inside_a_list_or_an_exception_is_hidden(log_lines: StringIO) -> None:
    logs.log.error(
        "x", number=22370000001, many=["+22370000001"], raw=b"+22370000001", error=ValueError("+22370000001")
    )
    logging.getLogger("granian").error("%s", {"phone": "+22370000001"})
    assert "70000001" not in log_lines.getvalue(), log_lines.getvalue()


def test_a_broken_rule_of_the_database_does_not_print_the_childs_row(
    handset: Handset, runtime: Runtime, log_lines: StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    def without_profile(*args: object, **kwargs: object) -> bool:
        one = args[1]._replace(profile=None)  # type: ignore[attr-defined]
        return original(args[0], one, *args[2:], **kwargs)  # type: ignore[arg-type]

    original = people_tables.add_child
    monkeypatch.setattr(people_tables, "add_child", without_profile)
    with pytest.raises(AssertionError):
        enrol_awa(handset)
    shown = log_lines.getvalue()
    assert shown
    for canary in ("Failing row", "2026-11-20,", "Awa", "70000001"):
        assert canary not in shown, shown


def test_no_name_number_or_secret_in_the_figures(handset: Handset, runtime: Runtime, product: str) -> None:
    enrol_awa(handset)
    handset.write("ARRET Awa")
    dispatcher.send_due(runtime)
    for path in ("/metrics", "/readyz", "/healthz", f"/hooks/africastalking/ussd/{HOOK_SECRET}x"):
        page = requests.get(product + path, timeout=5).text
        for canary in ("70000001", "Awa", HOOK_SECRET, "at-key"):
            assert canary not in page


@pytest.mark.parametrize(
    "change",
    [
        {"LASELI_KEYS__IDENTITY": "TOPSECRET"},
        {"LASELI_KEYS__INDEX": "TOPSECRETé"},
        {"LASELI_KEYS": "TOPSECRET"},
        {"LASELI_TWILIO__AUTH_TOKEN": "TOPSECRET"},
        {"LASELI_AFRICASTALKING__HOOK_SECRETS": "TOPSECRET"},
        {"LASELI_DATABASE_URL": "mysql://laseli:TOPSECRET@host/laseli"},
        {"LASELI_DATABASE_URL": "postgresql://laseli:a@b:TOPSECRET@host/laseli"},
    ],
)
def test_a_wrong_setting_is_a_sentence_without_the_secret_in_it(change: dict[str, str]) -> None:
    good = {
        "LASELI_KEYS__IDENTITY": "1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
        "LASELI_KEYS__INDEX": "Hx4dHBsaGRgXFhUUExIREA8ODQwLCgkIBwYFBAMCAQA=",
    }
    with pytest.raises(BadConfig) as told:
        Config.from_env(good | change)
    assert "TOPSECRET" not in str(told.value)
