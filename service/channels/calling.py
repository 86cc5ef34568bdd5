"""What a carrier that makes calls promises beside sending: what it tells of a call, and how we say what comes next."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from service.channels.base import NO_FIELDS, Answer, Fields, Unreadable


@dataclass(frozen=True, slots=True)
class CallStep:
    """A moment of a call. `phone` is the person's, None when it shows none.

    `key` is None when the call was just taken, "" when none was pressed; `played` comes back from the address that
    `Saying` asked for. `message_ref`: the message that is said in it, where the carrier brings our id back.
    """

    channel: str
    call_id: str
    phone: str | None
    incoming: bool
    over: bool = False
    key: str | None = None
    played: int = 0
    message_ref: int | None = None


@dataclass(frozen=True, slots=True)
class Saying:
    """What the carrier is to play, and, where a key is waited for, what comes back with it."""

    sounds: tuple[str, ...] = ()
    listens: bool = False
    played: int = 0
    message_ref: int | None = None


@runtime_checkable
class Calls(Protocol):
    """A carrier with `capabilities.voice`: its `send` rings a person, and the doors ask it for the rest."""

    def read_call(self, fields: Fields, query: Fields = NO_FIELDS) -> CallStep:
        """One moment of a call; raises Unreadable."""

    def say(self, saying: Saying, address: str) -> Answer:
        """What the call plays now, in this carrier's form; `address` is where it asks what comes next."""

    def busy(self) -> Answer:
        """Refuse a call that comes in, so that it costs the caller nothing."""


def times_played(query: Fields) -> int:
    """How often the message was played, from the address that a key comes to."""
    written = query.maybe("n", 2)
    if written is None:
        return 0
    if not (written.isascii() and written.isdigit()):
        raise Unreadable("n is not a number of ours")
    return int(written)


def next_address(address: str, saying: Saying) -> str:
    """Where the key is told: our message's id and how often it was played, and no number of anybody."""
    return f"{address}?m={saying.message_ref}&n={saying.played}"


def only_key(pressed: str) -> str:
    """The one key that was asked for; anything longer is none of the menu's."""
    return pressed if len(pressed) < 2 else "?"


def first_of(numbers: Iterable[str | None], *, but: str | None) -> str | None:
    """The first number that is not ours."""
    return next((number for number in numbers if number and number != but), None)
