"""The day of an appointment: when the child's health centre gives what is due, from what it told of its days."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, time
from typing import NamedTuple

from sqlalchemy.engine import Connection

from service.domain import reminder_ladder
from service.domain.centre_days import NOTHING_KNOWN, CentreDays, Meet, Meeting, Together, meetings, on_the_anchor
from service.runtime import Runtime
from service.store import centre_tables
from service.store.care_tables import VACCINE, Appointment
from service.store.centre_tables import Awaited
from service.store.people_tables import Child
from service.store.recall_tables import DueAppointment


def days_of(tx: Connection, centre_id: int | None) -> CentreDays:
    """What is known of the days of a child's centre; without a centre, nothing."""
    return centre_tables.days_of(tx, centre_id) if centre_id is not None else NOTHING_KNOWN


def meet_with(runtime: Runtime, days: CentreDays, standing: Sequence[Appointment], today: date) -> Meet:
    """What its centre makes of a child's contacts, given the appointments that stand."""
    if days == NOTHING_KNOWN:
        return on_the_anchor
    rule = _rule(runtime)

    def meet(doses: tuple[str, ...], anchor_on: date) -> tuple[Meeting, ...]:
        antigen_of = {dose: runtime.calendar.dose(dose)[0].record_as for dose in doses}
        rows = [row for row in standing if row.anchor_on == anchor_on]
        stands = {dose: row.on for row in rows for dose in row.doses.split(",")}
        told = {dose for row in rows if _is_told(runtime, row, today) for dose in row.doses.split(",")}
        return meetings(days, antigen_of, anchor_on, today, rule, stands, told)

    return meet


def held_up(
    runtime: Runtime, late: Iterable[DueAppointment], today: date, days_of_centre: Callable[[int], CentreDays]
) -> set[int]:
    """The children of these late appointments whose centre's next day gives none, or not all, of what is due."""
    found: set[int] = set()
    for row in late:
        if row.kind != VACCINE or row.child_id is None or row.centre_id is None:
            continue
        days = days_of_centre(row.centre_id)
        if any(days.is_held_up(antigen, today) for antigen in _antigens(runtime, row.doses.split(","))):
            found.add(row.child_id)
    return found


def first_of(
    runtime: Runtime, days: CentreDays, doses: Iterable[str], since: date, lapses_on: date | None = None
) -> date | None:
    """The first day from `since` on that the centre gives any of these, before they lapse; None where nobody knows."""
    firsts = [day for antigen in _antigens(runtime, doses) if (day := days.first_day([antigen], since)) is not None]
    return min((day for day in firsts if lapses_on is None or day < lapses_on), default=None)


def awaited_in_vain(
    tx: Connection, runtime: Runtime, centre_id: int, homes: Sequence[int], days: CentreDays, today: date
) -> list[Awaited]:
    """The late children who were told to come on a day on which, as these days are, none of what is due is given."""
    return [
        one
        for one in centre_tables.awaited_at(tx, centre_id, homes, today)
        if not any(days.gives(antigen, one.on) for antigen in _antigens(runtime, one.doses.split(",")))
    ]


def days_instead(tx: Connection, runtime: Runtime, one: Child, doses: Sequence[str], today: date) -> list[date] | None:
    """The days on which its centre gives these again, none where nobody knows; None where its next day gives some."""
    days = centre_tables.days_of(tx, one.centre_id) if one.centre_id is not None else NOTHING_KNOWN
    antigens = _antigens(runtime, doses)
    if not all(days.is_held_up(antigen, today) for antigen in antigens):
        return None
    return [day for antigen in antigens if (day := days.first_day([antigen], today)) is not None]


def _antigens(runtime: Runtime, doses: Iterable[str]) -> set[str]:
    return {runtime.calendar.dose(dose)[0].record_as for dose in doses}


class Change(NamedTuple):
    """What new days of its centre make of a child's open appointments: which fall away, and on which days it comes."""

    gone: list[Appointment]
    days: set[date]


def change_with(runtime: Runtime, days: CentreDays, standing: Sequence[Appointment], today: date) -> Change:
    meet = meet_with(runtime, days, standing, today)
    wanted: set[tuple[str, date, date | None]] = set()
    for anchor_on in {row.anchor_on for row in standing}:
        doses = sorted(dose for row in standing if row.anchor_on == anchor_on for dose in row.doses.split(","))
        wanted |= {(",".join(one.doses), anchor_on, one.on) for one in meet(tuple(doses), anchor_on)}
    gone = [row for row in standing if (row.doses, row.anchor_on, row.on) not in wanted]
    return Change(gone, {on for _, _, on in wanted if on is not None})


def _is_told(runtime: Runtime, row: Appointment, today: date) -> bool:
    """Every reminder was told: the child is on the visit list, and no family hears it all once more.

    A child of whom nothing is said has no next step either: its day moves, so that it is right when it is spoken of.
    """
    if row.next_step is not None or row.on is None:
        return False
    midnight = datetime.combine(today, time())
    return reminder_ladder.next_step(runtime.ladder, row.on, row.last_step, midnight, row.lapses_on) is None


def _rule(runtime: Runtime) -> Together:
    live = frozenset(one.record_as for one in runtime.calendar.series.values() if one.live == "injectable")
    spacing = int(runtime.calendar.parameters["live_spacing_days"].value)
    return Together(runtime.config.together_within_days, live, spacing)
