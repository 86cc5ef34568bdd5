"""The list of late children of some quartiers: the last step of the ladder is a mediator's visit."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from itertools import groupby
from typing import NamedTuple

from sqlalchemy.engine import Connection

from service.domain import late_order, treatment_rules, visit_rules
from service.domain.late_order import LateRule
from service.domain.vaccination import Given
from service.runtime import Runtime
from service.store import late_tables, report_tables
from service.store.care_tables import NUTRITION, VACCINE
from service.store.late_tables import Waiting
from service.store.people_tables import Child
from service.stories.care import care

AT_ONCE = 200
"""Children whose doses are read together."""


class LateChild(NamedTuple):
    """A child to be visited. `doses` can be given on this very day; `on` is the day from which it counts as late.

    `also` is what else waits for it, in discreet words.

    `heard`: a reminder about it arrived, as a receipt said. `silent` is why no reminder reaches the family, if so:
    'no_phone', 'stopped' or 'unreachable'.
    """

    child: Child
    doses: tuple[str, ...]
    days_late: int
    on: date
    last_step: str | None
    heard: bool
    silent: str
    also: tuple[str, ...] = ()

    @property
    def has_phone(self) -> bool:
        return self.silent != "no_phone"

    @property
    def born_on(self) -> date:
        return self.child.born_on

    @property
    def code(self) -> str:
        return self.child.code


def late_children(
    tx: Connection, runtime: Runtime, zone_ids: Iterable[int], today: date, limit: int | None = None
) -> list[LateChild]:
    """The children of these quartiers who need a visit, whoever waits longest first; without a limit, all of them.

    The price follows the children of these quartiers, and not how many are followed elsewhere.
    """
    seen_since = visit_rules.seen_lately_since(today, runtime.config.visits.seen_days)
    rows = late_tables.waiting_in(tx, sorted(set(zone_ids)), today, seen_since)
    by_child = {one: list(its) for one, its in groupby(rows, key=lambda row: row.child)}
    found = [_late(runtime, child, its, today) for child, its in by_child.items()]
    in_order = late_order.most_urgent_first([one for one in found if one is not None])
    listed: list[LateChild] = []
    for start in range(0, len(in_order), AT_ONCE):
        listed += _with_doses(tx, runtime, in_order[start : start + AT_ONCE], today)
        if limit is not None and len(listed) >= limit:
            return listed[:limit]
    return listed


def rule_of(runtime: Runtime, kind: str = VACCINE) -> LateRule:
    """From the table of reminder steps of this kind, and what the calendar calls a defaulter."""
    if kind == NUTRITION:
        return treatment_rules.late_rule(runtime.nutrition, runtime.nutrition_ladder)
    last = runtime.ladder.steps[-1].offset_days
    return LateRule(told=last, untold=runtime.calendar.settings.defaulter_after_days)


def first_rule(runtime: Runtime) -> LateRule:
    """The soonest that anybody is on the list, whatever waits for the child."""
    rules = [rule_of(runtime)] + ([rule_of(runtime, NUTRITION)] if runtime.config.follow_ups else [])
    return LateRule(told=min(rule.told for rule in rules), untold=min(rule.untold for rule in rules))


def _late(runtime: Runtime, child: Child, rows: Sequence[Waiting], today: date) -> LateChild | None:
    """The child with all that waits for it, counted from the earliest day of what is late; None when nothing is."""
    silent = _silent(rows[0])
    late = [row for row in rows if _needs_visit(rule_of(runtime, row.kind), row, silent, today)]
    if not late:
        return None
    first = late[0]
    doses = tuple(dict.fromkeys(dose for row in rows if row.kind == VACCINE for dose in row.doses.split(",")))
    visits = any(row.kind == NUTRITION for row in late)
    also = (runtime.nutrition.protocol.label_fr,) if visits else ()
    heard = any(row.heard for row in late)
    return LateChild(child, doses, (today - first.on).days, first.on, first.last_step, heard, silent, also)


def _needs_visit(rule: LateRule, row: Waiting, silent: str, today: date) -> bool:
    is_climbed = row.next_step is None
    return late_order.needs_visit(rule, (today - row.on).days, is_climbed=is_climbed, is_reached=not silent)


def _silent(row: Waiting) -> str:
    if not row.has_phone:
        return "no_phone"
    return "stopped" if row.refused else "unreachable" if row.unreachable else ""


def _with_doses(tx: Connection, runtime: Runtime, children: Sequence[LateChild], today: date) -> list[LateChild]:
    """Those to whom something can be given on this day, with what that is: a plan may be older than the child's age.
    And those for whom something else waits."""
    given: dict[int, list[Given]] = defaultdict(list)
    for child_id, antigen, on, _ in report_tables.doses_of(tx, [one.child.id for one in children], today):
        given[child_id].append(Given(antigen, on))
    kept = []
    for one in children:
        due = [dose.dose for dose in care.assess_doses(runtime, one.child, given[one.child.id], today).due]
        doses = tuple(dose for dose in due if dose in one.doses)
        if doses or one.also:
            kept.append(one._replace(doses=doses))
    return kept
