"""Routes that must not be used for a while: somebody said so, or the carrier refuses our account or our name.

What a carrier refuses for everybody marks no number and loses no message: the route is left out. After a while that
grows (a sender's name 15 minutes, 1, 4, 16, 24 hours; an account 1, 4, 16, 24 hours) ONE message finds out whether it
is taken again: it goes back to the queue when it is not. A person, or a test that the carrier takes, opens it at once.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy.engine import Connection

from service.domain.route_standing import TRIAL
from service.domain.route_window import HOUR_MS, MINUTE_MS
from service.logs import log
from service.store import route_tables
from service.store.route_tables import RouteRow
from service.store.system_tables import count

FIRST_PAUSE_MS: Final = {"account": HOUR_MS, "sender": 15 * MINUTE_MS}
LONGEST_PAUSE_MS: Final = 24 * HOUR_MS
TRIAL_MS: Final = 2 * MINUTE_MS  # how long one message has to find out, before another may
REASON_LONGEST: Final = 200
BY_CARRIER: Final = "carrier"

REMEDIES: Final = {
    "account": "see to the key, the contract and the credit there, then `laseli route test {channel} NUMBER`",
    "sender": "have the sender's name or the template approved there, then `laseli route test {channel} NUMBER`",
    "person": "`laseli route open {channel} --by NAME` when the reason is gone",
}


def pause(
    tx: Connection, channel: str, scope: str, reason: str, now: int, by: str = BY_CARRIER, until: int | None = None
) -> bool:
    """Leave a route out from the commit on; False when it stands paused already, for this or for a better reason.

    `scope` is account, sender or person. A person's pause lasts until `until`, or until somebody opens the route.
    """
    row = route_tables.lock_routes(tx, [channel], now)[channel]
    if row.state == "paused" and scope != "person":
        return False
    values: dict[str, object] = {"state": "paused", "scope": scope, "by": by, "since": now, "until": until}
    if scope != "person":
        values |= {"pauses": row.pauses + 1, "until": until or now + pause_ms(scope, row.pauses)}
    route_tables.set_route(tx, channel, reason=reason[:REASON_LONGEST], **values)
    count(tx, "route_paused")
    say = log.info if scope == "person" else log.error
    say("route_paused", channel=channel, scope=scope, reason=reason[:REASON_LONGEST], by=by)
    return True


def pause_ms(scope: str, before: int) -> int:
    """How long a carrier's pause lasts after so many in a row: four times as long each time, a day at most."""
    return min(FIRST_PAUSE_MS[scope] << 2 * min(before, 10), LONGEST_PAUSE_MS)


def reopen(tx: Connection, channel: str, by: str, now: int, *, gently: bool = False) -> bool:
    """Let messages take this route again; False when it was open and trusted.

    It comes back by steps. `gently`: each only after good evidence; without it somebody's word is enough.
    """
    was = route_tables.lock_routes(tx, [channel], now)[channel]
    values: dict[str, object] = {"state": "open", "scope": None, "reason": None, "by": by, "since": now, "until": None}
    route_tables.set_route(tx, channel, **values, **({} if gently else {"pauses": 0}))
    doubted = route_tables.doubt(tx, channel, TRIAL, now) if gently else route_tables.trust(tx, channel)
    if was.state != "open":
        log.info("route_opened", channel=channel, by=by)
    return was.state != "open" or doubted


def is_over(row: RouteRow, now: int) -> bool:
    """Whether a pause, or the time of a trial, has ended by itself."""
    return row.state != "open" and row.until is not None and row.until <= now


def state_by_now(tx: Connection, row: RouteRow, now: int) -> str:
    """What a locked route is at this moment: open, paused, or "trial": then the caller, and no other, may send one
    message this way, and the next may be sent when this one had its time.
    """
    if not is_over(row, now):
        return "open" if row.state == "open" else "paused"
    if row.scope == "person":
        reopen(tx, row.channel, "its time", now)
        return "open"
    route_tables.set_route(tx, row.channel, state="trial", since=now, until=now + TRIAL_MS)
    log.info("route_trial", channel=row.channel)
    return "trial"
