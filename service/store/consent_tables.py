"""What stands of what people agreed to: of each person and purpose the last row counts, the others are its history."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, ColumnElement, Select, String, and_, exists, false, func, or_, select, true, update
from sqlalchemy.engine import Connection

from service.store.columns import among
from service.store.people_tables import caregiver, child, consent, household, person, person_phone
from service.store.phone_tables import phone
from service.store.prepared import Prepared

FOLLOW_UP = "follow_up"
"""A mediator comes to the house because a contact is late. (The purpose "visit" is one that a family asked for.)"""
DATED_CONTACTS = "dated_contacts"
"""The contacts of a woman are followed (`follow_ups`). It is on no screen: whoever holds the phone reads those."""
WEEKLY_VISITS = "weekly_visits"
"""A child's weekly visits are followed (`treatments`): said for it, so kept with the child. It is on no screen."""
MUTUAL = "mutual"
"""A request to the mutual is kept, and its household told when its cover ends."""
c = consent.c
_now_used = person_phone.c.until.is_(None)
_still_cares = caregiver.c.until.is_(None)


class Standing(NamedTuple):
    """The last word of one person on one purpose."""

    person_id: int
    programme_id: int
    purpose: str
    given: bool
    wording: str
    language: str
    how: str
    at: int
    words_version: str
    recorded_by: str


_SAID = tuple(c[name] for name in Standing._fields)


def _standing(_: object) -> Select[Any]:
    latest = func.row_number().over(partition_by=(c.person_id, c.purpose), order_by=(c.at.desc(), c.id.desc()))
    which = among(c.person_id, "people", BigInteger), among(c.purpose, "purposes", String)
    rows = select(*_SAID, latest.label("place")).where(*which).subquery("said")
    wanted = [rows.c[column.name] for column in _SAID]
    return select(*wanted).where(rows.c.place == 1).order_by(rows.c.person_id, rows.c.purpose)


# Prepared: it is asked at the last step of every enrolment, and took a sixth of what all eleven take.
_STANDING = Prepared(_standing)


def standing(tx: Connection, people: Iterable[int], purposes: Iterable[str]) -> list[Standing]:
    """The last word of each of these people on each of these purposes, where there is one."""
    return [Standing._make(row) for row in _STANDING.rows(tx, people=people, purposes=purposes)]


def history(tx: Connection, person_id: int) -> list[Standing]:
    """Every word of this person, the oldest first."""
    said = select(*_SAID).where(c.person_id == person_id).order_by(c.at, c.id)
    return [Standing._make(row) for row in tx.execute(said)]


def people_behind(tx: Connection, phone_id: int, *, hold: bool = False) -> list[int]:
    """Those who have this phone, the first one first; with `hold` none of them is erased before we commit."""
    rows = (
        select(person.c.id)
        .join(person_phone, person_phone.c.person_id == person.c.id)
        .where(person_phone.c.phone_id == phone_id, _now_used)
        .order_by(person.c.created_at, person.c.id)
    )
    return list(tx.execute(rows.with_for_update(of=person, read=True, key_share=True) if hold else rows).scalars())


def agreed_on_phone(phone_id: ColumnElement[int], purpose: str) -> ColumnElement[bool]:
    """True in a query where somebody behind this phone agreed to this, and nobody behind it refused it."""
    here = (person_phone.c.phone_id == phone_id) & _now_used
    said = _last_word(person_phone.c.person_id, purpose)
    return exists().where(here, said.is_(true())) & ~exists().where(here, said.is_(false()))


def is_wanted(purpose: ColumnElement[str], phone_id: ColumnElement[int]) -> ColumnElement[bool]:
    """True in a query where a message of this purpose needs no yes, or has one: only informations need one."""
    return or_(purpose != "campaign", agreed_on_phone(phone_id, "campaign"))


def ever_given(tx: Connection, people: Iterable[int], purposes: Iterable[str]) -> set[tuple[int, str]]:
    """(person, purpose) of every yes that was ever said, whatever stands now."""
    which = c.person_id.in_(list(people)) & c.purpose.in_(list(purposes)) & c.given
    return {(row.person_id, row.purpose) for row in tx.execute(select(c.person_id, c.purpose).where(which).distinct())}


# --- a mediator at the door ---------------------------------------------------------------------------------


def wants_no_visit(child_id: ColumnElement[int]) -> ColumnElement[bool]:
    """True in a query where somebody who cares for this child said no to a mediator who comes to the house."""
    said = _last_word(caregiver.c.person_id, FOLLOW_UP)
    return exists().where(caregiver.c.child_id == child_id, _still_cares, said.is_(false()))


def may_visit(tx: Connection, children: Sequence[int]) -> set[int]:
    """Those of these children at whose house a mediator may knock: nobody who cares for them refused it."""
    which = child.c.person_id.in_(children) & ~wants_no_visit(child.c.person_id)
    return set(tx.execute(select(child.c.person_id).where(which)).scalars())


def _last_word(person_id: ColumnElement[int], purpose: str) -> ColumnElement[bool]:
    said: Select[tuple[bool]] = (
        select(c.given)
        .where(c.person_id == person_id, c.purpose == purpose)
        .order_by(c.at.desc(), c.id.desc())
        .limit(1)
        .correlate(caregiver, person_phone)
    )
    return said.scalar_subquery()


# --- explicit words -----------------------------------------------------------------------------------------


def set_readers(tx: Connection, phone_id: int, readers: str | None) -> None:
    """Who reads this phone, as its holder says: one or several."""
    tx.execute(update(phone).where(phone.c.id == phone_id).values(readers=readers))


def explicit_homes(tx: Connection, phones: Sequence[int]) -> set[tuple[int, int]]:
    """(phone, household) of those phones on which this household may be told names and vaccines.

    One person alone has the phone, reads it alone, belongs to this household, and her last word on reminders is a yes
    to explicit words; no other household is written to there.
    """
    alone = (
        select(person_phone.c.phone_id, func.min(person_phone.c.person_id).label("person_id"))
        .where(person_phone.c.phone_id.in_(phones), _now_used)
        .group_by(person_phone.c.phone_id)
        .having(func.count() == 1)
        .subquery("alone")
    )
    others = exists().where(household.c.preferred_phone_id == phone.c.id, household.c.id != person.c.household_id)
    rows = (
        select(phone.c.id, person.c.household_id, person.c.id)
        .join(alone, alone.c.phone_id == phone.c.id)
        .join(person, person.c.id == alone.c.person_id)
        .where(phone.c.readers == "one", ~others)
    )
    found = [tuple(row) for row in tx.execute(rows)]
    said = {one.person_id: one for one in standing(tx, [person_id for *_, person_id in found], ("reminder",))}
    return {
        (phone_id, home)
        for phone_id, home, person_id in found
        if home is not None and (word := said.get(person_id)) is not None and word.given and word.wording == "explicit"
    }


def names_of(tx: Connection, children: Sequence[int]) -> dict[int, str]:
    """The names of these children, as they were given."""
    rows = tx.execute(select(person.c.id, person.c.name).where(person.c.id.in_(children)))
    return {row.id: row.name for row in rows if row.name}


# --- the next caregiver -------------------------------------------------------------------------------------


class Carer(NamedTuple):
    """A phone beside the first one of a household, whose holder agreed to its reminders."""

    household_id: int
    phone_id: int
    number: str
    number_idx: bytes
    language: str | None
    readers: str | None
    by_voice: bool


def next_carers(tx: Connection, homes: Sequence[int]) -> list[Carer]:
    """Those who agreed to hear in the place of the first caregiver, a household's together, in order."""
    agreed = _last_word(caregiver.c.person_id, "reminder").is_(true())
    rows = (
        select(
            child.c.household_id,
            phone.c.id,
            phone.c.number,
            phone.c.number_idx,
            phone.c.language,
            phone.c.readers,
            phone.c.by_voice,
        )
        .join(caregiver, and_(caregiver.c.child_id == child.c.person_id, _still_cares, caregiver.c.position > 1))
        .join(person_phone, and_(person_phone.c.person_id == caregiver.c.person_id, _now_used))
        .join(phone, phone.c.id == person_phone.c.phone_id)
        .where(child.c.household_id.in_(homes), child.c.status == "followed", agreed)
        .order_by(child.c.household_id, caregiver.c.position, caregiver.c.since, phone.c.id)
    )
    return [Carer._make(row) for row in tx.execute(rows)]


class Place(NamedTuple):
    person_id: int
    phone_id: int
    position: int


def carers_beside(tx: Connection, home: int) -> list[Place]:
    """Who cares for a child of this household after the first caregiver, with the phones they have, in order."""
    rows = (
        select(caregiver.c.person_id, person_phone.c.phone_id, func.min(caregiver.c.position))
        .join(child, child.c.person_id == caregiver.c.child_id)
        .join(person_phone, and_(person_phone.c.person_id == caregiver.c.person_id, _now_used))
        .where(child.c.household_id == home, _still_cares, caregiver.c.position > 1)
        .group_by(caregiver.c.person_id, person_phone.c.phone_id)
        .order_by(func.min(caregiver.c.position), caregiver.c.person_id)
    )
    return [Place._make(row) for row in tx.execute(rows)]
