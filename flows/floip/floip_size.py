"""How large a container may be: counted before anything is made of it, so that none can hang a machine."""

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from flows.mistakes import FlowMistake

MOST_FLOWS: Final = 500
MOST_BLOCKS: Final = 20_000
MOST_LANGUAGES: Final = 50
MOST_VALUES: Final = 200
MOST_IN_A_BLOCK: Final = 1_000


class _Counted(NamedTuple):
    place: str
    what: str
    many: int
    most: int


def refuse_too_large(raw: object) -> None:
    """Raises FlowMistake, which names the place and the limit, for what is larger than any conversation."""
    for found in _counted(raw):
        if found.many > found.most:
            raise FlowMistake(f"{found.place} has {found.many} {found.what}, {found.most} at most")


def _counted(raw: object) -> Iterator[_Counted]:
    flows = _listed(raw, "flows")
    yield _Counted("the container", "flows", len(flows), MOST_FLOWS)
    yield _Counted("the container", "blocks in all", sum(len(_listed(flow, "blocks")) for flow in flows), MOST_BLOCKS)
    yield from _values(raw, "the container")
    for number, flow in enumerate(flows, start=1):
        place = f"flow {number}"
        yield _Counted(place, "languages", len(_listed(flow, "languages")), MOST_LANGUAGES)
        yield from _values(flow, place)
        for at, block in enumerate(_listed(flow, "blocks"), start=1):
            yield from _of_block(block, f"{place}, block {at}")


def _values(raw: object, place: str) -> Iterator[_Counted]:
    for number, resource in enumerate(_listed(raw, "resources"), start=1):
        yield _Counted(f"{place}, resource {number}", "values", len(_listed(resource, "values")), MOST_VALUES)


def _of_block(block: object, place: str) -> Iterator[_Counted]:
    config = block.get("config") if isinstance(block, Mapping) else None
    for holder, key in ((block, "exits"), (config, "choices"), (config, "set_contact_property"), (config, "groups")):
        yield _Counted(place, key, len(_listed(holder, key)), MOST_IN_A_BLOCK)


def _listed(raw: object, key: str) -> list[Any]:
    """What stands there, which older drafts kept by name."""
    held = raw.get(key) if isinstance(raw, Mapping) else None
    if isinstance(held, Mapping) and key in ("choices", "resources"):
        return list(held.values())
    return held if isinstance(held, list) else []
