"""What names a flow knows and what is known about each before anyone calls: type, width on a screen, words."""

from collections.abc import Mapping
from dataclasses import replace

from flows.conditions import Constant, Expression, Function, Name
from flows.mistakes import FlowMistake
from flows.model import (
    Ask,
    Day,
    Do,
    Fact,
    Flow,
    Menu,
    Named,
    Number,
    Phone,
    Pick,
    Run,
    Set,
    Step,
    Words,
)
from flows.sms_text import units

_WIDTH_OF_DATE = len("31/12/2026")
# "+223 70 00 00 01", with room for the longer customs of other countries.
_WIDTH_OF_PHONE = 20


def names_of(
    steps: Mapping[str, Step], facts: Mapping[str, Fact], children: Mapping[str, Flow], file: str
) -> dict[str, Named]:
    """Every name of the flow. FlowMistake when one name would mean two things."""
    names = {name: Named(fact.type, fact.width) for name, fact in facts.items()}
    for step in steps.values():
        if isinstance(step, Ask):
            if step.id in names:
                raise FlowMistake(f"'{step.id}' is already the name of a fact", file=file, line=step.line, step=step.id)
            names[step.id] = _answer(step)
        if isinstance(step, Run) and step.id in children:
            child = children[step.id]
            own = {name: named for name, named in child.names.items() if name not in child.facts}
            names |= {f"{step.id}.{name}": named for name, named in own.items()}
    fixed = set(names)
    for step in steps.values():
        for name in _results(step):
            if name in fixed:
                problem = f"'{name}' already names a question or a fact; give the result another name"
                raise FlowMistake(problem, file=file, line=step.line, step=step.id)
            named = _result(step, name, names)
            names[name] = _merged(names[name], named) if name in names else named
    return names


def defined_by(step: Step) -> tuple[str, ...]:
    """The names a step gives a value to, those of its sub-flow left out."""
    return (step.id,) if isinstance(step, Ask) else _results(step)


def below(steps: Mapping[str, Step]) -> dict[str, tuple[tuple[str, ...], tuple[str, ...]]]:
    """For each step, the names defined by it and by the steps below, and the prefixes of the sub-flows there."""
    found: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {}
    names: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()
    for step in reversed(list(steps.values())):
        names = (*defined_by(step), *names)
        if isinstance(step, Run):
            prefixes = (f"{step.id}.", *prefixes)
        found[step.id] = (names, prefixes)
    return found


def _results(step: Step) -> tuple[str, ...]:
    if isinstance(step, Do):
        return tuple(step.gives)
    return tuple(step.values) if isinstance(step, Set) else ()


def _answer(step: Ask) -> Named:
    named = _plain_answer(step)
    return replace(named, personal=step.personal, may_be_unknown=bool(step.options) and not isinstance(step, Menu))


def _plain_answer(step: Ask) -> Named:
    if isinstance(step, Menu):
        return _choice(step)
    if isinstance(step, Number):
        width = max(len(str(step.low)), len(str(step.high)))
        return Named("number", width, low=step.low, high=step.high)
    if isinstance(step, Words):
        return Named("text", step.max)
    if isinstance(step, Day):
        return Named("date", _WIDTH_OF_DATE)
    assert isinstance(step, Phone)
    return Named("phone", _WIDTH_OF_PHONE)


def _choice(step: Menu) -> Named:
    labels = {option.key: option.label for option in step.options} or None
    widths = [units(label.folded[each][0]) for label in (labels or {}).values() for each in label.folded]
    if isinstance(step, Pick):
        # Dynamic lists are cut to `show` each; eight stand on one screen.
        return Named("list", sum(widths) + 2 * len(widths) if labels else 8 * (step.show + 2), labels)
    return Named("choice", max(widths), labels) if labels else Named("id", step.show)


def _result(step: Step, name: str, names: Mapping[str, Named]) -> Named:
    if isinstance(step, Do):
        return Named("result", step.gives[name])
    assert isinstance(step, Set)
    return _of_expression(step.values[name], names)


def _of_expression(tree: Expression, names: Mapping[str, Named]) -> Named:
    if isinstance(tree, Name):
        return names.get(tree.name, Named("mixed", 0))
    if isinstance(tree, Constant):
        if isinstance(tree.value, int):
            return Named("number", len(str(tree.value)), low=tree.value, high=tree.value)
        return Named("choice", len(tree.value))
    assert isinstance(tree, Function)
    return Named("number", 4)


def _merged(one: Named, other: Named) -> Named:
    """What is known of a name that is set on different ways."""
    known = {one.type, other.type} - {"result"}
    return Named(
        type=one.type if one.type == other.type else known.pop() if len(known) == 1 else "mixed",
        width=max(one.width, other.width),
        labels={**(one.labels or {}), **(other.labels or {})} or None,
        low=None if one.low is None or other.low is None else min(one.low, other.low),
        high=None if one.high is None or other.high is None else max(one.high, other.high),
        may_be_unknown=one.may_be_unknown or other.may_be_unknown,
        personal=one.personal or other.personal,
    )
