"""The expressions of XLSForm as trees: the part of XPath that forms use. Reading is bounded in length and depth."""

import re
from dataclasses import dataclass
from typing import Final, TypeAlias

from flows.interchange.left_out import NotCarried

_TOKEN: Final = re.compile(
    r"""\s*(?:(?P<ref>\$\{[^{}]{1,100}\}|\.\./[\w./-]{1,100})|(?P<word>"[^"]*"|'[^']*'|‘[^’]*’)"""
    r"""|(?P<number>\d+(?:\.\d+)?|\.\d+)|(?P<here>\.(?![\w.]))|(?P<sign><=|>=|!=|[=<>+*(),|/-])"""
    r"""|(?P<name>[A-Za-z_][\w:]*(?:[-.][A-Za-z_][\w]*)*))"""
)
_MOST_TOKENS: Final = 200
_DEEPEST: Final = 12
# Loosest first. `div` and `mod` are words, and so are `and` and `or`.
_LEVELS: Final = (("or",), ("and",), ("=", "!="), ("<", "<=", ">", ">="), ("+", "-"), ("*", "div", "mod"))


@dataclass(frozen=True, slots=True)
class Ref:
    name: str


@dataclass(frozen=True, slots=True)
class Here:
    """The answer itself, in its own constraint."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A number as written: "30", "11.5"."""

    written: str


@dataclass(frozen=True, slots=True)
class Word:
    value: str


@dataclass(frozen=True, slots=True)
class Called:
    name: str
    args: "tuple[Xpath, ...]"


@dataclass(frozen=True, slots=True)
class Pair:
    """Two sides with a sign between them, `and` and `or` too."""

    sign: str
    left: "Xpath"
    right: "Xpath"


Xpath: TypeAlias = Ref | Here | Figure | Word | Called | Pair


def expression(written: str) -> Xpath:
    """The tree. NotCarried when it is none, or a longer or deeper one than forms have."""
    reader = _Reader(_tokens(written))
    tree = reader.level(0)
    reader.finish()
    return tree


def _tokens(written: str) -> list[tuple[str, str]]:
    tokens: list[tuple[str, str]] = []
    at, text = 0, written.rstrip()
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise NotCarried(f"'{text[at:].strip()[:20]}' cannot be read in it")
        if len(tokens) >= _MOST_TOKENS:
            raise NotCarried("it is too long")
        at = found.end()
        kind = str(found.lastgroup)
        tokens.append((kind, found[kind]))
    return tokens


class _Reader:
    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self._tokens = tokens
        self._at = 0
        self._depth = 0

    def finish(self) -> None:
        if self._at < len(self._tokens):
            raise NotCarried(f"'{self._tokens[self._at][1]}' is not understood in it")

    def level(self, place: int) -> Xpath:
        if place == len(_LEVELS):
            return self._one()
        tree = self.level(place + 1)
        while (sign := self._peek()) in _LEVELS[place] and self._kind() in {"sign", "name"}:
            self._at += 1
            tree = Pair(sign, tree, self.level(place + 1))
        return tree

    def _one(self) -> Xpath:
        kind, found = self._kind(), self._peek()
        if found == "-" and kind == "sign":
            self._at += 1
            inner = self._one()
            if isinstance(inner, Figure) and not inner.written.startswith("-"):
                return Figure(f"-{inner.written}")
            raise NotCarried("it turns a sign")
        self._at += 1
        if kind == "ref":
            return Ref(found[2:-1].strip() if found.startswith("$") else found.rpartition("/")[2])
        if kind == "word":
            return Word(found[1:-1])
        if kind == "number":
            return Figure(found)
        if kind == "here":
            return Here()
        if kind == "name" and self._peek() == "(":
            return Called(found, self._arguments())
        if found == "(" and kind == "sign":
            return self._in_brackets()
        raise NotCarried(f"'{found}' is not understood in it" if found else "it stops in the middle")

    def _in_brackets(self) -> Xpath:
        self._go_deeper()
        tree = self.level(0)
        self._need(")")
        self._depth -= 1
        return tree

    def _arguments(self) -> tuple[Xpath, ...]:
        self._at += 1
        self._go_deeper()
        args: list[Xpath] = []
        while self._peek() != ")":
            args.append(self.level(0))
            if self._peek() != ")":
                self._need(",")
        self._at += 1
        self._depth -= 1
        return tuple(args)

    def _go_deeper(self) -> None:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise NotCarried("it is nested too deep")

    def _need(self, sign: str) -> None:
        if self._peek() != sign:
            raise NotCarried(f"a '{sign}' is missing in it")
        self._at += 1

    def _kind(self) -> str:
        return self._tokens[self._at][0] if self._at < len(self._tokens) else ""

    def _peek(self) -> str:
        return self._tokens[self._at][1] if self._at < len(self._tokens) else ""
