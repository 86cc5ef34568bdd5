"""One walk through a container: from where a run stands to its next question or its end.

The only changing thing in the runner; it lives for one turn.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from flows.floip.floip_container import (
    CASE,
    CHOICES,
    LOG,
    MESSAGE,
    OUTPUT,
    PRINT,
    QUESTIONS,
    RUN_FLOW,
    RUN_HERE,
    SET_GROUP,
    FloipBlock,
    FloipContainer,
    FloipExit,
    FloipFlow,
    FloipLanguage,
)
from flows.floip.floip_context import answer, build_context, finished_run
from flows.floip.floip_evaluator import Evaluator
from flows.floip.floip_replies import Taken, choices_of, read_reply
from flows.floip.floip_resources import content
from flows.floip.floip_state import Frame, RunState, group_key
from flows.floip.floip_values import LONGEST_TEXT, ExpressionMistake, keepable
from flows.mistakes import FlowMistake

# Between two replies. The checker finds loops without a question; this stops one that was never checked.
_MOST_STEPS: Final = 1000
_DEEPEST: Final = 50
_MOST_LETTERS: Final = 1_000_000
# In a turn each of these changes copies what is known; a contact has no more properties or groups than that.
_MOST_CHANGES: Final = 2_000
# What a run may say and remember; a contact who goes round in a menu for days is let go.
_LONGEST_PATH: Final = 100_000


@dataclass(frozen=True, slots=True)
class Said:
    """What one block says to the person. `choices` are (name, label), None when it is no choice."""

    block: str
    text: str
    choices: tuple[tuple[str, str], ...] | None = None


class FloipWalk:
    """A run on its way. `state`, `said` and `warnings` are what comes of it."""

    __slots__ = ("_changes", "_letters", "_steps", "container", "now", "said", "state", "warnings")

    def __init__(self, container: FloipContainer, state: RunState, now: datetime) -> None:
        self.container = container
        self.state = state
        self.now = now
        self.said: list[Said] = []
        self.warnings: list[str] = []
        self._steps = 0
        self._letters = 0
        self._changes = 0

    # --- where it stands ------------------------------------------------------------------------------------------

    @property
    def frame(self) -> Frame:
        return self.state.frames[-1]

    @property
    def flow(self) -> FloipFlow:
        flow = self.container.flow(self.frame.flow)
        if flow is None:
            raise FlowMistake(f"the run stands in flow {self.frame.flow}, which is not in this container")
        return flow

    @property
    def block(self) -> FloipBlock:
        block = self.flow.blocks.get(self.frame.block)
        if block is None:
            raise FlowMistake(f"the run stands at block {self.frame.block}, which is not in this container")
        return block

    @property
    def language(self) -> FloipLanguage | None:
        """The run's language in the flow stood in."""
        return self.flow.spoken(self.state.language, self.state.language_code)

    def evaluator(self, value: Any = None, response: str | None = None) -> Evaluator:
        """Sees the run as it is now, at the block stood at."""
        context = build_context(self.container, self.state, self.block, self.now, value, response)
        return Evaluator(context, self.now, self._warn)

    def _warn(self, sentence: str) -> None:
        self.warnings.append(f"block '{self.block.name}': {sentence}")

    # --- the person -----------------------------------------------------------------------------------------------

    def ask(self) -> None:
        """The question stood at goes out, once more if need be."""
        said = self._question(self.block)
        if said:
            self.said.append(said)

    def reply(self, typed: str) -> bool:
        """A reply is read; the walk goes on unless it is refused and asked again. Whether it was accepted."""
        block = self.block
        kept = typed[:LONGEST_TEXT]
        self.state = replace(self.state, last_reply=kept)
        # The tests of choices look at the response; some written for an older draft look at the value.
        taken = read_reply(block, typed, lambda reply: self.evaluator(reply, reply), self.language, self.state.mode)
        if taken is None and self.state.on_invalid == "ask_again":
            self.ask()
            return False
        self._leave_question(block, taken, kept)
        return taken is not None

    def _leave_question(self, block: FloipBlock, taken: Taken | None, typed: str) -> None:
        value, response = (taken.value, taken.response) if taken else (None, typed)
        self._note(block, value, response)
        if taken is None:
            self._set_properties(block, None, response)
            self._follow(self._default_exit(block), block)
        else:
            self._leave(block, value, response)
        self.go_on()

    def _question(self, block: FloipBlock) -> Said | None:
        """None when the block has nothing to say: then it waits in silence."""
        text = self._spoken(block.config.get("question_prompt")) if block.type in CHOICES else None
        text = text or self._spoken(block.config.get("prompt"))
        if text is None:
            return None
        return Said(block.name, text, self._choices(block) if block.type in CHOICES else None)

    def _choices(self, block: FloipBlock) -> tuple[tuple[str, str], ...]:
        named = [(str(choice.get("name", "")), choice.get("prompt")) for choice in choices_of(block)]
        return tuple([(name, self._spoken(prompt) or name) for name, prompt in named])

    def _spoken(self, resource: object) -> str | None:
        """The words of a resource with its expressions filled in; None when none is named."""
        if not resource:
            return None
        language = self.language
        text = content(self.flow, resource, language.id if language else self.state.language, self.state.mode)
        if text is None:
            raise FlowMistake(f"block '{self.block.name}' speaks with resource {resource}, which its flow lacks")
        if not text:
            self._warn(f"resource {resource} has no text for language '{self.state.language}', mode {self.state.mode}")
        return self._bounded(text)

    def _bounded(self, text: str) -> str:
        """The text filled in; what a turn says has an end, however often a flow says it."""
        try:
            written = self.evaluator().written(text)
        except ExpressionMistake as mistake:
            raise FlowMistake(f"block '{self.block.name}': {mistake}") from None
        self._letters += len(written)
        if self._letters > _MOST_LETTERS:
            raise FlowMistake(f"block '{self.block.name}': more than {_MOST_LETTERS} characters are said in one turn")
        return written

    # --- going on -------------------------------------------------------------------------------------------------

    def enter(self, flow: FloipFlow) -> None:
        """A flow begins, inside the one under way if there is one."""
        if len(self.state.frames) >= _DEEPEST:
            raise FlowMistake(f"flow '{flow.name}' is run inside itself more than {_DEEPEST} deep")
        self.state = replace(self.state, frames=(*self.state.frames, Frame(flow.uuid, flow.first_block)))
        self._arrive()

    def go_on(self) -> None:
        """From block to block until one asks or nothing is left."""
        while self.state.frames:
            block = self.block
            if block.type in QUESTIONS:
                self.ask()
                return
            self._steps += 1
            if self._steps > _MOST_STEPS:
                raise FlowMistake(
                    f"flow '{self.flow.name}' goes in circles without asking anything; it passed '{block.name}' again"
                )
            self._pass(block)
        self.state = replace(self.state, finished=True)

    def _pass(self, block: FloipBlock) -> None:
        if block.type == RUN_FLOW:
            self._run_flow(block)
            return
        if block.type not in RUN_HERE:
            self._warn(f"blocks of type {block.type} are not run here; it is left by its default exit")
            self._fail(block)
            return
        value = _PASSING[block.type](self, block) if block.type in _PASSING else None
        self._leave(block, value, None)

    def _run_flow(self, block: FloipBlock) -> None:
        flow = self.container.flow(block.config.get("flow_id"))
        if flow is None:
            self._warn("the flow it runs is not in the container; it is left by its default exit")
            self._fail(block)
            return
        self.enter(flow)

    def _leave(self, block: FloipBlock, value: Any, response: str | None) -> None:
        """Properties are set before the exits are tested, as the reference runner does."""
        self._set_properties(block, value, response)
        evaluator = self.evaluator(value, response)
        tested = (each for each in block.exits if each.test and not each.default and evaluator.holds(each.test))
        self._follow(next(tested, None) or self._default_exit(block), block)

    def _default_exit(self, block: FloipBlock) -> FloipExit | None:
        """The default exit; where a container names none, the last that has no test."""
        default = (each for each in block.exits if each.default)
        untested = (each for each in reversed(block.exits) if not each.test)
        return next(default, None) or next(untested, None)

    def _follow(self, chosen: FloipExit | None, block: FloipBlock) -> None:
        if chosen is None:
            self._warn("no exit is open")
            self._break_off()
            return
        self._note_exit(block, chosen.name)
        if chosen.destination is None:
            self._return(failed=False)
        elif chosen.destination in self.flow.blocks:
            self.state = self.state.on_top(replace(self.frame, block=chosen.destination))
            self._arrive()
        else:
            self._warn(f"exit '{chosen.name}' leads to block {chosen.destination}, which is not in the flow")
            self._break_off()

    def _fail(self, block: FloipBlock) -> None:
        """What cannot be done here is left by the default exit."""
        self._set_properties(block, None, None)
        self._follow(self._default_exit(block), block)

    def _break_off(self) -> None:
        """On an error the flow jumps to its exit block, once; without one it ends at once."""
        exit_block = self.flow.exit_block
        if exit_block and not self.frame.failed:
            self.state = self.state.on_top(replace(self.frame, block=exit_block, failed=True))
            self._arrive()
        else:
            self._return(failed=True)

    def _return(self, *, failed: bool) -> None:
        """The flow ends; the one that ran it goes on, by its default exit after an error."""
        left = finished_run(self.container, self.state)
        self.state = replace(self.state, frames=self.state.frames[:-1])
        if not self.state.frames:
            return
        self.state = self.state.on_top(replace(self.frame, child=left))
        block = self.block
        self._keep(block.name, {**left["results"], **answer(block, None, None, None)})
        if failed:
            self._fail(block)
        else:
            self._leave(block, None, None)

    def _arrive(self) -> None:
        path = (*self.state.path, self.block.name)
        if len(path) > _LONGEST_PATH:
            raise FlowMistake(f"the run passed more than {_LONGEST_PATH} blocks")
        self.state = replace(self.state, path=path)

    # --- what is kept ---------------------------------------------------------------------------------------------

    def _note(self, block: FloipBlock, value: Any, response: str | None) -> None:
        """A result: the last value by block name, over all flows of the run."""
        value = keepable(value)
        self._count_change(value, 0)
        self.state = replace(self.state, results={**self.state.results, block.name: value})
        self._keep(block.name, answer(block, value, response, None))

    def _keep(self, name: str, kept: Mapping[str, Any]) -> None:
        self.state = replace(self.state, answers={**self.state.answers, name: kept}).on_top(
            replace(self.frame, answers={**self.frame.answers, name: kept})
        )

    def _note_exit(self, block: FloipBlock, name: str) -> None:
        """`flow.<block>.exit` is known of every block that was left, also of those without a value."""
        kept = self.frame.answers.get(block.name) or answer(block, None, None, None)
        self._keep(block.name, {**kept, "exit": name})

    def _set_properties(self, block: FloipBlock, value: Any, response: str | None) -> None:
        wanted = block.config.get("set_contact_property")
        for each in wanted if isinstance(wanted, list) else [wanted]:
            if isinstance(each, Mapping) and isinstance(each.get("property_key"), str):
                self._set_property(each["property_key"], self._result_of(each.get("property_value"), value, response))

    def _result_of(self, expression: object, value: Any = None, response: str | None = None) -> Any:
        if not isinstance(expression, str):
            return keepable(expression)
        return keepable(self.evaluator(value, response).result(expression))

    def _count_change(self, kept: Any, known: int) -> None:
        """What a turn changes, and what a run knows of the person, has an end like what it says."""
        self._changes += 1
        self._letters += len(str(kept))
        if max(self._changes, known) > _MOST_CHANGES or self._letters > _MOST_LETTERS:
            raise FlowMistake(
                f"block '{self.block.name}': one turn may change {_MOST_CHANGES} properties and groups, a contact have "
                f"as many, and {_MOST_LETTERS} characters be kept"
            )

    def _set_property(self, key: str, value: Any) -> None:
        self._count_change(value, len(self.state.contact))
        self.state = replace(self.state, contact={**self.state.contact, key: value})
        if key == "language" and isinstance(value, str | int):
            self._speak(str(value))

    def _speak(self, wanted: str) -> None:
        """From now on the language of that identifier, if it is one; an identifier that is a number may come as one."""
        chosen = next((each for each in self.flow.languages if each.id == wanted), None)
        if chosen:
            self.state = replace(self.state, language=chosen.id, language_code=chosen.iso_639_3)

    # --- blocks that are passed -----------------------------------------------------------------------------------

    def message(self, block: FloipBlock) -> None:
        """Its text goes out, and nobody is waited for."""
        resource = next((each for key in ("prompt", "message") if (each := block.config.get(key))), None)
        text = self._spoken(resource)
        if text is not None:
            self.said.append(Said(block.name, text))

    def log(self, block: FloipBlock) -> None:
        """A resource, or a text of its own; both may hold expressions."""
        text = self._spoken(block.config.get("message"))
        self.state = replace(self.state, logs=(*self.state.logs, text or ""))

    def output(self, block: FloipBlock) -> Any:
        """A result by the name of the block."""
        value = self._result_of(block.config.get("value"))
        self._note(block, value, None)
        return value

    def set_group(self, block: FloipBlock) -> None:
        """Into groups, out of groups, or out of all."""
        config = block.config
        if config.get("clear") is True:
            self.state = replace(self.state, groups=())
            return
        member = config.get("is_member")
        if isinstance(member, str):
            member = self.evaluator().holds(member)
        groups = config.get("groups")
        for group in groups if isinstance(groups, list) else [config]:
            if isinstance(group, Mapping) and isinstance(member, bool) and (key := group_key(group)):
                self._set_membership(key, group.get("group_name"), member)

    def _set_membership(self, key: str, name: object, member: bool) -> None:
        self._count_change(key, len(self.state.groups))
        others = tuple(group for group in self.state.groups if group_key(group) != key)
        if not member:
            self.state = replace(self.state, groups=others)
        elif len(others) == len(self.state.groups):
            self.state = replace(self.state, groups=(*others, key))
        if isinstance(name, str) and name:
            self.state = replace(self.state, group_names={**self.state.group_names, key: name})

    def nothing(self, block: FloipBlock) -> None:
        """A case only has exits, SetContactProperty only what every block may have."""


_PASSING: Final[Mapping[str, Callable[[FloipWalk, FloipBlock], Any]]] = {
    MESSAGE: FloipWalk.message,
    PRINT: FloipWalk.message,
    LOG: FloipWalk.log,
    OUTPUT: FloipWalk.output,
    SET_GROUP: FloipWalk.set_group,
    CASE: FloipWalk.nothing,
}
