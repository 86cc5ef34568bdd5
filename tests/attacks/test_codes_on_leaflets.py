"""A leaflet says: dial *code*1*1*1# and win. Whoever dials it has agreed to nothing and changed nothing."""

from __future__ import annotations

import pytest

from flows.conditions import Name
from flows.loader import load_library
from flows.model import Do
from service.runtime import Runtime
from tests.cover import dial, everything
from tests.people import Handset, TestClock, publish
from tests.stories.test_recalls import enrol


def dialled(handset: Handset, path: str) -> str:
    handset.session, handset.typed = f"ATUid_{path}", path
    return handset.send_step()


@pytest.mark.parametrize(
    ("path", "question"),
    [
        ("1*1*1", "Pour les rappels par SMS, nous gardons votre numéro"),
        ("2*2*1", "La mutuelle garde vos réponses et votre numéro"),
        ("1*3*1", "Nous gardons la mesure et la date"),
        ("4*1*1", "Nous gardons vos mots et ce numéro"),
        ("5*1*1", "Tous les SMS : les arreter"),
        ("5*2*2", "Tout ce téléphone sera effacé"),
    ],
)
def test_the_question_is_seen_before_it_is_answered(
    handset: Handset, runtime: Runtime, clock: TestClock, path: str, question: str
) -> None:
    enrol(runtime, clock, born="2026-01-05", last_visit="none", number=handset.number)
    dial(handset)
    before = everything(runtime, "conversation", "flow_version")
    assert dialled(handset, path).startswith(question)
    assert everything(runtime, "conversation", "flow_version") == before


def test_also_when_the_language_is_chosen_in_between(handset: Handset) -> None:
    assert dialled(handset, "1*1*1").startswith("Langue")
    assert handset.press("1").startswith("Pour les rappels par SMS")
    assert handset.press("1").startswith("Nom et prénom de l'enfant ?"), "what is pressed afterwards counts"


def test_what_reads_first_and_writes_then_is_not_carried_out(handset: Handset, runtime: Runtime) -> None:
    """No flow of ours does so in three keys; somebody's may tomorrow."""
    start = """flow: accueil
version: 90
title: {fr: "Accueil"}
languages: [fr]
start: {ussd: accueil}
steps:
  - id: choix
    menu: {fr: "Que voulez-vous ?"}
    options: {all: {fr: "Plus rien"}, campaign: {fr: "Moins"}}
  - id: lire
    do: my_messages
    gives: {rappels: 3}
    reads: true
    fails: fin
  - id: arreter
    do: stop_messages
    with: {purpose: choix}
    fails: fin
  - id: fin
    end: {fr: "Merci."}
"""
    publish(runtime, {"accueil.yaml": start}, whole=True)
    before = everything(runtime, "conversation", "flow_version")
    assert dialled(handset, "1").startswith("Que voulez-vous ?")
    assert everything(runtime, "conversation", "flow_version") == before
    assert handset.press("1") == "Merci."


def test_every_consent_of_the_library_is_known_as_one() -> None:
    from flows.forms import is_consent

    for flow in load_library().flows.values():
        for step in flow.steps.values():
            if isinstance(step, Do) and "consent" in step.call.args:
                consent = step.call.args["consent"]
                assert isinstance(consent, Name)
                assert is_consent(flow, consent.name)
