"""What the engine gives back: a screen for the caller, or an action to carry out first, and what was decided."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from flows.model import Value
from flows.progress import Progress


@dataclass(frozen=True, slots=True)
class Screen:
    """Folded GSM 7-bit text, never over the handset's limit. `more` is false when the conversation is over."""

    text: str
    more: bool


@dataclass(frozen=True, slots=True)
class Action:
    """What the caller of the engine carries out now; its outcome goes to `engine.resume`."""

    name: str
    args: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class LanguageChosen:
    language: str


@dataclass(frozen=True, slots=True)
class TextSent:
    """An SMS for the caller, in its true spelling."""

    text: str


@dataclass(frozen=True, slots=True)
class FlowEnded:
    """The conversation is over. `gave_up`: three answers in a row could not be read, or an action left no way on."""

    step: str
    gave_up: bool = False


@dataclass(frozen=True, slots=True)
class FormLeft:
    """A form that was agreed to cannot be finished by its caller: what was answered so far, as (question, answer)."""

    flow: str
    title: str
    answers: tuple[tuple[str, str], ...]


Event: TypeAlias = LanguageChosen | TextSent | FlowEnded | FormLeft


@dataclass(frozen=True, slots=True)
class Turn:
    """Exactly one of `screen` and `pending` is set. `progress` is to be kept for the next turn."""

    progress: Progress
    screen: Screen | None
    events: tuple[Event, ...] = ()
    pending: Action | None = None
