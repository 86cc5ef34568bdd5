"""Check 19: a step that means something else than in the version before says so, for callers who are on their way.

An answer is kept under the id of its step. When the id is kept and the question is another one, what was answered
before must not be taken for an answer to the new question: `replaces: 4` says that up to version 4 it was not.
"""

from collections.abc import Iterator
from dataclasses import fields
from typing import Any, Final

from flows.findings import ERROR, WARNING, Finding
from flows.model import Bound, Day, Do, Flow, Menu, Number, Run, Step

_NOT_SAID: Final = frozenset({"version"})


def check_replaced(old: Flow, new: Flow) -> Iterator[Finding]:
    """19: whether `new` may follow `old`: changed steps say `replaces`, and the version is raised."""
    yield from check_replaces(new)
    for step in new.steps.values():
        before = old.steps.get(step.id)
        if before is None or (step.replaces is not None and step.replaces >= old.version):
            continue
        changed = change_of_meaning(before, step)
        if changed:
            message = f"{changed}, and callers may stand inside version {old.version}: {_remedy(step, old.version)}"
            yield _found(new, step, ERROR, message)
        elif share_no_number(before, step):
            message = f"no number is taken both before and now: if the unit changed, {_remedy(step, old.version)}"
            yield _found(new, step, WARNING, message)
    if new.version <= old.version and not says_the_same(old, new):
        message = f"it differs from the published version {old.version}: raise version to {old.version + 1}"
        yield Finding(new.file, "", "", WARNING, message, 19)


def check_replaces(flow: Flow) -> Iterator[Finding]:
    """19: what is replaced is a version before this one."""
    for step in flow.steps.values():
        if step.replaces is not None and step.replaces >= flow.version:
            message = f"`replaces: {step.replaces}` names no version before this one, which is {flow.version}"
            if flow.version == 1:
                remedy = "take it away"
            else:
                remedy = f"write `replaces: {flow.version - 1}`, or raise the flow's version"
            yield _found(flow, step, ERROR, f"{message}: {remedy}")


def change_of_meaning(old: Step, new: Step) -> str:
    """What makes an answer to the old step no answer to the new one, in words; empty when nothing does."""
    if old.kind != new.kind:
        return f"it was a {old.kind} and is a {new.kind}"
    if isinstance(old, Menu) and isinstance(new, Menu) and (old.source is None) != (new.source is None):
        return "its choices were written in the flow, or are now"
    if isinstance(old, Menu) and isinstance(new, Menu) and old.source is not None and new.source is not None:
        if old.source.action != new.source.action:
            return f"its choices came from {old.source.action} and come from {new.source.action}"
        return ""
    changed = _choices(old, new) or _bounds(old, new)
    if changed:
        return changed
    if isinstance(old, Do) and isinstance(new, Do) and old.call.action != new.call.action:
        kept = [name for name in new.gives if name in old.gives]
        return f"{', '.join(kept)} came from {old.call.action} and comes from {new.call.action}" if kept else ""
    if isinstance(old, Run) and isinstance(new, Run) and old.flow != new.flow:
        return f"it ran {old.flow} and runs {new.flow}"
    return ""


def share_no_number(old: Step, new: Step) -> bool:
    """Whether two number questions take no number in common: centimetres where there were millimetres, perhaps."""
    return isinstance(old, Number) and isinstance(new, Number) and (old.high < new.low or new.high < old.low)


def says_the_same(old: Flow, new: Flow) -> bool:
    """Whether two versions are one conversation, whatever their numbers; sub-flows are versions of their own."""
    kept = [each.name for each in fields(Flow) if each.compare and each.repr and each.name not in _NOT_SAID]
    same = all(getattr(old, name) == getattr(new, name) for name in kept)
    return same and list(old.steps) == list(new.steps)


def _choices(old: Step, new: Step) -> str:
    """Keys of choices that came or went. Other words for a choice, or another order, change nothing."""
    before, after = _keys(old), _keys(new)
    gone, come = [key for key in before if key not in after], [key for key in after if key not in before]
    lost = f"choice {_listed(gone)} is gone" if gone else ""
    found = f"choice {_listed(come)} is new" if come else ""
    return " and ".join(each for each in (lost, found) if each)


def _keys(step: Step) -> list[str]:
    options: tuple[Any, ...] = getattr(step, "options", ())
    return [option.key for option in options]


def _listed(keys: list[str]) -> str:
    return ", ".join(f"'{key}'" for key in keys)


def _bounds(old: Step, new: Step) -> str:
    if not isinstance(old, Day) or not isinstance(new, Day):
        return ""
    for key, before, after in (("from", old.earliest, new.earliest), ("to", old.latest, new.latest)):
        if _type_of(before) != _type_of(after):
            return f"`{key}` was {_type_of(before)} and is {_type_of(after)}"
    return ""


def _type_of(bound: Bound) -> str:
    if bound.name is not None:
        return f"the answer '{bound.name}'"
    return "a fixed day" if bound.day is not None else "counted from today"


def _remedy(step: Step, version: int) -> str:
    return f"write `replaces: {version}` under `id: {step.id}`"


def _found(flow: Flow, step: Step, level: str, message: str) -> Finding:
    return Finding(flow.file, step.id, "", level, message, 19, step.line)
