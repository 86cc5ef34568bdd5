"""`laseli db ...`: migrations, backups that only the safe's key opens, and what a restore has to be careful about."""

from __future__ import annotations

import getpass
import json
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

import click

from service import logs
from service.clock import SystemClock
from service.commands.opening import existing_database, opened_runtime, usable_settings
from service.runtime import build_runtime

if TYPE_CHECKING:
    from service.domain.backup_rules import Header

_FILE = click.Path(dir_okay=False, path_type=Path)
_FOLDER = click.Path(file_okay=False, exists=True, path_type=Path)
_KEY = click.Path(dir_okay=False, path_type=Path, allow_dash=True)


@click.group()
def db() -> None:
    """The database."""


@db.command("upgrade")
@click.option("--rehearsal", is_flag=True, help="Mark an empty database for rehearsals: `tick --at` may move its time.")
def db_upgrade(rehearsal: bool) -> None:
    """Run the migrations and load the places; harmless when repeated."""
    from service.store import schema
    from service.stories.keeping import key_checks, setup
    from service.stories.talk import releases

    built = build_runtime(usable_settings())
    logs.configure(built.config.log_level)
    with built.database.read() as tx:
        before = schema.revision(tx)
    try:
        hint = setup.prepare(built, rehearsal=rehearsal)
    except (setup.NotEmpty, setup.Unsettled, key_checks.WrongKeys, releases.Refused) as reason:
        raise click.ClickException(str(reason)) from None
    if hint:
        click.echo(hint)
    from_where = f", from migration {before} to {schema.newest()}" if before not in (None, schema.newest()) else ""
    click.echo(f"The database is up to date{from_where}.")


@db.command("backup-key")
def db_backup_key() -> None:
    """Print a new pair, once. The private key goes into the safe and never onto this server."""
    from service.store import sealed_files

    private, public = sealed_files.new_pair()
    # All but the key is a comment, so that the whole is a key file for `age` too.
    click.echo("# Public, for the environment of the server (several keys: parted by commas):")
    click.echo(f"# LASELI_BACKUP__RECIPIENTS={public}")
    click.echo("# Private, for the safe, on paper or a stick and never on the server. Without it no backup opens:")
    click.echo(private)


@db.command("backup")
@click.argument("file", type=_FILE, required=False)
@click.option("--to", "folder", type=_FOLDER, help="The folder for a file named by its time.")
@click.option("--keep", metavar="SPAN", help="With --to: afterwards delete our own backups there that are older (35d).")
def db_backup(file: Path | None, folder: Path | None, keep: str | None) -> None:
    """Seal a copy of the running database into FILE, or into a new file of the folder --to."""
    from service.stories.keeping import backups

    if (file is None) == (folder is None):
        raise click.UsageError("give either FILE or --to DIR")
    if keep and folder is None:
        raise click.UsageError("--keep goes with --to DIR")
    keep_ms = _span(keep) if keep else None
    built = opened_runtime()
    try:
        with _tidy_when_told_to_stop():
            now = built.now()
            made = backups.make_in(built, folder, now) if folder else backups.make(built, file or Path(), now)
            gone = backups.throw_away_old(built, folder, now, keep_ms) if folder and keep_ms else []
    except backups.Refused as reason:
        raise click.ClickException(str(reason)) from None
    rows = sum(made.header.rows.values())
    keys = len(built.config.backup.recipients)
    click.echo(f"{made.file}: {_size(made.octets)}, {rows} rows, sealed to {keys} key{'s' if keys > 1 else ''}.")
    if gone:
        click.echo(f"Deleted {len(gone)} older ones, up to {gone[-1]}.")


@db.command("restore")
@click.argument("file", type=_FILE)
@click.option("--key", required=True, type=_KEY, help="The private key's file; - reads it from standard input.")
@click.option("--replace", metavar="NAME", default="", help="The name of the database in use, which is set aside.")
@click.option("--by", metavar="NAME", help="Who decides it.  [the system's user]")
def db_restore(file: Path, key: Path, replace: str, by: str | None) -> None:
    """Fill the database of the settings from a backup. Afterwards nothing is sent until `laseli outbox release`."""
    from service.stories.keeping import backups, restores

    built = build_runtime(usable_settings(), at=SystemClock())
    logs.configure(built.config.log_level)
    keys = _private_keys(key)
    try:
        with _tidy_when_told_to_stop():
            done = restores.restore(built, file, keys, replace, by or getpass.getuser(), built.now())
    except backups.Refused as reason:
        raise click.ClickException(f"{reason}\nNothing was changed.") from None
    click.echo(_told(done.header))
    settled = done.settled
    click.echo(
        f"\nNothing is sent until somebody releases it. {settled.unknown} messages may have left since the backup: "
        f"they are unknown, and no machine sends them again. {settled.taken_as_told} steps of reminders are taken as "
        f"told, {settled.conversations} open conversations were ended, {settled.jobs} waiting jobs cancelled."
    )
    if done.aside:
        click.echo(f"What stood there before is kept in {done.aside}: delete it when nobody needs it.")
    click.echo(
        "Next: start `laseli serve` and `laseli worker`; see that each STOP and each erasure since the backup is made "
        "again; then `laseli outbox release --dry-run`."
    )


@db.command("check")
@click.argument("file", type=_FILE, required=False)
@click.option("--key", type=_KEY, help="The private key's file; - reads it from standard input.")
@click.option("--json", "as_json", is_flag=True, help="The same as JSON.")
def db_check(file: Path | None, key: Path | None, as_json: bool) -> None:
    """What is in the backup FILE, and can it be restored here? Without FILE: is the running database sound?"""
    if file is None:
        _check_running(as_json)
    elif key is None:
        raise click.UsageError("a backup opens with its private key only: add --key FILE")
    else:
        _check_backup(file, key, as_json)


def _check_running(as_json: bool) -> None:
    from service.stories.keeping import database_checks

    built = existing_database(usable_settings())
    found = database_checks.check_running(built)
    if as_json:
        click.echo(json.dumps([check._asdict() for check in found], indent=2))
    else:
        for check in found:
            click.echo(f"{check.about}: {check.problem or 'good'}")
    sys.exit(any(check.problem for check in found))


def _check_backup(file: Path, key: Path, as_json: bool) -> None:
    from service.domain import backup_rules
    from service.stories.keeping import backups

    built = build_runtime(usable_settings(), at=SystemClock())
    logs.configure(built.config.log_level)
    try:
        looked = backups.look_into(built, file, _private_keys(key))
    except backups.Refused as reason:
        raise click.ClickException(str(reason)) from None
    finally:
        built.database.close()
    if as_json:
        click.echo(json.dumps(backup_rules.told(looked.header) | {"why_not": looked.why_not}, indent=2))
    else:
        click.echo(_told(looked.header))
        click.echo("It is whole. " + ("\n".join(looked.why_not) or "It can be restored here."))
    sys.exit(bool(looked.why_not))


def _told(header: Header) -> str:
    from service.domain import backup_rules

    said = backup_rules.told(header)
    rows = {table: number for table, number in said["rows"].items() if number}
    lines = [
        f"Made {said['made']} by Laseli {said['laseli']} (migration {said['migration']}), {said['database']}.",
        "Keys: " + ", ".join(f"{name} {mark}" for name, mark in said["keys"].items()) + ".",
        f"{sum(rows.values())} rows: " + ", ".join(f"{table} {number}" for table, number in rows.items()),
    ]
    return "\n".join(lines)


def _private_keys(file: Path) -> list[str]:
    from service.store import sealed_files

    try:
        with click.open_file(str(file), encoding="utf-8") as opened:
            return sealed_files.private_keys(opened.read())
    except (OSError, UnicodeDecodeError):
        raise click.ClickException(f"the private key's file {file} cannot be read") from None
    except sealed_files.CannotUnseal as reason:
        raise click.ClickException(str(reason)) from None


def _span(text: str) -> int:
    from service.domain import backup_rules

    try:
        return backup_rules.read_span(text)
    except ValueError as reason:
        raise click.BadParameter(str(reason), param_hint="--keep") from None


@contextmanager
def _tidy_when_told_to_stop() -> Iterator[None]:
    """A supervisor's SIGTERM or a closed terminal is an error like any other: what is half done is taken back."""

    def stop(number: int, _: FrameType | None) -> NoReturn:
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _size(octets: int) -> str:
    return f"{octets / 1e6:.1f} MB" if octets >= 100_000 else f"{octets} octets"
