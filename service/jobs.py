"""The one seam for coarse jobs: work worth a hundred messages or more, done later by whichever worker is free.

`later` adds a job in the transaction that causes it; no story knows what carries it. On PostgreSQL that is
Procrastinate, on SQLite a table of ours and the worker's clock. Both promise the same: what was committed is carried
out at least once, a worker that dies gives its job back by itself, one that fails is tried again and ends where a
person can list it. So a job must be safe to repeat, and holds ids and small words only: what a person is called, said
or dialled is looked up. One that takes long looks at `runtime.stopping` at its every page.

To add one: a function of `runtime` and its arguments, and its line in JOBS.
"""

from __future__ import annotations

import inspect
import re
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, get_args, get_type_hints

from sqlalchemy.engine import Connection

from service.logs import log
from service.runtime import Runtime
from service.store import job_tables
from service.store.job_tables import Listed
from service.store.system_tables import count

HERE = Path(__file__).resolve().parent.parent
MINUTE_MS = 60_000
BACKOFF_MINUTES = (1, 5, 15, 60)
MOST_TRIES = len(BACKOFF_MINUTES) + 1
AT_ONCE = 3
"""So many at once in a worker: a long import does not hold up the others."""
MANY = 100
"""So many messages that are due at once are worth waking somebody for."""


def _drain(runtime: Runtime) -> None:
    # Inside: stories add jobs through this file.
    from service.stories.delivery import drain

    drain.drain(runtime)


def _replan(runtime: Runtime, run_id: int) -> None:
    from service.stories.recall import replanning

    replanning.carry_on(runtime, run_id)


def _rounds(runtime: Runtime, round_id: int) -> None:
    from service.stories.care import malaria_announcements

    malaria_announcements.carry_on(runtime, round_id)


JOBS: dict[str, Callable[..., object]] = {
    "drain": _drain,
    "replan": _replan,
    "rounds": _rounds,
}


# --- adding -------------------------------------------------------------------------------------------------


def later(tx: Connection, name: str, lock: str | None = None, run_at: int | None = None, **args: object) -> None:
    """Have the job of this name done, if and when this transaction commits, and not before `run_at` (UTC ms).

    While one waits under the same `lock` no second one is added: the waiting one will see what this transaction wrote.
    """
    _check(name, lock, args)
    _shelf(tx).add_job(tx, name, args, lock, run_at)


def wake(tx: Connection, due: int) -> None:
    """Many messages are due: some worker begins at once, and does not wait for its clock."""
    if due >= MANY:
        later(tx, "drain", lock="drain")


_WORD = re.compile(r"[a-z0-9][a-z0-9_.:-]{0,119}", re.ASCII)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def _check(name: str, lock: str | None, args: dict[str, object]) -> None:
    """A mistake here is ours; what is said of it names the argument, never its value."""
    if name not in JOBS:
        raise LookupError(f"there is no job '{name}'; there is {', '.join(JOBS)}")
    takes = get_type_hints(JOBS[name])
    wanted = list(inspect.signature(JOBS[name]).parameters)[1:]
    if sorted(wanted) != sorted(args):
        raise TypeError(f"the job '{name}' takes {', '.join(wanted) or 'nothing'}")
    for argument, value in args.items():
        if not _names_nobody(value, takes.get(argument)):
            raise ValueError(f"the job '{name}': '{argument}' is no id, day, or word of its Literal")
    if lock is not None and not _WORD.fullmatch(lock):
        raise ValueError(f"the job '{name}': its lock is no small word")


def _names_nobody(value: object, kind: object) -> bool:
    """An id or number of a page, yes or no, nothing, a day; a word only where the job's own signature lists it."""
    if isinstance(value, str):
        return bool(_DAY.fullmatch(value)) or value in get_args(kind)
    return value is None or isinstance(value, int)


def _shelf(tx: Connection) -> Any:
    return _on_postgresql() if tx.dialect.name == "postgresql" else job_tables


def _on_postgresql() -> Any:
    # Its column types are PostgreSQL's own: an installation on SQLite never loads them.
    from service.store import procrastinate_tables

    return procrastinate_tables


# --- carrying out -------------------------------------------------------------------------------------------


class Carrier(Protocol):
    """What the worker has one of. `turn` and `keep` are called by its clock."""

    def start(self) -> None: ...

    def turn(self) -> None:
        """Carry out what is due, unless the engine does so by itself."""

    def keep(self) -> None:
        """Say that our jobs are alive, and take up those of the dead."""

    def stop(self) -> None: ...


def carrier(runtime: Runtime) -> Carrier:
    # Each loads what it needs: an installation on SQLite never loads Procrastinate.
    if runtime.database.is_sqlite:
        from service.jobs_on_sqlite import SqliteCarrier

        return SqliteCarrier(runtime)
    from service.jobs_on_postgresql import PostgresqlCarrier

    return PostgresqlCarrier(runtime)


def carry_out_due(runtime: Runtime) -> None:
    """Carry out what is due now in this process and come back: for one round by hand, and for tests."""
    with runtime.database.read() as tx:
        waiting = job_tables.any_due(tx, runtime.now(), list(JOBS)) or (
            not runtime.database.is_sqlite and _on_postgresql().any_due(tx)
        )
    if not waiting:
        return
    if runtime.database.is_sqlite:
        carrier(runtime).turn()
    else:
        from service.jobs_on_postgresql import carry_out_once

        carry_out_once(runtime)


def attempt(runtime: Runtime, name: str, args: dict[str, Any]) -> str | None:
    """Do one job; gives None, or the kind of the error. It is logged here, once, without arguments and texts."""
    try:
        JOBS[name](runtime, **args)
    except Exception as error:
        kind = type(error).__name__
        log.error("job_failed", job=name, error=kind, at=_place(error))
        return kind
    return None


def _place(error: Exception) -> str:
    """The last line of ours on the way to the error."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if Path(frame.filename).is_relative_to(HERE)] or frames
    return f"{Path(ours[-1].filename).name}:{ours[-1].lineno}"


def try_again_at(tries: int, now: int) -> int | None:
    """When a job that has failed so often is tried again; None when it is given up."""
    return now + BACKOFF_MINUTES[tries - 1] * MINUTE_MS if tries < MOST_TRIES else None


def given_up(tx: Connection, name: str, error: str) -> None:
    """It was tried for the last time; `laseli jobs list` shows it."""
    count(tx, "jobs_given_up")
    log.error("job_given_up", job=name, error=error)


# --- looking at them ----------------------------------------------------------------------------------------


def listed(tx: Connection, limit: int = 500) -> list[Listed]:
    """All that wait, run or were given up."""
    others = _on_postgresql().listed(tx, limit) if tx.dialect.name == "postgresql" else []
    return others + job_tables.listed(tx, limit)


def count_jobs(tx: Connection) -> dict[str, int]:
    found = Counter(job_tables.count_jobs(tx))
    if tx.dialect.name == "postgresql":
        found.update(_on_postgresql().count_jobs(tx))
    return {state: found[state] for state in ("waiting", "running", "failed")}


def retry(tx: Connection, job_id: int) -> bool:
    """Try a job that was given up from the start; False when there is none of this id."""
    found = _take_up(tx, job_id)
    if found is None:
        return False
    name, args, lock = found
    _shelf(tx).add_job(tx, name, args, lock, None)
    count(tx, "jobs_retried")
    return True


def drop(tx: Connection, job_id: int) -> bool:
    """Nobody will do it; False when no job of this id was given up."""
    return _take_up(tx, job_id) is not None


def _take_up(tx: Connection, job_id: int) -> tuple[str, dict[str, Any], str | None] | None:
    found = job_tables.take_up(tx, job_id)
    if found is None and tx.dialect.name == "postgresql":
        found = _on_postgresql().take_up(tx, job_id)
    return found
