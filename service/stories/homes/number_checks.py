"""Asking a phone that was silent for long whether it still is the family's: one SMS without content, a yes or a no.

A SIM that nobody uses is given to somebody else, who is told nothing about a family by this question. A yes keeps the
number; a no takes the family off it, as "not my child" does, and a mediator looks for them. So does no answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Literal

from sqlalchemy.engine import Connection

from flows import sms_keywords
from service.clock import DAY_MS
from service.domain import local_time
from service.runtime import Runtime
from service.store import phone_tables, reach_tables
from service.stories.delivery import outbox
from service.stories.homes import consents, wrong_numbers
from service.stories.recall.reminders import spoken_language, stop_clause

Answer = Literal["number.kept", "number.gone"]


def ask(tx: Connection, runtime: Runtime, phones: Sequence[int], now: int) -> None:
    """One SMS to each, useful as long as an answer is waited for."""
    if not phones:
        return
    today = runtime.today(now)
    two_way = bool(runtime.routes) and runtime.routes[0].capabilities.two_way
    phrase = "number.ask.word" if two_way else "number.ask.code"
    until = today + timedelta(runtime.config.answer_within_days)
    letters = []
    for phone_id in phones:
        consents.take_names_back(tx, runtime, phone_id, now)
        one = phone_tables.phone_of_id(tx, phone_id)
        spoken = spoken_language(runtime, one.language, phrase)
        words = {"sender": runtime.config.sender_name, "code": runtime.config.service_code}
        letters.append(
            outbox.Letter(
                to=one.number,
                text=runtime.phrases.say(phrase, spoken, stop=stop_clause(runtime, spoken), **words),
                key=reach_tables.question_key(phone_id) + today.isoformat(),
                purpose="reminder",
                klass="must-arrive",
                not_before=now,
                useful_until=local_time.start_of_day(until, runtime.zone),
            )
        )
    outbox.put_many(tx, now, letters)
    reach_tables.ask(tx, phones, today)


def take_answer(tx: Connection, runtime: Runtime, number: str, text: str, now: int) -> Answer | None:
    """What to answer to a yes or a no, where one was asked for; None when none was, or this is neither.

    Who talks instead is kept too: that she wrote at all is the yes.
    """
    said = sms_keywords.yes_or_no(text)
    if said is None:
        return None
    phone = phone_tables.find_phone(tx, number)
    asked = reach_tables.asked_on(tx, phone.id) if phone else None
    if phone is None or asked is None or asked < runtime.today(now - runtime.config.silent_after_days * DAY_MS):
        return None
    if said:
        return "number.kept"
    wrong_numbers.not_this_number(tx, runtime, phone, now)
    return "number.gone"
