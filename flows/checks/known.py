"""Check 10: a name is known on every way to the step that reads it.

Follows all ways through a flow at once and keeps, for each step, the names that every way to it has given a value.
"""

from collections.abc import Iterator, Mapping

from flows.conditions import Among, Both, Compare, Constant, Either, Expression, Function, Name, Not, names_in, walk
from flows.findings import ERROR, WARNING, Finding, Signature
from flows.links import Way, ways_out
from flows.mistakes import nearest
from flows.model import Ask, Call, Day, Do, End, Flow, Menu, Run, Say, Set, Step, When

Known = frozenset[str]


def check_known(flow: Flow, actions: Mapping[str, Signature]) -> Iterator[Finding]:
    """10: names exist, and have a value on every way to where they are read."""
    known = known_at(flow)
    for step in flow.steps.values():
        for name in _names_of_texts(step):
            yield from _read(flow, step, name, known.get(step.id), "is put into a text")
        if isinstance(step, Day):
            for bound in (step.earliest, step.latest):
                if bound.name is not None:
                    yield from _read(flow, step, bound.name, known.get(step.id), "is a limit of the date")
        if (call := call_of(step)) is not None:
            yield from _args(flow, step, call, known.get(step.id), actions)
        if isinstance(step, Set):
            for tree in step.values.values():
                for name in sorted(names_in(tree)):
                    yield from _read(flow, step, name, known.get(step.id), "is set to another name", WARNING)
        if isinstance(step, When):
            yield from _conditions(flow, step, known.get(step.id))


def call_of(step: Step) -> Call | None:
    """The action a step calls, if it calls one."""
    if isinstance(step, Do):
        return step.call
    return step.source if isinstance(step, Menu) else None


def known_at(flow: Flow) -> dict[str, Known]:
    """For each step that can be reached, the names known on every way to it. Facts are always known."""
    known: dict[str, Known] = {flow.first: frozenset()}
    waiting = [flow.first]
    while waiting:
        step = flow.steps[waiting.pop()]
        for way, after in _after(flow, step, known[step.id]):
            if way.target is None or way.target not in flow.steps:
                continue
            before = known.get(way.target)
            both = after if before is None else before & after
            if both != before:
                known[way.target] = both
                waiting.append(way.target)
    return known


def known_at_end(flow: Flow) -> Known:
    """The names known whichever `end` a caller came to."""
    ends = [names for step_id, names in known_at(flow).items() if isinstance(flow.steps[step_id], End)]
    return frozenset.intersection(*ends) if ends else frozenset()


def _after(flow: Flow, step: Step, before: Known) -> Iterator[tuple[Way, Known]]:
    if isinstance(step, When):
        learnt: Known = frozenset()
        for branch in step.branches:
            yield Way("go", branch.target), _forgotten(flow, step, branch.target, before | learnt | shows(branch.test))
            learnt |= shows(branch.test, holds=False)
        yield Way("else", step.otherwise), _forgotten(flow, step, step.otherwise, before | learnt)
        return
    for way in ways_out(step):
        yield (
            way,
            _forgotten(flow, step, way.target, before - _lost(flow, step, before) | _given(flow, step, way, before)),
        )


def _given(flow: Flow, step: Step, way: Way, before: Known) -> Known:
    """The names that leaving a step by this way gives a value."""
    if isinstance(step, Ask) and way.by in {"go", "next"}:
        open_ways = {option.key for option in step.options} - set(step.go) if not isinstance(step, Menu) else set()
        unknown = bool(open_ways) if way.by == "next" else not isinstance(step, Menu)
        return frozenset() if unknown else frozenset({step.id})
    if isinstance(step, Do) and way.by == "next":
        return frozenset(step.gives)
    if isinstance(step, Set):
        return frozenset(name for name, tree in step.values.items() if names_in(tree) <= before | set(flow.facts))
    if isinstance(step, Run) and step.id in flow.children:
        return frozenset(f"{step.id}.{name}" for name in known_at_end(flow.children[step.id]))
    return frozenset()


def _lost(flow: Flow, step: Step, before: Known) -> Known:
    """The names that a step takes their old value from."""
    if isinstance(step, Set):
        return frozenset(step.values)
    if isinstance(step, Run):
        return frozenset(name for name in before if name.startswith(f"{step.id}."))
    return frozenset({step.id}) if isinstance(step, Ask) else frozenset()


def _forgotten(flow: Flow, step: Step, target: str | None, known: Known) -> Known:
    """Going up the page forgets what was said from there down, as the engine does."""
    if target is None or target not in flow.position or flow.position[target] > flow.position[step.id]:
        return known
    names, prefixes = flow.below[target]
    return frozenset(name for name in known if name not in names and not name.startswith(prefixes or ("\0",)))


def shows(test: Expression, *, holds: bool = True) -> Known:
    """The names that must be known when a condition holds, or when it does not."""
    if isinstance(test, Not):
        return shows(test.inner, holds=not holds)
    if isinstance(test, Both | Either):
        left, right = shows(test.left, holds=holds), shows(test.right, holds=holds)
        return left | right if isinstance(test, Both) == holds else left & right
    if not holds:
        return frozenset()
    if isinstance(test, Name):
        return frozenset({test.name})
    if isinstance(test, Compare) and (test.sign != "==" or isinstance(test.right, Constant)):
        return names_in(test)
    return names_in(test.item) if isinstance(test, Among) else frozenset()


def _names_of_texts(step: Step) -> list[str]:
    texts = [step.text] if isinstance(step, Say | End | Ask) and step.text is not None else []
    if isinstance(step, Ask) and step.wrong is not None:
        texts.append(step.wrong)
    return sorted({name for text in texts for name in text.names})


def _args(
    flow: Flow, step: Step, call: Call, known: Known | None, actions: Mapping[str, Signature]
) -> Iterator[Finding]:
    signature = actions.get(call.action, Signature())
    for arg, tree in call.args.items():
        may_be_unknown = signature.args.get(arg, "").endswith("?")
        for name in sorted(names_in(tree)):
            if not may_be_unknown or name not in flow.names:
                yield from _read(flow, step, name, known, f"is the `{arg}` of {call.action}")


def _conditions(flow: Flow, step: When, known: Known | None) -> Iterator[Finding]:
    learnt: Known = frozenset()
    for branch in step.branches:
        guarded = learnt | _tested(branch.test)
        for name in sorted(names_in(branch.test)):
            if name not in flow.names:
                yield from _read(flow, step, name, known, f'is in "{branch.written}"')
            elif name not in guarded:
                yield from _read(flow, step, name, known, f'is compared in "{branch.written}"', WARNING)
        learnt |= shows(branch.test, holds=False)


def _tested(test: Expression) -> Known:
    """The names that a condition asks for as such: whether they are known at all."""
    compared = {name for part in walk(test) if isinstance(part, Compare | Among | Function) for name in names_in(part)}
    return names_in(test) - compared | shows_as_such(test)


def shows_as_such(test: Expression) -> Known:
    """Names guarded by an `and` beside the comparison: `due and due == ...`."""
    if isinstance(test, Both):
        return shows_as_such(test.left) | shows_as_such(test.right)
    return frozenset({test.name}) if isinstance(test, Name) else frozenset()


def _read(flow: Flow, step: Step, name: str, known: Known | None, how: str, level: str = ERROR) -> Iterator[Finding]:
    if name not in flow.names:
        message = f"'{name}' {how}, but nothing here is called so; {nearest(name, flow.names)}"
        yield Finding(flow.file, step.id, "", ERROR, message, 10, step.line)
    elif known is not None and name not in known and name not in flow.facts:
        message = f"'{name}' {how}, but on some way here it has no value: ask it, set it, or test it on every way"
        yield Finding(flow.file, step.id, "", level, message, 10, step.line)
