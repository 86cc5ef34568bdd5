"""At which announced malaria rounds a child was expected, and whether its family heard of the day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final

from service.domain.indicator_counts import Expected
from service.domain.places import plain_name
from service.store.recall_tables import MAY_HAVE_ARRIVED
from service.store.report_tables import Invited
from service.store.round_tables import ANNOUNCED, Announced

_NO_DISTRICT: Final[Mapping[int, str]] = {}


class Rounds:
    """The announced rounds that began between two days; `districts` are of the quartiers, as people write them.

    `days`: the first and the last on which children are expected at any of them; None where there is none.
    """

    def __init__(
        self,
        announced: Sequence[Announced],
        districts: Mapping[int, str] = _NO_DISTRICT,
        since: date = date.min,
        until: date = date.max,
    ) -> None:
        self._districts = districts
        self._rounds = [one for one in announced if one.state == ANNOUNCED and since <= one.first_on <= until]
        self.days = _days(self._rounds)

    def of(self, zone_id: int | None, invited: Sequence[Invited]) -> tuple[Expected, ...]:
        """What a child of this quartier was expected at; a day that a round had before it was moved is none."""
        district = self._districts.get(zone_id or 0)
        if district is None or not invited:
            return ()
        here = [one for one in self._rounds if one.district == plain_name(district)]
        return tuple(found for one in here if (found := _expected(one, district, invited)))


def _days(rounds: Sequence[Announced]) -> tuple[date, date] | None:
    if not rounds:
        return None
    return min(one.first_on for one in rounds), max(one.last_on for one in rounds)


def _expected(one: Announced, district: str, invited: Sequence[Invited]) -> Expected | None:
    mine = [each for each in invited if _is_of(one, each)]
    if not mine:
        return None
    states = {each.state for each in mine}
    name = f"{district} {one.year}, passage {one.number}"
    return Expected(name, left=not states.isdisjoint(MAY_HAVE_ARRIVED), arrived="delivered" in states)


def _is_of(one: Announced, each: Invited) -> bool:
    return each.contact.startswith(one.contacts) and one.first_on <= each.on <= one.last_on
