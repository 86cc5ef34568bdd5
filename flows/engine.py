"""The conversation, one turn at a time. Pure: the same progress and the same answer give the same turn.

    turn = engine.begin(flow, today, facts=facts)
    turn = engine.answer(flow, turn.progress, typed, today)
    while turn.pending: turn = engine.resume(flow, turn.progress, carry_out(turn.pending), today)

Whatever is typed, at any time, gives a turn: what cannot be read is asked again with an example, and the third time
the caller is sent where the flow says, or off with a kind word. Only a wrong call, or a flow nobody checked, raises.
"""

from collections.abc import Mapping
from datetime import date
from typing import Final

from flows.mistakes import FlowMistake
from flows.model import EMPTY, USSD, Flow, Handset, Number, Value
from flows.progress import ASKING, ENDED, WAITING, GaveUp, Outcome, Progress, last_answer
from flows.sms_text import fold
from flows.standing import flows_around
from flows.turns import Action, Event, FlowEnded, FormLeft, LanguageChosen, Screen, TextSent, Turn
from flows.walk import Walk

# What T9 and the carriers leave around a digit; more than this was meant as an answer.
_AROUND: Final = " \n.,;:!?'\"()*#"
_LONGEST_KEY: Final = 8

__all__ = [
    "USSD", "Action", "Event", "FlowEnded", "FormLeft", "Handset", "LanguageChosen", "Outcome", "Progress", "Screen",
    "TextSent", "Turn", "answer", "begin", "can_go_back", "resume", "show", "understands", "wants_start", "was_misread",
]  # fmt: skip


def begin(
    flow: Flow,
    today: date,
    *,
    language: str | None = None,
    facts: Mapping[str, Value] = EMPTY,
    speaks: tuple[str, ...] = ("fr", "bm", "en"),
    handset: Handset = USSD,
    way: str = "ussd",
) -> Turn:
    """The first turn. `speaks` are the languages this caller may be offered; `facts` hold what the flow asks for."""
    spoken = language if language is not None and language in speaks else flow.languages[0]
    walk = Walk(flow, today, spoken, tuple(speaks), _known(flow, facts), way)
    walk.go(flow.first)
    return walk.turn(handset)


def answer(flow: Flow, progress: Progress, typed: str, today: date, handset: Handset = USSD) -> Turn:
    """The turn after the caller typed something. While an action is pending, or after the end, nothing changes."""
    walk = _taken_up(flow, progress, today)
    if progress.state == WAITING:
        return walk.turn(handset)
    key = _key(typed)
    if progress.state == ENDED:
        walk.turn_page(-1 if key == handset.back else 1 if progress.shown.more else 0)
    elif key == handset.back and progress.page > 0:
        walk.turn_page(-1)
    elif key == handset.back and walk.can_go_back(handset):
        place = last_answer(progress.tape)
        walk = Walk.played_again(flow, progress, progress.tape[:place])
        walk.today = today
    elif not progress.shown.asks or (key == handset.more and progress.shown.more):
        walk.turn_page(1)
    else:
        walk.read(typed)
    return walk.turn(handset)


def resume(flow: Flow, progress: Progress, outcome: Outcome, today: date, handset: Handset = USSD) -> Turn:
    """The turn after the pending action was carried out. ValueError when no action was pending."""
    if progress.state != WAITING:
        raise ValueError(f"no action is pending in '{progress.flow}': it is {progress.state}")
    walk = _taken_up(flow, progress, today)
    walk.take(outcome)
    return walk.turn(handset)


def show(flow: Flow, progress: Progress, today: date, handset: Handset = USSD) -> Turn:
    """The same place once more, for a caller whose line dropped; it counts as nothing typed."""
    return _taken_up(flow, progress, today).turn(handset)


def wants_start(flow: Flow, progress: Progress, typed: str, handset: Handset = USSD) -> bool:
    """Whether the key that leads back to the first menu was typed; not where it is an answer, as 00 for 0."""
    if _key(typed) != handset.start or progress.state != ASKING:
        return False
    step = flows_around(flow, progress.path)[-1].steps[progress.path[-1]]
    return not (isinstance(step, Number) and step.low <= 0 <= step.high)


def understands(flow: Flow, progress: Progress, typed: str, today: date) -> bool:
    """Whether the question stood at takes this as one of its choices: an answer, then, and no word of another kind."""
    if progress.state != ASKING:
        return False
    walk = _taken_up(flow, progress, today)
    return walk.offers(typed)


def was_misread(progress: Progress) -> bool:
    """Whether the last thing typed was no answer: asked again, or led elsewhere after the third time."""
    return progress.wrong > 0 or (bool(progress.tape) and isinstance(progress.tape[-1], GaveUp))


def can_go_back(flow: Flow, progress: Progress, today: date, handset: Handset = USSD) -> bool:
    """Whether the key that goes back does something here."""
    return progress.state == ASKING and (progress.page > 0 or _taken_up(flow, progress, today).can_go_back(handset))


def _key(typed: str) -> str:
    """What was typed as one of the two page keys would be: "0.", "9#" and a full-width 9 are these keys too."""
    return fold(typed).strip(_AROUND) if len(typed) <= _LONGEST_KEY else ""


def _taken_up(flow: Flow, progress: Progress, today: date) -> Walk:
    if progress.hash != flow.hash:
        raise FlowMistake(
            f"this conversation began with another version of '{progress.flow}': load the bundle it began with",
            file=flow.file,
        )
    return Walk.taken_up(flow, progress, today)


def _known(flow: Flow, facts: Mapping[str, Value]) -> dict[str, Value]:
    """The facts the flow asks for, and no others. FlowMistake when one is missing or of another type."""
    known: dict[str, Value] = {}
    for name, fact in flow.needs.items():
        value = facts.get(name)
        if name not in facts or not _fits(value, fact.type):
            problem = f"needs the fact '{name}' ({fact.type}) at its start, not {value!r}"
            raise FlowMistake(problem, file=flow.file)
        known[name] = value
    return known


def _fits(value: Value, kind: str) -> bool:
    if kind == "yes_no":
        return isinstance(value, bool)
    if kind == "number":
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, date if kind == "date" else str)
