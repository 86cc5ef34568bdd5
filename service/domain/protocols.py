"""Which contacts a follow-up still calls for, and when: one pure engine for every protocol file.

Nothing here is said to a family but a contact's discreet label; what is done at a contact is for a mediator.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from functools import cache
from typing import Literal, NamedTuple

from service.domain.protocol_file import Act, AnchorKind, ContactRule, Protocol, load_protocol, read_built_in

Event = Literal["birth", "loss", "death"]


class NotPossible(ValueError):
    """A date that cannot be, or something that the file does not know; nothing was decided."""


class Anchor(NamedTuple):
    """The day a follow-up counts from. `give_or_take` is its precision in days, `closes_on` the end of a round.

    An anchor with `ended_on` (a birth, a loss, a death, a move, a withdrawal) calls for nothing more.
    """

    kind: AnchorKind
    on: date
    give_or_take: int = 0
    closes_on: date | None = None
    ended_on: date | None = None


class DatedContact(NamedTuple):
    """One contact. opens_on <= best_on <= until < lapses_on, and best_on is never in the past.

    `planned_on` is the protocol's own day, which does not move with `today`: what ladders are anchored on. When `late`
    the window has closed and the contact is caught up; from `lapses_on` on it is no longer asked for.
    """

    id: str
    opens_on: date
    best_on: date
    until: date
    planned_on: date
    lapses_on: date
    late: bool
    acts_fr: tuple[str, ...]
    remind: bool
    label_fr: str


class Following(NamedTuple):
    """What to create after an event, the running follow-up having ended; `silence`: nothing, and no message at all."""

    begins: Anchor | None
    children_born_on: tuple[date, ...]
    silence: bool


SILENCE = Following(None, (), silence=True)


@cache
def built_in_protocol(name: str) -> Protocol:
    """A protocol of contacts only that comes with the product."""
    return load_protocol(read_built_in(name))


def pregnancy_from_week(week: int, seen_on: date, give_or_take_weeks: int = 0) -> Anchor:
    """The start of a pregnancy from the full weeks written on the card on `seen_on`; the week is never guessed."""
    if week < 0 or give_or_take_weeks < 0:
        raise NotPossible("weeks of pregnancy are never negative")
    return Anchor("last_menses", seen_on - timedelta(weeks=week), timedelta(weeks=give_or_take_weeks).days)


def due_on(protocol: Protocol, pregnancy: Anchor) -> date:
    """The expected day of birth: for staff, never for a message."""
    return pregnancy.on + timedelta(protocol.number("pregnancy_days"))


def what_follows(running: Anchor, event: Event, on: date, today: date, alive: int = 1) -> Following:
    """A birth begins the postnatal part and gives one birth date per living child; a loss or a death asks for silence.

    Raises NotPossible for an event in the future or before its follow-up began, and for a birth without a pregnancy.
    """
    if on > today:
        raise NotPossible(f"{on} is after today")
    if on < running.on - timedelta(running.give_or_take):
        raise NotPossible(f"{on} is before {running.on}, when this follow-up began")
    if event != "birth":
        return SILENCE
    if running.kind != "last_menses" or alive < 0:
        raise NotPossible("a birth ends a pregnancy, with no or some living children")
    if not alive:
        return SILENCE
    return Following(Anchor("birth", on), (on,) * alive, silence=False)


def contacts_of(protocol: Protocol, anchor: Anchor, done: Mapping[str, date], today: date) -> tuple[DatedContact, ...]:
    """The contacts still to come, or to be caught up, in the order of their days; none when the anchor has ended.

    `done` maps contact ids to their days; ids of another model are ignored. Raises NotPossible for a day after today.
    """
    if anchor.ended_on is not None:
        return ()
    for name, day in done.items():
        if day > today:
            raise NotPossible(f"contact '{name}' is said done on {day}, after today")
    rules = protocol.contacts.get(anchor.kind)
    if rules is None:
        raise NotPossible(f"{protocol.name} has no contacts from '{anchor.kind}'")
    if rules[0].repeats:
        return _next_visit(protocol, rules[0], anchor, done, today)
    found: list[DatedContact] = []
    days = dict(done)
    missed: list[Act] = []
    for rule in rules:
        base = days.get(rule.follows) if rule.follows else anchor.on
        if rule.id in done:
            missed = []
            continue
        coming = None if base is None else _dated(protocol, rule, rule.id, base, anchor, missed, today)
        if coming is None:
            missed += [act for act in rule.acts if act.carried]
            continue
        found.append(coming)
        days[rule.id] = coming.best_on
        missed = []
    return tuple(sorted(found, key=lambda one: (one.best_on, one.planned_on)))


def _next_visit(
    protocol: Protocol, rule: ContactRule, anchor: Anchor, done: Mapping[str, date], today: date
) -> tuple[DatedContact, ...]:
    """Visits follow each other: only the next one is known, and it counts from the last one made."""
    number = 1
    while f"{rule.id}-{number}" in done:
        number += 1
    last = max((day for contact, day in done.items() if contact.startswith(f"{rule.id}-")), default=anchor.on)
    contact = _dated(protocol, rule, f"{rule.id}-{number}", last, anchor, (), today)
    return (contact,) if contact else ()


def _dated(
    protocol: Protocol, rule: ContactRule, name: str, base: date, anchor: Anchor, missed: Iterable[Act], today: date
) -> DatedContact | None:
    planned = base + timedelta(rule.best)
    if rule.closes is None or rule.last is None:
        if anchor.closes_on is None or anchor.closes_on < planned:
            raise NotPossible(f"contact '{rule.id}' closes on an announced day, {planned} or later: give it")
        closes = last = anchor.closes_on
    else:
        closes, last = base + timedelta(rule.closes), base + timedelta(rule.last)
    if today > last:
        return None
    late = today > closes
    best = max(planned, today)
    return DatedContact(
        id=name,
        opens_on=base + timedelta(rule.opens),
        best_on=best,
        until=last if late else closes,
        planned_on=planned,
        lapses_on=last + timedelta(1),
        late=late,
        acts_fr=tuple(act.text_fr for act in _sensible(rule.acts, missed, best, anchor)),
        remind=rule.remind and not _silent(rule, best, anchor),
        label_fr=protocol.label_fr,
    )


def _silent(rule: ContactRule, on: date, anchor: Anchor) -> bool:
    """Whether the time of silence may have come, had the anchor been as early as it can be."""
    return rule.silent_from is not None and (on - anchor.on).days + anchor.give_or_take >= rule.silent_from


def _sensible(own: Iterable[Act], missed: Iterable[Act], on: date, anchor: Anchor) -> Iterable[Act]:
    """What still makes sense on this day, whichever day within its precision the anchor really was."""
    elapsed = (on - anchor.on).days
    for act in dict.fromkeys([*missed, *own]):
        too_early = act.first is not None and elapsed - anchor.give_or_take < act.first
        too_late = act.last is not None and elapsed + anchor.give_or_take > act.last
        if not too_early and not too_late:
            yield act
