"""`laseli mutual ...`: the mutual's staff read the requests and say what became of them."""

from __future__ import annotations

from datetime import date

import click

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
        found = mutual_tables.memberships(tx, state, MOST_LINES)
    for one, phone in found:
        click.echo(_line(one, phone, str(built.today(one.requested_at))))
    if not found:
        click.echo(f"Nothing is {state}.")


@mutual.command("confirm")
@click.argument("number")
@click.option("--paid-until", required=True, type=DAY, help="The last covered day.")
@click.option("--by", default=BY, metavar="NAME", help="Who of the mutual says so.")
def mutual_confirm(number: str, paid_until: date, by: str) -> None:
    """The family is enrolled, or has paid again: laseli mutual confirm A-482177 --paid-until 2026-12-31.

    Before that day it is told so, where the mutual has settled that (docs/follow-ups.md).
    """
    from service.commands.opening import opened_runtime
    from service.stories import memberships

    built = opened_runtime()
    try:
        with built.database.begin() as tx:
            memberships.confirm(tx, built, _number(number), paid_until, by, built.now())
    except memberships.Refused as reason:
        raise click.ClickException(str(reason)) from None
    click.echo(f"{_number(number)} is active, paid until {paid_until}.")
    if built.config.cover is None:
        click.echo("The family is not told before that day: LASELI_COVER__CONFIRMED_BY says who settled when it is.")


@mutual.command("refuse")
@click.argument("number")
def mutual_refuse(number: str) -> None:
    """The mutual does not enrol this family: laseli mutual refuse A-482177."""
    from service.commands.opening import opened_runtime
    from service.stories import memberships

    built = opened_runtime()
    try:
        with built.database.begin() as tx:
            memberships.refuse(tx, _number(number), BY, built.now())
    except memberships.Refused as reason:
        raise click.ClickException(str(reason)) from None
    click.echo(f"{_number(number)} is refused.")


@mutual.command("end")
@click.argument("number")
@click.option("--by", default=BY, metavar="NAME", help="Who writes it down.")
def mutual_end(number: str, by: str) -> None:
    """The family wants no more of it: it is silent from now on. laseli mutual end A-482177 --by NAME"""
    from service.commands.opening import opened_runtime
    from service.stories import memberships

    built = opened_runtime()
    try:
        with built.database.begin() as tx:
            memberships.end(tx, built, _number(number), by, built.now())
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
    return f"{one.number}  {day}  {one.head_name}, {one.size} people, {one.package}, {price}{paid}  {phone}"
