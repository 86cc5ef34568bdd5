"""One caller in our engine and in the FLOIP runner at once: the same replies, and after each the same words.

The runner calls no other system, so actions either fail on both sides, or `answered_by` puts what a platform would have
got in the place of each call.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from json import loads
from typing import Any, Final

from flows import engine, words
from flows.conditions import Name
from flows.engine import Handset, Outcome, Progress, Turn
from flows.floip import floip_runner as runner
from flows.floip.floip_container import read_container
from flows.floip.floip_state import RunState, read_request
from flows.interchange.floip_names import ISO, block_name
from flows.interchange.floip_out import to_container
from flows.interchange.floip_parts import ACTIONS
from flows.model import Ask, Call, Day, Do, Flow, Library, Menu, Number, Phone, Pick, Words
from flows.phone_numbers import show
from flows.progress import Answered
from flows.reading import day_of
from flows.sms_text import fold
from flows.turns import FlowEnded, TextSent
from flows.walk import Walk
from tests.flows.callers import TODAY

Json = dict[str, Any]
# Nothing turns a page here, and no digit is a key of the handset: paging is the engine's alone.
BY_SMS: Final = "by_sms_"
# A number to the host, and none to us: ours are whole.
_FRACTION: Final = re.compile(r"-?[0-9]+\.[0-9]+")
WIDE: Final = Handset(limit=100_000, more="*", back="#", start="##")


def answered_by(container: Json, outcomes: Mapping[str, Outcome] | None) -> Json:
    """The container with a platform's answer in the place of each call; what it was asked is kept as a property.

    A message that we send by SMS says so in its name: `by: sms` is carried along, and only we act on it.
    """
    flows = [
        {**flow, "blocks": [_met(flow, block, outcomes) for block in flow["blocks"]]} for flow in container["flows"]
    ]
    return {**container, "flows": flows}


def _met(flow: Json, block: Json, outcomes: Mapping[str, Outcome] | None) -> Json:
    if block["vendor_metadata"]["laseli"].get("keys", {}).get("by") == "sms":
        return {**block, "name": BY_SMS + block["name"]}
    if block["type"] != "Core.Webhook" or outcomes is None:
        return block
    action = block["config"]["url"].rpartition(ACTIONS)[2]
    return _answered(block, outcomes[action], f"asked {flow['label']} {block['name']}")


def _answered(block: Json, outcome: Outcome, asked: str) -> Json:
    config = block["config"]
    given = dict(outcome.values) if outcome.ok else {}
    if outcome.ok and block["name"].endswith("_choices"):
        given["choices"] = "\n".join(f"{place} {label}" for place, (_, label) in enumerate(outcome.options, 1))
    kept = [
        {"property_key": each["property_key"], "property_value": _said(given.get(_result_named(each)))}
        for each in config.get("set_contact_property", [])
    ]
    exits = [dict(way) for way in block["exits"]]
    for way in exits:
        if way["name"] in ("worked", "some", "empty"):
            way["test"] = "TRUE" if outcome.ok and (way["name"] != "some" or outcome.options) else "FALSE"
    asks = {"property_key": asked, "property_value": config["body"]}
    return {**block, "type": "Core.Case", "config": {"set_contact_property": [asks, *kept]}, "exits": exits}


def _result_named(each: Json) -> str:
    return str(each["property_value"]).removeprefix("@(block.response.").removesuffix(")")


def _said(value: Any) -> Any:
    """A value as a platform keeps it; a text is quoted, so that it is taken as it is."""
    if isinstance(value, date):
        value = f"{value:%d/%m/%Y}"
    return f'@("{value}")' if isinstance(value, str) else value


@dataclass
class Heard:
    """What a caller got in one turn: words, messages, the question with its lines, or the end."""

    said: list[str] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)
    question: str = ""
    lines: list[tuple[str, str]] | None = None
    over: bool = False


class SideBySide:
    """A caller of a flow. `type` gives a reply to both and insists that both say the same."""

    def __init__(
        self,
        library: Library,
        flow_id: str,
        outcomes: Mapping[str, Outcome] | None = None,
        *,
        language: str = "fr",
        facts: Mapping[str, Any] | None = None,
        on_invalid: str = "ask_again",
        mode: str = "USSD",
        contact: Mapping[str, Any] | None = None,
        container: Json | None = None,
    ) -> None:
        self.library = library
        self.root = library.get(flow_id)
        self.outcomes = outcomes
        self.on_invalid = on_invalid
        self.typed: list[str] = []
        made = answered_by(container or to_container(library, flow_id), outcomes)
        self.container = read_container(made)
        facts = facts or {}
        self._events: list[Any] = []
        self._known: set[str] = set()
        self.turn = self._settled(
            engine.begin(self.root, TODAY, language=language, facts=facts, handset=WIDE, speaks=self.root.languages)
        )
        told = {name: f"{value:%d/%m/%Y}" if isinstance(value, date) else value for name, value in facts.items()}
        request = read_request(
            {"language": ISO[language], "mode": mode, "contact": told | dict(contact or {})},
            {"on_invalid": on_invalid},
        )
        now = datetime(TODAY.year, TODAY.month, TODAY.day, 9)
        first = made["flows"][0]["uuid"]
        self.other = runner.begin(self.container, first, request, now)
        self.warnings = [*self.other.warnings]
        self._compare()

    # --- where the caller stands ----------------------------------------------------------------------------------

    @property
    def is_over(self) -> bool:
        return self.turn.progress.state == "ended"

    @property
    def walk(self) -> Walk:
        return Walk.taken_up(self.root, self.turn.progress, TODAY)

    @property
    def flow(self) -> Flow:
        return self.walk.scope.flow

    @property
    def step(self) -> Ask:
        found = self.flow.steps[self.turn.progress.path[-1]]
        assert isinstance(found, Ask)
        return found

    # --- typing ---------------------------------------------------------------------------------------------------

    def type(self, *replies: str) -> "SideBySide":
        for reply in replies:
            self.typed.append(reply)
            self._events = []
            kept = Progress.from_json(self.turn.progress.to_json())
            self._known |= kept.values.keys()
            step = self.step
            self.turn = self._settled(engine.answer(self.root, kept, reply, TODAY, WIDE))
            state = RunState.from_json(self.other.state.to_json())
            self.other = runner.answer(self.container, state, reply)
            self.warnings += self.other.warnings
            self._compare()
            self._compare_answer(step, len(kept.tape))
        return self

    def _settled(self, turn: Turn) -> Turn:
        self._asked: list[tuple[str, dict[str, Any]]] = []
        for _ in range(20):
            self._events += turn.events
            if turn.pending is None:
                return turn
            walk = Walk.taken_up(self.root, turn.progress, TODAY)
            step = walk.scope.flow.steps[turn.progress.path[-1]]
            name = block_name(step.id) if isinstance(step, Do) else f"{step.id}_choices"
            assert isinstance(step, Do | Menu)
            call = step.call if isinstance(step, Do) else step.source
            assert call is not None
            self._asked.append((f"asked {walk.scope.flow.id} {name}", self._still_known(walk, call, turn.pending.args)))
            outcome = self.outcomes[turn.pending.name] if self.outcomes is not None else Outcome(False)
            turn = engine.resume(self.root, turn.progress, outcome, TODAY, WIDE)
        raise AssertionError("the flow does not stop asking for actions")

    def _still_known(self, walk: Walk, call: Call, args: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments, but for answers forgotten with us since the caller went up again: FLOIP still knows those."""
        self._known |= walk.scope.values.keys()
        names = {name: walk.scope.prefix + each.name for name, each in call.args.items() if isinstance(each, Name)}
        forgotten = {name for name, key in names.items() if key in self._known and key not in walk.scope.values}
        return {name: value for name, value in args.items() if name not in forgotten}

    # --- comparing ------------------------------------------------------------------------------------------------

    def _compare(self) -> None:
        ours, theirs = self._ours(), self._theirs()
        if any(isinstance(event, FlowEnded) and event.gave_up for event in self._events):
            assert theirs.over, self.typed  # our own words end what nobody wrote an end for
        else:
            assert theirs == ours, f"{self.root.id} after {self.typed}: {ours} is {theirs} in FLOIP"
        for key, args in self._asked if self.outcomes is not None else []:
            body = loads(self.other.state.contact[key])
            for name, value in args.items():
                assert _spelled(str(body[name])) == _spelled(_argument(value)), f"{key}: {name} after {self.typed}"

    def _compare_answer(self, step: Ask, before: int) -> None:
        """The answer that was kept, where it is no text, and no choice from data."""
        taken = [entry for entry in self.turn.progress.tape[before:] if isinstance(entry, Answered)]
        if not taken or not isinstance(step, Menu | Number) or (isinstance(step, Menu) and step.source is not None):
            return
        value, other = taken[0].value, self.other.state.results[block_name(step.id)]
        assert (
            (sorted(other), len(other)) == (sorted(value), len(value)) if isinstance(value, tuple) else other == value
        )

    def _ours(self) -> Heard:
        progress, walk = self.turn.progress, self.walk
        sent = [fold(event.text) for event in self._events if isinstance(event, TextSent)]
        if self.is_over:
            return Heard(_last_words(progress), sent, over=True)
        step, scope = self.step, walk.scope
        question, lines = scope.folded(step.text), walk._choices(step)
        heard = Heard(list(progress.said), sent, question)
        if isinstance(step, Menu) and step.source is None:
            heard.lines = [*lines]
        elif lines:
            heard.question += "".join(f"\n{place} {label}" for place, (_, label) in enumerate(lines, 1))
        if progress.wrong and step.wrong is not None and self._passes_on(step):
            heard.said.append(scope.folded(step.wrong))
        return heard

    def _passes_on(self, step: Ask) -> bool:
        """Whether the host lets a wrong answer into the container, which says why and asks again."""
        if self.on_invalid == "null":
            return True
        if isinstance(step, Number):
            return bool(_FRACTION.fullmatch(self.typed[-1].strip())) and step.low <= float(self.typed[-1]) <= step.high
        return isinstance(step, Words | Day | Phone) and bool(self.typed[-1].strip())

    def _theirs(self) -> Heard:
        state = self.other.state
        heard = Heard(over=state.finished)
        for out in self.other.out[:-1] if not state.finished else self.other.out:
            (heard.sent if out.block.startswith(BY_SMS) else heard.said).append(fold(out.text))
        if not state.finished:
            asked = self.other.out[-1]
            heard.question = fold(asked.text)
            if asked.choices is not None:
                heard.lines = [(name, fold(label)) for name, label in asked.choices]
        return heard


def _last_words(progress: Progress) -> list[str]:
    """What is said at the end; not the engine's own word where the flow has none."""
    goodbye = [words.say("goodbye", language) for language in ISO]
    return [] if progress.said and progress.said[0] in goodbye else list(progress.said)


def _argument(value: Any) -> str:
    """An argument as text; a telephone number is as it was typed."""
    return str(value).upper() if isinstance(value, bool) else show(words.written(value))


def _spelled(text: str) -> str:
    """No typed quote may end the JSON around it: they are replaced on the way out."""
    return text.replace("\\", "/").replace('"', "'")


# --- replies --------------------------------------------------------------------------------------------------------


def right(pair: SideBySide) -> list[str]:
    """Replies that answer the question stood at, as both read them."""
    step, walk = pair.step, pair.walk
    lines = walk._choices(step)
    if isinstance(step, Pick):
        if step.source is not None:
            return [str(place) for place, (key, _) in enumerate(lines, 1) if key == str(place)]
        last = len(lines)
        return ["1", str(last), f"{last} 1", "1,1", f" 1 ; {last} "]
    if isinstance(step, Menu):
        return list(_choices_of(pair, step, lines))
    ways_out = [reply for place, (_, label) in enumerate(lines, 1) for reply in (str(place), label)]
    return [*_typed(step, walk), *ways_out]


def _choices_of(pair: SideBySide, step: Menu, lines: list[tuple[str, str]]) -> Iterator[str]:
    walk = pair.walk
    for place, (key, label) in enumerate(lines, 1):
        target = step.go.get(key, step.next)
        if step.again is not None and target is not None and walk._is_above(step, target):
            taken = walk.taken.get(walk.scope.prefix + step.id, 0)
            if taken >= step.again:
                continue  # `again` is not carried over
        if step.source is not None:
            yield label
            continue
        true = step.options[place - 1].label.true[walk.scope.spoken][0]
        yield from (str(place), f" {place}", f"0{place}", label, label.upper(), true, f" {true.lower()} ")


def _typed(step: Ask, walk: Walk) -> list[str]:
    if isinstance(step, Number):
        numbers = {step.low, step.high, (step.low + step.high) // 2, min(step.low + 1, step.high)}
        return [each for n in numbers for each in (str(n), f" {n} ", f"{'-' if n < 0 else ''}0{abs(n)}")]
    if isinstance(step, Words):
        return ["Awa"[: step.max], "Keïta"[: step.max], 'N\'Golo "Dit" \\'[: step.max].strip(), "é" * step.max]
    if isinstance(step, Day):
        first, last = _days(step, walk)
        days = [first, last, first + (last - first) // 2]
        return [each for day in days for each in (f"{day:%d/%m/%Y}", f"{day:%d%m%Y}")]
    assert isinstance(step, Phone)
    return ["+223 76 00 00 01"] if step.country == "ML" else ["+221 70 123 45 67"]


def _days(step: Day, walk: Walk) -> tuple[date, date]:
    look = walk.scope.look
    return (
        day_of(step.earliest, TODAY, look, date(1900, 1, 1)),
        day_of(step.latest, TODAY, look, date(2199, 12, 31)),
    )


def wrong(pair: SideBySide) -> list[str]:
    """Replies that neither takes."""
    step, walk = pair.step, pair.walk
    if isinstance(step, Menu):
        if step.source is not None:
            return ["", "  "]
        return ["", " ", "77", "1 77", "x", "?", *([] if isinstance(step, Pick) else ["-1"])]
    if isinstance(step, Number):
        beyond = [str(step.high + 1), str(step.low - 1)]
        return ["", " ", "abc", "1,5", f"{step.low}.5", "--1", "1e3", "9" * 30, *beyond]
    if isinstance(step, Words):
        taken = {str(place) for place, _ in enumerate(step.options, 1)}
        return ["", "  ", "a" * (step.max + 1), *({"77", "0", "-3"} - taken)]
    if isinstance(step, Day):
        first, last = _days(step, walk)
        day = timedelta(1)
        return ["", "abc", "31/02/2026", "31022026", "99", f"{first - day:%d/%m/%Y}", f"{last + day:%d%m%Y}"]
    return ["", "abc", "12", "20 22 44 55"]
