"""What a supervisor asks on Monday: how many children wait for a visit, in which quartier, and who serves it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple

from sqlalchemy.engine import Connection

from service.domain import late_order
from service.domain.late_order import Band
from service.runtime import Runtime
from service.store import late_tables, mediator_tables, place_tables, staff_tables
from service.store.mediator_tables import Mediator
from service.store.staff_tables import Remit
from service.stories.recall import late_list
from service.stories.recall.late_list import LateChild


class Quartier(NamedTuple):
    """`late`: how many in each band. `oldest`: the most days late, 0 when nobody is. `served_by`: accounts."""

    id: int
    name: str
    followed: int
    late: tuple[int, ...]
    oldest: int
    served_by: tuple[int, ...]


class Overview(NamedTuple):
    """`mediators`: open and locked accounts, oldest first. `nowhere`: followed children whose quartier is unknown."""

    on: date
    bands: tuple[Band, ...]
    quartiers: tuple[Quartier, ...]
    mediators: tuple[Mediator, ...]
    nowhere: int

    def served(self, mediator_id: int) -> list[Quartier]:
        return [one for one in self.quartiers if mediator_id in one.served_by]

    def places_of(self, mediator_id: int) -> str:
        """The names of her quartiers: two mediators may have one name."""
        return ", ".join(one.name for one in self.served(mediator_id))

    def unserved(self) -> list[Quartier]:
        """Quartiers whose families nobody visits: no account, or none that is open, and somebody is followed."""
        is_open = {one.id for one in self.mediators if one.state == "active"}
        return [one for one in self.quartiers if one.followed and not is_open & set(one.served_by)]


def unserved(tx: Connection) -> list[tuple[str, int]]:
    """(name, children followed) of the quartiers that no open account serves; some have nobody to visit today."""
    followed, serving = late_tables.followed_in(tx), mediator_tables.who_serves(tx)
    is_open = {one.id for one in mediator_tables.accounts(tx, ("active",))}
    return [
        (name, followed[zone_id])
        for zone_id, name in place_tables.zones(tx)
        if followed.get(zone_id) and not is_open & set(serving.get(zone_id, ()))
    ]


def overview(runtime: Runtime, today: date, remit: Remit | None = None, of: int | None = None) -> Overview:
    """A quartier at a time, each in a reading of its own: nobody waits for it.

    With a `remit`: its children, its quartiers with those where some of them live, and the mediators who serve these.
    With `of`, an account: nobody is looked for in the quartiers of others, which is most of the price.
    """
    settings = runtime.config.report
    bounds = (runtime.calendar.settings.defaulter_after_days, settings.long_late_days)
    cut = tuple(late_order.bands(late_list.first_rule(runtime), bounds))
    with runtime.database.read() as tx:
        found = _places(tx, remit)
    quartiers = []
    for zone_id, name in found.zones:
        served_by = tuple(found.serving.get(zone_id, ()))
        late = _late(runtime, zone_id, found.followed, today, remit) if of is None or of in served_by else []
        oldest = max((one.days_late for one in late), default=0)
        followed = found.followed.get(zone_id, 0)
        quartiers.append(Quartier(zone_id, name, followed, _counted(late, cut), oldest, served_by))
    return Overview(today, cut, tuple(quartiers), tuple(found.mediators), found.followed.get(None, 0))


def is_within(tx: Connection, remit: Remit, mediator_id: int) -> bool:
    """Whether this account is one of the overview's of this remit."""
    return any(one.id == mediator_id for one in _places(tx, remit).mediators)


class _Places(NamedTuple):
    zones: list[tuple[int, str]]
    followed: dict[int | None, int]
    mediators: list[Mediator]
    serving: dict[int, list[int]]


def _places(tx: Connection, remit: Remit | None) -> _Places:
    followed = late_tables.followed_in(tx, remit)
    zones = place_tables.zones(tx) if remit is None else _zones(tx, remit, followed)
    mediators, serving = mediator_tables.accounts(tx, ("active", "locked")), mediator_tables.who_serves(tx)
    if remit is not None:
        mediators = _within(tx, remit, mediators, {one for zone_id, _ in zones for one in serving.get(zone_id, ())})
    return _Places(zones, followed, mediators, serving)


def _zones(tx: Connection, remit: Remit, followed: Mapping[int | None, int]) -> list[tuple[int, str]]:
    """A child is its centre's, wherever it lives: else one who lives in another centre's quartier is on no list."""
    within = dict(staff_tables.zones_within(tx, remit))
    return [(zone_id, name) for zone_id, name in place_tables.zones(tx) if zone_id in within or zone_id in followed]


def _within(tx: Connection, remit: Remit, mediators: Sequence[Mediator], serving: set[int]) -> list[Mediator]:
    """Those of the organisation; for a centre, those who serve its quartiers."""
    ours = staff_tables.mediators_within(tx, remit)
    return [one for one in mediators if one.id in ours and (remit.centre_id is None or one.id in serving)]


def _late(
    runtime: Runtime, zone_id: int, followed: Mapping[int | None, int], today: date, remit: Remit | None
) -> list[LateChild]:
    if not followed.get(zone_id):
        return []
    with runtime.database.read() as tx:
        late = late_list.late_children(tx, runtime, [zone_id], today)
    return [one for one in late if remit is None or remit.has(one.child)]


def _counted(late: Sequence[LateChild], cut: Sequence[Band]) -> tuple[int, ...]:
    return tuple(sum(band.has(one.days_late) for one in late) for band in cut)
