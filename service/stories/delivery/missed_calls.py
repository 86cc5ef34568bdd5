"""Somebody lets our line ring: it is refused as busy, costs nothing, and is called back, once an hour at most.

The number that is shown may be false. So only phones that we know are called back (LASELI_VOICE__CALLS_BACK), never
one that stopped everything, one of our own, or one abroad; and so many times a day.
"""

from __future__ import annotations

from sqlalchemy.engine import Connection

from service.channels.calling import CallStep
from service.clock import DAY_MS
from service.domain import voice_menu
from service.runtime import Runtime
from service.store import call_tables, phone_tables
from service.store.columns import rules_of
from service.store.system_tables import count
from service.stories.delivery import spoken
from service.stories.delivery.brakes import why_refused
from service.stories.delivery.outbox import Letter, put

HOUR_MS = 3_600_000
USEFUL_MS = 15 * 60_000
"""Later she has put the phone away, and wonders who rings."""


def take(runtime: Runtime, step: CallStep) -> None:
    """Promise one call back, in one transaction; the same call told twice, or two at once, promise one."""
    now = runtime.now()
    with runtime.database.begin() as tx:
        why = _why_not(tx, runtime, step.phone, now)
        if why is not None or step.phone is None:
            count(tx, why or "missed_calls_without_number")
            return
        count(tx, "missed_calls")
        _call_back(tx, runtime, step, step.phone, now)


def _why_not(tx: Connection, runtime: Runtime, number: str | None, now: int) -> str | None:
    """Why nobody is called back, as the name of what is counted; None when somebody is."""
    if number is None:
        return "missed_calls_without_number"
    found = phone_tables.find_phone(tx, number)
    known = found is not None and call_tables.is_known(tx, found.id)
    if runtime.config.voice.calls_back == "nobody" or (runtime.config.voice.calls_back == "known" and not known):
        return "missed_calls_from_strangers"
    if why_refused(rules_of(tx), number) is not None:
        return "missed_calls_refused"
    phone = found or phone_tables.ensure_phone(tx, number, now)
    phone_tables.lock_phone(tx, phone.id)
    if phone_tables.opted_out(tx, phone.number_idx):
        return "missed_calls_refused"
    lately = call_tables.called_back_since(tx, phone.number_idx, now - HOUR_MS)
    today = call_tables.called_back_since(tx, phone.number_idx, now - DAY_MS)
    if lately or today >= runtime.config.voice.calls_back_a_day:
        return "missed_calls_held_back"
    return None


def _call_back(tx: Connection, runtime: Runtime, step: CallStep, number: str, now: int) -> None:
    phone = phone_tables.ensure_phone(tx, number, now)
    recording = spoken.recording_for(runtime, voice_menu.LINE, phone.language)
    if not recording:
        count(tx, "missed_calls_without_a_voice")
        return
    letter = Letter(
        to=number,
        text=spoken.words_of(runtime, recording),
        key=f"callback:{step.channel}:{runtime.vault.index('call', step.call_id).hex()}",
        purpose="notice",
        klass="once",
        not_before=now,
        useful_until=now + USEFUL_MS,
        hours="any",
        priority=25,
        recording=recording,
    )
    put(tx, now, letter)
