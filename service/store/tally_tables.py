"""Counts that outlive the people who were counted: what reports need, and nothing by which anybody could be found.

A centre knows how many children of a year it vaccinated, a programme how many messages arrived and what they cost. No
row of a person stays for that, not even without a name: a birthday, a centre and the days of the doses are a name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Column, Date, Integer, PrimaryKeyConstraint, String, Table, insert, select
from sqlalchemy.engine import Connection

from service.store.columns import Id, Instant, Sealed, id_column, metadata, new_id, upsert

# No foreign keys and 0 for "none": a count is no row of anybody's, and a key may not be NULL.
care_tally = Table(
    "care_tally",
    metadata,
    Column("programme_id", Id, nullable=False),
    Column("centre_id", Id, nullable=False),
    Column("born_in", Integer, nullable=False),  # a year: by the month a small centre would have one child
    Column("measure", String(40), nullable=False),  # children, zero_dose, fully_immunised, dose:PENTA:3, muac:red
    Column("times", BigInteger, nullable=False),
    PrimaryKeyConstraint("programme_id", "centre_id", "born_in", "measure"),
)

message_tally = Table(
    "message_tally",
    metadata,
    Column("day", Date, nullable=False),  # the local day on which it was queued
    Column("programme_id", Id, nullable=False),
    Column("purpose", String(20), nullable=False),
    Column("class", String(12), nullable=False, key="klass"),
    Column("channel", String(20), nullable=False),
    Column("network", String(12), nullable=False),
    Column("state", String(12), nullable=False),
    Column("messages", BigInteger, nullable=False),
    Column("parts", BigInteger, nullable=False),
    Column("cost_estimated", BigInteger, nullable=False),  # hundredths of a franc CFA
    Column("cost_true", BigInteger, nullable=False),
    PrimaryKeyConstraint("day", "programme_id", "purpose", "klass", "channel", "network", "state"),
)

# By whole months and without a quartier: in a small one a month has one child, and a pregnancy is nobody's to find.
follow_up_tally = Table(
    "follow_up_tally",
    metadata,
    Column("programme_id", Id, nullable=False),
    Column("month", Date, nullable=False),  # its first day
    Column("measure", String(40), nullable=False),  # as follow_up_counts writes it
    Column("times", BigInteger, nullable=False),
    PrimaryKeyConstraint("programme_id", "month", "measure"),
)

# Who was erased is what must not be known any longer: that it was done, by whom and why is what an authority asks.
erasure = Table(
    "erasure",
    metadata,
    id_column(),
    Column("at", Instant, nullable=False),
    Column("done_by", String(60), nullable=False),
    Column("reason", Sealed("erasure.reason"), nullable=False),
    Column("gone", Integer, nullable=False),
)


class CareKey(NamedTuple):
    programme_id: int
    centre_id: int
    born_in: int
    measure: str


class FollowUpKey(NamedTuple):
    programme_id: int
    month: date
    measure: str


class MessageKey(NamedTuple):
    day: date
    programme_id: int
    purpose: str
    klass: str
    channel: str
    network: str
    state: str


class Sent(NamedTuple):
    messages: int
    parts: int
    cost_estimated: int
    cost_true: int


def add_care(tx: Connection, counted: Counter[CareKey]) -> None:
    _add(tx, care_tally, {key: {"times": times} for key, times in counted.items()})


def add_follow_ups(tx: Connection, counted: Counter[FollowUpKey]) -> None:
    _add(tx, follow_up_tally, {key: {"times": times} for key, times in counted.items()})


def add_messages(tx: Connection, counted: Mapping[MessageKey, Sent]) -> None:
    _add(tx, message_tally, {key: sent._asdict() for key, sent in counted.items()})


def add_erasure(tx: Connection, **values: object) -> None:
    tx.execute(insert(erasure).values(id=new_id(), **values))


def care_counts(tx: Connection) -> Counter[CareKey]:
    c = care_tally.c
    rows = tx.execute(select(c.programme_id, c.centre_id, c.born_in, c.measure, c.times))
    return Counter({CareKey._make(row[:4]): row[4] for row in rows})


def follow_up_counts(tx: Connection, first: date, last: date) -> Counter[FollowUpKey]:
    """Those of the months that begin between these days."""
    c = follow_up_tally.c
    which = select(c.programme_id, c.month, c.measure, c.times).where(c.month >= first, c.month <= last)
    return Counter({FollowUpKey._make(row[:3]): row[3] for row in tx.execute(which)})


def _add(tx: Connection, table: Table, counted: Mapping[Any, Mapping[str, int]]) -> None:
    for key in sorted(counted):  # always in this order: two who count at once never wait for each other
        row = {**key._asdict(), **counted[key]}
        statement = upsert(tx, table).values(row)
        more = {name: table.c[name] + statement.excluded[name] for name in counted[key]}
        keys = [column.name for column in table.primary_key]
        tx.execute(statement.on_conflict_do_update(index_elements=keys, set_=more))
