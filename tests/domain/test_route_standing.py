"""How much each carrier is trusted with: down at once, up slowly, and never to and fro."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from service.domain.route_standing import (
    STEPS,
    TRIAL,
    Route,
    Standing,
    balanced,
    costs_of_arrival,
    next_step,
    resting_shares,
    step_ms,
    weigh,
)
from service.domain.route_window import HOUR_MS, MINUTE_MS, Slice, Usual
from tests.domain.invented_carriers import DEAF, GOOD, LOOK_MS, START, Behaviour, Life, World, steady, troubled

DEAD = Behaviour(fails=1.0)
SLOW_AND_WRONG = Behaviour(fails=0.2, arrives=0.5, delay=90)


def always_good(_: float) -> Behaviour:
    return GOOD


def two(first: Life, second: Life = always_good, per_minute: float = 60, seed: int = 0, **more: object) -> World:
    return World({"a": first, "b": second}, lambda _: per_minute, seed, **more)


def look_of_share(world: World, channel: str, share: int) -> float:
    """The minute in which this share was seen first."""
    return next(look * LOOK_MS / MINUTE_MS for look, one in enumerate(world.shares) if one[channel] == share)


# --- when all is well ---------------------------------------------------------------------------------------


def test_the_first_of_the_settings_has_the_traffic_and_the_others_a_trickle() -> None:
    world = World({name: steady(GOOD) for name in "abc"}, lambda _: 60).live(120)
    assert world.shares[0] == world.shares[-1] == {"a": 90, "b": 5, "c": 5}
    assert world.changes == 0


def test_a_single_route_has_everything_whatever_it_does() -> None:
    world = World({"a": steady(DEAD)}, lambda _: 60).live(30)
    assert {one["a"] for one in world.shares} == {100}


def test_with_prices_the_cheapest_arrival_is_first() -> None:
    assert two(steady(GOOD), prices={"a": 1500, "b": 900}).share("b") == 95
    assert two(steady(GOOD), prices={"a": 900, "b": 1500}).share("a") == 95
    assert two(steady(GOOD), prices={"b": 1}).share("a") == 95, "one price alone compares with nothing"


def test_a_cheap_route_that_loses_half_is_dear() -> None:
    usual = {"a": Usual(undelivered=0.55, weight=5000), "b": Usual(undelivered=0.05, weight=5000)}
    routes = [
        Route("a", True, 1000, (), Standing(95, 95, "", START, usual=usual["a"])),
        Route("b", True, 1500, (), Standing(5, 5, "", START, usual=usual["b"])),
    ]
    cost = costs_of_arrival(routes)
    assert cost["a"] > cost["b"]
    assert resting_shares(routes) == {"a": 5, "b": 95}


def test_a_slow_route_is_a_little_dearer() -> None:
    standing = Standing(50, 50, "", START)
    quick, slow = (standing._replace(usual=Usual(delay_ms=delay, weight=5000)) for delay in (5_000, 120_000))
    cost = costs_of_arrival([Route("a", True, 1000, (), slow), Route("b", True, 1000, (), quick)])
    assert 1.05 < cost["a"] / cost["b"] < 1.15


# --- down ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("meanwhile", "per_minute"),
    [(DEAD, 30), (DEAF, 120), (SLOW_AND_WRONG, 120), (Behaviour(arrives=0.1), 60), (Behaviour(fails=0.6), 60)],
)
def test_traffic_leaves_a_bad_carrier_within_a_minute(meanwhile: Behaviour, per_minute: float) -> None:
    for seed in range(5):
        world = two(troubled(20, 99, meanwhile), per_minute=per_minute, seed=seed).live(25)
        assert look_of_share(world, "a", TRIAL) - 20 <= 1.0
        assert world.shares[-1] == {"a": TRIAL, "b": 100 - TRIAL}
        assert "b takes over" in world.standing["a"].why == world.standing["b"].why


def test_the_why_is_a_sentence_with_figures() -> None:
    world = two(troubled(20, 99, DEAD)).live(22)
    assert re.fullmatch(r"a: \d\d of \d\d calls failed in a minute, b takes over", world.standing["a"].why)


def test_what_hardly_carries_anything_is_left_later_but_it_is_left() -> None:
    world = two(troubled(60, 999, DEAD), per_minute=1).live(90)
    assert world.share("a") == TRIAL


def test_few_figures_decide_nothing() -> None:
    world = two(troubled(60, 61, DEAD), per_minute=2).live(90)
    assert world.changes == 0


def test_phones_that_are_off_are_no_carriers_fault() -> None:
    off = Behaviour(arrives=0.55, tells=0.9)
    world = two(steady(off), steady(off), per_minute=40).live(240)
    assert world.changes == 0


def test_when_an_operator_is_down_nobody_is_left_twice() -> None:
    world = two(troubled(20, 50, DEAD), troubled(20, 50, DEAD)).live(120)
    assert world.changes <= 6
    assert world.shares[-1] == {"a": 95, "b": 5}


def test_a_carrier_that_never_sent_a_receipt_is_not_blamed_for_it() -> None:
    assert two(steady(DEAF), per_minute=30).live(240).changes == 0


def test_trouble_of_all_operators_counts_for_the_one_with_few_messages() -> None:
    standing = Standing(95, 95, "", START, usual=Usual(0.02, 0.1, 0.1, 5_000, 500))
    now = START + HOUR_MS
    failing = [Slice(now - 20_000, refused=30)]
    routes = [
        Route("a", True, None, [Slice(now - 20_000, refused=1)], standing, failing, standing.usual),
        Route("b", True, None, (), standing._replace(share=5, resting=5), (), standing.usual),
    ]
    assert weigh(routes, now, LOOK_MS)["a"].share == TRIAL


# --- up -----------------------------------------------------------------------------------------------------


def test_it_comes_back_by_steps_minutes_apart() -> None:
    world = two(troubled(20, 30, SLOW_AND_WRONG)).live(100)
    path = [
        (minute * LOOK_MS / MINUTE_MS, after["a"])
        for minute, (before, after) in enumerate(pairwise(world.shares))
        if before != after
    ]
    assert [share for _, share in path] == [TRIAL, 10, 25, 50, 95]
    assert all(later - sooner >= 5 for (sooner, _), (later, _) in pairwise(path))
    assert path[1][0] >= 30, "not before it is well"
    assert world.standing["a"].trial is False


def test_without_good_evidence_it_does_not_come_back() -> None:
    assert two(troubled(20, 999, SLOW_AND_WRONG)).live(300).share("a") == TRIAL


def test_with_hardly_any_message_an_hour_of_quiet_is_a_step_up_to_half() -> None:
    standing = Standing(TRIAL, 95, "", START, trial=True, falls=1, fell_at=START, usual=Usual(weight=500))
    found = {"a": standing, "b": Standing(98, 5, "", START, usual=Usual(weight=500))}
    now, seen = START, []
    while now < START + 5 * HOUR_MS:
        now += 10 * MINUTE_MS
        found = weigh([Route(name, True, None, (), found[name]) for name in "ab"], now, 10 * MINUTE_MS)
        seen.append(found["a"].share)
    assert list(dict.fromkeys(seen)) == [TRIAL, 10, 25, 50]
    assert [seen.count(share) for share in (TRIAL, 10, 25)] == [5, 6, 6]


def test_each_fall_of_a_day_makes_the_way_back_slower() -> None:
    assert [step_ms(falls) // MINUTE_MS for falls in range(7)] == [5, 5, 10, 20, 40, 60, 60]
    world = two(lambda minute: SLOW_AND_WRONG if minute % 60 < 6 and minute > 15 else GOOD).live(600)
    assert world.standing["a"].falls >= 2
    assert world.changes <= 25, "of ten bad spells in ten hours"


def test_a_person_who_trusts_it_needs_no_evidence() -> None:
    world = two(troubled(20, 30, DEAD), per_minute=2).live(45)
    assert world.share("a") == TRIAL
    world.standing["a"] = world.standing["a"]._replace(trial=False, falls=0)
    assert world.live(21).share("a") == 95


def test_a_closed_route_has_no_share_and_comes_back_by_steps() -> None:
    world = two(steady(GOOD)).live(15)
    routes = [Route("a", False, None, (), world.standing["a"]), Route("b", True, None, (), world.standing["b"])]
    closed = weigh(routes, world.now, LOOK_MS)
    assert (closed["a"].share, closed["b"].share) == (0, 100)
    world.standing = closed
    world.live(30)
    assert world.share("a") == 95
    assert next(one["a"] for one in world.shares if one["a"] not in (0, 95)) == TRIAL


# --- never to and fro ---------------------------------------------------------------------------------------


def bounded(world: World, hours: float) -> bool:
    """One look may move every share, so looks are counted: a fall and its five steps back, slower each time."""
    return world.changes <= 10 + 6 * hours


# A case takes a second: to shrink one would take many minutes.
no_swing = settings(max_examples=10, deadline=None, phases=[Phase.explicit, Phase.generate])
behaviours = st.builds(
    Behaviour,
    fails=st.floats(0, 0.15),
    arrives=st.floats(0.5, 1.0),
    tells=st.sampled_from([0.0, 0.3, 0.7, 0.95, 1.0]),
    delay=st.floats(1, 60),
)


@no_swing
@given(behaviours, st.sampled_from([3.0, 20.0, 80.0]), st.integers(0, 2**32))
def test_two_noisy_carriers_that_are_the_same_do_not_swap(life: Behaviour, per_minute: float, seed: int) -> None:
    world = two(steady(life), steady(life), per_minute=per_minute, seed=seed).live(240)
    assert world.changes <= 8, world.whys


@no_swing
@given(behaviours, behaviours, st.sampled_from([3.0, 20.0, 80.0]), st.integers(0, 2**32))
def test_two_noisy_carriers_settle(a: Behaviour, b: Behaviour, per_minute: float, seed: int) -> None:
    world = two(steady(a), steady(b), per_minute=per_minute, seed=seed).live(240)
    assert bounded(world, 4), world.whys


@no_swing
@given(
    st.lists(st.sampled_from([GOOD, DEAD, DEAF, SLOW_AND_WRONG]), min_size=2, max_size=30),
    st.integers(1, 20),
    st.integers(0, 99),
)
def test_carriers_that_fail_on_purpose_move_traffic_a_bounded_number_of_times(
    moods: list[Behaviour], every: int, seed: int
) -> None:
    def life(shift: int) -> Life:
        return lambda minute: moods[(int(minute) // every + shift) % len(moods)]

    world = World({"a": life(0), "b": life(1), "c": life(3)}, lambda _: 60.0, seed).live(240)
    assert bounded(world, 4), world.whys
    assert max(one.falls for one in world.standing.values()) <= 10


@given(
    st.dictionaries(st.sampled_from("abcd"), st.integers(0, 100), min_size=1),
    st.lists(st.sampled_from("abcd")),
    st.randoms(),
)
def test_shares_are_a_hundred_together(shares: dict[str, int], fixed: list[str], dice: object) -> None:
    resting = dict.fromkeys(shares, 5) | {min(shares): 100 - 5 * (len(shares) - 1)}
    found = balanced(shares, resting, set(fixed))
    assert sum(found.values()) == 100
    assert all(share >= 0 for share in found.values())
    kept = [name for name in shares if name in fixed]
    if len(kept) < len(shares) and sum(shares[name] for name in kept) <= 100:
        assert all(found[name] == shares[name] for name in kept)


def test_steps_go_up_to_the_rest() -> None:
    assert [next_step(share, 95) for share in (0, *STEPS[:-1])] == [TRIAL, 10, 25, 50, 95]
    assert next_step(2, 5) == 5
    assert next_step(90, 95) == 95
