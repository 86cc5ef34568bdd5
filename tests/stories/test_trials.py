"""What families hear while an experiment runs: less before the day in one arm, everything once a child is late."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any

import pytest
from sqlalchemy import event, select

from scheduler.timetable import one_round
from service.config import Config
from service.domain.experiments import TRIED, USUAL, NotSound
from service.runtime import Runtime, build_runtime
from service.store import experiment_tables, system_tables
from service.store.people_tables import consent
from service.stories.recall import recalls, trials
from service.stories.recall.trials import Approval
from service.stories.talk import opt_outs
from tests.loopback import LoopbackCarrier
from tests.people import Days, TestClock
from tests.stories.test_recalls import MOTHER, NEIGHBOUR, check_promises, enrol, give, steps_told
from tests.trials import APPROVAL, allowing, asked, begin, counts, home_of

EARLY, LATE = ["11-20", "11-22", "11-23"], ["11-25", "11-30", "12-07"]


@pytest.fixture
def settings(settings: Config) -> Config:
    return allowing(settings)


@pytest.fixture
def clock() -> TestClock:
    """A week before a child born on 12 October is six weeks old."""
    return TestClock("2026-11-16T10:00")


@pytest.fixture
def another(settings: Config, clock: TestClock) -> Iterator[Callable[[], Runtime]]:
    opened: list[Runtime] = []

    def build() -> Runtime:
        opened.append(build_runtime(settings, at=clock))
        return opened[-1]

    yield build
    for one in opened:
        one.database.close()


class Inbox:
    """On which days a number heard of a visit; what it was told before is not in it."""

    def __init__(self, days: Days, number: str) -> None:
        self.days, self.number = days, number

    def until(self, last: str) -> tuple[list[str], list[str]]:
        """Live through this day; gives the days on which something came, and the texts."""
        heard, texts = [], []
        carrier, clock = self.days.carrier, self.days.clock
        while f"{clock.here:%Y-%m-%d}" <= last:
            today, before = f"{clock.here:%Y-%m-%d}", len(carrier.accepted)
            self.days.until(today)
            mine = [sms.text for sms in carrier.accepted[before:] if sms.to == self.number]
            heard += [today[5:]] * len(mine)
            texts += mine
        return heard, texts


def counted(runtime: Runtime, name: str) -> int:
    with runtime.database.read() as tx:
        return system_tables.counters(tx).get(name, 0)


def stop(runtime: Runtime, clock: TestClock) -> int | None:
    with runtime.database.begin() as tx:
        return trials.stop(tx, runtime, "early-2026", "Awa", "asked by the committee", clock.now())


# --- a hold-out -------------------------------------------------------------------------------------------------


def test_a_family_held_out_hears_nothing_early_and_everything_once_it_is_late(
    runtime: Runtime, clock: TestClock, days: Days
) -> None:
    child = enrol(runtime, clock)
    one = begin(runtime, clock, {home_of(runtime, child): TRIED})
    heard, texts = Inbox(days, MOTHER).until("2026-12-07")
    assert heard == LATE
    assert all("Si c'est fait, merci" in text for text in texts)
    assert counts(runtime, one) == {
        (TRIED, "households"): 1,
        (TRIED, "children"): 1,
        (TRIED, "withheld:J-3"): 1,
        (TRIED, "withheld:J-1"): 1,
        (TRIED, "withheld:J"): 1,
    }
    assert counted(runtime, "recall_steps_withheld") == 3, "nothing is left out in silence"
    assert counted(runtime, "recall_steps_passed_over") == 0
    check_promises(runtime)


def test_the_others_hear_what_they_always_heard(runtime: Runtime, clock: TestClock, days: Days) -> None:
    child = enrol(runtime, clock)
    one = begin(runtime, clock, {home_of(runtime, child): USUAL})
    heard, texts = Inbox(days, MOTHER).until("2026-12-07")
    assert heard == EARLY + LATE
    assert texts[0].startswith("Laseli: rendez-vous")
    assert counts(runtime, one) == {(USUAL, "households"): 1, (USUAL, "children"): 1}


def test_only_the_steps_that_were_declared_are_left_out(runtime: Runtime, clock: TestClock, days: Days) -> None:
    child = enrol(runtime, clock)
    begin(runtime, clock, {home_of(runtime, child): TRIED}, steps=("J-1",))
    assert Inbox(days, MOTHER).until("2026-12-07")[0] == ["11-20", "11-23", *LATE]


def test_brothers_and_sisters_are_together(runtime: Runtime, clock: TestClock, days: Days) -> None:
    children = [enrol(runtime, clock, born=born) for born in ("2026-10-12", "2026-10-14")]
    assert len({home_of(runtime, child) for child in children}) == 1
    one = begin(runtime, clock, {home_of(runtime, children[0]): TRIED})
    assert Inbox(days, MOTHER).until("2026-11-26")[0] == ["11-25"], "J+2 of the first; the second is late on the 27th"
    assert counts(runtime, one)[TRIED, "withheld:J-3"] == 2


def test_a_child_enrolled_after_the_declaration_is_told_everything(
    runtime: Runtime, clock: TestClock, days: Days
) -> None:
    """Its doses are not counted, so nothing is tried on it: its sister's early step is left out all the same."""
    first = enrol(runtime, clock)
    begin(runtime, clock, {home_of(runtime, first): TRIED})
    clock.advance(hours=1)
    second = enrol(runtime, clock)
    heard, texts = Inbox(days, MOTHER).until("2026-11-24")
    assert heard == EARLY
    assert {step for step, _ in steps_told(runtime, second)} == {"J-3", "J-1", "J"}
    assert steps_told(runtime, first) == []
    assert all(text.count("23/11") == 1 for text in texts)


def test_a_child_of_whom_nobody_knows_the_birthday_is_told_everything(
    runtime: Runtime, clock: TestClock, days: Days
) -> None:
    child = enrol(runtime, clock)
    with runtime.database.begin() as tx:
        from sqlalchemy import update

        from service.store.people_tables import child as children

        tx.execute(update(children).values(birth_precision="month"))
    begin(runtime, clock, {home_of(runtime, child): TRIED})
    assert Inbox(days, MOTHER).until("2026-11-24")[0] == EARLY


def test_before_its_first_day_and_after_its_last_everybody_hears_everything(
    runtime: Runtime, clock: TestClock, days: Days
) -> None:
    child = enrol(runtime, clock)
    begin(runtime, clock, {home_of(runtime, child): TRIED}, starts_on=date(2026, 11, 24))
    assert Inbox(days, MOTHER).until("2026-11-23")[0] == EARLY
    give(runtime, clock, child, "PENTA", "OPV", "PCV", "ROTA", on="2026-11-23")  # the next: 21 December
    clock.set("2026-12-17T09:00")
    assert Inbox(days, MOTHER).until("2026-12-22")[0] == []
    give(runtime, clock, child, "PENTA", "OPV", "PCV", "ROTA", on="2026-12-21")  # the next: 18 January, after its end
    clock.set("2027-01-14T09:00")
    assert Inbox(days, MOTHER).until("2027-01-18")[0] == ["01-15", "01-17", "01-18"]


def test_a_family_that_is_late_from_before_gets_its_late_steps(runtime: Runtime, clock: TestClock, days: Days) -> None:
    clock.set("2026-11-10T10:00")
    child = enrol(runtime, clock, born="2026-06-20", last_visit="none")
    begin(runtime, clock, {home_of(runtime, child): TRIED}, starts_on=date(2026, 11, 14))
    assert Inbox(days, MOTHER).until("2026-11-26")[0] == ["11-10", "11-12", "11-17", "11-24"]


def test_the_worker_was_away_and_the_step_left_out_is_not_told_late(
    runtime: Runtime, clock: TestClock, days: Days
) -> None:
    child = enrol(runtime, clock)
    one = begin(runtime, clock, {home_of(runtime, child): TRIED})
    clock.set("2026-11-24T09:00")  # J may still be said
    assert Inbox(days, MOTHER).until("2026-11-26")[0] == ["11-25"]
    assert counts(runtime, one)[TRIED, "withheld:J"] == 1
    assert (TRIED, "withheld:J-3") not in counts(runtime, one), "it went by while nobody planned: counted as that"
    assert counted(runtime, "recall_steps_passed_over") == 2


def test_where_experiments_are_not_allowed_everybody_hears_everything(
    settings: Config, runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier
) -> None:
    child = enrol(runtime, clock)
    begin(runtime, clock, {home_of(runtime, child): TRIED})
    closed = build_runtime(allowing(settings, allowed=False), at=clock)
    assert Inbox(Days(closed, clock, carrier), MOTHER).until("2026-11-24")[0] == EARLY
    closed.database.close()


def test_without_an_experiment_a_page_costs_one_short_question_and_none_where_they_are_not_allowed(
    settings: Config, runtime: Runtime, clock: TestClock
) -> None:
    closed = build_runtime(allowing(settings, allowed=False), at=clock)
    for built, questions in ((runtime, 1), (closed, 0)):
        asked_for: list[str] = []
        event.listen(built.database.engine, "before_cursor_execute", lambda *args, to=asked_for: to.append(args[2]))
        with built.database.begin() as tx:
            trials.underway(tx, built, built.today(clock.now()))
        assert len([words for words in asked_for if "FROM experiment" in words]) == questions
    closed.database.close()


# --- stopping -------------------------------------------------------------------------------------------------


def test_once_it_is_stopped_the_next_step_is_told(runtime: Runtime, clock: TestClock, days: Days) -> None:
    child = enrol(runtime, clock)
    begin(runtime, clock, {home_of(runtime, child): TRIED})
    assert Inbox(days, MOTHER).until("2026-11-21")[0] == []
    clock.set("2026-11-22T00:02")
    stop(runtime, clock)
    assert Inbox(days, MOTHER).until("2026-12-08")[0] == ["11-22", "11-23", *LATE]
    check_promises(runtime)


def test_a_step_left_out_that_is_still_useful_is_given_back(runtime: Runtime, clock: TestClock, days: Days) -> None:
    """The planner passes the evening's step in the night; in the morning somebody stops the experiment."""
    child = enrol(runtime, clock)
    one = begin(runtime, clock, {home_of(runtime, child): TRIED})
    Inbox(days, MOTHER).until("2026-11-21")
    clock.set("2026-11-22T00:05")
    one_round(runtime)
    clock.set("2026-11-22T10:00")
    assert stop(runtime, clock) == 1
    assert counts(runtime, one)[TRIED, "given_back:J-1"] == 1
    assert Inbox(days, MOTHER).until("2026-11-24")[0] == ["11-22", "11-23"]
    assert stop(runtime, clock) is None, "it is stopped once"


def test_what_was_told_is_not_told_again_when_it_is_stopped(runtime: Runtime, clock: TestClock, days: Days) -> None:
    tried, usual = enrol(runtime, clock), enrol(runtime, clock, number=NEIGHBOUR)
    begin(runtime, clock, {home_of(runtime, tried): TRIED, home_of(runtime, usual): USUAL})
    assert Inbox(days, NEIGHBOUR).until("2026-11-20")[0] == ["11-20"]
    assert stop(runtime, clock) == 1, "only the other family's"
    assert Inbox(days, NEIGHBOUR).until("2026-11-24")[0] == ["11-22", "11-23"]
    check_promises(runtime)


# --- what it never touches --------------------------------------------------------------------------------------


def test_who_refused_hears_nothing_in_either_arm_and_no_consent_is_written(
    runtime: Runtime, clock: TestClock, days: Days
) -> None:
    tried, usual = enrol(runtime, clock), enrol(runtime, clock, number=NEIGHBOUR)
    with runtime.database.begin() as tx:
        for number in (MOTHER, NEIGHBOUR):
            opt_outs.stop(tx, runtime, number, "test", clock.now())
        before = tx.execute(select(consent).order_by(consent.c.id)).all()
    begin(runtime, clock, {home_of(runtime, tried): TRIED, home_of(runtime, usual): USUAL})
    answers = len(days.carrier.accepted)
    days.until("2026-11-25")
    assert not [sms for sms in days.carrier.accepted[answers:] if "rendez-vous" in sms.text]
    with runtime.database.read() as tx:
        assert tx.execute(select(consent).order_by(consent.c.id)).all() == before


# --- other words ------------------------------------------------------------------------------------------------


def test_the_tried_arm_is_told_in_other_words_before_the_day_and_in_the_usual_ones_after(
    runtime: Runtime, clock: TestClock, days: Days
) -> None:
    tried, usual = enrol(runtime, clock), enrol(runtime, clock, number=NEIGHBOUR)
    begin(runtime, clock, {home_of(runtime, tried): TRIED, home_of(runtime, usual): USUAL}, wording="plan")
    days.until("2026-11-26")
    told = {
        number: [sms.text for sms in days.carrier.accepted if sms.to == number and "carnet" in sms.text]
        for number in (MOTHER, NEIGHBOUR)
    }
    assert [text.startswith("Laseli: choisissez votre heure") for text in told[MOTHER]] == [True] * 3 + [False]
    assert [text.startswith("Laseli: rendez-vous") for text in told[NEIGHBOUR]] == [True] * 3 + [False]
    assert told[MOTHER][-1] == told[NEIGHBOUR][-1]
    assert all("23/11" in text for texts in told.values() for text in texts[:3])
    check_promises(runtime)


def test_words_that_a_version_lost_are_said_as_usual(runtime: Runtime, clock: TestClock, days: Days) -> None:
    child = enrol(runtime, clock)
    one = begin(runtime, clock, {home_of(runtime, child): TRIED}, wording="plan")
    with runtime.database.begin() as tx:
        from sqlalchemy import update

        e = experiment_tables.experiment
        tx.execute(update(e).where(e.c.id == one.id).values(wording="recall.before.gone"))
    _, texts = Inbox(days, MOTHER).until("2026-11-20")
    assert texts[0].startswith("Laseli: rendez-vous")


# --- what may not be begun --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "approval", "told"),
    [
        ({}, Approval("Awa", "C", "N 1"), "say, each in 2 letters or more, --approved-by: the ethics committee"),
        ({}, Approval("Awa", "Comité", "  "), "--approval-reference: the number of its decision"),
        ({}, Approval("", "Comité", "N 1"), "who declares it"),
        ({"steps": ("J-1", "J+2")}, APPROVAL, "never left out"),
        ({"share": 51}, APPROVAL, "1 to 50 families"),
        ({"starts_on": date(2026, 11, 19)}, APPROVAL, "at the earliest"),
        ({"wording": "shout"}, APPROVAL, "there is no phrase 'recall.before.shout'; there are: plan, expected"),
        ({"wording": "plan", "steps": ("J",)}, APPROVAL, "not both"),
        ({"steps": ()}, APPROVAL, "say what is tried"),
        ({"programme": "nowhere"}, APPROVAL, "there is no programme 'nowhere'"),
    ],
)
def test_what_must_not_be_is_refused_and_nothing_is_written(
    runtime: Runtime, clock: TestClock, changes: dict[str, Any], approval: Approval, told: str
) -> None:
    with pytest.raises(NotSound) as refused, runtime.database.begin() as tx:
        trials.begin(tx, runtime, asked(**changes), approval, clock.now())
    assert told in str(refused.value)
    with runtime.database.read() as tx:
        assert experiment_tables.records(tx) == []


def test_nothing_begins_unless_the_settings_allow_it(settings: Config, clock: TestClock) -> None:
    closed = build_runtime(settings.model_copy(update={"experiment": Config.model_fields["experiment"].default}))
    with pytest.raises(NotSound, match="not allowed here"), closed.database.begin() as tx:
        trials.begin(tx, closed, asked(), APPROVAL, clock.now())
    closed.database.close()


def test_one_at_a_time_and_a_name_only_once(runtime: Runtime, clock: TestClock) -> None:
    begin(runtime, clock)
    with pytest.raises(NotSound, match="'early-2026' runs until 2026-12-31"), runtime.database.begin() as tx:
        trials.begin(tx, runtime, asked(name="another"), APPROVAL, clock.now())
    stop(runtime, clock)
    with pytest.raises(NotSound, match="its name stays with its record"), runtime.database.begin() as tx:
        trials.begin(tx, runtime, asked(), APPROVAL, clock.now())
    begin(runtime, clock, name="another")
    with runtime.database.read() as tx:
        assert {one.experiment.name for one in experiment_tables.records(tx)} == {"early-2026", "another"}


def test_the_record_says_who_and_what_beforehand(runtime: Runtime, clock: TestClock) -> None:
    one = begin(runtime, clock)
    stop(runtime, clock)
    with runtime.database.read() as tx:
        record = experiment_tables.record_of(tx, "early-2026")
    assert record is not None
    assert record.experiment == one
    assert record[1:] == ("Awa", "Comité d'éthique", "N 2026/12", clock.now(), "Awa", "asked by the committee")
    assert one.within_days == 28, "the calendar's"


# --- two processes at once --------------------------------------------------------------------------------------


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    ready = threading.Barrier(len(calls))

    def go(call: Callable[[], Any]) -> Any:
        ready.wait(10)
        try:
            return call()
        except NotSound as reason:
            return reason

    with ThreadPoolExecutor(len(calls)) as threads:
        return [one.result(60) for one in [threads.submit(go, call) for call in calls]]


def test_two_who_begin_at_once_begin_one(runtime: Runtime, clock: TestClock, another: Callable[[], Runtime]) -> None:
    def beginning(name: str) -> Callable[[], Any]:
        built = another()

        def call() -> Any:
            with built.database.begin() as tx:
                return trials.begin(tx, built, asked(name=name), APPROVAL, clock.now())

        return call

    done = at_once(beginning("one-2026"), beginning("two-2026"))
    assert sum(isinstance(one, NotSound) for one in done) == 1
    with runtime.database.read() as tx:
        assert len(experiment_tables.records(tx)) == 1


def test_two_planners_at_once_count_each_step_once(
    runtime: Runtime, clock: TestClock, another: Callable[[], Runtime], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recalls, "PAGE", 5)
    children = [enrol(runtime, clock, number=f"+223700200{place:02d}") for place in range(24)]
    one = begin(runtime, clock)
    tried = sum(trials.arm_of(one, home_of(runtime, child)) == TRIED for child in children)
    clock.set("2026-11-20T00:05")
    planners = [another() for _ in range(3)]
    queued = sum(at_once(*(lambda built=built: recalls.queue_recalls(built) for built in planners)))
    queued += recalls.queue_recalls(runtime)
    assert queued == 24 - tried
    assert counts(runtime, one).get((TRIED, "withheld:J-3"), 0) == tried


def test_a_stop_beside_planners_loses_no_step(
    runtime: Runtime, clock: TestClock, another: Callable[[], Runtime], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever comes first: after the stop every family has its message of the day."""
    monkeypatch.setattr(recalls, "PAGE", 5)
    for place in range(24):
        enrol(runtime, clock, number=f"+223700200{place:02d}")
    begin(runtime, clock)
    clock.set("2026-11-20T00:05")
    planner, stopper = another(), another()
    queued, _ = at_once(lambda: recalls.queue_recalls(planner), lambda: stop(stopper, clock))
    assert queued + recalls.queue_recalls(runtime) == 24
