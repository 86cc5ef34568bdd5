"""`laseli db move-from`: from a SQLite file to PostgreSQL, when one machine is no longer enough."""

from __future__ import annotations

from pathlib import Path

import click

from service import logs
from service.commands.opening import usable_settings
from service.runtime import build_runtime


@click.command("move-from")
@click.argument("file", type=click.Path(path_type=Path))
def move_from(file: Path) -> None:
    """Copy a SQLite file into the (empty) database of the settings. Web and worker of the file must be ended."""
    from service.stories.keeping import key_checks, moving

    runtime = build_runtime(usable_settings())
    logs.configure(runtime.config.log_level)
    try:
        copied = moving.move_from(runtime, file)
    except (moving.CannotMove, key_checks.WrongKeys) as reason:
        raise click.ClickException(str(reason)) from None
    click.echo(f"{copied} rows are here now. The file sends nothing more; keep it until you have a backup of this one.")
