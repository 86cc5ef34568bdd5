"""What can be kept of a calculation: a fixed word or number, a copy, a count, and `if(...)` between such."""

from typing import Any, Final

from flows.conditions import parse
from flows.interchange.flow_writing import expression_text
from flows.interchange.imported_flow import can_be_read
from flows.interchange.left_out import NotCarried
from flows.interchange.made_ids import Ids
from flows.interchange.xlsform_expressions import Called, Figure, Ref, Word, Xpath, expression
from flows.interchange.xlsform_rules import Known, Table, condition

_MOST_CASES: Final = 12


def set_steps(step_id: str, written: str, known: Table, ids: Ids, place: int) -> tuple[list[dict[str, Any]], Known]:
    """The steps, the first of which will stand at `place`, and what rules may know of the result."""
    cases = _cases(expression(written), known)
    values = [_value(tree, known) for _, tree in cases]
    kinds = {found.kind for _, found in values}
    if len(kinds) > 1:
        raise NotCarried("it is a number in one case and a word in another")
    widest = max((found for _, found in values), key=lambda found: found.width)
    result = Known(step_id, widest.kind, widest.choices if len(cases) == 1 else {}, _lowest(values), widest.width)
    if len(cases) > 1 and result.kind == "choice":
        raise NotCarried("it copies the answers to different questions")
    # The step has another id than the name it sets: questions and names share none.
    if len(cases) == 1:
        return [{"id": ids.take(f"{step_id}_vaut"), "set": {step_id: values[0][0]}}], result
    after = place + 1 + len(cases)
    tests = [{"if": test, "go": place + 1 + at} for at, (test, _) in enumerate(cases[:-1])]
    steps: list[dict[str, Any]] = [{"id": ids.take(f"{step_id}_si"), "when": [*tests, {"else": after - 1}]}]
    for value, _ in values:
        steps.append({"id": ids.take(f"{step_id}_vaut"), "set": {step_id: value}, "next": after})
    return steps, result


def _cases(tree: Xpath, known: Table) -> list[tuple[str, Xpath]]:
    """The cases of `if(test, then, else)`, the last of them without a test."""
    cases: list[tuple[str, Xpath]] = []
    while isinstance(tree, Called) and tree.name == "if" and len(tree.args) == 3:
        test = condition(tree.args[0], known)
        if len(cases) >= _MOST_CASES or not can_be_read(test):
            raise NotCarried("it has too many cases, or too long ones")
        cases.append((expression_text(parse(test)), tree.args[1]))
        tree = tree.args[2]
    return [*cases, ("", tree)]


def _value(tree: Xpath, known: Table) -> tuple[str, Known]:
    if isinstance(tree, Word) and '"' not in tree.value:
        return f'"{tree.value}"', Known("", "word", width=len(tree.value))
    if isinstance(tree, Figure) and tree.written.lstrip("-").isdecimal() and len(tree.written) <= 9:
        return tree.written, Known("", "number", low=int(tree.written), width=len(tree.written))
    if isinstance(tree, Ref) and tree.name in known:
        return known[tree.name].id, known[tree.name]
    if isinstance(tree, Called) and tree.name == "count-selected" and len(tree.args) == 1:
        of = tree.args[0]
        if isinstance(of, Ref) and of.name in known and known[of.name].kind == "list":
            return f"count({known[of.name].id})", Known("", "number", width=4)
    raise NotCarried("a conversation keeps words, numbers, copies and counts, and computes nothing")


def _lowest(values: list[tuple[str, Known]]) -> int:
    return min(found.low for _, found in values)
