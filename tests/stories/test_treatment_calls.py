"""A mediator takes a malnourished child in, measures it and sends it on by call, after her PIN."""

from __future__ import annotations

import json

import pytest

from service.config import Config
from service.runtime import Runtime
from service.store.people_tables import consent
from service.store.treatment_tables import treatment, treatment_visit
from service.stories.homes.families import Enrolled
from tests.conftest import HOOK_SECRET
from tests.cover import dial, rows_of
from tests.follow_ups import digits, with_follow_ups
from tests.loopback import LoopbackCarrier
from tests.mediators import KADIA, Account
from tests.people import Handset, TestClock
from tests.stories.test_changes import tasks
from tests.stories.test_muac import ARM
from tests.stories.test_next_visit import ask
from tests.stories.test_recalls import enrol
from tests.treatments import asked_for, how_ended

BORN = {"born": "2025-05-20", "last_visit": "m15"}


@pytest.fixture
def settings(settings: Config) -> Config:
    return with_follow_ups(settings)


@pytest.fixture
def awa(runtime: Runtime, clock: TestClock) -> Enrolled:
    return enrol(runtime, clock, **BORN)


@pytest.fixture
def phone(product: str, runtime: Runtime, carrier: LoopbackCarrier, account: Account) -> Handset:
    return Handset(product, carrier, KADIA, HOOK_SECRET)


def at_the_arm(phone: Handset, account: Account, code: str) -> str:
    dial(phone, "Médiatrice")
    phone.press(account.pin)
    phone.choose("Bras mesuré")
    return phone.press(digits(code))


def measure(phone: Handset, mm: str, hollow: str = "Non") -> str:
    phone.press(mm)
    assert phone.choose(hollow).startswith(f"Enfant née 05/2025 : {mm} mm, creux : {hollow}. Noter ?")
    return phone.choose("Oui")


def test_a_child_is_taken_in_then_measured_then_closed(
    phone: Handset, runtime: Runtime, account: Account, awa: Enrolled, clock: TestClock
) -> None:
    assert at_the_arm(phone, account, awa.code).startswith("A-t-il un de ces signes")
    assert phone.choose("Non").startswith("Lui lire : nous gardons les mesures de l'enfant")
    phone.choose("Oui")
    assert measure(phone, "112") == "C'est noté. Prochaine visite le 27/11/26, au centre."
    [agreed] = [row for row in rows_of(runtime, consent) if row.purpose == "weekly_visits"]
    assert (agreed.recorded_by, agreed.how) == (f"mediator:{account.id}", "told")
    assert agreed.words_version.startswith("accueil:"), "the words that were read are known by their hash"
    clock.set("2026-11-27T10:00")
    assert at_the_arm(phone, account, awa.code).startswith("Enfant née 05/2025 : que noter ?")
    phone.choose("Mesure du jour")
    phone.choose("Non")
    assert measure(phone, "118", "Oui") == "C'est noté. Prochaine visite le 04/12/26, au centre."
    assert sorted(row.measure for row in rows_of(runtime, treatment_visit)) == ["112 - - 18", "118 oedema - 18"]
    at_the_arm(phone, account, awa.code)
    phone.choose("Fermer ce suivi")
    assert phone.choose("La famille ne veut plus").startswith("C'est fermé.")
    assert (how_ended(runtime), asked_for(runtime)) == (["withdrawn"], [])
    assert phone.inbox == []


def test_danger_comes_before_everything_and_a_green_arm_opens_nothing(
    phone: Handset, runtime: Runtime, account: Account, awa: Enrolled
) -> None:
    at_the_arm(phone, account, awa.code)
    said = phone.choose("Oui")
    assert said.startswith("Au centre de santé le plus proche, maintenant")
    assert said.endswith("Revoir l'enfant le 23/11/26.")
    assert [line.zone for line in tasks(runtime, "treatment_referral")] == ["Darsalam"]
    at_the_arm(phone, account, awa.code)
    phone.choose("Non")
    phone.choose("Oui")
    assert measure(phone, "125").startswith("La mesure est bonne : aucun suivi n'est ouvert.")
    at_the_arm(phone, account, awa.code)
    phone.choose("Non")
    assert phone.choose("Non").startswith("Rien n'est gardé.")
    assert rows_of(runtime, treatment) == []


def test_a_child_of_another_quartier_is_as_unknown_as_no_code(
    phone: Handset, runtime: Runtime, account: Account, clock: TestClock
) -> None:
    other = enrol(runtime, clock, quartier="Badialan 1", **BORN)
    nobody = f"{(int(digits(other.code)) + 1) % 10**8:08d}"
    screens = {at_the_arm(phone, account, typed) for typed in (other.code, nobody)}
    assert len(screens) == 1
    assert screens.pop().startswith("Pas d'enfant suivi avec ce code dans vos quartiers.")


def test_what_a_family_measured_tells_its_mediator_how_to_begin(
    handset: Handset, runtime: Runtime, awa: Enrolled
) -> None:
    ask(handset, *ARM, "Oui")
    handset.choose("Jaune")
    handset.choose("Non")
    handset.choose("Non")
    [line] = tasks(runtime, "muac_referral")
    assert "Médiatrice, Bras mesuré" in json.loads(line.details or "")["À faire"]
    assert rows_of(runtime, treatment) == [], "nothing is opened by itself"
