"""The boxes of a picture: how large each is for its words, and its outline, which is another for every kind."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from flows.layered import Box

SMS: Final = "sms"
START: Final = "start"
GHOST: Final = "ghost"
QUESTIONS: Final = frozenset({"menu", "pick", "number", "text", "date", "phone"})

FONT: Final = 13.0
SMALL: Final = 11.0
LINE: Final = 17.0
SMALL_LINE: Final = 14.0
PADDING: Final = 12.0
_TOP: Final = 9.0
_WIDE: Final = 244.0
_NARROW: Final = 204.0
_LABEL_WIDTH: Final = 178.0
_SLANT: Final = 14.0
_MOST_LINES: Final = 14
# Widths in parts of the font's size, of a wide font: words set in another one are narrower.
_THIN: Final = frozenset("iljI.,:;'|!’()[]ftr ")
_FAT: Final = frozenset("mwMW@%→œŒ—")


@dataclass(frozen=True, slots=True)
class Figure:
    """What a box says: its id and kind above, then the text, then small notes.

    `aloud` is all of it in words; `address` is where a click on it leads.
    """

    id: str
    kind: str
    name: str
    kind_word: str
    text: str
    notes: tuple[str, ...]
    aloud: str
    address: str = ""


def width_of(text: str, size: float) -> float:
    """About how wide the text is in a sans-serif font, rather too wide than too narrow."""
    return sum(_width_of_sign(sign) for sign in text) * size


def _width_of_sign(sign: str) -> float:
    if sign in _THIN:
        return 0.4
    if sign in _FAT or ord(sign) > 0x2E80:
        return 1.0
    return 0.72 if sign.isupper() else 0.62


def wrapped(text: str, room: float, size: float) -> list[str]:
    """The lines of a text no wider than `room`; a word that is too long by itself is broken."""
    lines: list[str] = []
    for line in text.split("\n"):
        lines += _wrapped_line(line.split(), room, size)
    return lines


def _wrapped_line(words: Sequence[str], room: float, size: float) -> list[str]:
    lines, line = [], ""
    for word in words:
        longer = f"{line} {word}" if line else word
        if width_of(longer, size) <= room:
            line = longer
            continue
        if line:
            lines.append(line)
        *broken, line = _broken(word, room, size)
        lines += broken
    return [*lines, line] if line else lines


def _broken(word: str, room: float, size: float) -> list[str]:
    pieces, piece, used = [], "", 0.0
    for sign in word:
        wide = _width_of_sign(sign) * size
        if piece and used + wide > room:
            pieces.append(piece)
            piece, used = "", 0.0
        piece, used = piece + sign, used + wide
    return [*pieces, piece]


def _few(lines: list[str]) -> list[str]:
    """A text of any length, cut where nobody would read on; the whole stands in the title of its box."""
    return lines if len(lines) <= _MOST_LINES else [*lines[: _MOST_LINES - 1], "…"]


def box_width(figure: Figure) -> float:
    if figure.kind == START:
        return 84
    if figure.kind in QUESTIONS or figure.text:
        return _WIDE
    return _NARROW


def room_in(figure: Figure) -> float:
    """The width there is for words."""
    slanted = figure.kind in ("do", "when", "end")
    return box_width(figure) - 2 * PADDING - (_SLANT if slanted else 0)


def head_of(figure: Figure) -> tuple[list[str], bool]:
    """The lines of the step's id, and whether the word for its kind stands beside it."""
    lines = _few(wrapped(figure.name, room_in(figure), FONT))
    together = width_of(figure.name, FONT) + width_of(figure.kind_word, SMALL) + 14 <= room_in(figure)
    return lines, together


def text_of(figure: Figure) -> list[str]:
    return _few(wrapped(figure.text, room_in(figure), FONT))


def notes_of(figure: Figure) -> list[str]:
    return _few([line for note in figure.notes for line in wrapped(note, room_in(figure), SMALL)])


def size_of_figure(figure: Figure) -> tuple[float, float]:
    """Width and height of the box with all its words."""
    if figure.kind == START:
        return box_width(figure), 26
    head, together = head_of(figure)
    lines = len(head) + len(text_of(figure))
    small = len(notes_of(figure)) + (0 if together else 1)
    return box_width(figure), 2 * _TOP + LINE * lines + SMALL_LINE * small + (4 if figure.text else 0)


def lines_within(lines: Iterable[str]) -> tuple[str, ...]:
    """The lines of a label, the long ones wrapped."""
    return tuple(part for line in lines for part in wrapped(line, _LABEL_WIDTH, SMALL))


def size_of_label(lines: Sequence[str]) -> tuple[float, float]:
    """Width and height of a label; nothing without lines."""
    if not lines:
        return 0, 0
    return max(width_of(line, SMALL) for line in lines) + 12, SMALL_LINE * len(lines) + 6


def outlines(kind: str, box: Box) -> list[str]:
    """The SVG elements of a box of this kind, the outline first; fills and strokes are its group's."""
    x, y, wide, high = box.x, box.y, box.width, box.height
    right, bottom = x + wide, y + high
    if kind == "when":
        middle = y + high / 2
        return [
            _polygon((x, middle), (x + 12, y), (right - 12, y), (right, middle), (right - 12, bottom), (x + 12, bottom))
        ]
    if kind == "do":
        return [_polygon((x + 12, y), (right, y), (right - 12, bottom), (x, bottom))]
    if kind == "set":
        return [_polygon((x, y), (right - 14, y), (right, y + 14), (right, bottom), (x, bottom))]
    if kind in ("end", START):
        return [_rect(box, min(high / 2, 24))]
    if kind == "run":
        inner = Box(x + 4, y + 4, wide - 8, high - 8)
        return [_rect(box, 4), _rect(inner, 2)]
    if kind == SMS:
        flap = f"M{_n(x)} {_n(y + 2)}L{_n(x + wide / 2)} {_n(y + 9)}L{_n(right)} {_n(y + 2)}"
        return [_rect(box, 2), f'<path d="{flap}" fill="none"/>']
    if kind == "say":
        return [_rect(box, 2)]
    if kind == GHOST:
        return [_rect(box, 2)]
    # A question: a bar at its left tells it from words that are only said.
    bar = f'<path d="M{_n(x + 5)} {_n(y + 1)}V{_n(bottom - 1)}" fill="none"/>'
    return [_rect(box, 6), bar]


def _rect(box: Box, round_by: float) -> str:
    return (
        f'<rect x="{_n(box.x)}" y="{_n(box.y)}" width="{_n(box.width)}" height="{_n(box.height)}" rx="{_n(round_by)}"/>'
    )


def _polygon(*points: tuple[float, float]) -> str:
    return f'<polygon points="{" ".join(f"{_n(x)},{_n(y)}" for x, y in points)}"/>'


def _n(value: float) -> str:
    """A number with one digit after the point at most."""
    return f"{value:.1f}".removesuffix(".0")
