"""Public holidays, from the `holidays` package, and what a government announced over its estimates.

Feasts that follow the moon are known by calculation until they are announced, often on the eve: they are marked as
estimates, and the days beside them count too.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import date, timedelta
from functools import lru_cache
from importlib.util import find_spec, module_from_spec
from types import ModuleType
from typing import NamedTuple

ESTIMATED = " (estimated)"


class Holiday(NamedTuple):
    """`estimated`: the true day may be the one before or after."""

    name: str
    estimated: bool


class Holidays(NamedTuple):
    """The holidays of one country. `announced` wins over what is calculated: True is a holiday, False is none."""

    country: str
    spread_days: int = 0
    announced: Mapping[date, bool] = {}  # never changed

    def is_holiday(self, day: date) -> bool:
        """Whether it is one, or may be: an estimate counts `spread_days` before and after too."""
        if day in self.announced:
            return self.announced[day]
        if day in holidays_of(self.country, day.year):
            return True
        spread = range(-self.spread_days, self.spread_days + 1)
        return any(self._is_estimate(day + timedelta(offset)) for offset in spread if offset)

    def _is_estimate(self, day: date) -> bool:
        found = holidays_of(self.country, day.year).get(day)
        return found is not None and found.estimated


NONE = Holidays("")


@lru_cache(maxsize=64)
def holidays_of(country: str, year: int) -> Mapping[date, Holiday]:
    """The holidays of a country's year, by day; none for no country. KeyError for a country that is not known."""
    if not country:
        return {}
    try:
        found = _package().country_holidays(country, years=year, language="en_US")
    except NotImplementedError:
        raise KeyError(country) from None
    return {day: Holiday(name.replace(ESTIMATED, ""), ESTIMATED in name) for day, name in sorted(found.items())}


def _package() -> ModuleType:
    """`holidays`, which costs six megabytes with one country: only a process that asks pays for it.

    It loads a country's file when that country is asked for, but its folder of countries loads all 250 when it is
    imported, which costs sixteen megabytes more. So the folder is known to Python, and never run.
    """
    import holidays

    folder = f"{holidays.__name__}.countries"
    if folder not in sys.modules and (found := find_spec(folder)) is not None:
        sys.modules.setdefault(folder, module_from_spec(found))
    return holidays
