"""What a rehearsed experiment found, beside the truth: in French lines, as data, as a plot."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from service.domain.experiment_results import Interval
from service.rehearsing.trial import SHARE, TrialFound
from service.rehearsing.year_plots import Plot, written

UNPRICED = {
    "no difference": "l'intervalle de l'effet contient zéro",
    "fewer on time": "moins de doses à temps, et non plus",
    "too few": "trop peu de familles",
    "no cost": "aucun coût connu",
}
MEASURED, TRUE = "mesurée par l'expérience", "vraie"


def lines(found: TrialFound) -> Iterator[str]:
    trial, reading = found.trial, found.reading
    what = f"sans {', '.join(trial.asked.steps)}" if trial.kind == "hold-out" else f"mots « {trial.asked.wording} »"
    families = [arm.sums.families if arm.sums else 0 for arm in reading.arms]
    yield (
        f"Expérience : {what}, sur {SHARE} familles pour cent, doses du {trial.first:%d/%m/%Y} au "
        f"{trial.last:%d/%m/%Y} ; familles comptées : {written(families[0])} comme d'habitude, {written(families[1])} "
        "autrement"
    )
    yield f"Différence {MEASURED} : {_interval(found.effect, 'points')} ; {TRUE} : {_points(found.true_effect)} points"
    yield {
        True: "ok  l'intervalle contient la vraie différence",
        False: "NON l'intervalle ne contient pas la vraie différence : il en manque 5 sur 100",
        None: "    pas d'intervalle : trop peu de familles",
    }[found.is_held]
    held, draws = found.held
    yield f"    {draws} autres tirages des mêmes familles : il la contient {held} fois ({percent(held, draws)})"
    true = "aucune" if found.true_price is None else f"{_number(found.true_price)} F"
    why = UNPRICED.get(reading.found.unpriced, "")
    price = _interval(found.price, "F") if found.price else f"pas estimable ({why})"
    yield f"Coût d'une dose à temps de plus, {MEASURED} : {price} ; {TRUE} : {true}"
    yield f"Promesses rompues dans l'année de l'expérience, hors des rappels laissés de côté : {len(found.broken)}"


def as_data(found: TrialFound) -> dict[str, Any]:
    trial, reading = found.trial, found.reading
    return {
        "kind": trial.kind,
        "share": SHARE,
        "declared_on": trial.declared_on.isoformat(),
        "from": trial.first.isoformat(),
        "until": trial.last.isoformat(),
        "within_days": trial.within_days,
        "families": {arm.arm: arm.sums.families if arm.sums else 0 for arm in reading.arms},
        "effect_points": found.effect and found.effect._asdict(),
        "true_effect_points": found.true_effect,
        "interval_holds_the_truth": found.is_held,
        "fcfa_per_extra_dose": found.price and found.price._asdict(),
        "draws_that_hold_the_truth": list(found.held),
        "not_estimable": reading.found.unpriced or None,
        "true_fcfa_per_extra_dose": found.true_price,
        "broken_list": [list(one) for one in found.broken],
    }


def plot(found: TrialFound) -> Plot:
    labels = ["avec ces rappels", "sans"] if found.trial.kind == "hold-out" else ["autres mots", "comme d'habitude"]
    measured, true = ([round(share, 1) for share in shares] for shares in found.shares)
    series: dict[str, Sequence[float]] = {"mesuré, chacun son groupe": measured, "vrai, les mêmes familles": true}
    return Plot("Expérience : doses à temps", labels, series, "Groupe", "%")


def percent(part: int, whole: int) -> str:
    return written(round(100 * part / max(1, whole), 1), "%")


def _interval(one: Interval | None, unit: str) -> str:
    if one is None:
        return "aucune"
    say = _points if unit == "points" else _number
    return f"{say(one.value)} {unit} (intervalle à 95 % : {say(one.low)} à {say(one.high)})"


def _points(value: float) -> str:
    return f"{value:+.1f}".replace(".", ",")


def _number(value: float) -> str:
    return written(round(value, 1))
