"""Doses that a mediator saw in the booklet: found by the child's code in her quartiers, written down, and explained."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

from sqlalchemy.engine import Connection

from service.domain import dose_words
from service.domain.dose_words import DoseWord
from service.domain.vaccination import Assessment, Given, Reason
from service.domain.vaccine_calendar import Calendar
from service.domain.vaccine_plan import DoseRule
from service.runtime import Runtime
from service.store import mediator_tables, people_tables
from service.store.mediator_tables import Mediator
from service.store.people_tables import Child
from service.stories.care import care, doses
from service.stories.homes.families import show_code
from service.stories.staff import mediator_accounts

SOURCE = "mediator"
SAME_DOSE_WITHIN = timedelta(7)
"""PENTA1 that is on record a few days later is the same one with another date, and no second one."""


class Refused(Exception):
    """Nothing was written. `phrase` says why (flows/phrases/mediator.yaml), and `slots` are its words."""

    def __init__(self, phrase: str, **slots: str) -> None:
        super().__init__(phrase)
        self.phrase, self.slots = phrase, slots


class Noted(NamedTuple):
    """One dose written down: `dose` as the schedule counts it (PENTA2), with every reason why it does not count."""

    dose: str
    reasons: tuple[Reason, ...]
    remark: str = ""  # a later dose was written than the record says: 'counted_as' or 'one_before_invalid'


@dataclass(frozen=True, slots=True)
class Record:
    """What became of a report. `left` can be given now; `next_on` is the next day otherwise, None when complete."""

    child: Child
    on: date
    noted: tuple[Noted, ...]
    known: tuple[str, ...]
    left: tuple[str, ...]
    next_on: date | None


def find_child(tx: Connection, one: Mediator, code: str) -> Child:
    """The followed child of her quartiers with this code, or the only one whose code begins with four digits.

    Raises Refused, in the same words for a code that nobody has and for a child of another quartier.
    """
    found = mediator_tables.children_of_code(tx, one.id, code)
    if not found:
        raise Refused("no_child", child=f"{code[:4]} {code[4:]}".strip())
    if len(found) > 1:
        raise Refused("short_code", child=code)
    return found[0]


def record(
    tx: Connection, runtime: Runtime, one: Mediator, child: Child, told: Sequence[DoseWord], on: date, now: int
) -> Record:
    """Write what was given on that day and plan anew. What is on record already is left as it is. Raises Refused."""
    standing = people_tables.find_child(tx, id=child.id)  # ours from here on: two reports are read one after the other
    if standing is None or standing.status != "followed":
        raise Refused("no_child", child=show_code(child.code))
    _check_day(child, on, runtime.today(now))
    check_doses(runtime, child, told, on)
    history = care.given_to(tx, child)
    before = care.assess_doses(runtime, child, history, on)
    new = [dose for dose in told if not is_known(runtime.calendar, dose, on, history, before)]
    known = tuple(dose_words.written(dose) for dose in told if dose not in new)
    if new:
        by = mediator_accounts.signature(one)
        antigens = [dose.antigen for dose in new]
        doses.record_doses(tx, runtime, child.code, antigens, on, source=SOURCE, by=by, now=now)
        history = care.given_to(tx, child)
    after = care.assess_doses(runtime, child, history, on)
    found = tuple(noted(runtime.calendar, dose, on, before, after) for dose in new)
    mediator_accounts.note_use(tx, one, now)
    today = care.assess_doses(runtime, child, history, runtime.today(now))
    left = tuple(due.dose for due in today.due)
    return Record(child, on, found, known, left, today.next_contact)


def _check_day(child: Child, on: date, today: date) -> None:
    if on > today:
        raise Refused("future", day=f"{on:%d/%m/%y}")
    if on < child.born_on:
        raise Refused("before_birth", day=f"{on:%d/%m/%y}", child=show_code(child.code))


def check_doses(runtime: Runtime, child: Child, told: Iterable[DoseWord], on: date) -> None:
    """The calendar's vaccines are not all given in every district, and a birth dose is not given later (R5).

    Raises Refused.
    """
    antigens = care.antigens_of(runtime, child)
    for dose in told:
        if dose.antigen not in antigens:
            raise Refused("unknown", word=dose_words.written(dose), doses=" ".join(antigens))
        if dose.number == 0 and on >= _first_age(runtime.calendar, child, dose.antigen):
            raise Refused("birth_dose", word=dose_words.written(dose))


def is_known(calendar: Calendar, dose: DoseWord, on: date, history: Sequence[Given], before: Assessment) -> bool:
    """Whether it is on record: the same day; a number filled by then, or by a dose written a few days later."""
    days = [given.on for given in history if given.antigen == dose.antigen]
    if on in days:
        return True
    if dose.number is None:
        return False
    filled_later = dose.number > 0 and any(on < day <= on + SAME_DOSE_WITHIN for day in days)
    return filled_later or _number_of(calendar, dose, before) > dose.number


def _number_of(calendar: Calendar, dose: DoseWord, before: Assessment) -> int:
    """The number of the next dose of this antigen; for a birth dose, 0 while it is not given."""
    if dose.number == 0:
        return 0 if any(_has_birth_dose(calendar, one, dose.antigen) for one in _open(before)) else 1
    main = [rule.id for rule in _main_doses(calendar, dose.antigen)]
    still = [main.index(one) + 1 for one in _open(before) if one in main]
    return min(still, default=len(main) + 1)


def _has_birth_dose(calendar: Calendar, dose_id: str, antigen: str) -> bool:
    series, _ = calendar.dose(dose_id)
    return series.birth_dose_of is not None and series.record_as == antigen


def _main_doses(calendar: Calendar, antigen: str) -> tuple[DoseRule, ...]:
    """Without the birth dose."""
    series = calendar.series.values()
    return next(one.doses for one in series if one.record_as == antigen and one.birth_dose_of is None)


def _first_age(calendar: Calendar, child: Child, antigen: str) -> date:
    return _main_doses(calendar, antigen)[0].min_age.after(child.born_on)


def noted(calendar: Calendar, dose: DoseWord, on: date, before: Assessment, after: Assessment) -> Noted:
    """What became of a dose that was written between these two, and why it does not count if it does not."""
    reasons = next((one.reasons for one in after.invalid if (one.antigen, one.on) == (dose.antigen, on)), ())
    of_antigen = [one for one in _open(before) if calendar.dose(one)[0].record_as == dose.antigen]
    filled = [one for one in of_antigen if one not in _open(after)]
    if reasons or len(filled) != 1:
        return Noted(dose_words.written(dose), reasons)
    number = filled[0].removeprefix(dose.antigen).strip("_")
    if not dose.number or not number.isdigit() or dose.number <= int(number):
        return Noted(filled[0], ())
    if number == "0":
        return Noted(dose_words.written(dose), ("too_young",))  # before its age it counts as the birth dose (R5)
    has_invalid = any(one.antigen == dose.antigen for one in before.invalid)
    return Noted(filled[0], (), "one_before_invalid" if has_invalid else "counted_as")


def _open(assessment: Assessment) -> list[str]:
    """The next dose of each series that is not full, lapsed or not."""
    return [*(one.dose for one in assessment.due), *(one.dose for one in assessment.upcoming), *assessment.lapsed]
