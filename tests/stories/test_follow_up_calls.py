"""A mediator opens, notes and ends follow-ups by call, after her PIN; her own phone keeps nothing of it."""

from __future__ import annotations

import re
from datetime import date

import pytest

from service.config import Config
from service.runtime import Runtime
from service.store.follow_up_tables import follow_up, follow_up_contact
from service.store.people_tables import caregiver, child, consent
from tests.conftest import HOOK_SECRET
from tests.cover import dial, rows_of
from tests.follow_ups import WOMAN, born, digits, ended, kept, planned, pregnant, with_follow_ups
from tests.loopback import LoopbackCarrier
from tests.mediators import KADIA, Account
from tests.people import Handset, TestClock
from tests.stories.test_recalls import NEIGHBOUR, enrol


@pytest.fixture
def settings(settings: Config) -> Config:
    return with_follow_ups(settings)


@pytest.fixture
def phone(product: str, runtime: Runtime, carrier: LoopbackCarrier, account: Account) -> Handset:
    """Kadia's, on which the PIN leads to the follow-ups."""
    return Handset(product, carrier, KADIA, HOOK_SECRET)


def opened(phone: Handset, account: Account, label: str) -> str:
    dial(phone, "Médiatrice")
    phone.press(account.pin)
    phone.choose("Suivi daté")
    return phone.choose(label)


def test_a_pregnancy_is_opened_by_call(phone: Handset, runtime: Runtime, account: Account) -> None:
    assert opened(phone, account, "Nouvelle grossesse").startswith("Lui lire, à elle seule")
    phone.choose("Oui")
    phone.press("76000001")
    phone.choose("Oui")
    phone.press("19", "20112026")
    said = phone.choose("Oui, sûre")
    found = re.search(r"Code (\d{4} \d{4}) : l'écrire dans son carnet. Prochaine visite dès le 27/11/26.", said)
    assert found, said
    assert not phone.open
    [one] = kept(runtime)
    assert one.code == digits(found[1])
    [agreed] = rows_of(runtime, consent)
    assert agreed.recorded_by == f"mediator:{account.id}"
    assert agreed.words_version.startswith("accueil:"), "the words that were read are known by their hash"
    assert phone.inbox == []
    # The same phone again: only for another woman.
    opened(phone, account, "Nouvelle grossesse")
    phone.choose("Oui")
    phone.press("76000001")
    phone.choose("Oui")
    phone.press("10", "20112026")
    assert phone.choose("À 2 semaines près").startswith("Un suivi est déjà ouvert sur ce téléphone.")
    assert phone.choose("Oui").startswith("Code ")
    assert sorted(one.give_or_take for one in kept(runtime)) == [0, 14]


def test_whoever_called_first_from_a_phone_is_not_taken_for_her(
    phone: Handset, runtime: Runtime, clock: TestClock, account: Account
) -> None:
    """The husband registered their child; the centre says `--another`, and a mediator is asked."""
    for number, answer, is_her in (
        (WOMAN, "Non, une autre personne", False),
        (NEIGHBOUR, "Oui, c'est elle", True),
    ):
        one_child = enrol(runtime, clock, number=number)
        opened(phone, account, "Nouvelle grossesse")
        phone.choose("Oui")
        phone.press(number)
        phone.choose("Oui")
        phone.press("19", "20112026")
        assert phone.choose("Oui, sûre").startswith("Quelqu'un est inscrit avec ce numéro. Est-ce elle ?")
        assert kept(runtime) == []
        said = phone.choose(answer)
        assert said.startswith("Code ")
        [one] = kept(runtime)
        [carer] = {row.person_id for row in rows_of(runtime, caregiver) if row.child_id == one_child.child_id}
        assert (one.person_id == carer) is is_her
        ended(runtime, one.code, "moved", runtime.today(clock.now()))


def test_without_her_yes_nothing_is_kept(phone: Handset, runtime: Runtime, account: Account) -> None:
    opened(phone, account, "Nouvelle grossesse")
    assert phone.choose("Non").startswith("Rien n'est gardé.")
    assert rows_of(runtime, follow_up) == rows_of(runtime, consent) == []


def test_a_visit_then_a_birth_of_twins(phone: Handset, runtime: Runtime, account: Account) -> None:
    code = digits(pregnant(runtime, week=38).code)
    opened(phone, account, "Visite faite")
    phone.press(code)
    assert phone.choose("Oui").startswith("C'est noté. Prochaine visite dès le 04/12/26.")
    assert [row.made_on for row in rows_of(runtime, follow_up_contact)] == [date(2026, 11, 20)]
    opened(phone, account, "Visite faite")
    phone.press(code)
    assert phone.choose("Oui").startswith("Aucune visite n'était attendue ce jour, ou elle est déjà notée.")
    opened(phone, account, "Naissance")
    phone.press(code, "19112026")
    assert phone.press("2").startswith("Né le 19/11/2026, enfants vivants : 2. Noter ?")
    said = phone.choose("Oui")
    assert re.search(r"Code, à écrire dans le carnet de l'enfant : \d{4} \d{4}, \d{4} \d{4}\.", said), said
    assert len(rows_of(runtime, child)) == 2
    opened(phone, account, "Naissance")
    assert phone.press(code).startswith("Pour ce suivi, la naissance est déjà notée.")


def test_a_birth_far_from_its_term_is_asked_about_once_more(phone: Handset, runtime: Runtime, account: Account) -> None:
    code = digits(pregnant(runtime, week=27).code)
    opened(phone, account, "Naissance")
    phone.press(code, "20112026", "1")
    asked = phone.choose("Oui")
    assert asked.startswith("20/11/2026 : très tot, ou très tard, pour cette grossesse. Le jour est-il sur ?"), asked
    assert rows_of(runtime, child) == []
    phone.choose("Corriger")
    phone.press("19112026", "1")
    phone.choose("Oui")
    assert phone.choose("Oui, sûr").startswith("C'est noté. Code, à écrire")
    assert [row.status for row in rows_of(runtime, child)] == ["followed"]


def test_a_loss_is_asked_nothing_about(phone: Handset, runtime: Runtime, account: Account) -> None:
    code = digits(pregnant(runtime).code)
    opened(phone, account, "Perte")
    assert phone.press(code).startswith("Que la famille recoive nos condoléances.")
    assert phone.choose("Oui, fermer").startswith("C'est fermé. Rien ne sera envoyé.")
    assert (kept(runtime), planned(runtime)) == ([], {})


def test_a_birth_without_a_living_child_is_closed_with_care(phone: Handset, runtime: Runtime, account: Account) -> None:
    code = digits(pregnant(runtime, week=38).code)
    opened(phone, account, "Naissance")
    assert phone.press(code, "19112026", "0").startswith("Que la famille recoive nos condoléances.")
    assert phone.choose("Oui, fermer").startswith("C'est fermé. Rien ne sera envoyé.")
    assert kept(runtime) == []
    assert rows_of(runtime, child) == []


def test_of_twins_it_is_asked_which_one(phone: Handset, runtime: Runtime, account: Account) -> None:
    opening = pregnant(runtime, week=37)
    born(runtime, opening.code, date(2026, 11, 19), alive=2)
    opened(phone, account, "Perte")
    assert phone.press(digits(opening.code)).startswith(
        "Quel enfant ?\n1 Enfant 1, né 11/2026\n2 Enfant 2, né 11/2026\n3 Tous"
    )
    phone.choose("Enfant 2")
    assert phone.choose("Oui, fermer").startswith("C'est fermé.")
    assert sorted(row.status for row in rows_of(runtime, child)) == ["followed", "stopped"]


def test_a_birth_before_the_pregnancy_began_is_refused(phone: Handset, runtime: Runtime, account: Account) -> None:
    code = digits(pregnant(runtime).code)
    opened(phone, account, "Naissance")
    phone.press(code, "01062026", "1")
    assert phone.choose("Oui").startswith("Ce jour est avant le début du suivi.")
    assert len(kept(runtime)) == 1
    assert rows_of(runtime, child) == []


def test_another_quartiers_follow_up_is_as_unknown_as_no_code(
    phone: Handset, runtime: Runtime, account: Account
) -> None:
    code = digits(pregnant(runtime, quartier="Badialan 1").code)
    screens = set()
    for typed in (code, f"{(int(code) + 1) % 10**8:08d}"):
        opened(phone, account, "Perte")
        screens.add(phone.press(typed))
    assert len(screens) == 1
    assert screens.pop().startswith("Pas de suivi ouvert avec ce code dans vos quartiers.")
    # Nor does she learn by trying numbers whose phone has one.
    opened(phone, account, "Nouvelle grossesse")
    phone.choose("Oui")
    phone.press(WOMAN.removeprefix("+223"))
    phone.choose("Oui")
    phone.press("10", "20112026")
    assert phone.choose("Oui, sûre").startswith("Ce suivi ne s'ouvre pas par téléphone. Voyez votre superviseur.")
    assert len(kept(runtime)) == 1
