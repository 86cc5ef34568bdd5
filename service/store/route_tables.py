"""The routes out: which is open, how many parts may leave, how well each serves each operator. No person stands here.

Whoever changes rows of `route` locks all of them first, in the order of their names (`lock_routes`): so nobody waits
in a circle.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    bindparam,
    delete,
    func,
    select,
    update,
)
from sqlalchemy.engine import Connection

from service.domain.pace import Bucket
from service.domain.route_standing import Standing
from service.domain.route_window import Slice, Usual
from service.store.columns import Instant, database_now, id_column, metadata, new_id, upsert
from service.store.prepared import Prepared, adding

route = Table(
    "route",
    metadata,
    Column("channel", String(20), primary_key=True),
    Column("state", String(10), nullable=False),  # open, paused, trial (one message finds out)
    Column("scope", String(10)),  # why it is paused: account, sender (name or template), person
    Column("reason", Text),
    Column("by", String(60)),
    Column("since", Instant, nullable=False),
    Column("until", Instant),  # a pause that ends by itself; empty: until somebody opens it
    Column("pauses", Integer, nullable=False, server_default="0"),  # by the carrier, in a row: each one is longer
    # The bucket of parts that may leave now; filled and emptied by the database's clock, which all workers share.
    Column("tokens", Integer),  # thousandths of a part
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
    # What is remembered beyond the window: see Standing and Usual of service/domain.
    Column("resting", Integer, nullable=False),
    Column("trial", Boolean, nullable=False),
    Column("falls", Integer, nullable=False),
    Column("fell_at", Instant),
    Column("usual_failed", Float, nullable=False),
    Column("usual_undelivered", Float, nullable=False),
    Column("usual_silent", Float, nullable=False),
    Column("usual_delay_ms", Integer, nullable=False),
    Column("usual_weight", Float, nullable=False),
    PrimaryKeyConstraint("channel", "network"),
)

# Written by whoever saw it, never updated: many workers add to the window without waiting for each other.
route_sample = Table(
    "route_sample",
    metadata,
    id_column(),
    Column("channel", String(20), nullable=False),
    Column("network", String(12), nullable=False),
    Column("at", Instant, nullable=False, index=True),  # when the messages were sent, in slices of a few seconds
    Column("accepted", Integer, nullable=False),
    Column("refused", Integer, nullable=False),
    Column("unknown", Integer, nullable=False),
    Column("delivered", Integer, nullable=False),
    Column("undelivered", Integer, nullable=False),
    Column("delay_ms", BigInteger, nullable=False),  # the sum over `delays` receipts
    Column("delays", Integer, nullable=False),
)

r, h, s = route.c, route_health.c, route_sample.c


# --- open, paused, and how much may leave -------------------------------------------------------------------


class RouteRow(NamedTuple):
    """A route as it stands; `database_ms` is the database's clock at that moment."""

    channel: str
    state: str
    scope: str | None
    reason: str | None
    by: str | None
    since: int
    until: int | None
    pauses: int
    tokens: int | None
    filled_at: int | None
    database_ms: int

    @property
    def bucket(self) -> Bucket | None:
        return None if self.tokens is None or self.filled_at is None else Bucket(self.tokens, self.filled_at)


_ROW = (r.channel, r.state, r.scope, r.reason, r.by, r.since, r.until, r.pauses, r.tokens, r.filled_at)
_READ = Prepared(lambda _: select(*_ROW, database_now()).order_by(r.channel))
_LOCK = Prepared(lambda _: select(*_ROW, database_now()).order_by(r.channel).with_for_update())


def read_routes(tx: Connection) -> dict[str, RouteRow]:
    return {row[0]: RouteRow._make(row) for row in _READ.rows(tx)}


def lock_routes(tx: Connection, channels: Iterable[str] = (), now: int = 0) -> dict[str, RouteRow]:
    """Every route, ours until we commit: two workers cannot take the same tokens. New channels are there, open."""
    rows = {row[0]: RouteRow._make(row) for row in _LOCK.rows(tx)}
    missing = sorted(set(channels) - set(rows))
    for channel in missing:
        values = {"channel": channel, "state": "open", "since": now, "pauses": 0}
        tx.execute(upsert(tx, route).values(values).on_conflict_do_nothing())
    return lock_routes(tx) if missing else rows


def set_route(tx: Connection, channel: str, **values: Any) -> None:
    tx.execute(update(route).where(r.channel == channel).values(values))


_FILL = Prepared(
    lambda _: (
        update(route)
        .where(r.channel == bindparam("which"))
        .values(tokens=bindparam("left", type_=Integer), filled_at=bindparam("at", type_=Instant))
    )
)


def set_bucket(tx: Connection, channel: str, bucket: Bucket) -> None:
    _FILL.run(tx, which=channel, left=bucket.tokens, at=bucket.at)


# --- shares and figures -------------------------------------------------------------------------------------


_SHARES = Prepared(lambda _: select(h.channel, h.network, h.share))


def shares(tx: Connection) -> list[tuple[str, str, int]]:
    """(channel, network, share) of all that was weighed."""
    return [(row[0], row[1], row[2]) for row in _SHARES.rows(tx)]


class Health(NamedTuple):
    """What is known of one route to one operator ("" for all together), and what its window showed."""

    channel: str
    network: str
    standing: Standing
    looked_at: int
    sent: int
    delivered: int
    undelivered: int
    refused: int
    unknown: int
    delay_ms: int | None


def health(tx: Connection, *, lock: bool = False) -> list[Health]:
    """Everything that was weighed; with `lock` nobody else changes it before we commit."""
    rows = select(route_health).order_by(h.channel, h.network)
    return [_health(row) for row in tx.execute(rows.with_for_update() if lock else rows)]


def _health(row: Any) -> Health:
    usual = Usual(
        row.usual_failed, row.usual_undelivered, row.usual_silent, row.usual_delay_ms, float(row.usual_weight)
    )
    standing = Standing(row.share, row.resting, row.why, row.changed_at, row.trial, row.falls, row.fell_at, usual)
    figures = (row.sent, row.delivered, row.undelivered, row.refused, row.unknown, row.delay_ms)
    return Health(row.channel, row.network, standing, row.looked_at, *figures)


def _weighed(insert: Any) -> Any:
    statement = insert(route_health).values({column.name: bindparam(column.name, type_=column.type) for column in h})
    taken = {column.name: statement.excluded[column.name] for column in h if not column.primary_key}
    return statement.on_conflict_do_update(index_elements=["channel", "network"], set_=taken)


_PUT_HEALTH = Prepared(_weighed)


def put_health(tx: Connection, found: Sequence[Health]) -> None:
    if found:
        _PUT_HEALTH.many(tx, [_values(one) for one in found])


def _values(one: Health) -> dict[str, object]:
    standing, usual = one.standing._asdict(), one.standing.usual._asdict()
    del standing["usual"]
    figures = one._asdict()
    del figures["standing"]
    return figures | standing | {f"usual_{name}": value for name, value in usual.items()}


def trust(tx: Connection, channel: str) -> bool:
    """Somebody says that a route is well: it comes back without having to prove it. False when nobody doubted it."""
    doubted = update(route_health).where(h.channel == channel, h.trial)
    return tx.execute(doubted.values(trial=False, falls=0)).rowcount > 0


def doubt(tx: Connection, channel: str, share: int, now: int) -> bool:
    """A route comes back for every operator with this share, and has to prove itself."""
    every = update(route_health).where(h.channel == channel)
    return tx.execute(every.values(trial=True, share=share, changed_at=now)).rowcount > 0


FIGURES = ("accepted", "refused", "unknown", "delivered", "undelivered", "delay_ms", "delays")
_ADD_SAMPLE = adding(route_sample, "id", "channel", "network", "at", *FIGURES)


def add_samples(tx: Connection, rows: Iterable[Mapping[str, Any]]) -> None:
    """Add to the window; nobody waits for anybody."""
    _ADD_SAMPLE.run(tx, [{"id": new_id(), **row} for row in rows])


_SLICES = Prepared(
    lambda _: (
        select(s.channel, s.network, s.at, *[func.sum(s[name]) for name in FIGURES])
        .where(s.at >= bindparam("since", type_=Instant))
        .group_by(s.channel, s.network, s.at)
        .order_by(s.channel, s.network, s.at)
    )
)


def slices_since(tx: Connection, since: int) -> dict[tuple[str, str], list[Slice]]:
    """The window's slices by channel and network, oldest first."""
    found: dict[tuple[str, str], list[Slice]] = {}
    for channel, network, at, *figures in _SLICES.rows(tx, since=since):
        found.setdefault((channel, network), []).append(Slice(at, *map(int, figures)))
    return found


CROWDED = 20  # rows of one slice


def pack_samples(tx: Connection, before: int) -> None:
    """Make one row of the many that workers left for the same moment: what is read every ten seconds stays small."""
    crowded = select(s.at).where(s.at < before).group_by(s.at).having(func.count() > CROWDED)
    moments = list(tx.execute(crowded).scalars())
    if not moments:
        return
    figures = [s[name] for name in FIGURES]
    sums: dict[tuple[str, str, int], list[int]] = {}
    for channel, network, at, *found in tx.execute(
        delete(route_sample).where(s.at.in_(moments)).returning(s.channel, s.network, s.at, *figures)
    ):
        old = sums.setdefault((channel, network, at), [0] * len(FIGURES))
        sums[channel, network, at] = [a + b for a, b in zip(old, found, strict=True)]
    add_samples(
        tx,
        [
            {"channel": channel, "network": network, "at": at, **dict(zip(FIGURES, total, strict=True))}
            for (channel, network, at), total in sums.items()
        ],
    )


def forget_samples(tx: Connection, before: int) -> int:
    return tx.execute(delete(route_sample).where(s.at < before)).rowcount
