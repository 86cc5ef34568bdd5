"""The functions of FLOIP expressions. `FUNCTIONS` names each with how many arguments it takes.

Those a spreadsheet also has behave as there, unless the specification says otherwise. IF, AND and OR are the
evaluator's: they do not work out what they do not need.
"""

import math
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Final

from flows.floip.floip_match import MATCH_TESTS
from flows.floip.floip_values import (
    ExpressionMistake,
    FloipValue,
    as_number,
    excerpt,
    instant,
    is_true,
    months_later,
    order,
    own_value,
    same,
    short,
    tidy,
    to_moment,
    to_number,
    to_span,
    to_text,
    to_whole,
)


@dataclass(frozen=True, slots=True)
class Function:
    """`run(args, now)` gives the value. `most` is None when any number of arguments may follow."""

    fewest: int
    most: int | None
    run: Callable[[list[FloipValue], datetime], FloipValue]


_PUNCTUATION: Final = re.compile(r"[\s,:;!?.\-]+")
_MOST_PLACES: Final = 15


# --- dates --------------------------------------------------------------------------------------------------------


def _date(args: list[FloipValue], now: datetime) -> date:
    try:
        return date(to_whole(args[0]), to_whole(args[1]), to_whole(args[2]))
    except (ValueError, OverflowError):
        raise ExpressionMistake("there is no such date") from None


def _part(name: str) -> Callable[[list[FloipValue], datetime], int]:
    def part(args: list[FloipValue], now: datetime) -> int:
        if isinstance(args[0], timedelta):
            seconds = int(args[0].total_seconds())
            return {"hour": seconds // 3600, "minute": seconds // 60 % 60, "second": seconds % 60}.get(name, 0)
        return int(getattr(instant(to_moment(args[0], now.date())), name))

    return part


def _weekday(args: list[FloipValue], now: datetime) -> int:
    """1 for Sunday to 7 for Saturday."""
    return to_moment(args[0], now.date()).isoweekday() % 7 + 1


def _edate(args: list[FloipValue], now: datetime) -> date:
    return months_later(to_moment(args[0], now.date()), to_whole(args[1]))


def _time(args: list[FloipValue], now: datetime) -> timedelta:
    try:
        return timedelta(hours=to_whole(args[0]), minutes=to_whole(args[1]), seconds=to_whole(args[2]))
    except OverflowError:
        raise ExpressionMistake("the time is too long") from None


def _days(args: list[FloipValue], now: datetime) -> int:
    later, earlier = (instant(to_moment(arg, now.date())).date() for arg in args)
    return (later - earlier).days


# --- numbers ------------------------------------------------------------------------------------------------------


def _numbers(args: list[FloipValue]) -> list[int | float]:
    """The numbers among the arguments and in their lists; what is none is passed over, as the references do."""
    flat = [item for arg in args for item in (arg if isinstance(arg, list) else [arg])]
    return [number for item in flat if (number := as_number(own_value(item))) is not None]


def _of_numbers(run: Callable[[list[int | float]], int | float]) -> Callable[[list[FloipValue], datetime], FloipValue]:
    return lambda args, now: tidy(run(found)) if (found := _numbers(args)) else 0


def power(base: FloipValue, exponent: FloipValue) -> int | float:
    """A mistake where there is no such number."""
    try:
        result = math.pow(to_number(base), to_number(exponent))
    except (ValueError, OverflowError):
        raise ExpressionMistake("there is no such power") from None
    return tidy(result)


def _rounded(number: FloipValue, places: int) -> Decimal:
    """Halves go away from zero, as in a spreadsheet."""
    if abs(places) > _MOST_PLACES:
        raise ExpressionMistake(f"at most {_MOST_PLACES} decimals")
    with localcontext() as context:
        # A float goes up to 308 digits, and each must fit.
        context.prec = 400
        return Decimal(repr(to_number(number))).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)


def _round(args: list[FloipValue], now: datetime) -> int | float:
    return tidy(float(_rounded(args[0], to_whole(args[1]) if len(args) > 1 else 0)))


def _mod(args: list[FloipValue], now: datetime) -> int | float:
    number, by = to_number(args[0]), to_number(args[1])
    if by == 0:
        raise ExpressionMistake("a division by zero")
    return tidy(number - by * math.floor(number / by))


def _percent(args: list[FloipValue], now: datetime) -> str:
    return f"{to_text(tidy(to_number(args[0]) * 100.0))}%"


def _fixed(args: list[FloipValue], now: datetime) -> str:
    places = to_whole(args[1]) if len(args) > 1 else 2
    plain = len(args) > 2 and is_true(args[2])
    return format(_rounded(args[0], places), f"{'' if plain else ','}.{max(places, 0)}f")


# --- texts --------------------------------------------------------------------------------------------------------


def _of_text(run: Callable[[str], FloipValue]) -> Callable[[list[FloipValue], datetime], FloipValue]:
    return lambda args, now: run(to_text(args[0]))


def _character(args: list[FloipValue], now: datetime) -> str:
    code = to_whole(args[0])
    if not 1 <= code <= 0x10FFFF or 0xD800 <= code <= 0xDFFF:
        raise ExpressionMistake(f"there is no character {code}")
    return chr(code)


def _code(text: str) -> int:
    if not text:
        raise ExpressionMistake("an empty text has no first character")
    return ord(text[0])


def _clean(text: str) -> str:
    """Without control characters; letters with accents are printed well enough."""
    return "".join(char for char in text if unicodedata.category(char) not in ("Cc", "Cf", "Cn", "Co", "Cs"))


def _proper(text: str) -> str:
    """A capital after each blank and nowhere else."""
    return re.sub(r"(^|\s)(\w)", lambda found: found[1] + found[2].upper(), text.lower())


def _count_of_characters(value: FloipValue) -> int:
    count = to_whole(value)
    if count < 0:
        raise ExpressionMistake("a number of characters cannot be negative")
    return count


def _left(args: list[FloipValue], now: datetime) -> str:
    return to_text(args[0])[: _count_of_characters(args[1]) if len(args) > 1 else 1]


def _right(args: list[FloipValue], now: datetime) -> str:
    count = _count_of_characters(args[1]) if len(args) > 1 else 1
    return to_text(args[0])[-count:] if count else ""


def _mid(args: list[FloipValue], now: datetime) -> str:
    start = max(to_whole(args[1]), 1) - 1
    return to_text(args[0])[start : start + _count_of_characters(args[2])]


def _repeated(args: list[FloipValue], now: datetime) -> str:
    text, times = to_text(args[0]), _count_of_characters(args[1])
    short("x" * min(len(text) * times, 10**6))
    return text * times


def _substitute(args: list[FloipValue], now: datetime) -> str:
    text, old, new = (to_text(arg) for arg in args[:3])
    if not old:
        return text
    if len(args) < 4 or args[3] is None:
        short("x" * min(len(text) + text.count(old) * max(len(new) - len(old), 0), 10**6))
        return text.replace(old, new)
    at = -1
    for _ in range(min(_count_of_characters(args[3]), len(text) + 1)):
        at = text.find(old, at + 1)
        if at < 0:
            return text
    return short(text[:at] + new + text[at + len(old) :]) if at >= 0 else text


def _read_digits(text: str) -> str:
    """Each sign by itself, so that a voice does not read one large number."""
    return short(" ".join(text.strip().removeprefix("+").replace(" ", "")))


# --- words --------------------------------------------------------------------------------------------------------


def _words(args: list[FloipValue], by_blanks_at: int) -> list[str]:
    by_blanks = len(args) > by_blanks_at and is_true(args[by_blanks_at])
    text = to_text(args[0])
    return text.split() if by_blanks else [word for word in _PUNCTUATION.split(text) if word]


def _word(args: list[FloipValue], now: datetime) -> str:
    words, number = _words(args, 2), to_whole(args[1])
    if number == 0:
        raise ExpressionMistake("words are counted from 1")
    at = number - 1 if number > 0 else len(words) + number
    return words[at] if 0 <= at < len(words) else ""


def _word_slice(args: list[FloipValue], now: datetime) -> str:
    words, start = _words(args, 3), to_whole(args[1])
    if start == 0:
        raise ExpressionMistake("words are counted from 1")
    stop = to_whole(args[2]) if len(args) > 2 and args[2] is not None else None
    until = None if not stop else stop - 1 if stop > 0 else stop
    return " ".join(words[start - 1 if start > 0 else start : until])


def _without_first_word(text: str) -> str:
    words = [word for word in _PUNCTUATION.split(text) if word]
    return text[text.index(words[0]) + len(words[0]) :].lstrip() if words else ""


# --- types and lists ----------------------------------------------------------------------------------------------


def is_number(value: FloipValue) -> bool:
    """A number, or a text that is written as one."""
    return as_number(value) is not None


def _is_bool(value: FloipValue) -> bool:
    return isinstance(value, bool) or (isinstance(value, str) and value.casefold() in ("true", "false"))


def _between(args: list[FloipValue], now: datetime) -> bool:
    low, high = order(args[0], args[1], now.date()), order(args[0], args[2], now.date())
    return low is not None and high is not None and low >= 0 >= high


def _items(value: FloipValue) -> list[FloipValue]:
    """What a list holds; nothing, as of a question that was not asked, holds nothing."""
    if value is None:
        return []
    if isinstance(value, Mapping):
        return list(value.values())
    if not isinstance(value, list):
        raise ExpressionMistake(f"{excerpt(value)} is no list")
    return value


def _is_in(args: list[FloipValue], now: datetime) -> bool:
    """In a list; a group is found by its name and by its key."""
    for item in _items(args[1]):
        names = [item.get(key) for key in ("__value__", "id", "name")] if isinstance(item, Mapping) else [item]
        if any(name is not None and same(args[0], name, now.date()) for name in names):
            return True
    return False


def _contains(args: list[FloipValue], now: datetime) -> bool:
    return to_text(args[0]) in to_text(args[1])


def _one(run: Callable[[FloipValue], FloipValue]) -> Function:
    return Function(1, 1, lambda args, now: run(args[0]))


def _text(run: Callable[[str], FloipValue]) -> Function:
    return Function(1, 1, _of_text(run))


FUNCTIONS: Final[Mapping[str, Function]] = {
    "DATE": Function(3, 3, _date),
    "DATEVALUE": Function(1, 1, lambda args, now: to_moment(args[0], now.date())),
    **{name.upper(): Function(1, 1, _part(name)) for name in ("year", "month", "day", "hour", "minute", "second")},
    "WEEKDAY": Function(1, 1, _weekday),
    "EDATE": Function(2, 2, _edate),
    "NOW": Function(0, 0, lambda args, now: now),
    "TODAY": Function(0, 0, lambda args, now: now.date()),
    "TIME": Function(3, 3, _time),
    "TIMEVALUE": _text(to_span),
    "DAYS": Function(2, 2, _days),
    "ABS": _one(lambda value: abs(to_number(value))),
    "MAX": Function(1, None, _of_numbers(max)),
    "MIN": Function(1, None, _of_numbers(min)),
    "SUM": Function(1, None, _of_numbers(sum)),
    "AVERAGE": Function(1, None, _of_numbers(lambda found: sum(found) / len(found))),
    "POWER": Function(2, 2, lambda args, now: power(args[0], args[1])),
    "ROUND": Function(1, 2, _round),
    "INT": _one(lambda value: math.floor(to_number(value))),
    "MOD": Function(2, 2, _mod),
    "PERCENT": Function(1, 1, _percent),
    "FIXED": Function(1, 3, _fixed),
    "CHAR": Function(1, 1, _character),
    "UNICHAR": Function(1, 1, _character),
    "CODE": _text(_code),
    "UNICODE": _text(_code),
    "CLEAN": _text(_clean),
    "CONCATENATE": Function(1, None, lambda args, now: short("".join(to_text(arg) for arg in args))),
    "LEFT": Function(1, 2, _left),
    "RIGHT": Function(1, 2, _right),
    "MID": Function(3, 3, _mid),
    "LEN": _text(len),
    "LOWER": _text(str.lower),
    "UPPER": _text(str.upper),
    "PROPER": _text(_proper),
    "TRIM": _text(lambda text: " ".join(text.split())),
    "REPT": Function(2, 2, _repeated),
    "SUBSTITUTE": Function(3, 4, _substitute),
    "READ_DIGITS": _text(_read_digits),
    "FIRST_WORD": Function(1, 1, lambda args, now: _word([args[0], 1], now)),
    "REMOVE_FIRST_WORD": _text(_without_first_word),
    "WORD": Function(2, 3, _word),
    "WORD_COUNT": Function(1, 2, lambda args, now: len(_words(args, 1))),
    "WORD_SLICE": Function(2, 4, _word_slice),
    "BETWEEN": Function(3, 3, _between),
    "CONTAINS": Function(2, 2, _contains),
    "IN": Function(2, 2, _is_in),
    "ARRAY": Function(0, None, lambda args, now: list(args)),
    "COUNT": _one(lambda value: len(_items(value))),
    **{name: _one(is_number) for name in ("ISNUMBER", "IS_NUMBER")},
    **{name: _one(lambda value: isinstance(value, str)) for name in ("ISSTRING", "IS_STRING")},
    **{name: _one(_is_bool) for name in ("ISBOOL", "IS_BOOL")},
    **{name: Function(fewest, most, run) for name, (fewest, most, run) in MATCH_TESTS.items()},
}
# The evaluator works these out itself; the checker asks here how many arguments they take.
LAZY: Final[Mapping[str, tuple[int, int | None]]] = {"IF": (2, 3), "AND": (1, None), "OR": (1, None), "NOT": (1, 1)}


def arguments_taken(name: str) -> tuple[int, int | None] | None:
    """The fewest and most arguments of a function, None for one that there is not."""
    if name in LAZY:
        return LAZY[name]
    function = FUNCTIONS.get(name)
    return (function.fewest, function.most) if function else None
