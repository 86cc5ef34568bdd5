"""`laseli follow ...`: the centre opens and ends follow-ups of pregnancies and of the weeks after a birth."""

from __future__ import annotations

import re
from datetime import date

import click
from sqlalchemy.engine import Connection

from flows.phone_numbers import show, to_e164
from service.commands.days import DAY
from service.commands.opening import changing, opened_runtime
from service.commands.round_commands import rounds
from service.runtime import Runtime

MOST_LINES = 500
WORDS = "laseli follow open, 1"
"""What stands as the words of a consent: those that `follow open` asks staff to read, in their first form."""
READ_TO_HER = (
    "Lui lire, à elle seule : « Nous gardons votre numéro et vos dates, et celles du bébé, "
    "pour des SMS sans détail. D'accord ? » A-t-elle dit oui ?"
)
by_whom = click.option("--by", required=True, metavar="NAME", help="Who writes it down.")


@click.group("follow")
def follow() -> None:
    """Pregnancies, births, malaria rounds: dated contacts, told without a detail (docs/follow-ups.md)."""


follow.add_command(rounds)


@follow.command("list")
@click.option("--names", is_flag=True, help="With name and number: close the screen.")
def follow_list(names: bool) -> None:
    """One line for each open one: quartier, code, the next contact and its day. Late ones are marked."""
    from service.store import follow_up_tables
    from service.stories.care import follow_up_plans
    from service.stories.homes import families

    built = opened_runtime()
    today = built.today(built.now())
    with built.database.read() as tx:
        found = [
            (each, follow_up_plans.next_contact(tx, built, each[0], today))
            for each in follow_up_tables.all_open(tx, MOST_LINES)
        ]
    for (one, zone, name, number), coming in found:
        due = f"{coming.id:<6}  {coming.best_on}" if coming else "nothing left"
        late = "  late" if coming and coming.late else ""
        whose = f"  {name or '-'}  {show(number) if number else '-'}" if names else ""
        click.echo(f"{families.show_code(one.code)}  {zone or '-'}  {due}{late}{whose}")
    click.echo(f"{len(found)} follow-ups" if len(found) != 1 else "1 follow-up")


@follow.command("open")
@click.option("--zone", required=True, metavar="NAME", help="Her quartier.")
@click.option("--week", required=True, type=click.IntRange(0, 45), help="The full weeks written on the card.")
@click.option("--seen-on", type=DAY, help="The day on which they were written; today when left out.")
@click.option(
    "--give-or-take",
    type=click.IntRange(0, 8),
    default=0,
    show_default=True,
    metavar="WEEKS",
    help="How unsure the week is.",
)
@click.option(
    "--another", is_flag=True, help="Not the person who is registered on this phone, nor a woman followed there."
)
@click.option(
    "--language",
    type=click.Choice(("fr", "bm", "en")),
    default="fr",
    show_default=True,
    help="In which she is written to.",
)
@by_whom
def follow_open(
    zone: str, week: int, seen_on: date | None, give_or_take: int, another: bool, language: str, by: str
) -> None:
    """Follow a pregnancy, once the woman has agreed. Her number and name are asked for, never written in a command."""
    from service.stories.care import follow_ups
    from service.stories.care.follow_ups import Opening
    from service.stories.homes.consents import Words

    number = click.prompt("Her number", err=True)
    name = click.prompt("Her name (may be left empty)", default="", show_default=False, err=True)
    if not click.confirm(READ_TO_HER, err=True):
        raise click.ClickException("without her yes nothing is kept")
    with changing(follow_ups.Refused) as (tx, runtime):
        now = runtime.now()
        told = Opening(
            number=to_e164(number, runtime.config.country) or number,
            zone_id=_zone(tx, zone),
            week=week,
            seen_on=_day(runtime, seen_on),
            consent=Words(WORDS, language, "told"),
            by=by,
            give_or_take_weeks=give_or_take,
            another=another,
            name=name.strip() or None,
        )
        opened = follow_ups.open_pregnancy(tx, runtime, told, now)
    coming = f"Next contact: {opened.next.id}, {opened.next.best_on}." if opened.next else "No contact is left."
    click.echo(f"Code {opened.code}, for her booklet. {coming}")


@follow.command("contact")
@click.argument("code")
@click.option("--on", "on", type=DAY, help="The day of the visit; today when left out.")
@by_whom
def follow_contact(code: str, on: date | None, by: str) -> None:
    """A visit was made: laseli follow contact 48217730 --by NAME."""
    from service.stories.care import follow_ups

    with changing(follow_ups.Refused) as (tx, runtime):
        one = follow_ups.find(tx, _digits(code))
        then = follow_ups.contact_done(tx, runtime, one, _day(runtime, on), by, runtime.now())
    click.echo(f"Noted. Next contact: {then.next.id}, {then.next.best_on}." if then.next else "Noted. It was the last.")


@follow.command("birth")
@click.argument("code")
@click.option("--on", "on", required=True, type=DAY, help="The day of the birth.")
@click.option("--alive", required=True, type=int, help="Living children; 0 closes everything in silence.")
@click.option("--sexes", default="", metavar="F,M", help="In the order of birth; may be left out.")
@click.option("--really", is_flag=True, help="The day is right, though much too early or too late.")
@by_whom
def follow_birth(code: str, on: date, alive: int, sexes: str, really: bool, by: str) -> None:
    """The child is born: it is followed from now on, without registering again."""
    from service.stories.care import follow_ups

    said = [word.strip().upper() for word in sexes.split(",") if word.strip()]
    if set(said) - {"F", "M"}:
        raise click.ClickException("--sexes takes F and M, with commas")
    with changing(follow_ups.Refused) as (tx, runtime):
        one = follow_ups.find(tx, _digits(code))
        born = follow_ups.birth(tx, runtime, one, on, alive, by, runtime.now(), said, really=really)
    for child_code in born.codes:
        click.echo(f"Child {child_code}: write the code in its booklet.")
    if born.known:
        click.echo(f"Followed before, and left as they are: {born.known}.")
    if not alive:
        click.echo("Closed. Nothing more is sent.")


@follow.command("loss")
@click.argument("code")
@click.option("--on", "on", type=DAY, help="Today when left out.")
@click.option("--child", "child_code", metavar="CODE", help="After a birth of several: which one, or 'all'.")
@by_whom
def follow_loss(code: str, on: date | None, child_code: str | None, by: str) -> None:
    """A loss: everything ends at once, and nothing is ever sent about it."""
    from service.stories.care import follow_ups

    which = child_code if child_code in (None, follow_ups.EVERY_CHILD) else _digits(child_code)
    with changing(follow_ups.Refused) as (tx, runtime):
        one = follow_ups.find(tx, _digits(code))
        follow_ups.loss(tx, runtime, one, _day(runtime, on), runtime.now(), by=by, child_code=which)
    click.echo("Closed. Nothing more is sent.")


@follow.command("end")
@click.argument("code")
@click.option(
    "--why", required=True, type=click.Choice(("moved", "withdrawn", "death", "complete")), help="How it ended."
)
@click.option("--on", "on", type=DAY, help="Today when left out.")
@by_whom
def follow_end(code: str, why: str, on: date | None, by: str) -> None:
    """She moved, wants no more of it, died, or it is complete."""
    from service.stories.care import follow_ups

    with changing(follow_ups.Refused) as (tx, runtime):
        one = follow_ups.find(tx, _digits(code))
        follow_ups.end(tx, runtime, one, why, _day(runtime, on), by, runtime.now())
    click.echo("Closed. Nothing more is sent.")


def _digits(code: str | None) -> str:
    return re.sub(r"\D", "", code or "")


def _day(runtime: Runtime, said: date | None) -> date:
    return said or runtime.today(runtime.now())


def _zone(tx: Connection, name: str) -> int:
    from service.store import place_tables

    known = {named.casefold(): zone_id for zone_id, named in place_tables.zones(tx)}
    found = known.get(name.strip().casefold())
    if found is None:
        raise click.ClickException(f"'{name}' is no quartier of ours")
    return found
