"""A malnourished child: taken in, told in the household's one SMS, measured, recovered; missed, sent on, or silent."""

from __future__ import annotations

import json
import threading
from datetime import date, timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import select

from service.config import Config
from service.domain.rations import Discharge, NextVisit, Referred
from service.runtime import Runtime, build_runtime
from service.store import people_tables, phone_tables
from service.store.care_tables import NUTRITION, appointment
from service.store.columns import metadata
from service.store.people_tables import consent
from service.store.recall_tables import message_appointment
from service.store.treatment_tables import treatment, treatment_visit
from service.stories.care import treatments
from service.stories.care.treatments import Refused, Seen
from service.stories.homes import consents, families, moves, pauses
from service.stories.homes.families import Enrolled
from service.stories.keeping import erasure, key_rotation, retention
from service.stories.recall import late_overview, late_sheet, recalls
from service.stories.talk import opt_outs
from tests.cover import rows_of
from tests.follow_ups import queued, with_follow_ups
from tests.keys import rings, with_keys
from tests.people import Days, TestClock
from tests.stories.test_changes import tasks
from tests.stories.test_late_list import listed, zone_ids
from tests.stories.test_recalls import MOTHER, enrol, steps_told
from tests.treatments import ADMITTED, BY, FIRST_VISIT, asked_for, closed, how_ended, live, measured, refused, taken_in

ONE_VISIT = "Laseli: rendez-vous à partir du 27/11, au CSCom ASACODAR, avec le carnet. Info *384*223#. Arreter: ARRET."
TOLD_OF_NOTHING = ("malnutri", "nutrition", "bras", "mm", "ration", "poids", "visite", "suivi", "enfant")


@pytest.fixture
def settings(settings: Config) -> Config:
    return with_follow_ups(settings)


@pytest.fixture
def awa(runtime: Runtime, clock: TestClock) -> Enrolled:
    """Eighteen months old, and all her vaccines given but none due in these weeks."""
    return enrol(runtime, clock, born="2025-05-20", last_visit="m15")


# --- taken in -----------------------------------------------------------------------------------------------


def test_a_thin_child_is_taken_in_and_its_family_told_without_a_detail(
    runtime: Runtime, awa: Enrolled, days: Days
) -> None:
    answer = taken_in(runtime, awa, mm=112, weight_g=6000)
    assert isinstance(answer, NextVisit)
    assert answer.on == FIRST_VISIT
    assert answer.ration is not None
    assert (answer.ration.product, answer.ration.sachets) == ("RUTF", 15)
    assert asked_for(runtime) == [("visit-1", "11-27")]
    [agreed] = [row for row in rows_of(runtime, consent) if row.purpose == "weekly_visits"]
    assert (agreed.person_id, agreed.recorded_by, agreed.how, agreed.given) == (awa.child_id, BY, "told", True)
    sent = live(days, "2026-11-25", "2026-11-26", "2026-11-27", "2026-12-01", "2026-12-02", "2026-12-04")
    assert [day for day, _ in sent] == ["11-26", "12-01", "12-04"], "before, and after the visit is missed"
    assert sent[0][1] == ONE_VISIT
    for _, text in sent:
        assert not [word for word in TOLD_OF_NOTHING if word in text.casefold()]
    # What was measured, and how it ends, is readable in no file.
    with runtime.database.read() as tx:
        for row in tx.exec_driver_sql("SELECT measure FROM treatment_visit"):
            assert b"112" not in bytes(row[0])


def test_a_recall_of_a_sibling_and_a_visit_are_one_sms(
    runtime: Runtime, awa: Enrolled, clock: TestClock, days: Days
) -> None:
    baby = enrol(runtime, clock, born="2026-10-16")  # six weeks on 27 November as well
    taken_in(runtime, awa)
    sent = live(days, "2026-11-24", "2026-11-26", "2026-11-27")
    assert [day for day, _ in sent] == ["11-24", "11-26", "11-27"]
    assert {text for _, text in sent} == {ONE_VISIT}, "whoever reads it cannot tell one from the other"
    assert [step for step, _ in steps_told(runtime, baby)] == ["J-3", "J-1", "J"]
    assert [step for step, _ in steps_told(runtime, awa)] == ["J-1"]


def test_who_hears_names_and_vaccines_hears_neither_of_a_visit(runtime: Runtime, awa: Enrolled, days: Days) -> None:
    with runtime.database.begin() as tx:
        phone = phone_tables.find_phone(tx, MOTHER)
        assert phone is not None
        words = consents.Words("w", "fr", "ussd")
        assert consents.choose_words(tx, runtime, phone.id, True, words, runtime.now())
    taken_in(runtime, awa)
    assert [text for _, text in live(days, "2026-11-26")] == [ONE_VISIT]


REFUSED: tuple[tuple[dict[str, Any], str], ...] = (
    ({"mm": 1120}, "arm"),
    ({"mm": 11}, "arm"),
    ({"weight_g": 60}, "weight"),
    ({"mm": 125}, "green"),
    ({"on": ADMITTED + timedelta(1)}, "future"),
    ({"on": date(2025, 5, 19)}, "before"),
    ({"on": date(2025, 9, 1)}, "age"),
    ({"on": ADMITTED - timedelta(36)}, "old"),
)


def test_what_cannot_be_opens_nothing(runtime: Runtime, awa: Enrolled) -> None:
    for told, reason in REFUSED:
        assert refused(partial(taken_in, runtime, awa, **told)) == reason
    assert rows_of(runtime, treatment) == rows_of(runtime, treatment_visit) == asked_for(runtime) == []
    assert "weekly_visits" not in {row.purpose for row in rows_of(runtime, consent)}


def test_two_who_take_the_same_child_in_open_one(runtime: Runtime, awa: Enrolled) -> None:
    said: list[str] = []
    together = threading.Barrier(3)

    def opens() -> None:
        together.wait()
        try:
            taken_in(runtime, awa)
            said.append("opened")
        except Refused as reason:
            said.append(reason.reason)

    threads = [threading.Thread(target=opens) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(said) == ["known", "known", "opened"]
    assert len(rows_of(runtime, treatment)) == len(rows_of(runtime, treatment_visit)) == len(asked_for(runtime)) == 1


# --- measured -----------------------------------------------------------------------------------------------


def test_two_good_weeks_after_four_are_a_recovery(
    runtime: Runtime, awa: Enrolled, clock: TestClock, days: Days
) -> None:
    taken_in(runtime, awa, mm=112)
    widths = {"2026-11-27": 118, "2026-12-04": 126, "2026-12-11": 127, "2026-12-18": 128}
    for day, mm in widths.items():
        clock.set(f"{day}T10:00")
        answer = measured(runtime, awa, mm, date.fromisoformat(day))
        if day < "2026-12-18":
            assert isinstance(answer, NextVisit), "green twice, and four weeks have not passed"
            assert (answer.ration is None) == (mm >= 125)
    assert answer == Discharge(date(2026, 12, 18))
    assert (how_ended(runtime), asked_for(runtime)) == (["recovered"], [])
    assert live(days, "2026-12-24", "2026-12-29", "2026-12-31") == []
    assert refused(lambda: measured(runtime, awa, 127, date(2026, 12, 31))) == "none"
    taken_in(runtime, awa, mm=120, on=date(2026, 12, 31))
    assert how_ended(runtime) == ["recovered", None], "who falls back is taken in again"


def test_a_visit_takes_back_what_waited_and_is_corrected_by_whoever_wrote_it(
    runtime: Runtime, awa: Enrolled, clock: TestClock
) -> None:
    taken_in(runtime, awa)
    clock.set("2026-11-26T06:00")
    recalls.queue_recalls(runtime)
    assert len(queued(runtime)) == 1
    measured(runtime, awa, 218, date(2026, 11, 26))
    assert queued(runtime) == []
    assert asked_for(runtime) == [("visit-2", "12-03")]
    measured(runtime, awa, 118, date(2026, 11, 26))
    assert refused(lambda: measured(runtime, awa, 117, date(2026, 11, 26), by="a mediator")) == "same_day"
    assert refused(lambda: measured(runtime, awa, 125, ADMITTED)) == "green"
    assert refused(lambda: measured(runtime, awa, 117, ADMITTED - timedelta(1))) == "before"
    assert sorted(row.measure for row in rows_of(runtime, treatment_visit)) == ["112 - - 18", "118 - - 18"]


def test_what_a_mediator_measured_the_centre_measures_again_with_the_weight(runtime: Runtime, awa: Enrolled) -> None:
    taken_in(runtime, awa)
    with runtime.database.begin() as tx:
        child, again = treatments.find(tx, awa.code), Seen(ADMITTED, 114, weight_g=6000)
        answer = treatments.record_visit(tx, runtime, child, again, "the centre", runtime.now(), at_centre=True)
    assert isinstance(answer, NextVisit)
    assert answer.ration is not None
    assert answer.ration.sachets == 15
    assert [row.measure for row in rows_of(runtime, treatment_visit)] == ["114 - 6000 18"]
    assert asked_for(runtime) == [("visit-1", "11-27")]


def test_a_child_that_grew_past_the_tape_is_sent_to_who_looks(runtime: Runtime, clock: TestClock) -> None:
    old = enrol(runtime, clock, born="2021-11-25", last_visit="none")
    taken_in(runtime, old, mm=120)
    clock.set("2026-11-27T10:00")
    answer = measured(runtime, old, 121, FIRST_VISIT)
    assert isinstance(answer, Referred)
    assert (answer.referral.to, answer.seen_again_on, asked_for(runtime)) == ("health_centre", date(2026, 11, 30), [])
    assert [line.due_on for line in tasks(runtime, "treatment_referral")] == [date(2026, 11, 30)]


def test_a_sign_of_danger_opens_nothing_and_stops_the_reminders(
    runtime: Runtime, awa: Enrolled, clock: TestClock, days: Days
) -> None:
    def sends_on() -> Referred:
        with runtime.database.begin() as tx:
            return treatments.send_on(tx, runtime, treatments.find(tx, awa.code), BY, runtime.now())

    assert sends_on().referral.to == "nearest_centre"
    assert rows_of(runtime, treatment) == []
    taken_in(runtime, awa)
    assert tasks(runtime, "treatment_referral") == [], "it was seen"
    clock.set("2026-11-25T10:00")
    sends_on()
    [line] = tasks(runtime, "treatment_referral")
    assert (line.zone, line.due_on) == ("Darsalam", date(2026, 11, 28))
    assert json.loads(line.details or "")["Vers"] == "nearest_centre"
    assert live(days, "2026-11-26", "2026-12-01", "2027-01-05") == [], "nor is it a defaulter"
    measured(runtime, awa, 118, clock.here.date())
    assert asked_for(runtime) == [("visit-2", "01-13")]
    assert tasks(runtime, "treatment_referral") == []


# --- missed -------------------------------------------------------------------------------------------------


def test_who_is_missed_is_recalled_then_visited_then_a_defaulter(
    runtime: Runtime, awa: Enrolled, clock: TestClock, days: Days
) -> None:
    taken_in(runtime, awa)
    live(days, "2026-11-26", "2026-12-01", "2026-12-04")
    clock.set("2026-12-04T20:00")
    assert listed(runtime, clock) == []
    clock.set("2026-12-05T07:00")
    [late] = listed(runtime, clock)
    assert (families.show_code(late.code), late.days_late, late.doses) == (awa.code, 8, ())
    assert late.also == ("rendez-vous de suivi",)
    with runtime.database.read() as tx:
        paper = late_sheet.sheet(
            tx, runtime, late_sheet.Asked(zones=("Darsalam",)), clock.here.date(), with_names=False
        )
    assert paper.quartiers[0][1][0].doses == ("rendez-vous de suivi",)
    seen = late_overview.overview(runtime, clock.here.date())
    assert [sum(each.late) for each in seen.quartiers if each.name == "Darsalam"] == [1]
    live(days, "2026-12-25")
    assert how_ended(runtime) == [None]
    assert tasks(runtime, "treatment_absent") == []
    sent = live(days, "2026-12-26")
    assert (how_ended(runtime), asked_for(runtime), sent) == (["defaulted"], [], [])
    [line] = tasks(runtime, "treatment_absent")
    assert (line.zone, line.person_id) == ("Darsalam", awa.child_id)
    assert listed(runtime, clock) == []
    assert treatments.end_the_absent(runtime) == 0


def test_whom_no_reminder_reaches_is_visited_sooner_but_not_against_its_will(
    runtime: Runtime, awa: Enrolled, clock: TestClock, days: Days
) -> None:
    taken_in(runtime, awa)
    with runtime.database.begin() as tx:
        opt_outs.stop(tx, runtime, MOTHER, "sms", clock.now())
    assert live(days, "2026-11-26") == []
    clock.set("2026-11-30T20:00")
    assert listed(runtime, clock) == []
    clock.set("2026-12-01T07:00")
    [late] = listed(runtime, clock)
    assert (late.silent, late.days_late) == ("stopped", 4)
    with runtime.database.begin() as tx:
        mine = phone_tables.find_phone(tx, MOTHER)
        assert mine is not None
        consents.note(tx, mine.id, ("follow_up",), False, consents.Words("w", "fr", "ussd"), clock.now())
    assert listed(runtime, clock) == []
    live(days, "2026-12-02", "2026-12-03")
    [line] = tasks(runtime, "treatment_missed")
    assert (line.zone, line.person_id) == (None, awa.child_id), "for the supervisor alone, and once"
    live(days, "2026-12-26")
    [line] = tasks(runtime, "treatment_absent")
    assert line.zone is None, "for the supervisor alone"


def test_whose_family_wants_no_visit_is_the_supervisors_until_it_is_measured(
    runtime: Runtime, awa: Enrolled, clock: TestClock, days: Days
) -> None:
    taken_in(runtime, awa)
    with runtime.database.begin() as tx:
        pauses.refuse(tx, runtime, awa.child_id, clock.now())
    live(days, "2026-11-27", "2026-11-30")
    assert tasks(runtime, "treatment_missed") == [], "it may still come"
    live(days, "2026-12-05", "2026-12-06")
    [line] = tasks(runtime, "treatment_missed")
    assert line.zone is None
    assert listed(runtime, clock) == []
    measured(runtime, awa, 113, clock.here.date())
    assert tasks(runtime, "treatment_missed") == []


# --- ended with the child -----------------------------------------------------------------------------------


def test_a_death_ends_everything_at_once(runtime: Runtime, awa: Enrolled, clock: TestClock, days: Days) -> None:
    taken_in(runtime, awa)
    clock.set("2026-11-26T06:00")
    recalls.queue_recalls(runtime)
    closed(runtime, awa, "death")
    assert (queued(runtime), asked_for(runtime), how_ended(runtime)) == ([], [], ["death"])
    assert refused(lambda: taken_in(runtime, awa)) == "unknown"
    assert live(days, "2026-11-26", "2026-12-01", "2026-12-10") == []
    assert listed(runtime, clock) == []


def test_a_child_that_is_followed_no_longer_is_asked_for_no_visit(
    runtime: Runtime, awa: Enrolled, clock: TestClock
) -> None:
    """Told dead it is above: here its family stops it, which may be the same."""
    taken_in(runtime, awa)
    with runtime.database.begin() as tx:
        families.stop_child(tx, runtime, awa.child_id, clock.now(), "family")
    assert (asked_for(runtime), how_ended(runtime)) == ([], ["withdrawn"])


def test_in_hospital_a_refusal_or_another_quartier(
    runtime: Runtime, awa: Enrolled, clock: TestClock, days: Days
) -> None:
    taken_in(runtime, awa)
    with runtime.database.begin() as tx:
        one = people_tables.find_child(tx, id=awa.child_id)
        assert one is not None
        pauses.pause(tx, runtime, one, date(2026, 12, 1), clock.now())
    told = live(days, "2026-11-26", "2026-11-30", "2026-12-01")
    assert [day for day, _ in told] == ["12-01"], "silent until then"
    with runtime.database.begin() as tx:
        moves.move(tx, runtime, [one], zone_ids(runtime, "Badialan 1")[0], None, runtime.now())
    [(day, text)] = live(days, "2026-12-02", "2026-12-04")
    assert day == "12-04"
    assert "au CSCom ASACODAR," not in text, "the new centre"
    with runtime.database.begin() as tx:
        pauses.refuse(tx, runtime, awa.child_id, runtime.now())
    clock.set("2026-12-20T07:00")
    assert listed(runtime, clock, "Badialan 1") == []


def test_who_wants_no_more_of_it_takes_the_yes_back(runtime: Runtime, awa: Enrolled) -> None:
    taken_in(runtime, awa)
    assert refused(lambda: closed(runtime, awa, "recovered")) == "why", "that is found by the rules"
    closed(runtime, awa, "withdrawn")
    assert how_ended(runtime) == ["withdrawn"]
    said = sorted((row.at, row.given) for row in rows_of(runtime, consent) if row.purpose == "weekly_visits")
    assert [given for _, given in said] == [True, False]
    assert refused(lambda: closed(runtime, awa, "withdrawn")) == "none"


# --- kept and forgotten -------------------------------------------------------------------------------------


def test_thirty_days_after_its_end_nothing_tells_of_it(
    runtime: Runtime, awa: Enrolled, clock: TestClock, days: Days
) -> None:
    taken_in(runtime, awa)
    live(days, "2026-11-26")
    closed(runtime, awa, "transferred")
    clock.advance(days=29)
    retention.purge(runtime, ["ended_treatments"])
    assert len(rows_of(runtime, treatment)) == 1
    clock.advance(days=2)
    retention.purge(runtime, ["ended_treatments"])
    assert (
        rows_of(runtime, treatment) == rows_of(runtime, treatment_visit) == rows_of(runtime, message_appointment) == []
    )
    with runtime.database.read() as tx:
        assert tx.execute(select(appointment.c.id).where(appointment.c.kind == NUTRITION)).all() == []
    assert "weekly_visits" not in {row.purpose for row in rows_of(runtime, consent)}
    assert len(rows_of(runtime, people_tables.child)) == 1


def test_whoever_has_the_phone_forgotten_forgets_it(runtime: Runtime, awa: Enrolled, days: Days) -> None:
    taken_in(runtime, awa)
    live(days, "2026-11-26")
    with runtime.database.begin() as tx:
        erasure.forget_phone(tx, runtime, MOTHER, "menu", runtime.now())
    left = {table.name for table in metadata.sorted_tables if rows_of(runtime, table)}
    assert not left & {"treatment", "treatment_visit", "appointment", "child", "consent", "person"}


def test_new_keys_seal_it_anew(
    settings: Config, runtime: Runtime, awa: Enrolled, clock: TestClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_rotation, "NO_STATEMENT_IS_OLDER_S", 0.5)
    taken_in(runtime, awa)
    closed(runtime, awa, "transferred")
    both = build_runtime(with_keys(settings, rings(2, 1)), at=clock)
    while key_rotation.rotate(both, lambda *_: None).left:
        pass
    both.database.close()
    alone = build_runtime(with_keys(settings, rings(2) | {"index": rings(2, 1)["index"]}), at=clock)
    assert [row.measure for row in rows_of(alone, treatment_visit)] == ["112 - - 18"]
    assert how_ended(alone) == ["transferred"]
    alone.database.close()
