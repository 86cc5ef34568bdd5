"""Pregnancy, contacts told like any other, birth, the child's recalls; or a loss, and silence."""

from __future__ import annotations

import threading
from datetime import date, timedelta

import pytest
from sqlalchemy import select

from service.config import Config
from service.runtime import Runtime, build_runtime
from service.store.columns import metadata
from service.store.follow_up_tables import follow_up
from service.store.people_tables import child, consent, household, person
from service.stories.care.follow_ups import Refused
from service.stories.homes import families
from service.stories.keeping import erasure, key_rotation, retention
from service.stories.recall import recalls
from service.stories.talk import opt_outs
from tests.cover import rows_of
from tests.follow_ups import (
    BY,
    TODAY,
    WOMAN,
    born,
    digits,
    ended,
    kept,
    lost,
    planned,
    pregnant,
    queued,
    visit,
    with_follow_ups,
)
from tests.keys import rings, with_keys
from tests.people import Days, TestClock
from tests.stories.test_recalls import enrol, steps_told

FIRST = "Laseli: ce téléphone recevra nos rappels de rendez-vous. Info *384*223#. Arreter: ARRET."
TWENTY = "Laseli: rendez-vous à partir du 27/11, au CSCom ASACODAR, avec le carnet. Info *384*223#. Arreter: ARRET."


@pytest.fixture
def settings(settings: Config) -> Config:
    return with_follow_ups(settings)


@pytest.fixture(autouse=True)
def _shorter_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_rotation, "NO_STATEMENT_IS_OLDER_S", 0.5)


def refused(runtime: Runtime, reason: str) -> None:
    """Nothing of a follow-up is there."""
    assert kept(runtime) == [], reason
    assert rows_of(runtime, consent) == []


# --- a pregnancy --------------------------------------------------------------------------------------------


def test_a_pregnancy_is_opened_and_all_its_contacts_are_planned(runtime: Runtime) -> None:
    opened = pregnant(runtime, name="Awa Traore")
    assert opened.next is not None
    assert (opened.next.id, opened.next.best_on) == ("w20", date(2026, 11, 27))
    assert planned(runtime) == {
        "w20": "11-27",
        "w26": "01-08",
        "w30": "02-05",
        "w34": "03-05",
        "w36": "03-19",
        "w38": "04-02",
        "w40": "04-16",
    }
    [agreed] = rows_of(runtime, consent)
    assert (agreed.purpose, agreed.wording, agreed.recorded_by, agreed.how) == (
        "dated_contacts",
        "discreet",
        BY,
        "told",
    )
    assert [row.name for row in rows_of(runtime, person)] == ["Awa Traore"]


def test_its_household_hears_what_every_household_hears(runtime: Runtime, days: Days) -> None:
    pregnant(runtime)
    sent = days.until("2026-12-04")
    # The first word comes alone, and says nothing; nobody blames anybody, nobody says what it is about.
    assert sent[:3] == [("11-20", FIRST), ("11-24", TWENTY), ("11-27", TWENTY)]
    assert [day for day, _ in sent[3:]] == ["11-30", "12-04"]
    for _, text in sent:
        assert not any(
            word in text.casefold() for word in ("enceinte", "grossesse", "cpn", "prénatal", "bébé", "suivi")
        )


def test_a_contact_that_was_made_is_reminded_of_no_more(runtime: Runtime, days: Days, clock: TestClock) -> None:
    opened = pregnant(runtime)
    days.until("2026-11-24")
    then = visit(runtime, opened.code, date(2026, 11, 25))
    assert then.next is not None
    assert then.next.id == "w26"
    assert days.until("2026-12-06") == []
    clock.set("2027-01-04T00:01")
    assert [day for day, _ in days.until("2027-01-05")] == ["01-05"]


def test_a_childs_recall_and_a_follow_up_are_one_sms(runtime: Runtime, clock: TestClock, days: Days) -> None:
    child_of_hers = enrol(runtime, clock, number=WOMAN, born="2026-10-16")  # six weeks on 27 November as well
    pregnant(runtime)
    sent = [each for each in days.until("2026-11-27") if each[1] != FIRST]
    # The recall's own steps are J-3, J-1, J; the follow-up's J-3 and J. No day has two.
    assert [day for day, _ in sent] == ["11-24", "11-26", "11-27"]
    assert {text for _, text in sent} == {TWENTY}, "whoever reads it cannot tell one from the other"
    assert [step for step, _ in steps_told(runtime, child_of_hers)] == ["J-3", "J-1", "J"]


def test_two_planners_and_two_runs_tell_it_once(runtime: Runtime, clock: TestClock) -> None:
    pregnant(runtime)
    clock.set("2026-11-24T09:10")
    assert recalls.queue_recalls(runtime) == 1
    assert recalls.queue_recalls(runtime) == 0


def test_who_stopped_our_sms_is_followed_without_any(runtime: Runtime, days: Days) -> None:
    with runtime.database.begin() as tx:
        opt_outs.stop(tx, runtime, WOMAN, "test", runtime.now())
    pregnant(runtime)
    assert len(kept(runtime)) == 1
    assert days.until("2026-11-28") == []


def test_a_doubtful_date_falls_silent_sooner(runtime: Runtime) -> None:
    pregnant(runtime, give_or_take=4)
    # Had she been four weeks further than the card says, week 38 would be week 42: silence from there on.
    assert "w36" in planned(runtime)
    assert not {"w38", "w40"} & planned(runtime).keys()


def test_a_late_first_visit_counts_from_the_day_it_was_told(runtime: Runtime) -> None:
    opened = pregnant(runtime, week=14)
    assert opened.next is not None
    assert opened.next.late
    assert planned(runtime)["w12"] == "11-20", "nobody is blamed for a day before"


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ({"week": 47}, "week"),
        ({"week": 40, "seen_on": TODAY - timedelta(60)}, "week"),
        ({"seen_on": TODAY + timedelta(1)}, "future"),
        ({"number": "+22320220001"}, "number"),
        ({"number": "+33612345678"}, "number"),
    ],
)
def test_what_cannot_be_opens_nothing(runtime: Runtime, told: dict[str, object], reason: str) -> None:
    with pytest.raises(Refused) as found:
        pregnant(runtime, **told)  # type: ignore[arg-type]
    assert found.value.reason == reason
    refused(runtime, reason)


def test_a_phone_has_one_unless_it_is_another_woman(runtime: Runtime) -> None:
    first = pregnant(runtime)
    with pytest.raises(Refused) as found:
        pregnant(runtime, week=10)
    assert found.value.reason == "known"
    second = pregnant(runtime, week=10, another=True)
    assert len({one.person_id for one in kept(runtime)}) == 2
    assert len({one.household_id for one in kept(runtime)}) == 1
    lost(runtime, first.code, TODAY)
    assert [one.code for one in kept(runtime)] == [digits(second.code)], "hers goes on"


def test_two_mediators_at_the_same_moment_open_one(runtime: Runtime) -> None:
    said: list[str] = []
    together = threading.Barrier(4)

    def opens() -> None:
        together.wait()
        try:
            pregnant(runtime)
            said.append("opened")
        except Refused as refusal:
            said.append(refusal.reason)

    threads = [threading.Thread(target=opens) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(said) == ["known", "known", "known", "opened"]
    assert len(kept(runtime)) == len(rows_of(runtime, person)) == len(rows_of(runtime, consent)) == 1


def test_one_that_nobody_ended_makes_room_for_the_next(runtime: Runtime, clock: TestClock) -> None:
    pregnant(runtime, week=38)
    clock.advance(weeks=20)
    pregnant(runtime, week=8, seen_on=clock.here.date())
    assert [one.started_on for one in kept(runtime)] == [clock.here.date() - timedelta(weeks=8)]


# --- a birth ------------------------------------------------------------------------------------------------


def test_a_birth_makes_the_child_followed_on_the_same_phone(runtime: Runtime, clock: TestClock, days: Days) -> None:
    opened = pregnant(runtime, week=38)
    days.until("2026-11-30")
    clock.set("2026-12-01T09:00")
    made = born(runtime, opened.code, date(2026, 11, 30))
    assert len(made.codes) == 1
    [after] = kept(runtime)
    assert (after.kind, after.code, after.started_on) == ("postnatal", digits(opened.code), date(2026, 11, 30))
    assert planned(runtime) == {"d3": "12-03", "d7": "12-07", "w6": "01-11"}
    [row] = rows_of(runtime, child)
    assert (row.household_id, row.status) == (after.household_id, "followed")
    [mother, newborn] = sorted(rows_of(runtime, person), key=lambda one: one.born_on is not None)
    assert (newborn.born_on, newborn.name) == (date(2026, 11, 30), None)
    assert mother.id == after.person_id
    sent = days.until("2026-12-07")
    clock.set("2027-01-08T00:01")
    sent += days.until("2027-01-11")
    daily = [day for day, _ in sent]
    assert len(daily) == len(set(daily)), "never two SMS on one day"
    assert "12-01" in daily, "the newborn's first vaccines"
    # The vaccines of six weeks and the mother's own contact come on the same day, in the same words.
    assert sent[-1][0] == "01-11"
    assert sent[-1][1].count("11/01") == 1


def test_twins_are_two_children_and_one_household(runtime: Runtime, clock: TestClock) -> None:
    opened = pregnant(runtime, week=37)
    clock.set("2026-12-01T09:00")
    made = born(runtime, opened.code, date(2026, 11, 29), alive=2)
    assert len(set(made.codes)) == 2
    assert len(rows_of(runtime, child)) == 2
    assert len(rows_of(runtime, household)) == 1


def test_a_child_enrolled_before_is_not_enrolled_again(runtime: Runtime, clock: TestClock) -> None:
    opened = pregnant(runtime, week=38)
    clock.set("2026-12-02T09:00")
    enrol(runtime, clock, number=WOMAN, born="2026-11-30", last_visit="none")
    made = born(runtime, opened.code, date(2026, 11, 30), alive=2)
    assert (len(made.codes), made.known) == (1, 1), "only the twin is new"
    assert len(rows_of(runtime, child)) == 2


@pytest.mark.parametrize(
    ("on", "alive", "reason"),
    [
        (date(2026, 6, 1), 1, "before"),
        (TODAY + timedelta(1), 1, "future"),
        (TODAY, 7, "children"),
        (TODAY, -1, "children"),
    ],
)
def test_a_birth_that_cannot_be_changes_nothing(runtime: Runtime, on: date, alive: int, reason: str) -> None:
    opened = pregnant(runtime)
    before = planned(runtime)
    with pytest.raises(Refused) as found:
        born(runtime, opened.code, on, alive)
    assert found.value.reason == reason
    assert (len(kept(runtime)), planned(runtime)) == (1, before)
    assert rows_of(runtime, child) == []


def test_a_birth_is_noted_once(runtime: Runtime) -> None:
    opened = pregnant(runtime, week=38)
    born(runtime, opened.code, TODAY)
    with pytest.raises(Refused) as found:
        born(runtime, opened.code, TODAY)
    assert found.value.reason == "not_a_pregnancy"
    assert len(rows_of(runtime, child)) == 1


def test_the_last_contact_ends_it(runtime: Runtime, clock: TestClock) -> None:
    opened = pregnant(runtime, week=38)
    born(runtime, opened.code, TODAY)
    for on in (date(2026, 11, 20), date(2026, 11, 23), date(2026, 11, 28), date(2027, 1, 1)):
        clock.moment = max(clock.moment, TestClock(f"{on}T10:00").moment)
        visit(runtime, opened.code, on)
    assert kept(runtime) == []
    assert {row.ended_why for row in rows_of(runtime, follow_up)} == {"born", "complete"}


# --- a loss -------------------------------------------------------------------------------------------------


def test_a_loss_is_met_with_silence_and_siblings_go_on(runtime: Runtime, clock: TestClock, days: Days) -> None:
    sibling = enrol(runtime, clock, number=WOMAN, born="2026-10-16")
    opened = pregnant(runtime)
    clock.set("2026-11-23T18:00")
    clock.set("2026-11-24T06:00")
    recalls.queue_recalls(runtime)
    [joined] = [one for one in queued(runtime) if one.key.startswith("recall:")]
    lost(runtime, opened.code, date(2026, 11, 24))
    assert [one.id for one in queued(runtime)] == [], "what waited is taken back"
    assert planned(runtime) == {}
    recalls.queue_recalls(runtime)
    [again] = queued(runtime)
    assert again.key == joined.key, "the sibling is told, once, by the same message"
    assert [step for step, _ in steps_told(runtime, sibling)] == ["J-3"]
    assert [day for day, _ in days.until("2026-11-27")] == ["11-24", "11-26", "11-27"]


def test_after_a_loss_nothing_ever_leaves(runtime: Runtime, clock: TestClock, days: Days) -> None:
    opened = pregnant(runtime)
    days.until("2026-11-23")
    clock.set("2026-11-24T08:00")
    recalls.queue_recalls(runtime)
    lost(runtime, opened.code, date(2026, 11, 24))
    assert days.until("2026-12-05") == []


def test_a_birth_without_a_living_child_is_a_loss(runtime: Runtime, days: Days) -> None:
    opened = pregnant(runtime, week=38)
    made = born(runtime, opened.code, TODAY, alive=0)
    assert made == ((), 0)
    assert kept(runtime) == []
    assert rows_of(runtime, child) == []
    assert days.until("2026-12-06") == []


def test_a_newborn_that_dies_is_followed_no_more(runtime: Runtime, days: Days) -> None:
    opened = pregnant(runtime, week=38)
    born(runtime, opened.code, TODAY)
    lost(runtime, opened.code, TODAY)
    assert [row.status for row in rows_of(runtime, child)] == ["stopped"]
    assert days.until("2026-12-06") == []


def test_of_twins_the_living_one_is_still_recalled(runtime: Runtime, clock: TestClock, days: Days) -> None:
    opened = pregnant(runtime, week=37)
    gone, living = (digits(code) for code in born(runtime, opened.code, TODAY, alive=2).codes)
    with pytest.raises(Refused) as found:
        lost(runtime, opened.code, TODAY)
    assert found.value.reason == "which"
    with pytest.raises(Refused):
        lost(runtime, opened.code, TODAY, "00000000")
    lost(runtime, opened.code, TODAY, gone)
    assert {row.code: row.status for row in rows_of(runtime, child)} == {gone: "stopped", living: "followed"}
    assert kept(runtime) == []
    clock.set("2026-12-28T00:01")
    assert [day for day, _ in days.until("2026-12-29")] == ["12-29"], "the vaccines of six weeks"


@pytest.mark.parametrize("why", ["moved", "withdrawn", "death", "complete"])
def test_other_ends_are_as_quiet(runtime: Runtime, days: Days, why: str) -> None:
    opened = pregnant(runtime)
    ended(runtime, opened.code, why, TODAY)
    assert days.until("2026-11-28") == []
    with pytest.raises(Refused) as found:
        visit(runtime, opened.code, TODAY)
    assert found.value.reason == "unknown"


# --- what is kept, and for how long -------------------------------------------------------------------------


def test_forgetting_her_phone_forgets_it_all(runtime: Runtime, clock: TestClock) -> None:
    opened = pregnant(runtime, week=38, name="Awa Traore")
    visit(runtime, opened.code, TODAY)
    born(runtime, opened.code, TODAY)
    clock.set("2026-11-23T09:10")
    recalls.queue_recalls(runtime)
    with runtime.database.begin() as tx:
        erasure.forget_phone(tx, runtime, WOMAN, "request", runtime.now())
    left = {table.name for table in metadata.sorted_tables if rows_of(runtime, table)}
    assert not left & {"follow_up", "follow_up_contact", "appointment", "person", "child", "household", "message"}


def test_an_ended_one_goes_after_thirty_days_and_an_open_one_stays(runtime: Runtime, clock: TestClock) -> None:
    opened = pregnant(runtime)
    other = pregnant(runtime, number="+22376000002")
    lost(runtime, opened.code, TODAY)
    clock.advance(days=29)
    retention.purge(runtime, ["ended_follow_ups"])
    assert len(rows_of(runtime, follow_up)) == 2
    clock.advance(days=2)
    retention.purge(runtime, ["ended_follow_ups"])
    assert [one.code for one in kept(runtime)] == [digits(other.code)]
    assert len(rows_of(runtime, follow_up)) == 1
    retention.purge(runtime, ["people"])
    assert len(rows_of(runtime, person)) == 1, "nothing is left that needs the other one"
    clock.advance(days=300)
    retention.purge(runtime, ["unended_follow_ups"])
    assert rows_of(runtime, follow_up) == []


def test_how_it_ended_and_her_name_lie_sealed(runtime: Runtime) -> None:
    opened = pregnant(runtime, name="Awa Traore")
    lost(runtime, opened.code, TODAY)
    with runtime.database.read() as tx:
        [why] = tx.exec_driver_sql("SELECT ended_why FROM follow_up").scalars().all()
        [name] = tx.exec_driver_sql("SELECT name FROM person").scalars().all()
    assert b"loss" not in bytes(why)
    assert b"Awa" not in bytes(name)


def test_new_keys_seal_it_anew(settings: Config, runtime: Runtime, clock: TestClock) -> None:
    lost(runtime, pregnant(runtime).code, TODAY)
    both = build_runtime(with_keys(settings, rings(2, 1)), at=clock)
    while key_rotation.rotate(both, lambda *_: None).left:
        pass
    both.database.close()
    alone = build_runtime(with_keys(settings, rings(2) | {"index": rings(2, 1)["index"]}), at=clock)
    assert [row.ended_why for row in rows_of(alone, follow_up)] == ["loss"]
    alone.database.close()


def test_her_messages_follow_her_households_phone(runtime: Runtime, clock: TestClock, days: Days) -> None:
    """What waits for the former phone is told anew on the new one, as a child's recalls are."""
    one = enrol(runtime, clock, number=WOMAN, born="2026-09-01")
    pregnant(runtime, week=19)
    clock.set("2026-11-24T06:00")
    recalls.queue_recalls(runtime)
    with runtime.database.begin() as tx:
        recalls.take_back(tx, runtime, one.child_id, runtime.now())
    assert [each for each in queued(runtime) if each.key.startswith("recall:")] == []
    assert recalls.queue_recalls(runtime) == 1


def test_until_somebody_confirmed_the_dates_none_is_opened(settings: Config, runtime: Runtime) -> None:
    object.__setattr__(runtime, "config", settings.model_copy(update={"follow_ups": None}))
    with pytest.raises(Refused) as found:
        pregnant(runtime)
    assert found.value.reason == "off"
    refused(runtime, "off")


def test_a_newborn_of_a_strange_day_is_refused(runtime: Runtime) -> None:
    pregnant(runtime)
    with runtime.database.begin() as tx:
        one = tx.execute(select(follow_up.c.person_id, follow_up.c.household_id)).one()
        newborn = families.Newcomer(None, TODAY + timedelta(1), "day", None, 1)
        with pytest.raises(families.CannotEnrol):
            families.follow_newborn(tx, runtime, one.person_id, one.household_id, newborn, runtime.now())
