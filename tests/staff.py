"""Somebody of the staff with a browser that knows forms and cookies, and nothing else."""

from __future__ import annotations

import hashlib
import secrets
from html.parser import HTMLParser
from typing import Any, NamedTuple

from flask import Flask
from werkzeug.test import TestResponse

from service.domain import one_time_codes, passwords
from service.runtime import Runtime
from service.store import place_tables, staff_tables
from service.store.staff_tables import Staff
from service.stories.homes.programmes import PROGRAMME
from service.stories.staff.staff_accounts import ISSUER, Opening

HERE = "https://laseli.example.org"
SECRET = one_time_codes.written(b"twenty octets, known")
COOKIE = "__Host-laseli"


class Form(NamedTuple):
    """As it stands on a page: where it goes, and its fields; what may be ticked or chosen is in `choices`."""

    action: str
    fields: dict[str, Any]
    choices: dict[str, list[str]]


class Page(HTMLParser):
    """What a person sees of an answer."""

    def __init__(self, answer: TestResponse) -> None:
        super().__init__()
        self.status, self.headers, self.source = answer.status_code, answer.headers, answer.get_data(as_text=True)
        self.forms: list[Form] = []
        self.links: list[str] = []
        self.words: list[str] = []
        self.tags: list[str] = []
        self.feed(self.source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        its = {name: value or "" for name, value in attrs}
        self.tags.append(tag)
        if tag == "form":
            self.forms.append(Form(its["action"], {}, {}))
        elif tag == "a":
            self.links.append(its["href"])
        elif tag in ("input", "select") and "name" not in its:
            return  # only shown: it goes nowhere
        elif tag in ("input", "select") and its.get("type") != "checkbox":
            self.forms[-1].fields[its["name"]] = its.get("value", "")
        elif tag == "input":
            self.forms[-1].choices.setdefault(its["name"], []).append(its["value"])
        elif tag == "option" and its["value"]:
            name = list(self.forms[-1].fields)[-1]
            self.forms[-1].choices.setdefault(name, []).append(its["value"])

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def form(self, ends: str) -> Form:
        return next(one for one in self.forms if one.action.endswith(ends))

    def link(self, has: str) -> str:
        return next(one for one in self.links if has in one)


class Visitor:
    """A browser of its own. `enters` opens a session without the slow hash; `logs_in` goes through the door."""

    def __init__(self, runtime: Runtime, app: Flask) -> None:
        self.runtime, self.client = runtime, app.test_client()
        self.address = "10.0.0.1"

    def get(self, path: str, **options: Any) -> Page:
        return self._page(self.client.get(path, **self._options(options)))

    def post(self, path: str, fields: Any, **options: Any) -> Page:
        return self._page(self.client.post(path, data=fields, **self._options(options)))

    def send(self, form: Form, **typed: Any) -> Page:
        return self.post(form.action, form.fields | typed)

    def _options(self, options: dict[str, Any]) -> dict[str, Any]:
        return {"base_url": HERE, "environ_base": {"REMOTE_ADDR": self.address}, "follow_redirects": True} | options

    def _page(self, answer: TestResponse) -> Page:
        return Page(answer)

    def enters(self, one: Staff) -> Visitor:
        token = secrets.token_urlsafe(32)
        with self.runtime.database.begin() as tx:
            staff_tables.open_session(tx, one.id, hashlib.sha256(token.encode()).digest(), self.runtime.now())
        self.client.set_cookie(COOKIE, token, domain="laseli.example.org", path="/", secure=True)
        return self

    def logs_in(self, login: str, password: str, code: str) -> Page:
        form = self.get("/console/entrer").form("/entrer")
        return self.send(form, identifiant=login, mot_de_passe=password, code=code)


def a_staff(runtime: Runtime, login: str = "fatou", role: str = "supervisor", centre: str = "") -> Staff:
    """An account whose password nobody has; its sessions are opened by `Visitor.enters`."""
    with runtime.database.begin() as tx:
        programme = place_tables.programme_of_code(tx, PROGRAMME)
        assert programme is not None
        centres = {name: id for id, _, name in staff_tables.centres_within(tx, _everything(programme.organisation_id))}
        staff_tables.add_staff(
            tx,
            organisation_id=programme.organisation_id,
            login=login,
            role=role,
            centre_id=centres[centre] if centre else None,
            password=passwords.NOBODYS,
            totp=SECRET,
            created_by="the tests",
            created_at=runtime.now(),
        )
    return account_of(runtime, login)


def _everything(organisation_id: int) -> staff_tables.Remit:
    return staff_tables.Remit(organisation_id, None)


def account_of(runtime: Runtime, login: str) -> Staff:
    with runtime.database.read() as tx:
        found = staff_tables.staff_of_login(tx, login)
    assert found is not None
    return found


def code_for(runtime: Runtime, login: str, later: int = 0) -> str:
    """What the app on the person's own phone shows, now or so many half minutes later."""
    step = one_time_codes.step_at(runtime.now()) + later
    return one_time_codes.code_at(account_of(runtime, login).totp, step)


def secret_in(opening: Opening) -> str:
    assert f"issuer={ISSUER}" in opening.otpauth
    return opening.otpauth.partition("secret=")[2].partition("&")[0]
