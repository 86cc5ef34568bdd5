"""`python -m scheduler` and `laseli`: the command line, with the worker's own commands added."""

from __future__ import annotations

import json
import os
import sys
from datetime import datetime
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import click

from service import cli
from service.clock import FixedClock, Watch
from service.commands.opening import opened_runtime, usable_settings
from service.commands.rehearse_commands import rehearse_command
from service.commands.sim_commands import sim_group
from service.runtime import Runtime
from service.stories.keeping import clock_guard


def one_round(runtime: Runtime) -> dict[str, int]:
    """Everything of the timetable once."""
    # Only here: a command that looks at one thing starts in half the time without all the others.
    from scheduler import timetable

    return timetable.one_round(runtime)


main = cli.main
main.add_command(sim_group(one_round))
main.add_command(rehearse_command(one_round))


@main.command()
def worker() -> None:
    """Run the worker: it plans reminders, sends what is due, and settles what waits."""
    opened_runtime()  # what is wrong with the settings or the database is said here
    # In the place of this process, which has loaded every command: it would hold them for months.
    os.execv(sys.executable, [sys.executable, "-m", "scheduler.worker"])  # noqa: S606


@main.command()
@click.option(
    "--at", "at", metavar="ISO-TIME", help="As of this moment (2026-12-09T09:30), in a demo or rehearsal only."
)
@click.option("--dry-run", is_flag=True, help="Say how many messages would be queued; change and send nothing.")
def tick(at: str | None, dry_run: bool) -> None:
    """One round of the timetable: plan, send, settle."""
    runtime = _as_of(at) if at else opened_runtime()
    if at and not dry_run and not _time_may_be_moved(runtime):
        raise click.ClickException(
            "this database is neither a demo nor a rehearsal, so its time is not moved. Add --dry-run to look, "
            "or make a new one with `laseli db upgrade --rehearsal`."
        )
    if at and not dry_run and not _routes_stay_here(runtime):
        raise click.ClickException(
            "a route of LASELI_ROUTES leads to a real carrier; at an invented time nobody real is written to. "
            "Point its BASE_URL to this machine (127.0.0.1), or add --dry-run to look."
        )
    if dry_run:
        from service.stories.recall import recalls

        click.echo(json.dumps({"would_plan": recalls.count_due(runtime), "sent": 0}))
    else:
        _clock_is_right(runtime)
        click.echo(json.dumps(one_round(runtime)))


def _as_of(written: str) -> Runtime:
    found = usable_settings()
    try:
        moment = datetime.fromisoformat(written)
    except ValueError:
        raise click.BadParameter(
            f"'{written}' is no moment; write one like 2026-12-09T09:30", param_hint="--at"
        ) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=ZoneInfo(found.timezone))
    return opened_runtime(FixedClock(int(moment.timestamp() * 1000)))


def _clock_is_right(runtime: Runtime) -> None:
    with runtime.database.begin() as tx:
        doubt = clock_guard.look(tx, runtime, Watch())
    if doubt is not None:
        raise click.ClickException(doubt)


def _routes_stay_here(runtime: Runtime) -> bool:
    addresses = [getattr(runtime.config, route).base_url for route in runtime.config.routes]
    return all(urlsplit(address).hostname in ("127.0.0.1", "localhost", "::1") for address in addresses)


def _time_may_be_moved(runtime: Runtime) -> bool:
    with runtime.database.read() as tx:
        return clock_guard.time_may_be_moved(tx)


if __name__ == "__main__":
    main(prog_name="laseli")
