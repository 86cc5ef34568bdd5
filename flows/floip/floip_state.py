"""A run of a container between two replies: a value that goes into JSON and comes back equal."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import Any, Final

from flows.floip.floip_container import MODES
from flows.mistakes import FlowMistake

ON_INVALID: Final = ("ask_again", "null")
_VERSION: Final = 1
_MOST_INPUTS: Final = 10_000
_LARGEST_CONTACT: Final = 100_000
_LARGEST_RUN: Final = 5_000_000
_YEARS: Final = (1900, 2999)


@dataclass(frozen=True, slots=True)
class Frame:
    """A flow under way. `block` is where it stands: at a question, or at the RunFlow that began the next frame.

    `answers` are this flow's results; `child` is what the flow that it ran last left behind.
    """

    flow: str
    block: str
    answers: Mapping[str, Any] = field(default_factory=dict)
    child: Mapping[str, Any] | None = None
    failed: bool = False


@dataclass(frozen=True, slots=True)
class RunState:
    """Where a run stands. Everything in it is JSON."""

    frames: tuple[Frame, ...]
    language: str
    language_code: str
    mode: str
    contact: Mapping[str, Any]
    groups: tuple[Any, ...]
    group_names: Mapping[str, str]
    answers: Mapping[str, Any]
    results: Mapping[str, Any]
    logs: tuple[str, ...]
    path: tuple[str, ...]
    finished: bool
    on_invalid: str
    last_reply: str | None
    now: str

    def to_json(self) -> str:
        """One line; `from_json` gives an equal state. FlowMistake when it has grown beyond any conversation."""
        raw = _shallow(self)
        raw["frames"] = [_shallow(frame) for frame in self.frames]
        written = json.dumps([_VERSION, raw], separators=(",", ":"))
        if len(written) > _LARGEST_RUN:
            raise FlowMistake(f"the run keeps more than {_LARGEST_RUN} characters")
        return written

    @staticmethod
    def from_json(text: str) -> "RunState":
        """The state again. ValueError when the text is not one of ours."""
        try:
            version, raw = json.loads(text)
            if version != _VERSION:
                raise ValueError(f"a run of format {version} cannot be read by this program, which knows {_VERSION}")
            raw["frames"] = tuple(Frame(**frame) for frame in raw["frames"])
            for key in ("groups", "logs", "path"):
                raw[key] = tuple(raw[key])
            return RunState(**raw)
        except (TypeError, KeyError, AttributeError) as error:
            raise ValueError(f"this is no run of a container: {error}") from None

    def on_top(self, frame: Frame) -> "RunState":
        """The same run with its last frame replaced."""
        return replace(self, frames=(*self.frames[:-1], frame))


def _shallow(made: RunState | Frame) -> dict[str, Any]:
    """The fields by name. `asdict` would copy a long path at every turn."""
    return {each.name: getattr(made, each.name) for each in fields(made)}


@dataclass(frozen=True, slots=True)
class RunRequest:
    """How a run begins, as the `run` and `host` objects of `run-floip` say it."""

    language: str
    mode: str
    contact: Mapping[str, Any]
    groups: tuple[Any, ...]
    inputs: tuple[str, ...]
    on_invalid: str


def read_request(run: object, host: object) -> RunRequest:
    """The request of JSON objects; what is missing has a default, what is wrong is a `FlowMistake`."""
    run, host = _object(run, "run"), _object(host, "host")
    on_invalid = host.get("on_invalid", ON_INVALID[0])
    if on_invalid not in ON_INVALID:
        raise FlowMistake('\'host.on_invalid\' must be "ask_again" or "null"')
    mode = run.get("mode") or ""
    if mode and (not isinstance(mode, str) or mode.upper() not in MODES):
        raise FlowMistake(f"'run.mode' must be one of {', '.join(MODES)}")
    language = run.get("language") or ""
    if not isinstance(language, str):
        raise FlowMistake("'run.language' must be a text")
    groups = run.get("groups") or []
    inputs = run.get("inputs") or []
    if not isinstance(groups, list) or not all(group_key(group) for group in groups):
        raise FlowMistake("'run.groups' must be a list of group keys")
    if not isinstance(inputs, list):
        raise FlowMistake("'run.inputs' must be a list of texts")
    if len(inputs) > _MOST_INPUTS:
        raise FlowMistake(f"'run.inputs' may hold {_MOST_INPUTS} replies")
    contact = dict(_object(run.get("contact"), "run.contact"))
    if len(json.dumps([contact, groups])) > _LARGEST_CONTACT:
        raise FlowMistake(f"'run.contact' and 'run.groups' may hold {_LARGEST_CONTACT} characters")
    return RunRequest(
        language, mode.upper(), contact, tuple(groups), tuple([_reply(each) for each in inputs]), on_invalid
    )


def read_now(run: object) -> datetime | None:
    """The moment that `run.now` (an instant) or `run.today` (a day) sets, in ISO 8601; None when neither is there."""
    run = _object(run, "run")
    for key in ("now", "today"):
        if (given := run.get(key)) is None:
            continue
        try:
            moment = datetime.fromisoformat(given).replace(tzinfo=None)
        except (TypeError, ValueError):
            raise FlowMistake(f"'run.{key}' must be written like 2026-03-05T08:30:00 or 2026-03-05") from None
        if not _YEARS[0] <= moment.year <= _YEARS[1]:
            raise FlowMistake(f"'run.{key}' must be in a year from {_YEARS[0]} to {_YEARS[1]}")
        return moment
    return None


def group_key(group: object) -> str:
    """The key of a group, which may be given by itself or in an object."""
    if isinstance(group, Mapping):
        found = (group.get(key) for key in ("group_key", "id", "uuid", "name"))
        return next((str(key) for key in found if key), "")
    return str(group) if isinstance(group, str | int) and not isinstance(group, bool) else ""


def _object(raw: object, name: str) -> Mapping[str, Any]:
    if raw is None:
        return {}
    if not isinstance(raw, Mapping):
        raise FlowMistake(f"'{name}' must be an object")
    return raw


def _reply(raw: object) -> str:
    if isinstance(raw, str):
        return raw
    if isinstance(raw, int | float) and not isinstance(raw, bool):
        return str(raw)
    raise FlowMistake("'run.inputs' must be a list of texts")
