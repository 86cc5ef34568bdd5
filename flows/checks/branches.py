"""Check 12: a `when` has an `else`, and each of its branches can be taken.

Conditions compare with constants, so their truth changes only at these: trying every constant, its neighbours and the
limits of each name covers all there is to try.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from itertools import product
from math import prod
from typing import Final, TypeAlias

from flows.conditions import (
    Among,
    Both,
    Compare,
    Constant,
    Either,
    Expression,
    Function,
    Name,
    Not,
    evaluate,
    names_in,
    walk,
)
from flows.findings import ERROR, NOTE, Finding
from flows.model import Branch, Flow, When

_ANY_DAY: Final = date(2026, 6, 15)
# A `when` over so many cases at once is not tried; nobody writes one.
_MOST_CASES: Final = 20_000
_SOME_WORD: Final = "\0another"

Case: TypeAlias = Mapping[str, str | int | None]


def check_branches(flow: Flow) -> Iterator[Finding]:
    """12: an `else`, no branch that can never be taken, and a note where two branches overlap unsaid."""
    for step in flow.steps.values():
        if isinstance(step, When):
            if step.otherwise is None:
                message = "no `else`: say where those go for whom no condition holds"
                yield Finding(flow.file, step.id, "", ERROR, message, 12, step.line)
            yield from _of_branches(flow, step)


def _of_branches(flow: Flow, step: When) -> Iterator[Finding]:
    cases = _cases(flow, step)
    if cases is None:
        return
    holding = [{i for i, case in enumerate(cases) if _holds(branch.test, case)} for branch in step.branches]
    taken: set[int] = set()
    for branch, holds in zip(step.branches, holding, strict=True):
        if not holds - taken:
            why = "is never true" if not holds else "is true only where a branch above was taken already"
            message = f'"{branch.written}" {why}: change it, or take the branch away'
            yield Finding(flow.file, step.id, "", ERROR, message, 12, step.line)
        elif _overlaps(step, holding, branch):
            message = f'"{branch.written}" overlaps a branch above, which comes first: say so if it is meant'
            yield Finding(flow.file, step.id, "", NOTE, message, 12, step.line)
        taken |= holds
    if step.otherwise is not None and cases and len(taken) == len(cases) and not _open_ended(flow, step):
        message = "the `else` is never taken: the branches cover all there is"
        yield Finding(flow.file, step.id, "", NOTE, message, 12, step.line)


def _overlaps(step: When, holding: list[set[int]], branch: Branch) -> bool:
    """Whether a branch shares some cases, not all, with one above that tests the very same names."""
    place = step.branches.index(branch)
    holds, names = holding[place], names_in(branch.test)
    above = [cases for each, cases in zip(step.branches[:place], holding, strict=False) if names_in(each.test) == names]
    return any(holds & cases and not (holds <= cases or cases <= holds) for cases in above)


def _holds(test: Expression, case: Case) -> bool:
    """A function is looked up like a name: how old a child is does not depend on the day we try it."""
    return bool(evaluate(_with_functions_named(test), lambda name: case.get(name), _ANY_DAY))


def _with_functions_named(test: Expression) -> Expression:
    if isinstance(test, Function):
        return Name(_key(test))
    if isinstance(test, Compare):
        return Compare(test.sign, _with_functions_named(test.left), _with_functions_named(test.right))
    if isinstance(test, Among):
        return Among(_with_functions_named(test.item), tuple(_with_functions_named(each) for each in test.choices))
    if isinstance(test, Constant | Name):
        return test
    if isinstance(test, Not):
        return Not(_with_functions_named(test.inner))
    left, right = _with_functions_named(test.left), _with_functions_named(test.right)
    return Both(left, right) if isinstance(test, Both) else Either(left, right)


def _key(tree: Name | Function) -> str:
    return tree.name if isinstance(tree, Name) else f"{tree.function}({tree.of})"


def _cases(flow: Flow, step: When) -> list[Case] | None:
    """All that is worth trying; None when it is too much, or when names are compared with each other."""
    tests = [branch.test for branch in step.branches]
    parts = [part for test in tests for part in walk(test)]
    if any(isinstance(part, Compare) and names_in(part.left) and names_in(part.right) for part in parts):
        return None
    constants = [part.value for part in parts if isinstance(part, Constant)]
    keys = list(dict.fromkeys(part for part in parts if isinstance(part, Name | Function)))
    worth = {_key(key): _worth_trying(flow, key, constants) for key in keys}
    if prod(map(len, worth.values())) > _MOST_CASES:
        return None
    return [dict(zip(worth, case, strict=True)) for case in product(*worth.values())]


def _worth_trying(flow: Flow, key: Name | Function, constants: list[str | int]) -> list[str | int | None]:
    numbers = [near for number in constants if isinstance(number, int) for near in (number - 1, number, number + 1)]
    if isinstance(key, Function):
        return [*sorted({0, *(number for number in numbers if number >= 0)}), None]
    named = flow.names.get(key.name)
    if named is None:
        return [None]
    if named.type == "yes_no":
        return [True, False]
    if named.type == "number":
        limits = [limit for limit in (named.low, named.high) if limit is not None]
        return list(dict.fromkeys(n for n in (*limits, *numbers, 0, 1) if _within(n, named.low, named.high)))
    if named.type == "choice" and named.labels:
        return list(named.labels)
    words = [word for word in constants if isinstance(word, str)]
    return [*dict.fromkeys(words), *dict.fromkeys(numbers), _SOME_WORD, None]


def _within(number: int, low: int | None, high: int | None) -> bool:
    return (low is None or number >= low) and (high is None or number <= high)


def _open_ended(flow: Flow, step: When) -> bool:
    """Whether a name here comes from an action or may be unknown: an `else` for it is only prudent."""
    names = {name for branch in step.branches for name in names_in(branch.test)}
    return any(flow.names[name].type in {"result", "id", "text", "date"} for name in names if name in flow.names)
