"""One clear day for a household, in every mixture of who is late and who is expected; and nobody is lost thereby."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from itertools import combinations_with_replacement, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain import local_time, reminder_ladder
from service.domain.household_day import MOST_DAYS, OneDue, household_day
from service.domain.public_holidays import NONE
from service.domain.reminder_ladder import built_in_ladder
from service.domain.sending_hours import DAY, DAYTIME, HoursTable, Profile
from service.domain.steps_due import Standing, StepsDue

TUESDAY = date(2026, 11, 24)
ZONE = "Africa/Bamako"
HOURS = HoursTable("test", {DAY: Profile((DAYTIME,)), "reminder": Profile((DAYTIME,))}, NONE)


def day(number: int) -> date:
    """So many days from Tuesday, 24 November."""
    return TUESDAY + timedelta(number)


def on_weekdays(*weekdays: int) -> OneDue:
    """Late, at a centre that has these days, Monday 0."""

    def first(since: date) -> date:
        return next(one for one in (since + timedelta(n) for n in range(7)) if one.weekday() in weekdays)

    return OneDue(day(-5), True, True, first, False)


def expected(number: int, can_wait: bool = False) -> OneDue:
    return OneDue(day(number), False, can_wait)


LATE = OneDue(day(-5), True, True)
THURSDAYS, MONDAYS = on_weekdays(3), on_weekdays(0)


@pytest.mark.parametrize(
    ("dues", "told", "days", "words"),
    [
        # One late: the centre's next day, in this week or in another; any day of the week where none is known.
        ([THURSDAYS], [0], [2], "late"),
        ([MONDAYS], [0], [6], "from"),
        ([LATE], [0], [0], "late"),
        # Several late: one day; who has none of it soon waits, and is named beside only when it cannot.
        ([THURSDAYS, THURSDAYS, THURSDAYS], [0, 1, 2], [2], "late"),
        ([LATE, THURSDAYS], [0, 1], [2], "late"),
        ([THURSDAYS, MONDAYS], [0], [2], "late"),
        ([THURSDAYS, MONDAYS._replace(can_wait=False)], [0, 1], [2, 6], "from"),
        # Late beside expected: one visit, on the day of the child that is expected.
        ([THURSDAYS, expected(2)], [0, 1], [2], "from"),
        ([on_weekdays(1, 3), expected(2)], [0, 1], [2], "from"),
        ([LATE, expected(3, can_wait=True)], [0, 1], [3], "from"),
        ([MONDAYS, expected(2)], [1], [2], "before"),
        ([MONDAYS._replace(can_wait=False), expected(2)], [0, 1], [2, 6], "from"),
        # Expected on several days: the nearest, and those that must be told.
        ([expected(2), expected(2)], [0, 1], [2], "before"),
        ([expected(0), expected(3, can_wait=True)], [0], [0], "before"),
        ([expected(0), expected(1)], [0, 1], [0, 1], "before"),
        ([expected(3, can_wait=True), expected(1), LATE], [1, 2], [1], "from"),
    ],
)
def test_a_household_is_told_one_clear_day(dues: list[OneDue], told: list[int], days: list[int], words: str) -> None:
    found = household_day(dues, TUESDAY, TUESDAY)
    assert list(found.told) == told
    assert list(found.days) == [day(number) for number in days]
    assert found.words == words


@pytest.mark.parametrize(("today", "first"), [(4, 6), (5, 6), (6, 6)], ids=["Saturday", "Sunday", "Monday"])
def test_where_no_day_is_known_nobody_is_sent_out_on_a_weekend(today: int, first: int) -> None:
    found = household_day([LATE], day(today), day(today))
    assert found.days == (day(first),)
    assert found.words == ("late" if today == first else "from"), "on a Sunday this week is over"


ANYBODY = [
    *(one._replace(can_wait=wait) for one in (LATE, THURSDAYS, MONDAYS) for wait in (False, True)),
    *(expected(number, wait) for number in range(5) for wait in (False, True)),
]


@pytest.mark.parametrize("many", [1, 2, 3, 4])
def test_in_every_mixture_somebody_is_told_and_nobody_waits_who_cannot(many: int) -> None:
    for dues in combinations_with_replacement(ANYBODY, many):
        for since in (TUESDAY, day(1)):
            _check(dues, since)


def _check(dues: Sequence[OneDue], since: date) -> None:
    found = household_day(dues, TUESDAY, since)
    assert found.told
    assert 1 <= len(found.days) <= MOST_DAYS
    told = [dues[place] for place in found.told]
    coming = {one.on for one in told if not one.late}
    assert coming <= set(found.days), "who is expected hears its own day"
    waiting = [one for place, one in enumerate(dues) if place not in found.told]
    pressing = {one.on for one in dues if not one.late and not one.can_wait}
    nearest = min((one.on for one in dues if not one.late), default=None)
    assert min(coming, default=None) == nearest or len(pressing) >= MOST_DAYS
    assert all(one.can_wait or len(pressing) > MOST_DAYS for one in waiting)
    assert (found.words == "before") == (not any(one.late for one in told))
    if found.words == "late":
        assert all(one.late for one in told)
        assert all(each.isocalendar()[:2] == TUESDAY.isocalendar()[:2] for each in found.days)
    assert found == household_day(dues, TUESDAY, since)


# --- over the whole ladder: what waits is told, at its time, once ------------------------------------------------


def lived_through(kinds: Sequence[tuple[str, int]], closed: tuple[int, ...] = ()) -> dict[int, list[tuple[str, date]]]:
    """(ladder, day of its contact) of each child -> the steps that it was told, with the day of each.

    On each day at 07:00, as the planner does it; `closed`: weekdays on which the centre gives nothing.
    """
    last: list[str | None] = [None] * len(kinds)
    told: dict[int, list[tuple[str, date]]] = defaultdict(list)
    for number in range(-5, 60):
        today = day(number)
        now = local_time.instant(datetime.combine(today, time(7)), ZONE)
        steps = StepsDue(built_in_ladder, HOURS, ZONE, now)
        due = list(_due(steps, kinds, last))
        if not due:
            continue
        dues = [_one(steps, standing, phrase == "late", closed) for _, standing, phrase in due]
        for place in household_day(dues, today, today).told:
            child, standing, _ = due[place]
            told[child].append((standing.next_step, today))
            last[child] = standing.next_step
    return told


def _due(
    steps: StepsDue, kinds: Sequence[tuple[str, int]], last: Sequence[str | None]
) -> Iterator[tuple[int, Standing, str]]:
    for child, (kind, on) in enumerate(kinds):
        step = steps.after(kind, day(on), None, last[child])
        if step is not None and step.on <= steps.today:
            yield child, Standing(kind, day(on), None, last[child], step.step, "reminder"), step.phrase


def _one(steps: StepsDue, standing: Standing, late: bool, closed: tuple[int, ...]) -> OneDue:
    can_wait = steps.same_tomorrow(standing)
    if not late:
        return OneDue(standing.on, False, can_wait and standing.on > steps.today + timedelta(1))
    open_days = [number for number in range(7) if number not in closed]
    return on_weekdays(*open_days)._replace(can_wait=can_wait)


def check_told_once(kinds: Sequence[tuple[str, int]], told: dict[int, list[tuple[str, date]]]) -> None:
    for child, (kind, on) in enumerate(kinds):
        ladder = built_in_ladder(kind)
        assert [step for step, _ in told[child]] == [step.name for step in ladder.steps], f"{kinds}: {child}"
        for name, at in told[child]:
            step = next(one for one in ladder.steps if one.name == name)
            assert day(on + step.offset_days) <= at
            assert datetime.combine(at, time(9)) < step.useful.from_day(day(on))


@pytest.mark.parametrize("closed", [(), (5, 6), (0, 1, 2, 4, 5, 6)], ids=["any day", "weekdays", "Thursdays"])
def test_of_two_contacts_each_step_is_told_at_its_time_once(closed: tuple[int, ...]) -> None:
    kinds = ["recall", "nutrition", "follow_up", "round"]
    for first, second in product(kinds, kinds):
        for apart in range(15):
            both = [(first, 0), (second, apart)]
            check_told_once(both, lived_through(both, closed))


@given(
    st.lists(
        st.tuples(st.sampled_from(["recall", "nutrition", "follow_up", "round"]), st.integers(0, 30)),
        min_size=1,
        max_size=4,
    ),
    st.sets(st.integers(0, 6), max_size=6),
)
def test_in_any_household_each_step_is_told_at_its_time_once(kinds: list[tuple[str, int]], closed: set[int]) -> None:
    check_told_once(kinds, lived_through(kinds, tuple(closed)))


def test_a_step_cannot_wait_that_another_overtakes() -> None:
    ladder = built_in_ladder()
    for step in ladder.steps:
        at = TUESDAY + timedelta(step.offset_days)
        now = local_time.instant(datetime.combine(at, time(7)), ZONE)
        steps = StepsDue(lambda _: ladder, HOURS, ZONE, now)
        told = reminder_ladder.step_before(ladder, step.name)
        standing = Standing("vaccine", TUESDAY, None, told, step.name, "reminder")
        assert steps.same_tomorrow(standing) == (step.name != "J-1"), step.name
