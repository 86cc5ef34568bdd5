"""Calls that were cut: one SMS says how to go on, and a form that nobody comes back to is given to a mediator."""

from __future__ import annotations

import json

from sqlalchemy.engine import Connection

from flows import standing
from flows.engine import FormLeft
from flows.model import Flow
from service.clock import DAY_MS
from service.runtime import Runtime
from service.store import conversation_tables, message_tables, people_tables, phone_tables, task_tables
from service.store.conversation_tables import Left
from service.stories.delivery import outbox
from service.stories.talk import talking
from service.stories.talk.threads import Thread

KIND, PURPOSE = "unfinished", "notice"
KEPT_MS = 14 * DAY_MS
"""A form left unfinished after consent is kept so long for the mediator, then deleted."""
AT_ONCE = 200
MOST_A_DAY = 3
"""Reminders to a phone that is cut off again and again, and half forms of one kind: more are a game, or no phone."""
FORGET_HUSHED_MS = 3 * 60_000


def look_after_cut_calls(runtime: Runtime) -> int:
    """Do what is due for conversations that fell silent; gives how many were looked at."""
    looked = 0
    while True:
        now = runtime.now()
        with runtime.database.begin() as tx:
            left = conversation_tables.to_look_at(tx, now, AT_ONCE)
            for one in left:
                _look_at(runtime, tx, one, now)
        looked += len(left)
        if len(left) < AT_ONCE:
            return looked


def give_to_mediator(tx: Connection, origin: int, number: str, form: FormLeft, now: int) -> None:
    """A line on the to-do list with what was answered so far; the same form is given once, and a phone's few a day."""
    phone = phone_tables.ensure_phone(tx, number, now)
    if task_tables.count_of_phone(tx, KIND, phone.id, now - DAY_MS) >= MOST_A_DAY:
        return
    caller = people_tables.find_caller(tx, number)
    details = {"form": form.title, "answers": [list(answer) for answer in form.answers]}
    task_tables.add_task(
        tx,
        now,
        key=f"{KIND}:{origin}:{form.flow}",
        kind=KIND,
        phone_id=phone.id,
        person_id=caller.person_id if caller else None,
        details=json.dumps(details, ensure_ascii=False),
        expires_at=now + KEPT_MS,
    )


def _look_at(runtime: Runtime, tx: Connection, left: Left, now: int) -> None:
    flow = talking.flow_of(runtime, tx, left.flow_hash)
    thread = Thread.opened(runtime, left.progress)
    # A path that was dialled and still waits for the language may lead to what must leave no trace.
    if standing.is_sensitive(flow, thread.progress) or thread.hushed or thread.ahead:
        _forget_hushed(tx, left, now)
        return
    later = [moment for moment in _done_or_later(runtime, tx, left, flow, thread, now) if moment > now]
    conversation_tables.look_again(tx, left.id, min(later, default=None))


def _forget_hushed(tx: Connection, left: Left, now: int) -> None:
    """What must leave no trace is deleted as soon as nobody can be on the line any more."""
    if now - left.updated_at >= FORGET_HUSHED_MS:
        conversation_tables.forget_conversation(tx, left.id)
    else:
        conversation_tables.look_again(tx, left.id, left.updated_at + FORGET_HUSHED_MS)


def _done_or_later(runtime: Runtime, tx: Connection, left: Left, flow: Flow, thread: Thread, now: int) -> list[int]:
    """The moments at which this silence means something; what is due already is done, once however often we look."""
    moments = []
    reminder = standing.reminder_of(flow, thread.progress) if thread.progress.way == "ussd" else None
    if reminder is not None:
        moments.append(left.updated_at + reminder.after * 1000)
        if moments[-1] <= now:
            _say_how_to_go_on(tx, runtime, thread, reminder.text, now)
    form = standing.unfinished_of(flow, thread.progress)
    if form is not None:
        moments.append(left.updated_at + form.after * 1000)
        if moments[-1] <= now:
            give_to_mediator(tx, thread.origin, thread.number, form.form, now)
    return moments


def _say_how_to_go_on(tx: Connection, runtime: Runtime, thread: Thread, text: str, now: int) -> None:
    number_idx = phone_tables.index_of(tx, thread.number)
    if message_tables.sent_since(tx, number_idx, PURPOSE, now - DAY_MS) >= MOST_A_DAY:
        return
    letter = outbox.Letter(
        to=thread.number,
        text=text,
        key=f"dropped:{thread.origin}",
        purpose=PURPOSE,
        klass="once",
        not_before=now,
        useful_until=now + DAY_MS,
        hours="any",
    )
    outbox.put(tx, now, letter)
