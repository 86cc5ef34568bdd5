"""What we know about a phone, told to whoever holds it: counts and kinds, no name.

That somebody is followed through a pregnancy is not told here: whoever holds a shared phone would read it. She asks the
mediator or the centre, with the code in her booklet; forgetting the phone forgets it too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy.engine import Connection

from service.runtime import Runtime
from service.store import people_tables, phone_tables
from service.store.consent_tables import Standing
from service.store.kept_of_phone import request_numbers
from service.stories.homes import consents, mediator_visits

LANGUAGES = {"fr": "français", "bm": "bamanankan", "en": "English"}
MOST_NUMBERS = 2


@dataclass(frozen=True, slots=True)
class Known:
    """`language` by its own name; `by_call`: reminders are calls; `requests` are the newest numbers.

    `agreed` is what was said of each purpose.
    """

    children: int
    language: str
    reminders: bool
    news: bool
    news_stopped: bool
    by_call: bool
    requests: tuple[str, ...]
    agreed: Mapping[str, Standing]
    explicit: bool


def known_of(tx: Connection, runtime: Runtime, number: str, language: str) -> Known:
    """All there is to tell. `language` is spoken where none was chosen."""
    phone = phone_tables.find_phone(tx, number)
    number_idx = phone_tables.index_of(tx, number)
    agreed = consents.said_of_phone(tx, phone.id) if phone else {}
    comes = not phone_tables.opted_out(tx, number_idx, consents.CAMPAIGN)
    spoken = (phone.language if phone else None) or language
    return Known(
        children=len(people_tables.children_on_phone(tx, phone.id)) if phone else 0,
        language=LANGUAGES.get(spoken, spoken),
        reminders=not phone_tables.opted_out(tx, number_idx, "reminder"),
        news=comes and phone is not None and consents.hears_news(tx, phone.id),
        news_stopped=not comes,
        by_call=phone is not None and phone_tables.is_by_voice(tx, phone.id),
        requests=tuple(request_numbers(tx, phone.id, mediator_visits.TASK)[:MOST_NUMBERS]) if phone else (),
        agreed=agreed,
        explicit=phone is not None and consents.speaks_openly(tx, phone.id),
    )
