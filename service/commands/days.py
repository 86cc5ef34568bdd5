"""A day as staff write it to a command: 2026-11-12, or 12/11/2026 as the lists and the messages have it."""

from __future__ import annotations

import re
from datetime import date

import click

HOW = "write a day as 12/11/2026 (day, month, year) or 2026-11-12"


class _Day(click.ParamType[date]):
    """Never a day without its year: 12/11 may be of last year, and nobody guesses."""

    name = "day"

    def convert(self, value: str | date, param: click.Parameter | None, ctx: click.Context | None) -> date:
        if isinstance(value, date):
            return value
        written = value.strip()
        found = re.fullmatch(r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})", written)
        parts = found.groups() if found else ()
        if not found and (found := re.fullmatch(r"([0-9]{1,2})[/.]([0-9]{1,2})[/.]([0-9]{4})", written)):
            parts = found.groups()[::-1]
        elif not found and re.fullmatch(r"[0-9]{1,2}[/.-][0-9]{1,2}([/.-][0-9]{2})?", written):
            self.fail(f"'{written}' lacks its whole year: {HOW}", param, ctx)
        try:
            year, month, day = map(int, parts)
            return date(year, month, day)
        except ValueError:
            self.fail(f"'{written}' is no day: {HOW}", param, ctx)


DAY = _Day()
"""The one type of every day that a command takes; gives a date."""
