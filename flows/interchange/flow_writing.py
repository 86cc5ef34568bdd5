"""From values to our YAML: what an importer has made, or what was loaded before, written in the one form of `fmt`.

`flow_dict` is the flow as the file says it, in plain dicts, lists and strings; `yaml_of` is the file. Reading
`yaml_of(flow_dict(flow))` gives the same flow again. An importer may build such a dict itself.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import lru_cache
from typing import Any, Final, TypeAlias

from flows.conditions import Constant, Expression, Name, walk
from flows.fmt import format_source
from flows.linking import Draft
from flows.loader import FACT_TYPES, read_flow
from flows.mistakes import FlowMistake
from flows.model import (
    Ask,
    Call,
    Day,
    Do,
    End,
    Fact,
    Flow,
    Menu,
    Number,
    Option,
    Phone,
    Run,
    Say,
    Set,
    Step,
    When,
    Words,
)
from flows.spelled import spelled
from flows.strict_yaml import read
from flows.texts import Text

# Strings, lists and dicts of them; None is a key with nothing after it (`end:`).
Plain: TypeAlias = Any
_UNITS: Final = (("d", 86400), ("h", 3600), ("m", 60), ("s", 1))
_TIMES: Final = frozenset({"within", "after"})
_USUAL_SHOW: Final = 20
_USUAL_COUNTRY: Final = "ML"


def yaml_of(flow: Mapping[str, Plain], comments: Iterable[str] = ()) -> str:
    """The file of a flow given as `flow_dict` gives it, below the comments. FlowMistake when it is no flow of ours."""
    file = f"{flow['flow']}.yaml"
    lines = [f"# {' '.join(comment.split())}".rstrip() for comment in comments]
    try:
        return format_source("\n".join([*lines, _yaml(flow)]) + "\n", file)
    except FlowMistake as mistake:
        # Its line is one of a text nobody sees.
        raise FlowMistake(mistake.problem, file=mistake.file, step=mistake.step) from None


def draft_of(flow: Mapping[str, Plain]) -> Draft:
    """The flow such a dict stands for, read but not yet linked to others."""
    return read_flow(_yaml(flow), f"{flow['flow']}.yaml")


def flow_dict(flow: Draft | Flow, lists: Mapping[str, Plain] | None = None) -> dict[str, Plain]:
    """The flow as its file says it. Lists keep their names where `lists_of` (or the caller) knows them."""
    named = lists_of(flow.source, flow.file) if lists is None else lists
    written = {
        "flow": flow.id,
        "version": str(flow.version),
        "title": text_dict(flow.title),
        "languages": list(flow.languages),
        "reviewed": {key: _yes(said) for key, said in flow.reviewed.items() if key != "fr" or not said},
        "start": {way: words[0] if len(words) == 1 else list(words) for way, words in flow.start.items()},
        "facts": {name: _fact(fact) for name, fact in flow.facts.items()},
        "lists": dict(named.get("lists", {})),
        **_others(flow, _KNOWN_OF_FLOW),
        "steps": _steps(flow.steps, named.get("used", {})),
        "texts": {key: text_dict(text) for key, text in flow.texts.items()},
    }
    if flow.resume is not None:
        written["resume"] = {"within": _time(flow.resume.within)} | ({"ask": "true"} if flow.resume.ask else {})
    if flow.if_dropped is not None:
        written["if_dropped"] = {"after": _time(flow.if_dropped.after), "sms": flow.if_dropped.sms}
    return {key: value for key, value in written.items() if value or key == "steps"}


@lru_cache(maxsize=64)
def lists_of(source: str, file: str) -> Mapping[str, Plain]:
    """What only the file knows: its lists (`lists`) and which step uses which (`used`). Nothing without a file.

    Remembered, because a flow is written out several times while it is checked; nobody changes what is given.
    """
    if "lists:" not in source:
        return {}
    fields_of_file = read(source, file).entries()
    lists, steps = fields_of_file.get("lists"), fields_of_file.get("steps")
    if lists is None or steps is None:
        return {}
    used = {}
    for item in steps.items():
        options = item.entries().get("options")
        if options is not None and not options.is_mapping:
            used[item.peek("id")] = options.word()
    return {"lists": _plain_of(lists.node), "used": used}


def text_dict(text: Text) -> dict[str, str]:
    """A text as written: by language, or under `all`."""
    return dict(text.written)


def options_dict(options: Iterable[Option]) -> dict[str, Plain]:
    return {option.key: text_dict(option.label) for option in options}


def expression_text(tree: Expression) -> str:
    """The condition or value as it is written; reading it gives the same tree.

    The language has no escapes: FlowMistake for a word with both kinds of quotes.
    """
    for part in walk(tree):
        if isinstance(part, Constant) and isinstance(part.value, str) and {'"', "'"} <= set(part.value):
            raise FlowMistake(f"a condition cannot hold a word with both kinds of quotes: {part.value!r}")
    return spelled(tree)


# --- steps --------------------------------------------------------------------------------------------------------


def _steps(steps: Mapping[str, Step], lists: Mapping[str, str]) -> list[dict[str, Plain]]:
    below = dict(zip(steps, [*list(steps)[1:], None], strict=True))
    return [_step(step, below[step.id], lists.get(step.id)) for step in steps.values()]


def _step(step: Step, below: str | None, list_name: str | None) -> dict[str, Plain]:
    written: dict[str, Plain] = {"id": step.id, **_OF_KIND[step.kind](step)}
    if list_name is not None:
        written["options"] = list_name
    if step.next not in (None, below) and not isinstance(step, End | When):
        written["next"] = step.next
    return written | _others(step, _KNOWN_OF_STEP)


def _ask(step: Step) -> dict[str, Plain]:
    """What every question may have."""
    assert isinstance(step, Ask)
    written: dict[str, Plain] = {step.kind: text_dict(step.text)}
    if step.personal:
        written["personal"] = "true"
    if step.go:
        written["go"] = dict(step.go)
    if step.again is not None:
        written["again"] = str(step.again)
    if step.give_up is not None:
        written["give_up"] = step.give_up
    if step.wrong is not None:
        written["wrong"] = text_dict(step.wrong)
    return written


def _typed(step: Step, **more: str) -> dict[str, Plain]:
    """A question whose answer is typed, with its way out."""
    assert isinstance(step, Ask)
    way_out = {"or": options_dict(step.options)} if step.options else {}
    return {**_ask(step), **more, **way_out}


def _menu(step: Step) -> dict[str, Plain]:
    assert isinstance(step, Menu)
    written = _ask(step)
    if step.sets_language:
        written["sets_language"] = "true"
    if step.source is None:
        return {**written, "options": options_dict(step.options)}
    written |= called("options_from", step.source, brackets=True)
    if step.show != _USUAL_SHOW:
        written["show"] = str(step.show)
    if step.skip_if_one:
        written["skip_if_one"] = "true"
    return written | {key: to for key, to in (("empty", step.empty), ("fails", step.fails)) if to is not None}


def _number(step: Step) -> dict[str, Plain]:
    assert isinstance(step, Number)
    return {**_ask(step), "from": str(step.low), "to": str(step.high)}


def _words(step: Step) -> dict[str, Plain]:
    assert isinstance(step, Words)
    return _typed(step, max=str(step.max))


def _day(step: Step) -> dict[str, Plain]:
    assert isinstance(step, Day)
    return _typed(step) | {"from": step.earliest.written, "to": step.latest.written}


def _phone(step: Step) -> dict[str, Plain]:
    assert isinstance(step, Phone)
    return _typed(step) if step.country == _USUAL_COUNTRY else _typed(step, country=step.country)


def _say(step: Step) -> dict[str, Plain]:
    assert isinstance(step, Say)
    written: dict[str, Plain] = {"say": text_dict(step.text)}
    if step.by_sms:
        written["by"] = "sms"
    if step.parts != 1:
        written["parts"] = str(step.parts)
    return written


def _end(step: Step) -> dict[str, Plain]:
    assert isinstance(step, End)
    return {"end": text_dict(step.text) if step.text is not None else None}


def _when(step: Step) -> dict[str, Plain]:
    assert isinstance(step, When)
    branches = [{"if": branch.written, "go": branch.target} for branch in step.branches]
    return {"when": [*branches, {"else": step.otherwise}] if step.otherwise is not None else branches}


def _run(step: Step) -> dict[str, Plain]:
    assert isinstance(step, Run)
    return {"run": step.flow}


def _do(step: Step) -> dict[str, Plain]:
    assert isinstance(step, Do)
    written = called("do", step.call)
    if step.gives:
        written["gives"] = {name: str(width) for name, width in step.gives.items()}
    if step.reads:
        written["reads"] = "true"
    if step.fails is not None:
        written["fails"] = step.fails
    return written


def _set(step: Step) -> dict[str, Plain]:
    assert isinstance(step, Set)
    return {"set": {name: expression_text(value) for name, value in step.values.items()}}


def called(key: str, call: Call, *, brackets: bool = False) -> dict[str, Plain]:
    """A call under its key: `villages(cercle)` where each argument keeps its own name, `with` otherwise."""
    if brackets and call.args:
        own = [each.name for arg, each in call.args.items() if isinstance(each, Name) and _last(each.name) == arg]
        if len(own) == len(call.args):
            return {key: f"{call.action}({', '.join(own)})"}
    given = {"with": {name: expression_text(value) for name, value in call.args.items()}} if call.args else {}
    return {key: call.action, **given}


def _last(name: str) -> str:
    return name.rpartition(".")[2]


_OF_KIND: Final[dict[str, Callable[[Step], dict[str, Plain]]]] = {
    "say": _say,
    "end": _end,
    "menu": _menu,
    "pick": _menu,
    "number": _number,
    "text": _words,
    "date": _day,
    "phone": _phone,
    "when": _when,
    "run": _run,
    "do": _do,
    "set": _set,
}


# --- what was added to the model later ----------------------------------------------------------------------------


# Written above, made by the loader from what is written, or no part of what a flow says.
def _set_of(words: str) -> frozenset[str]:
    return frozenset(words.split())


_KNOWN_OF_FLOW: Final = _set_of(
    "id version languages reviewed title steps first facts start resume if_dropped texts children needs names position "
    "below file source hash bundle"
)
_KNOWN_OF_STEP: Final = _set_of(
    "id line next text by_sms parts wrong give_up again go options personal source show sets_language skip_if_one "
    "empty fails to_language to_sensitive low high max earliest latest country branches otherwise flow call gives "
    "reads values"
)


def _others(value: Draft | Flow | Step, known: frozenset[str]) -> dict[str, Plain]:
    """Keys of their own name that this file knows nothing of, where they say more than the usual."""
    found = {}
    for field in fields(value):
        held = getattr(value, field.name)
        usual = None if field.default is MISSING else field.default
        if field.name not in known and held != usual and held not in (None, False, (), "") and held != {}:
            found[field.name] = _plain_value(held)
    return found


def _plain_value(held: object) -> Plain:
    if isinstance(held, Text):
        return text_dict(held)
    if isinstance(held, bool):
        return _yes(held)
    if is_dataclass(held):
        inner = {each.name: getattr(held, each.name) for each in fields(held)}
        kept = {key: each for key, each in inner.items() if each not in (None, False)}
        return {key: _time(each) if key in _TIMES else _plain_value(each) for key, each in kept.items()}
    if isinstance(held, Mapping):
        return {str(key): _plain_value(each) for key, each in held.items()}
    if isinstance(held, tuple | list | frozenset):
        return [_plain_value(each) for each in (sorted(held) if isinstance(held, frozenset) else held)]
    return str(held)


# --- scalars ------------------------------------------------------------------------------------------------------


def _yes(said: bool) -> str:
    return "true" if said else "false"


def _fact(fact: Fact) -> Plain:
    usual = fact.type != "text" and fact.width == FACT_TYPES[fact.type]
    return fact.type if usual else {fact.type: str(fact.width)}


def _time(seconds: int) -> str:
    """The shortest way to say it; the loader takes four digits."""
    return next(
        f"{seconds // unit}{letter}" for letter, unit in _UNITS if seconds % unit == 0 and (seconds or unit == 1)
    )


def _plain_of(node: Any) -> Plain:
    """A YAML node as plain values."""
    if isinstance(node.value, str):
        return node.value
    if node.value and isinstance(node.value[0], tuple):
        return {key.value: _plain_of(value) for key, value in node.value}
    return [_plain_of(item) for item in node.value]


def _yaml(value: Plain, key: str = "") -> str:
    """Any plain value as YAML, every scalar in quotes but what `reviewed` says: its languages hold no words."""
    if value is None:
        return ""
    if isinstance(value, Mapping):
        inner = (f"{_quoted(str(name))}: {_yaml(each, key or str(name))}" for name, each in value.items())
        return "{" + ", ".join(inner) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_yaml(each, key) for each in value) + "]"
    return value if key == "reviewed" and value in ("true", "false") else _quoted(str(value))


def _quoted(value: str) -> str:
    plain = "".join(c if c.isprintable() and c not in '"\\' else f"\\U{ord(c):08x}" for c in value)
    return f'"{plain}"'
