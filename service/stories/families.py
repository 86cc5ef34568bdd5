"""Households and their children: enrolled, looked up, no longer followed."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import insert, select, update
from sqlalchemy.engine import Connection

from service.domain import visits
from service.runtime import Runtime
from service.store import care_tables, people_tables, place_tables
from service.store.columns import new_id
from service.store.people_tables import Caller, Child
from service.store.place_tables import health_centre
from service.stories import care, recalls

PROGRAMME = "suivi-vaccinal"


class CannotEnrol(Exception):
    """The enrolment contradicts itself or the data it names is gone; nothing was written."""


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What a caregiver told. `last_visit` is a contact of the calendar or 'none'; its day may be unknown."""

    name: str
    born_on: date
    birth_precision: str
    sex: str
    zone_id: int
    last_visit: str
    last_visit_on: date | None


@dataclass(frozen=True, slots=True)
class Visit:
    """The next contact: `state` is coming, now, late or complete; `on` is None when complete."""

    on: date | None
    centre: str
    state: str


@dataclass(frozen=True, slots=True)
class Enrolled:
    child_id: int
    code: str
    next_visit: Visit


def enrol_child(tx: Connection, runtime: Runtime, number: str, told: Enrolment, now: int) -> Enrolled:
    """Write the child, its caregiver, the consent, the doses told, and its plan of appointments."""
    today = runtime.today(now)
    programme = place_tables.programme_of_code(tx, PROGRAMME)
    assert programme is not None, "`laseli db upgrade` loads the programme"
    if told.born_on > today or not place_tables.zone_exists(tx, told.zone_id):
        raise CannotEnrol
    caller = _caregiver(tx, programme.organisation_id, number, now, today)
    profile = runtime.calendar.profile_for(place_tables.district_of_zone(tx, told.zone_id))
    child_id = people_tables.add_person(
        tx,
        organisation_id=programme.organisation_id,
        household_id=caller.household_id,
        name=told.name,
        sex=told.sex,
        born_on=told.born_on,
        created_at=now,
    )
    code = _free_code(tx)
    tx.execute(
        insert(people_tables.child).values(
            person_id=child_id,
            code=code,
            organisation_id=programme.organisation_id,
            programme_id=programme.id,
            household_id=caller.household_id,
            zone_id=told.zone_id,
            centre_id=place_tables.centre_of_zone(tx, told.zone_id),
            calendar=runtime.calendar.name,
            calendar_version=runtime.calendar.latest_source,
            profile=profile,
            birth_precision=told.birth_precision,
            status="followed",
            enrolled_on=today,
            enrolled_at=now,
        )
    )
    tx.execute(
        insert(people_tables.caregiver).values(child_id=child_id, person_id=caller.person_id, position=1, since=today)
    )
    _record_consent(tx, runtime, caller, programme.id, now)
    _record_told_doses(tx, runtime, child_id, profile, told, now)
    recalls.replan(tx, runtime, child_id, now)
    child = people_tables.find_child(tx, id=child_id)
    assert child is not None
    return Enrolled(child_id, show_code(code), next_visit(tx, runtime, child, today))


def _caregiver(tx: Connection, organisation_id: int, number: str, now: int, today: date) -> Caller:
    """The person behind the phone; a first call from an unknown phone makes a household."""
    caller = people_tables.find_caller(tx, number)
    if caller and caller.person_id and caller.household_id:
        return caller
    phone = people_tables.ensure_phone(tx, number, now)
    household_id = people_tables.add_household(tx, organisation_id, phone.id, now)
    person_id = people_tables.add_person(tx, organisation_id=organisation_id, household_id=household_id, created_at=now)
    tx.execute(insert(people_tables.person_phone).values(person_id=person_id, phone_id=phone.id, since=today))
    return Caller(phone.id, phone.language, person_id, household_id)


def _record_consent(tx: Connection, runtime: Runtime, caller: Caller, programme_id: int, now: int) -> None:
    flow = runtime.library.get("inscrire_enfant")
    tx.execute(
        insert(people_tables.consent).values(
            id=new_id(),
            person_id=caller.person_id,
            programme_id=programme_id,
            purpose="reminder",
            given=True,
            wording="discreet",
            words_version=f"{flow.id}:{flow.hash[:16]}",
            language=caller.language or "fr",
            how="ussd",
            recorded_by="self",
            at=now,
        )
    )


def _record_told_doses(
    tx: Connection, runtime: Runtime, child_id: int, profile: str, told: Enrolment, now: int
) -> None:
    if told.last_visit == "none":
        return
    made = visits.visits_made(
        runtime.calendar, told.born_on, told.last_visit, told.last_visit_on, profile, today=runtime.today(now)
    )
    for given in made:
        care_tables.add_dose(
            tx,
            child_id,
            given.antigen,
            given.on,
            source="mother",
            date_quality=given.quality,
            recorded_by="self",
            recorded_at=now,
        )


def next_visit(tx: Connection, runtime: Runtime, child: Child, today: date) -> Visit:
    """When the child is expected next, and where: what the schedule says today, not what was planned once."""
    assessment = care.assess(tx, runtime, child, today)
    centre = centre_name(tx, child.centre_id)
    if assessment.next_contact is None:
        return Visit(None, centre, "complete")
    late = any(due.status in ("overdue", "defaulter") for due in assessment.due)
    if child.enrolled_on >= today - timedelta(days=1):
        late = False  # the day somebody joins is no day to call a child late
    state = "late" if late else "now" if assessment.due else "coming"
    return Visit(assessment.next_contact, centre, state)


def centre_name(tx: Connection, centre_id: int | None) -> str:
    """'CSCom ASACODAR'; empty where no centre is known: the flow has words for that."""
    if centre_id is None:
        return ""
    name = tx.execute(select(health_centre.c.name).where(health_centre.c.id == centre_id)).scalar_one()
    return f"CSCom {name}"


def stop_child(tx: Connection, runtime: Runtime, child_id: int, now: int) -> None:
    """No longer follow this child: no reason is asked (a death, a move), and nothing more is sent about it."""
    tx.execute(
        update(people_tables.child)
        .where(people_tables.child.c.person_id == child_id)
        .values(status="stopped", stopped_at=now)
    )
    recalls.replan(tx, runtime, child_id, now)


def show_code(code: str) -> str:
    return f"{code[:4]} {code[4:]}"


def _free_code(tx: Connection) -> str:
    """Eight random digits: the next child's code cannot be guessed from the last one's."""
    while True:
        code = f"{secrets.randbelow(10**8):08d}"
        if people_tables.find_child(tx, code=code) is None:
            return code
