"""Settings: what a sysadmin reads when one is wrong."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from service.config import BadConfig, Config, known_names

GOOD = {
    "LASELI_KEYS__IDENTITY": "1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
    "LASELI_KEYS__INDEX": "Hx4dHBsaGRgXFhUUExIREA8ODQwLCgkIBwYFBAMCAQA=",
}
AFRICASTALKING = {
    "LASELI_ROUTES": "africastalking",
    "LASELI_AFRICASTALKING__USERNAME": "laseli",
    "LASELI_AFRICASTALKING__API_KEY": "hunter2",
    "LASELI_AFRICASTALKING__HOOK_SECRETS": "x" * 32 + "," + "y" * 32,
}


def lines(**changes: str | None) -> list[str]:
    environment = {name: value for name, value in (GOOD | AFRICASTALKING | changes).items() if value is not None}
    with pytest.raises(BadConfig) as found:
        Config.from_env(environment)
    return found.value.lines


def test_the_smallest_settings_are_two_keys() -> None:
    config = Config.from_env(GOOD)
    assert config.database_url == "sqlite:///laseli.db"
    assert config.routes == ()


def test_nested_names_and_lists_are_read() -> None:
    config = Config.from_env(GOOD | AFRICASTALKING)
    assert config.routes == ("africastalking",)
    assert config.africastalking is not None
    assert config.africastalking.hook_secrets == ("x" * 32, "y" * 32)
    assert "hunter2" not in repr(config)
    assert "xxxx" not in repr(config)


def test_a_postgresql_address_gets_its_driver() -> None:
    config = Config.from_env(GOOD | {"LASELI_DATABASE_URL": "postgresql://u:p@h/n"})
    assert config.database_url == "postgresql+psycopg://u:p@h/n"


@pytest.mark.parametrize(
    ("name", "value", "remedy"),
    [
        ("LASELI_KEYS__IDENTITY", None, "laseli keys new"),
        ("LASELI_LADDER_FILE", "/nowhere.yaml", "no file"),
        ("LASELI_KEYS__IDENTITY", "1:short", "base64 of 32 bytes"),
        ("LASELI_KEYS__INDEX", "AAAA", "base64 of 32 bytes"),
        ("LASELI_KEYS__INDEX", "2:AAAA", "base64 of 32 bytes"),
        ("LASELI_KEYS__INDEX", f"two:{'A' * 43}=", "write number:key"),
        ("LASELI_DATABASE_URL", "mysql://x", "sqlite:///"),
        ("LASELI_TIMEZONE", "Bamako", "Africa/Bamako"),
        ("LASELI_BACKUP__RECIPIENTS", "age1short", "laseli db backup-key"),
        ("LASELI_BACKUP__RECIPIENTS", "AGE-SECRET-KEY-1QQQQ", "into the safe"),
        ("LASELI_BACKUP__PG_DUMP", "/nowhere/pg_dump", "no program"),
        ("LASELI_AFRICASTALKING__HOOK_SECRETS", "short", "32 characters"),
        ("LASELI_AFRICASTALKING__API_KEY", None, "is not set"),
        ("LASELI_AFRICASTALKING__BASE_URL", "http://api.example.org", "https://"),
        ("LASELI_AFRICASTALKING__BASE_URL", "http://41.73.96.1:13013", "https://"),
        ("LASELI_AFRICASTALKING__BASE_URL", "api.example.org", "an address like"),
        ("LASELI_ROUTES", "moov", "africastalking, twilio, simulator, kannel, orange"),
        ("LASELI_ROUTES", "twilio", "LASELI_TWILIO__"),
        ("LASELI_SCREEN_LIMIT", "300", "182"),
        ("LASELI_PORT", "eighty", "integer"),
    ],
)
def test_a_wrong_setting_is_one_line_with_its_remedy(name: str, value: str | None, remedy: str) -> None:
    found = lines(**{name: value})
    assert len(found) == 1
    assert remedy in found[0]
    assert found[0].startswith("LASELI_") or "ROUTES" in found[0]


@pytest.mark.parametrize(
    "near", ["http://127.0.0.1:13013", "http://kannel:13013", "http://10.0.0.7", "https://a.example"]
)
def test_a_carrier_on_our_own_network_needs_no_tls(near: str) -> None:
    found = Config.from_env(GOOD | AFRICASTALKING | {"LASELI_AFRICASTALKING__BASE_URL": near})
    assert found.africastalking is not None
    assert found.africastalking.base_url == near


def test_a_misspelt_name_is_told_with_the_right_one() -> None:
    assert lines(LASELI_DATABSE_URL="sqlite:///x.db") == [
        "LASELI_DATABSE_URL: no such setting; did you mean LASELI_DATABASE_URL?"
    ]


def test_two_wrong_settings_are_two_lines() -> None:
    assert len(lines(LASELI_PORT="0", LASELI_COUNTRY="Mali")) == 2


def test_a_wrong_secret_is_not_repeated_in_the_message() -> None:
    assert all("hunter2hunter2" not in line for line in lines(LASELI_KEYS__INDEX="hunter2hunter2"))


def test_twilio_needs_our_public_address_and_a_sender() -> None:
    twilio = {"LASELI_TWILIO__ACCOUNT_SID": "AC" + "0" * 32, "LASELI_TWILIO__AUTH_TOKEN": "t" * 32}
    assert "TWILIO__SENDER" in lines(**twilio)[0]
    assert "LASELI_PUBLIC_URL" in lines(**twilio, LASELI_TWILIO__SENDER="+15005550006")[0]


def test_an_empty_twilio_token_is_refused() -> None:
    twilio = {"LASELI_TWILIO__ACCOUNT_SID": "AC" + "0" * 32, "LASELI_TWILIO__AUTH_TOKEN": ""}
    assert any("AUTH_TOKEN" in line for line in lines(**twilio))


KANNEL = {
    "LASELI_KANNEL__USERNAME": "laseli",
    "LASELI_KANNEL__PASSWORD": "hunter2",
    "LASELI_KANNEL__SENDER": "8888",
    "LASELI_KANNEL__HOOK_SECRETS": "x" * 32,
}


@pytest.mark.parametrize("changes", [{"LASELI_PUBLIC_URL": "https://a.org"}, {}])
def test_kannel_must_know_where_we_are(changes: dict[str, str]) -> None:
    where = changes or {"LASELI_KANNEL__CALLBACK_URL": "http://127.0.0.1:8000"}
    assert Config.from_env(GOOD | KANNEL | where | {"LASELI_ROUTES": "kannel"}).routes == ("kannel",)
    assert "set LASELI_KANNEL__CALLBACK_URL" in lines(**KANNEL)[0]


def test_a_secret_in_which_kannel_would_read_orders_is_refused() -> None:
    found = lines(**KANNEL | {"LASELI_KANNEL__HOOK_SECRETS": "%d" * 16, "LASELI_PUBLIC_URL": "https://a.org"})
    assert "LASELI_KANNEL__HOOK_SECRETS: Kannel reads % in an address" in found[0]
    assert "%d%d" not in found[0]


def test_a_route_that_is_no_carrier_is_told_which_there_are() -> None:
    assert "there are africastalking, twilio, simulator, kannel" in lines(LASELI_ROUTES="pigeon")[0]


@pytest.mark.parametrize(("environment", "status"), [(GOOD, 0), ({}, 78)])
def test_config_check_tells_and_exits(environment: dict[str, str], status: int) -> None:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("LASELI_")}
    done = subprocess.run(
        [sys.executable, "-m", "scheduler", "config", "check"],
        env=clean | environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr
    if status:
        assert done.stderr.splitlines() == [
            "LASELI_KEYS__IDENTITY, LASELI_KEYS__INDEX: are not set (`laseli keys new` prints both lines)"
        ]


def test_every_setting_has_a_name_that_can_be_typed() -> None:
    names = known_names()
    assert "LASELI_AFRICASTALKING__BASE_URL" in names
    assert "LASELI_TWILIO__BASE_URL" in names
    assert len(names) == len(set(names))


def test_pace_and_budgets_are_read() -> None:
    config = Config.from_env(GOOD | {"LASELI_PACE": "africastalking=10 twilio=0.5", "LASELI_BUDGET__DAY_FCFA": "50000"})
    assert config.pace == {"africastalking": 10, "twilio": 0.5}
    assert (config.budget.day_fcfa, config.budget.campaign_fcfa) == (50_000, None)


@pytest.mark.parametrize(
    ("name", "value", "remedy"),
    [
        ("LASELI_PACE", "africastalking", "write kannel=10 (parts a second"),
        ("LASELI_PACE", "africastalking=0", "write kannel=10 (parts a second"),
        ("LASELI_PACE", "africastalking=fast", "write kannel=10 (parts a second"),
        ("LASELI_PACE", "nobody=10", "'nobody' is no channel"),
        ("LASELI_BUDGET__DAY_FCFA", "0", "greater than 0"),
        ("LASELI_LANGUAGES", "fr,xx", "Input should be 'fr', 'bm' or 'en'"),
        ("LASELI_BUDGET__DAY", "100", "did you mean LASELI_BUDGET__DAY_FCFA?"),
        ("LASELI_PRICES_FILE", "/nowhere.yaml", "no file"),
    ],
)
def test_a_wrong_pace_budget_or_list_is_a_sentence(name: str, value: str, remedy: str) -> None:
    (line,) = lines(**{name: value})
    assert name.removesuffix("_FCFA") in line
    assert remedy in line


def test_a_price_list_with_a_mistake_is_told_at_the_start(tmp_path: Path) -> None:
    file = tmp_path / "prices.yaml"
    file.write_text("prices: ours\nwhy: a contract\notherwise: dear\n")
    (line,) = lines(LASELI_PRICES_FILE=str(file))
    assert line == "LASELI_PRICES_FILE: ours: 'otherwise' must be an amount like 12 or 12.50, not 'dear'"


@pytest.mark.parametrize("setting", ["ROUTES", "PACE"])
@pytest.mark.parametrize("gateway", ["truroute", "pages"])
def test_a_gateway_of_screens_is_no_route(gateway: str, setting: str) -> None:
    screens = {f"LASELI_{gateway.upper()}__HOOK_SECRETS": "x" * 32}
    assert Config.from_env(GOOD | screens).routes == ()
    value = gateway if setting == "ROUTES" else f"{gateway}=10"
    assert lines(**screens | {f"LASELI_{setting}": value}) == [
        f"LASELI_{setting}: '{gateway}' shows screens and sends no SMS: "
        "name one of africastalking, twilio, simulator, kannel, orange"
    ]


ORANGE = {
    "LASELI_ORANGE__CLIENT_ID": "app",
    "LASELI_ORANGE__CLIENT_SECRET": "hunter2",
    "LASELI_ORANGE__SENDER_ADDRESS": "+2230000",
    "LASELI_ORANGE__HOOK_SECRETS": "x" * 32,
}


def test_orange_may_be_a_route() -> None:
    config = Config.from_env(GOOD | ORANGE | {"LASELI_ROUTES": "orange"})
    assert config.routes == ("orange",)
    assert "hunter2" not in repr(config)


def test_the_sender_address_of_orange_is_a_number() -> None:
    assert "ORANGE__SENDER_ADDRESS" in lines(**ORANGE | {"LASELI_ORANGE__SENDER_ADDRESS": "LASELI"})[0]
