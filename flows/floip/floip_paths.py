"""The ways through flows: what is never reached, what goes in circles without asking, what cannot end."""

from collections.abc import Callable, Iterable, Mapping

from flows.floip.floip_container import QUESTIONS, RUN_FLOW, FloipBlock, FloipContainer, FloipFlow
from flows.floip.floip_findings import FloipFinding, error, warning

Edges = Callable[[str], Iterable[str]]


def check_paths(container: FloipContainer) -> list[FloipFinding]:
    """The findings on the ways through all flows."""
    silent = _fixed(container, _can_be_silent)
    ending = _fixed(container, _can_end)
    findings: list[FloipFinding] = []
    for flow in container.flows.values():
        findings += _unreached(flow)
        findings += _circles(container, flow, silent)
        findings += _endless(container, flow, ending)
    return [*findings, *_self_calls(container, silent)]


def _goes_to(flow: FloipFlow, uuid: str) -> list[str]:
    destinations = (each.destination for each in flow.blocks[uuid].exits)
    return [each for each in destinations if each is not None and each in flow.blocks]


def _child(container: FloipContainer, block: FloipBlock) -> str | None:
    """The flow a block runs, None for other blocks and for flows that are not there."""
    flow = container.flow(block.config.get("flow_id")) if block.type == RUN_FLOW else None
    return flow.uuid if flow else None


def _fixed(
    container: FloipContainer, holds: Callable[[FloipContainer, FloipFlow, Mapping[str, bool]], bool]
) -> dict[str, bool]:
    """What holds of each flow, where it depends on the flows that it runs: the least answer that fits."""
    known = {flow.uuid: False for flow in container.flows.values()}
    changed = True
    while changed:
        changed = False
        for flow in container.flows.values():
            if not known[flow.uuid] and holds(container, flow, known):
                known[flow.uuid] = changed = True
    return known


def _passes(container: FloipContainer, block: FloipBlock, known: Mapping[str, bool]) -> bool:
    """Whether one can get past a block; past a RunFlow only if what it runs allows it."""
    child = _child(container, block)
    return child is None or known[child]


def _silently(container: FloipContainer, flow: FloipFlow, known: Mapping[str, bool]) -> Edges:
    def next_of(uuid: str) -> list[str]:
        block = flow.blocks[uuid]
        silent = block.type not in QUESTIONS and _passes(container, block, known)
        return _goes_to(flow, uuid) if silent else []

    return next_of


def _can_be_silent(container: FloipContainer, flow: FloipFlow, known: Mapping[str, bool]) -> bool:
    """Whether a flow can be gone through without a question."""
    reached = _reached([flow.first_block], _silently(container, flow, known))
    blocks = (flow.blocks[uuid] for uuid in reached)
    return any(_may_stop(each) and each.type not in QUESTIONS and _passes(container, each, known) for each in blocks)


def _can_end(container: FloipContainer, flow: FloipFlow, known: Mapping[str, bool]) -> bool:
    return flow.first_block in _with_an_end(container, flow, known)


def _with_an_end(container: FloipContainer, flow: FloipFlow, known: Mapping[str, bool]) -> set[str]:
    """The blocks from which the flow's end can be reached."""
    came_from: dict[str, list[str]] = {uuid: [] for uuid in flow.blocks}
    ends = []
    for uuid, block in flow.blocks.items():
        if _passes(container, block, known):
            for to in _goes_to(flow, uuid):
                came_from[to].append(uuid)
            if _may_stop(block):
                ends.append(uuid)
    return _reached(ends, lambda uuid: came_from[uuid])


def _may_stop(block: FloipBlock) -> bool:
    return not block.exits or any(each.destination is None for each in block.exits)


def _roots(flow: FloipFlow) -> list[str]:
    return [flow.first_block, *([flow.exit_block] if flow.exit_block else [])]


def _unreached(flow: FloipFlow) -> list[FloipFinding]:
    reached = _reached(_roots(flow), lambda uuid: _goes_to(flow, uuid))
    return [
        warning(block.name, f"no way of flow '{flow.name}' leads here")
        for uuid, block in flow.blocks.items()
        if uuid not in reached
    ]


def _circles(container: FloipContainer, flow: FloipFlow, silent: Mapping[str, bool]) -> list[FloipFinding]:
    next_of = _silently(container, flow, silent)
    findings = []
    for circle in _knots(list(flow.blocks), next_of):
        names = [flow.blocks[uuid].name for uuid in circle]
        listed = ", ".join(names[:6]) + (", ..." if len(names) > 6 else "")
        findings.append(error(names[0], f"goes in circles without a question: {listed}"))
    return findings


def _endless(container: FloipContainer, flow: FloipFlow, ending: Mapping[str, bool]) -> list[FloipFinding]:
    fine = _with_an_end(container, flow, ending)
    reached = _reached(_roots(flow), lambda uuid: _goes_to(flow, uuid))
    stuck = [block.name for uuid, block in flow.blocks.items() if uuid in reached and uuid not in fine]
    if not stuck:
        return []
    listed = ", ".join(stuck[:6]) + (", ..." if len(stuck) > 6 else "")
    return [warning(stuck[0], f"from here flow '{flow.name}' cannot end: {listed}")]


def _self_calls(container: FloipContainer, silent: Mapping[str, bool]) -> list[FloipFinding]:
    """Flows that are run again inside themselves before anything is asked."""
    calls: dict[str, dict[str, str]] = {}
    for flow in container.flows.values():
        reached = _reached([flow.first_block], _silently(container, flow, silent))
        blocks = [block for uuid, block in flow.blocks.items() if uuid in reached]
        calls[flow.uuid] = {child: block.name for block in blocks if (child := _child(container, block))}
    findings = []
    for knot in _knots(list(calls), lambda uuid: calls[uuid]):
        flow = next(each for each in container.flows.values() if each.uuid == knot[0])
        block = next(name for child, name in calls[flow.uuid].items() if child in knot)
        findings.append(error(block, f"runs flow '{flow.name}' inside itself before anything is asked"))
    return findings


# --- graphs -------------------------------------------------------------------------------------------------------


def _reached(starts: Iterable[str], next_of: Edges) -> set[str]:
    found = set(starts)
    waiting = list(found)
    while waiting:
        for each in next_of(waiting.pop()):
            if each not in found:
                found.add(each)
                waiting.append(each)
    return found


def _knots(nodes: list[str], next_of: Edges) -> list[list[str]]:
    """The groups of nodes that lead to each other, each in the order of `nodes` (Kosaraju's two passes)."""
    finished = _in_order_of_leaving(nodes, next_of)
    came_from: dict[str, list[str]] = {node: [] for node in nodes}
    for node in nodes:
        for to in next_of(node):
            came_from[to].append(node)
    place = {node: number for number, node in enumerate(nodes)}
    taken: set[str] = set()

    def came_from_untaken(uuid: str) -> list[str]:
        return [each for each in came_from[uuid] if each not in taken]

    knots = []
    for node in reversed(finished):
        if node not in taken:
            group = _reached([node], came_from_untaken)
            taken |= group
            if len(group) > 1 or node in next_of(node):
                knots.append(sorted(group, key=place.__getitem__))
    return sorted(knots, key=lambda knot: place[knot[0]])


def _in_order_of_leaving(nodes: list[str], next_of: Edges) -> list[str]:
    seen: set[str] = set()
    left: list[str] = []
    for start in nodes:
        if start in seen:
            continue
        seen.add(start)
        way = [(start, iter(next_of(start)))]
        while way:
            node, coming = way[-1]
            to = next((each for each in coming if each not in seen), None)
            if to is None:
                left.append(node)
                way.pop()
            else:
                seen.add(to)
                way.append((to, iter(next_of(to))))
    return left
