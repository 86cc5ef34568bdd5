"""`laseli mediator` as the programme's staff types it."""

from __future__ import annotations

import re

import pytest
from click.testing import CliRunner, Result

from scheduler.__main__ import main
from service.config import Config
from service.runtime import Runtime
from service.store.mediator_tables import mediator
from tests.cover import command, rows_of
from tests.mediators import KADIA, an_account, state_of, tries_pin, wrong_pin

SAID = ("--name", "Kadia Coulibaly", "--number", "66 00 00 07", "--zones", "darsalam, Bamako coura")


def mediators(settings: Config, *words: object) -> str:
    result = command(settings, "mediator", *map(str, words))
    assert result.exit_code == 0, result.output
    return result.output


def refused(settings: Config, *words: object) -> str:
    result = command(settings, "mediator", *map(str, words))
    assert result.exit_code == 1, result.output
    assert "Traceback" not in result.output
    return result.output


def test_an_account_is_made_and_its_pin_is_told_once(settings: Config, runtime: Runtime) -> None:
    said = mediators(settings, "add", *SAID)
    found = re.fullmatch(r"Account (\d+)\. First PIN: (\d{4})\n", said)
    assert found
    assert tries_pin(runtime, found[2])
    listed = mediators(settings, "list")
    assert f"{found[1]}  active  20" in listed
    assert "fr  +223 66 00 00 07  Kadia Coulibaly  Bamako-Coura, Darsalam\n1 account\n" in listed
    assert not re.search(rf"\b{found[2]}\b", listed)


def test_name_and_number_are_asked_for_when_left_out(settings: Config, runtime: Runtime) -> None:
    keys = settings.keys
    environment = {
        "LASELI_DATABASE_URL": settings.database_url,
        "LASELI_KEYS__IDENTITY": keys.identity.get_secret_value(),
        "LASELI_KEYS__INDEX": keys.index.get_secret_value(),
    }
    words = ["mediator", "add", "--zones", "Darsalam", "--language", "bm"]
    result: Result = CliRunner().invoke(main, words, input="Kadia Coulibaly\n66000007\n", env=environment)
    assert result.exit_code == 0, result.output
    assert re.search(r"Account \d+\. First PIN: \d{4}\n$", result.stdout)
    assert KADIA in mediators(settings, "list").replace(" ", "")


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (("--name", "Kadia", "--number", "12", "--zones", "Darsalam"), "no number of a mobile phone"),
        (("--name", "Kadia", "--number", "66000007", "--zones", "Nulle-Part"), "'Nulle-Part' is no quartier; known: "),
        (("--name", "Kadia", "--number", "66000007", "--zones", " , "), "name at least one quartier"),
        (("--name", " ", "--number", "66000007", "--zones", "Darsalam"), "an account needs a name"),
    ],
)
def test_what_cannot_be_is_said_in_a_line(
    settings: Config, runtime: Runtime, said: tuple[str, ...], reason: str
) -> None:
    assert reason in refused(settings, "add", *said)
    assert rows_of(runtime, mediator) == []


def test_a_locked_account_is_seen_and_opened_by_a_person(settings: Config, runtime: Runtime) -> None:
    account = an_account(runtime)
    for _ in range(5):
        tries_pin(runtime, wrong_pin(account.pin))
    assert f"{account.id}  locked" in mediators(settings, "list")
    todo = command(settings, "todo", "list").output
    assert (
        "mediator_locked  Darsalam  +223 66 00 00 07  Compte de médiatrice bloqué\n    Médiatrice: Kadia Coulibaly\n"
        in todo
    )
    found = re.fullmatch(r"New PIN: (\d{4})\n", mediators(settings, "pin", account.id))
    assert found
    assert state_of(runtime, account.id).state == "locked"
    assert mediators(settings, "unlock", str(account.id)[:8], "--by", "Fatou") == "It is open again.\n"
    assert mediators(settings, "unlock", account.id, "--by", "Fatou") == "It was not locked.\n"
    assert tries_pin(runtime, found[1])
    assert "mediator_locked" not in command(settings, "todo", "list").output


def test_quartiers_change_and_she_leaves(settings: Config, runtime: Runtime) -> None:
    account = an_account(runtime)
    mediators(settings, "zones", account.id, "Badialan 1, Badialan 2")
    assert mediators(settings, "list").endswith("Kadia Coulibaly  Badialan 1, Badialan 2\n1 account\n")
    assert "is no quartier" in refused(settings, "zones", account.id, "Badialan 9")
    assert "Badialan 1, Badialan 2" in mediators(settings, "list")
    mediators(settings, "leave", account.id, "--by", "Fatou")
    assert mediators(settings, "list") == "0 accounts\n"
    assert f"{account.id}  left" in mediators(settings, "list", "--all")
    assert not tries_pin(runtime, account.pin)
    for words in (("pin",), ("zones", "Darsalam"), ("unlock", "--by", "Fatou"), ("leave", "--by", "Fatou")):
        assert "there is no account" in refused(settings, words[0], account.id, *words[1:])
