"""`laseli route`: by which carrier messages leave, why, and what a sysadmin can do about it."""

from __future__ import annotations

import json
from typing import Any

import click

from flows.phone_numbers import mask
from service import logs
from service.commands.days import read_moment
from service.commands.opening import opened_runtime
from service.domain import local_time
from service.runtime import Runtime


@click.group("route")
def route() -> None:
    """The routes out: their state, figures, pace and money (docs/routes.md)."""


@route.command("status")
@click.option("--json", "as_json", is_flag=True, help="The same as one JSON object.")
def route_status(as_json: bool) -> None:
    """Which route is open, what share it has with each operator and why, and what was spent today."""
    from service.stories.delivery import route_report

    runtime = opened_runtime()
    with runtime.database.read() as tx:
        found = route_report.report(tx, runtime, runtime.now())
    click.echo(json.dumps(found, ensure_ascii=False, indent=2) if as_json else "\n".join(status_lines(found)))


@route.command("pause")
@click.argument("channel")
@click.option("--reason", required=True, help="What a colleague will read: no names, no numbers of people.")
@click.option("--until", metavar="TIME", help="Local time at which it opens by itself: 18:00, 12/11/2026 18:00.")
@click.option("--by", required=True, metavar="NAME", help="Who decides it.")
def route_pause(channel: str, reason: str, until: str | None, by: str) -> None:
    """Let no message leave by this route; those that wait take another one, or wait."""
    from service.stories.delivery import route_book

    runtime = _with_route(channel)
    now = runtime.now()
    end = _moment(runtime, until, now) if until else None
    with runtime.database.begin() as tx:
        route_book.pause(tx, channel, "person", logs.scrub(reason), now, by, end)
    ends = (
        f" until {runtime.local(end):%Y-%m-%d %H:%M}." if end else f": `laseli route open {channel} --by NAME` ends it."
    )
    click.echo(f"{channel} is paused{ends}")


@route.command("open")
@click.argument("channel")
@click.option("--by", required=True, metavar="NAME", help="Who decides it.")
def route_open(channel: str, by: str) -> None:
    """Let messages leave by this route again; its share comes back by steps, without having to prove anything."""
    from service.stories.delivery import route_book

    runtime = _with_route(channel)
    with runtime.database.begin() as tx:
        changed = route_book.reopen(tx, channel, by, runtime.now())
    click.echo(f"{channel} is open; its share comes back by steps." if changed else f"{channel} was open already.")


@route.command("test")
@click.argument("channel")
@click.argument("number")
@click.option("--dry-run", is_flag=True, help="Say what would be sent; send nothing.")
@click.option("--even-closed", is_flag=True, help="Send this one although dispatch is closed or the money is spent.")
def route_test(channel: str, number: str, dry_run: bool, even_closed: bool) -> None:
    """Send ONE message to a number that you give, and say what the carrier answered. Exit 1 when it did not take it."""
    from service.stories.delivery import route_trying

    runtime = opened_runtime()
    now = runtime.now()
    try:
        if dry_run:
            with runtime.database.read() as tx:
                click.echo("\n".join(_plan_lines(route_trying.plan(tx, runtime, channel, number, now))))
            return
        tried = route_trying.send(runtime, channel, number, now, even_closed=even_closed)
    except route_trying.CannotTry as reason:
        raise click.ClickException(str(reason)) from None
    click.echo(f"{tried.words}\n{tried.remedy}")
    if not tried.taken:
        raise SystemExit(1)


def _with_route(channel: str) -> Runtime:
    runtime = opened_runtime()
    names = [one.name for one in runtime.ways_out]
    if channel not in names:
        raise click.ClickException(f"nothing leaves by '{channel}' here; there is {', '.join(names) or 'none'}")
    return runtime


def _moment(runtime: Runtime, written: str, now: int) -> int:
    try:
        moment = local_time.instant(read_moment(written, runtime.local(now)), runtime.zone)
    except click.BadParameter as unclear:
        unclear.param_hint = "--until"
        raise
    if moment <= now:
        raise click.BadParameter(f"'{written}' has passed", param_hint="--until")
    return moment


# --- lines for people ---------------------------------------------------------------------------------------


def _plan_lines(found: Any) -> list[str]:
    lines = [f"Would send by {found.channel} to {mask(found.number)}:", f"    {found.text}"]
    lines.append(f"    {found.parts} part, about {found.cost / 100:g} F")
    return lines + [f"In the way: {one}. Without --even-closed it would not leave." for one in found.obstacles]


def status_lines(found: dict[str, Any]) -> list[str]:
    """The report as a page of text."""
    lines = [f"Routes, {found['at']} local time"]
    lines += [f"DISPATCH IS CLOSED since {one['since']} ({one['reason']}): {one['detail']}" for one in found["closed"]]
    if not found["routes"]:
        lines.append("No route: set LASELI_ROUTES.")
    for one in found["routes"]:
        lines += ["", *_route_lines(one)]
    return [*lines, "", *_money_lines(found)]


def _route_lines(one: dict[str, Any]) -> list[str]:
    head = f"{one['channel']}{' (calls)' if one['calls'] else ''}: {one['state']}"
    if one["pace"] is not None:
        head += f", at most {one['pace']:g} parts a second ({one['may_leave_now']} may leave now)"
    lines = [head]
    if "scope" in one:
        end = f", until {one['until']}" if one["until"] else ""
        if one["until"] and one["scope"] != "person":
            tries = "one message tries it now, another at" if one["state"] == "trial" else "one message tries it at"
            end = f"; {tries} {one['until']}"
        lines.append(f"  since {one['since']} because of {one['scope']} (by {one['by']}): {one['reason']}{end}")
        lines.append(f"  remedy: {one['remedy']}")
    if one["operators"]:
        lines.append("  operator               share   sent  deliv  undel  refus  unkno  delay  F/part")
    for row in one["operators"]:
        lines.append(_operator_line(row))
    whys = dict.fromkeys((row["changed"], row["why"]) for row in one["operators"] if row["why"])
    return lines + [f"  {changed}  {why}" for changed, why in sorted(whys)]


def _operator_line(row: dict[str, Any]) -> str:
    share = f"{row['share']}%" + ("?" if row["on_trial"] else "")
    delay = "-" if row["delay_s"] is None else f"{row['delay_s']:g}s"
    price = "-" if row["part_fcfa"] is None else f"{row['part_fcfa']:g}"
    figures = "".join(f"{row[name]:>7}" for name in ("sent", "delivered", "undelivered", "refused", "unknown"))
    return f"  {row['name'][:22]:<22}{share:>6}{figures}{delay:>7}{price:>8}"


def _money_lines(found: dict[str, Any]) -> list[str]:
    lines = []
    for one in found["money"]:
        of = f" of {one['budget_fcfa']} F ({one['percent']} %)" if one["budget_fcfa"] is not None else ", no budget"
        state = "  STOPPED: nothing leaves" if one["stopped"] else "  nearly spent" if one["warned"] else ""
        name = "Spent today" if one["account"] == "all" else f"Spent by {one['account']} since it began"
        lines.append(f"{name}: {one['spent_fcfa']:g} F{of}{state}")
    if found["prices"]["example"]:
        lines.append("Prices are an example and decide nothing: write your own and set LASELI_PRICES_FILE.")
    return lines
