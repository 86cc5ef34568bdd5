"""Families followed for several things at once: vaccines, weekly visits, malaria rounds and a cover that ends."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import select

from service import jobs
from service.config import Config
from service.domain import vaccine_calendar
from service.domain.vaccine_calendar import load_calendar
from service.follow_up_settings import CoverSettings
from service.runtime import Runtime
from service.store import people_tables, phone_tables, replan_tables
from service.store.care_tables import appointment
from service.stories.care import malaria_announcements
from service.stories.homes import consents, families, handovers, pauses, wrong_numbers
from service.stories.homes.consents import Words
from service.stories.homes.families import Enrolled
from service.stories.recall import recalls, replanning
from service.stories.talk import opt_outs
from tests.follow_ups import with_follow_ups
from tests.people import Days, TestClock
from tests.stories.test_centre_days import AUNT, NEXT_MON, mondays
from tests.stories.test_centre_days import cancel as cancel_day
from tests.stories.test_cover_ends import DISCREET, asked, covered
from tests.stories.test_malaria_rounds import GROWN, PARDON, announce, expected, grown, move, said
from tests.stories.test_recalls import MOTHER, NEIGHBOUR, check_promises, enrol
from tests.treatments import taken_in

WORDS = Words("test", "fr", "ussd")


@pytest.fixture
def settings(settings: Config) -> Config:
    cover = CoverSettings(confirmed_by="the mutual's manager")
    return with_follow_ups(settings).model_copy(update={"cover": cover})


def stands(runtime: Runtime, one: Enrolled) -> list[tuple[str, str | None, str | None]]:
    """(kind, step told last, next step) of a child's open appointments of the next days."""
    a = appointment.c
    with runtime.database.read() as tx:
        which = (a.child_id == one.child_id) & (a.state == "open") & (a.anchor_on < date(2026, 12, 15))
        rows = tx.execute(select(a.kind, a.last_step, a.next_step).where(which).order_by(a.kind, a.anchor_on))
        return [(row.kind, row.last_step, row.next_step) for row in rows]


def test_a_page_whose_families_all_wait_anew_is_not_the_last_one(
    runtime: Runtime, clock: TestClock, days: Days, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first one is late and its centre's next day was cancelled: nothing of it is due any more."""
    monkeypatch.setattr(recalls, "PAGE", 1)
    mondays(runtime)
    enrol(runtime, clock)
    clock.set("2026-11-19T12:00")
    cancel_day(runtime, NEXT_MON)
    clock.set("2026-11-20T07:00")
    days.until("2026-11-23")
    clock.set("2026-11-26T06:00")
    grown(runtime, clock, NEIGHBOUR)
    announce(runtime, said(date(2026, 11, 29), date(2026, 12, 3)))
    assert recalls.queue_recalls(runtime) == 1, "in the first round of the worker"


def test_who_refuses_the_mutuals_news_hears_not_even_what_waited(
    runtime: Runtime, clock: TestClock, days: Days
) -> None:
    enrol(runtime, clock, number=MOTHER, born=GROWN, last_visit="m15")
    covered(runtime, asked(runtime, MOTHER))
    days.until("2026-11-24")
    clock.set("2026-11-25T07:00")
    assert recalls.queue_recalls(runtime) == 1
    with runtime.database.begin() as tx:
        opt_outs.stop(tx, runtime, MOTHER, "test", runtime.now(), purpose="campaign")
    assert days.until("2026-11-26") == []


def test_discreet_words_hold_for_a_cover_that_waits(runtime: Runtime, clock: TestClock, days: Days) -> None:
    child = enrol(runtime, clock, number=MOTHER, born=GROWN, last_visit="m15")
    covered(runtime, asked(runtime, MOTHER))
    with runtime.database.begin() as tx:
        phone = phone_tables.find_phone(tx, MOTHER)
        assert phone is not None
        assert consents.choose_words(tx, runtime, phone.id, True, WORDS, clock.now())
        families.stop_child(tx, runtime, child.child_id, clock.now())
    clock.set("2026-11-25T07:00")
    assert recalls.queue_recalls(runtime) == 1
    with runtime.database.begin() as tx:
        consents.choose_words(tx, runtime, phone.id, False, WORDS, clock.now())
    assert [text for _, text in days.until("2026-11-25")] == [DISCREET.format("25/12")]


def test_a_sibling_whose_message_a_round_took_back_hears_it_all(runtime: Runtime, clock: TestClock) -> None:
    """A new calendar plans both anew while the family waits to be asked about a round that was moved."""
    file = vaccine_calendar.FOLDER / "ml-pev-2026.yaml"
    source = file.read_text("utf-8")
    calendar = load_calendar(source.replace("{id: ROTA1, recommended: 42 days", "{id: ROTA1, recommended: 56 days"))
    later = replace(runtime, calendar=replace(calendar, latest_source="TEST9"))
    own = grown(runtime, clock)
    clock.advance(minutes=1)
    young = enrol(runtime, clock, born="2026-10-22")
    announce(runtime)  # 3 December is the day of both
    clock.set("2026-11-30T07:00")
    assert recalls.queue_recalls(runtime) == 1
    with runtime.database.begin() as tx:
        malaria_announcements.move(tx, runtime, said(date(2026, 12, 10), date(2026, 12, 14)), runtime.now())
    replanning.start(later, "Awa")
    with runtime.database.read() as tx:
        run = replan_tables.last_run(tx)
    assert run is not None
    replanning.carry_on(later, run.id)
    jobs.carry_out_due(later)
    told = [step for kind, step, _ in stands(runtime, young) if kind == "vaccine"]
    assert set(told) == {None}, "nothing left: it is told from the beginning"
    assert [row for row in stands(runtime, own) if row[0] == "smc"] == [("smc", None, "J-3")]


def test_everything_due_on_one_day_is_one_sms_and_the_cover_comes_the_day_after(
    runtime: Runtime, clock: TestClock, days: Days
) -> None:
    enrol(runtime, clock, born="2026-10-14")  # six weeks old on 25 November
    ill = grown(runtime, clock)
    taken_in(runtime, ill, on=date(2026, 11, 18))
    announce(runtime, said(date(2026, 11, 25), date(2026, 11, 29)))
    covered(runtime, asked(runtime, MOTHER))
    sent = days.until("2026-12-20")
    assert len({day for day, _ in sent}) == len(sent), "never two in a day"
    assert [day for day, text in sent if "25/12" in text] == ["11-26", "12-18"]
    check_promises(runtime)
    assert {(kind, told) for kind, told, _ in stands(runtime, ill)} == {("nutrition", "J+7"), ("smc", "J")}


def test_what_is_taken_back_stands_where_its_own_ladder_stood(runtime: Runtime, clock: TestClock) -> None:
    """Announced on the last day, a round has no J-1: that is a step of vaccines."""
    own = grown(runtime, clock)
    announce(runtime, said(date(2026, 11, 21), date(2026, 11, 25)))
    clock.set("2026-11-21T07:00")
    assert recalls.queue_recalls(runtime) == 1
    assert stands(runtime, own) == [("smc", "J", None)]
    with runtime.database.begin() as tx:
        recalls.take_back(tx, runtime, own.child_id, clock.now())
    assert stands(runtime, own) == [("smc", "J-3", "J")], "let go, not told"


def test_a_number_that_is_not_theirs_hears_of_no_cover(runtime: Runtime, clock: TestClock, days: Days) -> None:
    covered(runtime, asked(runtime, MOTHER))
    clock.set("2026-11-25T07:00")
    assert recalls.queue_recalls(runtime) == 1
    with runtime.database.begin() as tx:
        mine = phone_tables.find_phone(tx, MOTHER)
        assert mine is not None
        wrong_numbers.not_this_number(tx, runtime, mine, clock.now())
    assert days.until("2026-11-26") == []


def test_who_was_planned_anew_while_a_round_moved_is_asked_pardon_all_the_same(
    runtime: Runtime, clock: TestClock, days: Days
) -> None:
    """On the phone that hears the family's reminders by then: the mother's stopped."""
    own = grown(runtime, clock)
    announce(runtime)
    assert [day for day, _ in days.until("2026-11-30")] == ["11-30"]
    clock.set("2026-12-01T10:00")
    with runtime.database.begin() as tx:
        handovers.announce(tx, runtime, MOTHER, AUNT, "fr", clock.now(), kind=handovers.BESIDE)
        assert handovers.accept(tx, runtime, AUNT, WORDS, clock.now())
    with runtime.database.begin() as tx:
        opt_outs.stop(tx, runtime, MOTHER, "sms", clock.now())
    with runtime.database.begin() as tx:
        malaria_announcements.move(tx, runtime, said(date(2026, 12, 10), date(2026, 12, 14)), runtime.now())
        recalls.replan(tx, runtime, own.child_id, clock.now())
    assert expected(runtime, own) == [("2026-1-day1", "12-03")], "left to who asks pardon"
    jobs.carry_out_due(runtime)
    assert expected(runtime, own) == [("2026-1-day1", "12-10")]
    sent = [text for _, text in days.until("2026-12-02") if PARDON in text]
    assert len(sent) == 1
    assert {sms.to for sms in days.carrier.accepted if sms.text == sent[0]} == {AUNT}


def test_a_family_back_from_hospital_is_asked_pardon_too(runtime: Runtime, clock: TestClock, days: Days) -> None:
    own = grown(runtime, clock)
    announce(runtime)
    with runtime.database.begin() as tx:
        child = people_tables.find_child(tx, id=own.child_id)
        assert child is not None
        pauses.pause(tx, runtime, child, date(2026, 11, 25), clock.now())
    assert [day for day, _ in days.until("2026-11-30")] == ["11-30"]
    clock.set("2026-12-01T10:00")
    move(runtime, said(date(2026, 12, 10), date(2026, 12, 14)))
    assert [PARDON in text for _, text in days.until("2026-12-02")] == [True]
