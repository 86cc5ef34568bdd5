"""What a supervisor and a health centre do on the console, page by page."""

from __future__ import annotations

import io
from datetime import date
from typing import Any

import pytest
from flask import Flask

from service.app import create_app
from service.config import Config
from service.console_settings import ConsoleSettings
from service.runtime import Runtime
from service.store import care_tables, mediator_tables
from service.store.care_tables import RecordedDose
from service.store.decision_tables import decision
from service.store.message_tables import message
from service.store.staff_tables import staff_list, staff_read
from service.stories.homes.families import Enrolled
from service.stories.keeping import retention
from service.stories.recall import recalls
from service.web.console import console_words
from tests.cover import command, rows_of
from tests.mediators import an_account
from tests.people import TestClock
from tests.staff import Page, Visitor, a_staff
from tests.stories.test_recalls import MOTHER, enrol

OUMOU = "+22366000008"
PENTA_DAY = "2026-06-01"


@pytest.fixture
def settings(settings: Config) -> Config:
    return settings.model_copy(update={"console": ConsoleSettings(enabled=True)})


@pytest.fixture
def app(runtime: Runtime) -> Flask:
    return create_app(runtime)


@pytest.fixture
def late_child(runtime: Runtime, clock: TestClock) -> Enrolled:
    """Due on 1 June 2026 in Darsalam, told of it to the last reminder, and not seen since."""
    clock.set("2026-06-01T10:00")
    one = enrol(runtime, clock, born="2026-04-20")
    clock.set("2026-06-15T10:00")
    recalls.queue_recalls(runtime)
    clock.set("2026-07-06T10:00")
    return one


@pytest.fixture
def fatou(runtime: Runtime, app: Flask, late_child: Enrolled) -> Visitor:
    return Visitor(runtime, app).enters(a_staff(runtime))


@pytest.fixture
def binta(runtime: Runtime, app: Flask, late_child: Enrolled) -> Visitor:
    return Visitor(runtime, app).enters(a_staff(runtime, "binta", "centre", "ASACODAR"))


def found(browser: Visitor, written: str) -> Page:
    return browser.send(browser.get("/console/enfant").form("/enfant"), quoi=written)


def history(runtime: Runtime, one: Enrolled) -> list[RecordedDose]:
    with runtime.database.read() as tx:
        return care_tables.history_of(tx, one.child_id)


def read(runtime: Runtime) -> list[tuple[str, int | None]]:
    return sorted(((row.kind, row.about_id) for row in rows_of(runtime, staff_read)), key=str)


# --- late lists ---------------------------------------------------------------------------------------------


def test_a_supervisor_sees_who_is_late_by_mediator_and_prints_the_list(
    runtime: Runtime, settings: Config, fatou: Visitor, late_child: Enrolled
) -> None:
    page = fatou.get("/console/")
    assert "1 à voir sur 1 suivi, le plus tard depuis 35 jours" in page.text
    assert "Sans médiatrice Quartier" in page.text
    kadia = an_account(runtime)
    page = fatou.get("/console/retards")
    assert "Sans médiatrice" not in page.text
    assert "Kadia Coulibaly 1 à voir · depuis 35 j Darsalam" in page.text
    page = fatou.get(page.link(f"/retards/{kadia.id}"))
    assert f"{late_child.code} 35 j PENTA1 OPV1 PCV1 ROTA1" in page.text
    assert "Awa" not in page.source
    child = fatou.get(page.link("/console/enfant/"))
    assert late_child.code in child.text
    assert "Awa" not in child.source
    paper = fatou.get(page.link("/feuille"))
    assert late_child.code in paper.source
    assert "Awa" not in paper.source
    assert "style-src 'sha256-" in paper.headers["Content-Security-Policy"]
    named = fatou.get(page.link("/feuille-noms"))
    assert "Awa" in named.source
    whole = fatou.get(next(one for one in fatou.get("/console/retards").links if "/centres/" in one))
    assert "Enfants à visiter" in whole.source
    reads = read(runtime)
    assert reads.count(("names", late_child.child_id)) == 1
    assert reads.count(("child", late_child.child_id)) == 1
    assert reads.count(("list", kadia.id)) == 2
    said = command(settings, "staff", "reads", "fatou", "--days", "400").output
    assert "children named on paper          1 times  about      1" in said


def test_a_quartier_changes_hands_after_a_look(
    runtime: Runtime, fatou: Visitor, binta: Visitor, late_child: Enrolled
) -> None:
    kadia, oumou = an_account(runtime), an_account(runtime, OUMOU, zones=("Dravela",))
    page = fatou.get(f"/console/retards/{kadia.id}/confier")
    [darsalam] = page.form("/confier").choices["quartier"]
    assert page.form("/confier").choices["a"] == [str(oumou.id)]
    assert "Choisir Kadia Coulibaly, Dravela" in page.text, "she has the same name: her quartiers tell who she is"
    refused = fatou.send(page.form("/confier"), a=str(oumou.id))
    assert (refused.status, "Rien n'a été changé" in refused.text) == (400, True)
    assert fatou.send(page.form("/confier"), a=str(kadia.id), quartier=darsalam).status == 400
    assert fatou.send(page.form("/confier"), a="9" * 19, quartier=darsalam).status == 400
    seen = fatou.send(page.form("/confier"), a=str(oumou.id), quartier=darsalam)
    assert "Darsalam De Kadia Coulibaly À Kadia Coulibaly, Dravela" in seen.text
    assert "1 suivi, dont 1 à visiter" in seen.text
    assert rows_of(runtime, decision) == []
    assert [row for row in rows_of(runtime, message) if row.purpose == "staff"] == []
    done = fatou.send(seen.form("/oui"))
    assert "C'est fait" in done.text
    with runtime.database.read() as tx:
        assert mediator_tables.zones_of(tx, kadia.id) == []
        assert [name for _, name in mediator_tables.zones_of(tx, oumou.id)] == ["Darsalam", "Dravela"]
    assert len([row for row in rows_of(runtime, message) if row.purpose == "staff"]) == 2
    [row] = rows_of(runtime, decision)
    assert (row.by, row.what) == ("staff:fatou", "reassign")
    again = fatou.send(seen.form("/oui"))
    assert again.status == 400
    assert len(rows_of(runtime, decision)) == 1
    assert binta.get(f"/console/retards/{kadia.id}/confier").status == 404, "a centre re-assigns nobody"


def test_every_page_says_in_which_part_of_the_console_it_is(
    runtime: Runtime, fatou: Visitor, late_child: Enrolled
) -> None:
    kadia = an_account(runtime)

    def part(page: Page) -> str:
        return page.source.partition("aria-current")[2].partition(">")[2].partition("<")[0]

    for path in ("/console/retards", f"/console/retards/{kadia.id}", f"/console/retards/{kadia.id}/confier"):
        assert part(fatou.get(path)) == "Retards", path
    child = found(fatou, late_child.code)
    assert (part(child), part(fatou.send(child.form("/doses"), dose="PENTA1"))) == ("Enfant", "Enfant")
    assert part(fatou.get("/console/import")) == "Liste"


def test_no_line_begins_with_a_colon() -> None:
    assert (
        console_words.typeset("une fois : le suivant ; à 10:30 ?") == "une fois\u00a0: le suivant\u00a0; à 10:30\u00a0?"
    )


# --- a child ------------------------------------------------------------------------------------------------


def test_a_centre_finds_a_child_and_writes_what_was_given(
    runtime: Runtime, clock: TestClock, binta: Visitor, late_child: Enrolled
) -> None:
    for written in (late_child.code, late_child.code.replace(" ", ""), MOTHER, "70 00 00 01"):
        assert late_child.code in found(binta, written).text, written
    page = found(binta, late_child.code)
    assert "Darsalam · suivi" in page.text
    form = page.form("/doses")
    assert [one for one in form.choices["dose"] if one[-1].isdigit()] == ["PENTA1", "OPV1", "PCV1", "ROTA1"]
    assert binta.send(form).status == 400, "nothing ticked"
    assert binta.send(form, dose="PENTA1", jour="demain").status == 400
    assert binta.send(form, dose="ABRACADABRA").status == 400
    early = binta.send(form, dose=["PENTA1", "MR"], jour="2026-05-01")
    assert "PENTA1 PENTA1 ne compte pas, enfant trop jeune ce jour" in early.text
    assert "BCG en plus : la série est complète" in binta.send(form, dose="BCG").text
    late = binta.send(form, dose="PENTA1", jour="2026-07-07")
    assert "n'est pas encore venu" in late.text
    assert [one for one in late.forms if one.action.endswith("/oui")] == []
    before = len(history(runtime, late_child))
    seen = binta.send(form, dose=["PENTA1", "OPV1", "PCV1", "ROTA1"])
    assert "PENTA1 compte : PENTA1" in seen.text
    assert len(history(runtime, late_child)) == before, "a look writes nothing"
    fields: Any = seen.form("/oui").fields | {"dose": ["PENTA1", "OPV1", "PCV1", "ROTA1"]}
    done = binta.post(seen.form("/oui").action, fields)
    assert "C'est écrit" in done.text
    assert "PENTA 06/07/2026 compte : PENTA1 centre" in done.text
    new = [one for one in history(runtime, late_child) if one.source == "centre"]
    assert {one.recorded_by for one in new} == {"staff:binta"}
    assert {one.given_on for one in new} == {date(2026, 7, 6)}
    assert "Rien de nouveau" in binta.post(seen.form("/oui").action, fields).text
    assert len(history(runtime, late_child)) == before + 4
    assert "0 à voir sur 1 suivi" in binta.get("/console/retards").text, "off the list at once"


def test_a_dose_is_put_on_another_day_and_taken_back_with_a_reason(
    runtime: Runtime, binta: Visitor, late_child: Enrolled
) -> None:
    page = found(binta, late_child.code)
    seen = binta.send(page.form("/doses"), dose="PENTA1", jour=PENTA_DAY)
    page = binta.send(seen.form("/oui"))
    [penta] = [one for one in page.forms if one.action.endswith("/corriger") and one.fields["antigene"] == "PENTA"]
    asks = binta.send(penta)
    move, take_back = (one for one in asks.forms if one.action.endswith("/voir"))
    for form, typed, said in (
        (move, {"vrai_jour": "2026-04-01"}, "avant la naissance"),
        (move, {"vrai_jour": "2026-08-01"}, "pas encore venu"),
        (move, {"vrai_jour": PENTA_DAY}, "déjà le jour"),
        (move, {"vrai_jour": "hier"}, "12/11/2026"),
        (take_back, {}, "Dites pourquoi"),
        (take_back, {"pourquoi": "other"}, "quelques mots"),
    ):
        refused = binta.send(form, **typed)
        assert (refused.status, said in refused.text) == (400, True), said
    seen = binta.send(move, vrai_jour="2026-06-03")
    assert "passe au 03/06/2026" in seen.text
    assert [one.voided_at for one in history(runtime, late_child) if one.antigen == "PENTA"] == [None]
    page = binta.send(seen.form("/oui"))
    assert "PENTA 03/06/2026 compte : PENTA1 correction" in page.text
    assert "retirée : donnée un autre jour" in page.text
    assert binta.send(seen.form("/oui")).status == 400, "somebody corrected it already"
    penta = next(one for one in page.forms if one.fields.get("jour") == "2026-06-03")
    _, take_back = (one for one in binta.send(penta).forms if one.action.endswith("/voir"))
    seen = binta.send(take_back, pourquoi="other", note="<b>carnet</b>")
    assert "ne compte plus" in seen.text
    page = binta.send(seen.form("/oui"))
    assert "retirée : autre raison" in page.text
    voided = [one for one in history(runtime, late_child) if one.voided_at is not None]
    assert {(one.voided_by, one.voided_why) for one in voided} == {
        ("staff:binta", "wrong-date"),
        ("staff:binta", "other"),
    }
    assert {one.voided_note for one in voided} == {None, "<b>carnet</b>"}


# --- a list -------------------------------------------------------------------------------------------------


def test_a_list_is_looked_at_and_then_written(
    runtime: Runtime, clock: TestClock, binta: Visitor, late_child: Enrolled
) -> None:
    elsewhere = enrol(runtime, clock, number="+22370000002", born="2026-04-20", quartier="Koulouba")
    lines = [
        "code;vaccin;date",
        f"{late_child.code};PENTA1, VPO1;01/06/2026",
        f"{late_child.code};PCV1;01/05/2026",
        f"{elsewhere.code};PENTA1;01/06/2026",
        "1234;PENTA1;01/06/2026",
        f"{late_child.code};ROTA1;<script>alert(1)</script>",
    ]

    def sent(text: str, name: str = "liste.csv") -> Page:
        form = binta.get("/console/import").form("/import")
        return binta.send(form, liste=(io.BytesIO(text.encode()), name))

    seen = sent("\n".join(lines))
    assert "5 lignes vérifiées" in seen.text
    assert "ligne 4 : aucun enfant n'a ce code" in seen.text
    assert "ligne 3 : PCV1 ne compte pas, enfant trop jeune ce jour" in seen.text
    alike = sent("code;dose;date\n" + "".join(f"{11110000 + n};PENTA1;01/06/2026\n" for n in range(90)))
    assert "lignes 2, 3, 4" in alike.text, "one reason is told once"
    assert "60, 61 et 30 autres : aucun enfant n'a ce code" in alike.text
    assert "script" not in seen.tags
    assert "<script>alert" not in seen.source
    before = len(history(runtime, late_child))
    [kept] = rows_of(runtime, staff_list)
    assert late_child.code.replace(" ", "") in kept.lines
    done = binta.send(seen.form("/oui"))
    assert "3 doses écrites" in done.text
    assert len(history(runtime, late_child)) == before + 3
    assert history(runtime, elsewhere) == [one for one in history(runtime, elsewhere) if one.source != "list"]
    assert binta.send(seen.form("/oui")).status == 400
    assert rows_of(runtime, staff_list) == []
    for text, said in (
        ("", "Choisissez"),
        ("nom;date\n1;2\n", "il manque la colonne"),
        ("PK\x03\x04 no workbook", "abîmé"),
        ("code;dose;date\n" + "1;2;3\n" * 1001, "plus de 1000 lignes"),
    ):
        refused = sent(text)
        assert (refused.status, said in refused.text) == (400, True), said
    assert sent("code;dose;date\n" + "x" * 1_100_000).status == 413
    seen = sent(f"code;dose;date\n{late_child.code};ROTA1;01/06/2026\n")
    for _ in range(5):
        clock.advance(minutes=14)
        binta.get("/console/enfant")
    retention.purge(runtime, ["staff_lists"])
    assert binta.send(seen.form("/oui")).status == 400, "it waits for an hour"
