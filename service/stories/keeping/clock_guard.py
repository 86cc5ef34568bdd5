"""A clock that jumped stops the work: nothing is planned, sent, expired or deleted by a time that cannot be believed.

Every worker looks at its own clock when it starts and with every heartbeat. A clock that comes back opens the gate by
itself; a gap of more than a day, in which the program may simply have been off, is confirmed by a person
(`laseli clock accept`), or by the clock of a database that runs on another machine.
"""

from __future__ import annotations

import json
import socket
from typing import Any

from sqlalchemy.engine import Connection

from service.clock import DEMO_MARK, REHEARSAL_MARK, Watch
from service.domain.clock_judgement import Doubt, Reading, judge
from service.runtime import Runtime
from service.store.system_tables import count, database_time, drop_marks, mark, marks, read_mark
from service.stories.delivery import dispatch_gate

REASON = "clock"
HIGHEST, ACCEPTED, DOUBT = "clock_highest", "clock_accepted", "clock_doubt:"
NOTED_EVERY_MS = 1000
STALE_MS = 5 * 60_000
"""A machine that told of its doubt and then nothing for so long sends nothing either: it holds nobody up."""


def look(tx: Connection, runtime: Runtime, watch: Watch) -> str | None:
    """Look at this machine's clock: None when it can be believed, else a sentence for a sysadmin.

    The gate is shut while any machine that is alive has a doubt: all work on the same messages.
    """
    now = runtime.now()
    if time_may_be_moved(tx):
        watch.believe(now, "")
        dispatch_gate.reopen(tx, REASON)
        return None
    accepted = read_mark(tx, ACCEPTED) or ""
    if accepted != watch.accepted:
        watch.forget()  # a person knows better than what this process has counted
    doubt = judge(_reading(tx, runtime, watch, now))
    if doubt is None:
        watch.believe(now, accepted)
        _keep_highest(tx, now)
        drop_marks(tx, _own(runtime))
    else:
        _keep_doubt(tx, runtime, doubt, now)
    _shut_or_open(tx, runtime, now)
    return None if doubt is None else _sentence(runtime, now, doubt)


def doubt_restored(tx: Connection, runtime: Runtime, now: int) -> None:
    """A backup of days ago was put back: the doubt that the first worker would have is had at once.

    So one release takes both reasons back, and tells both.
    """
    if time_may_be_moved(tx):
        return
    witness = database_time(tx) if runtime.config.clock_witness else None
    doubt = judge(Reading(now, highest(tx), None, witness, None))
    if doubt is not None:
        _keep_doubt(tx, runtime, doubt, now)
        _shut_or_open(tx, runtime, now)


def holds(tx: Connection) -> bool:
    """Whether some machine's clock is in doubt: then none plans either."""
    return any(one.reason == REASON for one in dispatch_gate.closed(tx))


def accept(tx: Connection, by: str, now: int) -> None:
    """A person has looked at the clock, and it is right: the work goes on from this moment."""
    mark(tx, HIGHEST, str(now))
    mark(tx, ACCEPTED, json.dumps({"at": now, "by": by}))
    for name in marks(tx, DOUBT):
        drop_marks(tx, name)
    dispatch_gate.reopen(tx, REASON)


def highest(tx: Connection) -> int | None:
    """The latest moment that a believed clock ever showed; None before the first worker's."""
    written = read_mark(tx, HIGHEST)
    return int(written) if written else None


def time_may_be_moved(tx: Connection) -> bool:
    """A demo or a rehearsal: nobody real is written to, and its time is moved on purpose."""
    return any(read_mark(tx, name) is not None for name in (DEMO_MARK, REHEARSAL_MARK))


def _reading(tx: Connection, runtime: Runtime, watch: Watch, now: int) -> Reading:
    own = json.loads(read_mark(tx, _own(runtime)) or "{}")
    witness = database_time(tx) if runtime.config.clock_witness else None
    doubted = own["seen"] if own.get("kind") == "jump" else None
    return Reading(now, highest(tx), watch.expected(), witness, doubted)


def _own(runtime: Runtime) -> str:
    """The mark of this machine's doubt. SQLite is on one machine, whatever its name is today."""
    return DOUBT + ("here" if runtime.database.is_sqlite else socket.gethostname()[:28])


def _keep_highest(tx: Connection, now: int) -> None:
    if now >= (highest(tx) or 0) + NOTED_EVERY_MS:
        mark(tx, HIGHEST, str(now))


def _keep_doubt(tx: Connection, runtime: Runtime, doubt: Doubt, now: int) -> None:
    if read_mark(tx, _own(runtime)) is None:
        count(tx, "clock_doubted")
    told = {"kind": doubt.kind, "seen": now, "told_at": database_time(tx), "detail": _sentence(runtime, now, doubt)}
    mark(tx, _own(runtime), json.dumps(told))


def _shut_or_open(tx: Connection, runtime: Runtime, now: int) -> None:
    doubts = {name: json.loads(value) for name, value in marks(tx, DOUBT).items()}
    for name, told in list(doubts.items()):
        if name != _own(runtime) and _is_stale(tx, told):
            drop_marks(tx, name)
            del doubts[name]
    if doubts:
        dispatch_gate.close(tx, REASON, next(iter(doubts.values()))["detail"], now)
    else:
        dispatch_gate.reopen(tx, REASON)


def _is_stale(tx: Connection, told: dict[str, Any]) -> bool:
    return abs(database_time(tx) - int(told["told_at"])) > STALE_MS


def _sentence(runtime: Runtime, now: int, doubt: Doubt) -> str:
    says, other = (f"{runtime.local(moment):%Y-%m-%d %H:%M}" for moment in (now, doubt.other))
    machine = "this machine" if runtime.database.is_sqlite else socket.gethostname()
    why = {
        "back": f"but it was {other} already",
        "ahead": f"but the worker last ran at {other}",
        "jump": f"but by the machine's own count it is {other}",
        "witness": f"but the database's machine says {other}",
    }[doubt.kind]
    return (
        f"the clock of {machine} says {says}, {why}: nothing is sent. Set the clock (NTP: `timedatectl`), and the work "
        "goes on by itself; or, when it is right, confirm it with `laseli clock accept --by NAME`"
    )
