"""What waits to be sent is taken back: its appointments changed, or a later message says more."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.engine import Connection

from service.domain import reminder_ladder
from service.runtime import Runtime
from service.store import care_tables, message_tables, recall_tables
from service.store.care_tables import NextStep


def unsay_appointments(
    tx: Connection, runtime: Runtime, appointment_ids: Sequence[int], now: int
) -> dict[int, str | None]:
    """Cancel the queued messages that tell of these appointments; siblings told of by the same message wait again.

    Gives, for each appointment of which something was not said after all, the last step that was.
    """
    if not appointment_ids:
        return {}
    told = recall_tables.messages_telling_of(tx, appointment_ids)
    return unsay(tx, runtime, told, "the appointment changed", now)


def unsay(tx: Connection, runtime: Runtime, message_ids: Sequence[int], reason: str, now: int) -> dict[int, str | None]:
    """Cancel those still queued; the open appointments they told of wait again. The others are not tried again."""
    if not message_ids:
        return {}
    message_tables.try_no_more(tx, message_ids, now)
    cancelled = message_tables.cancel(tx, message_ids, now, reason)
    again: dict[int, str] = {}
    kinds: dict[int, str] = {}
    for appointment_id, kind, step in recall_tables.untell(tx, cancelled) if cancelled else ():
        if step != recall_tables.SORRY:
            kinds[appointment_id] = kind
            again[appointment_id] = min(again.get(appointment_id, step), step, key=reminder_ladder.offset_of)
    today = runtime.today(now)
    waiting = [
        NextStep(id, reminder_ladder.step_before(runtime.ladder_for(kinds[id]), step), step, today)
        for id, step in again.items()
    ]
    care_tables.set_next_steps(tx, waiting, now)
    return {one.appointment_id: one.last_step for one in waiting}
