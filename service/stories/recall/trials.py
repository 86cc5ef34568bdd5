"""Experiments that run: what a family in the tried arm is not told, or is told in other words; begun and stopped.

A step that is left out is passed like one told to nobody: it is counted, and the ladder goes on. Only `recalls` asks;
late steps, the mediators' list, apologies and answers know nothing of it.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta

from sqlalchemy.engine import Connection

from service.domain import experiments, reminder_ladder
from service.domain.experiments import TRIED, USUAL_WORDS, Experiment, NotSound, arm_of, takes_part
from service.runtime import Runtime
from service.store import care_tables, centre_tables, experiment_tables, place_tables
from service.store.care_tables import VACCINE, NextStep
from service.store.experiment_tables import Left, Record
from service.store.recall_tables import DueAppointment
from service.store.system_tables import count
from service.stories.keeping import clock_guard

WITHHELD, GIVEN_BACK = "withheld", "given_back"
HOUSEHOLDS, CHILDREN = "households", "children"
PAGE = 500
FEWEST_LETTERS = 2


@dataclass(slots=True)
class Underway:
    """The experiments of one page of the planner, by programme, and the steps that they left out of it."""

    running: dict[int, Experiment] = field(default_factory=dict)
    left_out: Counter[tuple[int, str, str]] = field(default_factory=Counter)

    def withholds(self, row: DueAppointment, step: str) -> bool:
        """Whether this family is not told this step; if so it is counted."""
        one = self._trying(row, "hold-out")
        if one is None or step not in one.steps:
            return False
        self.left_out[one.id, TRIED, f"{WITHHELD}:{step}"] += 1
        return True

    def words(self, rows: Iterable[DueAppointment]) -> str:
        """The phrase in which a household's message before the day is said."""
        tried = (one.wording for row in rows if (one := self._trying(row, "wording")))
        return next(tried, USUAL_WORDS)

    def _trying(self, row: DueAppointment, kind: str) -> Experiment | None:
        """The experiment of this kind whose tried arm the row is in."""
        one = self.running.get(row.programme_id)
        if one is None or one.kind != kind or row.kind != VACCINE:
            return None  # a follow-up takes no part
        if row.enrolled_at is None or row.birth_precision is None:
            return None
        takes = takes_part(one, row.enrolled_at, row.birth_precision, row.on)
        return one if takes and arm_of(one, row.household_id) == TRIED else None

    def write_down(self, tx: Connection) -> None:
        if self.left_out:
            experiment_tables.add_counts(tx, self.left_out)
            count(tx, "recall_steps_withheld", sum(self.left_out.values()))


def underway(tx: Connection, runtime: Runtime, today: date) -> Underway:
    """What runs today. Where experiments are not allowed the database is not even asked."""
    if not runtime.config.experiment.allowed:
        return Underway()
    running = experiment_tables.underway(tx, today)
    # A version that lost the words goes on with the usual ones.
    return Underway({one.programme_id: one for one in running if not one.wording or _is_known(runtime, one.wording)})


def _is_known(runtime: Runtime, phrase: str) -> bool:
    return phrase in runtime.phrases.by_key


# --- begun ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody wants to try. `steps` for a hold-out, `wording` ('plan') for words; `within_days`: on time."""

    name: str
    programme: str
    share: int
    starts_on: date
    ends_on: date
    steps: tuple[str, ...] = ()
    wording: str = ""
    within_days: int | None = None


@dataclass(frozen=True, slots=True)
class Approval:
    """Who declares it, who approved it (an ethics committee), and under which reference."""

    declared_by: str
    approved_by: str
    reference: str


def draw(runtime: Runtime, asked: Asked, programme_id: int, now: int, seed: str = "") -> Experiment:
    """The experiment that would run; raises NotSound where it must not. Without a `seed`, one that nobody chose."""
    if bool(asked.steps) == bool(asked.wording):
        raise NotSound("say what is tried: steps that are left out, or a wording; not both")
    phrase = f"{USUAL_WORDS}.{asked.wording}" if asked.wording else ""
    settled = runtime.calendar.settings.timely_within_days
    one = Experiment(
        id=0,
        programme_id=programme_id,
        name=asked.name,
        kind="wording" if asked.wording else "hold-out",
        steps=asked.steps,
        wording=phrase,
        share=asked.share,
        seed=seed or secrets.token_hex(32),
        starts_on=asked.starts_on,
        ends_on=asked.ends_on,
        within_days=settled if asked.within_days is None else asked.within_days,
        declared_at=now,
    )
    experiments.check(one, runtime.ladder, runtime.today(now), runtime.config.experiment.most_held_out)
    if phrase:
        _check_words(runtime, phrase)
    return one


def wordings(runtime: Runtime) -> list[str]:
    """The other ways to say what is said before the day."""
    head = f"{USUAL_WORDS}."
    return [key.removeprefix(head) for key in runtime.phrases.by_key if key.startswith(head)]


def _check_words(runtime: Runtime, phrase: str) -> None:
    """Both arms must be told the same things, in the same languages: only the words may differ."""
    known = runtime.phrases.by_key
    if phrase not in known:
        raise NotSound(f"there is no phrase '{phrase}'; there are: {', '.join(wordings(runtime)) or 'none'}")
    usual, other = known[USUAL_WORDS], known[phrase]
    if (other.slots, other.reviewed) != (usual.slots, usual.reviewed) or other.parts > usual.parts:
        raise NotSound(f"'{phrase}' has not the slots, the reviewed languages and the length of '{USUAL_WORDS}'")


def look(runtime: Runtime, asked: Asked, now: int) -> Experiment:
    """The same, and nothing is locked or written."""
    with runtime.database.read() as tx:
        found = place_tables.programme_of_code(tx, asked.programme)
    return draw(runtime, asked, _there(asked, found and found.id), now)


def _there(asked: Asked, programme_id: int | None) -> int:
    if programme_id is None:
        raise NotSound(f"there is no programme '{asked.programme}'")
    return programme_id


def begin(
    tx: Connection, runtime: Runtime, asked: Asked, approval: Approval, now: int, *, seed: str = ""
) -> Experiment:
    """Declare an experiment: from its day on it runs. Raises NotSound, and nothing is changed.

    `count_arms` is to follow. `seed`: of a rehearsal only, whose families are drawn the same another time.
    """
    if seed and not clock_guard.time_may_be_moved(tx):
        raise NotSound("nobody chooses how the families of a programme are drawn")
    if not runtime.config.experiment.allowed:
        raise NotSound("experiments are not allowed here: set LASELI_EXPERIMENT__ALLOWED=true in every process")
    needed = (
        ("--by: who declares it", approval.declared_by),
        ("--approved-by: the ethics committee that approved it", approval.approved_by),
        ("--approval-reference: the number of its decision", approval.reference),
    )
    missing = [what for what, said in needed if len(said.strip()) < FEWEST_LETTERS]
    if missing:
        raise NotSound(f"say, each in {FEWEST_LETTERS} letters or more, {'; '.join(missing)}")
    where = experiment_tables.lock_programme(tx, asked.programme)
    one = draw(runtime, asked, _there(asked, where), now, seed)
    _only_one(tx, runtime, one, now)
    record = Record(
        one,
        approval.declared_by.strip()[:60],
        approval.approved_by.strip()[:120],
        approval.reference.strip()[:120],
        *(None, None, None),
    )
    return one._replace(id=experiment_tables.add(tx, record))


def _only_one(tx: Connection, runtime: Runtime, one: Experiment, now: int) -> None:
    if experiment_tables.record_of(tx, one.name):
        raise NotSound(f"there was an experiment '{one.name}' already: its name stays with its record")
    for other in experiment_tables.underway(tx, runtime.today(now)):
        if other.programme_id == one.programme_id:
            raise NotSound(f"'{other.name}' runs until {other.ends_on}: one experiment at a time in a programme")


def shares(runtime: Runtime, one: Experiment) -> Counter[tuple[str, str]]:
    """(arm, households or children) -> how many of those enrolled by then are in it; read a page at a time."""
    found: Counter[tuple[str, str]] = Counter()
    after, size = 0, PAGE
    while size == PAGE:
        with runtime.database.read() as tx:
            homes = experiment_tables.households_after(tx, one.programme_id, one.declared_at, after, PAGE)
            kids = experiment_tables.children_of(tx, one.programme_id, one.declared_at, homes)
        found.update((arm_of(one, kid.household_id), CHILDREN) for kid in kids)
        found.update((arm_of(one, home), HOUSEHOLDS) for home in homes)
        size, after = len(homes), homes[-1] if homes else after
    return found


def count_arms(runtime: Runtime, one: Experiment) -> Counter[tuple[str, str]]:
    """Write down how many were in each arm when it was declared: right after, so that no caller waits meanwhile."""
    found = shares(runtime, one)
    with runtime.database.begin() as tx:
        experiment_tables.add_counts(tx, {(one.id, arm, what): times for (arm, what), times in found.items()})
    return found


# --- stopped --------------------------------------------------------------------------------------------------


def stop(tx: Connection, runtime: Runtime, name: str, by: str, why: str, now: int) -> int | None:
    """From now on everybody gets everything; what was left out and is still useful is given back. Gives how much.

    None when it was stopped before. Raises NotSound for a name that is not there.
    """
    record = experiment_tables.record_of(tx, name)
    if record is None:
        raise NotSound(f"there is no experiment '{name}' (`laseli experiment list`)")
    one = record.experiment
    if not experiment_tables.stop(tx, one.id, by.strip(), why.strip(), now):
        return None
    return _give_back(tx, runtime, one, now) if one.kind == "hold-out" else 0


def _give_back(tx: Connection, runtime: Runtime, one: Experiment, now: int) -> int:
    """Steps left out whose time is not over wait again, as if they had never been passed."""
    today = runtime.today(now)
    useful = [step.useful.offset_days for step in runtime.ladder.steps if step.name in one.steps]
    since = today - timedelta(max(useful, default=0))
    left = [row for row in _left(tx, one, since) if arm_of(one, row.household_id) == TRIED]
    again = [step for row in left if (step := _again(runtime, one, row, now))]
    care_tables.set_next_steps(tx, again, now)
    counted = Counter((one.id, TRIED, f"{GIVEN_BACK}:{step.next_step}") for step in again)
    experiment_tables.add_counts(tx, counted)
    return len(again)


def _left(tx: Connection, one: Experiment, since: date) -> list[Left]:
    """With their households locked: the planner and replans take turns with us."""
    homes = sorted({row.household_id for row in experiment_tables.passed_without_a_word(tx, one, since)})
    for place in range(0, len(homes), PAGE):
        centre_tables.lock_households(tx, homes[place : place + PAGE])
    return experiment_tables.passed_without_a_word(tx, one, since)


def _again(runtime: Runtime, one: Experiment, row: Left, now: int) -> NextStep | None:
    """The step as it stood before it was passed; None where it is too late for it."""
    names = [step.name for step in runtime.ladder.steps]
    place = names.index(row.last_step) if row.last_step in names else 0
    before = names[place - 1] if place else None
    step = reminder_ladder.next_step(runtime.ladder, row.on, before, runtime.local(now), row.lapses_on)
    if step is None or step.step != row.last_step:
        return None
    return NextStep(row.appointment_id, before, step.step, max(step.on, runtime.today(now)))
