"""What a conversation is once it has been read: frozen values that do nothing.

A `Flow` is a list of steps in reading order. Everything a step may hold has its field here; `loader` makes these
values, `engine` walks through them, `check` proves things about them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType
from typing import Any, ClassVar, Final, TypeAlias

from flows.conditions import Expression
from flows.texts import Text

# An answer or a result. A yes_no is a bool, which is an int; a `pick` gives the keys picked.
Value: TypeAlias = str | int | date | tuple[str, ...] | None
# A choice that comes from data: the same word in every language, or a word for each.
Label: TypeAlias = str | Mapping[str, str]

LANGUAGES: Final = ("fr", "bm", "en")
DEFAULT_LANGUAGE: Final = "fr"
EMPTY: Final[Mapping[str, Any]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Handset:
    """What one screen holds, in GSM-7 septets, and the keys that turn its pages, go back, and go to the start."""

    limit: int = 160
    more: str = "9"
    back: str = "0"
    start: str = "00"


USSD: Final = Handset()


@dataclass(frozen=True, slots=True)
class Option:
    key: str
    label: Text


@dataclass(frozen=True, slots=True)
class Call:
    """An action by name, with what its arguments are read from."""

    action: str
    args: Mapping[str, Expression]


@dataclass(frozen=True, slots=True)
class Bound:
    """The first or last day a date may have: an offset from today, a fixed day, or the day in another answer."""

    written: str
    months: int = 0
    days: int = 0
    day: date | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """`next` is the step that follows: the one below unless said otherwise, None after the last line.

    `replaces` is the last version of the flow in which this id meant something else.
    """

    kind: ClassVar[str] = ""
    id: str
    line: int = field(default=0, compare=False)
    next: str | None = None
    replaces: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Say(Step):
    kind: ClassVar[str] = "say"
    text: Text
    by_sms: bool = False
    parts: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class End(Step):
    kind: ClassVar[str] = "end"
    text: Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask(Step):
    """A question. `options` are the numbered lines under it: the choices of a menu, or the way out (`or`) of others."""

    text: Text
    wrong: Text | None = None
    give_up: str | None = None
    again: int | None = None
    go: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    options: tuple[Option, ...] = ()
    personal: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Menu(Ask):
    """One of several. With `source` the choices come from data: `empty` and `fails` say where to go without any."""

    kind: ClassVar[str] = "menu"
    source: Call | None = None
    show: int = 20
    sets_language: bool = False
    skip_if_one: bool = False
    empty: str | None = None
    fails: str | None = None
    # Choices that only lead to a choice of language: hidden from a caller who has no other language.
    to_language: frozenset[str] = frozenset()
    # Choices that lead into a sensitive conversation: never offered by SMS, which lie in an inbox. Known when linked.
    to_sensitive: frozenset[str] = field(default=frozenset(), compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pick(Menu):
    """Any number of several, at least one: "1 3" or "13"."""

    kind: ClassVar[str] = "pick"


@dataclass(frozen=True, slots=True, kw_only=True)
class Number(Ask):
    kind: ClassVar[str] = "number"
    low: int
    high: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Words(Ask):
    kind: ClassVar[str] = "text"
    max: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Day(Ask):
    kind: ClassVar[str] = "date"
    earliest: Bound
    latest: Bound


@dataclass(frozen=True, slots=True, kw_only=True)
class Phone(Ask):
    kind: ClassVar[str] = "phone"
    country: str = "ML"


@dataclass(frozen=True, slots=True)
class Branch:
    test: Expression
    target: str
    written: str


@dataclass(frozen=True, slots=True, kw_only=True)
class When(Step):
    kind: ClassVar[str] = "when"
    branches: tuple[Branch, ...]
    otherwise: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Run(Step):
    kind: ClassVar[str] = "run"
    flow: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Do(Step):
    """`gives` names the results the flow keeps, each with the most characters it takes on a screen.

    Unless it says `reads`, an action is taken for one that writes: nobody can go back over it.
    """

    kind: ClassVar[str] = "do"
    call: Call
    gives: Mapping[str, int] = field(default_factory=lambda: EMPTY)
    fails: str | None = None
    reads: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Set(Step):
    kind: ClassVar[str] = "set"
    values: Mapping[str, Expression]


@dataclass(frozen=True, slots=True)
class Named:
    """What is known before any call about a name: its type, the most septets it takes, and its words if it is a choice.

    `type` is "text", "number", "date", "phone", "choice", "list", "yes_no", "id", "result" (of an action: its
    signature knows) or "mixed" (set to different types on different ways).
    """

    type: str
    width: int
    labels: Mapping[str, Text] | None = None
    low: int | None = None
    high: int | None = None
    may_be_unknown: bool = False
    personal: bool = False


@dataclass(frozen=True, slots=True)
class Fact:
    """What the caller of the engine tells at the start: its type and the most characters it takes."""

    type: str
    width: int


@dataclass(frozen=True, slots=True)
class Resume:
    """Within so many seconds a caller whose line dropped goes on; `ask` offers to begin again instead."""

    within: int
    ask: bool


@dataclass(frozen=True, slots=True)
class IfDropped:
    """After so many seconds without an end, this text goes out as an SMS, once."""

    after: int
    sms: str


@dataclass(frozen=True, slots=True)
class Unfinished:
    """After so many seconds a form that was agreed to in the menu `consent` is left to a mediator to finish."""

    after: int
    consent: str


@dataclass(frozen=True, slots=True)
class Flow:
    """One conversation with its sub-flows inside.

    `hash` changes when a word of the flow or of its sub-flows changes; `bundle` holds all their sources, so that
    `loader.load_bundle` can make this very flow again after a deployment.
    """

    id: str
    version: int
    languages: tuple[str, ...]
    reviewed: Mapping[str, bool]
    title: Text
    steps: Mapping[str, Step]
    first: str
    facts: Mapping[str, Fact]
    start: Mapping[str, tuple[str, ...]]
    resume: Resume | None
    if_dropped: IfDropped | None
    unfinished: Unfinished | None
    # Nothing of it is resumed, sent, kept or told to anybody: it may endanger whoever called.
    sensitive: bool
    texts: Mapping[str, Text]
    children: Mapping[str, "Flow"] = field(repr=False)
    # Facts of the flow and of its sub-flows.
    needs: Mapping[str, Fact] = field(repr=False)
    names: Mapping[str, Named] = field(repr=False)
    position: Mapping[str, int] = field(repr=False)
    # By step: the names that it and the steps below it define, and the prefixes of sub-flows among them.
    below: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = field(repr=False)
    file: str = field(compare=False)
    source: str = field(compare=False, repr=False)
    hash: str = field(compare=False)
    bundle: str = field(compare=False, repr=False)

    def speakable(self, *, drafts: bool) -> tuple[str, ...]:
        """The languages a caller may be offered: all with `drafts`, else those a speaker read, sub-flows too."""
        children = [child.speakable(drafts=drafts) for child in self.children.values()]
        return tuple(
            language
            for language in self.languages
            if (drafts or self.reviewed[language]) and all(language in spoken for spoken in children)
        )


@dataclass(frozen=True, slots=True)
class Library:
    """All flows of a folder, linked."""

    flows: Mapping[str, Flow]

    def get(self, flow_id: str) -> Flow:
        """The flow of this id; KeyError names those there are."""
        try:
            return self.flows[flow_id]
        except KeyError:
            raise KeyError(f"there is no flow '{flow_id}'; there are {', '.join(sorted(self.flows))}") from None
