"""`laseli replan`: every followed child planned anew, after a new calendar; it can be looked at, stopped, resumed."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

from service.commands.opening import opened_runtime, refusals_told

if TYPE_CHECKING:
    from service.store.replan_tables import Run


@click.group()
def replan() -> None:
    """Every followed child planned anew by the worker. No family is told anything by that alone."""


@replan.command("start")
@click.option("--by", default="", metavar="NAME", help="Who orders it: it is written down.")
@click.option("--dry-run", is_flag=True, help="Say how many children's dates would change; change nothing.")
def replan_start(by: str, dry_run: bool) -> None:
    """Have it done by the worker, in short pages beside everything else."""
    from service.stories.recall import replanning

    runtime = opened_runtime()
    if dry_run:
        found = replanning.foresee(runtime, lambda children: click.echo(f"\r{children:,} children", nl=False, err=True))
        click.echo(err=True)
        click.echo(f"{found.children:,} children would be planned anew, {found.changed:,} of them otherwise than now.")
        return
    with refusals_told(replanning.Refused):
        children = replanning.start(runtime, by)
    click.echo(f"{children:,} children: the worker is at it. `laseli replan status` shows how far it is.")


@replan.command("status")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def replan_status(as_json: bool) -> None:
    """How far it is, and how many children have a plan of an older calendar."""
    from service.stories.recall import replanning

    runtime = opened_runtime()
    run, older = replanning.status(runtime)
    if as_json:
        click.echo(json.dumps({"run": run._asdict() if run else None, "planned_by_another_calendar": older}, indent=2))
        return
    click.echo(_told(run, runtime.now(), runtime.zone) if run else "It was never started.")
    if older:
        click.echo(f"{older:,} children have a plan that another calendar made: `laseli replan start` plans them anew.")


def _told(run: Run, now: int, zone: str) -> str:
    share = f"{run.children:,} of {run.children_in_all:,} children, {run.changed:,} of them planned otherwise"
    began = f"{datetime.fromtimestamp(run.started_at / 1000, ZoneInfo(zone)):%Y-%m-%d %H:%M}"
    return f"{run.state}: {share}; begun {began} by {run.started_by}{_rest(run, now)}"


def _rest(run: Run, now: int) -> str:
    """Only a guess while it runs without a stop in between."""
    if run.state != "running" or not run.children:
        return ""
    left = (run.children_in_all - run.children) * (now - run.started_at) / run.children
    return f"; about {max(1, round(left / 60_000))} min more"


@replan.command("stop")
def replan_stop() -> None:
    """No further page; what was planned anew stays so."""
    from service.stories.recall import replanning

    _turn(replanning.stop, "Stopped. `laseli replan resume` goes on from here.")


@replan.command("resume")
def replan_resume() -> None:
    """Go on where it was stopped."""
    from service.stories.recall import replanning

    _turn(replanning.resume, "The worker goes on with it.")


def _turn(turn: object, said: str) -> None:
    from service.stories.recall import replanning

    assert callable(turn)
    with refusals_told(replanning.Refused):
        turn(opened_runtime())
    click.echo(said)
