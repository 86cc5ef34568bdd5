"""The day of an appointment: when the child's health centre gives what is due, from what it told of its days."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from sqlalchemy.engine import Connection

from service.domain.centre_days import NOTHING_KNOWN, CentreDays, Meet, Meeting, Together, meetings, on_the_anchor
from service.runtime import Runtime
from service.store import centre_tables
from service.store.care_tables import Appointment


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
        told = {dose for row in rows if _is_told(row) for dose in row.doses.split(",")}
        return meetings(days, antigen_of, anchor_on, today, rule, stands, told)

    return meet


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


def _is_told(row: Appointment) -> bool:
    """Every reminder was told: the child is on the visit list, and no family hears it all once more."""
    return row.next_step is None and not row.awaits_stock


def _rule(runtime: Runtime) -> Together:
    live = frozenset(one.record_as for one in runtime.calendar.series.values() if one.live == "injectable")
    spacing = int(runtime.calendar.parameters["live_spacing_days"].value)
    return Together(runtime.config.together_within_days, live, spacing)
