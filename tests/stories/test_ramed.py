"""A family hears of the RAMED and asks a mediator to come. Nobody here decides who may have it."""

from __future__ import annotations

from service.runtime import Runtime
from service.store.mutual_tables import membership
from service.store.people_tables import consent, household
from service.store.task_tables import close_task_of, task, tasks
from service.stories.delivery import dispatcher
from tests.cover import dial, is_one_plain_sms, number_on, rows_of, turn_to
from tests.people import Handset, TestClock


def ask_for_a_visit(handset: Handset) -> str:
    dial(handset, "Mutuelle et RAMED", "RAMED", "Non", "Non")
    turn_to(handset, "Visite d'un médiateur")
    handset.choose("Oui")
    return handset.choose("Darsalam")


def test_a_family_asks_for_a_visit_and_gets_a_receipt_that_does_not_tell_why(
    handset: Handset, runtime: Runtime
) -> None:
    last = ask_for_a_visit(handset)
    assert not handset.open
    assert "seule la mairie décide" in last
    dispatcher.send_due(runtime)
    (receipt,) = handset.inbox
    assert is_one_plain_sms(receipt)
    assert number_on(receipt) == number_on(last)
    for telling in ("RAMED", "mairie", "indig", "pauvre"):
        assert telling not in receipt
    with runtime.database.read() as tx:
        (line,) = tasks(tx)
    assert (line.kind, line.zone, line.number) == ("ramed_visit", "Darsalam", handset.number)
    (agreed,) = rows_of(runtime, consent)
    assert (agreed.purpose, agreed.given) == ("visit", True)
    assert rows_of(runtime, membership) == []


def test_a_second_call_makes_no_second_visit(handset: Handset, runtime: Runtime) -> None:
    first = number_on(ask_for_a_visit(handset))
    assert ask_for_a_visit(handset).startswith(f"Votre demande {first} est déjà notée")
    dispatcher.send_due(runtime)
    assert len(handset.inbox) == len(rows_of(runtime, task)) == 1


def test_after_the_visit_another_may_be_asked_for(handset: Handset, runtime: Runtime, clock: TestClock) -> None:
    first = number_on(ask_for_a_visit(handset))
    with runtime.database.begin() as tx:
        assert close_task_of(tx, f"ramed_visit:{first}", "done", "test", clock.now())
    assert number_on(ask_for_a_visit(handset)) != first


def test_a_no_keeps_nothing(handset: Handset, runtime: Runtime) -> None:
    dial(handset, "Mutuelle et RAMED", "RAMED", "Non", "Non")
    turn_to(handset, "Visite d'un médiateur")
    assert handset.choose("Non").startswith("Rien n'est gardé.")
    assert rows_of(runtime, task) == rows_of(runtime, household) == rows_of(runtime, consent) == []


def test_who_has_the_amo_or_can_pay_is_told_where_to_go(handset: Handset, runtime: Runtime) -> None:
    assert "déjà couverte" in dial(handset, "Mutuelle et RAMED", "RAMED", "Oui")
    assert "*384*223#, puis 2 et 2" in dial(handset, "Mutuelle et RAMED", "RAMED", "Non", "Oui")
    assert rows_of(runtime, task) == []


def test_the_papers_are_read_page_by_page(handset: Handset) -> None:
    dial(handset, "Mutuelle et RAMED", "RAMED", "Non", "Non")
    turn_to(handset, "Les papiers")
    assert "Acte de mariage" in handset.choose("Mari ou femme")
    turn_to(handset, "Les démarches")
    assert "certificat d'indigence" in handset.screen
    assert handset.open
