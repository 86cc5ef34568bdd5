"""`laseli mutual confirm --list FILE`, `end --list FILE`: a list is taken in whole, or each line's reason is told."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from service.commands.opening import opened_runtime

if TYPE_CHECKING:
    from service.domain.cover_lists import ReadList
    from service.domain.dose_lists import Headings, Refusal
    from service.stories.homes.cover_import import Outcome

SHOWN = 20
NOT_TOLD = "The family is not told before that day: LASELI_COVER__CONFIRMED_BY says who settled when it is."
_FILE = click.Path(dir_okay=False, path_type=Path)
the_list = click.option(
    "--list",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="All of a list (.xlsx, .csv) at once, or nothing while a line is wrong.",
)
dry_run = click.option("--dry-run", is_flag=True, help="With --list: check every line; change nothing.")
rejects = click.option(
    "--rejects", type=_FILE, metavar="FILE", help="With --list: write the lines that are wrong there (.xlsx or .csv)."
)


def needs_one(number: str | None, file: Path | None, dry_run: bool, rejects: Path | None) -> None:
    """Either one number or a list; raises UsageError."""
    if (number is None) == (file is None):
        raise click.UsageError("give the number of one request, or --list FILE")
    if file is None and (dry_run or rejects):
        raise click.UsageError("--dry-run and --rejects go with --list FILE")
    if file is not None and rejects is not None and rejects.resolve() == file.resolve():
        raise click.UsageError("--rejects: the lines would take the place of the list itself")


def run(file: Path, headings: Headings, by: str | None, *, dry_run: bool, rejects: Path | None) -> None:
    """Take the list in and say what it came to; exit 1 while a line is wrong."""
    from service.stories.homes import cover_import
    from service.stories.homes.memberships import CONFIRMED, RENEWED

    if by is None or not 2 <= len(by.strip()) <= 60:
        raise click.UsageError("--by NAME: write who of the mutual answers for the list, in 2 to 60 letters")
    found = _read(file, headings)
    built = opened_runtime()
    outcome = cover_import.take_in(
        built, found.lines, found.unread, by.strip(), built.now(), _progress, dry_run=dry_run
    )
    click.echo("\n".join(_report(len(found.cells), outcome, dry_run=dry_run)))
    if outcome.is_written and built.config.cover is None and {CONFIRMED, RENEWED} & outcome.came_to.keys():
        click.echo(NOT_TOLD)
    if rejects is not None:
        _write_rejects(rejects, headings, found, outcome.refused)
    if outcome.refused:
        raise SystemExit(1)


def _read(file: Path, headings: Headings) -> ReadList:
    from service.domain import cover_lists
    from service.domain.dose_lists import NoColumns
    from service.stories.care.dose_list_files import CannotOpen, read_rows

    try:
        return cover_lists.read_list(read_rows(file, headings, formulas=True), headings)
    except (CannotOpen, NoColumns) as reason:
        raise click.ClickException(str(reason)) from None


def _progress(what: str, done: int, of: int) -> None:
    if sys.stderr.isatty():
        click.echo(f"\r{what}: {done} of {of} lines", nl=done >= of, err=True)


def _report(lines: int, outcome: Outcome, *, dry_run: bool) -> list[str]:
    from service.stories.homes.cover_import import KNOWN, SAID

    would = "" if outcome.is_written else "would be "
    verbs = {what: "" if what == KNOWN else would for what in SAID}
    came_to = [f"{outcome.came_to[what]} {verbs[what]}{SAID[what]}" for what in SAID if outcome.came_to[what]]
    said = [f"{lines} line{'s' if lines != 1 else ''}: {', '.join([*came_to, f'{len(outcome.refused)} wrong'])}."]
    for title, found in (("Wrong:", outcome.refused), ("To be looked at:", outcome.remarks)):
        if found:
            said += [title, *(f"  ligne {one.number}, {one.why}" for one in found[:SHOWN])]
        if len(found) > SHOWN:
            said.append(f"  ... and {len(found) - SHOWN} more")
    if dry_run:
        said.append("Nothing was changed.")
    elif not outcome.is_written:
        said.append("Nothing was changed: mend these lines, and take the whole list in again.")
    elif outcome.refused:
        said.append("The other lines were written: these changed while the list was taken in.")
    return said


def _write_rejects(target: Path, headings: Headings, found: ReadList, refused: Sequence[Refusal]) -> None:
    from service.domain.dose_lists import shown
    from service.stories.care.dose_list_files import write_refused

    if not refused:
        click.echo(f"No line is wrong: {target} is not written.")
        return
    rows: list[Sequence[str]] = [("ligne", *headings, "raison")]
    rows += [(str(one.number), *(shown(cell) for cell in found.cells[one.number]), one.why) for one in refused]
    try:
        write_refused(target, rows)
    except OSError as error:
        raise click.ClickException(f"{target} cannot be written: {error.strerror}") from None
    click.echo(f"{target} is written: {len(refused)} lines to mend.")
