"""What was typed at a question, read for that question. What cannot be read is `Unclear`, never another exception."""

import re
import unicodedata
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Final

from flows.answers import Unclear, read_choice, read_date, read_number, read_phone, read_text
from flows.model import Ask, Bound, Day, Menu, Number, Phone, Pick, Value, Words
from flows.progress import Shown
from flows.sms_text import fold

# (key, folded label) of each numbered line under a question.
Choice = tuple[str, str]

_BETWEEN_PICKS: Final = re.compile(r"[\s,;.+/-]+")
# No label is longer; what is longer is not compared with one.
_LONGEST_LABEL: Final = 160


def read_answer(
    step: Ask, typed: str, choices: Sequence[Choice], shown: Shown, today: date, look: Callable[[str], Value]
) -> tuple[Value, str | None]:
    """The value of the answer and the numbered line taken, if one was. Unclear when it cannot be read."""
    if isinstance(step, Pick):
        return _picked(typed, choices, shown), None
    if isinstance(step, Menu):
        key = chosen(typed, choices, shown)
        return key, key
    if choices:
        try:
            return None, chosen(typed, choices, shown)
        except Unclear:
            pass
    return _typed_value(step, typed, today, look), None


def day_of(bound: Bound, today: date, look: Callable[[str], Value], unknown: date) -> date:
    """The day a bound stands for; `unknown` when it names an answer that was not given."""
    if bound.day is not None:
        return bound.day
    if bound.name is not None:
        found = look(bound.name)
        return found if isinstance(found, date) else unknown
    return _moved(today, bound.months, bound.days)


def _typed_value(step: Ask, typed: str, today: date, look: Callable[[str], Value]) -> Value:
    if isinstance(step, Words):
        return read_text(typed, step.max)
    if isinstance(step, Number):
        return read_number(typed, step.low, step.high)
    if isinstance(step, Day):
        earliest = day_of(step.earliest, today, look, date(1900, 1, 1))
        return read_date(typed, today, earliest, day_of(step.latest, today, look, date(2199, 12, 31)))
    assert isinstance(step, Phone)
    return read_phone(typed, step.country)


def chosen(typed: str, choices: Sequence[Choice], shown: Shown) -> str:
    """The key of the line whose number or whose words were typed."""
    try:
        return choices[shown.first + read_choice(typed, shown.count) - 1][0]
    except Unclear:
        if (key := _named(typed, choices)) is not None:
            return key
        raise


def names_one(typed: str, choices: Sequence[Choice], shown: Shown) -> bool:
    """Whether one of the numbered lines is meant."""
    try:
        return bool(choices) and chosen(typed, choices, shown) is not None
    except Unclear:
        return False


def _named(typed: str, choices: Sequence[Choice]) -> str | None:
    """The key of the line with these words. Accents are forgiven where only one line can be meant: ɛ is è is e."""
    if len(typed) > _LONGEST_LABEL:
        return None
    words = fold(typed).strip().casefold()
    exact = next((key for key, label in choices if label.casefold() == words), None)
    if exact is not None or not words:
        return exact
    bare = _without_accents(words)
    meant = [key for key, label in choices if _without_accents(label.casefold()) == bare]
    return meant[0] if len(meant) == 1 else None


def _without_accents(text: str) -> str:
    """A capital loses its accent on the wire, where AWÒ becomes AWO and awò stays."""
    return "".join(letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))


def _picked(typed: str, choices: Sequence[Choice], shown: Shown) -> tuple[str, ...]:
    """The keys of "1 3", "1,3" or "13", each once, in the order of the lines."""
    words = [word for word in _BETWEEN_PICKS.split(fold(typed[:_LONGEST_LABEL]).strip()) if word]
    if len(words) == 1 and words[0].isdecimal() and shown.count < 10:
        words = list(words[0])
    if not words:
        raise Unclear("help.choice", 1, shown.count)
    numbers = {read_choice(word, shown.count) for word in words}
    return tuple(choices[shown.first + number - 1][0] for number in sorted(numbers))


def _moved(today: date, months: int, days: int) -> date:
    """The day so many months and days away; the last day of a shorter month, the first or last day there is."""
    count = today.year * 12 + today.month - 1 + months
    year, month = divmod(count, 12)
    if not 1 <= year <= 9998:
        return date.min if year < 1 else date.max
    first_of_next = date(year + month // 11, (month + 1) % 12 + 1, 1)
    last = (first_of_next - timedelta(1)).day
    try:
        return date(year, month + 1, min(today.day, last)) + timedelta(days)
    except OverflowError:
        return date.min if days < 0 else date.max
