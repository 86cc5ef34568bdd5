"""The bucket: no second sees more than the pace allows, and what is allowed is used."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from service.domain.pace import Bucket, burst, filled, is_full

NOW = 1_800_000_000_000
RATES = st.sampled_from([0.5, 1.0, 2.5, 10.0, 30.0, 100.0, 500.0])


def leave(rate: float, pauses: list[int], wanted: list[int]) -> list[tuple[int, int]]:
    """Take what may leave, as much as is wanted, at each look; gives (moment, parts) of everything that left."""
    bucket, now, left = None, NOW, []
    for pause, most in zip(pauses, wanted, strict=True):
        now += pause
        bucket = filled(bucket, now, rate)
        parts = min(bucket.parts, most)
        if parts:
            bucket = bucket.without(parts)
            left.append((now, parts))
    return left


@given(RATES, st.lists(st.tuples(st.integers(0, 400), st.integers(0, 600)), max_size=200))
def test_no_second_sees_more_than_a_twentieth_above_the_pace(rate: float, looks: list[tuple[int, int]]) -> None:
    left = leave(rate, [pause for pause, _ in looks], [most for _, most in looks])
    for start, _ in left:
        second = sum(parts for at, parts in left if start <= at < start + 1000)
        assert second <= max(math.ceil(rate), 1.05 * rate)  # parts are whole


def test_looked_at_often_it_gives_all_that_is_allowed() -> None:
    for rate in (1.0, 10.0, 100.0, 500.0):
        left = leave(rate, [10] * 6000, [1000] * 6000)  # a minute
        assert sum(parts for _, parts in left) >= 0.95 * rate * 60


def test_a_long_message_leaves_a_debt_that_the_next_ones_pay() -> None:
    bucket = filled(None, NOW, 2.0)
    assert is_full(bucket, 2.0)
    bucket = bucket.without(5)
    assert bucket.parts == 0
    assert filled(bucket, NOW + 2000, 2.0).parts == 0
    assert filled(bucket, NOW + 2500, 2.0).parts == 1


def test_an_idle_night_saves_up_no_burst() -> None:
    bucket = Bucket(0, NOW)
    assert filled(bucket, NOW + 8 * 3_600_000, 10.0).parts == burst(10.0) == 1
    assert filled(bucket, NOW + 8 * 3_600_000, 500.0).parts == burst(500.0) == 21


def test_a_clock_that_was_set_back_stops_nothing() -> None:
    assert filled(Bucket(-5000, NOW), NOW - 3_600_000, 10.0) == Bucket(1000, NOW - 3_600_000)
    assert filled(Bucket(300, NOW), NOW - 20, 10.0) == Bucket(300, NOW), "a little disorder is no clock set back"
