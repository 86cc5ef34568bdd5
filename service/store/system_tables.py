"""Small facts about the installation itself: marks, counters, and who holds which lease."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, String, Table, Text, bindparam, delete, func, select, update
from sqlalchemy.engine import Connection

from service.store.columns import Instant, database_now, lease_is_over, metadata, upsert, wrote
from service.store.prepared import Prepared

marker = Table("marker", metadata, Column("name", String(40), primary_key=True), Column("value", Text, nullable=False))

counter = Table(
    "counter",
    metadata,
    Column("name", String(60), primary_key=True),
    Column("value", BigInteger, nullable=False),
)

lease = Table(
    "lease",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("holder", String(60), nullable=False),
    Column("fence", BigInteger, nullable=False),
    Column("until", Instant, nullable=False),
)


def mark(tx: Connection, name: str, value: str) -> None:
    statement = upsert(tx, marker).values(name=name, value=value)
    tx.execute(statement.on_conflict_do_update(index_elements=["name"], set_={"value": value}))


# Asked with every page of the day's work.
_READ = Prepared(lambda _: select(marker.c.value).where(marker.c.name == bindparam("name")))
_MARKS = Prepared(
    lambda _: (
        select(marker.c.name, marker.c.value)
        .where(func.substr(marker.c.name, 1, bindparam("width", type_=Integer)) == bindparam("prefix", type_=String))
        .order_by(marker.c.name)
    )
)


def read_mark(tx: Connection, name: str) -> str | None:
    row = _READ.first(tx, name=name)
    return row[0] if row else None


def marks(tx: Connection, prefix: str) -> dict[str, str]:
    """Every mark whose name begins so, in the order of the names."""
    return {row[0]: row[1] for row in _MARKS.rows(tx, prefix=prefix, width=len(prefix))}


def count(tx: Connection, name: str, by: int = 1) -> None:
    statement = upsert(tx, counter).values(name=name, value=by)
    tx.execute(statement.on_conflict_do_update(index_elements=["name"], set_={"value": counter.c.value + by}))


def counters(tx: Connection) -> dict[str, int]:
    return {row.name: row.value for row in tx.execute(select(counter))}


def take_lease(tx: Connection, name: str, holder: str, milliseconds: int) -> bool:
    """True when `holder` has the lease for that long from now, by the database's clock."""
    until = database_now() + milliseconds
    statement = upsert(tx, lease).values(name=name, holder=holder, fence=1, until=until)
    statement = statement.on_conflict_do_update(
        index_elements=["name"],
        set_={"holder": holder, "fence": lease.c.fence + 1, "until": until},
        where=(lease.c.holder == holder) | lease_is_over(lease.c.until, milliseconds),
    )
    return wrote(tx, statement)


def give_lease_back(tx: Connection, name: str, holder: str) -> None:
    """It has just ended: anybody may take it, and since when nobody has it stays known."""
    mine = update(lease).where(lease.c.name == name, lease.c.holder == holder)
    tx.execute(mine.values(until=database_now() - 1))


def lease_age(tx: Connection, name: str) -> int | None:
    """Milliseconds until the lease ends (negative when it has ended); None when nobody ever held it."""
    return tx.execute(select(lease.c.until - database_now()).where(lease.c.name == name)).scalar_one_or_none()


def database_time(tx: Connection) -> int:
    """What the database's own clock says, in UTC milliseconds."""
    return int(tx.execute(select(database_now())).scalar_one())


def drop_marks(tx: Connection, name: str) -> None:
    tx.execute(delete(marker).where(marker.c.name == name))
