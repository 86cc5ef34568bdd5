"""A day or an hour as staff write it to a command: 2026-11-12, or 12/11/2026 as lists and messages have it."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta

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
HOW_MOMENT = "write 18:00 (the next time it strikes), 12/11/2026 18:00 or 2026-11-12T18:00"
_MOMENT = re.compile(r"(?:(\S+)(?:T|\s+))?([0-9]{1,2})[:hH]([0-9]{2})(?::00)?")


def read_moment(written: str, here: datetime) -> datetime:
    """The local moment that is meant, at this local hour; an hour alone is the next one. Raises BadParameter."""
    found = _MOMENT.fullmatch(written.strip())
    try:
        if found is None:
            raise ValueError
        hour = time(int(found[2]), int(found[3]))
        if found[1]:
            return datetime.combine(DAY.convert(found[1], None, None), hour)
    except ValueError:
        raise click.BadParameter(f"'{written}' is no local moment: {HOW_MOMENT}") from None
    today = datetime.combine(here.date(), hour)
    return today if today > here else today + timedelta(1)
