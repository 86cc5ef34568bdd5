"""What a treatment and the follow-up of a pregnancy add to the counts of their months: whole months, no quartier.

Told from the rows while they stand, and written down as counts when they go: both add up to the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Final, NamedTuple

from service.domain.muac import Rules
from service.domain.rations import Measure

SEVERE, MODERATE = "severe", "moderate"
_BANDS: Final = {"red": SEVERE, "oedema": SEVERE, "yellow": MODERATE}
RECOVERED, DIED, DEFAULTED, NOT_RESPONDING = "recovered", "death", "defaulted", "not_responding"
OUTCOMES: Final = (RECOVERED, DIED, DEFAULTED, NOT_RESPONDING)
"""The ends of a treatment that its results are counted from."""
NEVER_ONE: Final = "mistake"
"""How a treatment ended that should not have begun: it counts nowhere."""


class Counted(NamedTuple):
    """One more of this in a month, its first day: 'admitted:severe', 'ended:recovered', 'antenatal:told:w20'."""

    month: date
    measure: str

    @classmethod
    def on(cls, day: date, *measure: str) -> Counted:
        return cls(day.replace(day=1), ":".join(measure))


class Treated(NamedTuple):
    """A treatment, open or ended; `first` is the admission's measure. `why`: one of `treatment_rules.ENDS`."""

    admitted_on: date
    first: Measure | None
    ended_on: date | None
    why: str | None


class Contact(NamedTuple):
    """A contact of a follow-up; `on` and `lapses_on` are its appointment's, where it had one.

    `told_on`: the day of the first message about it that may have arrived. `made_on`: noted as made on that day.
    """

    name: str
    on: date | None
    lapses_on: date | None
    told_on: date | None
    made_on: date | None


class Followed(NamedTuple):
    """A follow-up (antenatal, postnatal), open or ended, with its contacts."""

    kind: str
    opened_on: date
    ended_on: date | None
    contacts: tuple[Contact, ...]


def of_treatment(rules: Rules, one: Treated) -> Iterator[Counted]:
    """Its admission by the severity of the first measure, and its end."""
    if one.why == NEVER_ONE:
        return
    yield Counted.on(one.admitted_on, "admitted", _severity(rules, one.first))
    if one.ended_on is not None and one.why is not None:
        yield Counted.on(one.ended_on, "ended", one.why)


def _severity(rules: Rules, first: Measure | None) -> str:
    if first is None:
        return "unknown"
    found = rules.classify(age_months=first.age_months, mm=first.mm, oedema=first.oedema)
    return _BANDS.get(found.meaning, "unknown")


def of_follow_up(one: Followed, today: date) -> Iterator[Counted]:
    """Its opening, the contacts that were made, and those told whose time is over, made or not."""
    yield Counted.on(one.opened_on, one.kind, "opened")
    for each in one.contacts:
        if each.made_on is not None:
            yield Counted.on(each.made_on, one.kind, "made", each.name)
        if each.told_on is not None and each.on is not None and _is_over(one, each, today):
            yield Counted.on(each.on, one.kind, "told", each.name)
            if each.made_on is not None and each.made_on >= each.told_on:
                yield Counted.on(each.on, one.kind, "kept", each.name)


def _is_over(one: Followed, each: Contact, today: date) -> bool:
    """It is asked for no longer; one that fell away before its day was never to be kept.

    One that was made is not counted sooner than the others: else those would be missing beside it.
    """
    if one.ended_on is not None and each.on is not None:
        return each.made_on is not None or each.on <= one.ended_on
    return each.lapses_on is not None and each.lapses_on <= today


_KINDS_FR: Final = {"antenatal": "Prénatal", "postnatal": "Postnatal"}
_UNITS: Final = {"h": ("heures", 0), "d": ("jour", 1), "w": ("semaine", 7)}


def contact_fr(kind: str, name: str) -> str:
    """'Prénatal, semaine 20' of w20; 'Prénatal, CPN2' of cpn2."""
    unit, number = name[:1], name[1:]
    if unit not in _UNITS or not number.isdigit():
        return f"{_KINDS_FR[kind]}, {name.upper()}"
    word = _UNITS[unit][0]
    return f"{_KINDS_FR[kind]}, {number} {word}" if unit == "h" else f"{_KINDS_FR[kind]}, {word} {number}"


def contact_place(kind: str, name: str) -> tuple[str, int, str]:
    """Contacts in the order of their days."""
    unit, number = name[:1], name[1:]
    days = int(number) * _UNITS[unit][1] if unit in _UNITS and number.isdigit() else 0
    return kind, days, name
