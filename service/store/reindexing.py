"""Moving numbers to the index key that writes: a phone, its messages, receipts, tries and refusals, all at once.

A number is moved as a whole or not at all, and by nobody who waits: what somebody is at work with is left for the next
round. On PostgreSQL a claim may look at a message that has just moved and at refusals as they were before: there the
refusals are copied to the new index first, and only when no statement can be that old is the number moved.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import Table, bindparam, exists, func, select, update
from sqlalchemy.engine import Connection

from service.store.columns import vault_of
from service.store.handover_tables import attempt
from service.store.inbound_tables import inbound_event
from service.store.message_tables import message
from service.store.phone_tables import copy_opt_outs, opt_out, phone, remove_opt_outs
from service.store.receipt_tables import unmatched_receipt

MOVED: tuple[Table, ...] = (message, unmatched_receipt, attempt)
"""With the phone and its refusals. Conversations and incoming words are looked up by every key, and soon gone."""


class Phone(NamedTuple):
    id: int
    number: str
    number_idx: bytes


class Round(NamedTuple):
    """`copied`: numbers whose refusals now stand under both keys; `moved`: numbers that are done."""

    copied: int
    moved: int


def phones_elsewhere(tx: Connection, after: int, limit: int) -> list[int]:
    """The next phones that stand under another key than the one that writes."""
    which = (phone.c.id > after) & (phone.c.index_version != vault_of(tx).index_writing)
    return list(tx.execute(select(phone.c.id).where(which).order_by(phone.c.id).limit(limit)).scalars())


def move(tx: Connection, ids: Sequence[int]) -> Round:
    """Move those of the phones that nobody is at work with."""
    mine = select(phone.c.id, phone.c.number, phone.c.number_idx).where(phone.c.id.in_(ids))
    elsewhere = mine.where(phone.c.index_version != vault_of(tx).index_writing)
    held = [Phone._make(row) for row in tx.execute(elsewhere.with_for_update(skip_locked=True))]
    copied = _copy_refusals(tx, held)
    waits = copied if tx.dialect.name == "postgresql" else set()
    rows = _rows_under(tx, [one.number_idx for one in held if one.id not in waits])
    free = [one for one in held if one.id not in waits and one.number_idx not in rows.busy]
    _move_rows(tx, free, rows.there)
    return Round(len(copied), len(free))


def _copy_refusals(tx: Connection, phones: Iterable[Phone]) -> set[int]:
    """Those of the phones that have refusals which did not stand under the new index yet."""
    vault = vault_of(tx)
    known = select(opt_out.c.number_idx).where(opt_out.c.number_idx.in_([one.number_idx for one in phones]))
    refused = set(tx.execute(known).scalars())
    return {
        one.id
        for one in phones
        if one.number_idx in refused and copy_opt_outs(tx, one.number_idx, vault.index(one.number), vault.index_writing)
    }


class _Rows(NamedTuple):
    """By table, which of the indexes have rows there; `busy` are those of whom somebody holds one."""

    there: dict[Table, set[bytes]]
    busy: set[bytes]


def _rows_under(tx: Connection, indexes: Sequence[bytes]) -> _Rows:
    there: dict[Table, set[bytes]] = {}
    busy: set[bytes] = set()
    for table in MOVED:
        idx = table.c.number_idx
        under = select(idx).where(idx.in_(indexes))
        ours = Counter(tx.execute(under.with_for_update(skip_locked=True)).scalars())
        everyone = Counter(tx.execute(under).scalars())
        there[table] = set(everyone)
        busy |= set(everyone - ours)
    return _Rows(there, busy)


def _move_rows(tx: Connection, phones: Sequence[Phone], there: dict[Table, set[bytes]]) -> None:
    vault = vault_of(tx)
    new = {one.number_idx: vault.index(one.number) for one in phones}
    for table in MOVED:
        moved = [{"old": idx, "new": new[idx]} for idx in there[table] if idx in new]
        if moved:
            under = update(table).where(table.c.number_idx == bindparam("old"))
            tx.execute(under.values(number_idx=bindparam("new")), moved)
    if phones:
        _drop_stale_copies(tx, new)
        remove_opt_outs(tx, list(new))
        changed = update(phone).where(phone.c.id == bindparam("which"))
        values = {"number_idx": bindparam("new"), "index_version": vault.index_writing}
        rows = [{"which": one.id, "new": new[one.number_idx]} for one in phones]
        tx.execute(changed.values(values), rows)


def _drop_stale_copies(tx: Connection, new: dict[bytes, bytes]) -> None:
    """A refusal that was taken back after it was copied stands under the new index only: it is no refusal."""
    which = opt_out.c.number_idx.in_([*new, *new.values()])
    rows = {
        (row.number_idx, row.purpose)
        for row in tx.execute(select(opt_out.c.number_idx, opt_out.c.purpose).where(which))
    }
    for old, idx in new.items():
        stale = [purpose for under, purpose in rows if under == idx and (old, purpose) not in rows]
        if stale:
            remove_opt_outs(tx, [idx], stale)


# --- what stands where --------------------------------------------------------------------------------------


def count_phones(tx: Connection) -> dict[int, int]:
    version = phone.c.index_version
    return {row[0]: row[1] for row in tx.execute(select(version, func.count()).group_by(version))}


def count_refusals(tx: Connection, *, of_unknown: bool) -> dict[int, int]:
    """Refusals by key: of numbers that we know, or of people who were erased."""
    version = opt_out.c.index_version
    known = exists().where(phone.c.number_idx == opt_out.c.number_idx)
    rows = select(version, func.count()).where(~known if of_unknown else known).group_by(version)
    return {row[0]: row[1] for row in tx.execute(rows)}


def count_events(tx: Connection, before: int) -> int:
    """Events that came before this moment: they are known by a key of that time."""
    return int(tx.execute(select(func.count()).where(inbound_event.c.at < before)).scalar_one())
