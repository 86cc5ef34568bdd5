"""A day on which a household is told of its cover is no reason to come: who heard of a round on it hears it is off."""

from __future__ import annotations

from datetime import date

import pytest

from service.config import Config
from service.follow_up_settings import CoverSettings
from service.runtime import Runtime
from tests.follow_ups import with_follow_ups
from tests.loopback import LoopbackCarrier
from tests.people import Days, TestClock
from tests.stories.test_cover_ends import asked, covered, planned
from tests.stories.test_malaria_rounds import PARDON, announce, cancel, grown
from tests.stories.test_recalls import MOTHER


@pytest.fixture
def settings(settings: Config) -> Config:
    cover = CoverSettings(confirmed_by="the mutual's manager")
    return with_follow_ups(settings).model_copy(update={"cover": cover})


def test_a_notice_of_the_cover_on_that_day_takes_no_apology_away(
    runtime: Runtime, clock: TestClock, carrier: LoopbackCarrier
) -> None:
    grown(runtime, clock)
    covered(runtime, asked(runtime, MOTHER), date(2027, 1, 2))
    assert ("12-03", "first") in planned(runtime), "the first day of the round"
    announce(runtime)
    days = Days(runtime, clock, carrier)
    assert any("03/12" in text for _, text in days.until("2026-11-30"))
    cancel(runtime)
    assert [day for day, text in days.until("2026-12-02") if PARDON in text] == ["12-01"]
