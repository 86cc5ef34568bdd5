"""A family moves, changes its number, or gets the messages of another family: on basic phones, over real HTTP."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from sqlalchemy import select

from flows.sms_text import fold, is_gsm7, measure
from service.runtime import Runtime
from service.store import people_tables, place_tables, task_tables
from service.store.handover_tables import handover
from service.store.message_tables import message
from service.store.people_tables import child, consent, household
from service.stories.homes.families import Enrolled
from service.stories.recall import recalls
from tests.conftest import HOOK_SECRET
from tests.loopback import LoopbackCarrier
from tests.people import Days, Handset, TestClock
from tests.stories.test_next_visit import NEXT_VISIT, ask
from tests.stories.test_recalls import MOTHER, enrol

NEW = "+22360000002"
CHANGE = ("Mon enfant", "Un changement")
ABOUT_HEALTH = re.compile(r"enfant|vaccin|sant|carnet|rendez|den\b|kɛnɛya|child|health", re.IGNORECASE)


@pytest.fixture
def new_phone(product: str, carrier: LoopbackCarrier) -> Handset:
    return Handset(product, carrier, NEW, HOOK_SECRET)


def tasks(runtime: Runtime, kind: str) -> list[task_tables.Task]:
    with runtime.database.read() as tx:
        return [task for task in task_tables.tasks(tx) if task.kind == kind]


def children(runtime: Runtime) -> dict[int, Any]:
    with runtime.database.read() as tx:
        return {row.person_id: row for row in tx.execute(select(child))}


def name_of_zone(runtime: Runtime, zone_id: int) -> str:
    with runtime.database.read() as tx:
        return place_tables.zone_name(tx, zone_id)


def told(runtime: Runtime) -> list[tuple[str, str]]:
    """(state, text) of every message there is."""
    with runtime.database.read() as tx:
        return [(row.state, row.text) for row in tx.execute(select(message).order_by(message.c.created_at))]


def a_sibling(runtime: Runtime, clock: TestClock, born: str) -> Enrolled:
    """Enrolled a moment later: children stand in that order on a screen."""
    clock.advance(minutes=1)
    return enrol(runtime, clock, born=born)


# --- moved --------------------------------------------------------------------------------------------------


def test_a_family_that_moved_is_expected_by_its_new_centre(
    handset: Handset, runtime: Runtime, clock: TestClock, days: Days
) -> None:
    for _ in range(2):
        enrol(runtime, clock)
    clock.set("2026-11-23T06:00")
    recalls.queue_recalls(runtime)
    assert "ASACODAR" in told(runtime)[0][1]

    ask(handset, *CHANGE, "J'ai déménagé", "Toute la famille", "Dravela Bolibana")
    assert "Toute la famille : nouveau quartier Dravela Bolibana. Juste ?" in handset.screen
    assert "Les rendez-vous sont maintenant au CSCom ASACODRAB" in handset.choose("Oui")

    sent = days.until("2026-11-23")
    assert len(sent) == 1, "what waited is told anew, once"
    assert "ASACODRAB" in sent[0][1]
    assert {name_of_zone(runtime, row.zone_id) for row in children(runtime).values()} == {"Dravela Bolibana"}
    moved = tasks(runtime, "moved")
    assert len(moved) == 2
    assert {(task.zone, task.number) for task in moved} == {("Dravela Bolibana", MOTHER)}
    assert "Awa" not in str(moved)
    assert "ASACODRAB" in ask(handset, *NEXT_VISIT, "Enfant 1")


def test_one_child_moves_and_its_sibling_stays(handset: Handset, runtime: Runtime, clock: TestClock) -> None:
    first = enrol(runtime, clock)
    second = a_sibling(runtime, clock, "2025-02-03")
    ask(handset, *CHANGE, "J'ai déménagé", "Enfant 2", "Koulouniko", "Oui")
    assert "centre de santé le plus proche" in handset.screen
    rows = children(runtime)
    assert name_of_zone(runtime, rows[first.child_id].zone_id) == "Darsalam"
    assert name_of_zone(runtime, rows[second.child_id].zone_id) == "Koulouniko"
    assert rows[second.child_id].centre_id is None


def test_who_lives_there_already_changes_nothing(handset: Handset, runtime: Runtime, clock: TestClock) -> None:
    enrol(runtime, clock)
    ask(handset, *CHANGE, "J'ai déménagé", "Darsalam", "Oui")
    assert tasks(runtime, "moved") == []


# --- a new number -------------------------------------------------------------------------------------------


def announce(handset: Handset, number: str = "60000002") -> str:
    ask(handset, *CHANGE, "Nouveau numéro", "Oui")
    handset.press(number)
    return handset.choose("Oui")


def test_a_new_number_gets_the_messages_once_it_says_yes(
    handset: Handset, new_phone: Handset, runtime: Runtime, clock: TestClock, days: Days
) -> None:
    enrol(runtime, clock)
    assert "Sur le nouveau téléphone, faites *384*223# et dites oui" in announce(handset)
    sent = days.until("2026-11-22")
    [first] = new_phone.inbox
    assert "*384*223#" in first
    assert "ARRET" in first
    assert not ABOUT_HEALTH.search(first), first
    assert measure(first).parts == 1
    assert is_gsm7(first)
    assert len(handset.inbox) == 2, "until then the family hears on the old phone"
    assert len(sent) == 3

    clock.set("2026-11-22T18:00")
    assert ask(new_phone).startswith("Une famille veut recevoir ses messages sur ce téléphone.")
    assert new_phone.choose("Oui").startswith("C'est fait : les messages viennent ici.")
    sent = days.until("2026-11-30")
    assert len(handset.inbox) == 3, "the old phone hears no more"
    assert handset.inbox[2].startswith("Laseli: le numéro qui recoit nos messages a changé."), "and is told so"
    assert len(new_phone.inbox) == 1 + 3
    assert "ASACODAR" in ask(new_phone, *NEXT_VISIT)
    assert ask(handset, *NEXT_VISIT).startswith("Aucun enfant")
    with runtime.database.read() as tx:
        given = tx.execute(select(consent.c.how, consent.c.purpose).order_by(consent.c.at)).all()
    assert given[-1] == ("ussd", "reminder"), "the yes of the new phone is kept"


def test_a_message_that_waits_for_the_old_phone_goes_to_the_new_one(
    handset: Handset, new_phone: Handset, runtime: Runtime, clock: TestClock, days: Days
) -> None:
    enrol(runtime, clock)
    announce(handset)
    clock.set("2026-11-23T06:00")
    recalls.queue_recalls(runtime)
    ask(new_phone, "Oui")
    days.until("2026-11-23")
    assert [text for text in handset.inbox if "ASACODAR" in text] == []
    assert any("ASACODAR" in text for text in new_phone.inbox)


def test_a_no_sends_nothing_there_and_a_mediator_asks_again(
    handset: Handset, new_phone: Handset, runtime: Runtime, clock: TestClock, days: Days
) -> None:
    enrol(runtime, clock)
    announce(handset)
    assert "rien ne sera envoyé ici" in ask(new_phone, "Non")
    assert not ask(new_phone).startswith("Une famille")
    days.until("2026-11-23")
    assert all("ASACODAR" not in text for text in new_phone.inbox)
    assert len(handset.inbox) == 3
    [task] = tasks(runtime, "handover_refused")
    assert (task.zone, task.number) == ("Darsalam", MOTHER)


def test_later_is_asked_again_and_after_fourteen_days_no_more(
    handset: Handset, new_phone: Handset, runtime: Runtime, clock: TestClock
) -> None:
    enrol(runtime, clock)
    announce(handset)
    assert ask(new_phone, "Plus tard").startswith("D'accord. La question revient")
    assert ask(new_phone).startswith("Une famille veut recevoir")
    clock.advance(days=14)
    assert ask(new_phone).startswith("Laseli, santé des familles")


def test_a_number_mistyped_counts_no_more_once_it_is_corrected(
    handset: Handset, new_phone: Handset, runtime: Runtime, clock: TestClock
) -> None:
    enrol(runtime, clock)
    announce(handset, "60000003")
    announce(handset, "60000002")
    stranger = Handset(handset.product, handset.carrier, "+22360000003", HOOK_SECRET)
    assert ask(stranger).startswith("Laseli, santé des familles")
    assert ask(new_phone).startswith("Une famille veut recevoir")


def test_a_yes_after_the_family_went_elsewhere_changes_nothing(
    handset: Handset, new_phone: Handset, runtime: Runtime, clock: TestClock
) -> None:
    enrol(runtime, clock)
    announce(handset)
    ask(new_phone)
    with runtime.database.begin() as tx:
        tx.execute(household.update().values(preferred_phone_id=None))
    assert new_phone.choose("Oui").startswith("Cette demande n'est plus valable.")
    with runtime.database.read() as tx:
        assert tx.execute(select(handover.c.state)).scalar_one() == "replaced"
        assert tx.execute(select(household.c.preferred_phone_id)).scalar_one() is None


# --- with the code ------------------------------------------------------------------------------------------


def claim(phone: Handset, code: str, birth: str) -> str:
    ask(phone, *CHANGE, "Oui, j'ai le code", "Oui")
    return phone.press(code, birth)


def test_a_mother_whose_phone_is_lost_takes_her_messages_with_the_code(
    handset: Handset, new_phone: Handset, runtime: Runtime, clock: TestClock, days: Days
) -> None:
    one = enrol(runtime, clock)
    assert claim(new_phone, one.code, "102026").startswith("C'est fait : les messages viennent ici.")
    days.until("2026-11-23")
    assert len(handset.inbox) == 1, "the phone that had them is told, once, and gets nothing else"
    assert fold("le numéro qui reçoit nos messages a changé") in handset.inbox[0]
    assert not ABOUT_HEALTH.search(handset.inbox[0])
    assert measure(handset.inbox[0]).parts == 1
    assert [text for text in new_phone.inbox if "ASACODAR" in text]
    [task] = tasks(runtime, "phone_changed")
    assert (task.zone, task.number) == ("Darsalam", NEW)
    assert json.loads(task.details or "") == {"Code de l'enfant": one.code}


def test_the_phone_that_had_them_sees_no_more_where_the_family_goes(
    handset: Handset, new_phone: Handset, runtime: Runtime, clock: TestClock
) -> None:
    """A mother who left with her booklet is not followed by whoever kept her phone."""
    one = enrol(runtime, clock)
    claim(new_phone, one.code, "12102026")
    ask(new_phone, *CHANGE, "J'ai déménagé", "Dravela Bolibana", "Oui")
    assert ask(handset, *NEXT_VISIT).startswith("Aucun enfant")
    assert ask(handset, *CHANGE).startswith("Aucun enfant n'est inscrit avec ce téléphone.")


def test_who_did_not_give_them_away_takes_them_back_with_the_code(
    handset: Handset, new_phone: Handset, runtime: Runtime, clock: TestClock, days: Days
) -> None:
    one = enrol(runtime, clock)
    claim(new_phone, one.code, "12102026")
    assert claim(handset, one.code, "12102026").startswith("C'est fait : les messages viennent ici.")
    days.until("2026-11-23")
    assert [text for text in handset.inbox if "ASACODAR" in text]
    assert not [text for text in new_phone.inbox if "ASACODAR" in text]
    assert "a changé" in new_phone.inbox[0]
    assert len(tasks(runtime, "phone_changed")) == 2


@pytest.mark.parametrize("birth", ["10", "102026", "12102026", "31102026"])
def test_the_month_of_birth_in_any_writing(new_phone: Handset, runtime: Runtime, clock: TestClock, birth: str) -> None:
    assert claim(new_phone, enrol(runtime, clock).code, birth).startswith("C'est fait")


def test_a_wrong_code_and_a_wrong_month_get_the_same_answer(
    new_phone: Handset, runtime: Runtime, clock: TestClock
) -> None:
    code = enrol(runtime, clock).code
    other = f"{(int(code.replace(' ', '')) + 1) % 10**8:08d}"
    wrong_month = claim(new_phone, code, "112026")
    wrong_year = new_phone.press("1", code, "102025")
    wrong_code = new_phone.press("1", other, "102026")
    assert wrong_month == wrong_year == wrong_code
    assert wrong_code.startswith("Code ou date : rien de tel. Regardez le carnet.")


def test_a_child_that_is_followed_no_longer_has_no_code(
    handset: Handset, new_phone: Handset, runtime: Runtime, clock: TestClock
) -> None:
    one = enrol(runtime, clock)
    ask(handset, *CHANGE, "Ne plus suivre un enfant", "Oui")
    assert claim(new_phone, one.code, "102026").startswith("Code ou date : rien de tel.")


def test_an_estimated_month_may_be_the_one_before(new_phone: Handset, runtime: Runtime, clock: TestClock) -> None:
    one = enrol(runtime, clock, born="2026-01-12")
    with runtime.database.begin() as tx:
        tx.execute(child.update().values(birth_precision="month"))
    assert claim(new_phone, one.code, "022026").startswith("Code ou date")
    assert new_phone.press("1", one.code, "122025").startswith("C'est fait")


# --- not my child -------------------------------------------------------------------------------------------


def test_a_wrong_family_hears_nothing_more_and_the_child_is_followed_on(
    handset: Handset, runtime: Runtime, clock: TestClock, days: Days
) -> None:
    one = enrol(runtime, clock)
    clock.set("2026-11-23T06:00")
    recalls.queue_recalls(runtime)
    ask(handset, *CHANGE, "Ce n'est pas mon enfant")
    assert "plus de messages pour cet enfant sur ce téléphone ?" in handset.screen
    assert handset.choose("Oui").startswith("C'est fait")
    assert days.until("2026-12-10") == [], "what waited was taken back, and nothing follows"
    assert children(runtime)[one.child_id].status == "followed"
    [task] = tasks(runtime, "wrong_family")
    assert (task.zone, task.number, task.person_id) == ("Darsalam", None, one.child_id)
    assert one.code in (task.details or "")
    assert ask(handset, *CHANGE).startswith("Aucun enfant n'est inscrit avec ce téléphone.")


def test_the_wrong_family_may_have_a_child_of_its_own(
    handset: Handset, runtime: Runtime, clock: TestClock, days: Days
) -> None:
    enrol(runtime, clock)
    ask(handset, *CHANGE, "Ce n'est pas mon enfant", "Oui")
    mine = enrol(runtime, clock)
    assert [text for _, text in days.until("2026-11-23") if "ASACODAR" in text]
    with runtime.database.read() as tx:
        found = people_tables.find_caller(tx, MOTHER)
        assert found is not None
        assert [one.id for one in people_tables.children_on_phone(tx, found.phone_id)] == [mine.child_id]


def test_one_wrong_child_among_ones_own(handset: Handset, runtime: Runtime, clock: TestClock, days: Days) -> None:
    mine = enrol(runtime, clock)
    wrong = a_sibling(runtime, clock, "2026-10-13")
    ask(handset, *CHANGE, "Ce n'est pas mon enfant", "Enfant 2", "Oui")
    sent = days.until("2026-11-24")
    assert sent
    assert not [text for _, text in sent if "24/11" in text]
    rows = children(runtime)
    assert rows[wrong.child_id].household_id != rows[mine.child_id].household_id
    assert ask(handset, *NEXT_VISIT).startswith("Enfant 1, née 10/2026"), "the only one left is not asked for"


def test_a_child_without_a_family_is_found_again_with_its_code(
    handset: Handset, new_phone: Handset, runtime: Runtime, clock: TestClock, days: Days
) -> None:
    enrol(runtime, clock)
    wrong = a_sibling(runtime, clock, "2026-10-13")
    ask(handset, *CHANGE, "Ce n'est pas mon enfant", "Enfant 2", "Oui")
    assert claim(new_phone, wrong.code, "102026").startswith("C'est fait")
    days.until("2026-11-24")
    assert [text for text in new_phone.inbox if "24/11" in text]
    assert not [text for text in handset.inbox if "24/11" in text]
