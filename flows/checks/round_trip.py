"""Check 20: written as FLOIP and read again, a flow is the flow it was, and what was written is sound FLOIP.

Other platforms are promised our flows in that form; what they send back must not have lost anything on the way.
"""

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any, Final

from flows.findings import ERROR, Finding
from flows.floip.floip_checks import check_container
from flows.floip.floip_findings import ERROR as FLOIP_ERROR
from flows.interchange.carried_over import CarriedOver
from flows.interchange.floip_in import flow_from
from flows.interchange.floip_names import OURS, uuid_of
from flows.interchange.floip_out import container_of, family_of, to_floip
from flows.interchange.flow_writing import draft_of, flow_dict
from flows.linking import Draft
from flows.links import broken_links
from flows.mistakes import FlowMistake
from flows.model import Ask, Flow, Library, Run

Json = Mapping[str, Any]


def check_round_trip(flow: Flow, library: Library) -> Iterator[Finding]:
    """20: the flow is equal to what comes back from FLOIP. A flow whose links are broken is not sent at all."""
    run = (step.flow for step in flow.steps.values() if isinstance(step, Run))
    if any(broken_links(flow)) or any(each not in library.flows for each in run):
        return
    try:
        problems = list(_lost(flow, to_floip(flow), library))
    except FlowMistake as mistake:
        problems = [("", mistake.problem)]
    for step, problem in problems:
        yield _found(flow, step, f"{problem}: please report it")
    for step, one, other in _alike(flow):
        yield _found(
            flow, step, f"'{one}' and '{other}' are one choice to FLOIP, where capitals say nothing: rename one"
        )


def check_sound(library: Library) -> Iterator[Finding]:
    """20: the checker that strangers use finds no error in the containers of a library that has no fault of its own.

    A flow that another one runs is in that one's container.
    """
    run = {child.id for flow in library.flows.values() for child in family_of(flow)[1:]}
    for flow in library.flows.values():
        if flow.id not in run:
            yield from _of_container(container_of(flow), library)


def _of_container(container: Json, library: Library) -> Iterator[Finding]:
    blocks = [(block, flow["label"]) for flow in container["flows"] for block in flow["blocks"]]
    places = {block["name"]: (flow_id, block["vendor_metadata"][OURS]) for block, flow_id in reversed(blocks)}
    for found in check_container(container):
        if found.level == FLOIP_ERROR:
            flow_id, own = places.get(found.block, (container["flows"][0]["label"], {}))
            message = f"its FLOIP is not sound, {found.block} {found.message}: please report it"
            yield _found(library.get(flow_id), str(own.get("id", own.get("part_of", ""))), message)


def _found(flow: Flow, step: str, message: str) -> Finding:
    line = flow.steps[step].line if step in flow.steps else 0
    return Finding(flow.file, step, "", ERROR, message, 20, line)


def _lost(flow: Flow, document: Json, library: Library) -> Iterator[tuple[str, str]]:
    """What the flow that comes back says otherwise: (step, problem)."""
    report = CarriedOver()
    ids = {uuid_of("flow", each): each for each in library.flows}
    back, before = flow_from(document, ids, report), flow_dict(flow)
    yield from (("", f"lost on the way to FLOIP: {line}") for line in report.lines)
    steps = {step["id"]: step for step in back["steps"]}
    for step in before["steps"]:
        if steps.get(step["id"]) != step:
            yield step["id"], f"{_different(step, steps.get(step['id'], {}))} does not survive the journey to FLOIP"
    for key in before.keys() | back.keys():
        if key != "steps" and before.get(key) != back.get(key):
            yield "", f"`{key}` does not survive the journey to FLOIP"
    if back == before:
        draft = draft_of(back)
        for each in _DRAWN:
            if getattr(draft, each) != getattr(flow, each):
                yield "", f"'{each}' cannot be written down again as it was read"


_DRAWN: Final = tuple(each.name for each in fields(Draft) if each.compare and each.name != "file")


def _different(one: Json, other: Json) -> str:
    keys = [key for key in [*one, *other] if one.get(key) != other.get(key)]
    return ", ".join(f"`{key}`" for key in dict.fromkeys(keys)) or "the step"


def _alike(flow: Flow) -> Iterator[tuple[str, str, str]]:
    """Choices of one question whose keys differ in their capitals only: (step, one, other)."""
    for step in flow.steps.values():
        seen: dict[str, str] = {}
        for option in step.options if isinstance(step, Ask) else ():
            one = seen.setdefault(option.key.casefold(), option.key)
            if one != option.key:
                yield step.id, one, option.key
