"""The list on paper: the children to be visited, quartier by quartier, without a name unless it is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from sqlalchemy.engine import Connection

from service.runtime import Runtime
from service.store import centre_tables, late_tables, mediator_tables, place_tables, staff_tables
from service.store.mediator_tables import Mediator
from service.store.people_tables import Child
from service.store.staff_tables import Remit
from service.stories.homes.families import show_code
from service.stories.recall import late_list
from service.stories.recall.late_list import LateChild
from service.stories.staff import mediator_accounts
from service.stories.staff.mediator_accounts import Refused


class Line(NamedTuple):
    """A child on paper. `born`: as exactly as it is known. `silent`: as of a LateChild. `name`: as it was told.

    `doses`: and what else waits, in discreet words.
    """

    code: str
    born: str
    doses: tuple[str, ...]
    days_late: int
    silent: str
    name: str = ""


class Sheet(NamedTuple):
    """`whose`: a mediator, a quartier or a centre, in words. `quartiers`: name and lines, those without lines too."""

    whose: str
    on: date
    quartiers: tuple[tuple[str, tuple[Line, ...]], ...]
    with_names: bool
    sender: str
    code: str
    child_ids: tuple[int, ...] = ()

    @property
    def children(self) -> int:
        return sum(len(lines) for _, lines in self.quartiers)


class _Whose(NamedTuple):
    """In words, and which quartiers; for a centre's list, the centre and those of the quartiers that it serves."""

    words: str
    zone_ids: list[int]
    centre_id: int | None = None
    served: frozenset[int] = frozenset()

    def has(self, one: Child) -> bool:
        """A child stands on its own centre's list, wherever it lives; one without a centre, where it lives."""
        if self.centre_id is None or one.centre_id == self.centre_id:
            return True
        return one.centre_id is None and one.zone_id in self.served


class Asked(NamedTuple):
    """Whose list: of an account, of quartiers by name, or of a centre by name or code. Exactly one of them."""

    account: int | None = None
    zones: Sequence[str] = ()
    centre: str = ""


def sheet(
    tx: Connection, runtime: Runtime, asked: Asked, today: date, *, with_names: bool, remit: Remit | None = None
) -> Sheet:
    """The list as it stands now, as far as it is within the remit.

    Raises Refused for an account, a quartier or a centre that is not there.
    """
    whose = _whose(tx, asked, with_names=with_names)
    names = dict(place_tables.zones(tx))
    zone_ids = whose.zone_ids if remit is None else _within(tx, remit, whose.zone_ids)
    quartiers, shown = [], list[int]()
    for zone_id in sorted(zone_ids, key=lambda each: names[each]):
        late = late_list.late_children(tx, runtime, [zone_id], today)
        late = [one for one in late if whose.has(one.child) and (remit is None or remit.has(one.child))]
        shown += [one.child.id for one in late]
        called = late_tables.names_of(tx, [one.child.id for one in late]) if with_names else {}
        quartiers.append((names[zone_id], tuple(_line(one, called.get(one.child.id, "")) for one in late)))
    sender, code = runtime.config.sender_name, runtime.config.service_code
    return Sheet(whose.words, today, tuple(quartiers), with_names, sender, code, tuple(shown))


def _within(tx: Connection, remit: Remit, zone_ids: Sequence[int]) -> list[int]:
    """Those that are the remit's, or where some of its children live."""
    within = {zone_id for zone_id, _ in staff_tables.zones_within(tx, remit)}
    lived_in = late_tables.followed_in(tx, remit)
    return [one for one in zone_ids if one in within or one in lived_in]


def _whose(tx: Connection, asked: Asked, *, with_names: bool) -> _Whose:
    """The mediator is named only where the children are."""
    if asked.account is not None:
        one = _account(tx, asked.account)
        served = [zone_id for zone_id, _ in mediator_tables.zones_of(tx, one.id)]
        if not served:
            raise Refused(f"account {one.id} serves no quartier: `laseli mediator zones` gives it some")
        return _Whose(f"Médiatrice : {one.name}" if with_names and one.name else "", served)
    if asked.zones:
        return _Whose("", mediator_accounts.zone_ids_of(tx, asked.zones))
    return _of_centre(tx, asked.centre)


def _account(tx: Connection, account: int) -> Mediator:
    found = [one for one in mediator_tables.accounts(tx, ("active", "locked")) if one.id == account]
    if not found:
        raise Refused(f"there is no account {account}: `laseli mediator list` shows them")
    return found[0]


def _of_centre(tx: Connection, written: str) -> _Whose:
    wanted, known = mediator_accounts.plain(written), centre_tables.centres(tx)
    for centre_id, code, name in known:
        if wanted in (mediator_accounts.plain(code), mediator_accounts.plain(name)):
            served = frozenset(place_tables.zones_of_centre(tx, centre_id))
            zone_ids = sorted(served | late_tables.lived_in(tx, centre_id))
            return _Whose(f"CSCom {name}", zone_ids, centre_id, served)
    raise Refused(f"'{written}' is no centre; known: {', '.join(name for _, _, name in known)}")


def _line(one: LateChild, name: str) -> Line:
    day = f"{one.child.born_on:%d/%m/%Y}"
    born = {"week": f"~{day}", "month": day[3:], "year": day[6:]}.get(one.child.birth_precision, day)
    return Line(show_code(one.code), born, (*one.doses, *one.also), one.days_late, one.silent, name.strip())
