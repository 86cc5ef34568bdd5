"""A child's record as a centre or a supervisor sees it: found within one's remit, read, and added to."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from sqlalchemy.engine import Connection

from flows import phone_numbers
from service.domain import dose_words
from service.domain.dose_lists import Line as ListLine
from service.domain.dose_words import DoseWord
from service.domain.vaccination import DueDose, Given
from service.runtime import Runtime
from service.store import care_tables, people_tables, phone_tables, place_tables, staff_tables
from service.store.care_tables import Appointment
from service.store.people_tables import Child
from service.store.staff_tables import Remit, Staff
from service.stories.care import care, dose_corrections, dose_import
from service.stories.care.dose_corrections import Line
from service.stories.care.dose_import import Signed, Verdict

SOURCE = "centre"
MOST_DOSES = 20


class ChildRecord(NamedTuple):
    """`due` can be given today, `others` are the calendar's other antigens; `planned`: the coming contacts."""

    child: Child
    zone: str
    history: list[Line]
    due: tuple[DueDose, ...]
    others: tuple[str, ...]
    planned: list[Appointment]


def find(tx: Connection, runtime: Runtime, remit: Remit, written: str) -> list[Child]:
    """The child with this code, or the followed children of this phone, as far as they are within the remit.

    Malian numbers have eight digits too: what is a code and a number finds both. Nobody's, another centre's and
    another organisation's are the same: an empty list, and as many questions.
    """
    coded = staff_tables.child_within(tx, remit, code=re.sub(r"\D", "", written[:40]))
    number = phone_numbers.to_e164(written.strip()[:40], runtime.config.country)
    phone = phone_tables.find_phone(tx, number) if number else None
    children = people_tables.children_on_phone(tx, phone.id) if phone else []
    others = [one for one in children if remit.has(one) and one != coded]
    return [*([coded] if coded else []), *others]


def record_of(tx: Connection, runtime: Runtime, child: Child, today: date) -> ChildRecord:
    due = care.assess(tx, runtime, child, today).due
    calendar = runtime.calendar
    waiting = {calendar.series[one.series].record_as for one in due}
    others = tuple(one for one in care.antigens_of(runtime, child) if one not in waiting)
    zone = place_tables.zone_name(tx, child.zone_id) if child.zone_id else ""
    history = dose_corrections.lines_of(tx, runtime, child, today)
    return ChildRecord(child, zone, history, due, others, care_tables.open_appointments(tx, child.id))


def told_doses(runtime: Runtime, words: Sequence[str]) -> list[DoseWord]:
    """What was ticked, each antigen once; raises `dose_words.NotRead`."""
    told = [dose for word in words[:MOST_DOSES] for dose in dose_words.read_doses(word[:20], runtime.calendar)]
    return list({dose.antigen: dose for dose in told}.values())


class Looked(NamedTuple):
    """What would become of a dose; `counts_as` is PENTA2, or empty where it fills no place of a series."""

    verdict: Verdict
    counts_as: str


def look(
    tx: Connection, runtime: Runtime, child: Child, told: Sequence[DoseWord], on: date, today: date
) -> list[Looked]:
    """What would become of each of these doses, if they were given on that day; nothing is written."""
    verdicts = dose_import.judge_child(tx, runtime, child, _lines(child, told, on), today)
    new = [Given(dose.antigen, on) for one in verdicts for dose in one.new]
    after = care.assess_doses(runtime, child, [*care.given_to(tx, child), *new], today)
    numbers = dose_corrections.numbers_of(runtime.calendar, after)
    return [Looked(one, numbers.get((one.line.doses[0].antigen, on), "")) for one in verdicts]


def keep(
    tx: Connection, runtime: Runtime, child: Child, told: Sequence[DoseWord], on: date, one: Staff, now: int
) -> list[Verdict]:
    """Write those that can be, and plan the child anew; what is on record already is left as it is."""
    signed = Signed(one.signature, now, one.remit, SOURCE)
    return dose_import.write_child(tx, runtime, child.id, _lines(child, told, on), signed)


def _lines(child: Child, told: Sequence[DoseWord], on: date) -> list[ListLine]:
    """One for each dose: what becomes of one is not what becomes of the others."""
    return [ListLine(number, child.code, (dose,), on) for number, dose in enumerate(told, 1)]
