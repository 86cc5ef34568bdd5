"""The report of a rehearsed year, in French: a few lines for the terminal, and a page with its plots."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from html import escape
from typing import Any, NamedTuple

from service.domain import local_time
from service.rehearsing import trial_report
from service.rehearsing.behaviour import Behaviour
from service.rehearsing.judge import PROMISES, Judgement
from service.rehearsing.results import Results, Share
from service.rehearsing.trial import TrialFound
from service.rehearsing.year_plots import Plot, bars, table, written

WITH, WITHOUT = "avec rappels", "sans rappels"
OF = {
    "vaccine": "vaccins",
    "nutrition": "malnutrition",
    "smc": "tournées CPS",
    "antenatal": "grossesses",
    "postnatal": "après la naissance",
    "cover": "couvertures",
}
ON_TIME = "Doses à temps :"
SHOWN = 20
BIN, BINS = 5, 8  # families by recalls: none, 1-4, 5-9 ... and the rest
MONTHS = [
    "janvier",
    "février",
    "mars",
    "avril",
    "mai",
    "juin",
    "juillet",
    "août",
    "septembre",
    "octobre",
    "novembre",
    "décembre",
]
WEEKDAYS = ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche")
STYLE = (
    "body{font:16px/1.5 sans-serif;max-width:760px;margin:1.5rem auto;padding:0 1rem;color:#222}"
    "table{border-collapse:collapse;margin:.5rem 0 2rem;width:100%}"
    "th,td{border-bottom:1px solid #ccc;padding:.25rem .5rem}"
    "th{text-align:left;font-weight:normal}thead th{font-weight:bold}"
    "td,thead th+th{text-align:right}.said.said{text-align:left}"
    "caption{text-align:left;font-weight:bold;padding:.25rem 0}"
    "svg{width:100%;height:auto}.bad{color:#a11}.good{color:#161}"
    "summary{cursor:pointer;color:#0b5c77}details{margin:0 0 2rem}ul{padding-left:1.2rem}"
)


class Report(NamedTuple):
    """A year and what was found in it. `families`, `months` and `seed` as they were asked for."""

    families: int
    months: int
    seed: int
    first: str
    last: str
    zone: str
    behaviour: Behaviour
    judgement: Judgement
    results: Results
    events: dict[str, int]
    follow_ups: dict[str, int]
    messages: dict[str, int]
    trial: TrialFound | None = None

    @property
    def all_kept(self) -> bool:
        return not self.judgement.broken and not (self.trial and self.trial.broken)


def as_data(report: Report) -> dict[str, Any]:
    """The same year gives the same data, to the letter."""
    found, results = report.judgement, report.results
    return {
        "families": report.families,
        "months": report.months,
        "seed": report.seed,
        "first_day": report.first,
        "last_day": report.last,
        "behaviour": report.behaviour.name,
        "events": report.events,
        "follow_ups": report.follow_ups,
        "messages": report.messages,
        "recalls_by_step": found.steps,
        "messages_per_family": {str(many): families for many, families in found.per_family.items()},
        "broken": {what: found.count(what) for what in PROMISES},
        "broken_list": [list(one) for one in found.broken],
        "recalls_by_follow_up": found.about,
        "checks": found.checks,
        "children": found.kids,
        "children_not_checked": found.kids_unchecked,
        "excused": found.excused,
        "doses": [one._asdict() for one in results.doses],
        "doses_all": results.total._asdict(),
        "effect_points": results.effect._asdict(),
        "by_month": [one._asdict() for one in results.months],
        "days_late": [list(one) for one in results.late],
        "experiment": report.trial and trial_report.as_data(report.trial),
        "all_kept": report.all_kept,
    }


def plots(report: Report) -> tuple[Plot, ...]:
    found, results = report.judgement, report.results
    doses = results.doses
    per_family = _per_family(found.per_family)
    return (
        Plot("Rappels par étape", list(found.steps), {"rappels": list(found.steps.values())}, "Étape"),
        Plot(
            "Doses à temps, par dose",
            [one.dose for one in doses],
            {
                WITH: [percent(one.on_time_with, one.due) for one in doses],
                WITHOUT: [percent(one.on_time_without, one.due) for one in doses],
            },
            "Dose",
            "%",
        ),
        Plot(
            "Retard des doses, en jours",
            [name for name, _, _ in results.late],
            {
                WITH: [percent(here, results.total.due) for _, here, _ in results.late],
                WITHOUT: [percent(there, results.total.due) for _, _, there in results.late],
            },
            "Retard",
            "%",
        ),
        Plot(
            "Doses à temps, par mois",
            [_short(one.month) for one in results.months],
            {
                WITH: [percent(one.on_time_with, one.due) for one in results.months],
                WITHOUT: [percent(one.on_time_without, one.due) for one in results.months],
            },
            "Mois",
            "%",
        ),
        Plot(
            "Visites pour rien, par mois",
            [_short(one.month) for one in results.months],
            {
                WITH: [one.in_vain_with for one in results.months],
                WITHOUT: [one.in_vain_without for one in results.months],
            },
            "Mois",
        ),
        Plot("Rappels par famille", list(per_family), {"familles": list(per_family.values())}, "Rappels"),
        Plot("Rappels par suivi", [OF[of] for of in found.about], {"rappels": list(found.about.values())}, "Suivi"),
        *([trial_report.plot(report.trial)] if report.trial else []),
    )


def _short(month: str) -> str:
    """2026-02: 02/26, since a year may run over two."""
    return f"{month[5:]}/{month[2:4]}"


def _per_family(found: dict[int, int]) -> dict[str, int]:
    """Families by how many recalls they had."""
    last = BIN * BINS
    names = ["0", f"1–{BIN - 1}", *(f"{low}–{low + BIN - 1}" for low in range(BIN, last, BIN)), f"{last} et plus"]
    bins = dict.fromkeys(names, 0)
    for many, families in found.items():
        bins[names[min(1 + many // BIN, BINS + 1) if many else 0]] += families
    return bins


def percent(part: int, whole: int) -> float:
    return round(100 * part / whole, 1) if whole else 0.0


def as_lines(report: Report) -> Iterator[str]:
    """For a terminal."""
    found, results = report.judgement, report.results
    yield (
        f"{written(report.families)} familles inventées, {report.months} mois "
        f"({report.first} à {report.last}), graine {report.seed}"
    )
    yield "Événements : " + ", ".join(f"{name} {written(number)}" for name, number in report.events.items())
    yield "Suivis : " + ", ".join(f"{name} {written(number)}" for name, number in report.follow_ups.items())
    yield "Messages : " + ", ".join(f"{name} {written(number)}" for name, number in report.messages.items())
    yield "Rappels par étape : " + ", ".join(f"{step} {written(number)}" for step, number in found.steps.items())
    yield "Rappels par suivi : " + ", ".join(f"{OF[of]} {written(number)}" for of, number in found.about.items())
    yield f"{ON_TIME} {_share(results.total, with_line=True)} {WITH}, {_share(results.total)} {WITHOUT}"
    yield _effect(report)
    if report.trial:
        yield from trial_report.lines(report.trial)
    yield ""
    for what, words in PROMISES.items():
        number = found.kids_unchecked if what == "unchecked" else found.count(what)
        yield f"{'ok ' if not number else 'NON'} {words} : {number}"
    yield f"    (contrôles : {written(sum(found.checks.values()))}, enfants : {written(found.kids)}{_excused(found)})"
    for one in found.broken[:SHOWN]:
        yield "    " + _broken(report, one.at, one.what, one.family, one.detail)
    if len(found.broken) > SHOWN:
        yield f"    … et {len(found.broken) - SHOWN} autres"


def _share(share: Share, *, with_line: bool = False) -> str:
    on_time = share.on_time_with if with_line else share.on_time_without
    return f"{written(percent(on_time, share.due), '%')} ({written(on_time)}/{written(share.due)})"


def _effect(report: Report) -> str:
    effect = report.results.effect
    points, low, high = (f"{value:+.1f}".replace(".", ",") for value in effect)
    interval = f"intervalle à 95 % : {low} à {high}"
    return f"Différence : {points} points ({interval}), selon le modèle « {report.behaviour.name} »"


def _excused(found: Judgement) -> str:
    if not found.excused:
        return ""
    words = {
        "no phone": "sans téléphone",
        "ARRET": "ARRET",
        "no good hour": "aucune heure permise",
        "number given up": "numéro injoignable",
        "number or place changed": "numéro ou quartier changé ce jour-là",
        "another phone": "couverture demandée d'un autre téléphone",
        "a recall that day": "dernier jour d'une couverture, un rappel ce jour-là",
    }
    said = ", ".join(f"{words[why]} {written(number)}" for why, number in found.excused.items())
    return f" ; rien à dire : {said}"


def _broken(report: Report, at: int, what: str, family: str, detail: str) -> str:
    here: datetime = local_time.local(at, report.zone)
    return f"{here:%Y-%m-%d %H:%M} {PROMISES[what]} : famille {family or '?'}, {detail}"


def as_page(report: Report) -> str:
    """The whole report as one file of HTML: no script, no other host."""
    lines = [escape(line) for line in as_lines(report)]
    cut = lines.index("")
    shares = next(place for place, line in enumerate(lines) if line.startswith(ON_TIME))
    verdict = (
        '<p class="good">Toutes les promesses ont été tenues.</p>'
        if report.all_kept
        else f'<p class="bad">{len(report.judgement.broken)} promesses rompues.</p>'
    )
    parts = [
        '<!DOCTYPE html><html lang="fr"><head><meta charset="utf-8"/>',
        '<meta name="viewport" content="width=device-width, initial-scale=1"/>',
        f"<title>Laseli : une année simulée</title><style>{STYLE}</style></head><body>",
        "<h1>Une année simulée</h1>",
        "".join(f"<p>{line}</p>" for line in (lines[0], *lines[shares:cut])),
        "<p>Les familles, les numéros et l’année sont inventés. L’effet montré est celui que le modèle suppose, vu à "
        "travers les numéros faux, les téléphones éteints, les arrêts et les départs : ce n’est pas une mesure.</p>",
        "<h2>Promesses</h2>",
        verdict,
        "<ul>" + "".join(f"<li>{line.strip()}</li>" for line in lines[cut + 1 :]) + "</ul>",
    ]
    for plot in plots(report):
        numbers = f"<details><summary>Les nombres</summary>{table(plot)}</details>"
        parts.append(f"<h2>{escape(plot.title)}</h2>{bars(plot)}{numbers}")
    parts += ["<h2>Ce qui s’est passé</h2>", _happened(report)]
    parts += ["<h2>Le modèle de comportement</h2>", _model(report.behaviour), "</body></html>\n"]
    return "".join(parts)


def _happened(report: Report) -> str:
    """Everything that the terminal says in two lines."""
    told = (
        report.events | report.follow_ups | {f"messages : {name}": number for name, number in report.messages.items()}
    )
    rows = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td>{written(many)}</td></tr>' for name, many in told.items()
    )
    return f"<table><tbody>{rows}</tbody></table>"


def _model(model: Behaviour) -> str:
    """Every figure with where it comes from."""
    rows = [
        (f"vient d'elle-même, par jour, à partir de {band.since} jours de retard", share_of(band.chance), "comes")
        for band in model.bands
    ]
    rows += [
        (f"en {MONTHS[month - 1]}", f"× {value:g}".replace(".", ","), "seasons")
        for month, value in model.seasons.items()
    ]
    rows += [("jours fermés", ", ".join(WEEKDAYS[day - 1] for day in sorted(model.closed)), "closed")]
    rows = [(says, value, model.sources[source]) for says, value, source in rows]
    when = {
        "before": "après un rappel lu avant le jour",
        "late": "après un rappel lu en retard",
        "visit": "après la visite d'une médiatrice",
    }
    rows += [
        (f"{when[kind]}, dans les {one.within_days} jours", f"+{share_of(one.more)}", one.source)
        for kind, one in model.reminded.items()
    ]
    rows += [(figure.says, share_of(figure.value), figure.source) for figure in model.figures.values()]
    rows += [("gardés pour un seul jour", ", ".join(model.short_lived), model.sources["short_lived"])]
    rows += [(span.says, f"{span.fewest} à {span.most}", span.source) for span in model.spans.values()]
    body = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td>{escape(value)}</td><td class="said">{escape(source)}</td></tr>'
        for name, value, source in rows
    )
    return (
        f"<table><caption>{escape(model.name)}</caption>"
        '<thead><tr><th>Quoi</th><th>Valeur</th><th class="said">Source</th></tr></thead>'
        f"<tbody>{body}</tbody></table>"
    )


def share_of(value: float) -> str:
    return f"{100 * value:g}".replace(".", ",") + "\u00a0%"
