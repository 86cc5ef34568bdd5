"""Bars as SVG, each with its table: whole without a script, a style sheet or another host."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

WIDTH, HEIGHT, LEFT, TOP = 720, 300, 56, 34
BOTTOM = 46
"""Room for the labels; slanted where they are many."""
NARROW, FEW_BARS = 52, 14
COLOURS = ("#0b5c77", "#d98324")  # told apart in grey as well: dark and light
LINES = 4


class Plot(NamedTuple):
    """`series`: name -> a value for each label. `unit` stands behind the numbers of the axis and of the table."""

    title: str
    labels: Sequence[str]
    series: dict[str, Sequence[float]]
    heading: str
    unit: str = ""


def bars(plot: Plot) -> str:
    """The plot as one `<svg>`; every bar says its value to whoever points at it or hears it."""
    top = nice_top(max((value for values in plot.series.values() for value in values), default=0))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{escape(plot.title)}" font-family="sans-serif" font-size="12" fill="#222">',
        f"<title>{escape(plot.title)}</title>",
        *_axis(top, plot.unit),
        *_legend(list(plot.series)),
    ]
    room = (WIDTH - LEFT - 10) / max(1, len(plot.labels))
    width = room * 0.8 / max(1, len(plot.series))
    says_values = len(plot.labels) * len(plot.series) <= FEW_BARS
    for place, label in enumerate(plot.labels):
        x = LEFT + place * room
        parts.append(_label(x + room / 2, label, slanted=room < NARROW))
        for which, (name, values) in enumerate(plot.series.items()):
            left, value = x + room * 0.1 + which * width, values[place]
            parts.append(_bar(left, width, value, top, which, f"{label}, {name}", plot))
            if says_values:
                y = HEIGHT - BOTTOM - _height(value, top) - 4
                parts.append(f'<text x="{left + width / 2:.1f}" y="{y:.1f}" text-anchor="middle" font-size="11">')
                parts.append(f"{written(value)}</text>")
    return "".join([*parts, "</svg>"])


def table(plot: Plot) -> str:
    """The numbers of a plot."""
    heads = "".join(f'<th scope="col">{escape(name)}</th>' for name in (plot.heading, *plot.series))
    rows = "".join(
        f'<tr><th scope="row">{escape(label)}</th>'
        + "".join(f"<td>{written(values[place], plot.unit)}</td>" for values in plot.series.values())
        + "</tr>"
        for place, label in enumerate(plot.labels)
    )
    return f"<table><caption>{escape(plot.title)}</caption><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"


def written(value: float, unit: str = "") -> str:
    """A number as French writes it: 1 234, or 12,5 %."""
    number = f"{value:,.0f}" if value == int(value) else f"{value:,.1f}"
    spaced = number.replace(",", "\u202f").replace(".", ",")
    return f"{spaced}\u00a0{unit}" if unit else spaced


def nice_top(largest: float) -> float:
    """The end of an axis: 1, 2 or 5 times a power of ten, or four tenths more."""
    step = 1.0
    while step * 10 < largest:
        step *= 10
    return next(step * times for times in (1, 2, 4, 6, 8, 10) if step * times >= largest)


def _height(value: float, top: float) -> float:
    return (HEIGHT - BOTTOM - TOP) * value / top


def _label(middle: float, label: str, *, slanted: bool) -> str:
    y = HEIGHT - BOTTOM + (12 if slanted else 16)
    if not slanted:
        return f'<text x="{middle:.1f}" y="{y}" text-anchor="middle">{escape(label)}</text>'
    turned = f'transform="rotate(-40 {middle:.1f} {y})"'
    return f'<text x="{middle + 4:.1f}" y="{y}" text-anchor="end" font-size="11" {turned}>{escape(label)}</text>'


def _bar(x: float, width: float, value: float, top: float, which: int, said: str, plot: Plot) -> str:
    tall = _height(value, top)
    return (
        f'<rect x="{x:.1f}" y="{HEIGHT - BOTTOM - tall:.1f}" width="{width:.1f}" height="{tall:.1f}" '
        f'fill="{COLOURS[which % len(COLOURS)]}"><title>{escape(said)} : {written(value, plot.unit)}</title></rect>'
    )


def _axis(top: float, unit: str) -> list[str]:
    found = []
    for line in range(LINES + 1):
        value = top * line / LINES
        y = HEIGHT - BOTTOM - _height(value, top)
        found.append(f'<line x1="{LEFT}" x2="{WIDTH - 10}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ccc"/>')
        found.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{written(value, unit)}</text>')
    return found


def _legend(names: Sequence[str]) -> list[str]:
    if len(names) < 2:
        return []
    found = []
    for which, name in enumerate(names):
        x = LEFT + which * 170
        found.append(f'<rect x="{x}" y="8" width="12" height="12" fill="{COLOURS[which % len(COLOURS)]}"/>')
        found.append(f'<text x="{x + 18}" y="18">{escape(name)}</text>')
    return found
