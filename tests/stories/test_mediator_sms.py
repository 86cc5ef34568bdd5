"""Doses by SMS from a mediator's phone: written down, explained, or refused with the reason and nothing changed."""

from __future__ import annotations

import threading
from datetime import date

import pytest

from flows.sms_text import is_gsm7, measure
from scheduler.timetable import one_round
from service.domain.dose_words import DoseWord
from service.runtime import Runtime
from service.store import people_tables, place_tables, system_tables
from service.store.care_tables import appointment, dose
from service.store.people_tables import child
from service.store.task_tables import task
from service.stories.homes import families
from service.stories.homes.consents import Words
from service.stories.homes.families import Enrolment
from service.stories.staff import mediator_accounts, mediator_doses
from tests.conftest import HOOK_SECRET
from tests.cover import rows_of
from tests.loopback import LoopbackCarrier
from tests.mediators import KADIA, Account, an_account, state_of, tries_pin, wrong_pin
from tests.people import Handset, TestClock
from tests.stories.test_enrolment import code_on, enrol_awa, give

HELP = "Laseli: message non compris."


class Mediator:
    """Kadia, her phone and her account."""

    def __init__(self, handset: Handset, runtime: Runtime, account: Account) -> None:
        self.handset, self.runtime, self.account = handset, runtime, account

    def write(self, words: str) -> str:
        before = len(self.handset.inbox)
        self.handset.write(words)
        one_round(self.runtime)
        new = self.handset.inbox[before:]
        assert len(new) == 1, new
        return new[0]


@pytest.fixture
def kadia(product: str, carrier: LoopbackCarrier, runtime: Runtime) -> Mediator:
    return Mediator(Handset(product, carrier, KADIA, HOOK_SECRET), runtime, an_account(runtime))


def a_child(runtime: Runtime, clock: TestClock, born: str, zone: str = "Darsalam", code: str = "") -> str:
    """A child of this quartier of which no dose is known; gives its code. Born on a day like 2026-09-01."""
    with runtime.database.begin() as tx:
        zone_id = next(zone_id for zone_id, name in place_tables.zones(tx) if name == zone)
        told = Enrolment(
            name="Awa Diarra",
            born_on=date.fromisoformat(born),
            birth_precision="day",
            sex="F",
            zone_id=zone_id,
            last_visit="none",
            last_visit_on=None,
            consent=Words("test:0", "fr", "ussd"),
        )
        enrolled = families.enrol_child(tx, runtime, "+22370000001", told, clock.now())
        if code:
            tx.execute(child.update().where(child.c.person_id == enrolled.child_id).values(code=code))
    return families.show_code(code) if code else enrolled.code


def doses_on(runtime: Runtime) -> set[tuple[str, str]]:
    return {(row.antigen, f"{row.given_on:%d/%m}") for row in rows_of(runtime, dose)}


def kept(runtime: Runtime) -> list[object]:
    """Doses and plan; which step was told meanwhile is the planner's."""
    plan = sorted((row.id, row.doses, row.anchor_on, row.state) for row in rows_of(runtime, appointment))
    return [rows_of(runtime, dose), plan]


# --- written down -----------------------------------------------------------------------------------------


def test_doses_of_the_day_are_written_and_the_recall_is_closed(
    kadia: Mediator, handset: Handset, runtime: Runtime, clock: TestClock
) -> None:
    code = code_on(enrol_awa(handset))
    give(runtime, clock, code, "BCG")
    clock.set("2026-11-23T08:00")
    said = kadia.write(f"VU {code} PENTA1 OPV1 PCV1 ROTA1")
    assert said == f"{code}: noté PENTA1 OPV1 PCV1 ROTA1, le 23/11/26. Prochain rendez-vous: 21/12/26."
    assert [row.source for row in rows_of(runtime, dose)].count("mediator") == 4
    assert {row.recorded_by for row in rows_of(runtime, dose)} == {"test", f"mediator:{kadia.account.id}"}
    assert not [row for row in rows_of(runtime, appointment) if "PENTA1" in row.doses and row.state == "open"]
    assert state_of(runtime, kadia.account.id).last_used_at == clock.now()


def test_the_first_half_of_a_code_is_enough_and_names_are_read_kindly(
    kadia: Mediator, runtime: Runtime, clock: TestClock
) -> None:
    code = a_child(runtime, clock, "2026-09-20")
    said = kadia.write(f"vu{code[:4]} Penta 1, VPO1 et pneumo du 12/11 ")
    assert said.startswith(f"{code}: noté PENTA1 OPV1 PCV1, le 12/11/26. Encore à faire: BCG ROTA1.")
    assert doses_on(runtime) == {("PENTA", "12/11"), ("OPV", "12/11"), ("PCV", "12/11")}


def test_what_is_left_to_give_is_told(kadia: Mediator, runtime: Runtime, clock: TestClock) -> None:
    code = a_child(runtime, clock, "2026-09-20")
    assert kadia.write(f"VU {code} BCG").endswith("Encore à faire: PENTA1 OPV1 PCV1 ROTA1.")


def test_the_same_report_again_changes_nothing(kadia: Mediator, runtime: Runtime, clock: TestClock) -> None:
    code = a_child(runtime, clock, "2026-09-20")
    kadia.write(f"VU {code} BCG PENTA1 OPV1 PCV1 ROTA1")
    before = kept(runtime)
    said = kadia.write(f"VU {code} BCG PENTA1 OPV1 PCV1 ROTA1")
    assert said.startswith(f"{code}: Déjà au dossier, rien de changé: BCG PENTA1 OPV1 PCV1 ROTA1.")
    clock.advance(days=3)
    assert kadia.write(f"VU {code} PENTA1").startswith(f"{code}: Déjà au dossier, rien de changé: PENTA1.")
    assert kadia.write(f"VU {code} PENTA1 18/11").startswith(f"{code}: Déjà au dossier, rien de changé: PENTA1.")
    assert kept(runtime) == before


def test_a_report_that_is_half_new_writes_the_new_half(kadia: Mediator, runtime: Runtime, clock: TestClock) -> None:
    code = a_child(runtime, clock, "2026-09-20")
    kadia.write(f"VU {code} PENTA1 OPV1")
    said = kadia.write(f"VU {code} PENTA1 OPV1 PCV1")
    assert said.startswith(f"{code}: noté PCV1, le 20/11/26. Déjà au dossier, rien de changé: PENTA1 OPV1.")


def test_a_day_last_year_needs_no_year_in_january(kadia: Mediator, runtime: Runtime, clock: TestClock) -> None:
    code = a_child(runtime, clock, "2026-09-20")
    clock.set("2027-01-08T05:00")  # before anything else is told on that day
    assert f"{code}: noté PENTA1, le 28/12/26." in kadia.write(f"VU {code} PENTA1 28/12")


def test_yesterday_and_whole_dates_are_read(kadia: Mediator, runtime: Runtime, clock: TestClock) -> None:
    code = a_child(runtime, clock, "2026-09-20")
    assert ", le 19/11/26." in kadia.write(f"VU {code} PENTA1 hier")
    assert ", le 18/11/26." in kadia.write(f"VU {code} OPV1 18112026")
    assert ", le 17/11/26." in kadia.write(f"VU {code} PCV1 17-11-26")
    assert ", le 20/11/26." in kadia.write(f"VU {code} ROTA1 aujourd'hui")


# --- explained ----------------------------------------------------------------------------------------------


def test_too_young_is_explained_and_kept(kadia: Mediator, runtime: Runtime, clock: TestClock) -> None:
    code = a_child(runtime, clock, "2026-10-20")
    said = kadia.write(f"VU {code} PENTA1")
    assert "noté PENTA1, le 20/11/26. Ne compte pas, enfant trop jeune ce jour: PENTA1." in said
    assert doses_on(runtime) == {("PENTA", "20/11")}


def test_an_interval_too_short_is_explained(kadia: Mediator, runtime: Runtime, clock: TestClock) -> None:
    code = a_child(runtime, clock, "2026-08-20")
    kadia.write(f"VU {code} PENTA1 OPV1 05/11")
    said = kadia.write(f"VU {code} PENTA2 OPV2 18/11")
    assert "Ne compte pas, trop près de la dose d'avant: PENTA2 OPV2." in said
    assert doses_on(runtime) == {("PENTA", "05/11"), ("OPV", "05/11"), ("PENTA", "18/11"), ("OPV", "18/11")}


def test_two_live_vaccines_too_near_are_explained(kadia: Mediator, runtime: Runtime, clock: TestClock) -> None:
    code = a_child(runtime, clock, "2026-01-10")
    kadia.write(f"VU {code} RR1 05/11")
    assert "Ne compte pas, trop près d'une autre dose vivante: YF." in kadia.write(f"VU {code} fièvre jaune 18/11")


def test_a_second_dose_without_a_first_is_counted_as_the_first(
    kadia: Mediator, runtime: Runtime, clock: TestClock
) -> None:
    code = a_child(runtime, clock, "2026-08-20")
    said = kadia.write(f"VU {code} PENTA2")
    assert "noté PENTA1, le 20/11/26. Compté PENTA1: envoyez aussi les doses d'avant, avec leur date." in said
    assert f"{code}: noté PENTA1, le 15/10/26." in kadia.write(f"VU {code} PENTA1 15/10")
    assert kadia.write(f"VU {code} PENTA2").startswith(f"{code}: Déjà au dossier")


def test_a_dose_after_one_that_did_not_count_says_so(kadia: Mediator, runtime: Runtime, clock: TestClock) -> None:
    code = a_child(runtime, clock, "2026-09-20")
    kadia.write(f"VU {code} PENTA1 10/10")
    assert "Compté PENTA1: une dose d'avant ne comptait pas." in kadia.write(f"VU {code} PENTA2")


def test_polio_before_its_age_is_the_birth_dose(kadia: Mediator, runtime: Runtime, clock: TestClock) -> None:
    code = a_child(runtime, clock, "2026-11-12")
    assert "Ne compte pas, enfant trop jeune ce jour: OPV1." in kadia.write(f"VU {code} OPV1 15/11")
    other = a_child(runtime, clock, "2026-11-12")
    assert f"{other}: noté BCG OPV0, le 13/11/26." in kadia.write(f"VU {other} BCG OPV0 13/11")


# --- refused ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("PENTA1 01/09", "Le 01/09/26 est avant la naissance de {code}."),
        ("PENTA1 12/12/26", "Le 12/12/26 n'est pas encore venu."),
        ("PENTA1 21/11", "Le 21/11/26 n'est pas encore venu."),
        ("PENTA1 31/02", "Date pas comprise."),
        ("PENTA1 12/11 13/11", "Date pas comprise."),
        ("PENTA1 XYZ", "XYZ: dose inconnue. Connues: BCG OPV PENTA"),
        ("PENTA7", "PENTA7: dose inconnue."),
        ("R21", "R21: dose inconnue."),
        ("PENTA1 OPV0", "OPV0 est la dose de naissance: écrivez aussi sa date."),
        ("PENTA1 PENTA2", "PENTA2: la meme dose deux fois."),
        ("12/11", "Écrivez VU, le code, les doses."),
        ("", "Écrivez VU, le code, les doses."),
    ],
)
def test_bad_input_is_refused_with_its_reason_and_changes_nothing(
    kadia: Mediator, runtime: Runtime, clock: TestClock, words: str, reason: str
) -> None:
    code = a_child(runtime, clock, "2026-09-20")
    before = kept(runtime)
    said = kadia.write(f"VU {code} {words}")
    assert said.startswith("Rien n'est noté. ")
    assert reason.format(code=code) in said
    assert kept(runtime) == before


def test_a_code_that_nobody_has_and_a_child_elsewhere_get_the_same_words(
    kadia: Mediator, runtime: Runtime, clock: TestClock
) -> None:
    elsewhere = a_child(runtime, clock, "2026-09-20", "Badialan 1", code="48217730")
    stopped = a_child(runtime, clock, "2026-09-20", code="48217731")
    with runtime.database.begin() as tx:
        found = people_tables.find_child(tx, code="48217731")
        assert found is not None
        families.stop_child(tx, runtime, found.id, clock.now())
    before = kept(runtime)
    answers = {kadia.write(f"VU {code} PENTA1").replace(code, "CODE") for code in (elsewhere, stopped, "4821 7732")}
    assert answers == {"Rien n'est noté. Pas d'enfant suivi avec le code CODE dans vos quartiers. Regardez le carnet."}
    assert "avec le code 4821 dans vos quartiers" in kadia.write("VU 4821 PENTA1")
    assert kept(runtime) == before


def test_a_short_code_of_two_children_is_asked_whole(kadia: Mediator, runtime: Runtime, clock: TestClock) -> None:
    for code in ("48217730", "48219999"):
        a_child(runtime, clock, "2026-09-20", code=code)
    a_child(runtime, clock, "2026-09-20", "Badialan 1", code="77770000")
    a_child(runtime, clock, "2026-09-20", code="77771111")
    assert "Plusieurs enfants ont un code qui commence par 4821" in kadia.write("VU 4821 PENTA1")
    assert kadia.write("VU 48219999 PENTA1").startswith("4821 9999: noté PENTA1")
    assert kadia.write("VU 7777 PENTA1").startswith("7777 1111: noté PENTA1"), "the other one is not hers"


def test_a_code_of_the_wrong_length_is_asked_again(kadia: Mediator, runtime: Runtime) -> None:
    assert "Le code a huit chiffres, ou ses quatre premiers." in kadia.write("VU 48217 PENTA1")
    assert "Le code a huit chiffres" in kadia.write("VU PENTA1")


# --- whose phone it is --------------------------------------------------------------------------------------


def test_from_any_other_phone_the_word_means_nothing(
    runtime: Runtime, clock: TestClock, product: str, carrier: LoopbackCarrier
) -> None:
    code = a_child(runtime, clock, "2026-09-20")
    before = kept(runtime)
    stranger = Mediator(Handset(product, carrier, "+22370000055", HOOK_SECRET), runtime, Account(0, ""))
    assert stranger.write(f"VU {code} PENTA1").startswith(HELP)
    assert kept(runtime) == before


def test_a_locked_and_a_closed_account_are_as_any_other_phone(
    kadia: Mediator, runtime: Runtime, clock: TestClock
) -> None:
    code = a_child(runtime, clock, "2026-09-20")
    for _ in range(5):
        tries_pin(runtime, wrong_pin(kadia.account.pin))
    before = kept(runtime)
    assert kadia.write(f"VU {code} PENTA1").startswith(HELP)
    with runtime.database.begin() as tx:
        mediator_accounts.leave(tx, kadia.account.id, "Fatou", clock.now())
    assert kadia.write(f"VU {code} PENTA1").startswith(HELP)
    assert kept(runtime) == before


def test_in_the_middle_of_a_conversation_a_report_is_a_report(
    kadia: Mediator, runtime: Runtime, clock: TestClock
) -> None:
    code = a_child(runtime, clock, "2026-09-20")
    kadia.write("MENU")
    assert kadia.write(f"VU {code} PENTA1").startswith(f"{code}: noté PENTA1")
    assert not kadia.write("1").startswith(HELP), "the conversation goes on"


def test_after_stop_she_is_still_answered(kadia: Mediator, runtime: Runtime, clock: TestClock) -> None:
    code = a_child(runtime, clock, "2026-09-20")
    kadia.write("STOP")
    assert kadia.write(f"VU {code} PENTA1").startswith(f"{code}: noté PENTA1")


def test_what_merely_begins_with_seen_is_no_report(kadia: Mediator) -> None:
    assert kadia.write("Vu que tout est ferme").startswith(HELP)


def test_the_same_sms_delivered_twice_is_written_once(kadia: Mediator, runtime: Runtime, clock: TestClock) -> None:
    code = a_child(runtime, clock, "2026-09-20")
    fields = {"date": "2026-11-20 08:15:00", "from": KADIA, "id": "one-id", "linkId": "", "to": "99000"}
    for _ in range(3):
        kadia.handset.post("sms-in", fields | {"text": f"VU {code} PENTA1", "networkCode": "61001"})
    one_round(runtime)
    assert len(kadia.handset.inbox) == 1
    assert doses_on(runtime) == {("PENTA", "20/11")}


def test_two_reports_at_once_of_the_same_dose_are_one(kadia: Mediator, runtime: Runtime, clock: TestClock) -> None:
    """The mediator and somebody who helps her write the same dose, with another day, at the same moment."""
    code = a_child(runtime, clock, "2026-09-20")
    start = threading.Barrier(2)

    def report(on: date) -> None:
        with runtime.database.begin() as tx:
            one = mediator_accounts.active_on(tx, KADIA)
            assert one is not None
            found = mediator_doses.find_child(tx, one, code.replace(" ", ""))
            if runtime.database.engine.dialect.name != "sqlite":  # it has one writer: the other one waits already
                start.wait(10)
            mediator_doses.record(tx, runtime, one, found, [DoseWord("PENTA", 1)], on, clock.now())

    threads = [threading.Thread(target=report, args=(date(2026, 11, day),)) for day in (12, 14)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(rows_of(runtime, dose)) == 1


def test_the_longest_answers_are_plain_and_travel_in_three_sms(
    kadia: Mediator, runtime: Runtime, clock: TestClock
) -> None:
    code = a_child(runtime, clock, "2026-01-10")
    kadia.write(f"VU {code} PENTA1 OPV1 PCV1 ROTA1 IPV1 05/11")
    said = kadia.write(f"VU {code} BCG PENTA2 OPV2 PCV2 ROTA2 RR1 YF MENA IPV1 18/11")
    assert "Ne compte pas, trop près de la dose d'avant: PENTA2 OPV2 PCV2 ROTA2." in said
    assert "Awa" not in said
    assert is_gsm7(said)
    assert measure(said).parts <= 3
    with runtime.database.read() as tx:
        assert "reports_refused" not in system_tables.counters(tx)


def test_who_guesses_codes_in_her_name_is_stopped_for_the_day_and_a_person_hears(
    kadia: Mediator, runtime: Runtime, clock: TestClock
) -> None:
    right = a_child(runtime, clock, "2026-09-01", code="48217730")
    for guess in range(5):
        assert "Pas d'enfant suivi" in kadia.write(f"VU 9000000{guess} BCG")
    before = kept(runtime)
    assert "Trop de codes inconnus" in kadia.write(f"VU {right} BCG"), "the right one too: nobody learns which it is"
    assert kept(runtime) == before
    assert [row.kind for row in rows_of(runtime, task)] == ["code_tries"]
    clock.advance(days=1)
    assert "noté" in kadia.write(f"VU {right} BCG")
    assert doses_on(runtime)
