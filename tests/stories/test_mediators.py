"""Accounts of mediators: a PIN opens them, five wrong ones lock them, and only a person opens them again."""

from __future__ import annotations

import json
import threading

import pytest
from sqlalchemy import select

from service.domain import pins, slow_hash
from service.runtime import Runtime
from service.store import phone_tables, task_tables
from service.store.mediator_tables import mediator, mediator_zone
from service.store.people_tables import person
from service.store.phone_tables import phone
from service.stories.keeping import erasure, retention
from service.stories.staff import mediator_accounts
from service.stories.staff.mediator_accounts import Refused
from tests.cover import rows_of
from tests.mediators import KADIA, an_account, state_of, tries_pin, wrong_pin
from tests.people import TestClock


def lines(runtime: Runtime, state: str = "open") -> list[task_tables.Task]:
    with runtime.database.read() as tx:
        return [task for task in task_tables.tasks(tx, state=state) if task.kind == "mediator_locked"]


def test_the_right_pin_opens_and_is_noted(runtime: Runtime, clock: TestClock) -> None:
    account = an_account(runtime)
    assert tries_pin(runtime, account.pin)
    assert tries_pin(runtime, f" {account.pin[:2]} {account.pin[2:]}. "), "spaces and marks from T9 are forgiven"
    assert state_of(runtime, account.id).last_used_at == clock.now()


def test_five_wrong_pins_in_a_row_lock_and_the_supervisor_is_told(runtime: Runtime) -> None:
    account = an_account(runtime)
    wrong = wrong_pin(account.pin)
    for _ in range(4):
        assert not tries_pin(runtime, wrong)
    assert state_of(runtime, account.id).state == "active"
    assert not lines(runtime)
    assert not tries_pin(runtime, wrong)
    assert state_of(runtime, account.id).state == "locked"
    [line] = lines(runtime)
    assert (line.number, line.zone, line.person_id) == (KADIA, "Darsalam", None)
    assert json.loads(line.details or "")["Médiatrice"] == "Kadia Coulibaly"
    assert not tries_pin(runtime, account.pin), "a locked account opens to no PIN"
    assert not tries_pin(runtime, wrong)
    assert len(lines(runtime)) == 1


def test_a_right_pin_clears_the_count(runtime: Runtime) -> None:
    account = an_account(runtime)
    for _ in range(3):
        for _ in range(4):
            assert not tries_pin(runtime, wrong_pin(account.pin))
        assert tries_pin(runtime, account.pin)
    assert state_of(runtime, account.id).state == "active"


def test_only_a_person_opens_it_again_and_the_line_is_done(runtime: Runtime, clock: TestClock) -> None:
    account = an_account(runtime)
    for _ in range(5):
        tries_pin(runtime, wrong_pin(account.pin))
    clock.advance(days=30)
    assert not tries_pin(runtime, account.pin), "time opens nothing"
    with runtime.database.begin() as tx:
        pin = mediator_accounts.new_pin(tx, account.id)
    assert not tries_pin(runtime, pin), "nor does a new PIN"
    with runtime.database.begin() as tx:
        assert mediator_accounts.unlock(tx, account.id, "Fatou", clock.now())
        assert not mediator_accounts.unlock(tx, account.id, "Fatou", clock.now())
    assert not lines(runtime)
    assert len(lines(runtime, "done")) == 1
    assert not tries_pin(runtime, account.pin), "the former PIN opens nothing any more"
    assert tries_pin(runtime, pin)


def test_ten_tries_at_once_are_five(runtime: Runtime) -> None:
    """Whoever types on ten phones at the same moment has no more tries than on one."""
    account = an_account(runtime)
    wrong = wrong_pin(account.pin)
    threads = [threading.Thread(target=tries_pin, args=(runtime, wrong)) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = state_of(runtime, account.id)
    assert (found.state, found.tries) == ("locked", 5)
    assert len(lines(runtime)) == 1


def test_a_phone_without_an_account_takes_as_long(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is wrong, one hash of the same cost is made."""
    account = an_account(runtime)
    made: list[slow_hash.Price] = []
    form = slow_hash.stored_form

    def counted(pin: str, salt: bytes, price: slow_hash.Price) -> str:
        made.append(price)
        return form(pin, salt, price)

    monkeypatch.setattr(slow_hash, "stored_form", counted)
    for typed, number in (("4821", "+22370000099"), (wrong_pin(account.pin), KADIA), (account.pin, KADIA)):
        tries_pin(runtime, typed, number)
    assert len(made) == 3
    assert len(set(made)) == 1


def test_one_phone_is_one_account_until_she_leaves(runtime: Runtime, clock: TestClock) -> None:
    first = an_account(runtime)
    with pytest.raises(Refused, match="has an account already"):
        an_account(runtime)
    with runtime.database.begin() as tx:
        mediator_accounts.leave(tx, first.id, "Fatou", clock.now())
    assert not tries_pin(runtime, first.pin)
    second = an_account(runtime)
    assert tries_pin(runtime, second.pin)
    for again in (mediator_accounts.new_pin, lambda tx, id: mediator_accounts.serve(tx, id, ["Darsalam"])):
        with pytest.raises(Refused, match="there is no account"), runtime.database.begin() as tx:
            again(tx, first.id)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"number": "12"}, "no number of a mobile"),
        ({"zones": ()}, "at least one quartier"),
        ({"zones": ("Darsalam", "Nulle-Part")}, "'Nulle-Part' is no quartier"),
    ],
)
def test_what_cannot_be_changes_nothing(runtime: Runtime, change: dict[str, object], reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        an_account(runtime, **change)  # type: ignore[arg-type]
    assert rows_of(runtime, mediator) == []
    assert rows_of(runtime, person) == []


def test_neither_the_pin_nor_the_name_lies_open_in_the_file(runtime: Runtime) -> None:
    account = an_account(runtime)
    with runtime.database.read() as tx:
        raw = tx.exec_driver_sql("SELECT m.pin, p.name FROM mediator m JOIN person p ON p.id = m.person_id").one()
    for value in raw:
        assert b"scrypt" not in bytes(value)
        assert b"Kadia" not in bytes(value)
    assert state_of(runtime, account.id).pin.startswith("scrypt$16384$8$1$")


def test_two_with_the_same_pin_are_stored_differently() -> None:
    assert pins.stored_form("4821", b"a" * 16) != pins.stored_form("4821", b"b" * 16)
    assert not pins.is_pin_of("4821", pins.NOBODYS)


@pytest.mark.parametrize("easy", ["0000", "1234", "9876", "1212", "1987", "2004", "8901"])
def test_pins_that_are_tried_first_are_not_given(easy: str) -> None:
    assert pins.is_easy(easy)
    assert not pins.is_easy("4821")


# --- how long ---------------------------------------------------------------------------------------------


def test_an_account_in_use_is_kept_and_a_former_one_is_forgotten(runtime: Runtime, clock: TestClock) -> None:
    account = an_account(runtime)
    clock.advance(days=400)
    retention.purge(runtime)
    assert tries_pin(runtime, account.pin)
    with runtime.database.begin() as tx:
        mediator_accounts.leave(tx, account.id, "Fatou", clock.now())
    clock.advance(days=89)
    assert retention.purge(runtime)["former_mediators"] == 0
    clock.advance(days=2)
    assert retention.purge(runtime)["former_mediators"] == 1
    clock.advance(days=91)
    retention.purge(runtime)
    assert rows_of(runtime, mediator) == []
    assert rows_of(runtime, person) == []
    assert rows_of(runtime, phone) == []


def test_she_is_erased_on_request(runtime: Runtime, clock: TestClock) -> None:
    account = an_account(runtime)
    for _ in range(5):
        tries_pin(runtime, wrong_pin(account.pin))
    erasure.forget_on_request(runtime, KADIA, "Fatou", "asked at the centre", clock.now())
    for table in (mediator, mediator_zone, person, phone, task_tables.task):
        assert rows_of(runtime, table) == [], table.name


def test_her_own_children_are_not_the_accounts(runtime: Runtime) -> None:
    """At home she is a mother like others: the account makes no household and no caregiver."""
    an_account(runtime)
    with runtime.database.read() as tx:
        found = phone_tables.find_phone(tx, KADIA)
        assert found is not None
        assert tx.execute(select(person.c.household_id)).scalars().all() == [None]
