"""What a report says of real rows: families enrolled, reminded, vaccinated, stopped, forgotten."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from sqlalchemy import delete, event, select, update

from service.domain import indicator_definitions as names
from service.domain.indicator_counts import CONTROLLED, NO_BIRTHDAY, NOT_PLANNED
from service.domain.indicators import WHOLE
from service.runtime import Runtime
from service.store import people_tables, place_tables, report_tables, talk_tables, visit_tables
from service.store.care_tables import appointment
from service.store.message_tables import message
from service.store.people_tables import child, person
from service.store.place_tables import organisation
from service.stories.delivery import dispatcher, receipts
from service.stories.homes.families import stop_child
from service.stories.keeping import retention
from service.stories.recall import recalls
from service.stories.staff import reports
from service.stories.staff.reports import CannotReport, Report, Wanted
from tests.conftest import HOOK_SECRET
from tests.loopback import LoopbackCarrier
from tests.mediators import an_account
from tests.people import TestClock
from tests.receipt_post import Receipts
from tests.stories.test_recalls import MOTHER, NEIGHBOUR, SIX_WEEKS, enrol, give
from tests.years import years_later

ALL = tuple(names.PARTS)


def report(runtime: Runtime, clock: TestClock, *parts: str, **changes: Any) -> Report:
    wanted = Wanted(parts or ALL, **({"as_of": clock.here.date(), "by": "whole"} | changes))
    return reports.report(runtime, wanted, clock.now())


def figure(found: Report, key: str, name: str, group: str = WHOLE) -> tuple[float | None, int | None, float | None]:
    (one,) = [one for one in found.indicators if (one.definition.key, one.name, one.group) == (key, name, group)]
    return one.numerator, one.denominator, one.value


def at_six_weeks(clock: TestClock) -> None:
    clock.set(f"{SIX_WEEKS}T10:00")


# --- children -----------------------------------------------------------------------------------------------


def test_an_empty_registry_gives_every_indicator_and_no_percent(runtime: Runtime, clock: TestClock) -> None:
    found = report(runtime, clock)
    assert (found.children, found.deleted) == (0, 0)
    assert {one.definition.key for one in found.indicators} == names.ALL - {names.NOTED}
    assert all(one.value is None for one in found.indicators)


def test_coverage_of_real_families(runtime: Runtime, clock: TestClock) -> None:
    awa = enrol(runtime, clock)
    enrol(runtime, clock, number=NEIGHBOUR)
    left = enrol(runtime, clock, number=NEIGHBOUR)
    at_six_weeks(clock)
    give(runtime, clock, awa, "PENTA", "OPV")
    with runtime.database.begin() as tx:
        stop_child(tx, runtime, left.child_id, clock.now())
    found = report(runtime, clock)
    assert found.children == 3
    assert figure(found, names.COVERAGE, "PENTA1") == (1, 2, 50.0)
    assert figure(found, names.COVERAGE, "BCG") == (2, 2, 100.0)
    assert figure(found, names.NOTED, "PENTA, 1 dose", "2026") == (1, 3, 33.3)
    assert figure(found, names.CHECKED, CONTROLLED) == (2, 2, 100.0)
    assert figure(found, names.LATE, "À jour") == (2, 2, 100.0)


def test_yesterday_knows_nothing_of_today(runtime: Runtime, clock: TestClock) -> None:
    awa = enrol(runtime, clock)
    at_six_weeks(clock)
    give(runtime, clock, awa, "PENTA")
    clock.advance(days=1)
    enrol(runtime, clock, number=NEIGHBOUR)
    before = report(runtime, clock, as_of=date(2026, 11, 22))
    assert before.children == 1
    assert figure(before, names.COVERAGE, "PENTA1") == (0, 0, None)
    assert figure(before, names.CHECKED, CONTROLLED) == (1, 1, 100.0)


def test_a_mothers_guess_of_a_day_is_no_timely_dose(runtime: Runtime, clock: TestClock) -> None:
    awa = enrol(runtime, clock)  # BCG and OPV at birth: the day is assumed
    at_six_weeks(clock)
    give(runtime, clock, awa, "PENTA")
    found = report(runtime, clock, "timeliness")
    assert figure(found, names.TIMELY, "BCG") == (0, 0, None)
    assert figure(found, names.TIMELY, "PENTA1") == (1, 1, 100.0)
    assert {one.definition.key for one in found.indicators} == {names.TIMELY}


def test_who_is_not_checked_is_counted_with_the_reason(runtime: Runtime, clock: TestClock) -> None:
    enrol(runtime, clock)
    forgotten = enrol(runtime, clock, number=NEIGHBOUR)
    nobody_knows = enrol(runtime, clock, number=NEIGHBOUR)
    with runtime.database.begin() as tx:
        tx.execute(delete(appointment).where(appointment.c.child_id == forgotten.child_id))
        tx.execute(update(person).where(person.c.id == nobody_knows.child_id).values(born_on=None))
    found = report(runtime, clock, "defaulters")
    assert figure(found, names.CHECKED, CONTROLLED) == (1, 3, 33.3)
    assert figure(found, names.CHECKED, NOT_PLANNED) == (1, 3, 33.3)
    assert figure(found, names.CHECKED, NO_BIRTHDAY) == (1, 3, 33.3)


def test_children_are_split_by_the_month_of_birth(runtime: Runtime, clock: TestClock) -> None:
    enrol(runtime, clock, born="2026-09-30")
    enrol(runtime, clock, born="2026-10-01", number=NEIGHBOUR)
    enrol(runtime, clock, born="2026-10-31", number=NEIGHBOUR)
    found = report(runtime, clock, "coverage", by="cohort")
    assert figure(found, names.COVERAGE, "BCG", "2026-09") == (1, 1, 100.0)
    assert figure(found, names.COVERAGE, "BCG", "2026-10") == (2, 2, 100.0)
    october = report(runtime, clock, "coverage", cohort=(date(2026, 10, 1), date(2026, 10, 31)))
    assert figure(october, names.COVERAGE, "BCG") == (2, 2, 100.0)
    assert october.children == 2


def test_a_quartier_with_few_children_is_not_shown(runtime: Runtime, clock: TestClock) -> None:
    for place in range(6):
        enrol(runtime, clock, number=f"+2237000010{place}", quartier="Darsalam")
        enrol(runtime, clock, number=f"+2237000020{place}", quartier="Badialan 2")
    for place in range(3):
        enrol(runtime, clock, number=f"+2237000030{place}", quartier="Bamako-Coura")
    found = report(runtime, clock, by="zone")
    assert found.smallest == 5
    assert figure(found, names.CHECKED, CONTROLLED) == (15, 15, 100.0)
    hidden = {one.group: one.hidden for one in found.indicators if one.name == CONTROLLED}
    assert hidden.pop("Bamako-Coura") == "<5"
    assert sorted(hidden.values()) == ["", "", "masqué"], "else the total would tell the one that is hidden"
    one = report(runtime, clock, zone="bamako coura")
    assert one.zone == "Bamako-Coura"
    assert figure(one, names.CHECKED, CONTROLLED) == (None, None, None)
    assert report(runtime, clock, zone="wolofobougou").zone == "Ouolofobougou"
    other = report(runtime, clock, zone="Darsalam", by="cohort")
    assert figure(other, names.COVERAGE, "BCG") == (6, 6, 100.0)
    assert not [one for one in other.indicators if one.definition.key == names.NOTED]


def test_a_question_that_cannot_be_answered(runtime: Runtime, clock: TestClock) -> None:
    with pytest.raises(CannotReport, match=r"there is no quartier 'Paris'; there are .*Darsalam"):
        report(runtime, clock, zone="Paris")
    with pytest.raises(CannotReport, match="2026-11-21 is still to come"):
        report(runtime, clock, as_of=date(2026, 11, 21))


@pytest.mark.parametrize("page", [1, 2, 3, 1000])
def test_pages_leave_nobody_out_and_count_nobody_twice(
    runtime: Runtime, clock: TestClock, monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    for place in range(6):
        enrol(runtime, clock, number=f"+2237000010{place}")
    monkeypatch.setattr(reports, "PAGE", page)
    heard: list[int] = []
    found = reports.report(runtime, Wanted(ALL, clock.here.date()), clock.now(), heard.append)
    assert found.children == 6
    assert figure(found, names.COVERAGE, "BCG") == (6, 6, 100.0)
    assert heard == sorted(heard)
    assert heard[-1] == 6


def test_a_report_writes_nothing_and_reads_no_name_and_no_number(runtime: Runtime, clock: TestClock) -> None:
    enrol(runtime, clock)
    seen = everything_asked(runtime, clock)
    assert len(seen) > 5
    assert all(one.lstrip().startswith("SELECT") for one in seen)
    assert not [one for one in seen if "person.name" in one or "phone." in one or "message.text" in one]


def everything_asked(runtime: Runtime, clock: TestClock, **changes: Any) -> list[str]:
    """The statements of a report, those too that go to the driver by themselves."""
    seen: list[str] = []

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        seen.append(statement)

    engine = runtime.database._reader
    event.listen(engine, "before_cursor_execute", note)
    report(runtime, clock, **changes)
    event.remove(engine, "before_cursor_execute", note)
    with runtime.database.read() as tx:
        prepared = (report_tables._DOSES, report_tables._PLANNED, report_tables._REMINDERS, report_tables._SEEN)
        prepared += (report_tables._INVITED,)
        return seen + [one._form(tx).sql for one in prepared]


def test_a_report_reads_by_index_a_page_at_a_time(runtime: Runtime, clock: TestClock) -> None:
    """Where SQLite tells its plan: no table that grows is read whole for a page of children or a week of messages."""
    if not runtime.database.is_sqlite:
        return
    enrol(runtime, clock)
    remind(runtime, clock)
    grows = ("child", "person", "dose", "appointment", "message", "message_appointment", "visit", "talk")
    for statement in everything_asked(runtime, clock) + everything_asked(runtime, clock, zone="Darsalam"):
        with runtime.database.read() as tx:
            cursor = tx.connection.driver_connection.cursor()  # type: ignore[union-attr]
            plan = cursor.execute(f"EXPLAIN QUERY PLAN {statement}", [None] * statement.count("?")).fetchall()
        whole = [step for *_, step in plan if step.startswith(tuple(f"SCAN {table}" for table in grows))]
        assert not [step for step in whole if step != "SCAN message_tally"], statement


def test_children_that_were_deleted_stay_in_the_counts_by_year(runtime: Runtime, clock: TestClock) -> None:
    awa = enrol(runtime, clock)
    at_six_weeks(clock)
    give(runtime, clock, awa, "PENTA")
    before = figure(report(runtime, clock), names.NOTED, "PENTA, 1 dose", "2026")
    years_later(clock, "2026-10-12")
    clock.advance(days=1)
    retention.purge(runtime)
    found = report(runtime, clock)
    assert (found.children, found.deleted) == (0, 1)
    assert figure(found, names.NOTED, "PENTA, 1 dose", "2026") == before == (1, 1, 100.0)
    some_months = report(runtime, clock, cohort=(date(2026, 1, 1), date(2026, 10, 31)))
    assert some_months.deleted == 0, "what was counted knows years only"


# --- reminders ----------------------------------------------------------------------------------------------


def remind(runtime: Runtime, clock: TestClock) -> None:
    recalls.queue_recalls(runtime)
    dispatcher.send_due(runtime)


def deliver(runtime: Runtime, carrier: LoopbackCarrier, product: str, to: str) -> None:
    plan = Receipts(product, f"/hooks/africastalking/receipt/{HOOK_SECRET}")
    for sms in [sms for sms in carrier.accepted if sms.to == to]:
        assert carrier.tell(sms, "Success", plan=plan) == 200
    receipts.settle(runtime)


def test_reach_and_cost_of_reminders(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier, product: str
) -> None:
    awa = enrol(runtime, clock)
    enrol(runtime, clock)  # a sibling: the same message tells of both
    neighbour = enrol(runtime, clock, number=NEIGHBOUR, quartier="Badialan 2")
    remind(runtime, clock)
    deliver(runtime, carrier, product, MOTHER)
    with runtime.database.begin() as tx:
        tx.execute(update(message).values(cost_estimated=1500, cost_true=None))
        tx.execute(update(message).where(message.c.state == "delivered").values(cost_true=1250))
    at_six_weeks(clock)
    give(runtime, clock, awa, "PENTA", "OPV", "PCV", "ROTA")
    give(runtime, clock, neighbour, "MR")  # of another contact, and too young for it
    found = report(runtime, clock, "reach")
    assert figure(found, names.DELIVERED, "Rappels") == (1, 2, 50.0)
    assert figure(found, names.DELIVERED_COST, "Rappels") == (27.5, 1, 27.5)
    assert figure(found, names.REACHED, "Enfants") == (2, 3, 66.7)
    assert figure(found, names.CAUGHT_UP, "Enfants") == (1, 3, 33.3)
    assert figure(found, names.CAUGHT_UP_COST, "Enfants") == (27.5, 1, 27.5)
    soon = report(runtime, clock, "reach", caught_up_days=2)
    assert figure(soon, names.CAUGHT_UP, "Enfants")[:2] == (0, 3), "it was three days"
    born_before = report(runtime, clock, "reach", cohort=(date(2026, 1, 1), date(2026, 9, 30)))
    assert figure(born_before, names.DELIVERED, "Rappels") == (0, 0, None)
    same = report(runtime, clock, "reach", cohort=(date(2026, 10, 1), date(2026, 10, 31)))
    assert figure(same, names.DELIVERED, "Rappels") == (1, 2, 50.0), "one message about two children is one"


def test_messages_counted_before_they_were_deleted_are_still_in_the_reach(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier, product: str
) -> None:
    enrol(runtime, clock)
    remind(runtime, clock)
    deliver(runtime, carrier, product, MOTHER)
    before = report(runtime, clock, "reach")
    assert figure(before, names.DELIVERED, "Rappels") == (1, 1, 100.0)
    clock.advance(days=401)
    assert retention.purge(runtime, ["messages"])["messages"] == 1
    after = report(runtime, clock, "reach")
    for key in (names.DELIVERED, names.DELIVERED_COST):
        assert figure(after, key, "Rappels") == figure(before, key, "Rappels")
    assert figure(after, names.REACHED, "Enfants") == (0, 0, None)
    assert figure(after, names.CAUGHT_UP_COST, "Enfants") == (0, 0, None)


def test_what_only_waits_was_not_tried(runtime: Runtime, clock: TestClock) -> None:
    enrol(runtime, clock)
    recalls.queue_recalls(runtime)
    found = report(runtime, clock, "reach")
    assert figure(found, names.DELIVERED, "Rappels") == (0, 0, None)
    assert figure(found, names.REACHED, "Enfants") == (0, 0, None)


def test_every_followed_child_has_its_row(runtime: Runtime, clock: TestClock) -> None:
    """A table of children that grows by another way in is checked too."""
    one = enrol(runtime, clock)
    with runtime.database.begin() as tx:
        tx.execute(update(child).where(child.c.person_id == one.child_id).values(zone_id=None))
    found = report(runtime, clock, "defaulters", by="zone")
    groups = {each.group for each in found.indicators}
    assert groups == {WHOLE, reports.NO_ZONE}


# --- what mediators do --------------------------------------------------------------------------------------


def hold_talk(runtime: Runtime, on: date, theme: str, participants: int, quartier: str = "Darsalam") -> None:
    with runtime.database.begin() as tx:
        organisation_id = tx.execute(select(organisation.c.id)).scalar_one()
        zone_id = next(zone_id for zone_id, name in place_tables.zones(tx) if name == quartier)
        talk_tables.put_talk(
            tx,
            runtime.now(),
            organisation_id=organisation_id,
            mediator_id=7,
            zone_id=zone_id,
            theme=theme,
            held_on=on,
            participants=participants,
        )


def test_talks_by_month_theme_and_quartier(runtime: Runtime, clock: TestClock) -> None:
    hold_talk(runtime, date(2026, 11, 3), "nutrition", 20)
    hold_talk(runtime, date(2026, 11, 10), "nutrition", 5)
    hold_talk(runtime, date(2026, 11, 10), "nutrition", 7, "Koulouba")
    hold_talk(runtime, date(2026, 10, 31), "malaria", 4)
    hold_talk(runtime, date(2025, 12, 1), "malaria", 1)
    hold_talk(runtime, date(2025, 11, 30), "malaria", 500)  # longer ago than twelve months
    hold_talk(runtime, date(2026, 11, 21), "malaria", 500)  # later than the day of the report
    found = report(runtime, clock, "activities")
    assert figure(found, names.TALKS, "Toutes les causeries") == (37, 5, 7.4)
    assert figure(found, names.TALKS, "2026-11 Nutrition") == (32, 3, 10.7)
    assert figure(found, names.TALKS, "2026-10 Paludisme") == (4, 1, 4.0)
    by_zone = report(runtime, clock, "activities", by="zone")
    assert figure(by_zone, names.TALKS, "2026-11 Nutrition", "Koulouba") == (7, 1, 7.0)
    assert figure(by_zone, names.TALKS, "2026-11 Nutrition") == (32, 3, 10.7)
    one_zone = report(runtime, clock, "activities", zone="koulouba")
    assert figure(one_zone, names.TALKS, "Toutes les causeries") == (7, 1, 7.0)
    born = report(runtime, clock, "activities", cohort=(date(2026, 1, 1), date(2026, 12, 31)))
    assert {one.definition.key for one in born.indicators} == {names.AT_HOME}, "talks are about no child"


def test_children_seen_at_home_and_visits(runtime: Runtime, clock: TestClock) -> None:
    account = an_account(runtime)
    children = [enrol(runtime, clock, number=f"+2237000010{place}") for place in range(6)]
    found_there = [("seen", 20), ("seen", 19), ("seen", 18), ("hospital", 18), ("refused", 18)]
    with runtime.database.begin() as tx:
        for one, (status, day) in zip(children, found_there, strict=False):
            child_row = people_tables.find_child(tx, id=one.child_id)
            assert child_row is not None
            visit_tables.add_visit(
                tx,
                organisation_id=child_row.organisation_id,
                child_id=one.child_id,
                mediator_id=account.id,
                zone_id=child_row.zone_id,
                status=status,
                visited_on=date(2026, 11, day),
                recorded_at=clock.now(),
            )
    found = report(runtime, clock, "activities")
    assert figure(found, names.AT_HOME, "Moins de 5 ans") == (3, 6, 50.0)
    assert figure(found, names.HOME_VISITS, "Toutes les visites") == (3, 5, 60.0)
    assert figure(found, names.HOME_VISITS, "2026-11") == (3, 5, 60.0)
    earlier = report(runtime, clock, "activities", as_of=date(2026, 11, 18))
    assert figure(earlier, names.HOME_VISITS, "Toutes les visites") == (1, 3, 33.3)
    small = report(runtime, clock, "activities", by="zone", as_of=clock.here.date())
    assert figure(small, names.HOME_VISITS, "2026-11", "Darsalam") == (3, 5, 60.0)
    clock.advance(days=400)
    later = report(runtime, clock, "activities")
    assert figure(later, names.AT_HOME, "Moins de 5 ans") == (0, 6, 0.0)
    assert figure(later, names.HOME_VISITS, "Toutes les visites") == (0, 0, None)
