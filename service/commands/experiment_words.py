"""An experiment in French, for whoever decides: what was tried, what came of it, and what must not be read into it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from service.commands.report_commands import french
from service.domain.experiment_results import Interval, Sums
from service.domain.experiments import TRIED, USUAL, Experiment
from service.stories.recall.trial_readings import ArmFound, Forecast, Reading

METHOD = (
    "Familles tirées au sort par une empreinte à clé (les enfants d'un foyer ensemble) ; analyse en intention de "
    "traiter ; part à temps : rapport de sommes, variance entre familles (Cochran 1977, Williams 2000) ; limites du "
    "coût : Fieller (Willan et O'Brien 1996)."
)
OUTCOME = (
    "Doses valables données au plus tard {within} jours après l'âge recommandé, parmi les doses dont ce jour tombe "
    "{when}, chez les enfants déjà inscrits à la déclaration et dont la date de naissance est connue "
    "au jour près."
)
MOST_POINTS = 100
"""No share can change by more: what needs a greater effect shows none."""
_UNPRICED = {
    "no difference": "l'intervalle de l'effet contient zéro",
    "fewer on time": "il y a moins de doses à temps, et non plus",
    "too few": "il n'y a pas assez de familles ou de doses",
    "no cost": "aucun coût n'est connu (docs/routes.md)",
}


def what_is_tried(one: Experiment) -> str:
    if one.kind == "hold-out":
        return f"sans les rappels {_list(one.steps)}, sur {one.share} familles pour cent"
    return f"autres mots ({one.wording}), sur {one.share} familles pour cent"


def arm_name(one: Experiment, arm: str) -> str:
    if arm == USUAL:
        return "comme d'habitude"
    return f"sans {_list(one.steps)}" if one.kind == "hold-out" else "autres mots"


def day(on: date) -> str:
    return f"{on:%d/%m/%Y}"


def decimal(number: float) -> str:
    return f"{number:.1f}".replace(".", ",")


def outcome(found: Reading) -> str:
    one = found.record.experiment
    last = max(found.last, one.starts_on)
    when = f"le {day(last)}" if last == one.starts_on else f"du {day(one.starts_on)} au {day(last)}"
    return OUTCOME.format(within=one.within_days, when=when)


def result(found: Reading) -> list[str]:
    """The result in plain sentences, the one about what it proves included."""
    if found.hidden:
        return [f"Un groupe a moins de {found.smallest} familles : aucun chiffre n'est montré."]
    sums = {arm.arm: arm.sums or Sums() for arm in found.arms}
    if not all(one.due for one in sums.values()):
        return ["Aucune dose ne peut encore être comptée dans l'un des groupes."]
    if found.found.effect is None:
        return ["Pas d'intervalle possible : trop peu de familles, ou toutes pareilles. On ne peut rien en dire."]
    return [*_effect(found, sums, found.found.effect), _price(found)]


def _effect(found: Reading, sums: Mapping[str, Sums], effect: Interval) -> list[str]:
    one = found.record.experiment
    usual, tried = (decimal(100 * sums[arm].share) for arm in (USUAL, TRIED))
    who = "sans ces rappels" if one.kind == "hold-out" else "avec les autres mots"
    of = "les rappels avant le rendez-vous" if one.kind == "hold-out" else "les autres mots"
    shares = f"À temps : {usual} % des doses comme d'habitude, {tried} % {who}."
    between = f"intervalle à 95 % : {_signed(effect.low)} à {_signed(effect.high)}"
    difference = f"Ce que font {of} : {_signed(effect.value)} points ({between})."
    return [shares, difference, _meaning(of, effect)]


def _meaning(of: str, effect: Interval) -> str:
    if effect.low <= 0 <= effect.high:
        return (
            f"L'intervalle contient zéro : on ne peut pas dire que {of} changent quelque chose. Ce n'est pas la preuve "
            "qu'ils ne font rien : un effet à l'intérieur de l'intervalle reste possible."
        )
    more = "plus" if effect.value > 0 else "moins"
    return f"Il y a {more} de doses à temps avec {of}, dans ces familles et pendant cette période."


def _price(found: Reading) -> str:
    price = found.found.price
    if price is None:
        return f"Coût par dose à temps de plus : non estimable, car {_UNPRICED[found.found.unpriced]}."
    low, high = french(round(price.low)), french(round(price.high))
    return f"Coût par dose à temps de plus : {french(round(price.value))} F (intervalle à 95 % : {low} à {high} F)."


def warnings(found: Reading) -> list[str]:
    """What forbids to decide by it, or makes it weaker."""
    one, lines = found.record.experiment, []
    if found.too_early:
        lines.append(
            f"TROP TÔT : toutes les doses seront connues le {day(found.judged_from)}. Ne décidez rien avant : qui "
            "regarde souvent et s'arrête au bon moment se trompe."
        )
    if found.record.stopped_at is not None:
        lines.append(f"Arrêtée avant la fin prévue du {day(one.ends_on)} : {found.record.stopped_why}")
    elif not found.allowed and found.today <= one.ends_on:
        lines.append("Les réglages ne permettent pas d'expérience : tout le monde reçoit tout, malgré la déclaration.")
    if found.few:
        lines.append(
            f"Moins de {found.fewest} familles dans un groupe : l'intervalle est plus étroit qu'il ne devrait."
        )
    gone = [(arm, arm.children - arm.still_there) for arm in found.arms]
    if not found.hidden and any(missing > 0 for _, missing in gone):
        told = ", ".join(f"{arm_name(one, arm.arm)} {missing} sur {arm.children}" for arm, missing in gone)
        lines.append(f"Fiches effacées depuis la déclaration, absentes de l'analyse : {told}.")
    return lines


def withheld(arm: ArmFound) -> str:
    """What families were not told, so that nothing is left out in silence."""
    left = ", ".join(f"{step} {times}" for step, times in arm.withheld.items())
    back = ", ".join(f"{step} {times}" for step, times in arm.given_back.items())
    return f"Rappels non envoyés : {left or 'aucun'}" + (f" ; rendus à l'arrêt : {back}." if back else ".")


def forecast(found: Forecast) -> list[str]:
    """The sample-size reasoning, with what it rests on."""
    lines = [
        f"Familles qui ont une dose à compter dans la période : {found.families} ; doses : {found.doses}.",
        f"Tirées au sort : {_shares(found)}.",
    ]
    if found.design is None:
        lines.append(
            f"Avant : {found.seen.families} familles, trop peu pour en tirer quelque chose. Hypothèse prudente : "
            "chaque famille compte pour un seul témoin, et la moitié vient à temps."
        )
    else:
        lines.append(
            f"Avant, du {day(found.seen_first)} au {day(found.seen_last)} : {decimal(100 * found.on_time)} % des "
            f"{found.seen.due} doses à temps, effet de grappe {decimal(found.design)} (doses d'une même famille)."
        )
    if found.least is None:
        return [*lines, "Aucune dose ne tombe dans la période : une telle expérience ne montrerait rien."]
    if found.least > MOST_POINTS:
        lines.append(
            "Aucun effet ne serait visible, si grand soit-il : il y a trop peu de familles. Une telle expérience ne "
            "montrerait rien."
        )
        return lines
    lines.append(
        f"Plus petit effet visible : {decimal(found.least)} points, {found.power} fois sur cent (5 % d'erreur, deux "
        "côtés). Un effet plus petit resterait sans doute invisible : cela en vaut-il la peine ?"
    )
    return [*lines, "Formule : deux proportions avec effet de grappe (Kerry et Bland 1998, Donner et Klar 2000)."]


def _shares(found: Forecast) -> str:
    one = found.experiment
    parts = [
        f"{arm_name(one, arm)} {found.shares[arm, 'households']} familles, {found.shares[arm, 'children']} enfants"
        for arm in (USUAL, TRIED)
    ]
    return " ; ".join(parts)


def _signed(points: float) -> str:
    return f"{points:+.1f}".replace(".", ",").replace("-", "−")


def _list(steps: tuple[str, ...]) -> str:
    return " et ".join(filter(None, [", ".join(steps[:-1]), steps[-1]]))
