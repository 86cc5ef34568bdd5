"""Invented families and what happens to them, whatever we say to them: thrown once, before the year begins.

A new kind of event is one more function in `PLANNERS`, and one line for it in `year.DEEDS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, timedelta
from typing import NamedTuple

from service.domain import visits
from service.domain.ages import add_months
from service.domain.centre_days import Together
from service.domain.cover import Renewal
from service.domain.malaria_rounds import Malaria
from service.domain.protocol_file import Protocol
from service.domain.rations import Nutrition
from service.domain.reminder_ladder import Ladder
from service.domain.sending_hours import HoursTable
from service.domain.vaccine_calendar import Calendar
from service.rehearsing.behaviour import Behaviour
from service.rehearsing.centres import NOWHERE, CentreYear
from service.rehearsing.dice import Dice

NAMES = ("Awa", "Moussa", "Fanta", "Sékou", "Aminata", "Ibrahim", "Kadiatou", "Oumar", "Mariam", "Bakary")
OLDEST_DAYS = 270
FIRST_NUMBER = 70_001_000
"""Invented, and never written to: the carrier of a rehearsal is a list in this process."""
FIRST_MEDIATOR = 79_000_001
YEAR_DAYS = 365
OLD_ENOUGH_MONTHS = 6
OPENED_BEFORE, WEEKS_LONG = (20, 190), (38, 41)
"""Days before the birth on which a pregnancy is opened, and how many weeks it lasts, from the fewest to the most."""
APART_DAYS = 300
"""Children nearer than this are of no two pregnancies."""
UNTOLD = "untold"
"""Of a departure that nobody tells us of."""


class Quartier(NamedTuple):
    """`centre` as messages name it; "" where none is known."""

    id: int
    name: str
    profile: str
    centre: str
    district: str = ""


class Protocols(NamedTuple):
    """The files of the follow-ups with dates, and the ladder of each kind of contact."""

    nutrition: Nutrition
    malaria: Malaria
    renewal: Renewal
    pregnancy: Protocol
    ladders: Mapping[str, Ladder]


class World(NamedTuple):
    """What the two years have in common. `last` is the last day that is lived."""

    calendar: Calendar
    ladder: Ladder
    hours: HoursTable
    zone: str
    quartiers: tuple[Quartier, ...]
    behaviour: Behaviour
    dice: Dice
    first: date
    last: date
    families: int
    dead_after_days: int
    together: Together
    seen_days: int
    antigen_of: Mapping[str, str]
    centres: Mapping[str, CentreYear]
    protocols: Protocols

    def centre(self, quartier: Quartier) -> CentreYear:
        return self.centres.get(quartier.centre, NOWHERE)

    def antigens(self, doses: Iterable[str]) -> dict[str, str]:
        """Dose -> antigen."""
        return {dose: self.antigen_of[dose] for dose in doses}

    @property
    def beats(self) -> dict[str, list[Quartier]]:
        """The quartiers of each mediator: those of one centre, or those without one."""
        found: dict[str, list[Quartier]] = {}
        for one in self.quartiers:
            found.setdefault(one.centre, []).append(one)
        return found

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1


class Kid(NamedTuple):
    key: str
    name: str
    sex: str
    born_on: date
    enrolled_on: date
    last_visit: str
    died_on: date | None


class Family(NamedTuple):
    """`number` is the mother's own, `listed` the one that was written down: somebody else's when it is wrong."""

    key: str
    number: str
    listed: str
    quartier: Quartier
    by_ussd: bool
    lost_on: date | None
    left_on: date | None
    kids: tuple[Kid, ...]


class Event(NamedTuple):
    """At this minute of this day; `value` is what the kind needs: a quartier, a phone number, a week."""

    on: date
    minute: int
    kind: str
    family: Family
    kid: Kid | None = None
    value: Quartier | str | int = ""


def families_of(world: World) -> list[Family]:
    return [_family(world, place) for place in range(world.families)]


def events_of(world: World, family: Family) -> list[Event]:
    """What happens to this family within the year, in the order of time."""
    found = [event for plan in PLANNERS for event in plan(world, family)]
    return sorted((one for one in found if world.first <= one.on <= world.last), key=lambda one: (one.on, one.minute))


def own_number(place: int, which: int = 0) -> str:
    """Three numbers for each family: its own, a stranger's, its next one."""
    return f"+223{FIRST_NUMBER + 3 * place + which}"


def mediators_number(place: int) -> str:
    return f"+223{FIRST_MEDIATOR + place}"


def _family(world: World, place: int) -> Family:
    dice, chance, key = world.dice, world.behaviour, f"{place:05d}"
    share = world.days / YEAR_DAYS
    many = 2 if dice.roll(key, "children") < chance("two_children") else 1
    by_ussd = dice.roll(key, "ussd") < chance("enrols_by_ussd")
    wrong = not by_ussd and dice.roll(key, "wrong") < chance("wrong_number")
    lost = dice.roll(key, "lost") < chance("phone_lost") * share
    left = dice.roll(key, "leaves") < chance("leaves") * share
    return Family(
        key,
        number=own_number(place),
        listed=own_number(place, int(wrong)),
        quartier=dice.pick(world.quartiers, key, "quartier"),
        by_ussd=by_ussd,
        lost_on=_some_day(world, key, "lost on") if lost else None,
        left_on=_some_day(world, key, "left on") if left else None,
        kids=_kids(world, key, many, by_ussd),
    )


def _kids(world: World, family: str, many: int, by_ussd: bool) -> tuple[Kid, ...]:
    """In the order of their enrolment. Who dials for the first tells of no visit: its card says more, when seen."""
    kids = sorted((_kid(world, family, child) for child in range(many)), key=lambda one: (one.enrolled_on, one.key))
    return (kids[0]._replace(last_visit="none"), *kids[1:]) if by_ussd else tuple(kids)


def _some_day(world: World, *question: object) -> date:
    return world.first + timedelta(world.dice.whole(0, world.days - 1, *question))


def _kid(world: World, family: str, child: int) -> Kid:
    dice, key = world.dice, f"{family}{'ab'[child]}"
    if dice.roll(key, "before") < world.behaviour("born_before"):
        born = world.first - timedelta(dice.whole(1, OLDEST_DAYS, key, "age"))
        enrolled = world.first + timedelta(dice.whole(0, min(59, world.days - 1), key, "enrolled"))
    else:
        born = _some_day(world, key, "born")
        enrolled = born + timedelta(dice.whole(1, 30, key, "enrolled"))
    dies = dice.roll(key, "dies") < world.behaviour("dies") * world.days / YEAR_DAYS
    died = enrolled + timedelta(dice.whole(1, world.days, key, "died on")) if dies else None
    made = ["none", *visits.visits_so_far(world.calendar, born, enrolled)]
    behind = dice.roll(key, "up to date") >= world.behaviour("up_to_date")
    last = made[max(0, len(made) - 1 - behind)]
    return Kid(key, dice.pick(NAMES, key, "name"), dice.pick("FM", key, "sex"), born, enrolled, last, died)


# --- what happens: one function for each kind ------------------------------------------------------------------


def _enrolments(world: World, family: Family) -> Iterator[Event]:
    for kid in family.kids:
        yield Event(kid.enrolled_on, world.dice.whole(8 * 60, 18 * 60, kid.key, "hour"), "enrol", family, kid)


def _deaths(world: World, family: Family) -> Iterator[Event]:
    """We are told some days later, from when on nothing is said about the child; or a mediator must find it out."""
    for kid in family.kids:
        if kid.died_on is not None and world.dice.roll(kid.key, UNTOLD) >= world.behaviour("untold"):
            told = kid.died_on + timedelta(world.dice.whole(0, 5, kid.key, "told"))
            yield Event(told, world.dice.whole(6 * 60, 20 * 60, kid.key, "told at"), "death", family, kid)


def _moves(world: World, family: Family) -> Iterator[Event]:
    if world.dice.roll(family.key, "moves") < world.behaviour("moves") * world.days / YEAR_DAYS:
        others = [one for one in world.quartiers if one != family.quartier]
        there = world.dice.pick(others, family.key, "where")
        yield Event(_some_day(world, family.key, "moved"), 12 * 60, "move", family, value=there)


def _departures(world: World, family: Family) -> Iterator[Event]:
    if family.left_on is not None:
        is_untold = world.dice.roll(family.key, UNTOLD) < world.behaviour("untold")
        yield Event(family.left_on, 13 * 60, "leave", family, value=UNTOLD if is_untold else "")


def _numbers(world: World, family: Family) -> Iterator[Event]:
    """A wrong number is put right by the mother, who dials with hers; others change theirs."""
    dice, first = world.dice, min(kid.enrolled_on for kid in family.kids)
    if family.listed != family.number:
        if dice.roll(family.key, "right") < world.behaviour("number_put_right"):
            on = first + timedelta(dice.whole(20, 120, family.key, "right on"))
            yield Event(on, 15 * 60, "number", family, value=family.number)
    elif dice.roll(family.key, "new number") < world.behaviour("new_number") * world.days / YEAR_DAYS:
        on = first + timedelta(dice.whole(5, world.days, family.key, "new on"))
        yield Event(on, 15 * 60, "number", family, value=own_number(int(family.key), 2))


def _illnesses(world: World, family: Family) -> Iterator[Event]:
    """A child whose arm can be measured becomes malnourished, once in the year at the most."""
    for kid in family.kids:
        first = max(kid.enrolled_on + timedelta(1), add_months(kid.born_on, OLD_ENOUGH_MONTHS))
        days = (world.last - first).days
        if days > 0 and world.dice.roll(kid.key, "ill") < world.behaviour("malnourished") * days / YEAR_DAYS:
            on = first + timedelta(world.dice.whole(0, days, kid.key, "ill on"))
            yield Event(on, 12 * 60 + 20, "ill", family, kid)


def _covers(world: World, family: Family) -> Iterator[Event]:
    if world.dice.roll(family.key, "mutual") < world.behaviour("joins_mutual") * world.days / YEAR_DAYS:
        yield Event(_some_day(world, family.key, "mutual on"), 12 * 60 + 40, "cover", family)


def _pregnancies(world: World, family: Family) -> Iterator[Event]:
    """Of the children born in the year some were awaited: the week on the card is the day's own, give or take a few."""
    kid = max(family.kids, key=lambda one: one.born_on)
    others = [one for one in family.kids if one != kid]
    if any((kid.born_on - one.born_on).days < APART_DAYS for one in others) or family.by_ussd:
        return
    if world.dice.roll(kid.key, "awaited") >= world.behaviour("pregnancy_followed"):
        return
    opened = kid.born_on - timedelta(world.dice.whole(*OPENED_BEFORE, kid.key, "opened"))
    began = kid.born_on - timedelta(world.dice.whole(*WEEKS_LONG, kid.key, "began") * 7)
    if opened < world.first:
        return
    yield Event(opened, 10 * 60 + 30, "pregnant", family, kid, (opened - began).days // 7)
    if world.dice.roll(kid.key, "lost") < world.behaviour("pregnancy_lost"):
        on = opened + timedelta(world.dice.whole(5, (kid.born_on - opened).days, kid.key, "lost on"))
        yield Event(on, 9 * 60 + 40, "loss", family, kid)


PLANNERS: tuple[Callable[[World, Family], Iterator[Event]], ...] = (
    _enrolments,
    _deaths,
    _moves,
    _departures,
    _numbers,
    _illnesses,
    _covers,
    _pregnancies,
)
