"""Coming in to the console: who may, how often one may try, and how a session ends."""

from __future__ import annotations

import re
import time
from concurrent.futures import ThreadPoolExecutor
from io import StringIO

import pytest
from flask import Flask

from service.app import create_app
from service.config import Config
from service.console_settings import ConsoleSettings
from service.domain import passwords, slow_hash
from service.runtime import Runtime
from service.store.staff_tables import staff, staff_session, staff_try
from service.stories.keeping import retention
from service.stories.staff import staff_accounts, staff_sessions
from service.stories.staff.staff_sessions import Typed
from tests.cover import command, rows_of
from tests.people import TestClock
from tests.staff import Visitor, a_staff, account_of, code_for, secret_in

OWN = "le chat dort sous la charrette"


@pytest.fixture
def settings(settings: Config) -> Config:
    return settings.model_copy(update={"console": ConsoleSettings(enabled=True)})


@pytest.fixture
def app(runtime: Runtime) -> Flask:
    return create_app(runtime)


@pytest.fixture
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same hash at a price that tests can pay; its own price has a test of its own."""
    monkeypatch.setattr(passwords, "PRICE", slow_hash.Price(2**4, 1, 1))
    monkeypatch.setattr(passwords, "NOBODYS", passwords.PRICE.nobodys)


@pytest.fixture
def fatou(runtime: Runtime, cheap: None) -> staff_accounts.Opening:
    with runtime.database.begin() as tx:
        return staff_accounts.add(tx, login="fatou", role="supervisor", centre="", by="Awa", now=runtime.now())


def test_the_first_login_asks_for_a_password_of_ones_own(
    runtime: Runtime, clock: TestClock, app: Flask, fatou: staff_accounts.Opening
) -> None:
    browser = Visitor(runtime, app)
    assert "Identifiant" in browser.get("/console/").text, "who is not in is shown the door"
    first = browser.logs_in(" Fatou ", fatou.password, code_for(runtime, "fatou"))
    assert "Choisir un mot de passe" in first.text
    assert "Choisir un mot de passe" in browser.get("/console/retards").text, "nothing else opens before"
    for new, again, said in (
        ("court", "court", "douze signes"),
        ("motdepasse123456", "motdepasse123456", "trop facile"),
        ("fatou-fatou-2026", "fatou-fatou-2026", "trop facile"),
        (fatou.password, fatou.password, "trop facile"),
        (OWN, OWN + "s", "pas les mêmes"),
    ):
        page = browser.send(first.form("/mot-de-passe"), nouveau=new, encore=again)
        assert (page.status, said in page.text) == (400, True), new
    before = [row.token_hash for row in rows_of(runtime, staff_session)]
    page = browser.send(first.form("/mot-de-passe"), nouveau=OWN, encore=OWN)
    assert "Enfants à visiter" in page.text
    assert [row.token_hash for row in rows_of(runtime, staff_session)] != before, "another session from here on"
    assert "Identifiant" in browser.send(page.form("/sortir")).text
    assert rows_of(runtime, staff_session) == []
    clock.advance(minutes=1)
    assert browser.logs_in("fatou", fatou.password, code_for(runtime, "fatou")).status == 403
    clock.advance(minutes=1)
    assert "Enfants à visiter" in browser.logs_in("fatou", OWN, code_for(runtime, "fatou")).text
    asks = browser.get("/console/mot-de-passe").form("/mot-de-passe")
    assert browser.send(asks, ancien="un autre", nouveau=OWN + " ici", encore=OWN + " ici").status == 400
    assert browser.send(asks, ancien=OWN, nouveau=OWN + " ici", encore=OWN + " ici").status == 200


def test_whatever_is_wrong_is_told_in_the_same_words_and_no_code_is_taken_twice(
    runtime: Runtime, clock: TestClock, app: Flask, fatou: staff_accounts.Opening, log_lines: StringIO
) -> None:
    code = code_for(runtime, "fatou")
    tries = (
        ("fatou", "wrong", code),
        ("fatou", fatou.password, "000000"),
        ("fatou", fatou.password, ""),
        ("nobody", fatou.password, code),
        ("x" * 300, "\0", "\0"),
        ("fatou", fatou.password, code_for(runtime, "fatou", later=2)),
    )
    said = set()
    for login, password, typed in tries:
        page = Visitor(runtime, app).logs_in(login, password, typed)
        said.add((page.status, re.sub(r'value="[^"]*"', "", page.source)))
    assert len(said) == 1
    assert next(iter(said))[0] == 403
    assert "Choisir" in Visitor(runtime, app).logs_in("fatou", fatou.password, code).text
    assert Visitor(runtime, app).logs_in("fatou", fatou.password, code).status == 403, "the same code again"
    earlier = code_for(runtime, "fatou", later=-1)
    assert Visitor(runtime, app).logs_in("fatou", fatou.password, earlier).status == 403
    clock.advance(days=staff_accounts.START_DAYS)
    assert Visitor(runtime, app).logs_in("fatou", fatou.password, code_for(runtime, "fatou")).status == 403
    assert secret_in(fatou) == account_of(runtime, "fatou").totp
    logged = log_lines.getvalue()
    assert "console_login_refused" in logged
    assert not any(word in logged for word in ("fatou", "nobody", fatou.password, code, secret_in(fatou)))


def test_ten_tries_of_an_account_and_thirty_from_an_address(
    runtime: Runtime, clock: TestClock, app: Flask, fatou: staff_accounts.Opening
) -> None:
    browser = Visitor(runtime, app)
    form = browser.get("/console/entrer").form("/entrer")

    def tries(login: str, address: str, password: str = "wrong") -> int:
        browser.address = address
        code = code_for(runtime, "fatou") if password != "wrong" else "123456"
        return browser.send(form, identifiant=login, mot_de_passe=password, code=code).status

    for n in range(10):
        assert tries("fatou", f"10.1.0.{n}") == 403
    assert tries("fatou", "10.1.0.99", fatou.password) == 429, "the right one too: nothing was looked at"
    for n in range(10):
        tries("nobody", f"10.2.0.{n}")
    assert tries("nobody", "10.2.0.99") == 429, "an account that is not there is locked as one that is"
    for n in range(30):
        assert tries(f"someone{n}", f"2001:db8::{n}") == 403
    assert tries("another", "2001:db8::beef") == 429, "one subscriber"
    assert tries("another", "2001:db8:1::1") == 403
    clock.advance(minutes=15, seconds=1)
    assert tries("fatou", "10.1.0.99", fatou.password) == 200
    assert Visitor(runtime, app).logs_in("fatou", "wrong", "123456").status == 403
    clock.advance(days=1)
    retention.purge(runtime, ["staff_tries"])
    assert len(rows_of(runtime, staff_try)) == 2, "the last one, by account and by address"


def test_who_tries_many_at_the_same_moment_has_no_more_tries(runtime: Runtime, fatou: staff_accounts.Opening) -> None:
    def tries(n: int) -> str | None:
        return staff_sessions.log_in(runtime, Typed("fatou", "wrong", "123456", f"10.9.{n}.1")).why_not

    with ThreadPoolExecutor(8) as crowd:
        said = list(crowd.map(tries, range(40)))
    assert set(said) <= {"wrong", "wait", "busy"}
    assert said.count("wrong") <= staff_sessions.MOST_OF_ACCOUNT
    assert len(rows_of(runtime, staff_try)) == 2 * said.count("wrong")


def test_only_our_own_proxy_says_from_where_somebody_comes(runtime: Runtime, settings: Config, cheap: None) -> None:
    behind = settings.model_copy(update={"console": ConsoleSettings(enabled=True, proxy="127.0.0.1")})
    object.__setattr__(runtime, "config", behind)
    app = create_app(runtime)
    tries = ("127.0.0.1", "6.6.6.6, 9.9.9.9", 2), ("10.0.0.5", "9.9.9.9", 3), ("10.0.0.5", "1.2.3.4", 3)
    for peer, told, seen in tries:
        browser = Visitor(runtime, app)
        browser.address = peer
        form = browser.get("/console/entrer").form("/entrer")
        fields = form.fields | {"identifiant": "x", "mot_de_passe": "y", "code": "1"}
        browser.post(form.action, fields, headers={"X-Forwarded-For": told})
        assert len({row.key_hash for row in rows_of(runtime, staff_try)}) == seen


def test_a_session_ends_idle_and_after_eight_hours_and_when_it_is_revoked(
    runtime: Runtime, settings: Config, clock: TestClock, app: Flask
) -> None:
    one = a_staff(runtime)
    browser = Visitor(runtime, app).enters(one)
    for _ in range(3):
        clock.advance(minutes=13)
        assert "Enfants à visiter" in browser.get("/console/retards").text
    clock.advance(minutes=15)
    assert "Identifiant" in browser.get("/console/retards").text
    browser.enters(one)
    for _ in range(8 * 6 - 1):
        clock.advance(minutes=10)
        browser.get("/console/enfant")
    assert "Trouver un enfant" in browser.get("/console/enfant").text
    clock.advance(minutes=10)
    assert "Identifiant" in browser.get("/console/enfant").text
    clock.advance(days=1)
    retention.purge(runtime, ["staff_sessions"])
    assert rows_of(runtime, staff_session) == []
    browser.enters(one)
    other = Visitor(runtime, app).enters(one)
    assert "Enfants à visiter" in browser.get("/console/retards").text
    said = command(settings, "staff", "revoke", "fatou", "--by", "Awa").output
    assert "fatou is revoked" in said
    for each in (browser, other):
        assert "Identifiant" in each.get("/console/retards").text
    clock.advance(days=390)
    retention.purge(runtime, ["former_staff"])
    assert len(rows_of(runtime, staff)) == 1
    clock.advance(days=20)  # the command lives by the real clock
    retention.purge(runtime, ["staff_sessions", "former_staff"])
    [former] = rows_of(runtime, staff)
    kept = {name: value for name, value in former._mapping.items() if value not in (None, "", 0)}
    assert kept.keys() == {"id", "organisation_id", "login", "role", "state", "created_at"}
    assert (former.login, former.state) == ("fatou", "former")
    again = command(settings, "staff", "add", "fatou", "--role", "supervisor", "--by", "Awa")
    assert (again.exit_code, "is or was somebody's" in again.output) == (1, True), "doses are signed with it"
    for words in (("reset", "fatou"), ("revoke", "fatou")):
        assert command(settings, "staff", *words, "--by", "Awa").exit_code == 1
    assert Visitor(runtime, app).logs_in("fatou", "", "123456").status == 403
    assert retention.purge(runtime, ["former_staff"]) == {"former_staff": 0}, "once is enough"


def test_accounts_by_command(settings: Config, runtime: Runtime, cheap: None) -> None:
    made = command(settings, "staff", "add", "binta", "--role", "centre", "--centre", "asacodar", "--by", "Awa")
    assert made.exit_code == 0, made.output
    password = re.search(r"Start password: (\S+)", made.output)
    assert password
    assert "otpauth://totp/Laseli%3Abinta?secret=" in made.output
    one = account_of(runtime, "binta")
    with runtime.database.read() as tx:
        raw = tx.exec_driver_sql("SELECT password, totp FROM staff").one()
    assert not any(part in bytes(value) for value in raw for part in (b"scrypt", one.totp.encode()))
    assert password[1] not in one.password
    for words in (
        ("add", "binta", "--role", "supervisor", "--by", "Awa"),
        ("add", "Mme Binta", "--role", "supervisor", "--by", "Awa"),
        ("add", "oumou", "--role", "centre", "--by", "Awa"),
        ("add", "oumou", "--role", "supervisor", "--centre", "asacodar", "--by", "Awa"),
        ("add", "oumou", "--role", "centre", "--centre", "nulle part", "--by", "Awa"),
        ("add", "oumou", "--role", "supervisor", "--by", " "),
        ("reset", "oumou", "--by", "Awa"),
        ("revoke", "oumou", "--by", "Awa"),
        ("code", "binta"),
    ):
        assert command(settings, "staff", *words).exit_code == 1, words
    listed = command(settings, "staff", "list").output
    assert re.search(r"binta +active +centre +never used +ASACODAR +start password", listed)
    again = command(settings, "staff", "reset", "binta", "--by", "Awa")
    assert again.exit_code == 0
    after = account_of(runtime, "binta")
    assert (after.password != one.password, after.totp != one.totp) == (True, True)
    assert command(settings, "staff", "revoke", "binta", "--by", "Awa").exit_code == 0
    assert command(settings, "staff", "list").output == "0 accounts\n"
    assert "revoked" in command(settings, "staff", "list", "--all").output
    assert "Nothing in the last 30 days" in command(settings, "staff", "reads", "binta").output


def test_a_password_costs_a_guesser_what_it_should_whether_the_account_is_there_or_not() -> None:
    def seconds(stored: str) -> float:
        started = time.process_time()
        assert not passwords.is_password_of("x", stored)
        return time.process_time() - started

    own = passwords.stored_form(OWN, b"salt" * 4)
    assert own.split("$")[:4] == passwords.NOBODYS.split("$")[:4]
    assert passwords.is_password_of(f" {OWN} ", own)
    assert 0.5 < seconds(own) / seconds(passwords.NOBODYS) < 2
    assert passwords.weakness_of("korotoumou ni baba ka so", "fatou") is None


def test_it_asks_for_https_outside_of_a_demo(settings: Config) -> None:
    plain = settings.model_dump() | {"public_url": "http://laseli.example.org", "twilio": None}
    with pytest.raises(ValueError, match="over https only"):
        Config.model_validate(plain | {"console": {"enabled": True}})
    with pytest.raises(ValueError, match="is no address"):
        Config.model_validate(plain | {"console": {"proxy": "localhost"}})
