"""A mediator hears of a death: it stops everything for that child and nothing for another, and may be a mistake."""

from __future__ import annotations

from service.config import Config
from service.runtime import Runtime
from service.store.people_tables import child
from service.store.visit_tables import visit
from service.stories.care import home_visits
from service.stories.homes import families
from service.stories.keeping import erasure, retention
from service.stories.recall import recalls
from tests.cover import command, rows_of
from tests.mediators import Account
from tests.people import Days, TestClock
from tests.visits import MOTHER, enrol, lines, listed, now_of, open_of, told_by, visited, waiting


def test_a_death_stops_everything_for_that_child_and_nothing_for_its_sister(
    runtime: Runtime, clock: TestClock, account: Account, days: Days
) -> None:
    gone, sister = enrol(runtime, clock), enrol(runtime, clock, born="2026-09-21")
    clock.set("2026-11-20T06:00")
    recalls.queue_recalls(runtime)
    assert waiting(runtime) == 1, "one message tells of both"
    visited(runtime, gone, "dead")
    assert waiting(runtime) == 0
    assert open_of(runtime, gone) == []
    assert open_of(runtime, sister) != []
    assert (now_of(runtime, gone).status, now_of(runtime, sister).status) == ("stopped", "followed")
    assert lines(runtime) == []
    assert told_by(days, "2027-01-10"), "the sister is told of on"
    assert listed(runtime) == [sister.code]


def test_after_the_death_of_an_only_child_the_family_hears_nothing(
    runtime: Runtime, clock: TestClock, account: Account, days: Days
) -> None:
    gone = enrol(runtime, clock)
    days.until("2026-11-21")
    visited(runtime, gone, "dead")
    assert told_by(days, "2027-02-20") == []
    assert listed(runtime) == []
    assert [kind for kind, _ in lines(runtime)] == []


def test_a_death_takes_what_asks_somebody_to_go_there_off_the_list(
    runtime: Runtime, clock: TestClock, account: Account
) -> None:
    one = enrol(runtime, clock)
    visited(runtime, one, "refused")
    assert lines(runtime) == [("visit_refused", None)]
    visited(runtime, one, "dead")
    assert lines(runtime) == []


def test_a_death_by_mistake_is_put_right_by_the_supervisor(
    runtime: Runtime, clock: TestClock, account: Account, days: Days
) -> None:
    one = enrol(runtime, clock)
    before = open_of(runtime, one)
    visited(runtime, one, "dead")
    with runtime.database.begin() as tx:
        assert home_visits.resume(tx, runtime, families.show_code(one.code), "Fatou", clock.now()) == "noté décédé"
    assert now_of(runtime, one).status == "followed"
    assert open_of(runtime, one) == before
    assert lines(runtime, "done") == [("resumed", None)]
    assert told_by(days, "2026-11-25"), "its reminders go on"


def test_the_supervisors_command_says_what_stood_there(
    runtime: Runtime, clock: TestClock, account: Account, settings: Config
) -> None:
    one = enrol(runtime, clock)
    visited(runtime, one, "refused")
    said = command(settings, "child", "resume", families.show_code(one.code), "--by", "Fatou")
    assert said.output == "It is followed again (before: refus).\n"
    assert now_of(runtime, one).quiet_why is None
    assert sorted(lines(runtime, "done")) == [("resumed", None), ("visit_refused", None)]
    again = command(settings, "child", "resume", one.code, "--by", "Fatou")
    assert again.exit_code == 1
    assert "nothing to resume" in again.output
    assert "no child has this code" in command(settings, "child", "resume", "00000000", "--by", "Fatou").output


def test_a_child_that_died_is_deleted_after_thirty_days_and_the_visit_counts_on(
    runtime: Runtime, clock: TestClock, account: Account
) -> None:
    one = enrol(runtime, clock)
    visited(runtime, one, "dead")
    clock.advance(days=31)
    assert retention.purge(runtime)["left_children"] == 1
    [row] = rows_of(runtime, visit)
    assert (row.child_id, row.status, row.mediator_id) == (None, "dead", account.id)
    clock.advance(days=701)
    assert retention.purge(runtime)["visits"] == 1
    assert rows_of(runtime, visit) == []


def test_whoever_is_forgotten_leaves_a_visit_that_is_nobodys(
    runtime: Runtime, clock: TestClock, account: Account
) -> None:
    one = enrol(runtime, clock)
    visited(runtime, one, "seen")
    erasure.forget_on_request(runtime, MOTHER, "Fatou", "asked at the centre", clock.now())
    assert rows_of(runtime, child) == []
    assert [row.child_id for row in rows_of(runtime, visit)] == [None]
