"""Experiments as they were declared, and what was counted of each arm. No row of a family: its arm is worked out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    bindparam,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.engine import Connection

from service.domain.experiments import Experiment
from service.store.care_tables import VACCINE, appointment
from service.store.columns import Id, Instant, among, id_column, metadata, new_id, reference, upsert, wrote
from service.store.message_tables import message
from service.store.people_tables import child, person
from service.store.place_tables import programme
from service.store.prepared import Prepared
from service.store.recall_tables import message_appointment

experiment = Table(
    "experiment",
    metadata,
    id_column(),
    reference("programme_id", "programme.id", index=True),
    Column("name", String(40), nullable=False, unique=True),
    Column("kind", String(10), nullable=False),  # hold-out, wording
    Column("steps", String(120), nullable=False),  # 'J-3,J-1': what the tried arm is not told
    Column("wording", String(80), nullable=False),  # 'recall.before.plan': how the tried arm is told
    Column("share", Integer, nullable=False),
    Column("seed", String(64), nullable=False),
    Column("starts_on", Date, nullable=False),
    Column("ends_on", Date, nullable=False),
    Column("within_days", Integer, nullable=False),
    Column("declared_at", Instant, nullable=False),
    Column("declared_by", String(60), nullable=False),
    Column("approved_by", String(120), nullable=False),
    Column("approval_reference", String(120), nullable=False),
    Column("stopped_at", Instant),
    Column("stopped_by", String(60)),
    Column("stopped_why", Text),
)

# No person in it: it stays, as the other tallies do.
experiment_count = Table(
    "experiment_count",
    metadata,
    reference("experiment_id", "experiment.id"),
    Column("arm", String(10), nullable=False),
    Column("measure", String(24), nullable=False),  # households, children, withheld:J-3, given_back:J-1
    Column("times", BigInteger, nullable=False),
    PrimaryKeyConstraint("experiment_id", "arm", "measure"),
)
e = experiment.c
a, m, link = appointment.c, message.c, message_appointment.c
_on = func.coalesce(a.meets_on, a.anchor_on)
_EXPERIMENT = tuple(e[name] for name in Experiment._fields)


class Record(NamedTuple):
    """An experiment, who answers for it, and whether it was stopped."""

    experiment: Experiment
    declared_by: str
    approved_by: str
    approval_reference: str
    stopped_at: int | None
    stopped_by: str | None
    stopped_why: str | None


_RECORD = tuple(e[name] for name in Record._fields[1:])


def _experiment(row: Sequence[Any]) -> Experiment:
    one = Experiment._make(row)
    return one._replace(steps=tuple(name for name in str(one.steps).split(",") if name))


def _record(row: Sequence[Any]) -> Record:
    return Record(_experiment(row[: len(_EXPERIMENT)]), *row[len(_EXPERIMENT) :])


def underway(tx: Connection, today: date) -> list[Experiment]:
    """Those that were not stopped and are not over: until our end nobody stops one (PostgreSQL: he waits for us)."""
    which = select(*_EXPERIMENT).where(e.stopped_at.is_(None), e.ends_on >= today)
    return [_experiment(row) for row in tx.execute(which.with_for_update(read=True))]


def records(tx: Connection) -> list[Record]:
    """Every experiment, the latest first."""
    return [_record(row) for row in tx.execute(select(*_EXPERIMENT, *_RECORD).order_by(e.declared_at.desc(), e.name))]


def record_of(tx: Connection, name: str) -> Record | None:
    row = tx.execute(select(*_EXPERIMENT, *_RECORD).where(e.name == name)).first()
    return _record(row) if row else None


def lock_programme(tx: Connection, code: str) -> int | None:
    """The programme's id; whoever else begins an experiment there waits until we commit."""
    which = select(programme.c.id).where(programme.c.code == code)
    return tx.execute(which.with_for_update(key_share=True)).scalar_one_or_none()


def add(tx: Connection, record: Record) -> int:
    """Write down what was declared; gives its id."""
    experiment_id = new_id()
    values = record._asdict() | record.experiment._asdict()
    del values["experiment"]
    values |= {"id": experiment_id, "steps": ",".join(record.experiment.steps)}
    tx.execute(insert(experiment).values(values))
    return experiment_id


def stop(tx: Connection, experiment_id: int, by: str, why: str, now: int) -> bool:
    """False when it was stopped before."""
    stands = (e.id == experiment_id) & e.stopped_at.is_(None)
    return wrote(tx, update(experiment).where(stands).values(stopped_at=now, stopped_by=by[:60], stopped_why=why))


def add_counts(tx: Connection, counted: Mapping[tuple[int, str, str], int]) -> None:
    """So many times more, by (experiment, arm, measure)."""
    for key in sorted(counted):  # always in this order: two who count at once never wait for each other
        row = dict(zip(("experiment_id", "arm", "measure"), key, strict=True)) | {"times": counted[key]}
        statement = upsert(tx, experiment_count).values(row)
        more = experiment_count.c.times + statement.excluded.times
        keys = [column.name for column in experiment_count.primary_key]
        tx.execute(statement.on_conflict_do_update(index_elements=keys, set_={"times": more}))


def counts_of(tx: Connection, experiment_id: int) -> dict[tuple[str, str], int]:
    """(arm, measure) -> how many."""
    c = experiment_count.c
    rows = tx.execute(select(c.arm, c.measure, c.times).where(c.experiment_id == experiment_id))
    return {(row[0], row[1]): int(row[2]) for row in rows}


# --- the families that take part --------------------------------------------------------------------------------


class Kid(NamedTuple):
    """A child by whose doses an experiment is judged."""

    id: int
    household_id: int
    profile: str
    born_on: date
    enrolled_on: date


class Cost(NamedTuple):
    """A reminder to a family, in hundredths of a franc CFA."""

    household_id: int
    state: str
    cost: int


def households_after(tx: Connection, programme_id: int, enrolled_by: int, after: int, limit: int) -> list[int]:
    """The next households, by id, with a child of the programme enrolled by then, whose birthday is known."""
    c = child.c
    which = (c.household_id > after) & _counted(programme_id, enrolled_by)
    page = select(c.household_id).where(which).distinct().order_by(c.household_id).limit(limit)
    return list(tx.execute(page).scalars())


def children_of(tx: Connection, programme_id: int, enrolled_by: int, homes: Sequence[int]) -> list[Kid]:
    """Followed or not: what was meant for a child counts, not what became of it."""
    c = child.c
    rows = tx.execute(
        select(c.person_id, c.household_id, c.profile, person.c.born_on, c.enrolled_on)
        .join(person, person.c.id == c.person_id)
        .where(c.household_id.in_(homes), _counted(programme_id, enrolled_by), person.c.born_on.is_not(None))
        .order_by(c.household_id, c.person_id)
    )
    return [Kid._make(row) for row in rows]


def _counted(programme_id: int, enrolled_by: int) -> Any:
    c = child.c
    return (c.programme_id == programme_id) & (c.enrolled_at <= enrolled_by) & (c.birth_precision == "day")


_COSTS = Prepared(
    lambda _: (
        select(a.household_id, m.state, func.coalesce(m.cost_true, m.cost_estimated, 0), m.id)
        .select_from(appointment)
        .join(message_appointment, link.appointment_id == a.id)
        .join(message, m.id == link.message_id)
        .where(among(a.child_id, "ids", Id), a.kind == VACCINE, _on >= bindparam("first"), _on <= bindparam("last"))
        .where(m.purpose == "reminder")
        .distinct()
    )
)


def reminders_to(tx: Connection, ids: Sequence[int], first: date, last: date) -> list[Cost]:
    """The reminders that told of contacts of these children in these days; one message to a family counts once."""
    return [Cost(*row[:3]) for row in _COSTS.rows(tx, ids=ids, first=first, last=last)]


class Left(NamedTuple):
    """An open contact whose last step was passed without a message."""

    appointment_id: int
    household_id: int
    on: date
    lapses_on: date | None
    last_step: str


def passed_without_a_word(tx: Connection, one: Experiment, since: date) -> list[Left]:
    """Contacts of the experiment, from that day on, whose last step is one that it leaves out, and was not told."""
    told = select(link.message_id).where(link.appointment_id == a.id, link.step == a.last_step)
    rows = tx.execute(
        select(a.id, a.household_id, _on, a.lapses_on, a.last_step)
        .join(child, child.c.person_id == a.child_id)
        .where(
            a.kind == VACCINE, a.state == "open", a.awaits_stock.is_(False), a.last_step.in_(one.steps), ~told.exists()
        )
        .where(_on >= max(since, one.starts_on), _on <= one.ends_on, _counted(one.programme_id, one.declared_at))
        .order_by(a.household_id, a.id)
    )
    return [Left._make(row) for row in rows]
