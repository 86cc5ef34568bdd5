"""Whoever sits before somebody's open page, or comes by a way that nobody thought of."""

from __future__ import annotations

import io
from datetime import date

import pytest
from flask import Flask
from sqlalchemy import update

from service.app import create_app
from service.config import Config
from service.console_settings import ConsoleSettings
from service.domain import passwords, slow_hash
from service.domain.dose_lists import Line
from service.domain.dose_words import DoseWord
from service.runtime import Runtime
from service.store import care_tables, staff_tables
from service.store.decision_tables import decision
from service.store.people_tables import child
from service.store.staff_tables import staff_read, staff_session, staff_try
from service.stories.care import dose_corrections, dose_import
from service.stories.care.dose_corrections import Correction
from service.stories.staff import staff_accounts, staff_sessions
from service.web.console.console_guard import Guard
from tests.cover import rows_of
from tests.people import TestClock
from tests.staff import HERE, Page, Visitor, a_staff, account_of, code_for
from tests.stories.test_recalls import enrol

OWN = "le chat dort sous la charrette"


@pytest.fixture
def settings(settings: Config) -> Config:
    return settings.model_copy(update={"console": ConsoleSettings(enabled=True)})


@pytest.fixture
def app(runtime: Runtime) -> Flask:
    return create_app(runtime)


@pytest.fixture
def fatou(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> Visitor:
    """Inside, with a password of her own, at a price that tests can pay."""
    monkeypatch.setattr(passwords, "PRICE", slow_hash.Price(2**4, 1, 1))
    monkeypatch.setattr(passwords, "NOBODYS", passwords.PRICE.nobodys)
    one = a_staff(runtime)
    with runtime.database.begin() as tx:
        staff_tables.change_staff(tx, one.id, password=staff_accounts.stored(OWN))
    return Visitor(runtime, create_app(runtime)).enters(account_of(runtime, "fatou"))


def test_whoever_finds_a_page_open_cannot_guess_the_password(clock: TestClock, fatou: Visitor) -> None:
    form = fatou.get("/console/mot-de-passe").form("/mot-de-passe")

    def chooses(former: str) -> int:
        return fatou.send(form, ancien=former, nouveau=OWN + " ici", encore=OWN + " ici").status

    assert [chooses(f"essai {n}") for n in range(11)] == [400] * 10 + [429]
    page = fatou.send(form, ancien=OWN, nouveau=OWN + " ici", encore=OWN + " ici")
    assert (page.status, "quart d'heure" in page.text) == (429, True), "the right one too"
    clock.advance(minutes=14)
    fatou.get("/console/enfant")
    clock.advance(minutes=2)
    assert chooses(OWN) == 200


def test_who_logs_in_over_an_open_session_ends_it(runtime: Runtime, app: Flask, fatou: Visitor) -> None:
    [before] = rows_of(runtime, staff_session)
    page = fatou.logs_in("fatou", OWN, code_for(runtime, "fatou"))
    assert "Enfants à visiter" in page.text
    [after] = rows_of(runtime, staff_session)
    assert after.token_hash != before.token_hash


def test_who_comes_in_uses_up_no_tries(runtime: Runtime, clock: TestClock, app: Flask, fatou: Visitor) -> None:
    """Whole networks of phones have one address: on Monday at eight every centre comes in from it, and comes again."""
    for _ in range(12):
        clock.advance(seconds=30)
        assert "Enfants à visiter" in fatou.logs_in("fatou", OWN, code_for(runtime, "fatou")).text
    assert rows_of(runtime, staff_try) == []
    for n in range(11):
        assert fatou.logs_in("fatou", OWN, "000000").status == (403 if n < 10 else 429), "a wrong code does"


def test_addresses_of_the_old_kind_written_as_new_ones_are_told_apart() -> None:
    """A server that listens on [::] sees 10.0.0.1 as ::ffff:10.0.0.1: else all visitors would count as one."""
    network = staff_sessions.network_of
    assert network("::ffff:10.0.0.1") == network("10.0.0.1") != network("::ffff:10.0.0.2")
    assert network("2001:db8::1") == network("2001:db8::2") != network("2001:db8:0:1::1")


def test_a_proxy_is_known_by_either_way_of_writing_its_address(runtime: Runtime, settings: Config) -> None:
    behind = settings.model_copy(update={"console": ConsoleSettings(enabled=True, proxy="127.0.0.1")})
    object.__setattr__(runtime, "config", behind)
    guard = Guard(runtime)
    for peer in ("127.0.0.1", "::ffff:127.0.0.1"):
        with Flask("x").test_request_context(
            headers={"X-Forwarded-For": "9.9.9.9"}, environ_base={"REMOTE_ADDR": peer}
        ):
            assert guard.address() == "9.9.9.9", peer
    with Flask("x").test_request_context(headers={"X-Forwarded-For": "9.9.9.9"}, environ_base={"REMOTE_ADDR": ""}):
        assert guard.address() == ""


def test_an_origin_that_is_no_address_is_another_site(fatou: Visitor) -> None:
    form = fatou.get("/console/enfant").form("/enfant")
    for origin in ("https://[", "http://laseli.example.org", "laseli.example.org", ""):
        assert fatou.post(form.action, form.fields, headers={"Origin": origin}).status == 403, origin
    assert fatou.post(form.action, form.fields, headers={"Origin": HERE}).status == 404


def test_whoever_only_asks_whether_a_page_is_there_tries_and_changes_nothing(
    runtime: Runtime, app: Flask, fatou: Visitor
) -> None:
    """HEAD, as watchmen of servers send it: without a token, so never taken for a form."""
    typed = {"ancien": OWN, "nouveau": OWN + " ici", "encore": OWN + " ici", "quoi": "11112222"}
    before = account_of(runtime, "fatou").password
    for address in ("entrer", "mot-de-passe", "enfant", "import"):
        assert fatou.client.head(f"/console/{address}", data=typed, base_url=HERE).status_code == 200, address
    assert account_of(runtime, "fatou").password == before
    assert (rows_of(runtime, staff_try), rows_of(runtime, staff_read)) == ([], [])


def test_an_account_of_a_centre_that_lost_its_centre_sees_nobody(
    runtime: Runtime, clock: TestClock, app: Flask
) -> None:
    clock.set("2026-06-01T10:00")
    here = enrol(runtime, clock, born="2026-04-20")
    one = a_staff(runtime, "binta", "centre", "ASACODAR")
    with runtime.database.begin() as tx:
        staff_tables.change_staff(tx, one.id, centre_id=None)
    binta = Visitor(runtime, app).enters(one)
    assert binta.send(binta.get("/console/enfant").form("/enfant"), quoi=here.code).status == 404
    assert "0 à voir sur 0 suivi" in binta.get("/console/retards").text


def test_a_reset_says_who_did_it(runtime: Runtime, fatou: Visitor) -> None:
    with runtime.database.begin() as tx:
        staff_accounts.reset(tx, "fatou", "Awa", runtime.now())
    [row] = rows_of(runtime, decision)
    assert (row.by, row.what, row.why) == ("Awa", "staff reset", "fatou")


def test_a_password_is_the_same_from_every_keyboard(monkeypatch: pytest.MonkeyPatch) -> None:
    """One sends é as a letter, another as e and an accent: the person typed the same."""
    monkeypatch.setattr(passwords, "PRICE", slow_hash.Price(2**4, 1, 1))
    composed, in_parts = "\u00e9t\u00e9 au marigot", "e\u0301te\u0301 au marigot"
    for kept, typed in ((composed, in_parts), (in_parts, composed)):
        assert passwords.is_password_of(typed, passwords.stored_form(kept, b"salt" * 4))


# --- lists and doses ----------------------------------------------------------------------------------------


def test_a_child_that_moves_while_a_list_is_written_is_let_alone(runtime: Runtime, clock: TestClock) -> None:
    clock.set("2026-06-01T10:00")
    here, on = enrol(runtime, clock, born="2026-04-20"), date(2026, 6, 1)
    binta = a_staff(runtime, "binta", "centre", "ASACODAR")
    with runtime.database.read() as tx:
        code = staff_tables.child_within(tx, binta.remit, id=here.child_id).code  # type: ignore[union-attr]
        before = care_tables.history_of(tx, here.child_id)

    def it_moves(what: str, *_: object) -> None:
        with runtime.database.begin() as tx:
            [elsewhere] = [id for id, _, name in staff_tables.centres_within(tx, everything) if name == "ASACOTOM"]
            tx.execute(update(child).values(centre_id=elsewhere))

    everything = binta.remit._replace(centre_id=None)
    lines = [Line(2, code, (DoseWord("PENTA", 1),), on)]
    args = (runtime, lines, binta.signature, clock.now(), it_moves)
    outcome = dose_import.take_in(*args, dry_run=False, remit=binta.remit)
    assert [one.why for one in outcome.refused] == ["aucun enfant n'a ce code"]
    assert outcome.doses == 0
    with runtime.database.read() as tx:
        assert care_tables.history_of(tx, here.child_id) == before


def test_whom_a_list_was_about_is_written_down_and_it_names_nobody(
    runtime: Runtime, clock: TestClock, app: Flask
) -> None:
    clock.set("2026-06-01T10:00")
    here = enrol(runtime, clock, born="2026-04-20")
    with runtime.database.begin() as tx:
        correction = Correction("Kadia Coulibaly", "not-given")
        dose_corrections.take_back(tx, runtime, here.code, "BCG", date(2026, 4, 20), correction, clock.now())
    binta = Visitor(runtime, app).enters(a_staff(runtime, "binta", "centre", "ASACODAR"))

    def sent(code: str) -> Page:
        form = binta.get("/console/import").form("/import")
        return binta.send(form, liste=(io.BytesIO(f"code;dose;date\n{code};BCG;20/04/2026\n".encode()), "l.csv"))

    page = sent(here.code)
    assert "BCG de ce jour a été retirée du dossier" in page.text
    sent("11112222")
    assert {(row.kind, row.about_id) for row in rows_of(runtime, staff_read)} == {
        ("import", here.child_id),
        ("import", None),
    }
    form = binta.send(binta.get("/console/enfant").form("/enfant"), quoi=here.code).form("/doses")
    seen = binta.send(form, dose="BCG", jour="2026-04-20")
    assert "retirée du dossier" in seen.text
    assert "Kadia" not in page.source + seen.source


def test_a_yes_after_an_hour_is_too_late_before_anything_cleans_up(
    runtime: Runtime, clock: TestClock, app: Flask
) -> None:
    clock.set("2026-06-01T10:00")
    here = enrol(runtime, clock, born="2026-04-20")
    binta = Visitor(runtime, app).enters(a_staff(runtime, "binta", "centre", "ASACODAR"))
    text = f"code;dose;date\n{here.code};PENTA1;01/06/2026\n".encode()
    seen = binta.send(binta.get("/console/import").form("/import"), liste=(io.BytesIO(text), "l.csv"))
    for _ in range(5):
        clock.advance(minutes=13)
        binta.get("/console/enfant")
    late = binta.send(seen.form("/oui"))
    assert (late.status, "n'attend plus" in late.text) == (400, True)
