"""VISITE by SMS from a mediator's own phone: written down with its consequence, or refused and nothing changed."""

from __future__ import annotations

import pytest

from flows.sms_text import fold, is_gsm7, measure
from service.runtime import Runtime
from service.store.people_tables import child
from service.store.task_tables import task
from service.store.visit_tables import visit
from tests.conftest import HOOK_SECRET
from tests.cover import rows_of
from tests.loopback import LoopbackCarrier
from tests.mediators import KADIA, Account, an_account
from tests.people import Handset, TestClock
from tests.stories.test_mediator_sms import HELP, Mediator, a_child

CODE = "48217730"


@pytest.fixture
def kadia(product: str, carrier: LoopbackCarrier, runtime: Runtime, clock: TestClock) -> Mediator:
    a_child(runtime, clock, "2026-09-20", code=CODE)
    return Mediator(Handset(product, carrier, KADIA, HOOK_SECRET), runtime, an_account(runtime))


def kept(runtime: Runtime) -> list[object]:
    """The visits, and how the children stand."""
    return [rows_of(runtime, visit), rows_of(runtime, child)]


def test_each_word_is_written_down_and_answered_in_one_plain_sms(kadia: Mediator, runtime: Runtime) -> None:
    answers = {
        "VISITE 4821-7730 VU": "visite notée, le 20/11/26.",
        "visite 48217730 hopital 19/11": "hôpital noté, le 19/11/26. Les SMS s'arrêtent pour un temps.",
        "Visite 4821 7730 refusé": "refus noté, le 20/11/26. Plus de SMS pour cet enfant.",
        "VISITE 4821 7730 parti à Badialan 1": "départ noté, le 20/11/26. La médiatrice du nouveau quartier le suit",
    }
    for words, answer in answers.items():
        said = kadia.write(words)
        assert said.startswith(fold(f"4821 7730: {answer}"))
        assert is_gsm7(said)
        assert measure(said).parts == 1
    found = sorted(row.status for row in rows_of(runtime, visit))
    assert found == ["hospital", "moved", "refused", "seen"]
    assert sorted(row.kind for row in rows_of(runtime, task)) == ["moved", "visit_refused"]


@pytest.mark.parametrize("words", ["DECES", "Décédée", "PARTI", "PARTI AILLEURS", "FAUX NUMERO"])
def test_what_ends_everything_is_not_taken_from_a_sender_that_may_be_forged(
    kadia: Mediator, runtime: Runtime, words: str
) -> None:
    before = kept(runtime)
    said = kadia.write(f"VISITE {CODE} {words}")
    assert said.startswith("Rien n'est noté. Cela se note seulement par appel: le menu, Médiatrice")
    assert kadia.write(f"VISITE 90000001 {words}") == said, "nor does the answer tell whether there is such a child"
    assert kept(runtime) == before


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("VISITE", "Écrivez VISITE, le code, puis VU"),
        (f"VISITE {CODE}", "Écrivez VISITE, le code, puis VU"),
        (f"VISITE {CODE} PEUT-ETRE", "Écrivez VISITE, le code, puis VU"),
        (f"VISITE {CODE} VU REFUS", "Écrivez VISITE, le code, puis VU"),
        ("VISITE 4821 VU", "Pour une visite, écrivez les huit chiffres du code."),
        ("VISITE 4821 HOPITAL", "Pour une visite, écrivez les huit chiffres du code."),
        ("VISITE 4821 PARTI BADIALAN 1", "Pour une visite, écrivez les huit chiffres du code."),
        ("VISITE 482 VU", "Le code a huit chiffres"),
        (f"VISITE {CODE} VU 31/02", "Date pas comprise."),
        (f"VISITE {CODE} VU 12/12", "Le 12/12/26 n'est pas encore venu."),
        (f"VISITE {CODE} VU 12/08/2026", "Le 12/08/26 est avant la naissance"),
        (f"VISITE {CODE} PARTI TOMBOUCTOU", "Quartier inconnu."),
        (f"VISITE {CODE} PARTI DARSALAM", "4821 7730 habite ce quartier déjà."),
        ("VISITE 90000001 VU", "Pas d'enfant suivi avec le code 9000 0001 dans vos quartiers."),
    ],
)
def test_bad_input_is_refused_with_its_reason_and_changes_nothing(
    kadia: Mediator, runtime: Runtime, words: str, reason: str
) -> None:
    before = kept(runtime)
    said = kadia.write(words)
    assert said.startswith("Rien n'est noté. ")
    assert reason in said
    assert measure(said).parts == 1
    assert kept(runtime) == before


def test_who_guesses_codes_in_her_name_is_stopped_for_the_day(kadia: Mediator, runtime: Runtime) -> None:
    """By whatever word: doses and visits count together."""
    for guess in range(3):
        kadia.write(f"VISITE 9000000{guess} REFUS")
    for guess in range(2):
        kadia.write(f"VU 9100000{guess} BCG")
    before = kept(runtime)
    assert "Trop de codes inconnus" in kadia.write(f"VISITE {CODE} REFUS")
    assert kept(runtime) == before
    assert [row.kind for row in rows_of(runtime, task)] == ["code_tries"]


def test_from_any_other_phone_the_word_means_nothing(
    kadia: Mediator, runtime: Runtime, product: str, carrier: LoopbackCarrier
) -> None:
    before = kept(runtime)
    stranger = Mediator(Handset(product, carrier, "+22370000055", HOOK_SECRET), runtime, Account(0, ""))
    assert stranger.write(f"VISITE {CODE} REFUS").startswith(HELP)
    assert kadia.write("Visite du maire").startswith(HELP), "nor does a sentence that begins so"
    assert kept(runtime) == before
