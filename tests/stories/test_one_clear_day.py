"""A household's one message names one clear day; whoever is not in it has its own turn, and nobody is lost."""

from __future__ import annotations

from datetime import date

import pytest

from service.runtime import Runtime
from service.stories.delivery import dispatcher
from service.stories.recall import centre_calendar, recalls
from service.stories.recall.centre_calendar import Said
from tests.loopback import LoopbackCarrier
from tests.people import Days, TestClock
from tests.stories.test_recalls import check_promises, enrol, steps_told

DARSALAM = "GY73"  # ASACODAR
LADDER = ["J-3", "J-1", "J", "J+2", "J+7", "J+14"]


@pytest.fixture
def days(runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier) -> Days:
    return Days(runtime, clock, carrier)


def thursdays(runtime: Runtime) -> None:
    centre_calendar.set_days(runtime, DARSALAM, [("thu", ())], date(2026, 11, 20), Said("Awa", "test"))


def test_who_is_late_hears_the_centres_next_day_and_this_week_only_while_it_has_one(
    runtime: Runtime, clock: TestClock, days: Days
) -> None:
    thursdays(runtime)
    enrol(runtime, clock)  # six weeks old on Monday, so expected on Thursday, 26 November
    said = dict(days.until("2026-12-10"))
    assert [day for day in said if day > "11-26"] == ["11-28", "12-03", "12-10"]
    assert "rendez-vous dès le 03/12, au CSCom ASACODAR, avec le carnet. Si c'est fait, merci." in said["11-28"]
    assert "venez cette semaine dès le 03/12, au CSCom ASACODAR, avec le carnet. Si c'est fait" in said["12-03"]
    assert "venez cette semaine dès le 10/12, au" in said["12-10"]


def test_a_brother_expected_another_day_has_his_own_turn_and_no_step_is_lost(
    runtime: Runtime, clock: TestClock, days: Days
) -> None:
    first = enrol(runtime, clock)  # expected on 23 November
    second = enrol(runtime, clock, born="2026-10-14")  # on 25 November: J-3 is the eve of the first
    said = dict(days.until("2026-12-10"))
    assert "à partir du 23/11, au" in said["11-22"]
    assert "à partir du 23/11 et 25/11, au" in said["11-23"], "it cannot wait once more"
    assert "rendez-vous dès le 25/11, au CSCom ASACODAR, avec les carnets. Si c'est fait" in said["11-25"]
    for child in (first, second):
        assert [step for step, _ in steps_told(runtime, child)] == LADDER
    check_promises(runtime)


@pytest.mark.parametrize("told_on", ["2026-11-28", "2026-12-10"], ids=["soon late", "after the last reminder"])
def test_a_late_family_is_asked_pardon_when_the_day_it_was_told_falls_away(
    runtime: Runtime, clock: TestClock, days: Days, told_on: str
) -> None:
    thursdays(runtime)
    enrol(runtime, clock)
    days.until(told_on)
    called_off = {"2026-11-28": date(2026, 12, 3), "2026-12-10": date(2026, 12, 10)}[told_on]
    clock.set(f"{told_on}T10:00")
    for messages in (1, 0):
        assert centre_calendar.cancel_day(runtime, DARSALAM, called_off, Said("Awa", "test")).messages == messages
    assert dispatcher.send_due(runtime) == 1
    after = {date(2026, 12, 3): "10/12", date(2026, 12, 10): "17/12"}[called_off]
    pardon = days.carrier.accepted[-1].text
    assert f"le rendez-vous du {called_off:%d/%m} au CSCom ASACODAR est reporté. Venez dès le {after}," in pardon
    assert centre_calendar.cancel_day(runtime, DARSALAM, date(2026, 12, 31), Said("Awa", "test")).messages == 0


def test_the_last_reminder_does_not_leave_when_its_day_falls_away_before(
    runtime: Runtime, clock: TestClock, days: Days
) -> None:
    thursdays(runtime)
    enrol(runtime, clock)
    days.until("2026-12-09")
    clock.set("2026-12-10T07:00")
    assert recalls.queue_recalls(runtime) == 1
    assert centre_calendar.cancel_day(runtime, DARSALAM, date(2026, 12, 10), Said("Awa", "test")).messages == 0
    said = dict(days.until("2026-12-17"))
    assert "10/12" not in str(said)
    assert "17/12" in said["12-14"], "told anew of the next one"
