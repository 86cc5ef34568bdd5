"""Figures about many children: what an indicator is, who stops on the way, who comes in time.

What is counted stands in `indicator_counts`, in which words in `indicator_definitions`.
"""

from __future__ import annotations

from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal, NamedTuple

from service.domain.vaccine_calendar import Calendar

WHOLE = "Ensemble"
Unit = Literal["%", "F", "n", "#"]


class Definition(NamedTuple):
    """What an indicator means, in one French sentence, and where that comes from. `top` and `bottom` name its counts.

    "F": `top` are francs CFA, and the value is francs for each one of `bottom`. "n": so many of `top` for each one.
    "#": a count of `top` alone, without a denominator and a value.
    """

    key: str
    title: str
    says: str
    source: str
    top: str
    bottom: str
    unit: Unit = "%"


class Indicator(NamedTuple):
    """One figure: `name` says of what (a dose, a band), `group` of whom (a cohort, a quartier, the whole).

    `hidden` is set where the counts are kept back, and says what is shown in their place: both are then None.
    """

    definition: Definition
    name: str
    group: str
    numerator: float | None
    denominator: int | None
    hidden: str = ""

    @property
    def value(self) -> float | None:
        """In the definition's unit, one decimal, half up. None when nobody is in the denominator, or it is hidden."""
        if not self.denominator or self.numerator is None:
            return None
        return _one_decimal(self.numerator, self.denominator, 100 if self.definition.unit == "%" else 1)

    @property
    def percent(self) -> float | None:
        return self.value if self.definition.unit == "%" else None


def hide_small(figures: list[Indicator], smallest: int, *, whole_too: bool) -> list[Indicator]:
    """Groups of fewer people than `smallest` are not shown, so that nobody is found by counting.

    Where one group alone would be hidden, the next smallest is hidden with it, or the whole where there is none: else
    the total would tell. `whole_too`: the whole is itself a quartier.
    """
    hidden: dict[int, str] = {}
    groups: dict[tuple[str, str], list[int]] = {}
    wholes: dict[tuple[str, str], int] = {}
    for place, one in enumerate(figures):
        row = one.definition.key, one.name
        if one.group == WHOLE:
            wholes[row] = place
        else:
            groups.setdefault(row, []).append(place)
        is_of_a_quartier = one.group != WHOLE or whole_too
        if is_of_a_quartier and one.denominator and one.denominator < smallest:
            hidden[place] = f"<{smallest}"
    for row, places in groups.items():
        others = [place for place in places if place not in hidden and figures[place].denominator]
        if sum(place in hidden for place in places) == 1:
            second = min(others, key=lambda place: figures[place].denominator or 0) if others else wholes.get(row)
            if second is not None:
                hidden.setdefault(second, "masqué")
    return [
        one._replace(numerator=None, denominator=None, hidden=hidden[place]) if place in hidden else one
        for place, one in enumerate(figures)
    ]


class DropOut(NamedTuple):
    """`percent` is None when nobody began. A negative value is kept: it points to a data problem."""

    percent: float | None
    negative: bool


def drop_out(first: int, last: int) -> DropOut:
    """How many of those who had the first dose did not have the last, in percent, one decimal, half up (R15)."""
    if first == 0:
        return DropOut(None, negative=False)
    return DropOut(_one_decimal(first - last, first, 100), negative=last > first)


def _one_decimal(top: float, bottom: int, times: int) -> float:
    exact = Decimal(str(top)) * times / Decimal(bottom)
    return float(exact.quantize(Decimal("0.1"), rounding=ROUND_HALF_UP)) + 0.0  # + 0.0: never "-0.0"


def is_timely(calendar: Calendar, dose: str, dob: date, given: date, *, grace_days: int | None = None) -> bool | None:
    """A valid dose given soon enough after its recommended age (R16). None for a dose recommended by season.

    A dose given before its minimum age is not valid, hence not timely.
    """
    _, rule = calendar.dose(dose)
    if rule.recommended is None:
        return None
    grace = timedelta(calendar.settings.grace_days if grace_days is None else grace_days)
    latest = rule.recommended.after(dob) + timedelta(calendar.settings.timely_within_days)
    return rule.min_age.after(dob) <= given + grace and given <= latest
