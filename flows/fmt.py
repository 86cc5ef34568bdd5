"""The one way to write a flow down: keys in one order, texts in quotes, a step's lines together, comments kept.

Reading what is written here gives the flow that was read before; writing it again changes nothing.
"""

from collections.abc import Iterator
from typing import Final

import yaml

from flows.loader import read_flow
from flows.mistakes import FlowMistake
from flows.model import LANGUAGES, Flow
from flows.phrases import read_phrases
from flows.step_reading import KINDS
from flows.strict_yaml import read

WIDTH: Final = 110
_TOP: Final = (
    "flow", "phrases", "version", "title", "languages", "reviewed", "start", "resume", "if_dropped", "unfinished",
    "sensitive", "facts", "parts", "slots", "lists", "steps", "texts",
)  # fmt: skip
_STEP: Final = (
    "id", "replaces", *KINDS,
    "by", "parts", "options", "options_from", "with", "show", "skip_if_one", "sets_language", "max", "from", "to",
    "country", "or", "personal", "gives", "reads", "go", "next", "empty", "fails", "again", "give_up", "wrong",
)  # fmt: skip
_INNER: Final = ("all", *LANGUAGES, "if", "go", "else")
# Conditions and words for people stand in quotes even where YAML would not ask for it.
_ALWAYS_QUOTED: Final = frozenset({"if", "all", *LANGUAGES})
_SPACED: Final = ("lists", "steps", "texts")


def write(flow: Flow) -> str:
    """The source of a flow in its one form."""
    return format_source(flow.source, flow.file)


def format_source(source: str, file: str) -> str:
    """A flow or a file of phrases in its one form. FlowMistake when it cannot be read."""
    source = source.replace("\r\n", "\n").removeprefix("\ufeff")
    before = _meaning(source, file)
    root = read(source, file).node
    assert isinstance(root, yaml.MappingNode)
    written = "\n".join(_Writer(source, root).lines()) + "\n"
    if _meaning(written, file) != before:
        raise FlowMistake("writing this file in its one form would change it: please report it", file=file)
    return written


def _meaning(source: str, file: str) -> object:
    return read_phrases({file: source}) if "phrases" in read(source, file).entries() else read_flow(source, file)


class _Writer:
    """Writes a tree of YAML nodes. A comment goes with the key that followed it, wherever that key is put."""

    def __init__(self, source: str, root: yaml.MappingNode) -> None:
        self._root = root
        self._comments: dict[int, list[str]] = {}
        self._first: list[str] = []
        self._last: list[str] = []
        self._attach(source, sorted(set(_anchors(root))))

    def lines(self) -> Iterator[str]:
        yield from self._first
        for key, value in _ordered(self._root, _TOP):
            if key.value in _SPACED:
                yield ""
            yield from self._above(key, "")
            if key.value == "steps":
                yield "steps:"
                yield from self._steps(value)
            else:
                yield from self._pair(key, value, "")
        yield from self._last

    def _steps(self, node: yaml.Node) -> Iterator[str]:
        for place, step in enumerate(node.value):
            if place:
                yield ""
            yield from self._above(step, "  ")
            lines = [line for key, value in _ordered(step, _STEP) for line in self._commented(key, value, "    ")]
            first = next(i for i, line in enumerate(lines) if not line.lstrip().startswith("#"))
            yield from lines[:first]
            yield "  - " + lines[first].lstrip()
            yield from lines[first + 1 :]

    def _commented(self, key: yaml.Node, value: yaml.Node, indent: str) -> Iterator[str]:
        yield from self._above(key, indent)
        yield from self._pair(key, value, indent)

    def _pair(self, key: yaml.Node, value: yaml.Node, indent: str) -> Iterator[str]:
        name = _plain(key.value)
        short = f"{indent}{name}: {_inline(value, key.value)}".rstrip()
        if isinstance(value, yaml.ScalarNode) or (_is_flat(value) and len(short) <= WIDTH):
            yield from self._inside(value, indent)
            yield short
            return
        yield f"{indent}{name}:"
        if isinstance(value, yaml.MappingNode):
            for inner_key, inner in _sorted(value):
                yield from self._commented(inner_key, inner, indent + "  ")
            return
        for item in value.value:
            yield from self._above(item, indent + "  ")
            yield from self._inside(item, indent + "  ")
            yield f"{indent}  - {_inline(item, key.value)}"

    def _above(self, node: yaml.Node, indent: str) -> list[str]:
        return [indent + comment for comment in self._comments.pop(node.start_mark.index, [])]

    def _inside(self, node: yaml.Node, indent: str) -> list[str]:
        """Comments of what is now written on one line."""
        return [line for start in _anchors(node) for line in [indent + each for each in self._comments.pop(start, [])]]

    def _attach(self, source: str, anchors: list[int]) -> None:
        for at, alone, comment in _comments(source):
            after = next((start for start in anchors if start > at), None) if alone else None
            before = next((start for start in reversed(anchors) if start < at), None) if not alone else None
            anchor = after if alone else before
            if anchor == anchors[0] and alone:
                self._first.append(comment)  # about the file, whatever key comes first
            else:
                (self._last if anchor is None else self._comments.setdefault(anchor, [])).append(comment)


def _anchors(node: yaml.Node) -> Iterator[int]:
    """Where the keys and items of the tree begin."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield key.start_mark.index
            yield from _anchors(value)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield item.start_mark.index
            yield from _anchors(item)


def _comments(source: str) -> Iterator[tuple[int, bool, str]]:
    """Where each comment stands, whether its line is its own, and the comment."""
    inside = bytearray(len(source) + 1)
    for token in yaml.scan(source, Loader=yaml.BaseLoader):
        if isinstance(token, yaml.ScalarToken):
            start, end = token.start_mark.index, token.end_mark.index
            inside[start:end] = b"\1" * (end - start)
    at = 0
    for line in source.split("\n"):
        for place, sign in enumerate(line):
            if sign == "#" and not inside[at + place] and (place == 0 or line[place - 1] in " \t"):
                yield at + place, not line[:place].strip(), line[place:].rstrip()
                break
        at += len(line) + 1


def _ordered(node: yaml.Node, order: tuple[str, ...]) -> list[tuple[yaml.Node, yaml.Node]]:
    """Known keys in their order; the loader has refused all others."""
    return sorted(node.value, key=lambda pair: order.index(pair[0].value))


def _sorted(node: yaml.MappingNode) -> list[tuple[yaml.Node, yaml.Node]]:
    """The languages of a text and the parts of a branch have an order of their own; other keys keep theirs."""
    keys = {key.value for key, _ in node.value}
    if keys <= set(_INNER) and all(isinstance(value, yaml.ScalarNode) for _, value in node.value):
        return _ordered(node, _INNER)
    return list(node.value)


def _is_flat(node: yaml.Node) -> bool:
    """Scalars, lists of scalars, and mappings of these are written on one line where they fit."""
    if isinstance(node, yaml.SequenceNode):
        return all(isinstance(item, yaml.ScalarNode) for item in node.value)
    if isinstance(node, yaml.MappingNode):
        return all(not isinstance(value, yaml.MappingNode) and _is_flat(value) for _, value in node.value)
    return True


def _inline(node: yaml.Node, key: str) -> str:
    if isinstance(node, yaml.MappingNode):
        return "{" + ", ".join(f"{_plain(k.value)}: {_inline(v, k.value)}" for k, v in _sorted(node)) + "}"
    if isinstance(node, yaml.SequenceNode):
        return "[" + ", ".join(_inline(item, key) for item in node.value) + "]"
    assert isinstance(node, yaml.ScalarNode)
    return _scalar(node, key)


def _scalar(node: yaml.ScalarNode, key: str) -> str:
    value = str(node.value)
    if node.style is None and value in {"", "true", "false"}:
        return value
    if key in _ALWAYS_QUOTED or not _is_plain(value):
        return _quoted(value)
    return value


def _plain(word: str) -> str:
    return word if _is_plain(word) else _quoted(word)


def _is_plain(word: str) -> bool:
    """A word that YAML and a reader take for the same in any place: ids, numbers, offsets, calls without arguments."""
    inner = word.replace("_", "").replace("-", "").replace("+", "").replace(".", "")
    return inner.isascii() and inner.isalnum() and not word.startswith((".", "- "))


def _quoted(value: str) -> str:
    """In double quotes, or in single ones when that spares the escapes."""
    if '"' in value and "'" not in value and all(sign.isprintable() for sign in value):
        return f"'{value}'"
    return '"' + "".join(_escaped(sign) for sign in value) + '"'


def _escaped(sign: str) -> str:
    if sign in '"\\':
        return "\\" + sign
    if sign in "\n\t":
        return "\\n" if sign == "\n" else "\\t"
    if sign.isprintable() or sign in "\u00a0\u202f\u200d":
        return sign
    return f"\\u{ord(sign):04x}" if ord(sign) <= 0xFFFF else f"\\U{ord(sign):08x}"
