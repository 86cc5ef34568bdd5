"""Who agreed that something is kept for the mutual or for a mediator's visit: the person, the words, the way."""

from __future__ import annotations

from sqlalchemy.engine import Connection

from service.runtime import Runtime
from service.store import people_tables, place_tables
from service.store.people_tables import Caller
from service.store.place_tables import Programme
from service.stories import families
from service.stories.families import Consent

COVER = "couverture"
"""The programme of the mutual and of the RAMED."""


def agreed(
    tx: Connection, runtime: Runtime, number: str, purpose: str, consent: Consent, now: int
) -> tuple[Caller, Programme]:
    """The person behind the phone, with the yes just given written down. `purpose` is "mutual" or "visit"."""
    programme = place_tables.programme_of_code(tx, COVER)
    assert programme is not None, "`laseli db upgrade` loads the programme"
    caller = families.ensure_caller(tx, runtime, number, now)
    people_tables.add_consent(
        tx,
        person_id=caller.person_id,
        programme_id=programme.id,
        purpose=purpose,
        given=True,
        wording="discreet",
        words_version=consent.words_version,
        language=consent.language,
        how=consent.how,
        recorded_by="self",
        at=now,
    )
    return caller, programme
