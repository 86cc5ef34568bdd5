"""STOP and START: who says no more, says it for everybody on that phone, and can take it back.

A purpose is "reminder", "campaign" (informations, the mutual's among them), or all of them.
"""

from __future__ import annotations

from sqlalchemy.engine import Connection

from service.runtime import Runtime
from service.store import message_tables, phone_tables
from service.stories import pauses

EVERYTHING = "all"
PURPOSES = ("reminder", "campaign")
"""What can be refused by itself."""


def stop(tx: Connection, runtime: Runtime, number: str, how: str, now: int, *, purpose: str = EVERYTHING) -> None:
    """In the transaction that stores the wish: nothing of it to this phone is claimed after it commits."""
    phone = phone_tables.ensure_phone(tx, number, now)
    phone_tables.add_opt_out(tx, phone.number_idx, purpose, how, now)
    message_tables.suppress(tx, phone.number_idx, purpose, now)


def start(
    tx: Connection, runtime: Runtime, number: str, now: int, *, purpose: str = EVERYTHING, how: str = "start"
) -> None:
    """Messages begin again from now on; what would have been said meanwhile stays unsaid.

    Who had stopped everything and takes one purpose back still refuses the others. What a mediator heard refused for
    one of the phone's children is taken back with the reminders.
    """
    if purpose in (EVERYTHING, "reminder"):
        pauses.asked_again(tx, runtime, number, now)  # households are locked before phones
    phone = phone_tables.ensure_phone(tx, number, now)
    if purpose == EVERYTHING:
        phone_tables.remove_opt_outs(tx, runtime.vault.indexes(number))
        return
    if phone_tables.opted_out(tx, phone.number_idx):
        for other in PURPOSES:
            phone_tables.add_opt_out(tx, phone.number_idx, other, how, now)
    phone_tables.remove_opt_outs(tx, runtime.vault.indexes(number), (purpose, EVERYTHING))
