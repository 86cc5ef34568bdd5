"""The appointment of a treatment's next visit: the child's own, on the rails of its vaccines, with another ladder."""

from __future__ import annotations

from datetime import date

from sqlalchemy.engine import Connection

from service.domain import treatment_rules
from service.domain.protocols import DatedContact
from service.runtime import Runtime
from service.store import care_tables, treatment_tables
from service.store.care_tables import NUTRITION
from service.store.people_tables import Child
from service.store.treatment_tables import Treatment
from service.stories.recall import ladder_steps, unsaid


def replan(tx: Connection, runtime: Runtime, one: Treatment, child: Child, now: int) -> None:
    """Ask for the next visit, and for no other; what waited to be sent about another is cancelled."""
    days = [visit.made_on for visit in treatment_tables.visits_of(tx, one.id)]
    coming = treatment_rules.next_visit(runtime.nutrition, one.admitted_on, days, runtime.today(now))
    rows = care_tables.open_appointments(tx, child.id, NUTRITION)
    wanted = (coming.id, coming.planned_on) if coming else None
    _close(tx, runtime, [row.id for row in rows if (row.doses, row.anchor_on) != wanted], now)
    if coming and wanted not in {(row.doses, row.anchor_on) for row in rows}:
        care_tables.add_appointments(tx, [_row(runtime, child, coming, now)], now)
    treatment_tables.set_lapse(tx, one.id, coming.lapses_on if coming else runtime.today(now))


def ask_for_nothing(tx: Connection, runtime: Runtime, one: Treatment, now: int) -> None:
    """The child was sent on: until its next measure no visit is asked for, and it is no defaulter."""
    _close(tx, runtime, [row.id for row in care_tables.open_appointments(tx, one.child_id, NUTRITION)], now)
    treatment_tables.set_lapse(tx, one.id, None)


def end(tx: Connection, runtime: Runtime, one: Treatment, on: date, why: str, now: int) -> bool:
    """Nothing comes of it any more, and what waited is taken back; False when it had ended already."""
    if not treatment_tables.end(tx, one.id, on, why, now):
        return False
    _close(tx, runtime, [row.id for row in care_tables.open_appointments(tx, one.child_id, NUTRITION)], now)
    return True


def end_with_child(tx: Connection, runtime: Runtime, child_id: int, why: str, now: int) -> None:
    """The child is followed no longer: `why` is family, moved or dead."""
    one = treatment_tables.open_of(tx, child_id)
    if one is not None:
        end(tx, runtime, one, runtime.today(now), treatment_rules.OF_CHILD[why], now)


def _close(tx: Connection, runtime: Runtime, ids: list[int], now: int) -> None:
    care_tables.close_appointments(tx, ids, now)
    unsaid.unsay_appointments(tx, runtime, ids, now)


def _row(runtime: Runtime, child: Child, coming: DatedContact, now: int) -> dict[str, object]:
    step = ladder_steps.step_of(runtime, child, NUTRITION, coming.planned_on, coming.lapses_on, None, now)
    return {
        "organisation_id": child.organisation_id,
        "programme_id": child.programme_id,
        "child_id": child.id,
        "household_id": child.household_id,
        "kind": NUTRITION,
        "doses": coming.id,
        "anchor_on": coming.planned_on,
        "lapses_on": coming.lapses_on,
        **ladder_steps.step_columns(step),
    }
