"""What the two years came to: doses on time by antigen, days late, and the difference with its uncertainty.

The two years are of the same families with the same luck, so the difference is taken family by family.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from service.rehearsing.card import judged_doses
from service.rehearsing.lives import World
from service.rehearsing.year import Home

LATE_BINS = (("à temps", 10), ("11–28 j", 28), ("29–56 j", 56), ("plus tard", 10**6))
NEVER = "pas reçue"


class Share(NamedTuple):
    """Doses on time of all the doses that came due; `dose` is "" for all of them."""

    dose: str
    due: int
    on_time_with: int
    on_time_without: int


class Effect(NamedTuple):
    """The difference of the shares in percentage points, with the limits of its 95 % confidence interval."""

    points: float
    low: float
    high: float


class Month(NamedTuple):
    """Of a calendar month: doses that came due in it, and visits on which nothing could be given."""

    month: str
    due: int
    on_time_with: int
    on_time_without: int
    in_vain_with: int
    in_vain_without: int


class Results(NamedTuple):
    """`late`: (how late, doses with reminders, doses without)."""

    doses: tuple[Share, ...]
    total: Share
    effect: Effect
    late: tuple[tuple[str, int, int], ...]
    months: tuple[Month, ...]


def compare(world: World, with_line: Sequence[Home], without: Sequence[Home]) -> Results:
    """The same families, in the same order, in both."""
    window = world.calendar.settings.due_window_days
    due: dict[str, int] = defaultdict(int)
    on_time: tuple[dict[str, int], ...] = (defaultdict(int), defaultdict(int))
    late: tuple[dict[str, int], ...] = (defaultdict(int), defaultdict(int))
    families: list[tuple[int, int]] = []
    months: Counter[tuple[str, str]] = Counter()
    for pair in zip(with_line, without, strict=True):
        counted = difference = 0
        for key in pair[0].cards:
            cards = [home.cards[key] for home in pair]
            for which, card in zip(("in_vain_with", "in_vain_without"), cards, strict=True):
                months.update((f"{day:%Y-%m}", which) for day in card.in_vain)
            found = judged_doses(world, cards[0].kid, cards[0].profile, pair[0].family.left_on)
            for dose, on in found.items():
                due[dose] += 1
                months[f"{on:%Y-%m}", "due"] += 1
                counted += 1
                days = [(card.done[dose] - on).days if dose in card.done else None for card in cards]
                for year, one in enumerate(days):
                    late[year][_bin(one)] += 1
                    in_time = one is not None and one <= window
                    on_time[year][dose] += in_time
                    months[f"{on:%Y-%m}", ("on_time_with", "on_time_without")[year]] += in_time
                difference += sum(
                    sign * (one is not None and one <= window) for sign, one in zip((1, -1), days, strict=True)
                )
        families.append((difference, counted))
    order = [dose for visit in world.calendar.visits for dose in visit.doses if dose in due]
    shares = tuple(Share(dose, due[dose], on_time[0][dose], on_time[1][dose]) for dose in order)
    total = Share("", sum(due.values()), sum(on_time[0].values()), sum(on_time[1].values()))
    lived = sorted({month for month, _ in months})
    by_month = tuple(Month(month, *(months[month, which] for which in Month._fields[1:])) for month in lived)
    bins = [*(name for name, _ in LATE_BINS), NEVER]
    return Results(
        shares, total, effect_of(families), tuple((name, late[0][name], late[1][name]) for name in bins), by_month
    )


def _bin(days: int | None) -> str:
    return NEVER if days is None else next(name for name, most in LATE_BINS if days <= most)


def effect_of(families: Sequence[tuple[int, int]]) -> Effect:
    """From (doses more on time, doses due) of each family: a ratio of sums, its variance between families.

    Doses of one family are no separate witnesses. The usual large-sample formula for a ratio of clusters.
    """
    counted = sum(doses for _, doses in families)
    if not counted or len(families) < 2:
        return Effect(0.0, 0.0, 0.0)
    ratio = sum(more for more, _ in families) / counted
    spread = sum((more - ratio * doses) ** 2 for more, doses in families)
    error = math.sqrt(spread * len(families) / (len(families) - 1)) / counted
    return Effect(100 * ratio, 100 * (ratio - 1.96 * error), 100 * (ratio + 1.96 * error))
