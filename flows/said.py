"""A flow or a step as a list of the small things it says, each under its key: two versions are compared by them.

It goes over the fields of the dataclasses, so that what is added to them is compared without a word here.
"""

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from typing import Any, Final, get_args

from flows.conditions import Expression
from flows.model import Bound, Branch, Call, Flow, IfDropped, Option, Resume, Step
from flows.spelled import spelled
from flows.texts import Text

_EXPRESSIONS: Final = get_args(Expression)
# The order of named things is told apart from the things, and only of those that stayed.
ORDER: Final = "order"
# Worked out from other fields, which tell the same.
_WORKED_OUT: Final = frozenset({"to_language", "first"})
# Fields that are written under another key; whatever is not here has the name of its field.
_KEYS: Final = {
    "by_sms": "by sms", "source": "options_from", "low": "from", "high": "to", "earliest": "from", "latest": "to",
    "branches": "when", "otherwise": "else", "flow": "run", "call": "do", "values": "set",
}  # fmt: skip
# Items with a name: the field that names them, and the one that is what they say.
_NAMED: Final[dict[type, tuple[str, str]]] = {Option: ("key", "label"), Branch: ("written", "target")}
_NOT_SAID_AGAIN: Final[dict[type, frozenset[str]]] = {Branch: frozenset({"test"})}
_SECONDS: Final = (Resume, IfDropped)
_UNITS: Final = (("d", 86_400), ("h", 3_600), ("m", 60))


@dataclass(frozen=True, slots=True)
class Said:
    """`what` is the key, "text" or "options oui"; `language` is set for words only, "all" for those of every one."""

    what: str
    language: str
    value: str
    order: bool = False


def said_by_flow(flow: Flow) -> list[Said]:
    """All that the flow says of itself, its steps left out."""
    kept = (each for each in fields(flow) if each.compare and each.repr and each.name not in {"id", "steps"})
    return [said for each in kept for said in _of_field(flow, each, each.name)]


def said_by_step(step: Step, below: str | None) -> list[Said]:
    """All that the step says; `below` is the step under it, where one goes unless the step says otherwise."""
    kept = [each for each in fields(step) if each.name not in {"id", "next"}]
    own = [said for each in kept for said in _of_field(step, each, _KEYS.get(each.name, each.name))]
    link = [Said("next", "", step.next)] if step.next is not None and step.next != below else []
    return [Said("kind", "", step.kind), *own, *link]


def _of_field(holder: Any, each: "Field[Any]", path: str) -> Iterator[Said]:
    value = getattr(holder, each.name)
    if each.compare and each.name not in _WORKED_OUT and not _is_usual(each, value):
        if isinstance(holder, _SECONDS) and type(value) is int:
            yield Said(path, "", _time(value))
        else:
            yield from _of_value(value, path)


def _of_value(value: Any, path: str) -> Iterator[Said]:
    if isinstance(value, Text):
        yield from (Said(path, language, words) for language, words in value.written.items())
    elif isinstance(value, _EXPRESSIONS):
        yield Said(path, "", spelled(value))
    elif isinstance(value, Bound):
        yield Said(path, "", value.written)
    elif isinstance(value, Call):
        yield Said(path, "", value.action)
        yield from _of_value(value.args, "with")
    elif is_dataclass(value) and not isinstance(value, type):
        yield from _of_fields(value, path, frozenset())
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _of_value(inner, f"{path} {key}")
    elif isinstance(value, tuple) and value and is_dataclass(value[0]):
        yield from _of_items(value, path)
    else:
        yield Said(path, "", _plain(value))


def _of_items(items: tuple[Any, ...], path: str) -> Iterator[Said]:
    keys: list[str] = []
    for place, item in enumerate(items, 1):
        name, main = _NAMED.get(type(item), ("", ""))
        key = str(getattr(item, name)) if name else str(place)
        twice = keys.count(key)
        keys.append(key)
        inside = f"{path} {key}" if not twice else f"{path} {key} ({twice + 1})"
        if main:
            yield from _of_value(getattr(item, main), inside)
        yield from _of_fields(item, inside, _NOT_SAID_AGAIN.get(type(item), frozenset()) | {name, main})
    yield Said(path, "", "\n".join(keys), order=True)


def _of_fields(value: Any, path: str, without: frozenset[str]) -> Iterator[Said]:
    for each in fields(value):
        if each.name not in without:
            yield from _of_field(value, each, f"{path} {each.name}")


def _is_usual(each: "Field[Any]", value: Any) -> bool:
    """Whether nothing was written here, so that there is nothing to tell."""
    if value is None:
        return True
    if each.default is not MISSING:
        return bool(value == each.default)
    return each.default_factory is not MISSING and bool(value == each.default_factory())


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, frozenset):
        return ", ".join(sorted(str(each) for each in value))
    return ", ".join(str(each) for each in value) if isinstance(value, tuple) else str(value)


def _time(seconds: int) -> str:
    """As in the file: 30m."""
    return next((f"{seconds // many}{unit}" for unit, many in _UNITS if seconds % many == 0), f"{seconds}s")
