"""What an experiment came to: the difference of the shares on time, its uncertainty, and the price of a dose on time.

Doses of one family are no separate witnesses, so every variance is taken between families. Methods and sources:

- a share is a ratio of two sums over families; its variance is that of the linearised ratio with the cluster as the
  unit (Cochran, Sampling Techniques, 1977, chapter 6; a cluster-robust variance: Williams, Biometrics 2000);
- the limits of a price, a ratio of two differences that vary together, are Fieller's (Willan and O'Brien, Health
  Economics 1996); they exist only where the difference of the shares is clear of nought;
- the least effect that can be seen: two proportions with a design effect (Kerry and Bland, BMJ 1998; Donner and Klar,
  Design and Analysis of Cluster Randomization Trials, 2000).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from statistics import NormalDist
from typing import Literal, NamedTuple

Z = NormalDist().inv_cdf(0.975)
"""95 %."""
Unpriced = Literal["", "no difference", "fewer on time", "too few", "no cost"]


class Family(NamedTuple):
    """Doses that were counted, those of them on time, and what its reminders cost (hundredths of a franc)."""

    due: int
    on_time: int
    cost: int = 0


class Sums(NamedTuple):
    """All that is needed of an arm, however many families it has: sums, and sums of products."""

    families: int = 0
    due: int = 0
    on_time: int = 0
    cost: int = 0
    due_due: int = 0
    on_time_on_time: int = 0
    cost_cost: int = 0
    due_on_time: int = 0
    due_cost: int = 0
    on_time_cost: int = 0

    def add(self, one: Family) -> Sums:
        """With one family more; a family without a dose that is counted is no witness."""
        if not one.due:
            return self
        due, came, cost = one
        products = (due * due, came * came, cost * cost, due * came, due * cost, came * cost)
        return Sums(*(x + y for x, y in zip(self, (1, due, came, cost, *products), strict=True)))

    @property
    def share(self) -> float:
        return self.on_time / self.due if self.due else 0.0

    @property
    def cost_of_a_dose(self) -> float:
        return self.cost / self.due if self.due else 0.0

    def variances(self) -> tuple[float, float, float]:
        """Of the share on time, of the cost of a dose, and how the two vary together."""
        p, k, n = self.share, self.cost_of_a_dose, self.families
        if n < 2:
            return 0.0, 0.0, 0.0
        came = self.on_time_on_time - 2 * p * self.due_on_time + p * p * self.due_due
        cost = self.cost_cost - 2 * k * self.due_cost + k * k * self.due_due
        both = self.on_time_cost - k * self.due_on_time - p * self.due_cost + p * k * self.due_due
        scale = n / (n - 1) / self.due**2
        return max(0.0, came * scale), max(0.0, cost * scale), both * scale


def sums_of(families: Iterable[Family]) -> Sums:
    total = Sums()
    for one in families:
        total = total.add(one)
    return total


class Interval(NamedTuple):
    value: float
    low: float
    high: float


class Found(NamedTuple):
    """`effect`: percentage points on time that the arm with more has more; None where no interval can be had.

    `price`: francs for each further dose on time; None, and `unpriced` says why.
    """

    effect: Interval | None
    price: Interval | None
    unpriced: Unpriced


def compare(more: Sums, less: Sums) -> Found:
    """`more` is the arm whose benefit is asked for: it has the early steps, or the new words."""
    came, cost, both = (x + y for x, y in zip(more.variances(), less.variances(), strict=True))
    if min(more.families, less.families) < 2 or came == 0:
        return Found(None, None, "too few")
    gain = more.share - less.share
    error = Z * math.sqrt(came)
    effect = Interval(100 * gain, 100 * (gain - error), 100 * (gain + error))
    if effect.low <= 0 <= effect.high:
        return Found(effect, None, "no difference")
    if gain < 0:
        return Found(effect, None, "fewer on time")
    if not more.cost and not less.cost:
        return Found(effect, None, "no cost")
    return Found(effect, _price(more.cost_of_a_dose - less.cost_of_a_dose, gain, cost, came, both), "")


def _price(spent: float, gain: float, var_spent: float, var_gain: float, both: float) -> Interval:
    """Fieller's limits of spent / gain, in francs. The gain is clear of nought, so both limits exist."""
    square = Z * Z
    a = gain * gain - square * var_gain
    b = spent * gain - square * both
    c = spent * spent - square * var_spent
    root = math.sqrt(max(0.0, b * b - a * c))
    return Interval(spent / gain / 100, (b - root) / a / 100, (b + root) / a / 100)


# --- before it begins -----------------------------------------------------------------------------------------


def design_effect(seen: Sums) -> float | None:
    """How many times more a share varies between families than if every dose were a witness; None: not to be known."""
    p = seen.share
    if seen.families < 2 or not 0 < p < 1:
        return None
    return seen.variances()[0] / (p * (1 - p) / seen.due)


def least_effect(share_on_time: float, doses: float, design: float, tried: int, power: int) -> float:
    """The difference, in percentage points, that such an experiment shows so many times of a hundred if it is there."""
    p, part = share_on_time, tried / 100
    needed = Z + NormalDist().inv_cdf(power / 100)
    return 100 * needed * math.sqrt(p * (1 - p) * design * (1 / (doses * part) + 1 / (doses * (1 - part))))
