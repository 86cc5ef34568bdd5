"""Somebody asks what is known of her, and has it forgotten: afterwards no row of either database names her phone."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from scheduler.timetable import one_round
from service.clock import DAY_MS
from service.runtime import Runtime
from service.store import care_tables, people_tables, phone_tables, system_tables
from service.store.columns import metadata, new_id
from service.store.handover_tables import attempt, handover
from service.store.inbound_tables import inbound_body
from service.store.mutual_tables import membership
from service.store.people_tables import child, household, person
from service.store.phone_tables import opt_out, phone
from service.store.receipt_tables import unmatched_receipt
from service.store.screening_tables import screening
from service.store.task_tables import add_task, task
from service.stories.delivery import dispatcher, outbox
from service.stories.delivery.outbox import Letter
from service.stories.homes import memberships
from service.stories.homes.families import Enrolled
from service.stories.keeping import erasure
from service.stories.recall import recalls
from service.stories.talk.threads import SEALED_AS
from tests.conftest import HOOK_SECRET
from tests.cover import dial, everything, rows_of, turn_to
from tests.loopback import LoopbackCarrier
from tests.people import Handset, TestClock
from tests.stories.test_feedback import complain
from tests.stories.test_mutual import FATHER, join
from tests.stories.test_ramed import ask_for_a_visit
from tests.stories.test_recalls import enrol

MY_DATA = ("Langue, SMS, mes données", "Mes données")
NEIGHBOUR = "+22370000002"
SECRETS = ("70000001", "Awa", "Moussa", "Traoré", "jeudi")


@pytest.fixture
def neighbour(product: str, carrier: LoopbackCarrier) -> Handset:
    return Handset(product, carrier, NEIGHBOUR, HOOK_SECRET)


@pytest.fixture
def mother(handset: Handset, runtime: Runtime, clock: TestClock, product: str) -> Handset:
    """Everything that can be kept about one phone is kept about hers."""
    live_through(handset, runtime, clock)
    return handset


def live_through(handset: Handset, runtime: Runtime, clock: TestClock) -> Enrolled:
    """A child with doses and reminders, a mutual, a visit, an opinion, an SMS, a receipt, a hand-over, a measure."""
    dial(handset)
    followed = enrol(runtime, clock, number=handset.number)
    join(handset)
    ask_for_a_visit(handset)
    complain(handset)
    handset.write("Bonjour, c'est la mère d'Awa")
    one_round(runtime)
    recalls.queue_recalls(runtime)
    with runtime.database.begin() as tx:
        mine = phone_tables.find_phone(tx, handset.number)
        assert mine
        home = people_tables.find_child(tx, id=followed.child_id)
        assert home
        tx.execute(
            insert(attempt).values(number_idx=mine.number_idx, kind="child_code", day=date(2026, 11, 20), times=1)
        )
        seen = {
            "measured_on": date(2026, 11, 20),
            "muac_mm": 120,
            "band": "yellow",
            "oedema": False,
            "source": "mother",
        }
        tx.execute(insert(screening).values(id=new_id(), child_id=followed.child_id, recorded_at=clock.now(), **seen))
        passed = {"state": "accepted", "created_at": clock.now(), "expires_at": clock.now() + DAY_MS}
        ends = {"household_id": home.household_id, "old_phone_id": mine.id, "new_phone_id": mine.id}
        tx.execute(insert(handover).values(id=new_id(), **ends, **passed))
        late = {"channel": "africastalking", "carrier_id": "x", "state": "delivered", "detail": "", "at": clock.now()}
        tx.execute(insert(unmatched_receipt).values(id=new_id(), number_idx=mine.number_idx, **late))
        add_task(tx, clock.now(), key=f"muac:{followed.child_id}", kind="muac_referral", person_id=followed.child_id)
    return followed


def forget(handset: Handset) -> str:
    dial(handset, *MY_DATA, "Tout effacer")
    turn_to(handset, "Oui, tout effacer")
    return handset.choose("Oui, effacer")


def names_found(runtime: Runtime, handset: Handset, phone_id: int) -> list[str]:
    """Where the phone's id, its index, its number or a name of its family still stands, as 'table.column'."""
    number_idx = runtime.vault.index(handset.number)
    found = []
    for table in metadata.sorted_tables:
        for row in rows_of(runtime, table):
            for column, value in zip(table.columns, row, strict=True):
                if names(runtime, column.name, value, number_idx, phone_id):
                    found.append(f"{table.name}.{column.name}")
    return sorted(set(found))


def names(runtime: Runtime, column: str, value: Any, number_idx: bytes, phone_id: int) -> bool:
    if isinstance(value, bytes):
        words = runtime.vault.open(SEALED_AS, value) if column == "progress" else ""
        return value == number_idx or any(secret in words for secret in SECRETS)
    return value == phone_id or (isinstance(value, str) and any(secret in value for secret in SECRETS))


def phone_id_of(runtime: Runtime, number: str) -> int:
    with runtime.database.read() as tx:
        found = phone_tables.find_phone(tx, number)
    assert found
    return found.id


def test_she_is_told_counts_and_kinds_and_no_name(mother: Handset) -> None:
    screen = dial(mother, *MY_DATA)
    assert screen.startswith("Gardé : enfants 1, langue francais, rappels oui, infos non, demandes ")
    for secret in SECRETS:
        assert secret not in screen


def test_a_phone_that_nobody_knows_is_told_so(handset: Handset) -> None:
    assert dial(handset, *MY_DATA).startswith("Gardé : enfants 0,")
    assert "demandes 0" in handset.screen


def test_afterwards_no_row_names_her_phone(mother: Handset, runtime: Runtime) -> None:
    phone_id = phone_id_of(runtime, mother.number)
    before = names_found(runtime, mother, phone_id)
    for place in ("phone.number", "person.name", "message.number_idx", "membership.head_name", "inbound_body.body"):
        assert place in before
    assert forget(mother).startswith("C'est effacé")
    left = set(names_found(runtime, mother, phone_id))
    assert left == {"opt_out.number_idx"}
    for empty in (person, household, child, membership, task, inbound_body, phone):
        assert rows_of(runtime, empty) == [], empty.name


def test_the_refusal_stays_and_nothing_is_sent_any_more(mother: Handset, runtime: Runtime, clock: TestClock) -> None:
    with runtime.database.begin() as tx:
        later = clock.now() + DAY_MS
        outbox.put(tx, clock.now(), Letter(mother.number, "x", "x", "campaign", "once", clock.now(), later))
    before = len(mother.inbox)
    forget(mother)
    assert [(row.number_idx, row.purpose) for row in rows_of(runtime, opt_out)] == [
        (runtime.vault.index(mother.number), "all")
    ]
    for _ in range(20):
        clock.advance(days=1)
        one_round(runtime)
    assert len(mother.inbox) == before


def test_she_may_come_back_as_a_stranger_and_ask_for_messages(mother: Handset, runtime: Runtime) -> None:
    forget(mother)
    assert mother.dial().startswith("Langue / Kan / Language")
    mother.choose("Français")
    mother.choose("Langue, SMS, mes données")
    mother.choose("Arrêter/reprendre SMS")
    assert "arretés ici" in mother.choose("Tous les SMS")
    mother.press("1")
    assert rows_of(runtime, opt_out) == []


def test_only_numbers_are_counted(mother: Handset, runtime: Runtime) -> None:
    forget(mother)
    with runtime.database.read() as tx:
        counted = system_tables.counters(tx)
    assert counted["phones_forgotten"] == 1
    assert counted["rows_forgotten"] > 20


def test_a_no_forgets_nothing(mother: Handset, runtime: Runtime) -> None:
    before = everything(runtime, "conversation")
    dial(mother, *MY_DATA, "Tout effacer")
    turn_to(mother, "Oui, tout effacer")
    assert mother.choose("Non, ne rien changer") == "Rien n'est changé. Merci."
    assert everything(runtime, "conversation") == before


def test_the_neighbours_rows_are_untouched(
    mother: Handset, neighbour: Handset, runtime: Runtime, clock: TestClock
) -> None:
    theirs = live_through(neighbour, runtime, clock)
    but = ("conversation", "opt_out", "counter", "care_tally", "message_tally")
    before = everything(runtime, *but)
    forget(mother)
    after = everything(runtime, *but)
    for place, rows in after.items():
        assert set(rows) <= set(before[place]), f"a row of {place} was changed"
    for place in (phone, household, membership, child):
        assert len(rows_of(runtime, place)) == 1, place.name
    with runtime.database.read() as tx:
        still = people_tables.find_child(tx, id=theirs.child_id)
        assert still
        assert care_tables.open_appointments(tx, still.id)
    assert len(rows_of(runtime, opt_out)) == 1, "the neighbour refused nothing"


class TestASharedHousehold:
    """The father has a phone of his own in the household of the mother."""

    @pytest.fixture
    def followed(self, handset: Handset, neighbour: Handset, runtime: Runtime, clock: TestClock) -> Enrolled:
        dial(handset)
        dial(neighbour)
        followed = enrol(runtime, clock, number=handset.number)
        with runtime.database.begin() as tx:
            home = people_tables.find_child(tx, id=followed.child_id)
            assert home
            ids = {"organisation_id": home.organisation_id, "household_id": home.household_id}
            father = people_tables.add_person(tx, created_at=clock.now(), name=FATHER, **ids)
            his = phone_tables.ensure_phone(tx, NEIGHBOUR, clock.now())
            people_tables.add_person_phone(tx, father, his.id, date(2026, 11, 20))
            people_tables.add_caregiver(tx, followed.child_id, father, 2, date(2026, 11, 20))
        return followed

    def test_it_loses_only_her_and_goes_on_with_his_phone(
        self, followed: Enrolled, handset: Handset, neighbour: Handset, runtime: Runtime, clock: TestClock
    ) -> None:
        forget(handset)
        (home,) = rows_of(runtime, household)
        assert home.preferred_phone_id == phone_id_of(runtime, NEIGHBOUR)
        assert sorted(row.name for row in rows_of(runtime, person)) == ["Awa", FATHER]
        assert dial(neighbour, *MY_DATA).startswith("Gardé : enfants 1,")
        for _ in range(4):
            clock.advance(days=1)
            one_round(runtime)
        assert any("23/11" in text for text in neighbour.inbox), "he hears of the visit instead"
        assert not any("23/11" in text for text in handset.inbox)

    def test_his_request_made_with_his_phone_stays(
        self, followed: Enrolled, handset: Handset, neighbour: Handset, runtime: Runtime
    ) -> None:
        join(neighbour)
        forget(handset)
        assert len(rows_of(runtime, membership)) == 1

    def test_her_own_request_goes_with_her(self, followed: Enrolled, handset: Handset, runtime: Runtime) -> None:
        join(handset)
        forget(handset)
        assert rows_of(runtime, membership) == rows_of(runtime, task) == []


def test_whoever_moved_to_another_number_keeps_her_family_when_the_old_one_is_forgotten(
    mother: Handset, runtime: Runtime, clock: TestClock
) -> None:
    """Numbers are given out again: the stranger who has the old one now forgets his phone, not her child."""
    old = phone_id_of(runtime, mother.number)
    with runtime.database.begin() as tx:
        new = phone_tables.ensure_phone(tx, NEIGHBOUR, clock.now())
        moved = people_tables.person_phone
        owner = tx.execute(select(moved.c.person_id).where(moved.c.phone_id == old)).scalar_one()
        tx.execute(update(moved).where(moved.c.phone_id == old).values(until=date(2026, 11, 20)))
        people_tables.add_person_phone(tx, owner, new.id, date(2026, 11, 20))
        tx.execute(update(household).values(preferred_phone_id=new.id))
    with runtime.database.begin() as tx:
        erasure.forget_phone(tx, runtime, mother.number, "ussd", clock.now())
    assert len(rows_of(runtime, child)) == 1
    (request,) = rows_of(runtime, membership)
    assert request.phone_id == new.id
    asked = [row for row in rows_of(runtime, task) if row.kind == memberships.TASK]
    assert [row.phone_id for row in asked] == [new.id]
    found = names_found(runtime, mother, old)
    assert {place.split(".")[0] for place in found} <= {"opt_out", "person", "membership"}, found
    assert "phone.number" not in found


def test_a_phone_that_never_called_is_not_written_to_either(runtime: Runtime, clock: TestClock) -> None:
    with runtime.database.begin() as tx:
        assert erasure.forget_phone(tx, runtime, "+22370000077", "mediator", clock.now()).total() == 0
    assert len(rows_of(runtime, opt_out)) == 1


def test_what_is_in_the_air_does_not_come_back(mother: Handset, runtime: Runtime, clock: TestClock) -> None:
    """A carrier's answer about a message that was forgotten meanwhile is dropped."""
    from service.store import message_claims
    from service.store.message_claims import Noted

    with runtime.database.begin() as tx:
        later = clock.now() + DAY_MS
        outbox.put(tx, clock.now(), Letter(mother.number, "x", "x", "reply", "once", clock.now(), later, hours="any"))
        claimed = message_claims.claim_due(tx, clock.now(), 10, ["any"])
        starts = [message_claims.Start(one.id, one.fence, "simulator", None) for one in claimed]
        message_claims.start_attempts(tx, starts, clock.now())
    forget(mother)
    with runtime.database.begin() as tx:
        late = [Noted(one.id, one.fence, "accepted", "", "accepted", None, "simulator") for one in claimed]
        assert message_claims.note_outcomes(tx, late, clock.now()) == set()
    dispatcher.send_due(runtime)
