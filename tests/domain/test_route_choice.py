"""One message, one route: by lot from the shares, always the same, where there is room."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from service.domain.route_choice import OpenRoute, choose, worth_claiming

ORANGE = "61002"
IDS = range(1, 4001)


def route(channel: str, share: int, parts: int | None = None, price: int | None = None, **more: bool) -> OpenRoute:
    return OpenRoute(channel, parts, {"": share}, {} if price is None else {ORANGE: price}, **more)


def shares_of(*routes: OpenRoute, **asked: object) -> Counter[str | None]:
    return Counter(choose(one, ORANGE, 1, routes, {}, **asked) for one in IDS)


def test_the_shares_are_kept_to_a_hundredth_or_two() -> None:
    found = shares_of(route("a", 70), route("b", 25), route("c", 5))
    assert abs(found["a"] / len(IDS) - 0.70) < 0.02
    assert abs(found["b"] / len(IDS) - 0.25) < 0.02
    assert found["c"]


@given(st.integers(0, 2**63 - 1), st.permutations(["a", "b", "c"]))
def test_a_message_has_one_route_however_they_are_listed(message_id: int, order: list[str]) -> None:
    shares = {"a": 60, "b": 30, "c": 10}
    listed = choose(message_id, ORANGE, 1, [route(name, shares[name]) for name in sorted(shares)], {})
    assert choose(message_id, ORANGE, 1, [route(name, shares[name]) for name in order], {}) == listed


@given(st.integers(0, 2**63 - 1), st.integers(1, 90), st.integers(1, 90), st.integers(1, 90), st.integers(1, 90))
def test_when_one_share_grows_messages_only_move_to_it(message_id: int, a: int, b: int, c: int, more: int) -> None:
    before = choose(message_id, ORANGE, 1, [route("a", a), route("b", b), route("c", c)], {})
    after = choose(message_id, ORANGE, 1, [route("a", a + more), route("b", b), route("c", c)], {})
    assert after in (before, "a")


def test_each_operator_has_its_own_shares_and_an_unknown_one_those_of_all() -> None:
    routes = [
        OpenRoute("a", None, {"": 100, ORANGE: 0}, {}),
        OpenRoute("b", None, {"": 0, ORANGE: 100}, {}),
    ]
    assert {choose(one, ORANGE, 1, routes, {}) for one in IDS} == {"b"}
    assert {choose(one, "61001", 1, routes, {}) for one in IDS} == {choose(1, "", 1, routes, {})} == {"a"}


def test_a_retry_takes_another_route_where_there_is_one() -> None:
    assert set(shares_of(route("a", 95), route("b", 5), avoid="a")) == {"b"}
    assert set(shares_of(route("a", 100), avoid="a")) == {"a"}
    assert set(shares_of(route("a", 100), route("b", 0), avoid="a")) == {"b"}, "even one without a share"


def test_nothing_is_open() -> None:
    assert choose(1, ORANGE, 1, [], {}) is None
    assert choose(1, ORANGE, 1, [route("a", 100, parts=0)], {}) is None


def test_a_message_waits_for_its_cheap_route_but_not_when_another_costs_no_more() -> None:
    cheap, dear = route("a", 95, parts=0, price=1000), route("b", 5, price=6000)
    mine = [one for one in IDS if choose(one, ORANGE, 1, [route("a", 95), route("b", 5)], {}) == "a"]
    assert {choose(one, ORANGE, 1, [cheap, dear], {}) for one in mine} == {None}
    assert {choose(one, ORANGE, 1, [cheap, dear], {}, urgent=True) for one in mine} == {"b"}
    same = route("b", 5, price=1100)
    assert {choose(one, ORANGE, 1, [cheap, same], {}) for one in mine} == {"b"}
    unpriced = [route("a", 95, parts=0), route("b", 5)]
    assert {choose(one, ORANGE, 1, unpriced, {}) for one in mine} == {"b"}


def test_room_is_counted_in_parts_and_used_up_in_a_turn() -> None:
    routes = [route("a", 100, parts=3)]
    assert choose(1, ORANGE, 3, routes, {}) == "a"
    assert choose(1, ORANGE, 2, routes, {"a": 2}) is None
    assert choose(1, ORANGE, 4, routes, {}) is None
    full = [route("a", 100, parts=3, full=True)]
    assert choose(1, ORANGE, 4, full, {}) == "a", "longer than any bucket: it leaves a debt"
    assert choose(1, ORANGE, 4, full, {"a": 1}) is None


def test_a_route_that_is_tried_out_gets_one_message_and_no_urgent_one() -> None:
    tried, other = route("a", 100, parts=1, full=True, trial=True), route("b", 95)
    used: Counter[str] = Counter()
    ways: Counter[str | None] = Counter()
    for one in IDS:
        way = choose(one, ORANGE, 1, [tried, other], used)
        ways[way] += 1
        used[way or ""] += 1
    assert ways == {"a": 1, "b": len(IDS) - 1}
    assert {choose(one, ORANGE, 1, [tried, other], {}, urgent=True) for one in IDS} == {"b"}


def test_no_more_is_claimed_than_can_find_a_place() -> None:
    assert worth_claiming([], 50) == 0
    assert worth_claiming([route("a", 95, parts=3), route("b", 5, parts=0)], 50) == 3
    assert worth_claiming([route("a", 95, parts=3), route("b", 5)], 50) == 50


@given(st.integers(0, 2**63 - 1), st.integers(1, 5))
def test_the_first_that_is_not_urgent_tries_out_and_no_other(message_id: int, parts: int) -> None:
    routes = [route("a", 100), route("b", 100, parts=1, full=True, trial=True)]
    assert choose(message_id, ORANGE, parts, routes, {}) == "b", "a trial that nobody makes is lost"
    assert choose(message_id, ORANGE, 1, routes, {"b": parts}) == "a"
    assert choose(message_id, ORANGE, parts, routes, {}, urgent=True) == "a"
    assert choose(message_id, ORANGE, parts, routes, {}, avoid="b") == "a"
