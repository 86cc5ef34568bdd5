"""One walk through a flow: from question to question, passing everything between them.

This is the only changing thing in the engine. It lives for one turn: made from a `Progress`, turned into the next one.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Final

from flows import forms, words
from flows.answers import Unclear
from flows.conditions import Name
from flows.mistakes import FlowMistake
from flows.model import EMPTY, Ask, Do, End, Flow, Handset, Label, Menu, Number, Pick, Run, Say, Set, Step, Value, When
from flows.progress import (
    ASKING,
    ENDED,
    WAITING,
    Answered,
    Done,
    Entry,
    GaveUp,
    Outcome,
    Progress,
    Sent,
    Shown,
    last_answer,
)
from flows.reading import Choice, names_one, read_answer
from flows.scope import Scope, plain
from flows.screens import Page, in_front, pages_of_end, pages_of_question, with_start
from flows.turns import Action, Event, FlowEnded, LanguageChosen, Screen, TextSent, Turn

# The checker proves that no flow loops without a question; this stops one that was never checked.
_MOST_STEPS: Final = 500
_TRIES: Final = 3
# Somebody who goes round and round in a menu is let go before what is kept of it grows without end.
_LONGEST_TAPE: Final = 200
_WALKING: Final = "walking"


class Walk:
    """A caller on the way. Every method leaves it at a question, at an action or at the end."""

    __slots__ = (
        "_notice", "began", "events", "first_language", "page", "path", "root", "said", "scope", "shown", "stack",
        "state", "taken", "tape", "today", "wrong",
    )  # fmt: skip

    def __init__(
        self, root: Flow, today: date, language: str, speaks: tuple[str, ...], facts: Mapping[str, Value], way: str
    ) -> None:
        self.root = root
        self.scope = Scope(root, language, speaks, facts, way)
        self.stack: list[tuple[Flow, str]] = []
        self.path = [root.first]
        self.began = self.today = today
        self.first_language = language
        self.taken: dict[str, int] = {}
        self.tape: list[Entry] = []
        self.said: list[str] = []
        self.events: list[Event] = []
        self.state = _WALKING
        self.page = self.wrong = 0
        self.shown = Shown()
        self._notice = ""

    @classmethod
    def taken_up(cls, root: Flow, progress: Progress, today: date) -> "Walk":
        """The walk where this progress left it."""
        walk = cls(root, progress.began, progress.first_language, progress.speaks, progress.facts, progress.way)
        walk.today = today
        walk.scope.language = progress.language
        walk.scope.values, walk.scope.labels = dict(progress.values), dict(progress.labels)
        walk.taken, walk.tape, walk.said = dict(progress.taken), list(progress.tape), list(progress.said)
        walk.state, walk.page, walk.wrong, walk.shown = progress.state, progress.page, progress.wrong, progress.shown
        for run_id in progress.path[:-1]:
            walk._enter(run_id)
        walk.path = list(progress.path)
        return walk

    @classmethod
    def played_again(cls, root: Flow, progress: Progress, tape: Sequence[Entry]) -> "Walk":
        """The walk from the start to the end of a tape. It calls nothing, and what happened then is not told again."""
        walk = cls(root, progress.began, progress.first_language, progress.speaks, progress.facts, progress.way)
        walk.go(root.first)
        for entry in tape:
            if isinstance(entry, Answered):
                walk.today = entry.today
                walk.accept(entry.value, entry.choice)
            elif isinstance(entry, Done):
                walk.today = entry.today
                walk.take(entry.outcome)
            elif isinstance(entry, GaveUp):
                walk.today = entry.today
                walk.give_up()
        walk.events = []
        return walk

    # --- what a caller does ---------------------------------------------------------------------------------------

    def read(self, typed: str) -> None:
        """Take what was typed as the answer to the question stood at, or ask again with help."""
        step, scope = self._question(), self.scope
        try:
            value, choice = read_answer(step, typed, self._choices(step), self.shown, self.today, scope.look)
        except Unclear as unclear:
            self._ask_again(step, unclear)
        else:
            self.accept(value, choice)

    def offers(self, typed: str) -> bool:
        """Whether the question has a numbered line that this names."""
        return names_one(typed, self._choices(self._question()), self.shown)

    def accept(self, value: Value, choice: str | None, *, on_tape: bool = True) -> None:
        """Go on with an answer that was read. One that gave itself is not on the tape: going back passes over it."""
        step = self._question()
        keys = value if isinstance(value, tuple) else (str(value),)
        self.scope.keep(step.id, value, self.scope.label_of_picked(keys, self._fetched(step)))
        if on_tape:
            self.tape.append(Answered(value, choice, self.today))
            self.said.clear()
        self.page = self.wrong = 0
        if len(self.tape) >= _LONGEST_TAPE:
            self._end_kindly(step)
            return
        if isinstance(step, Menu) and step.sets_language:
            self.scope.language = str(value)
            if on_tape:
                self.events.append(LanguageChosen(self.scope.language))
        self._go_unless_over(self._after(step, choice))

    def take(self, outcome: Outcome) -> None:
        """Go on with what the action came to."""
        step, outcome = self._step(), plain(outcome)
        if isinstance(step, Do):
            values = {name: outcome.values.get(name) for name in step.gives} if outcome.ok else {}
            self.tape.append(Done(Outcome(outcome.ok, values), not step.reads, self.today))
            for name, value in values.items():
                self.scope.keep(name, value)
            self._go_or_end(step, step.next if outcome.ok else step.fails)
            return
        assert isinstance(step, Menu)
        options = outcome.options if outcome.ok else ()
        self.tape.append(Done(Outcome(outcome.ok, EMPTY, options), False, self.today))
        if options:
            self._ask(step)
        else:
            self._go_or_end(step, (step.empty or step.fails) if outcome.ok else (step.fails or step.empty))

    def give_up(self) -> None:
        """Leave a question nobody could answer, for where the flow says."""
        step = self._question()
        self.tape.append(GaveUp(self.today))
        self.said, self.page, self.wrong = [], 0, 0
        self._go_unless_over(self._after_giving_up(step))

    def turn_page(self, by: int) -> None:
        self.page += by

    def can_go_back(self, handset: Handset) -> bool:
        """Whether an answer can be taken back: not over an action that wrote, nor where the key itself answers."""
        step = self._step()
        if isinstance(step, Number) and handset.back.isdecimal() and step.low <= int(handset.back) <= step.high:
            return False
        return last_answer(self.tape) is not None

    # --- walking --------------------------------------------------------------------------------------------------

    def go(self, target: str | None) -> None:
        """From this step on, as far as the next question, action or end."""
        self.state = _WALKING
        for _ in range(_MOST_STEPS):
            if target is None:
                raise self._mistake("nothing follows: add an `end`, or a `next`")
            self.path[-1] = target
            step = self.scope.flow.steps[target]
            target = _PASSING[step.kind](self, step)
            if self.state != _WALKING:
                return
        raise self._mistake("the flow goes round without asking anything: put a question into the loop")

    def _say(self, step: Step) -> str | None:
        assert isinstance(step, Say)
        if step.by_sms:
            self.events.append(TextSent(self.scope.true(step.text)))
            self.tape.append(Sent())
        else:
            self.said.append(self.scope.folded(step.text))
        return self._jump(step, step.next)

    def _end(self, step: Step) -> str | None:
        """The end of a sub-flow says its words and goes on in the flow that ran it."""
        assert isinstance(step, End)
        if step.text is not None:
            self.said.append(self.scope.folded(step.text))
        if not self.stack:
            self._over(step)
            return None
        self.scope.flow, self.scope.prefix = self.stack.pop()
        self.path.pop()
        run = self._step()
        return self._jump(run, run.next)

    def _when(self, step: Step) -> str | None:
        assert isinstance(step, When)
        for branch in step.branches:
            if self.scope.value_of(branch.test, self.today):
                return self._jump(step, branch.target)
        return self._jump(step, step.otherwise)

    def _run(self, step: Step) -> str | None:
        assert isinstance(step, Run)
        if self.scope.way == "sms" and self.scope.flow.children[step.id].sensitive:
            # An SMS stays on the phone. The choices that lead here are not offered; other ways may have been overseen.
            self._end_kindly(step)
            return None
        self._enter(step.id)
        self.path.append(self.scope.flow.first)
        return self.scope.flow.first

    def _do(self, step: Step) -> str | None:
        self.state = WAITING
        return None

    def _set(self, step: Step) -> str | None:
        assert isinstance(step, Set)
        for name, expression in step.values.items():
            label = self.scope.label_of(expression.name) if isinstance(expression, Name) else None
            self.scope.keep(name, self.scope.value_of(expression, self.today), label)
        return self._jump(step, step.next)

    def _arrive(self, step: Step) -> str | None:
        """At a question. Choices that come from data are fetched first."""
        assert isinstance(step, Ask)
        if isinstance(step, Menu) and step.source is not None:
            self.state = WAITING
        else:
            self._ask(step)
        return None

    def _ask(self, step: Ask) -> None:
        """Stop here, unless there is nothing to choose between: such a question answers itself."""
        self.state = ASKING
        self.page = self.wrong = 0
        if not isinstance(step, Menu):
            return
        keys = [key for key, _ in self._choices(step)]
        if step.sets_language and len(keys) <= 1:
            only = keys[0] if keys else self.scope.language
            self.accept(only, only, on_tape=False)
        elif step.skip_if_one and len(keys) == 1:
            self.accept((keys[0],) if isinstance(step, Pick) else keys[0], keys[0], on_tape=False)

    def _enter(self, run_id: str) -> None:
        scope = self.scope
        self.stack.append((scope.flow, scope.prefix))
        scope.flow, scope.prefix = scope.flow.children[run_id], f"{scope.prefix}{run_id}."

    def _after(self, step: Ask, choice: str | None) -> str | None:
        target = step.next if choice is None else step.go.get(choice, step.next)
        if step.again is not None and target is not None and self._is_above(step, target):
            key = self.scope.prefix + step.id
            self.taken[key] = self.taken.get(key, 0) + 1
            if self.taken[key] > step.again:
                return self._after_giving_up(step)
        return self._jump(step, target)

    def _jump(self, step: Step, target: str | None) -> str | None:
        """Going up the page forgets what was said from there down: no old answer slips into the new round."""
        if target is not None and self._is_above(step, target):
            self.scope.forget(*self.scope.flow.below[target])
        return target

    def _is_above(self, step: Step, target: str) -> bool:
        position = self.scope.flow.position
        return position[target] <= position[step.id]

    def _ask_again(self, step: Ask, unclear: Unclear) -> None:
        self.wrong += 1
        if self.said:
            self.said, self.page = [], 0
        if self.wrong < _TRIES:
            own = step.wrong
            self._notice = self.scope.folded(own) if own else words.help_with(unclear, self.scope.spoken)
        else:
            self.give_up()

    def _after_giving_up(self, step: Ask) -> str | None:
        """Where a caller goes who cannot be understood; without such a place, the conversation ends kindly."""
        # A form that was agreed to and cannot be finished here is a mediator's to finish.
        self.events.extend(forms.forms_left(self.scopes()))
        if step.give_up is None:
            self._end_kindly(step)
            return None
        return self._jump(step, step.give_up)

    def _go_or_end(self, step: Step, target: str | None) -> None:
        if target is None:
            self._end_kindly(step)
        else:
            self.go(self._jump(step, target))

    def _go_unless_over(self, target: str | None) -> None:
        if self.state != ENDED:
            self.go(target)

    def _end_kindly(self, step: Step) -> None:
        self.said = [words.say("gave_up", self.scope.spoken)]
        self._over(step, gave_up=True)

    def _over(self, step: Step, *, gave_up: bool = False) -> None:
        self.state = ENDED
        self.page = 0
        if not any(self.said):
            self.said = [words.say("goodbye", self.scope.spoken)]
        self.events.append(FlowEnded(step.id, gave_up))

    def scopes(self) -> list[Scope]:
        """What is known in each flow stood in, outermost first."""
        return [*[self.scope.of(flow, prefix) for flow, prefix in self.stack], self.scope]

    # --- the turn -------------------------------------------------------------------------------------------------

    def turn(self, handset: Handset) -> Turn:
        """What the caller sees now, or the action to carry out first."""
        if self.state == WAITING:
            return Turn(self._progress(), None, tuple(self.events), self._action())
        page = self._page_of_end(handset) if self.state == ENDED else self._page_of_question(handset)
        self.shown = page.shown
        # Closer to the start, the way back is short enough.
        far = self.state == ASKING and len(self.tape) > 1
        text = with_start(page.text, self.scope.spoken, handset) if far else page.text
        screen = Screen(text, self.state != ENDED or page.shown.more)
        return Turn(self._progress(), screen, tuple(self.events), None)

    def _page_of_question(self, handset: Handset) -> Page:
        step, language, back = self._question(), self.scope.spoken, self.can_go_back(handset)
        question = self.scope.folded(step.text)
        labels = [label for _, label in self._choices(step)]
        said = "\n".join(self.said)
        pages = pages_of_question(said, question, labels, can_go_back=back, language=language, handset=handset)
        self.page = max(0, min(self.page, len(pages) - 1))
        if not self._notice:
            return pages[self.page]
        notice, self._notice = self._notice, ""
        with_notice = in_front(notice, pages[self.page], handset)
        if with_notice is not None:
            return with_notice
        self.said, self.page = [notice], 0
        return self._page_of_question(handset)

    def _page_of_end(self, handset: Handset) -> Page:
        pages = pages_of_end("\n".join(self.said), language=self.scope.spoken, handset=handset)
        self.page = max(0, min(self.page, len(pages) - 1))
        return pages[self.page]

    def _action(self) -> Action:
        step = self._step()
        call = step.call if isinstance(step, Do) else step.source if isinstance(step, Menu) else None
        assert call is not None
        return Action(call.action, {name: self.scope.value_of(each, self.today) for name, each in call.args.items()})

    def _step(self) -> Step:
        return self.scope.flow.steps[self.path[-1]]

    def _question(self) -> Ask:
        step = self._step()
        assert isinstance(step, Ask)
        return step

    def _choices(self, step: Ask) -> list[Choice]:
        return self.scope.choices(step, self._fetched(step))

    def _fetched(self, step: Ask) -> tuple[tuple[str, Label], ...]:
        """The choices that came from data for the question stood at: the last thing on the tape."""
        if not isinstance(step, Menu) or step.source is None or not self.tape:
            return ()
        last = self.tape[-1]
        return last.outcome.options if isinstance(last, Done) else ()

    def _progress(self) -> Progress:
        scope = self.scope
        return Progress(
            self.root.id, self.root.hash, self.state, scope.language, tuple(self.path), scope.values, scope.labels,
            tuple(self.tape), tuple(self.said), self.taken, self.page, self.wrong, self.shown,
            self.began, self.first_language, scope.speaks, scope.facts, scope.way,
        )  # fmt: skip

    def _mistake(self, problem: str) -> FlowMistake:
        step = self._step()
        return FlowMistake(problem, file=self.scope.flow.file, line=step.line, step=step.id)


_Passing = Callable[[Walk, Step], str | None]
_QUESTIONS: Final = ("menu", "pick", "number", "text", "date", "phone")
_PASSING: Final[dict[str, _Passing]] = {
    "say": Walk._say,
    "end": Walk._end,
    "when": Walk._when,
    "run": Walk._run,
    "do": Walk._do,
    "set": Walk._set,
    **dict.fromkeys(_QUESTIONS, Walk._arrive),
}
