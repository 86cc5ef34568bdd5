"""Where a caller can go from each step, and which of those places do not exist."""

from collections.abc import Iterator
from dataclasses import dataclass

from flows.model import Ask, Do, End, Flow, Menu, Step, When


@dataclass(frozen=True, slots=True)
class Way:
    """One way out of a step. `by` is the key it is written under ("next", "go", "fails" ...), `choice` the option."""

    by: str
    target: str | None
    choice: str = ""


def ways_out(step: Step) -> Iterator[Way]:
    """Every way a caller can leave the step by, in the order written. A target of None falls off the last line."""
    if isinstance(step, End):
        return
    if isinstance(step, When):
        yield from (Way("go", branch.target) for branch in step.branches)
        yield Way("else", step.otherwise)
        return
    if isinstance(step, Ask):
        yield from _ways_of_a_question(step)
        return
    yield Way("next", step.next)
    if isinstance(step, Do) and step.fails is not None:
        yield Way("fails", step.fails)


def _ways_of_a_question(step: Ask) -> Iterator[Way]:
    yield from (Way("go", target, choice) for choice, target in step.go.items())
    if goes_on(step):
        yield Way("next", step.next)
    if step.give_up is not None:
        yield Way("give_up", step.give_up)
    if isinstance(step, Menu) and step.source is not None:
        if step.empty is not None:
            yield Way("empty", step.empty)
        if step.fails is not None:
            yield Way("fails", step.fails)


def goes_on(step: Ask) -> bool:
    """Whether some answer leads to the next step: not when every choice of a menu has its own `go`."""
    if not isinstance(step, Menu) or step.source is not None:
        return True
    return any(option.key not in step.go for option in step.options)


def broken_links(flow: Flow) -> Iterator[tuple[Step, Way]]:
    """Every way that leads to a step that is not there, with the step it leaves from."""
    for step in flow.steps.values():
        for way in ways_out(step):
            if way.target is not None and way.target not in flow.steps:
                yield step, way
