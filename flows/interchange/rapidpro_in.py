"""RapidPro and TextIt in: an export of version 13 or 14 becomes flows of ours, and a report of what is lost.

    sources, report = from_rapidpro(data, "inscription.json")

The subset that covers most public flows: messages, waits for an answer, splits on answers, results and fields,
sub-flows, translations. What calls the web, sends mail or changes groups is told, never guessed.
"""

from collections.abc import Mapping
from typing import Final

from flows.interchange.imported_flow import Made, sources_of
from flows.interchange.left_out import Report
from flows.interchange.made_ids import Ids
from flows.interchange.rapidpro_flow import OneFlow
from flows.interchange.rapidpro_reading import Export, FlowRead, read_export
from flows.interchange.rapidpro_words import Known, Words
from flows.mistakes import FlowMistake

COMMENT: Final = "Made from a RapidPro flow. Read every text and every report line before publishing."
_SPOKEN: Final = ("messaging", "messaging_background", "messaging_offline", "survey")


def from_rapidpro(data: bytes, file: str) -> tuple[dict[str, str], list[str]]:
    """The flows' files by name, and a line for everything not carried over. FlowMistake when this is no export."""
    report = Report()
    export = read_export(data, file)
    flows = _that_talk(export, report)
    if not flows:
        raise FlowMistake("there is no flow in this export that sends or asks anything by message", file=file)
    made = _all(flows, report)
    for what, count in export.others.items():
        if count:
            report.left_out("the export", f"{what} ({count})", "calls and reminders are planned by the service")
    report.changed("the flows", "nothing is kept of the answers yet: add a `do` with an action, and its `fails`")
    return sources_of(made, report, COMMENT), report.lines()


def _that_talk(export: Export, report: Report) -> dict[str, FlowRead]:
    talking = {}
    for flow in export.flows:
        if flow.kind not in _SPOKEN:
            report.left_out(f"'{flow.name}'", f"this flow of type '{flow.kind}'", "we carry over flows of messages")
        elif not flow.nodes:
            report.left_out(f"'{flow.name}'", "this flow", "it has no nodes")
        else:
            talking[flow.uuid] = flow
    return talking


def _all(flows: Mapping[str, FlowRead], report: Report) -> list[Made]:
    """Innermost first, so that a flow knows what those it runs have asked."""
    ids = Ids()
    id_of = {uuid: ids.take(flow.name) for uuid, flow in flows.items()}
    results: dict[str, dict[str, Known]] = {}
    made: list[Made] = []
    for uuid in _innermost_first(flows):
        inner = {other: id_of[other] for other in _runs(flows[uuid]) if other in results}
        one = OneFlow(flows[uuid], id_of[uuid], Words.of_flow(flows[uuid], report), report, inner, results)
        made.append(one.made())
        results[uuid] = one.names.results
        if id_of[uuid] != flows[uuid].name:
            report.also("flows have ids here", f"'{flows[uuid].name}' is {id_of[uuid]}")
    return made[::-1]


def _innermost_first(flows: Mapping[str, FlowRead]) -> list[str]:
    """Every flow behind those it runs. Of flows that run each other in a ring, the first one met runs the others."""
    done: dict[str, None] = {}
    begun: set[str] = set()
    for first in flows:
        waiting = [first]
        while waiting:
            flow = waiting[-1]
            begun.add(flow)
            onward = next((each for each in _runs(flows[flow]) if each in flows and each not in begun), None)
            if onward is None:
                done[waiting.pop()] = None
            else:
                waiting.append(onward)
    return list(done)


def _runs(flow: FlowRead) -> list[str]:
    """The flows it enters, by uuid."""
    actions = [action for node in flow.nodes.values() for action in node.actions if action.get("type") == "enter_flow"]
    others = [action["flow"] for action in actions if isinstance(action.get("flow"), Mapping)]
    return list(dict.fromkeys(str(other.get("uuid") or "") for other in others))
