"""Every screen and SMS of a conversation as the handset gets it, for its author to look at.

The longest answers stand in the place of {names}, the letters are folded, long menus turn their pages, and the way
back is offered wherever it may be: what is seen here is the widest a caller can get.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from flows.checks.widths import longest, longest_true, question_pages, widest_notice
from flows.mistakes import FlowMistake, nearest
from flows.model import Ask, End, Flow, Handset, Say, Step
from flows.screens import Page, in_front, pages_of_end
from flows.sms_text import LIMITS, measure, split, units
from flows.texts import Text

SCREEN: Final = "screen"
WRONG: Final = "wrong"
SMS: Final = "sms"


@dataclass(frozen=True, slots=True)
class Piece:
    """One page or one part of an SMS, of how many units, and how many there may be."""

    text: str
    units: int
    limit: int


@dataclass(frozen=True, slots=True)
class Picture:
    """What a step shows in one language: a `screen`, the screen after a `wrong` answer, or an `sms`.

    `true` is the spelling of the author, empty where folding changed nothing. `follows` names the step whose screen a
    `say` stands on. `step` is empty for one of the flow's `texts`, which `name` names.
    """

    flow: str
    step: str
    name: str
    kind: str
    what: str
    language: str
    pieces: tuple[Piece, ...]
    true: str = ""
    encoding: str = "gsm7"
    follows: str = ""
    widest: bool = False

    @property
    def units(self) -> int:
        return max(piece.units for piece in self.pieces)


@dataclass(frozen=True, slots=True)
class Shown:
    """A flow, or one of its sub-flows, with all its pictures in reading order, the languages of each together."""

    flow: str
    title: str
    version: int
    limit: int
    pictures: tuple[Picture, ...]


def show(flow: Flow, *, limit: int = 160, language: str | None = None, step: str | None = None) -> list[Shown]:
    """The flow and each of its sub-flows once. FlowMistake when the flow has no such language or step.

    With `step`, only that one, with the usual help after a wrong answer where it has no `wrong` of its own.
    """
    if language is not None and language not in flow.languages:
        raise FlowMistake(f"'{flow.id}' does not speak '{language}'; {nearest(language, flow.languages)}")
    family = list(_family(flow))
    shown = [_shown(each, limit, language, step) for each in family]
    if step is None:
        return shown
    found = [each for each in shown if each.pictures]
    if not found:
        known = {name for each in family for name in (*each.steps, *each.texts)}
        there = any(step in each.steps for each in family)
        problem = f"step '{step}' shows nothing" if there else f"there is no step '{step}'; {nearest(step, known)}"
        raise FlowMistake(problem, file=flow.file)
    return found


def as_data(shown: Sequence[Shown]) -> list[dict[str, Any]]:
    """The same in values that JSON keeps."""
    return [asdict(each) for each in shown]


def _family(flow: Flow) -> Iterator[Flow]:
    """The flow and all flows run inside it, each once, in the order they are met."""
    waiting, met = [flow], {flow.id}
    while waiting:
        found = waiting.pop(0)
        yield found
        for child in found.children.values():
            if child.id not in met:
                met.add(child.id)
                waiting.append(child)


def _shown(flow: Flow, limit: int, language: str | None, only: str | None) -> Shown:
    # A sub-flow that does not speak the caller's language speaks its first one.
    spoken = flow.languages if language is None else (language if language in flow.languages else flow.languages[0],)
    handset = Handset(limit=limit)
    pictures = [
        picture
        for step in flow.steps.values()
        if only in (None, step.id)
        for each in spoken
        for picture in _of_step(flow, step, each, handset, usual_help=only is not None)
    ]
    for name, text in flow.texts.items():
        if only in (None, name):
            pictures += [_sms(flow, "", name, text, each) for each in spoken]
    title = flow.title.true[spoken[0]][0]
    return Shown(flow.id, title, flow.version, limit, tuple(_with_widest(pictures)))


def _with_widest(pictures: Sequence[Picture]) -> Iterator[Picture]:
    """The same, the widest screen of each language marked."""
    widest: dict[str, int] = {}
    for place, picture in enumerate(pictures):
        if picture.what != SMS:
            best = widest.setdefault(picture.language, place)
            if picture.units > pictures[best].units:
                widest[picture.language] = place
    marked = set(widest.values())
    for place, picture in enumerate(pictures):
        yield replace(picture, widest=True) if place in marked else picture


def _of_step(flow: Flow, step: Step, language: str, handset: Handset, *, usual_help: bool) -> Iterator[Picture]:
    if isinstance(step, Say) and step.by_sms:
        yield _sms(flow, step.id, "", step.text, language)
    elif isinstance(step, Say):
        yield _said(flow, step, language, handset)
    elif isinstance(step, End):
        yield from _last_words(flow, step, language, handset)
    elif isinstance(step, Ask):
        if step.wrong is not None or usual_help:
            yield _after_a_wrong_answer(flow, step, language, handset)
        pages = question_pages(flow, step, language, handset)
        yield _screen(flow, step, SCREEN, language, pages, _true_question(flow, step, language, pages), handset)


def _said(flow: Flow, step: Say, language: str, handset: Handset) -> Picture:
    """Words stand above the question they lead to, or before the last words: on one screen if that fits."""
    says, after = _with_what_follows(flow, step)
    said = "\n".join(longest(flow, each.text, language) for each in says)
    true = [longest_true(flow, each.text, language) for each in says]
    if isinstance(after, Ask):
        pages = question_pages(flow, after, language, handset, said)
        true += _true_question(flow, after, language, pages)
    elif isinstance(after, End) and after.text is not None:
        last = longest(flow, after.text, language)
        pages = pages_of_end(f"{said}\n{last}", language=language, handset=handset)
        true.append(longest_true(flow, after.text, language))
    else:
        pages = pages_of_end(said, language=language, handset=handset)
    picture = _screen(flow, step, SCREEN, language, pages, true, handset)
    return replace(picture, follows=after.id if after is not None else "")


def _with_what_follows(flow: Flow, step: Say) -> tuple[list[Say], Step | None]:
    """The words said one after the other from here, and the step they lead to if every caller gets there."""
    says: dict[str, Say] = {}
    found: Step | None = step
    while isinstance(found, Say) and not found.by_sms and found.id not in says:
        says[found.id] = found
        found = flow.steps.get(found.next) if found.next is not None else None
    return list(says.values()), found if isinstance(found, Ask | End) else None


def _last_words(flow: Flow, step: End, language: str, handset: Handset) -> Iterator[Picture]:
    if step.text is not None:
        pages = pages_of_end(longest(flow, step.text, language), language=language, handset=handset)
        yield _screen(flow, step, SCREEN, language, pages, [longest_true(flow, step.text, language)], handset)


def _after_a_wrong_answer(flow: Flow, step: Ask, language: str, handset: Handset) -> Picture:
    notice = widest_notice(flow, step, language)
    first = question_pages(flow, step, language, handset)[0]
    page = in_front(notice, first, handset)
    pages = [page] if page is not None else question_pages(flow, step, language, handset, notice)
    true = longest_true(flow, step.wrong, language) if step.wrong is not None else notice
    return _screen(flow, step, WRONG, language, pages, [true, *_true_question(flow, step, language, pages)], handset)


def _true_question(flow: Flow, step: Ask, language: str, pages: Sequence[Page]) -> list[str]:
    """The question and its choices in their true spelling, numbered if they stand on one page."""
    labels = [option.label.true[language][0] for option in step.options]
    if len(pages) == 1:
        labels = [f"{place} {label}" for place, label in enumerate(labels, 1)]
    return [longest_true(flow, step.text, language), *labels]


def _screen(
    flow: Flow, step: Step, what: str, language: str, pages: Sequence[Page], true: Sequence[str], handset: Handset
) -> Picture:
    pieces = tuple(Piece(page.text, units(page.text), handset.limit) for page in pages)
    return Picture(flow.id, step.id, "", step.kind, what, language, pieces, _if_other(true, pages))


def _if_other(true: Sequence[str], pages: Sequence[Page]) -> str:
    """The true spelling, if some of it is on no page as it stands."""
    seen = " ".join(" ".join(page.text for page in pages).split())
    return "\n".join(true) if any(" ".join(words.split()) not in seen for words in true) else ""


def _sms(flow: Flow, step: str, name: str, text: Text, language: str) -> Picture:
    """An SMS leaves folded, in one part or in several."""
    wire, true = longest(flow, text, language), longest_true(flow, text, language)
    size = measure(wire)
    alone, joined = LIMITS[size.encoding]
    limit = alone if size.parts < 2 else joined
    parts = zip(split(wire), size.part_units, strict=True)
    pieces = tuple(Piece(part, many, limit) for part, many in parts) or (Piece("", 0, alone),)
    kind = Say.kind if step else "text"
    return Picture(flow.id, step, name, kind, SMS, language, pieces, true if true != wire else "", size.encoding)
