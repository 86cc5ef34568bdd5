"""Doses taken back or put on another day: who did it and why stays in the history, and the child is planned anew.

The contacts that come back are told where their ladder stood: what the family has heard is not said twice.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from typing import Literal, NamedTuple

from sqlalchemy.engine import Connection

from service.clock import DAY_MS
from service.domain import correction_words, dose_words
from service.domain.dose_words import DoseWord
from service.domain.vaccination import Assessment, Reason
from service.domain.vaccine_calendar import Calendar
from service.runtime import Runtime
from service.store import care_tables, people_tables
from service.store.care_tables import Appointment, RecordedDose
from service.store.mediator_tables import Mediator
from service.store.people_tables import Child
from service.store.staff_tables import Remit
from service.stories.care import care, doses
from service.stories.homes.families import show_code
from service.stories.recall import recalls
from service.stories.staff import mediator_accounts, mediator_doses

SOURCE = "correction"
FULL = "not needed"
"""Of a dose that fills no place: the series was full (R2)."""
NOT_YET = "not yet"


Why = Literal["no_child", "no_dose", "same_day", "future", "before_birth", "on_record"]


class Refused(Exception):
    """What cannot be corrected; the text says why, `why` in a word, and nothing was changed."""

    def __init__(self, words: str, why: Why) -> None:
        super().__init__(words)
        self.why = why


class Correction(NamedTuple):
    """Who corrects, and why: one of `correction_words.WHYS`; the note is sealed and names nobody.

    `remit`: whose children they may be (None: everybody's); whoever is not within it is told of as nobody is.
    """

    by: str
    why: str
    note: str = ""
    remit: Remit | None = None


class Corrected(NamedTuple):
    """What was taken back, where it stands now (None: nowhere), and what is planned after it."""

    antigen: str
    was_on: date
    on: date | None
    planned: tuple[Appointment, ...]


class Line(NamedTuple):
    """A dose of the history. `counts_as`: PENTA2, or why it does not count; empty when it was taken back.

    `reasons`: why it does not count, as the schedule says it.
    """

    dose: RecordedDose
    counts_as: str
    reasons: tuple[Reason, ...] = ()


class TakenBack(NamedTuple):
    """What a mediator took back, each with its day, and what the schedule says now."""

    child: Child
    doses: tuple[tuple[str, date], ...]
    left: tuple[str, ...]
    next_on: date | None


# --- what staff does ----------------------------------------------------------------------------------------


def history(tx: Connection, runtime: Runtime, code: str, today: date) -> tuple[Child, list[Line]]:
    """Every dose ever written down for this child, and what becomes of it. Raises Refused."""
    child = _child(tx, code)
    return child, lines_of(tx, runtime, child, today)


def lines_of(tx: Connection, runtime: Runtime, child: Child, today: date) -> list[Line]:
    """The same of a child that was found already; locks nothing."""
    kept = care_tables.history_of(tx, child.id)
    found = care.assess(tx, runtime, child, today)
    reasons = {(one.antigen, one.on): one.reasons for one in found.invalid}
    said = {dose: f"does not count: {', '.join(why)}" for dose, why in reasons.items()}
    said |= numbers_of(runtime.calendar, found)
    return [_line(one, said, reasons, today) for one in kept]


def take_back(
    tx: Connection, runtime: Runtime, code: str, antigen: str, on: date, said: Correction, now: int
) -> Corrected:
    """The dose of this day counts no more. Raises Refused."""
    child, one = _standing(tx, runtime, code, antigen, on, said.remit)
    _void(tx, [one], said, now)
    return _planned(tx, runtime, child, Corrected(one.antigen, on, None, ()), now)


def move(
    tx: Connection, runtime: Runtime, code: str, antigen: str, on: date, to: date, said: Correction, now: int
) -> Corrected:
    """The dose was given on another day than the one on record. Raises Refused."""
    child, one = _standing(tx, runtime, code, antigen, on, said.remit)
    if to == on:
        raise Refused(f"{to:%d/%m/%Y} is the day on record already", "same_day")
    if to > runtime.today(now):
        raise Refused(f"{to:%d/%m/%Y} is in the future", "future")
    if to < child.born_on:
        raise Refused(f"{to:%d/%m/%Y} is before the child's birth", "before_birth")
    _void(tx, [one], said, now)
    is_new = care_tables.add_dose(
        tx,
        child.id,
        one.antigen,
        to,
        source=SOURCE,
        date_quality="seen",
        recorded_by=said.by,
        recorded_at=now,
    )
    if not is_new:
        words = f"{one.antigen} of {to:%d/%m/%Y} is on record already: take back the wrong one of the two"
        raise Refused(words, "on_record")
    return _planned(tx, runtime, child, Corrected(one.antigen, on, to, ()), now)


def _child(tx: Connection, code: str, remit: Remit | None = None) -> Child:
    child = people_tables.find_child(tx, code=re.sub(r"\D", "", code))  # ours from here on: it moves nowhere
    if child is None or not (remit is None or remit.has(child)):
        raise Refused("no child has this code; it has eight digits, as on the booklet", "no_child")
    return child


def _standing(
    tx: Connection, runtime: Runtime, code: str, antigen: str, on: date, remit: Remit | None
) -> tuple[Child, RecordedDose]:
    child = _child(tx, code, remit)
    try:
        named = doses.antigen_of(antigen, runtime, care.antigens_of(runtime, child))
    except doses.Refused as reason:
        raise Refused(str(reason), "no_dose") from None
    stand = [one for one in care_tables.history_of(tx, child.id) if one.antigen == named and one.voided_at is None]
    for one in stand:
        if one.given_on == on:
            return child, one
    known = ", ".join(f"{one.given_on:%Y-%m-%d}" for one in stand) or "none"
    raise Refused(f"no {named} of {on:%Y-%m-%d} is on record; there is {known}", "no_dose")


def _void(tx: Connection, rows: Sequence[RecordedDose], said: Correction, now: int) -> None:
    for one in rows:
        done = care_tables.void_dose(tx, one.id, by=said.by, why=said.why, note=said.note or None, now=now)
        assert done, "the household is ours: nobody took it back meanwhile"


def _planned(tx: Connection, runtime: Runtime, child: Child, corrected: Corrected, now: int) -> Corrected:
    recalls.replan(tx, runtime, child.id, now, taken_back=True)
    return corrected._replace(planned=tuple(care_tables.open_appointments(tx, child.id)))


# --- what counts --------------------------------------------------------------------------------------------


Numbers = dict[tuple[str, date], str]


def numbers_of(calendar: Calendar, found: Assessment) -> Numbers:
    """What each dose that counts, counts as: PENTA2."""
    return {(calendar.dose(one.dose)[0].record_as, one.on): one.dose for one in found.valid}


def _line(one: RecordedDose, said: Numbers, reasons: dict[tuple[str, date], tuple[Reason, ...]], today: date) -> Line:
    if one.voided_at is not None:
        return Line(one, "")
    dose = one.antigen, one.given_on
    return Line(one, said.get(dose, FULL if one.given_on <= today else NOT_YET), reasons.get(dose, ()))


# --- what a mediator does -----------------------------------------------------------------------------------


def take_back_hers(
    tx: Connection, runtime: Runtime, one: Mediator, child: Child, told: Sequence[DoseWord], on: date | None, now: int
) -> TakenBack:
    """Take back what her own account wrote lately, all of it or nothing. Raises `mediator_doses.Refused`."""
    standing = people_tables.find_child(tx, id=child.id)
    if standing is None or standing.status != "followed":
        raise mediator_doses.Refused("no_child", child=show_code(child.code))
    since = now - runtime.config.undo_days * DAY_MS
    by = mediator_accounts.signature(one)
    kept = care_tables.history_of(tx, child.id)
    hers = [row for row in kept if row.voided_at is None and row.recorded_by == by and row.recorded_at >= since]
    today = runtime.today(now)
    numbers = numbers_of(runtime.calendar, care.assess(tx, runtime, child, today))
    rows = [_meant(runtime, hers, numbers, dose, on) for dose in told]
    _void(tx, rows, Correction(by, correction_words.BY_SMS), now)
    recalls.replan(tx, runtime, child.id, now, taken_back=True)
    mediator_accounts.note_use(tx, one, now)
    after = care.assess(tx, runtime, child, today)
    names = tuple((_named(row, numbers), row.given_on) for row in rows)
    return TakenBack(child, names, tuple(due.dose for due in after.due), after.next_contact)


def _meant(
    runtime: Runtime, hers: Sequence[RecordedDose], numbers: Numbers, dose: DoseWord, on: date | None
) -> RecordedDose:
    """The one that was meant: of this day; without a day the only one, or the one that counts as this number."""
    found = [row for row in hers if row.antigen == dose.antigen and on in (None, row.given_on)]
    if on is None and dose.number is not None:
        named = dose_words.written(dose)
        found = [row for row in found if _named(row, numbers) in (named, row.antigen)]
    word, days = dose_words.written(dose), str(runtime.config.undo_days)
    if not found:
        raise mediator_doses.Refused("not_hers", word=word, days=days)
    if len(found) > 1:
        raise mediator_doses.Refused("which_day", word=word)
    return found[0]


def _named(row: RecordedDose, numbers: Numbers) -> str:
    """PENTA2 when it counts as such; PENTA when it does not count."""
    return numbers.get((row.antigen, row.given_on), row.antigen)
