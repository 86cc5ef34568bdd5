"""Mediators: a person with a phone, the quartiers she serves, and a PIN. The phone alone proves nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import (
    Column,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Select,
    String,
    Table,
    bindparam,
    delete,
    insert,
    select,
    update,
)
from sqlalchemy.engine import Connection

from service.store import columns
from service.store.columns import Instant, Sealed, id_column, metadata, new_id, reference, spelled
from service.store.dialects import only_rows
from service.store.people_tables import CHILD_COLUMNS, Child, child, person
from service.store.phone_tables import phone
from service.store.place_tables import zone
from service.store.prepared import Prepared

mediator = Table(
    "mediator",
    metadata,
    id_column(),
    reference("organisation_id", "organisation.id"),
    reference("person_id", "person.id", unique=True),
    # Hers at work. It makes her nobody's caregiver: `person_phone` knows nothing of it.
    reference("phone_id", "phone.id"),
    Column("language", String(8), nullable=False),
    # A salted hash with its parameters, and sealed: four digits are soon tried through by whoever has the hash.
    Column("pin", Sealed("mediator.pin"), nullable=False),
    Column("state", String(8), nullable=False),  # active, locked, left
    Column("tries", Integer, nullable=False),  # wrong ones in a row
    Column("locked_at", Instant),
    Column("left_at", Instant, index=True),
    Column("last_used_at", Instant),
    Column("created_at", Instant, nullable=False),
)
_stays = mediator.c.state != spelled("left")
Index("uq_mediator_phone", mediator.c.phone_id, unique=True, **only_rows(_stays))

mediator_zone = Table(
    "mediator_zone",
    metadata,
    reference("mediator_id", "mediator.id"),
    reference("zone_id", "zone.id", index=True),
    PrimaryKeyConstraint("mediator_id", "zone_id"),
)


class Mediator(NamedTuple):
    """An account. `pin` is the stored form of `service.domain.pins`."""

    id: int
    name: str | None
    phone_id: int
    number: str
    language: str
    pin: str
    state: str
    tries: int
    locked_at: int | None
    last_used_at: int | None


_ACCOUNT = (
    mediator.c.id,
    person.c.name,
    mediator.c.phone_id,
    phone.c.number,
    mediator.c.language,
    mediator.c.pin,
    mediator.c.state,
    mediator.c.tries,
    mediator.c.locked_at,
    mediator.c.last_used_at,
)


def _accounts() -> Select[tuple[object, ...]]:
    return (
        select(*_ACCOUNT)
        .join(person, person.c.id == mediator.c.person_id)
        .join(phone, phone.c.id == mediator.c.phone_id)
    )


def of_phone(tx: Connection, phone_id: int, *, lock: bool = False) -> Mediator | None:
    """The account of this phone, active or locked; with `lock` it is ours until the commit."""
    which = (mediator.c.phone_id == phone_id) & _stays
    if lock:  # before it is read: what others wrote while we waited counts
        tx.execute(select(mediator.c.id).where(which).with_for_update())
    row = tx.execute(_accounts().where(which)).one_or_none()
    return Mediator._make(row) if row else None


_IS_OPEN = Prepared(
    lambda _: select(mediator.c.id).where(
        mediator.c.phone_id == bindparam("phone_id"), _stays, mediator.c.state == spelled("active")
    )
)


def is_open(tx: Connection, phone_id: int) -> bool:
    """Whether this phone has an account that is not locked."""
    return _IS_OPEN.first(tx, phone_id=phone_id) is not None


def of_id(tx: Connection, mediator_id: int) -> Mediator | None:
    """The account, ours until the commit."""
    tx.execute(select(mediator.c.id).where(mediator.c.id == mediator_id).with_for_update())
    row = tx.execute(_accounts().where(mediator.c.id == mediator_id)).one_or_none()
    return Mediator._make(row) if row else None


def accounts(tx: Connection, states: Iterable[str]) -> list[Mediator]:
    """Oldest first."""
    which = mediator.c.state.in_(tuple(states))
    rows = tx.execute(_accounts().where(which).order_by(mediator.c.created_at, mediator.c.id))
    return [Mediator._make(row) for row in rows]


def active_after(tx: Connection, after: int, limit: int) -> list[Mediator]:
    """The next open accounts by id."""
    which = (mediator.c.id > after) & (mediator.c.state == "active")
    rows = tx.execute(_accounts().where(which).order_by(mediator.c.id).limit(limit))
    return [Mediator._make(row) for row in rows]


def active_in(tx: Connection, zone_id: int) -> list[Mediator]:
    """The open accounts that serve this quartier, by id."""
    serving = select(mediator_zone.c.mediator_id).where(mediator_zone.c.zone_id == zone_id)
    which = mediator.c.id.in_(serving) & (mediator.c.state == "active")
    return [Mediator._make(row) for row in tx.execute(_accounts().where(which).order_by(mediator.c.id))]


def add(
    tx: Connection, now: int, *, organisation_id: int, person_id: int, phone_id: int, language: str, pin: str
) -> int:
    """A new account, active; gives its id."""
    mediator_id = new_id()
    row = {
        "id": mediator_id,
        "organisation_id": organisation_id,
        "person_id": person_id,
        "phone_id": phone_id,
        "language": language,
        "pin": pin,
        "state": "active",
        "tries": 0,
        "created_at": now,
    }
    tx.execute(insert(mediator).values(row))
    return mediator_id


def change(tx: Connection, mediator_id: int, **values: object) -> None:
    tx.execute(update(mediator).where(mediator.c.id == mediator_id).values(**values))


def set_zones(tx: Connection, mediator_id: int, zone_ids: Iterable[int]) -> None:
    """The quartiers she serves from now on: these and no other."""
    tx.execute(delete(mediator_zone).where(mediator_zone.c.mediator_id == mediator_id))
    rows = [{"mediator_id": mediator_id, "zone_id": zone_id} for zone_id in dict.fromkeys(zone_ids)]
    if rows:
        tx.execute(insert(mediator_zone), rows)


def zones_of(tx: Connection, mediator_id: int) -> list[tuple[int, str]]:
    """(id, name) of the quartiers she serves, in the order of the alphabet."""
    rows = tx.execute(
        select(zone.c.id, zone.c.name)
        .join(mediator_zone, mediator_zone.c.zone_id == zone.c.id)
        .where(mediator_zone.c.mediator_id == mediator_id)
        .order_by(zone.c.name)
    )
    return [(row.id, row.name) for row in rows]


def child_of_id(tx: Connection, mediator_id: int, child_id: int) -> Child | None:
    """The followed child of her quartiers with this id."""
    served = select(mediator_zone.c.zone_id).where(mediator_zone.c.mediator_id == mediator_id)
    row = tx.execute(
        select(*CHILD_COLUMNS)
        .join(person, person.c.id == child.c.person_id)
        .where(child.c.person_id == child_id, child.c.zone_id.in_(served), child.c.status == "followed")
    ).one_or_none()
    return Child._make(row) if row else None


def who_serves(tx: Connection) -> dict[int, list[int]]:
    """The accounts by the quartier they serve."""
    serving: dict[int, list[int]] = {}
    for row in tx.execute(select(mediator_zone).order_by(mediator_zone.c.zone_id, mediator_zone.c.mediator_id)):
        serving.setdefault(row.zone_id, []).append(row.mediator_id)
    return serving


def children_of_code(tx: Connection, mediator_id: int, begins: str) -> Sequence[Child]:
    """The followed children of her quartiers whose code begins with these digits, three at most.

    One question, whether there is no such child or it lives elsewhere: neither words nor time tell these apart.
    """
    served = select(mediator_zone.c.zone_id).where(mediator_zone.c.mediator_id == mediator_id)
    rows = tx.execute(
        select(*CHILD_COLUMNS)
        .join(person, person.c.id == child.c.person_id)
        .where(
            child.c.code >= begins.ljust(8, "0"),
            child.c.code <= begins.ljust(8, "9"),
            child.c.zone_id.in_(served),
            child.c.status == "followed",
        )
        .order_by(child.c.code)
        .limit(3)
    )
    return [Child._make(row) for row in rows]


def ids_starting_with(tx: Connection, digits: str) -> list[int]:
    """A few of the ids that begin with these digits, as staff type them."""
    return columns.ids_starting_with(tx, mediator.c.id, digits)
