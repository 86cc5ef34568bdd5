"""FLOIP expressions as trees, and texts with expressions in them as pieces.

Precedence is the spreadsheet's: `-x`, `^`, `* /`, `+ -`, `&`, comparisons; equals go from left to right.
Whatever the text, nothing is raised but `ExpressionMistake`.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from typing import Final, TypeAlias

from flows.floip.floip_values import ExpressionMistake, FloipValue, tidy

LONGEST_EXPRESSION: Final = 10_000
_DEEPEST: Final = 40
# Each piece that cannot be read costs a look at the rest of the text; a hostile text gets no more of them.
_MOST_BROKEN: Final = 50


@dataclass(frozen=True, slots=True)
class Literal:
    """A number, a quoted text, TRUE, FALSE or NULL."""

    value: FloipValue


@dataclass(frozen=True, slots=True)
class Member:
    """A name of the context: `contact.name`."""

    path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Call:
    """A function by its name in capitals."""

    name: str
    args: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Chain:
    """Operands of one precedence, worked out from left to right. A list, so that a long sum is no deep tree."""

    first: "Node"
    rest: tuple[tuple[str, "Node"], ...]


@dataclass(frozen=True, slots=True)
class Minus:
    """The negative of a number."""

    of: "Node"


Node: TypeAlias = Literal | Member | Call | Chain | Minus


@dataclass(frozen=True, slots=True)
class Piece:
    """An expression in a text, and how it was written there. `node` is None when it cannot be read: `mistake` says why.

    `closed`: written `@(...)`; a name or a function written without parentheses is open.
    """

    source: str
    node: Node | None
    closed: bool
    mistake: str = ""


Template: TypeAlias = tuple[str | Piece, ...]

_LEVELS: Final = (("=", "<>", "!=", "==", "<", "<=", ">", ">="), ("&",), ("+", "-"), ("*", "/"), ("^",))
_WORDS: Final = {"TRUE": True, "FALSE": False, "NULL": None}
_BLANK: Final = re.compile(r"\s*")
_NUMBER: Final = re.compile(r"[0-9]{1,300}(?:\.[0-9]{1,300})?|\.[0-9]{1,300}")
_NAME: Final = re.compile(r"[^\W\d]\w*(?:\.\w+)*")
_SIGN: Final = re.compile(r"<=|>=|<>|!=|==|[-+*/^&=<>(),@]")
_QUOTES: Final = {'"': '"', "'": "'", "‘": "’", "’": "’", "“": "”", "”": "”"}
_OPEN: Final = re.compile(r"[^\W\d]\w*(?:\.\w+)*")


@lru_cache(maxsize=4096)
def parse_expression(text: str) -> Node:
    """The whole text as one expression: `block.value = "oui"`, or the same as `@(block.value = "oui")`."""
    reader = _Reader(text, 0)
    node = reader.expression()
    reader.end()
    return node


@lru_cache(maxsize=2048)
def parse_template(text: str) -> Template:
    """A text in pieces; `@@` is a written @. Never raises: what cannot be read is a piece with its mistake."""
    pieces: list[str | Piece] = []
    at = broken = 0
    while (found := text.find("@", at)) >= 0:
        pieces.append(text[at:found])
        piece, at = _piece(text, found) if broken < _MOST_BROKEN else (text[found:], len(text))
        broken += isinstance(piece, Piece) and piece.node is None
        pieces.append(piece)
    pieces.append(text[at:])
    return tuple(_joined(pieces))


def _piece(text: str, at: int) -> tuple[str | Piece, int]:
    after = text[at + 1 : at + 2]
    if after == "@":
        return "@", at + 2
    if after == "(":
        return _closed(text, at)
    name = _OPEN.match(text, at + 1)
    if not name:
        return "@", at + 1
    if text[name.end() : name.end() + 1] == "(" and "." not in name[0]:
        return _open_call(text, at)
    return Piece(text[at : name.end()], Member(tuple(name[0].split("."))), closed=False), name.end()


def _closed(text: str, at: int) -> tuple[Piece, int]:
    try:
        reader = _Reader(text, at + 2)
        node = reader.expression()
        end = reader.closing()
    except ExpressionMistake as mistake:
        return Piece("@(", None, closed=True, mistake=str(mistake)), at + 2
    return Piece(text[at:end], node, closed=True), end


def _open_call(text: str, at: int) -> tuple[str | Piece, int]:
    try:
        reader = _Reader(text, at + 1)
        node = reader.primary()
    except ExpressionMistake as mistake:
        return Piece("@", None, closed=False, mistake=str(mistake)), at + 1
    return Piece(text[at : reader.at], node, closed=False), reader.at


def _joined(pieces: list[str | Piece]) -> list[str | Piece]:
    """Texts beside each other are one, empty ones none."""
    joined: list[str | Piece] = []
    for is_text, together in groupby(pieces, lambda piece: isinstance(piece, str)):
        beside = list(together)
        joined += ["".join(map(str, beside))] if is_text else beside
    return [piece for piece in joined if piece]


class _Reader:
    """Reads one expression from a place in a text on."""

    __slots__ = ("at", "deep", "end_at", "start", "text")

    def __init__(self, text: str, start: int) -> None:
        self.text = text
        self.start = self.at = start
        self.end_at = min(len(text), start + LONGEST_EXPRESSION)
        self.deep = 0

    def expression(self) -> Node:
        self.deep += 1
        if self.deep > _DEEPEST:
            raise ExpressionMistake(f"parentheses stand deeper than {_DEEPEST} in each other")
        node = self._level(0)
        self.deep -= 1
        return node

    def end(self) -> None:
        self._blanks()
        if self.at < len(self.text):
            raise ExpressionMistake(f"'{self.text[self.at : self.at + 12]}' is not expected here")

    def closing(self) -> int:
        """The place after the parenthesis that must come now."""
        if self._sign() != ")":
            raise ExpressionMistake("a parenthesis is not closed")
        self.at += 1
        return self.at

    def _level(self, level: int) -> Node:
        if level == len(_LEVELS):
            return self._signed()
        first = self._level(level + 1)
        rest = []
        while (sign := self._sign()) in _LEVELS[level]:
            self.at += len(sign)
            rest.append(({"==": "=", "!=": "<>"}.get(sign, sign), self._level(level + 1)))
        return Chain(first, tuple(rest)) if rest else first

    def _signed(self) -> Node:
        negative = False
        while (sign := self._sign()) in ("-", "+"):
            negative ^= sign == "-"
            self.at += 1
        node = self.primary()
        return Minus(node) if negative else node

    def primary(self) -> Node:
        while self._sign() == "@":
            self.at += 1
        self._blanks()
        char = self.text[self.at : self.at + 1]
        if self.at >= self.end_at:
            raise ExpressionMistake(
                "the expression is too long" if self.at < len(self.text) else "the expression ends too early"
            )
        if char in _QUOTES:
            return Literal(self._quoted(char))
        if char == "(":
            self.at += 1
            node = self.expression()
            self.closing()
            return node
        if number := _NUMBER.match(self.text, self.at):
            return self._number(number)
        if name := _NAME.match(self.text, self.at):
            self.at = name.end()
            return self._named(name[0])
        raise ExpressionMistake(f"'{char}' is not expected here")

    def _number(self, found: re.Match[str]) -> Node:
        self.at = found.end()
        following = self.text[self.at : self.at + 1]
        if following == "_" or following.isalnum():
            raise ExpressionMistake(f"'{found[0][:12]}{following}' is neither a number nor a name")
        return Literal(tidy(float(found[0]) if "." in found[0] else int(found[0])))

    def _named(self, name: str) -> Node:
        if "." not in name and self._sign() == "(":
            self.at += 1
            return Call(name.upper(), self._args())
        if name.upper() in _WORDS:
            return Literal(_WORDS[name.upper()])
        return Member(tuple(name.split(".")))

    def _args(self) -> tuple[Node, ...]:
        args: list[Node] = []
        if self._sign() == ")":
            self.at += 1
            return ()
        while True:
            args.append(self.expression())
            sign = self._sign()
            if sign not in (",", ")"):
                raise ExpressionMistake("a parenthesis is not closed")
            self.at += 1
            if sign == ")":
                return tuple(args)

    def _quoted(self, opening: str) -> str:
        """Between quotes; the quote itself is written twice or after a backslash."""
        closing, chars = _QUOTES[opening], []
        self.at += 1
        while self.at < self.end_at:
            char = self.text[self.at]
            following = self.text[self.at + 1 : self.at + 2]
            if char == "\\" and following and following in f"{closing}{opening}\\":
                chars.append(following)
                self.at += 2
            elif char == closing and following == closing:
                chars.append(char)
                self.at += 2
            elif char == closing:
                self.at += 1
                return "".join(chars)
            else:
                chars.append(char)
                self.at += 1
        raise ExpressionMistake("a quoted text is not closed")

    def _blanks(self) -> None:
        blank = _BLANK.match(self.text, self.at, self.end_at)
        self.at = blank.end() if blank else self.at

    def _sign(self) -> str:
        self._blanks()
        found = _SIGN.match(self.text, self.at, self.end_at)
        return found[0] if found else ""
