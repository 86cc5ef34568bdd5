"""Caregivers for tests: what they agreed to, words they chose, a second one beside, and a number that hears nothing."""

from __future__ import annotations

from sqlalchemy import select, update

from service.runtime import Runtime
from service.store import consent_tables, phone_tables
from service.store.people_tables import consent, person
from service.store.phone_tables import phone
from service.stories.delivery import dead_numbers
from service.stories.delivery.dead_numbers import End
from tests.cover import dial
from tests.people import Handset, TestClock
from tests.stories.test_recalls import MOTHER, enrol

AUNT = "+22360000002"
SETTINGS = "Langue, SMS, mes données"


def said(runtime: Runtime) -> list[tuple[str, bool, str, str]]:
    """(purpose, given, wording, how) of every consent, in the order they were given."""
    with runtime.database.read() as tx:
        rows = tx.execute(select(consent).order_by(consent.c.at, consent.c.purpose))
        return [(row.purpose, row.given, row.wording, row.how) for row in rows]


def may_visit(runtime: Runtime, *children: int) -> set[int]:
    with runtime.database.read() as tx:
        return consent_tables.may_visit(tx, children)


def a_brother(runtime: Runtime, clock: TestClock, name: str = "Moussa Traoré") -> int:
    """Six weeks old on the same day."""
    clock.advance(minutes=1)
    one = enrol(runtime, clock)
    with runtime.database.begin() as tx:
        tx.execute(update(person).where(person.c.id == one.child_id).values(name=name))
    return one.child_id


def choose_explicit(handset: Handset) -> str:
    dial(handset, SETTINGS, "Mots des rappels", "Aussi prénom et vaccin")
    return handset.choose("Oui, moi seul(e)")


def name_second(handset: Handset, number: str = "60000002") -> str:
    dial(handset, SETTINGS, "Deuxième numéro", "Oui")
    handset.press(number)
    return handset.choose("Oui")


def stand_beside(handset: Handset, aunt: Handset) -> None:
    assert "Sur ce deuxième téléphone, faites *384*223# et dites oui" in name_second(handset)
    assert dial(aunt).startswith("Une famille veut ses messages sur ce téléphone quand le sien ne recoit rien.")
    assert aunt.choose("Oui").startswith("C'est fait.")


def kill(runtime: Runtime, clock: TestClock, number: str = MOTHER) -> None:
    """Nothing arrives at this number any more."""
    with runtime.database.begin() as tx:
        one = phone_tables.ensure_phone(tx, number, clock.now())
        tx.execute(update(phone).where(phone.c.id == one.id).values(failed_days=4))
        dead_numbers.after_receipts(tx, runtime, [End(one.id, one.number_idx, "undelivered", clock.now())], clock.now())


def about_visits(phone: Handset) -> list[str]:
    return [text for text in phone.inbox if "ASACODAR" in text]
