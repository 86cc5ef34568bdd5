"""What carriers told and nobody has applied yet: the inbox of receipts, and those that wait for their message.

A row is written by the web process and deleted by the worker that applied it, in pages: every statement here is for a
page. `looked_at` is empty for what has just come. What fits no message is stamped with it and waits; it is taken up
again by its carrier's id or its number (`by_ids`, `missed`, `fits_unknown`), each of which finds few rows by an index.

Workers run side by side on PostgreSQL, and others change messages meanwhile. Nothing here waits for a locked row: it
is left out and comes with the next page, so no two transactions can wait for each other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import (
    Column,
    ColumnElement,
    FromClause,
    Index,
    LargeBinary,
    Select,
    String,
    Table,
    Text,
    bindparam,
    delete,
    func,
    literal,
    select,
    update,
)
from sqlalchemy.engine import Connection

from service.domain.message_states import ReceiptState, Scope, State
from service.store.columns import Id, Instant, among, id_column, metadata, new_id
from service.store.dialects import only_rows
from service.store.former_ids import former_carrier_id
from service.store.message_tables import message, send_attempt
from service.store.phone_tables import phone
from service.store.prepared import Prepared, PreparedPage, adding, listed, paged
from service.store.unknown_messages import OPEN

unmatched_receipt = Table(
    "unmatched_receipt",
    metadata,
    id_column(),
    Column("channel", String(20), nullable=False),
    Column("carrier_id", String(100), nullable=False),
    Column("number_idx", LargeBinary(16)),
    Column("message_id", Id),
    Column("network", String(12)),
    Column("state", String(12), nullable=False),
    Column("fault", String(10)),  # who is to blame for "undelivered"
    Column("detail", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("looked_at", Instant),  # when it was held against the outbox and fitted nothing
)
kept = unmatched_receipt.c
m = message.c
_new, _waits = kept.looked_at.is_(None), kept.looked_at.is_not(None)
Index("ix_unmatched_receipt_new", kept.at, **only_rows(_new))
Index("ix_unmatched_receipt_carrier", kept.carrier_id, **only_rows(_waits))
Index("ix_unmatched_receipt_number", kept.number_idx, **only_rows(_waits))
Index("ix_unmatched_receipt_waiting", kept.looked_at, **only_rows(_waits))

CLOCKS_DIFFER_MS = 60_000
"""A receipt comes after its call; the machines that stamp the two may differ by so much."""


class Kept(NamedTuple):
    """One receipt on disk. `about` is the message it tells of; None while no message fits. `guessed`: by its number."""

    id: int
    channel: str
    carrier_id: str
    number_idx: bytes | None
    network: str | None
    state: ReceiptState
    fault: Scope | None
    detail: str
    at: int
    about: int | None
    guessed: bool = False
    of_former: bool = False  # it tells of an earlier sending than the one that counts


class Fate(NamedTuple):
    """Where a message stands, with what a receipt may still tell of it. Nobody else changes it meanwhile."""

    id: int
    state: State
    channel: str | None
    carrier_id: str | None
    network: str | None
    state_at: int
    phone_id: int
    number_idx: bytes
    phone_network: str | None


_RECEIPT = (
    kept.id,
    kept.channel,
    kept.carrier_id,
    kept.number_idx,
    kept.network,
    kept.state,
    kept.fault,
    kept.detail,
    kept.at,
)
_KEPT = ("id", "channel", "carrier_id", "number_idx", "message_id", "network", "state", "fault", "detail", "at")
_KEEP = adding(unmatched_receipt, *_KEPT)


def keep_receipts(tx: Connection, rows: Sequence[Mapping[str, object]]) -> None:
    _KEEP.run(tx, [{"id": new_id(), **row} for row in rows])


_ANY_NEW = Prepared(lambda _: select(kept.id).where(_new).limit(1))


def any_new(tx: Connection) -> bool:
    return _ANY_NEW.first(tx) is not None


# --- which message a receipt is about -----------------------------------------------------------------------


def _newest_page(_: Any) -> Select[Any]:
    """What has just come, with its message: by our own id if the callback carried it, else by the carrier's.

    A receipt counts only when the telephone number is the message's too: an id alone proves nothing.
    """
    page = (
        select(*_RECEIPT, kept.message_id)
        .where(_new)
        .order_by(kept.at)
        .limit(bindparam("most"))
        .with_for_update(skip_locked=True)
        .cte("page")
        # MATERIALIZED: the rows are locked once, before the messages are looked up.
        .prefix_with("MATERIALIZED", dialect="postgresql")
    )
    one = page.c
    ours, theirs = message.alias("ours"), message.alias("theirs")
    by_our_id = (ours.c.id == one.message_id) & (ours.c.number_idx == one.number_idx)
    by_their_id = (theirs.c.channel == one.channel) & (theirs.c.carrier_id == one.carrier_id)
    by_their_id &= (theirs.c.number_idx == one.number_idx) & (one.carrier_id != "")
    columns = [one[column.name] for column in _RECEIPT]
    found = func.coalesce(ours.c.id, theirs.c.id).label("about")
    joined = page.outerjoin(ours, by_our_id).outerjoin(theirs, by_their_id)
    return select(*columns, found).select_from(joined).order_by(one.at, theirs.c.id)


_NEWEST_PAGE = Prepared(_newest_page)


def newest(tx: Connection, most: int) -> list[Kept]:
    """What has just come, oldest first."""
    rows = (Kept(*row) for row in _NEWEST_PAGE.rows(tx, most=most))
    # An id that a carrier gave twice gives two rows: the first is taken.
    return list({one.id: one for one in reversed(list(rows))}.values())[::-1]


_BY_NAMES = Prepared(
    lambda _: select(*_RECEIPT).where(_waits, among(kept.carrier_id, "names", String)).with_for_update(skip_locked=True)
)


def by_ids(tx: Connection, named: Sequence[tuple[int, str, str]]) -> list[Kept]:
    """What waits for these messages, given as (message, channel, the carrier's id that is now known)."""
    about = {(channel, carrier_id): message_id for message_id, channel, carrier_id in named if carrier_id}
    if not about:
        return []
    rows = _BY_NAMES.rows(tx, names=sorted({carrier_id for _, carrier_id in about}))
    found = ((row, about.get((row[1], row[2]))) for row in rows)
    return [Kept._make((*row, message_id, False, False)) for row, message_id in found if message_id is not None]


def of_former(tx: Connection, ids: Sequence[int]) -> list[Kept]:
    """Those of these receipts that tell of an earlier sending of a message that a person had sent again."""
    former = former_carrier_id.c
    rows = tx.execute(
        select(*_RECEIPT, m.id)
        .select_from(unmatched_receipt)
        .join(former_carrier_id, (former.carrier_id == kept.carrier_id) & (former.channel == kept.channel))
        .join(message, (m.id == former.message_id) & (m.number_idx == kept.number_idx))
        .where(kept.id.in_(ids))
        .order_by(former.at)
    )
    return list({row.id: Kept(*row, of_former=True) for row in rows}.values())


def any_waiting(tx: Connection) -> bool:
    return tx.execute(select(kept.id).where(_waits).limit(1)).first() is not None


def missed(tx: Connection, since: int, most: int) -> list[Kept]:
    """What was looked at since then in vain, and has its message now: the id was noted at that very moment."""
    same = (m.channel == kept.channel) & (m.carrier_id == kept.carrier_id) & (m.number_idx == kept.number_idx)
    return _joined(tx, same, _waits & (kept.looked_at >= since) & (kept.carrier_id != ""), most)


def fits_unknown(tx: Connection, most: int, ids: Sequence[int] = ()) -> list[Kept]:
    """What fits by number: exactly one message to it may have left on that channel without our reading its id, its
    fate is unknown, and the receipt, whose id is no other message's, is no older than its call. Of these receipts, or
    of all that wait.
    """
    other, named = message.alias(), message.alias()
    known = _there_is(named, (named.c.channel == kept.channel) & (named.c.carrier_id == kept.carrier_id))
    maybe = other.c.carrier_id.is_(None) & other.c.state.in_(("sending", "unknown")) & _called(other)
    another = _there_is(other, (other.c.number_idx == m.number_idx) & (other.c.id != m.id) & maybe)
    which = OPEN & (m.state == "unknown") & m.carrier_id.is_(None) & _called(message) & ~another
    which &= kept.message_id.is_(None) & ~known
    which &= kept.id.in_(ids) if ids else _waits
    return [one._replace(guessed=True) for one in _joined(tx, m.number_idx == kept.number_idx, which, most)]


def _called(of: Any) -> ColumnElement[bool]:
    """There was a call for it on the receipt's channel before the receipt. (A worker that died noted no channel.)"""
    call = send_attempt.alias()
    before = call.c.at <= kept.at + CLOCKS_DIFFER_MS
    return _there_is(call, (call.c.message_id == of.c.id) & (call.c.channel == kept.channel) & before)


def _there_is(table: FromClause, which: ColumnElement[bool]) -> ColumnElement[bool]:
    """A row of this table alone; every other table of the condition is the outer question's."""
    return select(literal(1)).select_from(table).where(which).correlate_except(table).exists()


def _joined(tx: Connection, same: ColumnElement[bool], which: ColumnElement[bool], most: int) -> list[Kept]:
    pairs = select(*_RECEIPT, m.id).select_from(unmatched_receipt).join(message, same).where(which)
    rows = tx.execute(pairs.order_by(kept.at).limit(most).with_for_update(of=unmatched_receipt, skip_locked=True))
    return list({row.id: Kept(*row) for row in rows}.values())


# --- applying a page ----------------------------------------------------------------------------------------


def hold_messages(tx: Connection, ids: Sequence[int]) -> dict[int, Fate]:
    """These messages as they stand, held for us; one that somebody else holds is left out."""
    columns = (m.id, m.state, m.channel, m.carrier_id, m.network, m.state_at, m.phone_id, m.number_idx)
    rows = tx.execute(
        select(*columns, phone.c.network.label("phone_network"))
        .join(phone, phone.c.id == m.phone_id)
        .where(m.id.in_(ids))
        .order_by(m.id)
        .with_for_update(of=message, skip_locked=True)
    )
    return {row.id: Fate(*row) for row in rows}


_MOVED = {name: m[name].type for name in ("state", "reason", "state_at", "channel", "carrier_id")}
_MOVE = paged(
    lambda value: (
        update(message)
        .where(m.id == value("which"), m.state == value("was"))
        .values({name: value(name) for name in _MOVED})
    ),
    which=Id,
    was=m.state.type,
    **_MOVED,
)


def move_messages(tx: Connection, moves: Sequence[Mapping[str, object]]) -> None:
    """Each from the state it was in: `which`, `was`, `state`, `reason`, `state_at`, `channel`, `carrier_id`."""
    _MOVE.run(tx, moves)


_NOTE = paged(
    lambda value: update(message).where(m.id == value("which")).values(network=value("network")),
    which=Id,
    network=m.network.type,
)
_NETWORKS = listed(which=Id, network=m.network.type)
_FREE = select(phone.c.id).where(phone.c.id.in_(select(_NETWORKS.c.which))).with_for_update(skip_locked=True)
_NOTE_PHONE = PreparedPage(
    lambda _: update(phone).where(phone.c.id == bindparam("which")).values(network=bindparam("network")),
    lambda _: (
        update(phone).where(phone.c.id == _NETWORKS.c.which, phone.c.id.in_(_FREE)).values(network=_NETWORKS.c.network)
    ),
    *("which", "network"),
)


def note_networks(tx: Connection, of_messages: Mapping[int, str], of_phones: Mapping[int, str]) -> None:
    """The operators that receipts told. A phone that somebody else holds is told another time."""
    for statement, told in ((_NOTE, of_messages), (_NOTE_PHONE, of_phones)):
        statement.run(tx, [{"which": id, "network": network} for id, network in told.items()])


def wait(tx: Connection, ids: Sequence[int], now: int) -> None:
    """These fit no message: they wait 72 hours for one."""
    if ids:
        tx.execute(update(unmatched_receipt).where(kept.id.in_(ids)).values(looked_at=now))


def drop_receipts(tx: Connection, ids: Sequence[int]) -> None:
    if ids:
        tx.execute(delete(unmatched_receipt).where(kept.id.in_(ids)))
