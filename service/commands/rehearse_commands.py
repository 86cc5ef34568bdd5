"""`laseli rehearse`: a year of invented families in one command, judged at the end."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from service.commands.days import DAY

if TYPE_CHECKING:
    from service.rehearsal import Round
    from service.rehearsing.behaviour import Behaviour
    from service.rehearsing.trial import Kind

FIRST_DAY = "2026-01-01"


def rehearse_command(one_round: Round) -> click.Command:
    """What a worker does in one round belongs to the scheduler, which hands it over."""

    @click.command()
    @click.option("--families", type=click.IntRange(1, 100_000), default=2000, show_default=True, help="How many.")
    @click.option("--months", type=click.IntRange(1, 36), default=12, show_default=True, help="How long.")
    @click.option("--seed", type=int, default=7, show_default=True, help="The same seed is the same year.")
    @click.option("--from", "first", type=DAY, default=FIRST_DAY, show_default=True, help="First day.")
    @click.option(
        "--behaviour",
        type=click.Path(path_type=Path, dir_okay=False, exists=True),
        help="How families behave: a changed copy of service/rehearsing/behaviour.yaml.",
    )
    @click.option(
        "--experiment",
        type=click.Choice(["hold-out", "wording"]),
        help="Run an experiment in the year, and tell the truth beside it: about three times the work.",
    )
    @click.option(
        "--out",
        type=click.Path(path_type=Path, file_okay=False),
        help="Write report.html, report.json and truth.jsonl into this folder.",
    )
    @click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
    def rehearse(
        families: int,
        months: int,
        seed: int,
        first: date,
        behaviour: Path | None,
        experiment: Kind | None,
        out: Path | None,
        as_json: bool,
    ) -> None:
        """A year of invented families, with the product and without; exit 1 when a promise was broken.

        It has a database of its own that is gone at the end, sends nothing, and needs no settings.
        """
        from service import logs
        from service.rehearsing import both_years, year_report
        from service.rehearsing.trial import TooShort

        logs.configure("ERROR")
        asked = both_years.Asked(families, months, seed, first, _behaviour(behaviour), experiment=experiment)
        if out is not None:
            _may_write(out)
        try:
            done = both_years.rehearse_year(asked, one_round, _progress(asked.first, asked.last))
        except TooShort as reason:
            raise click.ClickException(str(reason)) from None
        if out is not None:
            both_years.write_report(out, done)
        if as_json:
            click.echo(both_years.as_json(done.report), nl=False)
        else:
            click.echo("\n".join(year_report.as_lines(done.report)))
            if out is not None:
                click.echo(f"\n{out / 'report.html'}")
        sys.exit(0 if done.report.all_kept else 1)

    return rehearse


def _behaviour(file: Path | None) -> Behaviour:
    from service.rehearsing.behaviour import BehaviourMistake, built_in_behaviour, load_behaviour

    try:
        return built_in_behaviour() if file is None else load_behaviour(file.read_text("utf-8"))
    except UnicodeDecodeError:
        raise click.ClickException(f"{file} is not a text file in UTF-8") from None
    except BehaviourMistake as mistake:
        raise click.ClickException(f"{file}: {mistake}") from None


def _may_write(folder: Path) -> None:
    """Asked before minutes of work, not after them."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "report.part").touch()
        (folder / "report.part").unlink()
    except OSError as reason:
        raise click.ClickException(f"{folder} cannot be written to ({reason.strerror})") from None


def _progress(first: date, last: date) -> Callable[[date], None]:
    """One line on standard error for each month begun."""

    def say(day: date) -> None:
        if day.day == 1 or day == first:
            done = round(100 * (day - first).days / max(1, (last - first).days))
            click.echo(f"{day:%Y-%m}  {done} %", err=True)

    return say
