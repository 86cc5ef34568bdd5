"""Complaints and suggestions: written with a number, read by staff, answered in the menu of the phone that wrote."""

from __future__ import annotations

import json
import secrets

from sqlalchemy.engine import Connection

from flows import sms_text
from service.clock import DAY_MS
from service.runtime import Runtime
from service.store import feedback_tables, phone_tables, task_tables
from service.store.feedback_tables import Feedback
from service.stories.delivery.outbox import Letter, put
from service.stories.recall.reminders import spoken_language

KINDS = ("complaint", "suggestion")
MOST_A_DAY = 5
"""A phone that writes more is asked to come back later: staff read every one."""
LONGEST_ANSWER = 140
"""Septets: an answer is read on one screen."""
ANSWER_IS_NEWS_FOR = 7 * DAY_MS


class Refused(Exception):
    """A command of the staff that cannot be obeyed; the words say why."""


def send(tx: Connection, number: str, kind: str, words: str, now: int) -> str | None:
    """Keep the words and tell the staff; gives the number to follow them by, None when the phone wrote too often."""
    phone = phone_tables.ensure_phone(tx, number, now)
    phone_tables.lock_phone(tx, phone.id)
    if kind not in KINDS or feedback_tables.written_since(tx, phone.id, now - DAY_MS) >= MOST_A_DAY:
        return None
    values = {"phone_id": phone.id, "kind": kind, "words": words, "state": "received"}
    while not feedback_tables.add_feedback(tx, number=(fresh := _new_number()), created_at=now, state_at=now, **values):
        pass
    # Neither words nor phone: a complaint may be about whoever reads the list. `laseli feedback list` shows them.
    task_tables.add_task(tx, now, key=task_key(fresh), kind=kind, details=json.dumps({"avis": fresh}))
    return fresh


def state_for(tx: Connection, phone_number: str, number: str) -> tuple[str, str | None] | None:
    """(state, answer) of this number; None unless this very phone wrote it."""
    phone = phone_tables.find_phone(tx, phone_number)
    return feedback_tables.feedback_of_phone(tx, phone.id, number) if phone else None


def take_in_hand(tx: Connection, number: str, now: int) -> None:
    """Somebody works on it. Raises Refused when it is unknown or answered."""
    found = _found(tx, number)
    if found.state == "answered":
        raise Refused(f"{number} is answered already")
    feedback_tables.set_feedback(tx, found.id, now, state="in_hand")


def answer(tx: Connection, runtime: Runtime, number: str, words: str, by: str, now: int) -> bool:
    """Keep the answer; True when an SMS without content says that there is one. Raises Refused with the reason."""
    found = _found(tx, number)
    plain = " ".join(words.split())
    size = sms_text.units(sms_text.fold(plain))
    if not 1 <= size <= LONGEST_ANSWER:
        raise Refused(f"an answer has 1 to {LONGEST_ANSWER} letters, this one {size}: it is read on one screen")
    feedback_tables.set_feedback(tx, found.id, now, state="answered", answer=plain)
    task_tables.close_task_of(tx, task_key(number), "done", by, now)
    return _tell(tx, runtime, found, now)


def task_key(number: str) -> str:
    """The key of the line on the staff's list."""
    return f"feedback:{number}"


def _tell(tx: Connection, runtime: Runtime, found: Feedback, now: int) -> bool:
    if found.phone_number is None or found.phone_number_idx is None:
        return False
    if phone_tables.opted_out(tx, found.phone_number_idx):
        return False
    phrase = "feedback.answered"
    settings = runtime.config
    text = runtime.phrases.say(
        phrase,
        spoken_language(runtime, found.language, phrase),
        sender=settings.sender_name,
        number=found.number,
        code=settings.service_code,
    )
    letter = Letter(
        to=found.phone_number,
        text=text,
        key=f"{task_key(found.number)}:answered",
        purpose="notice",
        klass="must-arrive",
        not_before=now,
        useful_until=now + ANSWER_IS_NEWS_FOR,
    )
    return put(tx, now, letter) is not None


def _found(tx: Connection, number: str) -> Feedback:
    found = feedback_tables.find_feedback(tx, number)
    if found is None:
        raise Refused(f"there is no {number}; `laseli feedback list` shows those that wait")
    return found


def _new_number() -> str:
    """Six digits that can be typed on any phone, and not guessed from another's."""
    return str(100_000 + secrets.randbelow(900_000))
