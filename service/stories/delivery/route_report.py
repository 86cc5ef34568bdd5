"""What a person, the console and /metrics are told of the routes: values only, no person in them."""

from __future__ import annotations

from typing import Any

from sqlalchemy.engine import Connection

from service.domain import pace
from service.runtime import Runtime
from service.store import route_tables
from service.store.route_tables import Health, RouteRow
from service.stories.delivery import dispatch_gate, money, route_pauses

FRANC = money.FRANC


def report(tx: Connection, runtime: Runtime, now: int) -> dict[str, Any]:
    """Everything that decides by which route messages leave, and whether any may; times are local, amounts francs."""
    rows, weighed = route_tables.read_routes(tx), route_tables.health(tx)
    names = [one.name for one in runtime.ways_out]
    names += [name for name in rows if name not in names]
    return {
        "at": _local(runtime, now),
        "closed": [
            {"reason": one.reason, "detail": one.detail, "since": _local(runtime, one.since)}
            for one in dispatch_gate.closed(tx)
        ],
        "routes": [_route(runtime, name, rows.get(name), weighed, now) for name in names],
        "money": [_account(one) for one in money.today(tx, runtime, now)],
        "prices": {"list": runtime.prices.name, "example": runtime.prices.example},
    }


def _route(runtime: Runtime, name: str, row: RouteRow | None, weighed: list[Health], now: int) -> dict[str, Any]:
    state = row.state if row else "open"
    found: dict[str, Any] = {
        "channel": name,
        "calls": runtime.voice is not None and runtime.voice.name == name,
        "state": state if any(one.name == name for one in runtime.ways_out) else "not in use here",
        "since": _local(runtime, row.since) if row else None,
        "pace": runtime.config.pace.get(name),
        "may_leave_now": _room(runtime, name, row),
        "operators": [_operator(runtime, one, now) for one in weighed if one.channel == name],
    }
    if row and state != "open":
        found |= {"scope": row.scope, "reason": row.reason, "by": row.by, "remedy": remedy(row)}
        found["until"] = _local(runtime, row.until) if row.until else None
    return found


def remedy(row: RouteRow) -> str:
    """What to do about a paused route."""
    return route_pauses.REMEDIES.get(row.scope or "person", "").format(channel=row.channel)


def _room(runtime: Runtime, name: str, row: RouteRow | None) -> int | None:
    rate = runtime.config.pace.get(name)
    if rate is None or row is None:
        return None
    return pace.filled(row.bucket, row.database_ms, rate).parts


def _operator(runtime: Runtime, one: Health, now: int) -> dict[str, Any]:
    price = runtime.prices.part_price(one.channel, one.network, runtime.today(now))
    return {
        "network": one.network,
        "name": runtime.networks.name(one.network),
        "share": one.standing.share,
        "resting_share": one.standing.resting,
        "on_trial": one.standing.trial,
        "sent": one.sent,
        "delivered": one.delivered,
        "undelivered": one.undelivered,
        "refused": one.refused,
        "unknown": one.unknown,
        "delay_s": round(one.delay_ms / 1000, 1) if one.delay_ms is not None else None,
        "part_fcfa": price / FRANC if price is not None else None,
        "why": one.standing.why,
        "changed": _local(runtime, one.standing.changed_at),
    }


def _account(one: money.Standing) -> dict[str, Any]:
    budget = one.budget // FRANC if one.budget is not None else None
    return {
        "account": one.account,
        "spent_fcfa": one.spent / FRANC,
        "budget_fcfa": budget,
        "percent": one.spent * 100 // one.budget if one.budget else None,
        "warned": one.warned,
        "stopped": one.stopped,
    }


def _local(runtime: Runtime, at: int) -> str:
    return runtime.local(at).isoformat(" ", "seconds")
