"""A mediator calls from her own phone: PIN, the child's code, the doses due today to tick, a summary."""

from __future__ import annotations

import pytest

from service.runtime import Runtime
from service.store.care_tables import dose
from service.stories.staff import mediator_accounts
from service.stories.talk.threads import SEALED_AS
from tests.conftest import HOOK_SECRET
from tests.cover import dial, rows_of
from tests.loopback import LoopbackCarrier
from tests.mediators import KADIA, Account, state_of, wrong_pin
from tests.people import Handset, TestClock
from tests.stories.test_mediator_sms import a_child, doses_on

LINE = "6 Médiatrice"
DUE = "1 Toutes\n2 BCG\n3 PENTA1\n4 OPV1\n5 PCV1\n6 ROTA1"


@pytest.fixture
def phone(product: str, carrier: LoopbackCarrier) -> Handset:
    return Handset(product, carrier, KADIA, HOOK_SECRET)


def typed(code: str) -> str:
    return code.replace(" ", "")


def opened(phone: Handset, account: Account, code: str) -> str:
    """What stands on the screen once the PIN and the code are typed."""
    dial(phone, "Médiatrice")
    phone.press(account.pin)
    phone.choose("Doses données")
    return phone.press(typed(code))


def test_every_dose_of_the_day_in_six_screens(
    phone: Handset, runtime: Runtime, clock: TestClock, account: Account
) -> None:
    code = a_child(runtime, clock, "2026-09-20")
    assert opened(phone, account, code).startswith(f"Enfant née 09/2026. Fait ce jour ?\n{DUE}")
    assert phone.choose("Toutes").startswith("Enfant née 09/2026: Toutes. Noter ?")
    said = phone.choose("Oui")
    assert said.startswith("Noté: BCG PENTA1 OPV1 PCV1 ROTA1. Prochain rendez-vous: 18/12/26.")
    assert doses_on(runtime) == {(name, "20/11") for name in ("BCG", "PENTA", "OPV", "PCV", "ROTA")}
    assert {(row.source, row.recorded_by) for row in rows_of(runtime, dose)} == {("mediator", f"mediator:{account.id}")}
    assert phone.choose("C'est fini").startswith("Merci")
    assert not phone.open
    assert phone.inbox == [], "nothing lies on the phone afterwards"


def test_one_dose_after_the_other_then_another_child(
    phone: Handset, runtime: Runtime, clock: TestClock, account: Account
) -> None:
    code, other = (a_child(runtime, clock, "2026-09-20") for _ in range(2))
    opened(phone, account, code)
    phone.choose("PENTA1")
    assert phone.choose("Oui").startswith("Noté: PENTA1. D'autres doses ?")
    assert phone.choose("Une autre dose").startswith("Enfant née 09/2026. Fait ce jour ?\n1 Toutes\n2 BCG\n3 OPV1")
    phone.choose("OPV1")
    assert phone.choose("Non").startswith("Enfant née 09/2026. Fait ce jour ?"), "a slip is taken back"
    phone.choose("BCG")
    phone.choose("Oui")
    phone.choose("Un autre enfant")
    assert phone.press(typed(other)).startswith(f"Enfant née 09/2026. Fait ce jour ?\n{DUE}")
    assert doses_on(runtime) == {("PENTA", "20/11"), ("BCG", "20/11")}


def test_a_child_with_nothing_due_is_told_so(
    phone: Handset, runtime: Runtime, clock: TestClock, account: Account
) -> None:
    code = a_child(runtime, clock, "2026-09-20")
    opened(phone, account, code)
    phone.choose("Toutes")
    phone.choose("Oui")
    phone.choose("Un autre enfant")
    assert phone.press(typed(code)).startswith("Enfant née 09/2026: rien à faire ce jour.")


def test_a_wrong_pin_opens_nothing_and_five_lock(phone: Handset, runtime: Runtime, account: Account) -> None:
    dial(phone, "Médiatrice")
    screens = set()
    for _ in range(5):
        screens.add(phone.press(wrong_pin(account.pin).lstrip("0")))
        phone.choose("Essayer encore")
    screens.add(phone.press(account.pin))
    [said] = screens
    assert said.startswith("Ce code n'ouvre rien."), "a locked account sounds as a wrong PIN"
    assert state_of(runtime, account.id).state == "locked"
    phone.dial()
    assert LINE not in phone.screen


def test_a_child_elsewhere_and_a_code_that_nobody_has_get_the_same_screen(
    phone: Handset, runtime: Runtime, clock: TestClock, account: Account
) -> None:
    a_child(runtime, clock, "2026-09-20", "Badialan 1", code="48217730")
    screens = {opened(phone, account, code) for code in ("48217730", "48217731", "4821")}
    assert len(screens) == 1
    assert screens.pop().startswith("Pas d'enfant suivi avec ce code dans vos quartiers.")


def test_an_account_closed_in_the_middle_of_a_call_writes_nothing_more(
    phone: Handset, runtime: Runtime, clock: TestClock, account: Account
) -> None:
    code = a_child(runtime, clock, "2026-09-20")
    opened(phone, account, code)
    phone.choose("Toutes")
    with runtime.database.begin() as tx:
        mediator_accounts.leave(tx, account.id, "Fatou", clock.now())
    assert phone.choose("Oui").startswith("Ce n'est pas possible maintenant.")
    assert rows_of(runtime, dose) == []


def test_the_line_stands_on_a_mediators_phone_only(handset: Handset, phone: Handset, account: Account) -> None:
    dial(handset)
    assert LINE not in handset.screen
    assert handset.screen.startswith("Laseli, santé des familles\n1 Mon enfant")
    dial(phone)
    assert LINE in phone.screen
    assert phone.choose("Mon enfant").startswith("Mon enfant\n1 Inscrire"), "at home she is a mother as others are"


def test_by_sms_it_is_not_offered(phone: Handset, runtime: Runtime, account: Account) -> None:
    """Anybody can write in her name."""
    from scheduler.timetable import one_round

    dial(phone)
    phone.write("MENU")
    one_round(runtime)
    assert "diatrice" not in phone.inbox[-1]


def test_a_code_dialled_with_its_path_stops_before_the_pin_is_tried(
    phone: Handset, runtime: Runtime, account: Account
) -> None:
    dial(phone)
    phone.session, phone.typed = "ATUid_path", f"6*{wrong_pin(account.pin)}"
    phone.send_step()
    assert phone.screen.startswith("Votre code secret ?")
    assert state_of(runtime, account.id).tries == 0


def test_whoever_redials_types_the_pin_again(
    phone: Handset, runtime: Runtime, clock: TestClock, account: Account
) -> None:
    code = a_child(runtime, clock, "2026-09-20")
    opened(phone, account, code)
    clock.advance(minutes=2)
    assert LINE in phone.dial()
    assert phone.choose("Médiatrice").startswith("Votre code secret ?")


def test_the_same_step_twice_writes_once(phone: Handset, runtime: Runtime, clock: TestClock, account: Account) -> None:
    code = a_child(runtime, clock, "2026-09-20")
    opened(phone, account, code)
    phone.choose("Toutes")
    said = phone.choose("Oui")
    assert phone.send_step() == said
    assert len(rows_of(runtime, dose)) == 5


def test_the_pin_lies_nowhere_in_the_open(phone: Handset, runtime: Runtime, account: Account) -> None:
    dial(phone, "Médiatrice")
    phone.press(account.pin)
    with runtime.database.read() as tx:
        raw = tx.exec_driver_sql("SELECT progress FROM conversation").scalars().all()
    assert raw
    assert all(account.pin in runtime.vault.open(SEALED_AS, bytes(one)) for one in raw)
    assert all(account.pin.encode() not in bytes(one) for one in raw)
