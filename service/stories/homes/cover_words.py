"""The words of the end of a cover: a date and a code, or the mutual by its name for who chose explicit words."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy.engine import Connection

from service.runtime import Runtime
from service.store import consent_tables
from service.store.recall_tables import DueAppointment
from service.stories.recall.recall_receivers import Receiver
from service.stories.recall.reminders import spoken_language, stop_clause

DISCREET, EXPLICIT = "cover.discreet", "cover.explicit"


def cover_texts(
    tx: Connection, runtime: Runtime, receivers: Mapping[int, Receiver], rows: Mapping[int, DueAppointment]
) -> dict[int, str]:
    """household -> what it is told. A household has one cover."""
    phones = [receivers[home].phone_id for home in rows]
    chosen = consent_tables.explicit_homes(tx, phones) if phones else set()
    return {
        home: _text(runtime, receivers[home], row, EXPLICIT if (receivers[home].phone_id, home) in chosen else DISCREET)
        for home, row in rows.items()
    }


def _text(runtime: Runtime, to: Receiver, row: DueAppointment, phrase: str) -> str:
    assert row.covered_until is not None, "a notice is planned from the last day"
    spoken = spoken_language(runtime, to.language, phrase)
    slots = {
        "sender": runtime.config.sender_name,
        "day": f"{row.covered_until:%d/%m}",
        "stop": stop_clause(runtime, spoken),
    }
    if phrase == DISCREET:
        slots["code"] = runtime.config.service_code
    return runtime.phrases.say(phrase, spoken, **slots)
