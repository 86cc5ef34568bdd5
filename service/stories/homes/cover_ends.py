"""The cover of a household's mutual ends: it is told in time, on the phone that asked for it, and then asked at home.

The mutual gives the last covered day, and a new one when the family goes on. Until the mutual has settled when families
are told (`LASELI_COVER__CONFIRMED_BY`) none is.
"""

from __future__ import annotations

import json
from datetime import date, timedelta

from sqlalchemy.engine import Connection

from service.clock import DAY_MS
from service.domain import cover
from service.domain.cover import Notice
from service.domain.protocols import Anchor, NotPossible
from service.runtime import Runtime
from service.store import brake_tables, care_tables, consent_tables, mutual_tables, task_tables
from service.store.care_tables import COVER
from service.store.consent_tables import FOLLOW_UP, MUTUAL
from service.store.mutual_tables import Cover
from service.store.system_tables import mark, read_mark
from service.stories.homes import programmes
from service.stories.keeping import clock_guard
from service.stories.recall import ladder_steps, unsaid

SCHEME = "AMV"
LINE = "cover_ended"
LOOKED_MARK = "covers_looked_after_on"
KEPT_MS = 30 * DAY_MS
PAGE = 100


def replan(tx: Connection, runtime: Runtime, membership_id: int, now: int) -> None:
    """Make its notices say what the mutual said last; what waited to be sent about another day is cancelled.

    None where it does not stand any more, or where whoever asked for it took the yes back.
    """
    one = mutual_tables.cover_of(tx, membership_id)
    wanted = {(each.contact, each.on, each.lapses_on): each for each in _wanted(tx, runtime, one, now)}
    stands = {(row.doses, row.anchor_on, row.lapses_on): row for row in mutual_tables.open_notices(tx, one.id)}
    gone = [row.id for key, row in stands.items() if key not in wanted]
    care_tables.close_appointments(tx, gone, now)
    unsaid.unsay_appointments(tx, runtime, gone, now)
    new = [_row(tx, runtime, one, each, now) for key, each in wanted.items() if key not in stands]
    care_tables.add_appointments(tx, new, now)
    if one.paid_until is None or one.state != "active" or one.paid_until >= runtime.today(now):
        _drop_lines(tx, one, now)


def _wanted(tx: Connection, runtime: Runtime, one: Cover, now: int) -> tuple[Notice, ...]:
    end = _end(runtime, one)
    if end is None or not _agrees(tx, one, MUTUAL):
        return ()
    return cover.notices(runtime.renewal, end, runtime.today(one.state_at), runtime.today(now))


def _end(runtime: Runtime, one: Cover) -> Anchor | None:
    """The day from which its contacts count; None where there is none, or nobody settled when families are told."""
    if runtime.config.cover is None or one.state != "active" or one.paid_until is None:
        return None
    try:
        return cover.end_of_cover(runtime.renewal, SCHEME, one.paid_until, one.paid_until)
    except NotPossible:
        return None


def _agrees(tx: Connection, one: Cover, purpose: str) -> bool:
    said = consent_tables.standing(tx, (one.person_id,), (purpose,))
    return bool(said) and said[0].given


def _row(tx: Connection, runtime: Runtime, one: Cover, each: Notice, now: int) -> dict[str, object]:
    # Of the reminders' programme: whatever a household is told of in a day goes under one key.
    programme = programmes.of_children(tx)
    step = ladder_steps.step_after(runtime, COVER, each.on, each.lapses_on, None, now)
    return {
        "organisation_id": one.organisation_id,
        "programme_id": programme.id,
        "membership_id": one.id,
        "household_id": one.household_id,
        "kind": COVER,
        "doses": each.contact,
        "anchor_on": each.on,
        "lapses_on": each.lapses_on,
        **ladder_steps.step_columns(step),
    }


# --- once a day ---------------------------------------------------------------------------------------------


def look_after(runtime: Runtime) -> int:
    """Once a local day: covers of whose end nothing was planned, and those that have ended, a line for each.

    Gives how many lines were put on the list. Without the mutual's word on it, or while the clock is in doubt, nothing
    is done.
    """
    now = runtime.now()
    today = runtime.today(now)
    if runtime.config.cover is None:
        return 0
    with runtime.database.read() as tx:
        if read_mark(tx, LOOKED_MARK) == today.isoformat() or clock_guard.holds(tx):
            return 0
    _plan_the_rest(runtime, now)
    put = _list_ended(runtime, now)
    with runtime.database.begin() as tx:
        mark(tx, LOOKED_MARK, today.isoformat())
    return put


def _plan_the_rest(runtime: Runtime, now: int) -> None:
    """Those that were confirmed before anybody settled when families are told."""
    after, today = 0, runtime.today(now)
    while True:
        with runtime.database.begin() as tx:
            ids = mutual_tables.without_notices(tx, today, after, PAGE)
            for membership_id in ids:
                replan(tx, runtime, membership_id, now)
        if len(ids) < PAGE:
            return
        after = ids[-1]


def _list_ended(runtime: Runtime, now: int) -> int:
    today = runtime.today(now)
    days = cover.days_asked_at_home(runtime.renewal, "end_of_cover")
    after, put = 0, 0
    while days:
        with runtime.database.begin() as tx:
            found = mutual_tables.ended_between(tx, today - timedelta(days), today - timedelta(1), after, PAGE)
            put += sum(_put_on_list(tx, runtime, one, today, now) for one in found)
        if len(found) < PAGE:
            break
        after = found[-1].id
    return put


def _put_on_list(tx: Connection, runtime: Runtime, one: Cover, today: date, now: int) -> bool:
    """For the mediator of the family's quartier; for the supervisor alone where it wants nobody at its door."""
    end = _end(runtime, one)
    if end is None or not cover.is_asked_at_home(runtime.renewal, end, today) or not _agrees(tx, one, MUTUAL):
        return False
    refuses = [said for said in consent_tables.standing(tx, (one.person_id,), (FOLLOW_UP,)) if not said.given]
    told = {"Numéro": one.number, "À faire": AT_THE_MUTUAL if refuses else AT_HOME}
    return task_tables.add_task(
        tx,
        now,
        key=line_key(one.number, end.on),
        kind=LINE,
        zone_id=None if refuses else brake_tables.zone_of_phone(tx, one.phone_id),
        phone_id=one.phone_id,
        person_id=one.person_id,
        details=json.dumps(told, ensure_ascii=False),
        expires_at=now + KEPT_MS,
    )


AT_HOME = "demander si la famille souhaite continuer, sans reproche ; le reste se dit à la mutuelle"
AT_THE_MUTUAL = "ne pas passer chez elle : la mutuelle en parle quand la famille vient"


def line_key(number: str, last_day: date) -> str:
    """The reason of the line that asks whether a family wishes to go on."""
    return f"{LINE}:{number}:{last_day}"


def _drop_lines(tx: Connection, one: Cover, now: int) -> None:
    task_tables.close_tasks_of_person(tx, one.person_id, "done", "the mutual", now, kinds=(LINE,))
