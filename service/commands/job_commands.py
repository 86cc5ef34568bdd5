"""`laseli jobs`: coarse jobs that wait, run, or were given up after the last try."""

from __future__ import annotations

import json
from datetime import datetime
from zoneinfo import ZoneInfo

import click

from service.commands.opening import opened_runtime


@click.group("jobs")
def jobs_group() -> None:
    """Coarse jobs: what waits, what runs, what was given up."""


@jobs_group.command("list")
@click.option("--state", type=click.Choice(["waiting", "running", "failed"]), help="Only these.")
@click.option("--json", "as_json", is_flag=True, help="A JSON list.")
def jobs_list(state: str | None, as_json: bool) -> None:
    """Every job, the oldest first. One that is done is not kept."""
    from service import jobs

    runtime = opened_runtime()
    with runtime.database.read() as tx:
        found = [job for job in jobs.listed(tx) if state in (None, job.state)]
    if as_json:
        click.echo(json.dumps([job._asdict() for job in found], indent=2))
        return
    zone = ZoneInfo(runtime.zone)
    for job in found:
        at = f"{datetime.fromtimestamp(job.at / 1000, zone):%Y-%m-%d %H:%M}" if job.at else "-"
        args = " ".join(f"{name}={value}" for name, value in job.args.items())
        tried = f"tried {job.tries}" if job.tries else "-"
        click.echo("  ".join((str(job.id), job.state, job.name, at, tried, job.error or "-", args)).rstrip())
    click.echo(f"{len(found)} jobs" if len(found) != 1 else "1 job")


@jobs_group.command("retry")
@click.argument("job_id", type=int)
def jobs_retry(job_id: int) -> None:
    """Try a job that was given up from the start; mend its reason first."""
    from service import jobs

    runtime = opened_runtime()
    with runtime.database.begin() as tx:
        if not jobs.retry(tx, job_id):
            raise _none_given_up(job_id)
    click.echo("It waits for a worker.")


@jobs_group.command("drop")
@click.argument("job_id", type=int)
def jobs_drop(job_id: int) -> None:
    """Take a job that was given up off the list: nobody will do it."""
    from service import jobs

    runtime = opened_runtime()
    with runtime.database.begin() as tx:
        if not jobs.drop(tx, job_id):
            raise _none_given_up(job_id)
    click.echo("Taken off the list.")


def _none_given_up(job_id: int) -> click.ClickException:
    return click.ClickException(f"no job {job_id} was given up: `laseli jobs list --state failed` shows them")
