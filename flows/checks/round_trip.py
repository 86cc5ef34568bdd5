"""Check 20: written as FLOIP and read again, a flow is the flow it was, and what was written is sound FLOIP.

Other platforms are promised our flows in that form; what they send back must not have lost anything on the way.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any, Final

from flows.findings import ERROR, Finding
from flows.interchange.carried_over import CarriedOver
from flows.interchange.floip_in import flow_from
from flows.interchange.floip_names import uuid_of
from flows.interchange.floip_out import to_floip
from flows.interchange.flow_writing import draft_of, flow_dict
from flows.linking import Draft
from flows.links import broken_links
from flows.mistakes import FlowMistake
from flows.model import Flow, Library, Run

Json = Mapping[str, Any]
_BLOCK_NAME: Final = re.compile(r"[a-zA-Z_]\w+")


def check_round_trip(flow: Flow, library: Library) -> Iterator[Finding]:
    """20: the flow is equal to what comes back from FLOIP. A flow whose links are broken is not sent at all."""
    run = (step.flow for step in flow.steps.values() if isinstance(step, Run))
    if any(broken_links(flow)) or any(each not in library.flows for each in run):
        return
    try:
        document = to_floip(flow)
        problems = [*_unsound(document), *_lost(flow, document, library)]
    except FlowMistake as mistake:
        problems = [("", mistake.problem)]
    for step, problem in problems:
        line = flow.steps[step].line if step in flow.steps else 0
        yield Finding(flow.file, step, "", ERROR, f"{problem}: please report it", 20, line)


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


def _unsound(document: Json) -> Iterator[tuple[str, str]]:
    """What no reader of FLOIP would take."""
    blocks = document["blocks"]
    known = {block["uuid"] for block in blocks}
    names = [block["name"].casefold() for block in blocks]
    if document["first_block_id"] not in known or len(known) < len(blocks):
        yield "", "its blocks in FLOIP cannot be told apart"
    for block in blocks:
        step = str(block["vendor_metadata"]["laseli"].get("id", block["vendor_metadata"]["laseli"].get("part_of")))
        if not _BLOCK_NAME.fullmatch(block["name"]) or names.count(block["name"].casefold()) > 1:
            yield step, f"its block in FLOIP cannot be called '{block['name']}'"
        if [way for way in block["exits"] if way.get("default")] != block["exits"][-1:]:
            yield step, "its block in FLOIP needs one way for all that no test takes, and that one last"
        for way in block["exits"]:
            if way.get("destination_block", document["first_block_id"]) not in known:
                yield step, f"its way '{way['name']}' leads nowhere in FLOIP"
