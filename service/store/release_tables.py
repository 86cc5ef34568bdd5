"""Every set of conversations that was published, in order. Rows never change but for their approval."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Column, Integer, String, Table, Text, func, select, update
from sqlalchemy.engine import Connection

from service.store.columns import Instant, metadata, upsert, wrote
from service.store.prepared import Prepared

flow_release = Table(
    "flow_release",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("hash", String(64), nullable=False),
    Column("body", Text, nullable=False),  # the sources, as JSON by file name
    Column("note", String(200), nullable=False),
    Column("published_by", String(60), nullable=False),
    Column("published_at", Instant, nullable=False),
    # Where a second person is asked, callers hear a release from its approval on.
    Column("approved_by", String(60)),
    Column("approved_at", Instant),
)
r = flow_release.c


class Release(NamedTuple):
    number: int
    hash: str
    note: str
    published_by: str
    published_at: int
    approved_by: str | None
    approved_at: int | None


_COLUMNS = (r.number, r.hash, r.note, r.published_by, r.published_at, r.approved_by, r.approved_at)
_CURRENT = Prepared(lambda _: select(func.max(r.number)).where(r.approved_at.is_not(None)))


def current_number(tx: Connection) -> int | None:
    """The release that callers hear: the latest approved one."""
    row = _CURRENT.first(tx)
    return row[0] if row else None


def approved_numbers(tx: Connection) -> list[int]:
    """Every release that was ever heard, latest first."""
    return list(tx.execute(select(r.number).where(r.approved_at.is_not(None)).order_by(r.number.desc())).scalars())


def release(tx: Connection, number: int) -> Release | None:
    row = tx.execute(select(*_COLUMNS).where(r.number == number)).first()
    return Release._make(row) if row else None


def releases(tx: Connection, limit: int = 50) -> list[Release]:
    """The latest releases, latest first."""
    return [Release._make(row) for row in tx.execute(select(*_COLUMNS).order_by(r.number.desc()).limit(limit))]


def release_body(tx: Connection, number: int) -> str | None:
    return tx.execute(select(r.body).where(r.number == number)).scalar_one_or_none()


def add_release(
    tx: Connection, *, hash: str, body: str, note: str, by: str, now: int, approved_by: str | None
) -> int | None:
    """The number of the new release; None when somebody else published at this very moment."""
    number = int(tx.execute(select(func.coalesce(func.max(r.number), 0) + 1)).scalar_one())
    row = {
        "number": number,
        "hash": hash,
        "body": body,
        "note": note,
        "published_by": by,
        "published_at": now,
        "approved_by": approved_by,
        "approved_at": now if approved_by else None,
    }
    made = wrote(tx, upsert(tx, flow_release).values(**row).on_conflict_do_nothing())
    return number if made else None


def approve(tx: Connection, number: int, by: str, now: int) -> bool:
    """False when it was approved already."""
    which = (r.number == number) & r.approved_at.is_(None)
    return tx.execute(update(flow_release).where(which).values(approved_by=by, approved_at=now)).rowcount > 0
