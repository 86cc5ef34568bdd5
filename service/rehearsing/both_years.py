"""The whole rehearsal: the year with the product, the same year without it, the judgement and the report."""

from __future__ import annotations

import calendar
import json
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date, time, timedelta
from functools import partial
from pathlib import Path
from typing import NamedTuple

from service.domain.centre_days import Together
from service.rehearsing import trial
from service.rehearsing.behaviour import Behaviour
from service.rehearsing.centres import Throw, year_of
from service.rehearsing.dice import Dice
from service.rehearsing.judge import Rules, judge
from service.rehearsing.line import Silence
from service.rehearsing.lives import Protocols, World
from service.rehearsing.product_line import ZONE, ProductLine, Round, product_line
from service.rehearsing.results import compare
from service.rehearsing.trial import TrialFound
from service.rehearsing.truth import ANTENATAL, COVER, KINDS, NUTRITION, POSTNATAL, Truth, is_apology, is_recall
from service.rehearsing.year import Home, Year
from service.rehearsing.year_report import Report, as_data, as_page
from service.stories.recall.trial_readings import Reading

Progress = Callable[[date], None]


class Asked(NamedTuple):
    families: int
    months: int
    seed: int
    first: date
    behaviour: Behaviour
    zone: str = ZONE
    experiment: trial.Kind | None = None

    @property
    def last(self) -> date:
        """The last day of the last month: the day before the same day so many months later."""
        months = self.first.month - 1 + self.months
        year, month = self.first.year + months // 12, months % 12 + 1
        return date(year, month, min(self.first.day, calendar.monthrange(year, month)[1])) - timedelta(1)


class Rehearsed(NamedTuple):
    report: Report
    truth: Truth


class Lived(NamedTuple):
    """A year with the product; `reading` of its experiment, if there was one."""

    world: World
    year: Year
    reading: Reading | None


def rehearse_year(asked: Asked, one_round: Round, progress: Progress = lambda day: None) -> Rehearsed:
    """Live the year twice and judge it. Nothing is left of it but what is given back.

    With an experiment it is lived twice more. Raises TooShort where the year has no room for one.
    """
    world, year, _ = lived = _live(asked, one_round, trial.NOBODY, progress)
    quiet = Year(world, Silence())
    quiet.live()
    truth = year.truth
    report = Report(
        families=asked.families,
        months=asked.months,
        seed=asked.seed,
        first=asked.first.isoformat(),
        last=asked.last.isoformat(),
        zone=world.zone,
        behaviour=asked.behaviour,
        judgement=judge(truth, _rules(world)),
        results=compare(world, year.homes, quiet.homes),
        events=_events(world, year.homes, truth) | _at_centres(world) | _in_vain(year.homes, quiet.homes),
        follow_ups=_follow_ups(year, quiet),
        messages=_messages(truth),
        trial=_try(asked, one_round, lived, progress) if asked.experiment else None,
    )
    return Rehearsed(report, truth)


def _live(asked: Asked, one_round: Round, share: int, progress: Progress) -> Lived:
    """One year with the product; what is tried is tried on so many families of a hundred."""
    is_tried = asked.experiment is not None
    with product_line(asked.first, one_round, asked.zone, asked.seed, experiments=is_tried) as line:
        world = world_of(asked, line)
        year = Year(world, line, progress)
        if asked.experiment is not None:
            tried = trial.plan(world, asked.experiment, asked.seed)
            year.then(year.at(tried.declared_on, time(6)), 1, partial(trial.declare, line, tried, share))
        year.live()
        return Lived(world, year, trial.read(line, year.truth.until - 1) if is_tried else None)


def _try(asked: Asked, one_round: Round, nobody: Lived, progress: Progress) -> TrialFound:
    assert asked.experiment is not None
    some, everybody = (_live(asked, one_round, share, progress) for share in (trial.SHARE, trial.EVERYBODY))
    assert nobody.reading is not None
    assert some.reading is not None
    assert everybody.reading is not None
    return trial.compare(
        nobody.world,
        trial.plan(nobody.world, asked.experiment, asked.seed),
        some.reading,
        trial.Lived(nobody.year.homes, nobody.reading),
        trial.Lived(everybody.year.homes, everybody.reading),
        judge(some.year.truth, _rules(some.world)).broken,
    )


def _rules(world: World) -> Rules:
    return Rules(world.protocols.ladders, world.hours, world.dead_after_days, world.antigen_of, world.seen_days)


def world_of(asked: Asked, line: ProductLine) -> World:
    """The invented world, by the rules that this product has."""
    runtime, dice = line.runtime, Dice(asked.seed)
    every = runtime.calendar.series.values()
    quartiers = line.quartiers()
    names = sorted({one.centre for one in quartiers} - {""})
    throws = [Throw(dice, asked.behaviour, name, asked.first, asked.last) for name in names]
    return World(
        calendar=runtime.calendar,
        ladder=runtime.ladder,
        hours=runtime.hours,
        zone=runtime.zone,
        quartiers=quartiers,
        behaviour=asked.behaviour,
        dice=dice,
        first=asked.first,
        last=asked.last,
        families=asked.families,
        dead_after_days=runtime.config.dead_after_days,
        together=Together(
            runtime.config.together_within_days,
            frozenset(one.record_as for one in every if one.live == "injectable"),
            int(runtime.calendar.parameters["live_spacing_days"].value),
        ),
        seen_days=runtime.config.visits.seen_days,
        antigen_of={rule.id: one.record_as for one in every for rule in one.doses},
        centres={one.name: year_of(one, {series.record_as for series in every}) for one in throws},
        protocols=Protocols(
            runtime.nutrition,
            runtime.malaria,
            runtime.renewal,
            runtime.pregnancy,
            {kind: runtime.ladder_for(kind) for kind in KINDS},
        ),
    )


def _events(world: World, homes: Sequence[Home], truth: Truth) -> dict[str, int]:
    kinds = Counter(fact.kind for fact in truth.facts)
    why = Counter(fact.value for fact in truth.facts if fact.kind == "ended")
    enrolled = [home for home in homes if home.cards]
    visits = [late for home in homes for card in home.cards.values() for _, late in card.visits]
    return {
        "enfants inscrits": sum(len(home.cards) for home in homes),
        "nés dans l'année": sum(card.kid.born_on >= world.first for home in homes for card in home.cards.values()),
        "visites": len(visits),
        "dont en retard de plus de 10 jours": sum(late > 10 for late in visits),
        "numéros faux": sum(home.family.listed != home.family.number for home in enrolled),
        "numéros changés": kinds["heard from"],
        "téléphones perdus": sum(home.family.lost_on is not None for home in enrolled),
        "ARRET": kinds["stop"],
        "décès": why["died"],
        "départs": why["left"],
        "changements de quartier": sum(home.moved for home in homes),
        "visites de médiatrices": kinds["visited"],
    }


def _at_centres(world: World) -> dict[str, int]:
    """`jours de rupture`: of one vaccine at one centre, within the year."""
    years = world.centres.values()
    out_until = [(out.since, min(out.until or world.last, world.last)) for one in years for out in one.real.stock_outs]
    return {
        "séances annulées": sum(len(one.real.cancelled) for one in years),
        "jours ajoutés": sum(len(one.real.extra) for one in years),
        "ruptures": sum(since <= world.last for since, _ in out_until),
        "jours de rupture": sum(max(0, (until - since).days + 1) for since, until in out_until),
    }


def _in_vain(with_line: Sequence[Home], without: Sequence[Home]) -> dict[str, int]:
    here, there = (
        sum(len(card.in_vain) for home in homes for card in home.cards.values()) for homes in (with_line, without)
    )
    return {"visites pour rien avec rappels": here, "visites pour rien sans rappels": there}


def _follow_ups(year: Year, quiet: Year) -> dict[str, int]:
    """How many there were; of the visits that were made, those in time, with the line and without it."""
    ends = Counter((fact.of, fact.value) for fact in year.truth.facts if fact.kind == "contacts" and fact.value)
    began = year.cares.began
    found: dict[str, int] = {
        "enfants traités pour malnutrition": began[NUTRITION],
        "traitements terminés, arrêtés ou perdus de vue": sum(
            ends[NUTRITION, why] for why in ("discharged", "defaulted")
        ),
        "envoyés au centre, signe de danger": ends[NUTRITION, "sent on"],
        "grossesses suivies": began[ANTENATAL],
        "naissances d'une grossesse suivie": began[POSTNATAL],
        "grossesses perdues": ends[ANTENATAL, "lost"],
        "familles couvertes par la mutuelle": began[COVER],
        "couvertures reprises": ends[COVER, "paid again"] - began[COVER],
        "couvertures arrêtées": ends[COVER, "ended"],
        "annonces de tournées CPS, reports et annulations": len(year.truth.seasons),
    }
    for of, words in VISITS.items():
        for one, line in ((year, "avec rappels"), (quiet, "sans rappels")):
            found[f"{words} {line}"] = len(one.cares.late[of])
            found[f"dont à temps, {line} ({words})"] = sum(late <= _LATE_AFTER[of] for late in one.cares.late[of])
    return found


_LATE_AFTER = {NUTRITION: 3, ANTENATAL: 6}
"""Days after its day a visit is in time: `late_days` of the protocol files."""
VISITS = {NUTRITION: "visites hebdomadaires", ANTENATAL: "consultations prénatales"}


def _messages(truth: Truth) -> dict[str, int]:
    return {
        "rappels": sum(map(is_recall, truth.left)),
        "excuses": sum(map(is_apology, truth.left)),
        "autres": sum(not is_recall(one) and not is_apology(one) for one in truth.left),
        "non remis": sum(not one.delivered for one in truth.left),
    }


def write_report(folder: Path, done: Rehearsed) -> None:
    """`report.html`, `report.json` and the truth, a line of JSON for each thing that happened."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.html").write_text(as_page(done.report), "utf-8")
    (folder / "report.json").write_text(as_json(done.report), "utf-8")
    with (folder / "truth.jsonl").open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(line, ensure_ascii=False) + "\n" for line in done.truth.lines())


def as_json(report: Report) -> str:
    return json.dumps(as_data(report), ensure_ascii=False, indent=2) + "\n"
