"""Whether anything may be sent at all. Whoever has a reason closes the gate; each reason is taken back by itself.

The dispatcher asks before every claim, in the same transaction: what is closed here leaves nowhere.
"""

from __future__ import annotations

import json
from typing import NamedTuple

from sqlalchemy.engine import Connection

from service.logs import log
from service.store.system_tables import drop_marks, mark, marks, read_mark

PREFIX = "dispatch_off:"
RESTORED, RESTORED_AT = "restored", "restored_at"
MOVED = "moved"
"""Another database sends what stands here."""


class Closed(NamedTuple):
    """`reason` is one word (restored, clock, person); `detail` a sentence for a sysadmin; `since` UTC milliseconds."""

    reason: str
    detail: str
    since: int


def close(tx: Connection, reason: str, detail: str, now: int) -> None:
    """Nothing is claimed from the commit on; the first closing for a reason keeps its time."""
    if reason not in {one.reason for one in closed(tx)}:
        mark(tx, PREFIX + reason, json.dumps({"detail": detail, "since": now}))
        log.error("dispatch_closed", reason=reason, detail=detail)


def close_restored(tx: Connection, detail: str, now: int) -> None:
    """A backup was put back at this moment: what was done before it since the backup was made, nobody knows."""
    reopen(tx, RESTORED)  # it may have been closed for an earlier restore when the backup was made
    close(tx, RESTORED, detail, now)
    mark(tx, RESTORED_AT, str(now))


def restored_at(tx: Connection) -> int:
    """When this database was last put back from a backup; 0 for one that never was.

    Whoever would answer something older (a recall of that day, an SMS that a carrier gives out again) may have
    answered it already.
    """
    return int(read_mark(tx, RESTORED_AT) or 0)


def reopen(tx: Connection, reason: str) -> bool:
    """Take one reason back; False when it was not given."""
    was = reason in {one.reason for one in closed(tx)}
    drop_marks(tx, PREFIX + reason)
    if was:
        log.info("dispatch_reopened", reason=reason)
    return was


def closed(tx: Connection) -> list[Closed]:
    """Why nothing may be sent now; empty when the gate is open."""
    return [Closed(name.removeprefix(PREFIX), **json.loads(value)) for name, value in marks(tx, PREFIX).items()]
