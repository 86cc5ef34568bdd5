"""`laseli report`: indicators computed from the records, for people, for Excel and for machines."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import groupby
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import click

from service.commands.days import DAY
from service.commands.opening import opened_runtime
from service.domain.ages import add_months
from service.domain.indicators import WHOLE, Definition, Indicator

if TYPE_CHECKING:
    from service.stories.staff.reports import Report

PARTS = (
    "coverage",
    "timeliness",
    "defaulters",
    "reach",
    "nutrition",
    "rounds",
    "pregnancies",
    "covers",
    "activities",
)
HEADS = {"%": "%", "F": "F pour un", "n": "par un", "#": ""}
_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command("report")
@click.argument("part", type=click.Choice([*PARTS, "all"]))
@click.option("--zone", default="", metavar="NAME", help="Only the children of this quartier.")
@click.option("--cohort", metavar="MONTHS", help="Only children born in 2026-01, or 2026-01..2026-06.")
@click.option("--as-of", type=DAY, help="As things stood on that day; today when left out.")
@click.option(
    "--by",
    type=click.Choice(["cohort", "zone", "whole"]),
    default="cohort",
    show_default=True,
    help="A line for each month of birth, for each quartier, or one for all.",
)
@click.option(
    "--within", type=click.IntRange(1, 120), metavar="DAYS", help="A dose so soon after a reminder follows it."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object on the terminal.")
@click.option("--xlsx", type=_FILE, help="Write a workbook: a sheet for each indicator, and their definitions.")
@click.option("--csv", "as_csv", type=_FILE, help="Write everything as one CSV (UTF-8, semicolons).")
def report(
    part: str,
    zone: str,
    cohort: str | None,
    as_of: date | None,
    by: str,
    within: int | None,
    as_json: bool,
    xlsx: Path | None,
    as_csv: Path | None,
) -> None:
    """Coverage, timeliness, late children, reminders, treatments, rounds, pregnancies, covers, visits and talks.

    What each figure counts: docs/indicators.md. Names nobody.
    """
    from service.commands import report_files
    from service.stories.staff import reports

    born = _cohort(cohort) if cohort else None
    runtime = opened_runtime()
    now = runtime.now()
    wanted = reports.Wanted(
        parts=PARTS if part == "all" else (part,),
        as_of=as_of or runtime.today(now),
        zone=zone,
        cohort=born,
        by=by,
        caught_up_days=within,
    )
    try:
        found = reports.report(runtime, wanted, now, _progress)
    except reports.CannotReport as reason:
        raise click.ClickException(str(reason)) from None
    try:
        for target, write in ((xlsx, report_files.write_xlsx), (as_csv, report_files.write_csv)):
            if target is not None:
                write(target, found)
                click.echo(f"{target} is written", err=True)
    except OSError as error:
        raise click.ClickException(f"{error.filename} cannot be written: {error.strerror}") from None
    if as_json:
        click.echo(json.dumps(as_data(found), ensure_ascii=False, indent=2))
    elif xlsx is None and as_csv is None:
        click.echo("\n".join(lines_of(found)))


def _cohort(written: str) -> tuple[date, date]:
    """The first and the last birthday of '2026-03' or '2026-01..2026-06'."""
    found = re.fullmatch(r"(\d{4}-\d\d)(?:\.\.(\d{4}-\d\d))?", written)
    try:
        if found is None:
            raise ValueError
        first = date.fromisoformat(f"{found[1]}-01")
        last = add_months(date.fromisoformat(f"{found[2] or found[1]}-01"), 1) - timedelta(1)
    except ValueError:
        raise click.BadParameter(
            f"'{written}' are no months; write 2026-03, or 2026-01..2026-06", param_hint="--cohort"
        ) from None
    if last < first:
        raise click.BadParameter(f"'{written}' ends before it begins", param_hint="--cohort")
    return first, last


def _progress(children: int) -> None:
    if sys.stderr.isatty():
        click.echo(f"\r{children} children read", nl=False, err=True)


# --- for machines -------------------------------------------------------------------------------------------


def as_data(found: Report) -> dict[str, Any]:
    """The report as plain data; `numerator` and `denominator` are null where a group is too small to be shown."""
    cohort = found.wanted.cohort
    return {
        "as_of": found.wanted.as_of.isoformat(),
        "zone": found.zone or None,
        "born": [day.isoformat() for day in cohort] if cohort else None,
        "by": found.wanted.by,
        "children_read": found.children,
        "deleted_children_counted": found.deleted,
        "smallest_group_shown": found.smallest,
        "indicators": [
            {
                "key": said.key,
                "title": said.title,
                "definition": said.says,
                "source": said.source,
                "unit": said.unit,
                "rows": [
                    {
                        "name": one.name,
                        "group": one.group,
                        "numerator": one.numerator,
                        "denominator": one.denominator,
                        "value": one.value,
                        "hidden": one.hidden or None,
                    }
                    for one in rows
                ],
            }
            for said, rows in by_definition(found)
        ],
    }


def by_definition(found: Report) -> Iterator[tuple[Definition, list[Indicator]]]:
    for said, rows in groupby(found.indicators, key=lambda one: one.definition):
        yield said, list(rows)


# --- for people ---------------------------------------------------------------------------------------------


def heading(found: Report) -> str:
    """Of whom, and on which day."""
    cohort = found.wanted.cohort
    born = f", nés du {cohort[0]:%d/%m/%Y} au {cohort[1]:%d/%m/%Y}" if cohort else ""
    where = f"quartier {found.zone}" if found.zone else "tous les quartiers"
    return f"Situation au {found.wanted.as_of:%d/%m/%Y}, {where}{born}"


def remarks(found: Report) -> list[str]:
    """What a reader must know besides the definitions."""
    lines = [f"Fiches lues : {found.children} ; enfants connus seulement par les comptes gardés : {found.deleted}."]
    if found.smallest is not None:
        lines.append(
            f"<{found.smallest} : groupe de moins de {found.smallest}, non montré ; « masqué » : le total trahirait "
            "un groupe non montré."
        )
    return lines


def lines_of(found: Report) -> list[str]:
    """The report as a page of text."""
    lines = [heading(found), *remarks(found)]
    for said, rows in by_definition(found):
        lines += ["", said.title.upper(), *_table(said, rows)]
        lines += _wrapped(f"Définition : {said.says}") + _wrapped(f"Source : {said.source}.")
    return lines


def _wrapped(words: str) -> list[str]:
    return wrap(words, 100, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False)


def _table(said: Definition, rows: list[Indicator]) -> list[str]:
    split = any(one.group != WHOLE for one in rows)
    header = ["", *(["groupe"] if split else []), said.top, said.bottom, HEADS[said.unit]]
    cells = [header]
    for one in rows:
        group = [one.group] if split else []
        cells.append([one.name, *group, _count(one.numerator, one), _count(one.denominator, one), _value(one)])
    widths = [max(len(row[place]) for row in cells) for place in range(len(header))]
    words = 1 + split  # the first columns are words, the others numbers
    return [
        "  "
        + "  ".join(
            cell.ljust(width) if place < words else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in cells
    ]


def _count(number: float | None, one: Indicator) -> str:
    return one.hidden if number is None else french(number)


def _value(one: Indicator) -> str:
    if one.definition.unit == "#":
        return ""
    return "-" if one.value is None else f"{one.value:.1f}".replace(".", ",")


def french(number: float) -> str:
    """1 234 or 1 234,5."""
    written = f"{number:,.0f}" if float(number).is_integer() else f"{number:,.2f}"
    return written.replace(",", " ").replace(".", ",")
