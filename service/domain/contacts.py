"""The coming contacts of a child: which doses belong to one appointment, and on which day it is anchored."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import NamedTuple

from service.domain.vaccination import Assessment, DueDose, Given


class Contact(NamedTuple):
    """Doses to be given together. The day asked about does not move `anchor_on`: reminders count from it.

    `doses` are sorted, so that two plans compare. From `lapses_on` on, none of them is recommended any more.
    """

    doses: tuple[str, ...]
    anchor_on: date
    lapses_on: date | None


def coming_contacts(assessment: Assessment, enrolled_on: date) -> tuple[Contact, ...]:
    """Due and upcoming doses by the day they are due, or by the day of enrolment for what was late by then."""
    by_anchor: dict[date, list[DueDose]] = {}
    for dose in assessment.due + assessment.upcoming:
        by_anchor.setdefault(max(dose.due_on, enrolled_on), []).append(dose)
    return tuple(
        Contact(tuple(sorted(dose.dose for dose in doses)), anchor_on, _lapses_on(doses))
        for anchor_on, doses in sorted(by_anchor.items())
    )


def _lapses_on(doses: list[DueDose]) -> date | None:
    """The day after the last on which any of the doses may still be given; None when one never lapses."""
    days = [dose.lapses_on for dose in doses if dose.lapses_on is not None]
    return max(days) if len(days) == len(doses) else None


def planning_day(today: date, doses: Iterable[Given]) -> date:
    """The day to ask the schedule about when planning ahead: today, or tomorrow when a dose was given today.

    A live dose holds the others from the day after only (R6): asked today, they would all still be due today.
    """
    return max([today, *(dose.on + timedelta(1) for dose in doses)])
