"""What was spent, by local day and account. Nobody waits to add to it; whoever keeps to a budget locks the day.

What is spent, given back or corrected is a line of `spend_change`; the leader adds the lines up into `spend`.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    PrimaryKeyConstraint,
    String,
    Table,
    bindparam,
    delete,
    func,
    select,
    update,
)
from sqlalchemy.engine import Connection

from service.store.columns import Instant, id_column, metadata, new_id, upsert
from service.store.prepared import Prepared, adding, inserting

spend = Table(
    "spend",
    metadata,
    Column("day", Date, nullable=False),
    Column("account", String(40), nullable=False),  # "all", or "campaign:" and its id
    Column("spent", BigInteger, nullable=False),  # hundredths of a franc CFA, estimated until the carrier says better
    Column("warned_at", Instant),
    Column("stopped_at", Instant),
    PrimaryKeyConstraint("day", "account"),
)

spend_change = Table(
    "spend_change",
    metadata,
    id_column(),
    Column("day", Date, nullable=False),
    Column("account", String(40), nullable=False, index=True),
    Column("amount", BigInteger, nullable=False),  # hundredths of a franc CFA; less than nothing when given back
)
s, c = spend.c, spend_change.c


class Change(NamedTuple):
    day: date
    account: str
    amount: int


class Account(NamedTuple):
    """What stands on an account on one day; times UTC milliseconds."""

    account: str
    spent: int
    warned_at: int | None
    stopped_at: int | None


_ADD_CHANGE = adding(spend_change, "id", "day", "account", "amount")


def add_changes(tx: Connection, changes: Iterable[Change]) -> None:
    _ADD_CHANGE.run(tx, [{"id": new_id(), **one._asdict()} for one in changes if one.amount])


def fold_changes(tx: Connection) -> None:
    """Add the lines up, each once."""
    taken = tx.execute(delete(spend_change).returning(c.day, c.account, c.amount))
    sums: dict[tuple[date, str], int] = {}
    for day, account, amount in taken:
        sums[day, account] = sums.get((day, account), 0) + amount
    for (day, account), amount in sorted(sums.items()):
        statement = upsert(tx, spend).values(day=day, account=account, spent=amount)
        tx.execute(statement.on_conflict_do_update(index_elements=["day", "account"], set_={"spent": s.spent + amount}))


_OPEN_DAY = inserting(spend, "day", "account", "spent", once=True)
_LOCK_DAY = Prepared(
    lambda _: (
        select(s.spent)
        .where(s.day == bindparam("day", type_=Date), s.account == bindparam("account", type_=String))
        .with_for_update()
    )
)


def lock_day(tx: Connection, day: date, account: str) -> int:
    """Whoever else keeps to a budget of this day waits until we commit; gives what was spent on the account then."""
    row = _LOCK_DAY.first(tx, day=day, account=account)
    if row is None:
        _OPEN_DAY.first(tx, day=day, account=account, spent=0)
        row = _LOCK_DAY.first(tx, day=day, account=account)
    # In a statement of its own: what others added while we waited is there only now.
    return _number(row) + _number(_DAY[1].first(tx, day=day, account=account))


def _total(table: Table, column: str, *, one_day: bool) -> Prepared:
    which = table.c.account == bindparam("account", type_=String)
    if one_day:
        which &= table.c.day == bindparam("day", type_=Date)
    return Prepared(lambda _: select(func.coalesce(func.sum(table.c[column]), 0)).where(which))


_DAY = (_total(spend, "spent", one_day=True), _total(spend_change, "amount", one_day=True))
_EVER = (_total(spend, "spent", one_day=False), _total(spend_change, "amount", one_day=False))


def spent_on(tx: Connection, day: date, account: str) -> int:
    """What the account has spent on this day, lines that wait to be added up included."""
    return sum(_number(one.first(tx, day=day, account=account)) for one in _DAY)


def spent_ever(tx: Connection, account: str) -> int:
    return sum(_number(one.first(tx, account=account)) for one in _EVER)


def _number(row: tuple[Any, ...] | None) -> int:
    return int(row[0]) if row else 0


def accounts(tx: Connection, day: date) -> list[Account]:
    """Every account on which something was spent that day, with what it spent then."""
    rows = tx.execute(select(s.account, s.spent, s.warned_at, s.stopped_at).where(s.day == day))
    found = {row.account: Account._make(row) for row in rows}
    waiting = tx.execute(select(c.account, func.sum(c.amount)).where(c.day == day).group_by(c.account))
    for account, amount in waiting:
        was = found.get(account, Account(account, 0, None, None))
        found[account] = was._replace(spent=was.spent + int(amount))
    return [found[name] for name in sorted(found)]


def note_once(tx: Connection, day: date, account: str, column: str, now: int) -> bool:
    """Write a moment where none stands yet on this account and day; False when one did."""
    _OPEN_DAY.first(tx, day=day, account=account, spent=0)
    which = (s.day == day) & (s.account == account) & s[column].is_(None)
    return tx.execute(update(spend).where(which).values({column: now})).rowcount == 1


def noted_ever(tx: Connection, account: str, column: str) -> bool:
    return tx.execute(select(s.day).where(s.account == account, s[column].is_not(None)).limit(1)).first() is not None
