"""A mediator closes her list and changes her PIN by call."""

from __future__ import annotations

import pytest

from service.runtime import Runtime
from service.store.visit_tables import visit
from service.stories.homes import families
from service.stories.staff import mediator_accounts
from tests.conftest import HOOK_SECRET
from tests.cover import dial, rows_of
from tests.loopback import LoopbackCarrier
from tests.mediators import KADIA, Account, state_of, tries_pin, wrong_pin
from tests.people import Days, Handset, TestClock
from tests.visits import enrol, lines, listed, now_of, statuses


@pytest.fixture
def phone(product: str, carrier: LoopbackCarrier, account: Account) -> Handset:
    return Handset(product, carrier, KADIA, HOOK_SECRET)


def at_work(phone: Handset, account: Account, line: str) -> str:
    dial(phone, "Médiatrice")
    phone.press(account.pin)
    return phone.choose(line)


def test_the_list_is_closed_by_call(
    phone: Handset, runtime: Runtime, clock: TestClock, account: Account, days: Days
) -> None:
    second, first = enrol(runtime, clock, born="2026-09-10"), enrol(runtime, clock, at="+22370000002")
    days.until("2027-01-10")
    assert listed(runtime) == [first.code, second.code]
    before = phone.inbox
    said = at_work(phone, account, "Ma liste")
    assert said.startswith(f"A voir, depuis :\n1 {families.show_code(first.code)}, ")
    assert "Awa" not in said
    assert phone.choose(families.show_code(first.code)).startswith("Enfant née 09/2026. A la maison :\n1 Vu\n2 Refus")
    assert phone.choose("Vu").startswith("Enfant née 09/2026 : Vu. Noter ?")
    assert phone.choose("Oui").startswith("Visite notée.")
    assert first.code[:4] not in phone.choose("Ma liste")
    phone.choose(families.show_code(second.code))
    phone.choose("Refus")
    assert phone.choose("Oui").startswith("Refus noté. Plus de SMS pour cet enfant.")
    assert phone.choose("Ma liste").startswith("Personne à voir sur votre liste.")
    assert statuses(runtime) == ["refused", "seen"]
    assert phone.inbox == before, "nothing lies on the phone afterwards"


def test_a_death_is_asked_once_more_and_nothing_else_is_asked(
    phone: Handset, runtime: Runtime, clock: TestClock, account: Account
) -> None:
    one = enrol(runtime, clock)
    at_work(phone, account, "Visite")
    phone.press(one.code)
    assert phone.choose("Décédé").startswith("Enfant née 09/2026 : décédé. Tout s'arrete pour cet enfant. Noter ?")
    assert rows_of(runtime, visit) == []
    phone.choose("Non")
    phone.choose("Décédé")
    said = phone.choose("Oui")
    assert said == "C'est noté. Plus aucun message ne partira pour cet enfant. Nos condoléances à sa famille."
    assert not phone.open
    assert "!" not in said
    assert now_of(runtime, one).status == "stopped"


def test_a_move_by_call_names_the_quartier_or_another_place(
    phone: Handset, runtime: Runtime, clock: TestClock, account: Account
) -> None:
    one, other = enrol(runtime, clock), enrol(runtime, clock, born="2026-09-21")
    at_work(phone, account, "Visite")
    phone.press(one.code)
    assert phone.choose("Parti").startswith("Parti où ?\n1 Ailleurs, autre ville\n2 Badialan 1")
    assert phone.choose("Badialan 1").startswith("Enfant née 09/2026 : parti. Badialan 1. Noter ?")
    assert phone.choose("Oui").startswith("Noté. La médiatrice de ce quartier le suit maintenant.")
    phone.choose("Un autre enfant")
    assert phone.press(one.code).startswith("Pas d'enfant suivi avec ce code dans vos quartiers.")
    phone.choose("Essayer encore")
    phone.press(other.code)
    phone.choose("Parti")
    phone.choose("Ailleurs")
    assert phone.choose("Oui").startswith("Noté. Le suivi s'arrete. Votre superviseur est informé.")
    assert sorted(kind for kind, _ in lines(runtime)) == ["moved", "moved_away"]


def test_an_account_closed_in_the_middle_of_a_visit_writes_nothing(
    phone: Handset, runtime: Runtime, clock: TestClock, account: Account
) -> None:
    one = enrol(runtime, clock)
    at_work(phone, account, "Visite")
    phone.press(one.code)
    phone.choose("Refus")
    with runtime.database.begin() as tx:
        mediator_accounts.leave(tx, account.id, "Fatou", clock.now())
    assert phone.choose("Oui").startswith("Ce n'est pas possible maintenant.")
    assert rows_of(runtime, visit) == []


def test_a_mediator_changes_her_pin(phone: Handset, runtime: Runtime, account: Account) -> None:
    new = next(pin for pin in ("4826", "7391") if pin != account.pin)
    at_work(phone, account, "Changer mon code")
    for easy in ("1234", "1987", account.pin):
        assert phone.press(easy, easy).startswith("Rien n'est changé : les deux diff"), easy
        phone.choose("Essayer encore")
    assert phone.press(new, "4827").startswith("Rien n'est changé")
    phone.choose("Essayer encore")
    assert phone.press(new, new).startswith("Votre code est changé.")
    assert not phone.open
    assert not tries_pin(runtime, account.pin)
    assert tries_pin(runtime, new)
    assert phone.inbox == []


def test_who_did_not_prove_to_be_the_mediator_changes_no_pin(
    runtime: Runtime, account: Account, clock: TestClock
) -> None:
    before = state_of(runtime, account.id).pin
    with runtime.database.begin() as tx:
        done = mediator_accounts.change_own_pin(tx, KADIA, wrong_pin(account.pin), "4826", "4826", clock.now())
    assert done == "closed"
    assert state_of(runtime, account.id).pin == before
    assert state_of(runtime, account.id).tries == 1
