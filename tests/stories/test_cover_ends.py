"""The cover of a household's mutual ends: told in time and discreetly, renewed, refused, or asked at home."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import select, update

from service.config import Config
from service.follow_up_settings import CoverSettings
from service.runtime import Runtime, build_runtime
from service.store import task_tables
from service.store.care_tables import appointment
from service.store.mutual_tables import membership
from service.store.people_tables import consent, household
from service.stories.homes import consents, cover_ends, memberships
from service.stories.homes.consents import Words
from service.stories.homes.memberships import Refused
from service.stories.keeping import erasure, retention
from service.stories.recall import recalls
from service.stories.talk import opt_outs
from tests.cover import command, rows_of
from tests.loopback import LoopbackCarrier
from tests.people import Days, TestClock
from tests.stories.test_recalls import enrol

FATHER, NEIGHBOUR = "+22376000001", "+22376000002"
LAST = date(2026, 12, 25)
STOP = "Info *384*223#. Arreter: ARRET."
DISCREET = f"Laseli: une date pour votre foyer : le {{}}. Pour en savoir plus, faites *384*223# puis 2 et 3. {STOP}"
EXPLICIT = f"Laseli: votre mutuelle couvre le foyer jusqu'au {{}}. Pour continuer, voyez la mutuelle. {STOP}"


@pytest.fixture
def settings(settings: Config) -> Config:
    return settings.model_copy(update={"cover": CoverSettings(confirmed_by="the mutual's manager")})


def asked(runtime: Runtime, number: str = FATHER) -> str:
    told = memberships.Request("Moussa", 5, "mixte_public_prive", Words("test", "fr", "ussd"))
    with runtime.database.begin() as tx:
        return memberships.request(tx, runtime, number, told, runtime.now()).number


def covered(runtime: Runtime, request: str, until: date = LAST) -> None:
    with runtime.database.begin() as tx:
        memberships.confirm(tx, runtime, request, until, "Fatou", runtime.now())


def planned(runtime: Runtime) -> list[tuple[str, str]]:
    a = appointment.c
    with runtime.database.read() as tx:
        rows = tx.execute(select(a.doses, a.anchor_on).where(a.kind == "cover", a.state == "open"))
        return sorted((f"{row.anchor_on:%m-%d}", row.doses) for row in rows)


def lines(runtime: Runtime) -> list[task_tables.Task]:
    with runtime.database.read() as tx:
        return [one for one in task_tables.tasks(tx) if one.kind == cover_ends.LINE]


def test_a_cover_that_ends_is_told_three_times_and_then_asked_at_home(runtime: Runtime, days: Days) -> None:
    request = asked(runtime)
    assert planned(runtime) == []
    covered(runtime, request)
    assert planned(runtime) == [("11-25", "first"), ("12-18", "second"), ("12-25", "last")]
    sent = days.until("2026-12-25")
    assert sent == [(day, DISCREET.format("25/12")) for day in ("11-25", "12-18", "12-25")]
    assert lines(runtime) == []
    assert days.until("2026-12-28") == []
    [line] = lines(runtime)
    assert (line.number, line.zone) == (FATHER, None)
    assert request in (line.details or "")
    covered(runtime, request, date(2027, 12, 25))  # it goes on: nobody asks any more
    assert lines(runtime) == []
    assert planned(runtime)[0] == ("11-25", "first")


def test_a_new_last_day_takes_back_what_waits(runtime: Runtime, clock: TestClock, days: Days) -> None:
    request = asked(runtime)
    covered(runtime, request)
    clock.set("2026-11-25T07:00")
    assert recalls.queue_recalls(runtime) == 1
    covered(runtime, request, date(2027, 1, 2))  # paid again a moment before: of 30 days before, on 3 December
    assert days.until("2026-12-26") == [("12-03", DISCREET.format("02/01")), ("12-26", DISCREET.format("02/01"))]


def test_with_a_childs_recall_there_are_never_two_in_a_day(runtime: Runtime, clock: TestClock, days: Days) -> None:
    enrol(runtime, clock, number=FATHER, born="2026-10-14")  # six weeks old on 25 November
    covered(runtime, asked(runtime))
    sent = days.until("2026-11-27")
    assert [day for day, _ in sent] == ["11-22", "11-24", "11-25", "11-26", "11-27"]
    assert [day for day, text in sent if "25/12" in text] == ["11-26"], "the recall goes first"


def test_who_wants_no_more_of_it_hears_nothing(runtime: Runtime, clock: TestClock, days: Days) -> None:
    numbers = [f"+2237600001{place}" for place in range(4)]
    requests = [asked(runtime, number) for number in numbers]
    for request in requests:
        covered(runtime, request)
    clock.set("2026-11-25T07:00")
    assert recalls.queue_recalls(runtime) == 4
    with runtime.database.begin() as tx:
        memberships.end(tx, runtime, requests[0], "Fatou", runtime.now())
        opt_outs.stop(tx, runtime, numbers[1], "test", runtime.now())
        # The messages of the household go to another phone: it did not ask for this.
        theirs = next(row for row in rows_of(runtime, membership) if row.number == requests[2])
        others = next(row for row in rows_of(runtime, membership) if row.number == requests[3])
        home = household.c.id == theirs.household_id
        tx.execute(update(household).where(home).values(preferred_phone_id=others.phone_id))
    days.until("2026-12-24")
    told = {sms.to for sms in days.carrier.accepted}
    assert told <= {numbers[2], numbers[3]}
    assert len([sms for sms in days.carrier.accepted if sms.to == numbers[2]]) <= 1  # what had been queued for it
    said = sorted((row.at, row.person_id, row.given) for row in rows_of(runtime, consent) if row.purpose == "mutual")
    last = {person_id: given for _, person_id, given in said}
    assert sorted(last.values()) == [False, True, True, True]
    with pytest.raises(Refused, match="only an active membership ends"), runtime.database.begin() as tx:
        memberships.end(tx, runtime, requests[0], "Fatou", runtime.now())


def test_only_who_chose_explicit_words_reads_of_the_mutual(runtime: Runtime, clock: TestClock, days: Days) -> None:
    enrol(runtime, clock, number=FATHER, born="2023-01-10", last_visit="m15")
    covered(runtime, asked(runtime))
    phone_id = rows_of(runtime, membership)[0].phone_id
    with runtime.database.begin() as tx:
        assert consents.choose_words(tx, runtime, phone_id, True, Words("test", "fr", "ussd"), clock.now())
    assert days.until("2026-11-25")[-1] == ("11-25", EXPLICIT.format("25/12"))


def test_nothing_is_told_before_the_mutual_has_settled_when(
    settings: Config, clock: TestClock, carrier: LoopbackCarrier
) -> None:
    silent = build_runtime(settings.model_copy(update={"cover": None}), at=clock)
    request = asked(silent)
    covered(silent, request)
    with pytest.raises(Refused, match="2026-11-19 is past"):
        covered(silent, request, date(2026, 11, 19))
    assert planned(silent) == []
    assert cover_ends.look_after(silent) == 0
    settled = build_runtime(settings, at=clock)
    assert Days(settled, clock, carrier).until("2026-11-26") == [("11-25", DISCREET.format("25/12"))]
    settled.database.close()
    # And no more, where the word is taken back.
    assert Days(silent, clock, carrier).until("2026-12-19") == []
    silent.database.close()


def test_an_ended_membership_goes_with_all_that_was_planned(runtime: Runtime, clock: TestClock, days: Days) -> None:
    ended, erased = asked(runtime), asked(runtime, NEIGHBOUR)
    for request in (ended, erased):
        covered(runtime, request)
    days.until("2026-11-25")
    erasure.forget_on_request(runtime, NEIGHBOUR, "Awa", "asked at the centre", clock.now())
    assert [row.number for row in rows_of(runtime, membership)] == [ended]
    with runtime.database.begin() as tx:
        memberships.end(tx, runtime, ended, "Fatou", runtime.now())
    clock.advance(days=120)
    assert retention.purge(runtime)["requests"] == 1
    assert rows_of(runtime, membership) == rows_of(runtime, appointment) == []


def test_the_commands_say_what_they_did(settings: Config, runtime: Runtime) -> None:
    request = asked(runtime)
    assert command(settings, "mutual", "end", request).output.endswith("only an active membership ends\n")
    done = command(settings, "mutual", "confirm", request, "--paid-until", "2099-12-31", "--by", "Fatou")
    assert done.output.startswith(f"{request} is active, paid until 2099-12-31.\n")
    assert "is past" in command(settings, "mutual", "confirm", request, "--paid-until", "2001-12-31").output
    done = command(settings, "mutual", "end", request.lower(), "--by", "Fatou")
    assert done.output == f"{request} is ended. Nothing more is said about it.\n"
