"""What the doctor reads of the database: figures and settings, of nobody in particular."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import func, inspect, select, text
from sqlalchemy.engine import Connection

from service.domain.checkup_facts import Jobs, Pause, Server
from service.store.columns import database_now
from service.store.inbound_tables import inbound_event
from service.store.message_tables import message
from service.store.phone_tables import UNREACHABLE, opt_out
from service.store.route_tables import route


def database_clock(tx: Connection) -> int:
    return int(tx.execute(select(database_now())).scalar_one())


def paused_routes(tx: Connection) -> list[Pause]:
    c = route.c
    rows = tx.execute(select(c.channel, c.reason, c.by, c.until).where(c.state == "paused").order_by(c.channel))
    return [Pause(row[0], row[1] or "no reason given", row[2] or "the dispatcher", row[3]) for row in rows]


def last_heard(tx: Connection, since: int) -> dict[tuple[str, str], int]:
    """(channel, kind of event) -> when the last one came, of those since then."""
    c = inbound_event.c
    rows = tx.execute(select(c.channel, c.kind, func.max(c.at)).where(c.at > since).group_by(c.channel, c.kind))
    return {(row[0], row[1]): row[2] for row in rows}


def accepted_between(tx: Connection, since: int, until: int, channels: Iterable[str]) -> dict[str, int]:
    """Messages that still stand as accepted, by carrier, since a moment in that span."""
    c = message.c
    rows = tx.execute(
        select(c.channel, func.count())
        .where(c.state == "accepted", c.state_at >= since, c.state_at < until, c.channel.in_(list(channels)))
        .group_by(c.channel)
    )
    return {row[0]: row[1] for row in rows}


def dead_numbers(tx: Connection) -> int:
    return int(tx.execute(select(func.count()).where(opt_out.c.purpose == UNREACHABLE)).scalar_one())


def server_settings(tx: Connection) -> Server:
    def said(name: str) -> str:
        return str(tx.execute(text(f"SHOW {name}")).scalar_one())

    used = tx.execute(text("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'")).scalar_one()
    return Server(
        int(said("server_version_num")) // 10_000,
        said("fsync") == "on",
        said("full_page_writes") == "on",
        said("synchronous_commit"),
        int(used),
        int(said("max_connections")),
    )


def database_size(tx: Connection) -> int:
    """PostgreSQL's own figure."""
    return int(tx.execute(text("SELECT pg_database_size(current_database())")).scalar_one())


def jobs(tx: Connection, now: int) -> Jobs | None:
    """Of whichever queues there are; None when there is none."""
    there = [_JOBS[table] for table in _JOBS if inspect(tx).has_table(table)]
    if not there:
        return None
    rows = [tx.execute(text(question), {"now": now}).one() for question in there]
    oldest = [int(row[1]) for row in rows if row[1] is not None]
    return Jobs(sum(row[0] for row in rows), min(oldest, default=None), sum(row[2] for row in rows))


_JOBS = {
    "job": "SELECT count(*) FILTER (WHERE state = 'waiting'),"
    " min(coalesce(run_at, added_at)) FILTER (WHERE state = 'waiting' AND coalesce(run_at, added_at) <= :now),"
    " count(*) FILTER (WHERE state = 'failed') FROM job",
    "procrastinate_jobs": "SELECT count(*) FILTER (WHERE j.status = 'todo'),"
    " CAST(extract(epoch FROM min(coalesce(j.scheduled_at, e.at)) FILTER (WHERE j.status = 'todo'"
    " AND coalesce(j.scheduled_at, e.at) <= to_timestamp(:now / 1000.0))) * 1000 AS BIGINT),"
    " count(*) FILTER (WHERE j.status = 'failed') FROM procrastinate_jobs j"
    " LEFT JOIN procrastinate_events e ON e.job_id = j.id AND e.type = 'deferred'",
}
