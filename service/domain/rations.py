"""Treatment of acute malnutrition: after each measure the next visit and its ration, a discharge, or a referral.

The bands of the tape and the referrals are those of `muac.py`. A ration is for staff: it is never said to a family.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from itertools import pairwise
from typing import NamedTuple

from service.domain.data_files import Table
from service.domain.muac import MEANINGS, Finding, Referral, Rules
from service.domain.protocol_file import Protocol, open_protocol, read_built_in
from service.domain.protocol_parameters import ProtocolMistake, Value, how_sure, number
from service.domain.protocols import NotPossible

GRAMS_PER_KG = 1000


class Measure(NamedTuple):
    """One visit. `danger`: any danger sign, complication, failed appetite test or generalised oedema."""

    on: date
    age_months: int
    mm: int
    oedema: bool = False
    danger: bool = False
    weight_g: int | None = None


class RationRule(NamedTuple):
    """For these meanings of the tape, and only under `below_mm` when it is set. One of the two amounts is set."""

    when: tuple[str, ...]
    below_mm: int | None
    kcal_per_kg_day: int | None
    sachets_per_day: int | None
    confidence: str


class Treatment(NamedTuple):
    """One protocol of treatment."""

    product: str
    rations: tuple[RationRule, ...]
    sachets_confidence: str
    good_visits: int
    minimum_days: int


class Ration(NamedTuple):
    """Sachets until the next visit; None when the weight is needed and unknown. `confidence` is the lowest used."""

    product: str
    sachets: int | None
    kcal_per_kg_day: int | None
    sachets_per_day: int | None
    confidence: str


class NextVisit(NamedTuple):
    """`ration` None: the protocol's table has no line for this measure, the health worker decides."""

    on: date
    ration: Ration | None


class Discharge(NamedTuple):
    """Recovered, on this day. Nothing more is due."""

    on: date


class Referred(NamedTuple):
    """To be looked at elsewhere first; a mediator sees the child on `seen_again_on`. No ration, no reminder."""

    referral: Referral
    seen_again_on: date


@dataclass(frozen=True, eq=False)
class Nutrition:
    """Contacts of the chosen treatment, and its table."""

    protocol: Protocol
    treatments: Mapping[str, Treatment]

    @property
    def treatment(self) -> Treatment:
        return self.treatments[str(self.protocol.word("treatment"))]

    @property
    def visit_days(self) -> int:
        return self.protocol.contacts["admission"][0].best

    def with_parameters(self, values: Mapping[str, Value]) -> Nutrition:
        """The same file with some parameters settled otherwise."""
        return load_nutrition(self.protocol.text, {**self.protocol.settled, **values})


@cache
def built_in_nutrition(name: str = "ml-nutrition-2026") -> Nutrition:
    """The file that comes with the product."""
    return load_nutrition(read_built_in(name))


def after_measure(
    nutrition: Nutrition, rules: Rules, admitted_on: date, measures: Sequence[Measure]
) -> NextVisit | Discharge | Referred:
    """What the last of these measures leads to, whatever their order. A danger sign comes before everything else.

    Raises NotPossible without a measure, before the admission, or for a weight that is none; `muac.CannotBe` for a
    width that no arm has.
    """
    in_order = sorted(measures, key=lambda measure: measure.on)
    if not in_order:
        raise NotPossible("nothing was measured yet")
    if in_order[0].on < admitted_on:
        raise NotPossible(f"{in_order[0].on} is before the admission on {admitted_on}")
    findings = [_finding(rules, measure) for measure in in_order]
    last, finding = in_order[-1], findings[-1]
    if last.weight_g is not None and last.weight_g <= 0:
        raise NotPossible("a weight is more than nothing")
    if finding.meaning in ("danger", "not_classified"):
        seen_again = last.on + timedelta(nutrition.protocol.number("referral_seen_days"))
        return Referred(finding.referral, seen_again)
    if _recovered(nutrition, admitted_on, in_order, findings):
        return Discharge(last.on)
    return NextVisit(last.on + timedelta(nutrition.visit_days), _ration(nutrition, last, finding))


def _finding(rules: Rules, measure: Measure) -> Finding:
    return rules.classify(age_months=measure.age_months, mm=measure.mm, oedema=measure.oedema, danger=measure.danger)


def _recovered(
    nutrition: Nutrition, admitted_on: date, measures: Sequence[Measure], findings: Sequence[Finding]
) -> bool:
    """Enough good visits in a row, far enough apart, and long enough after the admission."""
    treatment, apart = nutrition.treatment, nutrition.protocol.number("good_visits_apart_days")
    good: list[date] = []
    for measure, finding in zip(measures, findings, strict=True):
        if finding.meaning != "green":
            good = []
        elif not good or (measure.on - good[-1]).days >= apart:
            good.append(measure.on)
    long_enough = (measures[-1].on - admitted_on).days >= treatment.minimum_days
    return findings[-1].meaning == "green" and len(good) >= treatment.good_visits and long_enough


def _ration(nutrition: Nutrition, measure: Measure, finding: Finding) -> Ration | None:
    treatment, days = nutrition.treatment, nutrition.visit_days
    for rule in treatment.rations:
        if finding.meaning in rule.when and (rule.below_mm is None or measure.mm < rule.below_mm):
            sachets = _sachets(rule, measure.weight_g, days, nutrition.protocol.number("sachet_kcal"))
            sure = min(rule.confidence, treatment.sachets_confidence, key=("low", "medium", "high").index)
            return Ration(treatment.product, sachets, rule.kcal_per_kg_day, rule.sachets_per_day, sure)
    return None


def _sachets(rule: RationRule, weight_g: int | None, days: int, sachet_kcal: int) -> int | None:
    """Whole sachets, rounded up, in whole numbers so that no fraction of a sachet is ever invented."""
    if rule.sachets_per_day is not None:
        return rule.sachets_per_day * days
    if weight_g is None or rule.kcal_per_kg_day is None:
        return None
    return -(-rule.kcal_per_kg_day * weight_g * days // (sachet_kcal * GRAMS_PER_KG))


def load_nutrition(text: str, settled: Mapping[str, Value] | None = None) -> Nutrition:
    """The protocol and treatments of this YAML text; raises ProtocolMistake naming the place and the remedy."""
    file, protocol = open_protocol(text, settled or {})
    treatments = {key: _treatment(part, protocol) for key, part in file.named("treatments").items()}
    file.done()
    admission = protocol.contacts.get("admission")
    if admission is None or not admission[0].repeats:
        raise ProtocolMistake(f"{protocol.name}: 'courses' have no 'admission' with a visit that repeats")
    if set(protocol.parameters["treatment"].one_of if "treatment" in protocol.parameters else ()) != set(treatments):
        raise ProtocolMistake(f"{protocol.name}: 'treatment' must be a parameter with one_of: {', '.join(treatments)}")
    if protocol.number("sachet_kcal") == 0:
        raise ProtocolMistake(f"{protocol.name}: parameters: 'sachet_kcal' must be more than 0")
    protocol.number("referral_seen_days"), protocol.number("good_visits_apart_days")
    return Nutrition(protocol, treatments)


def _treatment(part: Table, protocol: Protocol) -> Treatment:
    sachets, discharge = part.table("sachets"), part.table("discharge")
    found = Treatment(
        product=part.text("product"),
        rations=tuple(_ration_rule(one, protocol) for one in part.tables("rations")),
        sachets_confidence=how_sure(sachets, protocol.sources),
        good_visits=number(discharge, "good_visits", protocol.parameters, 1),
        minimum_days=number(discharge, "minimum_days", protocol.parameters),
    )
    for one in (sachets, discharge, part):
        one.done()
    for before, rule in pairwise(found.rations):
        if set(before.when) & set(rule.when) and before.below_mm is None:
            raise ProtocolMistake(f"{part.where}: a line for {', '.join(rule.when)} is never reached")
    return found


def _ration_rule(part: Table, protocol: Protocol) -> RationRule:
    rule = RationRule(
        when=part.texts("when"),
        below_mm=part.maybe("below_mm", lambda key: number(part, key, protocol.parameters, 1)),
        kcal_per_kg_day=part.maybe("kcal_per_kg_day", lambda key: number(part, key, protocol.parameters, 1)),
        sachets_per_day=part.maybe("sachets_per_day", lambda key: number(part, key, protocol.parameters, 1)),
        confidence=how_sure(part, protocol.sources),
    )
    part.done()
    unknown = sorted(set(rule.when) - set(MEANINGS))
    if unknown:
        raise ProtocolMistake(f"{part.where}: '{unknown[0]}' is no meaning of the tape; known: {', '.join(MEANINGS)}")
    if (rule.kcal_per_kg_day is None) == (rule.sachets_per_day is None):
        raise ProtocolMistake(f"{part.where}: give either 'kcal_per_kg_day' or 'sachets_per_day'")
    return rule
