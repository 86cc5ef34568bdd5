"""What the schedule says of a child, from the doses on record."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from sqlalchemy.engine import Connection

from service.domain import vaccination
from service.domain.vaccination import Assessment, Given
from service.runtime import Runtime
from service.store import care_tables
from service.store.people_tables import Child


def assess(tx: Connection, runtime: Runtime, child: Child, as_of: date) -> Assessment:
    """What the schedule says of this child on that day, from the doses on record up to that day."""
    return assess_doses(runtime, child, given_to(tx, child), as_of)


def assess_doses(runtime: Runtime, child: Child, given: Iterable[Given], as_of: date) -> Assessment:
    """The same from doses that were read already."""
    known = [dose for dose in given if dose.on <= as_of]
    return vaccination.assess(runtime.calendar, child.profile, child.born_on, as_of, known)


def given_to(tx: Connection, child: Child) -> list[Given]:
    return [Given(dose.antigen, dose.given_on) for dose in care_tables.doses_of(tx, child.id)]


def antigens_of(runtime: Runtime, child: Child) -> list[str]:
    """Every antigen of the child's profile, as doses are recorded (a birth dose of OPV is OPV)."""
    series = runtime.calendar.profiles[child.profile]
    return list(dict.fromkeys(runtime.calendar.series[name].record_as for name in series))


def due_antigens(tx: Connection, runtime: Runtime, child: Child, today: date) -> list[str]:
    """The antigens that could be given on this day."""
    series = [due.series for due in assess(tx, runtime, child, today).due]
    return list(dict.fromkeys(runtime.calendar.series[name].record_as for name in series))
