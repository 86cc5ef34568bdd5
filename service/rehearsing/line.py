"""What families, centres and mediators can do with the line, and a year without it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Literal, NamedTuple, Protocol

from service.rehearsing.centres import Word
from service.rehearsing.lives import Kid, Quartier
from service.rehearsing.rounds import RoundWord
from service.rehearsing.truth import Left

Finding = Literal["seen", "moved", "dead", "wrong_number"]
"""What a mediator finds at home, in the product's own words; who moved has left all our quartiers."""


class Sent(NamedTuple):
    """What a carrier was handed."""

    at: int
    to: str
    text: str
    message: int
    key: str = ""
    purpose: str = ""


class Written(NamedTuple):
    """Doses of one child, told to the line by its centre."""

    kid: str
    antigens: list[str]
    on: date


class FollowUpLine(Protocol):
    """What is told of follow-ups with dates. A woman is called by the key of the child that she expects."""

    def treat(self, kid: str, mm: int, now: int) -> None: ...

    def measure(self, kid: str, mm: int, now: int) -> None: ...

    def send_on(self, kid: str, now: int) -> None:
        """It shows a sign of danger."""

    def discharge(self, kid: str, why: str, now: int) -> None: ...

    def tell_round(self, word: RoundWord, now: int) -> None: ...

    def cover(self, family: str, number: str, until: date, now: int) -> None:
        """The family is covered until that day; who was not before asked for it from this number."""

    def end_cover(self, family: str, now: int) -> None: ...

    def open_pregnancy(self, woman: str, number: str, quartier: Quartier, week: int, now: int) -> None: ...

    def made_contact(self, woman: str, now: int) -> None: ...

    def birth(self, kid: Kid, now: int) -> None:
        """Of a woman who is followed; the child is from now on."""

    def loss(self, woman: str, now: int) -> None: ...

    def moved_away(self, woman: str, now: int) -> None: ...


class Line(FollowUpLine, Protocol):
    """What families and centres can do with the line. All of it is committed when a call returns."""

    def enrol(self, number: str, kid: Kid, quartier: Quartier, by_ussd: bool, now: int) -> None: ...

    def write_doses(self, written: Sequence[Written], now: int) -> None: ...

    def end(self, kids: Sequence[str], now: int) -> None: ...

    def move(self, kids: Sequence[str], quartier: Quartier, now: int) -> None: ...

    def change_number(self, kid: Kid, number: str, now: int) -> bool: ...

    def stop(self, number: str, now: int) -> None: ...

    def hear(self, centre: str, word: Word, now: int) -> None: ...

    def add_mediator(self, centre: str, number: str, quartiers: Sequence[Quartier], now: int) -> None: ...

    def late_list(self, centre: str, now: int) -> list[str]:
        """The children to be visited, whoever waits longest first."""

    def visited(self, centre: str, kid: str, found: Finding, now: int) -> None: ...

    def receipt(self, one: Left, now: int) -> None: ...

    def round(self, now: int) -> list[Sent]:
        """Plan, send and settle; gives what left."""


class Silence:
    """No line: the families live their year without it."""

    def enrol(self, number: str, kid: Kid, quartier: Quartier, by_ussd: bool, now: int) -> None: ...

    def write_doses(self, written: Sequence[Written], now: int) -> None: ...

    def end(self, kids: Sequence[str], now: int) -> None: ...

    def move(self, kids: Sequence[str], quartier: Quartier, now: int) -> None: ...

    def change_number(self, kid: Kid, number: str, now: int) -> bool:
        return True

    def stop(self, number: str, now: int) -> None: ...

    def hear(self, centre: str, word: Word, now: int) -> None: ...

    def add_mediator(self, centre: str, number: str, quartiers: Sequence[Quartier], now: int) -> None: ...

    def late_list(self, centre: str, now: int) -> list[str]:
        return []

    def visited(self, centre: str, kid: str, found: Finding, now: int) -> None: ...

    def treat(self, kid: str, mm: int, now: int) -> None: ...

    def measure(self, kid: str, mm: int, now: int) -> None: ...

    def send_on(self, kid: str, now: int) -> None: ...

    def discharge(self, kid: str, why: str, now: int) -> None: ...

    def tell_round(self, word: RoundWord, now: int) -> None: ...

    def cover(self, family: str, number: str, until: date, now: int) -> None: ...

    def end_cover(self, family: str, now: int) -> None: ...

    def open_pregnancy(self, woman: str, number: str, quartier: Quartier, week: int, now: int) -> None: ...

    def made_contact(self, woman: str, now: int) -> None: ...

    def birth(self, kid: Kid, now: int) -> None: ...

    def loss(self, woman: str, now: int) -> None: ...

    def moved_away(self, woman: str, now: int) -> None: ...

    def receipt(self, one: Left, now: int) -> None: ...

    def round(self, now: int) -> list[Sent]:
        return []
