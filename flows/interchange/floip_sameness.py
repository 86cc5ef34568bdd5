"""What another tool changed in a flow of ours that our format has no place for: found by writing the flow out again."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from flows.interchange.floip_names import ours
from flows.interchange.floip_out import to_floip
from flows.interchange.floip_parts import ACTIONS
from flows.model import Flow

Json = Mapping[str, Any]
_OF_FLOW: Final = ("name", "label", "interaction_timeout", "supported_modes", "languages", "first_block_id")
# Where a tool draws a block says nothing to a caller, and a name of ours is in the metadata too.
_OF_BLOCK: Final = ("type", "config", "exits")


def changes(given: Json, flow: Flow) -> Iterator[str]:
    """One line for each thing in the container that the flow made of it does not say."""
    made = to_floip(flow, _base_of(given))
    for key in _OF_FLOW:
        if given.get(key) != made[key]:
            yield f"its `{key}` was changed outside, or is written anew because something else was"
    blocks = {block["uuid"]: block for block in made["blocks"]}
    for block in _listed(given.get("blocks")):
        again = blocks.get(str(block.get("uuid")))
        if ours(block) and again is not None:
            different = [key for key in _OF_BLOCK if block.get(key) != again[key]]
            if different:
                what = " and ".join(different)
                yield f"block '{block.get('name')}': its {what} changed outside and came over in part"
    texts = {resource["uuid"]: resource for resource in made["resources"]}
    for resource in _listed(given.get("resources")):
        again = texts.get(str(resource.get("uuid")))
        if again is not None and resource.get("values") != again["values"]:
            first = _listed(resource.get("values"))[:1]
            yield f'a text changed outside came over in part ("{str(first[0].get("value"))[:40] if first else ""}")'


def _base_of(given: Json) -> str:
    """The address of our actions, as the container has it."""
    for block in _listed(given.get("blocks")):
        config = block.get("config")
        url = config.get("url") if isinstance(config, Mapping) else None
        if isinstance(url, str) and ACTIONS in url:
            return url.rpartition(ACTIONS)[0]
    return ""


def _listed(value: object) -> list[Json]:
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []
