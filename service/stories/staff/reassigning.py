"""Quartiers that change hands: from one mediator to another, in one step, and both are told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from typing import NamedTuple

from sqlalchemy.engine import Connection

from service.domain import local_time
from service.domain.sending_hours import DAY
from service.runtime import Runtime
from service.store import decision_tables, late_tables, mediator_tables, place_tables, staff_tables
from service.store.mediator_tables import Mediator
from service.store.staff_tables import Remit
from service.stories.delivery import outbox
from service.stories.delivery.outbox import Letter
from service.stories.recall import late_list
from service.stories.recall.reminders import spoken_language
from service.stories.staff import mediator_accounts
from service.stories.staff.mediator_accounts import Refused

USEFUL_DAYS = 3
ZONES_WIDTH = 160
"""Characters of {zones} in flows/phrases/weekly.yaml."""


class Reassigned(NamedTuple):
    """What changed hands: quartiers by name, and how many children are followed there, and wait for a visit."""

    zones: tuple[str, ...]
    followed: int
    late: int


class Change(NamedTuple):
    """Quartiers of the one account that are to be the other's; `by` needs no name where nothing is to change.

    `remit`: whose mediators they may be, and whose children are counted (None: everybody's).
    """

    zones: Sequence[str]
    giver_id: int
    taker_id: int
    by: str
    dry_run: bool = False
    remit: Remit | None = None


def reassign(tx: Connection, runtime: Runtime, change: Change, now: int) -> Reassigned:
    """These quartiers are the other's from now on, and both get a short SMS. Raises Refused: then nothing changed.

    Whatever is said of a child of these quartiers goes to the new one from the commit on.
    """
    if change.giver_id == change.taker_id:
        raise Refused("it is the same account: nothing changes hands")
    if not change.dry_run and not change.by.strip():
        raise Refused("say who does it: --by NAME")
    # Locked in one order, whoever gives: two who change the same accounts do not wait for each other.
    pair = sorted((change.giver_id, change.taker_id))
    accounts = {one: mediator_accounts.staying(tx, one) for one in pair}
    giver, taker = accounts[change.giver_id], accounts[change.taker_id]
    if change.remit is not None and not accounts.keys() <= staff_tables.mediators_within(tx, change.remit):
        raise Refused("another mediator of ours is to be chosen")
    zone_ids = mediator_accounts.zone_ids_of(tx, change.zones)
    names = dict(place_tables.zones(tx))
    hers = dict(mediator_tables.zones_of(tx, giver.id))
    missing = [names[one] for one in zone_ids if one not in hers]
    if missing:
        served = ", ".join(hers.values()) or "no quartier"
        raise Refused(f"account {giver.id} does not serve {', '.join(missing)}; it serves {served}")
    moved = tuple(names[one] for one in zone_ids)
    if not change.dry_run:
        _hand_over(tx, giver, taker, zone_ids)
        why = f"{', '.join(moved)}: {giver.id} -> {taker.id}"
        decision_tables.note_decision(tx, now, change.by, "reassign", why)
        _tell(tx, runtime, taker, "weekly.given", moved, giver, now)
        _tell(tx, runtime, giver, "weekly.taken", moved, taker, now)
    followed = late_tables.followed_in(tx, change.remit)
    late = late_list.late_children(tx, runtime, zone_ids, runtime.today(now))
    to_visit = sum(change.remit is None or change.remit.has(one.child) for one in late)
    return Reassigned(moved, sum(followed.get(one, 0) for one in zone_ids), to_visit)


def _hand_over(tx: Connection, giver: Mediator, taker: Mediator, zone_ids: Sequence[int]) -> None:
    hers = [zone_id for zone_id, _ in mediator_tables.zones_of(tx, giver.id)]
    others = [zone_id for zone_id, _ in mediator_tables.zones_of(tx, taker.id)]
    mediator_tables.set_zones(tx, giver.id, [one for one in hers if one not in zone_ids])
    mediator_tables.set_zones(tx, taker.id, [*others, *zone_ids])


def _tell(
    tx: Connection, runtime: Runtime, one: Mediator, phrase: str, zones: Sequence[str], other: Mediator, now: int
) -> None:
    """By day. A locked account is told too: it is her work that changes, and the SMS opens nothing."""
    text = runtime.phrases.say(
        phrase,
        spoken_language(runtime, one.language, phrase),
        sender=runtime.config.sender_name,
        zones=_that_fit(zones),
        code=runtime.config.service_code,
    )
    last = datetime.combine(runtime.today(now) + timedelta(USEFUL_DAYS), time())
    letter = Letter(
        to=one.number,
        text=text,
        key=f"{phrase}:{one.id}:{other.id}:{now}",
        purpose="staff",
        klass="must-arrive",
        hours=DAY,
        not_before=now,
        useful_until=local_time.instant(last, runtime.zone),
        priority=outbox.PRIORITY["notice"],
    )
    outbox.put(tx, now, letter)


def _that_fit(zones: Sequence[str]) -> str:
    """The names, the last ones as a number where they are too many for one SMS."""
    for shown in range(len(zones), 0, -1):
        rest = f" (+{len(zones) - shown})" if shown < len(zones) else ""
        words = ", ".join(zones[:shown]) + rest
        if len(words) <= ZONES_WIDTH:
            return words
    return str(len(zones))
