"""The words of the day's recalls: discreet, or with names and vaccines for the households that chose it.

Names are unsealed here, for a text that is sealed again in the outbox, and for nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache, partial
from typing import TypeAlias

from sqlalchemy.engine import Connection

from flows import sms_text
from service.domain import household_words
from service.runtime import Runtime
from service.store import consent_tables
from service.store.care_tables import VACCINE
from service.store.recall_tables import DueAppointment
from service.stories.recall_receivers import Receiver
from service.stories.reminders import MOST_CHILDREN_WIDTH, explicit_text, reminder_text, spoken_language

MOST_PARTS = 2
ALONE = "one"
Said: TypeAlias = Sequence[tuple[DueAppointment, str]]
"""The due appointments of one household, each with the phrase of its step."""


def recall_texts(
    tx: Connection,
    runtime: Runtime,
    receivers: Mapping[int, Receiver],
    said: Mapping[int, Said],
    before: Mapping[int, str],
) -> dict[int, str]:
    """household -> its text. Where no phone of the page was called one person's own, nothing more is read.

    `before`: the discreet phrase that the household hears before it is late.
    """
    own = {home: receivers[home].phone_id for home in said if receivers[home].readers == ALONE}
    chosen = _who_chose(tx, own) if own else set()
    named = [row.child_id for home in chosen for row, _ in said[home] if row.child_id is not None]
    names = consent_tables.names_of(tx, named) if named else {}
    discreet = cache(partial(reminder_text, runtime))  # most households of a page are told the same
    texts = {}
    for home, rows in said.items():
        language = receivers[home].language
        told = _explicit(runtime, language, rows, names) if home in chosen else None
        texts[home] = told if told is not None else discreet(language, *_what_is_said(rows), before[home])
    return texts


def _who_chose(tx: Connection, own: Mapping[int, int]) -> set[int]:
    agreed = consent_tables.explicit_homes(tx, list(own.values()))
    return {home for home, phone_id in own.items() if (phone_id, home) in agreed}


def _what_is_said(rows: Said) -> tuple[tuple[date, ...], frozenset[str | None], frozenset[str]]:
    """The days, the centres, and the phrases of the steps."""
    return tuple(_days(rows)), frozenset(row.centre for row, _ in rows), frozenset(step for _, step in rows)


def _explicit(runtime: Runtime, language: str | None, rows: Said, names: Mapping[int, str]) -> str | None:
    """None where something cannot be said, or not in two parts: then the discreet words go."""
    steps = {step for _, step in rows}
    spoken = spoken_language(runtime, language, "explicit.before")
    doses: dict[int, set[str]] = {}
    for row, _ in rows:
        if row.kind != VACCINE or row.child_id is None:
            return None  # a pregnancy is never named, nor a treatment or a malaria round
        doses.setdefault(row.child_id, set()).update(row.doses.split(","))
    if not names.keys() >= doses.keys():
        return None
    words = household_words.spoken_words(runtime.config.country)
    order = sorted(doses, key=names.__getitem__)
    told = household_words.said_of(
        words, runtime.calendar, [names[id] for id in order], [doses[id] for id in order], spoken
    )
    if told is None or sms_text.units(sms_text.fold(told)) > MOST_CHILDREN_WIDTH:
        return None
    text = explicit_text(runtime, spoken, told, _days(rows), {row.centre for row, _ in rows}, steps)
    size = sms_text.measure(sms_text.fold(text))
    return text if size.encoding == "gsm7" and size.parts <= MOST_PARTS else None


def _days(rows: Said) -> list[date]:
    return [row.on for row, _ in rows]
