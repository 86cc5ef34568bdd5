"""Time goes by, and what we promised to keep no longer is no longer there; what reports need still adds up."""

from __future__ import annotations

from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, insert, select, update

from service.clock import DAY_MS
from service.domain import retention_rules
from service.domain.ages import add_months
from service.domain.retention_rules import GROWN_MONTHS, RULES
from service.runtime import Runtime
from service.store import family_changes, people_tables, phone_tables, retention_notes, tally_tables
from service.store.columns import new_id
from service.store.inbound_tables import inbound_body, inbound_event
from service.store.message_tables import message, send_attempt
from service.store.people_tables import child, household, person
from service.store.phone_tables import opt_out, phone
from service.store.route_tables import route_sample
from service.store.tally_tables import CareKey, care_tally, message_tally
from service.store.task_tables import task
from service.stories import dispatch_gate, dispatcher, erasure, memberships, opt_outs, recalls, retention, tallies
from service.stories.families import Enrolled, stop_child
from service.stories.outbox import Letter, put, put_many
from service.stories.retention_sweeps import SWEEPS
from tests.conftest import HOOK_SECRET
from tests.cover import everything, number_on, rows_of
from tests.loopback import LoopbackCarrier
from tests.people import Handset, TestClock
from tests.stories.test_feedback import ANSWER, complain
from tests.stories.test_feedback import answer as answer_feedback
from tests.stories.test_mutual import join
from tests.stories.test_recalls import MOTHER, NEIGHBOUR, enrol, give

WORDS = "Canari du Zanzibar"


def letter(clock: TestClock, key: str = "k", to: str = MOTHER, **changes: Any) -> Letter:
    values = {"purpose": "notice", "klass": "once", "not_before": clock.now(), "useful_until": clock.now() + DAY_MS}
    return Letter(to=to, text=WORDS, key=key, hours="any", **(values | changes))


def send(runtime: Runtime, clock: TestClock, *letters: Letter) -> None:
    """To somebody we know, or only to these numbers; four days later the messages have come to their end."""
    if not letters or letters[0].to == MOTHER:
        enrol(runtime, clock)
    with runtime.database.begin() as tx:
        put_many(tx, clock.now(), letters or [letter(clock)])
    dispatcher.send_due(runtime)
    clock.advance(days=4)
    dispatcher.look_after(runtime)  # three days without a receipt: its last state


def watched(runtime: Runtime, clock: TestClock) -> dict[str, int]:
    """A day and a night of the timetable's looks; gives what went."""
    gone: Counter[str] = Counter()
    for _ in range(30):
        clock.advance(hours=1)
        gone.update(retention.forget(runtime))
    return dict(gone)


def how_many(runtime: Runtime, table: Any) -> int:
    with runtime.database.read() as tx:
        return int(tx.execute(select(func.count()).select_from(table)).scalar_one())


# --- the table ----------------------------------------------------------------------------------------------


def test_every_rule_is_carried_out_by_somebody() -> None:
    assert SWEEPS.keys() == {rule.name for rule in RULES if rule.when != "elsewhere"}
    assert len({rule.name for rule in RULES}) == len(RULES)


def test_the_sysadmin_reads_the_table_that_is_carried_out() -> None:
    page = (Path(__file__).parents[2] / "docs" / "keys-and-retention.md").read_text("utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| ")]
    assert rows[1:] == [f"| {rule.data} | {rule.keep} | {rule.then} | {rule.source} |" for rule in RULES]


@pytest.mark.parametrize("today", ["2026-11-20", "2031-07-31", "2028-02-29", "2031-05-31", "2032-03-01"])
def test_a_child_goes_on_the_day_it_is_63_months_old_and_on_no_day_before(today: str) -> None:
    day = date.fromisoformat(today)
    last = retention_rules.born_by(day)
    assert add_months(last, GROWN_MONTHS) <= day
    assert add_months(date.fromordinal(last.toordinal() + 1), GROWN_MONTHS) > day


# --- messages -----------------------------------------------------------------------------------------------


def test_after_ninety_days_a_message_has_no_words_and_still_its_state(runtime: Runtime, clock: TestClock) -> None:
    send(runtime, clock)
    before = rows_of(runtime, message)[0]
    assert before.carrier_id
    clock.advance(days=85)
    assert retention.purge(runtime)["message_texts"] == 0
    clock.advance(days=2)
    assert retention.purge(runtime)["message_texts"] == 1
    (after,) = rows_of(runtime, message)
    assert after.text == ""
    assert (after.carrier_id, after.reason, after.batch_key) == (None, None, None)
    for kept in ("id", "key", "phone_id", "number_idx", "purpose", "class", "state", "created_at", "state_at", "parts"):
        assert getattr(after, kept) == getattr(before, kept), kept
    assert how_many(runtime, send_attempt) == 0
    assert retention.purge(runtime)["message_texts"] == 0, "it is done once"


def test_a_message_that_has_not_come_to_its_end_keeps_its_words_and_is_found_later(
    runtime: Runtime, clock: TestClock
) -> None:
    send(runtime, clock, letter(clock), letter(clock, "waits", useful_until=clock.now() + 500 * DAY_MS))
    with runtime.database.begin() as tx:
        tx.execute(update(message).where(message.c.key == "waits").values(state="queued"))
    clock.advance(days=100)
    assert retention.purge(runtime)["message_texts"] == 1
    assert sorted(row.text for row in rows_of(runtime, message)) == ["", WORDS]
    with runtime.database.begin() as tx:
        tx.execute(update(message).where(message.c.key == "waits").values(state="delivered"))
    assert retention.purge(runtime)["message_texts"] == 1
    assert [row.text for row in rows_of(runtime, message)] == ["", ""]


def test_after_four_hundred_days_a_message_is_a_count(runtime: Runtime, clock: TestClock) -> None:
    numbers = [f"+223700001{place:02d}" for place in range(30)]
    send(runtime, clock, *(letter(clock, number, number) for number in numbers))
    with runtime.database.begin() as tx:
        tx.execute(update(message).values(cost_estimated=2000, cost_true=1850, network="61002"))
        states = Counter(row.state for row in tx.execute(select(message.c.state)))
    clock.advance(days=401)
    retention.purge(runtime)
    assert how_many(runtime, message) == 0
    tally = rows_of(runtime, message_tally)
    assert Counter({row.state: row.messages for row in tally}) == states
    assert sum(row.cost_true for row in tally) == 30 * 1850
    assert {row.day.isoformat() for row in tally} == {"2026-11-20"}
    assert how_many(runtime, phone) == 0, "and nobody knows these numbers any more"


def test_a_page_that_was_stopped_on_the_way_counts_nothing_twice(
    runtime: Runtime, clock: TestClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(runtime, clock, *(letter(clock, str(place)) for place in range(130)))
    clock.advance(days=401)
    forget_messages, left = erasure.forget_messages, [1]

    class Killed(BaseException):
        """What a killed process never sees itself."""

    def killed_on_the_way(*args: Any) -> Any:
        left[0] -= 1
        gone = forget_messages(*args)
        if left[0] < 0:
            raise Killed
        return gone

    monkeypatch.setattr(erasure, "forget_messages", killed_on_the_way)
    with pytest.raises(Killed):
        retention.purge(runtime, ["messages"])
    waiting = how_many(runtime, message)
    assert 0 < waiting < 130
    assert sum(row.messages for row in rows_of(runtime, message_tally)) == 130 - waiting
    monkeypatch.setattr(erasure, "forget_messages", forget_messages)
    assert retention.purge(runtime, ["messages"])["messages"] == waiting
    assert sum(row.messages for row in rows_of(runtime, message_tally)) == 130


# --- what came in -------------------------------------------------------------------------------------------


def test_what_somebody_wrote_goes_after_thirty_days_and_is_known_as_a_repeat_for_four_hundred(
    handset: Handset, runtime: Runtime, clock: TestClock
) -> None:
    event = {"date": "x", "from": handset.number, "id": "one", "text": "Bonjour", "to": "99000"}
    handset.post("sms-in", event)
    clock.advance(days=31)
    assert retention.purge(runtime)["inbound_bodies"] == 1
    assert how_many(runtime, inbound_body) == 0
    clock.advance(days=368)
    retention.purge(runtime)
    handset.post("sms-in", event)
    assert how_many(runtime, inbound_body) == 0, "a repeat, after 399 days"
    clock.advance(days=2)
    assert retention.purge(runtime)["event_keys"] == 1
    assert how_many(runtime, inbound_event) == 0


def test_keystrokes_go_after_a_day_whatever_the_hour(handset: Handset, runtime: Runtime, clock: TestClock) -> None:
    handset.dial()
    clock.advance(hours=23)
    assert retention.forget(runtime)["keystrokes"] == 0
    clock.advance(hours=2)
    assert retention.forget(runtime)["keystrokes"] == 1


def test_how_routes_served_is_kept_two_days(runtime: Runtime, clock: TestClock) -> None:
    counts = dict.fromkeys(("accepted", "refused", "unknown", "delivered", "undelivered", "delay_ms", "delays"), 1)
    with runtime.database.begin() as tx:
        tx.execute(insert(route_sample).values(id=new_id(), channel="a", network="", at=clock.now(), **counts))
    clock.advance(days=1, hours=23)
    assert retention.forget(runtime)["route_samples"] == 0
    clock.advance(hours=2)
    assert retention.forget(runtime)["route_samples"] == 1


# --- children -----------------------------------------------------------------------------------------------


def counted(runtime: Runtime, now: int) -> Counter[CareKey]:
    """What reports see: the children that stand and those that are counts."""
    with runtime.database.begin() as tx:
        found = tally_tables.care_counts(tx)
        for child_id in tx.execute(select(child.c.person_id)).scalars().all():
            one = people_tables.find_child(tx, id=child_id)
            assert one
            found.update(tallies.care_keys(tx, runtime, one, now))
        return found


def years_later(clock: TestClock, born: str) -> None:
    """The day before a child of that birthday is 63 months old."""
    last = add_months(date.fromisoformat(born), GROWN_MONTHS)
    clock.set(f"{date.fromordinal(last.toordinal() - 1)}T10:00")


def test_at_63_months_a_child_and_its_family_are_counts(runtime: Runtime, clock: TestClock) -> None:
    one = enrol(runtime, clock)
    clock.advance(weeks=2)
    give(runtime, clock, one, "PENTA", "OPV", "PCV", "ROTA")
    recalls.queue_recalls(runtime)
    dispatcher.send_due(runtime)
    years_later(clock, "2026-10-12")
    retention.purge(runtime)
    assert how_many(runtime, child) == 1
    before = counted(runtime, clock.now())
    clock.advance(days=1)
    done = retention.purge(runtime)
    assert done["grown_children"] == done["people"] == done["households"] == done["phones"] == 1
    for empty in (child, person, household, phone, message):
        assert how_many(runtime, empty) == 0, empty.name
    assert counted(runtime, clock.now()) == before
    measures = {row.measure: row.times for row in rows_of(runtime, care_tally)}
    assert measures["children"] == measures["dose:PENTA:1"] == 1
    assert {row.born_in for row in rows_of(runtime, care_tally)} == {2026}


def test_a_younger_sibling_keeps_the_family(runtime: Runtime, clock: TestClock) -> None:
    enrol(runtime, clock)
    clock.advance(days=200)
    enrol(runtime, clock, born="2027-05-01", last_visit="none")
    years_later(clock, "2026-10-12")
    clock.advance(days=1)
    assert retention.purge(runtime)["grown_children"] == 1
    assert how_many(runtime, child) == how_many(runtime, household) == how_many(runtime, phone) == 1
    with runtime.database.read() as tx:
        assert phone_tables.find_phone(tx, MOTHER)


def test_a_child_for_whom_stop_was_said_goes_after_thirty_days(runtime: Runtime, clock: TestClock) -> None:
    one, other = enrol(runtime, clock), enrol(runtime, clock, number=NEIGHBOUR)
    with runtime.database.begin() as tx:
        stop_child(tx, runtime, one.child_id, clock.now())
    clock.advance(days=29)
    assert retention.purge(runtime)["left_children"] == 0
    clock.advance(days=2)
    assert retention.purge(runtime)["left_children"] == 1
    assert [row.person_id for row in rows_of(runtime, child)] == [other.child_id]


class TestWhoRefusedEverything:
    @pytest.fixture
    def one(self, runtime: Runtime, clock: TestClock) -> Enrolled:
        followed = enrol(runtime, clock)
        with runtime.database.begin() as tx:
            opt_outs.stop(tx, runtime, MOTHER, "sms", clock.now())
        return followed

    def test_goes_after_thirty_days_and_the_refusal_stays(
        self, one: Enrolled, runtime: Runtime, clock: TestClock
    ) -> None:
        clock.advance(days=29)
        assert retention.purge(runtime)["refused_children"] == 0
        clock.advance(days=2)
        before = counted(runtime, clock.now())
        done = retention.purge(runtime)
        assert done["refused_children"] == done["people"] == done["phones"] == 1
        assert counted(runtime, clock.now()) == before
        for empty in (child, person, household, phone, message):
            assert how_many(runtime, empty) == 0, empty.name
        assert [row.purpose for row in rows_of(runtime, opt_out)] == ["all"]

    def test_stays_when_it_is_taken_back_in_time(self, one: Enrolled, runtime: Runtime, clock: TestClock) -> None:
        clock.advance(days=29)
        with runtime.database.begin() as tx:
            opt_outs.start(tx, runtime, MOTHER, clock.now())
        clock.advance(days=20)
        assert retention.purge(runtime)["refused_children"] == 0

    def test_stays_when_another_phone_hears_of_the_child(
        self, one: Enrolled, runtime: Runtime, clock: TestClock
    ) -> None:
        with runtime.database.begin() as tx:
            home = people_tables.find_child(tx, id=one.child_id)
            assert home
            ids = {"organisation_id": home.organisation_id, "household_id": home.household_id}
            father = people_tables.add_person(tx, created_at=clock.now(), **ids)
            his = phone_tables.ensure_phone(tx, NEIGHBOUR, clock.now())
            people_tables.add_person_phone(tx, father, his.id, runtime.today(clock.now()))
        clock.advance(days=60)
        assert retention.purge(runtime)["refused_children"] == 0
        with runtime.database.begin() as tx:
            opt_outs.stop(tx, runtime, NEIGHBOUR, "sms", clock.now())
        clock.advance(days=31)
        assert retention.purge(runtime)["refused_children"] == 1

    def test_one_purpose_is_not_everything(self, runtime: Runtime, clock: TestClock) -> None:
        enrol(runtime, clock)
        with runtime.database.begin() as tx:
            opt_outs.stop(tx, runtime, MOTHER, "sms", clock.now(), purpose="campaign")
        clock.advance(days=60)
        assert retention.purge(runtime)["refused_children"] == 0


def test_what_waits_to_be_said_of_a_sibling_is_said_anew(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier
) -> None:
    gone, stays = enrol(runtime, clock), enrol(runtime, clock, born="2026-06-20", last_visit="none")
    recalls.queue_recalls(runtime)
    with runtime.database.begin() as tx:
        erasure.forget_children(tx, runtime, [gone.child_id], clock.now())
    recalls.queue_recalls(runtime)
    dispatcher.send_due(runtime)
    assert len(carrier.accepted) == 1
    assert [row.person_id for row in rows_of(runtime, child)] == [stays.child_id]


# --- who is left over ---------------------------------------------------------------------------------------


def test_a_request_to_the_mutual_keeps_its_family(handset: Handset, runtime: Runtime, clock: TestClock) -> None:
    number = number_on(join(handset))
    clock.advance(days=200)
    dispatcher.look_after(runtime)  # what was never sent expires
    retention.purge(runtime)
    assert how_many(runtime, household) == how_many(runtime, person) == how_many(runtime, phone) == 1
    with runtime.database.begin() as tx:
        memberships.refuse(tx, number, "test", clock.now())
    clock.advance(days=91)
    done = retention.purge(runtime)
    assert done["requests"] == done["closed_tasks"] == done["people"] == done["households"] == done["phones"] == 1


def test_an_answered_opinion_goes_after_ninety_days_and_one_that_waits_does_not(
    handset: Handset, runtime: Runtime, clock: TestClock
) -> None:
    number = number_on(complain(handset))
    clock.advance(days=300)
    assert retention.purge(runtime)["feedback"] == 0
    answer_feedback(runtime, clock, number, ANSWER)
    clock.advance(days=91)
    assert retention.purge(runtime)["feedback"] == 1
    assert how_many(runtime, task) == 0


def test_a_number_that_only_called_is_forgotten_and_its_stop_is_not(
    handset: Handset, runtime: Runtime, clock: TestClock
) -> None:
    handset.dial()
    handset.choose("Français")
    with runtime.database.begin() as tx:
        opt_outs.stop(tx, runtime, NEIGHBOUR, "sms", clock.now(), purpose="campaign")
    clock.advance(days=89)
    assert retention.purge(runtime)["phones"] == 0
    clock.advance(days=2)
    assert retention.purge(runtime)["phones"] == 2
    assert how_many(runtime, opt_out) == 1
    with runtime.database.begin() as tx:
        again = phone_tables.ensure_phone(tx, NEIGHBOUR, clock.now())
        assert phone_tables.opted_out(tx, again.number_idx, "campaign")


def test_a_number_somebody_gave_up_is_forgotten(runtime: Runtime, clock: TestClock) -> None:
    one = enrol(runtime, clock)
    with runtime.database.begin() as tx:
        known = people_tables.find_child(tx, id=one.child_id)
        old, new = phone_tables.find_phone(tx, MOTHER), phone_tables.ensure_phone(tx, NEIGHBOUR, clock.now())
        carer = family_changes.first_caregiver(tx, known.household_id) if known else None
        assert known
        assert old
        assert carer
        family_changes.take_phone(tx, known.household_id, old.id, runtime.today(clock.now()))
        family_changes.prefer_phone(tx, known.household_id, new.id)
        family_changes.give_phone(tx, carer, new.id, runtime.today(clock.now()))
    clock.advance(days=89)
    assert retention.purge(runtime)["former_phones"] == 0
    clock.advance(days=3)
    done = retention.purge(runtime)
    assert done["former_phones"] == done["phones"] == 1
    with runtime.database.read() as tx:
        assert phone_tables.find_phone(tx, MOTHER) is None
        assert phone_tables.find_phone(tx, NEIGHBOUR)


def test_a_refusal_of_an_unknown_number_is_proof_for_five_years(runtime: Runtime, clock: TestClock) -> None:
    with runtime.database.begin() as tx:
        erasure.forget_phone(tx, runtime, MOTHER, "ussd", clock.now())
        opt_outs.stop(tx, runtime, NEIGHBOUR, "sms", clock.now())
    clock.advance(days=5 * 365 - 1)
    with runtime.database.begin() as tx:
        put(tx, clock.now(), letter(clock, to=NEIGHBOUR))  # somebody we know: her STOP stands as long as she is known
    assert retention.purge(runtime)["refusals"] == 0
    clock.advance(days=2)
    assert retention.purge(runtime)["refusals"] == 1
    with runtime.database.read() as tx:
        (left,) = tx.execute(select(opt_out)).all()
        assert left.number_idx == runtime.vault.index(NEIGHBOUR)


# --- the night, and a clock that jumps ----------------------------------------------------------------------


def test_the_timetable_does_it_at_night_and_once(runtime: Runtime, clock: TestClock) -> None:
    send(runtime, clock)
    clock.advance(days=95)
    gone = watched(runtime, clock)
    assert gone["message_texts"] == 1
    with runtime.database.read() as tx:
        notes = retention_notes.read_notes(tx)
    assert notes.last["message_texts"] == 1
    hours = []
    for _ in range(72):
        clock.advance(hours=1)
        if "message_texts" in retention.forget(runtime):
            hours.append(clock.here.hour)
    assert hours == [1, 1, 1]


def test_a_clock_that_jumps_a_year_deletes_nothing_for_a_day(runtime: Runtime, clock: TestClock) -> None:
    send(runtime, clock)
    for _ in range(48):
        clock.advance(hours=1)
        retention.forget(runtime)
    before = clock.moment
    clock.advance(days=365)
    for _ in range(23):
        assert "message_texts" not in retention.forget(runtime)
        clock.advance(hours=1)
    clock.moment = before  # somebody set it right
    for _ in range(30):
        clock.advance(hours=1)
        retention.forget(runtime)
    assert rows_of(runtime, message)[0].text == WORDS


def test_while_dispatch_stands_still_for_the_clock_nothing_is_deleted(
    handset: Handset, runtime: Runtime, clock: TestClock
) -> None:
    handset.dial()
    clock.advance(days=30)
    with runtime.database.begin() as tx:
        dispatch_gate.close(tx, "clock", "it jumped", clock.now())
    assert retention.forget(runtime) == {}
    with pytest.raises(retention.ClockJumped):
        retention.purge(runtime)
    with runtime.database.begin() as tx:
        dispatch_gate.reopen(tx, "clock")
    assert retention.forget(runtime)["keystrokes"] == 1


def test_a_night_goes_on_where_the_slice_before_stopped(
    runtime: Runtime, clock: TestClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(runtime, clock, *(letter(clock, str(place)) for place in range(120)))
    clock.advance(days=95)
    monkeypatch.setattr(retention, "SLICE_S", 0.0)
    retention.forget(runtime)
    clock.advance(hours=30)
    slices = []
    while not slices or slices[-1] > 0:
        clock.advance(minutes=5)
        slices.append(sum(retention.forget(runtime).values()))
    assert sum(slices) == 120
    assert len(slices) > 2
    with runtime.database.read() as tx:
        assert retention_notes.read_notes(tx).last["message_texts"] == 120


def test_a_rule_that_fails_does_not_hold_up_the_others(
    runtime: Runtime, clock: TestClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = enrol(runtime, clock)
    with runtime.database.begin() as tx:
        stop_child(tx, runtime, one.child_id, clock.now())
    send(runtime, clock)
    clock.advance(days=95)

    def fails(*_: object) -> int:
        raise RuntimeError("a bug")

    monkeypatch.setattr(erasure, "forget_children", fails)
    gone = watched(runtime, clock)
    assert gone["message_texts"] == 1
    assert gone["left_children"] == 0
    monkeypatch.undo()
    clock.advance(days=1)
    assert watched(runtime, clock)["left_children"] == 1


def test_a_dry_run_counts_what_a_run_then_does(handset: Handset, runtime: Runtime, clock: TestClock) -> None:
    one = enrol(runtime, clock)
    handset.write("Bonjour")
    with runtime.database.begin() as tx:
        stop_child(tx, runtime, one.child_id, clock.now())
        opt_outs.stop(tx, runtime, NEIGHBOUR, "sms", clock.now())
    enrol(runtime, clock, number=NEIGHBOUR)
    send(runtime, clock)
    clock.advance(days=100)
    before = everything(runtime)
    told = retention.purge(runtime, dry_run=True)
    assert everything(runtime) == before
    done = retention.purge(runtime)
    by_themselves = [name for name in told if name not in ("people", "households", "phones", "former_phones")]
    assert {name: told[name] for name in by_themselves} == {name: done[name] for name in by_themselves}
    assert told["left_children"] == told["refused_children"] == told["message_texts"] == 1


def test_two_workers_at_once_do_it_once(handset: Handset, runtime: Runtime, clock: TestClock) -> None:
    from concurrent.futures import ThreadPoolExecutor

    for place in range(12):
        one = enrol(runtime, clock, number=f"+223700003{place:02d}")
        with runtime.database.begin() as tx:
            stop_child(tx, runtime, one.child_id, clock.now())
    clock.advance(days=100)
    before = counted(runtime, clock.now())
    with ThreadPoolExecutor(3) as threads:
        done = list(threads.map(lambda _: retention.purge(runtime), range(3)))
    assert how_many(runtime, child) == how_many(runtime, household) == how_many(runtime, phone) == 0
    assert counted(runtime, clock.now()) == before
    assert sum(one["left_children"] for one in done) == 12


def test_the_neighbours_handset_is_answered_the_same(
    product: str, carrier: LoopbackCarrier, runtime: Runtime, clock: TestClock
) -> None:
    """Who is known and in use is left alone by every rule."""
    mine = Handset(product, carrier, MOTHER, HOOK_SECRET)
    enrol(runtime, clock)
    join(mine)
    clock.advance(days=30)
    before = everything(runtime, "marker", "counter", "conversation")
    retention.purge(runtime)
    assert everything(runtime, "marker", "counter", "conversation") == before
