"""`ANNULE ...` from a mediator's phone: what her own account wrote a short while ago, and nothing else."""

from __future__ import annotations

import pytest

from flows.sms_text import is_gsm7
from service.runtime import Runtime
from service.store.care_tables import appointment, dose
from service.store.task_tables import task
from service.stories.staff import mediator_accounts
from tests.conftest import HOOK_SECRET
from tests.cover import rows_of
from tests.loopback import LoopbackCarrier
from tests.mediators import KADIA, Account, an_account, tries_pin, wrong_pin
from tests.people import Days, Handset, TestClock
from tests.stories.test_enrolment import code_on, enrol_awa, give
from tests.stories.test_mediator_sms import HELP, Mediator, a_child, kept


@pytest.fixture
def kadia(product: str, carrier: LoopbackCarrier, runtime: Runtime) -> Mediator:
    return Mediator(Handset(product, carrier, KADIA, HOOK_SECRET), runtime, an_account(runtime))


def standing(runtime: Runtime) -> set[tuple[str, str]]:
    return {(row.antigen, f"{row.given_on:%d/%m}") for row in rows_of(runtime, dose) if row.voided_at is None}


def test_a_dose_of_the_wrong_child_is_taken_back(kadia: Mediator, runtime: Runtime, clock: TestClock) -> None:
    code = a_child(runtime, clock, "2026-09-20")
    kadia.write(f"VU {code} PENTA1 OPV1 12/11")
    said = kadia.write(f"ANNULE {code} PENTA1")
    assert said == f"{code}: annulé PENTA1 (12/11/26). Encore à faire: BCG PENTA1 PCV1 ROTA1."
    assert standing(runtime) == {("OPV", "12/11")}
    (row,) = [row for row in rows_of(runtime, dose) if row.voided_at]
    assert (row.voided_by, row.voided_why, row.voided_note) == (f"mediator:{kadia.account.id}", "taken-back", None)
    assert row.voided_at == clock.now()


def test_several_and_the_day_in_one_sms(kadia: Mediator, runtime: Runtime, clock: TestClock) -> None:
    code = a_child(runtime, clock, "2026-09-20")
    kadia.write(f"VU {code} PENTA1 OPV1 12/11")
    said = kadia.write(f"annuler {code[:4]} penta, vpo1 12/11")
    assert said.startswith(f"{code}: annulé PENTA1 (12/11/26) OPV1 (12/11/26). ")
    assert not standing(runtime)


def test_what_was_annulled_can_be_written_anew(kadia: Mediator, runtime: Runtime, clock: TestClock) -> None:
    code = a_child(runtime, clock, "2026-09-20")
    kadia.write(f"VU {code} PENTA1 12/11")
    kadia.write(f"ANNULE {code} PENTA1")
    assert ": noté PENTA1, le 13/11/26." in kadia.write(f"VU {code} PENTA1 13/11")
    assert ": noté PENTA2" not in kadia.write(f"VU {code} PENTA1 12/11")
    assert standing(runtime) == {("PENTA", "13/11")}


def test_the_recalls_come_back(
    kadia: Mediator, handset: Handset, runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier
) -> None:
    """Somebody forged her number; she gets an answer that she did not ask for, and takes the doses back."""
    code = code_on(enrol_awa(handset))
    give(runtime, clock, code, "BCG")
    clock.set("2026-11-23T08:00")
    kadia.write(f"VU {code} PENTA1 OPV1 PCV1 ROTA1")
    said = kadia.write(f"ANNULE {code} PENTA1 OPV1 PCV1 ROTA1 23/11")
    assert "Encore à faire: PENTA1 OPV1 PCV1 ROTA1." in said
    assert [row for row in rows_of(runtime, appointment) if "PENTA1" in row.doses and row.state == "open"]
    before = len(handset.inbox)
    Days(runtime, clock, carrier).until("2026-11-25")
    assert len(handset.inbox) == before + 2, "the day itself, and two days later"


def test_an_invalid_dose_is_taken_back_by_its_name(kadia: Mediator, runtime: Runtime, clock: TestClock) -> None:
    code = a_child(runtime, clock, "2026-10-20")
    assert "Ne compte pas" in kadia.write(f"VU {code} PENTA1")
    assert f"{code}: annulé PENTA (20/11/26)." in kadia.write(f"ANNULE {code} PENTA1")


def test_of_two_the_number_or_the_day_tells_which(kadia: Mediator, runtime: Runtime, clock: TestClock) -> None:
    code = a_child(runtime, clock, "2026-08-20")
    kadia.write(f"VU {code} PENTA1 15/10")
    kadia.write(f"VU {code} PENTA2 18/11")
    assert "PENTA: notée plusieurs fois. Ajoutez la date." in kadia.write(f"ANNULE {code} PENTA")
    assert len(standing(runtime)) == 2
    assert ": annulé PENTA2 (18/11/26)." in kadia.write(f"ANNULE {code} PENTA2")
    assert standing(runtime) == {("PENTA", "15/10")}


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("CODE MR1", "Rien n'est changé. MR1: pas notée par vous ces 7 derniers jours."),
        ("CODE PENTA2", "Rien n'est changé. PENTA2: pas notée par vous"),
        ("CODE PENTA1 13/11", "Rien n'est changé. PENTA1: pas notée par vous"),
        ("CODE OPV1", "Rien n'est changé. OPV1: pas notée par vous"),
        ("CODE PENTA1 OPV1", "Rien n'est changé. OPV1: pas notée par vous"),
        ("CODE", "Rien n'est changé. Écrivez ANNULE, le code, la dose, sa date."),
        ("CODE 12/11", "Rien n'est changé. Écrivez ANNULE"),
        ("CODE XYZ", "XYZ: dose inconnue."),
        ("CODE PENTA1 31/02", "Date pas comprise."),
        ("4821 PENTA1", "Pas d'enfant suivi avec le code 4821"),
        ("48217 PENTA1", "Le code a huit chiffres"),
    ],
)
def test_what_cannot_be_annulled_says_why_and_changes_nothing(
    kadia: Mediator, runtime: Runtime, clock: TestClock, words: str, reason: str
) -> None:
    code = a_child(runtime, clock, "2026-09-20", code="70000001")
    give(runtime, clock, code, "OPV")  # by the centre: not hers
    kadia.write(f"VU {code} PENTA1 12/11")
    before = kept(runtime)
    said = kadia.write(f"ANNULE {words.replace('CODE', code)}")
    assert reason in said
    assert is_gsm7(said)
    assert kept(runtime) == before


def test_what_another_account_wrote_is_not_hers(
    kadia: Mediator, runtime: Runtime, clock: TestClock, product: str, carrier: LoopbackCarrier
) -> None:
    code = a_child(runtime, clock, "2026-09-20")
    number = "+22366000008"
    other = Mediator(Handset(product, carrier, number, HOOK_SECRET), runtime, an_account(runtime, number))
    other.write(f"VU {code} PENTA1")
    before = kept(runtime)
    assert "pas notée par vous" in kadia.write(f"ANNULE {code} PENTA1")
    assert kept(runtime) == before
    assert ": annulé PENTA1" in other.write(f"ANNULE {code} PENTA1")


def test_after_the_settled_days_only_staff_takes_it_back(kadia: Mediator, runtime: Runtime, clock: TestClock) -> None:
    code = a_child(runtime, clock, "2026-09-20")
    kadia.write(f"VU {code} PENTA1 12/11")
    clock.advance(days=7)
    kadia.write(f"VU {code} OPV1")
    clock.advance(minutes=1)
    assert "PENTA1: pas notée par vous ces 7 derniers jours." in kadia.write(f"ANNULE {code} PENTA1")
    assert ": annulé OPV1" in kadia.write(f"ANNULE {code} OPV1")


def test_from_any_other_phone_and_a_locked_account_the_word_means_nothing(
    kadia: Mediator, runtime: Runtime, clock: TestClock, product: str, carrier: LoopbackCarrier
) -> None:
    code = a_child(runtime, clock, "2026-09-20")
    kadia.write(f"VU {code} PENTA1")
    before = kept(runtime)
    stranger = Mediator(Handset(product, carrier, "+22370000055", HOOK_SECRET), runtime, Account(0, ""))
    assert stranger.write(f"ANNULE {code} PENTA1").startswith(HELP)
    for _ in range(5):
        tries_pin(runtime, wrong_pin(kadia.account.pin))
    assert kadia.write(f"ANNULE {code} PENTA1").startswith(HELP)
    with runtime.database.begin() as tx:
        mediator_accounts.leave(tx, kadia.account.id, "Fatou", clock.now())
    assert kadia.write(f"ANNULE {code} PENTA1").startswith(HELP)
    assert kept(runtime) == before


def test_codes_that_are_guessed_are_counted_with_those_of_reports(
    kadia: Mediator, runtime: Runtime, clock: TestClock
) -> None:
    right = a_child(runtime, clock, "2026-09-01", code="48217730")
    kadia.write(f"VU {right} BCG")
    for guess in range(3):
        kadia.write(f"ANNULE 9000000{guess} BCG")
    for guess in range(2):
        kadia.write(f"VU 9100000{guess} BCG")
    before = kept(runtime)
    assert "Trop de codes inconnus" in kadia.write(f"ANNULE {right} BCG")
    assert "Trop de codes inconnus" in kadia.write(f"VU {right} PENTA1")
    assert kept(runtime) == before
    assert [row.kind for row in rows_of(runtime, task)] == ["code_tries"]


def test_twice_is_once(kadia: Mediator, runtime: Runtime, clock: TestClock) -> None:
    code = a_child(runtime, clock, "2026-09-20")
    kadia.write(f"VU {code} PENTA1")
    kadia.write(f"ANNULE {code} PENTA1")
    before = kept(runtime)
    assert "pas notée par vous" in kadia.write(f"ANNULE {code} PENTA1")
    assert kept(runtime) == before
