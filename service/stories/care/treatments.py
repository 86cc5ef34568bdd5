"""Malnourished children: taken in by the band of their arm, measured every week, recovered, sent on or lost to view.

The visits are appointments of the child: told in the household's one message of the day, word for word like a recall,
and silent with it when the child dies, is in hospital, or its family wants nothing said. A ration is for staff alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TypeAlias

from sqlalchemy.engine import Connection

from flows.conditions import age_months
from service.domain import late_order, rations, treatment_rules
from service.domain.muac import CannotBe, built_in_rules
from service.domain.rations import Discharge, Measure, NextVisit, Referred
from service.domain.treatment_rules import BY_STAFF, CannotWeigh
from service.runtime import Runtime
from service.store import (
    care_tables,
    consent_tables,
    late_tables,
    mediator_tables,
    people_tables,
    task_tables,
    treatment_tables,
)
from service.store.care_tables import NUTRITION
from service.store.consent_tables import WEEKLY_VISITS
from service.store.people_tables import Child
from service.store.treatment_tables import Treatment
from service.stories.care import treatment_plans
from service.stories.homes import child_tasks, consents, families, pauses
from service.stories.homes.consents import Words
from service.stories.keeping import clock_guard

REASONS = {
    "off": "follow-ups are not open yet: a health professional confirms the figures first (docs/follow-ups.md)",
    "unknown": "no followed child has this code; it has eight digits, as on the booklet",
    "known": "this child's visits are followed already: `laseli follow measure` notes one",
    "none": "no visits of this child are followed: `laseli follow treat` begins",
    "future": "that day has not come yet",
    "before": "that day is before the birth, or before the first visit",
    "old": "that day is so long ago that no visit would be asked for any more: measure the child today",
    "arm": "no arm has this width: it is in mm, so 12.5 cm is 125",
    "weight": "no child under five has this weight: it is in kg, like 6.4",
    "green": "this arm is in the green band, and without oedema: nothing is opened; measure again in a month",
    "age": "the tape says nothing of a child under 6 months or above 59: the health centre looks at it",
    "same_day": "somebody else has noted a visit of that day",
    "why": f"an end is one of {', '.join(BY_STAFF)}",
}
LINES = ("muac_referral", "treatment_referral", "treatment_missed", "treatment_absent")
"""What asks for the child to be seen: whoever measured it has seen it."""
AT_HOME = "Aller voir l'enfant. S'il va mal, au centre tout de suite."
AT_THE_CENTRE = "Cette famille ne veut pas de visite : le superviseur voit avec le centre."
AT_ONCE = 500
Answer: TypeAlias = NextVisit | Discharge | Referred


class Refused(Exception):
    """Nothing was written. `reason` is a key of REASONS."""

    def __init__(self, reason: str) -> None:
        super().__init__(REASONS[reason])
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Seen:
    """What was measured on a day, without a sign of danger: with one, `send_on`."""

    on: date
    mm: int
    oedema: bool = False
    weight_g: int | None = None


def find(tx: Connection, code: str, mediator_id: int | None = None) -> Child:
    """The followed child with this whole code, its household ours until the commit; a mediator has her quartiers'.

    Raises Refused, in the same words for a code that nobody has and for a child of another quartier.
    """
    digits = re.sub(r"\D", "", code)
    if mediator_id is not None and not _is_hers(tx, digits, mediator_id):
        raise Refused("unknown")
    child = people_tables.find_child(tx, code=digits)
    if child is None or child.status != "followed":
        raise Refused("unknown")
    return child


def _is_hers(tx: Connection, digits: str, mediator_id: int) -> bool:
    return [one.code for one in mediator_tables.children_of_code(tx, mediator_id, digits)] == [digits]


# --- taken in, and measured ---------------------------------------------------------------------------------


def open_treatment(
    tx: Connection, runtime: Runtime, child: Child, told: Seen, consent: Words, by: str, now: int
) -> Answer:
    """Follow this child's weekly visits from now on; gives the first one and its ration. Raises Refused."""
    if runtime.config.follow_ups is None:
        raise Refused("off")
    if treatment_tables.open_of(tx, child.id) is not None:
        raise Refused("known")
    first = _measured(runtime, child, told, now)
    _take_in(first)
    _is_asked_for(runtime, told.on, [told.on], now)
    protocol = runtime.nutrition.protocol
    named = {"protocol": protocol.name, "protocol_version": protocol.source_date}
    one = treatment_tables.add(tx, child.id, told.on, **named, by=by, now=now)
    if one is None:
        raise Refused("known")  # somebody else was quicker
    consents.keep(tx, child.id, WEEKLY_VISITS, consent, now, by=by, programme_id=child.programme_id)
    return _go_on(tx, runtime, one, child, first, [first], by, now)


def record_visit(
    tx: Connection, runtime: Runtime, child: Child, told: Seen, by: str, now: int, *, at_centre: bool = False
) -> Answer:
    """Keep what was measured at a visit, and do what follows: the next one, recovered, or sent on. Raises Refused.

    The same day again corrects it: by whoever wrote it down, and by the centre, to which a mediator may have sent it.
    """
    one = _open(tx, child)
    visit = _measured(runtime, child, told, now)
    if told.on < one.admitted_on:
        raise Refused("before")
    kept = treatment_tables.visits_of(tx, one.id)
    if not at_centre and any(each.made_on == told.on and each.recorded_by != by for each in kept):
        raise Refused("same_day")
    if told.on == one.admitted_on:
        _take_in(visit)
    measures = [treatment_rules.read(each.made_on, each.measure) for each in kept if each.made_on != told.on]
    measures.append(visit)
    _is_asked_for(runtime, one.admitted_on, [each.on for each in measures], now)
    return _go_on(tx, runtime, one, child, visit, measures, by, now)


def _go_on(
    tx: Connection,
    runtime: Runtime,
    one: Treatment,
    child: Child,
    visit: Measure,
    measures: list[Measure],
    by: str,
    now: int,
) -> Answer:
    answer = rations.after_measure(runtime.nutrition, built_in_rules(), one.admitted_on, measures)
    treatment_tables.write_visit(tx, one.id, visit.on, treatment_rules.written(visit), by, now)
    task_tables.close_tasks_of_person(tx, child.id, "done", by, now, kinds=LINES)
    if isinstance(answer, Discharge):
        treatment_plans.end(tx, runtime, one, answer.on, "recovered", now)
    elif isinstance(answer, Referred):
        treatment_plans.ask_for_nothing(tx, runtime, one, now)
        _see_again(tx, child, answer, now)
    else:
        treatment_plans.replan(tx, runtime, one, child, now)
    return answer


def _measured(runtime: Runtime, child: Child, told: Seen, now: int) -> Measure:
    if told.on > runtime.today(now):
        raise Refused("future")
    if told.on < child.born_on:
        raise Refused("before")
    age = age_months(child.born_on, told.on)
    try:
        return treatment_rules.measured(built_in_rules(), told.on, age, told.mm, told.oedema, told.weight_g)
    except CannotBe:
        raise Refused("arm") from None
    except CannotWeigh:
        raise Refused("weight") from None


def _take_in(first: Measure) -> None:
    why = treatment_rules.why_not_taken(built_in_rules(), first)
    if why is not None:
        raise Refused(why)


def _is_asked_for(runtime: Runtime, admitted_on: date, days: list[date], now: int) -> None:
    if treatment_rules.next_visit(runtime.nutrition, admitted_on, days, runtime.today(now)) is None:
        raise Refused("old")


def _open(tx: Connection, child: Child) -> Treatment:
    one = treatment_tables.open_of(tx, child.id)
    if one is None:
        raise Refused("none")
    return one


# --- sent on ------------------------------------------------------------------------------------------------


def send_on(tx: Connection, runtime: Runtime, child: Child, by: str, now: int) -> Referred:
    """A sign of danger: to the centre now. Nothing is opened or measured, no visit is asked for until the next measure,
    and a mediator sees the child again in some days."""
    found = treatment_rules.referral_in_danger(runtime.nutrition, built_in_rules(), runtime.today(now))
    task_tables.close_tasks_of_person(tx, child.id, "done", by, now, kinds=LINES)
    one = treatment_tables.open_of(tx, child.id)
    if one is not None:
        treatment_plans.ask_for_nothing(tx, runtime, one, now)
    _see_again(tx, child, found, now)
    return found


def _see_again(tx: Connection, child: Child, found: Referred, now: int) -> None:
    whose, to_do = _who_goes(tx, child)
    key = f"treatment_referral:{child.id}:{found.seen_again_on}"
    details = {"Vers": found.referral.to, "À faire": to_do}
    child_tasks.put_on_list(tx, now, "treatment_referral", whose, key=key, due_on=found.seen_again_on, details=details)


def _who_goes(tx: Connection, child: Child) -> tuple[Child, str]:
    """Where the family wants nobody at its door the line is the supervisor's alone: it has no quartier."""
    if child.quiet_why != pauses.REFUSED and consent_tables.may_visit(tx, [child.id]):
        return child, AT_HOME
    return child._replace(zone_id=None), AT_THE_CENTRE


# --- ended --------------------------------------------------------------------------------------------------


def end(tx: Connection, runtime: Runtime, child: Child, why: str, by: str, now: int) -> None:
    """Its visits are followed no more, for one of BY_STAFF. A death ends everything about the child. Raises Refused."""
    if why not in BY_STAFF:
        raise Refused("why")
    one = _open(tx, child)
    if why == "death":
        families.stop_child(tx, runtime, child.id, now, "dead")
        child_tasks.drop_lines(tx, child, by, now)
        return
    treatment_plans.end(tx, runtime, one, runtime.today(now), why, now)
    task_tables.close_tasks_of_person(tx, child.id, "dropped", by, now, kinds=("treatment_referral",))
    if why == "withdrawn":
        consents.withdraw(tx, child.id, WEEKLY_VISITS, by, now)


def end_the_absent(runtime: Runtime) -> int:
    """End the treatments in which nobody came for so long that the child has defaulted, each with a line for a
    mediator; gives how many. Two that do it at once end each of them once."""
    now = runtime.now()
    today = runtime.today(now)
    with runtime.database.read() as tx:
        found = [] if clock_guard.holds(tx) else treatment_tables.lapsed(tx, today, AT_ONCE)
    ended = 0
    for _, child_id in found:
        with runtime.database.begin() as tx:
            ended += _has_defaulted(tx, runtime, child_id, today, now)
    return ended


def tell_of_the_missed(runtime: Runtime) -> int:
    """A line for the supervisor about each child that is missed and may not be visited at home; gives how many.

    On the day on which another child would be on its mediator's list, and once for each visit that was missed.
    """
    now = runtime.now()
    today, rule = runtime.today(now), treatment_rules.late_rule(runtime.nutrition, runtime.nutrition_ladder)
    with runtime.database.read() as tx:
        found = [] if clock_guard.holds(tx) else late_tables.missed_unvisited(tx, today - timedelta(rule.soonest))
    told = 0
    for one in found:
        late = (today - one.asked_on).days
        if late_order.needs_visit(rule, late, is_climbed=one.is_climbed, is_reached=one.is_reached):
            with runtime.database.begin() as tx:
                told += _is_missed(tx, one.child_id, one.asked_on, today, now)
    return told


def _asked_on(tx: Connection, child_id: int) -> set[date | None]:
    return {row.on for row in care_tables.open_appointments(tx, child_id, NUTRITION)}


def _is_missed(tx: Connection, child_id: int, asked_on: date, today: date, now: int) -> bool:
    child = people_tables.find_child(tx, id=child_id)  # ours from here on
    one = treatment_tables.open_of(tx, child_id) if child is not None else None
    if child is None or one is None or asked_on not in _asked_on(tx, child_id):
        return False  # it came meanwhile
    if child.quiet_why in (pauses.HOSPITAL, pauses.DOUBT) and (child.quiet_until or date.max) > today:
        return False
    whose, to_do = _who_goes(tx, child)
    if whose.zone_id is not None:
        return False  # its family thinks otherwise by now: it is on the list of late children
    key, details = f"treatment_missed:{one.id}:{asked_on}", {"À faire": to_do}
    return child_tasks.put_on_list(tx, now, "treatment_missed", whose, key=key, details=details)


def _has_defaulted(tx: Connection, runtime: Runtime, child_id: int, today: date, now: int) -> bool:
    child = people_tables.find_child(tx, id=child_id)  # ours from here on
    one = treatment_tables.open_of(tx, child_id) if child is not None else None
    if child is None or one is None or one.lapses_on is None or one.lapses_on > today:
        return False  # it came meanwhile
    if child.quiet_why in (pauses.HOSPITAL, pauses.DOUBT) and (child.quiet_until or date.max) > today:
        return False  # a child in hospital is no defaulter, and of one that may have died nothing is asked
    if not treatment_plans.end(tx, runtime, one, today, "defaulted", now):
        return False
    whose, to_do = _who_goes(tx, child)
    key = f"treatment_absent:{one.id}"
    child_tasks.put_on_list(tx, now, "treatment_absent", whose, key=key, details={"À faire": to_do})
    return True
