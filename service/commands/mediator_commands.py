"""`laseli mediator`: accounts of mediators, made, opened again and closed by the programme's staff."""

from __future__ import annotations

from collections.abc import Sequence

import click

from flows.phone_numbers import show
from service.commands import short_ids
from service.commands.late_commands import mediator_late, mediator_page, mediator_reassign
from service.commands.opening import changing, opened_runtime
from service.commands.short_ids import ID

LANGUAGES = ("fr", "bm", "en")


@click.group("mediator")
def mediator() -> None:
    """Mediators: who they are, which quartiers they serve, and the PIN that proves it (docs/mediators.md)."""


mediator.add_command(mediator_late)
mediator.add_command(mediator_page)
mediator.add_command(mediator_reassign)


@mediator.command("add")
@click.option("--name", help="Asked for when left out: what stands in a command is kept by the shell.")
@click.option("--number", help="The number of her phone; asked for when left out, for the same reason.")
@click.option("--zones", required=True, metavar="NAMES", help="Her quartiers, with commas: 'Darsalam, Ouolofobougou'.")
@click.option(
    "--language", type=click.Choice(LANGUAGES), default="fr", show_default=True, help="In which she reads us."
)
def mediator_add(name: str | None, number: str | None, zones: str, language: str) -> None:
    """Make an account and print its first PIN, once: tell it to her, and write it nowhere."""
    from service.stories.staff import mediator_accounts

    named = name or click.prompt("Name", err=True)
    typed = number or click.prompt("Number", err=True)
    with changing(mediator_accounts.Refused) as (tx, runtime):
        added = mediator_accounts.add(
            tx, runtime, name=named, number=typed, zones=zones.split(","), language=language, now=runtime.now()
        )
    click.echo(f"Account {added.id}. First PIN: {added.pin}")


@mediator.command("list")
@click.option("--all", "with_former", is_flag=True, help="Those who left too.")
def mediator_list(with_former: bool) -> None:
    """One line for each account. It names people: close the screen."""
    from service.store import mediator_tables

    built = opened_runtime()
    states = ("active", "locked", "left") if with_former else ("active", "locked")
    with built.database.read() as tx:
        found = [(one, mediator_tables.zones_of(tx, one.id)) for one in mediator_tables.accounts(tx, states)]
    for one, zones in found:
        used = str(built.today(one.last_used_at)) if one.last_used_at else "never used"
        served = ", ".join(zone for _, zone in zones) or "-"
        click.echo(f"{one.id}  {one.state:<6}  {used:<10}  {one.language}  {show(one.number)}  {one.name}  {served}")
    click.echo(f"{len(found)} accounts" if len(found) != 1 else "1 account")


@mediator.command("pin")
@click.argument("account", type=ID)
def mediator_pin(account: int) -> None:
    """Give her another PIN, printed once; the former one opens nothing any more. A locked account stays locked."""
    from service.stories.staff import mediator_accounts

    with changing(mediator_accounts.Refused) as (tx, _):
        pin = mediator_accounts.new_pin(tx, short_ids.account(tx, account))
    click.echo(f"New PIN: {pin}")


@mediator.command("unlock")
@click.argument("account", type=ID)
@click.option("--by", required=True, metavar="NAME", help="Who spoke with her.")
def mediator_unlock(account: int, by: str) -> None:
    """Open an account that five wrong PINs in a row have locked, after speaking with her."""
    from service.stories.staff import mediator_accounts

    with changing(mediator_accounts.Refused) as (tx, runtime):
        opened = mediator_accounts.unlock(tx, short_ids.account(tx, account), by, runtime.now())
    click.echo("It is open again." if opened else "It was not locked.")


@mediator.command("zones")
@click.argument("account", type=ID)
@click.argument("zones")
def mediator_zones(account: int, zones: str) -> None:
    """The quartiers she serves from now on: laseli mediator zones 4821773 'Darsalam, Ouolofobougou'."""
    from service.stories.recall import late_overview
    from service.stories.staff import mediator_accounts

    with changing(mediator_accounts.Refused) as (tx, _):
        mediator_accounts.serve(tx, short_ids.account(tx, account), zones.split(","))
        alone = late_overview.unserved(tx)
    click.echo("She serves these quartiers, and no other.")
    _tell_unserved(alone)


@mediator.command("leave")
@click.argument("account", type=ID)
@click.option("--by", required=True, metavar="NAME", help="Who does it.")
def mediator_leave(account: int, by: str) -> None:
    """She works here no more: her phone and PIN open nothing. The account is deleted 90 days later."""
    from service.stories.recall import late_overview
    from service.stories.staff import mediator_accounts

    with changing(mediator_accounts.Refused) as (tx, runtime):
        mediator_accounts.leave(tx, short_ids.account(tx, account), by, runtime.now())
        alone = late_overview.unserved(tx)
    click.echo("The account is closed.")
    _tell_unserved(alone)


def _tell_unserved(alone: Sequence[tuple[str, int]]) -> None:
    if alone:
        named = ", ".join(f"{name} ({children})" for name, children in alone)
        click.echo(f"Nobody serves, with so many children followed: {named}.")
