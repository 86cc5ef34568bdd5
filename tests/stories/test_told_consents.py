"""A yes or a no that was signed, or said to a mediator at the door: whose it was, how, and what it changes."""

from __future__ import annotations

from datetime import date

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from flows.loader import load_library
from flows.model import Menu
from service.commands.consent_commands import ALOUD
from service.runtime import Runtime
from service.store import consent_tables
from service.store.people_tables import consent
from service.stories.homes import consents
from tests.conftest import HOOK_SECRET
from tests.cover import dial
from tests.loopback import LoopbackCarrier
from tests.mediators import KADIA, Account
from tests.people import Handset, TestClock
from tests.stories.test_mediator_calls import LINE, typed
from tests.stories.test_recalls import enrol

SETTINGS = "Langue, SMS, mes données"


@pytest.fixture
def phone(product: str, carrier: LoopbackCarrier) -> Handset:
    return Handset(product, carrier, KADIA, HOOK_SECRET)


def said(runtime: Runtime) -> list[tuple[str, bool, str, str]]:
    with runtime.database.read() as tx:
        rows = tx.execute(select(consent).order_by(consent.c.at, consent.c.purpose))
        return [(row.purpose, row.given, row.how, row.recorded_by) for row in rows][1:]  # after the enrolment's


def note(phone: Handset, account: Account, code: str, asked: str, answer: str) -> str:
    dial(phone)
    phone.choose(LINE.partition(" ")[2])
    phone.press(account.pin)
    phone.choose("Accord donné")
    phone.press(typed(code))
    assert phone.choose(asked).startswith('Lisez : "Peut-on ')
    return phone.choose(answer)


def test_one_wording_asks_for_a_visit_whoever_asks() -> None:
    """By the family's own call, by a mediator's, and aloud at the centre: a yes means the same everywhere."""
    flows = load_library().flows
    asked = flows["accord_donne"].steps["quoi_demander"]
    enrolling = flows["inscrire_enfant"].steps["autres_accords"]
    assert isinstance(asked, Menu)
    assert isinstance(enrolling, Menu)
    by_mediator = {option.key: f"Peut-on {option.label.written['fr']} ?" for option in asked.options}
    assert by_mediator == {purpose: ALOUD[purpose] for purpose in ("follow_up", "campaign")}
    assert "Peut-on passer chez vous, et vous envoyer des infos par SMS ?" in enrolling.text.written["fr"]


def test_a_mediator_writes_down_what_a_family_said_at_the_door(
    phone: Handset, handset: Handset, account: Account, runtime: Runtime, clock: TestClock
) -> None:
    child = enrol(runtime, clock)
    by = f"mediator:{account.id}"
    clock.advance(minutes=1)
    assert note(phone, account, child.code, "passer chez vous", "Non").startswith("Noté.")
    clock.advance(minutes=1)
    assert note(phone, account, child.code, "vous envoyer des infos", "Oui, sur papier").startswith("Noté.")
    assert said(runtime) == [("follow_up", False, "spoken", by), ("campaign", True, "paper", by)]
    with runtime.database.read() as tx:
        assert consent_tables.may_visit(tx, [child.child_id]) == set()
        assert (
            tx.execute(select(consent.c.words_version).where(consent.c.how == "paper")).scalar_one().startswith("acc")
        )
    told = dial(handset, SETTINGS, "Mes données", "Choix")
    assert "Infos : oui, 20/11/26, papier. Passages : non, 20/11/26, dit." in told

    clock.advance(minutes=1)
    assert note(phone, account, child.code, "passer chez vous", "Oui, dit").startswith("Noté."), "they think again"
    clock.advance(minutes=1)
    dial(handset, SETTINGS, "Arrêter/reprendre SMS", "Les passages à la maison")
    handset.choose("Oui, arrêter")
    clock.advance(minutes=1)
    refused = note(phone, account, child.code, "passer chez vous", "Oui, dit")
    assert refused.startswith("La famille a dit non avec son téléphone.")
    assert said(runtime)[-1] == ("follow_up", False, "ussd", "self"), "and that no stands"
    assert phone.inbox == handset.inbox == []


def test_nobody_writes_for_a_child_of_another_quartier(
    phone: Handset, account: Account, runtime: Runtime, clock: TestClock
) -> None:
    child = enrol(runtime, clock, quartier="Koulouniko")
    dial(phone)
    phone.choose("Médiatrice")
    phone.press(account.pin)
    phone.choose("Accord donné")
    assert phone.press(typed(child.code)).startswith("Pas d'enfant suivi avec ce code dans vos quartiers.")
    assert said(runtime) == []


def test_the_centre_writes_down_a_signed_form_with_its_day(
    runtime: Runtime, clock: TestClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    from service.commands import consent_commands
    from service.commands.consent_commands import consent as command

    monkeypatch.setattr(consent_commands, "opened_runtime", lambda: runtime)
    child = enrol(runtime, clock)
    with runtime.database.begin() as tx:
        [person] = tx.execute(select(consent.c.person_id)).scalars()
        clock.advance(days=10)
        consents.keep(tx, person, "campaign", consents.Words("w", "fr", "ussd"), clock.now())

    def run(*words: str, answer: str = "") -> str:
        found = CliRunner().invoke(command, ["note", child.code, *words, "--by", "Fatou"], input=answer)
        return found.output

    paper = ("--how", "paper", "--on", "25/11/2026")
    assert "--yes or --no" in run("--purpose", "campaign", *paper, "--words", "fiche 3")
    assert "which form was signed" in run("--purpose", "campaign", "--no", *paper)
    assert "a later word of the family stands" in run("--purpose", "campaign", "--no", *paper, "--words", "fiche 3")
    assert "is a visit" in run("--purpose", "reminder", "--no", *paper, "--words", "fiche 3")
    assert "not between" in run(
        "--purpose", "follow_up", "--yes", "--how", "paper", "--words", "x", "--on", "2026-12-01"
    )
    assert "no answer" in run("--purpose", "follow_up", "--no", "--how", "spoken", answer="n\n")
    assert "Written down." in run("--purpose", "follow_up", "--no", "--how", "spoken", answer="y\n")
    with runtime.database.read() as tx:
        standing = {
            one.purpose: (one.given, one.recorded_by)
            for one in consent_tables.standing(tx, [person], consents.PURPOSES)
        }
        assert standing == {"reminder": (True, "self"), "campaign": (True, "self"), "follow_up": (False, "Fatou")}
        [late] = [one for one in consent_tables.history(tx, person) if one.words_version == "fiche 3"]
    assert runtime.today(late.at) == date(2026, 11, 25)
    shown = CliRunner().invoke(command, ["show", child.code]).output
    assert "2026-11-25  campaign        no   discreet  paper" in shown
    assert shown.endswith("4 words\n")
