"""The `laseli` command, for sysadmins and staff. `worker` and `tick` are added by the scheduler."""

from __future__ import annotations

import base64
import os
import secrets
import socket
import sys
from pathlib import Path
from typing import TextIO

import click

from service import settings_file
from service.commands.centre_commands import centre
from service.commands.child_commands import child
from service.commands.clock_commands import clock
from service.commands.consent_commands import consent
from service.commands.db_commands import db
from service.commands.doctor_commands import doctor
from service.commands.dose_commands import dose
from service.commands.experiment_commands import experiment
from service.commands.feedback_commands import feedback
from service.commands.flow_commands import flow
from service.commands.follow_commands import follow
from service.commands.job_commands import jobs_group
from service.commands.key_commands import keys_rotate, keys_status
from service.commands.mediator_commands import mediator
from service.commands.move_commands import move_from
from service.commands.mutual_commands import mutual
from service.commands.opening import SaysWhatIsAway, opened_runtime, usable_settings
from service.commands.outbox_commands import outbox
from service.commands.purge_commands import purge
from service.commands.replan_commands import replan
from service.commands.report_commands import report
from service.commands.route_commands import route
from service.commands.staff_commands import staff
from service.commands.talk_commands import talk
from service.commands.task_commands import todo
from service.commands.treatment_commands import COMMANDS as TREATMENTS
from service.config import EXIT_BAD_CONFIG

_FOLDER = click.Path(file_okay=False, path_type=Path)
_FILE = click.Path(dir_okay=False, path_type=Path)


@click.group(cls=SaysWhatIsAway, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="laseli", prog_name="laseli")
@click.option("--demo", "on_demo", is_flag=True, help="On the demo's database in .demo, whatever the settings say.")
@click.option("--demo-folder", type=_FOLDER, help="The same of a demo made by `laseli demo --folder FOLDER`.")
@click.option("--settings", "settings", type=_FILE, help="Read LASELI_... from this file (docs/running.md).")
def main(on_demo: bool, demo_folder: Path | None, settings: Path | None) -> None:
    """Laseli: the SMS and USSD line of community health programmes."""
    if settings is not None:
        _use_settings(settings)
    if on_demo or demo_folder is not None:
        from service import demo_run

        demo_run.use_settings(demo_folder or demo_run.FOLDER)


def _use_settings(file: Path) -> None:
    try:
        settings_file.use(file)
    except settings_file.NoSettings as reason:
        click.echo(str(reason), err=True)
        sys.exit(EXIT_BAD_CONFIG)


# --- settings and keys --------------------------------------------------------------------------------------


@main.group()
def config() -> None:
    """The settings (environment variables LASELI_...)."""


@config.command("check")
def config_check() -> None:
    """Say whether the settings can be used; exit 78 when not."""
    found = usable_settings()
    click.echo(f"The settings are good. Database: {found.database_url.split('://')[0]}; ", nl=False)
    click.echo(f"routes: {', '.join(found.routes) or 'none (nothing will be sent: set LASELI_ROUTES)'}.")
    click.echo("Next: `laseli db upgrade`, then `laseli doctor`.")


@main.group()
def keys() -> None:
    """The keys that seal names, numbers and messages."""


@keys.command("new")
@click.option(
    "--number", type=click.IntRange(1, 255), default=1, help="Of keys that take the place of others: 2, 3 ..."
)
def keys_new(number: int) -> None:
    """Print new keys and a webhook secret, to be copied into the environment and into a safe place."""
    key = [base64.b64encode(secrets.token_bytes(32)).decode() for _ in range(2)]
    click.echo(f"LASELI_KEYS__IDENTITY={number}:{key[0]}")
    click.echo(f"LASELI_KEYS__INDEX={number}:{key[1]}")
    click.echo(f"# a webhook secret: {secrets.token_urlsafe(32)}")


keys.add_command(keys_status)
keys.add_command(keys_rotate)
db.add_command(move_from)
for treatment_command in TREATMENTS:
    follow.add_command(treatment_command)


# --- running ------------------------------------------------------------------------------------------------


@main.command()
def serve() -> None:
    """Run the web process (granian, with LASELI_WEB_THREADS threads)."""
    found = opened_runtime().config
    _port_is_free(found.host, found.port)
    # In the place of this process, which has loaded every command only to look.
    os.execv(sys.executable, [sys.executable, "-m", "service.web.server"])  # noqa: S606


def _port_is_free(host: str, port: int) -> None:
    """The server shares ports on purpose (SO_REUSEPORT): a forgotten one would get part of the requests."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as reason:
            raise click.ClickException(f"cannot listen on {host}:{port} (LASELI_HOST, LASELI_PORT): {reason}") from None


@main.command()
@click.option("--port", default=8000, show_default=True, help="Where the product listens.")
@click.option("--sim-port", default=8001, show_default=True, help="Where the page of phones listens.")
@click.option("--folder", type=_FOLDER, default=Path(".demo"), show_default=True, help="Where its database stands.")
@click.option("--fresh", is_flag=True, help="Throw the demo's former families away.")
def demo(port: int, sim_port: int, folder: Path, fresh: bool) -> None:
    """Web, worker and a pretend carrier with phones, on invented families; no network."""
    from service import demo_run

    sys.exit(demo_run.run(folder, port, sim_port, fresh=fresh))


@main.command(hidden=True)
@click.option("--port", required=True, type=int)
@click.option("--state", required=True, type=click.Path(path_type=Path))
def simulator(port: int, state: Path) -> None:
    """The pretend carrier of the demo; reads the same settings as the product."""
    from service import demo_run

    demo_run.serve_simulator(usable_settings(), port, state)


# --- care ---------------------------------------------------------------------------------------------------


@main.command()
@click.argument("cases", type=click.File("r", encoding="utf-8"))
@click.option("--json", "as_json", is_flag=True, help="A JSON list, one object for each case.")
def schedule(cases: TextIO, as_json: bool) -> None:
    """What the vaccination schedule says of each child in a file of cases (docs/schedule-cases.md)."""
    import json

    from service.domain.schedule_cases import CaseMistake, card, run_cases
    from service.domain.vaccine_calendar import built_in_calendar

    try:
        results = run_cases(cases.read(), built_in_calendar())
    except UnicodeDecodeError:
        raise click.ClickException(f"{cases.name} is not a text file in UTF-8") from None
    except CaseMistake as mistake:
        raise click.ClickException(str(mistake)) from None
    if as_json:
        click.echo(json.dumps(results, ensure_ascii=False, indent=2))
    else:
        click.echo("\n\n".join(card(result) for result in results))


for group in (
    centre,
    child,
    consent,
    clock,
    db,
    doctor,
    dose,
    experiment,
    feedback,
    flow,
    follow,
    jobs_group,
    mediator,
    mutual,
    outbox,
    purge,
    replan,
    report,
    route,
    staff,
    talk,
    todo,
):
    main.add_command(group)
