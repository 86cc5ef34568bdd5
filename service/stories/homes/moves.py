"""A family that moved: its children's quartier and centre change, and the new quartier's mediator is told."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.engine import Connection

from service.runtime import Runtime
from service.store import family_changes, people_tables, place_tables
from service.store.people_tables import Child
from service.store.place_tables import Place
from service.stories.homes import child_tasks
from service.stories.recall import recalls


class NoSuchPlace(Exception):
    """The quartier is none of ours; nothing was written."""


def move(
    tx: Connection, runtime: Runtime, children: Sequence[Child], zone_id: int, phone_id: int | None, now: int
) -> Place:
    """These children live in this quartier now. What waits to be sent about them names the new centre.

    Whoever lives there already is left alone. `phone_id` is whom the mediator may call.
    """
    place = place_tables.place_of_zone(tx, zone_id)
    if place is None:
        raise NoSuchPlace
    profile = runtime.calendar.profile_for(place.district)
    for child in sorted(children):
        standing = people_tables.find_child(tx, id=child.id)  # waits for the planner's turn
        if standing is None or standing.zone_id == zone_id:
            continue
        family_changes.set_place(tx, child.id, zone_id, place.centre_id, profile)
        recalls.take_back(tx, runtime, child.id, now)
        recalls.replan(tx, runtime, child.id, now)
        there = {"Nouveau quartier": place_tables.zone_name(tx, zone_id)}
        key = f"moved:{child.id}:{zone_id}:{runtime.today(now)}"
        moved = standing._replace(zone_id=zone_id)
        child_tasks.put_on_list(tx, now, "moved", moved, key=key, phone_id=phone_id, details=there)
    return place
