"""Our flows as one FLOIP 1.0.0-rc4 container: a flow and the sub-flows it runs. The same flows give the same bytes."""

import json
from typing import Any, Final

from flows.interchange.floip_blocks import Blocks
from flows.interchange.floip_names import ISO, OURS, SPECIFICATION, languages_of, uuid_of
from flows.interchange.floip_read_texts import fingerprints
from flows.interchange.floip_texts import MODES
from flows.interchange.flow_writing import flow_dict
from flows.model import Flow, Library

Json = dict[str, Any]
# A flow knows its version and no hour; a clock here would make every export differ.
LAST_MODIFIED: Final = "2000-01-01T00:00:00.000000Z"
_USUAL_TIMEOUT: Final = 24 * 3600
_SHORTEST_NAME: Final = 3
_SAID_BY_FLOW: Final = frozenset({"flow", "languages", "steps"})


def to_container(flows: Library, flow_id: str, base: str = "") -> Json:
    """The container of this flow and, through and through, of its sub-flows. `base` is the address of our actions.

    KeyError when there is no such flow.
    """
    return container_of(flows.get(flow_id), base)


def container_of(first: Flow, base: str = "") -> Json:
    """The same of a flow in hand."""
    return {
        "specification_version": SPECIFICATION,
        "uuid": uuid_of("container", first.id),
        "name": _name_of(first),
        "description": f"{first.id}, version {first.version}, with its sub-flows",
        "vendor_metadata": {OURS: {"first": first.id}},
        "flows": [to_floip(flow, base) for flow in family_of(first)],
    }


def container_text(container: Json) -> str:
    """The container as a file."""
    return json.dumps(container, ensure_ascii=False, indent=2) + "\n"


def family_of(flow: Flow) -> list[Flow]:
    """The flow and all that it runs, each once, in the order they are met."""
    found = {flow.id: flow}
    waiting = [flow]
    while waiting:
        for child in waiting.pop(0).children.values():
            if child.id not in found:
                found[child.id] = child
                waiting.append(child)
    return list(found.values())


def to_floip(flow: Flow, base: str = "") -> Json:
    """One flow, without the container around it."""
    written = flow_dict(flow)
    blocks = Blocks(flow, {step["id"]: step for step in written["steps"]}, base)
    made = [block for step in flow.steps.values() for block in blocks.of(step)]
    keys = {key: value for key, value in written.items() if key not in _SAID_BY_FLOW}
    return {
        "uuid": uuid_of("flow", flow.id),
        "name": _name_of(flow),
        "label": flow.id,
        "last_modified": LAST_MODIFIED,
        "interaction_timeout": flow.resume.within if flow.resume is not None else _USUAL_TIMEOUT,
        "supported_modes": list(MODES),
        "languages": languages_of(flow.languages),
        "first_block_id": blocks.entry(),
        "blocks": made,
        "resources": blocks.resources,
        "vendor_metadata": {OURS: {"id": flow.id, "keys": keys, **_read_texts(flow, blocks.resources)}},
    }


def _read_texts(flow: Flow, resources: list[Json]) -> Json:
    """Which texts a speaker has read; French needs nobody's word."""
    languages = [each for each, reviewed in flow.reviewed.items() if reviewed and each != "fr"]
    return {"read": fingerprints(languages, resources, ISO)} if languages else {}


def only_ours(container: Json) -> list[str]:
    """One line for each key that other platforms do not act on, with the steps that have it, and what is not kept."""
    found: dict[str, list[str]] = {}
    for flow in container["flows"]:
        for key in flow["vendor_metadata"][OURS]["keys"]:
            if key in _ACTED_ON:
                found.setdefault(key, []).append(flow["label"])
        for block in flow["blocks"]:
            own = block["vendor_metadata"][OURS]
            for key in [*own.get("keys", ()), *(["options_from"] if own.get("from_data") else [])]:
                if key not in _MEANT_BY_FLOIP:
                    found.setdefault(key, []).append(f"{flow['label']}/{own['id']}")
    lines = [f"`{key}`: carried along, but only we act on it ({_some(places)})" for key, places in found.items()]
    return [*lines, "comments in the files are not carried along"]


_ACTED_ON: Final = ("start", "resume", "if_dropped", "texts", "unfinished", "sensitive")
# Their meaning is in the blocks as well.
_MEANT_BY_FLOIP: Final = frozenset({"from", "to", "or", "gives", "country", "max"})


def _some(places: list[str]) -> str:
    return ", ".join(places[:5]) + (f" and {len(places) - 5} more" if len(places) > 5 else "")


def _name_of(flow: Flow) -> str:
    title = "".join(flow.title.true[flow.languages[0]]).strip()
    return title if len(title) >= _SHORTEST_NAME else f"{title} ({flow.id})".strip()
