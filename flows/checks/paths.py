"""Checks 2 to 5: links lead somewhere, every step is reached, every path ends, and no loop goes without a question."""

from collections.abc import Callable, Iterator, Mapping

from flows.findings import ERROR, Finding
from flows.linking import consent_problems, strange_choices
from flows.links import Way, broken_links, ways_out
from flows.mistakes import nearest
from flows.model import Ask, End, Flow, Library, Menu, Run, Step, When


def check_links(flow: Flow, library: Library) -> Iterator[Finding]:
    """2: every `go`, `next`, `fails`, `give_up`, `run` and `sms` leads to something that exists."""
    for step, way in broken_links(flow):
        remedy = nearest(str(way.target), flow.steps)
        yield _found(flow, step, f"`{way.by}` leads to '{way.target}', which does not exist; {remedy}", 2)
    for step in flow.steps.values():
        for choice in strange_choices(step):
            known = [option.key for option in step.options] if isinstance(step, Ask) else []
            yield _found(flow, step, f"`go` names '{choice}', which is no choice here; {nearest(choice, known)}", 2)
        if isinstance(step, Run) and step.flow not in library.flows:
            remedy = nearest(step.flow, library.flows)
            yield _found(flow, step, f"runs '{step.flow}', which does not exist; {remedy}", 2)
    if flow.if_dropped is not None and flow.if_dropped.sms not in flow.texts:
        remedy = nearest(flow.if_dropped.sms, flow.texts)
        message = f"if_dropped sends '{flow.if_dropped.sms}', which is none of the `texts`; {remedy}"
        yield Finding(flow.file, "", "", ERROR, message, 2)
    for message in consent_problems(flow):
        yield Finding(flow.file, "", "", ERROR, message, 2)


def check_reached(flow: Flow) -> Iterator[Finding]:
    """3: every step can be reached from the first."""
    reached = reachable(flow)
    for step in flow.steps.values():
        if step.id not in reached:
            message = "nobody can get here: lead a `go` or `next` to it, or take it away"
            yield _found(flow, step, message, 3)


def check_ends(flow: Flow) -> Iterator[Finding]:
    """4: from every step an `end` can be reached, nothing falls off the last line, and silence ends too."""
    reached = reachable(flow)
    ending = _can_end(flow)
    for step in flow.steps.values():
        if step.id not in reached:
            continue
        if not isinstance(step, When) and any(way.target is None for way in ways_out(step)):
            yield _found(flow, step, "the flow falls off its last line here: put an `end` below, or a `next`", 4)
        elif step.id not in ending:
            yield _found(flow, step, "no way from here ever reaches an `end`: let one of them lead to one", 4)
    for ring in rings(flow, reached, _of_one_not_understood):
        if not any(isinstance(flow.steps[step_id], Ask) for step_id in ring):
            continue
        names = " > ".join([*ring, ring[0]])
        message = f"whoever cannot be understood goes round for ever ({names}): let a `give_up` lead to an `end`"
        yield _found(flow, flow.steps[ring[0]], message, 4)


def check_loops(flow: Flow) -> Iterator[Finding]:
    """5: no loop without a question in it."""
    for ring in rings(flow, reachable(flow), _without_a_question(flow)):
        names = " > ".join([*ring, ring[0]])
        message = f"this goes round without asking anything ({names}): put a question or an `end` into the loop"
        yield _found(flow, flow.steps[ring[0]], message, 5)


def reachable(flow: Flow) -> set[str]:
    """The steps a caller can come to."""
    return _closure([flow.first], {step.id: _targets(step, flow) for step in flow.steps.values()})


def rings(flow: Flow, among: set[str], ways: Callable[[Step], Iterator[Way]]) -> list[list[str]]:
    """The rings that these ways make among these steps, each told once, from its first step in the file."""
    onward = {
        step_id: [way.target for way in ways(flow.steps[step_id]) if way.target in flow.steps and way.target]
        for step_id in flow.steps
        if step_id in among
    }
    found: list[list[str]] = []
    told: set[str] = set()
    for start in onward:
        ring = _ring_from(start, onward)
        if ring and not told & set(ring):
            told |= set(ring)
            found.append(ring)
    return found


def _ring_from(start: str, onward: Mapping[str, list[str]]) -> list[str]:
    """The shortest way from a step back to itself."""
    ways = [[start]]
    seen: set[str] = set()
    while ways:
        way = ways.pop(0)
        for target in onward.get(way[-1], []):
            if target == start:
                return way
            if target not in seen:
                seen.add(target)
                ways.append([*way, target])
    return []


def _of_one_not_understood(step: Step) -> Iterator[Way]:
    """The ways of a caller whose answers can never be read."""
    for way in ways_out(step):
        if not isinstance(step, Ask) or way.by in {"give_up", "empty", "fails"}:
            yield way


def _without_a_question(flow: Flow) -> Callable[[Step], Iterator[Way]]:
    """The ways on which nobody is asked anything. Some menus answer themselves when there is nothing to choose."""

    def ways(step: Step) -> Iterator[Way]:
        if isinstance(step, Run) and step.id in flow.children and _always_asks(flow.children[step.id]):
            return
        silent = isinstance(step, Menu) and (step.sets_language or step.skip_if_one)
        for way in ways_out(step):
            if not isinstance(step, Ask) or (silent and way.by != "give_up") or way.by in {"empty", "fails"}:
                yield way

    return ways


def _always_asks(flow: Flow) -> bool:
    """Whether nobody comes through the flow without being asked something."""
    ways = _without_a_question(flow)
    targets = {step.id: {way.target for way in ways(step) if way.target} for step in flow.steps.values()}
    passed = _closure([flow.first], targets)
    return not any(isinstance(flow.steps[step_id], End) for step_id in passed if step_id in flow.steps)


def _can_end(flow: Flow) -> set[str]:
    """The steps from which an `end` can be reached."""
    back: dict[str, set[str]] = {step_id: set() for step_id in flow.steps}
    for step in flow.steps.values():
        for target in _targets(step, flow):
            back[target].add(step.id)
    return _closure([step.id for step in flow.steps.values() if isinstance(step, End)], back)


def _targets(step: Step, flow: Flow) -> set[str]:
    return {way.target for way in ways_out(step) if way.target is not None and way.target in flow.steps}


def _closure(start: list[str], onward: Mapping[str, set[str]]) -> set[str]:
    found: set[str] = set()
    waiting = list(start)
    while waiting:
        step_id = waiting.pop()
        if step_id not in found:
            found.add(step_id)
            waiting.extend(onward.get(step_id, ()))
    return found


def _found(flow: Flow, step: Step, message: str, check: int) -> Finding:
    return Finding(flow.file, step.id, "", ERROR, message, check, step.line)
