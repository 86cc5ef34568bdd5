"""The routes out: which is open, how well each carrier serves each operator, what was spent. No person stands here."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    Float,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
)

from service.store.columns import Instant, id_column, metadata

route = Table(
    "route",
    metadata,
    Column("channel", String(20), primary_key=True),
    Column("state", String(10), nullable=False),  # open, paused
    Column("scope", String(10)),  # why it is paused: account, sender (name or template), person
    Column("reason", Text),
    Column("by", String(60)),
    Column("since", Instant, nullable=False),
    Column("until", Instant),  # a pause that ends by itself; empty: until somebody opens it
    # The bucket of parts that may leave now; filled and emptied by the database's clock, which all workers share.
    Column("tokens", Float),
    Column("filled_at", Instant),
)

route_health = Table(
    "route_health",
    metadata,
    Column("channel", String(20), nullable=False),
    Column("network", String(12), nullable=False),  # "" for all operators together
    Column("share", Integer, nullable=False),  # of a hundred messages, how many go this way
    Column("why", Text, nullable=False),
    Column("changed_at", Instant, nullable=False),
    Column("looked_at", Instant, nullable=False),
    # What the window showed when it was looked at last.
    Column("sent", Integer, nullable=False),
    Column("delivered", Integer, nullable=False),
    Column("undelivered", Integer, nullable=False),
    Column("refused", Integer, nullable=False),
    Column("unknown", Integer, nullable=False),
    Column("delay_ms", Integer),  # the mean from our call to the receipt
    PrimaryKeyConstraint("channel", "network"),
)

# Written by whoever saw it, never updated: many workers add to the window without waiting for each other.
route_sample = Table(
    "route_sample",
    metadata,
    id_column(),
    Column("channel", String(20), nullable=False),
    Column("network", String(12), nullable=False),
    Column("at", Instant, nullable=False, index=True),
    Column("accepted", Integer, nullable=False),
    Column("refused", Integer, nullable=False),
    Column("unknown", Integer, nullable=False),
    Column("delivered", Integer, nullable=False),
    Column("undelivered", Integer, nullable=False),
    Column("delay_ms", BigInteger, nullable=False),  # the sum over `delays` receipts
    Column("delays", Integer, nullable=False),
)

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
