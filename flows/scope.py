"""What is known at a moment of a conversation, and how it is said to this caller: in which language, how wide."""

from collections.abc import Callable, Mapping
from datetime import date, datetime

from flows import words
from flows.conditions import Expression, evaluate
from flows.model import DEFAULT_LANGUAGE, Ask, Flow, Label, Menu, Option, Value
from flows.phone_numbers import show as show_phone
from flows.progress import Outcome
from flows.reading import Choice
from flows.sms_text import fold
from flows.texts import Text, fill, shortened, width


class Scope:
    """The names of the flow stood in. `prefix` is the way to it from the outermost flow, "identite."."""

    __slots__ = ("facts", "flow", "labels", "language", "prefix", "speaks", "values", "way")

    def __init__(
        self, flow: Flow, language: str, speaks: tuple[str, ...], facts: Mapping[str, Value], way: str
    ) -> None:
        self.flow = flow
        self.prefix = ""
        self.language = language
        self.speaks = speaks
        self.facts = facts
        self.way = way
        self.values: dict[str, Value] = {}
        self.labels: dict[str, Label] = {}

    def of(self, flow: Flow, prefix: str) -> "Scope":
        """The same values, looked at from another flow on the way."""
        scope = Scope(flow, self.language, self.speaks, self.facts, self.way)
        scope.prefix, scope.values, scope.labels = prefix, self.values, self.labels
        return scope

    @property
    def spoken(self) -> str:
        """The caller's language if there are words for it here, else the flow's first."""
        languages = self.flow.languages
        return self.language if self.language in languages else languages[0]

    # --- values ---------------------------------------------------------------------------------------------------

    def look(self, name: str) -> Value:
        """The value of a name; None when it is not known."""
        return self.facts.get(name) if name in self.flow.facts else self.values.get(self.prefix + name)

    def value_of(self, expression: Expression, today: date) -> Value:
        return evaluate(expression, self.look, today)

    def keep(self, name: str, value: Value, label: Label | None = None) -> None:
        """Know a value under a name, with the words that came with it when it is a choice from data."""
        key = self.prefix + name
        self.values[key] = value
        if label is None:
            self.labels.pop(key, None)
        else:
            self.labels[key] = label

    def label_of(self, name: str) -> Label | None:
        return self.labels.get(self.prefix + name)

    def forget(self, names: tuple[str, ...], prefixes: tuple[str, ...]) -> None:
        """Know these names no more, nor anything under these prefixes."""
        for name in names:
            self.values.pop(self.prefix + name, None)
            self.labels.pop(self.prefix + name, None)
        for prefix in prefixes:
            inside = self.prefix + prefix
            self.values = {key: value for key, value in self.values.items() if not key.startswith(inside)}
            self.labels = {key: label for key, label in self.labels.items() if not key.startswith(inside)}

    # --- words ----------------------------------------------------------------------------------------------------

    def folded(self, text: Text) -> str:
        """The text filled, in GSM 7-bit letters."""
        return fill(text.folded[self.spoken], self._shown)

    def true(self, text: Text) -> str:
        """The text filled, in its true spelling."""
        return fill(text.true[self.spoken], self.written)

    def choices(self, step: Ask, fetched: tuple[tuple[str, Label], ...]) -> list[Choice]:
        """The numbered lines under a question: those that came from data, or those of the flow this caller may take."""
        if isinstance(step, Menu) and step.source is not None:
            # A line break inside a label would look like another choice.
            lines = [(key, " ".join(self._in_language(label).split())) for key, label in fetched]
            return [(key, shortened(fold(line), step.show)) for key, line in lines]
        spoken = self.spoken
        return [(each.key, each.label.folded[spoken][0]) for each in step.options if self._is_offered(step, each)]

    def label_of_picked(self, keys: tuple[str, ...], fetched: tuple[tuple[str, Label], ...]) -> Label | None:
        """The words of what was chosen from data; the flow does not know them, so they are kept."""
        known = dict(fetched)
        labels = [known[key] for key in keys if key in known]
        if len(labels) == 1:
            return labels[0]
        return ", ".join(self._in_language(label) for label in labels) if labels else None

    def _shown(self, name: str) -> str:
        """A name's value on a screen: folded, and never wider than the flow says."""
        named = self.flow.names.get(name)
        text = fold(self._words(name, lambda label: label.folded))
        return text if named is None else shortened(text, named.width)

    def written(self, name: str) -> str:
        """A name's value as it is written down: its true spelling, never wider than the flow says."""
        named = self.flow.names.get(name)
        text = self._words(name, lambda label: label.true)
        while named is not None and width(fold(text)) > named.width:
            text = text[:-1]
        return text

    def _words(self, name: str, spelling: Callable[[Text], Mapping[str, tuple[str, ...]]]) -> str:
        label = self.label_of(name)
        if label is not None:
            return self._in_language(label)
        value, named = self.look(name), self.flow.names.get(name)
        if named is not None and named.labels is not None:
            keys = value if isinstance(value, tuple) else (value,)
            texts = [named.labels[key] for key in keys if isinstance(key, str) and key in named.labels]
            if texts:
                return ", ".join(self._any_language(spelling(text)) for text in texts)
        if named is not None and named.type == "phone" and isinstance(value, str):
            return show_phone(value)
        return words.written(value)

    def _any_language(self, templates: Mapping[str, tuple[str, ...]]) -> str:
        """A label may come from a sub-flow that speaks fewer languages."""
        return (templates.get(self.spoken) or next(iter(templates.values())))[0]

    def _in_language(self, label: Label) -> str:
        if isinstance(label, str):
            return label
        return label.get(self.spoken) or label.get(DEFAULT_LANGUAGE) or next(iter(label.values()), "")

    def _is_offered(self, step: Ask, option: Option) -> bool:
        if not isinstance(step, Menu):
            return True
        if step.sets_language:
            return option.key in self.speaks
        if option.key in step.to_sensitive and self.way == "sms":
            return False
        return option.key not in step.to_language or sum(each in self.speaks for each in self.flow.languages) > 1


def plain(outcome: Outcome) -> Outcome:
    """The outcome in values that JSON keeps. TypeError when an action gave something else: that is a mistake in it."""
    options = tuple([(str(key), label if isinstance(label, str) else dict(label)) for key, label in outcome.options])
    for name, value in outcome.values.items():
        if isinstance(value, datetime) or not isinstance(value, str | int | date | tuple | None):
            raise TypeError(f"an action gave {value!r} as '{name}': a flow keeps texts, whole numbers, dates and lists")
    return Outcome(bool(outcome.ok), dict(outcome.values), options)
