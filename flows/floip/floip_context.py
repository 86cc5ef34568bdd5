"""What expressions see of a run: contact, flow, block, results, run, parent, child, channel, date.

The names of the specification's Context page and those of the reference runner, side by side.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from flows.floip.floip_container import FloipBlock, FloipContainer, FloipFlow
from flows.floip.floip_state import Frame, RunState, group_key


def build_context(
    container: FloipContainer, state: RunState, block: FloipBlock, now: datetime, value: Any, response: str | None
) -> dict[str, Any]:
    """The context at a block of the last frame. `value` and `response` are what the block has got, None before."""
    runs = _runs(container, state)
    run = runs[-1]
    contact = _contact(state)
    return {
        "contact": contact,
        "flow": _flow(container, state, run),
        "block": _block(block, value, response),
        "results": run["results"],
        "run": run,
        "parent": run["parent"],
        "child": run["child"],
        "parentFlowContext": run["parent"],
        "childFlowContext": run["child"],
        "session": {},
        "channel": {"mode": state.mode},
        "step": {"value": state.last_reply, "__value__": state.last_reply},
        "date": _date(now),
    }


def finished_run(container: FloipContainer, state: RunState) -> dict[str, Any]:
    """What the last frame leaves behind for the flow that ran it, as JSON."""
    frame = state.frames[-1]
    flow = container.flow(frame.flow)
    name = flow.name if flow else ""
    return {
        "flow": {"id": frame.flow, "name": name, "__value__": name},
        "results": dict(frame.answers),
        "child": frame.child,
    }


def answer(block: FloipBlock, value: Any, response: str | None, exit_name: str | None) -> dict[str, Any]:
    """A result as the context holds it."""
    return {
        "value": value,
        "__value__": value,
        "response": response,
        "exit": exit_name,
        "block": {"id": block.uuid, "name": block.name, "label": block.label, "__value__": block.name},
    }


def _runs(container: FloipContainer, state: RunState) -> list[dict[str, Any]]:
    """A run object for each frame, the outermost first; each knows the one around it."""
    runs: list[dict[str, Any]] = []
    for frame in state.frames:
        runs.append(_run(container, state, frame, runs[-1] if runs else None))
    return runs


def _run(container: FloipContainer, state: RunState, frame: Frame, parent: Mapping[str, Any] | None) -> dict[str, Any]:
    flow = container.flow(frame.flow)
    language = flow.spoken(state.language, state.language_code) if flow else None
    name = flow.name if flow else ""
    return {
        "flow": {"id": frame.flow, "uuid": frame.flow, "name": name, "__value__": name},
        "language": {
            "id": language.id if language else state.language,
            "iso_639_3": language.iso_639_3 if language else state.language_code,
            "label": language.label if language else "",
            "variant": language.variant if language else "",
            "__value__": language.id if language else state.language,
        },
        "mode": state.mode,
        "results": frame.answers,
        "parent": parent,
        "child": frame.child,
    }


def _flow(container: FloipContainer, state: RunState, run: Mapping[str, Any]) -> dict[str, Any]:
    """All answers of the run by block name, this flow's before another's of the same name."""
    flow = container.flow(state.frames[-1].flow)
    known = _known_of_flow(flow, state) if flow else {}
    answers = {**state.answers, **run["results"]}
    # A question may be called `language`; `flow.language` is the run's all the same, `flow.language.value` the answer.
    language = {**answers.get("language", {}), "__value__": run["language"]["id"]}
    return {**known, **answers, "language": language, "mode": answers.get("mode", state.mode)}


def _known_of_flow(flow: FloipFlow, state: RunState) -> dict[str, Any]:
    return {"uuid": flow.uuid, "id": flow.uuid, "name": flow.name, "__value__": flow.name}


def _block(block: FloipBlock, value: Any, response: str | None) -> dict[str, Any]:
    return {
        "uuid": block.uuid,
        "name": block.name,
        "label": block.label,
        "type": block.type,
        "config": block.config,
        "value": value,
        "response": response,
        "__value__": value,
    }


def _contact(state: RunState) -> dict[str, Any]:
    """The contact's properties by name, beside what it has itself, and its groups."""
    properties = state.contact.get("properties")
    groups = [
        {"id": key, "name": (name := state.group_names.get(key, key)), "__value__": name}
        for key in map(group_key, state.groups)
    ]
    return {**(properties if isinstance(properties, Mapping) else {}), **state.contact, "groups": groups}


def _date(now: datetime) -> dict[str, Any]:
    today = now.date()
    day = timedelta(days=1)
    return {
        "now": now,
        "today": today,
        "tomorrow": today + day,
        "yesterday": today - day,
        "__value__": now,
    }
