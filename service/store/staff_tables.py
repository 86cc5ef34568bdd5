"""Staff on the console: accounts, sessions, tries at the door, what was read, and lists that wait for a yes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Index,
    LargeBinary,
    String,
    Table,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.engine import Connection

from service.store.columns import Id, Instant, Sealed, id_column, metadata, new_id, reference, take_turns
from service.store.mediator_tables import mediator
from service.store.people_tables import CHILD_COLUMNS, Child, child, person
from service.store.place_tables import health_centre, zone

staff = Table(
    "staff",
    metadata,
    id_column(),
    reference("organisation_id", "organisation.id"),
    Column("login", String(30), nullable=False, unique=True),  # nobody else's ever: doses are signed with it
    Column("role", String(12), nullable=False),  # supervisor, centre
    reference("centre_id", "health_centre.id", nullable=True),
    Column("state", String(8), nullable=False),  # active, revoked, former: emptied, for its login
    # A slow hash with its parameters, and sealed: whoever takes the file alone has nothing to try passwords on.
    Column("password", Sealed("staff.password"), nullable=False),
    Column("start_until", Instant),  # the password is a start password, and opens until then; NULL: her own
    Column("totp", Sealed("staff.totp"), nullable=False),
    Column("totp_step", BigInteger, nullable=False),  # the half minute whose code was taken last: none is taken twice
    Column("created_by", String(60), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("last_used_at", Instant),
    Column("revoked_by", String(60)),
    Column("revoked_at", Instant),
)

staff_session = Table(
    "staff_session",
    metadata,
    id_column(),
    reference("staff_id", "staff.id", index=True),
    Column("token_hash", LargeBinary(32), nullable=False, unique=True),  # of 256 random bits: nothing to guess
    Column("started_at", Instant, nullable=False, index=True),
    Column("seen_at", Instant, nullable=False),
)

# Whom a try was about stands here as a keyed hash only.
staff_try = Table(
    "staff_try",
    metadata,
    id_column(),
    Column("key_hash", LargeBinary(32), nullable=False),
    Column("at", Instant, nullable=False, index=True),
)
Index("ix_staff_try_key", staff_try.c.key_hash, staff_try.c.at)

staff_read = Table(
    "staff_read",
    metadata,
    id_column(),
    Column("at", Instant, nullable=False, index=True),
    Column("staff_id", Id, nullable=False, index=True),  # it outlives the account
    Column("kind", String(12), nullable=False),  # child, search, list, names, import
    Column("about_id", Id),  # a child, or whose list; none where nobody was found; it outlives them
)

staff_list = Table(
    "staff_list",
    metadata,
    id_column(),
    reference("session_id", "staff_session.id", unique=True),
    Column("lines", Sealed("staff_list.lines"), nullable=False),
    Column("at", Instant, nullable=False),
)


FORMER = "former"
NO_CENTRE = 0
"""The id of none."""


class Remit(NamedTuple):
    """Whose children somebody may see and write about: an organisation's, or those of one of its centres."""

    organisation_id: int
    centre_id: int | None

    def has(self, one: Child) -> bool:
        return one.organisation_id == self.organisation_id and self.centre_id in (None, one.centre_id)

    @property
    def children(self) -> ColumnElement[bool]:
        """The same as a condition on `child`."""
        ours = child.c.organisation_id == self.organisation_id
        return ours if self.centre_id is None else ours & (child.c.centre_id == self.centre_id)


class Staff(NamedTuple):
    """An account; `password` is a stored form of `service.domain.slow_hash`."""

    id: int
    organisation_id: int
    login: str
    role: str
    centre_id: int | None
    state: str
    password: str
    start_until: int | None
    totp: str
    totp_step: int
    created_at: int
    last_used_at: int | None

    @property
    def remit(self) -> Remit:
        everything = None if self.role == "supervisor" else NO_CENTRE
        return Remit(self.organisation_id, everything if self.centre_id is None else self.centre_id)

    @property
    def signature(self) -> str:
        """Who recorded something."""
        return f"staff:{self.login}"


class Session(NamedTuple):
    id: int
    started_at: int
    seen_at: int
    staff: Staff


_ACCOUNT = tuple(staff.c[name] for name in Staff._fields)


# --- accounts -----------------------------------------------------------------------------------------------


def add_staff(tx: Connection, **values: object) -> int:
    """A new account, active; gives its id."""
    staff_id = new_id()
    tx.execute(insert(staff).values(id=staff_id, state="active", totp_step=0, **values))
    return staff_id


def staff_of_login(tx: Connection, login: str, *, lock: bool = False) -> Staff | None:
    """The account with this login, revoked or not; with `lock` it is ours until the commit."""
    if lock:  # before it is read: what others wrote while we waited counts
        tx.execute(select(staff.c.id).where(staff.c.login == login).with_for_update())
    row = tx.execute(select(*_ACCOUNT).where(staff.c.login == login)).one_or_none()
    return Staff._make(row) if row else None


def all_staff(tx: Connection, states: Iterable[str]) -> list[Staff]:
    """By login."""
    rows = tx.execute(select(*_ACCOUNT).where(staff.c.state.in_(tuple(states))).order_by(staff.c.login))
    return [Staff._make(row) for row in rows]


def change_staff(tx: Connection, staff_id: int, **values: object) -> None:
    tx.execute(update(staff).where(staff.c.id == staff_id).values(**values))


# --- sessions -----------------------------------------------------------------------------------------------


def open_session(tx: Connection, staff_id: int, token_hash: bytes, now: int) -> None:
    row = {"id": new_id(), "staff_id": staff_id, "token_hash": token_hash, "started_at": now, "seen_at": now}
    tx.execute(insert(staff_session).values(row))


def session_of(tx: Connection, token_hash: bytes) -> Session | None:
    """The session of an account that is active; how old it may be is for the caller to judge."""
    s = staff_session.c
    which = (s.token_hash == token_hash) & (staff.c.state == "active")
    rows = select(s.id, s.started_at, s.seen_at, *_ACCOUNT).join(staff, staff.c.id == s.staff_id).where(which)
    row = tx.execute(rows).one_or_none()
    return Session(row[0], row[1], row[2], Staff._make(row[3:])) if row else None


def note_seen(tx: Connection, session_id: int, now: int) -> None:
    tx.execute(update(staff_session).where(staff_session.c.id == session_id).values(seen_at=now))


def end_session(tx: Connection, session_id: int) -> None:
    _end(tx, staff_session.c.id == session_id)


def end_sessions_of(tx: Connection, staff_id: int) -> None:
    _end(tx, staff_session.c.staff_id == staff_id)


def end_old_sessions(tx: Connection, before: int, ids: Sequence[int]) -> int:
    """Those of these that began before this moment."""
    return _end(tx, staff_session.c.id.in_(ids) & (staff_session.c.started_at < before))


def forget_staff(tx: Connection, before: int, ids: Sequence[int]) -> int:
    """Empty those of these accounts that were revoked before: the login alone stays, and is nobody else's ever.

    Doses are signed with it and outlive it: another person of the same login would answer for what this one did.
    """
    _end(tx, staff_session.c.staff_id.in_(ids))
    which = staff.c.id.in_(ids) & (staff.c.revoked_at < before)
    nothing = dict.fromkeys(("centre_id", "start_until", "last_used_at", "revoked_by", "revoked_at"))
    emptied = update(staff).where(which).values(state=FORMER, password="", totp="", created_by="", **nothing)
    return tx.execute(emptied).rowcount


def _end(tx: Connection, which: ColumnElement[bool]) -> int:
    ended = select(staff_session.c.id).where(which)
    tx.execute(delete(staff_list).where(staff_list.c.session_id.in_(ended)))
    return tx.execute(delete(staff_session).where(which)).rowcount


# --- tries --------------------------------------------------------------------------------------------------


def count_tries(tx: Connection, keys: Sequence[bytes], since: int) -> list[int]:
    """How many tries there were from this moment on, by key; whoever else counts these waits until we commit."""
    for key in sorted(keys):  # each by itself: another try may share one of them only
        take_turns(tx, [key])
    t = staff_try.c
    counted = select(t.key_hash, func.count()).where(t.key_hash.in_(keys), t.at >= since).group_by(t.key_hash)
    found: dict[bytes, int] = {bytes(row[0]): row[1] for row in tx.execute(counted)}
    return [found.get(key, 0) for key in keys]


def add_tries(tx: Connection, keys: Sequence[bytes], now: int) -> list[int]:
    """Gives their ids."""
    ids = [new_id() for _ in keys]
    rows = zip(ids, keys, strict=True)
    tx.execute(insert(staff_try), [{"id": one, "key_hash": key, "at": now} for one, key in rows])
    return ids


def drop_tries_of(tx: Connection, key: bytes) -> None:
    tx.execute(delete(staff_try).where(staff_try.c.key_hash == key))


def drop_tries(tx: Connection, ids: Sequence[int]) -> None:
    tx.execute(delete(staff_try).where(staff_try.c.id.in_(ids)))


# --- what was read ------------------------------------------------------------------------------------------


def note_reads(tx: Connection, staff_id: int, kind: str, about: Iterable[int | None], now: int) -> None:
    """Who saw whom: one row for each."""
    rows = [{"id": new_id(), "at": now, "staff_id": staff_id, "kind": kind, "about_id": one} for one in about]
    if rows:
        tx.execute(insert(staff_read), rows)


class Read(NamedTuple):
    """What was read: how often, and about how many."""

    kind: str
    times: int
    about: int
    last_at: int


def reads_of(tx: Connection, staff_id: int, since: int) -> list[Read]:
    r = staff_read.c
    counted = select(r.kind, func.count(), func.count(r.about_id.distinct()), func.max(r.at))
    rows = tx.execute(counted.where(r.staff_id == staff_id, r.at >= since).group_by(r.kind).order_by(r.kind))
    return [Read._make(row) for row in rows]


# --- what is within a remit ---------------------------------------------------------------------------------


def child_within(tx: Connection, remit: Remit, *, id: int | None = None, code: str | None = None) -> Child | None:
    """The child; one question, whether there is no such child or it is another's: time does not tell these apart."""
    which: Any = child.c.person_id == id if id is not None else child.c.code == code
    rows = select(*CHILD_COLUMNS).join(person, person.c.id == child.c.person_id).where(which, remit.children)
    row = tx.execute(rows).one_or_none()
    return Child._make(row) if row else None


def zones_within(tx: Connection, remit: Remit) -> list[tuple[int, str]]:
    """(id, name) of the quartiers, in the order of the alphabet."""
    rows = select(zone.c.id, zone.c.name).order_by(zone.c.name)
    if remit.centre_id is not None:
        rows = rows.where(zone.c.centre_id == remit.centre_id)
    return [(row.id, row.name) for row in tx.execute(rows)]


def centres_within(tx: Connection, remit: Remit) -> list[tuple[int, str, str]]:
    """(id, code, name) of the centres, by name."""
    c = health_centre.c
    rows = select(c.id, c.code, c.name).order_by(c.name)
    if remit.centre_id is not None:
        rows = rows.where(c.id == remit.centre_id)
    return [(row.id, row.code, row.name) for row in tx.execute(rows)]


def mediators_within(tx: Connection, remit: Remit) -> set[int]:
    """The accounts of mediators of the organisation."""
    which = mediator.c.organisation_id == remit.organisation_id
    return set(tx.execute(select(mediator.c.id).where(which)).scalars())


# --- lists that wait for a yes ------------------------------------------------------------------------------


def keep_list(tx: Connection, session_id: int, lines: str, now: int) -> int:
    """In the place of what this session had looked at before; gives its id."""
    tx.execute(delete(staff_list).where(staff_list.c.session_id == session_id))
    list_id = new_id()
    tx.execute(insert(staff_list).values(id=list_id, session_id=session_id, lines=lines, at=now))
    return list_id


def kept_list(tx: Connection, session_id: int, list_id: int, since: int) -> str | None:
    """The lines; None when another list took its place, it was written, or was kept before `since`."""
    which = (staff_list.c.session_id == session_id) & (staff_list.c.id == list_id) & (staff_list.c.at >= since)
    return tx.execute(select(staff_list.c.lines).where(which)).scalar_one_or_none()


def drop_list(tx: Connection, list_id: int) -> None:
    tx.execute(delete(staff_list).where(staff_list.c.id == list_id))
