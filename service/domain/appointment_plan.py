"""What becomes of a child's appointments when its plan changes: which go, which are new, and what was heard of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import NamedTuple, Protocol, TypeVar

from service.domain import reminder_ladder
from service.domain.contacts import Contact
from service.domain.reminder_ladder import Ladder, Occurrence
from service.domain.vaccination import Given


class Row(Protocol):
    """An appointment as it is kept: `doses` by name with commas, `on` the day told, `last_step` what was told last."""

    @property
    def id(self) -> int: ...
    @property
    def doses(self) -> str: ...
    @property
    def anchor_on(self) -> date: ...
    @property
    def on(self) -> date | None: ...
    @property
    def last_step(self) -> str | None: ...


AnyRow = TypeVar("AnyRow", bound=Row)


class Heard(NamedTuple):
    """A family was told of these doses, for this day, up to this step; None: it was told nothing."""

    doses: frozenset[str]
    anchor_on: date
    on: date | None
    last_step: str | None


class Quiet(NamedTuple):
    """A family that wants to hear nothing, until that day; None: until it says so."""

    until: date | None


def changes(standing: Sequence[AnyRow], wanted: Sequence[Contact]) -> tuple[list[AnyRow], list[Contact]]:
    """The appointments that go, and the contacts that are new.

    One whose doses, anchor and day are unchanged is in neither: it stays as it is, with the steps already told.
    """
    asked = {(",".join(one.doses), one.anchor_on, one.on) for one in wanted}
    there = {(row.doses, row.anchor_on, row.on) for row in standing}
    gone = [row for row in standing if (row.doses, row.anchor_on, row.on) not in asked]
    return gone, [one for one in wanted if (",".join(one.doses), one.anchor_on, one.on) not in there]


def heard_of(
    gone: Iterable[Row],
    not_said: Mapping[int, str | None],
    given: Sequence[Given],
    antigen_of: Callable[[str], str],
    ladder: Ladder,
) -> list[Heard]:
    """What the family heard of what goes. `not_said`: of some, by id, the last step that really was.

    A family that has just been there knows as if it had all been said.
    """
    found = []
    for row in gone:
        last = row.last_step if _came(row, given, antigen_of, ladder) else not_said.get(row.id, row.last_step)
        found.append(_heard(row, last))
    return found


def _came(row: Row, given: Sequence[Given], antigen_of: Callable[[str], str], ladder: Ladder) -> bool:
    """Whether something of it was given since its ladder began."""
    antigens = {antigen_of(dose) for dose in row.doses.split(",")}
    since = (row.on or row.anchor_on) + timedelta(ladder.steps[0].offset_days)
    return any(dose.antigen in antigens and dose.on >= since for dose in given)


def heard_before(ladder: Ladder, closed: Iterable[tuple[Row, str]]) -> list[Heard]:
    """The same of appointments that were closed before, from each step of them that left, in the order given."""
    order = {step.name: place for place, step in enumerate(ladder.steps)}
    found: dict[int, Heard] = {}
    for row, step in closed:
        before = found.get(row.id)
        if step in order and (before is None or order[step] > order[before.last_step or step]):
            found[row.id] = _heard(row, step)
    return list(found.values())


def _heard(row: Row, last_step: str | None) -> Heard:
    return Heard(frozenset(row.doses.split(",")), row.anchor_on, row.on, last_step)


def told_of(contact: Contact, heard: Iterable[Heard]) -> str | None:
    """The last step that the family heard of a contact of which something fell away: its ladder goes on from there."""
    for was in heard:
        same_day = was.anchor_on == contact.anchor_on and was.on == contact.on
        if same_day and was.doses.issuperset(contact.doses):
            return was.last_step
    return None


def step_after(
    ladder: Ladder, on: date | None, lapses_on: date | None, told: str | None, here: datetime, quiet: Quiet | None
) -> Occurrence | None:
    """The first step after `told` that is still useful; None when the ladder is climbed: the visit list is next.

    None too while nobody knows the day `on`. Nothing is said before a silence ends. `here` is the local date and hour.
    """
    if on is None or (quiet is not None and quiet.until is None):
        return None
    if quiet is None or quiet.until is None:
        return reminder_ladder.next_step(ladder, on, told, here, lapses_on)
    speaks = max(here, datetime.combine(quiet.until, time()))
    step = reminder_ladder.next_step(ladder, on, told, speaks, lapses_on)
    return step._replace(on=max(step.on, quiet.until)) if step else None
