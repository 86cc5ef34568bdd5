"""When a family is told about a contact, hour by hour."""

from datetime import date, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.domain.reminder_ladder import (
    FOLDER,
    LadderMistake,
    built_in_ladder,
    load_ladder,
    next_step,
    offset_of,
    steps_passed_over,
)

LADDER = built_in_ladder()
TEXT = (FOLDER / "recall.yaml").read_text(encoding="utf-8")
J = date(2026, 4, 16)
NAMES = [step.name for step in LADDER.steps]


def at(offset, hour, minute=0):
    return datetime.combine(J + timedelta(offset), time(hour, minute))


def step_at(now, after=None, lapses_on=None):
    found = next_step(LADDER, J, after, now, lapses_on)
    return found and found.step


@pytest.mark.parametrize(
    ("name", "due", "until"),
    [
        ("J-3", at(-3, 9), at(-1, 18)),
        ("J-1", at(-1, 17), at(0, 18, 30)),
        ("J", at(0, 8, 30), at(1, 18, 30)),
        ("J+2", at(2, 9), at(6, 18, 30)),
        ("J+7", at(7, 9), at(13, 18, 30)),
        ("J+14", at(14, 9), at(21, 18, 30)),
    ],
)
def test_each_step_has_its_hour_and_its_end(name, due, until):
    before = NAMES[NAMES.index(name) - 1] if name != "J-3" else None
    found = next_step(LADDER, J, before, due)
    assert (found.step, found.on, found.at, found.until) == (name, due.date(), due, until)
    assert found.phrase == ("late" if offset_of(name) > 0 else "before")
    last_minute = next_step(LADDER, J, before, until - timedelta(minutes=1))
    assert last_minute is not None
    assert next_step(LADDER, J, before, until) != found


def test_a_family_hears_every_step_in_turn_then_a_visit_is_called_for():
    told, now = [], at(-30, 10)
    while found := next_step(LADDER, J, told[-1] if told else None, now):
        now = max(now, found.at)
        told.append(found.step)
    assert told == NAMES
    assert next_step(LADDER, J, "J+14", now) is None


def test_a_step_whose_time_has_passed_is_skipped_never_sent_late():
    assert step_at(at(-2, 16)) == "J-3"
    assert step_at(at(3, 12), after="J-3") == "J+2"
    assert step_at(at(22, 9), after="J-3") is None
    assert steps_passed_over(LADDER, J, "J-3", at(3, 12)) == ("J-1", "J")
    assert steps_passed_over(LADDER, J, "J-3", at(22, 9)) == ("J-1", "J", "J+2", "J+7", "J+14")
    assert steps_passed_over(LADDER, J, "J-3", at(-1, 17)) == ()


def test_of_two_steps_useful_now_only_the_later_is_said():
    assert step_at(at(0, 9)) == "J"  # "J-1" would still be useful until 18:30
    assert steps_passed_over(LADDER, J, None, at(0, 9)) == ("J-3", "J-1")
    assert step_at(at(0, 8)) == "J"  # it leaves at 08:30; the day before is not told of any more


def test_nothing_is_said_once_the_dose_is_no_longer_recommended():
    assert step_at(at(2, 10), after="J", lapses_on=J + timedelta(3)) == "J+2"
    assert next_step(LADDER, J, "J", at(2, 10), J + timedelta(3)).until == at(3, 0)
    assert step_at(at(2, 10), after="J", lapses_on=J + timedelta(2)) is None
    assert step_at(at(-20, 10), after="J", lapses_on=J + timedelta(2)) is None
    assert step_at(at(-20, 10), lapses_on=J - timedelta(20)) is None


def test_a_step_told_under_an_older_ladder_still_counts():
    assert step_at(at(1, 10), after="J+1") == "J+2"
    with pytest.raises(LadderMistake, match="write J-3, J or J"):
        step_at(at(1, 10), after="jour")


@settings(max_examples=300)
@given(
    st.integers(-40 * 1440, 40 * 1440),
    st.sampled_from([None, *NAMES]),
    st.one_of(st.none(), st.integers(-5, 30)),
)
def test_what_is_chosen_is_always_useful_and_always_forward(minutes, after, lapse):
    now = at(0, 0) + timedelta(minutes=minutes)
    lapses_on = None if lapse is None else J + timedelta(lapse)
    found = next_step(LADDER, J, after, now, lapses_on)
    if found is None:
        return
    assert now < found.until
    assert found.at < found.until
    assert after is None or offset_of(found.step) > offset_of(after)
    assert lapses_on is None or found.on < lapses_on
    assert LADDER.window.opens <= found.at.time() < LADDER.window.closes


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('step: J-3, at: "09:00"', 'step: J-3, at: "07:59"', "'at' 07:59 is outside"),
        ('at: "18:00"}', 'at: "19:00"}', "'useful_until' 19:00 is outside"),
        ('step: J-3, at: "09:00"', 'step: J-3, at: "9h"', "an hour like 09:00"),
        ("step: J-3,", "step: J-03,", "'J-03' is not a step"),
        ("step: J-3,", "step: J+1,", "is no longer useful when it is due"),
        ("{step: J+2, at", "{step: J, at", "J stands after J: one step a day"),
        ("phrase: before", "words: before", "'phrase' is missing"),
        ("phrase: before", "phrase: before, note: x", "'note' is not a key here"),
        ("ladder: recall", "- x", "not readable as YAML"),
    ],
)
def test_a_mistake_in_the_file_is_named(old, new, words):
    assert old in TEXT
    with pytest.raises(LadderMistake) as mistake:
        load_ladder(TEXT.replace(old, new, 1))
    assert words in str(mistake.value)


def test_a_ladder_without_steps_is_refused():
    with pytest.raises(LadderMistake, match="'steps' is empty"):
        load_ladder('ladder: x\nopens: "08:00"\ncloses: "19:00"\nsteps: []')
