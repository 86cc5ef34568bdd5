"""`laseli dose ...`: doses written down, their history, and what is taken back or put on another day."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from typing import TYPE_CHECKING, Any

import click
from sqlalchemy.engine import Connection

from service.commands.days import DAY
from service.commands.dose_import_commands import dose_import
from service.commands.opening import opened_runtime, refusals_told
from service.domain.correction_words import LONGEST_NOTE, WHYS
from service.runtime import Runtime

if TYPE_CHECKING:
    from service.stories.care.dose_corrections import Corrected, Correction, Line


class _AddsByItself(click.Group):
    """`laseli dose 48217730 PENTA` records: a code in the place of a command is what it was before there were any."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if re.fullmatch(r"[\d .\-]+", args[0]):
            args = ["add", *args]
        return super().resolve_command(ctx, args)


@click.group("dose", cls=_AddsByItself)
def dose() -> None:
    """Doses: write them down, see their history, take them back."""


@dose.command("add")
@click.argument("code")
@click.argument("antigens")
@click.option("--on", "on", type=DAY, help="The day it was given; today when left out.")
def dose_add(code: str, antigens: str, on: date | None) -> None:
    """Record doses: laseli dose add 48217730 PENTA,OPV --on 2026-11-20 (`add` may be left out).

    What does not count is written down all the same, and told.
    """
    from service.stories.care import dose_corrections, doses

    built = opened_runtime()
    now = built.now()
    day = on or built.today(now)
    with refusals_told(doses.Refused), built.database.begin() as tx:
        given = antigens.split(",")
        new = doses.record_doses(tx, built, code, given, day, source="centre", by="command line", now=now)
        _, lines = dose_corrections.history(tx, built, code, built.today(now))
    click.echo(f"Recorded: {', '.join(new)}." if new else "Nothing new: these doses were on record already.")
    for one in lines:
        if one.reasons and one.dose.given_on == day and one.dose.antigen in new and one.dose.voided_at is None:
            click.echo(f"{one.dose.antigen} of {day} {one.counts_as}.")


# --- corrections --------------------------------------------------------------------------------------------


@dose.command("list")
@click.argument("code")
def dose_list(code: str) -> None:
    """Every dose ever written down for a child: what counts, what does not and why, what was taken back by whom."""
    from service.stories.care import dose_corrections

    built = opened_runtime()
    now = built.now()
    # A question, asked as a writer: finding a child locks its household for a moment.
    with refusals_told(dose_corrections.Refused), built.database.begin() as tx:
        child, lines = dose_corrections.history(tx, built, code, built.today(now))
    click.echo(f"{child.code[:4]} {child.code[4:]}, born {child.born_on}, {child.status}")
    for one in lines:
        click.echo(_told(built, one))
    click.echo(f"{len(lines)} doses" if len(lines) != 1 else "1 dose")


def _who(why: str | None) -> Callable[[Callable[..., None]], Callable[..., None]]:
    says = "; ".join(f"{word}: {meaning}" for word, meaning in WHYS.items())

    def dress(command: Callable[..., None]) -> Callable[..., None]:
        for option in (
            click.option("--dry-run", is_flag=True, help="Say what it would come to; change nothing."),
            click.option("--note", default="", metavar="WORDS", help="Kept sealed beside it: no names."),
            click.option("--by", required=True, metavar="NAME", help="Who corrects."),
            click.option("--why", required=why is None, default=why, type=click.Choice(list(WHYS)), help=says),
        ):
            command = option(command)
        return command

    return dress


@dose.command("void")
@click.argument("code")
@click.argument("antigen")
@click.argument("day", type=DAY)
@_who(None)
def dose_void(code: str, antigen: str, day: date, **who: Any) -> None:
    """Take a dose back: laseli dose void 48217730 PENTA 2026-11-20 --why wrong-child --by Awa."""
    from service.stories.care import dose_corrections

    with _correcting(who) as (tx, built, said):
        found = dose_corrections.take_back(tx, built, code, antigen, day, said, built.now())
        click.echo(_sentence(found, dry_run=who["dry_run"]))


@dose.command("move")
@click.argument("code")
@click.argument("antigen")
@click.argument("day", type=DAY)
@click.option("--to", "to", required=True, type=DAY, help="The day on which it was given.")
@_who("wrong-date")
def dose_move(code: str, antigen: str, day: date, to: date, **who: Any) -> None:
    """Put a dose on another day: laseli dose move 48217730 PENTA 2026-11-20 --to 2026-11-12 --by Awa."""
    from service.stories.care import dose_corrections

    with _correcting(who) as (tx, built, said):
        found = dose_corrections.move(tx, built, code, antigen, day, to, said, built.now())
        click.echo(_sentence(found, dry_run=who["dry_run"]))


class _Rehearsed(Exception):
    """Ends a transaction that must change nothing."""


@contextmanager
def _correcting(who: dict[str, Any]) -> Iterator[tuple[Connection, Runtime, Correction]]:
    """One transaction, undone when it was only asked what it would come to."""
    from service.stories.care.dose_corrections import Correction, Refused

    by, note = who["by"].strip(), who["note"].strip()
    if not 2 <= len(by) <= 60:
        raise click.BadParameter("write who corrects, in 2 to 60 letters", param_hint="--by")
    if len(note) > LONGEST_NOTE:
        raise click.BadParameter(f"{len(note)} letters, {LONGEST_NOTE} at most", param_hint="--note")
    if who["why"] == "other" and not note:
        raise click.UsageError("--why other needs a --note")
    built = opened_runtime()
    try:
        with built.database.begin() as tx:
            yield tx, built, Correction(by, who["why"], note)
            if who["dry_run"]:
                raise _Rehearsed
    except Refused as reason:
        raise click.ClickException(str(reason)) from None
    except _Rehearsed:
        click.echo("Nothing was changed.")


def _sentence(found: Corrected, *, dry_run: bool) -> str:
    would = "would be" if dry_run else "is"
    moved = f" and stands on {found.on}" if found.on else ""
    planned = "; ".join(f"{one.doses} on {one.on or 'a day not known yet'}" for one in found.planned)
    return f"{found.antigen} of {found.was_on} {would} taken back{moved}. Planned: {planned or 'nothing'}."


def _told(built: Runtime, one: Line) -> str:
    row = one.dose
    quality = "" if row.date_quality == "seen" else f", day {row.date_quality}"
    written = f"{row.source} {row.recorded_by}, {built.today(row.recorded_at)}{quality}"
    if row.voided_at is None:
        return f"{row.given_on}  {row.antigen:<6}  {one.counts_as}  ({written})"
    note = f": {row.voided_note}" if row.voided_note else ""
    taken = f"taken back by {row.voided_by}, {built.today(row.voided_at)}, {row.voided_why or 'no reason kept'}{note}"
    return f"{row.given_on}  {row.antigen:<6}  {taken}  ({written})"


dose.add_command(dose_import)
