"""An experiment: what is tried on which families, and what may be tried at all.

A family is in its arm by a keyed hash of the experiment's seed and the household: the same for ever, whoever asks and
in whatever order, and nobody can choose it. Children of one household are together.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Collection
from datetime import date, timedelta
from typing import Literal, NamedTuple

from service.domain.ages import add_months
from service.domain.reminder_ladder import Ladder, offset_of

Kind = Literal["hold-out", "wording"]
USUAL, TRIED = "usual", "tried"
LATE = "late"
"""The phrase of the steps after the day: nobody who is late is ever left without them."""
USUAL_WORDS = "recall.before"
LONGEST_MONTHS = 12


class NotSound(Exception):
    """The experiment must not be run as it was asked for; the text says what to ask for instead."""


class Arm(NamedTuple):
    """`share`: so many families of a hundred."""

    name: str
    share: int


class Experiment(NamedTuple):
    """What was declared before anything was tried.

    A hold-out leaves out `steps`; a wording says `wording` in the place of the usual words. Counted are doses whose
    recommended day lies from `starts_on` to `ends_on`, of children enrolled by `declared_at`; on time is `within_days`.
    """

    id: int
    programme_id: int
    name: str
    kind: Kind
    steps: tuple[str, ...]
    wording: str
    share: int
    seed: str
    starts_on: date
    ends_on: date
    within_days: int
    declared_at: int

    @property
    def arms(self) -> tuple[Arm, Arm]:
        return Arm(USUAL, 100 - self.share), Arm(TRIED, self.share)


def arm_of(experiment: Experiment, household_id: int) -> str:
    """The arm of a family, the same for ever."""
    digest = hmac.digest(experiment.seed.encode(), str(household_id).encode(), "sha256")
    return TRIED if int.from_bytes(digest[:8]) * 100 < experiment.share << 64 else USUAL


def takes_part(experiment: Experiment, enrolled_at: int, birth_precision: str, on: date) -> bool:
    """Whether a contact on this day is of the experiment: only where its doses are counted, else nothing is tried."""
    is_counted = enrolled_at <= experiment.declared_at and birth_precision == "day"
    return is_counted and experiment.starts_on <= on <= experiment.ends_on


def days_ahead(ladder: Ladder) -> int:
    """How many days before a contact its first step is."""
    return max(0, -min(step.offset_days for step in ladder.steps))


# --- what may be tried ----------------------------------------------------------------------------------------


def check(experiment: Experiment, ladder: Ladder, today: date, most_held_out: int) -> None:
    """Raises NotSound unless this may be tried. `most_held_out`: families of a hundred, at most."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{1,38}", experiment.name):
        raise NotSound(f"'{experiment.name}' is no name: write small letters, digits and hyphens, as in 'early-2027'")
    if experiment.kind == "hold-out":
        _check_steps(experiment.steps, ladder)
        if not 1 <= experiment.share <= most_held_out:
            raise NotSound(f"a hold-out is of 1 to {most_held_out} families of a hundred, not {experiment.share}")
    elif not 1 <= experiment.share <= 99:
        raise NotSound(f"the words are tried on 1 to 99 families of a hundred, not {experiment.share}")
    _check_days(experiment, ladder, today)


def _check_steps(steps: Collection[str], ladder: Ladder) -> None:
    """Only steps before a child is late: what comes after is for those who need it most."""
    known = {step.name: step for step in ladder.steps}
    early = [name for name, step in known.items() if offset_of(name) <= 0 and step.phrase != LATE]
    if not steps:
        raise NotSound(f"name the steps that are left out: {', '.join(early)}")
    for name in steps:
        if name not in early:
            why = "comes when a child is late, and is never left out" if name in known else "is no step"
            raise NotSound(f"'{name}' {why}; there are {', '.join(early)}")


def _check_days(experiment: Experiment, ladder: Ladder, today: date) -> None:
    first = today + timedelta(days_ahead(ladder) + 1)
    if experiment.starts_on < first:
        raise NotSound(f"it begins on {first} at the earliest: what is counted is declared before the first step")
    if experiment.ends_on < experiment.starts_on:
        raise NotSound(f"it ends on {experiment.ends_on}, before it begins")
    last = add_months(experiment.starts_on, LONGEST_MONTHS)
    if experiment.ends_on > last:
        raise NotSound(f"it lasts {LONGEST_MONTHS} months at most: it ends on {last} or before")
    if not 0 <= experiment.within_days <= 120:
        raise NotSound(f"on time is within 0 to 120 days, not {experiment.within_days}")
