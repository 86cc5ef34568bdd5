"""Where the items of each layer stand from left to right: under what they belong to, and never over one another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from flows.layered import Item

_BETWEEN_BOXES: Final = 30.0
_BETWEEN_OTHERS: Final = 16.0
_ROUNDS: Final = 6
_MOST_WORK: Final = 25_000
# What pulls an item: a place, and how strongly.
Pull = tuple[float, float]
_BARELY: Final = 0.01
_MORE: Final = 1.1
_FAR: Final = 1e9


def at_good_places(layers: Sequence[Sequence[Item]]) -> None:
    """Sets `x` of every item; the order inside the layers stays."""
    for layer in layers:
        _set(layer, [[(0.0, 1.0)] for _ in layer])
    size = sum(len(layer) for layer in layers)
    rounds = max(1, min(_ROUNDS, _MOST_WORK // max(size, 1)))
    for _ in range(rounds):
        for layer in layers:
            _set(layer, [_pulls(item, item.above) for item in layer])
        for layer in reversed(layers):
            _set(layer, [_pulls(item, item.below) for item in layer])
    for _ in range(rounds):
        for layer in [*layers, *reversed(layers)]:
            _set(layer, [_pulls_of_both(item) for item in layer])
    _straighten(layers)


def side_by_side(pulls: Sequence[Sequence[Pull]], apart: Sequence[float]) -> list[float]:
    """A place for each, at least `apart[i]` between the i-th and the next, as near as may be to where it is pulled.

    The sum of all distances, times their strengths, is the least there is: neighbours that push each other are taken
    together and stand at their common median.
    """
    shifts = [0.0, *accumulate(apart)]
    blocks: list[tuple[int, list[Pull], float, float]] = []
    for own, shift in zip(pulls, shifts, strict=False):
        count, merged = 1, [(x - shift, strength) for x, strength in own]
        strength = sum([each[1] for each in merged])
        merged.sort()
        place = _median(merged, strength)
        while blocks and blocks[-1][2] > place:
            more, theirs, _, pulled = blocks.pop()
            count, strength = count + more, strength + pulled
            merged = theirs + merged
            merged.sort()  # two runs in order: as quick as merging them
            place = _median(merged, strength)
        blocks.append((count, merged, place, strength))
    places = [place for count, _, place, _ in blocks for _ in range(count)]
    return [place + shift for place, shift in zip(places, shifts, strict=False)]


def _median(pulls: Sequence[Pull], strength: float) -> float:
    """The place with half of the pull on either side; between two such places, their middle."""
    if len(pulls) == 1:
        return pulls[0][0]
    half, pulled = strength / 2, 0.0
    for at, (x, pull) in enumerate(pulls):
        pulled += pull
        if pulled > half + 1e-9:
            return x
        if pulled > half - 1e-9:
            return (x + pulls[at + 1][0]) / 2 if at + 1 < len(pulls) else x
    return 0.0


def _pulls(item: Item, neighbours: Sequence[tuple[Item, int]]) -> list[Pull]:
    return [(other.x, float(pull)) for other, pull in neighbours] or [(item.x, _BARELY)]


def _pulls_of_both(item: Item) -> list[Pull]:
    """What stands below pulls an arrow a little more: it turns aside where it begins, and then runs straight."""
    pulls = _pulls(item, [*item.above, *item.below])
    first = len(item.above)
    return pulls if item.is_box else [*pulls[:first], *[(x, strength * _MORE) for x, strength in pulls[first:]]]


def _set(layer: Sequence[Item], pulls: Sequence[Sequence[Pull]]) -> None:
    apart = [_apart(one, other) for one, other in pairwise(layer)]
    for item, x in zip(layer, side_by_side(pulls, apart), strict=True):
        item.x = x


def _apart(one: Item, other: Item) -> float:
    return (one.width + other.width) / 2 + (_BETWEEN_BOXES if one.is_box and other.is_box else _BETWEEN_OTHERS)


def _straighten(layers: Sequence[Sequence[Item]]) -> None:
    """Arrows that pass several layers run straight as far as there is room, from below: that is where others join."""
    left: dict[Item, Item] = {other: one for layer in layers for one, other in pairwise(layer)}
    right = {one: other for other, one in left.items()}
    for layer in reversed(layers):
        for item in layer:
            if not item.is_box and not _goes_on(item):
                _straighten_above(item, left, right)


def _goes_on(item: Item) -> bool:
    """Whether the arrow passes one more layer below, joined by no other."""
    return len(item.below) == 1 and not item.below[0][0].is_box and len(item.below[0][0].above) == 1


def _straighten_above(item: Item, left: Mapping[Item, Item], right: Mapping[Item, Item]) -> None:
    chain: list[Item] = []
    low, high = -_FAR, _FAR
    here: Item | None = item
    while here is not None:
        lower, upper = _room(here, left, right)
        if chain and max(low, lower) > min(high, upper):
            _align(chain, low, high)
            chain, low, high = [], -_FAR, _FAR
        chain.append(here)
        low, high = max(low, lower), min(high, upper)
        above = here.above[0][0] if len(here.above) == 1 else None
        here = above if above is not None and not above.is_box else None
    _align(chain, low, high)


def _room(item: Item, left: Mapping[Item, Item], right: Mapping[Item, Item]) -> tuple[float, float]:
    """From where to where the item may be moved before it touches its neighbours."""
    low = left[item].x + _apart(left[item], item) if item in left else -_FAR
    high = right[item].x - _apart(item, right[item]) if item in right else _FAR
    return low, high


def _align(chain: Sequence[Item], low: float, high: float) -> None:
    """All at the place of the lowest that stands on something, or as near as there is room."""
    ends = [x.x for x, _ in chain[0].below] + [x.x for x, _ in chain[-1].above if x.is_box is False]
    wanted = sorted([*ends, chain[0].x])[len(ends) // 2] if ends else chain[0].x
    for item in chain:
        item.x = min(max(wanted, low), high)
