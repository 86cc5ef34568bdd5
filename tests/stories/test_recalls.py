"""When a family hears of a coming contact: the right local day and hour, once a day, and never too late."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date, datetime, time
from typing import Any

import pytest
from sqlalchemy import select, update

from scheduler.timetable import one_round
from service.config import Config
from service.domain import local_time
from service.domain.sending_hours import DAYTIME, within
from service.runtime import Runtime, build_runtime
from service.store import place_tables, system_tables
from service.store.care_tables import appointment
from service.store.message_tables import message, send_attempt
from service.store.people_tables import household
from service.store.recall_tables import message_appointment
from service.stories.care import doses
from service.stories.homes import families
from service.stories.homes.consents import Words
from service.stories.homes.families import Enrolled, Enrolment
from service.stories.recall import recalls
from tests.loopback import LoopbackCarrier
from tests.people import Days, TestClock

MOTHER, NEIGHBOUR = "+22370000001", "+22370000002"
SIX_WEEKS = "2026-11-23"
BORN = "2026-10-12"  # six weeks old on that day
WHOLE_LADDER = ["11-20", "11-22", "11-23", "11-25", "11-30", "12-07"]


# --- builders: the usual case -------------------------------------------------------------------------------


def enrol(
    runtime: Runtime,
    clock: TestClock,
    *,
    number: str = MOTHER,
    born: str = BORN,
    last_visit: str = "birth",
    quartier: str = "Darsalam",
) -> Enrolled:
    """A child of Darsalam who had its vaccines at birth, and nothing since."""
    with runtime.database.begin() as tx:
        zone_id = next(id for id, name in place_tables.zones(tx) if name == quartier)
        told = Enrolment(
            name="Awa",
            born_on=date.fromisoformat(born),
            birth_precision="day",
            sex="F",
            zone_id=zone_id,
            last_visit=last_visit,
            last_visit_on=None,
            consent=Words("test", "fr", "test"),
        )
        return families.enrol_child(tx, runtime, number, told, clock.now())


def give(runtime: Runtime, clock: TestClock, child: Enrolled, *antigens: str, on: str | None = None) -> list[str]:
    day = date.fromisoformat(on) if on else clock.here.date()
    with runtime.database.begin() as tx:
        return doses.record_doses(tx, runtime, child.code, antigens, day, source="centre", by="test", now=clock.now())


def messages(runtime: Runtime) -> list[Any]:
    with runtime.database.read() as tx:
        return list(tx.execute(select(message).where(message.c.purpose == "reminder").order_by(message.c.key)))


def steps_told(runtime: Runtime, child: Enrolled) -> list[tuple[str, str]]:
    """(step, state of the message that tells it), in the order of the ladder's days."""
    with runtime.database.read() as tx:
        rows = tx.execute(
            select(message_appointment.c.step, message.c.state, message.c.key)
            .join(message, message.c.id == message_appointment.c.message_id)
            .join(appointment, appointment.c.id == message_appointment.c.appointment_id)
            .where(appointment.c.child_id == child.child_id)
            .order_by(message.c.key)
        )
        return [(row.step, row.state) for row in rows]


def plans(runtime: Runtime, child: Enrolled) -> dict[str, str]:
    """The open appointments of a child: doses -> day."""
    with runtime.database.read() as tx:
        rows = tx.execute(
            select(appointment.c.doses, appointment.c.anchor_on).where(
                appointment.c.child_id == child.child_id, appointment.c.state == "open"
            )
        )
        return {row.doses: row.anchor_on.isoformat() for row in rows}


def check_promises(runtime: Runtime) -> None:
    """What holds for every recall, whatever happened: hours, usefulness, one a local day, each step told once."""
    with runtime.database.read() as tx:
        calls = list(
            tx.execute(
                select(send_attempt.c.at, message.c.id, message.c.number_idx, message.c.useful_until)
                .join(message, message.c.id == send_attempt.c.message_id)
                .where(message.c.purpose == "reminder")
            )
        )
        linked = set(tx.execute(select(message_appointment.c.message_id)).scalars())
    assert all(within(runtime.local(call.at), DAYTIME) for call in calls), "outside the sending hours"
    assert all(call.at < call.useful_until for call in calls), "sent late"
    days: dict[tuple[bytes, date], set[int]] = {}
    for call in calls:
        days.setdefault((call.number_idx, runtime.today(call.at)), set()).add(call.id)
    assert all(len(ids) == 1 for ids in days.values()), "two messages on one local day"
    for one in messages(runtime):
        assert one.not_before < one.useful_until
        tells = one.id in linked or one.key.startswith("sorry:")
        assert one.state in ("cancelled", "unresolved") or tells, "a message that tells of no appointment"


RuntimeIn = Callable[[str, str], tuple[Runtime, TestClock]]


@pytest.fixture
def runtime_in(settings: Config) -> Iterator[RuntimeIn]:
    """A runtime in another time zone, at a local moment there."""
    opened: list[Runtime] = []

    def build(zone: str, moment: str) -> tuple[Runtime, TestClock]:
        clock = TestClock(moment, zone)
        opened.append(build_runtime(settings.model_copy(update={"timezone": zone}), at=clock))
        return opened[-1], clock

    yield build
    for one in opened:
        one.database.close()


def on_days(sent: list[tuple[str, str]]) -> list[str]:
    return [day for day, _ in sent]


# --- the worker was away ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("back", "heard"),
    [
        ("2026-11-22T17:30", WHOLE_LADDER),
        ("2026-11-25T16:30", ["11-20", "11-25", "11-30", "12-07"]),
        ("2026-12-13T16:30", ["11-20", "12-13"]),
        ("2027-01-10T16:30", ["11-20"]),
    ],
    ids=["one hour", "three days", "three weeks", "seven weeks"],
)
def test_after_the_worker_was_away_only_what_is_still_useful_is_said(
    runtime: Runtime, clock: TestClock, days: Days, back: str, heard: list[str]
) -> None:
    child = enrol(runtime, clock)
    sent = days.until("2026-11-21")
    clock.set("2026-11-22T00:05")
    one_round(runtime)  # the evening's message is written; then the current fails, at 16:30
    clock.set(back)
    sent += days.until(max(back[:10], "2026-12-14"))
    assert on_days(sent) == heard
    check_promises(runtime)
    told = steps_told(runtime, child)
    assert len({step for step, _ in told}) == len(told), "each step once"
    assert {state for _, state in told} <= {"accepted", "no_receipt", "expired"}


def test_the_steps_nobody_heard_are_counted(runtime: Runtime, clock: TestClock, days: Days) -> None:
    enrol(runtime, clock)
    days.until("2026-11-20")
    clock.set("2026-12-08T10:00")  # J-1, J, J+2 and J+7 have passed
    days.until("2026-12-08")
    with runtime.database.read() as tx:
        assert system_tables.counters(tx)["recall_steps_passed_over"] == 4


def test_after_a_night_without_current_the_morning_brings_one_message(
    runtime: Runtime, clock: TestClock, days: Days, carrier: LoopbackCarrier
) -> None:
    """The evening's message was never sent, the morning's is due: they say the same thing."""
    enrol(runtime, clock)
    days.until("2026-11-21")
    clock.set("2026-11-22T00:05")
    one_round(runtime)
    clock.set("2026-11-23T00:05")
    one_round(runtime)
    before = len(carrier.accepted)
    sent = days.until("2026-12-08")
    assert len(carrier.accepted) - before == len(sent)
    assert on_days(sent) == ["11-23", "11-25", "11-30", "12-07"]
    check_promises(runtime)


def test_when_the_old_message_left_first_the_new_one_waits_for_the_next_day(
    runtime: Runtime, clock: TestClock, days: Days
) -> None:
    """Planner and senders start together after the cut: whichever is quicker, the family hears once that day."""
    from service.stories.delivery import dispatcher

    enrol(runtime, clock)
    days.until("2026-11-21")
    clock.set("2026-11-22T00:05")
    one_round(runtime)
    clock.set("2026-11-23T08:00")
    assert dispatcher.send_due(runtime) == 1
    days.until("2026-12-08")
    check_promises(runtime)


# --- other places of the world ------------------------------------------------------------------------------

LOOKS = ("00:01", "07:59", "08:00", "08:30", "09:00", "17:00", "18:59", "19:00", "23:59")


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/Bogota", "Africa/Bamako"])
def test_local_hours_and_days_hold_everywhere(runtime_in: RuntimeIn, carrier: LoopbackCarrier, zone: str) -> None:
    runtime, clock = runtime_in(zone, "2026-11-19T23:30")
    enrol(runtime, clock)
    heard = []
    for day in range(20, 26):
        for hour in LOOKS:
            clock.set(f"2026-11-{day}T{hour}")
            before = len(carrier.accepted)
            one_round(runtime)
            heard += [f"{clock.here:%d %H:%M}"] * (len(carrier.accepted) - before)
    assert heard == ["20 09:00", "22 17:00", "23 08:30", "25 09:00"]
    check_promises(runtime)
    assert [one.key.rsplit(":", 1)[1] for one in messages(runtime)] == [
        "2026-11-20",
        "2026-11-22",
        "2026-11-23",
        "2026-11-25",
    ]


@pytest.mark.parametrize(
    ("born", "change_day"), [("2026-09-13", "2026-10-25"), ("2027-02-14", "2027-03-28")], ids=["autumn", "spring"]
)
def test_the_day_the_clocks_change(runtime_in: RuntimeIn, carrier: LoopbackCarrier, born: str, change_day: str) -> None:
    day = date.fromisoformat(change_day)
    runtime, clock = runtime_in("Europe/Paris", f"{day.replace(day=day.day - 4)}T10:00")
    enrol(runtime, clock, born=born)
    heard = []
    for offset in range(-3, 4):
        if (today := date.fromordinal(day.toordinal() + offset)) is not None:
            for hour in ("00:30", "01:30", "02:30", "03:30", *LOOKS[1:]):
                clock.set(f"{today}T{hour}")
                before = len(carrier.accepted)
                one_round(runtime)
                heard += [(offset, f"{clock.here:%H:%M}")] * (len(carrier.accepted) - before)
    assert heard == [(-3, "09:00"), (-1, "17:00"), (0, "08:30"), (2, "09:00")]
    check_promises(runtime)
    assert local_time.instant(datetime.combine(day, time(8, 30)), "Europe/Paris") in {
        one.not_before for one in messages(runtime)
    }


@pytest.mark.parametrize(
    ("at", "back_at"), [("2026-11-23T09:30", "2026-11-23T08:30"), ("2026-11-23T00:10", "2026-11-22T23:10")]
)
def test_a_clock_that_goes_back_an_hour_doubles_nothing(
    runtime: Runtime, clock: TestClock, days: Days, at: str, back_at: str
) -> None:
    enrol(runtime, clock)
    sent = days.until("2026-11-21")
    clock.set("2026-11-22T09:30")
    sent += days.until("2026-11-22")
    for moment in (at, back_at, at):
        clock.set(moment)
        one_round(runtime)
    sent += days.until("2026-12-08")
    check_promises(runtime)
    assert len(messages(runtime)) == len(WHOLE_LADDER)


# --- which contacts, and how many messages ------------------------------------------------------------------


def test_a_child_who_comes_at_five_months_gets_one_contact_and_not_six_messages(
    runtime: Runtime, clock: TestClock, days: Days
) -> None:
    child = enrol(runtime, clock, born="2026-06-20", last_visit="none")
    assert list(plans(runtime, child).values()).count("2026-11-20") == 1
    sent = days.until("2026-12-06")
    assert on_days(sent) == ["11-20", "11-22", "11-27", "12-04"]
    days_named = [re.findall(r"\d\d/\d\d", text) for _, text in sent]
    assert days_named == [["20/11"], ["23/11"], ["27/11"], ["04/12"]], "late on a Sunday it is told the Monday"


def test_enrolled_before_breakfast_a_child_is_not_told_of_two_days_running(
    runtime: Runtime, clock: TestClock, days: Days
) -> None:
    clock.set("2026-11-20T07:00")
    enrol(runtime, clock, born="2026-06-20", last_visit="none")
    one_round(runtime)
    sent = days.until("2026-12-06")
    assert on_days(sent) == ["11-20", "11-22", "11-27", "12-04"]


def test_who_enrols_on_the_eve_hears_that_evening_and_on_the_day(
    runtime: Runtime, clock: TestClock, days: Days
) -> None:
    clock.set("2026-11-22T10:00")
    enrol(runtime, clock)
    sent = days.until("2026-11-26")
    assert on_days(sent) == ["11-22", "11-23", "11-25"]


def test_enrolled_in_the_evening_two_days_before_the_eve_brings_one_message(
    runtime: Runtime, clock: TestClock, days: Days
) -> None:
    """What is written at night leaves the next morning, and that morning has a message of its own."""
    clock.set("2026-11-21T20:00")
    enrol(runtime, clock)
    one_round(runtime)
    clock.set("2026-11-22T00:01")
    sent = days.until("2026-11-26")
    assert on_days(sent) == ["11-22", "11-23", "11-25"]
    check_promises(runtime)


def test_two_children_enrolled_in_one_evening_are_one_message(runtime: Runtime, clock: TestClock, days: Days) -> None:
    clock.set("2026-11-20T20:00")
    for born in ("2026-06-20", "2026-05-20"):
        enrol(runtime, clock, born=born, last_visit="none")
        one_round(runtime)
    clock.set("2026-11-21T00:01")
    sent = days.until("2026-11-21")
    assert on_days(sent) == ["11-21"]
    check_promises(runtime)


@pytest.mark.parametrize(
    ("born", "given", "heard"),
    [
        # Everything but BCG, which is given before twelve months: 25 November.
        ("2025-11-25", True, ["11-20", "11-22"]),
        # Only OPV0 is missing, which is given before the fourteenth day: 2 December.
        ("2026-11-18", False, ["11-20", "11-22", "11-27"]),
    ],
    ids=["BCG", "OPV0"],
)
def test_a_dose_that_lapses_is_not_recalled_after(
    runtime: Runtime, clock: TestClock, days: Days, born: str, given: bool, heard: list[str]
) -> None:
    child = enrol(runtime, clock, born=born, last_visit="none")
    if given:
        for day in ("2026-01-06", "2026-02-03", "2026-03-03"):
            give(runtime, clock, child, "PENTA", "OPV", "PCV", "ROTA", on=day)
        give(runtime, clock, child, "IPV", on="2026-03-03")
        give(runtime, clock, child, "MR", "YF", "MENA", on="2026-08-25")
    else:
        give(runtime, clock, child, "BCG", on=born)
    sent = days.until("2026-12-06")
    assert on_days(sent) == heard
    check_promises(runtime)


def test_a_live_dose_given_today_puts_the_other_off_for_four_weeks(
    runtime: Runtime, clock: TestClock, days: Days
) -> None:
    child = enrol(runtime, clock, born="2026-02-20", last_visit="w14")
    assert plans(runtime, child)["MENA,MR1,YF"] == "2026-11-20"
    give(runtime, clock, child, "MR", "MENA")
    assert plans(runtime, child)["YF"] == "2026-12-18"
    assert on_days(days.until("2026-12-16")) == ["12-15"]


def test_siblings_with_different_steps_on_one_day_are_one_message(
    runtime: Runtime, clock: TestClock, days: Days
) -> None:
    first = enrol(runtime, clock)  # J+7 is 30 November
    second = enrol(runtime, clock, born="2026-10-22")  # J-3 is 30 November
    sent = days.until("2026-11-30")
    assert on_days(sent).count("11-30") == 1
    assert "rendez-vous dès le 03/12, au CSCom ASACODAR, avec les carnets. Si c'est fait, merci." in sent[-1][1]
    assert steps_told(runtime, first)[-1] == ("J+7", "accepted")
    assert steps_told(runtime, second)[-1] == ("J-3", "accepted")
    check_promises(runtime)


def test_a_child_enrolled_after_the_message_of_the_day_left_is_told_the_next_day(
    runtime: Runtime, clock: TestClock, days: Days, carrier: LoopbackCarrier
) -> None:
    enrol(runtime, clock, born="2026-06-20", last_visit="none")
    one_round(runtime)
    assert len(carrier.accepted) == 1
    clock.set("2026-11-20T11:00")
    second = enrol(runtime, clock, born="2026-05-20", last_visit="none")
    sent = days.until("2026-11-21")
    assert on_days(sent) == ["11-21"]
    assert steps_told(runtime, second) == [("J", "accepted")]
    check_promises(runtime)


def test_where_the_message_of_the_day_expired_the_next_one_is_not_lost(
    runtime: Runtime, clock: TestClock, days: Days
) -> None:
    enrol(runtime, clock, born="2026-06-20", last_visit="none")
    recalls.queue_recalls(runtime)
    with runtime.database.begin() as tx:
        tx.execute(update(message).values(state="expired"))
    second = enrol(runtime, clock, born="2026-05-20", last_visit="none")
    assert on_days(days.until("2026-11-21")) == ["11-21"]
    assert steps_told(runtime, second) == [("J", "accepted")]


def test_a_quartier_without_a_known_centre_says_health_centre(runtime: Runtime, clock: TestClock, days: Days) -> None:
    enrol(runtime, clock, quartier="Koulouniko")
    sent = days.until("2026-11-20")
    assert "au centre de santé" in sent[0][1] or "au centre de sante" in sent[0][1]
    assert "None" not in sent[0][1]


def test_siblings_of_two_centres_are_sent_to_the_health_centre(runtime: Runtime, clock: TestClock, days: Days) -> None:
    enrol(runtime, clock)
    enrol(runtime, clock, quartier="Point G")
    (sent,) = days.until("2026-11-20")
    assert "CSCom" not in sent[1]


def test_a_household_whose_telephone_is_unknown_holds_nobody_up(
    runtime: Runtime, clock: TestClock, days: Days, carrier: LoopbackCarrier
) -> None:
    lost = enrol(runtime, clock)
    with runtime.database.begin() as tx:
        tx.execute(update(household).values(preferred_phone_id=None))
    enrol(runtime, clock, number=NEIGHBOUR)
    sent = days.until("2026-12-10")
    assert on_days(sent) == WHOLE_LADDER
    assert {sms.to for sms in carrier.accepted} == {NEIGHBOUR}
    assert steps_told(runtime, lost) == []
