"""The order of the items inside their layers, so that few arrows cross: by the mean place of their neighbours."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from flows.layered import Item

_MOST_ROUNDS: Final = 12
# Items moved in all: a picture of thousands is ordered in fewer rounds.
_MOST_WORK: Final = 30_000


def in_good_order(layers: list[list[Item]]) -> None:
    """Each layer sorted in place, the best of several rounds; what is in order already stays so."""
    size = sum(len(layer) for layer in layers)
    rounds = max(2, min(_MOST_ROUNDS, _MOST_WORK // max(size, 1)))
    best, fewest = [list(layer) for layer in layers], crossings(layers)
    for count in range(rounds):
        if fewest == 0:
            break
        _swept(layers, down=count % 2 == 0)
        _swapped(layers)
        found = crossings(layers)
        if found < fewest:
            best, fewest = [list(layer) for layer in layers], found
    for layer, order in zip(layers, best, strict=True):
        layer[:] = order


def crossings(layers: Sequence[Sequence[Item]]) -> int:
    """How often two arrows cross between neighbouring layers."""
    count = 0
    for layer, under in pairwise(layers):
        place = {item: at for at, item in enumerate(under)}
        met: list[int] = []
        for item in layer:
            targets = sorted(place[other] for other, _ in item.below)
            count += sum(len(met) - bisect_left(met, target + 1) for target in targets)
            for target in targets:
                insort(met, target)
    return count


def _swept(layers: list[list[Item]], *, down: bool) -> None:
    order = layers if down else layers[::-1]
    for fixed, layer in pairwise(order):
        place = {item: at for at, item in enumerate(fixed)}
        wanted: dict[Item, float] = {}
        for at, item in enumerate(layer):
            neighbours = item.above if down else item.below
            weight = sum(pull for _, pull in neighbours)
            mean = sum(place[other] * pull for other, pull in neighbours) / weight if weight else 0.0
            # What hangs on nothing keeps its share of the width.
            wanted[item] = mean if weight else at * len(fixed) / len(layer)
        layer.sort(key=wanted.__getitem__)


def _swapped(layers: list[list[Item]]) -> None:
    """Neighbours change places wherever their own arrows then cross less often."""
    for at, layer in enumerate(layers):
        above = {item: place for place, item in enumerate(layers[at - 1])} if at else {}
        below = {item: place for place, item in enumerate(layers[at + 1])} if at + 1 < len(layers) else {}
        places = {item: (_sorted_places(item.above, above), _sorted_places(item.below, below)) for item in layer}
        for left in range(len(layer) - 1):
            one, other = places[layer[left]], places[layer[left + 1]]
            kept = sum(_crossing(a, b) for a, b in zip(one, other, strict=True))
            if kept and sum(_crossing(b, a) for a, b in zip(one, other, strict=True)) < kept:
                layer[left], layer[left + 1] = layer[left + 1], layer[left]


def _sorted_places(neighbours: Sequence[tuple[Item, int]], place: Mapping[Item, int]) -> list[int]:
    return sorted(place[other] for other, _ in neighbours)


def _crossing(left: Sequence[int], right: Sequence[int]) -> int:
    """How often the arrows of two items cross when the first stands left of the other."""
    return sum(bisect_left(right, place) for place in left)
