"""A centre's days: reminders tell a day on which it gives what is due, and who was told in vain is asked pardon."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from sqlalchemy import select

from service.runtime import Runtime
from service.store import place_tables, recall_tables
from service.store.care_tables import appointment
from service.store.centre_tables import centre_fact
from service.store.message_tables import message
from service.stories.homes import families, handovers, moves, pauses
from service.stories.homes.consents import Words
from service.stories.homes.families import Enrolled
from service.stories.recall import centre_calendar, recalls
from service.stories.recall.centre_calendar import Outcome, Refused, Said
from service.stories.talk import opt_outs
from tests.people import Days, Handset, TestClock
from tests.store.test_query_plans import seen, whole_tables_of
from tests.stories.test_next_visit import NEXT_VISIT, ask
from tests.stories.test_recalls import MOTHER, NEIGHBOUR, WHOLE_LADDER, check_promises, enrol, give

AUNT = "+22360000002"
DARSALAM = "GY73"  # ASACODAR
AWA = Said("Awa", "la sage-femme l'a dit")
MON, NEXT_MON = date(2026, 11, 23), date(2026, 11, 30)  # Monday is the day the children of these tests are due


def mondays(runtime: Runtime) -> Outcome:
    return centre_calendar.set_days(runtime, DARSALAM, [("mon", ())], runtime.today(runtime.now()), AWA)


def cancel(runtime: Runtime, day: date = MON) -> Outcome:
    return centre_calendar.cancel_day(runtime, DARSALAM, day, AWA)


def told_days(runtime: Runtime, child: Enrolled) -> dict[str, str]:
    """doses -> the day that the family is told, '?' when nobody knows it."""
    with runtime.database.read() as tx:
        rows = tx.execute(
            select(appointment).where(appointment.c.child_id == child.child_id, appointment.c.state == "open")
        )
        return {row.doses: "?" if row.awaits_stock else f"{row.meets_on or row.anchor_on:%m-%d}" for row in rows}


def anchors(runtime: Runtime, child: Enrolled) -> set[str]:
    with runtime.database.read() as tx:
        which = (appointment.c.child_id == child.child_id) & (appointment.c.state == "open")
        return {f"{day:%m-%d}" for day in tx.execute(select(appointment.c.anchor_on).where(which)).scalars()}


def apologies(runtime: Runtime) -> list[Any]:
    with runtime.database.read() as tx:
        return list(tx.execute(select(message).where(message.c.key.startswith("sorry:")).order_by(message.c.key)))


SIX_WEEKS = "OPV1,PCV1,PENTA1,ROTA1"


def test_a_centre_of_which_nobody_told_us_anything_is_as_ever(runtime: Runtime, clock: TestClock, days: Days) -> None:
    one = enrol(runtime, clock)
    assert told_days(runtime, one)[SIX_WEEKS] == "11-23"
    assert [day for day, _ in days.until("2026-12-15")] == WHOLE_LADDER


def test_the_reminders_count_from_the_centres_own_day(runtime: Runtime, clock: TestClock, days: Days) -> None:
    centre_calendar.set_days(runtime, DARSALAM, [("wed", ())], runtime.today(clock.now()), AWA)
    one = enrol(runtime, clock)
    assert one.next_visit.on == date(2026, 11, 25), "the screen says the same day"
    assert told_days(runtime, one)[SIX_WEEKS] == "11-25"
    assert "11-23" in anchors(runtime, one), "the anchor stays what it is"
    sent = days.until("2026-11-26")
    assert [day for day, _ in sent] == ["11-22", "11-24", "11-25"]
    assert all("partir du 25/11, au CSCom ASACODAR" in text for _, text in sent)
    check_promises(runtime)


def test_who_is_late_on_joining_is_told_the_centres_next_day(
    runtime: Runtime, clock: TestClock, handset: Handset
) -> None:
    mondays(runtime)
    late = enrol(runtime, clock, number=handset.number, born="2026-05-01")
    assert (late.next_visit.on, late.next_visit.state) == (MON, "coming")
    assert "à partir du 23/11/26" in ask(handset, *NEXT_VISIT)
    clock.set("2026-11-25T10:00")
    assert "depuis le 23/11/26" in ask(handset, *NEXT_VISIT)


def test_days_that_are_told_later_move_what_was_planned(
    runtime: Runtime, clock: TestClock, handset: Handset, days: Days
) -> None:
    one = enrol(runtime, clock)
    said = centre_calendar.set_days(runtime, DARSALAM, [("wed", ())], runtime.today(clock.now()), AWA)
    assert (said.is_new, said.families, said.messages) == (True, 1, 0), "nobody had heard of the other day"
    assert told_days(runtime, one)[SIX_WEEKS] == "11-25"
    assert "à partir du 25/11/26" in ask(handset, *NEXT_VISIT)
    again = centre_calendar.set_days(runtime, DARSALAM, [("wed", ())], runtime.today(clock.now()), AWA)
    assert (again.is_new, again.families) == (False, 0)


def test_a_vaccine_that_has_its_own_day_is_waited_for_or_gets_its_own_reminder(
    runtime: Runtime, clock: TestClock
) -> None:
    centre_calendar.set_days(runtime, DARSALAM, [("mon", ()), ("tue", ["PCV"])], runtime.today(clock.now()), AWA)
    one = enrol(runtime, clock)
    assert told_days(runtime, one) | {"OPV1,PENTA1,ROTA1": "11-23", "PCV1": "11-24"} == told_days(runtime, one)


def test_a_day_cancelled_after_it_was_told(runtime: Runtime, clock: TestClock, days: Days) -> None:
    mondays(runtime)
    one = enrol(runtime, clock)
    assert [day for day, _ in days.until("2026-11-22")] == ["11-20", "11-22"]
    clock.set("2026-11-22T18:30")
    said = cancel(runtime)
    assert (said.is_new, said.families, said.messages) == (True, 1, 1)
    assert said.cost > 0
    assert told_days(runtime, one)[SIX_WEEKS] == "11-30"
    assert cancel(runtime) == Outcome(is_new=False)
    clock.set("2026-11-23T07:00")
    sent = days.until("2026-12-03")
    assert sent[0] == (
        "11-23",
        "Laseli: le rendez-vous du 23/11 au CSCom ASACODAR est reporté. Venez dès le 30/11, avec le carnet. "
        "Pardon pour le dérangement.",
    )
    assert [day for day, _ in sent] == ["11-23", "11-27", "11-29", "11-30", "12-02"]
    assert all("30/11" in text for _, text in sent[:-1])
    assert "dès le 07/12" in sent[-1][1], "late by then"
    assert len(apologies(runtime)) == 1
    check_promises(runtime)


def test_a_centre_of_every_day_puts_off_by_one_day(runtime: Runtime, clock: TestClock, days: Days) -> None:
    one = enrol(runtime, clock)
    days.until("2026-11-22")
    clock.set("2026-11-22T18:59")
    clock.advance(minutes=30)
    assert cancel(runtime).messages == 1
    assert told_days(runtime, one)[SIX_WEEKS] == "11-24"
    clock.set("2026-11-23T07:00")
    sent = days.until("2026-11-25")
    assert [day for day, _ in sent] == ["11-23", "11-24"], "the pardon of the morning tells the day: no second message"
    assert all("24/11" in text for _, text in sent)
    check_promises(runtime)


def test_who_had_not_heard_of_the_day_is_told_the_right_one_only(
    runtime: Runtime, clock: TestClock, days: Days
) -> None:
    mondays(runtime)
    enrol(runtime, clock)
    clock.set("2026-11-19T12:00")
    assert cancel(runtime).messages == 0
    sent = days.until("2026-11-28")
    assert [day for day, _ in sent] == ["11-27"]
    assert "30/11" in sent[0][1]
    check_promises(runtime)


def test_who_is_late_is_called_for_a_day_that_takes_place(runtime: Runtime, clock: TestClock, days: Days) -> None:
    mondays(runtime)
    enrol(runtime, clock)
    assert days.until("2026-11-25")[-1][0] == "11-25"
    assert cancel(runtime, NEXT_MON).families == 1
    sent = days.until("2026-12-08")
    assert [day for day, _ in sent] == ["11-26", "12-04", "12-06", "12-07"], "nothing on the day that is cancelled"
    assert "le rendez-vous du 30/11 au CSCom ASACODAR est reporté. Venez dès le 07/12," in sent[0][1]
    assert all("partir du 07/12" in text for _, text in sent[1:])
    check_promises(runtime)


def test_who_is_late_is_sent_to_no_door_that_closed_before_it_was_late(
    runtime: Runtime, clock: TestClock, handset: Handset, days: Days
) -> None:
    """When the second Monday was cancelled the first was still to come: nothing was late that could move."""
    mondays(runtime)
    one = enrol(runtime, clock, number=handset.number)
    clock.set("2026-11-19T12:00")
    assert cancel(runtime, NEXT_MON).families == 0
    clock.set("2026-11-20T07:00")
    assert [day for day, _ in days.until("2026-11-23")] == ["11-20", "11-22", "11-23"]
    clock.set("2026-11-24T10:00")
    assert "à partir du 07/12/26" in ask(handset, *NEXT_VISIT), "the screen too"
    sent = days.until("2026-12-09")
    assert [day for day, _ in sent] == ["12-04", "12-06", "12-07", "12-09"], "no 'since 23/11' on the 25th"
    assert all("07/12" in text for _, text in sent[:-1])
    assert "dès le 14/12" in sent[-1][1]
    assert told_days(runtime, one)[SIX_WEEKS] == "12-07"
    check_promises(runtime)


def test_the_day_of_a_child_of_whom_nothing_is_said_moves_too(runtime: Runtime, clock: TestClock, days: Days) -> None:
    mondays(runtime)
    one = enrol(runtime, clock)
    days.until("2026-11-25")
    with runtime.database.begin() as tx:
        pauses.refuse(tx, runtime, one.child_id, clock.now())
    assert cancel(runtime, NEXT_MON).messages == 0
    assert told_days(runtime, one)[SIX_WEEKS] == "12-07", "it is right on the day that it is spoken of again"
    assert days.until("2026-12-10") == []


def test_whom_the_mediator_visits_is_not_called_all_over_again(runtime: Runtime, clock: TestClock, days: Days) -> None:
    mondays(runtime)
    enrol(runtime, clock)
    days.until("2026-12-15")
    assert cancel(runtime, date(2026, 12, 21)) == Outcome(is_new=True)
    assert days.until("2026-12-22") == []


def test_a_reminder_that_waits_is_taken_back(runtime: Runtime, clock: TestClock, days: Days) -> None:
    mondays(runtime)
    enrol(runtime, clock)
    clock.set("2026-11-20T08:59")
    clock.advance(minutes=2)
    assert recalls.queue_recalls(runtime) == 1
    cancel(runtime)
    assert [day for day, _ in days.until("2026-11-26")] == []


def test_two_siblings_one_apology(runtime: Runtime, clock: TestClock, days: Days) -> None:
    mondays(runtime)
    enrol(runtime, clock)
    enrol(runtime, clock, born="2026-09-14", last_visit="w6")  # ten weeks old on that day too
    days.until("2026-11-22")
    clock.set("2026-11-22T18:30")
    assert cancel(runtime).messages == 1
    clock.set("2026-11-23T07:00")
    assert len(days.until("2026-11-24")) == 1


def test_who_comes_on_that_day_anyway_is_not_put_off(runtime: Runtime, clock: TestClock, days: Days) -> None:
    """One vaccine is missing, the others are there: she comes as she was told."""
    mondays(runtime)
    one = enrol(runtime, clock)
    days.until("2026-11-22")
    clock.set("2026-11-22T18:30")
    said = centre_calendar.out_of_stock(runtime, DARSALAM, "PCV", MON, None, AWA)
    assert (said.families, said.messages) == (1, 0)
    assert told_days(runtime, one) | {"OPV1,PENTA1,ROTA1": "11-23", "PCV1": "?"} == told_days(runtime, one)
    clock.set("2026-11-23T07:00")
    (_, text), *others = days.until("2026-11-24")
    assert "à partir du 23/11" in text
    assert others == []


def test_out_of_stock_on_the_day_and_back_again(
    runtime: Runtime, clock: TestClock, handset: Handset, days: Days
) -> None:
    mondays(runtime)
    one = enrol(runtime, clock)
    clock.set("2026-11-20T10:00")
    give(runtime, clock, one, "OPV", "PCV", "ROTA")
    days.until("2026-11-22")
    clock.set("2026-11-23T08:10")
    said = centre_calendar.out_of_stock(runtime, DARSALAM, "penta", MON, None, AWA)
    assert said.messages == 1
    assert told_days(runtime, one)["PENTA1"] == "?"
    sent = days.until("2026-11-26")
    assert [text for _, text in sent] == [
        "Laseli: le rendez-vous du 23/11 au CSCom ASACODAR est reporté. Nous vous dirons la nouvelle date. "
        "Pardon pour le dérangement."
    ]
    assert not any(word in text.lower() for _, text in sent for word in ("penta", "vaccin", "rupture"))
    assert "à partir du 21/12/26" in ask(handset, *NEXT_VISIT), "the next day for which there is something"
    back = centre_calendar.back_in_stock(runtime, DARSALAM, "PENTA", date(2026, 11, 26), AWA)
    assert (back.is_new, back.messages) == (True, 0)
    assert told_days(runtime, one)["PENTA1"] == "11-30"
    assert "à partir du 30/11/26" in ask(handset, *NEXT_VISIT)
    sent = days.until("2026-11-30")
    assert [day for day, _ in sent] == ["11-27", "11-29", "11-30"]
    assert not centre_calendar.back_in_stock(runtime, DARSALAM, "PENTA", date(2026, 11, 26), AWA).is_new
    check_promises(runtime)


def test_while_nobody_knows_a_day_no_screen_names_one(runtime: Runtime, clock: TestClock, handset: Handset) -> None:
    mondays(runtime)
    for antigen in ("PENTA", "OPV", "PCV", "ROTA", "IPV", "MR", "YF", "MENA"):
        centre_calendar.out_of_stock(runtime, DARSALAM, antigen, date(2026, 11, 1), None, AWA)
    one = enrol(runtime, clock, number=handset.number)
    assert set(told_days(runtime, one).values()) == {"?"}
    assert one.next_visit.on is None
    assert ask(handset, *NEXT_VISIT).endswith("pas de date ici. Le centre de santé vous la donne, avec le carnet.")
    clock.set("2026-11-25T10:00")
    assert "pas de date ici" in ask(handset, *NEXT_VISIT)


def test_the_day_is_back_before_the_apology_left(runtime: Runtime, clock: TestClock, days: Days) -> None:
    mondays(runtime)
    one = enrol(runtime, clock)
    days.until("2026-11-21")
    clock.set("2026-11-21T20:00")
    assert cancel(runtime).messages == 1
    clock.set("2026-11-21T20:30")
    centre_calendar.add_day(runtime, DARSALAM, MON, (), AWA)
    assert told_days(runtime, one)[SIX_WEEKS] == "11-23"
    clock.set("2026-11-22T07:00")
    sent = days.until("2026-11-24")
    assert [day for day, _ in sent] == ["11-22", "11-23"]
    assert all("23/11" in text and "report" not in text for _, text in sent)
    check_promises(runtime)


def told_and_cancelled(runtime: Runtime, clock: TestClock, days: Days) -> Enrolled:
    """A child whose family heard of the Monday; in the evening before, it is cancelled: the apology waits."""
    mondays(runtime)
    one = enrol(runtime, clock)
    days.until("2026-11-22")
    clock.set("2026-11-22T20:00")
    assert cancel(runtime).messages == 1
    return one


def test_nothing_is_said_of_a_child_that_is_no_longer_followed(runtime: Runtime, clock: TestClock, days: Days) -> None:
    one = told_and_cancelled(runtime, clock, days)
    with runtime.database.begin() as tx:
        families.stop_child(tx, runtime, one.child_id, clock.now())
    clock.set("2026-11-23T07:00")
    assert days.until("2026-11-30") == []


def test_nor_to_a_family_that_was_there_meanwhile(runtime: Runtime, clock: TestClock, days: Days) -> None:
    one = told_and_cancelled(runtime, clock, days)
    give(runtime, clock, one, "OPV", "PCV", "ROTA", "PENTA")
    clock.set("2026-11-23T07:00")
    assert days.until("2026-11-30") == []


def test_the_day_instead_is_cancelled_before_the_apology_left(runtime: Runtime, clock: TestClock, days: Days) -> None:
    told_and_cancelled(runtime, clock, days)
    assert cancel(runtime, NEXT_MON).messages == 1
    clock.set("2026-11-23T07:00")
    ((day, text),) = days.until("2026-12-03")
    assert day == "11-23"
    assert "rendez-vous du 23/11" in text
    assert "Venez dès le 07/12" in text
    check_promises(runtime)


def test_the_day_instead_is_cancelled_after_the_apology_left(runtime: Runtime, clock: TestClock, days: Days) -> None:
    told_and_cancelled(runtime, clock, days)
    clock.set("2026-11-23T07:00")
    assert len(days.until("2026-11-23")) == 1
    assert cancel(runtime, NEXT_MON).messages == 1, "the apology was the message that told it"
    ((_, text),) = days.until("2026-12-03")
    assert "rendez-vous du 30/11" in text
    assert "Venez dès le 07/12" in text


def test_a_command_that_was_cut_is_finished_by_saying_it_again(
    runtime: Runtime, clock: TestClock, days: Days, monkeypatch: pytest.MonkeyPatch
) -> None:
    mondays(runtime)
    for number in (MOTHER, NEIGHBOUR):
        enrol(runtime, clock, number=number)
    days.until("2026-11-22")
    clock.set("2026-11-22T18:30")
    with monkeypatch.context() as patch:
        patch.setattr(centre_calendar.paged_work, "in_pages", lambda *_, **__: iter(()))
        assert cancel(runtime) == Outcome(is_new=True)
    said = cancel(runtime)
    assert (said.is_new, said.families, said.messages) == (False, 2, 2)
    assert cancel(runtime) == Outcome(is_new=False)
    clock.set("2026-11-23T07:00")
    assert len(days.until("2026-11-24")) == 2


def test_a_dry_run_says_the_same_and_changes_nothing(runtime: Runtime, clock: TestClock, days: Days) -> None:
    mondays(runtime)
    one = enrol(runtime, clock)
    days.until("2026-11-22")
    clock.set("2026-11-22T18:30")
    before = told_days(runtime, one)
    foreseen = centre_calendar.cancel_day(runtime, DARSALAM, MON, Said("", "", dry_run=True))
    assert told_days(runtime, one) == before
    assert apologies(runtime) == []
    assert foreseen == cancel(runtime)


def test_who_stopped_the_messages_gets_no_apology(runtime: Runtime, clock: TestClock, handset: Handset, days: Days):
    mondays(runtime)
    enrol(runtime, clock, number=handset.number)
    days.until("2026-11-22")
    clock.set("2026-11-22T18:30")
    handset.write("ARRET")
    assert cancel(runtime).messages == 0


def test_where_the_first_phone_hears_nothing_the_second_caregiver_is_asked_pardon(
    runtime: Runtime, clock: TestClock, days: Days
) -> None:
    mondays(runtime)
    enrol(runtime, clock)
    with runtime.database.begin() as tx:
        handovers.announce(tx, runtime, MOTHER, AUNT, "fr", clock.now(), kind=handovers.BESIDE)
        assert handovers.accept(tx, runtime, AUNT, Words("test", "fr", "ussd"), clock.now())
    days.until("2026-11-22")
    clock.set("2026-11-22T18:30")
    with runtime.database.begin() as tx:
        opt_outs.stop(tx, runtime, MOTHER, "sms", clock.now())
    assert cancel(runtime).messages == 1
    [pardon] = apologies(runtime)
    assert pardon.number_idx == runtime.vault.index(AUNT)


def test_a_pardon_that_waits_for_a_phone_that_stops_is_said_to_the_second_caregiver(
    runtime: Runtime, clock: TestClock, days: Days
) -> None:
    mondays(runtime)
    enrol(runtime, clock)
    with runtime.database.begin() as tx:
        handovers.announce(tx, runtime, MOTHER, AUNT, "fr", clock.now(), kind=handovers.BESIDE)
        assert handovers.accept(tx, runtime, AUNT, Words("test", "fr", "ussd"), clock.now())
    days.until("2026-11-22")
    clock.set("2026-11-22T19:30")
    assert cancel(runtime).messages == 1, "it waits for the morning"
    for number in (MOTHER, AUNT):
        [pardon] = apologies(runtime)
        assert pardon.number_idx == runtime.vault.index(number)
        with runtime.database.begin() as tx:
            opt_outs.stop(tx, runtime, MOTHER, "sms", clock.now())
    assert pardon.state == "queued"
    sent = days.until("2026-11-23")
    assert len([text for _, text in sent if "est reporté" in text]) == 1
    with runtime.database.begin() as tx:
        opt_outs.stop(tx, runtime, AUNT, "sms", clock.now())


def test_who_moves_gets_the_days_of_the_other_centre(runtime: Runtime, clock: TestClock) -> None:
    mondays(runtime)
    centre_calendar.set_days(runtime, "PF99", [("thu", ())], runtime.today(clock.now()), AWA)
    one = enrol(runtime, clock)
    with runtime.database.begin() as tx:
        same = next(zone_id for zone_id, name in place_tables.zones(tx) if name == "Same")
        from service.store import people_tables

        child = people_tables.find_child(tx, id=one.child_id)
        assert child is not None
        moves.move(tx, runtime, [child], same, None, clock.now())
    assert told_days(runtime, one)[SIX_WEEKS] == "11-26"


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda r: centre_calendar.cancel_day(r, "XX", MON, AWA), "no centre has the code 'XX'; there are"),
        (lambda r: centre_calendar.cancel_day(r, DARSALAM, date(2026, 11, 24), AWA), "its days are mon"),
        (lambda r: centre_calendar.cancel_day(r, DARSALAM, date(2026, 1, 1), AWA), "is past"),
        (lambda r: centre_calendar.cancel_day(r, DARSALAM, date(2036, 1, 1), AWA), "days ahead"),
        (lambda r: centre_calendar.cancel_day(r, DARSALAM, MON, Said("Awa", " ")), "who decides it, and why"),
        (lambda r: centre_calendar.out_of_stock(r, DARSALAM, "PNETA", MON, None, AWA), "'PNETA' is no antigen"),
        (lambda r: centre_calendar.out_of_stock(r, DARSALAM, "BCG", NEXT_MON, MON, AWA), "is before"),
        (lambda r: centre_calendar.set_days(r, DARSALAM, [("lundi", ())], MON, AWA), "no day of the week"),
        (lambda r: centre_calendar.set_days(r, DARSALAM, [], MON, AWA), "at least one day"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(runtime: Runtime, wrong: Any, words: str) -> None:
    mondays(runtime)
    with pytest.raises(Refused, match=words):
        wrong(runtime)
    with runtime.database.read() as tx:
        assert len(tx.execute(select(centre_fact.c.id)).all()) == 1


def test_the_planner_reads_no_whole_table_because_of_it(runtime: Runtime) -> None:
    if not runtime.database.is_sqlite:
        pytest.skip("the plan of SQLite")
    with runtime.database.begin() as tx:
        with seen(tx) as statements:
            recall_tables.lock_due_households(tx, MON, 200)
            recall_tables.due_appointments(tx, [1], MON)
            centre_calendar.centre_tables.households_from(tx, 1, 0, 200)
            centre_calendar.centre_tables.planned_at(tx, 1, [1])
        for statement, parameters in statements:
            assert not whole_tables_of(tx, statement, parameters, ("appointment", "child", "household"))
