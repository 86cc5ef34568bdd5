"""Blocks that came from us, back to steps. FLOIP's own words count; our metadata only adds what they cannot say.

So a text or a way changed in another tool comes back changed.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from flows.conditions import BadCondition, Constant, Expression, parse
from flows.interchange.floip_expressions import operand_back, read_back, read_operand
from flows.interchange.floip_grammar import Call as Called
from flows.interchange.floip_grammar import Literal, NotRead, Tree, read_expression
from flows.interchange.floip_names import OURS, ours
from flows.interchange.floip_parts import ACTIONS
from flows.interchange.floip_reading import Json, Reading, listed, mapping, properties_set, words
from flows.interchange.flow_writing import called, expression_text
from flows.model import Call

Step = dict[str, Any]


def own_step(block: Json, reading: Reading) -> Step | None:
    """The step this block stands for, without its `next`; None when it is no block of ours."""
    own = ours(block)
    make = _OF_KIND.get(words(own.get("kind")))
    if make is None:
        return None
    step: Step = {"id": reading.id_of(block), **make(block, own, reading)}
    step.update({key: value for key, value in mapping(own.get("keys")).items() if isinstance(key, str)})
    return step


def next_of(block: Json, reading: Reading) -> str | None:
    """Where a block of ours leads to; of a question that is read by a case, where the case does."""
    part = reading.parts.get((reading.id_of(block), "read"))
    ways = [*reading.exits(block), *(reading.exits(part) if part is not None else [])]
    found = [way for way in ways if way.get("name") in ("next", "worked", "is answered", "is read")]
    return reading.target(found[0]) if found else None


def _say(block: Json, own: Json, reading: Reading) -> Step:
    return {"say": _text(block, own, reading, "prompt")}


def _end(block: Json, own: Json, reading: Reading) -> Step:
    prompt = mapping(block.get("config")).get("prompt")
    return {"end": _text(block, own, reading, "prompt") if prompt is not None else None}


def _menu(block: Json, own: Json, reading: Reading) -> Step:
    kind = words(own.get("kind"))
    if own.get("from_data"):
        return _menu_from_data(block, own, reading)
    step: Step = {kind: _text(block, own, reading, "prompt", "question_prompt"), **_ways(block, reading)}
    choices = map(mapping, listed(mapping(block.get("config")).get("choices")))
    hints = mapping(own.get("texts"))
    options = {
        words(each.get("name")): reading.text(each.get("prompt"), hints.get(f"choice {each.get('name')}"))
        for each in choices
    }
    lists = mapping(mapping(mapping(ours(reading.flow)).get("keys")).get("lists"))
    name = own.get("list")
    step["options"] = name if isinstance(name, str) and lists.get(name) == options else options
    if "language" in [key for key, _ in properties_set(block)]:
        step["sets_language"] = "true"
    return step


def _menu_from_data(block: Json, own: Json, reading: Reading) -> Step:
    step_id = reading.id_of(block)
    below = dict.fromkeys(reading.spoken(), f"\n@(contact.{reading.flow_id}__{step_id}__choices)")
    step: Step = {words(own.get("kind")): _text(block, own, reading, "prompt", below=below), **_ways(block, reading)}
    fetch = reading.parts.get((step_id, "choices"), {})
    step |= called("options_from", _call(fetch, reading), brackets=True)
    for way in reading.exits(fetch):
        if way.get("name") in listed(own.get("ways")):
            step[words(way.get("name"))] = reading.target(way)
    return step


def _number(block: Json, own: Json, reading: Reading) -> Step:
    config = mapping(block.get("config"))
    bounds = {"from": str(config.get("validation_minimum")), "to": str(config.get("validation_maximum"))}
    return {"number": _text(block, own, reading, "prompt"), **bounds, **_ways(block, reading)}


def _typed(block: Json, own: Json, reading: Reading) -> Step:
    kind = words(own.get("kind"))
    below = _lines(mapping(mapping(own.get("keys")).get("or")), reading)
    return {kind: _text(block, own, reading, "prompt", below=below), **_ways(block, reading)}


def _lines(options: Json, reading: Reading) -> dict[str, str]:
    """The numbered lines that stand under a question whose answer is typed."""
    found = dict.fromkeys(reading.spoken(), "")
    for place, label in enumerate(map(mapping, options.values()), 1):
        for language in found:
            usual = next((label[each] for each in ("all", *reading.spoken()) if each in label), "")
            found[language] += f"\n{place} {words(label.get(language, usual)).replace('@', '@@')}"
    return found


def _when(block: Json, own: Json, reading: Reading) -> Step:
    branches: list[dict[str, Any]] = []
    written = listed(own.get("if"))
    for place, way in enumerate(each for each in reading.exits(block) if not each.get("default")):
        test = _condition(words(way.get("test")), words(written[place]) if place < len(written) else "", reading)
        if test is not None:
            branches.append({"if": test, "go": reading.target(way)})
    otherwise = [reading.target(way) for way in reading.exits(block) if way.get("default")]
    if otherwise and otherwise[0] is not None:
        branches.append({"else": otherwise[0]})
    return {"when": branches}


def _condition(test: str, written: str, reading: Reading) -> str | None:
    """The condition as its author wrote it, if it still says the same."""
    try:
        found = read_back(test, reading.name)
    except NotRead as strange:
        reading.report.leave(f"a branch on {strange} cannot be said in our conditions; it is left out")
        return None
    try:
        same = bool(written) and parse(written) == found
    except BadCondition:
        same = False
    return written if same else expression_text(found)


def _run(block: Json, own: Json, reading: Reading) -> Step:
    flow = words(mapping(block.get("config")).get("flow_id"))
    return {"run": reading.flow_ids.get(flow) or words(own.get("run"))}


def _do(block: Json, own: Json, reading: Reading) -> Step:
    step: Step = called("do", _call(block, reading))
    fails = [reading.target(way) for way in reading.exits(block) if way.get("default")]
    return step | ({"fails": fails[0]} if fails and fails[0] is not None else {})


def _set(block: Json, own: Json, reading: Reading) -> Step:
    values = {}
    for key, value in properties_set(block):
        try:
            found = read_operand(value, reading.name)
            values[key.removeprefix(f"{reading.flow_id}__")] = expression_text(found)
        except NotRead as strange:
            reading.report.leave(f"'{key}' is set to {strange}, which a `set` of ours cannot; it is left out")
    return {"set": values}


# --- parts --------------------------------------------------------------------------------------------------------


def _text(
    block: Json, own: Json, reading: Reading, role: str, key: str = "prompt", *, below: Mapping[str, str] | None = None
) -> dict[str, str]:
    hints = mapping(own.get("texts")).get(role)
    return reading.text(mapping(block.get("config")).get(key), hints, below)


def _ways(block: Json, reading: Reading) -> Step:
    """The ways out of a question: by choice, after too many wrong answers, and what is said after a wrong one."""
    step_id = reading.id_of(block)
    case = reading.parts.get((step_id, "read"))
    ways = [*reading.exits(block), *(reading.exits(case) if case is not None else [])]
    found: Step = {}
    go = {words(way.get("name")): reading.target(way) for way in ways if _is_by_choice(way, reading, block)}
    if go:
        found["go"] = go
    tries = reading.parts.get((step_id, "tries"))
    for way in reading.exits(tries) if tries is not None else ():
        if way.get("name") == "give up":
            found["give_up"] = reading.target(way)
    wrong = reading.parts.get((step_id, "wrong"))
    if wrong is not None:
        found["wrong"] = _text(wrong, ours(wrong), reading, "wrong")
    return found


def _is_by_choice(way: Json, reading: Reading, block: Json) -> bool:
    """A way by choice has its choice's name, which holds no space; one that merely goes on says so."""
    name = words(way.get("name"))
    if " " in name or way.get("default"):
        return False
    goes_on = mapping(mapping(way.get("vendor_metadata")).get(OURS)).get("next")
    return not goes_on or reading.target(way) != next_of(block, reading)


def _call(block: Json, reading: Reading) -> Call:
    config = mapping(block.get("config"))
    action = words(config.get("url")).rpartition(ACTIONS)[2]
    args: dict[str, Expression] = {}
    try:
        body = json.loads(words(config.get("body")) or "{}")
    except (ValueError, RecursionError):
        body = {}
        reading.report.leave(f"the arguments of '{action}' cannot be read; they are left out")
    for name, value in mapping(body).items():
        try:
            args[name] = _argument(value, reading)
        except NotRead as strange:
            reading.report.leave(f"the argument '{name}' of '{action}' is {strange}; it is left out")
    return Call(action, args)


def _argument(value: object, reading: Reading) -> Expression:
    if isinstance(value, str) and value.startswith("@("):
        return operand_back(_unguarded(read_expression(value)), reading.name)
    if isinstance(value, str):
        return Constant(value.replace("@@", "@"))
    if isinstance(value, int) and not isinstance(value, bool):
        return Constant(value)
    raise NotRead("no word and no number")


def _unguarded(tree: Tree) -> Tree:
    """A value without what gives nothing for the unknown, and keeps its quotes from ending the JSON around it."""
    if isinstance(tree, Called) and tree.function == "IF" and Literal("") in tree.args[1:]:
        tree = next((each for each in tree.args[1:] if each != Literal("")), tree)
    while isinstance(tree, Called) and tree.function in ("SUBSTITUTE", "CLEAN") and tree.args:
        tree = tree.args[0]
    return tree


_OF_KIND: Final[dict[str, Callable[[Json, Json, Reading], Step]]] = {
    "say": _say,
    "end": _end,
    "menu": _menu,
    "pick": _menu,
    "number": _number,
    "text": _typed,
    "date": _typed,
    "phone": _typed,
    "when": _when,
    "run": _run,
    "do": _do,
    "set": _set,
}
