"""What `seen_screens` found, for a terminal of 80 columns: a handset for each page, the true spelling beside it."""

import textwrap
from collections.abc import Iterator, Sequence
from itertools import groupby, zip_longest
from typing import Final

from flows.describe import visible
from flows.seen_screens import SMS, WRONG, Picture, Piece, Shown

# Letters on a line of a small handset, and what is left of the terminal beside it.
_HANDSET: Final = 34
_BESIDE: Final = 36
_INDENT: Final = "  "
_WHAT: Final = {WRONG: "after a wrong answer, "}


def lines_of_show(shown: Sequence[Shown]) -> list[str]:
    """The flows one under the other, each step with its languages one under the other, no line over 80 columns."""
    lines: list[str] = []
    for each in shown:
        lines += [*([""] if lines else []), *_of_flow(each)]
    return lines


def _of_flow(shown: Shown) -> Iterator[str]:
    yield from textwrap.wrap(visible(f"{shown.flow}, version {shown.version}: {shown.title}"), 80)
    yield "=" * 80
    for (step, name), pictures in groupby(shown.pictures, lambda each: (each.step, each.name)):
        found = list(pictures)
        yield ""
        yield f"{step} ({found[0].kind})" if step else f"{name} (text of the flow)"
        for picture in found:
            yield from [(_INDENT + line).rstrip() for line in _of_picture(picture, shown.limit)]
    yield ""
    yield from textwrap.wrap(_summary(shown), 80)


def _summary(shown: Shown) -> str:
    widest = [f"{each.language} {each.units} ({each.step})" for each in shown.pictures if each.widest]
    if not widest:
        return "no screen of its own"
    return f"widest screen of {shown.limit} septets: {', '.join(widest)}"


def _of_picture(picture: Picture, limit: int) -> Iterator[str]:
    true = picture.true
    for count, piece, alike in _grouped(picture.pieces):
        yield _heading(picture, count, piece, limit)
        yield from _beside(_box(piece.text), ["as written:", *_wrapped(true, _BESIDE)] if true else [])
        true = ""
        if alike:
            yield f"and {alike} more like this one" if alike > 1 else "and one more like this one"


def _grouped(pieces: Sequence[Piece]) -> Iterator[tuple[int, Piece, int]]:
    """Each page that is not the same as the one before: its number, itself, how many more follow like it."""
    place = 1
    for _, same in groupby(pieces, lambda piece: piece.text):
        found = list(same)
        yield place, found[0], len(found) - 1
        place += len(found)


def _heading(picture: Picture, count: int, piece: Piece, limit: int) -> str:
    unit = "septets" if picture.encoding == "gsm7" else "characters"
    what = f"SMS in {picture.encoding}, " if picture.what == SMS else _WHAT.get(picture.what, "")
    words = f"{picture.language}: {what}{piece.units} of {piece.limit} {unit}"
    many = len(picture.pieces)
    if picture.what == SMS:
        words += f", part {count} of {many}" if many > 1 else ", 1 part"
    elif many > 1:
        words += f", page {count} of {many}"
    if picture.follows and count == 1:
        words += f", with {picture.follows}"
    if picture.widest and piece.units == picture.units:
        words += f"  <-- widest in {picture.language}"
    return words


def _box(text: str) -> list[str]:
    lines = [f"| {line:<{_HANDSET}} |" for line in _wrapped(text, _HANDSET)]
    edge = "+" + "-" * (_HANDSET + 2) + "+"
    return [edge, *lines, edge]


def _beside(left: Sequence[str], right: Sequence[str]) -> Iterator[str]:
    width = len(left[0])
    for one, other in zip_longest(left, right, fillvalue=""):
        yield f"{one:<{width}}  {other}"


def _wrapped(text: str, width: int) -> list[str]:
    """The lines of a text, the long ones broken at their spaces, none of them left out."""
    return [
        part
        for line in visible(text).split("\n")
        for part in textwrap.wrap(line, width, break_on_hyphens=False) or [""]
    ]
