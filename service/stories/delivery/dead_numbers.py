"""Numbers that receive nothing any more: they leave the list, a person confirms them, and they come back by themselves.

A SIM that nobody uses is given to somebody else: what is not delivered for days, and a family that is silent for half
a year, is a mediator's question and no machine's.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import NamedTuple

from sqlalchemy.engine import Connection

from service.clock import DAY_MS
from service.domain import local_time
from service.runtime import Runtime
from service.store import brake_tables, consent_tables, people_tables, reach_tables, task_tables
from service.store.system_tables import count, mark, read_mark
from service.stories.delivery.brakes import UNASKED
from service.stories.homes import child_tasks, number_checks, pauses
from service.stories.homes.families import show_code

DEAD, SILENT = child_tasks.ABOUT_A_PHONE
SILENT_MARK = "silent_numbers_asked_on"
AT_ONCE = 200
"""Lines a night: a carrier without receipts makes every family silent, and no mediator visits a thousand."""
HEARD_AGAIN_MS = 7 * DAY_MS
"""How exactly it is noted when a phone was heard of: nobody is to read from it which call was hers."""
KEPT_MS = 180 * DAY_MS
AT_HOME = "Confirmer le numéro avec la famille"
AT_THE_CENTRE = "Pas de visite : la famille n'en veut pas. Confirmer le numéro quand elle vient au centre"


class End(NamedTuple):
    """What became of one message: to which phone, by its blind index too, and when it had left."""

    phone_id: int
    number_idx: bytes
    state: str
    left_at: int


def after_receipts(tx: Connection, runtime: Runtime, results: Iterable[End], now: int) -> None:
    """What these final receipts say about the phones.

    A day on which something arrived ends the row of days on which nothing did: days on which messages left, since two
    of one evening may be told of before and after midnight. After the last of them the number is unreachable: what
    waits for it is suppressed, and a mediator gets a line, once.
    """
    seen = list(results)
    reached = {one.phone_id: one.number_idx for one in seen if one.state == "delivered"}
    missed: dict[date, set[int]] = defaultdict(set)
    for one in seen:
        if one.state == "undelivered" and one.phone_id not in reached:
            missed[runtime.today(one.left_at)].add(one.phone_id)
    if reached or missed:
        reach_tables.hold(tx, reached.keys() | set().union(*missed.values()))
    if reached:
        reach_tables.arrived(tx, list(reached))
        for phone_id in reach_tables.take_back(tx, list(reached.values())):
            _is_back(tx, phone_id, "un SMS reçu", now)
    for day in sorted(missed):
        failed = reach_tables.missed(tx, sorted(missed[day]), day)
        dead = [one for one in failed if one.days >= runtime.config.dead_after_days]
        if dead and not reach_tables.carriers_fail(tx, now - DAY_MS):
            for lost in dead:
                _give_up(tx, lost, runtime.today(now).isoformat(), now)


def heard_from(tx: Connection, runtime: Runtime, number: str, now: int) -> None:
    """Somebody called or wrote with this phone: it is in use, and may be written to again."""
    today = local_time.start_of_day(runtime.today(now), runtime.zone)
    found = reach_tables.heard(tx, number, today, today - HEARD_AGAIN_MS)
    if found is not None:
        for phone_id in reach_tables.take_back(tx, [found.number_idx]):
            _is_back(tx, phone_id, "un appel ou un SMS de ce téléphone", now)
        task_tables.close_tasks_of_phone(tx, SILENT, found.id, "done", "un appel ou un SMS de ce téléphone", now)


def ask_after_silent_numbers(runtime: Runtime) -> int:
    """Once a local day: families of whom nothing was heard and to whom nothing was delivered for half a year.

    Each phone is asked by one SMS whether it still is theirs; without a word in time a mediator gets a line. Gives how
    many were asked or put on the list.
    """
    now = runtime.now()
    today, config = runtime.today(now), runtime.config
    since = now - config.silent_after_days * DAY_MS
    with runtime.database.begin() as tx:
        if read_mark(tx, SILENT_MARK) == today.isoformat():
            return 0
        mark(tx, SILENT_MARK, today.isoformat())
        day, too_long = (today - timedelta(days) for days in (config.silent_after_days, config.answer_within_days))
        unanswered = reach_tables.unanswered(tx, day, too_long, since, today, SILENT, AT_ONCE)
        told = {"Sans nouvelles depuis": f"plus de {config.silent_after_days} jours, et sans réponse à un SMS"}
        for phone_id in unanswered:
            _put_on_list(tx, SILENT, phone_id, today.isoformat(), told, now)
        silent = reach_tables.silent_since(tx, since, day, today, SILENT, AT_ONCE)
        number_checks.ask(tx, runtime, silent, now)
        return len(unanswered) + len(silent)


def _give_up(tx: Connection, one: reach_tables.Failed, today: str, now: int) -> None:
    if not reach_tables.mark_unreachable(tx, one.number_idx, now):
        return
    reach_tables.suppress_unreachable(tx, one.number_idx, sorted(UNASKED), now)
    consent_tables.set_readers(tx, one.id, None)  # when the number comes back it may be another person's
    _put_on_list(tx, DEAD, one.id, today, {"Jours sans rien recevoir": str(one.days)}, now)
    count(tx, "numbers_unreachable")


def _is_back(tx: Connection, phone_id: int, how: str, now: int) -> None:
    task_tables.close_tasks_of_phone(tx, DEAD, phone_id, "done", how, now)
    count(tx, "numbers_reachable_again")


def _put_on_list(tx: Connection, kind: str, phone_id: int, today: str, told: dict[str, str], now: int) -> None:
    """A line for the mediator of the family's quartier: the children's codes, and no name.

    Without a quartier, so for the supervisor alone, where the family wants nobody at its door.
    """
    children = people_tables.children_on_phone(tx, phone_id)
    may = consent_tables.may_visit(tx, [child.id for child in children])
    at_home = [child for child in children if child.id in may and child.quiet_why != pauses.REFUSED]
    alone = bool(children) and not at_home
    children = at_home or children
    details = told | _codes([child.code for child in children]) | {"À faire": AT_THE_CENTRE if alone else AT_HOME}
    task_tables.add_task(
        tx,
        now,
        key=f"{kind}:{phone_id}:{today}",
        kind=kind,
        zone_id=None if alone else brake_tables.zone_of_phone(tx, phone_id),
        phone_id=phone_id,
        person_id=children[0].id if children else None,
        details=json.dumps(details, ensure_ascii=False),
        expires_at=now + KEPT_MS,
    )


def _codes(codes: Sequence[str]) -> dict[str, str]:
    return {"Code de l'enfant": ", ".join(map(show_code, codes))} if codes else {}
