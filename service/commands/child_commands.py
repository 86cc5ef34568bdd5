"""`laseli child`: a child that was stopped by mistake, or whose family asks again, is followed again."""

from __future__ import annotations

import click

from service.commands.opening import changing


@click.group("child")
def child() -> None:
    """Children, by the code in their booklet (docs/mediators.md)."""


@child.command("resume")
@click.argument("code")
@click.option("--by", required=True, metavar="NAME", help="Who spoke with the family.")
def child_resume(code: str, by: str) -> None:
    """Follow a child again, and plan anew: after a death noted by mistake, a move, a refusal, a stay in hospital."""
    from service.stories.care import home_visits

    with changing(home_visits.CannotResume) as (tx, runtime):
        was = home_visits.resume(tx, runtime, code, by, runtime.now())
    click.echo(f"It is followed again (before: {was}).")
