"""`laseli flow sheet out | in`: a conversation as a sheet that people edit in Excel or LibreOffice, and back."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from flows.loader import DEFINITIONS

if TYPE_CHECKING:
    from flows.interchange.sheet_making import Sheet
    from flows.interchange.sheet_merge import Arrival
    from flows.model import Flow, Library

_FOLDER = click.Path(file_okay=False, exists=True, path_type=Path)
_LIMIT = click.IntRange(80, 182)


@click.group()
def sheet() -> None:
    """A conversation as a sheet for Excel or LibreOffice, and back: one row per step, one column per language."""


@sheet.command("out")
@click.argument("flow_id", metavar="FLOW")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="FILE.xlsx or FILE.csv [FLOW.xlsx]")
@click.option("--folder", type=_FOLDER, default=DEFINITIONS, help="Where the conversations are.")
@click.option("--limit", type=_LIMIT, default=160, show_default=True, help="Septets of a screen, for the count.")
def sheet_out(flow_id: str, out: Path | None, folder: Path, limit: int) -> None:
    """Write the conversation FLOW as a workbook (.xlsx) or a .csv in UTF-8."""
    from flows.interchange.sheet_files import csv_of, xlsx_of
    from flows.interchange.sheet_out import table_of
    from flows.loader import load_library
    from flows.mistakes import FlowMistake

    target = out or Path(f"{Path(flow_id).name}.xlsx")
    if target.suffix.lower() not in (".xlsx", ".csv"):
        raise click.ClickException(f"{target.name} : le nom du fichier finit par .xlsx ou .csv")
    if out is None and target.exists():
        raise click.ClickException(
            f"{target.name} existe déjà : prenez un autre nom avec --out (ou le même, pour le remplacer)"
        )
    try:
        table = table_of(_flow(load_library(folder, strict=False), flow_id), limit)
    except FlowMistake as mistake:
        raise click.ClickException(str(mistake)) from None
    _write(target, xlsx_of(table) if target.suffix.lower() == ".xlsx" else csv_of(table))
    click.echo(f"{target} : {len(table.rows)} lignes, {', '.join(table.languages)}")


@sheet.command("in")
@click.argument("file", type=click.Path(dir_okay=False, exists=True, path_type=Path))
@click.option("--folder", type=_FOLDER, help="Write FLOW.yaml there, over the one there is.")
@click.option("--dry-run", is_flag=True, help="Say what would change; write nothing.")
@click.option(
    "--encoding", type=click.Choice(["utf-8", "cp1252", "mac-roman", "utf-16"]), help="Of a CSV that is not UTF-8."
)
def sheet_in(file: Path, folder: Path | None, dry_run: bool, encoding: str | None) -> None:
    """Read a sheet back. Without --folder: what would change, and the file as it would be."""
    from flows.interchange.sheet_in import read_sheet
    from flows.interchange.sheet_merge import bring_in
    from flows.interchange.sheet_opening import LARGEST, open_sheet
    from flows.mistakes import FlowMistake

    try:
        with file.open("rb") as opened:
            data = opened.read(LARGEST + 1)
        read = read_sheet(open_sheet(data, file.name, encoding or ""))
        target = (folder or DEFINITIONS) / f"{read.tree['flow']}.yaml"
        existing = target.read_text("utf-8") if target.exists() else None
        arrival = bring_in(read, existing)
    except FlowMistake as mistake:
        raise click.ClickException(str(mistake)) from None
    except UnicodeDecodeError:
        raise click.ClickException(f"{target} n'est pas en UTF-8 : remettez une bonne version de ce fichier") from None
    _tell(arrival, [*arrival.notes, *_too_long(read, arrival, target.parent)])
    if not arrival.changed:
        return
    if folder is None:
        click.echo()
        click.echo(arrival.yaml, nl=False)
    elif dry_run:
        click.echo(f"rien n'est écrit (--dry-run) ; sans lui : {target}")
    else:
        _write(target, arrival.yaml.encode("utf-8"))
        click.echo(f"écrit : {target}")


def _flow(library: Library, flow_id: str) -> Flow:
    from flows.interchange.sheet_words import french_nearest

    if flow_id not in library.flows:
        near = french_nearest(flow_id, sorted(library.flows))
        raise click.ClickException(f"il n'y a pas de conversation « {flow_id} » ; {near}")
    return library.flows[flow_id]


def _tell(arrival: Arrival, notes: list[str]) -> None:
    if arrival.is_new:
        click.echo(f"{arrival.flow} : une conversation nouvelle, version {arrival.after}")
    elif not arrival.changed:
        click.echo(f"{arrival.flow} : rien n'a changé, version {arrival.after}")
    else:
        click.echo(f"{arrival.flow} : version {arrival.before} → {arrival.after}")
    for change in arrival.changes:
        click.echo(f"  {change}")
    for note in notes:
        click.echo(f"  à voir : {note}")


def _too_long(read: Sheet, arrival: Arrival, folder: Path) -> list[str]:
    """Texts that no longer fit, of the steps that changed; nothing when the other conversations do not load."""
    from flows.interchange.sheet_widths import too_long
    from flows.loader import load_sources
    from flows.mistakes import FlowMistake

    try:
        sources = {path.name: path.read_text("utf-8") for path in sorted(folder.glob("*.yaml"))}
        flow = load_sources({**sources, f"{arrival.flow}.yaml": arrival.yaml}, strict=False).get(arrival.flow)
    except (FlowMistake, UnicodeDecodeError):
        return []  # the checker tells it, by file
    changed = [change.path[1] for change in arrival.changes if change.path[0] == "steps" and len(change.path) > 1]
    steps = list(flow.steps) if arrival.is_new else changed
    told = []
    for step, language, what in too_long(flow, steps):
        place = read.place_of(("steps", step, flow.steps[step].kind, language))
        told.append(f"{place} : étape {step}, {language} : {what}")
    return told


def _write(target: Path, data: bytes) -> None:
    """The whole file or the old one: never half of it."""
    beside = target.with_name(f".{target.name}.new")
    try:
        beside.write_bytes(data)
        os.replace(beside, target)
    except OSError as error:
        beside.unlink(missing_ok=True)
        reason = f"{target} ne s'écrit pas ({error.strerror}) : fermez-le s'il est ouvert, ou prenez un autre nom"
        raise click.ClickException(reason) from None
