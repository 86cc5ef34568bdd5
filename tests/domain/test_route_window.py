"""What a window of figures says: of the same messages, few decide nothing, and silence counts only where it is news."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from service.domain.route_window import (
    HOUR_MS,
    MINUTE_MS,
    SLICE_MS,
    WIDE_MARGIN,
    WINDOW_MS,
    Expected,
    Slice,
    Usual,
    add,
    among_others,
    evidence,
    expected,
    learnt,
    why_worse,
)

NOW = 1_800_000_000_000
HEARD = Usual(failed=0.02, undelivered=0.08, silent=0.05, delay_ms=5_000, weight=5_000)
ELSEWHERE = Expected(0.02, 0.08)


def over(seconds_from: int, seconds_to: int, **figures: int) -> list[Slice]:
    """These figures in every slice that was sent so many seconds ago."""
    ages = range(seconds_from * 1000, seconds_to * 1000, SLICE_MS)
    return [Slice(NOW - age - SLICE_MS, **figures) for age in ages]


def why(slices: list[Slice], usual: Usual = HEARD, than: Expected = ELSEWHERE) -> str:
    return why_worse(slices, NOW, usual, than)


def test_a_good_carrier_gives_no_reason() -> None:
    assert why([]) == ""
    assert why(over(0, 600, accepted=10, delivered=9, undelivered=1)) == ""
    assert why(over(0, 20, accepted=10) + over(20, 600, accepted=10, delivered=9)) == "", (
        "the last ones are on their way"
    )


def test_few_figures_decide_nothing() -> None:
    for figures in ({"unknown": 3}, {"refused": 2, "accepted": 1}, {"accepted": 4, "undelivered": 4}):
        assert why([Slice(NOW - 60_000, **figures)]) == ""


def test_calls_that_fail_are_noticed_in_seconds() -> None:
    good = over(20, 600, accepted=5, delivered=5)
    assert why([*good, *over(0, 20, unknown=5)]).endswith("calls failed in a minute")
    assert why([*good, *over(0, 5, unknown=5)]) == ""


def test_silence_is_noticed_where_receipts_are_usual() -> None:
    silent = over(0, 90, accepted=5) + over(90, 600, accepted=5, delivered=5)
    assert "delivered in a minute" in why(silent)
    assert why(silent, HEARD._replace(silent=1.0)) == "", "a route that never sent a receipt"
    assert why(silent, HEARD._replace(delay_ms=60_000)) == "", "one whose receipts take minutes"


def test_bad_news_is_noticed() -> None:
    assert why(over(0, 600, accepted=1, undelivered=1)) == "0 of 12 delivered in a minute"
    assert (
        why([Slice(NOW - 8 * MINUTE_MS, accepted=40, delivered=3, undelivered=37)]) == "3 of 40 delivered in 10 minutes"
    )


def test_what_is_as_bad_everywhere_is_no_reason() -> None:
    bad = over(0, 600, accepted=5, delivered=2, undelivered=3)
    assert why(bad)
    assert why(bad, than=Expected(0.02, 0.55)) == ""


def test_while_little_is_known_only_a_wide_difference_counts() -> None:
    half = over(0, 600, accepted=4, delivered=2, undelivered=2)
    dead = over(0, 600, accepted=4, undelivered=4)
    assert why_worse(half, NOW, Usual(), Expected(0.02, 0.25), WIDE_MARGIN) == ""
    assert why_worse(dead, NOW, Usual(), Expected(0.02, 0.25), WIDE_MARGIN)


def test_the_window_forgets() -> None:
    assert why(over(900, 1200, unknown=50)) == ""


def test_no_message_at_all_expects_what_is_usual() -> None:
    assert expected(evidence([], NOW, HEARD, WINDOW_MS), HEARD) == Expected(HEARD.failed, HEARD.undelivered)


slices = st.lists(
    st.builds(
        Slice,
        st.integers(NOW - 1_200_000, NOW),
        st.integers(0, 50),
        st.integers(0, 50),
        st.integers(0, 50),
        st.integers(0, 50),
        st.integers(0, 50),
        st.integers(0, 500_000),
        st.integers(0, 50),
    ),
    max_size=30,
)
rates = st.floats(0, 1)
usuals = st.builds(Usual, rates, rates, rates, st.integers(0, 120_000), st.floats(20, 1e6))


@given(slices, usuals, st.builds(Expected, rates, rates))
def test_whatever_the_figures_are_rates_stay_rates(found: list[Slice], usual: Usual, than: Expected) -> None:
    seen = evidence(found, NOW, usual, WINDOW_MS)
    assert 0 <= seen.failed_rate <= 1
    assert 0 <= seen.lost_rate <= 1
    assert 0 <= expected(seen, usual).success <= 1
    assert isinstance(why_worse(found, NOW, usual, than), str)
    after = learnt(usual, found, NOW, 600_000)
    assert all(0 <= rate <= 1 for rate in (after.failed, after.undelivered, after.silent))
    assert all(0 <= rate <= 1 for rate in among_others(after, [after, usual]).expected())


@given(slices)
def test_adding_up_loses_nothing(found: list[Slice]) -> None:
    assert add(found).delivered == sum(one.delivered for one in found)


def test_each_message_teaches_once_when_it_is_old() -> None:
    one, usual = [Slice(NOW - WINDOW_MS - 3_000, accepted=180, delivered=90, delays=90, delay_ms=900_000)], Usual()
    after = learnt(usual, one, NOW, 10_000)
    assert after.silent < 0.6
    assert learnt(after, one, NOW + 10_000, 10_000) == after._replace(weight=learnt(after, [], NOW, 10_000).weight)
    assert (
        learnt(usual, [Slice(NOW - 3_000, accepted=50, undelivered=50)], NOW, 10_000).undelivered == usual.undelivered
    )


def test_what_was_learnt_fades() -> None:
    assert learnt(HEARD, [], NOW, 6 * HOUR_MS).weight == HEARD.weight / 2
    assert learnt(HEARD, [], NOW, 600 * HOUR_MS).weight == 20


def test_a_route_that_was_hardly_used_looks_no_better_than_the_others() -> None:
    known = Usual(undelivered=0.4, weight=5_000)
    assert among_others(Usual(undelivered=0.1), [known, Usual(undelivered=0.1)]).undelivered > 0.3
    assert among_others(known, [known, Usual()]).undelivered > 0.39
