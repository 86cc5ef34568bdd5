"""`laseli flow floip-out` and `floip-in`: our conversations as FLOIP 1.0.0-rc4 containers, and containers as ours."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from flows.loader import DEFINITIONS

# Far above any real container; a file this large would only keep the machine busy.
_LARGEST_FILE = 20_000_000


@click.command("floip-out")
@click.argument("flow_id", metavar="FLOW")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write here instead of on the screen.")
@click.option("--base", default="", help="The address other platforms reach our actions at, as in https://example.org.")
@click.option(
    "--from",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=DEFINITIONS,
    help="Of this folder instead of the conversations that come with Laseli.",
)
def floip_out(flow_id: str, out: Path | None, base: str, folder: Path) -> None:
    """Write FLOW and its sub-flows as a FLOIP container. What only we act on is told on the error output."""
    from flows.interchange.floip_out import container_text, only_ours, to_container
    from flows.loader import load_library
    from flows.mistakes import FlowMistake

    try:
        container = to_container(load_library(folder), flow_id, base.rstrip("/"))
    except (FlowMistake, KeyError) as mistake:
        raise click.ClickException(str(mistake.args[0])) from None
    if out is None:
        click.echo(container_text(container), nl=False)
    else:
        with _told_when_not_written(out):
            out.write_text(container_text(container), encoding="utf-8")
    for line in only_ours(container):
        click.echo(line, err=True)


@click.command("floip-in")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--folder", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Write the flows here.")
@click.option("--force", is_flag=True, help="Overwrite flows that are there already.")
def floip_in(file: Path, folder: Path | None, force: bool) -> None:
    """Read a FLOIP container as flows of ours. Without --folder they are only shown.

    What is not carried over is told on the error output, block by block.
    """
    from flows.interchange.floip_in import from_container
    from flows.mistakes import FlowMistake

    try:
        sources, report = from_container(_json_of(file))
    except FlowMistake as mistake:
        raise click.ClickException(str(mistake)) from None
    for line in report:
        click.echo(line, err=True)
    if folder is None:
        for name, source in sources.items():
            click.echo(f"# {name}\n{source}")
        return
    _write(sources, folder, force)


def _json_of(file: Path) -> object:
    if file.stat().st_size > _LARGEST_FILE:
        raise click.ClickException(f"{file} is larger than {_LARGEST_FILE:,} bytes: that is no conversation")
    try:
        return json.loads(file.read_text("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        problem = str(error).splitlines()[0]
        raise click.ClickException(f"{file} is not JSON ({problem}); a container is one JSON object") from None


def _write(sources: dict[str, str], folder: Path, force: bool) -> None:
    """All of the flows, or none when one of them would overwrite another."""
    there = [name for name in sources if (folder / name).exists()]
    if there and not force:
        raise click.ClickException(f"{', '.join(there)} would be overwritten: choose another folder, or say --force")
    for name, source in sources.items():
        with _told_when_not_written(folder / name):
            (folder / name).write_text(source, encoding="utf-8")
        click.echo(f"written: {folder / name}")


@contextmanager
def _told_when_not_written(file: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise click.ClickException(f"{file} cannot be written: {error.strerror}") from None
