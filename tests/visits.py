"""Visits at home for tests: a child that is late, what the mediator finds there, and what is known of it afterwards."""

from __future__ import annotations

from datetime import date

from sqlalchemy import func, select

from service.domain.visit_rules import Status
from service.runtime import Runtime
from service.store import people_tables, place_tables, task_tables
from service.store.care_tables import appointment
from service.store.message_tables import message
from service.store.people_tables import Child
from service.store.visit_tables import visit
from service.stories.care import home_visits
from service.stories.care.home_visits import Found
from service.stories.homes import families
from service.stories.homes.consents import Words
from service.stories.homes.families import Enrolment
from service.stories.recall import late_list
from service.stories.staff import mediator_accounts
from tests.cover import rows_of
from tests.mediators import KADIA
from tests.people import Days, TestClock

MOTHER = "+22370000001"
FATOU = "+22366000008"
LATE_BORN = "2026-09-20"
"""Eight weeks old on the day of the tests: a first visit is due, and its reminders have begun."""
CONSENT = Words("test:0", "fr", "ussd")


def enrol(runtime: Runtime, clock: TestClock, born: str = LATE_BORN, zone: str = "Darsalam", at: str = MOTHER) -> Child:
    with runtime.database.begin() as tx:
        told = Enrolment(
            "Awa Diarra", date.fromisoformat(born), "day", "F", zone_id(runtime, zone), "none", None, CONSENT
        )
        found = people_tables.find_child(tx, id=families.enrol_child(tx, runtime, at, told, clock.now()).child_id)
    assert found is not None
    return found


def zone_id(runtime: Runtime, name: str) -> int:
    with runtime.database.read() as tx:
        return next(zone_id for zone_id, known in place_tables.zones(tx) if known == name)


def visited(
    runtime: Runtime, one: Child, status: Status, zone: str = "", by: str = KADIA, day: date | None = None
) -> None:
    with runtime.database.begin() as tx:
        who = mediator_accounts.active_on(tx, by)
        assert who is not None
        found = Found(status, day or runtime.today(runtime.now()), zone_id(runtime, zone) if zone else None)
        home_visits.record(tx, runtime, who, one, found, runtime.now())


def now_of(runtime: Runtime, one: Child) -> Child:
    with runtime.database.read() as tx:
        found = people_tables.find_child(tx, id=one.id)
    assert found is not None
    return found


def listed(runtime: Runtime, zone: str = "Darsalam") -> list[str]:
    with runtime.database.read() as tx:
        found = late_list.late_children(tx, runtime, [zone_id(runtime, zone)], runtime.today(runtime.now()))
    return [one.code for one in found]


def waiting(runtime: Runtime) -> int:
    with runtime.database.read() as tx:
        return int(tx.execute(select(func.count()).where(message.c.state == "queued")).scalar_one())


def lines(runtime: Runtime, state: str = "open") -> list[tuple[str, str | None]]:
    with runtime.database.read() as tx:
        return [(task.kind, task.number) for task in task_tables.tasks(tx, state=state)]


def statuses(runtime: Runtime) -> list[str]:
    return sorted(row.status for row in rows_of(runtime, visit))


def open_of(runtime: Runtime, one: Child) -> list[str]:
    rows = rows_of(runtime, appointment)
    return sorted(row.doses for row in rows if row.child_id == one.id and row.state == "open")


def told_by(days: Days, last: str) -> list[str]:
    """Live through this day; gives what the mother was sent. (On Mondays the mediators get their list.)"""
    before = len(days.carrier.accepted)
    days.until(last)
    return [sms.text for sms in days.carrier.accepted[before:] if sms.to == MOTHER]
