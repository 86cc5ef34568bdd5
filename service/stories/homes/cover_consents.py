"""Who agreed that something is kept for the mutual or for a mediator's visit: the person, the words, the way."""

from __future__ import annotations

from sqlalchemy.engine import Connection

from service.runtime import Runtime
from service.store import place_tables
from service.store.people_tables import Caller
from service.store.place_tables import Programme
from service.stories.homes import consents, families
from service.stories.homes.consents import Words

COVER = "couverture"
"""The programme of the mutual and of the RAMED."""


def agreed(
    tx: Connection, runtime: Runtime, number: str, purpose: str, consent: Words, now: int
) -> tuple[Caller, Programme]:
    """The person behind the phone, with the yes just given written down. `purpose` is "mutual" or "visit"."""
    programme = place_tables.programme_of_code(tx, COVER)
    assert programme is not None, "`laseli db upgrade` loads the programme"
    caller = families.ensure_caller(tx, runtime, number, now)
    assert caller.person_id is not None, "it was made just now"
    consents.keep(tx, caller.person_id, purpose, consent, now, programme_id=programme.id)
    return caller, programme
