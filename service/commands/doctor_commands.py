"""`laseli doctor`: everything a sysadmin should look at, the most urgent first, each with its remedy."""

from __future__ import annotations

import json
import sys
import textwrap

import click
from sqlalchemy.exc import DBAPIError

from service import logs
from service.clock import SystemClock
from service.commands.opening import missing_file
from service.config import BadConfig, Config
from service.domain import checkup
from service.domain.checkup_facts import Facts, Finding
from service.runtime import Runtime, build_runtime


@click.command()
@click.option("--json", "as_json", is_flag=True, help="A JSON list of what was found.")
@click.option("--brief", is_flag=True, help="One line: is all well? For a mail each morning.")
@click.option("--urgent", is_flag=True, help="Only what is `now`; silent when nothing is: for a mail each hour.")
def doctor(as_json: bool, brief: bool, urgent: bool) -> None:
    """Everything to look at, the most urgent first. Exit 1 when something is to be done; it changes nothing."""
    found = [one for one in _examine() if one.level == "now" or not urgent]
    if as_json:
        click.echo(json.dumps([one._asdict() for one in found], ensure_ascii=False, indent=2))
    elif brief:
        click.echo(_in_one_line(found))
    elif found or not urgent:
        for one in found:
            click.echo(_told(one))
        click.echo(_in_short(found))
    sys.exit(any(one.level != "know" for one in found))


def _examine() -> list[Finding]:
    try:
        settings = Config.from_env()
        missing = missing_file(settings)
        if missing is not None:
            return checkup.look_over(Facts(no_database_at=str(missing)))
        built = build_runtime(settings)
    except BadConfig as mistakes:
        return checkup.look_over(Facts(wrong_settings=tuple(mistakes.lines)))
    from service.stories.keeping import doctor as story

    logs.configure("ERROR")
    try:
        return story.examine(built, _now(built), click.get_current_context().find_root().params.get("settings"))
    finally:
        built.database.close()


def _now(built: Runtime) -> int:
    try:
        return built.now()
    except DBAPIError:  # the demo's clock asks the database
        return SystemClock().now()


_WRAPPER = textwrap.TextWrapper(96, break_long_words=False, break_on_hyphens=False)  # a path stays whole


def _told(one: Finding) -> str:
    head = f"{one.level:<5} {one.about:<14} "
    lines = [line for words in (one.said, f"→ {one.remedy}") for line in _WRAPPER.wrap(words)]
    return "\n".join((head if place == 0 else " " * len(head)) + line for place, line in enumerate(lines))


BLIND = {"settings", "database", "migrations", "integrity"}
"""With one of these in the way the tables are not read: most of the checks had nothing to look at."""


def _in_one_line(found: list[Finding]) -> str:
    """'Laseli: now worker, disk; soon backup. `laseli doctor` says what to do.'"""
    by_level = {level: dict.fromkeys(one.about for one in found if one.level == level) for level in ("now", "soon")}
    to_do = "; ".join(f"{level} {', '.join(abouts)}" for level, abouts in by_level.items() if abouts)
    if not to_do:
        return f"Laseli: all is well, {len(checkup.CHECKS)} things were looked at."
    return f"Laseli: {to_do}. `laseli doctor` says what to do."


def _in_short(found: list[Finding]) -> str:
    if any(one.about in BLIND for one in found):
        return "The rest could not be looked at: mend this first, then ask again."
    if not found:
        return f"All good: {len(checkup.CHECKS)} things were looked at."
    to_do = sum(one.level != "know" for one in found)
    return f"{len(checkup.CHECKS)} things were looked at; {to_do} to be done, {len(found) - to_do} to be known."
