"""`laseli mediator late`, `page` and `reassign` as a supervisor types them. These commands live by the real clock."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from sqlalchemy import select, update

from service.config import Config
from service.runtime import Runtime
from service.store import mediator_tables
from service.store.decision_tables import decision
from service.store.people_tables import child
from service.stories.homes.families import Enrolled
from service.stories.recall import recalls
from tests.cover import command, rows_of
from tests.mediators import an_account
from tests.people import TestClock
from tests.stories.test_recalls import enrol
from tests.test_mediator_commands import mediators, refused

OUMOU = "+22366000008"


@pytest.fixture
def late_child(runtime: Runtime, clock: TestClock) -> Enrolled:
    """Due on 1 June 2026 in Darsalam, told of it to the last reminder, and not seen since."""
    clock.set("2026-06-01T10:00")
    one = enrol(runtime, clock, born="2026-04-20")
    clock.set("2026-06-15T10:00")
    recalls.queue_recalls(runtime)
    return one


def quartiers_of(runtime: Runtime, account: int) -> list[str]:
    with runtime.database.read() as tx:
        return [name for _, name in mediator_tables.zones_of(tx, account)]


# --- the table ----------------------------------------------------------------------------------------------


def test_the_table_shows_who_waits_by_mediator_and_quartier(
    settings: Config, runtime: Runtime, late_child: Enrolled
) -> None:
    account = an_account(runtime, zones=("Darsalam", "Koulouba"))
    said = mediators(settings, "late")
    assert f"Kadia Coulibaly (compte {account.id})" in said
    assert re.search(r"quartier +suivis +à voir +15-28 j +29-90 j +91\+ j +le plus tard", said)
    assert re.search(r"Darsalam +1 +1 +0 +0 +1 +\d{3,} j", said)
    assert re.search(r"Koulouba +0 +0 +0 +0 +0 +-", said)
    assert re.search(r"tous +1 +1 +0 +0 +1 +\d{3,} j", said)
    assert "SANS MÉDIATRICE" not in said, "nobody is followed in the others"


def test_a_quartier_that_nobody_serves_stands_out(settings: Config, runtime: Runtime, late_child: Enrolled) -> None:
    said = mediators(settings, "late")
    assert re.search(r"!! SANS MÉDIATRICE\n.*\n +Darsalam +1 +1", said)
    account = an_account(runtime)
    with runtime.database.begin() as tx:
        mediator_tables.change(tx, account.id, state="locked", locked_at=1)
    said = mediators(settings, "late")
    assert "compte bloqué" in said
    assert "!! SANS MÉDIATRICE" in said, "she gets no list, and writes nothing"


def test_the_table_of_one_account_and_as_data(settings: Config, runtime: Runtime, late_child: Enrolled) -> None:
    account = an_account(runtime)
    other = an_account(runtime, OUMOU, zones=("Dravela",))
    assert "Dravela" not in mediators(settings, "late", account.id)
    written = mediators(settings, "late", "--json")
    found = json.loads(written)
    assert "Kadia" not in written
    [darsalam] = [one for one in found["quartiers"] if one["name"] == "Darsalam"]
    assert darsalam["served_by"] == [account.id]
    assert (darsalam["followed"], darsalam["to_visit"], darsalam["by_days_late"]) == (1, 1, [0, 0, 1])
    assert darsalam["served"]
    assert {one["account"] for one in found["mediators"]} == {account.id, other.id}
    assert [one["name"] for one in json.loads(mediators(settings, "late", account.id, "--json"))["quartiers"]] == [
        "Darsalam"
    ]
    assert "there is no account 12" in refused(settings, "late", 12)


def test_a_child_of_no_known_quartier_is_told_of(settings: Config, runtime: Runtime, late_child: Enrolled) -> None:
    with runtime.database.begin() as tx:
        tx.execute(update(child).values(zone_id=None))
    assert "dont le quartier n'est pas connu : 1" in mediators(settings, "late")


# --- the page -----------------------------------------------------------------------------------------------


def test_a_page_is_written_for_its_owner_alone_and_names_nobody(
    settings: Config, runtime: Runtime, late_child: Enrolled, tmp_path: Path
) -> None:
    account, out = an_account(runtime), tmp_path / "liste.html"
    said = mediators(settings, "page", account.id, "--out", out)
    assert said == f"{out} is written: 1 to visit. Open it in a browser and print it.\n"
    assert out.stat().st_mode & 0o777 == 0o600
    page = out.read_text("utf-8")
    assert late_child.code in page
    assert "20/04/2026" in page
    assert "PENTA1" in page
    assert not re.search(r"Awa|Kadia|\+223|70 ?00 ?00", page)
    assert not re.search(r"<script|https?://|src=|@import|url\(", page)
    assert [file.name for file in tmp_path.glob("*.html")] == ["liste.html"]


def test_names_are_on_it_only_when_asked_for(
    settings: Config, runtime: Runtime, late_child: Enrolled, tmp_path: Path
) -> None:
    account, out = an_account(runtime), tmp_path / "liste.html"
    mediators(settings, "page", account.id, "--names", "--out", out)
    page = out.read_text("utf-8")
    assert "Awa" in page
    assert "Médiatrice : Kadia Coulibaly" in page
    assert "garder sous clé" in page


def test_a_page_of_quartiers_or_of_a_centre(
    settings: Config, runtime: Runtime, late_child: Enrolled, tmp_path: Path
) -> None:
    out = tmp_path / "liste.html"
    for whose in (("--zone", "darsalam, Koulouba"), ("--centre", "asacodar"), ("--centre", "GY73")):
        mediators(settings, "page", *whose, "--out", out)
        assert late_child.code in out.read_text("utf-8")
    assert "CSCom ASACODAR" in out.read_text("utf-8")
    mediators(settings, "page", "--centre", "ASACOTOM", "--out", out)
    assert "Personne à visiter" in out.read_text("utf-8")


def test_what_cannot_be_printed_is_said_in_a_line(settings: Config, runtime: Runtime, tmp_path: Path) -> None:
    out = tmp_path / "liste.html"
    account = an_account(runtime)
    with runtime.database.begin() as tx:
        mediator_tables.set_zones(tx, account.id, ())
    assert "no account 12" in refused(settings, "page", 12, "--out", out)
    assert "serves no quartier" in refused(settings, "page", account.id, "--out", out)
    assert "is no quartier" in refused(settings, "page", "--zone", "Nulle-Part", "--out", out)
    assert "is no centre" in refused(settings, "page", "--centre", "Nulle-Part", "--out", out)
    assert "cannot be written" in refused(settings, "page", "--zone", "Darsalam", "--out", tmp_path / "no" / "l.html")
    assert not out.exists()
    for words in ((), (str(account.id), "--zone", "Darsalam")):
        result = command(settings, "mediator", "page", *words, "--out", str(out))
        assert result.exit_code == 2
        assert "one of ACCOUNT, --zone and --centre" in result.output


# --- who serves ---------------------------------------------------------------------------------------------


def test_a_quartier_changes_hands(settings: Config, runtime: Runtime, late_child: Enrolled) -> None:
    kadia, oumou = an_account(runtime, zones=("Darsalam", "Koulouba")), an_account(runtime, OUMOU, zones=("Dravela",))
    words = ("reassign", "--zone", "darsalam", "--from", kadia.id, "--to", oumou.id)
    said = mediators(settings, *words, "--dry-run")
    assert said == "It would move: Darsalam (1 children followed, 1 to visit). Nothing was changed.\n"
    assert quartiers_of(runtime, kadia.id) == ["Darsalam", "Koulouba"]
    assert "--by NAME" in refused(settings, *words)
    said = mediators(settings, *words, "--by", "Fatou")
    assert said == f"Account {oumou.id} serves Darsalam (1 children followed, 1 to visit).\n"
    assert quartiers_of(runtime, kadia.id) == ["Koulouba"]
    assert quartiers_of(runtime, oumou.id) == ["Darsalam", "Dravela"]
    [row] = rows_of(runtime, decision)
    with runtime.database.read() as tx:
        assert tx.execute(select(decision.c.by, decision.c.what)).all() == [("Fatou", "reassign")]
    assert row.why == f"Darsalam: {kadia.id} -> {oumou.id}"
    assert f"account {kadia.id} does not serve Darsalam; it serves Koulouba" in refused(
        settings, *words, "--by", "Fatou"
    )


def test_quartiers_that_nobody_serves_any_more_are_told_at_once(
    settings: Config, runtime: Runtime, late_child: Enrolled
) -> None:
    account = an_account(runtime)
    said = mediators(settings, "zones", account.id, "Badialan 1")
    assert "Nobody serves, with so many children followed: Darsalam (1).\n" in said
    assert "Nobody serves" not in mediators(settings, "zones", account.id, "Darsalam")
    assert "Darsalam (1)" in mediators(settings, "leave", account.id, "--by", "Fatou")
