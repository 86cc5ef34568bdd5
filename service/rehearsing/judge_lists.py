"""Whether mediators were sent to the children who needed them, and to no others, judged from what the line was told."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from service.domain import local_time
from service.rehearsing.houses import Broken, House
from service.rehearsing.truth import Listed, Truth

PROMISES_OF_LISTS = {
    "listed for nothing": "visites demandées sans raison",
    "not listed": "enfants en retard absents de la liste des visites",
}
DAY_MS = 24 * 60 * 60_000


class ListsCourt:
    """`told_days`: after the day of a contact, until nothing more is said of it. Who was seen waits `seen_days`."""

    def __init__(self, truth: Truth, told_days: int, seen_days: int) -> None:
        self._zone, self._rounds, self._told_days, self._seen_days = truth.zone, truth.rounds, told_days, seen_days

    def broken_by(self, house: House) -> Iterator[Broken]:
        for one in self._rounds:
            today = local_time.day_of(one.at, self._zone)
            listed = house.kids.intersection(one.kids)
            seen = {kid for at, kid in house.visited if at < one.at and self._is_lately(at, today)}
            late = set(self._late(house, one, today))
            yield from (
                Broken("listed for nothing", one.at, house.key, kid) for kid in sorted(listed & seen | listed - late)
            )
            if house.place_at(one.at) == one.centre:
                long = set(self._late(house, one, today, self._told_days + 1, one.at - DAY_MS))
                yield from (Broken("not listed", one.at, house.key, kid) for kid in sorted(long - seen - listed))

    def _late(self, house: House, one: Listed, today: date, days: int = 0, since: int | None = None) -> Iterator[str]:
        """Those for whom something stands, at least since then, whose day was so many days ago."""
        for plan in house.plans:
            on, lapses_on = plan.contact.on, plan.contact.lapses_on
            stands = plan.since <= (one.at if since is None else since) and one.at < plan.until
            if stands and on is not None and (today - on).days >= days and (lapses_on is None or today < lapses_on):
                yield plan.kid

    def _is_lately(self, at: int, today: date) -> bool:
        return local_time.day_of(at, self._zone) > today - timedelta(self._seen_days)
