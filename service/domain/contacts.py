"""The coming contacts of a child: which doses belong to one appointment, and on which day it is anchored."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from typing import NamedTuple

from service.domain.centre_days import Meet, on_the_anchor
from service.domain.vaccination import Assessment, DueDose, Given


class Contact(NamedTuple):
    """Doses to be given together. The day asked about does not move `anchor_on`: reminders count from it.

    `doses` are sorted, so that two plans compare. From `lapses_on` on, none of them is recommended any more.
    `meets_on` is the day on which the centre gives them, where it is not the anchor itself; `awaits_stock`: nobody
    knows when it will.
    """

    doses: tuple[str, ...]
    anchor_on: date
    lapses_on: date | None
    meets_on: date | None = None
    awaits_stock: bool = False

    @property
    def on(self) -> date | None:
        """The day that the family is told, from which the reminders count; None when there is none to tell."""
        return None if self.awaits_stock else self.meets_on or self.anchor_on


def coming_contacts(assessment: Assessment, enrolled_on: date, meet: Meet = on_the_anchor) -> tuple[Contact, ...]:
    """Due and upcoming doses by the day they are due, or by the day of enrolment for what was late by then.

    `meet` says on which days the centre gives them: it may split a contact.
    """
    by_anchor: dict[date, list[DueDose]] = {}
    for dose in assessment.due + assessment.upcoming:
        by_anchor.setdefault(max(dose.due_on, enrolled_on), []).append(dose)
    return tuple(contact for anchor_on, doses in sorted(by_anchor.items()) for contact in _met(doses, anchor_on, meet))


def _met(doses: list[DueDose], anchor_on: date, meet: Meet) -> Iterator[Contact]:
    for meeting in meet(tuple(sorted(dose.dose for dose in doses)), anchor_on):
        lapses_on = _lapses_on([dose for dose in doses if dose.dose in meeting.doses])
        meets_on = meeting.on if meeting.on != anchor_on else None
        yield Contact(meeting.doses, anchor_on, lapses_on, meets_on, meeting.on is None)


def _lapses_on(doses: list[DueDose]) -> date | None:
    """The day after the last on which any of the doses may still be given; None when one never lapses."""
    days = [dose.lapses_on for dose in doses if dose.lapses_on is not None]
    return max(days) if len(days) == len(doses) else None


def planning_day(today: date, doses: Iterable[Given]) -> date:
    """The day to ask the schedule about when planning ahead: today, or tomorrow when a dose was given today.

    A live dose holds the others from the day after only (R6): asked today, they would all still be due today.
    """
    return max([today, *(dose.on + timedelta(1) for dose in doses)])
