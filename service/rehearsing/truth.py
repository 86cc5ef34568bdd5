"""What really happened in a rehearsed year: kept beside the product, never read from its records."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Literal, NamedTuple

from flows.sms_text import fold
from service.domain.centre_days import CentreDays
from service.domain.contacts import Contact
from service.rehearsing.centres import Word
from service.rehearsing.rounds import RoundWord

FactKind = Literal["phone", "place", "contacts", "ended", "stop", "heard from", "visited", "asked"]
VACCINE, NUTRITION, ROUND, COVER = "vaccine", "nutrition", "smc", "cover"
ANTENATAL, POSTNATAL = "antenatal", "postnatal"
KINDS = (VACCINE, NUTRITION, ROUND, ANTENATAL, POSTNATAL, COVER)
"""What a contact is of, in the product's own words: each is told on a ladder of its own."""


class Left(NamedTuple):
    """A message that the carrier took at `at`, its key and purpose as the outbox had them, and what became of it.

    `told_at` is when the carrier tells us. All moments are UTC milliseconds.
    """

    at: int
    to: str
    text: str
    key: str
    purpose: str
    message: int
    delivered: bool
    told_at: int


class Fact(NamedTuple):
    """Something that the line knows from the moment `at` on; its commit is over then.

    phone: a family's number · place: its centre · contacts: the coming contacts of a child, a woman or a family, all
    that are `of` this; `value` why those before are no more, `says` the day that messages name where it is not theirs ·
    ended: dead, gone · visited: a mediator told what she found · stop: this number wants nothing more ·
    heard from: it called · asked: the number that the mutual was asked from.
    """

    at: int
    kind: FactKind
    family: str
    kid: str = ""
    value: str = ""
    contacts: tuple[Contact, ...] = ()
    of: str = VACCINE
    says: date | None = None


class Told(NamedTuple):
    """A centre's word, which the line knows from `at` on, and all that is known of its days from then on."""

    at: int
    centre: str
    word: Word
    days: CentreDays


class Listed(NamedTuple):
    """The children whom the line asked the mediator of a centre's quartiers to visit; "" where there is no centre."""

    at: int
    centre: str
    kids: tuple[str, ...]


class RoundTold(NamedTuple):
    """What a programme said of a malaria round, which the line knows from `at` on."""

    at: int
    word: RoundWord


@dataclass
class Truth:
    """`zone`: where the families live. `until` is the end of the year, in UTC milliseconds."""

    zone: str
    until: int
    left: list[Left] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)
    words: list[Told] = field(default_factory=list)
    rounds: list[Listed] = field(default_factory=list)
    seasons: list[RoundTold] = field(default_factory=list)

    def lines(self) -> Iterator[tuple[object, ...]]:
        """The year to the letter, without what is thrown anew each time (ids and keys of the database)."""
        for fact in sorted(self.facts, key=lambda one: (one.at, one.family, one.kid, one.kind, one.of, one.value)):
            days = " ".join(f"{','.join(one.doses)}@{one.anchor_on}/{one.on}" for one in fact.contacts)
            kind = fact.kind if fact.of == VACCINE else fact.of
            yield fact.at, kind, fact.family, fact.kid, " ".join(filter(None, (fact.value, days, f"{fact.says or ''}")))
        for at, centre, word, _ in self.words:
            yield at, f"centre {word.kind}", centre, word.antigen, f"{word.since} {word.until or ''}".strip()
        for told in self.seasons:
            yield told.at, f"round {told.word.kind}", "", f"{told.word.number}", f"{told.word.first} {told.word.last}"
        for listed in self.rounds:
            yield listed.at, "list", listed.centre, " ".join(listed.kids)
        for one in sorted(self.left):
            yield one.at, "left", one.to, one.purpose, one.text, one.delivered, one.told_at


def is_recall(one: Left) -> bool:
    """The notices about a family's number are reminders by their purpose too, and name no day."""
    return one.key.startswith("recall:")


def is_apology(one: Left) -> bool:
    return one.key.startswith("sorry:")


def is_about_a_round(one: Left) -> bool:
    """Whether an apology is about a malaria round: its key names the round and the word on it."""
    return is_apology(one) and "." in one.key


def put_off(text: str) -> tuple[set[tuple[int, int]], set[tuple[int, int]]]:
    """(day, month) of the days that an apology takes back, and of those it gives instead."""
    before, _, behind = fold(text).partition("est report")
    return days_named(before), days_named(behind)


def days_named(text: str) -> set[tuple[int, int]]:
    """(day, month) of every 12/05 in a text."""
    return {(int(day), int(month)) for day, month in re.findall(r"\b(\d\d)/(\d\d)\b(?!/)", text)}


def calls_late(one: Left) -> bool:
    """Whether a recall is to somebody whose day has passed: it names one to come."""
    return is_recall(one) and "Si c'est fait" in fold(one.text)


def names(text_days: set[tuple[int, int]], day: date | None) -> bool:
    return day is not None and (day.day, day.month) in text_days


def next_day(today: date, named: tuple[int, int]) -> date:
    """The first such day from the day before on: a message may be read a day late."""
    day = today - timedelta(1)
    while (day.day, day.month) != named:
        day += timedelta(1)
    return day
