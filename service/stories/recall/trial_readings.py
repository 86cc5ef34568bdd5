"""What an experiment came to, read from the records a page of families at a time; and what one could show beforehand.

By what was meant for a family, never by what arrived: whoever refused, moved away or has a wrong number is counted in
its arm. Only a child whose row is gone is missing, and how many those are is told of each arm.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import NamedTuple

from service.domain import experiment_results
from service.domain.experiment_doses import doses_counted, on_time
from service.domain.experiment_results import Family, Found, Sums
from service.domain.experiments import TRIED, USUAL, Experiment, NotSound, arm_of
from service.domain.vaccination import Given
from service.runtime import Runtime
from service.store import experiment_tables, report_tables
from service.store.experiment_tables import Kid, Record
from service.stories.recall import trials
from service.stories.recall.trials import CHILDREN, GIVEN_BACK, HOUSEHOLDS, WITHHELD, Asked
from service.stories.staff import reports

PAGE = 500


@dataclass(frozen=True, slots=True)
class ArmFound:
    """An arm: those declared at the beginning, the children still on record, and what came of them.

    `sums` is None where so few families are in an arm that figures would name one.
    """

    arm: str
    share: int
    households: int
    children: int
    still_there: int
    messages: int
    withheld: dict[str, int]
    given_back: dict[str, int]
    sums: Sums | None


@dataclass(frozen=True, slots=True)
class Reading:
    """`last`: the last day whose doses are counted; `judged_from`: the day on which all are known."""

    record: Record
    arms: tuple[ArmFound, ArmFound]
    last: date
    judged_from: date
    today: date
    found: Found
    smallest: int
    fewest: int
    allowed: bool

    @property
    def too_early(self) -> bool:
        return self.today < self.judged_from

    @property
    def hidden(self) -> bool:
        return any(arm.sums is None for arm in self.arms)

    @property
    def few(self) -> bool:
        """So few families that the interval is too narrow to be believed."""
        return any(arm.sums is not None and arm.sums.families < self.fewest for arm in self.arms)


@dataclass(slots=True)
class _Arm:
    children: int = 0
    messages: int = 0
    sums: Sums = field(default_factory=Sums)


def read(runtime: Runtime, name: str, now: int) -> Reading:
    """Everything of one experiment, as things stand. Raises NotSound for a name that is not there."""
    with runtime.database.read() as tx:
        record = experiment_tables.record_of(tx, name)
        if record is None:
            raise NotSound(f"there is no experiment '{name}' (`laseli experiment list`)")
        counted = experiment_tables.counts_of(tx, record.experiment.id)
    one, today = record.experiment, runtime.today(now)
    end = one.ends_on
    if record.stopped_at is not None:  # on that very day some had heard everything, and some had not
        end = min(end, runtime.today(record.stopped_at) - timedelta(1))
    last = min(end, today - timedelta(one.within_days + 1))
    walked = _walk_arms(runtime, one, last, today)
    smallest = runtime.config.report.smallest_group
    hidden = any(0 < arm.sums.families < smallest for arm in walked.values())
    arms = tuple(_arm_found(one, arm, walked[arm], counted, hidden) for arm in (USUAL, TRIED))
    more, less = (USUAL, TRIED) if one.kind == "hold-out" else (TRIED, USUAL)
    return Reading(
        record=record,
        arms=(arms[0], arms[1]),
        last=last,
        judged_from=end + timedelta(one.within_days + 1),
        today=today,
        found=experiment_results.compare(Sums(), Sums())
        if hidden
        else experiment_results.compare(walked[more].sums, walked[less].sums),
        smallest=smallest,
        fewest=runtime.config.experiment.fewest_families,
        allowed=runtime.config.experiment.allowed,
    )


def _arm_found(one: Experiment, arm: str, walked: _Arm, counted: dict[tuple[str, str], int], hidden: bool) -> ArmFound:
    def steps(measure: str) -> dict[str, int]:
        names = [(step, counted.get((arm, f"{measure}:{step}"), 0)) for step in one.steps]
        return {step: times for step, times in names if times}

    return ArmFound(
        arm=arm,
        share=dict(one.arms)[arm],
        households=counted.get((arm, HOUSEHOLDS), 0),
        children=counted.get((arm, CHILDREN), 0),
        still_there=walked.children,
        messages=0 if hidden else walked.messages,
        withheld=steps(WITHHELD),
        given_back=steps(GIVEN_BACK),
        sums=None if hidden else walked.sums,
    )


# --- the walk -------------------------------------------------------------------------------------------------


class _Home(NamedTuple):
    """A family on the walk: its children, each with the doses on record."""

    id: int
    kids: list[tuple[Kid, list[Given]]]


def _homes(runtime: Runtime, programme_id: int, enrolled_by: int, today: date) -> Iterator[list[_Home]]:
    """Every family of the programme, a page at a time, each page a transaction of its own."""
    after, size = 0, PAGE
    while size == PAGE:
        with runtime.database.read() as tx:
            ids = experiment_tables.households_after(tx, programme_id, enrolled_by, after, PAGE)
            kids = experiment_tables.children_of(tx, programme_id, enrolled_by, ids)
            doses = report_tables.doses_of(tx, [kid.id for kid in kids], today)
        given: dict[int, list[Given]] = defaultdict(list)
        for child_id, antigen, on, _ in doses:
            given[child_id].append(Given(antigen, on))
        homes: dict[int, _Home] = {}
        for kid in kids:
            homes.setdefault(kid.household_id, _Home(kid.household_id, [])).kids.append((kid, given[kid.id]))
        yield list(homes.values())
        size, after = len(ids), ids[-1] if ids else after


def _family(runtime: Runtime, home: _Home, first: date, last: date, within: int, today: date) -> Family:
    due = came = 0
    for kid, given in home.kids:
        counted = doses_counted(runtime.calendar, kid.profile, kid.born_on, kid.enrolled_on, first, last)
        if counted:
            due += len(counted)
            came += on_time(runtime.calendar, kid.profile, kid.born_on, today, given, counted, within)
    return Family(due, came)


def _walk_arms(runtime: Runtime, one: Experiment, last: date, today: date) -> dict[str, _Arm]:
    arms = {USUAL: _Arm(), TRIED: _Arm()}
    for page in _homes(runtime, one.programme_id, one.declared_at, today):
        costs, messages = _spent(runtime, page, one.starts_on, last)
        for home in page:
            arm = arms[arm_of(one, home.id)]
            arm.children += len(home.kids)
            family = _family(runtime, home, one.starts_on, last, one.within_days, today)
            arm.sums = arm.sums.add(family._replace(cost=costs[home.id]))
            arm.messages += messages[home.id] if family.due else 0
    return arms


def _spent(runtime: Runtime, page: Sequence[_Home], first: date, last: date) -> tuple[Counter[int], Counter[int]]:
    """What the reminders about contacts of these days cost, and how many there were, by family."""
    ids = [kid.id for home in page for kid, _ in home.kids]
    with runtime.database.read() as tx:
        sent = experiment_tables.reminders_to(tx, ids, first, last)
    costs, messages = Counter[int](), Counter[int]()
    for row in sent:
        if row.state in reports.TRIED:
            costs[row.household_id] += row.cost
            messages[row.household_id] += 1
    return costs, messages


# --- before it begins -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Forecast:
    """What an experiment could show. `seen`: doses of a time as long, before; `least` in points, None without doses.

    `design` is None where too few families were seen: then each family is taken for one witness, and half for on time.
    """

    experiment: Experiment
    shares: Counter[tuple[str, str]]
    families: int
    doses: int
    seen: Sums
    seen_first: date
    seen_last: date
    on_time: float
    design: float | None
    power: int
    least: float | None


def forecast(runtime: Runtime, asked: Asked, power: int, now: int) -> Forecast:
    """Changes nothing. Raises NotSound where such an experiment must not run."""
    one = trials.look(runtime, asked, now)
    today, length = runtime.today(now), one.ends_on - one.starts_on
    seen_last = today - timedelta(one.within_days + 1)
    seen, coming = Sums(), Sums()
    for page in _homes(runtime, one.programme_id, now, today):
        for home in page:
            seen = seen.add(_family(runtime, home, seen_last - length, seen_last, one.within_days, today))
            coming = coming.add(_family(runtime, home, one.starts_on, one.ends_on, one.within_days, today))
    known = seen.families >= runtime.config.experiment.fewest_families
    design = experiment_results.design_effect(seen) if known else None
    share = seen.share if design is not None else 0.5
    witnesses = coming.due if design is not None else coming.families
    return Forecast(
        experiment=one,
        shares=trials.shares(runtime, one),
        families=coming.families,
        doses=coming.due,
        seen=seen,
        seen_first=seen_last - length,
        seen_last=seen_last,
        on_time=share,
        design=design,
        power=power,
        least=experiment_results.least_effect(share, witnesses, design or 1.0, one.share, power) if witnesses else None,
    )
