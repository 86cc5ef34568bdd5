"""What commands that need the database begin with: settings that can be used, a database that is up to date."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from sqlalchemy.engine import Connection, make_url

from service import logs
from service.clock import Clock
from service.config import EXIT_BAD_CONFIG, BadConfig, Config
from service.runtime import Runtime, build_runtime

DATABASE_IS_AWAY = "the database does not answer: look at LASELI_DATABASE_URL, at the server, at the disk"
OF_SQLITE = {
    "unable to open": "the database cannot be opened: the folder that LASELI_DATABASE_URL names must be there, and the "
    "user who runs this must be allowed to write in it",
    "readonly": "the user who runs this may not write to the database: run it as the user of the services",
    "is locked": "another process has been writing to the database for long: try again in a moment; "
    "`fuser` with the file's name says which one",
    "is full": "the disk is full: make room, then do it again",
}
"""What SQLite says of a file -> what a sysadmin looks at."""


def usable_settings() -> Config:
    """The settings, or one line for each wrong variable and exit 78."""
    try:
        return Config.from_env()
    except BadConfig as mistakes:
        for line in mistakes.lines:
            click.echo(line, err=True)
        sys.exit(EXIT_BAD_CONFIG)


class SaysWhatIsAway(click.Group):
    """A database that does not answer, a file that cannot be had: one line, whatever the command was doing."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except OSError as error:
            if error.filename is None:
                raise
            raise click.ClickException(f"{error.filename}: {error.strerror}") from None
        except Exception as error:
            from sqlalchemy.exc import OperationalError

            if isinstance(error, OperationalError):
                reason = logs.scrub(str(error.orig).strip().partition("\n")[0])
                raise click.ClickException(f"{what_to_look_at(reason)} ({reason})") from None
            raise


def what_to_look_at(reason: str) -> str:
    """One sentence for what a driver says, without a name or a password in it."""
    return next((said for words, said in OF_SQLITE.items() if words in reason), DATABASE_IS_AWAY)


def missing_file(settings: Config) -> Path | None:
    """Where the settings say that there is an SQLite database, and there is none."""
    url = make_url(settings.database_url)
    if url.get_backend_name() != "sqlite" or not url.database or Path(url.database).exists():
        return None
    return Path(url.database).absolute()


def existing_database(settings: Config, at: Clock | None = None) -> Runtime:
    """A runtime on a database that is there, up to date or not: to look at one never makes one."""
    file = missing_file(settings)
    if file is not None:
        raise click.ClickException(
            f"there is no database {file}: set LASELI_DATABASE_URL, or make one there with `laseli db upgrade`"
        )
    built = build_runtime(settings, at=at)
    logs.configure(settings.log_level)
    return built


def opened_runtime(at: Clock | None = None) -> Runtime:
    """A runtime on the database of the settings, which must have all its migrations."""
    from service.store import schema

    built = existing_database(usable_settings(), at)
    if schema.pending(built.database):
        raise click.ClickException("the database lacks migrations: run `laseli db upgrade` first")
    _check_keys(built)
    return built


@contextmanager
def refusals_told(*kinds: type[Exception]) -> Iterator[None]:
    """What a story refuses so is said in one line, and ends the command."""
    try:
        yield
    except kinds as reason:
        raise click.ClickException(str(reason)) from None


@contextmanager
def changing(*refusals: type[Exception]) -> Iterator[tuple[Connection, Runtime]]:
    """One transaction on the database of the settings; what is refused is said in one line, and nothing is changed."""
    built = opened_runtime()
    with refusals_told(*refusals), built.database.begin() as tx:
        yield tx, built


def _check_keys(built: Runtime) -> None:
    from service.stories.keeping import key_checks

    try:
        with built.database.read() as tx:
            key_checks.check(tx, built.vault)
    except key_checks.WrongKeys as reason:
        click.echo(str(reason), err=True)
        sys.exit(EXIT_BAD_CONFIG)
