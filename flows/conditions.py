"""The small language of conditions: `pb < 115`, `sexe == "F" and not deja`, `age_months(ne_le) in (0, 1)`.

Names, whole numbers, quoted words; == != < <= > >=; and, or, not, in; `age_months(d)` and `count(l)`. Nothing else:
a condition cannot call, loop or fail. What is not known compares as false.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final, TypeAlias

Found: TypeAlias = str | int | date | tuple[str, ...] | None
Look: TypeAlias = Callable[[str], Found]


@dataclass(frozen=True, slots=True)
class Constant:
    value: str | int


@dataclass(frozen=True, slots=True)
class Name:
    name: str


@dataclass(frozen=True, slots=True)
class Function:
    """`age_months` of a date, `count` of a list."""

    function: str
    of: str


@dataclass(frozen=True, slots=True)
class Compare:
    sign: str
    left: "Expression"
    right: "Expression"


@dataclass(frozen=True, slots=True)
class Among:
    item: "Expression"
    choices: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class Not:
    inner: "Expression"


@dataclass(frozen=True, slots=True)
class Both:
    left: "Expression"
    right: "Expression"


@dataclass(frozen=True, slots=True)
class Either:
    left: "Expression"
    right: "Expression"


Expression: TypeAlias = Constant | Name | Function | Compare | Among | Not | Both | Either

FUNCTIONS: Final = {"age_months": "date", "count": "list"}
SIGNS: Final = ("==", "!=", "<=", ">=", "<", ">")
NAME: Final = re.compile(r"[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)*", re.ASCII)
_TOKEN: Final = re.compile(
    r"""\s*(?:(?P<word>"[^"]*"|'[^']*')|(?P<number>-?\d+)|(?P<sign>==|!=|<=|>=|<|>|[(),])"""
    rf"""|(?P<name>{NAME.pattern}))""",
    re.ASCII,
)
_KEYWORDS: Final = frozenset({"and", "or", "not", "in"})
# A condition is a line, not a program; this also bounds how deep it nests.
_MOST_TOKENS: Final = 60


class BadCondition(ValueError):
    """The condition cannot be read; the message says what was expected where."""


def parse(written: str) -> Expression:
    """The condition as a tree. BadCondition says what is wrong with it."""
    reader = _Reader(written)
    tree = reader.either()
    reader.finish()
    return tree


def parse_operand(written: str) -> Expression:
    """A name, a number, a quoted word or a function: what an argument or a `set` may be."""
    reader = _Reader(written)
    tree = reader.operand()
    reader.finish()
    return tree


def evaluate(tree: Expression, look: Look, today: date) -> Found:
    """The value of the tree: True or False for a condition. Unknown names and unlike types never raise."""
    if isinstance(tree, Name):
        return look(tree.name)
    if isinstance(tree, Constant):
        return tree.value
    if isinstance(tree, Compare):
        return _compares(tree.sign, evaluate(tree.left, look, today), evaluate(tree.right, look, today))
    if isinstance(tree, Function):
        return _call(tree.function, look(tree.of), today)
    if isinstance(tree, Not):
        return not evaluate(tree.inner, look, today)
    if isinstance(tree, Both):
        return bool(evaluate(tree.left, look, today)) and bool(evaluate(tree.right, look, today))
    if isinstance(tree, Either):
        return bool(evaluate(tree.left, look, today)) or bool(evaluate(tree.right, look, today))
    item = evaluate(tree.item, look, today)
    return any(_compares("==", item, evaluate(choice, look, today)) for choice in tree.choices)


def age_months(born: date, today: date) -> int:
    """Whole months lived on `today`; negative before the birth."""
    months = (today.year - born.year) * 12 + today.month - born.month
    return months - 1 if today.day < born.day else months


def walk(tree: Expression) -> Iterator[Expression]:
    """The tree and everything inside it."""
    yield tree
    if isinstance(tree, Compare | Both | Either):
        yield from walk(tree.left)
        yield from walk(tree.right)
    elif isinstance(tree, Not):
        yield from walk(tree.inner)
    elif isinstance(tree, Among):
        yield from walk(tree.item)
        for choice in tree.choices:
            yield from walk(choice)


def names_in(tree: Expression) -> frozenset[str]:
    """Every name the tree reads."""
    return frozenset(
        part.name if isinstance(part, Name) else part.of for part in walk(tree) if isinstance(part, Name | Function)
    )


def _compares(sign: str, left: Found, right: Found) -> bool:
    if sign == "==":
        return left == right
    if sign == "!=":
        return left is not None and right is not None and left != right
    if isinstance(left, int) and isinstance(right, int):
        return _ordered(sign, left < right, left == right)
    if isinstance(left, date) and isinstance(right, date):
        return _ordered(sign, left < right, left == right)
    return False


def _ordered(sign: str, less: bool, equal: bool) -> bool:
    if sign == "<":
        return less
    if sign == "<=":
        return less or equal
    return not less if sign == ">=" else not (less or equal)


def _call(function: str, of: Found, today: date) -> Found:
    if function == "age_months":
        return age_months(of, today) if isinstance(of, date) else None
    return len(of) if isinstance(of, tuple) else None


class _Reader:
    """Reads a line from left to right; one method for each level of the grammar, loosest first."""

    def __init__(self, written: str) -> None:
        self._written = written
        self._tokens = list(_tokens(written))
        self._at = 0

    def finish(self) -> None:
        if self._at < len(self._tokens):
            raise self._expected("nothing more")

    def either(self) -> Expression:
        tree = self._both()
        while self._take("or"):
            tree = Either(tree, self._both())
        return tree

    def _both(self) -> Expression:
        tree = self._not()
        while self._take("and"):
            tree = Both(tree, self._not())
        return tree

    def _not(self) -> Expression:
        return Not(self._not()) if self._take("not") else self._comparison()

    def _comparison(self) -> Expression:
        if self._take("("):
            tree = self.either()
            self._need(")")
            return tree
        left = self.operand()
        for sign in SIGNS:
            if self._take(sign):
                return Compare(sign, left, self.operand())
        if self._take("in"):
            return Among(left, self._choices())
        if self._take("not"):
            self._need("in")
            return Not(Among(left, self._choices()))
        return left

    def _choices(self) -> tuple[Expression, ...]:
        self._need("(")
        choices = [self.operand()]
        while self._take(","):
            choices.append(self.operand())
        self._need(")")
        return tuple(choices)

    def operand(self) -> Expression:
        kind, word = self._peek()
        if kind == "word":
            self._at += 1
            return Constant(word[1:-1])
        if kind == "number":
            self._at += 1
            return Constant(int(word))
        if kind != "name" or word in _KEYWORDS:
            raise self._expected("a name, a number or a quoted word")
        self._at += 1
        return self._function(word) if self._take("(") else Name(word)

    def _function(self, function: str) -> Expression:
        if function not in FUNCTIONS:
            raise BadCondition(f"there is no '{function}(...)' in a condition; there are {', '.join(FUNCTIONS)}")
        kind, word = self._peek()
        if kind != "name":
            raise self._expected(f"the name of a {FUNCTIONS[function]}")
        self._at += 1
        self._need(")")
        return Function(function, word)

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._at] if self._at < len(self._tokens) else ("end", "")

    def _take(self, word: str) -> bool:
        kind, found = self._peek()
        if found == word and kind in {"sign", "name"}:
            self._at += 1
            return True
        return False

    def _need(self, word: str) -> None:
        if not self._take(word):
            raise self._expected(f"'{word}'")

    def _expected(self, what: str) -> BadCondition:
        _, found = self._peek()
        where = f"before '{found}'" if found else "at the end"
        return BadCondition(f'expected {what} {where} of "{self._written}"')


def _tokens(written: str) -> Iterator[tuple[str, str]]:
    at, count = 0, 0
    text = written.rstrip()
    while at < len(text):
        found = _TOKEN.match(text, at)
        count += 1
        if found is None or count > _MOST_TOKENS:
            problem = f'cannot read "{text[at:].strip()[:20]}"' if found is None else "the condition is too long"
            raise BadCondition(f"{problem}; there are names, numbers, quoted words, == != < <= > >= and or not in")
        at = found.end()
        yield str(found.lastgroup), found[str(found.lastgroup)]
