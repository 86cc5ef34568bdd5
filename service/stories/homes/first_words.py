"""The first SMS to a phone that somebody else named: without content, since nobody knows yet who reads it."""

from __future__ import annotations

from sqlalchemy.engine import Connection

from service.clock import DAY_MS
from service.runtime import Runtime
from service.store import message_tables, phone_tables
from service.stories.delivery import outbox
from service.stories.recall.reminders import spoken_language, stop_clause

PHRASE = "recall.first"
USEFUL_MS = DAY_MS


def say(tx: Connection, runtime: Runtime, number: str, language: str, now: int) -> bool:
    """True when it was put: once to a phone, and only where nobody ever called us or wrote to us from it."""
    phone = phone_tables.ensure_phone(tx, number, now)
    if phone_tables.was_heard(tx, phone.id) or phone_tables.opted_out(tx, phone.number_idx, "reminder"):
        return False
    spoken = spoken_language(runtime, phone.language or language, PHRASE)
    stop = stop_clause(runtime, spoken)
    letter = outbox.Letter(
        to=number,
        text=runtime.phrases.say(PHRASE, spoken, sender=runtime.config.sender_name, stop=stop),
        key=_key(phone.id),
        purpose="reminder",
        klass="once",
        not_before=now,
        useful_until=now + USEFUL_MS,
    )
    return outbox.put(tx, now, letter) is not None


def take_back(tx: Connection, phone_id: int, now: int) -> None:
    """Where it still waits it is not sent: there is nothing more to remind of."""
    message_tables.cancel(tx, message_tables.queued_with_key(tx, _key(phone_id)), now, "the appointment changed")


def _key(phone_id: int) -> str:
    return f"first:{phone_id}"
