"""Coarse jobs on PostgreSQL: Procrastinate's worker, in a thread of our worker, with three connections of its own.

It is woken by NOTIFY when a job is committed, and looks every two seconds all the same. Whatever interrupts it, a
restart of the server above all, ends its run and begins another: under a new number in its table of workers, so that
what the former run had taken is given back like a dead worker's.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

import procrastinate
import psycopg
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Job
from procrastinate.retry import BaseRetryStrategy, RetryDecision
from psycopg_pool import AsyncConnectionPool
from sqlalchemy.engine import Connection

from service import jobs
from service.logs import log
from service.runtime import Runtime
from service.store import job_tables, procrastinate_tables
from service.store.job_tables import Taken
from service.store.system_tables import count

HEARTBEAT_S = 5.0
LOOK_EVERY_S = 2.0
BEGIN_AGAIN_S = 1.0
STOP_WITHIN_S = 30.0
PATIENCE_S = 5.0
OUTCOME_PATIENCE_S = 30.0

# Its lines quote the arguments of jobs, and the texts of errors; what matters is logged by us (jobs.attempt).
logging.getLogger("procrastinate").setLevel(logging.CRITICAL + 1)


class _Connector(procrastinate.PsycopgConnector):
    """Its way to the server, with more patience. Two things of Procrastinate 3.10 are mended here:

    What it cannot write down it drops: the job would count as running for as long as this worker lives. And it looks
    after its listener only as long as the first of its side tasks lasts: without periodic tasks, not at all.
    """

    async def execute_query_async(self, query: Any, **arguments: Any) -> None:
        until = time.monotonic() + OUTCOME_PATIENCE_S
        while True:
            try:
                await super().execute_query_async(query, **arguments)
            except ConnectorException as error:
                if not isinstance(error.__cause__, psycopg.OperationalError) or time.monotonic() > until:
                    raise
            else:
                return
            await asyncio.sleep(BEGIN_AGAIN_S)

    async def listen_notify(self, on_notification: Any, channels: Iterable[str]) -> None:
        while True:
            with contextlib.suppress(ConnectorException):  # the server is away: we look every two seconds meanwhile
                await super().listen_notify(on_notification, channels)
            await asyncio.sleep(BEGIN_AGAIN_S)


class _Failed(Exception):
    """Tells Procrastinate that a job is to be tried again; what went wrong is logged already."""


class _Patience(BaseRetryStrategy):
    """Every job that fails is tried again: after the last try it was put among those given up, and does not fail."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision:
        minutes = jobs.BACKOFF_MINUTES[min(job.attempts, len(jobs.BACKOFF_MINUTES) - 1)]
        return RetryDecision(retry_in={"minutes": minutes})


class PostgresqlCarrier:
    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._loop: asyncio.AbstractEventLoop | None = None
        self._life: asyncio.Task[None] | None = None
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="jobs", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def turn(self) -> None:
        """Nothing: Procrastinate takes them by itself."""

    def keep(self) -> None:
        """Procrastinate says that its worker lives; what a dead one had is given back here."""
        take_from_the_dead(self._runtime)

    def stop(self) -> None:
        """Take nothing more, wait for what runs; what takes too long is given back when we are gone."""
        self._ending.set()
        if self._loop and self._life:
            with contextlib.suppress(RuntimeError):  # it has come to its end by itself
                self._loop.call_soon_threadsafe(self._life.cancel)
        self._thread.join(STOP_WITHIN_S)
        if self._thread.is_alive():
            log.warning("jobs_left_running")

    def _run(self) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            asyncio.run(self._live())

    async def _live(self) -> None:
        self._loop, self._life = asyncio.get_running_loop(), asyncio.current_task()
        while not self._ending.is_set():
            reason = "connection lost"
            try:
                await _work(self._runtime, wait=True)
            except Exception as error:
                reason = type(error).__name__
            log.error("jobs_interrupted", error=reason)
            await asyncio.sleep(BEGIN_AGAIN_S)


def carry_out_once(runtime: Runtime) -> None:
    """Everything that is due, one after the other, in this thread."""
    asyncio.run(_work(runtime, wait=False))


async def _work(runtime: Runtime, *, wait: bool) -> None:
    """One run of Procrastinate's worker: until it is cancelled, interrupted or, without `wait`, has nothing to do."""
    app = procrastinate.App(connector=_Connector())
    for name in jobs.JOBS:
        app.task(name=name, queue=name, retry=_Patience(), pass_context=True)(_task(runtime, name))
    async with _pool(runtime) as pool:
        await pool.open(wait=True, timeout=PATIENCE_S)
        async with app.open_async(pool):
            await app.run_worker_async(
                queues=list(jobs.JOBS),
                concurrency=jobs.AT_ONCE if wait else 1,
                wait=wait,
                listen_notify=wait,
                fetch_job_polling_interval=LOOK_EVERY_S,
                # Ours are functions that cannot be broken off: those that take long look at `runtime.stopping`.
                abort_job_polling_interval=3600,
                delete_jobs="always",
                install_signal_handlers=False,
                update_heartbeat_interval=HEARTBEAT_S,
                stalled_worker_timeout=job_tables.LEASE_MS / 1000,
            )


def _pool(runtime: Runtime) -> AsyncConnectionPool:
    return AsyncConnectionPool(
        kwargs=runtime.database.driver_arguments() | {"application_name": "laseli jobs"},
        min_size=1,
        max_size=2,
        timeout=PATIENCE_S,
        reconnect_timeout=2,  # then whoever asks begins anew: its own pauses grow to minutes
        open=False,
        check=AsyncConnectionPool.check_connection,
        name="jobs",
    )


def _task(runtime: Runtime, name: str) -> Callable[..., None]:
    def carry_out(context: procrastinate.JobContext, **args: Any) -> None:
        job = context.job
        assert job.id is not None
        error = jobs.attempt(runtime, name, args)
        with runtime.database.begin() as tx:
            if error is None:
                count(tx, "jobs_done")
            elif _is_tried_again(job.attempts + 1):
                procrastinate_tables.free_lock(tx, job.id)
            else:
                _bury(tx, runtime, Taken(job.id, 0, name, args, job.attempts), job.queueing_lock, error)
                error = None
        if error is not None:
            raise _Failed(error)

    return carry_out


def take_from_the_dead(runtime: Runtime) -> None:
    """Give back what workers had that died, or have not said for too long that they live."""
    with runtime.database.begin() as tx:
        for dead, lock in procrastinate_tables.abandoned(tx):
            count(tx, "jobs_given_back")
            if _is_tried_again(dead.tries + 1):
                procrastinate_tables.put_back(tx, dead.id)
            else:
                procrastinate_tables.drop_job(tx, dead.id)
                _bury(tx, runtime, dead, lock, "its worker died")


def _is_tried_again(tries: int) -> bool:
    return jobs.try_again_at(tries, 0) is not None


def _bury(tx: Connection, runtime: Runtime, job: Taken, lock: str | None, error: str) -> None:
    job_tables.bury(tx, job.name, job.args, lock, job.tries + 1, runtime.now(), error)
    jobs.given_up(tx, job.name, error)
