"""`laseli purge`: forget now what is kept long enough, or one person who asked for it."""

from __future__ import annotations

from collections.abc import Mapping

import click

from service.commands.opening import opened_runtime
from service.domain.retention_rules import RULES

NAMES = [rule.name for rule in RULES if rule.when != "elsewhere"]


@click.group("purge", invoke_without_command=True)
@click.option("--dry-run", is_flag=True, help="Count, and change nothing.")
@click.option("--rule", "rules", multiple=True, type=click.Choice(NAMES), help="Only this one; may be repeated.")
@click.pass_context
def purge(context: click.Context, dry_run: bool, rules: tuple[str, ...]) -> None:
    """Do now what the worker does at night: delete what was kept for long enough (docs/keys-and-retention.md)."""
    if context.invoked_subcommand is not None:
        if dry_run or rules:
            raise click.UsageError(f"write the options after `{context.invoked_subcommand}`")
        return
    from service.stories.keeping import retention

    runtime = opened_runtime()
    try:
        done = retention.purge(runtime, rules, dry_run=dry_run)
    except retention.ClockJumped:
        raise click.ClickException(
            "dispatch stands still because the clock jumped: set the clock right first (`laseli doctor`)"
        ) from None
    for rule in RULES:
        if rule.name in done:
            click.echo(f"{done[rule.name]:>9}  {rule.name:<20} {rule.data}: {rule.keep}, then {rule.then}")
    click.echo(f"{sum(done.values()):>9}  rows in all{' would go' if dry_run else ''}")


@purge.command("person")
@click.option("--number", help="Asked for when left out: what stands in a command is kept by the shell.")
@click.option("--by", "by", required=True, metavar="NAME", help="Who does it.")
@click.option("--reason", required=True, help="Why, without a name or a number: it is kept for 24 months.")
@click.option("--dry-run", is_flag=True, help="Say how many rows would go, by table; change nothing.")
@click.option("--yes", is_flag=True, help="Do not ask again.")
def purge_person(number: str | None, by: str, reason: str, dry_run: bool, yes: bool) -> None:
    """Erase whoever uses this number, and the households that it alone serves. Nothing is written to it any more."""
    from flows import phone_numbers
    from service.stories.keeping import erasure

    runtime = opened_runtime()
    typed = number or click.prompt("Number", err=True)
    whom = phone_numbers.to_e164(typed, runtime.config.country)
    if whom is None:
        raise click.ClickException("that is no number of a mobile phone; write it like +223 70 00 00 01")
    _show(erasure.rehearse(runtime, whom, runtime.now()))
    if dry_run:
        return
    if not yes:
        click.confirm("Erase them for good?", abort=True, err=True)
    try:
        gone = erasure.forget_on_request(runtime, whom, by, reason, runtime.now())
    except erasure.NamesSomebody:
        raise click.ClickException(
            "the reason holds a number: it is kept when the person is not, so name nobody"
        ) from None
    click.echo(f"{gone.total()} rows are erased. The refusal of messages stays, as a keyed hash.")
    if not runtime.database.empty_journal():
        click.echo("A reader holds the database's journal: what was erased leaves it within the day.", err=True)


def _show(gone: Mapping[str, int]) -> None:
    for table, rows in sorted(gone.items()):
        if rows:
            click.echo(f"{rows:>9}  {table}")
    click.echo(f"{sum(gone.values()):>9}  rows in all")
