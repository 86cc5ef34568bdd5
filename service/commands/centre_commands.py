"""`laseli centre ...`: on which days a health centre vaccinates, what is cancelled, added, out of stock or back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING, Any

import click

from service.commands.days import DAY
from service.runtime import Runtime

if TYPE_CHECKING:
    from service.store.centre_tables import Fact
    from service.stories.recall.centre_calendar import Outcome, Said

FRANC = 100
Say = Callable[[Runtime, "Said"], "Outcome"]


def _who(command: Callable[..., None]) -> Callable[..., None]:
    for option in (
        click.option("--dry-run", is_flag=True, help="Say how many families and SMS it would be; change nothing."),
        click.option("--why", default="", metavar="WORDS", help="Kept with it: no names."),
        click.option("--by", default="", metavar="NAME", help="Who says so; neither is needed for a dry run."),
    ):
        command = option(command)
    return command


@click.group()
def centre() -> None:
    """What a health centre says of its days. Families that are touched get new dates, and pardon once."""


@centre.command("list")
def centre_list() -> None:
    """Every centre: code, name, and what stands of what it said."""
    from service.commands.opening import opened_runtime
    from service.store import centre_tables

    built = opened_runtime()
    with built.database.read() as tx:
        for centre_id, code, name in centre_tables.centres(tx):
            usual = ", ".join(centre_tables.usual_days(tx, centre_id)) or "days not known"
            click.echo(f"{code}  {name}: {usual}")
            for one in centre_tables.standing_facts(tx, centre_id):
                click.echo(f"    {_told(one)}")


@centre.command("days")
@click.argument("code")
@click.argument("week", nargs=-1, required=True, metavar="DAY[:ANTIGENS]...")
@click.option("--since", type=DAY, help="The first day that it holds; today when left out.")
@_who
def centre_days(code: str, week: tuple[str, ...], since: date | None, **who: Any) -> None:
    """Its days of the week: laseli centre days GY73 mon wed tue:BCG,MR --by Awa --why "la sage-femme l'a dit"."""
    from service.stories.recall import centre_calendar

    lines = [(day.strip().lower(), only.split(",")) for day, _, only in (word.partition(":") for word in week)]
    _do(lambda built, said: centre_calendar.set_days(built, code, lines, _or_today(built, since), said), who)


@centre.command("cancel")
@click.argument("code")
@click.argument("day", type=DAY)
@_who
def centre_cancel(code: str, day: date, **who: Any) -> None:
    """No vaccination on that day: laseli centre cancel GY73 2026-12-12 --by Awa --why "jour de fete"."""
    from service.stories.recall import centre_calendar

    _do(lambda built, said: centre_calendar.cancel_day(built, code, day, said), who)


@centre.command("extra")
@click.argument("code")
@click.argument("day", type=DAY)
@click.option("--antigens", default="", help="Only these: BCG,MR; all when left out.")
@_who
def centre_extra(code: str, day: date, antigens: str, **who: Any) -> None:
    """A day more, or a cancelled one that takes place after all."""
    from service.stories.recall import centre_calendar

    _do(lambda built, said: centre_calendar.add_day(built, code, day, antigens.split(","), said), who)


@centre.command("stock")
@click.argument("code")
@click.argument("antigen")
@click.argument("state", type=click.Choice(["out", "back"]))
@click.option("--since", type=DAY, help="The first day that it is so; today when left out.")
@click.option("--until", type=DAY, help="The last day without it, when that is known.")
@_who
def centre_stock(code: str, antigen: str, state: str, since: date | None, until: date | None, **who: Any) -> None:
    """An antigen is missing, or there again: laseli centre stock GY73 BCG out --by Awa --why "rupture au district"."""
    from service.stories.recall import centre_calendar

    if state == "back" and until is not None:
        raise click.UsageError("--until goes with `out`: whoever has it again says since when (--since)")

    def say(built: Runtime, said: Said) -> Outcome:
        day = _or_today(built, since)
        if state == "back":
            return centre_calendar.back_in_stock(built, code, antigen, day, said)
        return centre_calendar.out_of_stock(built, code, antigen, day, until, said)

    _do(say, who)


def _do(say: Say, who: dict[str, Any]) -> None:
    from service.commands.opening import opened_runtime, refusals_told
    from service.stories.recall import centre_calendar

    said = centre_calendar.Said(who["by"], who["why"], who["dry_run"])
    with refusals_told(centre_calendar.Refused):
        outcome = say(opened_runtime(), said)
    click.echo(_sentence(outcome, dry_run=said.dry_run))


def _sentence(outcome: Outcome, *, dry_run: bool) -> str:
    known = "" if outcome.is_new else "This was known already. "
    verb = "would get" if dry_run else "got"
    cost = f" (about {outcome.cost / FRANC:.0f} F CFA)" if outcome.messages else ""
    nothing = " Nothing was changed." if dry_run else ""
    return f"{known}{outcome.families} families {verb} another day; {outcome.messages} SMS ask pardon{cost}.{nothing}"


def _or_today(built: Runtime, day: date | None) -> date:
    return day or built.today(built.now())


def _told(one: Fact) -> str:
    what = {"weekly": one.weekday or "", "cancelled": "no vaccination", "extra": "one day more", "stock_out": "without"}
    antigens = f" {', '.join(one.antigens)}" if one.antigens else ""
    until = "" if one.until == one.since else f" until {one.until or 'further notice'}"
    return f"{what[one.kind]}{antigens}, {one.since}{until} ({one.recorded_by}: {one.why})"
