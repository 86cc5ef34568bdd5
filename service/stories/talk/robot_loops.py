"""Machines that answer our answers: a few automatic answers an hour and a day, then silence and a line for a person.

Two lines like ours, an operator's bounce, an autoresponder: what we do not understand is answered less and less.
Whoever says STOP or START is answered all the same, out of places kept for it.
"""

from __future__ import annotations

import json

from sqlalchemy.engine import Connection

from service.clock import DAY_MS
from service.runtime import Runtime
from service.store import brake_tables, message_tables, phone_tables, task_tables
from service.store.system_tables import count

KIND = "robot_loop"
HOUR_MS = 3_600_000
MOST_REPLIES_AN_HOUR, MOST_REPLIES_A_DAY = 3, 10
"""A robot that answers our answers is left alone after these. The last of each is kept for the answer to a STOP."""
MUTED_FOR_MS = 7 * DAY_MS
"""Anybody can write in her name: nobody is kept from being answered for longer, looked at or not."""


def may_reply(tx: Connection, runtime: Runtime, number: str, now: int, *, left: int) -> bool:
    """Whether this number may be answered now, with so many places left free; the phone is ours until the commit.

    At the last place of the day the number is muted, and somebody is told.
    """
    phone = phone_tables.ensure_phone(tx, number, now)
    phone_tables.lock_phone(tx, phone.id)  # ten at once are counted one after the other
    if left and is_muted(tx, phone.id, now):
        count(tx, "replies_held_back")
        return False
    lately = message_tables.sent_since(tx, phone.number_idx, "reply", now - HOUR_MS)
    in_a_day = message_tables.sent_since(tx, phone.number_idx, "reply", now - DAY_MS)
    if in_a_day >= MOST_REPLIES_A_DAY - left:
        mute(tx, runtime, phone.id, in_a_day, now)
    if lately >= MOST_REPLIES_AN_HOUR - left or in_a_day >= MOST_REPLIES_A_DAY - left:
        count(tx, "replies_held_back")
        return False
    return True


def is_muted(tx: Connection, phone_id: int, now: int) -> bool:
    """Whether nothing automatic is answered to this phone, because somebody is to look at it first."""
    return task_tables.is_open_since(tx, KIND, phone_id, now - MUTED_FOR_MS)


def mute(tx: Connection, runtime: Runtime, phone_id: int, answers: int, now: int) -> None:
    """Answer this phone no more until its line is taken off the list, or a week has passed; one alarm a day."""
    details = {"Réponses automatiques en un jour": str(answers), "À faire": "Appeler : une personne, ou une machine ?"}
    is_new = task_tables.add_task(
        tx,
        now,
        key=f"{KIND}:{phone_id}:{runtime.today(now).isoformat()}",
        kind=KIND,
        zone_id=brake_tables.zone_of_phone(tx, phone_id),
        phone_id=phone_id,
        details=json.dumps(details, ensure_ascii=False),
        expires_at=now + 4 * MUTED_FOR_MS,
    )
    if is_new:
        count(tx, "robot_loops_muted")
