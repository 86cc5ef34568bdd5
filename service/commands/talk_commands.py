"""`laseli talk`: talks that mediators held, as they told them by SMS."""

from __future__ import annotations

from datetime import date, timedelta

import click

from service.commands.days import DAY
from service.commands.opening import opened_runtime
from service.commands.short_ids import ID, whole

LAST_DAYS = 31
LONGEST_WHY = 200


@click.group("talk")
def talk() -> None:
    """Talks of mediators: theme, quartier, day and how many listened; who listened is written nowhere."""


@talk.command("list")
@click.option("--since", type=DAY, help=f"The first day; {LAST_DAYS} days ago when left out.")
def talk_list(since: date | None) -> None:
    """One line for each talk, the latest first: day, quartier, theme, how many listened, account, id."""
    from service.domain.talk_words import built_in_themes
    from service.store import talk_tables

    built = opened_runtime()
    today = built.today(built.now())
    first = since or today - timedelta(LAST_DAYS)
    if first > today:
        raise click.BadParameter(f"{first} is still to come", param_hint="--since")
    names = built_in_themes().names
    with built.database.read() as tx:
        found = talk_tables.talks_between(tx, first, today)
    for one in found:
        theme = names.get(one.theme, one.theme)
        click.echo(f"{one.held_on}  {one.zone:<24}  {theme:<26}  {one.participants:>3}  {one.mediator_id}  {one.id}")
    listened = sum(one.participants for one in found)
    click.echo(f"{len(found)} talks, {listened} listened" if len(found) != 1 else f"1 talk, {listened} listened")


@talk.command("drop")
@click.argument("talk_id", metavar="ID", type=ID)
@click.option("--by", required=True, metavar="NAME", help="Who says so.")
@click.option("--why", required=True, metavar="WORDS", help="Kept sealed beside it: no names.")
def talk_drop(talk_id: int, by: str, why: str) -> None:
    """A talk that was never held, as when somebody wrote in her name: it leaves every count, and is kept aside."""
    from service.store import talk_tables

    if not (2 <= len(by.strip()) <= 60 and 2 <= len(why.strip()) <= LONGEST_WHY):
        raise click.ClickException(f"write who drops it in 2 to 60 letters, and why in 2 to {LONGEST_WHY}")
    built = opened_runtime()
    with built.database.begin() as tx:
        one = whole(tx, talk_tables.ids_starting_with, talk_id)
        dropped = talk_tables.drop_talk(tx, one, by.strip(), why.strip(), built.now())
    if not dropped:
        raise click.ClickException(f"there is no talk {talk_id}: `laseli talk list` shows their ids")
    click.echo("Dropped: it counts no more.")
