"""`laseli talk`: talks that mediators held, as they told them by SMS."""

from __future__ import annotations

from datetime import datetime, timedelta

import click

from service.commands.opening import opened_runtime

LAST_DAYS = 31


@click.group("talk")
def talk() -> None:
    """Talks of mediators: theme, quartier, day and how many listened; who listened is written nowhere."""


@talk.command("list")
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help=f"The first day; {LAST_DAYS} days ago when left out.")
def talk_list(since: datetime | None) -> None:
    """One line for each talk, the latest first: day, quartier, theme, how many listened, account."""
    from service.domain.talk_words import built_in_themes
    from service.store import talk_tables

    built = opened_runtime()
    today = built.today(built.now())
    first = since.date() if since else today - timedelta(LAST_DAYS)
    if first > today:
        raise click.BadParameter(f"{first} is still to come", param_hint="--since")
    names = built_in_themes().names
    with built.database.read() as tx:
        found = talk_tables.talks_between(tx, first, today)
    for one in found:
        theme = names.get(one.theme, one.theme)
        click.echo(f"{one.held_on}  {one.zone:<24}  {theme:<26}  {one.participants:>3}  {one.mediator_id}")
    listened = sum(one.participants for one in found)
    click.echo(f"{len(found)} talks, {listened} listened" if len(found) != 1 else f"1 talk, {listened} listened")
