"""The runner of FLOIP containers: `begin`, then `answer` for each reply, until the state is finished.

Pure: time is an argument, and a state can be written to JSON and read back between any two turns.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flows.floip.floip_container import FloipContainer, FloipFlow
from flows.floip.floip_state import RunRequest, RunState, group_key
from flows.floip.floip_walk import FloipWalk, Said
from flows.mistakes import FlowMistake


@dataclass(frozen=True, slots=True)
class FloipTurn:
    """What one reply (or the beginning) came to. `warnings` are for the author, not for the person."""

    state: RunState
    accepted: bool
    out: tuple[Said, ...]
    warnings: tuple[str, ...] = ()


def begin(container: FloipContainer, first_flow: object, request: RunRequest, now: datetime) -> FloipTurn:
    """The run up to its first question or its end. `FlowMistake` when it cannot be run."""
    flow = _first_flow(container, first_flow)
    walk = FloipWalk(container, _first_state(flow, request, now), now)
    walk.enter(flow)
    walk.go_on()
    return FloipTurn(walk.state, True, tuple(walk.said), tuple(walk.warnings))


def answer(container: FloipContainer, state: RunState, typed: str, now: datetime | None = None) -> FloipTurn:
    """The run after a reply. `now` is the beginning's when it is left out. `FlowMistake` after the end."""
    if state.finished:
        raise FlowMistake("the run is finished; it takes no reply")
    walk = FloipWalk(container, state, now or datetime.fromisoformat(state.now))
    accepted = walk.reply(typed)
    return FloipTurn(walk.state, accepted, tuple(walk.said), tuple(walk.warnings))


def turn_json(typed: str | None, turn: FloipTurn) -> dict[str, Any]:
    """A turn as `run-floip` prints it."""
    return {"in": typed, "accepted": turn.accepted, "out": [_said_json(said) for said in turn.out]}


def end_json(state: RunState) -> dict[str, Any]:
    """The end of a run as `run-floip` prints it, also of one whose replies ran out."""
    return {
        "finished": state.finished,
        "results": dict(state.results),
        "contact": dict(state.contact),
        "groups": list(state.groups),
        "logs": list(state.logs),
        "path": [{"block": name} for name in state.path],
    }


def _said_json(said: Said) -> dict[str, Any]:
    spoken: dict[str, Any] = {"block": said.block, "text": said.text}
    if said.choices is not None:
        spoken["choices"] = [{"name": name, "label": label} for name, label in said.choices]
    return spoken


def _first_flow(container: FloipContainer, uuid: object) -> FloipFlow:
    if not uuid:
        if len(container.flows) > 1:
            raise FlowMistake("'first_flow' must say which of the container's flows begins")
        return next(iter(container.flows.values()))
    flow = container.flow(uuid)
    if flow is None:
        raise FlowMistake(f"'first_flow' {uuid!r} is not in the container")
    return flow


def _first_state(flow: FloipFlow, request: RunRequest, now: datetime) -> RunState:
    language = flow.language(request.language) if request.language else None
    spoken = request.contact.get("language")
    if language is None and isinstance(spoken, str | int) and not request.language:
        language = flow.language(str(spoken))
    language = language or (flow.languages[0] if flow.languages else None)
    return RunState(
        frames=(),
        language=language.id if language else request.language,
        language_code=language.iso_639_3 if language else request.language,
        mode=request.mode or (flow.modes[0] if flow.modes else "TEXT"),
        contact=request.contact,
        groups=request.groups,
        group_names=_names(request.groups),
        answers={},
        results={},
        logs=(),
        path=(),
        finished=False,
        on_invalid=request.on_invalid,
        last_reply=None,
        now=now.isoformat(),
    )


def _names(groups: Sequence[Any]) -> dict[str, str]:
    named = [group for group in groups if isinstance(group, Mapping)]
    names = ((group_key(group), group.get("group_name") or group.get("name")) for group in named)
    return {key: name for key, name in names if isinstance(name, str)}
