"""Where one caller stands in a conversation: all of it, as a value that survives as JSON.

The tape holds, in order, what was answered and what actions gave; going back plays it again from the start, one answer
short, and calls nothing.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final, TypeAlias

from flows.model import EMPTY, Label, Value

ASKING: Final = "asking"
WAITING: Final = "waiting"
ENDED: Final = "ended"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an action came to. `options` are (key, label), for a menu whose choices come from data."""

    ok: bool
    values: Mapping[str, Value] = field(default_factory=lambda: EMPTY)
    options: tuple[tuple[str, Label], ...] = ()


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer as it was read, and the day it was given. `choice` is the numbered line taken, if one was."""

    value: Value
    choice: str | None
    today: date


@dataclass(frozen=True, slots=True)
class Done:
    """An action's outcome. Nobody goes back over a `barrier`."""

    outcome: Outcome
    barrier: bool
    today: date


@dataclass(frozen=True, slots=True)
class Sent:
    """An SMS went out here: nobody goes back over it, it would go out twice."""


@dataclass(frozen=True, slots=True)
class GaveUp:
    """Three answers could not be read, and the caller was led elsewhere. It can be taken back like an answer."""

    today: date


Entry: TypeAlias = Answered | Done | Sent | GaveUp


@dataclass(frozen=True, slots=True)
class Shown:
    """What the screen in front of the caller offers: how many numbered lines from which one on, and another page.

    `asks` is false on a page that only holds words: whatever is typed there turns it.
    """

    first: int = 0
    count: int = 0
    more: bool = False
    asks: bool = True


@dataclass(frozen=True, slots=True)
class Progress:
    """`path` is the step stood at, after the `run` steps that lead to it. Keys of values carry the same path."""

    flow: str
    hash: str
    state: str
    language: str
    path: tuple[str, ...]
    values: Mapping[str, Value]
    labels: Mapping[str, Label]
    tape: tuple[Entry, ...]
    said: tuple[str, ...]
    taken: Mapping[str, int]
    page: int
    wrong: int
    shown: Shown
    # How it began: what a replay starts from.
    began: date
    first_language: str
    speaks: tuple[str, ...]
    facts: Mapping[str, Value]
    # How we are talked to: "ussd" or "sms".
    way: str = "ussd"

    def to_json(self) -> str:
        """One line of JSON; `from_json` gives an equal progress."""
        shown = self.shown
        return _encode([
            _VERSION, self.flow, self.hash, self.state, self.language, self.path, _packed(self.values), self.labels,
            [_packed_entry(entry) for entry in self.tape], self.said, self.taken, self.page, self.wrong,
            [shown.first, shown.count, shown.more, shown.asks],
            self.began.isoformat(), self.first_language, self.speaks, _packed(self.facts), self.way,
        ])  # fmt: skip

    @staticmethod
    def from_json(text: str) -> "Progress":
        """The progress again. ValueError when the text is not one of ours."""
        try:
            return _unpacked(json.loads(text))
        except (TypeError, KeyError, IndexError, AttributeError) as error:
            raise ValueError(f"this is no progress of a conversation: {error}") from None


def last_answer(tape: Sequence[Entry]) -> int | None:
    """Where on the tape the last answer stands that can be taken back; None when there is none."""
    for place in range(len(tape) - 1, -1, -1):
        entry = tape[place]
        if isinstance(entry, Answered | GaveUp):
            return place
        if isinstance(entry, Sent) or entry.barrier:
            return None
    return None


_VERSION: Final = 2
# Conversations that were under way when the program was renewed go on: version 1 lacks the way.
_READ: Final = frozenset({1, 2})
_encode: Final = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":")).encode
_DAY: Final = "d"
_LIST: Final = "l"


# What JSON keeps as it is: nearly all there is, so it is not worth a call each.
_PLAIN: Final = frozenset({str, int, bool, type(None)})


def _packed(values: Mapping[str, Value]) -> dict[str, Any]:
    return {key: value if type(value) in _PLAIN else _pack(value) for key, value in values.items()}


def _unpacked_values(packed: Mapping[str, Any]) -> dict[str, Value]:
    return {key: value if type(value) in _PLAIN else _unpack(value) for key, value in packed.items()}


def _pack(value: Value) -> Any:
    """JSON has no dates and no tuples: these two become lists."""
    if isinstance(value, date):
        return [_DAY, value.isoformat()]
    return [_LIST, *value] if isinstance(value, tuple) else value


def _unpack(packed: Any) -> Value:
    if isinstance(packed, list):
        kind, *rest = packed
        return date.fromisoformat(rest[0]) if kind == _DAY else tuple(rest)
    if packed is None or isinstance(packed, str | int):
        return packed
    raise TypeError(f"{type(packed).__name__} is no value")


def _packed_entry(entry: Entry) -> list[Any]:
    if isinstance(entry, Answered):
        return ["a", _pack(entry.value), entry.choice, entry.today.isoformat()]
    if isinstance(entry, Done):
        outcome = entry.outcome
        values, options = _packed(outcome.values), outcome.options
        return ["o", outcome.ok, values, options, entry.barrier, entry.today.isoformat()]
    return ["g", entry.today.isoformat()] if isinstance(entry, GaveUp) else ["s"]


def _unpacked_entry(packed: list[Any]) -> Entry:
    if packed[0] == "a":
        return Answered(_unpack(packed[1]), packed[2], date.fromisoformat(packed[3]))
    if packed[0] == "o":
        values = _unpacked_values(packed[2])
        options = tuple([(key, label) for key, label in packed[3]])
        return Done(Outcome(packed[1], values, options), packed[4], date.fromisoformat(packed[5]))
    return GaveUp(date.fromisoformat(packed[1])) if packed[0] == "g" else Sent()


def _unpacked(packed: list[Any]) -> Progress:
    if packed[0] not in _READ:
        raise ValueError(f"progress of format {packed[0]} cannot be read by this program, which knows {_VERSION}")
    _, flow, its_hash, state, language, path, values, labels, tape, said, taken, page, wrong, shown, *start = packed
    began, first_language, speaks, facts, *way = start
    return Progress(
        flow, its_hash, state, language, tuple(path), _unpacked_values(values), labels,
        tuple([_unpacked_entry(entry) for entry in tape]), tuple(said), taken, page, wrong, Shown(*shown),
        date.fromisoformat(began), first_language, tuple(speaks), _unpacked_values(facts), *way,
    )  # fmt: skip
