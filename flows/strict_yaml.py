"""YAML read so that nothing is guessed: every scalar is text, and what plain YAML would swallow silently is a mistake.

French and plain YAML do not mix: `Oui` may become true, `*123#` an alias, a space before `#` cuts the sentence. So keys
come once, aliases and tags are refused, texts stand in quotes, and every mistake names its line.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import yaml

from flows.mistakes import FlowMistake, nearest

# Nobody writes a conversation this long; a file that is may be an attack on the parser.
_LONGEST_FILE: Final = 500_000
_DEEPEST: Final = 20


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the sources we are, for mistakes."""

    file: str
    line: int
    step: str = ""

    def mistake(self, problem: str) -> FlowMistake:
        return FlowMistake(problem, file=self.file, line=self.line, step=self.step)


class Entry:
    """One value of a file: a scalar, a list or a mapping, with its place. Reading it as another kind is a mistake."""

    def __init__(self, node: yaml.Node, file: str, step: str = "", name: str = "") -> None:
        self.node = node
        self.place = Place(file, node.start_mark.line + 1, step)
        self.name = name

    def inside(self, step: str) -> "Entry":
        """The same value, its mistakes told as those of a step."""
        return Entry(self.node, self.place.file, step, self.name)

    def peek(self, key: str) -> str:
        """The word under a key of a mapping, empty if there is none: to name a step before it is judged."""
        pairs = self.node.value if isinstance(self.node, yaml.MappingNode) else []
        words = (value for name, value in pairs if name.value == key and isinstance(value, yaml.ScalarNode))
        return next((str(word.value) for word in words), "")

    def mistake(self, problem: str) -> FlowMistake:
        return self.place.mistake(problem)

    @property
    def is_mapping(self) -> bool:
        return isinstance(self.node, yaml.MappingNode)

    @property
    def is_list(self) -> bool:
        return isinstance(self.node, yaml.SequenceNode)

    @property
    def is_blank(self) -> bool:
        """Nothing was written after the key."""
        return isinstance(self.node, yaml.ScalarNode) and self.node.style is None and not self.node.value

    def word(self) -> str:
        """A scalar as it stands: an id, a number, a condition."""
        if not isinstance(self.node, yaml.ScalarNode):
            raise self.mistake(f"'{self.name}' must be one value, not a list or a mapping")
        if not self.node.value:
            raise self.mistake(f"'{self.name}' is empty: write a value after the colon")
        return str(self.node.value)

    def quoted(self) -> str:
        """Words for people: they stand in quotes, so that YAML leaves every sign of them alone."""
        if not isinstance(self.node, yaml.ScalarNode):
            raise self.mistake(f"'{self.name}' must be a text in double quotes")
        if self.node.style not in ('"', "'"):
            raise self.mistake(f"'{self.name}' must stand in double quotes: YAML cuts or changes unquoted French")
        return str(self.node.value)

    def entries(self) -> "Entries":
        if not isinstance(self.node, yaml.MappingNode):
            raise self.mistake(f"'{self.name}' must be a mapping, written `{self.name}: {{key: value}}`")
        return Entries(self.node, self.place, self.name)

    def items(self) -> list["Entry"]:
        if not isinstance(self.node, yaml.SequenceNode):
            raise self.mistake(f"'{self.name}' must be a list, each item after a dash")
        return [Entry(node, self.place.file, self.place.step, self.name) for node in self.node.value]


class Entries:
    """A mapping that is read key by key; `finish` refuses the keys that nobody asked for."""

    def __init__(self, node: yaml.MappingNode, place: Place, name: str) -> None:
        self.place = place
        self._found: dict[str, Entry] = {}
        self._asked: set[str] = set()
        self._keys: dict[str, Place] = {}
        for key, value in node.value:
            here = Place(place.file, key.start_mark.line + 1, place.step)
            if not isinstance(key, yaml.ScalarNode) or not key.value:
                raise here.mistake(f"every key of '{name}' must be one word")
            if key.value in self._found:
                raise here.mistake(f"'{key.value}' is written twice; keep one of them")
            self._found[key.value] = Entry(value, place.file, place.step, key.value)
            self._keys[key.value] = here

    def __contains__(self, key: str) -> bool:
        return key in self._found

    def written(self) -> list[str]:
        """The keys as they stand in the file."""
        return list(self._found)

    def place_of(self, key: str) -> Place:
        return self._keys[key]

    def get(self, key: str) -> Entry | None:
        """The value, or None when the key is not there."""
        self._asked.add(key)
        return self._found.get(key)

    def need(self, key: str, why: str) -> Entry:
        """The value; a mistake that says `why` when it is not there."""
        found = self.get(key)
        if found is None:
            raise self.place.mistake(f"'{key}' is missing: {why}")
        return found

    def all(self) -> list[tuple[str, Entry]]:
        """Every key with its value, in the order written: for mappings whose keys are the author's own."""
        self._asked.update(self._found)
        return list(self._found.items())

    def finish(self, known: Iterable[str] = ()) -> None:
        """A mistake if a key is left that was never asked for, with the nearest one that could have been."""
        for key, place in self._keys.items():
            if key not in self._asked:
                raise place.mistake(f"unknown key '{key}'; {nearest(key, self._asked | set(known))}")


def read(source: str, file: str) -> Entry:
    """The whole file as one entry. FlowMistake tells where it is not plain, strict YAML and what to write instead."""
    if len(source) > _LONGEST_FILE:
        raise FlowMistake("the file is too long for a conversation; cut it into sub-flows", file=file)
    try:
        _refuse_what_hides(source, file)
        node = yaml.compose(source, Loader=yaml.BaseLoader)
    except yaml.YAMLError as error:
        raise _explained(error, file) from None
    if node is None:
        raise FlowMistake("the file is empty", file=file)
    return Entry(node, file, name="file")


def _refuse_what_hides(source: str, file: str) -> None:
    """Aliases, anchors, tags and second documents: they put into a flow what a reader does not see there."""
    depth = documents = 0
    for event in yaml.parse(source, Loader=yaml.BaseLoader):
        line = event.start_mark.line + 1 if event.start_mark is not None else 0
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            problem = "`*` and `&` have a meaning in YAML: put the value in double quotes, or write the text out again"
            raise FlowMistake(problem, file=file, line=line)
        if isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent) and event.tag not in (None, "!"):
            raise FlowMistake("`!` has a meaning in YAML: put the value in double quotes", file=file, line=line)
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents > 1:
                raise FlowMistake("`---` begins a second document: one flow is one file", file=file, line=line)
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            raise FlowMistake("lists and mappings are nested too deep here", file=file, line=line)


def _explained(error: yaml.YAMLError, file: str) -> FlowMistake:
    mark = error.problem_mark if isinstance(error, yaml.MarkedYAMLError) else None
    problem = str(getattr(error, "problem", None) or error).splitlines()[0]
    advice = "put texts in double quotes, and look for a missing quote, comma or colon just above"
    line = mark.line + 1 if mark is not None else 0
    return FlowMistake(f"this is not YAML ({problem}); {advice}", file=file, line=line)
