"""Expressions and templates worked out in a context. Pure: `now` is given, and what costs is bounded by the parser."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any, Final

from flows.floip.floip_functions import FUNCTIONS, LAZY, power
from flows.floip.floip_parser import Call, Chain, Literal, Member, Minus, Node, Piece, parse_expression, parse_template
from flows.floip.floip_values import (
    ExpressionMistake,
    FloipValue,
    as_moment,
    as_number,
    instant,
    is_true,
    light,
    order,
    own_value,
    same,
    shifted,
    short,
    shown,
    tidy,
    to_number,
    to_text,
)

Context = Mapping[str, Any]
# No text that is said is longer.
LONGEST_WRITTEN: Final = 100_000
_NOTHING: Final = object()


class Evaluator:
    """Works out expressions in one context. What could not be worked out is told to `warn`, in one sentence."""

    __slots__ = ("_warn", "context", "now")

    def __init__(self, context: Context, now: datetime, warn: Callable[[str], None] = lambda _: None) -> None:
        self.context = context
        self.now = now
        self._warn = warn

    # --- what blocks ask ------------------------------------------------------------------------------------------

    def holds(self, test: str) -> bool:
        """Whether a test is true; one that cannot be worked out is not."""
        try:
            return is_true(self.value(parse_expression(test)))
        except ExpressionMistake as mistake:
            self._warn(f"'{test[:60]}': {mistake}; taken as false")
            return False

    def written(self, text: str) -> str:
        """A template filled in. What is not in the context stays as it is written, and so does what fails.

        `ExpressionMistake` when it grows out of all measure.
        """
        filled, length = [], 0
        for piece in parse_template(text):
            filled.append(piece if isinstance(piece, str) else self._piece(piece))
            length += len(filled[-1])
            if length > LONGEST_WRITTEN:
                raise ExpressionMistake(f"the text grows longer than {LONGEST_WRITTEN} characters")
        return "".join(filled)

    def result(self, expression: str) -> FloipValue:
        """The value of `value` and `property_value`.

        With an `@` it is a template: a single expression keeps its type, more make a text. Without, it is an
        expression; words that are none (`18_to_30`, `7 days`) and dates stand for themselves.
        """
        if "@" in expression:
            return self._template_value(expression)
        if _is_plain_date(expression):
            return expression.strip()
        try:
            node = parse_expression(expression)
        except ExpressionMistake:
            return expression
        return self._value_or_nothing(node, expression)

    def _template_value(self, text: str) -> FloipValue:
        pieces = parse_template(text.strip())
        if len(pieces) == 1 and isinstance(pieces[0], Piece) and pieces[0].node:
            piece = pieces[0]
            known = not isinstance(piece.node, Member) or self._key(self.context, piece.node.path[0]) is not _NOTHING
            return self._value_or_nothing(piece.node, text) if known and piece.node else text.strip()
        try:
            return short(self.written(text))
        except ExpressionMistake as mistake:
            self._warn(f"'{text[:60]}': {mistake}; taken as NULL")
            return None

    def _value_or_nothing(self, node: Node, source: str) -> FloipValue:
        try:
            return light(self.value(node))
        except ExpressionMistake as mistake:
            self._warn(f"'{source[:60]}': {mistake}; taken as NULL")
            return None

    def _piece(self, piece: Piece) -> str:
        if piece.node is None:
            self._warn(f"'{piece.source[:60]}': {piece.mistake}; left as it is")
            return piece.source
        if isinstance(piece.node, Member) and not self.is_known(piece.node.path):
            return piece.source
        try:
            return shown(self.value(piece.node))
        except ExpressionMistake as mistake:
            self._warn(f"'{piece.source[:60]}': {mistake}; left as it is")
            return piece.source

    # --- trees ----------------------------------------------------------------------------------------------------

    def value(self, node: Node) -> FloipValue:
        """The value of a tree; `ExpressionMistake` when there is none."""
        if isinstance(node, Literal):
            return node.value
        if isinstance(node, Member):
            return self._member(node)
        if isinstance(node, Minus):
            return tidy(-to_number(self.value(node.of)))
        return self._chain(node) if isinstance(node, Chain) else self._call(node)

    def look(self, path: tuple[str, ...]) -> FloipValue:
        """What stands at a path of the context, whatever the case of its names; a marker when nothing does."""
        at: Any = self.context
        for step in path:
            at = self._key(at, step)
            if at is _NOTHING:
                return _NOTHING
        return at

    def is_known(self, path: tuple[str, ...]) -> bool:
        """Whether something stands at a path."""
        return self.look(path) is not _NOTHING

    @staticmethod
    def _key(at: Any, step: str) -> Any:
        if isinstance(at, list):
            return at[int(step)] if step.isascii() and step.isdigit() and int(step) < len(at) else _NOTHING
        if not isinstance(at, Mapping):
            return _NOTHING
        if step in at:
            return at[step]
        folded = step.casefold()
        return next((value for key, value in at.items() if key.casefold() == folded), _NOTHING)

    def _member(self, node: Member) -> FloipValue:
        """A name of nothing in the context is its own text (`block.value = chocolate`); one missing there is NULL."""
        found = self.look(node.path)
        if found is not _NOTHING:
            return own_value(found)
        return None if self._key(self.context, node.path[0]) is not _NOTHING else ".".join(node.path)

    def _chain(self, chain: Chain) -> FloipValue:
        value = self.value(chain.first)
        for sign, operand in chain.rest:
            value = self._worked(sign, value, self.value(operand))
        return value

    def _worked(self, sign: str, left: FloipValue, right: FloipValue) -> FloipValue:
        today = self.now.date()
        if sign == "&":
            return short(to_text(left) + to_text(right))
        if sign in ("=", "<>"):
            return same(left, right, today) == (sign == "=")
        if sign in ("<", "<=", ">", ">="):
            how = order(left, right, today)
            return how is not None and {"<": how < 0, "<=": how <= 0, ">": how > 0, ">=": how >= 0}[sign]
        if sign in ("+", "-") and as_number(left) is None and (day := as_moment(left, today)):
            return self._on_date(sign, day, right)
        return _arithmetic(sign, left, right)

    @staticmethod
    def _on_date(sign: str, left: date, right: FloipValue) -> FloipValue:
        other = None if as_number(right) is not None else as_moment(right, left)
        if other is None:
            return shifted(left, right, 1 if sign == "+" else -1)
        if sign == "+":
            raise ExpressionMistake("two dates cannot be added")
        return tidy((instant(left) - instant(other)).total_seconds() / 86_400)

    def _call(self, call: Call) -> FloipValue:
        if call.name in LAZY:
            fewest, most = LAZY[call.name]
            _count(call, fewest, most)
            return self._lazy(call)
        function = FUNCTIONS.get(call.name)
        if function is None:
            raise ExpressionMistake(f"there is no function {call.name[:40]}")
        _count(call, function.fewest, function.most)
        return function.run([self.value(arg) for arg in call.args], self.now)

    def _lazy(self, call: Call) -> FloipValue:
        if call.name == "IF":
            if is_true(self.value(call.args[0])):
                return self.value(call.args[1])
            return self.value(call.args[2]) if len(call.args) > 2 else False
        if call.name == "NOT":
            return not is_true(self.value(call.args[0]))
        truths = (is_true(self.value(arg)) for arg in call.args)
        return all(truths) if call.name == "AND" else any(truths)


def _count(call: Call, fewest: int, most: int | None) -> None:
    if len(call.args) < fewest or (most is not None and len(call.args) > most):
        raise ExpressionMistake(f"{call.name} does not take {len(call.args)} arguments")


def _arithmetic(sign: str, left: FloipValue, right: FloipValue) -> int | float:
    if sign == "^":
        return power(left, right)
    one, other = to_number(left), to_number(right)
    try:
        if sign == "+":
            return tidy(one + other)
        if sign == "-":
            return tidy(one - other)
        return tidy(one * other) if sign == "*" else tidy(one / other)
    except ZeroDivisionError:
        raise ExpressionMistake("a division by zero") from None
    except OverflowError:
        raise ExpressionMistake("the number is too large") from None


def _is_plain_date(text: str) -> bool:
    """ "2026-01-05" is a day and no subtraction."""
    parts = text.strip().split("-")
    return len(parts) == 3 and all(part.isascii() and part.isdigit() for part in parts) and len(parts[0]) == 4
