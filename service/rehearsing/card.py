"""A child's vaccination card in its mother's hands, and what she makes of its days."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import date, timedelta

from service.domain import contacts, vaccination, visits
from service.domain.centre_days import CentreDays, Meet, Meeting, Standing, meetings
from service.domain.contacts import Contact
from service.domain.vaccination import Given
from service.rehearsing.behaviour import Kind, Reminded
from service.rehearsing.centres import CentreYear
from service.rehearsing.lives import Kid, World


class Card:
    """What was given, the days that the nurse wrote in it for the next times, and what its mother heard of them.

    `heard`, `told` and `tried` are by anchor: when she last read a message, the day it named, the last day on which
    she might have come.
    """

    def __init__(self, world: World, kid: Kid, profile: str) -> None:
        self.kid, self.profile = kid, profile
        found = visits.visits_made(world.calendar, kid.born_on, kid.last_visit, None, profile, today=kid.enrolled_on)
        self.given = [Given(one.antigen, one.on) for one in found]
        self.done: dict[str, date] = {one.dose: one.on for one in found}
        self.heard: dict[date, date] = {}
        self.told: dict[date, date] = {}
        self.tried: dict[date, date] = {}
        self.put_off: set[date] = set()
        self.visits: list[tuple[date, int]] = []  # (day, days late) of those on which something was given
        self.in_vain: list[date] = []
        self.seen_on: date | None = None  # by a mediator, at home
        self.coming: tuple[Contact, ...] = ()

    def plan(self, world: World, centre: CentreYear, today: date) -> None:
        """The days that the nurse writes: those of the week."""
        as_of = contacts.planning_day(today, self.given)
        self.coming = coming(world, self, self.given, as_of, meet_on(world, centre.week, as_of))

    def day_of(self, one: Contact) -> date:
        """When she thinks it is: as it is written, or earlier if a message said so."""
        assert one.on is not None, "the week has a day for everything"
        return min(one.on, self.told.get(one.anchor_on, one.on))

    def appointment(self, today: date) -> Contact | None:
        """The one that has come and was not kept yet."""
        open_now = (one for one in self.coming if one.on is not None and self.day_of(one) <= today)
        return next((one for one in open_now if one.lapses_on is None or today < one.lapses_on), None)

    def comes(self, world: World, centre: CentreYear, one: Contact, today: date) -> bool:
        """Whether she sets out for this appointment: on a session that she knows of, unless she was told to wait.

        Whoever would have come on a day without one comes on the first that has one.
        """
        if today.isoweekday() in world.behaviour.closed or today in self.put_off:
            return False
        if today < self.told.get(one.anchor_on, today):
            return False
        if not any(centre.known.gives(antigen, today) for antigen in set(world.antigens(one.doses).values())):
            return False
        first, since = self.day_of(one), self.tried.get(one.anchor_on, date.min) + timedelta(1)
        days = (first + timedelta(late) for late in range(max(0, (since - first).days), (today - first).days + 1))
        self.tried[one.anchor_on] = today
        stays = math.prod(
            1 - world.behaviour.chance(day, (day - first).days, self._heard(world, one, day)) for day in days
        )
        return world.dice.roll(self.kid.key, "comes", today) < 1 - stays

    def _heard(self, world: World, one: Contact, today: date) -> Kind | None:
        effect = world.behaviour.reminded
        if self.seen_on is not None and 0 < (today - self.seen_on).days <= effect["visit"].within_days:
            return "visit"
        return heard_as(effect, self.heard.get(one.anchor_on), self.day_of(one), today)

    def visit(self, world: World, centre: CentreYear, today: date, late: int) -> list[str]:
        """Everything that is due and there is given, so many days late; gives the antigens."""
        due = vaccination.assess(world.calendar, self.profile, self.kid.born_on, today, self.given).due
        found = [one for one in due if centre.real.gives(world.calendar.series[one.series].record_as, today)]
        antigens = list(dict.fromkeys(world.calendar.series[one.series].record_as for one in found))
        if antigens:
            self.visits.append((today, late))
        elif due:
            self.in_vain.append(today)
        self.done |= {one.dose: today for one in found}
        self.given += [Given(antigen, today) for antigen in antigens]
        self.plan(world, centre, today)
        return antigens


def heard_as(effect: Mapping[Kind, Reminded], read_on: date | None, first: date, today: date) -> Kind | None:
    """What a message read on that day still does today, about a contact from `first` on."""
    if read_on is None or read_on > today:
        return None
    kind: Kind = "late" if read_on > first else "before"
    since = max(read_on, first)  # before her day nobody comes, and the effect waits for it
    return kind if (today - since).days < effect[kind].within_days else None


def coming(world: World, card: Card, given: Iterable[Given], as_of: date, meet: Meet) -> tuple[Contact, ...]:
    """What the schedule says of these doses, and the centre's days of when."""
    found = vaccination.assess(world.calendar, card.profile, card.kid.born_on, as_of, list(given))
    return contacts.coming_contacts(found, card.kid.enrolled_on, meet)


def meet_on(
    world: World, days: CentreDays, today: date, standing: Iterable[Contact] = (), settled: Iterable[Contact] = ()
) -> Meet:
    """What these days make of a contact, where these stand, and these have had all their reminders."""
    standing, settled = tuple(standing), tuple(settled)

    def meet(doses: tuple[str, ...], anchor_on: date) -> tuple[Meeting, ...]:
        stands: Standing = {dose: one.on for one in standing if one.anchor_on == anchor_on for dose in one.doses}
        told = {dose for one in settled if one.anchor_on == anchor_on for dose in one.doses}
        return meetings(days, world.antigens(doses), anchor_on, today, world.together, stands, told)

    return meet


def recommended(world: World, kid: Kid, profile: str) -> dict[str, date]:
    """The day of each dose by the child's age alone, whatever came before it."""
    return {
        dose: visit.at.after(kid.born_on)
        for visit in world.calendar.visits
        for dose in visits.doses_of_contact(world.calendar, visit.id, profile)
    }


def judged_doses(world: World, kid: Kid, profile: str, gone_on: date | None) -> dict[str, date]:
    """The doses by which a year is judged: they came due after the enrolment, and could be late within the year."""
    window = timedelta(world.calendar.settings.due_window_days)
    last = min(filter(None, (world.last, gone_on, kid.died_on)))
    return {
        dose: on
        for dose, on in recommended(world, kid, profile).items()
        if on > kid.enrolled_on and on + window <= last
    }
