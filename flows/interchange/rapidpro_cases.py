"""The tests of RapidPro's routers: what they say of a number, which words they want, and our conditions for them."""

import math
from typing import Final

from flows.interchange.left_out import NotCarried
from flows.interchange.rapidpro_reading import Case
from flows.interchange.rapidpro_words import Known

WORDS: Final = frozenset(
    ("has_any_word", "has_all_words", "has_phrase", "has_only_phrase", "has_only_text", "has_beginning", "has_category")
)
NUMBERS: Final = frozenset(
    (
        "has_number", "has_number_between", "has_number_lt", "has_number_lte", "has_number_eq", "has_number_gte",
        "has_number_gt",
    )
)  # fmt: skip
DATES: Final = frozenset(("has_date", "has_date_eq", "has_date_lt", "has_date_gt"))
LARGEST: Final = 999_999_999
_MOST_WORDS: Final = 12

# The lowest and the highest number a test is true for; None where it sets no limit.
Range = tuple[int | None, int | None]


def words_of(case: Case) -> list[str]:
    """What a person may send for this case: the whole argument first, then its words."""
    whole = " ".join(case.args).strip().casefold()
    return list(dict.fromkeys([whole, *whole.replace(",", " ").split()[:20]])) if whole else []


def numbers_of(case: Case) -> list[int]:
    """The numbers among these words: 1 in "1 oui"."""
    return [int(word) for word in words_of(case) if word.isdecimal() and word.isascii() and len(word) <= 2]


def range_of(case: Case) -> Range:
    """The numbers a test takes, ends included. NotCarried when an end is no number written out."""
    args = [_number(arg) for arg in case.args if arg.strip()]
    if case.kind == "has_number":
        return None, None
    if len(args) != (2 if case.kind == "has_number_between" else 1):
        raise NotCarried(f"{case.kind} has other arguments than numbers")
    if case.kind == "has_number_between":
        return math.ceil(args[0]), math.floor(args[1])
    one = args[0]
    if case.kind == "has_number_lt":
        return None, math.ceil(one) - 1
    if case.kind == "has_number_lte":
        return None, math.floor(one)
    if case.kind == "has_number_gte":
        return math.ceil(one), None
    if case.kind == "has_number_gt":
        return math.floor(one) + 1, None
    if not one.is_integer():
        raise NotCarried("answers are whole numbers")
    return int(one), int(one)


def condition_of_range(name: str, wanted: Range, lowest: int) -> str:
    """The condition that is true for these numbers, and false while there is none."""
    low, high = wanted
    if low is not None and low == high:
        return f"{name} == {low}"
    if low is None and high is None:
        return f"{name} >= {lowest}"
    parts = [f"{name} >= {low}"] if low is not None else []
    return " and ".join([*parts, f"{name} <= {high}"] if high is not None else parts)


def condition_of(case: Case, known: Known, *, category: bool) -> str:
    """The condition for one case of a split on an answer. NotCarried says why there is none."""
    if case.kind in ("has_text", "has_value"):
        return condition_of_range(known.id, (None, None), known.low) if known.kind == "number" else known.id
    if category or case.kind == "has_category":
        return _condition_of_categories(case, known)
    if case.kind in NUMBERS and known.kind == "number":
        return condition_of_range(known.id, range_of(case), known.low)
    if case.kind == "has_date" and known.kind == "date":
        return known.id
    if case.kind == "has_phone" and known.kind == "phone":
        return known.id
    if case.kind in ("has_number_eq", *WORDS) and known.kind == "choice":
        return _among(known.id, _keys(case, known))
    if case.kind in WORDS and known.kind in ("text", "word"):
        return _condition_of_words(case, known)
    raise NotCarried(f"{case.kind} of a {known.kind} has no equal in a condition")


def _condition_of_categories(case: Case, known: Known) -> str:
    names = [arg.strip().casefold() for arg in case.args if arg.strip()]
    rules = [known.rules[name] for name in names if name in known.rules]
    keys = [known.keys[name] for name in names if name in known.keys]
    if keys and known.kind == "choice":
        return _among(known.id, keys)
    if len(rules) == 1:
        return rules[0]
    if rules:
        return " or ".join(f"({rule})" for rule in rules)
    raise NotCarried(f"'{', '.join(names)[:40]}' is no category of '{known.id}'")


def _keys(case: Case, known: Known) -> list[str]:
    wanted = words_of(case)
    keys = [known.said[word] for word in wanted if word in known.said]
    keys = keys or [known.keys[word] for word in wanted if word in known.keys]
    if not keys:
        raise NotCarried(f"'{' '.join(case.args)[:40]}' is no choice of '{known.id}'")
    return list(dict.fromkeys(keys))


def _condition_of_words(case: Case, known: Known) -> str:
    whole = " ".join(case.args).strip()
    wanted = whole.split() if case.kind == "has_any_word" else [whole]
    if not wanted or len(wanted) > _MOST_WORDS or '"' in whole:
        raise NotCarried("it has no words, or too many")
    if case.kind in ("has_phrase", "has_beginning", "has_all_words"):
        raise NotCarried(f"{case.kind} looks inside a text, and conditions compare whole ones")
    return _among(known.id, wanted)


def _among(name: str, values: list[str]) -> str:
    values = list(dict.fromkeys(values))
    if len(values) == 1:
        return f'{name} == "{values[0]}"'
    choices = ", ".join(f'"{value}"' for value in values)
    return f"{name} in ({choices})"


def _number(written: str) -> float:
    try:
        value = float(written)
    except ValueError:
        raise NotCarried(f"'{written[:20]}' is no number written out") from None
    if not math.isfinite(value) or abs(value) > LARGEST:
        raise NotCarried(f"{written[:20]} is too large")
    return value
