"""A FLOIP container as flows of ours. Our own containers come back as they were; others as far as they can be said."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from flows.floip.floip_size import refuse_too_large
from flows.interchange.carried_over import CarriedOver
from flows.interchange.floip_foreign import foreign_steps
from flows.interchange.floip_foreign_choices import choice_keys
from flows.interchange.floip_names import ours
from flows.interchange.floip_own import next_of, own_step
from flows.interchange.floip_read_texts import changed_since_read
from flows.interchange.floip_reading import Json, Reading, free, listed, mapping, slug, words
from flows.interchange.floip_sameness import changes
from flows.interchange.flow_writing import yaml_of
from flows.loader import load_sources
from flows.mistakes import FlowMistake
from flows.model import LANGUAGES
from flows.step_reading import ID

_MOST_FLOWS: Final = 200
_MOST_BLOCKS: Final = 2000
_MOST_IN_ALL: Final = 5000
_TARGETS: Final = ("give_up", "empty", "fails", "next")


def from_container(container: object) -> tuple[dict[str, str], list[str]]:
    """(files by name, one line for each thing not carried over). FlowMistake when nothing can be made of it."""
    try:
        return _taken_in(container)
    except RecursionError:
        raise FlowMistake("the container is nested too deep to be a conversation") from None


def _taken_in(container: object) -> tuple[dict[str, str], list[str]]:
    _refuse_half_letters(container)
    report = CarriedOver()
    flows = [flow for flow in map(mapping, listed(mapping(container).get("flows"))) if words(flow.get("uuid"))]
    if not flows:
        raise FlowMistake("this is no FLOIP container with flows in it: it needs `flows`, each with a `uuid`")
    refuse_too_large(container)
    if len(flows) > _MOST_FLOWS:
        raise FlowMistake(f"the container holds {len(flows)} flows; take at most {_MOST_FLOWS} at a time")
    if sum(len(listed(flow.get("blocks"))) for flow in flows) > _MOST_IN_ALL:
        raise FlowMistake(f"the flows have more than {_MOST_IN_ALL} blocks together; take fewer flows at a time")
    ids = _flow_ids(flows)
    dicts = {}
    for flow in flows:
        flow_id = ids[words(flow["uuid"])]
        dicts[flow_id] = flow_from(flow, ids, report.at(f"flow '{words(flow.get('name')) or flow_id}'"))
    sources = {f"{flow_id}.yaml": _yaml(written) for flow_id, written in dicts.items()}
    try:
        library = load_sources(sources)
    except FlowMistake as mistake:
        raise FlowMistake(f"nothing could be made of this container: {mistake}") from None
    for flow in flows:
        if ours(flow):
            told = report.at(f"flow '{words(flow.get('name'))}'")
            for change in changes(flow, library.get(ids[words(flow["uuid"])])):
                told.leave(change)
    return sources, report.lines


def _refuse_half_letters(container: object) -> None:
    """JSON may hold half of a pair of surrogates, which no file and no terminal takes."""
    try:
        json.dumps(container, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise FlowMistake("the container holds half a letter (a lone surrogate): export it again") from None
    except (TypeError, ValueError):
        raise FlowMistake("this is no FLOIP container: it holds what JSON has no form for") from None


def flow_from(flow: Json, ids: Mapping[str, str], report: CarriedOver) -> dict[str, Any]:
    """One flow as our file says it, as a plain dict. FlowMistake when it speaks none of our languages."""
    if len(listed(flow.get("blocks"))) > _MOST_BLOCKS:
        raise FlowMistake(f"a flow of more than {_MOST_BLOCKS} blocks is more than a conversation; cut it into flows")
    reading = Reading(flow, ids, report)
    if not reading.languages:
        known = ", ".join(LANGUAGES)
        raise FlowMistake(f"{report.place}: none of its languages is ours ({known}), so nothing could be made of it")
    if not reading.steps:
        raise FlowMistake(f"{report.place}: it has no blocks, so nothing could be made of it")
    steps = _steps(reading)
    keys = {key: value for key, value in mapping(ours(flow).get("keys")).items() if isinstance(key, str)}
    return {
        "flow": reading.flow_id,
        "version": "1",
        "title": {"all": words(flow.get("name")).strip().translate(_NO_BRACES) or reading.flow_id},
        "languages": reading.spoken(),
        **({"facts": facts} if (facts := reading.facts()) else {}),
        **keys,
        **_reviewed(keys, reading),
        "steps": steps,
    }


_NO_BRACES: Final = str.maketrans("{}", "()")


def _flow_ids(flows: list[Json]) -> dict[str, str]:
    """Our id by FLOIP's; our own flows have theirs before others are named."""
    ids: dict[str, str] = {}
    for flow in sorted(flows, key=lambda each: not ours(each)):
        wanted = words(ours(flow).get("id"))
        if not ID.fullmatch(wanted) or wanted in ids.values():
            wanted = slug(words(flow.get("name")), "conversation")
        if words(flow["uuid"]) not in ids:
            ids[words(flow["uuid"])] = free(wanted, ids.values())
    return ids


def _reviewed(keys: Json, reading: Reading) -> dict[str, Any]:
    """What a speaker has read is never taken from a flow of others, nor of ours once its words are other ones."""
    said = mapping(keys.get("reviewed"))
    reviewed = {each: words(said.get(each)) or "false" for each in reading.spoken() if each != "fr" or each in said}
    for language in changed_since_read(reading.flow, ours(reading.flow), reading.languages):
        if language != "fr" and reviewed.get(language) == "true":
            reviewed[language] = "false"
            reading.report.leave(f"its '{language}' was changed since a speaker had read it: `reviewed` is false again")
    return {"reviewed": reviewed} if reviewed else {}


def _yaml(written: dict[str, Any]) -> str:
    try:
        return yaml_of(written)
    except FlowMistake as mistake:
        raise FlowMistake(f"nothing could be made of this container: {mistake}") from None


def _steps(reading: Reading) -> list[dict[str, Any]]:
    for block in reading.steps:
        if not ours(block):
            reading.choices[reading.id_of(block)] = choice_keys(block, reading)
    made = [each for block in reading.steps for each in _made(block, reading)]
    end = free("fin", {*reading.ids.values(), *reading.kept.values()})
    steps = []
    needed = False
    for place, (step, target) in enumerate(made):
        is_last = place == len(made) - 1
        below = None if is_last else made[place + 1][0]["id"]
        if "end" not in step and "when" not in step and not (is_last and target is None and step.get("own")):
            needed = needed or target is None
            if (target or end) != below:
                step["next"] = target or end
        needed = _to_the_end(step, end) or needed
        step.pop("own", None)
        steps.append(step)
    return [*steps, {"id": end, "end": None}] if needed else steps


def _made(block: Json, reading: Reading) -> Iterator[tuple[dict[str, Any], str | None]]:
    told = reading.at(f"block '{words(block.get('name')) or reading.id_of(block)}'")
    step = own_step(block, told)
    if step is None:
        yield from foreign_steps(block, told)
        return
    if "run" in step and step["run"] not in reading.flow_ids.values():
        told.report.leave("the flow it runs is not in the container; callers pass it over")
        yield {"id": step["id"], "when": [{"else": next_of(block, told)}]}, None
        return
    yield step | {"own": True}, next_of(block, told)


def _to_the_end(step: dict[str, Any], end: str) -> bool:
    """Ways that lead nowhere lead to an end; whether there were any."""
    needed = False
    for key in _TARGETS:
        if key in step and step[key] is None:
            step[key], needed = end, True
    for choice, target in step.get("go", {}).items():
        if target is None:
            step["go"][choice], needed = end, True
    for branch in step.get("when", ()):
        for key in ("go", "else"):
            if key in branch and branch[key] is None:
                branch[key], needed = end, True
    return needed
