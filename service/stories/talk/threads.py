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
_compact = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, check_circular=False).encode
_OTHERS = 6
"""What is kept besides the progress, what was typed and the screens."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What the phone shows: folded text within the screen's limit, and whether the session goes on."""

    text: str
    more: bool


@dataclass(slots=True)
class Thread:
    """`typed` is the whole input so far; `screens` are [length of the input, text, more], each going on from the last.

    A screen stays the JSON that was kept: a keystroke adds one, and looks into an older one only when it is asked for.
    `origin` is the conversation it began in, before any redial: what happens once per conversation is keyed by it.
    `offer`: the question asked around the conversation, if one is; `wanted` the flow to leave it for. `ahead` are
    dialled keys that wait until the language is chosen. `hushed`: nothing of what was typed is kept. `number` is the
    phone's, for the SMS that says how to go on.
    """

    progress: Progress
    typed: str
    screens: list[str]
    origin: int = 0
    offer: Offer | None = None
    wanted: str = ""
    ahead: list[str] = field(default_factory=list)
    hushed: bool = False
    number: str = ""
    _last: Reply | None = None

    @property
    def last(self) -> Reply:
        if self._last is None:
            self._last = _reply(self.screens[-1])
        return self._last

    def sealed(self, runtime: Runtime) -> bytes:
        # A line each, so that neither the progress nor a screen is wrapped into JSON a second time.
        rest = [self.typed, self.origin, self.offer, self.wanted, self.ahead, self.hushed, self.number]
        return runtime.vault.seal(SEALED_AS, "\n".join([self.progress.to_json(), _compact(rest), *self.screens]))

    @classmethod
    def opened(cls, runtime: Runtime, sealed: bytes) -> Thread:
        progress, rest, *screens = runtime.vault.open(SEALED_AS, sealed).split("\n")
        typed, *others = json.loads(rest)
        if len(others) > _OTHERS:
            # Conversations that were under way when the program was renewed go on: their screens stand in the list.
            screens = [_compact(screen) for screen in others.pop(0)]
        return cls(Progress.from_json(progress), typed, screens, *others)

    def answer_given_to(self, text: str) -> Reply | None:
        """The screen that this very input got before, if it did."""
        if not (len(text) <= len(self.typed) if self.hushed else self.typed.startswith(text)):
            return None
        start = f"[{len(text)},"
        return next((_reply(screen) for screen in self.screens if screen.startswith(start)), None)

    def shows(self, typed: str, progress: Progress, reply: Reply) -> None:
        """Keep one more step."""
        self.typed, self.progress, self._last = typed, progress, reply
        self.screens.append(_compact([len(typed), reply.text, reply.more]))

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


def _reply(screen: str) -> Reply:
    _, text, more = json.loads(screen)
    return Reply(text, more)
