"""The picture itself, as SVG: figures and arrows that have their places become elements, colours and words."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from typing import Final

from flows.layered import FAIL, Box, Layout, Point, Route
from flows.picture_words import said_in
from flows.svg_shapes import (
    FONT,
    GHOST,
    LINE,
    PADDING,
    QUESTIONS,
    SMALL,
    SMALL_LINE,
    SMS,
    START,
    Figure,
    head_of,
    notes_of,
    outlines,
    text_of,
    width_of,
)

_MARGIN: Final = 28.0
_HEAD: Final = 74.0
_LEGEND_ROW: Final = 30.0
_NARROWEST: Final = 520.0
_ROUND: Final = 9.0
# Where an arrow that leads back comes to the side; after it: up, over to the box, and down to it.
_JOINS_AT: Final = -4
_ALL_QUESTIONS: Final = "question"

# By kind: fill and stroke on light ground, then on dark. Shapes tell the kinds apart without them.
_COLOURS: Final[dict[str, tuple[str, str, str, str]]] = {
    _ALL_QUESTIONS: ("#eaf1fd", "#2457a7", "#16263f", "#8db8f5"),
    "say": ("#ffffff", "#55606c", "#20262d", "#b3bdc8"),
    SMS: ("#fdf4d7", "#806000", "#332a0c", "#e5c65a"),
    "when": ("#f3ecfb", "#6a3fa0", "#2a1c3d", "#c8a6f0"),
    "do": ("#e5f5ea", "#1f7040", "#10301d", "#79d19a"),
    "set": ("#f1f2f4", "#59636e", "#262b31", "#aab4bf"),
    "run": ("#e2f4f6", "#0d6b78", "#0d2e33", "#6fcfdc"),
    "end": ("#e7e9ec", "#1f2933", "#2f3740", "#e4e9ee"),
    START: ("#1f2933", "#1f2933", "#e4e9ee", "#e4e9ee"),
    GHOST: ("#fdeceb", "#b3261e", "#3a1513", "#ff9d95"),
}
_GROUND: Final = ("#fbfcfd", "#14181d")
_INK: Final = ("#1b222a", "#eef2f6")
_PALE: Final = ("#4e5965", "#b6c0ca")
_LINE: Final = ("#3a4652", "#c3ccd6")
_FAILED: Final = ("#a33417", "#ffab91")
_BACK: Final = ("#6a3fa0", "#c8a6f0")


@dataclass(frozen=True, slots=True)
class Drawn:
    """An arrow with the lines of its label as they are written."""

    source: str
    target: str
    style: str
    lines: tuple[str, ...]


def svg(
    name: str,
    language: str,
    head: Sequence[str],
    figures: Mapping[str, Figure],
    arrows: Sequence[Drawn],
    layout: Layout,
) -> str:
    """The whole document. `name` begins the ids in it, so that several may stand on one page."""
    words = said_in(language)
    kinds = list(dict.fromkeys(_colour_of(figure.kind) for figure in figures.values()))
    lines = _lines_used(arrows, layout)
    width = max(layout.width + 2 * _MARGIN, _NARROWEST, width_of(head[0], 18) + 2 * _MARGIN)
    width = max(width, width_of(head[1], SMALL) + 2 * _MARGIN)
    entries = list(_legend_places(kinds, lines, width, words))
    legend = _HEAD + layout.height + 34
    height = legend + (entries[-1][1] + _LEGEND_ROW if entries else 0) + _MARGIN / 2
    left = (width - layout.width) / 2
    body = [
        *_beginning(name, language, head, figures, width, height, words),
        f'<g transform="translate({_n(left)} {_n(_HEAD)})">',
        *_arrows(name, arrows, layout),
        *_figures(name, figures, layout, words),
        "</g>",
        *_legend(name, entries, legend, words),
        "</svg>",
    ]
    return "\n".join(body) + "\n"


def _beginning(
    name: str,
    language: str,
    head: Sequence[str],
    figures: Mapping[str, Figure],
    width: float,
    height: float,
    words: Mapping[str, str],
) -> Iterator[str]:
    """The root with its names for those who hear it, the colours for a dark page, the heads of arrows, the ground."""
    size = f'viewBox="0 0 {_n(width)} {_n(height)}" width="{_n(width)}" height="{_n(height)}"'
    names = f'aria-labelledby="{name}-title" aria-describedby="{name}-desc"'
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} lang="{language}" role="graphics-document document" {names} '
        f'font-family="system-ui, &quot;DejaVu Sans&quot;, Verdana, sans-serif" font-size="{_n(FONT)}">'
    )
    steps = sum(figure.kind not in (START, GHOST) for figure in figures.values())
    yield f'<title id="{name}-title">{_safe(head[0])}</title>'
    described = f"{words['picture']} {head[1]}. {words['steps']}: {steps}."
    yield f'<desc id="{name}-desc">{_safe(described)}</desc>'
    yield f"<style>@media (prefers-color-scheme: dark){{{_dark()}}}</style>"
    yield "<defs>"
    for style, (light, _) in (("way", _LINE), ("fail", _FAILED), ("back", _BACK)):
        shape = "M0 0L9 4.5L0 9z" if style != FAIL else "M0.7 0.9L8 4.5L0.7 8.1"
        paint = f'fill="{light}"' if style != FAIL else f'fill="none" stroke="{light}" stroke-width="1.6"'
        yield (
            f'<marker id="{name}-{style}" viewBox="0 0 9 9" refX="8.4" refY="4.5" markerWidth="9" markerHeight="9" '
            f'markerUnits="userSpaceOnUse" orient="auto"><path class="m-{style}" d="{shape}" {paint}/></marker>'
        )
    yield "</defs>"
    yield f'<rect class="ground" width="{_n(width)}" height="{_n(height)}" rx="10" fill="{_GROUND[0]}"/>'
    yield _words(head[0], _MARGIN, 36, 18, _INK[0], "ink", bold=True)
    yield _words(head[1], _MARGIN, 56, SMALL, _PALE[0], "pale")


def _dark() -> str:
    rules = [f".k-{kind}{{fill:{fill};stroke:{stroke}}}" for kind, (_, _, fill, stroke) in _COLOURS.items()]
    rules += [f".ground,.chip{{fill:{_GROUND[1]}}}", f".ink{{fill:{_INK[1]}}}", f".pale{{fill:{_PALE[1]}}}"]
    for style, (_, dark) in (("way", _LINE), ("fail", _FAILED), ("back", _BACK)):
        paint = "stroke" if style == FAIL else "fill"
        rules += [f".l-{style}{{stroke:{dark}}}", f".t-{style}{{fill:{dark}}}", f".m-{style}{{{paint}:{dark}}}"]
    return "".join([*rules, f".on-start{{fill:{_GROUND[1]}}}"])


# --- arrows -------------------------------------------------------------------------------------------------------


def _style(arrow: Drawn, route: Route) -> str:
    if route.back:
        return "back"
    return "fail" if arrow.style == FAIL else "way"


def _lines_used(arrows: Sequence[Drawn], layout: Layout) -> list[str]:
    used = {_style(arrow, route) for arrow, route in zip(arrows, layout.routes, strict=True)}
    return [style for style in ("way", "fail", "back") if style in used]


def _arrows(name: str, arrows: Sequence[Drawn], layout: Layout) -> Iterator[str]:
    """Lines first, labels over them; what several arrows share is drawn once. Steps tell the ear where they lead."""
    yield '<g aria-hidden="true" fill="none" stroke-linecap="round" stroke-linejoin="round">'
    drawn: set[tuple[str, Point, Point]] = set()
    lowest = _lowest(arrows, layout)
    for arrow, route in zip(arrows, layout.routes, strict=True):
        style = _style(arrow, route)
        if route.back:
            has_end = route is lowest[arrow.target]
            path = _with_round_corners(route.points if has_end else route.points[: _JOINS_AT + 1])
        else:
            has_end = (style, *route.points[-2:]) not in drawn
            path = _path(route, style, drawn)
        if path:
            ends = f'data-from="{_safe(arrow.source)}" data-to="{_safe(arrow.target)}"'
            yield f'<path class="l-{style}" {ends} d="{path}" {_pen(name, style, has_end=has_end)}/>'
    for arrow, route, label in zip(arrows, layout.routes, layout.labels, strict=True):
        if label is not None:
            yield from _label(arrow, _style(arrow, route), label)
    yield "</g>"


def _lowest(arrows: Sequence[Drawn], layout: Layout) -> dict[str, Route]:
    """Of the arrows that lead back to a box, the one that comes from lowest: the others join it at the side."""
    found: dict[str, Route] = {}
    for arrow, route in zip(arrows, layout.routes, strict=True):
        if route.back and route.points[_JOINS_AT][1] >= found.get(arrow.target, route).points[_JOINS_AT][1]:
            found[arrow.target] = route
    return found


def _pen(name: str, style: str, *, has_end: bool = True) -> str:
    """Colour and dashes of a line; `has_end` is false where it only joins another."""
    colour = {"way": _LINE, "fail": _FAILED, "back": _BACK}[style][0]
    dashes = {"way": "", "fail": ' stroke-dasharray="6 4"', "back": ' stroke-dasharray="11 3 2 3"'}[style]
    end = f' marker-end="url(#{name}-{style})"' if has_end else ""
    return f'stroke="{colour}" stroke-width="1.6"{dashes}{end}'


def _path(route: Route, style: str, drawn: set[tuple[str, Point, Point]]) -> str:
    """The `d` of a route: what is drawn already is left out, so that dashes never lie over dashes."""
    written: list[str] = []
    at: Point | None = None
    for one, other in pairwise(route.points):
        if (style, one, other) in drawn:
            continue
        drawn.add((style, one, other))
        if at != one:
            written.append(f"M{_n(one[0])} {_n(one[1])}")
        written.append(_stroke(one, other))
        at = other
    return "".join(written)


def _stroke(one: Point, other: Point) -> str:
    """Straight down, or aside in a curve that begins and ends upright."""
    if abs(one[0] - other[0]) < 0.5:
        return f"L{_n(other[0])} {_n(other[1])}"
    middle = (one[1] + other[1]) / 2
    return f"C{_n(one[0])} {_n(middle)} {_n(other[0])} {_n(middle)} {_n(other[0])} {_n(other[1])}"


def _with_round_corners(points: Sequence[Point]) -> str:
    """A line of straight pieces, its corners rounded; slanted pieces (to a label) are curves."""
    written = [f"M{_n(points[0][0])} {_n(points[0][1])}"]
    at = points[0]
    for here, after in zip(points[1:], [*points[2:], None], strict=True):
        if after is None or not _turns(at, here, after):
            written.append(_stroke(at, here) if at[1] != here[1] else f"L{_n(here[0])} {_n(here[1])}")
            at = here
            continue
        before, behind = _near(here, at), _near(here, after)
        written.append(f"L{_n(before[0])} {_n(before[1])}Q{_n(here[0])} {_n(here[1])} {_n(behind[0])} {_n(behind[1])}")
        at = behind
    return "".join(written)


def _turns(at: Point, here: Point, after: Point) -> bool:
    return (at[0] == here[0] and here[1] == after[1]) or (at[1] == here[1] and here[0] == after[0])


def _near(corner: Point, other: Point) -> Point:
    """A little away from the corner towards the other point, at most half of the way."""
    far = abs(other[0] - corner[0]) + abs(other[1] - corner[1])
    share = min(_ROUND, far / 2) / far if far else 0
    return corner[0] + (other[0] - corner[0]) * share, corner[1] + (other[1] - corner[1]) * share


def _label(arrow: Drawn, style: str, box: Box) -> Iterator[str]:
    yield (
        f'<rect class="chip" x="{_n(box.x)}" y="{_n(box.y)}" width="{_n(box.width)}" height="{_n(box.height)}" rx="4" '
        f'fill="{_GROUND[0]}"/>'
    )
    colour = {"way": _INK, "fail": _FAILED, "back": _BACK}[style][0]
    css = "ink" if style == "way" else f"t-{style}"
    for count, line in enumerate(arrow.lines):
        y = box.y + 3 + SMALL + SMALL_LINE * count
        yield _words(line, box.x + 6, y, SMALL, colour, css, slanted=style == "fail")


# --- figures ------------------------------------------------------------------------------------------------------


def _figures(name: str, figures: Mapping[str, Figure], layout: Layout, words: Mapping[str, str]) -> Iterator[str]:
    yield f'<g role="list" aria-label="{_safe(words["steps"])}">'
    for figure in figures.values():
        box = layout.boxes[figure.id]
        yield f'<g role="listitem" id="{_safe(_id(name, figure))}">'
        yield f"<title>{_safe(figure.aloud)}</title>"
        yield from [f'<a href="{_safe(figure.address)}">'] if figure.address else []
        yield from _outline(figure.kind, box)
        yield from _inscription(figure, box)
        yield from ["</a>"] if figure.address else []
        yield "</g>"
    yield "</g>"


def _id(name: str, figure: Figure) -> str:
    """An id of its own on the page; what is no step has a double hyphen, which no id of a step begins with."""
    return f"{name}-{figure.id}".replace("#", "-").replace(" ", "-")


def _outline(kind: str, box: Box) -> Iterator[str]:
    colour = _colour_of(kind)
    fill, stroke, _, _ = _COLOURS[colour]
    thick = "2.2" if kind == "end" else "1.4"
    dashes = ' stroke-dasharray="4 3"' if kind == GHOST else ""
    yield f'<g class="k-{colour}" fill="{fill}" stroke="{stroke}" stroke-width="{thick}"{dashes}>'
    yield from outlines(kind, box)
    yield "</g>"


def _inscription(figure: Figure, box: Box) -> Iterator[str]:
    if figure.kind == START:
        x = box.middle - width_of(figure.name, SMALL) / 2
        yield _words(figure.name, x, box.y + 17, SMALL, _GROUND[0], "on-start")
        return
    inset = PADDING + (7 if figure.kind in ("do", "when", "end") else 0)
    x, y = box.x + inset, box.y + LINE + 5
    head, together = head_of(figure)
    for line in head:
        yield _words(line, x, y, FONT, _INK[0], "ink", bold=True)
        y += LINE
    beside = box.x + box.width - inset
    if together:
        yield _words(figure.kind_word, beside, y - LINE, SMALL, _PALE[0], "pale", end=True)
    else:
        yield _words(figure.kind_word, x, y - 3, SMALL, _PALE[0], "pale")
        y += SMALL_LINE
    for line in text_of(figure):
        yield _words(line, x, y + 2, FONT, _INK[0], "ink")
        y += LINE
    y += 4 if figure.text else 0
    for line in notes_of(figure):
        yield _words(line, x, y - 2, SMALL, _PALE[0], "pale")
        y += SMALL_LINE


def _colour_of(kind: str) -> str:
    return _ALL_QUESTIONS if kind in QUESTIONS else kind


# --- legend -------------------------------------------------------------------------------------------------------


def _legend_places(
    kinds: Sequence[str], lines: Sequence[str], width: float, words: Mapping[str, str]
) -> Iterator[tuple[float, float, str, str]]:
    """Where each entry stands under the picture, what it explains, and its words."""
    entries = [
        (kind, words["question"] if kind == _ALL_QUESTIONS else words.get(f"kind.{kind}", words["missing"]))
        for kind in kinds
        if kind != START
    ]
    entries += [(f"line.{style}", words[f"line.{style}"]) for style in lines]
    x, y = _MARGIN, 0.0
    for what, word in entries:
        wide = 50 + width_of(word, SMALL) + 18
        if x > _MARGIN and x + wide > width - _MARGIN:
            x, y = _MARGIN, y + _LEGEND_ROW
        yield x, y, what, word
        x += wide


def _legend(
    name: str, entries: Sequence[tuple[float, float, str, str]], top: float, words: Mapping[str, str]
) -> Iterator[str]:
    yield f'<g role="list" aria-label="{_safe(words["legend"])}">'
    for x, y, what, word in entries:
        yield f'<g role="listitem"><title>{_safe(word)}</title>'
        if what.startswith("line."):
            style = what.removeprefix("line.")
            yield f'<path class="l-{style}" d="M{_n(x)} {_n(top + y + 10)}h40" fill="none" {_pen(name, style)}/>'
        else:
            yield from _outline("menu" if what == _ALL_QUESTIONS else what, Box(x, top + y, 40, 20))
        yield _words(word, x + 48, top + y + 14, SMALL, _INK[0], "ink")
        yield "</g>"
    yield "</g>"


# --- words --------------------------------------------------------------------------------------------------------


def _words(
    text: str,
    x: float,
    y: float,
    size: float,
    colour: str,
    css: str,
    *,
    bold: bool = False,
    slanted: bool = False,
    end: bool = False,
) -> str:
    how = ' font-weight="600"' if bold else ""
    how += ' font-style="italic"' if slanted else ""
    how += ' text-anchor="end"' if end else ""
    return (
        f'<text class="{css}" x="{_n(x)}" y="{_n(y)}" font-size="{_n(size)}" fill="{colour}" stroke="none"{how}>'
        f"{_safe(text)}</text>"
    )


def _safe(text: str) -> str:
    """The text escaped, without the characters that no XML may hold."""
    return escape("".join(sign if sign.isprintable() or sign in "\u00a0\u202f\u2009" else " " for sign in text))


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
