"""The words of the day's recalls: discreet, or with names and vaccines for the households that chose it.

Names are unsealed here, for a text that is sealed again in the outbox, and for nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import cache, partial

from sqlalchemy.engine import Connection

from flows import sms_text
from service.domain import household_words
from service.domain.household_day import Words
from service.runtime import Runtime
from service.store import consent_tables
from service.store.care_tables import VACCINE
from service.stories.recall.recall_receivers import Receiver
from service.stories.recall.reminders import MOST_CHILDREN_WIDTH, explicit_text, reminder_text, spoken_language
from service.stories.recall.told_together import Said

MOST_PARTS = 2
ALONE = "one"


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
    named = [due.row.child_id for home in chosen for due in said[home].dues if due.row.child_id is not None]
    names = consent_tables.names_of(tx, named) if named else {}
    discreet = cache(partial(reminder_text, runtime))  # most households of a page are told the same
    texts = {}
    for home, one in said.items():
        language = receivers[home].language
        told = _explicit(runtime, language, one, names) if home in chosen else None
        texts[home] = told if told is not None else discreet(language, *_what_is_said(one), before[home])
    return texts


def _who_chose(tx: Connection, own: Mapping[int, int]) -> set[int]:
    agreed = consent_tables.explicit_homes(tx, list(own.values()))
    return {home for home, phone_id in own.items() if (phone_id, home) in agreed}


def _what_is_said(said: Said) -> tuple[Words, tuple[date, ...], frozenset[str | None], bool]:
    """Which sentence, the days, the centres, and whether several children are expected for their vaccines.

    A woman, or a child that is treated, is none of them: one booklet more would tell of something else.
    """
    children = {due.row.child_id for due in said.dues if due.row.kind == VACCINE}
    return said.words, said.days, frozenset(due.row.centre for due in said.dues), len(children) > 1


def _explicit(runtime: Runtime, language: str | None, said: Said, names: Mapping[int, str]) -> str | None:
    """None where something cannot be said, or not in two parts: then the discreet words go."""
    spoken = spoken_language(runtime, language, "explicit.before")
    doses: dict[int, set[str]] = {}
    for row in (due.row for due in said.dues):
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
    text = explicit_text(runtime, spoken, told, *_what_is_said(said)[:3])
    size = sms_text.measure(sms_text.fold(text))
    return text if size.encoding == "gsm7" and size.parts <= MOST_PARTS else None
