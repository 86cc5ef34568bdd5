"""A malaria round is announced, told like any other visit, moved, cancelled; the job that asks all families is cut."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select

from service import jobs
from service.cli import main
from service.clock import SystemClock
from service.config import Config
from service.runtime import Runtime
from service.store.care_tables import appointment
from service.store.decision_tables import decision
from service.store.round_tables import malaria_round
from service.stories.care import malaria_announcements
from service.stories.care.malaria_announcements import Refused, Said
from service.stories.delivery import dispatcher
from service.stories.homes import families, pauses
from service.stories.homes.families import Enrolled
from service.stories.recall import late_list, recalls
from tests.cover import rows_of
from tests.diary import an_hour_later
from tests.follow_ups import with_follow_ups
from tests.people import Days, TestClock
from tests.stories.test_recalls import MOTHER, NEIGHBOUR, enrol, steps_told

GROWN = "2023-01-10"
"""Nearly four years old; its calendar asks for nothing any more once its visits were told."""
PARDON = "Pardon pour le dérangement."
FIRST, LAST = date(2026, 12, 3), date(2026, 12, 7)
WORDS = "Laseli: rendez-vous à partir du {}, au CSCom ASACODAR, avec le carnet. Info *384*223#. Arreter: ARRET."


@pytest.fixture
def settings(settings: Config) -> Config:
    return with_follow_ups(settings)


def said(first: date = FIRST, last: date = LAST, number: int = 1, district: str = "commune iii") -> Said:
    return Said(district, number, first, last, "PNLP")


def announce(runtime: Runtime, one: Said | None = None) -> None:
    with runtime.database.begin() as tx:
        malaria_announcements.announce(tx, runtime, one or said(), runtime.now())
    jobs.carry_out_due(runtime)


def move(runtime: Runtime, one: Said) -> None:
    with runtime.database.begin() as tx:
        malaria_announcements.move(tx, runtime, one, runtime.now())
    jobs.carry_out_due(runtime)


def cancel(runtime: Runtime, number: int = 1) -> None:
    with runtime.database.begin() as tx:
        malaria_announcements.cancel(tx, runtime, "Commune III", number, "PNLP", runtime.now())
    jobs.carry_out_due(runtime)


def grown(runtime: Runtime, clock: TestClock, number: str = MOTHER, born: str = GROWN) -> Enrolled:
    """A child that had all its visits: no vaccine is asked for."""
    return enrol(runtime, clock, number=number, born=born, last_visit="m15")


def expected(runtime: Runtime, one: Enrolled | None = None) -> list[tuple[str, str]]:
    """(contact, day) of the open appointments of rounds."""
    a = appointment.c
    with runtime.database.read() as tx:
        which = (a.kind == "smc") & (a.state == "open")
        if one is not None:
            which &= a.child_id == one.child_id
        rows = tx.execute(select(a.doses, a.anchor_on).where(which).order_by(a.anchor_on, a.id))
        return [(row.doses, f"{row.anchor_on:%m-%d}") for row in rows]


def test_every_child_of_age_is_told_before_and_never_afterwards(runtime: Runtime, clock: TestClock, days: Days) -> None:
    own = grown(runtime, clock)
    too_old = grown(runtime, clock, NEIGHBOUR, born="2021-12-03")
    young = grown(runtime, clock, "+22370000003", born="2026-09-05")  # three months old in the middle of the round
    announce(runtime)
    assert expected(runtime, own) == [("2026-1-day1", "12-03")]
    assert expected(runtime, too_old) == []
    assert expected(runtime, young) == [("2026-1-day1", "12-05")]
    later = grown(runtime, clock, "+22370000004")
    assert expected(runtime, later) == [("2026-1-day1", "12-03")], "enrolled after the announcement"
    with runtime.database.read() as tx:
        assert late_list.late_children(tx, runtime, range(1, 60), date(2026, 12, 30)) == []
    told = [(day, text) for day, text in days.until("2026-12-20") if "/12" in text]
    of_round = [(day, text) for day, text in told if text in (WORDS.format("03/12"), WORDS.format("05/12"))]
    assert [day for day, _ in of_round if _ == WORDS.format("03/12")] == ["11-30", "11-30", "12-03", "12-03"]
    assert [day for day, text in of_round if text == WORDS.format("05/12")] == ["12-02", "12-05"]
    assert all(day <= "12-07" for day, _ in of_round)
    with runtime.database.read() as tx:
        [line] = malaria_announcements.listed(tx)
    assert (line.district, line.expected, line.one.is_walked) == ("Commune III", 3, True)


def test_it_is_in_the_same_sms_as_a_siblings_recall(runtime: Runtime, clock: TestClock, days: Days) -> None:
    enrol(runtime, clock, born="2026-10-22")  # six weeks old on the first day of the round
    own = grown(runtime, clock)
    announce(runtime)
    sent = days.until("2026-12-03")
    assert [day for day, text in sent if text == WORDS.format("03/12")] == ["11-30", "12-02", "12-03"]
    assert len({day for day, _ in sent}) == len(sent), "never two in a day"
    assert [step for step, _ in steps_told(runtime, own)] == ["J-3", "J"]


def test_who_is_stopped_or_refuses_hears_nothing(runtime: Runtime, clock: TestClock, days: Days) -> None:
    dead, refused, goes_on = (grown(runtime, clock, f"+2237000010{place}") for place in range(3))
    announce(runtime)
    clock.set("2026-11-30T09:05")
    assert recalls.queue_recalls(runtime) == 3
    with runtime.database.begin() as tx:
        families.stop_child(tx, runtime, dead.child_id, clock.now(), "dead")
        pauses.refuse(tx, runtime, refused.child_id, clock.now())
    assert expected(runtime, dead) == []
    assert len(days.until("2026-12-20")) == 2  # of the third alone: J-3 and J
    assert {sms.to for sms in days.carrier.accepted} == {"+22370000102"}
    assert expected(runtime, goes_on) == [("2026-1-day1", "12-03")]


def test_a_round_is_moved_and_who_heard_of_it_hears_that(runtime: Runtime, clock: TestClock, days: Days) -> None:
    grown(runtime, clock)
    nearly_five = grown(runtime, clock, NEIGHBOUR, born="2021-12-05")
    announce(runtime)
    move(runtime, said(FIRST, date(2026, 12, 9)))  # only its end: nothing is said of it
    assert expected(runtime, nearly_five) == [("2026-1-day1", "12-03")]
    assert [day for day, _ in days.until("2026-11-30")] == ["11-30", "11-30"]
    clock.set("2026-12-01T10:00")
    move(runtime, said(date(2026, 12, 10), date(2026, 12, 14)))
    assert expected(runtime, nearly_five) == [], "too old by then"
    moved = "Laseli: le rendez-vous du 03/12 au CSCom ASACODAR est reporté. Venez dès le 10/12, avec le carnet. "
    off = "Laseli: le rendez-vous du 03/12 au CSCom ASACODAR n'aura pas lieu. "
    sent = days.until("2026-12-20")
    assert sorted(sent[:2]) == [("12-01", moved + PARDON), ("12-01", off + PARDON)]
    assert sent[2:] == [("12-07", WORDS.format("10/12")), ("12-10", WORDS.format("10/12"))]


def test_between_the_word_and_its_job_nobody_is_told_the_former_day(
    runtime: Runtime, clock: TestClock, days: Days
) -> None:
    child = grown(runtime, clock)
    announce(runtime)
    clock.set("2026-11-30T08:55")
    assert recalls.queue_recalls(runtime) == 1
    with runtime.database.begin() as tx:
        malaria_announcements.move(tx, runtime, said(date(2026, 12, 10), date(2026, 12, 14)), runtime.now())
    clock.set("2026-11-30T09:20")
    assert recalls.queue_recalls(runtime) == 0
    assert dispatcher.send_due(runtime) == 0, "it waits for the job"
    jobs.carry_out_due(runtime)
    assert expected(runtime, child) == [("2026-1-day1", "12-10")]
    assert [day for day, _ in days.until("2026-12-10")] == ["12-07", "12-10"]


def test_a_cancelled_round_is_silence_and_may_be_announced_anew(runtime: Runtime, clock: TestClock, days: Days) -> None:
    grown(runtime, clock)
    announce(runtime)
    clock.set("2026-11-30T08:00")
    assert recalls.queue_recalls(runtime) == 1
    cancel(runtime)  # before anything left
    assert expected(runtime) == []
    assert days.until("2026-11-30") == []
    clock.set("2026-11-30T18:00")
    announce(runtime)
    assert [day for day, _ in days.until("2026-12-03")] == ["11-30", "12-03"], "told as if for the first time"
    clock.set("2026-12-04T09:00")
    cancel(runtime)  # while it goes on
    assert [text.startswith("Laseli: le rendez-vous du 03/12") for _, text in days.until("2026-12-12")] == [True]
    with runtime.database.read() as tx:
        said_of_it = tx.execute(select(decision.c.by, decision.c.why).order_by(decision.c.at)).all()
    assert [row.why.split(":")[0] for row in said_of_it] == ["announced", "cancelled", "announced", "cancelled"]
    assert {row.by for row in said_of_it} == {"PNLP"}


@pytest.mark.parametrize(
    ("one", "why"),
    [
        (said(district="Kayes"), "no quartier of ours is in the district 'Kayes'; there is Commune III"),
        (said(date(2026, 11, 19), date(2026, 11, 23), 2), "2026-11-19 is past"),
        (said(), "announced already, from 2026-12-03"),
        (said(date(2026, 12, 20), date(2026, 12, 24), 2), "less than 28 days"),
        (Said("Commune III", 2, date(2027, 1, 20), date(2027, 1, 24), " "), "--by NAME"),
    ],
)
def test_what_cannot_be_announced_changes_nothing(runtime: Runtime, one: Said, why: str) -> None:
    announce(runtime)
    before = rows_of(runtime, malaria_round)
    with pytest.raises(Refused, match=why), runtime.database.begin() as tx:
        malaria_announcements.announce(tx, runtime, one, runtime.now())
    assert rows_of(runtime, malaria_round) == before


# --- the job ------------------------------------------------------------------------------------------------


def test_a_worker_that_dies_or_ends_in_between_leaves_no_child_out_and_expects_none_twice(
    runtime: Runtime, clock: TestClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(malaria_announcements, "MOST_HOUSEHOLDS", 3)
    homes = [grown(runtime, clock, f"+223700000{place:02d}") for place in range(10, 20)]
    plan_page, pages = malaria_announcements.plan_page, []

    def planned(*args: object) -> int:
        done = plan_page(*args)  # type: ignore[arg-type]
        pages.append(done)
        if len(pages) == 2:
            raise OSError("the disk was full")
        if len(pages) == 3:
            runtime.stopping.set()
        return done

    monkeypatch.setattr(malaria_announcements, "plan_page", planned)
    announce(runtime)
    assert len(expected(runtime)) == 3, "the second page was undone whole"
    assert malaria_announcements.look_after(runtime) == 1
    an_hour_later(runtime, clock)
    malaria_announcements.carry_on(runtime, rows_of(runtime, malaria_round)[0].id)
    assert len(expected(runtime)) == 6
    runtime.stopping.clear()
    move(runtime, said(date(2026, 12, 4), LAST))  # another word on it meanwhile: from the first family on
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: malaria_announcements.carry_on(runtime, rows_of(runtime, malaria_round)[0].id), "ab"))
    assert [expected(runtime, one) for one in homes] == [[("2026-1-day1", "12-04")]] * 10
    assert rows_of(runtime, malaria_round)[0].is_walked
    assert malaria_announcements.look_after(runtime) == 0


# --- as the staff types it ----------------------------------------------------------------------------------


def test_the_commands(settings: Config, runtime: Runtime, clock: TestClock) -> None:
    """They live in the true time: a round of next month."""
    first = runtime.today(SystemClock().now()) + timedelta(40)
    first = first if first.year == (first + timedelta(4)).year else first + timedelta(10)
    dates = ("--cycle", "1", "--from", f"{first}", "--to", f"{first + timedelta(4)}")
    born = f"{first - timedelta(700)}"
    for number in (MOTHER, MOTHER, NEIGHBOUR):
        enrol(runtime, clock, number=number, born=born, last_visit="m15")

    def follow(*words: str, confirmed: bool = True) -> Result:
        environment = {
            "LASELI_DATABASE_URL": settings.database_url,
            "LASELI_KEYS__IDENTITY": settings.keys.identity.get_secret_value(),
            "LASELI_KEYS__INDEX": settings.keys.index.get_secret_value(),
        }
        confirming = {"LASELI_FOLLOW_UPS__CONFIRMED_BY": "Dr Traore"} if confirmed else {}
        return CliRunner().invoke(main, ["follow", "rounds", *words], env=environment | confirming)

    here = ("--district", "Commune III", *dates)
    by = ("--by", "PNLP")
    assert "no round is announced before" in follow("announce", *here, *by, confirmed=False).output
    assert "--by NAME" in follow("announce", *here).output
    foreseen = follow("announce", *here, "--dry-run").output
    assert foreseen.startswith("3 children of 2 families would be expected; at most 4 SMS, about ")
    assert follow("list").output == "No round was announced.\n"
    assert follow("announce", *here, *by).output.startswith(f"Round 1 of {first.year} is announced: {first} to ")
    assert "announced already" in follow("announce", *here, *by, "--dry-run").output
    jobs.carry_out_due(runtime)
    listed = follow("list").output
    assert f"Commune III  {first.year} round 1  {first} to {first + timedelta(4)}  3 children  announced  (" in listed
    assert "no round 2 of" in follow("move", "--district", "Commune III", "--cycle", "2", *dates[2:], *by).output
    assert follow("move", *here, *by).output.startswith("Round 1 of")
    gone = follow("cancel", "--district", "Commune III", "--cycle", "1", "--year", f"{first.year}", *by)
    assert gone.output == "Cancelled. The worker takes back what waits.\n"
    assert "no quartier of ours" in follow("cancel", "--district", "Kayes", "--cycle", "1", *by).output
