"""What commands that need the database begin with: settings that can be used, a database that is up to date."""

from __future__ import annotations

import sys

import click

from service import logs
from service.config import EXIT_BAD_CONFIG, BadConfig, Config
from service.runtime import Runtime, build_runtime


def usable_settings() -> Config:
    """The settings, or one line for each wrong variable and exit 78."""
    try:
        return Config.from_env()
    except BadConfig as mistakes:
        for line in mistakes.lines:
            click.echo(line, err=True)
        sys.exit(EXIT_BAD_CONFIG)


def opened_runtime() -> Runtime:
    """A runtime on the database of the settings, which must have all its migrations."""
    from sqlalchemy.exc import OperationalError

    from service.store import schema

    built = build_runtime(usable_settings())
    logs.configure(built.config.log_level)
    try:
        pending = schema.pending(built.database)
    except OperationalError:
        raise click.ClickException(
            "the database does not answer: look at LASELI_DATABASE_URL, at the server, at the disk"
        ) from None
    if pending:
        raise click.ClickException("the database lacks migrations: run `laseli db upgrade` first")
    _check_keys(built)
    return built


def _check_keys(built: Runtime) -> None:
    from service.stories import key_checks

    try:
        with built.database.read() as tx:
            key_checks.check(tx, built.vault)
    except key_checks.WrongKeys as reason:
        click.echo(str(reason), err=True)
        sys.exit(EXIT_BAD_CONFIG)
