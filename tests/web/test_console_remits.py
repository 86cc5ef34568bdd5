"""Whose children a centre and an organisation see and change, where borders cross or move at the wrong moment."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import date

import pytest
from flask import Flask
from sqlalchemy import text, update
from sqlalchemy.engine import Connection

from service.app import create_app
from service.config import Config
from service.console_settings import ConsoleSettings
from service.runtime import Runtime
from service.store import care_tables, mediator_tables, people_tables, place_tables, staff_tables, system_tables
from service.store.decision_tables import decision
from service.store.mediator_tables import mediator
from service.store.message_tables import message
from service.store.people_tables import child
from service.store.place_tables import organisation
from service.store.staff_tables import Remit
from service.stories.homes.families import Enrolled
from service.stories.homes.programmes import PROGRAMME
from service.stories.recall import late_list, late_sheet, recalls
from service.stories.recall.late_list import LateChild
from service.stories.recall.late_sheet import Asked
from service.stories.staff import reassigning
from service.stories.staff.mediator_accounts import Refused
from service.stories.staff.reassigning import Change
from tests.cover import rows_of
from tests.mediators import an_account
from tests.people import TestClock
from tests.staff import Page, Visitor, a_staff
from tests.stories.test_recalls import enrol

OUMOU = "+22366000008"


@pytest.fixture
def settings(settings: Config) -> Config:
    return settings.model_copy(update={"console": ConsoleSettings(enabled=True)})


@pytest.fixture
def app(runtime: Runtime) -> Flask:
    return create_app(runtime)


@pytest.fixture
def both(runtime: Runtime, clock: TestClock) -> tuple[Enrolled, Enrolled]:
    """Two children of ASACODAR, in Darsalam, told to the last reminder and not seen since."""
    clock.set("2026-06-01T10:00")
    pair = enrol(runtime, clock, born="2026-04-20"), enrol(runtime, clock, number="+22370000002", born="2026-04-20")
    clock.set("2026-06-15T10:00")
    recalls.queue_recalls(runtime)
    clock.set("2026-07-06T10:00")
    return pair


@pytest.fixture
def here(both: tuple[Enrolled, Enrolled]) -> Enrolled:
    return both[0]


@pytest.fixture
def neighbour(both: tuple[Enrolled, Enrolled]) -> Enrolled:
    return both[1]


def found(browser: Visitor, written: str) -> Page:
    return browser.send(browser.get("/console/enfant").form("/enfant"), quoi=written)


def centre(runtime: Runtime, name: str) -> int:
    with runtime.database.read() as tx:
        everything = a_remit(runtime)
        return next(id for id, _, each in staff_tables.centres_within(tx, everything) if each == name)


def a_remit(runtime: Runtime) -> Remit:
    with runtime.database.read() as tx:
        programme = place_tables.programme_of_code(tx, PROGRAMME)
    assert programme is not None
    return Remit(programme.organisation_id, None)


def goes_to(runtime: Runtime, one: Enrolled, name: str) -> None:
    """The child is another centre's from now on, and lives where it lived."""
    other = centre(runtime, name)
    with runtime.database.begin() as tx:
        tx.execute(update(child).where(child.c.person_id == one.child_id).values(centre_id=other))


def lives_in_dravela(runtime: Runtime, one: Enrolled) -> None:
    with runtime.database.begin() as tx:
        dravela = next(id for id, name in place_tables.zones(tx) if name == "Dravela")
        tx.execute(update(child).where(child.c.person_id == one.child_id).values(zone_id=dravela))


def strangers(runtime: Runtime) -> int:
    with runtime.database.begin() as tx:
        return place_tables.put_row(tx, organisation, "another", name="Another")


# --- a correction -------------------------------------------------------------------------------------------


def waits_for_a_lock(runtime: Runtime) -> bool:
    """Whether somebody waits for a row; SQLite does not tell, there everybody waits at the door."""
    if runtime.database.is_sqlite:
        return False
    with runtime.database.read() as tx:
        asked = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
        return bool(tx.execute(asked).scalar_one())


@pytest.mark.parametrize("kind", ["day", "back"])
def test_a_child_that_moves_while_its_correction_waits_is_let_alone(
    runtime: Runtime, app: Flask, here: Enrolled, kind: str
) -> None:
    binta = Visitor(runtime, app).enters(a_staff(runtime, "binta", "centre", "ASACODAR"))
    bcg = next(one for one in found(binta, here.code).forms if one.fields.get("antigene") == "BCG")
    to_day, take_back = (one for one in binta.send(bcg).forms if one.action.endswith("/voir"))
    seen = binta.send(to_day, vrai_jour="2026-04-21") if kind == "day" else binta.send(take_back, pourquoi="not-given")
    yes, other = seen.form("/oui"), centre(runtime, "ASACOTOM")
    with runtime.database.read() as tx:
        before = care_tables.history_of(tx, here.child_id)
    is_moved = threading.Event()

    def it_moves() -> None:
        with runtime.database.begin() as tx:
            people_tables.find_child(tx, id=here.child_id)
            tx.execute(update(child).values(centre_id=other))
            is_moved.set()
            until = time.monotonic() + 0.5
            while time.monotonic() < until and not waits_for_a_lock(runtime):
                time.sleep(0.02)

    with ThreadPoolExecutor(2) as both:
        moving = both.submit(it_moves)
        is_moved.wait()
        page = both.submit(binta.send, yes).result()
        moving.result()
    assert (page.status, "Aucun enfant trouvé" in page.text) == (404, True)
    with runtime.database.read() as tx:
        assert care_tables.history_of(tx, here.child_id) == before


# --- quartiers that change hands ----------------------------------------------------------------------------


def test_a_hand_over_counts_and_touches_nobody_of_another_organisation(
    runtime: Runtime, app: Flask, neighbour: Enrolled
) -> None:
    theirs = neighbour
    kadia, oumou = an_account(runtime), an_account(runtime, OUMOU, zones=("Dravela",))
    alien, others = an_account(runtime, "+22366000009", zones=("Dravela",)), strangers(runtime)
    with runtime.database.begin() as tx:
        tx.execute(update(child).where(child.c.person_id == theirs.child_id).values(organisation_id=others))
        tx.execute(update(mediator).where(mediator.c.id == alien.id).values(organisation_id=others))
    fatou = Visitor(runtime, app).enters(a_staff(runtime))
    form = fatou.get(f"/console/retards/{kadia.id}/confier").form("/confier")
    assert form.choices["a"] == [str(oumou.id)]
    [darsalam] = form.choices["quartier"]
    seen = fatou.send(form, a=str(oumou.id), quartier=darsalam)
    assert "1 suivi, dont 1 à visiter" in seen.text, "theirs is followed and late too"
    assert fatou.send(form, a=str(alien.id), quartier=darsalam).status == 400
    assert fatou.send(seen.form("/oui"), a=str(alien.id)).status == 400
    assert fatou.get(f"/console/retards/{alien.id}/confier").status == 404
    assert fatou.post(f"/console/retards/{alien.id}/confier/oui", seen.form("/oui").fields).status in (400, 404)
    for giver, taker in ((kadia.id, alien.id), (alien.id, kadia.id)):
        zones = ("Darsalam",) if giver == kadia.id else ("Dravela",)
        change = Change(zones, giver, taker, "staff:fatou", remit=a_remit(runtime))
        with suppress(Refused), runtime.database.begin() as tx:
            reassigning.reassign(tx, runtime, change, runtime.now())
    assert rows_of(runtime, decision) == []
    assert [row for row in rows_of(runtime, message) if row.purpose == "staff"] == []
    with runtime.database.read() as tx:
        assert [name for _, name in mediator_tables.zones_of(tx, alien.id)] == ["Dravela"]


# --- how a list is read -----------------------------------------------------------------------------------


def test_callers_go_on_while_somebody_reads_a_list_and_others_quartiers_are_not_looked_through(
    runtime: Runtime, app: Flask, here: Enrolled, neighbour: Enrolled, monkeypatch: pytest.MonkeyPatch
) -> None:
    kadia, oumou = an_account(runtime), an_account(runtime, OUMOU, zones=("Dravela",))
    lives_in_dravela(runtime, neighbour)
    fatou = Visitor(runtime, app).enters(a_staff(runtime))
    looked: list[int] = []
    read = late_list.late_children

    def a_caller_writes() -> None:
        with runtime.database.begin() as tx:
            system_tables.count(tx, "keystrokes")

    def read_beside_a_caller(tx: Connection, runtime: Runtime, zones: list[int], today: date) -> list[LateChild]:
        with ThreadPoolExecutor(1) as caller:
            caller.submit(a_caller_writes).result(timeout=5)
        looked.extend(zones)
        return read(tx, runtime, zones, today)

    monkeypatch.setattr(late_list, "late_children", read_beside_a_caller)
    for path in ("", "/feuille", "/feuille-noms", "/confier"):
        page = fatou.get(f"/console/retards/{kadia.id}{path}")
        assert page.status == 200, path
    assert "Kadia Coulibaly, Dravela" in page.text, "others are told apart by their quartiers"
    [darsalam] = set(looked)
    assert len(looked) == 5, "twice for the page: its figures, and its list"
    assert fatou.get("/console/retards").status == 200
    assert len(set(looked)) == 2
    assert here.code in fatou.get(f"/console/centres/{centre(runtime, 'ASACODAR')}/feuille").source
    with runtime.database.read() as tx:
        assert dict(place_tables.zones(tx))[darsalam] == "Darsalam"
        assert mediator_tables.zones_of(tx, oumou.id) != []


# --- one list for each child --------------------------------------------------------------------------------


def test_a_child_of_one_centre_in_the_quartier_of_another_is_on_its_own_centre_s_list_alone(
    runtime: Runtime, app: Flask, here: Enrolled, neighbour: Enrolled
) -> None:
    goes_to(runtime, here, "ASACOTOM")
    kadia = an_account(runtime)
    own = Visitor(runtime, app).enters(a_staff(runtime, "oumou", "centre", "ASACOTOM"))
    other = Visitor(runtime, app).enters(a_staff(runtime, "binta", "centre", "ASACODAR"))
    for browser, code, not_code in ((own, here.code, neighbour.code), (other, neighbour.code, here.code)):
        page = browser.get("/console/retards")
        assert "1 à voir sur 1 suivi" in page.text
        assert "Kadia Coulibaly 1 à voir" in page.text, "who serves the quartier where it lives"
        address = f"/console/retards/{kadia.id}"
        papers = [page.link("/feuille"), f"{address}/feuille", f"{address}/feuille-noms"]
        for each in (address, *papers):
            listed = browser.get(each)
            assert (code in listed.source, not_code in listed.source) == (True, False), each
        assert found(browser, code).status == 200
        assert found(browser, not_code).status == 404
    fatou = Visitor(runtime, app).enters(a_staff(runtime))
    assert "2 à voir sur 2 suivis" in fatou.get("/console/retards").text
    sheets = [fatou.get(one).source for one in fatou.get("/console/retards").links if one.endswith("/feuille")]
    for code in (here.code, neighbour.code):
        assert sum(code in sheet for sheet in sheets) == 1, "one paper of all the centres' papers"


def test_a_child_whose_centre_nobody_knows_is_on_the_paper_of_where_it_lives(runtime: Runtime, here: Enrolled) -> None:
    with runtime.database.begin() as tx:
        tx.execute(update(child).where(child.c.person_id == here.child_id).values(centre_id=None))
    with runtime.database.read() as tx:
        papers = {
            name: late_sheet.sheet(
                tx, runtime, Asked(centre=name), runtime.today(runtime.now()), with_names=False
            ).child_ids
            for _, _, name in staff_tables.centres_within(tx, a_remit(runtime))
        }
    assert [name for name, ids in papers.items() if here.child_id in ids] == ["ASACODAR"]
