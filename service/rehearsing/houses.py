"""One family of a rehearsed year, as the line was told of it: what stood for it from when to when."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

from service.domain.contacts import Contact
from service.rehearsing.truth import COVER, VACCINE, Fact, Left, names


class Broken(NamedTuple):
    """A promise that was not kept. `what` is one of PROMISES, `number` or `kid` an invented one."""

    what: str
    at: int
    family: str
    detail: str


class Plan(NamedTuple):
    """A contact of a child, a woman or a family that stood from one moment to another; `of` what it is."""

    kid: str
    contact: Contact
    since: int
    until: int
    why: str  # how it ended: "told", "died", "left", "" or what the fact says
    waited: bool  # for stock, until this day was known
    of: str = VACCINE
    says: date | None = None

    @property
    def day(self) -> date | None:
        """The day that its messages name."""
        return self.says or self.contact.on


class Spell(NamedTuple):
    """A value that held from one moment to another."""

    since: int
    until: int
    value: str


class House:
    """One family, as the line was told of it."""

    def __init__(self, key: str, facts: Iterable[Fact], until: int) -> None:
        self.key, self.kids = key, set[str]()
        self.plans: list[Plan] = []
        self.stops: list[tuple[int, str]] = []
        self.heard: list[tuple[int, str]] = []
        self.visited: list[tuple[int, str]] = []
        self.phones: list[Spell] = []
        self.places: list[Spell] = []
        self.asked = ""
        self.left: list[Left] = []
        standing: dict[tuple[str, str], list[Plan]] = {}
        for fact in sorted(facts, key=lambda one: one.at):
            if fact.kind == "phone":
                _change(self.phones, fact, until)
            elif fact.kind == "place":
                _change(self.places, fact, until)
            elif fact.kind == "stop":
                self.stops.append((fact.at, fact.value))
            elif fact.kind == "visited":
                self.visited.append((fact.at, fact.kid))
            elif fact.kind == "heard from":
                self.heard.append((fact.at, fact.value))
            elif fact.kind == "asked":
                self.asked = fact.value
            elif fact.kind == "ended":
                for which in [one for one in standing if one[0] == fact.kid]:
                    self.plans += _over(fact, standing.pop(which), ())
            else:
                which = fact.kid, fact.of
                if fact.of == VACCINE:
                    self.kids.add(fact.kid)
                before = standing.pop(which, [])
                standing[which] = [_planned(fact, one, before, until) for one in fact.contacts]
                self.plans += _over(fact, before, standing[which])
        self.plans += [one for plans in standing.values() for one in plans]

    def standing_on(self, day: tuple[int, int], at: int) -> list[Plan]:
        """What was to be done on this (day, month), as it stood at a moment: nobody is to come for a cover."""
        return [one for one in self.told_of(day, at) if one.of != COVER]

    def told_of(self, day: tuple[int, int], at: int) -> list[Plan]:
        """What is told of this (day, month), as it stood at a moment."""
        return [one for one in self.plans if one.since <= at < one.until and names({day}, one.day)]

    def late_at(self, at: int, today: date) -> list[Plan]:
        """What should have been done before this day, as it stood at a moment."""
        standing = (one for one in self.plans if one.since <= at < one.until)
        return [one for one in standing if one.day is not None and one.day < today]

    def phone_at(self, at: int) -> str | None:
        return next((one.value for one in self.phones if one.since <= at < one.until), None)

    def place_at(self, at: int) -> str | None:
        return next((one.value for one in self.places if one.since <= at < one.until), None)


def _change(spells: list[Spell], fact: Fact, until: int) -> None:
    if spells and spells[-1].value == fact.value:
        return
    if spells:
        spells[-1] = spells[-1]._replace(until=fact.at)
    spells.append(Spell(fact.at, until, fact.value))


def _planned(fact: Fact, one: Contact, before: Iterable[Plan], until: int) -> Plan:
    """What stands on unchanged goes on from when it began."""
    same = next((was for was in before if _key(was) == (*_what(one), fact.says)), None)
    if same is not None:
        return same._replace(contact=one)
    waited = any(was.contact.awaits_stock and set(one.doses) <= set(was.contact.doses) for was in before)
    return Plan(fact.kid, one, fact.at, until, "", waited and not one.awaits_stock, fact.of, fact.says)


def _over(fact: Fact, before: Iterable[Plan], after: Iterable[Plan]) -> list[Plan]:
    """What has ended with this fact."""
    still = {_key(one) for one in after}
    why = fact.value or "told"
    return [one._replace(until=fact.at, why=why) for one in before if _key(one) not in still]


def _key(one: Plan) -> tuple[object, ...]:
    return *_what(one.contact), one.says


def _what(one: Contact) -> tuple[object, ...]:
    return one.doses, one.anchor_on, one.on
