"""Talks that mediators held: written down once for each theme, quartier and day; what is said last counts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from sqlalchemy.engine import Connection

from service.domain import places, talk_words
from service.domain.talk_words import TalkReport
from service.runtime import Runtime
from service.store import mediator_tables, talk_tables
from service.store.mediator_tables import Mediator
from service.stories.homes import programmes
from service.stories.staff import mediator_accounts
from service.stories.staff.mediator_doses import Refused


class Noted(NamedTuple):
    """A talk as it stands now. `before`: how many were written down until now, None when it is new."""

    theme: str
    zone: str
    on: date
    participants: int
    before: int | None


def record(tx: Connection, runtime: Runtime, one: Mediator, told: TalkReport, on: date, now: int) -> Noted:
    """Write the talk down, or correct it. Raises Refused."""
    zone_id, zone = _zone(tx, one, told.quartiers)
    if on > runtime.today(now):
        raise Refused("future", day=f"{on:%d/%m/%y}")
    programme = programmes.of_children(tx)
    before = talk_tables.participants_of(tx, one.id, zone_id, told.theme, on)
    if before != told.participants:
        talk_tables.put_talk(
            tx,
            now,
            organisation_id=programme.organisation_id,
            mediator_id=one.id,
            zone_id=zone_id,
            theme=told.theme,
            held_on=on,
            participants=told.participants,
        )
    mediator_accounts.note_use(tx, one, now)
    name = talk_words.built_in_themes().names[told.theme]
    return Noted(name, zone, on, told.participants, before)


def _zone(tx: Connection, one: Mediator, written: Sequence[str]) -> tuple[int, str]:
    """The quartier of hers that was meant; it need not be written where she has one only."""
    hers = mediator_tables.zones_of(tx, one.id)
    if not written and len(hers) == 1:
        return hers[0]
    by_name = {places.plain_name(zone): (zone_id, zone) for zone_id, zone in hers}
    for words in written:
        known = places.built_in_places().zone_spelt(words)
        found = by_name.get(places.plain_name(known.name if known else words))
        if found is not None:
            return found
    raise Refused("talk_zone", zones=", ".join(zone for _, zone in hers) or "-")
