"""The console's walls: every page by role and object, every form, every header, and hostile words."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import update

from service.app import create_app
from service.config import Config
from service.console_settings import ConsoleSettings
from service.runtime import Runtime
from service.store import place_tables
from service.store.people_tables import child, person
from service.store.place_tables import organisation
from service.store.staff_tables import staff_read
from service.stories.homes.families import Enrolled
from service.web.console.console_words import NO_CHILD
from tests.cover import rows_of
from tests.mediators import an_account
from tests.people import TestClock
from tests.staff import HERE, Page, Visitor, a_staff
from tests.stories.test_recalls import MOTHER, enrol

PAYLOADS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ 7 * 7 }}{% raw %}",
    "'-alert(1)-'",
    "\u202eevil",
)
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
}


@pytest.fixture
def settings(settings: Config) -> Config:
    return settings.model_copy(update={"console": ConsoleSettings(enabled=True)})


@pytest.fixture
def app(runtime: Runtime) -> Flask:
    return create_app(runtime)


@pytest.fixture
def here(runtime: Runtime, clock: TestClock) -> Enrolled:
    """A late child of ASACODAR."""
    clock.set("2026-06-01T10:00")
    one = enrol(runtime, clock, born="2026-04-20")
    clock.set("2026-07-06T10:00")
    return one


def addresses(app: Flask) -> list[tuple[str, str]]:
    """(method, address) of every page under /console, with something in the place of what varies."""
    found = []
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith("/console"):
            values = dict.fromkeys(rule.arguments, 1 if "int" in rule.rule else "x")
            _, address = rule.build(values, append_unknown=False) or ("", rule.rule)
            found += [(method, address) for method in sorted(rule.methods or ()) if method in ("GET", "POST")]
    return found


def test_the_console_is_off_unless_it_is_asked_for(runtime: Runtime, settings: Config) -> None:
    off = settings.model_copy(update={"console": ConsoleSettings()})
    object.__setattr__(runtime, "config", off)
    assert create_app(runtime).test_client().get("/console/entrer").status_code == 404


def test_every_form_is_refused_without_its_token_and_from_another_page(
    runtime: Runtime, app: Flask, here: Enrolled
) -> None:
    browser = Visitor(runtime, app).enters(a_staff(runtime))
    token = browser.get("/console/enfant").form("/enfant").fields["jeton"]
    posts = [address for method, address in addresses(app) if method == "POST"]
    assert len(posts) >= 12
    for address in posts:
        assert browser.post(address, {}).status == 403, address
        assert browser.post(address, {"jeton": "0" * len(token)}).status == 403, address
        for origin in ("https://evil.example", "null", "https://laseli.example.org.evil.example"):
            assert browser.post(address, {"jeton": token}, headers={"Origin": origin}).status == 403, address
    stranger = Visitor(runtime, app)
    for address in posts:
        page = stranger.post(address, {"jeton": token})
        assert page.status == 403 or "Identifiant" in page.text, address
    own = browser.send(browser.get("/console/enfant").form("/enfant"), quoi=here.code, headers={"Origin": HERE})
    assert own.status in (200, 404)


def test_without_a_session_every_page_shows_the_door_and_every_answer_has_its_headers(
    runtime: Runtime, app: Flask, here: Enrolled
) -> None:
    inside = Visitor(runtime, app).enters(a_staff(runtime))
    for method, address in addresses(app):
        if method == "GET" and not address.endswith("style.css"):
            page = Visitor(runtime, app).get(address)
            assert "Identifiant" in page.text or page.status == 404, address
            assert here.code not in page.source
        for browser in (Visitor(runtime, app), inside):
            page = browser.get(address) if method == "GET" else browser.post(address, {})
            for name, value in HEADERS.items():
                assert page.headers[name] == value, address
            policy = page.headers["Content-Security-Policy"]
            assert policy.startswith("default-src 'none'; style-src 'self'")
            assert "frame-ancestors 'none'" in policy
            assert "unsafe" not in policy
            assert ("no-store" in page.headers["Cache-Control"]) or address.endswith("style.css")
    cookie = Visitor(runtime, app).client.get("/console/entrer", base_url=HERE).headers["Set-Cookie"]
    for word in ("__Host-laseli=", "Secure", "HttpOnly", "SameSite=Strict", "Path=/"):
        assert word in cookie
    assert "Domain" not in cookie


def test_anothers_child_is_as_one_that_is_not_there(
    runtime: Runtime, clock: TestClock, app: Flask, here: Enrolled
) -> None:
    """Every page of a child, for the centre of the child, another centre, and another organisation."""
    kadia = an_account(runtime)
    binta = Visitor(runtime, app).enters(a_staff(runtime, "binta", "centre", "ASACODAR"))
    other = Visitor(runtime, app).enters(a_staff(runtime, "oumou", "centre", "ASACOTOM"))
    form = other.get("/console/enfant").form("/enfant")
    answers = [other.send(form, quoi=written) for written in (here.code, MOTHER, "11112222", "+22370000099", "x")]
    assert {(one.status, one.source) for one in answers} == {(404, answers[0].source)}
    assert NO_CHILD in answers[0].text

    def every_page(browser: Visitor, ref: str) -> list[tuple[int, bool]]:
        token = browser.get("/console/enfant").form("/enfant").fields["jeton"]
        fields = {"jeton": token, "dose": "PENTA1", "antigene": "BCG", "jour": "2026-04-20", "quoi": "retrait"}
        fields |= {"pourquoi": "not-given"}
        posts = ("doses", "doses/oui", "corriger", "corriger/voir", "corriger/oui")
        pages = [browser.get(f"/console/enfant/{ref}")]
        pages += [browser.post(f"/console/enfant/{ref}/{one}", fields) for one in posts]
        return [(page.status, NO_CHILD in page.text) for page in pages]

    mine = binta.send(binta.get("/console/enfant").form("/enfant"), quoi=here.code)
    ref = mine.form("/doses").action.split("/")[-2]
    assert every_page(other, ref) == [(404, True)] * 6, "an address of another session"
    assert every_page(binta, "x" * 48) == every_page(binta, "é") == [(404, True)] * 6
    again = Visitor(runtime, app).enters(a_staff(runtime, "fanta", "centre", "ASACODAR"))
    assert every_page(again, ref) == [(404, True)] * 6, "nor does it mean anything to somebody who may see the child"
    for address in (f"/console/retards/{kadia.id}", f"/console/retards/{kadia.id}/feuille-noms"):
        page = other.get(address)
        assert (page.status, here.code in page.source, "Kadia" in page.source) == (404, False, False)
        assert binta.get(address).status == 200
    assert "0 à voir sur 0 suivi" in other.get("/console/retards").text
    codes = {name: id for id, _, name in _centres(runtime)}
    assert other.get(f"/console/centres/{codes['ASACODAR']}/feuille").status == 404
    assert other.get(f"/console/centres/{codes['ASACOTOM']}/feuille").status == 200
    # The child moves to the other centre: its former one has lost it, whatever page stands open there.
    with runtime.database.begin() as tx:
        tx.execute(update(child).values(centre_id=codes["ASACOTOM"]))
    assert every_page(binta, ref) == [(404, True)] * 6
    with runtime.database.begin() as tx:
        strangers = place_tables.put_row(tx, organisation, "another", name="Another")
        tx.execute(update(child).values(organisation_id=strangers))
    fatou = Visitor(runtime, app).enters(a_staff(runtime))
    page = fatou.send(fatou.get("/console/enfant").form("/enfant"), quoi=here.code)
    assert (page.status, NO_CHILD in page.text) == (404, True)
    assert "0 à voir sur 0 suivi" in fatou.get("/console/retards").text
    assert {row.kind for row in rows_of(runtime, staff_read) if row.about_id is None} == {"search"}


def _centres(runtime: Runtime) -> list[tuple[int, str, str]]:
    from service.store import centre_tables

    with runtime.database.read() as tx:
        return centre_tables.centres(tx)


def test_words_stay_words(runtime: Runtime, app: Flask, here: Enrolled) -> None:
    """Names, notes, addresses and what is typed: all hostile words at once, on every page that shows some."""
    account, payload = an_account(runtime), " ".join(PAYLOADS)
    fatou = Visitor(runtime, app).enters(a_staff(runtime))
    with runtime.database.begin() as tx:
        tx.execute(update(person).values(name=payload))
    paths = [f"/console/retards/{account.id}{rest}" for rest in ("", "/confier", "/feuille-noms")]
    paths += ["/console/retards", f"/console/{payload}", f"/console/?dit={payload}"]
    pages = [fatou.get(path) for path in paths]
    pages.append(fatou.send(fatou.get("/console/enfant").form("/enfant"), quoi=payload))
    pages.append(fatou.logs_in(payload, payload, payload))
    for page in pages:
        assert not {"script", "img", "iframe", "object"} & set(page.tags)
        assert page.status < 500
    for page in pages[:4]:
        assert "<script>alert(1)</script>" in page.text
        assert "{{ 7 * 7 }}" in page.text


def test_searching_codes_through_is_stopped(runtime: Runtime, app: Flask, here: Enrolled) -> None:
    binta = Visitor(runtime, app).enters(a_staff(runtime, "binta", "centre", "ASACODAR"))
    form = binta.get("/console/enfant").form("/enfant")
    answers = [binta.send(form, quoi=f"{11110000 + n}").status for n in range(31)]
    assert answers == [404] * 30 + [429]
    assert binta.send(form, quoi=here.code).status == 429


def test_a_first_load_is_light(runtime: Runtime, app: Flask, here: Enrolled) -> None:
    an_account(runtime)
    browser = Visitor(runtime, app).enters(a_staff(runtime))
    ask = {"base_url": HERE, "headers": {"Accept-Encoding": "gzip"}}
    page = browser.client.get("/console/retards", **ask)  # type: ignore[arg-type]
    style = Page(browser.client.get("/console/retards", base_url=HERE)).source.partition('stylesheet" href="')[2]
    sheet = browser.client.get(style.partition('"')[0], **ask)  # type: ignore[arg-type]
    assert page.headers["Content-Encoding"] == sheet.headers["Content-Encoding"] == "gzip"
    assert "immutable" in sheet.headers["Cache-Control"]
    assert "Set-Cookie" not in sheet.headers
    assert len(page.data) + len(sheet.data) < 10_000
