"""The recall ladder: when a family hears about one contact, and until when each step is worth saying."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from service.domain.data_files import DataMistake, Table, parse
from service.domain.sending_hours import Window

MEDIA = ("sms", "voice")

FOLDER = Path(__file__).parent / "ladders"


class LadderMistake(DataMistake):
    """A ladder file cannot be used; the text names the step and the remedy."""


class Moment(NamedTuple):
    """A local hour, so many days from the contact."""

    offset_days: int
    hour: time

    def from_day(self, anchor_on: date) -> datetime:
        return datetime.combine(anchor_on + timedelta(self.offset_days), self.hour)


class Step(NamedTuple):
    """`name` tells the offset ("J-3", "J", "J+7"); useful until, and without, the moment `useful`."""

    name: str
    offset_days: int
    hour: time
    useful: Moment
    phrase: str
    medium: str = "sms"  # voice: a call, to who chose calls


class Ladder(NamedTuple):
    """Steps in the order of time, at most one a day."""

    name: str
    window: Window
    steps: tuple[Step, ...]


class Occurrence(NamedTuple):
    """A step of one contact. `at` may be past: it is then late, but still useful before `until`."""

    step: str
    on: date
    at: datetime
    until: datetime
    phrase: str
    medium: str = "sms"


def load_ladder(text: str) -> Ladder:
    """The ladder written in this YAML text; raises LadderMistake naming the step and the remedy."""
    file = Table(parse(text, LadderMistake), "ladder", LadderMistake)
    file.where = name = file.text("ladder")
    window = Window(file.hour("opens"), file.hour("closes"))
    steps = tuple(_step(part, window) for part in file.tables("steps"))
    file.done()
    if not steps:
        raise LadderMistake(f"{name}: 'steps' is empty")
    for before, after in pairwise(steps):
        if after.offset_days <= before.offset_days:
            raise LadderMistake(f"{name}: {after.name} stands after {before.name}: one step a day, in order")
    return Ladder(name, window, steps)


@cache
def built_in_ladder(name: str = "recall") -> Ladder:
    """A ladder that comes with the product."""
    return load_ladder((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))


def _step(part: Table, window: Window) -> Step:
    name, hour = part.text("step"), part.hour("at")
    useful_part = part.table("useful_until")
    useful = Moment(offset_of(useful_part.text("step")), useful_part.hour("at"))
    step = Step(name, offset_of(name), hour, useful, part.text("phrase"), _medium(part))
    useful_part.done()
    part.done()
    for said, when in (("at", hour), ("useful_until", useful.hour)):
        if not window.opens <= when < window.closes:
            raise LadderMistake(f"{part.where}: '{said}' {when:%H:%M} is outside {window.opens} to {window.closes}")
    if useful <= Moment(step.offset_days, hour):
        raise LadderMistake(f"{part.where}: {name} is no longer useful when it is due: move 'useful_until'")
    return step


def _medium(part: Table) -> str:
    return part.one_of("medium", MEDIA) if part.has("medium") else "sms"


def offset_of(step: str) -> int:
    """'J-3' is -3 days from the contact, 'J' 0, 'J+7' 7."""
    found = re.fullmatch(r"J([+-][1-9]\d{0,2})?", step)
    if not found:
        raise LadderMistake(f"'{step}' is not a step: write J-3, J or J+7")
    return int(found[1] or 0)


def next_step(
    ladder: Ladder, anchor_on: date, after: str | None, now_local: datetime, lapses_on: date | None = None
) -> Occurrence | None:
    """What to say next about a contact, or None when the ladder is finished and a visit is called for.

    `after` is the last step told; it may be of an older ladder. Steps whose useful time has passed are skipped. When
    several are useful today, the last of them is taken: nobody is told twice in a day, nor of one thing two days
    running. `lapses_on` ends all usefulness.
    """
    today = now_local.date()
    come = None
    for step in _steps_after(ladder, after):
        one = _occurrence(step, anchor_on, lapses_on)
        if one.at >= one.until or now_local >= one.until:
            continue
        if one.on > today:
            return come or one
        come = one
    return come


def step_before(ladder: Ladder, step: str) -> str | None:
    """The last step of the ladder that comes before this one, which may be another ladder's."""
    names = [one.name for one in ladder.steps if one.offset_days < offset_of(step)]
    return names[-1] if names else None


def steps_passed_over(
    ladder: Ladder, anchor_on: date, after: str | None, now_local: datetime, lapses_on: date | None = None
) -> tuple[str, ...]:
    """The steps after `after` that `next_step` leaves unsaid: to be counted, never silently dropped."""
    chosen = next_step(ladder, anchor_on, after, now_local, lapses_on)
    left = _steps_after(ladder, after)
    return tuple(step.name for step in left if chosen is None or step.offset_days < offset_of(chosen.step))


def _steps_after(ladder: Ladder, after: str | None) -> list[Step]:
    told = None if after is None else offset_of(after)
    return [step for step in ladder.steps if told is None or step.offset_days > told]


def _occurrence(step: Step, anchor_on: date, lapses_on: date | None) -> Occurrence:
    at = Moment(step.offset_days, step.hour).from_day(anchor_on)
    until = step.useful.from_day(anchor_on)
    if lapses_on is not None:
        until = min(until, datetime.combine(lapses_on, time()))
    return Occurrence(step.name, at.date(), at, until, step.phrase, step.medium)
