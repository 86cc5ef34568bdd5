"""The values of FLOIP expressions: how they are cast, compared, judged true and written out."""

import json
import math
import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final, TypeAlias

# None, bool, int, float, str, date, datetime, timedelta, list, dict: what JSON holds, and moments.
FloipValue: TypeAlias = Any

# No text that an expression makes is longer: REPT and SUBSTITUTE would otherwise grow without end.
LONGEST_TEXT: Final = 10_000
_TOO_LONG: Final = f"the text grows longer than {LONGEST_TEXT} characters"
_MOST_KEPT: Final = 1000
_EXACT_WHOLE: Final = 10**30
_SHORT_WHOLE: Final = 10**15
_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]{1,300}(?:\.[0-9]{0,300})?|\.[0-9]{1,300})")
_ISO: Final = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ](\d{1,2}):(\d{2})(?::(\d{2}))?(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?)?", re.ASCII
)
_DAY_FIRST: Final = re.compile(
    r"(\d{1,2})[-/.](\d{1,2})(?:[-/.](\d{4}|\d{2}))?(?:[T ](\d{1,2}):(\d{2})(?::(\d{2}))?)?", re.ASCII
)
_CLOCK: Final = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?", re.ASCII)
_SPAN: Final = re.compile(r"(-?\d{1,6})\s+(second|minute|hour|day|week|month|year)s?", re.IGNORECASE | re.ASCII)


class ExpressionMistake(Exception):
    """An expression cannot be read or worked out: one short sentence."""


def _encoded(value: object) -> str:
    return to_text(value)


# Lazy: it writes piece by piece, and stops when nobody wants more.
_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=_encoded)


# --- casts --------------------------------------------------------------------------------------------------------


def tidy(number: int | float) -> int | float:
    """Whole numbers without a point, others with at most fifteen digits, as a spreadsheet shows them."""
    if isinstance(number, int):
        return number if abs(number) < _EXACT_WHOLE else tidy(float(number))
    if not math.isfinite(number):
        raise ExpressionMistake("the number is too large")
    if number.is_integer() and abs(number) < _SHORT_WHOLE:
        return int(number)
    return float(f"{number:.15g}")


def as_number(value: FloipValue) -> int | float | None:
    """The number a value is or is written as; None when it is none. TRUE is no number here."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return value
    if isinstance(value, str) and len(value) < 700:
        written = value.strip()
        if _NUMBER.fullmatch(written):
            return tidy(float(written) if "." in written else int(written))
    return None


def to_number(value: FloipValue) -> int | float:
    """For arithmetic: nothing is 0, TRUE is 1, and words are a mistake."""
    if value is None:
        return 0
    if isinstance(value, bool):
        return int(value)
    number = as_number(value)
    if number is None:
        raise ExpressionMistake(f"{excerpt(value)} is no number")
    return number


def to_whole(value: FloipValue) -> int:
    """A whole number, cut towards zero."""
    number = to_number(value)
    if abs(number) > _SHORT_WHOLE:
        raise ExpressionMistake("the number is too large")
    return int(number)


def to_text(value: FloipValue) -> str:
    """Any value as text; nothing is the empty text. A mistake when it is too long to be worked with."""
    if value is None:
        return ""
    if isinstance(value, str):
        return short(value)
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        return format(Decimal(repr(value)), "f")
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    if isinstance(value, timedelta):
        return _clock_text(value)
    if isinstance(value, list | tuple):
        return _bounded(", ", (to_text(own_value(item)) for item in value))
    if isinstance(value, Mapping):
        return _bounded("", _ENCODER.iterencode(value))
    return value.isoformat() if isinstance(value, date) else str(value)


def _bounded(between: str, parts: Iterable[str]) -> str:
    """Joined; it stops where the text grows too long, so that a small expression cannot write out a large context."""
    joined, length = [], 0
    for part in parts:
        joined.append(part)
        length += len(part) + len(between)
        if length > LONGEST_TEXT:
            raise ExpressionMistake(_TOO_LONG)
    return between.join(joined)


def shown(value: FloipValue) -> str:
    """As a template shows it: nothing is written NULL, as both reference evaluators write it."""
    return "NULL" if value is None else to_text(value)


def excerpt(value: FloipValue) -> str:
    """A value in a sentence about a mistake."""
    text = shown(value)
    return f"'{text[:30]}…'" if len(text) > 30 else f"'{text}'"


def short(text: str) -> str:
    """The text; a mistake when an expression let it grow too long."""
    if len(text) > LONGEST_TEXT:
        raise ExpressionMistake(_TOO_LONG)
    return text


def light(value: FloipValue) -> FloipValue:
    """The value; a mistake when it holds more than can be kept. Lists could otherwise double with each pass."""
    waiting, count = [value], 0
    while waiting:
        each = waiting.pop()
        count += 1
        if isinstance(each, str):
            short(each)
        elif isinstance(each, list | tuple):
            waiting.extend(each)
        elif isinstance(each, Mapping):
            waiting.extend(each.values())
        if count + len(waiting) > _MOST_KEPT:
            raise ExpressionMistake(f"the value holds more than {_MOST_KEPT} items")
    return value


def own_value(value: FloipValue) -> FloipValue:
    """What a dictionary of the context stands for: its `__value__`, if it has one."""
    return value["__value__"] if isinstance(value, Mapping) and "__value__" in value else value


def keepable(value: FloipValue) -> FloipValue:
    """The value as JSON can keep it: moments become text."""
    if isinstance(value, Mapping):
        return {str(key): keepable(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [keepable(each) for each in value]
    return value if value is None or isinstance(value, bool | int | float | str) else to_text(value)


# --- moments ------------------------------------------------------------------------------------------------------


def as_moment(value: FloipValue, today: date) -> date | datetime | None:
    """The day or the instant a value is or is written as (ISO, or the day first); None when it is none."""
    if isinstance(value, date):
        return value
    if not isinstance(value, str) or len(value) > 40:
        return None
    written = value.strip()
    if iso := _ISO.fullmatch(written):
        year, month, day, *clock = iso.groups()
        return _moment(int(year), int(month), int(day), clock)
    if found := _DAY_FIRST.fullmatch(written):
        first, second, year, *clock = found.groups()
        day, month = int(first), int(second)
        if month > 12 >= day:
            day, month = month, day
        return _moment(_full_year(year, today), month, day, clock)
    return None


def to_moment(value: FloipValue, today: date) -> date | datetime:
    """The day or instant; a mistake when the value is none."""
    moment = as_moment(value, today)
    if moment is None:
        raise ExpressionMistake(f"{excerpt(value)} is no date")
    return moment


def to_span(text: str) -> timedelta:
    """ "2:30" or "2:30:15" as a time to be added to a date."""
    clock = _CLOCK.fullmatch(text.strip())
    if not clock:
        raise ExpressionMistake(f"{excerpt(text)} is no time")
    hours, minutes, seconds = (int(part or 0) for part in clock.groups())
    return timedelta(hours=hours, minutes=minutes, seconds=seconds)


def instant(moment: date | datetime) -> datetime:
    """A day is its first instant; offsets are left out, so that all moments can be compared."""
    if isinstance(moment, datetime):
        return moment.replace(tzinfo=None)
    return datetime.combine(moment, time())


def shifted(moment: date | datetime, by: FloipValue, sign: int) -> date | datetime:
    """A date moved by days (a number), by a time, or by words such as "7 days"."""
    try:
        if isinstance(by, timedelta):
            return instant(moment) + sign * by
        if isinstance(by, str) and (span := _SPAN.fullmatch(by.strip())):
            return _moved(moment, sign * int(span[1]), span[2].lower())
        days = sign * to_number(by)
        if days == int(days):
            return moment + timedelta(days=int(days))
        return instant(moment) + timedelta(days=days)
    except OverflowError:
        raise ExpressionMistake("the date is out of range") from None


def months_later(moment: date | datetime, months: int) -> date | datetime:
    """The same day of another month, or that month's last day."""
    count = moment.year * 12 + moment.month - 1 + months
    year, month = divmod(count, 12)
    if not 1 <= year <= 9999:
        raise ExpressionMistake("the date is out of range")
    for day in range(moment.day, moment.day - 4, -1):
        try:
            return moment.replace(year=year, month=month + 1, day=day)
        except ValueError:
            continue
    raise ExpressionMistake("the date is out of range")


def _moved(moment: date | datetime, count: int, unit: str) -> date | datetime:
    if unit in ("month", "year"):
        return months_later(moment, count * (12 if unit == "year" else 1))
    if unit in ("day", "week"):
        return moment + timedelta(days=count * (7 if unit == "week" else 1))
    return instant(moment) + timedelta(**{f"{unit}s": count})


def _full_year(year: str | None, today: date) -> int:
    if year is None:
        return today.year
    return int(year) if len(year) == 4 else int(year) + (2000 if int(year) < 70 else 1900)


def _moment(year: int, month: int, day: int, clock: list[str | None]) -> date | datetime | None:
    try:
        if clock[0] is None:
            return date(year, month, day)
        hour, minute, second = (int(part or 0) for part in clock)
        return datetime(year, month, day, hour, minute, second)
    except ValueError:
        return None


def _clock_text(span: timedelta) -> str:
    seconds = int(abs(span).total_seconds())
    sign = "-" if span < timedelta() else ""
    return f"{sign}{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"


# --- truth and comparison -----------------------------------------------------------------------------------------


def is_true(value: FloipValue) -> bool:
    """All that is not 0, false or null is true; texts are cast first: "FALSE", "0" and "NULL" are not true."""
    value = own_value(value)
    if isinstance(value, str):
        if value.strip().casefold() in ("false", "null"):
            return False
        return as_number(value) != 0
    if value is None or isinstance(value, bool):
        return bool(value)
    return not (isinstance(value, int | float) and value == 0)


def same(left: FloipValue, right: FloipValue, today: date) -> bool:
    """Equality: texts whatever their case, numbers also when written as text, an empty text and NULL."""
    left, right = _cast(left), _cast(right)
    if isinstance(left, list) or isinstance(right, list):
        return _same_lists(left, right, today)
    if left is None or right is None or isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, date) or isinstance(right, date):
        moments = as_moment(left, today), as_moment(right, today)
        return None not in moments and _instants(moments)[0] == _instants(moments)[1]
    numbers = as_number(left), as_number(right)
    if None not in numbers:
        return numbers[0] == numbers[1]
    if isinstance(left, str) and isinstance(right, str):
        return left.casefold() == right.casefold()
    return bool(type(left) is type(right) and left == right)


def order(left: FloipValue, right: FloipValue, today: date) -> int | None:
    """-1, 0 or 1; None when the two cannot be ordered, and then no comparison is true."""
    left, right = _cast(left), _cast(right)
    if isinstance(left, date) or isinstance(right, date):
        moments = as_moment(left, today), as_moment(right, today)
        return None if None in moments else _sign(*_instants(moments))
    numbers = as_number(left), as_number(right)
    if None not in numbers:
        return _sign(*numbers)
    if isinstance(left, str) and isinstance(right, str) and numbers == (None, None):
        moments = as_moment(left, today), as_moment(right, today)
        return _sign(left.casefold(), right.casefold()) if None in moments else _sign(*_instants(moments))
    if isinstance(left, timedelta) and isinstance(right, timedelta):
        return _sign(left, right)
    return None


def _cast(value: FloipValue) -> FloipValue:
    value = own_value(value)
    if isinstance(value, tuple):
        return list(value)
    if not isinstance(value, str):
        return value
    if value == "":
        return None
    return {"true": True, "false": False}.get(value.casefold(), value)


def _same_lists(left: FloipValue, right: FloipValue, today: date) -> bool:
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(same(one, other, today) for one, other in zip(left, right, strict=True))
    items, single = (left, right) if isinstance(left, list) else (right, left)
    if len(items) == 1:
        return same(items[0], single, today)
    joined = to_text(items)
    return isinstance(single, str) and single.casefold() in (joined.casefold(), joined.replace(", ", ",").casefold())


def _instants(moments: tuple[Any, Any]) -> tuple[datetime, datetime]:
    return instant(moments[0]), instant(moments[1])


def _sign(left: Any, right: Any) -> int:
    return int(left > right) - int(left < right)
