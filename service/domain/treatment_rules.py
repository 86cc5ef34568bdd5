"""The weekly visits of a malnourished child: who is taken in, which visit comes next, and how a measure is written.

Bands, rations, discharge and referrals are decided by `rations` and `muac`; here is what a story needs around them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final, Literal

from service.domain.late_order import LateRule
from service.domain.muac import Rules
from service.domain.protocols import Anchor, DatedContact, contacts_of
from service.domain.rations import Measure, Nutrition, Referred
from service.domain.reminder_ladder import Ladder

LIGHTEST_G, HEAVIEST_G = 1_500, 35_000
"""Weights that a child under five may have: an input check only, without a source (a hypothesis)."""
NotTaken = Literal["green", "age"]
ENDS: Final = ("recovered", "defaulted", "moved", "withdrawn", "death", "transferred", "not_responding", "mistake")
"""How a treatment may end. The first two are decided by the file; that a child does not respond, by a health worker:
the file has no rule for it."""
BY_STAFF: Final = ("withdrawn", "death", "transferred", "not_responding", "mistake")
OF_CHILD: Final = {"dead": "death", "moved": "moved", "family": "withdrawn"}
"""How a treatment ended, by why its child is followed no longer."""


class CannotWeigh(ValueError):
    """No child under five weighs so much, or so little."""


def measured(rules: Rules, on: date, age_months: int, mm: int, oedema: bool, weight_g: int | None) -> Measure:
    """One visit without a sign of danger: with one nothing is measured, the child is sent on.

    Raises CannotBe for a width that no arm has, CannotWeigh.
    """
    rules.band_of(mm)
    if weight_g is not None and not LIGHTEST_G <= weight_g <= HEAVIEST_G:
        raise CannotWeigh(f"{weight_g} g")
    return Measure(on, age_months, mm, oedema, danger=False, weight_g=weight_g)


def why_not_taken(rules: Rules, first: Measure) -> NotTaken | None:
    """None: the child is malnourished by its tape or by oedema, and is taken in."""
    found = rules.classify(age_months=first.age_months, mm=first.mm, oedema=first.oedema).meaning
    if found == "not_classified":
        return "age"
    return "green" if found == "green" else None


def referral_in_danger(nutrition: Nutrition, rules: Rules, on: date) -> Referred:
    """Where a child with a sign of danger is sent, and when a mediator sees it again."""
    return Referred(rules.referrals["danger"], on + timedelta(nutrition.protocol.number("referral_seen_days")))


def next_visit(nutrition: Nutrition, admitted_on: date, days: Sequence[date], today: date) -> DatedContact | None:
    """The visit that is asked for after those of these days, the admission's first; None once the child defaulted."""
    made = {f"visit-{number}": on for number, on in enumerate(sorted(days)[1:], 1)}
    coming = contacts_of(nutrition.protocol, Anchor("admission", admitted_on), made, today)
    return coming[0] if coming else None


def late_rule(nutrition: Nutrition, ladder: Ladder) -> LateRule:
    """When a mediator visits: after the ladder's last step, or once the visit is late where no reminder arrives."""
    return LateRule(told=ladder.steps[-1].offset_days, untold=nutrition.protocol.number("late_days"))


def written(one: Measure) -> str:
    """'112 oedema 6400 14': width, oedema or '-', weight in grams or '-', age in months. Read back by `read`."""
    return f"{one.mm} {'oedema' if one.oedema else '-'} {one.weight_g or '-'} {one.age_months}"


def read(on: date, text: str) -> Measure:
    mm, oedema, weight, age = text.split()
    return Measure(
        on, int(age), int(mm), oedema == "oedema", danger=False, weight_g=None if weight == "-" else int(weight)
    )
