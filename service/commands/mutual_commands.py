"""`laseli mutual ...`: the mutual's staff read the requests and say what became of them."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import click

from flows.phone_numbers import show
from service.commands import cover_list_runs
from service.commands.days import DAY
from service.store.mutual_tables import Membership

STATES = ("requested", "active", "refused", "ended")
MOST_LINES = 500
BY = "command line"


@click.group()
def mutual() -> None:
    """Requests to join the mutual. Only the mutual enrols."""


@mutual.command("list")
@click.option("--state", type=click.Choice(STATES), default="requested", show_default=True, help="Only these.")
def mutual_list(state: str) -> None:
    """One line for each request: number, day, family, cover, price quoted, phone. It names people: close the screen."""
    from service.commands.opening import opened_runtime
    from service.store import mutual_tables

    built = opened_runtime()
    with built.database.read() as tx:
        found = mutual_tables.memberships(tx, state, MOST_LINES + 1)
    for one, phone in found[:MOST_LINES]:
        click.echo(_line(one, phone, str(built.today(one.requested_at))))
    if not found:
        click.echo(f"Nothing is {state}.")
    if len(found) > MOST_LINES:
        click.echo(f"There are more: these are the oldest {MOST_LINES}.")


@mutual.command("confirm")
@click.argument("number", required=False)
@click.option("--paid-until", type=DAY, help="The last covered day.")
@click.option("--by", metavar="NAME", help="Who of the mutual says so; a list needs it.")
@cover_list_runs.the_list
@cover_list_runs.dry_run
@cover_list_runs.rejects
def mutual_confirm(
    number: str | None,
    paid_until: date | None,
    by: str | None,
    file: Path | None,
    dry_run: bool,
    rejects: Path | None,
) -> None:
    """The family is enrolled, or has paid again: laseli mutual confirm A-482177 --paid-until 2026-12-31.

    Before that day it is told so, where the mutual has settled that (docs/follow-ups.md). A list has the columns
    "numéro" and "payé jusqu'au": laseli mutual confirm --list membres.xlsx --by Fatou --dry-run
    """
    from service.commands.opening import opened_runtime
    from service.domain.cover_lists import OF_CONFIRMED
    from service.stories.homes import memberships

    cover_list_runs.needs_one(number, file, dry_run, rejects)
    if file is not None:
        if paid_until is not None:
            raise click.UsageError("a list has the last covered day of each line: leave --paid-until out")
        cover_list_runs.run(file, OF_CONFIRMED, by, dry_run=dry_run, rejects=rejects)
        return
    if paid_until is None:
        raise click.UsageError("Missing option '--paid-until': the last covered day")
    assert number is not None, "one of the two was given"
    built = opened_runtime()
    try:
        with built.database.begin() as tx:
            memberships.confirm(tx, built, _number(number), paid_until, by or BY, built.now())
    except memberships.Refused as reason:
        raise click.ClickException(str(reason)) from None
    click.echo(f"{_number(number)} is active, paid until {paid_until}.")
    if built.config.cover is None:
        click.echo(cover_list_runs.NOT_TOLD)


@mutual.command("refuse")
@click.argument("number")
def mutual_refuse(number: str) -> None:
    """The mutual does not enrol this family: laseli mutual refuse A-482177."""
    from service.commands.opening import opened_runtime
    from service.stories.homes import memberships

    built = opened_runtime()
    try:
        with built.database.begin() as tx:
            memberships.refuse(tx, _number(number), BY, built.now())
    except memberships.Refused as reason:
        raise click.ClickException(str(reason)) from None
    click.echo(f"{_number(number)} is refused.")


@mutual.command("end")
@click.argument("number", required=False)
@click.option("--by", metavar="NAME", help="Who writes it down; a list needs it.")
@cover_list_runs.the_list
@cover_list_runs.dry_run
@cover_list_runs.rejects
def mutual_end(number: str | None, by: str | None, file: Path | None, dry_run: bool, rejects: Path | None) -> None:
    """The family wants no more of it: it is silent from now on. laseli mutual end A-482177 --by NAME

    A list has the column "numéro": laseli mutual end --list sorties.csv --by Fatou --dry-run
    """
    from service.commands.opening import opened_runtime
    from service.domain.cover_lists import OF_ENDED
    from service.stories.homes import memberships

    cover_list_runs.needs_one(number, file, dry_run, rejects)
    if file is not None:
        cover_list_runs.run(file, OF_ENDED, by, dry_run=dry_run, rejects=rejects)
        return
    assert number is not None, "one of the two was given"
    built = opened_runtime()
    try:
        with built.database.begin() as tx:
            memberships.end(tx, built, _number(number), by or BY, built.now())
    except memberships.Refused as reason:
        raise click.ClickException(str(reason)) from None
    click.echo(f"{_number(number)} is ended. Nothing more is said about it.")


def _number(written: str) -> str:
    """As it is kept, 'A-482177'; the letter may be left out."""
    digits = written.strip().upper().removeprefix("A").removeprefix("-")
    return f"A-{digits}"


def _line(one: Membership, phone: str, day: str) -> str:
    price = f"{one.monthly_fcfa} F a month" if one.monthly_fcfa else "no price quoted"
    paid = f", paid until {one.paid_until}" if one.paid_until else ""
    return f"{one.number}  {day}  {one.head_name}, {one.size} people, {one.package}, {price}{paid}  {show(phone)}"
