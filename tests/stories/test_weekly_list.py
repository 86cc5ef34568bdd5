"""Monday morning: each mediator is told once, by code, whom to visit."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from flows.phrases import standard
from flows.sms_text import fold, is_gsm7, measure
from scheduler.timetable import TIMETABLE, one_round
from service.config import Config
from service.runtime import Runtime, build_runtime
from service.store import mediator_tables
from service.store.message_tables import message
from service.store.people_tables import Child
from service.stories.delivery import dispatch_gate
from service.stories.recall import recalls, weekly_list
from service.stories.recall.late_list import LateChild
from service.stories.staff import mediator_accounts
from service.stories.talk import opt_outs
from tests.loopback import LoopbackCarrier
from tests.mediators import KADIA, an_account, state_of
from tests.people import Days, TestClock
from tests.stories.test_recalls import MOTHER, enrol, give

SUNDAY, MONDAY = "2026-12-13", "2026-12-14"  # three weeks after the day that the children of these tests are due
OUMOU = "+22366000008"


def until(runtime: Runtime, clock: TestClock, moment: str) -> None:
    """Nothing but this: the last reminder of the six weeks was told, and time passed."""
    clock.moment = max(clock.moment, TestClock("2026-12-07T09:30").moment)
    recalls.queue_recalls(runtime)
    clock.moment = max(clock.moment, TestClock(moment).moment)


def lists(runtime: Runtime) -> list[Any]:
    with runtime.database.read() as tx:
        return list(tx.execute(select(message).where(message.c.key.startswith("weekly-list:"))))


def heard(carrier: LoopbackCarrier, number: str = KADIA) -> list[str]:
    return [sms.text for sms in carrier.accepted if sms.to == number]


def test_she_is_told_the_code_and_the_days_and_nothing_else(
    runtime: Runtime, clock: TestClock, days: Days, carrier: LoopbackCarrier
) -> None:
    one = enrol(runtime, clock)
    an_account(runtime)
    days.until(SUNDAY)
    assert heard(carrier) == []
    sent = days.until(MONDAY)
    assert heard(carrier) == [f"Laseli, semaine du 14/12 : 1 à voir. {one.code} 21j."]
    assert sent == [("12-14", heard(carrier)[0])]
    [row] = lists(runtime)
    assert (row.purpose, row.klass, row.parts) == ("staff", "must-arrive", 1)
    assert row.useful_until == clock.now() - 60_000 - 5 * 3_600_000, "at seven in the evening it is too late to begin"


def test_it_goes_once_a_week_and_again_the_week_after(
    runtime: Runtime, clock: TestClock, days: Days, carrier: LoopbackCarrier
) -> None:
    one = enrol(runtime, clock)
    an_account(runtime)
    days.until("2026-12-20")
    assert len(heard(carrier)) == 1
    days.until("2026-12-27")
    assert heard(carrier)[1:] == [f"Laseli, semaine du 21/12 : 1 à voir. {one.code} 28j."]


def test_two_workers_at_once_tell_her_once(runtime: Runtime, clock: TestClock) -> None:
    enrol(runtime, clock)
    for place in range(30):
        an_account(runtime, f"+223660001{place:02d}")
    until(runtime, clock, f"{SUNDAY}T10:00")
    clock.set(f"{MONDAY}T07:30")
    told: list[int] = []
    both = threading.Barrier(2)

    def work() -> None:
        both.wait()
        told.append(weekly_list.queue_weekly_lists(runtime))

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(told) == len(lists(runtime)) == 30
    assert weekly_list.queue_weekly_lists(runtime) == 0


def test_on_a_feast_it_waits_for_the_next_working_day(
    runtime: Runtime, clock: TestClock, days: Days, carrier: LoopbackCarrier
) -> None:
    enrol(runtime, clock)
    an_account(runtime)
    until(runtime, clock, "2027-03-29T00:01")
    days.until("2027-03-29")
    assert heard(carrier) == [], "Easter Monday"
    days.until("2027-03-30")
    assert [text[:26] for text in heard(carrier)] == ["Laseli, semaine du 30/03 :"]


def test_nobody_to_visit_is_no_sms(runtime: Runtime, clock: TestClock) -> None:
    one = enrol(runtime, clock)
    an_account(runtime)
    give(runtime, clock, one, "PENTA", "OPV", "PCV", "ROTA", on="2026-11-20")
    until(runtime, clock, f"{MONDAY}T09:30")
    one_round(runtime)
    assert lists(runtime) == []


def test_a_dose_on_sunday_takes_the_child_off_the_list_of_monday(runtime: Runtime, clock: TestClock) -> None:
    one = enrol(runtime, clock)
    an_account(runtime)
    until(runtime, clock, "2026-12-12T10:00")
    give(runtime, clock, one, "PENTA", "OPV", "PCV", "ROTA")
    until(runtime, clock, f"{MONDAY}T09:30")
    one_round(runtime)
    assert lists(runtime) == []


def test_only_open_accounts_with_quartiers_are_told(runtime: Runtime, clock: TestClock) -> None:
    enrol(runtime, clock)
    an_account(runtime, zones=("Ouolofobougou",))
    locked, gone, none = (an_account(runtime, f"+2236600001{place}") for place in range(3))
    with runtime.database.begin() as tx:
        mediator_tables.change(tx, locked.id, state="locked", locked_at=clock.now())
        mediator_accounts.leave(tx, gone.id, "Fatou", clock.now())
        mediator_tables.set_zones(tx, none.id, ())
    until(runtime, clock, f"{MONDAY}T09:30")
    one_round(runtime)
    assert lists(runtime) == []


def test_a_family_that_stopped_its_messages_is_on_hers(
    runtime: Runtime, clock: TestClock, days: Days, carrier: LoopbackCarrier
) -> None:
    one = enrol(runtime, clock)
    an_account(runtime)
    with runtime.database.begin() as tx:
        opt_outs.stop(tx, runtime, MOTHER, "sms", clock.now())
    assert [text for _, text in days.until(MONDAY)] == heard(carrier)
    assert one.code in heard(carrier)[0]


def test_a_worker_that_was_off_on_monday_tells_on_tuesday(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier
) -> None:
    enrol(runtime, clock)
    an_account(runtime)
    until(runtime, clock, f"{SUNDAY}T10:00")
    clock.set("2026-12-14T22:00")
    one_round(runtime)
    assert heard(carrier) == [], "nobody is written to at night"
    clock.set("2026-12-15T07:30")
    one_round(runtime)
    assert len(heard(carrier)) == 1


def test_after_a_restore_nobody_is_told_a_second_time(runtime: Runtime, clock: TestClock) -> None:
    enrol(runtime, clock)
    an_account(runtime)
    until(runtime, clock, f"{SUNDAY}T10:00")
    clock.set(f"{MONDAY}T11:00")
    with runtime.database.begin() as tx:
        dispatch_gate.close_restored(tx, "a test", clock.now())
        dispatch_gate.reopen(tx, dispatch_gate.RESTORED)
    assert weekly_list.queue_weekly_lists(runtime) == 0
    assert lists(runtime) == []
    clock.set("2026-12-21T08:00")
    assert weekly_list.queue_weekly_lists(runtime) == 1


def test_a_restore_before_the_list_costs_nobody_the_list(runtime: Runtime, clock: TestClock) -> None:
    enrol(runtime, clock)
    an_account(runtime)
    until(runtime, clock, f"{SUNDAY}T10:00")
    clock.set(f"{MONDAY}T05:00")
    with runtime.database.begin() as tx:
        dispatch_gate.close_restored(tx, "a test", clock.now())
        dispatch_gate.reopen(tx, dispatch_gate.RESTORED)
    clock.set(f"{MONDAY}T08:00")
    assert weekly_list.queue_weekly_lists(runtime) == 1


def test_a_process_that_ends_leaves_the_rest_to_the_next_one(runtime: Runtime, clock: TestClock) -> None:
    enrol(runtime, clock)
    for place in range(30):
        an_account(runtime, f"+223660001{place:02d}")
    until(runtime, clock, f"{SUNDAY}T10:00")
    clock.set(f"{MONDAY}T08:00")
    runtime.stopping.set()
    assert weekly_list.queue_weekly_lists(runtime) == 0
    assert 0 < len(lists(runtime)) < 30
    runtime.stopping.clear()
    weekly_list.queue_weekly_lists(runtime)
    assert len(lists(runtime)) == 30


@pytest.fixture
def on_wednesday(settings: Config, clock: TestClock) -> Iterator[Runtime]:
    changed = {"weekday": "wed", "at": "09:00"}
    built = build_runtime(Config.model_validate(settings.model_dump() | {"late_list": changed}), at=clock)
    yield built
    built.database.close()


def test_the_day_and_the_hour_are_settings(on_wednesday: Runtime, clock: TestClock) -> None:
    enrol(on_wednesday, clock)
    an_account(on_wednesday)
    found = {}
    for moment in ("2026-12-29T10:00", "2026-12-30T08:00", "2026-12-30T09:00"):
        clock.set(moment)
        one_round(on_wednesday)
        found[moment] = weekly_list.queue_weekly_lists(on_wednesday) + len(lists(on_wednesday))
    assert list(found.values()) == [0, 0, 1]


def test_the_worker_looks_at_it(runtime: Runtime) -> None:
    assert weekly_list.queue_weekly_lists in [entry.run for entry in TIMETABLE]


# --- the words ----------------------------------------------------------------------------------------------


def late(place: int, days_late: int) -> LateChild:
    born = date(2026, 1, 1)
    child = Child(place, f"{place:08d}", 1, 1, 1, 1, None, "test", "followed", born, born, "F", "day")
    return LateChild(child, ("PENTA1",), days_late, born + timedelta(42), "J+14", False, "")


@pytest.mark.parametrize("language", ["fr", "bm", "en"])
def test_a_long_list_is_cut_where_two_sms_are_full_and_says_where_the_rest_is(runtime: Runtime, language: str) -> None:
    one = state_of(runtime, an_account(runtime, language=language).id)
    text = weekly_list.text_for(runtime, one, [late(n, 400 - n) for n in range(300)], date(2026, 11, 30))
    assert is_gsm7(fold(text))
    assert measure(fold(text)).parts <= 2
    assert "300" in text
    assert text.endswith("*384*223#, 6.")
    shown = re.findall(r"\d{4} \d{4}", text)
    assert len(shown) >= 9
    assert shown == [f"0000 {n:04d}" for n in range(len(shown))], "the most urgent ones"


def test_the_room_for_codes_is_what_the_phrase_has_proved(runtime: Runtime) -> None:
    for key in ("weekly.all", "weekly.first"):
        phrase = standard().by_key[key]
        assert phrase.slots["children"].width == weekly_list.CHILDREN_WIDTH
        assert phrase.parts == 2


def test_a_list_that_just_fits_is_whole(runtime: Runtime) -> None:
    one = state_of(runtime, an_account(runtime).id)
    for many in range(1, 15):
        text = weekly_list.text_for(runtime, one, [late(n, 21) for n in range(many)], date(2026, 11, 30))
        whole = len(re.findall(r"\d{4} \d{4}", text)) == many
        assert whole is not text.endswith(", 6.")
        assert f"{many} à voir" in text


def test_no_list_names_a_child_a_vaccine_or_a_number(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier
) -> None:
    enrol(runtime, clock)
    an_account(runtime)
    until(runtime, clock, f"{MONDAY}T09:30")
    one_round(runtime)
    assert not re.search(r"Awa|Diarra|vaccin|PENTA|\+223|demain|aujourd", json.dumps(heard(carrier)), re.IGNORECASE)


def test_a_carrier_that_is_away_all_day_brings_no_list_at_night(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier
) -> None:
    enrol(runtime, clock)
    an_account(runtime)
    until(runtime, clock, f"{SUNDAY}T10:00")
    clock.set(f"{MONDAY}T08:00")
    weekly_list.queue_weekly_lists(runtime)
    clock.set(f"{MONDAY}T21:00")
    one_round(runtime)
    one_round(runtime)
    assert heard(carrier) == []
    assert [row.state for row in lists(runtime)] == ["expired"]
