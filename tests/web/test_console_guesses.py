"""Whoever guesses at the console: kept out, told of, and unable to keep anybody else out."""

from __future__ import annotations

import base64
import threading
from io import StringIO

import pytest
from flask import Flask

from service.app import create_app
from service.config import Config
from service.console_settings import ConsoleSettings
from service.domain import passwords, slow_hash
from service.domain.checkup_facts import Finding
from service.runtime import Runtime
from service.store import alarm_tables, staff_tables
from service.store.alarm_tables import staff_alarm
from service.stories.keeping import doctor, retention
from service.stories.staff import known_browsers, staff_accounts, staff_sessions
from tests.cover import rows_of
from tests.people import TestClock
from tests.staff import HERE, Page, Visitor, a_staff, account_of, code_for

OWN = "le chat dort sous la charrette"
MARKS = "__Host-laseli-connu"


@pytest.fixture
def settings(settings: Config) -> Config:
    return settings.model_copy(update={"console": ConsoleSettings(enabled=True, proxy="127.0.0.1")})


@pytest.fixture
def app(runtime: Runtime) -> Flask:
    return create_app(runtime)


@pytest.fixture(autouse=True)
def two_accounts(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of fatou and of binta, with the same password at a price that tests can pay."""
    monkeypatch.setattr(passwords, "PRICE", slow_hash.Price(2**4, 1, 1))
    monkeypatch.setattr(passwords, "NOBODYS", passwords.PRICE.nobodys)
    accounts = (a_staff(runtime), a_staff(runtime, "binta", "centre", "ASACODAR"))
    with runtime.database.begin() as tx:
        for one in accounts:
            staff_tables.change_staff(tx, one.id, password=staff_accounts.stored(OWN))


def comes_in(runtime: Runtime, clock: TestClock, browser: Visitor, login: str = "fatou", password: str = OWN) -> int:
    """200 where the person is in: half a minute later, since a code opens once."""
    clock.advance(seconds=30)
    return browser.logs_in(login, password, code_for(runtime, login)).status


def guesses(browser: Visitor, times: int, login: str = "fatou") -> list[int]:
    form = browser.get("/console/entrer").form("/entrer")
    typed = {"identifiant": login, "mot_de_passe": "wrong", "code": "123456"}
    return [browser.send(form, **typed).status for _ in range(times)]


def marks_of(browser: Visitor) -> str:
    found = browser.client.get_cookie(MARKS, domain="laseli.example.org", path="/")
    assert found is not None
    return found.value


def with_marks(runtime: Runtime, app: Flask, marks: str, address: str = "10.0.0.9") -> Visitor:
    browser = Visitor(runtime, app)
    browser.address = address
    browser.client.set_cookie(MARKS, marks, domain="laseli.example.org", path="/", secure=True)
    return browser


def from_elsewhere(runtime: Runtime, app: Flask, address: str) -> Visitor:
    browser = Visitor(runtime, app)
    browser.address = address
    return browser


# --- nobody else is kept out --------------------------------------------------------------------------------


def test_who_came_in_before_is_not_kept_out_by_whoever_guesses_elsewhere(
    runtime: Runtime, clock: TestClock, app: Flask
) -> None:
    own = Visitor(runtime, app)
    assert comes_in(runtime, clock, own) == 200
    attacker = from_elsewhere(runtime, app, "10.6.6.6")
    assert guesses(attacker, 11) == [403] * 10 + [429]
    assert comes_in(runtime, clock, attacker) == 429, "the right password too: the attacker has no more tries than ever"
    assert comes_in(runtime, clock, from_elsewhere(runtime, app, "10.7.7.7")) == 429, (
        "a browser that was never in waits"
    )
    assert comes_in(runtime, clock, own) == 200
    beside = from_elsewhere(runtime, app, own.address)
    for n in range(30):
        guesses(beside, 1, f"somebody{n}")
    assert guesses(beside, 1, "another") == [429], "the whole network of phones waits"
    assert comes_in(runtime, clock, own) == 200


def test_a_known_browser_has_ten_tries_and_no_more(runtime: Runtime, clock: TestClock, app: Flask) -> None:
    own = Visitor(runtime, app)
    assert comes_in(runtime, clock, own) == 200
    thief = with_marks(runtime, app, marks_of(own))
    assert guesses(thief, 11) == [403] * 10 + [429]
    assert comes_in(runtime, clock, thief) == 429
    for n in range(3):
        moved = with_marks(runtime, app, marks_of(own), f"10.8.8.{n}")
        assert guesses(moved, 1) == [429], "another address brings no more"
    assert comes_in(runtime, clock, from_elsewhere(runtime, app, "10.7.7.7")) == 200, (
        "nor does the thief keep others out"
    )
    assert guesses(with_marks(runtime, app, marks_of(own)), 1, "binta") == [403], "and for others he is a stranger"


def test_a_mark_is_good_for_one_account_and_until_the_password_changes(
    runtime: Runtime, clock: TestClock, app: Flask
) -> None:
    own, hers = Visitor(runtime, app), Visitor(runtime, app)
    assert comes_in(runtime, clock, own) == comes_in(runtime, clock, hers, "binta") == 200
    before = marks_of(own)
    octets = base64.urlsafe_b64decode(before + "==")
    later = octets[:12] + (int.from_bytes(octets[12:18], "big") + 1).to_bytes(6, "big") + octets[18:]
    forged = (marks_of(hers), base64.urlsafe_b64encode(later).decode().rstrip("="), before[:-4], "x" * 400, "é", ".")
    guesses(from_elsewhere(runtime, app, "10.6.6.6"), 10)
    for marks in forged:
        assert guesses(with_marks(runtime, app, marks), 1) == [429], marks
    assert guesses(with_marks(runtime, app, before), 1) == [403]
    asks = own.get("/console/mot-de-passe").form("/mot-de-passe")
    assert own.send(asks, ancien=OWN, nouveau=OWN + " ici", encore=OWN + " ici").status == 200
    assert marks_of(own) != before
    assert guesses(with_marks(runtime, app, before), 1) == [429], "another password: the former mark says nothing"
    assert comes_in(runtime, clock, own, password=OWN + " ici") == 200, "the browser where it was changed goes on"
    after = marks_of(own)
    with runtime.database.begin() as tx:
        opening = staff_accounts.reset(tx, "fatou", "Awa", runtime.now())
    assert guesses(with_marks(runtime, app, after), 1) == [429], "a lost phone is known no more"
    clock.advance(minutes=16)
    assert comes_in(runtime, clock, own, password=opening.password) == 200


def test_a_mark_ends_by_itself_and_a_revoked_account_has_none(runtime: Runtime, clock: TestClock, app: Flask) -> None:
    own = Visitor(runtime, app)
    assert comes_in(runtime, clock, own) == 200
    mark = marks_of(own)
    clock.advance(days=known_browsers.KEPT_DAYS)
    guesses(from_elsewhere(runtime, app, "10.6.6.6"), 10)
    assert guesses(with_marks(runtime, app, mark), 1) == [429]
    clock.advance(minutes=16)
    assert comes_in(runtime, clock, own) == 200
    with runtime.database.begin() as tx:
        staff_accounts.revoke(tx, "fatou", "Awa", runtime.now())
    assert comes_in(runtime, clock, own) == 403


def test_people_of_a_centre_share_a_phone(runtime: Runtime, clock: TestClock, app: Flask) -> None:
    shared = Visitor(runtime, app)
    for login in ("fatou", "binta", "fatou"):
        assert comes_in(runtime, clock, shared, login) == 200
    assert len(marks_of(shared).split(".")) == 2, "one for each"
    for login in ("fatou", "binta"):
        guesses(from_elsewhere(runtime, app, "10.6.6.6"), 10, login)
        assert comes_in(runtime, clock, shared, login) == 200


def test_the_mark_s_cookie_is_ours_alone_and_tells_nothing(runtime: Runtime, clock: TestClock, app: Flask) -> None:
    browser = Visitor(runtime, app)
    form = browser.get("/console/entrer").form("/entrer")
    fields = form.fields | {"identifiant": "fatou", "mot_de_passe": OWN, "code": code_for(runtime, "fatou")}
    answer = browser.client.post(form.action, data=fields, base_url=HERE)
    [cookie] = [one for one in answer.headers.getlist("Set-Cookie") if one.startswith(f"{MARKS}=")]
    for word in ("Secure", "HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=7776000"):
        assert word in cookie
    assert "Domain" not in cookie
    one = account_of(runtime, "fatou")
    octets = base64.urlsafe_b64decode(marks_of(browser) + "==")
    for told in (b"fatou", str(one.id).encode(), one.id.to_bytes(8, "big")):
        assert told not in octets
    wrong = browser.client.post(form.action, data=fields | {"mot_de_passe": "wrong"}, base_url=HERE)
    assert not any(MARKS in one for one in wrong.headers.getlist("Set-Cookie")), "only whoever came in gets one"


def test_a_crowd_at_the_door_does_not_keep_a_known_browser_from_it(
    runtime: Runtime, clock: TestClock, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Passwords are dear to look at, so few are at once: strangers fill their own places only."""
    own = Visitor(runtime, app)
    assert comes_in(runtime, clock, own) == 200
    monkeypatch.setattr(staff_sessions, "_hashing", threading.BoundedSemaphore(1))
    with staff_sessions._hashing:
        assert comes_in(runtime, clock, from_elsewhere(runtime, app, "10.7.7.7")) == 503
        assert comes_in(runtime, clock, own) == 200
        asks = own.get("/console/mot-de-passe").form("/mot-de-passe")
        assert own.send(asks, ancien=OWN, nouveau=OWN + " ici", encore=OWN + " ici").status == 200
    assert comes_in(runtime, clock, own, password=OWN + " ici") == 200


# --- somebody is told ---------------------------------------------------------------------------------------


def alarms(runtime: Runtime) -> list[str]:
    return sorted(row.kind for row in rows_of(runtime, staff_alarm))


def found(runtime: Runtime) -> list[Finding]:
    return [one for one in doctor.examine(runtime, runtime.now()) if one.about == "console"]


def test_guesses_at_passwords_are_told_once_an_hour_and_name_nobody_in_the_log(
    runtime: Runtime, clock: TestClock, app: Flask, log_lines: StringIO
) -> None:
    attacker = from_elsewhere(runtime, app, "10.6.6.6")
    guesses(attacker, 10)
    assert alarms(runtime) == [], "a person mistypes"
    guesses(attacker, 4)
    guesses(attacker, 14, "nobody")
    assert alarms(runtime) == ["door"], "of an account that is there"
    [told] = found(runtime)
    assert (told.level, "passwords of fatou" in told.said, "staff reset fatou" in told.remedy) == ("soon", True, True)
    clock.advance(hours=1, seconds=1)
    guesses(attacker, 11)
    assert alarms(runtime) == ["door", "door"]
    assert "in 2 hours" in found(runtime)[0].said
    assert "console_guesses" in log_lines.getvalue()
    assert "fatou" not in log_lines.getvalue()
    clock.advance(days=7, seconds=1)
    assert found(runtime) == [], "told for a week"
    clock.advance(days=90)
    retention.purge(runtime, ["staff_alarms"])
    assert alarms(runtime) == []


def test_who_guesses_slowly_is_told_of_within_a_day(runtime: Runtime, clock: TestClock, app: Flask) -> None:
    attacker = from_elsewhere(runtime, app, "10.6.6.6")
    for _ in range(7):
        assert guesses(attacker, 3) == [403] * 3, "never kept out"
        clock.advance(hours=1)
    assert alarms(runtime) == ["door"]


def test_whoever_has_the_password_and_tries_codes_is_told_of_at_once(
    runtime: Runtime, clock: TestClock, app: Flask
) -> None:
    attacker = from_elsewhere(runtime, app, "10.6.6.6")

    def tries(times: int) -> None:
        for _ in range(times):
            assert attacker.logs_in("fatou", OWN, "000000").status == 403

    tries(4)
    assert comes_in(runtime, clock, Visitor(runtime, app)) == 200
    tries(4)
    assert alarms(runtime) == [], "she mistyped, and then came in"
    tries(1)
    assert alarms(runtime) == ["code"]
    [told] = found(runtime)
    assert (told.level, "has the password of fatou" in told.said) == ("now", True)


def test_an_address_that_tries_many_accounts_is_told_of(runtime: Runtime, app: Flask) -> None:
    attacker = from_elsewhere(runtime, app, "10.6.6.6")
    for n in range(31):
        guesses(attacker, 1, f"somebody{n}")
    assert alarms(runtime) == ["address"]
    [told] = found(runtime)
    assert ("One address" in told.said, "10.6" in told.said) == (True, False)


def test_who_is_in_and_searches_or_guesses_is_told_of_to_whom_it_concerns(
    runtime: Runtime, clock: TestClock, app: Flask
) -> None:
    binta = Visitor(runtime, app).enters(account_of(runtime, "binta"))
    form = binta.get("/console/enfant").form("/enfant")
    for n in range(31):
        binta.send(form, quoi=f"{11110000 + n}")
    asks = binta.get("/console/mot-de-passe").form("/mot-de-passe")
    for _ in range(11):
        binta.send(asks, ancien="wrong", nouveau=OWN + " ici", encore=OWN + " ici")
    guesses(from_elsewhere(runtime, app, "10.6.6.6"), 11)
    assert alarms(runtime) == ["door", "former", "search"]
    assert not any("1111" in str(row) for row in rows_of(runtime, staff_alarm)), "no code that was tried"

    def told(browser: Visitor) -> Page:
        return browser.get("/console/retards")

    hers = told(binta).text
    assert ("page ouverte de binta" in hers, "fatou" in hers, "a cherché" in hers) == (True, False, False)
    fatou = told(Visitor(runtime, app).enters(account_of(runtime, "fatou"))).text
    for said in ("mot de passe de fatou", "page ouverte de binta", "binta a cherché beaucoup"):
        assert said in fatou
    assert "20/11 à 10:00" in fatou
    with runtime.database.read() as tx:
        another = account_of(runtime, "fatou").organisation_id + 2
        assert alarm_tables.alarms(tx, 0, another) == [], "nor does another organisation hear of it"
    clock.advance(days=8)
    assert "À regarder" not in told(Visitor(runtime, app).enters(account_of(runtime, "fatou"))).text


# --- a console that is not behind its proxy -----------------------------------------------------------------


def test_the_start_says_that_no_proxy_is_known(runtime: Runtime, settings: Config, log_lines: StringIO) -> None:
    create_app(runtime)
    assert "console_without_proxy" not in log_lines.getvalue()
    alone = settings.model_copy(update={"console": ConsoleSettings(enabled=True)})
    object.__setattr__(runtime, "config", alone)
    create_app(runtime)
    assert "console_without_proxy" in log_lines.getvalue()
    facts = doctor.gather(runtime, runtime.now())
    assert facts.console is not None
    assert (facts.console.proxy, facts.console.is_secure) == ("", True)
