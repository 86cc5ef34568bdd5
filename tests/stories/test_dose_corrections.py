"""A dose that was wrong is taken back or moved: who did it and why is kept, and the recalls come back."""

from __future__ import annotations

import pytest

from scheduler.timetable import one_round
from service.commands import dose_commands, opening
from service.config import Config
from service.runtime import Runtime
from service.store.care_tables import dose
from service.stories.homes.families import Enrolled
from tests.cover import command, everything, rows_of
from tests.loopback import LoopbackCarrier
from tests.people import Days, TestClock
from tests.stories.test_recalls import enrol, give, plans, steps_told

CONTACT = "OPV1,PCV1,PENTA1,ROTA1"
ALL = ("PENTA", "OPV", "PCV", "ROTA")


@pytest.fixture(autouse=True)
def _the_tests_clock(monkeypatch: pytest.MonkeyPatch, clock: TestClock) -> None:
    """Commands read the machine's clock; here they read the story's."""
    monkeypatch.setattr(dose_commands, "opened_runtime", lambda: opening.opened_runtime(clock))


def doses(settings: Config, *words: str) -> str:
    result = command(settings, "dose", *words)
    assert result.exit_code == 0, result.output
    return result.output


def refused(settings: Config, *words: str) -> str:
    result = command(settings, "dose", *words)
    assert result.exit_code in (1, 2), result.output
    assert "Traceback" not in result.output
    return result.output


@pytest.fixture
def awa(runtime: Runtime, clock: TestClock) -> Enrolled:
    """Six weeks old on 23 November; all four doses of that day are on record."""
    one = enrol(runtime, clock)
    clock.set("2026-11-23T10:00")
    give(runtime, clock, one, *ALL)
    return one


# --- taken back ---------------------------------------------------------------------------------------------


def test_a_dose_of_another_child_is_taken_back_and_kept_with_who_and_why(
    settings: Config, runtime: Runtime, clock: TestClock, awa: Enrolled
) -> None:
    assert "PENTA1" not in str(plans(runtime, awa))
    said = doses(
        settings, "void", awa.code, "PENTA", "2026-11-23", "--why", "wrong-child", "--by", "Fatou", "--note", "registre"
    )
    assert said.startswith("PENTA of 2026-11-23 is taken back. Planned: PENTA1 on 2026-11-23;")
    (row,) = [row for row in rows_of(runtime, dose) if row.voided_at]
    assert (row.antigen, row.voided_by, row.voided_why, row.voided_note) == (
        "PENTA",
        "Fatou",
        "wrong-child",
        "registre",
    )
    assert plans(runtime, awa)["PENTA1"]
    listed = doses(settings, "list", awa.code)
    assert "2026-11-23  PENTA   taken back by Fatou, 20" in listed
    assert ", wrong-child: registre  (centre test, 2026-11-23)" in listed
    assert "2026-11-23  OPV     OPV1  (centre test, 2026-11-23)" in listed
    assert "Awa" not in listed


def test_after_it_was_taken_back_the_dose_can_be_written_again(
    settings: Config, runtime: Runtime, clock: TestClock, awa: Enrolled
) -> None:
    doses(settings, "void", awa.code, "PENTA1", "2026-11-23", "--why", "forged", "--by", "Fatou")
    assert doses(settings, awa.code, "PENTA", "--on", "2026-11-23") == "Recorded: PENTA.\n"
    assert doses(settings, awa.code, "PENTA", "--on", "2026-11-23").startswith("Nothing new")
    listed = doses(settings, "list", awa.code)
    assert listed.count("  PENTA   ") == 2
    assert "PENTA   PENTA1  (centre command line" in listed
    too_young = doses(settings, awa.code, "MR", "--on", "2026-11-20")
    assert too_young.startswith("Recorded: MR.\nMR of 2026-11-20 does not count: too_")


def test_the_note_is_sealed(settings: Config, runtime: Runtime, awa: Enrolled) -> None:
    doses(settings, "void", awa.code, "OPV", "2026-11-23", "--why", "other", "--by", "Fatou", "--note", "cahier perdu")
    with runtime.database.read() as tx:
        raw = tx.exec_driver_sql("SELECT voided_note FROM dose WHERE voided_note IS NOT NULL").scalar_one()
    assert b"cahier" not in bytes(raw)


def test_the_recalls_of_a_dose_that_was_taken_back_begin_again(
    settings: Config, runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier
) -> None:
    one = enrol(runtime, clock)
    give(runtime, clock, one, *ALL)  # somebody wrote in the mediator's name, three days before the day
    days = Days(runtime, clock, carrier)
    assert days.until("2026-11-20") == []
    clock.set("2026-11-21T10:00")
    for antigen in ALL:
        doses(settings, "void", one.code, antigen, "2026-11-20", "--why", "forged", "--by", "Fatou")
    assert plans(runtime, one)[CONTACT]
    assert [day for day, _ in days.until("2026-11-25")] == ["11-21", "11-22", "11-23", "11-25"]


def test_what_the_family_has_heard_is_not_said_twice(
    settings: Config, runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier
) -> None:
    one = enrol(runtime, clock)
    days = Days(runtime, clock, carrier)
    assert [day for day, _ in days.until("2026-11-25")] == ["11-20", "11-22", "11-23", "11-25"]
    clock.set("2026-11-26T09:00")
    give(runtime, clock, one, *ALL)
    assert not [row for row in plans(runtime, one) if "PENTA1" in row]
    clock.set("2026-11-26T10:00")
    for antigen in ALL:
        doses(settings, "void", one.code, antigen, "2026-11-26", "--why", "not-given", "--by", "Fatou")
    assert plans(runtime, one)[CONTACT]
    sent = days.until("2026-12-08")
    assert [day for day, _ in sent] == ["11-30", "12-07"], "J+2 is useful until the 29th, and was told on the 25th"


def test_a_reminder_that_never_left_is_told_after_all(
    settings: Config, runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier
) -> None:
    clock.set("2026-11-20T07:00")
    one = enrol(runtime, clock)
    one_round(runtime)  # queued for nine o'clock
    assert [state for _, state in steps_told(runtime, one)] == ["queued"]
    give(runtime, clock, one, *ALL)
    for antigen in ALL:
        doses(settings, "void", one.code, antigen, "2026-11-20", "--why", "wrong-child", "--by", "Fatou")
    assert [day for day, _ in Days(runtime, clock, carrier).until("2026-11-22")] == ["11-20", "11-22"]


# --- moved --------------------------------------------------------------------------------------------------


def test_a_dose_is_put_on_the_day_of_the_card(
    settings: Config, runtime: Runtime, clock: TestClock, awa: Enrolled
) -> None:
    clock.set("2026-11-30T10:00")
    said = doses(settings, "move", awa.code, "PENTA", "2026-11-23", "--to", "2026-11-26", "--by", "Fatou")
    assert said.startswith("PENTA of 2026-11-23 is taken back and stands on 2026-11-26.")
    stands = {(row.antigen, f"{row.given_on:%d/%m}", row.source) for row in rows_of(runtime, dose) if not row.voided_at}
    assert ("PENTA", "26/11", "correction") in stands
    (was,) = [row for row in rows_of(runtime, dose) if row.voided_at]
    assert (was.voided_why, was.voided_by) == ("wrong-date", "Fatou")
    assert "2026-12-24" in said, "four weeks after the day that it was moved to"


def test_a_dose_that_was_moved_to_a_day_too_early_is_kept_and_explained(
    settings: Config, runtime: Runtime, clock: TestClock, awa: Enrolled
) -> None:
    doses(settings, "move", awa.code, "penta 1", "23/11/2026", "--to", "02/11/2026", "--by", "Fatou")
    assert "2026-11-02  PENTA   does not count: too_young" in doses(settings, "list", awa.code)
    assert "PENTA1" in str(plans(runtime, awa))


# --- refused ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("void", "CODE", "PENTA", "2026-11-22"), "no PENTA of 2026-11-22 is on record; there is 2026-11-23"),
        (("void", "CODE", "MR", "2026-11-22"), "no MR of 2026-11-22 is on record; there is none"),
        (("void", "CODE", "XYZ", "2026-11-23"), "'XYZ' is not an antigen of this child's calendar"),
        (("void", "00000000", "PENTA", "2026-11-23"), "no child has this code"),
        (("void", "CODE", "PENTA", "23/11"), "lacks its whole year: write a day as"),
        (("void", "CODE", "PENTA", "2026-11-23", "--by", "x"), "write who corrects"),
        (("void", "CODE", "PENTA", "2026-11-23", "--why", "other"), "--why other needs a --note"),
        (("void", "CODE", "PENTA", "2026-11-23", "--why", "because"), "is not one of 'wrong-child'"),
        (("void", "CODE", "PENTA", "2026-11-23", "--note", "a" * 201), "201 letters, 200 at most"),
        (("move", "CODE", "PENTA", "2026-11-23", "--to", "2999-01-01"), "01/01/2999 is in the future"),
        (("move", "CODE", "PENTA", "2026-11-23", "--to", "2026-01-01"), "01/01/2026 is before the child's birth"),
        (("move", "CODE", "PENTA", "2026-11-23", "--to", "2026-11-23"), "is the day on record already"),
        (("move", "CODE", "BCG", "2026-10-12", "--to", "2026-11-21"), "BCG of 21/11/2026 is on record already"),
    ],
)
def test_what_cannot_be_corrected_says_why_and_changes_nothing(
    settings: Config, runtime: Runtime, clock: TestClock, awa: Enrolled, words: tuple[str, ...], reason: str
) -> None:
    give(runtime, clock, awa, "BCG", on="2026-11-21")
    before = everything(runtime)
    typed = [awa.code.replace(" ", "") if word == "CODE" else word for word in words]
    typed += ["--by", "Fatou"] if "--by" not in typed else []
    typed += ["--why", "forged"] if "--why" not in typed else []
    assert reason in " ".join(refused(settings, *typed).split())
    assert everything(runtime) == before


def test_taken_back_once_is_enough(settings: Config, runtime: Runtime, awa: Enrolled) -> None:
    words = ("void", awa.code, "PENTA", "2026-11-23", "--why", "forged", "--by", "Fatou")
    doses(settings, *words)
    before = everything(runtime)
    assert "no PENTA of 2026-11-23 is on record; there is none" in refused(settings, *words)
    assert everything(runtime) == before


def test_a_dry_run_says_the_same_and_changes_nothing(settings: Config, runtime: Runtime, awa: Enrolled) -> None:
    before = everything(runtime)
    words = ("void", awa.code, "PENTA", "2026-11-23", "--why", "forged", "--by", "Fatou")
    said = doses(settings, *words, "--dry-run")
    assert said.startswith("PENTA of 2026-11-23 would be taken back. Planned: PENTA1 on 2026-11-23;")
    assert said.endswith("Nothing was changed.\n")
    assert everything(runtime) == before
    assert "is taken back" in doses(settings, *words)


def test_the_history_says_of_every_dose_what_becomes_of_it(
    settings: Config, runtime: Runtime, clock: TestClock
) -> None:
    one = enrol(runtime, clock)
    give(runtime, clock, one, "PENTA", on="2026-11-02")
    clock.set("2026-12-01T10:00")
    give(runtime, clock, one, "PENTA", on="2026-11-30")
    give(runtime, clock, one, "BCG", on="2026-11-30")
    listed = doses(settings, "list", one.code)
    assert f"{one.code}, born 2026-10-12, followed\n" in listed
    assert "2026-11-02  PENTA   does not count: too_young  (centre test, 2026-11-20)" in listed
    assert "2026-11-30  PENTA   PENTA1  (centre test, 2026-12-01)" in listed
    assert "2026-11-30  BCG     not needed  (centre test, 2026-12-01)" in listed
    assert "2026-10-12  BCG     BCG  (mother self" in listed
    assert ", day assumed)" in listed
    assert "no child has this code" in refused(settings, "list", "12345678")
