"""Whether a child is followed, and whether anything is sent about it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.engine import Connection

from service.store.people_tables import child

REFUSED = "refused"
"""Why nothing is said of a child: its family wants that."""


def stop_following(tx: Connection, child_id: int, why: str, now: int) -> None:
    """`why` is family (its own wish), moved or dead."""
    _set(tx, child_id, status="stopped", stopped_at=now, stopped_why=why)


def follow_again(tx: Connection, child_id: int) -> None:
    _set(tx, child_id, status="followed", stopped_at=None, stopped_why=None)


def why_stopped(tx: Connection, child_id: int) -> str | None:
    return tx.execute(select(child.c.stopped_why).where(child.c.person_id == child_id)).scalar_one_or_none()


def be_quiet(tx: Connection, child_id: int, why: str | None, until: date | None) -> None:
    """Nothing is sent about this child until that day, or at all; None and None: it is spoken of again."""
    _set(tx, child_id, quiet_why=why, quiet_until=until)


def quiet_among(tx: Connection, children: Iterable[int], today: date) -> set[int]:
    """Those of the children about whom nothing is sent on this day."""
    which = child.c.person_id.in_(list(children)) & is_quiet(today)
    return set(tx.execute(select(child.c.person_id).where(which)).scalars())


def is_quiet(today: date) -> ColumnElement[bool]:
    return child.c.quiet_why.is_not(None) & (child.c.quiet_until.is_(None) | (child.c.quiet_until > today))


def _set(tx: Connection, child_id: int, **values: object) -> None:
    tx.execute(update(child).where(child.c.person_id == child_id).values(**values))
