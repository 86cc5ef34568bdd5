"""A child's vaccination card in its mother's hands, and the book of the line, which hears of doses later."""

from __future__ import annotations

from datetime import date, timedelta

from service.domain import contacts, vaccination, visits
from service.domain.contacts import Contact
from service.domain.vaccination import Given
from service.rehearsing.lives import Kid, World


class Card:
    """What was given, and the days that the nurse writes in it for the next times."""

    def __init__(self, world: World, kid: Kid, profile: str) -> None:
        self.kid, self.profile = kid, profile
        told = visits.visits_made(world.calendar, kid.born_on, kid.last_visit, None, profile, today=kid.enrolled_on)
        self.given = [Given(one.antigen, one.on) for one in told]
        self.book = list(self.given)
        self.done: dict[str, date] = {one.dose: one.on for one in told}
        self.heard: dict[date, date] = {}  # the appointment -> when the last message about it was read
        self.visits: list[tuple[date, int]] = []  # (day, days late) of those on which something was given
        self.coming: tuple[Contact, ...] = ()

    def plan(self, world: World, today: date) -> None:
        self.coming = plan(world, self, self.given, today)

    def appointment(self, today: date) -> Contact | None:
        """The one that has come and was not kept yet."""
        open_now = (one for one in self.coming if one.anchor_on <= today)
        return next((one for one in open_now if one.lapses_on is None or today < one.lapses_on), None)

    def visit(self, world: World, today: date, late: int) -> list[str]:
        """Everything that may be given on this day is given, so many days late; gives the antigens."""
        found = vaccination.assess(world.calendar, self.profile, self.kid.born_on, today, self.given).due
        antigens = list(dict.fromkeys(world.calendar.series[one.series].record_as for one in found))
        if antigens:
            self.visits.append((today, late))
        self.done |= {one.dose: today for one in found}
        self.given += [Given(antigen, today) for antigen in antigens]
        self.plan(world, today)
        return antigens


def plan(world: World, card: Card, given: list[Given], today: date) -> tuple[Contact, ...]:
    """What the schedule says of these doses, asked as a line that plans ahead asks it."""
    as_of = contacts.planning_day(today, given)
    found = vaccination.assess(world.calendar, card.profile, card.kid.born_on, as_of, given)
    return contacts.coming_contacts(found, card.kid.enrolled_on)


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
