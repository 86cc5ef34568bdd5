"""Holds a written conversation on a phone, step by step, and tells at each step what was expected and what was seen.

The phone is anything that can do what `Handset` says: one of a running demo, or one of a rehearsal in this process.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from flows.phrases import standard
from flows.sms_text import fold
from service.simulator.product import ProductProblem
from service.simulator.scripts import Action, Script, Step

MOST_PAGES: Final = 40
ANYTHING: Final = "…"  # in words that must be seen: whatever stands there
MORE_PHRASE: Final = "more"


@dataclass(frozen=True, slots=True)
class Screen:
    """What the phone shows. `is_open`: an answer can be typed; `is_spoken`: the service wrote it, not the phone."""

    text: str
    is_open: bool
    is_spoken: bool


class Handset(Protocol):
    """One phone, by USSD or by SMS. Every method may raise ProductProblem when the service does not do its part."""

    def other(self, number: str) -> Handset:
        """Another phone of the same network, by the same way of talking."""

    by_sms: bool
    """Whether the screen is what arrived by SMS: who sees it has looked into the inbox."""

    def dial(self, path: str) -> None:
        """Call the service, or go straight to what this path, "2*1" or a whole code, leads to."""

    def answer(self, typed: str) -> None: ...

    def cut(self) -> None:
        """The line drops."""

    def time_out(self) -> None:
        """Nothing is typed until the carrier ends the call."""

    def repeat(self) -> tuple[str, str]:
        """The network presents the last step once more. What was shown before and after it, alike if all is well."""

    def twice(self, typed: str) -> tuple[str, str]:
        """The same answer in two requests at the same moment. What each of them got, alike if all is well."""

    def wait(self, seconds: int) -> None: ...

    def write_sms(self, words: str) -> None: ...

    def catch_up(self, enough: Callable[[], bool]) -> None:
        """Give the service a moment to send what is due, until `enough`."""

    def screen(self) -> Screen: ...

    def inbox(self) -> tuple[str, ...]:
        """The SMS that were received, the latest first."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a step went. `why` is empty when it went well, else one of `WHY`."""

    step: Step
    why: str = ""
    expected: str = ""
    seen: str = ""

    @property
    def is_well(self) -> bool:
        return not self.why


WHY: Final[Mapping[str, str]] = {
    "not_seen": "these words are not on the screen",
    "no_call": "there is no open call to answer",
    "no_choice": "there is no such choice, on any page",
    "is_over": "the call is over",
    "is_open": "the call still goes on",
    "other_screen": "the repeated step was answered otherwise",
    "two_screens": "the two requests were answered otherwise than one",
    "no_sms": "no SMS has arrived",
    "other_sms": "the latest SMS does not say that",
    "unwanted_sms": "an SMS has arrived",
    "no_answer": "the service did not answer",
}


class Failed(Exception):
    """A step did not go as it was written."""

    def __init__(self, why: str, expected: str = "", seen: str | None = None) -> None:
        super().__init__(why)
        self.why, self.expected, self.seen = why, expected, seen


class Player:
    """Plays steps on a phone, which the script calls by the number `called`, and on others that a step names.

    `phone` is the one that acts now and `on` its number; `seen` tells how many SMS each held when the script last
    looked at its inbox.
    """

    def __init__(
        self, phone: Handset, called: str = "", on: str | None = None, seen: Mapping[str, int] | None = None
    ) -> None:
        self._first, self._called = phone, called
        self.seen = dict(seen or {})
        self._take(called if on is None else on)

    def _take(self, number: str) -> None:
        self.on = number
        self.phone = self._first if number == self._called else self._first.other(number)
        self.seen.setdefault(number, len(self.phone.inbox()))

    def play(self, step: Step) -> Outcome:
        """Do one step. What goes wrong is told in the outcome, never raised."""
        try:
            _PLAYED[step.do](self, step)
        except Failed as failed:
            seen = self.phone.screen().text if failed.seen is None else failed.seen
            return Outcome(step, failed.why, failed.expected, seen)
        except ProductProblem as problem:
            return Outcome(step, "no_answer", "", problem.sentence)
        return Outcome(step, seen=self.phone.screen().text)

    def dial(self, step: Step) -> None:
        self.phone.dial(step.words[0] if step.words else "")
        if not self.phone.screen().is_spoken:
            raise Failed("no_answer")

    def change_phone(self, step: Step) -> None:
        self._take(step.words[0])

    def press(self, step: Step) -> None:
        self.need_open()
        self.phone.answer(step.words[0])

    def choose(self, step: Step) -> None:
        """Press the key in front of this label, turning pages until it is there."""
        self.need_open()
        label, text = step.words[0], ""
        self._await(lambda shown: key_before(label, shown) is not None or key_of_more(shown) is not None)
        for _ in range(MOST_PAGES):
            before, text = text, self.phone.screen().text
            key = key_before(label, text)
            if key is not None:
                return self.phone.answer(key)
            turn = key_of_more(text)
            if turn is None or text == before or not self.phone.screen().is_open:
                break
            self.phone.answer(turn)
        raise Failed("no_choice", label)

    def maybe(self, step: Step) -> None:
        """The same, if the label stands on the screen at all: a phone that called before is not asked its language."""
        screen = self.phone.screen()
        key = key_before(step.words[0], screen.text)
        if key is not None and screen.is_open:
            self.phone.answer(key)

    def cut(self, _: Step) -> None:
        self.need_open()
        self.phone.cut()

    def time_out(self, _: Step) -> None:
        self.need_open()
        self.phone.time_out()

    def repeat(self, _: Step) -> None:
        before, after = self.phone.repeat()
        if before != after:
            raise Failed("other_screen", before, after)

    def twice(self, step: Step) -> None:
        self.need_open()
        first, second = self.phone.twice(step.words[0])
        if first != second:
            raise Failed("two_screens", first, second)

    def wait(self, step: Step) -> None:
        self.phone.wait(step.seconds)

    def sms(self, step: Step) -> None:
        self.phone.write_sms(step.words[0])

    def see(self, step: Step) -> None:
        self._await(lambda shown: all(holds(shown, words) for words in step.words))
        text = self.phone.screen().text
        if self.phone.by_sms:
            self.seen[self.on] = len(self.phone.inbox())
        missing = [words for words in step.words if not holds(text, words)]
        if missing:
            raise Failed("not_seen", "\n".join(missing), text)

    def _await(self, enough: Callable[[str], bool]) -> None:
        """An answer by SMS, or the second part of one, comes when it comes; a screen is there at once."""
        if self.phone.by_sms:
            self.phone.catch_up(lambda: enough(self.phone.screen().text))

    def inbox(self, step: Step) -> None:
        """The latest SMS says this; or none came since the script last looked."""
        self.phone.catch_up(lambda: self._is_there(step.words))
        found, had = self.phone.inbox(), self.seen[self.on]
        self.seen[self.on] = len(found)
        if not step.words and len(found) > had:
            raise Failed("unwanted_sms", "", found[0])
        if step.words and not found:
            raise Failed("no_sms", "\n".join(step.words), "")
        missing = [words for words in step.words if not holds(found[0], words)]
        if missing:
            raise Failed("other_sms", "\n".join(missing), found[0])

    def _is_there(self, words: Iterable[str]) -> bool:
        found = self.phone.inbox()
        return len(found) > self.seen[self.on] and all(holds(found[0], each) for each in words)

    def over(self, _: Step) -> None:
        if self.phone.screen().is_open:
            raise Failed("is_open")

    def open(self, _: Step) -> None:
        if not self.phone.screen().is_open:
            raise Failed("is_over")

    def need_open(self) -> None:
        if not self.phone.screen().is_open:
            raise Failed("no_call")


_PLAYED: Final[Mapping[Action, Callable[[Player, Step], None]]] = {
    "dial": Player.dial,
    "press": Player.press,
    "choose": Player.choose,
    "maybe": Player.maybe,
    "see": Player.see,
    "cut": Player.cut,
    "repeat": Player.repeat,
    "twice": Player.twice,
    "wait": Player.wait,
    "timeout": Player.time_out,
    "sms": Player.sms,
    "inbox": Player.inbox,
    "over": Player.over,
    "open": Player.open,
    "phone": Player.change_phone,
}


def play(script: Script, phone: Handset) -> Iterator[Outcome]:
    """Play the script until its end or until the first step that does not go as written."""
    player = Player(phone, script.phone)
    for step in script.steps:
        outcome = player.play(step)
        yield outcome
        if not outcome.is_well:
            return


def holds(text: str, words: str) -> bool:
    """Whether these words stand in the text, however they are spelt, spaced or broken into lines; … is anything."""
    left = _plain(text)
    for piece in words.split(ANYTHING):
        found = left.find(_plain(piece))
        if found < 0:
            return False
        left = left[found + len(_plain(piece)) :]
    return True


def key_before(label: str, text: str) -> str | None:
    """The number in front of the choice that is called so, or begins so; None when there is none."""
    lines = re.finditer(r"^ *([0-9]{1,2})[ .):]+([^\s.):].*)$", text, re.MULTILINE)
    choices = [(found[1], _plain(found[2])) for found in lines]
    wanted = _plain(label)
    exact = [key for key, words in choices if words == wanted]
    return next(iter(exact or [key for key, words in choices if wanted and words.startswith(wanted)]), None)


def key_of_more(text: str) -> str | None:
    """The key that turns the page, named in the last line of a screen: the 9 of "9 Suite 0 Retour"."""
    last = text.rsplit("\n", 1)[-1]
    for word in _words_for_more():
        found = re.search(rf"(?:^|\s)([0-9*#]{{1,3}}) {re.escape(word)}(?:\s|$)", last)
        if found:
            return found[1]
    return None


def _words_for_more() -> Iterable[str]:
    words = standard()
    return {words.folded(MORE_PHRASE, language) for language in words.by_key[MORE_PHRASE].text.folded}


def _plain(text: str) -> str:
    return " ".join(fold(text).casefold().split())
