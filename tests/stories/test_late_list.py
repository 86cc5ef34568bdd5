"""The list of late children: who is on it, who is not any more, and in which order."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import update

from service.runtime import Runtime
from service.store import place_tables
from service.store.care_tables import appointment
from service.store.people_tables import household
from service.stories.homes import families
from service.stories.recall import centre_calendar, late_list, recalls
from service.stories.recall.centre_calendar import Said
from service.stories.recall.late_list import LateChild
from service.stories.talk import opt_outs
from tests.people import Days, TestClock
from tests.store.test_query_plans import seen, whole_tables_of
from tests.stories.test_recalls import MOTHER, NEIGHBOUR, enrol, give

LAST_REMINDER, DAY_AFTER = "2026-12-07", "2026-12-08"  # of children due on 23 November


def zone_ids(runtime: Runtime, *names: str) -> list[int]:
    with runtime.database.read() as tx:
        return [zone_id for zone_id, name in place_tables.zones(tx) if name in names or not names]


def listed(runtime: Runtime, clock: TestClock, *quartiers: str, limit: int | None = None) -> list[LateChild]:
    zones = zone_ids(runtime, *(quartiers or ("Darsalam",)))
    with runtime.database.read() as tx:
        return late_list.late_children(tx, runtime, zones, clock.here.date(), limit)


def test_a_child_is_listed_the_day_after_its_last_reminder(runtime: Runtime, clock: TestClock, days: Days) -> None:
    one = enrol(runtime, clock)
    days.until(LAST_REMINDER)
    clock.set(f"{LAST_REMINDER}T18:00")
    assert listed(runtime, clock) == []
    clock.set(f"{DAY_AFTER}T07:00")
    [late] = listed(runtime, clock)
    assert families.show_code(late.child.code) == one.code
    assert (late.days_late, late.on, late.last_step) == (15, date(2026, 11, 23), "J+14")
    assert late.doses == ("PENTA1", "OPV1", "PCV1", "ROTA1")
    assert (late.silent, late.has_phone, late.heard) == ("", True, False)


def test_a_dose_takes_the_child_off_the_list(runtime: Runtime, clock: TestClock, days: Days) -> None:
    one = enrol(runtime, clock)
    days.until(DAY_AFTER)
    give(runtime, clock, one, "PENTA", "OPV", "PCV")
    [late] = listed(runtime, clock)
    assert late.doses == ("ROTA1",), "only what is left to give"
    give(runtime, clock, one, "ROTA")
    assert listed(runtime, clock) == []


def test_a_family_that_stopped_the_messages_is_on_it(runtime: Runtime, clock: TestClock, days: Days) -> None:
    enrol(runtime, clock)
    with runtime.database.begin() as tx:
        opt_outs.stop(tx, runtime, MOTHER, "sms", clock.now())
    assert days.until(DAY_AFTER) == []
    assert [late.silent for late in listed(runtime, clock)] == ["stopped"]


def test_a_family_without_a_phone_is_on_it(runtime: Runtime, clock: TestClock, days: Days) -> None:
    enrol(runtime, clock)
    with runtime.database.begin() as tx:
        tx.execute(update(household).values(preferred_phone_id=None))
    days.until(DAY_AFTER)
    [late] = listed(runtime, clock)
    assert (late.silent, late.has_phone) == ("no_phone", False)


def test_who_is_no_longer_followed_is_not(runtime: Runtime, clock: TestClock, days: Days) -> None:
    one = enrol(runtime, clock)
    days.until(DAY_AFTER)
    assert listed(runtime, clock)
    with runtime.database.begin() as tx:
        families.stop_child(tx, runtime, one.child_id, clock.now())
    assert listed(runtime, clock) == []


def test_what_the_centre_has_none_of_makes_nobody_late(runtime: Runtime, clock: TestClock, days: Days) -> None:
    enrol(runtime, clock)
    days.until(DAY_AFTER)
    with runtime.database.begin() as tx:
        tx.execute(update(appointment).values(awaits_stock=True))
    assert listed(runtime, clock) == []


def test_the_day_that_the_centre_gives_is_the_one_that_counts(runtime: Runtime, clock: TestClock, days: Days) -> None:
    awa = Said("Awa", "la sage-femme l'a dit")
    centre_calendar.set_days(runtime, "GY73", [("fri", ())], clock.here.date(), awa)
    enrol(runtime, clock)
    days.until("2026-12-10")
    assert listed(runtime, clock) == []
    days.until("2026-12-11")
    assert [(late.on, late.days_late) for late in listed(runtime, clock)] == [(date(2026, 11, 27), 15)]


def test_a_dose_that_the_child_outgrew_is_not_asked_for(runtime: Runtime, clock: TestClock, days: Days) -> None:
    """The plan was made when it could still be given; the list is read much later."""
    enrol(runtime, clock)
    days.until(DAY_AFTER)
    assert "ROTA1" in listed(runtime, clock)[0].doses
    clock.advance(days=800)
    [late] = listed(runtime, clock)
    assert "ROTA1" not in late.doses
    assert "PENTA1" in late.doses


def test_the_list_is_of_these_quartiers_in_the_order_of_need(runtime: Runtime, clock: TestClock, days: Days) -> None:
    waits = enrol(runtime, clock, number=NEIGHBOUR, born="2026-10-05")  # due a week before, on the day it joins
    young = enrol(runtime, clock)
    elsewhere = enrol(runtime, clock, number="+22370000003", quartier="Ouolofobougou")
    days.until("2026-12-09")
    codes = [families.show_code(late.child.code) for late in listed(runtime, clock)]
    assert codes == [waits.code, young.code]
    assert len(listed(runtime, clock, limit=1)) == 1
    both = listed(runtime, clock, "Darsalam", "Ouolofobougou")
    assert {families.show_code(late.child.code) for late in both} == {waits.code, young.code, elsewhere.code}
    assert listed(runtime, clock, "Badialan 1") == []


def test_a_long_ladder_does_not_keep_a_family_that_hears_nothing(
    runtime: Runtime, clock: TestClock, days: Days
) -> None:
    """Where reminders go on for months, whoever gets none is visited when the programme calls it a defaulter."""
    from service.domain.late_order import LateRule

    enrol(runtime, clock)
    assert late_list.rule_of(runtime) == LateRule(told=14, untold=28)
    with runtime.database.begin() as tx:
        tx.execute(update(household).values(preferred_phone_id=None))
        tx.execute(update(appointment).values(next_step="J+60", next_step_on=date(2027, 1, 22)))
    clock.set("2026-12-21T10:00")
    assert listed(runtime, clock) == []
    clock.set("2026-12-22T10:00")
    assert len(listed(runtime, clock)) == 1


def test_after_a_step_taken_back_the_child_waits_for_its_reminder(
    runtime: Runtime, clock: TestClock, days: Days
) -> None:
    one = enrol(runtime, clock)
    days.until(LAST_REMINDER)
    clock.set(f"{LAST_REMINDER}T06:00")
    recalls.queue_recalls(runtime)
    with runtime.database.begin() as tx:
        recalls.take_back(tx, runtime, one.child_id, clock.now())
    assert listed(runtime, clock) == []


def test_the_list_of_a_quartier_reads_no_other_children(runtime: Runtime, clock: TestClock, days: Days) -> None:
    if not runtime.database.is_sqlite:
        pytest.skip("the plan of SQLite")
    enrol(runtime, clock)
    days.until(DAY_AFTER)
    zones, today = zone_ids(runtime, "Darsalam", "Koulouba"), clock.here.date()
    with runtime.database.read() as tx:
        with seen(tx) as statements:
            assert late_list.late_children(tx, runtime, zones, today)
        for statement, parameters in statements:
            tables = ("appointment", "child", "household", "person", "phone", "dose", "message", "visit", "opt_out")
            assert not whole_tables_of(tx, statement, parameters, tables)
        plan = tx.connection.driver_connection.execute(f"EXPLAIN QUERY PLAN {statements[0][0]}", statements[0][1])  # type: ignore[union-attr]
        assert any("ix_child_zone" in step for *_, step in plan.fetchall())
