"""A mother enrols her child on a basic phone and is recalled on that phone, over real HTTP."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select

from flows.sms_text import is_gsm7, measure
from scheduler.timetable import one_round
from service.runtime import Runtime
from service.store import consent_tables
from service.store.people_tables import caregiver, consent
from service.store.task_tables import task
from service.stories.care import doses
from service.stories.delivery import dispatcher, outbox, receipts
from tests.conftest import HOOK_SECRET
from tests.loopback import LoopbackCarrier, Receipts
from tests.people import Days, Handset, TestClock

SIX_WEEKS = "23/11"


def enrol_awa(handset: Handset, born: str = "12102026", language: str = "Français") -> str:
    """Awa, a girl of Darsalam, never seen at the health centre; gives the last screen.

    Born on 12 October, she is six weeks less three days old on the day of these stories: 23 November is the day.
    """
    handset.dial()
    handset.choose(language)
    if language == "Français":
        handset.choose("Mon enfant")
        handset.choose("Inscrire un enfant")
        handset.choose("Oui")
    else:
        handset.press("1", "1", "1")  # my child, register, I agree
    handset.press("Awa Diarra", born, "1")
    handset.choose("Darsalam")
    return handset.press("1", "1", "1")  # right; visits and informations too


def code_on(screen: str) -> str:
    found = re.search(r"\d{4} \d{4}", screen)
    assert found, screen
    return found[0]


def give(runtime: Runtime, clock: TestClock, code: str, *antigens: str) -> list[str]:
    with runtime.database.begin() as tx:
        return doses.record_doses(
            tx, runtime, code, antigens, clock.here.date(), source="centre", by="test", now=clock.now()
        )


def test_a_mother_enrols_awa_and_hears_of_each_step_once(
    handset: Handset, runtime: Runtime, clock: TestClock, days: Days
) -> None:
    last = enrol_awa(handset)
    assert not handset.open
    assert "CSCom ASACODAR" in last
    give(runtime, clock, code_on(last), "BCG", "OPV")

    sent = days.until("2026-12-20")
    six_weeks = [(day, text) for day, text in sent if "carnet" in text and day < "12-15"]
    assert [day for day, _ in six_weeks] == ["11-20", "11-22", "11-23", "11-25", "11-30", "12-07"]
    assert len(sent) == len({day for day, _ in sent}), "one message per household and day"
    for _, text in sent:
        assert measure(text).parts == 1
        assert is_gsm7(text)
        assert not re.search(r"Awa|Diarra|vaccin|penta|BCG|demain|aujourd|retard", text, re.IGNORECASE), text
        assert "ASACODAR" in text
        assert "carnet" in text
    late = [text for _, text in six_weeks[3:]]
    assert all(SIX_WEEKS in text for _, text in six_weeks[:3])
    assert all("merci" in text and SIX_WEEKS not in text for text in late)


def test_a_receipt_makes_it_delivered_and_a_dose_moves_the_next_contact(
    handset: Handset, runtime: Runtime, clock: TestClock, days: Days, carrier: LoopbackCarrier, product: str
) -> None:
    code = code_on(enrol_awa(handset))
    give(runtime, clock, code, "BCG", "OPV")
    days.until("2026-11-22")
    plan = Receipts(product_url=product, at_path=f"/hooks/africastalking/receipt/{HOOK_SECRET}")
    assert carrier.tell(carrier.accepted[-1], "Success", plan=plan) == 200
    receipts.settle(runtime)
    assert states(runtime) == {"accepted": len(carrier.accepted) - 1, "delivered": 1}

    clock.set("2026-11-23T08:00")
    assert give(runtime, clock, code, "PENTA", "OPV", "PCV", "ROTA") == ["PENTA", "OPV", "PCV", "ROTA"]
    assert give(runtime, clock, code, "PENTA") == [], "a dose written twice counts once"
    sent = days.until("2026-12-31")
    assert [day for day, text in sent if SIX_WEEKS in text] == []
    # Four weeks later the ten weeks visit is due: 21 December.
    assert [day for day, text in sent if "carnet" in text] == ["12-18", "12-20", "12-21", "12-23", "12-28"]


def test_a_dose_recorded_while_the_message_waits_takes_it_back(
    handset: Handset, runtime: Runtime, clock: TestClock, days: Days, carrier: LoopbackCarrier
) -> None:
    from service.stories.recall import recalls

    code = code_on(enrol_awa(handset))
    give(runtime, clock, code, "BCG", "OPV")
    clock.set("2026-11-23T06:00")
    assert recalls.queue_recalls(runtime) == 1  # waits for the morning
    give(runtime, clock, code, "PENTA", "OPV", "PCV", "ROTA")
    assert days.until("2026-11-23") == []
    assert states(runtime) == {"cancelled": 1}


def test_arret_stops_everything_and_start_begins_again(
    handset: Handset, runtime: Runtime, clock: TestClock, days: Days
) -> None:
    code = code_on(enrol_awa(handset))
    give(runtime, clock, code, "BCG", "OPV")
    handset.write(" Arrêt !")
    sent = days.until("2026-11-29")
    assert len(sent) == 1, "only the one answer to the STOP"
    assert "*384*223#" in sent[0][1]
    handset.write("START")
    sent = days.until("2026-12-01")
    assert sorted("carnet" in text for _, text in sent) == [False, True], "the answer, and the step of J+7"


@pytest.mark.parametrize(
    ("answer", "agreed"),
    [
        ("Oui, les deux", {"reminder": True, "follow_up": True, "campaign": True}),
        ("Passage seul", {"reminder": True, "follow_up": True, "campaign": False}),
        ("Infos seules", {"reminder": True, "follow_up": False, "campaign": True}),
        ("Non", {"reminder": True, "follow_up": False, "campaign": False}),
        ("", {"reminder": True}),
    ],
)
def test_visits_and_informations_are_asked_once_the_child_is_kept(
    handset: Handset, runtime: Runtime, clock: TestClock, days: Days, answer: str, agreed: dict[str, bool]
) -> None:
    handset.dial()
    for label in ("Français", "Mon enfant", "Inscrire un enfant", "Oui"):
        handset.choose(label)
    handset.press("Awa Diarra", "12102026", "1")
    handset.choose("Darsalam")
    asked = handset.press("1", "1")
    assert "à garder. Peut-on passer chez vous" in asked
    code = code_on(asked)
    if answer:
        assert code in handset.choose(answer)
        assert not handset.open
    with runtime.database.read() as tx:
        kept = tx.execute(select(consent.c.purpose, consent.c.given, consent.c.how, consent.c.language)).all()
        [child_id] = tx.execute(select(caregiver.c.child_id)).scalars()
        may = consent_tables.may_visit(tx, [child_id])
    assert {purpose: given for purpose, given, *_ in kept} == agreed
    assert {one[2:] for one in kept} == {("ussd", "fr")}
    assert (may == {child_id}) == agreed.get("follow_up", True), "never asked: they may come, as before"

    now = clock.now()
    with runtime.database.begin() as tx:
        outbox.put(tx, now, outbox.Letter(handset.number, "news", "n", "campaign", "once", now, now + 86_400_000))
    dispatcher.send_due(runtime)
    assert ("news" in handset.inbox) == agreed.get("campaign", False), "never asked: nothing is sent"
    clock.advance(hours=2)
    one_round(runtime)
    with runtime.database.read() as tx:
        assert tx.execute(select(task.c.kind)).all() == [], "the form is no unfinished one"
    assert not any("non terminée" in text for text in handset.inbox)
    assert "Mon enfant" in handset.dial(), "nothing is to be gone on with, or she would enrol twice"
    for label in ("Mon enfant", "Inscrire un enfant", "Oui"):
        handset.choose(label)
    handset.press("Moussa", "12102026", "2")
    handset.choose("Darsalam")
    assert ("Peut-on passer" in handset.press("1", "1")) == (not answer), "asked once"


def test_two_siblings_on_one_phone_are_one_message(
    handset: Handset, runtime: Runtime, clock: TestClock, days: Days
) -> None:
    for born in ("12102026", "13102026"):
        handset.dial()
        if handset.screen.startswith("Langue"):
            handset.choose("Français")
        handset.choose("Mon enfant")
        handset.choose("Inscrire un enfant")
        handset.choose("Oui")
        handset.press("Enfant", born, "1")
        handset.choose("Darsalam")
        give(runtime, clock, code_on(handset.press("1", "1")), "BCG", "OPV")
    sent = days.until("2026-11-26")
    assert len(sent) == len({day for day, _ in sent})
    assert any("23/11 et 24/11" in text for _, text in sent), sent


def test_one_sibling_is_vaccinated_and_the_other_is_still_told(
    handset: Handset, runtime: Runtime, clock: TestClock, days: Days
) -> None:
    from service.stories.recall import recalls

    codes = []
    for _ in range(2):
        handset.dial()
        if handset.screen.startswith("Langue"):
            handset.choose("Français")
        handset.choose("Mon enfant")
        handset.choose("Inscrire un enfant")
        handset.choose("Oui")
        handset.press("Enfant", "12102026", "1")
        handset.choose("Darsalam")
        codes.append(code_on(handset.press("1", "1")))
        give(runtime, clock, codes[-1], "BCG", "OPV")
    clock.set("2026-11-23T06:00")
    assert recalls.queue_recalls(runtime) == 1
    give(runtime, clock, codes[0], "PENTA", "OPV", "PCV", "ROTA")
    sent = days.until("2026-11-23")
    assert len(sent) == 1, "the cancelled message is taken up again for the other child, under the same key"
    assert SIX_WEEKS in sent[0][1]


def test_a_father_who_speaks_bambara_is_answered_in_bambara(
    handset: Handset, runtime: Runtime, clock: TestClock, days: Days
) -> None:
    last = enrol_awa(handset, language="Bamanankan")
    assert "Kode" in last
    give(runtime, clock, code_on(last), "BCG", "OPV")
    sent = days.until("2026-11-23")
    assert sent
    assert all("carnet" not in text for _, text in sent)
    assert all(is_gsm7(text) for _, text in sent)


def test_stop_for_this_child_asks_no_reason_and_is_silent(
    handset: Handset, runtime: Runtime, clock: TestClock, days: Days
) -> None:
    give(runtime, clock, code_on(enrol_awa(handset)), "BCG", "OPV")
    handset.dial()
    handset.choose("Mon enfant")
    handset.choose("Un changement")
    handset.choose("Ne plus suivre un enfant")
    while handset.open:
        handset.press("1")
    assert days.until("2026-12-10") == []
    handset.dial()
    handset.choose("Mon enfant")
    handset.choose("Prochain rendez-vous")
    assert "Aucun enfant" in handset.screen


def test_when_is_the_next_visit(handset: Handset, runtime: Runtime, clock: TestClock) -> None:
    give(runtime, clock, code_on(enrol_awa(handset)), "BCG", "OPV")
    handset.dial()
    handset.choose("Mon enfant")
    handset.choose("Prochain rendez-vous")
    assert "23/11/26" in handset.screen
    assert "ASACODAR" in handset.screen


def test_the_menu_tells_the_day_that_the_messages_told(
    handset: Handset, runtime: Runtime, clock: TestClock, days: Days
) -> None:
    give(runtime, clock, code_on(enrol_awa(handset)), "BCG", "OPV")
    days.until("2026-12-03")
    handset.dial()
    handset.choose("Mon enfant")
    handset.choose("Prochain rendez-vous")
    assert "23/11/26" in handset.screen, "not today's date, on which the schedule says that something is due"
    assert code_on(handset.screen)


def test_where_no_centre_is_known_the_nearest_one_is_named(
    handset: Handset, runtime: Runtime, clock: TestClock, days: Days
) -> None:
    handset.dial()
    handset.choose("Français")
    handset.choose("Mon enfant")
    handset.choose("Inscrire un enfant")
    handset.choose("Oui")
    handset.press("Awa", "12102026", "1")
    handset.choose("Koulouniko")
    last = handset.press("1", "1", "1")
    assert "au centre de santé" in last
    handset.dial()
    handset.choose("Mon enfant")
    handset.choose("Prochain rendez-vous")
    assert "au centre de santé" in handset.screen
    assert all("au centre de santé" in text for _, text in days.until("2026-11-23"))


def test_messages_are_stopped_from_the_menu(handset: Handset, runtime: Runtime, clock: TestClock, days: Days) -> None:
    give(runtime, clock, code_on(enrol_awa(handset)), "BCG", "OPV")
    handset.dial()
    handset.choose("Langue, SMS, mes données")
    handset.choose("Arrêter/reprendre SMS")
    while handset.open:
        handset.press("1")
    assert days.until("2026-11-28") == []


def states(runtime: Runtime) -> dict[str, int]:
    from service.store.message_tables import count_by_state

    with runtime.database.read() as tx:
        return count_by_state(tx)
