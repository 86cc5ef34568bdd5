"""A conversation as a picture: each step a box of the shape of its kind, the ways between them as arrows with words.

The picture is an SVG that needs nothing else: no font, no host, no script. It says in words what it shows, for those
who hear it.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

from flows.layered import FAIL, WAY, Link, Node, TooMuch, laid_out
from flows.links import ways_out
from flows.mistakes import FlowMistake
from flows.model import Ask, Bound, Day, Do, End, Flow, Library, Menu, Number, Pick, Run, Say, Set, Step, When, Words
from flows.picture_words import said_in
from flows.spelled import spelled
from flows.svg_picture import Drawn, svg
from flows.svg_shapes import GHOST, SMS, START, Figure, lines_within, size_of_figure, size_of_label
from flows.texts import Text, fill

MOST_STEPS: Final = 600
# No step has this id, nor one that begins with it.
_START: Final = "#start"
_MISSING: Final = "#missing "


@dataclass(frozen=True, slots=True)
class Arrow:
    """All ways from one step to another of one style, with a line for each way that has a name."""

    source: str
    target: str
    style: str
    lines: tuple[str, ...]


def draw(
    flow: Flow,
    language: str = "fr",
    library: Library | None = None,
    address: Callable[[str], str] | None = None,
) -> str:
    """The SVG of the flow, its texts in `language`, or in its first one where it does not speak that.

    `library` tells the titles of sub-flows that are not linked; `address` gives the place of a sub-flow's picture, for
    a page where one can go from one to the other. FlowMistake when there is more than anybody could look at.
    """
    if len(flow.steps) > MOST_STEPS:
        raise _too_much(flow)
    spoken = language if language in flow.languages else flow.languages[0]
    arrows = arrows_of(flow, spoken)
    figures = {figure.id: figure for figure in _figures(flow, arrows, spoken, library)}
    if address is not None:
        runs = [step for step in flow.steps.values() if isinstance(step, Run)]
        figures |= {run.id: replace(figures[run.id], address=address(run.flow)) for run in runs}
    wrapped = [Drawn(each.source, each.target, each.style, lines_within(each.lines)) for each in arrows]
    nodes = [Node(id, *size_of_figure(figure)) for id, figure in figures.items()]
    main = _main_line(flow, arrows)
    links = [_link(each, (each.source, each.target) in main) for each in wrapped]
    head = [_written(flow.title, spoken), _under_the_title(flow, spoken)]
    try:
        layout = laid_out(nodes, links)
    except TooMuch:
        raise _too_much(flow) from None
    return svg(flow.id, spoken, head, figures, wrapped, layout)


def _too_much(flow: Flow) -> FlowMistake:
    problem = f"{len(flow.steps)} steps with all their ways are too many for one picture: cut it into sub-flows"
    return FlowMistake(problem, file=flow.file)


def arrows_of(flow: Flow, language: str) -> list[Arrow]:
    """Every way a caller can go, from the start on; ways between the same two steps together."""
    arrows: dict[tuple[str, str, str], list[str]] = {}
    if flow.steps:
        arrows[_START, next(iter(flow.steps)), WAY] = []
    for step in flow.steps.values():
        for target, style, line in _ways(step, language):
            known = target if target in flow.steps else f"{_MISSING}{target}"
            arrows.setdefault((step.id, known, style), []).extend([line] if line else [])
    return [Arrow(*key, tuple(dict.fromkeys(lines))) for key, lines in arrows.items()]


def _ways(step: Step, language: str) -> Iterator[tuple[str, str, str]]:
    """Where a step leads: the target, the style, and what stands on the arrow."""
    words = said_in(language)
    if isinstance(step, When):
        yield from ((branch.target, WAY, branch.written) for branch in step.branches)
    elif isinstance(step, Ask):
        yield from _answers(step, language)
    for way in ways_out(step):
        if way.target is None or way.by == "go":
            continue
        if way.by in ("fails", "give_up", "empty"):
            yield way.target, FAIL, words[way.by]
        elif way.by == "else":
            yield way.target, WAY, words["else"]
        elif not isinstance(step, Ask):
            yield way.target, WAY, ""


def _answers(step: Ask, language: str) -> Iterator[tuple[str, str, str]]:
    words = said_in(language)
    for count, option in enumerate(step.options, 1):
        target = step.go.get(option.key, step.next)
        if target is not None:
            yield target, WAY, f"{count} {_written(option.label, language)}"
    listed = {option.key for option in step.options}
    others = [(key, target) for key, target in step.go.items() if key not in listed]
    yield from ((target, WAY, key) for key, target in others)
    is_typed = not isinstance(step, Menu) or step.source is not None
    if is_typed and step.next is not None:
        yield step.next, WAY, words["answer"] if step.options or others else ""


# --- boxes --------------------------------------------------------------------------------------------------------


def _figures(flow: Flow, arrows: Sequence[Arrow], language: str, library: Library | None) -> Iterator[Figure]:
    words = said_in(language)
    if flow.steps:
        yield Figure(_START, START, words["start"], "", "", (), words["start"])
    leaving: dict[str, list[Arrow]] = {}
    for arrow in arrows:
        leaving.setdefault(arrow.source, []).append(arrow)
    for step in flow.steps.values():
        text, notes = _text_of(step, language), _notes(step, flow, language, library)
        aloud = _aloud(step, text, notes, leaving.get(step.id, []), language)
        kind = SMS if isinstance(step, Say) and step.by_sms else step.kind
        yield Figure(step.id, kind, step.id, words[f"kind.{kind}"], text, notes, aloud)
    for target in dict.fromkeys(arrow.target for arrow in arrows if arrow.target.startswith(_MISSING)):
        name = target.removeprefix(_MISSING)
        yield Figure(target, GHOST, name, "?", "", (words["missing"],), f"{name}: {words['missing']}")


def _text_of(step: Step, language: str) -> str:
    text: Text | None = getattr(step, "text", None)
    return _written(text, language) if text is not None else ""


def _notes(step: Step, flow: Flow, language: str, library: Library | None) -> tuple[str, ...]:
    """What else is worth a line: bounds, actions, what is set, the sub-flow."""
    return tuple(note for note in _all_notes(step, flow, said_in(language), language, library) if note)


def _all_notes(
    step: Step, flow: Flow, words: Mapping[str, str], language: str, library: Library | None
) -> Iterator[str]:
    if isinstance(step, Number):
        yield f"{step.low} {words['to']} {step.high}"
    elif isinstance(step, Words):
        yield f"≤ {step.max} {words['letters']}"
    elif isinstance(step, Day):
        yield f"{_day(step.earliest, words)} {words['to']} {_day(step.latest, words)}"
    elif isinstance(step, Menu) and step.source is not None:
        yield f"{words['choices']} {step.source.action}"
    elif isinstance(step, Do):
        yield f"{step.call.action}({', '.join(step.call.args)})"
        yield f"→ {', '.join(step.gives)}" if step.gives else ""
    elif isinstance(step, Set):
        yield from (f"{name} = {spelled(value)}" for name, value in step.values.items())
    elif isinstance(step, Run):
        yield _title_of(step, flow, language, library)
        yield step.flow
    elif isinstance(step, Pick):
        yield words["several"]
    if isinstance(step, Menu) and step.sets_language:
        yield words["sets_language"]
    if isinstance(step, Ask) and step.again is not None:
        yield f"{words['again']} {step.again}"
    if isinstance(step, Ask) and step.personal:
        yield words["personal"]


def _day(bound: Bound, words: Mapping[str, str]) -> str:
    """Today, a number of days or months from it, or the fixed day or answer that was written."""
    written = bound.written
    if written == "today":
        return words["today"]
    if written[:1] in ("+", "-"):
        return f"{written[:-1]} {words[f'unit.{written[-1]}']}"
    return written


def _title_of(step: Run, flow: Flow, language: str, library: Library | None) -> str:
    child = flow.children.get(step.id) or (library.flows.get(step.flow) if library is not None else None)
    return _written(child.title, language) if child is not None else ""


def _under_the_title(flow: Flow, language: str) -> str:
    words = said_in(language)
    ways = [f"{way.upper()} {', '.join(keys)}" for way, keys in flow.start.items() if keys]
    return " · ".join([flow.id, f"{words['version']} {flow.version}", language, *ways])


def _written(text: Text, language: str) -> str:
    """The text in its true spelling, {names} left as they are."""
    template = text.true.get(language) or next(iter(text.true.values()))
    return fill(template, lambda name: f"{{{name}}}")


def _aloud(step: Step, text: str, notes: Sequence[str], arrows: Sequence[Arrow], language: str) -> str:
    """The step in words, with where it leads."""
    words = said_in(language)
    kind = words[f"kind.{SMS if isinstance(step, Say) and step.by_sms else step.kind}"]
    said = [f"{step.id}, {kind}", text, *notes]
    for arrow in arrows:
        target = arrow.target.removeprefix(_MISSING)
        said.append(f"{', '.join(arrow.lines)} → {target}" if arrow.lines else f"→ {target}")
    if isinstance(step, End):
        said.append(words["over"])
    return ". ".join(each.rstrip(" .") for each in said if each)


def _main_line(flow: Flow, arrows: Sequence[Arrow]) -> set[tuple[str, str]]:
    """The ways to the step just below, which are drawn straightest; where three ways part they part evenly."""
    many = Counter(arrow.source for arrow in arrows if arrow.style == WAY)
    return {(one, other) for one, other in pairwise([_START, *flow.steps]) if many[one] < 3}


def _link(drawn: Drawn, is_main: bool) -> Link:
    width, height = size_of_label(drawn.lines)
    weight = 1 if drawn.style == FAIL else 8 if is_main else 2
    return Link(drawn.source, drawn.target, drawn.style, width, height, weight)
