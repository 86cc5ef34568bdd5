"""What `relevant` and `constraint` become: our conditions, and the limits of a question.

In a form an unanswered question is an empty word, unequal to every other; with us what is not known compares as false.
So `!=` is written with `not`, and the rules keep their meaning where a question was skipped.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Final

from flows.interchange.left_out import NotCarried
from flows.interchange.xlsform_expressions import Called, Figure, Here, Pair, Ref, Word, Xpath

_FLIPPED: Final = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "=", "!=": "!="}
_ORDERED: Final = ("<", "<=", ">", ">=")


@dataclass(frozen=True, slots=True)
class Known:
    """A question or a calculation that rules below may ask about.

    `kind` is "choice", "list", "number", "text", "date", "phone" or "word" (set, not asked). `choices` are our keys by
    the form's names; `low` is the smallest number there can be.
    """

    id: str
    kind: str
    choices: Mapping[str, str] = field(default_factory=dict)
    low: int = 0
    width: int = 20


Table = Mapping[str, Known]


@dataclass(frozen=True, slots=True)
class Limits:
    """What a constraint allows. `lossy` says what of it is not kept, empty when all is."""

    low: int | None = None
    high: int | None = None
    first: str | None = None
    last: str | None = None
    longest: int | None = None
    lossy: str = ""

    @property
    def says_something(self) -> bool:
        return any(each is not None for each in (self.low, self.high, self.first, self.last, self.longest))


def condition(tree: Xpath, known: Table) -> str:
    """The rule as a condition of ours. NotCarried says what in it has no equal."""
    if isinstance(tree, Pair) and tree.sign in ("and", "or"):
        left, right = condition(tree.left, known), condition(tree.right, known)
        return f"({left}) or ({right})" if tree.sign == "or" else f"({left}) and ({right})"
    if isinstance(tree, Pair) and tree.sign in _FLIPPED:
        return _comparison(tree.sign, tree.left, tree.right, known)
    if isinstance(tree, Called):
        return _called(tree, known)
    if isinstance(tree, Ref):
        return _is_answered(_look(tree, known))
    raise NotCarried("it is no comparison")


def _called(tree: Called, known: Table) -> str:
    if tree.name == "not" and len(tree.args) == 1:
        return f"not ({condition(tree.args[0], known)})"
    if tree.name in ("selected", "jr:selected") and len(tree.args) == 2:
        return _selected(tree.args[0], tree.args[1], known)
    raise NotCarried(f"{tree.name}() has no equal in a condition")


def _selected(of: Xpath, choice: Xpath, known: Table) -> str:
    if not isinstance(of, Ref) or not isinstance(choice, Word | Figure):
        raise NotCarried("selected() is carried over for a question and one of its choices")
    found = _look(of, known)
    if found.kind == "list":
        raise NotCarried("a condition can count the choices of a select_multiple, not ask for one of them")
    return f"{found.id} == {_choice(found, choice)}"


def _comparison(sign: str, left: Xpath, right: Xpath, known: Table) -> str:
    if not isinstance(left, Ref | Called) or (isinstance(left, Called) and isinstance(right, Ref)):
        left, right, sign = right, left, _FLIPPED[sign]
    if isinstance(left, Called):
        return _counted(sign, left, right, known)
    if not isinstance(left, Ref):
        raise NotCarried("it compares no answer")
    found = _look(left, known)
    if isinstance(right, Ref):
        return _two_answers(sign, found, _look(right, known))
    if isinstance(right, Word) and right.value == "":
        return _about_nothing(sign, found)
    if not isinstance(right, Word | Figure):
        raise NotCarried("it compares an answer with something that is neither a number nor a quoted word")
    if found.kind == "number":
        return _number(sign, found.id, right)
    if sign in _ORDERED:
        raise NotCarried(f"`{sign}` compares numbers only here")
    return _equal(sign, found.id, _choice(found, right))


def _two_answers(sign: str, left: Known, right: Known) -> str:
    if left.kind != right.kind or left.kind == "list":
        raise NotCarried("it compares answers of different kinds")
    if sign in _ORDERED and left.kind not in ("number", "date"):
        raise NotCarried(f"`{sign}` compares numbers and dates only")
    return _equal(sign, left.id, right.id) if sign in ("=", "!=") else f"{left.id} {sign} {right.id}"


def _equal(sign: str, left: str, right: str) -> str:
    return f"{left} == {right}" if sign == "=" else f"not {left} == {right}"


def _about_nothing(sign: str, found: Known) -> str:
    answered = _is_answered(found)
    if sign == "!=":
        return answered
    if sign == "=":
        return f"not {answered}"
    raise NotCarried(f"`{sign}` compares with an empty word")


def _is_answered(found: Known) -> str:
    """A number is tested by its lowest: 0 alone would read as no answer."""
    return f"{found.id} >= {found.low}" if found.kind == "number" else found.id


def _choice(found: Known, written: Word | Figure) -> str:
    value = written.value if isinstance(written, Word) else written.written
    if found.kind == "choice":
        if value not in found.choices:
            raise NotCarried(f"'{value}' is no choice of '{found.id}'")
        return f'"{found.choices[value]}"'
    if found.kind not in ("text", "word", "phone") or '"' in value or "{" in value:
        raise NotCarried(f"'{found.id}' cannot be compared with a word")
    return f'"{value}"'


def _counted(sign: str, left: Called, right: Xpath, known: Table) -> str:
    of = left.args[0] if left.args else None
    if not isinstance(of, Ref) or left.name not in ("count-selected", "string-length"):
        raise NotCarried(f"{left.name}() has no equal in a condition")
    found, number = _look(of, known), _whole(right)
    if left.name == "string-length":
        if (sign, number) in ((">", 0), (">=", 1), ("!=", 0)):
            return _is_answered(found)
        raise NotCarried("the length of an answer cannot be compared")
    if found.kind != "list":
        raise NotCarried(f"'{found.id}' is no select_multiple whose choices can be counted")
    count = f"count({found.id})"
    # Nothing picked is no answer with us; a form counts it as 0.
    if sign == "<":
        return f"not {count} >= {number}"
    if sign == "<=":
        return f"not {count} > {number}"
    return _equal(sign, count, str(number)) if sign in ("=", "!=") else f"{count} {sign} {number}"


def _number(sign: str, name: str, written: Word | Figure) -> str:
    value = _decimal(written)
    if value.is_integer():
        whole = int(value)
        return _equal(sign, name, str(whole)) if sign in ("=", "!=") else f"{name} {sign} {whole}"
    if sign in ("=", "!="):
        raise NotCarried("answers are whole numbers, and it compares one with a fraction")
    return f"{name} <= {math.floor(value)}" if sign in ("<", "<=") else f"{name} >= {math.ceil(value)}"


def _decimal(written: Word | Figure) -> float:
    text = written.written if isinstance(written, Figure) else written.value
    try:
        value = float(text)
    except ValueError:
        raise NotCarried(f"it compares a number with '{text}'") from None
    if not math.isfinite(value) or abs(value) >= 1e9:
        raise NotCarried(f"{text} is too large")
    return value


def _whole(tree: Xpath) -> int:
    if not isinstance(tree, Figure | Word) or not _decimal(tree).is_integer():
        raise NotCarried("it compares with something that is no whole number")
    return int(_decimal(tree))


def _look(ref: Ref, known: Table) -> Known:
    if ref.name not in known:
        raise NotCarried(f"'{ref.name}' is not asked above it, or is not carried over itself")
    return known[ref.name]


# --- constraints --------------------------------------------------------------------------------------------------


def limits(tree: Xpath, kind: str, known: Table) -> Limits:
    """What a constraint allows for an answer of this kind. What it says beyond that is named in `lossy`."""
    if isinstance(tree, Pair) and tree.sign == "and":
        return _both(limits(tree.left, kind, known), limits(tree.right, kind, known))
    if isinstance(tree, Pair) and tree.sign == "or":
        return _either(limits(tree.left, kind, known), limits(tree.right, kind, known))
    try:
        return _one_limit(tree, kind, known)
    except NotCarried as reason:
        return Limits(lossy=str(reason))


def _one_limit(tree: Xpath, kind: str, known: Table) -> Limits:
    if not isinstance(tree, Pair) or tree.sign not in _FLIPPED:
        raise NotCarried(f"{tree.name}() has no equal here" if isinstance(tree, Called) else "it is no comparison")
    sign, left, right = tree.sign, tree.left, tree.right
    if _is_own(right) and not _is_own(left):
        sign, left, right = _FLIPPED[sign], right, left
    if not _is_own(left):
        raise NotCarried("it does not begin with the answer itself")
    reader = _READERS.get(kind)
    if reader is None or isinstance(left, Called) != (kind == "text"):
        raise NotCarried(f"a {kind} has no such limit")
    return reader(sign, right, known)


def _is_own(tree: Xpath) -> bool:
    return isinstance(tree, Here) or (isinstance(tree, Called) and tree.name == "string-length" and bool(tree.args))


def _limits_of_number(sign: str, right: Xpath, known: Table) -> Limits:
    if not isinstance(right, Figure | Word):
        raise NotCarried("a number is limited by numbers only")
    value = _decimal(right)
    if sign in (">", ">="):
        low = math.floor(value) + 1 if sign == ">" else math.ceil(value)
        return Limits(low=low)
    if sign in ("<", "<="):
        high = math.ceil(value) - 1 if sign == "<" else math.floor(value)
        return Limits(high=high)
    if sign == "=" and value.is_integer():
        return Limits(low=int(value), high=int(value))
    raise NotCarried("one number alone cannot be refused")


def _limits_of_text(sign: str, right: Xpath, known: Table) -> Limits:
    number = _whole(right)
    if sign in ("<", "<="):
        return Limits(longest=number - (sign == "<"))
    if sign == "=":
        return Limits(longest=number, lossy="a text has a greatest length, no smallest one")
    raise NotCarried("a text has a greatest length, no smallest one")


def _limits_of_date(sign: str, right: Xpath, known: Table) -> Limits:
    written = _day(right, known)
    if sign == "=":
        return Limits(first=written, last=written)
    if sign == "!=":
        raise NotCarried("one day alone cannot be refused")
    lossy = ""
    if sign in ("<", ">"):
        moved = _a_day_from(written, -1 if sign == "<" else 1)
        lossy = "" if moved != written else f"the day of '{written}' itself is taken too"
        written = moved
    return Limits(last=written, lossy=lossy) if sign.startswith("<") else Limits(first=written, lossy=lossy)


def _day(tree: Xpath, known: Table) -> str:
    """A day as we write the limit of a date: today, -365d, 2026-03-05, or another date's id."""
    if isinstance(tree, Called) and tree.name in ("today", "now") and not tree.args:
        return "today"
    if isinstance(tree, Called) and tree.name == "date" and len(tree.args) == 1:
        return _day(tree.args[0], known)
    if isinstance(tree, Word):
        try:
            return date.fromisoformat(tree.value).isoformat()
        except ValueError:
            raise NotCarried(f"'{tree.value}' is no day") from None
    if isinstance(tree, Ref) and _look(tree, known).kind == "date":
        return known[tree.name].id
    if isinstance(tree, Pair) and tree.sign in ("+", "-") and _is_today(tree.left):
        days = _whole(tree.right)
        if 0 <= days <= 9999:
            return f"{tree.sign}{days}d"
    raise NotCarried("a date is limited by today, days from today, a fixed day or another date")


def _is_today(tree: Xpath) -> bool:
    return isinstance(tree, Called) and tree.name in ("today", "now")


def _a_day_from(written: str, by: int) -> str:
    """One day earlier or later; the day of another answer cannot be moved."""
    if written == "today":
        return f"{by:+d}d"
    if written.endswith("d") and written[0] in "+-":
        moved = int(written[:-1]) + by
        return f"{moved:+d}d"
    try:
        return (date.fromisoformat(written) + timedelta(days=by)).isoformat()
    except (ValueError, OverflowError):
        return written


_READERS: Final[dict[str, Callable[[str, Xpath, Table], Limits]]] = {
    "number": _limits_of_number,
    "text": _limits_of_text,
    "date": _limits_of_date,
}


def _both(one: Limits, other: Limits) -> Limits:
    lossy = "; ".join(dict.fromkeys(each for each in (one.lossy, other.lossy) if each))
    if (one.first and other.first) or (one.last and other.last):
        lossy = lossy or "a date has one first day and one last day"
    return Limits(
        low=_of(max, one.low, other.low),
        high=_of(min, one.high, other.high),
        first=one.first or other.first,
        last=one.last or other.last,
        longest=_of(min, one.longest, other.longest),
        lossy=lossy,
    )


def _either(one: Limits, other: Limits) -> Limits:
    """The limits around both: more is taken than the form takes."""
    lossy = one.lossy or other.lossy or "all from the lowest to the highest is taken"
    if one.lossy or other.lossy:
        return Limits(lossy=lossy)
    low = None if one.low is None or other.low is None else min(one.low, other.low)
    high = None if one.high is None or other.high is None else max(one.high, other.high)
    longest = None if one.longest is None or other.longest is None else max(one.longest, other.longest)
    return replace(Limits(low=low, high=high, longest=longest), lossy=lossy)


def _of(choose: Callable[[int, int], int], one: int | None, other: int | None) -> int | None:
    if one is None or other is None:
        return one if other is None else other
    return choose(one, other)
