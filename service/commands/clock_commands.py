"""`laseli clock`: what the guard of the clock has seen, and the word of a person who looked."""

from __future__ import annotations

import click

from service.commands.opening import opened_runtime
from service.runtime import Runtime


@click.group()
def clock() -> None:
    """The machine's clock, and whether it is believed."""


@clock.command()
def status() -> None:
    """What the clock says, the latest moment that was ever seen, and why nothing is sent if it is doubted."""
    from service.store import system_tables
    from service.stories.delivery import dispatch_gate
    from service.stories.keeping import clock_guard

    runtime = opened_runtime()
    with runtime.database.read() as tx:
        seen = clock_guard.highest(tx)
        click.echo(f"this machine:     {_shown(runtime, runtime.now())} ({runtime.zone})")
        click.echo(f"the database:     {_shown(runtime, system_tables.database_time(tx))}")
        click.echo(f"seen last:        {_shown(runtime, seen) if seen is not None else 'no worker has run yet'}")
        for one in dispatch_gate.closed(tx):
            if one.reason == clock_guard.REASON:
                click.echo(one.detail)
        if clock_guard.time_may_be_moved(tx):
            click.echo("The guard is off: this is a demo or a rehearsal.")


@clock.command()
@click.option("--by", required=True, metavar="NAME", help="Who looked at the clock.")
def accept(by: str) -> None:
    """The clock is right: go on from now. Afterwards what is no longer useful expires, and is not sent late."""
    from service.stories.keeping import clock_guard

    runtime = opened_runtime()
    now = runtime.now()
    with runtime.database.begin() as tx:
        clock_guard.accept(tx, by, now)
    click.echo(f"Accepted: it is {_shown(runtime, now)}. A running worker goes on within seconds.")


def _shown(runtime: Runtime, moment: int) -> str:
    return f"{runtime.local(moment):%Y-%m-%d %H:%M:%S}"
