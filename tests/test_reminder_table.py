"""docs/reminders.md shows what a household is told in every mixture: the very words, made by the rules themselves."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest

from flows import phrases
from flows.sms_text import fold, measure
from service.domain.household_day import OneDue, household_day
from service.domain.recordings import BUILT_IN, load_recordings
from service.stories.recall import reminders

TUESDAY = date(2026, 11, 24)
PAGE = Path(__file__).parents[1] / "docs" / "reminders.md"


def given_on(*weekdays: int) -> OneDue:
    """A late child whose centre has these days, Monday 0."""

    def first(since: date) -> date:
        return next(one for one in (since + timedelta(n) for n in range(7)) if one.weekday() in weekdays)

    return OneDue(TUESDAY - timedelta(9), True, True, first, False)


def expected(days_ahead: int, *, can_wait: bool = False) -> OneDue:
    return OneDue(TUESDAY + timedelta(days_ahead), False, can_wait)


class Case(NamedTuple):
    situation: str
    dues: list[OneDue]
    said: str  # with names, by who chose it


THURSDAY, MONDAY = given_on(3), given_on(0)
AWA, MOUSSA = "Awa (penta 2)", "Moussa (rougeole 1)"
BOTH = f"{AWA}, {MOUSSA}"
CASES = [
    Case("one expected on Thursday", [expected(2)], AWA),
    Case("two expected on Thursday", [expected(2), expected(2)], BOTH),
    Case(
        "one expected on Tuesday, one on Friday: Friday is told tomorrow",
        [expected(0), expected(3, can_wait=True)],
        AWA,
    ),
    Case("one expected on Tuesday, one on Wednesday: neither can wait", [expected(0), expected(1)], BOTH),
    Case("one late, the centre vaccinates on Thursdays", [THURSDAY], AWA),
    Case("one late, the centre vaccinates on Mondays", [MONDAY], AWA),
    Case("two late", [THURSDAY, THURSDAY], BOTH),
    Case("one late, one expected on Thursday: one visit", [THURSDAY, expected(2)], BOTH),
    Case("one expected on Thursday, one late of a centre of Mondays: told tomorrow", [MONDAY, expected(2)], MOUSSA),
]


def text_of(case: Case, kind: str) -> str:
    found = household_day(case.dues, TUESDAY, TUESDAY)
    days = reminders.said_days(found.days, "fr")
    stop = phrases.say("stop.two_way", "fr", code="*384*223#")
    booklets = phrases.say("booklets.several" if len(found.told) > 1 else "booklets.one", "fr")
    return phrases.say(
        f"{kind}.{found.words}",
        "fr",
        sender="Laseli",
        dates=days,
        days=days,
        centre="CSCom ASACODAR",
        booklets=booklets,
        children=case.said,
        code="*384*223#",
        stop=stop,
    )


def call_of(case: Case) -> str:
    key = reminders.recording_of(household_day(case.dues, TUESDAY, TUESDAY).words)
    return load_recordings(BUILT_IN).of[key, "fr"].words


def table() -> str:
    lines = ["| on Tuesday 24/11 | discreet SMS | with names, for who chose them | call |", "|---|---|---|---|"]
    for case in CASES:
        lines.append(
            f"| {case.situation} | {text_of(case, 'recall')} | {text_of(case, 'explicit')} | {call_of(case)} |"
        )
    return "\n".join(lines)


def test_the_page_shows_what_is_really_said() -> None:
    assert table() in PAGE.read_text("utf-8"), f"put this table into docs/reminders.md:\n{table()}"


@pytest.mark.parametrize("case", CASES, ids=[case.situation for case in CASES])
def test_discreet_is_one_sms_and_names_nobody_and_never_six_dates(case: Case) -> None:
    text = text_of(case, "recall")
    assert measure(fold(text)).parts == 1
    assert measure(fold(text_of(case, "explicit"))).parts <= 2
    assert not any(word in text for word in ("Awa", "Moussa", "penta", "rougeole"))
    assert text.count("/11") + text.count("/12") <= 2
