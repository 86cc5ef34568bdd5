"""What the ladders say at one moment of all that stands alike."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import pytest

from service.domain import local_time
from service.domain.public_holidays import NONE
from service.domain.reminder_ladder import built_in_ladder
from service.domain.sending_hours import DAY, DAYTIME, HoursTable, Profile
from service.domain.steps_due import Standing, StepsDue

J = date(2026, 4, 16)
HOURS = HoursTable(
    "test", {DAY: Profile((DAYTIME,)), "reminder": Profile((DAYTIME,)), "reminder@never": Profile(())}, NONE
)
ONE = Standing("vaccine", J, None, "J-1", "J", "reminder")


def steps_at(day: int, hour: int, zone: str = "Africa/Bamako") -> StepsDue:
    here = datetime.combine(J + timedelta(day), time(hour))
    return StepsDue(lambda kind: built_in_ladder(), HOURS, zone, local_time.instant(here, zone))


@pytest.mark.parametrize("zone", ["Africa/Bamako", "Asia/Tokyo", "America/New_York"])
def test_the_step_due_is_told_and_the_same_answer_is_given_again(zone: str) -> None:
    steps = steps_at(0, 10, zone)
    found = steps.decide(ONE)
    assert found.step is not None
    assert (found.told, found.step.step, found.step.on, found.passed) == ("J-1", "J", J, 0)
    assert steps.decide(Standing(*ONE)) is found
    assert steps.decide(ONE._replace(last_step="J", next_step="J+2")) != found
    assert steps.instant(found.step.at) == local_time.instant(found.step.at, zone)
    after = steps.after("vaccine", J, None, "J")
    assert after is not None
    assert after.step == "J+2"


def test_what_went_by_while_nobody_planned_is_counted() -> None:
    found = steps_at(8, 10).decide(ONE)
    assert found.step is not None
    assert (found.told, found.step.step, found.passed) == ("J-1", "J+7", 2)
    over = steps_at(40, 10).decide(ONE)
    assert (over.step, over.passed) == (None, 4)


def test_a_step_without_an_hour_in_which_it_may_leave_is_let_go() -> None:
    found = steps_at(0, 10).decide(ONE._replace(hours="reminder@never"))
    assert found.step is not None
    assert found.told == "J"
    assert found.step.on > J
