"""The book of the line as it ought to be: which appointments stand for a child, from what the line was told and when.

It is kept beside the product by the rules of the schedule and of centres' days, and reads none of its records. What
stands changes when something is told (a dose, another quartier, a centre's word), and where a late family would be
told a day while its centre's next one is cancelled.
"""

from __future__ import annotations

from datetime import date, timedelta
from itertools import groupby

from service.domain import contacts, local_time, reminder_ladder
from service.domain.centre_days import CentreDays
from service.domain.contacts import Contact
from service.domain.vaccination import Given
from service.rehearsing.card import Card, coming, meet_on
from service.rehearsing.lives import World

Key = tuple[tuple[str, ...], date, date | None]


class Book:
    """One child's page. `rounds` is the last moment at which the line told what was due."""

    def __init__(self, card: Card) -> None:
        self.card, self.given = card, list(card.given)
        self.standing: tuple[Contact, ...] = ()
        self._since: dict[Key, int] = {}

    def plan(self, world: World, days: CentreDays, now: int, rounds: int) -> None:
        """Everything anew; what is unchanged stands since it stood, and what was given in part was told in part."""
        as_of = contacts.planning_day(local_time.day_of(now, world.zone), self.given)
        settled = self._settled(world, now, rounds)
        meet = meet_on(world, days, as_of, self.standing, settled)
        found = coming(world, self.card, self.given, as_of, meet)
        self._since = {key_of(one): self._stood_since(one, now) for one in found}
        self.standing = found

    def is_moved_by(self, world: World, days: CentreDays, now: int, rounds: int) -> bool:
        """Whether these days of the centre change anything for this child."""
        today = local_time.day_of(now, world.zone)
        meet = meet_on(world, days, today, self.standing, self._settled(world, now, rounds))
        for anchor_on, group in groupby(self.standing, lambda one: one.anchor_on):
            stands = list(group)
            doses = tuple(sorted(dose for one in stands for dose in one.doses))
            wanted = {(one.doses, one.on) for one in meet(doses, anchor_on)}
            if wanted != {(one.doses, one.on) for one in stands}:
                return True
        return False

    def is_sent_to_a_closed_door(self, world: World, days: CentreDays, now: int, rounds: int) -> bool:
        """Whether a late contact is to be told of now, while the centre's next day does not give all of it."""
        today, here = local_time.day_of(now, world.zone), local_time.local(now, world.zone)
        for one in self.standing:
            if one.on is None or one.on >= today:
                continue
            told = self._told(world, one, rounds)
            step = reminder_ladder.next_step(world.ladder, one.on, told, here, one.lapses_on)
            if step is None or step.on > today:
                continue
            if any(days.is_held_up(antigen, today) for antigen in world.antigens(one.doses).values()):
                return True
        return False

    def _stood_since(self, one: Contact, now: int) -> int:
        for was in self.standing:
            if (was.anchor_on, was.on) == (one.anchor_on, one.on) and set(one.doses) <= set(was.doses):
                return self._since[key_of(was)]
        return now

    def _settled(self, world: World, now: int, rounds: int) -> list[Contact]:
        """Those of which every reminder was told, or could be no more."""
        return [one for one in self.standing if one.on is not None and self._is_told(world, one, now, rounds)]

    def _is_told(self, world: World, one: Contact, now: int, rounds: int) -> bool:
        assert one.on is not None
        here = local_time.local(now, world.zone)
        told = self._told(world, one, rounds)
        return reminder_ladder.next_step(world.ladder, one.on, told, here, one.lapses_on) is None

    def _told(self, world: World, one: Contact, rounds: int) -> str | None:
        """The last step whose day had come by the last round."""
        if one.on is None or rounds < self._since[key_of(one)]:
            return None
        day = local_time.day_of(rounds, world.zone)
        come = [step.name for step in world.ladder.steps if one.on + timedelta(step.offset_days) <= day]
        return come[-1] if come else None

    def write(self, antigens: list[str], on: date) -> None:
        self.given += [Given(antigen, on) for antigen in antigens]


def key_of(one: Contact) -> Key:
    """What makes an appointment the same as before, whatever else is planned."""
    return one.doses, one.anchor_on, one.on
