"""Is the running database sound? Read to its last page, which takes a second for every gigabyte or so."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from sqlalchemy.engine import Connection

from service.key_rings import parse_ring
from service.runtime import Runtime
from service.store import backup_facts, postgresql_dumps, schema, sqlite_copies
from service.stories.keeping import key_checks
from service.stories.keeping.backups import sqlite_file


class Check(NamedTuple):
    about: str
    problem: str  # "" when it is good


def check_running(runtime: Runtime) -> list[Check]:
    """Every check in turn; who writes meanwhile does not wait."""
    found = [Check("integrity and foreign keys", _soundness(runtime))]
    if found[0].problem and runtime.database.is_sqlite:
        return found  # nothing that is read from it means anything
    with runtime.database.read() as tx:
        if not runtime.database.is_sqlite:
            postgresql_dumps.take_your_time(tx)
        checks: tuple[tuple[str, Callable[[Runtime, Connection], str]], ...] = (
            ("migrations", _migrations),
            ("keys", _keys),
            ("sealed values", _sealed_values),
        )
        for about, check in checks:
            found.append(Check(about, check(runtime, tx)))
            if found[-1].problem and about == "migrations":
                break  # the tables that the others read may be missing
    return found


def _soundness(runtime: Runtime) -> str:
    if not runtime.database.is_sqlite:
        with runtime.database.read() as tx:
            return "; ".join(postgresql_dumps.what_is_broken(tx))
    try:
        sqlite_copies.prove(sqlite_file(runtime))
    except sqlite_copies.Unsound as reason:
        return f"{reason}: stop everything, keep a copy of the file, and restore the last backup"
    return ""


def _migrations(runtime: Runtime, tx: Connection) -> str:
    has, newest = schema.revision(tx), schema.newest()
    if has == newest:
        return ""
    if has is not None and int(has) > int(newest):
        return f"a newer Laseli was here (migration {has}, this one knows {newest}): install that version"
    return f"at {has or 'none'} of {newest}: run `laseli db upgrade`"


def _keys(runtime: Runtime, tx: Connection) -> str:
    try:
        key_checks.check(tx, runtime.vault)
    except key_checks.WrongKeys as reason:
        return str(reason)
    return ""


def _sealed_values(runtime: Runtime, tx: Connection) -> str:
    ring = parse_ring(runtime.config.keys.identity.get_secret_value())
    missing = sorted(backup_facts.sealing_keys(tx) - ring.keys())
    return f"some are sealed with key {missing[0]}, which LASELI_KEYS__IDENTITY lacks" if missing else ""
