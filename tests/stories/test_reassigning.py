"""Quartiers change hands: both mediators hear of it, and the list follows at once."""

from __future__ import annotations

import threading

import pytest

from flows.sms_text import fold, measure
from scheduler.timetable import one_round
from service.runtime import Runtime
from service.store import mediator_tables, place_tables
from service.store.decision_tables import decision
from service.store.message_tables import message
from service.stories.recall import weekly_list
from service.stories.staff import mediator_accounts, reassigning
from service.stories.staff.mediator_accounts import Refused
from service.stories.staff.reassigning import Change, Reassigned
from tests.cover import rows_of
from tests.loopback import LoopbackCarrier
from tests.mediators import KADIA, Account, an_account
from tests.people import TestClock
from tests.stories.test_recalls import enrol
from tests.stories.test_weekly_list import MONDAY, OUMOU, heard, until


def moved(runtime: Runtime, giver: Account, taker: Account, *zones: str, by: str = "Fatou") -> Reassigned:
    with runtime.database.begin() as tx:
        change = Change(zones or ("Darsalam",), giver.id, taker.id, by)
        return reassigning.reassign(tx, runtime, change, runtime.now())


def served(runtime: Runtime, account: Account) -> list[str]:
    with runtime.database.read() as tx:
        return [name for _, name in mediator_tables.zones_of(tx, account.id)]


def test_both_are_told_and_monday_s_list_goes_to_the_new_one(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier
) -> None:
    one = enrol(runtime, clock)
    kadia, oumou = an_account(runtime), an_account(runtime, OUMOU, zones=("Koulouba",))
    until(runtime, clock, "2026-12-12T10:00")
    assert moved(runtime, kadia, oumou) == Reassigned(("Darsalam",), 1, 1)
    one_round(runtime)
    assert heard(carrier) == ["Laseli : une autre médiatrice suit maintenant Darsalam. Merci de votre travail."]
    assert heard(carrier, OUMOU) == ["Laseli : vous suivez maintenant aussi Darsalam. Menu : *384*223#, 6."]
    clock.set(f"{MONDAY}T08:00")
    weekly_list.queue_weekly_lists(runtime)
    one_round(runtime)
    assert len(heard(carrier)) == 1
    assert one.code in heard(carrier, OUMOU)[-1]


def test_at_night_they_are_told_in_the_morning(runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier) -> None:
    kadia, oumou = an_account(runtime), an_account(runtime, OUMOU, zones=("Koulouba",))
    clock.set("2026-11-20T22:00")
    moved(runtime, kadia, oumou)
    one_round(runtime)
    assert heard(carrier) == heard(carrier, OUMOU) == []
    clock.set("2026-11-21T08:00")
    one_round(runtime)
    assert len(heard(carrier)) == len(heard(carrier, OUMOU)) == 1


def test_what_cannot_be_changes_nothing_and_tells_nobody(runtime: Runtime, clock: TestClock) -> None:
    kadia = an_account(runtime, zones=("Darsalam", "Koulouba"))
    oumou = an_account(runtime, OUMOU, zones=("Dravela",))
    left = an_account(runtime, "+22366000009", zones=("Same",))
    with runtime.database.begin() as tx:
        mediator_accounts.leave(tx, left.id, "Fatou", clock.now())
    cases = [
        ((kadia, kadia, "Darsalam"), "the same account"),
        ((kadia, left, "Darsalam"), "there is no account"),
        ((kadia, oumou, "Darsalam", "Dravela"), "does not serve Dravela"),
        ((kadia, oumou, "Nulle-Part"), "is no quartier"),
        ((kadia, oumou, " "), "at least one quartier"),
    ]
    for (giver, taker, *zones), words in cases:
        with pytest.raises(Refused, match=words):
            moved(runtime, giver, taker, *zones)
    with pytest.raises(Refused, match="--by"):
        moved(runtime, kadia, oumou, by=" ")
    assert served(runtime, kadia) == ["Darsalam", "Koulouba"]
    assert served(runtime, oumou) == ["Dravela"]
    assert rows_of(runtime, message) == rows_of(runtime, decision) == []


def test_a_quartier_that_both_serve_is_then_the_others_alone(runtime: Runtime) -> None:
    kadia, oumou = an_account(runtime), an_account(runtime, OUMOU)
    moved(runtime, kadia, oumou)
    assert served(runtime, kadia) == []
    assert served(runtime, oumou) == ["Darsalam"]


def test_two_supervisors_at_once_move_it_once(runtime: Runtime) -> None:
    kadia, oumou = an_account(runtime), an_account(runtime, OUMOU, zones=("Koulouba",))
    both, refusals = threading.Barrier(2), list[str]()

    def move() -> None:
        both.wait()
        try:
            moved(runtime, kadia, oumou)
        except Refused as reason:
            refusals.append(str(reason))

    threads = [threading.Thread(target=move) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refusals) == 1
    assert served(runtime, oumou) == ["Darsalam", "Koulouba"]
    assert len(rows_of(runtime, message)) == 2


def test_many_quartiers_fit_two_sms(runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier) -> None:
    with runtime.database.read() as tx:
        names = [name for _, name in place_tables.zones(tx)]
    kadia, oumou = an_account(runtime, zones=names), an_account(runtime, OUMOU, zones=("Koulouba",))
    moved(runtime, kadia, oumou, *names)
    one_round(runtime)
    [said] = heard(carrier)
    assert measure(fold(said)).parts <= 2
    assert "(+" in said
    assert KADIA not in said
