"""`laseli flow ...`: conversations are proved, shown, written down in other forms, and published."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from flows.loader import DEFINITIONS
from service.commands.floip_commands import check_floip, run_floip
from service.commands.floip_exchange_commands import floip_in, floip_out
from service.commands.import_commands import rapidpro_in, xlsform_in
from service.commands.publish_commands import flow_approve, flow_export, flow_publish, flow_releases, flow_rollback
from service.commands.sheet_commands import sheet
from service.commands.view_commands import flow_diff, flow_draw, flow_fmt, flow_show, library_at


@click.group()
def flow() -> None:
    """The conversations: flows/definitions and flows/phrases."""


@flow.command("check")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path), default=DEFINITIONS)
@click.option("--limit", type=click.IntRange(80, 182), default=160, show_default=True, help="Septets of a USSD screen.")
@click.option(
    "--against",
    type=click.Path(exists=True, path_type=Path),
    metavar="FOLDER",
    help="Also what must be said to those inside the conversations published before, kept in this folder.",
)
def flow_check(folder: Path, limit: int, against: Path | None) -> None:
    """Prove that every conversation can be held: links, languages, ends, screens. Exit 1 on an error.

    FOLDER holds the conversations; those that come with the program when it is left out.
    """
    from flows import check
    from flows.findings import in_order
    from flows.loader import load_library
    from flows.mistakes import FlowMistake
    from flows.phrases import load_phrases
    from service.stories.talk.effects import SIGNATURES

    try:
        library = load_library(folder)
        phrases = load_phrases()
    except FlowMistake as mistake:
        raise click.ClickException(str(mistake)) from None
    findings = [*check.check(library, SIGNATURES, limit), *check.check_phrases(phrases)]
    if against is not None:
        findings = in_order([*check.check_against(library_at(against), library), *findings])
    for line in check.lines(library, findings, limit):
        click.echo(line)
    sys.exit(1 if any(finding.level == "error" for finding in findings) else 0)


# Commands with a file of their own: one line each.
ADDED: tuple[click.Command, ...] = (
    flow_show,
    flow_draw,
    flow_fmt,
    flow_diff,
    sheet,
    flow_publish,
    flow_approve,
    flow_rollback,
    flow_releases,
    flow_export,
    run_floip,
    check_floip,
    floip_out,
    floip_in,
    xlsform_in,
    rapidpro_in,
)
for command in ADDED:
    flow.add_command(command)
