"""Experiments for tests: the usual one, and families put into the arm that a story is about."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from sqlalchemy import select, update

from service.config import Config, ExperimentSettings
from service.domain.experiments import Experiment, arm_of
from service.runtime import Runtime
from service.store import experiment_tables
from service.store.people_tables import child
from service.stories.homes.families import Enrolled
from service.stories.homes.programmes import PROGRAMME
from service.stories.recall import trials
from service.stories.recall.trials import Approval, Asked
from tests.people import TestClock

APPROVAL = Approval("Awa", "Comité d'éthique", "N 2026/12")


def allowing(settings: Config, **changes: Any) -> Config:
    """The same settings, with experiments allowed."""
    allowed = {"allowed": True, "most_held_out": 50, "fewest_families": 2} | changes
    return settings.model_copy(update={"experiment": ExperimentSettings(**allowed)})


def asked(**changes: Any) -> Asked:
    usual: dict[str, Any] = {
        "name": "early-2026",
        "programme": PROGRAMME,
        "share": 50,
        "starts_on": date(2026, 11, 20),
        "ends_on": date(2026, 12, 31),
        "steps": ("J-3", "J-1", "J"),
    }
    if "wording" in changes:
        usual["steps"] = ()
    return Asked(**usual | changes)


def home_of(runtime: Runtime, one: Enrolled) -> int:
    with runtime.database.read() as tx:
        return int(tx.execute(select(child.c.household_id).where(child.c.person_id == one.child_id)).scalar_one())


def begin(runtime: Runtime, clock: TestClock, arms: Mapping[int, str] | None = None, **changes: Any) -> Experiment:
    """Declare it; its seed is then taken for one that puts these households where the story needs them."""
    with runtime.database.begin() as tx:
        one = trials.begin(tx, runtime, asked(**changes), APPROVAL, clock.now())
        seeds = (f"{number:064x}" for number in range(100_000))
        wanted = (arms or {}).items()
        seed = next(s for s in seeds if all(arm_of(one._replace(seed=s), home) == arm for home, arm in wanted))
        e = experiment_tables.experiment
        tx.execute(update(e).where(e.c.id == one.id).values(seed=seed))
    one = one._replace(seed=seed)
    trials.count_arms(runtime, one)
    return one


def counts(runtime: Runtime, one: Experiment) -> dict[tuple[str, str], int]:
    with runtime.database.read() as tx:
        return experiment_tables.counts_of(tx, one.id)
