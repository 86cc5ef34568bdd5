"""What is kept of a conversation between two answers, sealed: where it stands, and which screen each input got."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace

from flows import standing
from flows.engine import Progress
from flows.model import Flow
from flows.offers import Offer
from service.runtime import Runtime

SEALED_AS = "conversation.progress"
_compact = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


@dataclass(frozen=True, slots=True)
class Reply:
    """What the phone shows: folded text within the screen's limit, and whether the session goes on."""

    text: str
    more: bool


@dataclass(slots=True)
class Thread:
    """`typed` is the whole input so far; `screens` are (length of the input, text, more), each going on from the last.

    `origin` is the conversation it began in, before any redial: what happens once per conversation is keyed by it.
    `offer`: the question asked around the conversation, if one is; `wanted` the flow to leave it for. `ahead` are
    dialled keys that wait until the language is chosen. `hushed`: nothing of what was typed is kept. `number` is the
    phone's, for the SMS that says how to go on.
    """

    progress: Progress
    typed: str
    screens: list[tuple[int, str, bool]]
    origin: int = 0
    offer: Offer | None = None
    wanted: str = ""
    ahead: list[str] = field(default_factory=list)
    hushed: bool = False
    number: str = ""

    @property
    def last(self) -> Reply:
        return Reply(*self.screens[-1][1:])

    def sealed(self, runtime: Runtime) -> bytes:
        # Two lines, so that the progress is not wrapped into JSON a second time.
        rest = [self.typed, self.screens, self.origin, self.offer, self.wanted, self.ahead, self.hushed, self.number]
        return runtime.vault.seal(SEALED_AS, f"{self.progress.to_json()}\n{_compact(rest)}")

    @classmethod
    def opened(cls, runtime: Runtime, sealed: bytes) -> Thread:
        progress, _, rest = runtime.vault.open(SEALED_AS, sealed).partition("\n")
        return cls(Progress.from_json(progress), *json.loads(rest))

    def answer_given_to(self, text: str) -> Reply | None:
        """The screen that this very input got before, if it did."""
        if not (len(text) <= len(self.typed) if self.hushed else self.typed.startswith(text)):
            return None
        return next((Reply(shown, more) for length, shown, more in self.screens if length == len(text)), None)

    def shows(self, typed: str, progress: Progress, reply: Reply) -> None:
        """Keep one more step."""
        self.typed, self.progress = typed, progress
        self.screens.append((len(typed), reply.text, reply.more))

    def settle(self, root: Flow) -> bool:
        """Keep no more than the next step needs: no keystroke of a sensitive conversation, only the last screen of one
        that is over, in case the network asks for it again. True when even that is deleted within minutes."""
        over = not self.last.more
        is_fleeting = self.hushed or standing.is_sensitive(root, self.progress)
        if over or is_fleeting:
            self.hushed = True
            self.typed = "?" * len(self.typed)
            self.screens = self.screens[-1:]
        if over:
            self.number = ""
            self.progress = replace(
                self.progress, path=(root.first,), values={}, labels={}, tape=(), said=(), taken={}, facts={}
            )
        return is_fleeting
