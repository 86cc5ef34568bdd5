"""STOP and START: who says no more, says it for everybody on that phone, and can take it back.

A purpose is "reminder", "campaign" (informations, the mutual's among them), or all of them.
"""

from __future__ import annotations

from sqlalchemy.engine import Connection

from service.runtime import Runtime
from service.store import message_tables, phone_tables
from service.store.phone_tables import Phone
from service.stories.homes import consents, pauses
from service.stories.homes.consents import Words
from service.stories.recall import retelling

EVERYTHING = "all"
PURPOSES = consents.BY_SMS
"""What can be refused by itself."""


def stop(
    tx: Connection,
    runtime: Runtime,
    number: str,
    how: str,
    now: int,
    *,
    purpose: str = EVERYTHING,
    words: Words | None = None,
) -> None:
    """In the transaction that stores the wish: nothing of it to this phone is claimed after it commits.

    A reminder that waits for it is told to the family's next caregiver instead, where there is one.
    """
    phone = phone_tables.ensure_phone(tx, number, now)
    if purpose in (EVERYTHING, consents.REMINDER):
        retelling.leave_to_the_next(tx, runtime, phone.id, now)
    if purpose == consents.CAMPAIGN:
        retelling.say_no_cover(tx, runtime, phone.id, now)
    phone_tables.add_opt_out(tx, phone.number_idx, purpose, how, now)
    message_tables.suppress(tx, phone.number_idx, purpose, now)
    consents.note(tx, phone.id, _each(purpose), False, words or _a_word(phone, "stop", how), now)


def start(
    tx: Connection,
    runtime: Runtime,
    number: str,
    now: int,
    *,
    purpose: str = EVERYTHING,
    how: str = "start",
    words: Words | None = None,
) -> None:
    """Messages begin again from now on; what would have been said meanwhile stays unsaid.

    Who had stopped everything and takes one purpose back still refuses the others. What a mediator heard refused for
    one of the phone's children is taken back with the reminders.
    """
    if purpose in (EVERYTHING, "reminder"):
        pauses.asked_again(tx, runtime, number, now)  # households are locked before phones
    phone = phone_tables.ensure_phone(tx, number, now)
    whole = purpose == EVERYTHING
    said = words or _a_word(phone, "start", how)
    consents.note(tx, phone.id, _each(purpose), True, said, now, only_refused=whole)
    if whole:
        phone_tables.remove_opt_outs(tx, runtime.vault.indexes(number))
        return
    if phone_tables.opted_out(tx, phone.number_idx):
        for other in PURPOSES:
            phone_tables.add_opt_out(tx, phone.number_idx, other, how, now)
    phone_tables.remove_opt_outs(tx, runtime.vault.indexes(number), (purpose, EVERYTHING))


def _each(purpose: str) -> tuple[str, ...]:
    return PURPOSES if purpose == EVERYTHING else (purpose,)


def _a_word(phone: Phone, word: str, how: str) -> Words:
    """Of a word that came by SMS: no screen was shown, the answer to it says what was done."""
    return Words(f"sms:{word}", phone.language or "fr", how)
