"""The links between steps made of RapidPro nodes.

While steps are made a link is the node it leads to (`Way`); when all stand there, links become the ids of steps.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeAlias

from flows.interchange.made_ids import Ids

Step: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Way:
    """A link on its way: to a node, or to the end."""

    node: str | None


Link: TypeAlias = Way | str


def linked(steps: list[Step], first_of: Mapping[str, Link], ids: Ids) -> tuple[list[Step], list[str]]:
    """The steps with their links written, and the ids of those left out because nobody comes to them.

    What goes nowhere ends: last words become an `end`, all others lead to one without words. `first_of` says, by node,
    its first step, or where a node leads that became none.
    """
    end = ids.take("fin")
    for step in steps:
        if "say" in step and isinstance(step.get("next"), Way) and _step_of(step["next"], first_of, end) == end:
            del step["next"]
            step["end"] = step.pop("say")
    steps.append({"id": end, "end": None})
    for step, following in zip(steps, [*steps[1:], {"id": ""}], strict=True):
        _write_links(step, following["id"], first_of, end)
    reached = _reached(steps)
    lost = [step["id"] for step in steps if step["id"] not in reached and step["id"] != end]
    return [step for step in steps if step["id"] in reached], lost


def _write_links(step: Step, below: str, first_of: Mapping[str, Link], end: str) -> None:
    """Links that lead to the step below are left out, as nobody writes them."""
    for branch in step.get("when", ()):
        for key in ("go", "else"):
            if key in branch:
                branch[key] = _step_of(branch[key], first_of, end)
    if "give_up" in step:
        step["give_up"] = _step_of(step["give_up"], first_of, end)
    go = {key: _step_of(way, first_of, end) for key, way in step.pop("go", {}).items()}
    # Under a question that is typed every choice needs its way: without one its answer would go on as if typed.
    go = {key: target for key, target in go.items() if target != below or "menu" not in step}
    if go:
        step["go"] = go
    target = _step_of(step.pop("next", below), first_of, end)
    if target != below and "menu" not in step and "when" not in step and "end" not in step:
        step["next"] = target


def _step_of(link: Link, first_of: Mapping[str, Link], end: str) -> str:
    """The step a link leads to, through nodes that became none. What goes round through nothing ends."""
    seen: set[str] = set()
    while isinstance(link, Way):
        if link.node is None or link.node not in first_of or link.node in seen:
            return end
        seen.add(link.node)
        link = first_of[link.node]
    return link


def _reached(steps: Sequence[Step]) -> set[str]:
    below = {one["id"]: other["id"] for one, other in pairwise(steps)}
    onward = {step["id"]: _onward(step, below.get(step["id"], "")) for step in steps}
    reached: set[str] = set()
    waiting = [steps[0]["id"]]
    while waiting:
        step_id = waiting.pop()
        if step_id in onward and step_id not in reached:
            reached.add(step_id)
            waiting += onward[step_id]
    return reached


def _onward(step: Step, below: str) -> list[str]:
    if "end" in step:
        return []
    if "when" in step:
        return [branch.get("go") or branch["else"] for branch in step["when"]]
    go = step.get("go", {})
    ways = [*go.values(), *(step[key] for key in ("next", "give_up") if key in step)]
    goes_below = "next" not in step and not ("menu" in step and len(go) == len(step["options"]))
    return [*ways, below] if goes_below else ways
