"""Check 11: numbers are compared with numbers and dates with dates, choices exist, limits are the right way round."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Final

from flows.conditions import FUNCTIONS, Among, Compare, Constant, Expression, Function, Name, walk
from flows.findings import ERROR, Finding, Signature
from flows.mistakes import nearest
from flows.model import Day, Do, Flow, Named, Number, Set, Step, When
from flows.reading import day_of

_ORDERED: Final = {"number", "date"}
# What an argument of a type takes besides its own: a choice from data is known by its id, a set word is a choice.
_TAKES: Final = {"choice": {"id"}, "id": {"choice"}, "text": {"phone", "choice", "id"}}
# Any day will do to see that a first day comes before a last one.
_SOME_DAY: Final = date(2026, 6, 15)


def check_types(flow: Flow, actions: Mapping[str, Signature]) -> Iterator[Finding]:
    """11: everything is compared with its like and limits are the right way round."""
    for name, named in flow.names.items():
        if named.type == "mixed" and "." not in name:
            message = f"'{name}' is set to different types on different ways: use two names"
            yield Finding(flow.file, _first_setting(flow, name), "", ERROR, message, 11)
    for step in flow.steps.values():
        for message in _of_step(flow, step, actions):
            yield Finding(flow.file, step.id, "", ERROR, message, 11, step.line)


def type_of(flow: Flow, tree: Expression, actions: Mapping[str, Signature]) -> str:
    """The type of a value, "" when nobody can know. Results of actions have the type their signature gives."""
    if isinstance(tree, Constant):
        return "number" if isinstance(tree.value, int) else "choice"
    if isinstance(tree, Function):
        return "number"
    if not isinstance(tree, Name):
        return "yes_no"
    named = flow.names.get(tree.name)
    if named is None:
        return ""
    return named.type if named.type not in {"result", "mixed"} else _of_result(flow, tree.name, actions)


def fits(wanted: str, found: str) -> bool:
    """Whether a value of one type may be given where another is wanted."""
    wanted = wanted.removesuffix("?")
    return not found or wanted == found or found in _TAKES.get(wanted, set())


def _of_result(flow: Flow, name: str, actions: Mapping[str, Signature]) -> str:
    inside = [run_id for run_id in flow.children if name.startswith(f"{run_id}.")]
    if inside:
        return type_of(flow.children[inside[0]], Name(name.removeprefix(f"{inside[0]}.")), actions)
    for step in flow.steps.values():
        if isinstance(step, Do) and name in step.gives and step.call.action in actions:
            return actions[step.call.action].gives.get(name, "").removesuffix("?")
        if isinstance(step, Set) and name in step.values and step.values[name] != Name(name):
            return type_of(flow, step.values[name], actions)
    return ""


def _first_setting(flow: Flow, name: str) -> str:
    return next((step.id for step in flow.steps.values() if isinstance(step, Set) and name in step.values), "")


def _of_step(flow: Flow, step: Step, actions: Mapping[str, Signature]) -> Iterator[str]:
    if isinstance(step, Number) and step.low > step.high:
        yield f"`from` {step.low} is above `to` {step.high}: nothing can be answered"
    if isinstance(step, Day):
        yield from _of_day(flow, step, actions)
    if isinstance(step, When):
        for branch in step.branches:
            yield from _of_condition(flow, branch.test, actions)
    if isinstance(step, Set):
        for tree in step.values.values():
            yield from _of_condition(flow, tree, actions)


def _of_day(flow: Flow, step: Day, actions: Mapping[str, Signature]) -> Iterator[str]:
    for key, bound in (("from", step.earliest), ("to", step.latest)):
        if bound.name is not None and type_of(flow, Name(bound.name), actions) not in {"date", ""}:
            yield f"`{key}` is '{bound.name}', which is no date"
    if step.earliest.name is None and step.latest.name is None and not (step.earliest.day or step.latest.day):
        first = day_of(step.earliest, _SOME_DAY, lambda _: None, _SOME_DAY)
        if first > day_of(step.latest, _SOME_DAY, lambda _: None, _SOME_DAY):
            yield f"`from` {step.earliest.written} is after `to` {step.latest.written}: no day can be answered"


def _of_condition(flow: Flow, test: Expression, actions: Mapping[str, Signature]) -> Iterator[str]:
    for part in walk(test):
        if isinstance(part, Compare):
            yield from _of_comparison(flow, part.sign, part.left, part.right, actions)
        elif isinstance(part, Among):
            for choice in part.choices:
                yield from _of_comparison(flow, "==", part.item, choice, actions)
        elif isinstance(part, Function):
            found = type_of(flow, Name(part.of), actions)
            if found not in {FUNCTIONS[part.function], ""}:
                yield f"{part.function}({part.of}) needs a {FUNCTIONS[part.function]}, and '{part.of}' is a {found}"


def _of_comparison(
    flow: Flow, sign: str, left: Expression, right: Expression, actions: Mapping[str, Signature]
) -> Iterator[str]:
    one, other = type_of(flow, left, actions), type_of(flow, right, actions)
    if not one or not other:
        return
    if not fits(one, other) and not fits(other, one):
        yield f"a {one} is compared with a {other} ({written(left)} {sign} {written(right)}): compare like with like"
    elif sign not in {"==", "!="} and one not in _ORDERED:
        yield f"`{sign}` compares numbers and dates only, and {written(left)} is a {one}"
    else:
        yield from _of_choice(flow, left, right)
        yield from _of_choice(flow, right, left)


def _of_choice(flow: Flow, left: Expression, right: Expression) -> Iterator[str]:
    named = flow.names.get(left.name) if isinstance(left, Name) else None
    if named is None or not isinstance(right, Constant) or not _has_listed_choices(named):
        return
    if right.value not in (named.labels or {}):
        yield f"'{right.value}' is no choice of {written(left)}; {nearest(str(right.value), named.labels or {})}"


def _has_listed_choices(named: Named) -> bool:
    return named.type == "choice" and bool(named.labels)


def written(tree: Expression) -> str:
    """A part of a condition as its author wrote it, nearly."""
    if isinstance(tree, Name):
        return tree.name
    if isinstance(tree, Constant):
        return str(tree.value) if isinstance(tree.value, int) else f'"{tree.value}"'
    return f"{tree.function}({tree.of})" if isinstance(tree, Function) else "the condition"
