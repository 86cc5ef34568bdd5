"""Children about whom nothing is sent for a while, or until their family asks again. They stay followed.

What waits about them is taken back at once; what the household's other children are told goes on.
"""

from __future__ import annotations

from datetime import date

from sqlalchemy.engine import Connection

from service.runtime import Runtime
from service.store import care_tables, child_states, family_changes, people_tables, phone_tables
from service.store.care_tables import OF_CHILDREN, NextStep
from service.store.people_tables import Child
from service.stories.recall import ladder_steps, recalls

REFUSED, HOSPITAL, DOUBT = child_states.REFUSED, "hospital", "doubt"
"""DOUBT: it may be a child that died; only a person who made sure speaks of it again."""


def refuse(tx: Connection, runtime: Runtime, child_id: int, now: int) -> None:
    """Its family wants nothing said about this child. No START ends a doubt by this way."""
    one = people_tables.find_child(tx, id=child_id)
    if one is not None and one.quiet_why != DOUBT:
        _be_quiet(tx, runtime, child_id, REFUSED, None, now)


def doubt(tx: Connection, runtime: Runtime, child_id: int, now: int) -> None:
    """It may be the same child as one that died: nothing is said of it until a person made sure."""
    _be_quiet(tx, runtime, child_id, DOUBT, None, now)


def pause(tx: Connection, runtime: Runtime, child: Child, until: date, now: int) -> None:
    """Nothing before that day. What a family refuses no hospital gives back, and a longer pause stays."""
    is_longer = child.quiet_until is not None and child.quiet_until >= until
    if child.quiet_why not in (REFUSED, DOUBT) and not is_longer and until > runtime.today(now):
        _be_quiet(tx, runtime, child.id, HOSPITAL, until, now)


def speak_again(tx: Connection, runtime: Runtime, child: Child, now: int) -> None:
    """What is still useful is said from now on."""
    if child.quiet_why is not None:
        _be_quiet(tx, runtime, child.id, None, None, now)


def asked_again(tx: Connection, runtime: Runtime, number: str, now: int) -> None:
    """Whoever holds this phone wants its reminders: what was refused for its children is taken back.

    Not where it is a second number: a mother's refusal is hers to take back.
    """
    phone = phone_tables.find_phone(tx, number)
    if phone is None:
        return
    for child in sorted(people_tables.children_on_phone(tx, phone.id), key=lambda one: (one.household_id, one.id)):
        if child.quiet_why == REFUSED and family_changes.decides(tx, child.household_id, phone.id):
            speak_again(tx, runtime, child, now)


def _be_quiet(tx: Connection, runtime: Runtime, child_id: int, why: str | None, until: date | None, now: int) -> None:
    """The ladders go on as they may from now on."""
    child_states.be_quiet(tx, child_id, why, until)
    recalls.take_back(tx, runtime, child_id, now)
    one = people_tables.find_child(tx, id=child_id)
    assert one is not None
    steps = []
    for kind in OF_CHILDREN:
        for row in care_tables.open_appointments(tx, child_id, kind):
            step = ladder_steps.step_of(runtime, one, kind, row.on, row.lapses_on, row.last_step, now)
            steps.append(NextStep(row.id, row.last_step, step and step.step, step and step.on))
    care_tables.set_next_steps(tx, steps, now)
