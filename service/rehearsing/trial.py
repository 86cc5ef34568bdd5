"""An experiment in a rehearsed year, run by the product itself, beside the truth that only a rehearsal knows.

The same families live the year twice more with the same luck: all with what is tried, none with it. The difference
is what the experiment ought to find, and its interval is to hold it 95 times of a hundred.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from hashlib import sha256
from typing import Literal, NamedTuple

from service.domain import experiment_doses, experiment_results, reminder_ladder
from service.domain.experiment_results import Family, Interval, Sums
from service.domain.experiments import TRIED, USUAL, Experiment, arm_of, days_ahead
from service.rehearsing.card import Card
from service.rehearsing.houses import Broken
from service.rehearsing.lives import World
from service.rehearsing.product_line import ProductLine
from service.rehearsing.year import Home
from service.store import experiment_tables, place_tables
from service.store.experiment_tables import Record
from service.stories.homes.programmes import PROGRAMME
from service.stories.recall import trial_readings, trials
from service.stories.recall.trial_readings import ArmFound, Reading

Kind = Literal["hold-out", "wording"]
KINDS: tuple[Kind, ...] = ("hold-out", "wording")
NAME = "rehearsal"
STEPS, WORDING = ("J-3", "J-1", "J"), "plan"
SHARE, NOBODY, EVERYBODY = 20, 0, 100
DRAWS = 200
DECLARED_AFTER, SHORTEST = 60, 14
"""Days of the year that pass before it is declared, at most: only who is enrolled by then is counted."""
APPROVAL = trials.Approval("rehearsal", "rehearsal", "rehearsal")


class TooShort(Exception):
    """The year has no room for an experiment."""


class Trial(NamedTuple):
    """What is tried in the year. Counted are doses recommended from `first` to `last`, of who was enrolled before."""

    kind: Kind
    declared_on: date
    first: date
    last: date
    within_days: int
    seed: str

    @property
    def asked(self) -> trials.Asked:
        is_hold_out = self.kind == "hold-out"
        return trials.Asked(
            name=NAME,
            programme=PROGRAMME,
            share=SHARE,
            starts_on=self.first,
            ends_on=self.last,
            steps=STEPS if is_hold_out else (),
            wording="" if is_hold_out else WORDING,
            within_days=self.within_days,
        )


class TrialFound(NamedTuple):
    """What the product says of it, and the truth. `true_price`: francs for a further dose on time, None without one.

    `shares`: of doses on time in percent, measured and true, with more and with less. `held`: in how many of how many
    other draws of the same families the interval holds the truth. `broken`: promises that were not kept in the year
    of the experiment.
    """

    trial: Trial
    reading: Reading
    shares: tuple[tuple[float, float], tuple[float, float]]
    true_effect: float
    true_price: float | None
    held: tuple[int, int]
    broken: tuple[Broken, ...]

    @property
    def effect(self) -> Interval | None:
        return self.reading.found.effect

    @property
    def price(self) -> Interval | None:
        return self.reading.found.price

    @property
    def is_held(self) -> bool | None:
        """Whether the interval holds the truth; None where there is no interval."""
        return None if self.effect is None else self.effect.low <= self.true_effect <= self.effect.high


def plan(world: World, kind: Kind, seed: int) -> Trial:
    """As early as enough families are enrolled, as long as everything is known by the end. Raises TooShort."""
    declared = world.first + timedelta(min(DECLARED_AFTER, world.days // 4))
    within = world.calendar.settings.timely_within_days
    first = declared + timedelta(days_ahead(world.ladder) + 1)
    last = world.last - timedelta(within + 1)
    if (last - first).days < SHORTEST:
        raise TooShort(f"an experiment needs a longer year: doses are on time within {within} days")
    return Trial(kind, declared, first, last, within, sha256(f"rehearsal {seed}".encode()).hexdigest())


def declare(line: ProductLine, trial: Trial, share: int, now: int) -> None:
    """Of `SHARE` families of a hundred as anybody declares it; of nobody or everybody as only a rehearsal may."""
    line.stand_at(now)
    runtime = line.runtime
    with runtime.database.begin() as tx:
        if share == SHARE:
            one = trials.begin(tx, runtime, trial.asked, APPROVAL, now, seed=trial.seed)
        else:
            programme = place_tables.programme_of_code(tx, PROGRAMME)
            assert programme is not None, "it is there from the beginning"
            one = trials.draw(runtime, trial.asked, programme.id, now, trial.seed)._replace(share=share)
            record = Record(one, "rehearsal", "rehearsal", "rehearsal", None, None, None)
            one = one._replace(id=experiment_tables.add(tx, record))
    trials.count_arms(runtime, one)


def read(line: ProductLine, now: int) -> Reading:
    """What the product says at the end of the year."""
    line.stand_at(now)
    return trial_readings.read(line.runtime, NAME, now)


class Lived(NamedTuple):
    """One of the three years: its families, and what the product says of it."""

    homes: Sequence[Home]
    reading: Reading


def compare(
    world: World, trial: Trial, tried: Reading, nobody: Lived, everybody: Lived, broken: Sequence[Broken]
) -> TrialFound:
    """`tried`: of the real experiment. What was broken because a step was left out is no broken promise."""
    without, with_it = (_families(world, trial, year.homes) for year in (nobody, everybody))
    due = sum(home.due for home in without)
    came = [sum(home.on_time for home in homes) for homes in (without, with_it)]
    is_hold_out = trial.kind == "hold-out"
    more, less = came if is_hold_out else reversed(came)
    arms = {arm.arm: arm for arm in tried.arms}
    measured = [_share(arms[arm]) for arm in ((USUAL, TRIED) if is_hold_out else (TRIED, USUAL))]
    usual, all_tried = nobody.reading.arms[0], everybody.reading.arms[1]
    costs = [arm.sums.cost if arm.sums else 0 for arm in (usual, all_tried)]
    spent = (costs[0] - costs[1]) * (1 if is_hold_out else -1)
    shares = (100 * more / max(1, due), 100 * less / max(1, due))
    return TrialFound(
        trial=trial,
        reading=tried,
        shares=((measured[0], measured[1]), shares),
        true_effect=shares[0] - shares[1],
        true_price=spent / 100 / (more - less) if more > less else None,
        held=held_in_draws(tried.record.experiment, without, with_it),
        broken=tuple(one for one in broken if not _is_left_out(trial, one)),
    )


def _share(arm: ArmFound) -> float:
    return 100 * arm.sums.share if arm.sums else 0.0


def _is_left_out(trial: Trial, one: Broken) -> bool:
    """A word before the day that a family of the experiment does not get, and no other."""
    step = one.detail.split()[1] if one.what in ("unchecked", "not called back") else ""
    return trial.kind == "hold-out" and step in trial.asked.steps and reminder_ladder.offset_of(step) <= 0


def _families(world: World, trial: Trial, homes: Sequence[Home]) -> list[Family]:
    """Doses counted and on time by what happened to the children, not by what was written down; in the same order."""
    found = []
    for home in homes:
        counted = [_doses(world, trial, card) for card in home.cards.values()]
        found.append(Family(sum(due for due, _ in counted), sum(came for _, came in counted)))
    return found


def _doses(world: World, trial: Trial, card: Card) -> tuple[int, int]:
    kid = card.kid
    if kid.enrolled_on >= trial.declared_on:
        return 0, 0
    calendar, profile = world.calendar, card.profile
    counted = experiment_doses.doses_counted(calendar, profile, kid.born_on, kid.enrolled_on, trial.first, trial.last)
    came = experiment_doses.on_time(calendar, profile, kid.born_on, world.last, card.given, counted, trial.within_days)
    return len(counted), came


def held_in_draws(one: Experiment, usual: Sequence[Family], tried: Sequence[Family]) -> tuple[int, int]:
    """(draws whose interval holds the truth, draws that have one), by the product's own draw and its own estimate.

    `usual` and `tried` are the same families, in the same order, without and with what is tried.
    """
    due = sum(home.due for home in usual)
    truth = 100 * (sum(home.on_time for home in usual) - sum(home.on_time for home in tried)) / max(1, due)
    held = counted = 0
    for seed in range(DRAWS):
        drawn, sums = one._replace(seed=f"{seed}"), {USUAL: Sums(), TRIED: Sums()}
        for place, homes in enumerate(zip(usual, tried, strict=True)):
            if homes[0].due:
                arm = arm_of(drawn, place)
                sums[arm] = sums[arm].add(homes[arm == TRIED])
        effect = experiment_results.compare(sums[USUAL], sums[TRIED]).effect
        if effect is not None:
            counted += 1
            held += effect.low <= truth <= effect.high
    return held, counted
