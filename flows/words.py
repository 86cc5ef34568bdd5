"""The engine's own words, folded and ready: what stands under a screen, and what helps after a wrong answer."""

from functools import cache

from flows.answers import Unclear
from flows.model import Value
from flows.phrases import standard


def foot(language: str, more: str, back: str) -> str:
    """The line under a screen, "9 Suite 0 Retour", of the keys that work there; empty when none does."""
    return _foot(language, more, back)


@cache
def _foot(language: str, more: str, back: str) -> str:
    words = standard()
    keys = [f"{more} {words.folded('more', language)}"] if more else []
    return " ".join([*keys, f"{back} {words.folded('back', language)}"] if back else keys)


def help_with(unclear: Unclear, language: str) -> str:
    """A kind sentence with an example, for an answer that could not be read."""
    low, high, example = written(unclear.low), written(unclear.high), unclear.example
    return standard().folded(unclear.key, language, low=low, high=high, example=example)


@cache
def help_with_choice(count: int, language: str) -> str:
    """What is said to somebody who typed no number of a menu of so many lines."""
    return help_with(Unclear("help.choice", 1, count), language)


def say(key: str, language: str) -> str:
    """Another sentence of the engine's own."""
    return standard().folded(key, language)


def written(value: Value) -> str:
    """A value as people read it: 05/03/2026; nothing for what is not known."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, tuple):
        return ", ".join(value)
    return str(value) if isinstance(value, int) else f"{value:%d/%m/%Y}"
