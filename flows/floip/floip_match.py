"""The `has_*` tests that FLOIP took over from RapidPro; each is true or false.

Left out: `has_pattern` (a pattern of a stranger can take for ever) and those that need places, intents or results.
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from flows.floip.floip_values import FloipValue, as_moment, instant, to_moment, to_number, to_text
from flows.phone_numbers import to_e164

_WORD: Final = re.compile(r"\w+")
_NUMBER: Final = re.compile(r"-?[0-9]{1,15}(?:[.,][0-9]{1,15})?")
_DATE: Final = re.compile(
    r"(?<!\d)(?:\d{4}-\d{1,2}-\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4})(?:[T ]\d{1,2}:\d{2}(?::\d{2})?)?(?!\d)"
)
_TIME: Final = re.compile(r"(?<!\d)(?:[01]?\d|2[0-3]):[0-5]\d(?!\d)")
_ADDRESS: Final = re.compile(r"[\w.%+\-]{1,64}@[A-Za-z0-9\-]{1,63}(?:\.[A-Za-z0-9\-]{1,63}){1,8}")
_SEARCHED: Final = 1000

_Args = list[FloipValue]


def _found_words(value: FloipValue) -> list[str]:
    return [word.casefold() for word in _WORD.findall(to_text(value))]


def _all_words(args: _Args, now: datetime) -> bool:
    return set(_found_words(args[1])) <= set(_found_words(args[0]))


def _any_word(args: _Args, now: datetime) -> bool:
    return bool(set(_found_words(args[1])) & set(_found_words(args[0])))


def _phrase(args: _Args, now: datetime) -> bool:
    words, sought = _found_words(args[0]), _found_words(args[1])
    return any(words[at : at + len(sought)] == sought for at in range(len(words) - len(sought) + 1))


def _only_phrase(args: _Args, now: datetime) -> bool:
    return _found_words(args[0]) == _found_words(args[1])


def _beginning(args: _Args, now: datetime) -> bool:
    sought = to_text(args[1]).strip().casefold()
    return bool(sought) and to_text(args[0]).strip().casefold().startswith(sought)


def _numbers_in(value: FloipValue) -> list[float]:
    return [float(found.replace(",", ".")) for found in _NUMBER.findall(to_text(value)[:_SEARCHED])]


def _number(holds: Callable[..., bool]) -> Callable[[_Args, datetime], bool]:
    def test(args: _Args, now: datetime) -> bool:
        limits = [to_number(arg) for arg in args[1:]]
        return any(holds(number, *limits) for number in _numbers_in(args[0]))

    return test


def _date(holds: Callable[..., bool]) -> Callable[[_Args, datetime], bool]:
    def test(args: _Args, now: datetime) -> bool:
        limits = [instant(to_moment(arg, now.date())).date() for arg in args[1:]]
        found = (as_moment(written, now.date()) for written in _DATE.findall(to_text(args[0])[:_SEARCHED]))
        return any(holds(instant(moment).date(), *limits) for moment in found if moment)

    return test


def _phone(args: _Args, now: datetime) -> bool:
    country = to_text(args[1]).upper() if len(args) > 1 else "ML"
    return to_e164(to_text(args[0])[:40], country) is not None


def _group(args: _Args, now: datetime) -> bool:
    """The groups may be names or dictionaries; the key, the uuid or the name is asked for."""
    groups = args[0] if isinstance(args[0], list) else []
    sought = to_text(args[1])
    return any(
        sought in [to_text(group.get(key)) for key in ("id", "uuid", "name", "__value__")]
        if isinstance(group, Mapping)
        else to_text(group) == sought
        for group in groups
    )


def _always(*_: Any) -> bool:
    return True


MATCH_TESTS: Final[Mapping[str, tuple[int, int | None, Callable[[_Args, datetime], bool]]]] = {
    "HAS_TEXT": (1, 1, lambda args, now: bool(to_text(args[0]).strip())),
    "HAS_ALL_WORDS": (2, 2, _all_words),
    "HAS_ANY_WORD": (2, 2, _any_word),
    "HAS_PHRASE": (2, 2, _phrase),
    "HAS_ONLY_PHRASE": (2, 2, _only_phrase),
    "HAS_ONLY_TEXT": (2, 2, lambda args, now: to_text(args[0]) == to_text(args[1])),
    "HAS_BEGINNING": (2, 2, _beginning),
    "HAS_NUMBER": (1, 1, _number(_always)),
    "HAS_NUMBER_BETWEEN": (3, 3, _number(lambda number, low, high: low <= number <= high)),
    "HAS_NUMBER_EQ": (2, 2, _number(lambda number, other: number == other)),
    "HAS_NUMBER_GT": (2, 2, _number(lambda number, other: number > other)),
    "HAS_NUMBER_GTE": (2, 2, _number(lambda number, other: number >= other)),
    "HAS_NUMBER_LT": (2, 2, _number(lambda number, other: number < other)),
    "HAS_NUMBER_LTE": (2, 2, _number(lambda number, other: number <= other)),
    "HAS_DATE": (1, 1, _date(_always)),
    "HAS_DATE_EQ": (2, 2, _date(lambda day, other: day == other)),
    "HAS_DATE_GT": (2, 2, _date(lambda day, other: day > other)),
    "HAS_DATE_LT": (2, 2, _date(lambda day, other: day < other)),
    "HAS_TIME": (1, 1, lambda args, now: bool(_TIME.search(to_text(args[0])[:_SEARCHED]))),
    "HAS_EMAIL": (1, 1, lambda args, now: bool(_ADDRESS.search(to_text(args[0])[:_SEARCHED]))),
    "HAS_PHONE": (1, 2, _phone),
    "HAS_GROUP": (2, 3, _group),
}
