"""`laseli flow ...`: conversations are proved, shown, written down in other forms, and published."""

from __future__ import annotations

import sys

import click

from flows.loader import DEFINITIONS
from service.commands.import_commands import rapidpro_in, xlsform_in


@click.group()
def flow() -> None:
    """The conversations: flows/definitions and flows/phrases."""


@flow.command("check")
@click.option("--limit", type=click.IntRange(80, 182), default=160, show_default=True, help="Septets of a USSD screen.")
def flow_check(limit: int) -> None:
    """Prove that every conversation can be held: links, languages, ends, screens. Exit 1 on an error."""
    from flows import check
    from flows.loader import load_library
    from flows.mistakes import FlowMistake
    from flows.phrases import load_phrases
    from service.stories.effects import SIGNATURES

    try:
        library = load_library(DEFINITIONS)
        phrases = load_phrases()
    except FlowMistake as mistake:
        raise click.ClickException(str(mistake)) from None
    findings = [*check.check(library, SIGNATURES, limit), *check.check_phrases(phrases)]
    for line in check.lines(library, findings, limit):
        click.echo(line)
    sys.exit(1 if any(finding.level == "error" for finding in findings) else 0)


# Commands with a file of their own: one line each.
ADDED: tuple[click.Command, ...] = (
    xlsform_in,
    rapidpro_in,
)
for command in ADDED:
    flow.add_command(command)
