"""`laseli flow xlsform-in` and `rapidpro-in`: other people's forms and flows as YAML of ours, and what was lost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

# Files larger than any form or export are not even read.
_MOST_BYTES = 10_000_000
Reader = Callable[[bytes, str], tuple[dict[str, str], list[str]]]

_file = click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
_folder = click.option(
    "--folder", type=click.Path(file_okay=False, path_type=Path), help="Write the YAML there instead of printing it."
)
_force = click.option("--force", is_flag=True, help="Write over flows that are there already.")


@click.command("xlsform-in")
@_file
@_folder
@_force
def xlsform_in(file: Path, folder: Path | None, force: bool) -> None:
    """Read an XLSForm (.xlsx, .xls, .csv) as a flow. What was not carried over is told on stderr."""
    from flows.interchange.xlsform_in import from_xlsform

    _import(from_xlsform, file, folder, force)


@click.command("rapidpro-in")
@_file
@_folder
@_force
def rapidpro_in(file: Path, folder: Path | None, force: bool) -> None:
    """Read an export of RapidPro or TextIt (13, 14) as flows. What was not carried over is told on stderr."""
    from flows.interchange.rapidpro_in import from_rapidpro

    _import(from_rapidpro, file, folder, force)


def _import(reader: Reader, file: Path, folder: Path | None, force: bool) -> None:
    from flows.mistakes import FlowMistake

    if file.stat().st_size > _MOST_BYTES:
        raise click.ClickException(f"{file.name}: {file.stat().st_size:,} bytes are too many, {_MOST_BYTES:,} at most")
    try:
        sources, report = reader(file.read_bytes(), file.name)
    except FlowMistake as mistake:
        raise click.ClickException(str(mistake)) from None
    for line in report:
        click.echo(line, err=True)
    if folder is None:
        click.echo("\n".join(f"# --- {name}\n{source}" for name, source in sources.items()), nl=False)
    else:
        _write(sources, folder, force)


def _write(sources: dict[str, str], folder: Path, force: bool) -> None:
    """All files, or none when one of them is there already."""
    there = [name for name in sources if (folder / name).exists()]
    if there and not force:
        raise click.ClickException(f"{', '.join(there)} is in {folder} already: use another folder, or --force")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, source in sources.items():
            (folder / name).write_text(source, encoding="utf-8")
            click.echo(str(folder / name))
    except OSError as error:
        raise click.ClickException(f"cannot write to {folder}: {error.strerror}") from None
