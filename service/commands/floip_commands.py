"""`laseli flow run-floip` and `laseli flow check-floip`: any FLOIP 1.0.0-rc4 container, from standard input."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any, TypeVar

import click

_LARGEST = 32 * 1024 * 1024
_Made = TypeVar("_Made")


@click.command("run-floip")
def run_floip() -> None:
    """Run a container: one JSON object in ("container", "first_flow", "host", "run"), one out ("turns", "end")."""
    given = _read_json()
    if not isinstance(given, dict):
        raise click.ClickException('give one JSON object with "container", "first_flow", "host" and "run"')
    _print_json(_readably(lambda: _run(given)))


@click.command("check-floip")
def check_floip() -> None:
    """Check a container: JSON in, a list of {"level", "block", "message"} out. Exit 0 when it could be read."""
    from flows.floip.floip_checks import check_container

    raw = _read_json()
    findings = _readably(lambda: check_container(raw))
    _print_json([{"level": each.level, "block": each.block, "message": each.message} for each in findings])


def _run(given: dict[str, Any]) -> dict[str, Any]:
    """The state goes into JSON and comes back between any two turns, as it would on a line that is cut."""
    from datetime import UTC, datetime

    from flows.floip.floip_container import read_container
    from flows.floip.floip_runner import answer, begin, end_json, turn_json
    from flows.floip.floip_state import RunState, read_now, read_request

    container = read_container(given.get("container"))
    request = read_request(given.get("run"), given.get("host"))
    now = read_now(given.get("run")) or datetime.now(UTC).replace(tzinfo=None)
    turn = begin(container, given.get("first_flow"), request, now)
    turns, warnings = [turn_json(None, turn)], list(turn.warnings)
    for typed in request.inputs:
        kept = RunState.from_json(turn.state.to_json())
        if kept.finished:
            break
        turn = answer(container, kept, typed)
        turns.append(turn_json(typed, turn))
        warnings.extend(turn.warnings)
    for warning in dict.fromkeys(warnings):
        click.echo(warning.encode("ascii", "backslashreplace").decode(), err=True)
    return {"turns": turns, "end": end_json(turn.state)}


def _readably(make: Callable[[], _Made]) -> _Made:
    """What is wrong with a container is one line and exit status 1."""
    from flows.mistakes import FlowMistake

    try:
        return make()
    except FlowMistake as mistake:
        line = " ".join(str(mistake).split())
        raise click.ClickException(line.encode("utf-8", "backslashreplace").decode()) from None
    except RecursionError:
        raise click.ClickException("the input is nested too deep to be a container") from None


def _read_json() -> Any:
    data = sys.stdin.buffer.read(_LARGEST + 1)
    if len(data) > _LARGEST:
        raise click.ClickException(f"the input is larger than {_LARGEST // 1024 // 1024} MB")
    try:
        return json.loads(data.decode("utf-8-sig"), parse_constant=_no_number)
    except UnicodeDecodeError:
        raise click.ClickException("the input is not UTF-8") from None
    except RecursionError:
        raise click.ClickException("the input is no JSON of a container: it is nested too deep") from None
    except ValueError as mistake:
        raise click.ClickException(f"the input is no JSON: {mistake}") from None


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number")


def _print_json(made: object) -> None:
    """Letters as they are; half a pair of a surrogate, which no terminal can print, as JSON escapes it."""
    text = json.dumps(made, ensure_ascii=False, indent=2)
    try:
        text.encode()
    except UnicodeEncodeError:
        text = json.dumps(made, indent=2)
    click.echo(text)
