"""An export of RapidPro or TextIt as values: flows, nodes, routers. What has another shape than these is told."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from flows.mistakes import FlowMistake

MOST_BYTES: Final = 10_000_000
_MOST_FLOWS: Final = 300
_MOST_NODES: Final = 500
_MOST_IN_ALL: Final = 5_000
_MOST_IN_A_NODE: Final = 200
_LONGEST: Final = 5_000


@dataclass(frozen=True, slots=True)
class Case:
    """One test of a router: `kind` is has_any_word, has_number_between ..."""

    uuid: str
    kind: str
    args: tuple[str, ...]
    category: str


@dataclass(frozen=True, slots=True)
class Category:
    uuid: str
    name: str
    goes_to: str | None


@dataclass(frozen=True, slots=True)
class Router:
    kind: str
    waits: bool
    operand: str
    cases: tuple[Case, ...]
    categories: Mapping[str, Category]
    default: Category | None
    result: str
    timeout: str = ""

    def tested(self) -> list[Category]:
        """The categories some test leads to, in the order of the tests; the default and the timeout are none."""
        default = self.default.uuid if self.default is not None else ""
        uuids = dict.fromkeys(case.category for case in self.cases)
        return [
            self.categories[each] for each in uuids if each in self.categories and each not in (default, self.timeout)
        ]

    def tests_of(self, category: Category) -> list[Case]:
        return [case for case in self.cases if case.category == category.uuid]


@dataclass(frozen=True, slots=True)
class Node:
    """`goes_to` is the only way out of a node without a router. `number` counts nodes from 1, for reports."""

    uuid: str
    number: int
    actions: tuple[Mapping[str, Any], ...]
    router: Router | None
    goes_to: str | None

    def ways(self) -> list[str]:
        """Every node that follows this one."""
        if self.router is None:
            return [self.goes_to] if self.goes_to is not None else []
        found = [each.goes_to for each in self.router.categories.values()]
        return list(dict.fromkeys(each for each in found if each is not None))

    def messages(self) -> list[int]:
        """The places among the actions of those that say something."""
        return [place for place, each in enumerate(self.actions) if each.get("type") == "send_msg" and each.get("text")]


@dataclass(frozen=True, slots=True)
class FlowRead:
    uuid: str
    name: str
    kind: str
    language: str
    nodes: Mapping[str, Node]
    localization: Mapping[str, Mapping[str, Any]]
    keywords: tuple[str, ...] = ()
    expires: str = ""


@dataclass(slots=True)
class Export:
    """All flows, and what else was in the export, by name with how many."""

    flows: list[FlowRead] = field(default_factory=list)
    others: dict[str, int] = field(default_factory=dict)


def read_export(data: bytes, file: str) -> Export:
    """The export. FlowMistake in one line when it is none, or of a version before 13."""
    if len(data) > MOST_BYTES:
        raise FlowMistake(f"{len(data):,} bytes are too many for an export: {MOST_BYTES:,} at most", file=file)
    whole = _json(data, file)
    if not isinstance(whole, Mapping) or not isinstance(whole.get("flows"), list):
        raise FlowMistake('this is no export of flows: it has the form {"version": "13", "flows": [...]}', file=file)
    _refuse_old(str(whole.get("version") or "13"), file)
    if len(whole["flows"]) > _MOST_FLOWS:
        raise FlowMistake(f"{len(whole['flows'])} flows at once, {_MOST_FLOWS} at most: export fewer", file=file)
    export = Export(others={key: len(whole[key]) for key in ("campaigns",) if isinstance(whole.get(key), list)})
    keywords = _keywords(_list(whole.get("triggers")), export)
    for place, written in enumerate(whole["flows"], 1):
        flow = _flow(written, place, keywords, file)
        if flow.uuid in {each.uuid for each in export.flows}:
            raise FlowMistake(f"two flows have the uuid '{flow.uuid}'", file=file)
        export.flows.append(flow)
    if sum(len(flow.nodes) for flow in export.flows) > _MOST_IN_ALL:
        raise FlowMistake(f"the flows have more than {_MOST_IN_ALL} nodes together: export fewer", file=file)
    return export


def _json(data: bytes, file: str) -> Any:
    try:
        return json.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise FlowMistake(f"byte {error.start} is not UTF-8: export the flows again", file=file) from None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise FlowMistake(f"this is no JSON ({error.msg}, {where}): export the flows again", file=file) from None
    except (RecursionError, ValueError):
        raise FlowMistake("this JSON is nested too deep, or has numbers too long, to be an export", file=file) from None


def _refuse_old(version: str, file: str) -> None:
    major = re.match(r"\d{1,3}", version)
    if major is None or int(major[0]) not in (13, 14):
        remedy = "import it into TextIt or RapidPro and export it again"
        raise FlowMistake(f"this export is of version {version[:20]}, we read 13 and 14: {remedy}", file=file)


def _keywords(triggers: list[Any], export: Export) -> dict[str, list[str]]:
    """The keywords that start each flow, by its uuid; triggers of other kinds are counted."""
    found: dict[str, list[str]] = {}
    for trigger in triggers:
        written = _map(trigger)
        words = [_word(each) for each in _list(written.get("keywords"))] or [_word(written.get("keyword"))]
        words = [word for word in words if word]
        if written.get("trigger_type") == "K" and words:
            found.setdefault(_word(_map(written.get("flow")).get("uuid")), []).extend(words)
        else:
            export.others["triggers without a keyword"] = export.others.get("triggers without a keyword", 0) + 1
    return found


def _flow(written: Any, place: int, keywords: Mapping[str, list[str]], file: str) -> FlowRead:
    """One flow. Some platforms put it inside `definition`, with its keywords beside it."""
    outer = _map(written)
    own = _map(outer["definition"]) if isinstance(outer.get("definition"), Mapping) else outer
    name = _word(own.get("name")) or f"flow {place}"
    if not isinstance(own.get("nodes"), list):
        problem = f"flow {place} '{name[:40]}' has no list of nodes: it is of a version before 13; export it again"
        raise FlowMistake(problem, file=file)
    if own.get("spec_version"):
        _refuse_old(_word(own["spec_version"]), file)
    if len(own["nodes"]) > _MOST_NODES:
        raise FlowMistake(f"flow '{name[:40]}' has {len(own['nodes'])} nodes, {_MOST_NODES} at most", file=file)
    for number, each in enumerate(map(_map, own["nodes"]), 1):
        _refuse_crowded(each, f"flow '{name[:40]}' node {number}", file)
    nodes = [_node(each, number) for number, each in enumerate(own["nodes"], 1)]
    uuid = _word(own.get("uuid")) or f"flow-{place}"
    words = [*keywords.get(uuid, []), *(_word(each) for each in _list(outer.get("keywords")))]
    return FlowRead(
        uuid=uuid,
        name=name,
        kind=_word(own.get("type")) or "messaging",
        language=_word(own.get("language")),
        nodes={node.uuid: node for node in nodes},
        localization={key: _map(each) for key, each in _map(own.get("localization")).items()},
        keywords=tuple(dict.fromkeys(word for word in words if word)),
        expires=_word(own.get("expire_after_minutes")),
    )


def _refuse_crowded(node: Mapping[str, Any], where: str, file: str) -> None:
    router = _map(node.get("router"))
    for holder, key in ((node, "actions"), (node, "exits"), (router, "cases"), (router, "categories")):
        count = len(_list(holder.get(key)))
        if count > _MOST_IN_A_NODE:
            raise FlowMistake(f"{where} has {count} {key}, {_MOST_IN_A_NODE} at most", file=file)


def _node(written: Any, number: int) -> Node:
    node = _map(written)
    exits = {
        _word(_map(each).get("uuid")): _word(_map(each).get("destination_uuid")) for each in _list(node.get("exits"))
    }
    router = _map(node.get("router"))
    return Node(
        uuid=_word(node.get("uuid")) or f"node-{number}",
        number=number,
        actions=tuple(_map(each) for each in _list(node.get("actions"))),
        router=_router(router, exits) if router else None,
        goes_to=next(iter(exits.values()), "") or None,
    )


def _router(written: Mapping[str, Any], exits: Mapping[str, str]) -> Router:
    categories = {}
    for each in map(_map, _list(written.get("categories"))):
        uuid = _word(each.get("uuid"))
        goes_to = exits.get(_word(each.get("exit_uuid"))) or None
        categories[uuid] = Category(uuid, _word(each.get("name")) or "Match", goes_to)
    wait = _map(written.get("wait"))
    return Router(
        kind=_word(written.get("type")),
        waits=bool(wait),
        operand=_word(written.get("operand")),
        cases=tuple(_case(_map(each)) for each in _list(written.get("cases"))),
        categories=categories,
        default=categories.get(_word(written.get("default_category_uuid"))),
        result=_word(written.get("result_name")),
        timeout=_word(_map(wait.get("timeout")).get("category_uuid")),
    )


def _case(written: Mapping[str, Any]) -> Case:
    args = tuple(_word(each) for each in _list(written.get("arguments")))
    return Case(_word(written.get("uuid")), _word(written.get("type")), args, _word(written.get("category_uuid")))


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _word(value: Any) -> str:
    """A scalar as text, never too long; everything else is nothing."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return str(value)[:_LONGEST]
