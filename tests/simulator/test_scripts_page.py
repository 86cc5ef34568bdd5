"""Scripts and faults on the page of the phones, as somebody without JavaScript meets them."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest
from flask import Flask

from service.simulator.phone_app import simulation_of
from tests.simulator.fake_product import FakeProduct
from tests.simulator.visitors import Visitor

GOOD = """
script: Une mère inscrit Awa
steps:
  - dial
  - see: "Suivi vaccinal"
  - choose: "Inscrire un enfant"
  - press: "Awa"
  - see: "Awa est inscrit"
  - over
"""


@pytest.fixture
def scripts(state_file: Path) -> Path:
    """The folder beside the phones' file, for scripts of one's own."""
    folder = state_file.parent / "scripts"
    folder.mkdir()
    (folder / "awa.yaml").write_text(GOOD, "utf-8")
    return folder


def played(visitor: Visitor, phone: int = 1) -> list[str]:
    found = re.search(rf'id="played-{phone}">(.*?)</div>', visitor.page(), re.S)
    assert found
    steps = re.findall(r"<li.*?</li>", found[1], re.S)
    return [" ".join(html.unescape(re.sub("<[^>]*>", " ", step)).split()) for step in steps]


def test_the_scripts_of_the_product_and_ones_own_can_be_chosen(visitor: Visitor, scripts: Path) -> None:
    page = visitor.page()
    assert '<option value="awa">Une mère inscrit Awa</option>' in page
    assert "Une mère inscrit son enfant" in page


def test_a_script_is_played_to_its_end(visitor: Visitor, scripts: Path) -> None:
    assert visitor.press("script", script="awa") == "Awa est inscrit. Un SMS confirme."
    assert visitor.notices() == "Script « Une mère inscrit Awa » : tout s'est passé comme écrit."
    assert played(visitor)[:3] == ["dial", 'see: "Suivi vaccinal"', 'choose: "Inscrire un enfant"']
    assert len(played(visitor)) == 6
    assert played(visitor, 2) == []
    visitor.press("script-forget")
    assert played(visitor) == []


def test_a_script_is_played_step_by_step_and_the_screen_follows(visitor: Visitor, scripts: Path) -> None:
    assert visitor.press("script-begin", script="awa").startswith("Suivi vaccinal")
    assert visitor.notices() == "Script « Une mère inscrit Awa » : 1 sur 6."
    visitor.press("script-step")
    assert visitor.press("script-step") == "Prénom de l'enfant ?"
    assert len(played(visitor)) == 3
    assert visitor.press("script-rest").startswith("Awa est inscrit")
    assert "Étape suivante" not in visitor.page()
    visitor.press("script-step")
    assert len(played(visitor)) == 6, "there is nothing more to play"


def test_a_script_goes_to_another_phone_and_remembers_where_it_is(visitor: Visitor, scripts: Path) -> None:
    two = GOOD.replace("  - over", '  - phone: "+223 70 00 00 90"\n  - dial\n  - phone: "+223 70 00 00 42"\n  - over')
    (scripts / "awa.yaml").write_text(two, "utf-8")
    visitor.press("script-begin", script="awa")
    for _ in range(5):
        visitor.press("script-step")
    assert 'id="name-3">+223 70 00 00 90</h2>' in visitor.page(), "it has come to the page"
    visitor.press("script-step")
    assert visitor.screen(3).startswith("Suivi vaccinal")
    assert visitor.press("script-rest").startswith("Awa est inscrit")
    assert visitor.notices() == "Script « Une mère inscrit Awa » : tout s'est passé comme écrit."


def test_a_step_that_fails_says_what_was_expected_and_what_was_seen(
    visitor: Visitor, scripts: Path, product: FakeProduct
) -> None:
    product.screens = lambda text: "CON <b>Bonjour</b>"
    visitor.press("script", script="awa")
    assert visitor.notices() == "Script « Une mère inscrit Awa » : l'étape 2 ne va pas."
    assert played(visitor) == [
        "dial",
        'see: "Suivi vaccinal" Attendu à l\'écran : Suivi vaccinal Vu : <b>Bonjour</b>',
    ]
    visitor.press("script-rest")
    assert len(played(visitor)) == 2, "it stays where it failed"


def test_a_script_that_cannot_be_read_is_told_in_a_line(visitor: Visitor, scripts: Path) -> None:
    (scripts / "broken.yaml").write_text("script: x\nsteps:\n  - pres: '1'\n", "utf-8")
    assert '<option value="broken">broken</option>' in visitor.page()
    visitor.press("script", script="broken")
    assert "broken.yaml:3: 'pres' is no step of a script; did you mean 'press'?" in visitor.notices()
    for name in ("../../etc/passwd", "none", ""):
        visitor.press("script", script=name)
        assert visitor.notices() == "Ce script n'existe plus."
    visitor.press("script-step")
    assert visitor.notices() == "Choisissez d'abord un script."


def test_a_script_that_changed_is_listed_by_its_new_name(visitor: Visitor, scripts: Path) -> None:
    visitor.page()
    (scripts / "awa.yaml").write_text(GOOD.replace("Awa\nsteps", "Fanta\nsteps") + "\n", "utf-8")
    assert "Une mère inscrit Fanta" in visitor.page()


def test_one_script_at_a_time_on_one_phone(app: Flask, visitor: Visitor, scripts: Path) -> None:
    with simulation_of(app).stage(1):
        visitor.press("script", script="awa")
        assert visitor.notices() == "Un script est déjà en cours sur ce téléphone."
        assert visitor.press("script", 2, script="awa").startswith("Awa est inscrit")


def test_the_line_is_cut_here(visitor: Visitor, product: FakeProduct) -> None:
    visitor.press("dial")
    assert visitor.press("cut") == "Appel coupé par le réseau."
    assert product.wait_for("ussd-end", 1)[0]["status"] == "Incomplete"
    visitor.press("cut")
    visitor.press("repeat")
    assert len(product.of("ussd")) == 1


def test_nothing_is_typed_until_the_call_ends(visitor: Visitor, product: FakeProduct) -> None:
    visitor.press("dial")
    assert visitor.press("timeout") == "Délai dépassé : l'appel est fermé."
    assert "vendredi 20 novembre 2026 <b>14:03</b>" in visitor.page()
    assert product.wait_for("ussd-end", 1)[0]["status"] == "Incomplete"
    visitor.press("timeout")
    assert "<b>14:03</b>" in visitor.page(), "without a call nothing is waited for"


def test_an_answer_is_sent_twice_at_once(visitor: Visitor, product: FakeProduct) -> None:
    visitor.press("dial")
    assert visitor.press("twice", typed="1") == "Prénom de l'enfant ?"
    assert visitor.notices() == "Les deux demandes ont reçu le même écran."
    assert visitor.press("twice", typed="Awa").startswith("Awa est inscrit")
    assert [form["text"] for form in product.of("ussd")] == ["", "1", "1", "1*Awa", "1*Awa"]
    assert len(product.wait_for("ussd-end", 1)) == 1
    assert "Pas d'appel en cours" in visitor.press("twice", typed="1")


def test_two_screens_for_one_answer_are_told(visitor: Visitor, product: FakeProduct) -> None:
    visitor.press("dial")
    screens = iter(["CON un", "CON deux"])
    product.screens = lambda _: next(screens)
    visitor.press("twice", typed="1")
    assert "deux écrans différents" in visitor.notices()
