"""Checks of a FLOIP container before anyone meets it: its shape, its links, its words, its ways."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

from flows.floip.floip_block_checks import check_block
from flows.floip.floip_container import OUTPUT, QUESTIONS, FloipContainer, FloipFlow, read_container, uuid_key
from flows.floip.floip_expression_checks import check_expressions, spoken_by
from flows.floip.floip_findings import ERROR, FloipFinding, error, warning
from flows.floip.floip_paths import check_paths
from flows.floip.floip_schema import BLOCK, CONFIGS, CONTAINER, FLOW, check_shape
from flows.floip.floip_size import refuse_too_large
from flows.mistakes import FlowMistake

VERSION: Final = "1.0.0-rc4"
# A hostile container is not answered with a list as long as itself.
_MOST_FINDINGS: Final = 1000


def check_container(raw: object) -> list[FloipFinding]:
    """What is wrong with a JSON document as a container of rc4, errors first. Never raises, whatever it is given."""
    try:
        refuse_too_large(raw)
    except FlowMistake as mistake:
        return [error("", str(mistake))]
    findings = [*_shape(raw), *_identifiers(raw)]
    try:
        container = read_container(raw)
    except FlowMistake as mistake:
        if not any(finding.level == ERROR for finding in findings) or "first block" in str(mistake):
            findings.append(error("", str(mistake)))
    else:
        findings += _meaning(container)
    findings = sorted(dict.fromkeys(findings), key=lambda finding: finding.level)
    return findings[:_MOST_FINDINGS]


def _meaning(container: FloipContainer) -> Iterator[FloipFinding]:
    for flow in container.flows.values():
        yield from _of_flow(flow)
        for block in flow.blocks.values():
            yield from check_block(container, flow, block)
    yield from _names_of_blocks(container)
    yield from check_expressions(container)
    yield from check_paths(container)


# --- shape --------------------------------------------------------------------------------------------------------


def _shape(raw: object) -> list[FloipFinding]:
    findings: list[FloipFinding] = []
    check_shape(CONTAINER, raw, lambda place, wrong: findings.append(error("", f"{place or 'the container'} {wrong}")))
    if not isinstance(raw, Mapping):
        return findings
    version = raw.get("specification_version")
    if isinstance(version, str) and version != VERSION:
        findings.append(warning("", f"the container is of version {version[:20]}; it is read as {VERSION}"))
    flows = raw.get("flows")
    for number, flow in enumerate(flows if isinstance(flows, list) else [], start=1):
        findings += _shape_of_flow(flow, number)
        if len(findings) > _MOST_FINDINGS:
            break
    return findings


def _shape_of_flow(raw: object, number: int) -> list[FloipFinding]:
    findings: list[FloipFinding] = []
    name = raw.get("name") if isinstance(raw, Mapping) else None
    flow = f"flow '{name}'" if isinstance(name, str) else f"flow {number}"
    check_shape(FLOW, raw, lambda place, wrong: findings.append(error("", f"{flow}: {place or 'it'} {wrong}")))
    blocks = raw.get("blocks") if isinstance(raw, Mapping) else None
    for block in blocks if isinstance(blocks, list) else []:
        findings += _shape_of_block(block, flow)
    return findings


def _shape_of_block(raw: object, flow: str) -> list[FloipFinding]:
    findings: list[FloipFinding] = []
    name = raw.get("name") if isinstance(raw, Mapping) else None
    block = name if isinstance(name, str) else ""

    def report(place: str, wrong: str) -> None:
        findings.append(error(block, f"{place or 'it'} {wrong} ({flow})"))

    check_shape(BLOCK, raw, report)
    if isinstance(raw, Mapping) and isinstance(raw.get("type"), str) and isinstance(raw.get("config"), Mapping):
        config, shape = raw["config"], CONFIGS.get(raw["type"])
        if shape:
            check_shape(shape, config, report, "config")
    return findings


# --- identifiers --------------------------------------------------------------------------------------------------


def _identifiers(raw: object) -> Iterator[FloipFinding]:
    """Each uuid stands for one thing. A resource may be repeated in another flow that uses it too."""
    seen: dict[str, str] = {}
    for uuid, kind, block in _uuids(raw):
        if uuid in seen and not (kind == "resource" and seen[uuid].startswith("resource")):
            yield error(block, f"the uuid {uuid} of this {kind} is also that of a {seen[uuid]}")
        seen.setdefault(uuid, f"{kind} '{block}'" if block else kind)
    for flow in _mappings(raw, "flows"):
        counted = Counter(uuid_key(each.get("uuid")) for each in _mappings(flow, "resources"))
        for uuid, times in counted.items():
            if times > 1 and uuid:
                yield error("", f"flow '{flow.get('name')}' has {times} resources of the uuid {uuid}")


def _uuids(raw: object) -> Iterator[tuple[str, str, str]]:
    def found(each: object, kind: str, block: str = "") -> Iterator[tuple[str, str, str]]:
        if isinstance(each, Mapping) and (uuid := uuid_key(each.get("uuid"))):
            yield uuid, kind, block

    yield from found(raw, "container")
    for flow in _mappings(raw, "flows"):
        yield from found(flow, "flow")
        for block in _mappings(flow, "blocks"):
            name = block.get("name") if isinstance(block.get("name"), str) else ""
            yield from found(block, "block", name or "")
            for each in _mappings(block, "exits"):
                yield from found(each, "exit", name or "")
        for each in _mappings(flow, "resources"):
            yield from found(each, "resource")


def _mappings(raw: object, key: str) -> list[Mapping[str, Any]]:
    listed = raw.get(key) if isinstance(raw, Mapping) else None
    return [each for each in listed if isinstance(each, Mapping)] if isinstance(listed, list) else []


# --- flows --------------------------------------------------------------------------------------------------------


def _of_flow(flow: FloipFlow) -> Iterator[FloipFinding]:
    place = f"flow '{flow.name}'"
    for code, times in Counter(language.id for language in flow.languages).items():
        if times > 1:
            yield error("", f"{place} has {times} languages of the identifier '{code}'")
    used = {uuid_key(each) for block in flow.blocks.values() for each in spoken_by(block)}
    used |= {uuid_key(each) for block in flow.blocks.values() for each in _digit_prompts(block.config)}
    languages = {language.id for language in flow.languages}
    for uuid, values in flow.resources.items():
        if uuid not in used:
            yield warning("", f"{place}: no block uses resource {uuid}")
        for code in dict.fromkeys(str(value.get("language_id")) for value in values):
            if code not in languages:
                yield error("", f"{place}: resource {uuid} has a value in '{code}', which is no language of the flow")


def _digit_prompts(config: Mapping[str, Any]) -> list[Any]:
    ivr = config.get("ivr")
    prompts = ivr.get("digit_prompts") if isinstance(ivr, Mapping) else None
    return prompts if isinstance(prompts, list) else []


def _names_of_blocks(container: FloipContainer) -> Iterator[FloipFinding]:
    """One name, one block: expressions and results know blocks by name. Another flow's may share it, with a warning."""
    flows_of: dict[str, list[str]] = {}
    for flow in container.flows.values():
        counted = Counter(block.name.casefold() for block in flow.blocks.values())
        for block in flow.blocks.values():
            if counted[block.name.casefold()] > 1:
                yield error(block.name, f"flow '{flow.name}' has several blocks of this name")
        for name in {block.name for block in flow.blocks.values() if block.type in (*QUESTIONS, OUTPUT)}:
            flows_of.setdefault(name, []).append(flow.name)
    for name, flows in flows_of.items():
        if len(flows) > 1:
            yield warning(name, f"flows {', '.join(flows[:5])} each have a result of this name; the last one is kept")
