"""Blocks made by others, as far as our format can say them. Each thing left out is told; nothing is guessed silently.

A block we have no step for is passed over: callers go on where its last way leads.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from flows.conditions import Constant, Expression
from flows.interchange.floip_expressions import read_back, read_operand
from flows.interchange.floip_foreign_choices import choice_keys, condition_text, options_of, question_without_lines
from flows.interchange.floip_grammar import Call, Literal, NotRead, Operation, Tree, Variable, read_expression
from flows.interchange.floip_reading import Json, Reading, free, mapping, properties_set, words
from flows.interchange.flow_writing import expression_text
from flows.mistakes import FlowMistake

Step = dict[str, Any]
# A step and the one that follows it; None where the flow ends.
Made = tuple[Step, str | None]
LONGEST_TEXT: Final = 160
LARGEST_NUMBER: Final = 999_999
_ANSWERED: Final = frozenset({"ISSTRING", "ISNUMBER", "ISBOOL", "HAS_TEXT", "HAS_NUMBER", "COUNT"})
_READS: Final = re.compile(r"(?:block|contact|flow|results|run)\.\w", re.ASCII)


@dataclass(slots=True)
class Ways:
    """Where the exits of a block lead: by choice, by a condition, when answered, and otherwise."""

    go: dict[str, str | None] = field(default_factory=dict)
    branches: list[tuple[str, str | None]] = field(default_factory=list)
    answered: list[str | None] = field(default_factory=list)
    otherwise: list[str | None] = field(default_factory=list)

    def next(self) -> str | None:
        return (self.answered or self.otherwise or [None])[0]


def foreign_steps(block: Json, reading: Reading) -> list[Made]:
    """The steps for a block of others, in their order."""
    kind = words(block.get("type")).replace("\\", ".")
    step_id = reading.id_of(block)
    make = _OF_TYPE.get(kind)
    if make is None:
        reading.report.leave(f"a {kind[:60] or 'block without a type'} has no step of ours; callers pass it over")
        return [_passed(step_id, _last_way(block, reading))]
    return make(block, step_id, reading)


def _passed(step_id: str, target: str | None) -> Made:
    return {"id": step_id, "when": [{"else": target}]}, None


def _last_way(block: Json, reading: Reading) -> str | None:
    """Where the default exit leads, or the last one."""
    exits = reading.exits(block)
    ways = [way for way in exits if way.get("default")] or exits[-1:]
    return reading.target(ways[0]) if ways else None


def _message(block: Json, step_id: str, reading: Reading) -> list[Made]:
    config = mapping(block.get("config"))
    text = reading.text(config.get("prompt") or config.get("message"))
    target = _last_way(block, reading)
    after = _kept(block, step_id, reading)
    if target is None and not after:
        return [({"id": step_id, "end": text}, None)]
    return _chained([{"id": step_id, "say": text}, *after], target)


def _select(block: Json, step_id: str, reading: Reading) -> list[Made]:
    config = mapping(block.get("config"))
    keys = choice_keys(block, reading)
    if not keys:
        reading.report.leave("it has no choices; it is asked as a text")
        return _open(block, step_id, reading)
    kind = "pick" if words(block.get("type")).endswith("SelectManyResponses") else "menu"
    options = options_of(block, keys, reading)
    question = config.get("question_prompt")
    text = reading.text(question if question else config.get("prompt"))
    if not question:
        text = question_without_lines(text, len(options))
    step: Step = {"id": step_id, kind: text, "options": options}
    ways = _ways(block, step_id, reading, keys)
    if kind == "pick" and ways.go:
        ways.branches = [(f'{step_id} == "{key}"', to) for key, to in ways.go.items()] + ways.branches
        reading.report.leave("its ways by choice lead by what was picked alone: our `pick` has no ways of its own")
    elif ways.go:
        step["go"] = ways.go
    if kind == "menu" and _is_language(block, options, reading):
        step["sets_language"] = "true"
    covered = bool(ways.answered) or set(options) <= set(ways.go)
    return _question(block, step, ways, reading, covered)


def _is_language(block: Json, options: Json, reading: Reading) -> bool:
    if "language" not in [key for key, _ in properties_set(block)]:
        return False
    if all(key in reading.spoken() for key in options):
        return True
    reading.report.leave("it sets the language to something else than a choice among ours; that is left out")
    return False


def _numeric(block: Json, step_id: str, reading: Reading) -> list[Made]:
    config = mapping(block.get("config"))
    low = _bound(config.get("validation_minimum"), 0, "smallest", reading)
    high = _bound(config.get("validation_maximum"), max(LARGEST_NUMBER, low), "largest", reading)
    step: Step = {"id": step_id, "number": reading.text(config.get("prompt")), "from": str(low), "to": str(high)}
    ways = _ways(block, step_id, reading, {})
    return _question(block, step, ways, reading, bool(ways.answered or ways.branches))


def _bound(value: object, usual: int, which: str, reading: Reading) -> int:
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 10**9:
        if value != int(value):
            reading.report.leave(f"its {which} number {value} has a fraction; ours are whole")
        return int(value)
    reading.report.leave(f"it gives no {which} number; `{usual}` stands for it: write the real one")
    return usual


def _open(block: Json, step_id: str, reading: Reading) -> list[Made]:
    config = mapping(block.get("config"))
    longest = _longest(block, reading)
    if longest is None:
        reading.report.leave(f"it gives no longest answer; `max: {LONGEST_TEXT}` stands for it: write the real one")
        longest = LONGEST_TEXT
    text = reading.text(config.get("prompt") or config.get("question_prompt"))
    step: Step = {"id": step_id, "text": text, "max": str(longest)}
    ways = _ways(block, step_id, reading, {})
    return _question(block, step, ways, reading, bool(ways.answered or ways.branches))


def _longest(block: Json, reading: Reading) -> int | None:
    """The most characters of an answer, from an early draft's setting or from a test of its length."""
    found = [mapping(mapping(block.get("config")).get("text")).get("max_response_characters")]
    for way in reading.exits(block):
        try:
            tree = read_expression(words(way.get("test")) or "TRUE")
        except NotRead:
            continue
        for each in tree.args if isinstance(tree, Call) else (tree,):
            if _is_length(each) and isinstance(each, Operation) and isinstance(each.right, Literal):
                found.append(each.right.value)
    return next((n for n in found if isinstance(n, int) and not isinstance(n, bool) and 1 <= n <= 1000), None)


def _is_length(tree: Tree) -> bool:
    """LEN(block.value) <= 24"""
    if not isinstance(tree, Operation) or tree.sign != "<=" or not isinstance(tree.right, Literal):
        return False
    return isinstance(tree.left, Call) and tree.left.function == "LEN" and _is_answer(tree.left.args)


def _question(block: Json, step: Step, ways: Ways, reading: Reading, covered: bool) -> list[Made]:
    """A question, what is kept of its answer, and the branches its exits made on it."""
    step_id = step["id"]
    unread = ways.otherwise[0] if ways.otherwise and covered else None
    if unread is not None and unread != step_id:
        step["give_up"] = unread
        reading.report.leave("its default exit became `give_up`: with us three answers in a row lead there, not one")
    steps = [step, *_kept(block, step_id, reading)]
    if not ways.branches:
        return _chained(steps, ways.next())
    when = _new_id(f"{step_id}_suite", reading)
    branches: list[Step] = [{"if": test, "go": to} for test, to in ways.branches]
    return [*_chained(steps, when), ({"id": when, "when": [*branches, {"else": ways.next()}]}, None)]


def _chained(steps: list[Step], target: str | None) -> list[Made]:
    following = [*[each["id"] for each in steps[1:]], target]
    return list(zip(steps, following, strict=True))


def _new_id(wanted: str, reading: Reading) -> str:
    found = free(wanted, {*reading.ids.values(), *reading.kept.values()})
    reading.ids[f"made {found}"] = found
    return found


# --- exits --------------------------------------------------------------------------------------------------------


def _ways(block: Json, step_id: str, reading: Reading, keys: Json) -> Ways:
    ways = Ways()
    for way in reading.exits(block):
        target = reading.target(way)
        if way.get("default"):
            ways.otherwise.append(target)
            continue
        try:
            tree = read_expression(words(way.get("test")) or "TRUE")
            if _is_answered(tree):
                ways.answered.append(target)
            elif (key := _chosen(tree, step_id, reading, keys)) is not None:
                ways.go[key] = target
            else:
                ways.branches.append((_test(words(way.get("test")), step_id, reading), target))
        except NotRead as strange:
            reading.report.leave(f"an exit on {strange} cannot be said in our conditions; it is left out")
    return ways


def _is_answered(tree: Tree) -> bool:
    """A test that holds for every answer that could be read."""
    if tree == Literal(True) or _is_length(tree):
        return True
    if isinstance(tree, Call) and tree.function == "AND" and tree.args:
        return all(_is_answered(each) or _is_of_our_kind(each) for each in tree.args)
    if isinstance(tree, Operation) and isinstance(tree.left, Call) and tree.left.function == "COUNT":
        return tree.sign == ">" and tree.right == Literal(0) and _is_answer(tree.left.args)
    return isinstance(tree, Call) and tree.function in _ANSWERED and _is_answer(tree.args)


def _is_of_our_kind(tree: Tree) -> bool:
    """What our own questions see to by themselves: an answer at all, a whole number, a text that is no number."""
    if isinstance(tree, Call) and tree.function == "IF" and tree.args[1:] == (Literal(False), Literal(True)):
        return _is_answered(tree.args[0])
    if not isinstance(tree, Operation) or not _is_answer((tree.left,)):
        return False
    whole = isinstance(tree.right, Call) and tree.right.function == "FIXED" and _is_answer(tree.right.args[:1])
    return whole if tree.sign == "=" else tree.sign == "<>" and tree.right == Literal(None)


def _is_answer(args: tuple[Tree, ...]) -> bool:
    return len(args) == 1 and isinstance(args[0], Variable) and args[0].path.lower() in _ANSWER_PATHS


_ANSWER_PATHS: Final = frozenset({"block.value", "block.response"})


def _chosen(tree: Tree, step_id: str, reading: Reading, keys: Json) -> str | None:
    """The choice that a test such as `block.value = "oui"` asks for."""
    if not isinstance(tree, Operation) or tree.sign != "=" or not isinstance(tree.right, Literal | Variable):
        return None
    if not isinstance(tree.left, Variable) or _answer_name(step_id, reading)(tree.left.path) != step_id:
        return None
    # The specification's own example compares with a bare word.
    said = tree.right.path if isinstance(tree.right, Variable) else str(tree.right.value)
    found = keys.get(said.casefold())
    return found if isinstance(found, str) else None


def _answer_name(step_id: str, reading: Reading) -> Callable[[str], str | None]:
    return lambda path: step_id if path.lower() in _ANSWER_PATHS else reading.name(path)


def _test(written: str, step_id: str, reading: Reading) -> str:
    return condition_text(read_back(written, _answer_name(step_id, reading)), reading)


# --- blocks without a question ------------------------------------------------------------------------------------


def _case(block: Json, step_id: str, reading: Reading) -> list[Made]:
    branches: list[Step] = []
    for way in reading.exits(block):
        if way.get("default"):
            continue
        try:
            branches.append({"if": _test(words(way.get("test")), step_id, reading), "go": reading.target(way)})
        except NotRead as strange:
            reading.report.leave(f"a branch on {strange} cannot be said in our conditions; it is left out")
    otherwise = [reading.target(way) for way in reading.exits(block) if way.get("default")]
    branches.append({"else": otherwise[0] if otherwise else None})
    return [({"id": step_id, "when": branches}, None)]


def _run(block: Json, step_id: str, reading: Reading) -> list[Made]:
    flow = reading.flow_ids.get(words(mapping(block.get("config")).get("flow_id")))
    target = _last_way(block, reading)
    if flow is None:
        reading.report.leave("the flow it runs is not in the container; callers pass it over")
        return [_passed(step_id, target)]
    return _chained([{"id": step_id, "run": flow}, *_kept(block, step_id, reading)], target)


def _set(block: Json, step_id: str, reading: Reading) -> list[Made]:
    values = dict(_values(properties_set(block), step_id, reading))
    target = _last_way(block, reading)
    return [({"id": step_id, "set": values}, target)] if values else [_passed(step_id, target)]


def _output(block: Json, step_id: str, reading: Reading) -> list[Made]:
    target = _last_way(block, reading)
    try:
        value = _value(words(mapping(block.get("config")).get("value")), step_id, reading)
    except NotRead as strange:
        reading.report.leave(f"it writes {strange}, which a `set` of ours cannot; callers pass it over")
        return [_passed(step_id, target)]
    return [({"id": step_id, "set": {step_id: value}}, target)]


def _log(block: Json, step_id: str, reading: Reading) -> list[Made]:
    reading.report.leave("nothing is logged from a flow of ours; callers pass it over")
    return [_passed(step_id, _last_way(block, reading))]


def _kept(block: Json, step_id: str, reading: Reading) -> list[Step]:
    """What a block keeps of its answer as properties of the contact, as a `set` behind it."""
    values = dict(_values(properties_set(block), step_id, reading))
    return [{"id": _new_id(f"{step_id}_garde", reading), "set": values}] if values else []


def _values(pairs: list[tuple[str, str]], step_id: str, reading: Reading) -> Iterator[tuple[str, str]]:
    for key, value in pairs:
        if key == "language":
            continue
        try:
            yield reading.set_name(key), _value(value, step_id, reading)
        except NotRead as strange:
            reading.report.leave(f"'{key[:40]}' is set to {strange}, which a `set` of ours cannot; it is left out")


def _value(written: str, step_id: str, reading: Reading) -> str:
    """A value of a `set`: an expression, or words as they stand."""
    is_expression = written.startswith("@") or bool(_READS.match(written))
    tree: Expression = read_operand(written, _answer_name(step_id, reading)) if is_expression else Constant(written)
    try:
        return expression_text(tree)
    except FlowMistake:
        raise NotRead("a word with both kinds of quotes") from None


_OF_TYPE: Final[dict[str, Callable[[Json, str, Reading], list[Made]]]] = {
    "MobilePrimitives.Message": _message,
    "MobilePrimitives.SelectOneResponse": _select,
    "MobilePrimitives.SelectManyResponses": _select,
    "MobilePrimitives.NumericResponse": _numeric,
    "MobilePrimitives.OpenResponse": _open,
    "Core.Case": _case,
    "Core.RunFlow": _run,
    "Core.SetContactProperty": _set,
    "Core.Output": _output,
    "Core.Log": _log,
}
