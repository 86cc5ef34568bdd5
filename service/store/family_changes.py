"""What changes about a family after it was enrolled: which phone it hears on, where it lives, who cares for whom."""

from __future__ import annotations

from datetime import date

from sqlalchemy import func, insert, or_, select, update
from sqlalchemy.engine import Connection

from service.store import phone_tables
from service.store.care_tables import appointment
from service.store.columns import new_id, upsert
from service.store.people_tables import (
    CHILD_COLUMNS,
    Child,
    caregiver,
    child,
    children_on_phone,
    household,
    person,
    person_phone,
)
from service.store.phone_tables import phone


def lock_household(tx: Connection, household_id: int) -> int | None:
    """The phone that the household is written to on; the planner and other callers wait until we commit."""
    home = select(household.c.preferred_phone_id).where(household.c.id == household_id)
    phone_id: int | None = tx.execute(home.with_for_update(key_share=True)).scalar_one()
    return phone_id


def decides(tx: Connection, household_id: int, phone_id: int) -> bool:
    """Whether the household is written to on this phone, or on none: a second number hears in its place, no more.

    The household is locked.
    """
    return lock_household(tx, household_id) in (phone_id, None)


def prefer_phone(tx: Connection, household_id: int, phone_id: int | None) -> None:
    """Write to the household on this phone from now on; None: it goes on without one.

    Who reads the phone is not known any more: explicit words are chosen anew.
    """
    tx.execute(update(household).where(household.c.id == household_id).values(preferred_phone_id=phone_id))
    if phone_id is not None:
        tx.execute(update(phone).where(phone.c.id == phone_id).values(readers=None))


def homes_served(tx: Connection, phone_id: int) -> list[int]:
    """The households of this phone's children, always in the same order: two callers never wait for each other."""
    return sorted({one.household_id for one in children_on_phone(tx, phone_id)})


def homes_that_prefer(tx: Connection, phone_id: int) -> list[int]:
    """The households that are written to on this phone, with a followed child or without."""
    return list(tx.execute(select(household.c.id).where(household.c.preferred_phone_id == phone_id)).scalars())


def children_of(tx: Connection, household_id: int) -> list[Child]:
    """The followed children of a household, oldest enrolment first."""
    rows = tx.execute(
        select(*CHILD_COLUMNS)
        .join(person, person.c.id == child.c.person_id)
        .where(child.c.household_id == household_id, child.c.status == "followed")
        .order_by(child.c.enrolled_at, child.c.person_id)
    )
    return [Child._make(row) for row in rows]


def first_caregiver(tx: Connection, household_id: int) -> int | None:
    """Who enrolled the household's children and still cares for them."""
    rows = (
        select(caregiver.c.person_id)
        .join(child, child.c.person_id == caregiver.c.child_id)
        .where(child.c.household_id == household_id, caregiver.c.until.is_(None))
        .order_by(caregiver.c.position, caregiver.c.since, caregiver.c.person_id)
        .limit(1)
    )
    return tx.execute(rows).scalar_one_or_none()


def end_care_beside(tx: Connection, household_id: int, until: date) -> int:
    """Nobody but the first caregiver cares for this household's children; gives how many people did beside."""
    theirs = select(child.c.person_id).where(child.c.household_id == household_id)
    which = caregiver.c.child_id.in_(theirs) & (caregiver.c.position > 1) & caregiver.c.until.is_(None)
    ended = set(
        tx.execute(update(caregiver).where(which).values(until=until).returning(caregiver.c.person_id)).scalars()
    )
    still = select(caregiver.c.person_id).where(caregiver.c.until.is_(None))
    # Who came here by this care alone is behind no phone of the household any more, or it would serve it still.
    came = select(person.c.id).where(
        person.c.id.in_(ended), person.c.household_id == household_id, person.c.id.not_in(still)
    )
    gone = person_phone.c.person_id.in_(came) & person_phone.c.until.is_(None)
    tx.execute(update(person_phone).where(gone).values(until=until))
    return len(ended)


def last_position(tx: Connection, child_id: int) -> int:
    """The last place among those who care, or cared, for this child."""
    places = select(func.max(caregiver.c.position)).where(caregiver.c.child_id == child_id)
    return tx.execute(places).scalar_one() or 0


def give_phone(tx: Connection, person_id: int, phone_id: int, since: date) -> None:
    """The person is behind this phone, again or for the first time."""
    row = {"person_id": person_id, "phone_id": phone_id, "since": since}
    reopened = person_phone.c.until.is_not(None)
    statement = upsert(tx, person_phone).values(**row)
    tx.execute(
        statement.on_conflict_do_update(
            index_elements=["person_id", "phone_id"], set_={"since": since, "until": None}, where=reopened
        )
    )


def take_phone(tx: Connection, household_id: int, phone_id: int, until: date) -> None:
    """Nobody of this household is behind this phone any longer; who has it next chooses calls anew."""
    members = select(person.c.id).where(person.c.household_id == household_id)
    carers = (
        select(caregiver.c.person_id)
        .join(child, child.c.person_id == caregiver.c.child_id)
        .where(child.c.household_id == household_id)
    )
    whose = or_(person_phone.c.person_id.in_(members), person_phone.c.person_id.in_(carers))
    which = (person_phone.c.phone_id == phone_id) & person_phone.c.until.is_(None) & whose
    tx.execute(update(person_phone).where(which).values(until=until))
    phone_tables.forget_voice(tx, phone_id)


def end_care(tx: Connection, child_id: int, phone_id: int, until: date) -> None:
    """Whoever is behind this phone does not care for this child."""
    behind = select(person_phone.c.person_id).where(person_phone.c.phone_id == phone_id, person_phone.c.until.is_(None))
    which = (caregiver.c.child_id == child_id) & caregiver.c.until.is_(None) & caregiver.c.person_id.in_(behind)
    tx.execute(update(caregiver).where(which).values(until=until))


def give_own_home(tx: Connection, one: Child, now: int) -> int:
    """A household of its own, without a phone, for a child that was in another family's by mistake; gives its id."""
    home = new_id()
    tx.execute(insert(household).values(id=home, organisation_id=one.organisation_id, created_at=now))
    for table, which in ((child, child.c.person_id), (person, person.c.id), (appointment, appointment.c.child_id)):
        tx.execute(update(table).where(which == one.id).values(household_id=home))
    return home


def set_place(tx: Connection, child_id: int, zone_id: int, centre_id: int | None, profile: str) -> None:
    """Where the child lives from now on, which centre expects it, and which vaccines that district gives."""
    tx.execute(
        update(child).where(child.c.person_id == child_id).values(zone_id=zone_id, centre_id=centre_id, profile=profile)
    )
