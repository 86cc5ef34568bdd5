"""FLOIP expressions and templates read into trees: names, numbers, quoted words, `= <> < > & + - * / ^` and calls.

Nothing is evaluated here. What is too long or nested too deep to have been meant is `NotRead` too.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias, TypeVar


class NotRead(ValueError):
    """The expression says something we have no reader for; the message names it."""


@dataclass(frozen=True, slots=True)
class Literal:
    value: str | int | float | bool | None

    def __eq__(self, other: object) -> bool:
        """TRUE is not 1."""
        return isinstance(other, Literal) and (type(self.value), self.value) == (type(other.value), other.value)

    def __hash__(self) -> int:
        return hash((type(self.value), self.value))


@dataclass(frozen=True, slots=True)
class Variable:
    path: str


@dataclass(frozen=True, slots=True)
class Operation:
    sign: str
    left: "Tree"
    right: "Tree"


@dataclass(frozen=True, slots=True)
class Call:
    function: str
    args: tuple["Tree", ...]


Found = TypeVar("Found")
Tree: TypeAlias = Literal | Variable | Operation | Call
# Words and expressions by turns, as in `flows.texts`: expressions stand at the odd places, without their `@`.
Pieces: TypeAlias = tuple[str, ...]

_TOKEN: Final = re.compile(
    r"""\s*(?:(?P<word>"[^"]*"|'[^']*')|(?P<number>\d+(?:\.\d+)?)|(?P<sign><>|!=|<=|>=|[=<>&+*/^(),-])"""
    r"""|(?P<name>[A-Za-z_]\w*(?:\.\w+)*))""",
    re.ASCII,
)
_LEVELS: Final = (("=", "<>", "<=", ">=", "<", ">"), ("&",), ("+", "-"), ("*", "/"), ("^",))
_FIXED: Final = {"true": True, "false": False, "null": None}
_LONGEST: Final = 20_000
_LONGEST_NUMBER: Final = 300
_MOST_PIECES: Final = 200
_DEEPEST: Final = 60
_PATH: Final = re.compile(r"[A-Za-z_]\w*(?:\.\w+)*", re.ASCII)


def read_expression(written: str) -> Tree:
    """The tree of an expression, with or without `@(...)` around it. NotRead tells what cannot be read."""
    text = written.strip()
    if text.startswith("@(") and text.endswith(")"):
        text = text[2:-1]
    if len(text) > _LONGEST:
        raise NotRead("an expression of this length")
    reader = _Reader(list(_tokens(text.removeprefix("@"))))
    tree = reader.level(0)
    reader.finish()
    return tree


def pieces_of(template: str) -> Pieces:
    """The words of a template and its expressions by turns. `@@` is a plain @; an @ before no name stays one."""
    found = [""]
    at = 0
    while at < len(template):
        sign = template.find("@", at) if len(template) <= _LONGEST else -1
        if sign < 0:
            found[-1] += template[at:]
            break
        found[-1] += template[at:sign]
        if len(found) > _MOST_PIECES:
            raise NotRead("a text with this many expressions")
        end, inner = _expression_at(template, sign)
        if inner is None:
            found[-1] += "@"
        else:
            found += [inner, ""]
        at = end
    return tuple(found)


def _expression_at(template: str, sign: int) -> tuple[int, str | None]:
    """Where what begins with this @ ends, and the expression, if it is one."""
    after = template[sign + 1 : sign + 2]
    if after == "@":
        return sign + 2, None
    if after == "(":
        end = _closing(template, sign + 1)
        return (end + 1, template[sign + 2 : end]) if end is not None else (sign + 1, None)
    found = _PATH.match(template, sign + 1)
    if found is None:
        return sign + 1, None
    if template[found.end() : found.end() + 1] == "(":
        end = _closing(template, found.end())
        if end is not None:
            return end + 1, template[sign + 1 : end + 1]
    return found.end(), found[0]


def _closing(template: str, opening: int) -> int | None:
    """The bracket that closes this one; those inside quotes are words."""
    depth, quote = 0, ""
    for at in range(opening, len(template)):
        sign = template[at]
        if quote:
            quote = "" if sign == quote else quote
        elif sign in "\"'":
            quote = sign
        elif sign == "(":
            depth += 1
        elif sign == ")":
            depth -= 1
            if depth == 0:
                return at
    return None


class _Reader:
    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self._tokens = tokens
        self._at = 0
        self._depth = 0

    def finish(self) -> None:
        if self._at < len(self._tokens):
            raise NotRead(f"'{self._tokens[self._at][1]}' at this place")

    def level(self, loosest: int) -> Tree:
        """Operators from this level to the tightest, those of one level from left to right."""
        if loosest == len(_LEVELS):
            return self._value()
        left = self.level(loosest + 1)
        while (sign := self._sign()) in _LEVELS[loosest]:
            self._at += 1
            left = _joined(sign, left, self.level(loosest + 1))
        return left

    def _value(self) -> Tree:
        kind, word = self._next()
        if kind == "word":
            return Literal(word[1:-1])
        if kind == "number" and len(word) <= _LONGEST_NUMBER:
            return Literal(float(word) if "." in word else int(word))
        if word == "-":
            return self._negative()
        if word == "(":
            return self._inside(self._bracketed)
        if kind != "name":
            raise NotRead(f"'{word}' at this place" if word else "an expression that stops short")
        if self._sign() == "(":
            self._at += 1
            return Call(word.upper(), self._inside(self._arguments))
        return Literal(_FIXED[word.lower()]) if word.lower() in _FIXED else Variable(word)

    def _negative(self) -> Tree:
        inner = self._inside(self._value)
        if isinstance(inner, Literal) and isinstance(inner.value, int | float) and not isinstance(inner.value, bool):
            return Literal(-inner.value)
        return Operation("-", Literal(0), inner)

    def _bracketed(self) -> Tree:
        inner = self.level(0)
        self._need(")")
        return inner

    def _arguments(self) -> tuple[Tree, ...]:
        found: list[Tree] = []
        if self._sign() != ")":
            found.append(self.level(0))
            while self._sign() == ",":
                self._at += 1
                found.append(self.level(0))
        self._need(")")
        return tuple(found)

    def _inside(self, read: Callable[[], Found]) -> Found:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise NotRead("an expression nested this deep")
        found = read()
        self._depth -= 1
        return found

    def _sign(self) -> str:
        kind, word = self._tokens[self._at] if self._at < len(self._tokens) else ("", "")
        return word if kind == "sign" else ""

    def _next(self) -> tuple[str, str]:
        if self._at >= len(self._tokens):
            return "", ""
        self._at += 1
        return self._tokens[self._at - 1]

    def _need(self, word: str) -> None:
        if self._next()[1] != word:
            raise NotRead(f"an expression without its '{word}'")


def _joined(sign: str, left: Tree, right: Tree) -> Tree:
    """Constants that are joined are one constant: a quote is written `"a" & CHAR(34) & "b"`."""
    if sign == "&":
        one, other = _words(left), _words(right)
        if one is not None and other is not None:
            return Literal(one + other)
    return Operation("<>" if sign == "!=" else sign, left, right)


def _words(tree: Tree) -> str | None:
    if isinstance(tree, Literal) and isinstance(tree.value, str):
        return tree.value
    return '"' if tree == Call("CHAR", (Literal(34),)) else None


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    at = 0
    text = text.rstrip()
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise NotRead(f"'{text[at:].strip()[:20]}'")
        at = found.end()
        word = found[str(found.lastgroup)]
        yield str(found.lastgroup), "<>" if word == "!=" and found.lastgroup == "sign" else word
