"""What a call says next: the message, then keys. 1 once more, 2 the mediator calls back, 9 no more reminders.

Pure: `next_said` knows how often the message was played and which key was pressed; who calls it carries out the deed.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

AGAIN: Final = "1"
CALL_ME: Final = "2"
STOP: Final = "9"

GREETING, KEYS, CALLED_BACK, STOPPED = "greeting", "keys", "called_back", "stopped"
LINE: Final = "line"
"""What is said to whoever let us ring and is called back."""
NEEDED: Final = (GREETING, KEYS, CALLED_BACK, STOPPED)
"""Without these nobody is called: a person must hear how to end it."""

Deed = Literal["", "call_me", "stop"]


class Said(NamedTuple):
    """What is played, in order. `played`: how often the message was, then; `listens`: a key is waited for."""

    plays: tuple[str, ...] = ()
    listens: bool = False
    played: int = 0
    deed: Deed = ""


HANGS_UP: Final = Said()


def next_said(message: str, key: str | None, played: int, most: int) -> Said:
    """What follows. `key` is None when the call was just taken, "" when no key was pressed.

    The message and its keys are played `most` times at most, also for who presses a key that means nothing.
    """
    if key is None:
        return Said((GREETING, message, KEYS), listens=True, played=1)
    if key == CALL_ME:
        return Said((CALLED_BACK,), deed="call_me")
    if key == STOP:
        return Said((STOPPED,), deed="stop")
    if not key or played >= most:
        return HANGS_UP
    return Said((message, KEYS) if key == AGAIN else (KEYS,), listens=True, played=played + 1)
