"""Replies read as the host rules say: to a number, to one choice, to several, to an open question."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from flows.floip.floip_container import LOCATION, NUMERIC, SELECT_MANY, SELECT_ONE, FloipBlock, FloipLanguage
from flows.floip.floip_evaluator import Evaluator

# Blanks around it, digits as on a keypad. More digits than this are no answer to anything.
_NUMBER: Final = re.compile(r"-?[0-9]{1,300}(?:\.[0-9]{1,300})?")
_BETWEEN: Final = re.compile(r"[\s,;]+")
_MOST_WORDS: Final = 100
_LONGEST_REPLY: Final = 10_000

# Gives the evaluator that sees a reply as `block.response`.
Seeing = Callable[[str], Evaluator]


@dataclass(frozen=True, slots=True)
class Taken:
    """An accepted reply: its value, and the text that was read."""

    value: Any
    response: str


def read_reply(
    block: FloipBlock, typed: str, seeing: Seeing, language: FloipLanguage | None, mode: str
) -> Taken | None:
    """The value of a reply to a question; None when it is refused."""
    if len(typed) > _LONGEST_REPLY:
        return None
    if block.type == NUMERIC:
        return _number(block.config, typed.strip())
    if block.type == SELECT_ONE:
        reply = typed.strip()
        name = choice_of(block, reply, seeing, language, mode)
        return None if name is None else Taken(name, reply)
    if block.type == SELECT_MANY:
        return _several(block, typed.strip(), seeing, language, mode)
    if block.type == LOCATION:
        return _place(typed.strip())
    return _open(block.config, typed)


def _number(config: Mapping[str, Any], reply: str) -> Taken | None:
    if not _NUMBER.fullmatch(reply):
        return None
    number = _plain(reply)
    if not _within(number, config.get("validation_minimum"), config.get("validation_maximum")):
        return None
    return Taken(number, reply)


def _plain(written: str) -> int | float:
    """3 and 3.0 are the same number, 3."""
    if "." not in written:
        return int(written)
    number = float(written)
    return int(number) if number.is_integer() else number


def _within(number: int | float, low: Any, high: Any) -> bool:
    """Both limits belong to it; one that is no number is none."""
    return not ((_is_number(low) and number < low) or (_is_number(high) and number > high))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def choices_of(block: FloipBlock) -> list[Mapping[str, Any]]:
    """The choices of a block, in order; an older draft had an object of resources by name."""
    raw = block.config.get("choices")
    if isinstance(raw, Mapping):
        return [{"name": name, "prompt": prompt} for name, prompt in raw.items()]
    return [each for each in raw if isinstance(each, Mapping)] if isinstance(raw, list) else []


def choice_of(block: FloipBlock, reply: str, seeing: Seeing, language: FloipLanguage | None, mode: str) -> str | None:
    """The name of the first choice with a true test; an empty reply takes none."""
    if not reply:
        return None
    evaluator = seeing(reply)
    for choice in choices_of(block):
        if any(evaluator.holds(test) for test in tests_of(choice, language, mode)):
            return str(choice.get("name", ""))
    return None


def tests_of(choice: Mapping[str, Any], language: FloipLanguage | None, mode: str) -> list[str]:
    """The expressions that take a choice: `ivr_test` in IVR, else `text_tests` of the language or of none.

    An older draft had one `test` for all.
    """
    if mode == "IVR" and isinstance(pressed := choice.get("ivr_test"), Mapping):
        return [pressed["test_expression"]] if isinstance(pressed.get("test_expression"), str) else []
    if isinstance(choice.get("text_tests"), list):
        return [
            test["test_expression"]
            for test in choice["text_tests"]
            if isinstance(test, Mapping)
            and isinstance(test.get("test_expression"), str)
            and _is_for(test.get("language"), language)
        ]
    return [choice["test"]] if isinstance(choice.get("test"), str) else []


def _is_for(wanted: object, language: FloipLanguage | None) -> bool:
    return not wanted or (language is not None and wanted == language.id)


def _several(block: FloipBlock, reply: str, seeing: Seeing, language: FloipLanguage | None, mode: str) -> Taken | None:
    words = [word for word in _BETWEEN.split(reply) if word]
    if len(words) > _MOST_WORDS:
        return None
    names = [choice_of(block, word, seeing, language, mode) for word in words]
    if None in names:
        return None
    chosen = list(dict.fromkeys(names))
    if not _within(len(chosen), block.config.get("minimum_choices"), block.config.get("maximum_choices")):
        return None
    return Taken(chosen, reply)


def _open(config: Mapping[str, Any], typed: str) -> Taken | None:
    """The text as it was received; an empty one is invalid. A limit of an older draft is kept."""
    own = config.get("text")
    longest = (own if isinstance(own, Mapping) else config).get("max_response_characters")
    if not typed.strip() or not _within(len(typed), None, longest):
        return None
    return Taken(typed, typed)


def _place(reply: str) -> Taken | None:
    """Latitude, longitude, and perhaps elevation and accuracy in metres."""
    parts = [part for part in _BETWEEN.split(reply) if part]
    if not 2 <= len(parts) <= 4 or not all(_NUMBER.fullmatch(part) for part in parts):
        return None
    return Taken([*(float(part) for part in parts), *[0.0] * (4 - len(parts))], reply)
