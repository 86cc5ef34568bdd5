"""What a household is reminded of in a follow-up, and which contact a visit was: decided from the protocol alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import NamedTuple

from service.domain.protocol_file import AnchorKind, Protocol
from service.domain.protocols import Anchor, DatedContact, contacts_of

ANCHOR_OF: dict[str, AnchorKind] = {"antenatal": "last_menses", "postnatal": "birth"}
"""The kinds of follow-up that are kept, and the day that each counts from."""


DOUBT_DAYS = {"week": 7, "month": 31}
"""How far a birth date that was told as an age may be off."""


class Reminded(NamedTuple):
    """A contact that its household is told of, from `anchor_on` on; from `lapses_on` on it is asked for no more."""

    contact: str
    anchor_on: date
    lapses_on: date


def anchor_of(kind: str, started_on: date, give_or_take: int) -> Anchor:
    return Anchor(ANCHOR_OF[kind], started_on, give_or_take)


def reminded(
    protocol: Protocol, anchor: Anchor, made: Mapping[str, date], opened_on: date, today: date
) -> tuple[Reminded, ...]:
    """The contacts to remind of. What was late when the follow-up was opened counts from that day: nobody is blamed."""
    coming = contacts_of(protocol, anchor, made, today)
    return tuple(Reminded(one.id, max(one.planned_on, opened_on), one.lapses_on) for one in coming if one.remind)


def next_contact(protocol: Protocol, anchor: Anchor, made: Mapping[str, date], today: date) -> DatedContact | None:
    """The next contact, one that is done without a reminder among them; None when none comes any more."""
    return next(iter(contacts_of(protocol, anchor, made, today)), None)


def contact_of_visit(protocol: Protocol, anchor: Anchor, made: Mapping[str, date], on: date) -> str | None:
    """The contact that a visit of this day was; None on a day on which none was open, or where it was noted before."""
    before = {contact: day for contact, day in made.items() if day <= on}
    open_then = (one for one in contacts_of(protocol, anchor, before, on) if one.opens_on <= on)
    found = next(open_then, None)
    return found.id if found is not None and found.id not in made else None


def may_be_its_birth(protocol: Protocol, anchor: Anchor, born_on: date, precision: str) -> bool:
    """Whether a child born on this day may be the child of this follow-up: families and midwives write days apart."""
    slack = anchor.give_or_take + DOUBT_DAYS.get(precision, 0)
    if anchor.kind == "last_menses":
        return born_on >= anchor.on + timedelta(protocol.number("earliest_birth_days") - slack)
    return abs((born_on - anchor.on).days) <= protocol.number("same_birth_days") + slack


def is_likely_birth(protocol: Protocol, pregnancy: Anchor, on: date) -> bool:
    """Whether a birth with a living child may be written down without asking once more about its day."""
    days = (on - pregnancy.on).days
    return protocol.number("likely_birth_from_days") <= days <= protocol.number("likely_birth_until_days")


def may_be_one_birth(protocol: Protocol, one: date, other: date, precisions: Iterable[str]) -> bool:
    """Whether children born on these days may be one child, or were born together."""
    slack = sum(DOUBT_DAYS.get(each, 0) for each in precisions)
    return abs((one - other).days) <= protocol.number("same_birth_days") + slack
