"""A mediator was at a child's home: what she found is kept, and what follows from it is done in the same transaction.

A death stops everything at once, and whoever may come back to it is a person: the supervisor follows the child again.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import Final, NamedTuple

from sqlalchemy.engine import Connection

from service.domain import visit_rules
from service.domain.visit_rules import Recalls, Status
from service.runtime import Runtime
from service.store import child_states, family_changes, people_tables, place_tables, task_tables, visit_tables
from service.store.mediator_tables import Mediator
from service.store.people_tables import Child
from service.stories.homes import child_tasks, families, moves, pauses, wrong_numbers
from service.stories.homes.families import show_code
from service.stories.recall import recalls
from service.stories.staff import mediator_accounts
from service.stories.staff.mediator_doses import Refused

RESOLVED: Final = ("visit_refused", "moved_away", child_tasks.HELD)
BEFORE: Final = {
    "family": "arrêté par la famille",
    "moved": "famille partie",
    "dead": "noté décédé",
    "refused": "refus",
    "hospital": "hôpital",
    "doubt": "en silence dans le doute",
}


class Found(NamedTuple):
    """What she found, and when. `zone_id`: the quartier that the child moved to, None when it is none of ours."""

    status: Status
    on: date
    zone_id: int | None = None

    @property
    def elsewhere(self) -> bool:
        return self.status == "moved" and self.zone_id is None


class CannotResume(Exception):
    """The child cannot be followed again; the text says why, and nothing was written."""


class _Visit(NamedTuple):
    tx: Connection
    runtime: Runtime
    one: Mediator
    child: Child
    found: Found
    now: int


def record(tx: Connection, runtime: Runtime, one: Mediator, child: Child, found: Found, now: int) -> None:
    """Keep what she found and do what follows from it. The same again changes nothing. Raises Refused."""
    standing = people_tables.find_child(tx, id=child.id)  # ours from here on
    if standing is None or standing.status != "followed":
        raise Refused("no_child", child=show_code(child.code))
    _check(tx, runtime, standing, found, now)
    assert standing.zone_id is not None, "a mediator finds the children of her quartiers"
    visit_tables.add_visit(
        tx,
        organisation_id=standing.organisation_id,
        child_id=standing.id,
        mediator_id=one.id,
        zone_id=standing.zone_id,
        status=found.status,
        visited_on=found.on,
        recorded_at=now,
        moved_to=found.zone_id,
    )
    mediator_accounts.note_use(tx, one, now)
    rule = visit_rules.rule_of(found.status, elsewhere=found.elsewhere)
    _FOLLOWS[rule.recalls](_Visit(tx, runtime, one, standing, found, now))
    if rule.line is not None:
        # Nobody is to be called: the family said no, or has gone, or the number is not theirs.
        key = f"{rule.line}:{standing.id}:{runtime.today(now)}"
        child_tasks.put_on_list(tx, now, rule.line, standing, key=key, details={"Visite du": f"{found.on:%d/%m/%Y}"})


def _check(tx: Connection, runtime: Runtime, child: Child, found: Found, now: int) -> None:
    if found.on > runtime.today(now):
        raise Refused("future", day=f"{found.on:%d/%m/%y}")
    if found.on < child.born_on:
        raise Refused("before_birth", day=f"{found.on:%d/%m/%y}", child=show_code(child.code))
    if found.status == "moved" and found.zone_id == child.zone_id:
        raise Refused("visit_same_zone", child=show_code(child.code))
    if found.zone_id is not None and place_tables.place_of_zone(tx, found.zone_id) is None:
        raise Refused("visit_zone")


# --- what follows -------------------------------------------------------------------------------------------


def _goes_on(visit: _Visit) -> None:
    """Whoever was seen at home is in hospital no longer."""
    if visit.child.quiet_why == pauses.HOSPITAL:
        pauses.speak_again(visit.tx, visit.runtime, visit.child, visit.now)


def _is_refused(visit: _Visit) -> None:
    pauses.refuse(visit.tx, visit.runtime, visit.child.id, visit.now)


def _is_paused(visit: _Visit) -> None:
    until = visit_rules.quiet_until(visit.found.on, visit.runtime.config.visits.hospital_days)
    pauses.pause(visit.tx, visit.runtime, visit.child, until, visit.now)


def _lives_elsewhere(visit: _Visit) -> None:
    tx, child = visit.tx, visit.child
    assert visit.found.zone_id is not None
    phone_id = family_changes.lock_household(tx, child.household_id)
    moves.move(tx, visit.runtime, [child], visit.found.zone_id, phone_id, visit.now)


def _has_ended(visit: _Visit) -> None:
    """No plan, no message, and no line that asks somebody to go there; the household's other children go on."""
    tx, child, now = visit.tx, visit.child, visit.now
    families.stop_child(tx, visit.runtime, child.id, now, "dead" if visit.found.status == "dead" else "moved")
    child_tasks.drop_lines(tx, child, mediator_accounts.signature(visit.one), now)


def _has_no_phone(visit: _Visit) -> None:
    """What asks whether the number is the family's is answered."""
    tx = visit.tx
    phone_id = wrong_numbers.is_wrong_number(tx, visit.runtime, visit.child, visit.now)
    if phone_id is not None and not people_tables.children_on_phone(tx, phone_id):
        for kind in child_tasks.ABOUT_A_PHONE:
            by = mediator_accounts.signature(visit.one)
            task_tables.close_tasks_of_phone(tx, kind, phone_id, "done", by, visit.now)


_FOLLOWS: Final[dict[Recalls, Callable[[_Visit], None]]] = {
    "go_on": _goes_on,
    "refused": _is_refused,
    "paused": _is_paused,
    "elsewhere": _lives_elsewhere,
    "ended": _has_ended,
    "no_phone": _has_no_phone,
}


# --- put right by the supervisor ----------------------------------------------------------------------------


def resume(tx: Connection, runtime: Runtime, code: str, by: str, now: int) -> str:
    """Follow a child again that was stopped, or speak of it again; gives what stood there before, in French words.

    What is still useful is told from now on. Raises CannotResume.
    """
    child = people_tables.find_child(tx, code=re.sub(r"\D", "", code))
    if child is None:
        raise CannotResume("no child has this code; it has eight digits, as on the booklet")
    was = child.quiet_why if child.status == "followed" else child_states.why_stopped(tx, child.id) or "family"
    if was is None:
        raise CannotResume("this child is followed, and its reminders go on: nothing to resume")
    child_states.follow_again(tx, child.id)
    pauses.speak_again(tx, runtime, child, now)
    recalls.replan(tx, runtime, child.id, now)
    task_tables.close_tasks_of_person(tx, child.id, "done", by, now, kinds=RESOLVED)
    _keep_who(tx, child, was, by, now)
    return BEFORE[was]


def _keep_who(tx: Connection, child: Child, was: str, by: str, now: int) -> None:
    """A line that is done already: who followed the child again, and what had stopped it."""
    key = f"resumed:{child.id}:{now}"
    child_tasks.put_on_list(tx, now, "resumed", child, key=key, details={"Avant": BEFORE[was]})
    task_tables.close_task_of(tx, key, "done", by, now)
