"""Where the boxes of a picture stand and how the arrows between them run: layer under layer, nothing over anything.

Boxes stand in layers by the longest way that leads to them; between two layers of boxes there is one for the labels
of arrows. An arrow that passes a layer has a place of its own in it, arrows to the same box share it, and they bend
only between layers, where nothing stands. An arrow that leads back up runs at the side. The same input always gives
the same picture.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from flows.layer_order import in_good_order
from flows.layer_places import at_good_places, side_by_side

WAY: Final = "way"
FAIL: Final = "fail"

# What one can still look at; more takes long to lay out, and is not seen through.
MOST_ITEMS: Final = 40_000
_LANE_WIDTH: Final = 10.0
_BETWEEN_PORTS: Final = 18.0
_CORNER: Final = 26.0
_BETWEEN_TRACKS: Final = 12.0
_FIRST_SIDE: Final = 22.0
_BETWEEN_SIDES: Final = 16.0
_SHORT_GAP: Final = 18.0
_LONG_GAP: Final = 30.0
_MOST_STRETCH: Final = 46.0


@dataclass(frozen=True, slots=True)
class Node:
    id: str
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Link:
    """An arrow. `width` and `height` are those of its label, 0 without one; a heavy link is drawn straighter."""

    source: str
    target: str
    style: str = WAY
    width: float = 0
    height: float = 0
    weight: int = 2


@dataclass(frozen=True, slots=True)
class Box:
    """A place in the picture: `x` and `y` are its upper left corner."""

    x: float
    y: float
    width: float
    height: float

    @property
    def middle(self) -> float:
        return self.x + self.width / 2


Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Route:
    """An arrow from its box to the other: down or up, and aside between layers. `back` ones run at the side."""

    points: tuple[Point, ...]
    back: bool


@dataclass(frozen=True, slots=True)
class Layout:
    """Everything in its place. `labels` and `routes` are in the order of the links; a link without label has None."""

    boxes: Mapping[str, Box]
    labels: tuple[Box | None, ...]
    routes: tuple[Route, ...]
    width: float
    height: float


@dataclass(slots=True, eq=False)
class Item:
    """What takes place in a layer: a box, a label, or the lane of arrows that pass. `x` is its middle."""

    layer: int
    width: float
    height: float
    is_box: bool = False
    x: float = 0
    above: list[tuple["Item", int]] = field(default_factory=list)
    below: list[tuple["Item", int]] = field(default_factory=list)


class TooMuch(ValueError):
    """So many arrows pass so many layers that nobody could follow them."""


def laid_out(nodes: Sequence[Node], links: Sequence[Link]) -> Layout:
    """The layout of nodes given in reading order. Links lead between nodes that are there.

    TooMuch when the boxes, and the arrows at every layer they pass, are more than `MOST_ITEMS`.
    """
    return _Drawing(nodes, links).layout()


def layers_of(nodes: Sequence[Node], links: Sequence[Link]) -> tuple[dict[str, int], set[int]]:
    """The layer of each node, and which links (by place) lead back up: those that would close a circle."""
    place = {node.id: at for at, node in enumerate(nodes)}
    onward: dict[str, list[str]] = {node.id: [] for node in nodes}
    back: set[int] = set()
    upward: list[int] = []
    for at, link in enumerate(links):
        if place[link.target] > place[link.source]:
            onward[link.source].append(link.target)
        else:
            upward.append(at)
    for at in upward:
        if _leads_to(links[at].target, links[at].source, onward):
            back.add(at)
        else:
            onward[links[at].source].append(links[at].target)
    return _longest_ways(onward), back


def _leads_to(start: str, goal: str, onward: Mapping[str, Sequence[str]]) -> bool:
    waiting, met = [start], {start}
    while waiting:
        found = waiting.pop()
        if found == goal:
            return True
        for target in onward[found]:
            if target not in met:
                met.add(target)
                waiting.append(target)
    return False


def _longest_ways(onward: Mapping[str, Sequence[str]]) -> dict[str, int]:
    missing = dict.fromkeys(onward, 0)
    for targets in onward.values():
        for target in targets:
            missing[target] += 1
    layer = dict.fromkeys(onward, 0)
    ready = [node for node, count in missing.items() if count == 0]
    for node in ready:
        for target in onward[node]:
            layer[target] = max(layer[target], layer[node] + 1)
            missing[target] -= 1
            if missing[target] == 0:
                ready.append(target)
    return layer


class _Drawing:
    """Puts the items into their layers, orders them, places them, and finds the arrows between them."""

    def __init__(self, nodes: Sequence[Node], links: Sequence[Link]) -> None:
        self._nodes = nodes
        self._links = links
        layer, self._back = layers_of(nodes, links)
        self._boxes = {node.id: Item(2 * layer[node.id], node.width, node.height, is_box=True) for node in nodes}
        self._lanes: dict[tuple[str, str, int], Item] = {}
        self._joined: dict[tuple[Item, Item], int] = {}
        self._labels: list[Item | None] = []
        self._others: list[Item] = []
        self._paths = [self._path(at, link) for at, link in enumerate(links)]
        for (one, other), weight in self._joined.items():
            one.below.append((other, weight))
            other.above.append((one, weight))
        self._layers = self._filled_layers()

    def layout(self) -> Layout:
        in_good_order(self._layers)
        at_good_places(self._layers)
        self._choose_sides()
        self._place_ports()
        self._find_heights()
        routes = [self._route(at) for at in range(len(self._links))]
        return self._shifted(routes)

    # --- items and layers ------------------------------------------------------------------------------------------

    def _path(self, at: int, link: Link) -> list[Item]:
        """The items an arrow passes, its two boxes included; one that leads back ends at its label."""
        source, target = self._boxes[link.source], self._boxes[link.target]
        path = [source]
        label = Item(source.layer + 1, link.width, link.height) if link.width else None
        self._labels.append(label)
        if label is None and at in self._back:
            label = Item(source.layer + 1, _LANE_WIDTH, 0)
        if label is not None:
            self._others.append(label)
            path.append(label)
        if at not in self._back:
            first = source.layer + len(path)
            path += [self._lane(link.target, link.style, layer) for layer in range(first, target.layer)]
            path.append(target)
        for one, other in pairwise(path):
            lanes = sum(not item.is_box and item.height == 0 for item in (one, other))
            self._joined[one, other] = max(self._joined.get((one, other), 0), link.weight * (1, 2, 6)[lanes])
        return path

    def _lane(self, target: str, style: str, layer: int) -> Item:
        key = (target, style, layer)
        if key not in self._lanes:
            self._lanes[key] = Item(layer, _LANE_WIDTH, 0)
            self._others.append(self._lanes[key])
            if len(self._others) > MOST_ITEMS:
                raise TooMuch
        return self._lanes[key]

    def _filled_layers(self) -> list[list[Item]]:
        items = [*self._boxes.values(), *self._others]
        layers: list[list[Item]] = [[] for _ in range(max((item.layer for item in items), default=0) + 1)]
        for item in items:
            layers[item.layer].append(item)
        return layers

    # --- ports -----------------------------------------------------------------------------------------------------

    def _place_ports(self) -> None:
        """Where arrows leave and reach the boxes: as near as may be to where they come from or lead to."""
        leaving: dict[Item, dict[Item | None, float]] = {box: {} for box in self._boxes.values()}
        reaching: dict[Item, dict[Item | None, float]] = {box: {} for box in self._boxes.values()}
        for at, path in enumerate(self._paths):
            leaving[path[0]][path[1]] = path[1].x
            if at in self._back:
                target = self._links[at].target
                reaching[self._boxes[target]][None] = self._side[target]
            else:
                reaching[path[-1]][path[-2]] = path[-2].x
        self._leaving = {box: _ports(box, wanted) for box, wanted in leaving.items()}
        self._reaching = {box: _ports(box, wanted) for box, wanted in reaching.items()}

    # --- arrows that lead back -------------------------------------------------------------------------------------

    def _choose_sides(self) -> None:
        """For each box that is led back to: the place of its lane, at the side that is nearer for those who use it."""
        spans: dict[str, tuple[int, int]] = {}
        ends: dict[str, list[float]] = {}
        for at in sorted(self._back):
            link, last = self._links[at], self._paths[at][-1]
            spans[link.target] = (
                self._boxes[link.target].layer,
                max(last.layer, spans.get(link.target, (0, 0))[1]),
            )
            ends.setdefault(link.target, [self._boxes[link.target].x]).append(last.x)
        left, right = min(self._edges(-1), default=0), max(self._edges(1), default=0)
        self._side: dict[str, float] = {}
        taken: dict[bool, list[list[tuple[int, int]]]] = {True: [], False: []}
        for target, span in sorted(spans.items(), key=lambda each: (each[1][1] - each[1][0], each[1])):
            is_left = sum(x - left for x in ends[target]) < sum(right - x for x in ends[target])
            away = _FIRST_SIDE + _BETWEEN_SIDES * _free_place(taken[is_left], span)
            self._side[target] = left - away if is_left else right + away

    def _edges(self, sign: int) -> Iterable[float]:
        return [item.x + sign * item.width / 2 for layer in self._layers for item in layer]

    def _find_heights(self) -> None:
        """The top and bottom of each layer, and the heights at which arrows that lead back cross the gaps."""
        exits: dict[int, list[str]] = {}
        entries: dict[int, list[str]] = {}
        for at in sorted(self._back):
            link = self._links[at]
            _add(exits, self._boxes[link.source].layer + 1, link.target)
            _add(entries, self._boxes[link.target].layer - 1, link.target)
        self._tops, self._bottoms = [], []
        self._exit_at: dict[tuple[int, str], float] = {}
        self._entry_at: dict[str, float] = {}
        y = 0.0
        for layer in range(-1, len(self._layers)):
            if layer >= 0:
                self._tops.append(y)
                y += max((item.height for item in self._layers[layer]), default=0)
                self._bottoms.append(y)
            tracks = len(exits.get(layer, ())) + len(entries.get(layer, ()))
            below = y + self._gap(layer) + _BETWEEN_TRACKS * tracks
            for count, target in enumerate(exits.get(layer, ())):
                self._exit_at[layer, target] = y + _BETWEEN_TRACKS * (count + 1)
            for count, target in enumerate(entries.get(layer, ())):
                self._entry_at[target] = below - _BETWEEN_TRACKS * (count + 1.2)
            y = below

    def _gap(self, layer: int) -> float:
        """How high the gap under a layer is: the further its arrows go aside, the higher."""
        if layer < 0 or layer + 1 >= len(self._layers):
            return _SHORT_GAP if self._back else 0
        leaning = [abs(one.x - other.x) for one in self._layers[layer] for other, _ in one.below]
        return (_SHORT_GAP if layer % 2 == 0 else _LONG_GAP) + min(max(leaning, default=0) * 0.1, _MOST_STRETCH)

    # --- routes ----------------------------------------------------------------------------------------------------

    def _route(self, at: int) -> Route:
        path, link = self._paths[at], self._links[at]
        start = self._leaving[path[0]][path[1]]
        points = [(start, self._tops[path[0].layer] + path[0].height), (start, self._bottoms[path[0].layer])]
        is_back = at in self._back
        for item in path[1:] if is_back else path[1:-1]:
            points += [(item.x, self._tops[item.layer]), (item.x, self._bottoms[item.layer])]
        if is_back:
            points += self._way_back(path[-1], link.target)
        else:
            end = path[-1]
            points.append((self._reaching[end][path[-2]], self._tops[end.layer]))
        return Route(_without_doubles(points), is_back)

    def _way_back(self, last: Item, target: str) -> list[Point]:
        box, side = self._boxes[target], self._side[target]
        low, high, end = self._exit_at[last.layer, target], self._entry_at[target], self._reaching[box][None]
        return [(last.x, low), (side, low), (side, high), (end, high), (end, self._tops[box.layer])]

    def _shifted(self, routes: Sequence[Route]) -> Layout:
        """The layout with its upper left corner at 0, 0."""
        points = [point for route in routes for point in route.points]
        left = min([*self._edges(-1), *[x for x, _ in points]], default=0)
        right = max([*self._edges(1), *[x for x, _ in points]], default=0)
        bottom = max([*self._bottoms, *[y for _, y in points]], default=0)
        return Layout(
            {node.id: self._box(self._boxes[node.id], left) for node in self._nodes},
            tuple(self._box(label, left) if label is not None else None for label in self._labels),
            tuple(Route(tuple((x - left, y) for x, y in route.points), route.back) for route in routes),
            right - left,
            bottom,
        )

    def _box(self, item: Item, left: float) -> Box:
        return Box(item.x - item.width / 2 - left, self._tops[item.layer], item.width, item.height)


def _ports(box: Item, wanted: Mapping[Item | None, float]) -> dict[Item | None, float]:
    """Each wanted place brought onto the edge of the box, a little away from the next one."""
    room = box.width / 2 - _CORNER
    order = sorted(wanted.items(), key=lambda each: each[1])
    last = len(order) - 1
    apart = min(_BETWEEN_PORTS, 2 * room / max(last, 1))
    pulls = []
    for count, (_, x) in enumerate(order):
        low, high = box.x - room + apart * count, box.x + room - apart * (last - count)
        pulls.append([(min(max(x, low), high), 1.0)])
    placed = side_by_side(pulls, [apart] * last)
    return {item: x for (item, _), x in zip(order, placed, strict=True)}


def _free_place(taken: list[list[tuple[int, int]]], span: tuple[int, int]) -> int:
    """The nearest lane at the side that is free over these layers; it is taken now."""
    for place, spans in enumerate(taken):
        if all(high < span[0] or span[1] < low for low, high in spans):
            spans.append(span)
            return place
    taken.append([span])
    return len(taken) - 1


def _add(found: dict[int, list[str]], layer: int, target: str) -> None:
    targets = found.setdefault(layer, [])
    if target not in targets:
        targets.append(target)


def _without_doubles(points: Sequence[Point]) -> tuple[Point, ...]:
    kept = [point for at, point in enumerate(points) if at == 0 or point != points[at - 1]]
    return tuple(kept)
