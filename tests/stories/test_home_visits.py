"""A mediator at the door: what she finds has its consequence at once, and a person can put it right."""

from __future__ import annotations

import threading
from datetime import date, timedelta

import pytest
from sqlalchemy import func, select

from scheduler.timetable import one_round
from service.config import Config
from service.domain.visit_rules import Status
from service.runtime import Runtime
from service.store import mediator_tables, people_tables, phone_tables, place_tables, task_tables
from service.store.care_tables import appointment
from service.store.message_tables import message
from service.store.people_tables import Child, child, household
from service.store.visit_tables import visit
from service.stories import (
    centre_calendar,
    erasure,
    families,
    home_visits,
    late_list,
    mediator_accounts,
    recalls,
    retention,
)
from service.stories.consents import Words
from service.stories.families import Enrolment
from service.stories.home_visits import Found
from service.stories.mediator_doses import Refused
from tests.conftest import HOOK_SECRET
from tests.cover import command, dial, rows_of
from tests.loopback import LoopbackCarrier
from tests.mediators import KADIA, Account, an_account, state_of, tries_pin, wrong_pin
from tests.people import Days, Handset, TestClock

MOTHER = "+22370000001"
FATOU = "+22366000008"
LATE_BORN = "2026-09-20"
"""Eight weeks old on the day of the tests: a first visit is due, and its reminders have begun."""


@pytest.fixture
def account(runtime: Runtime) -> Account:
    return an_account(runtime)


@pytest.fixture
def phone(product: str, carrier: LoopbackCarrier, account: Account) -> Handset:
    return Handset(product, carrier, KADIA, HOOK_SECRET)


@pytest.fixture
def days(runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier) -> Days:
    return Days(runtime, clock, carrier)


def enrol(runtime: Runtime, clock: TestClock, born: str = LATE_BORN, zone: str = "Darsalam", at: str = MOTHER) -> Child:
    with runtime.database.begin() as tx:
        told = Enrolment(
            "Awa Diarra", date.fromisoformat(born), "day", "F", _zone(runtime, zone), "none", None, CONSENT
        )
        found = people_tables.find_child(tx, id=families.enrol_child(tx, runtime, at, told, clock.now()).child_id)
    assert found is not None
    return found


CONSENT = Words("test:0", "fr", "ussd")


def _zone(runtime: Runtime, name: str) -> int:
    with runtime.database.read() as tx:
        return next(zone_id for zone_id, known in place_tables.zones(tx) if known == name)


def visited(
    runtime: Runtime, one: Child, status: Status, zone: str = "", by: str = KADIA, day: date | None = None
) -> None:
    with runtime.database.begin() as tx:
        who = mediator_accounts.active_on(tx, by)
        assert who is not None
        found = Found(status, day or runtime.today(runtime.now()), _zone(runtime, zone) if zone else None)
        home_visits.record(tx, runtime, who, one, found, runtime.now())


def now_of(runtime: Runtime, one: Child) -> Child:
    with runtime.database.read() as tx:
        found = people_tables.find_child(tx, id=one.id)
    assert found is not None
    return found


def listed(runtime: Runtime, zone: str = "Darsalam") -> list[str]:
    with runtime.database.read() as tx:
        found = late_list.late_children(tx, runtime, [_zone(runtime, zone)], runtime.today(runtime.now()))
    return [one.code for one in found]


def waiting(runtime: Runtime) -> int:
    with runtime.database.read() as tx:
        return int(tx.execute(select(func.count()).where(message.c.state == "queued")).scalar_one())


def lines(runtime: Runtime, state: str = "open") -> list[tuple[str, str | None]]:
    with runtime.database.read() as tx:
        return [(task.kind, task.number) for task in task_tables.tasks(tx, state=state)]


def statuses(runtime: Runtime) -> list[str]:
    return sorted(row.status for row in rows_of(runtime, visit))


def open_of(runtime: Runtime, one: Child) -> list[str]:
    rows = rows_of(runtime, appointment)
    return sorted(row.doses for row in rows if row.child_id == one.id and row.state == "open")


def told_by(days: Days, last: str) -> list[str]:
    """Live through this day; gives what the mother was sent. (On Mondays the mediators get their list.)"""
    before = len(days.carrier.accepted)
    days.until(last)
    return [sms.text for sms in days.carrier.accepted[before:] if sms.to == MOTHER]


# --- a death ----------------------------------------------------------------------------------------------------


def test_a_death_stops_everything_for_that_child_and_nothing_for_its_sister(
    runtime: Runtime, clock: TestClock, account: Account, days: Days
) -> None:
    gone, sister = enrol(runtime, clock), enrol(runtime, clock, born="2026-09-21")
    clock.set("2026-11-20T06:00")
    recalls.queue_recalls(runtime)
    assert waiting(runtime) == 1, "one message tells of both"
    visited(runtime, gone, "dead")
    assert waiting(runtime) == 0
    assert open_of(runtime, gone) == []
    assert open_of(runtime, sister) != []
    assert (now_of(runtime, gone).status, now_of(runtime, sister).status) == ("stopped", "followed")
    assert lines(runtime) == []
    assert told_by(days, "2027-01-10"), "the sister is told of on"
    assert listed(runtime) == [sister.code]


def test_after_the_death_of_an_only_child_the_family_hears_nothing(
    runtime: Runtime, clock: TestClock, account: Account, days: Days
) -> None:
    gone = enrol(runtime, clock)
    days.until("2026-11-21")
    visited(runtime, gone, "dead")
    assert told_by(days, "2027-02-20") == []
    assert listed(runtime) == []
    assert [kind for kind, _ in lines(runtime)] == []


def test_a_death_takes_what_asks_somebody_to_go_there_off_the_list(
    runtime: Runtime, clock: TestClock, account: Account
) -> None:
    one = enrol(runtime, clock)
    visited(runtime, one, "refused")
    assert lines(runtime) == [("visit_refused", None)]
    visited(runtime, one, "dead")
    assert lines(runtime) == []


def test_a_death_by_mistake_is_put_right_by_the_supervisor(
    runtime: Runtime, clock: TestClock, account: Account, days: Days
) -> None:
    one = enrol(runtime, clock)
    before = open_of(runtime, one)
    visited(runtime, one, "dead")
    with runtime.database.begin() as tx:
        assert home_visits.resume(tx, runtime, families.show_code(one.code), "Fatou", clock.now()) == "noté décédé"
    assert now_of(runtime, one).status == "followed"
    assert open_of(runtime, one) == before
    assert lines(runtime, "done") == [("resumed", None)]
    assert told_by(days, "2026-11-25"), "its reminders go on"


def test_the_supervisors_command_says_what_stood_there(
    runtime: Runtime, clock: TestClock, account: Account, settings: Config
) -> None:
    one = enrol(runtime, clock)
    visited(runtime, one, "refused")
    said = command(settings, "child", "resume", families.show_code(one.code), "--by", "Fatou")
    assert said.output == "It is followed again (before: refus).\n"
    assert now_of(runtime, one).quiet_why is None
    assert sorted(lines(runtime, "done")) == [("resumed", None), ("visit_refused", None)]
    again = command(settings, "child", "resume", one.code, "--by", "Fatou")
    assert again.exit_code == 1
    assert "nothing to resume" in again.output
    assert "no child has this code" in command(settings, "child", "resume", "00000000", "--by", "Fatou").output


def test_a_child_that_died_is_deleted_after_thirty_days_and_the_visit_counts_on(
    runtime: Runtime, clock: TestClock, account: Account
) -> None:
    one = enrol(runtime, clock)
    visited(runtime, one, "dead")
    clock.advance(days=31)
    assert retention.purge(runtime)["left_children"] == 1
    [row] = rows_of(runtime, visit)
    assert (row.child_id, row.status, row.mediator_id) == (None, "dead", account.id)
    clock.advance(days=701)
    assert retention.purge(runtime)["visits"] == 1
    assert rows_of(runtime, visit) == []


def test_whoever_is_forgotten_leaves_a_visit_that_is_nobodys(
    runtime: Runtime, clock: TestClock, account: Account
) -> None:
    one = enrol(runtime, clock)
    visited(runtime, one, "seen")
    erasure.forget_on_request(runtime, MOTHER, "Fatou", "asked at the centre", clock.now())
    assert rows_of(runtime, child) == []
    assert [row.child_id for row in rows_of(runtime, visit)] == [None]


# --- the others -------------------------------------------------------------------------------------------------


def test_a_child_that_moved_is_the_other_mediators(
    runtime: Runtime, clock: TestClock, account: Account, days: Days
) -> None:
    an_account(runtime, FATOU, ("Badialan 1",))
    one, stays = enrol(runtime, clock), enrol(runtime, clock, born="2026-09-21")
    visited(runtime, one, "moved", "Badialan 1")
    moved = now_of(runtime, one)
    assert (moved.zone_id, moved.status) == (_zone(runtime, "Badialan 1"), "followed")
    with runtime.database.read() as tx:
        [task] = task_tables.tasks(tx)
        assert (task.kind, task.zone, task.number) == ("moved", "Badialan 1", MOTHER)
        place = place_tables.place_of_zone(tx, moved.zone_id or 0)
        assert place is not None
        assert moved.centre_id == place.centre_id
    assert now_of(runtime, stays).zone_id == _zone(runtime, "Darsalam")
    assert not _is_served(runtime, account, moved)
    days.until("2027-01-10")
    assert moved.code not in listed(runtime)
    assert moved.code in listed(runtime, "Badialan 1")
    [row] = rows_of(runtime, visit)
    assert (row.zone_id, row.moved_to) == (_zone(runtime, "Darsalam"), _zone(runtime, "Badialan 1"))


def _is_served(runtime: Runtime, account: Account, one: Child) -> bool:
    with runtime.database.read() as tx:
        return mediator_tables.child_of_id(tx, account.id, one.id) is not None


def test_a_child_that_moved_to_a_place_we_do_not_know_is_the_supervisors(
    runtime: Runtime, clock: TestClock, account: Account, days: Days
) -> None:
    one = enrol(runtime, clock)
    visited(runtime, one, "moved")
    assert now_of(runtime, one).status == "stopped"
    assert lines(runtime) == [("moved_away", None)]
    assert told_by(days, "2027-01-10") == []
    assert listed(runtime) == []


def test_a_family_that_refuses_is_left_in_peace_until_it_asks_again(
    handset: Handset, runtime: Runtime, clock: TestClock, account: Account, days: Days
) -> None:
    one = enrol(runtime, clock)
    visited(runtime, one, "refused")
    assert lines(runtime) == [("visit_refused", None)]
    assert open_of(runtime, one), "it is followed on: what is given at the centre is written down"
    assert told_by(days, "2026-12-20") == []
    assert listed(runtime) == []
    visited(runtime, one, "hospital")
    assert now_of(runtime, one).quiet_why == "refused", "no hospital gives back what a family refused"
    handset.write("START")
    assert now_of(runtime, one).quiet_why is None
    one_round(runtime)
    assert told_by(days, "2027-01-20"), "what is still useful is told"


def test_a_refusal_for_one_child_leaves_the_others_their_reminders(
    runtime: Runtime, clock: TestClock, account: Account, days: Days
) -> None:
    one, sister = enrol(runtime, clock), enrol(runtime, clock, born="2026-09-21")
    visited(runtime, one, "refused")
    assert told_by(days, "2027-01-10")
    assert listed(runtime) == [sister.code]
    with runtime.database.read() as tx:
        told = {
            row.child_id
            for row in tx.execute(select(appointment.c.child_id).where(appointment.c.last_step.is_not(None)))
        }
    assert told == {sister.id}


def test_reminders_pause_while_a_child_is_in_hospital(
    runtime: Runtime, clock: TestClock, account: Account, days: Days
) -> None:
    one = enrol(runtime, clock)
    visited(runtime, one, "hospital")
    until = runtime.today(clock.now()) + timedelta(14)
    assert now_of(runtime, one).quiet_until == until
    assert told_by(days, "2026-12-03") == []
    assert listed(runtime) == []
    assert told_by(days, "2027-01-20") or listed(runtime) == [one.code], "then what is still useful goes on"
    visited(runtime, one, "hospital")
    visited(runtime, one, "seen")
    assert now_of(runtime, one).quiet_why is None, "who was seen at home is in hospital no longer"


def test_a_wrong_number_gets_nothing_more_and_the_child_stays_on_the_list(
    handset: Handset, runtime: Runtime, clock: TestClock, account: Account, days: Days
) -> None:
    one = enrol(runtime, clock)
    visited(runtime, one, "wrong_number")
    assert lines(runtime) == [("wrong_number", None)]
    assert [row.preferred_phone_id for row in rows_of(runtime, household)] == [None]
    with runtime.database.read() as tx:
        found = phone_tables.find_phone(tx, MOTHER)
        assert found is None or people_tables.children_on_phone(tx, found.id) == []
    assert told_by(days, "2027-01-10") == []
    assert listed(runtime) == [one.code]


def test_a_child_that_was_seen_is_not_listed_for_a_week(
    runtime: Runtime, clock: TestClock, account: Account, days: Days
) -> None:
    one = enrol(runtime, clock)
    days.until("2027-01-10")
    assert listed(runtime) == [one.code]
    visited(runtime, one, "seen")
    assert listed(runtime) == []
    clock.advance(days=6)
    assert listed(runtime) == []
    clock.advance(days=1)
    assert listed(runtime) == [one.code]


def test_no_pardon_is_asked_about_a_child_of_whom_nothing_is_said(
    runtime: Runtime, clock: TestClock, account: Account, days: Days
) -> None:
    """The centre cancels the day that was told before the family refused."""
    one = enrol(runtime, clock)
    days.until("2026-11-20")
    visited(runtime, one, "refused")
    told = [row for row in rows_of(runtime, appointment) if row.child_id == one.id and row.last_step]
    for row in told:
        day = row.meets_on or row.anchor_on
        if day >= runtime.today(clock.now()):
            said = centre_calendar.Said("Fatou", "grève")
            centre_calendar.cancel_day(runtime, "ASACODAR", day, said)
    assert told_by(days, "2026-12-10") == []


def test_the_same_visit_twice_is_one_and_another_day_is_another(
    runtime: Runtime, clock: TestClock, account: Account
) -> None:
    one = enrol(runtime, clock)
    for _ in range(2):
        visited(runtime, one, "seen")
    assert statuses(runtime) == ["seen"]
    visited(runtime, one, "seen", day=runtime.today(clock.now()) - timedelta(1))
    visited(runtime, one, "refused")
    assert statuses(runtime) == ["refused", "seen", "seen"]


@pytest.mark.parametrize(
    ("status", "shift", "phrase"),
    [("seen", 1, "future"), ("seen", -400, "before_birth"), ("moved", 0, "visit_same_zone")],
)
def test_what_cannot_be_is_refused_and_changes_nothing(
    runtime: Runtime, clock: TestClock, account: Account, status: Status, shift: int, phrase: str
) -> None:
    one = enrol(runtime, clock)
    day = runtime.today(clock.now()) + timedelta(shift)
    with pytest.raises(Refused) as refused:
        visited(runtime, one, status, "Darsalam" if status == "moved" else "", day=day)
    assert refused.value.phrase == phrase
    assert rows_of(runtime, visit) == []
    assert now_of(runtime, one) == one


def test_of_two_mediators_at_once_the_second_looks_anew(runtime: Runtime, clock: TestClock, account: Account) -> None:
    """One says that the child died, the other that it moved: whoever comes second finds no child to visit."""
    an_account(runtime, FATOU)
    one = enrol(runtime, clock)
    refused: list[str] = []

    def says(status: Status, by: str, zone: str) -> None:
        try:
            visited(runtime, one, status, zone, by)
        except Refused as reason:
            refused.append(reason.phrase)

    both = [("dead", KADIA, ""), ("moved", FATOU, "")]
    threads = [threading.Thread(target=says, args=each) for each in both]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert refused == ["no_child"]
    assert len(rows_of(runtime, visit)) == 1
    assert now_of(runtime, one).status == "stopped"


def test_two_mediators_who_saw_the_same_child_are_both_written_down(
    runtime: Runtime, clock: TestClock, account: Account
) -> None:
    an_account(runtime, FATOU)
    one = enrol(runtime, clock)
    threads = [threading.Thread(target=visited, args=(runtime, one, "seen", "", by)) for by in (KADIA, FATOU)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses(runtime) == ["seen", "seen"]


# --- by call ----------------------------------------------------------------------------------------------------


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
