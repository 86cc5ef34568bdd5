"""`laseli dose import`: a register's doses taken in, with a report of every line that could not be."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from service.commands.opening import opened_runtime
from service.runtime import Runtime

if TYPE_CHECKING:
    from service.domain.dose_lists import Cells, ReadList, Refusal
    from service.stories.care.dose_import import Outcome

SHOWN = 20
_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--by", required=True, metavar="NAME", help="Who answers for the list.")
@click.option("--dry-run", is_flag=True, help="Check every line and say what it would come to; change nothing.")
@click.option(
    "--rejects", type=_FILE, metavar="FILE", help="Write the refused lines there (.xlsx or .csv), for mending."
)
def dose_import(file: Path, by: str, dry_run: bool, rejects: Path | None) -> None:
    """Take in a list (.xlsx, .csv) with the columns code, dose, date: laseli dose import liste.xlsx --by Awa."""
    from service.stories.care import dose_import as story

    if not 2 <= len(by.strip()) <= 60:
        raise click.BadParameter("write who answers for the list, in 2 to 60 letters", param_hint="--by")
    if rejects is not None and rejects.resolve() == file.resolve():
        raise click.BadParameter("the refused lines would take the place of the list itself", param_hint="--rejects")
    built = opened_runtime()
    cells, lines, unread = _read(built, file)
    outcome = story.take_in(built, lines, by.strip(), built.now(), _progress, dry_run=dry_run)
    outcome.refused = sorted([*outcome.refused, *unread])
    for line in _report(len(cells), outcome, dry_run=dry_run):
        click.echo(line)
    if rejects is not None:
        _write_rejects(rejects, cells, outcome.refused)


def _read(built: Runtime, file: Path) -> ReadList:
    from service.domain import dose_lists
    from service.stories.care.dose_list_files import CannotOpen, read_rows

    try:
        return dose_lists.read_list(read_rows(file), built.calendar)
    except (CannotOpen, dose_lists.NoColumns) as reason:
        raise click.ClickException(str(reason)) from None


def _progress(what: str, done: int, of: int) -> None:
    if sys.stderr.isatty():
        click.echo(f"\r{what}: {done} of {of} children", nl=done >= of, err=True)


def _report(lines: int, outcome: Outcome, *, dry_run: bool) -> list[str]:
    """How many lines were good, which were not and why; a dose that does not count is good, and told too."""
    would = "would be written" if dry_run else "written"
    good = f"{outcome.doses} doses {would}, {outcome.known} lines on record already"
    said = [f"{lines} lines, {outcome.children} children: {good}, {len(outcome.refused)} lines refused."]
    for title, found in (("Refused:", outcome.refused), ("Written, and to be looked at:", outcome.remarks)):
        if found:
            said += [title, *(f"  ligne {one.number} : {one.why}" for one in found[:SHOWN])]
        if len(found) > SHOWN:
            said.append(f"  ... and {len(found) - SHOWN} more")
    if dry_run:
        said.append("Nothing was changed.")
    return said


def _write_rejects(target: Path, cells: Cells, refused: Sequence[Refusal]) -> None:
    from service.domain.dose_lists import TITLES, shown
    from service.stories.care.dose_list_files import write_refused

    if not refused:
        click.echo(f"No line was refused: {target} is not written.")
        return
    rows: list[Sequence[str]] = [("ligne", *TITLES, "raison")]
    rows += [(str(one.number), *(shown(cell) for cell in cells[one.number]), one.why) for one in refused]
    try:
        write_refused(target, rows)
    except OSError as error:
        raise click.ClickException(f"{target} cannot be written: {error.strerror}") from None
    click.echo(f"{target} is written: {len(refused)} lines to mend and to import again.")
