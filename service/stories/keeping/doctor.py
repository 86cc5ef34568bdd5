"""Gathers what the doctor's checks ask: reads everything, changes nothing, and goes on where something is broken."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError, TimeoutError

from service import logs, machine
from service.clock import DAY_MS
from service.domain import checkup
from service.domain.checkup_facts import Account, Closing, Console, Facts, Finding, Guessed, Heard
from service.readiness import WORKER_LEASE, last_backup
from service.runtime import Runtime
from service.store import (
    checkup_tables,
    message_tables,
    postgresql_dumps,
    replan_tables,
    schema,
    sqlite_copies,
    system_tables,
)
from service.stories.delivery import dispatch_gate, money, spoken
from service.stories.keeping import clock_guard, key_checks
from service.stories.keeping.backups import sqlite_file
from service.stories.staff import guess_alarms
from service.stories.talk import releases

HOUR_MS = 3_600_000
FEWEST_LETTERS = 10
"""A secret of fewer different letters was typed by somebody, not drawn."""


def examine(runtime: Runtime, now: int, settings_file: Path | None = None) -> list[Finding]:
    """Everything there is to look at, the most urgent first; `settings_file` is where the settings came from."""
    is_open = settings_file is not None and machine.is_open_to_everyone(settings_file)
    facts = replace(gather(runtime, now), open_settings=str(settings_file) if is_open else "")
    return checkup.look_over(facts)


def gather(runtime: Runtime, now: int) -> Facts:
    facts = replace(_of_settings(runtime), now=now, clock_is_kept=machine.clock_is_kept())
    facts = replace(facts, **_of_files(runtime))
    if facts.damage or facts.not_ours:
        return facts
    try:
        with runtime.database.read() as tx:
            has = schema.revision(tx)
            facts = replace(facts, migration=has, newest_migration=schema.newest(), **_of_database(runtime, tx, now))
            facts = replace(facts, is_unsettled=schema.is_unsettled(tx))
            if has != schema.newest():
                return facts  # the tables that the others read may be missing
            return replace(facts, **_of_tables(runtime, tx, now))
    except (DBAPIError, TimeoutError) as error:
        return replace(facts, unreachable=_why(error))


def _why(error: DBAPIError | TimeoutError) -> str:
    """The driver's own first line: refused, no such role, locked."""
    said = str(getattr(error, "orig", None) or error).strip().partition("\n")[0]
    return logs.scrub(said) or type(error).__name__


def _of_settings(runtime: Runtime) -> Facts:
    config = runtime.config
    return Facts(
        routes=config.routes,
        real_routes=tuple(one.name for one in runtime.ways_out if not one.capabilities.shows_drafts),
        calls_by=config.voice.by,
        cannot_be_said=spoken.lacking(runtime),
        public_url=config.public_url,
        console=Console(config.console.proxy, config.demo_secret is None) if config.console.enabled else None,
        drafts_allowed_by=config.drafts_allowed_by,
        seals_to=len(config.backup.recipients),
        sqlite_synchronous=config.sqlite_synchronous if runtime.database.is_sqlite else "FULL",
        weak_secrets=tuple(_weak_secrets(config.model_dump())),
    )


def _weak_secrets(settings: dict[str, Any]) -> list[str]:
    """The carriers whose webhook secret was typed by a person, or is another carrier's as well."""
    of = {
        name: part["hook_secrets"]
        for name, part in settings.items()
        if isinstance(part, dict) and part.get("hook_secrets")
    }
    everywhere = [secret for secrets in of.values() for secret in set(secrets)]
    return [
        f"LASELI_{name.upper()}__HOOK_SECRETS"
        for name, secrets in of.items()
        if any(len(set(secret)) < FEWEST_LETTERS or everywhere.count(secret) > 1 for secret in secrets)
    ]


def _of_files(runtime: Runtime) -> dict[str, Any]:
    """The disk, and SQLite's own files; PostgreSQL's are on its server."""
    if not runtime.database.is_sqlite:
        return {"disk_free": machine.disk_free(Path.cwd())}
    file = sqlite_file(runtime)
    own = [file, *(Path(f"{file}{end}") for end in ("-wal", "-shm"))]
    host, port = runtime.config.host, runtime.config.port
    if not machine.may_write(file):
        return {"not_ours": str(file)}
    return {
        # SQLite keeps web and worker on one machine; with PostgreSQL either may stand elsewhere.
        "web_is_silent_at": "" if machine.web_answers(host, port) else f"{host}:{port}",
        "disk_free": machine.disk_free(file.parent),
        "database_size": sum(one.stat().st_size for one in own if one.exists()),
        "readable_by_others": tuple(str(one) for one in machine.readable_by_others(own)),
        "set_aside": tuple(str(one) for one in sorted(file.parent.glob(f"{file.name}.replaced-*"))),
        "damage": _damage(file),
    }


def _damage(file: Path) -> str:
    try:
        if not sqlite_copies.is_empty(file):
            sqlite_copies.prove(file, quickly=True)
    except sqlite_copies.Unsound as reason:
        return str(reason)
    return ""


def _of_database(runtime: Runtime, tx: Connection, now: int) -> dict[str, Any]:
    """What PostgreSQL says of itself, and who else's clock counts."""
    if runtime.database.is_sqlite:
        return {}
    return {
        "server": checkup_tables.server_settings(tx),
        "set_aside": (f"the schema {postgresql_dumps.ASIDE}",) if postgresql_dumps.has_aside(tx) else (),
        "damage": "; ".join(postgresql_dumps.what_is_broken(tx)),
        "database_size": checkup_tables.database_size(tx),
        "database_clock_off_ms": None if runtime.config.demo_secret else checkup_tables.database_clock(tx) - now,
    }


def _of_tables(runtime: Runtime, tx: Connection, now: int) -> dict[str, Any]:
    last = checkup_tables.last_heard(tx, now - 60 * DAY_MS)
    return {
        "wrong_keys": _wrong_keys(runtime, tx),
        "worker_lease_ms": system_tables.lease_age(tx, WORKER_LEASE),
        "closed": tuple(Closing(*one) for one in dispatch_gate.closed(tx)),
        "oldest_due": message_tables.oldest_due(tx, now, runtime.open_for(now, HOUR_MS // 4)),
        "states": message_tables.count_by_state(tx),
        "paused": tuple(checkup_tables.paused_routes(tx)),
        "accounts": tuple(
            Account(one.account, one.spent, one.warned, one.stopped) for one in money.today(tx, runtime, now)
        ),
        "heard": tuple(_heard(runtime, tx, last, now)),
        "newest_event": max(last.values(), default=None),
        "last_backup": last_backup(tx),
        "flow_problem": _flow_problem(runtime, tx),
        "is_trial": clock_guard.time_may_be_moved(tx),
        "dead_numbers": checkup_tables.dead_numbers(tx),
        "jobs": checkup_tables.jobs(tx, now),
        "guesses": tuple(Guessed(*one) for one in guess_alarms.lately(tx, now)),
        **_of_plans(runtime, tx),
    }


def _of_plans(runtime: Runtime, tx: Connection) -> dict[str, Any]:
    run = replan_tables.last_run(tx)
    return {
        "planned_otherwise": replan_tables.planned_otherwise(tx, runtime.calendar.name, runtime.calendar.latest_source),
        "is_replanning": run is not None and run.state == "running",
    }


def _wrong_keys(runtime: Runtime, tx: Connection) -> str:
    try:
        key_checks.check(tx, runtime.vault)
    except key_checks.WrongKeys as reason:
        return str(reason)
    return ""


def _flow_problem(runtime: Runtime, tx: Connection) -> str:
    try:
        return releases.heard(runtime, tx).problem or runtime.mistake
    except LookupError as reason:
        return str(reason)


def _heard(runtime: Runtime, tx: Connection, last: Mapping[tuple[str, str], int], now: int) -> list[Heard]:
    taken = checkup_tables.accepted_between(tx, now - DAY_MS, now - HOUR_MS, runtime.channels)
    return [
        Heard(
            name,
            last.get((name, "sms")),
            last.get((name, "receipt")),
            channel.capabilities.receipts,
            taken.get(name, 0),
        )
        for name, channel in runtime.channels.items()
    ]
