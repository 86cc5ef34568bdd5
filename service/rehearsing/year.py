"""One year lived from moment to moment: what families do, what is written down, and what the line says to them.

Hours in which nothing can happen are not lived: the agenda holds the next moments only. The same year is lived with
`Silence` for the line, by the same families with the same luck.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import partial

from service.domain import local_time
from service.domain.centre_days import NOTHING_KNOWN, CentreDays
from service.rehearsing import lives, rounds
from service.rehearsing.book import Book
from service.rehearsing.card import Card
from service.rehearsing.centres import CentreYear, Word, after
from service.rehearsing.line import Finding, Line, Written
from service.rehearsing.lives import Event, Family, Quartier, World
from service.rehearsing.truth import (
    Fact,
    FactKind,
    Left,
    Listed,
    Told,
    Truth,
    calls_late,
    days_named,
    is_about_a_round,
    is_apology,
    is_recall,
    names,
    next_day,
    put_off,
)
from service.rehearsing.year_of_care import Cares

VISITS_AT, FOLLOWED_UP_AT, MEDIATORS_AT = time(11), time(11, 20), time(14)
MINUTE_MS = 60_000
DAY_MS = 24 * 60 * MINUTE_MS


@dataclass
class Home:
    """A family as it is now: `own` is the mother's number, `known` the one that the line has."""

    family: Family
    own: str
    known: str
    quartier: Quartier
    cards: dict[str, Card] = field(default_factory=dict)  # of the enrolled
    books: dict[str, Book] = field(default_factory=dict)
    ended: set[str] = field(default_factory=set)  # the line was told
    gone: bool = False
    stopped: set[str] = field(default_factory=set)
    moved: int = 0

    def followed(self) -> list[str]:
        return [kid for kid in self.cards if kid not in self.ended]


class Year:
    def __init__(self, world: World, line: Line, progress: Callable[[date], None] = lambda day: None) -> None:
        self.world, self.line, self.progress = world, line, progress
        self.truth = Truth(world.zone, self.at(world.last + timedelta(1), time()))
        self.homes: list[Home] = []
        self.home_of: dict[str, Home] = {}
        self.home_with: dict[str, Home] = {}
        self._agenda: list[tuple[int, int, int, Callable[[int], None]]] = []
        self._places = 0
        self.cares = Cares(self)
        self._told_of: dict[str, CentreDays] = {}
        self._rounds = 0

    def live(self) -> Truth:
        for family in lives.families_of(self.world):
            home = Home(family, family.number, family.listed, family.quartier)
            self.homes.append(home)
            self.home_with |= {kid.key: home for kid in family.kids}
            self.home_of |= {family.number: home, family.listed: home}
            for event in lives.events_of(self.world, family):
                at = self.at(event.on, time(event.minute // 60, event.minute % 60))
                self.then(at, 1, partial(DEEDS[event.kind], self, home, event))
        for centre in self.world.centres.values():
            for word in centre.words:
                at = self.at(word.on, time(word.minute // 60, word.minute % 60))
                self.then(at, 1, partial(self._hear, centre, word))
        for said in rounds.words_of(self.world.behaviour.rounds, self.world.first, self.world.last):
            at = self.at(said.on, time(rounds.TOLD_AT // 60, rounds.TOLD_AT % 60))
            self.then(at, 1, partial(self.cares.hear_round, said))
        self._open_accounts()
        self._day(self.world.first)
        while self._agenda and self._agenda[0][0] < self.truth.until:
            at, _, _, deed = heapq.heappop(self._agenda)
            deed(at)
        return self.truth

    def then(self, at: int, rank: int, deed: Callable[[int], None]) -> None:
        """Of one moment: what the carrier tells first, then what families do, then the line's round."""
        self._places += 1
        heapq.heappush(self._agenda, (at, rank, self._places, deed))

    def day_of(self, now: int) -> date:
        return local_time.day_of(now, self.world.zone)

    def at(self, day: date, hour: time) -> int:
        return local_time.instant(datetime.combine(day, hour), self.world.zone)

    def _day(self, day: date) -> None:
        """The moments of this day at which something can happen, and its visits."""
        self.progress(day)
        for moment in moments_of(self.world, day):
            self.then(self.at(day, moment), 3, self._round)
        self.then(self.at(day, VISITS_AT), 2, partial(self._visits, day))
        self.then(self.at(day, FOLLOWED_UP_AT), 2, partial(self.cares.go, day))
        for centre in self.world.beats:
            if self.world.dice.whole(1, 5, centre, "visits on") == day.isoweekday():
                self.then(self.at(day, MEDIATORS_AT), 2, partial(self._go_round, centre))
        tomorrow = day + timedelta(1)
        if tomorrow <= self.world.last:
            self.then(self.at(tomorrow, time()), 0, lambda now: self._day(tomorrow))

    # --- what families do ---------------------------------------------------------------------------------------

    def _visits(self, today: date, now: int) -> None:
        at_once = []
        for home in self.homes:
            if home.gone:
                continue
            centre = self.world.centre(home.quartier)
            for key, card in home.cards.items():
                if card.kid.died_on is not None and card.kid.died_on <= today:
                    continue
                due = card.appointment(today)
                if due is None or not card.comes(self.world, centre, due, today):
                    continue
                antigens = card.visit(self.world, centre, today, (today - due.anchor_on).days)
                if not antigens or key in home.ended:
                    continue
                days = self._written_after(key, today)
                if days:
                    self.then(now + days * DAY_MS, 2, partial(self._write, [(home, Written(key, antigens, today))]))
                else:
                    at_once.append((home, Written(key, antigens, today)))
        self._write(at_once, now)

    def _written_after(self, key: str, today: date) -> int:
        if self.world.dice.roll(key, "written late", today) >= self.world.behaviour("written_late"):
            return 0
        return self.world.dice.whole(1, 3, key, "days", today)

    def _write(self, told: Sequence[tuple[Home, Written]], now: int) -> None:
        still = [(home, one) for home, one in told if one.kid not in home.ended]
        if not still:
            return
        self.line.write_doses([one for _, one in still], now)
        for home, one in still:
            home.books[one.kid].write(one.antigens, one.on)
            self._plan(home, one.kid, now)

    def enrol(self, home: Home, event: Event, now: int) -> None:
        kid = event.kid
        assert kid is not None
        if home.gone or (kid.died_on is not None and kid.died_on <= event.on):
            return
        if kid.key in self.cares.lost:
            return
        if self.cares.is_expected(kid.key):
            kid = kid._replace(last_visit="none")
            self.cares.birth(home, kid, now)
        else:
            by_ussd = home.family.by_ussd and not home.cards and kid.last_visit == "none"
            self.line.enrol(home.known, kid, home.quartier, by_ussd, now)
        card = home.cards[kid.key] = Card(self.world, kid, home.quartier.profile)
        card.plan(self.world, self.world.centre(home.quartier), event.on)
        home.books[kid.key] = Book(card)
        self.note(home, "phone", now, value=home.known)
        self.note(home, "place", now, value=home.quartier.centre)
        self._plan(home, kid.key, now)
        self.cares.invite(home, kid.key, now)

    def death(self, home: Home, event: Event, now: int) -> None:
        assert event.kid is not None
        if event.kid.key in home.cards:
            self._end(home, [event.kid.key], "died", now)

    def leave(self, home: Home, event: Event, now: int) -> None:
        home.gone = True
        if event.value != lives.UNTOLD:
            self._end(home, home.followed(), "left", now)
            self.cares.set_apart(home, now)

    def _end(self, home: Home, kids: list[str], why: str, now: int) -> None:
        kids = [kid for kid in kids if kid not in home.ended]
        self.line.end(kids, now)
        self._ended(home, kids, why, now)

    def _ended(self, home: Home, kids: list[str], why: str, now: int) -> None:
        home.ended |= set(kids)
        for kid in kids:
            self.cares.over(kid)
            self.note(home, "ended", now, kid, why)

    def move(self, home: Home, event: Event, now: int) -> None:
        assert isinstance(event.value, Quartier)
        if home.gone:
            return
        self.cares.set_apart(home, now)
        home.quartier = event.value
        for card in home.cards.values():
            card.plan(self.world, self.world.centre(home.quartier), event.on)
        if home.followed():
            self.line.move(home.followed(), home.quartier, now)
            home.moved += 1
            self.note(home, "place", now, value=home.quartier.centre)
            for kid in home.followed():
                self._plan(home, kid, now)

    def number(self, home: Home, event: Event, now: int) -> None:
        assert isinstance(event.value, str)
        if home.gone or not home.followed():
            return
        kid = home.cards[home.followed()[0]].kid
        if self.line.change_number(kid, event.value, now):
            home.own = home.known = event.value
            self.home_of[event.value] = home
            self.note(home, "phone", now, value=event.value)
            self.note(home, "heard from", now, value=event.value)
            self.cares.set_apart(home, now)

    # --- what mediators do ---------------------------------------------------------------------------------------

    def _open_accounts(self) -> None:
        now = self.at(self.world.first, time())
        for place, (centre, quartiers) in enumerate(self.world.beats.items()):
            self.line.add_mediator(centre, lives.mediators_number(place), quartiers, now)

    def _go_round(self, centre: str, now: int) -> None:
        """She takes the first of her list, as many as she has time for, and writes down what she finds."""
        listed = self.line.late_list(centre, now)
        self.truth.rounds.append(Listed(now, centre, tuple(sorted(listed))))
        today = local_time.day_of(now, self.world.zone)
        many = self.world.behaviour.spans["visits_a_week"]
        for kid in listed[: self.world.dice.whole(many.fewest, many.most, centre, "visits", today)]:
            home = self.home_with[kid]
            found = self._finds(home, kid, today)
            if found is not None:
                self.line.visited(centre, kid, found, now)
                self._visited(home, kid, found, today, now)

    def _finds(self, home: Home, kid: str, today: date) -> Finding | None:
        died_on = home.cards[kid].kid.died_on
        if home.gone:
            return "moved"
        if died_on is not None and died_on <= today:
            return "dead"
        if self.world.dice.roll(home.family.key, "at home", today) >= self.world.behaviour("at_home"):
            return None
        all_enrolled = len(home.cards) == len(home.family.kids)
        return "wrong_number" if home.known not in ("", home.own) and all_enrolled else "seen"

    def _visited(self, home: Home, kid: str, found: Finding, today: date, now: int) -> None:
        self.note(home, "visited", now, kid, found)
        if found in ("moved", "dead"):
            self._ended(home, [kid], "left" if found == "moved" else "died", now)
            return
        home.cards[kid].seen_on = today
        if found == "wrong_number":
            home.known = ""
            self.note(home, "phone", now)
            self.cares.set_apart(home, now)

    # --- what centres tell ---------------------------------------------------------------------------------------

    def _hear(self, centre: CentreYear, word: Word, now: int) -> None:
        self.line.hear(centre.name, word, now)
        days = self._told_of[centre.name] = after(self._told_of.get(centre.name, NOTHING_KNOWN), word)
        self.truth.words.append(Told(now, centre.name, word, days))
        for home in self.homes:
            if home.quartier.centre == centre.name:
                for kid in home.followed():
                    if home.books[kid].is_moved_by(self.world, days, now, self._rounds):
                        self._plan(home, kid, now)

    # --- what the line says --------------------------------------------------------------------------------------

    def _round(self, now: int) -> None:
        for home in self.homes:
            days = self._told_of.get(home.quartier.centre, NOTHING_KNOWN)
            for kid in home.followed() if days != NOTHING_KNOWN else ():
                if home.books[kid].is_sent_to_a_closed_door(self.world, days, now, self._rounds):
                    self._plan(home, kid, now)
        self._rounds = now
        for sent in sorted(self.line.round(now), key=lambda one: (one.to, one.text)):
            today = local_time.day_of(now, self.world.zone)
            arrived = self._arrives(sent.to, today)
            delay = self._delay(sent.to, now)
            left = Left(now, sent.to, sent.text, sent.key, sent.purpose, sent.message, arrived, now + delay)
            self.truth.left.append(left)
            self.then(left.told_at, 0, partial(self._told, left))

    def _arrives(self, number: str, today: date) -> bool:
        home = self.home_of.get(number)
        lost_on = home.family.lost_on if home and number == home.family.number else None
        if lost_on is not None and today >= lost_on:
            return False
        return self.world.dice.roll(number, "arrives", today) >= self.world.behaviour("undelivered")

    def _delay(self, number: str, now: int) -> int:
        """Nine of ten receipts come within five minutes, the others within ten hours."""
        if self.world.dice.roll(number, "slow", now) < 0.9:
            return self.world.dice.whole(1, 5, number, "delay", now) * MINUTE_MS
        return self.world.dice.whole(10, 600, number, "delay", now) * MINUTE_MS

    def _told(self, left: Left, now: int) -> None:
        self.line.receipt(left, now)
        home = self.home_of.get(left.to)
        if not left.delivered or home is None or left.to in home.stopped:
            return
        today = local_time.day_of(now, self.world.zone)
        if left.to == home.own:
            _reads(home, left, today)
            self.cares.read(home, today)
        if not is_recall(left):
            return
        stops = self.world.behaviour("stops" if left.to == home.own else "stranger_stops")
        if self.world.dice.roll(left.to, "stops", today) < stops:
            self.then(now + 20 * MINUTE_MS, 1, partial(self._stop, home, left.to))

    def _stop(self, home: Home, number: str, now: int) -> None:
        self.line.stop(number, now)
        home.stopped.add(number)
        self.note(home, "stop", now, value=number)

    # --- the truth ------------------------------------------------------------------------------------------------

    def note(self, home: Home, kind: FactKind, now: int, kid: str = "", value: str = "") -> None:
        self.truth.facts.append(Fact(now, kind, home.family.key, kid, value))

    def _plan(self, home: Home, kid: str, now: int) -> None:
        """What the line was told makes other appointments."""
        book = home.books[kid]
        book.plan(self.world, self._told_of.get(home.quartier.centre, NOTHING_KNOWN), now, self._rounds)
        self.truth.facts.append(Fact(now, "contacts", home.family.key, kid, contacts=book.standing))


def _reads(home: Home, left: Left, today: date) -> None:
    """She learns a day, the earliest one named of each appointment, or that she is awaited; or need not come on one."""
    fell_away, named = put_off(left.text) if is_apology(left) else (set(), days_named(left.text))
    if is_about_a_round(left):
        fell_away = set()  # she may come on that day for a vaccine
    if not is_apology(left) and not is_recall(left):
        return
    for kid, card in home.cards.items():
        card.put_off |= {next_day(today, day) for day in fell_away - named}
        dated = [one for one in home.books[kid].standing if one.on is not None]
        late = [one for one in dated if calls_late(left) and one.on is not None and one.on < today]
        learnt = [one for one in dated if names(named, one.on)] + late
        for one in sorted(learnt, key=lambda one: one.on or date.max, reverse=True):
            card.told[one.anchor_on], card.heard[one.anchor_on] = one.on or today, today


DEEDS: dict[str, Callable[[Year, Home, Event, int], None]] = {
    "enrol": Year.enrol,
    "death": Year.death,
    "leave": Year.leave,
    "move": Year.move,
    "number": Year.number,
    "ill": lambda year, home, event, now: year.cares.fall_ill(home, event, now),
    "cover": lambda year, home, event, now: year.cares.join(home, event, now),
    "pregnant": lambda year, home, event, now: year.cares.expect(home, event, now),
    "loss": lambda year, home, event, now: year.cares.lose(home, event, now),
}
"""What is done about each kind of event: see lives.PLANNERS."""


def moments_of(world: World, day: date) -> list[time]:
    """When a message may leave: at the hours of the ladder, and whenever the hours for reminders open."""
    found = {step.hour for step in world.ladder.steps}
    midnight = datetime.combine(day, time())
    shut = midnight
    while (opening := world.hours.next_opening("reminder", shut)) is not None and opening - midnight < timedelta(1):
        found.add(opening.time())
        shut = _closing(world, opening)
    return sorted(found)


def _closing(world: World, opening: datetime) -> datetime:
    """The first half-hour after this opening at which it is shut, or midnight."""
    moment = opening
    while moment.date() == opening.date() and world.hours.is_open("reminder", moment):
        moment += timedelta(minutes=30)
    return moment
