"""Whether the installation is ready to serve, read from the database at the moment somebody asks."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError, TimeoutError

from service.runtime import Runtime
from service.store import message_tables, schema, system_tables
from service.stories.delivery import dispatch_gate
from service.stories.talk import releases

WORKER_LEASE = "worker"
LAST_BACKUP = "last_backup"
"""The mark of the last backup: when it was made, and how large it was."""
LATE_AFTER_MS = 15 * 60_000
"""A message that should have left a quarter of an hour ago is a thing to look at."""


def readiness(runtime: Runtime) -> dict[str, dict[str, Any]]:
    """Each check with its finding; all must be ok for the service to be called ready."""
    try:
        if schema.pending(runtime.database):
            return {"migrations": {"ok": False, "remedy": "run `laseli db upgrade`"}}
        with runtime.database.read() as tx:
            found = {"database": {"ok": True}, "migrations": {"ok": True}} | _conversations(runtime, tx)
            return found | _work(runtime, tx)
    except (DBAPIError, TimeoutError) as error:
        return {"database": {"ok": False, "error": type(error).__name__, "remedy": "look at LASELI_DATABASE_URL"}}


def _conversations(runtime: Runtime, tx: Connection) -> dict[str, dict[str, Any]]:
    """Callers are served as long as one release can be read; what could not be is told, with what goes on instead."""
    try:
        heard = releases.heard(runtime, tx)
    except LookupError as reason:
        return {"conversations": {"ok": False, "remedy": str(reason)}}
    told: dict[str, Any] = {"ok": True, "release": heard.number}
    problem = heard.problem or runtime.mistake
    if problem:
        told["problem"] = problem
        told["remedy"] = "callers hear the last good version; mend the file, then `laseli flow check`"
    return {"conversations": told}


def _work(runtime: Runtime, tx: Connection) -> dict[str, dict[str, Any]]:
    left = system_tables.lease_age(tx, WORKER_LEASE)
    due = oldest_due(runtime, tx)
    waited = runtime.now() - due if due is not None else 0
    worker: dict[str, Any] = {"ok": left is not None and left > 0, "lease_ms_left": left}
    if not worker["ok"]:
        worker["remedy"] = "start `laseli worker`"
    outbox: dict[str, Any] = {"ok": waited < LATE_AFTER_MS, "oldest_due_waits_ms": waited}
    return {"worker": worker, "outbox": outbox, "dispatch": _gate(tx)}


def oldest_due(runtime: Runtime, tx: Connection) -> int | None:
    """When (UTC ms) the oldest due message was due. What waits for its hours is not late, nor is it in their first
    quarter of an hour.
    """
    now = runtime.now()
    return message_tables.oldest_due(tx, now, runtime.open_for(now, LATE_AFTER_MS))


def _gate(tx: Connection) -> dict[str, Any]:
    closed = dispatch_gate.closed(tx)
    if not closed:
        return {"ok": True}
    return {"ok": False, "closed": [one.reason for one in closed], "remedy": closed[0].detail}


def last_backup(tx: Connection) -> int | None:
    """When the last backup was made; None when none ever was."""
    kept = system_tables.read_mark(tx, LAST_BACKUP)
    return int(json.loads(kept)["at"]) if kept else None
