"""FLOIP containers made to hang a machine, or broken in any place: a sentence, soon, and never a trace."""

from __future__ import annotations

import copy
import json
import random
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.floip.floip_checks import check_container
from flows.floip.floip_container import read_container
from flows.floip.floip_runner import answer, begin
from flows.floip.floip_state import RunState, read_request
from flows.interchange.floip_in import from_container
from flows.interchange.floip_out import to_container
from flows.loader import load_library, load_sources
from flows.mistakes import FlowMistake

NOW = datetime(2026, 3, 5)
OURS = to_container(load_library(), "messages")
TEXT = "00000000-0000-4000-8000-ffffffffffff"
Json = dict[str, Any]


def uuid(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012d}"


def a_block(number: int, of: int = 1, kind: str = "MobilePrimitives.Message", **config: Any) -> Json:
    """A block that leads to the next one, the last to the end."""
    to = uuid(number + 1) if number + 1 < of else None
    leave = {"uuid": uuid(10**6 + number), "name": "suite", "default": True, "destination_block": to}
    return {"uuid": uuid(number), "name": f"b{number}", "type": kind, "config": config, "exits": [leave]}


def a_container(*blocks: Json, values: int = 1, languages: int = 1) -> Json:
    said = {"language_id": "1", "content_type": "TEXT", "modes": ["USSD"], "value": "Bonjour"}
    flow = {
        "uuid": uuid(10**7),
        "name": "essai",
        "languages": [{"id": str(each), "iso_639_3": "fra"} for each in range(1, languages + 1)],
        "supported_modes": ["USSD"],
        "first_block_id": blocks[0]["uuid"],
        "blocks": list(blocks),
        "resources": [{"uuid": TEXT, "values": [said] * values}],
    }
    return {"specification_version": "1.0.0-rc4", "uuid": uuid(10**8), "name": "essai", "flows": [flow]}


def run(container: Json, *typed: str) -> str:
    """The run after these replies, as it is kept."""
    made = read_container(container)
    turn = begin(made, None, read_request({"language": "fra", "mode": "USSD"}, None), NOW)
    for each in typed:
        turn = answer(made, RunState.from_json(turn.state.to_json()), each)
    return turn.state.to_json()


def crowded(key: str, kind: str) -> Json:
    return a_container(a_block(0, kind=kind, prompt=TEXT, **{key: [{"name": "x"}] * 1_001}))


TOO_LARGE: dict[str, tuple[Callable[[], Json], str]] = {
    "flows": (lambda: {"flows": [{"uuid": "x"}] * 501}, "the container has 501 flows, 500 at most"),
    "blocks": (lambda: a_container(*[a_block(0)] * 20_001), "20001 blocks in all, 20000 at most"),
    "languages": (lambda: a_container(a_block(0), languages=51), "flow 1 has 51 languages, 50 at most"),
    "values": (lambda: a_container(a_block(0), values=201), "flow 1, resource 1 has 201 values, 200 at most"),
    "exits": (lambda: a_container({**a_block(0), "exits": [{}] * 1_001}), "flow 1, block 1 has 1001 exits, 1000"),
    "choices": (lambda: crowded("choices", "MobilePrimitives.SelectOneResponse"), "has 1001 choices, 1000 at most"),
    "properties": (lambda: crowded("set_contact_property", "Core.Case"), "has 1001 set_contact_property, 1000"),
    "groups": (lambda: crowded("groups", "Core.SetGroupMembership"), "has 1001 groups, 1000 at most"),
}  # fmt: skip


@pytest.mark.parametrize("what", TOO_LARGE)
def test_what_is_larger_than_any_conversation_is_refused_with_its_place(what: str) -> None:
    make, told = TOO_LARGE[what]
    container = make()
    began = time.process_time()
    for use in (from_container, read_container):
        with pytest.raises(FlowMistake) as refused:
            use(container)
        assert told in str(refused.value)
    [finding] = check_container(container)
    assert (finding.level, told in finding.message) == ("error", True)
    assert time.process_time() - began < 3


def test_many_flows_of_many_blocks_are_taken_in_a_few_at_a_time() -> None:
    container = a_container(*[a_block(each, 1_000, prompt=TEXT) for each in range(1_000)])
    flow = container["flows"][0]
    container["flows"] = [{**flow, "uuid": uuid(2 * 10**7 + each)} for each in range(6)]
    with pytest.raises(FlowMistake, match="more than 5000 blocks together; take fewer flows"):
        from_container(container)


def sets(pairs: int, value: str, blocks: int) -> Json:
    def properties(block: int) -> list[Json]:
        return [{"property_key": f"k{block}_{each}", "property_value": value} for each in range(pairs)]

    kind = "Core.SetContactProperty"
    return a_container(*[a_block(each, blocks, kind, set_contact_property=properties(each)) for each in range(blocks)])


@pytest.mark.parametrize(
    "container",
    [
        sets(60, '@(REPT("a", 9999))', 900),
        sets(1_000, "x", 900),
        a_container(
            *[
                a_block(
                    each,
                    900,
                    "Core.SetGroupMembership",
                    groups=[{"group_key": f"{each}_{one}"} for one in range(500)],
                    is_member=True,
                )
                for each in range(900)
            ]
        ),
    ],
    ids=["long values", "many properties", "many groups"],
)
def test_what_a_turn_changes_has_an_end(container: Json) -> None:
    began = time.process_time()
    with pytest.raises(FlowMistake, match="one turn may change 2000 properties and groups"):
        run(container)
    assert time.process_time() - began < 5


def test_what_a_run_keeps_has_an_end() -> None:
    """Each turn logs half of what a turn may say; a run that never ends would keep it all."""
    logs = [a_block(each, 50, "Core.Log", message='@(REPT("a", 9999))') for each in range(49)]
    ask = a_block(49, 50, "MobilePrimitives.OpenResponse", prompt=TEXT)
    ask["exits"][0]["destination_block"] = uuid(0)
    with pytest.raises(FlowMistake, match="the run keeps more than 5000000 characters"):
        run(a_container(*logs, ask), *["oui"] * 20)
    assert len(run(a_container(*logs, ask), "oui")) > 900_000


# --- broken anywhere ----------------------------------------------------------------------------------------------

ODD = [
    None, True, 0, -1, 1e308, 10**400, "", "a" * 5000, "\0", "\x85", "@(" * 50, "{x}", "}{", "../../etc/passwd",
    "é" * 300, "\u202e", "\ud800", "a\nb: c", "&a *a", "!!python/object", [], {}, [[]], {"": ""}, [None] * 100, "end",
    "__proto__", {"laseli": {"id": "../x", "kind": "when", "keys": {"steps": 1}}},
]  # fmt: skip


def places(held: Any) -> Iterator[tuple[Any, Any]]:
    """Every (holder, key) in a JSON value."""
    for key in list(held) if isinstance(held, dict) else range(len(held)):
        yield held, key
        if isinstance(held[key], dict | list):
            yield from places(held[key])


def broken(luck: random.Random) -> Json:
    container = copy.deepcopy(OURS)
    for _ in range(luck.choice([1, 1, 2, 5])):
        holder, key = luck.choice(list(places(container)))
        other, its_key = luck.choice(list(places(container)))
        holder[key] = copy.deepcopy(luck.choice([*ODD, other[its_key]]))
    return container


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32))
def test_a_container_broken_anywhere_is_flows_that_load_or_a_sentence(seed: int) -> None:
    container = broken(random.Random(seed))
    json.dumps([finding.message for finding in check_container(container)])
    try:
        sources, report = from_container(container)
    except FlowMistake as mistake:
        str(mistake).encode()
    else:
        load_sources(sources)
        assert all("/" not in name and len(name) < 100 for name in sources)
        assert not any("\n" in line for line in report)
    try:
        run(container, "1", "\0", "9" * 400)
    except FlowMistake:
        return


def test_half_a_letter_is_refused_before_it_can_reach_a_file() -> None:
    container = copy.deepcopy(OURS)
    container["flows"][0]["name"] = "Bonjour \ud83d"
    with pytest.raises(FlowMistake, match="half a letter"):
        from_container(container)
