"""`laseli follow rounds ...`: malaria rounds (CPS) as the programme announces them, for a district and a year."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import wraps
from typing import TYPE_CHECKING

import click

from service.commands.days import DAY
from service.commands.opening import changing, opened_runtime, refusals_told

if TYPE_CHECKING:
    from service.stories.care.malaria_announcements import Foreseen, Said

_district = click.option("--district", required=True, metavar="NAME", help="As the quartiers' places are written.")
_cycle = click.option("--cycle", required=True, type=click.IntRange(1, 9), metavar="N", help="Which round of the year.")
_from = click.option("--from", "first", required=True, type=DAY, help="Its first day.")
_to = click.option("--to", "last", required=True, type=DAY, help="Its last day.")
_by = click.option("--by", default="", metavar="NAME", help="Who announced it: it is written down.")
_dry_run = click.option("--dry-run", is_flag=True, help="Say who would be expected and what it costs; change nothing.")


def _with_dates(command: Callable[[Said, bool], None]) -> Callable[..., None]:
    """The options that name a round and its days, given to the command as one `Said`; and whether it is a dry run."""

    @wraps(command)
    def told(district: str, cycle: int, first: date, last: date, by: str, dry_run: bool) -> None:
        from service.stories.care.malaria_announcements import Said

        command(Said(district, cycle, first, last, by or ("dry run" if dry_run else "")), dry_run)

    for option in (_dry_run, _by, _to, _from, _cycle, _district):
        told = option(told)
    return told


@click.group("rounds")
def rounds() -> None:
    """Malaria rounds: families are told as of any other visit, in the same words."""


@rounds.command("announce")
@_with_dates
def rounds_announce(said: Said, dry_run: bool) -> None:
    """The dates of a round, as the programme gives them: they are never guessed."""
    _say(said, dry_run=dry_run, moving=False)


@rounds.command("move")
@_with_dates
def rounds_move(said: Said, dry_run: bool) -> None:
    """An announced round is on other days of the same year: what waits about the former ones is taken back."""
    _say(said, dry_run=dry_run, moving=True)


@rounds.command("cancel")
@_district
@_cycle
@click.option("--year", type=int, help="This year when left out.")
@_by
def rounds_cancel(district: str, cycle: int, year: int | None, by: str) -> None:
    """There is no such round after all: what waits about it is taken back."""
    from service.stories.care import malaria_announcements as story

    with changing(story.Refused) as (tx, runtime):
        story.cancel(tx, runtime, district, cycle, by, runtime.now(), year=year)
    click.echo("Cancelled. The worker takes back what waits.")


@rounds.command("list")
def rounds_list() -> None:
    """One line for each round: district, round, its days, how many children are expected, who said so and when."""
    from service.stories.care import malaria_announcements as story

    runtime = opened_runtime()
    with runtime.database.read() as tx:
        found = story.listed(tx)
    for one, district, expected in found:
        state = one.state if one.is_walked else f"{one.state}, the worker is at it"
        said = f"{datetime.fromtimestamp(one.said_at / 1000, UTC):%Y-%m-%d}, {one.said_by}"
        days = f"{one.first_on} to {one.last_on}"
        click.echo(f"{district}  {one.year} round {one.number}  {days}  {expected} children  {state}  ({said})")
    if not found:
        click.echo("No round was announced.")


def _say(said: Said, *, dry_run: bool, moving: bool) -> None:
    from service.stories.care import malaria_announcements as story

    runtime = opened_runtime()
    act, done = (story.move, "moved") if moving else (story.announce, "announced")
    with refusals_told(story.Refused):
        if dry_run:
            click.echo(_told(story.foresee(runtime, said, moving=moving)))
            return
        with runtime.database.begin() as tx:
            one = act(tx, runtime, said, runtime.now())
    click.echo(f"Round {one.number} of {one.year} is {done}: {one.first_on} to {one.last_on}. The worker is at it.")


def _told(found: Foreseen) -> str:
    return (
        f"{found.children:,} children of {found.households:,} families would be expected; "
        f"at most {found.messages:,} SMS, about {found.cost / 100:,.0f} F. Fewer where a recall leaves on the same day."
    )
