"""Whether mediators were sent to the children who needed them, and to no others, judged from what the line was told."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
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
    """`told_days`: after the day of a contact, until nothing more is said of it, by what it is of; nothing else makes
    a child late. Who was seen waits `seen_days`."""

    def __init__(self, truth: Truth, told_days: Mapping[str, int], seen_days: int) -> None:
        self._zone, self._told_days, self._seen_days = truth.zone, told_days, seen_days
        self._of_centre: dict[str, list[Listed]] = defaultdict(list)
        self._of_kid: dict[str, list[Listed]] = defaultdict(list)
        for one in truth.rounds:
            self._of_centre[one.centre].append(one)
            for kid in one.kids:
                self._of_kid[kid].append(one)

    def broken_by(self, house: House) -> Iterator[Broken]:
        for kid in sorted(house.kids):
            for one in self._of_kid[kid]:
                today = local_time.day_of(one.at, self._zone)
                if not self._is_late(house, kid, one.at, today) or self._was_seen(house, kid, one.at, today):
                    yield Broken("listed for nothing", one.at, house.key, kid)
        for spell in house.places:
            for one in self._of_centre[spell.value]:
                if spell.since <= one.at < spell.until:
                    yield from self._forgotten(house, one)

    def _forgotten(self, house: House, one: Listed) -> Iterator[Broken]:
        today = local_time.day_of(one.at, self._zone)
        for kid in sorted(house.kids.difference(one.kids)):
            long = self._is_late(house, kid, one.at, today, one.at - DAY_MS, is_told=True)
            if long and not self._was_seen(house, kid, one.at, today):
                yield Broken("not listed", one.at, house.key, kid)

    def _is_late(
        self, house: House, kid: str, at: int, today: date, since: int | None = None, *, is_told: bool = False
    ) -> bool:
        """Whether something stands for it, at least since then, whose day has come; `is_told`: nothing more is said."""
        return any(
            plan.kid == kid
            and plan.of in self._told_days
            and plan.since <= (at if since is None else since)
            and at <= plan.until  # what she finds ends it at the moment of the list
            and plan.contact.on is not None
            and (today - plan.contact.on).days >= (self._told_days[plan.of] + 1 if is_told else 0)
            and (plan.contact.lapses_on is None or today < plan.contact.lapses_on)
            for plan in house.plans
        )

    def _was_seen(self, house: House, kid: str, before: int, today: date) -> bool:
        return any(one == kid and at < before and self._is_lately(at, today) for at, one in house.visited)

    def _is_lately(self, at: int, today: date) -> bool:
        return local_time.day_of(at, self._zone) > today - timedelta(self._seen_days)
