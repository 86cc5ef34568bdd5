"""Households and their children: enrolled, looked up, no longer followed."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cache

from sqlalchemy.engine import Connection

from service.domain import visits
from service.domain.contacts import Contact
from service.domain.vaccination import Assessment, Given
from service.domain.vaccine_calendar import Calendar
from service.runtime import Runtime
from service.store import care_tables, child_states, people_tables, phone_tables, place_tables
from service.store.care_tables import Appointment
from service.store.people_tables import Caller, Child
from service.store.place_tables import Place, Programme
from service.stories.care import birth_silence, care, treatment_plans
from service.stories.homes import consents, programmes, same_child
from service.stories.homes.consents import REMINDER, Words
from service.stories.recall import meeting_days, recalls
from service.stories.talk.wording import show_code as show_code


class CannotEnrol(Exception):
    """The enrolment contradicts itself or the data it names is gone; nothing was written."""


@dataclass(frozen=True, slots=True)
class Newcomer:
    """A child that is not followed yet. A newborn has no name before its baptism."""

    name: str | None
    born_on: date
    birth_precision: str
    sex: str | None
    zone_id: int


@dataclass(frozen=True, slots=True)
class Enrolment(Newcomer):
    """What a caregiver told. `last_visit` is a contact of the calendar or 'none'; its day may be unknown."""

    last_visit: str
    last_visit_on: date | None
    consent: Words


@dataclass(frozen=True, slots=True)
class Visit:
    """The next contact: `state` is coming, now, late or complete; `on` is None when complete."""

    on: date | None
    centre: str
    state: str


@dataclass(frozen=True, slots=True)
class Enrolled:
    """`to_ask`: its caregiver was never heard on informations nor on visits at home."""

    child_id: int
    code: str
    next_visit: Visit
    to_ask: bool


def enrol_child(tx: Connection, runtime: Runtime, number: str, told: Enrolment, now: int) -> Enrolled:
    """Write the child, its caregiver, the consent, the doses told, and its plan of appointments."""
    today = runtime.today(now)
    programme = programmes.of_children(tx)
    place = place_tables.place_of_zone(tx, told.zone_id)
    if place is None or told.born_on > today:
        raise CannotEnrol
    caller = _caregiver(tx, programme.organisation_id, number, now, today)
    child = _add_child(tx, runtime, programme, _known(caller.household_id), told, place, now)
    people_tables.add_caregiver(tx, child.id, _known(caller.person_id), 1, today)
    same_child.ask_about(tx, child, now)
    person_id = _known(caller.person_id)
    kept = consents.wording_of(tx, person_id)  # another child is no word on how they are spoken of
    consents.keep(tx, person_id, REMINDER, told.consent, now, wording=kept, programme_id=programme.id)
    given = _record_told_doses(tx, runtime, child, told, now)
    planned = recalls.plan_anew(tx, runtime, child, given, now)
    centre = f"CSCom {place.centre}" if place.centre else ""
    assessment = care.assess_doses(runtime, child, given, today)
    visit = _when_the_centre_gives(_visit(assessment, child, centre, today), planned, today)
    return Enrolled(child.id, show_code(child.code), visit, consents.is_to_be_asked(tx, person_id))


def follow_newborn(
    tx: Connection, runtime: Runtime, mother_id: int, household_id: int, born: Newcomer, now: int
) -> tuple[int, str]:
    """Follow a child from its birth on; its mother is known, and agreed when she did. Gives its id and its code."""
    programme = programmes.of_children(tx)
    place = place_tables.place_of_zone(tx, born.zone_id)
    if place is None or born.born_on > runtime.today(now):
        raise CannotEnrol
    child = _add_child(tx, runtime, programme, household_id, born, place, now)
    people_tables.add_caregiver(tx, child.id, mother_id, 1, runtime.today(now))
    recalls.plan_anew(tx, runtime, child, (), now)
    return child.id, show_code(child.code)


def _add_child(
    tx: Connection, runtime: Runtime, programme: Programme, household_id: int, told: Newcomer, place: Place, now: int
) -> Child:
    child = Child(
        id=people_tables.add_person(
            tx,
            organisation_id=programme.organisation_id,
            household_id=household_id,
            name=told.name,
            sex=told.sex,
            born_on=told.born_on,
            created_at=now,
        ),
        code="",
        household_id=household_id,
        programme_id=programme.id,
        organisation_id=programme.organisation_id,
        zone_id=told.zone_id,
        centre_id=place.centre_id,
        profile=_profile(runtime.calendar, place.district),
        status="followed",
        enrolled_on=runtime.today(now),
        born_on=told.born_on,
        sex=told.sex,
        birth_precision=told.birth_precision,
    )
    while True:
        # Eight random digits: the next child's code cannot be guessed from the last one's.
        child = child._replace(code=f"{secrets.randbelow(10**8):08d}")
        if people_tables.add_child(tx, child, runtime.calendar.name, runtime.calendar.latest_source, now):
            return child


@cache
def _profile(calendar: Calendar, district: str) -> str:
    """Which vaccines this district gives: as many answers as there are districts."""
    return calendar.profile_for(district)


def _caregiver(tx: Connection, organisation_id: int, number: str, now: int, today: date) -> Caller:
    """The person behind the phone; a first call from an unknown phone makes a household."""
    caller = people_tables.find_caller(tx, number)
    if caller and caller.person_id and caller.household_id:
        return caller
    phone_id = caller.phone_id if caller else phone_tables.ensure_phone(tx, number, now).id
    phone_tables.lock_phone(tx, phone_id)
    caller = people_tables.find_caller(tx, number)  # another session of this phone may have made it meanwhile
    if caller and caller.person_id and caller.household_id:
        return caller
    household_id = people_tables.add_household(tx, organisation_id, phone_id, now)
    person_id = people_tables.add_person(tx, organisation_id=organisation_id, household_id=household_id, created_at=now)
    people_tables.add_person_phone(tx, person_id, phone_id, today)
    return Caller(phone_id, caller.language if caller else None, person_id, household_id)


def ensure_caller(tx: Connection, runtime: Runtime, number: str, now: int) -> Caller:
    """The person behind the phone, with a household; both are made when nobody asked anything with it before."""
    programme = programmes.of_children(tx)
    return _caregiver(tx, programme.organisation_id, number, now, runtime.today(now))


def _known(value: int | None) -> int:
    assert value is not None
    return value


def _record_told_doses(tx: Connection, runtime: Runtime, child: Child, told: Enrolment, now: int) -> list[Given]:
    """The doses of the visits that the caregiver remembers, until the card is seen (decided with health staff)."""
    made = visits.visits_made(
        runtime.calendar, child.born_on, told.last_visit, told.last_visit_on, child.profile, today=runtime.today(now)
    )
    for given in made:
        care_tables.add_dose(
            tx,
            child.id,
            given.antigen,
            given.on,
            source="mother",
            date_quality=given.quality,
            recorded_by="self",
            recorded_at=now,
        )
    return [Given(given.antigen, given.on) for given in made]


def next_visit(tx: Connection, runtime: Runtime, child: Child, today: date) -> Visit:
    """When the child is expected next, and where: what the schedule says today, not what was planned once."""
    centre = f"CSCom {place_tables.centre_name(tx, child.centre_id)}" if child.centre_id else ""
    assessment = care.assess(tx, runtime, child, today)
    rows = care_tables.open_appointments(tx, child.id)
    visit = _when_the_centre_gives(_visit(assessment, child, centre, today), rows, today)
    if visit.on is not None and visit.state in ("now", "late"):
        instead = meeting_days.days_instead(tx, runtime, child, [due.dose for due in assessment.due], today)
        if instead is not None:  # no family goes to a closed door because its own day has passed
            return replace(visit, on=min(instead), state="coming") if instead else replace(visit, on=None)
        # The schedule says "today" of whatever is due; the family knows the day that the messages told.
        told = [row.on for row in rows if row.on and row.on <= today]
        since = max(min((due.due_on for due in assessment.due), default=today), child.enrolled_on)
        return replace(visit, on=min(told, default=since))
    return visit


def _when_the_centre_gives(visit: Visit, planned: Sequence[Contact] | Sequence[Appointment], today: date) -> Visit:
    """What is due, or will be, before the next day on which the centre gives it is expected on that day.

    Without a day where nobody knows one: no family is sent to a centre that has none of it.
    """
    days = [one.on for one in planned if one.on is not None]
    is_moved = any(one.meets_on is not None and one.meets_on > today for one in planned)
    waits = any(one.awaits_stock for one in planned)
    if min(days, default=date.max) <= today or not (is_moved or waits):
        return visit  # no day was moved ahead: what the schedule says
    return replace(visit, on=min(days), state="coming") if days else replace(visit, on=None)


def _visit(assessment: Assessment, child: Child, centre: str, today: date) -> Visit:
    if assessment.next_contact is None:
        return Visit(None, centre, "complete")
    # The day somebody joins is no day to call a child late.
    is_new = child.enrolled_on >= today - timedelta(days=1)
    late = not is_new and any(due.status in ("overdue", "defaulter") for due in assessment.due)
    state = "late" if late else "now" if assessment.due else "coming"
    return Visit(assessment.next_contact, centre, state)


def stop_child(tx: Connection, runtime: Runtime, child_id: int, now: int, why: str = "family") -> None:
    """Follow this child no longer, and send nothing more about it. No family is asked why: it may be a death."""
    child_states.stop_following(tx, child_id, why, now)
    recalls.replan(tx, runtime, child_id, now)
    treatment_plans.end_with_child(tx, runtime, child_id, why, now)
    child = people_tables.find_child(tx, id=child_id)
    assert child is not None
    birth_silence.fall_silent(tx, runtime, child, why, now)
