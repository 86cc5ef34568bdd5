"""A call that somebody took: what it plays next, and what the key that was pressed does.

Whoever holds the phone may press 9, as anybody may answer an SMS with ARRET: it is said there whom it concerns.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from sqlalchemy.engine import Connection

from service.channels.calling import CallStep, Saying
from service.clock import DAY_MS
from service.domain import voice_menu
from service.runtime import Runtime
from service.store import call_tables, people_tables, phone_tables, task_tables
from service.store.call_tables import Spoken
from service.store.inbound_tables import first_time
from service.store.system_tables import count
from service.stories.delivery import spoken
from service.stories.talk import opt_outs

TASK = "call_asked"
KEPT_MS = 90 * DAY_MS


def answer(runtime: Runtime, step: CallStep) -> Saying:
    """What the call plays now; what its key asks for is on the disk, once, however often the carrier repeats it.

    A call that is none of ours, or was made to another number, is ended without a word.
    """
    now = runtime.now()
    with runtime.database.begin() if step.key else runtime.database.read() as tx:
        one = _message_of(tx, step)
        if one is None:
            said = voice_menu.HANGS_UP
        else:
            message, _, language = one.recording.partition(".")
            said = voice_menu.next_said(message, step.key, step.played, runtime.config.voice.plays)
            if said.deed and first_time(tx, step.channel, "voice-key", now, step.call_id, said.deed) is not None:
                DEEDS[said.deed](tx, runtime, one, now)
    if one is None:
        return Saying()
    return Saying(spoken.sounds(runtime, said.plays, language), said.listens, said.played, one.id)


def _message_of(tx: Connection, step: CallStep) -> Spoken | None:
    if step.phone is None:
        return None
    number_idx = phone_tables.index_of(tx, step.phone)
    if step.message_ref is not None:
        one = call_tables.spoken(tx, step.message_ref)
    else:
        one = call_tables.spoken_in(tx, step.channel, step.call_id, number_idx)
    return one if one is not None and one.number_idx == number_idx else None


def _call_me(tx: Connection, runtime: Runtime, one: Spoken, now: int) -> None:
    """A line for the mediator of the family's quartier; while it stands open, none is added."""
    phone_tables.lock_phone(tx, one.phone_id)
    if task_tables.open_task_of_phone(tx, TASK, one.phone_id) is not None:
        return
    children = people_tables.children_on_phone(tx, one.phone_id)
    task_tables.add_task(
        tx,
        now,
        key=f"{TASK}:{one.id}",
        kind=TASK,
        zone_id=children[0].zone_id if children else None,
        phone_id=one.phone_id,
        details=json.dumps({"demande": "touche 2 pendant un appel"}, ensure_ascii=False),
        expires_at=now + KEPT_MS,
    )
    count(tx, "calls_asked_back")


def _stop(tx: Connection, runtime: Runtime, one: Spoken, now: int) -> None:
    opt_outs.stop(tx, runtime, one.number, "call", now, purpose="reminder")


DEEDS: dict[str, Callable[[Connection, Runtime, Spoken, int], None]] = {"call_me": _call_me, "stop": _stop}
