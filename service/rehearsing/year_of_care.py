"""The follow-ups with dates in a rehearsed year: treatments, malaria rounds, covers, pregnancies, and who comes.

What stands for each is kept beside the product by the rules of the protocol files, and written into the truth.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from typing import TYPE_CHECKING

from flows.conditions import age_months
from service.domain import cover, follow_up_rules, malaria_rounds, protocols, rations, treatment_rules
from service.domain.contacts import Contact
from service.domain.malaria_rounds import Round
from service.domain.muac import built_in_rules
from service.domain.protocols import Anchor
from service.domain.rations import Discharge, Measure
from service.rehearsing.card import heard_as
from service.rehearsing.lives import Event, Kid
from service.rehearsing.rounds import RoundWord
from service.rehearsing.truth import ANTENATAL, COVER, NUTRITION, POSTNATAL, ROUND, Fact, RoundTold

if TYPE_CHECKING:
    from service.rehearsing.year import Home, Year

DAY_MS = 24 * 60 * 60_000
RED_MM, YELLOW_MM = (100, 114), (115, 124)
ENDED_AFTER = (8, 50)
"""Days after the admission on which a centre ends a treatment before the child has recovered: an assumption."""
LEAVES_AFTER = 5
WHY_ENDED = ("transferred", "withdrawn", "not_responding")


@dataclass
class Course:
    """A child's treatment. `coming` is None while nothing is asked for; `late`: days, of each visit that was made."""

    home: Home
    kid: Kid
    admitted_on: date
    measures: list[Measure]
    coming: Contact | None = None
    read_on: date | None = None
    late: list[int] = field(default_factory=list)


@dataclass
class Woman:
    """A pregnancy, or the weeks after a birth; `kid` is the child that was expected."""

    home: Home
    kid: Kid
    kind: str
    anchor: Anchor
    opened_on: date
    made: dict[str, date] = field(default_factory=dict)
    coming: tuple[Contact, ...] = ()
    read_on: date | None = None


class Cares:
    """What stands, by the child's key; of covers by the family's."""

    def __init__(self, year: Year) -> None:
        self.year, self.world, self.line = year, year.world, year.line
        self.courses: dict[str, Course] = {}
        self.women: dict[str, Woman] = {}
        self.lost: set[str] = set()
        self.began: dict[str, int] = {NUTRITION: 0, ANTENATAL: 0, COVER: 0, POSTNATAL: 0}
        self.late: dict[str, list[int]] = {NUTRITION: [], ANTENATAL: [], POSTNATAL: []}
        self._rounds: dict[tuple[int, int], Round] = {}
        self._stands: dict[tuple[str, str], tuple[Contact, ...]] = {}

    def _note(
        self, home: Home, of: str, now: int, kid: str, contacts: Iterable[Contact] = (), why: str = "", **more: date
    ) -> None:
        found = tuple(contacts)
        if found == self._stands.get((kid or home.family.key, of), ()) and not more:
            return
        self._stands[kid or home.family.key, of] = found
        self.year.truth.facts.append(Fact(now, "contacts", home.family.key, kid, why, found, of, **more))

    def go(self, today: date, now: int) -> None:
        """Who comes today."""
        for course in list(self.courses.values()):
            if course.home.gone or _is_dead(course.kid, today) or course.coming is None:
                continue
            if course.coming.lapses_on is not None and course.coming.lapses_on <= today:
                del self.courses[course.kid.key]
                self._note(course.home, NUTRITION, now, course.kid.key, why="defaulted")
            elif self._comes(course.coming, course.kid.key, "weekly", course.read_on, today):
                self._weekly_visit(course, today, now)
        for woman in list(self.women.values()):
            is_over = woman.kind == ANTENATAL and woman.kid.born_on <= today
            if not woman.home.gone and not is_over:
                self._dated_visit(woman, today, now)

    def _comes(self, one: Contact, key: str, what: str, read_on: date | None, today: date) -> bool:
        late = (today - one.anchor_on).days
        heard = heard_as(self.world.behaviour.reminded, read_on, one.anchor_on, today)
        return self.world.dice.roll(key, what, today) < self.world.behaviour.chance(today, late, heard)

    def read(self, home: Home, today: date) -> None:
        """She read a message that names days of hers."""
        for kid in home.cards:
            if kid in self.courses:
                self.courses[kid].read_on = today
        for kid in self._expected_by(home):
            self.women[kid].read_on = today

    # --- malnourished children -------------------------------------------------------------------------------------

    def fall_ill(self, home: Home, event: Event, now: int) -> None:
        kid = event.kid
        assert kid is not None
        if home.gone or kid.key not in home.followed() or _is_dead(kid, event.on):
            return
        is_red = self.world.dice.roll(kid.key, "red") < self.world.behaviour("red_arm")
        mm = self.world.dice.whole(*(RED_MM if is_red else YELLOW_MM), kid.key, "mm")
        self.line.treat(kid.key, mm, now)
        course = self.courses[kid.key] = Course(home, kid, event.on, [_measure(kid, event.on, mm)])
        self.began[NUTRITION] += 1
        self._ask_for_next(course, event.on, now)
        if self.world.dice.roll(kid.key, "ended early") < self.world.behaviour("ended_early"):
            after = self.world.dice.whole(*ENDED_AFTER, kid.key, "ended early on")
            self.year.then(now + after * DAY_MS, 1, partial(self._discharge, course))

    def _ask_for_next(self, course: Course, today: date, now: int) -> None:
        days = [one.on for one in course.measures]
        found = treatment_rules.next_visit(self.world.protocols.nutrition, course.admitted_on, days, today)
        course.coming = Contact((found.id,), found.planned_on, found.lapses_on) if found else None
        self._note(course.home, NUTRITION, now, course.kid.key, [course.coming] if course.coming else [])

    def _weekly_visit(self, course: Course, today: date, now: int) -> None:
        key, dice = course.kid.key, self.world.dice
        assert course.coming is not None
        self.late[NUTRITION].append((today - course.coming.anchor_on).days)
        if dice.roll(key, "danger", today) < self.world.behaviour("danger_sign"):
            self.line.send_on(key, now)
            course.coming = None
            self._note(course.home, NUTRITION, now, key, why="sent on")
            again = self.world.behaviour.spans["seen_again"]
            days = dice.whole(again.fewest, again.most, key, "seen again", today)
            self.year.then(now + days * DAY_MS, 2, partial(self._measure, course))
        else:
            self._measure(course, now)

    def _measure(self, course: Course, now: int) -> None:
        key, today = course.kid.key, self.year.day_of(now)
        if self.courses.get(key) is not course or course.home.gone or _is_dead(course.kid, today):
            return
        gain = self.world.behaviour.spans["gain_mm"]
        mm = course.measures[-1].mm + self.world.dice.whole(gain.fewest, gain.most, key, "gain", today)
        self.line.measure(key, mm, now)
        course.measures.append(_measure(course.kid, today, mm))
        nutrition = self.world.protocols.nutrition
        answer = rations.after_measure(nutrition, built_in_rules(), course.admitted_on, course.measures)
        if isinstance(answer, Discharge):
            del self.courses[key]
            self._note(course.home, NUTRITION, now, key, why="discharged")
        else:
            self._ask_for_next(course, today, now)

    def _discharge(self, course: Course, now: int) -> None:
        key = course.kid.key
        if self.courses.get(key) is not course:
            return
        why = self.world.dice.pick(WHY_ENDED, key, "why ended")
        self.line.discharge(key, why, now)
        del self.courses[key]
        self._note(course.home, NUTRITION, now, key, why="discharged")

    def over(self, kid: str) -> None:
        """The line was told that this child is followed no longer, and what counts from its birth is over too."""
        self.courses.pop(kid, None)
        self.women.pop(kid, None)

    # --- malaria rounds --------------------------------------------------------------------------------------------

    def hear_round(self, word: RoundWord, now: int) -> None:
        self.line.tell_round(word, now)
        self.year.truth.seasons.append(RoundTold(now, word))
        if word.kind == "cancelled":
            del self._rounds[word.first.year, word.number]
        else:
            self._rounds[word.first.year, word.number] = word.round
        for home in self.year.homes:
            for kid in home.followed():
                self.invite(home, kid, now)

    def invite(self, home: Home, kid: str, now: int) -> None:
        """To the rounds for which the child is of age."""
        if not self._rounds:
            return
        one, where = home.cards[kid].kid, home.quartier.district
        known = malaria_rounds.announced(self.world.protocols.malaria, where, self._rounds.values())
        today = self.year.day_of(now)
        told = malaria_rounds.invitations(known, one.born_on, where, known.seasons, one.enrolled_on, today)
        found = [Contact((each.contact,), each.on, each.lapses_on) for each in told]
        self._note(home, ROUND, now, kid, found, "called off")

    # --- covers ----------------------------------------------------------------------------------------------------

    def join(self, home: Home, event: Event, now: int) -> None:
        if not home.gone and home.followed() and home.known == home.own:
            self.began[COVER] += 1
            self.year.note(home, "asked", now, value=home.own)
            self._cover(home, event.on, now)

    def _cover(self, home: Home, since: date, now: int) -> None:
        """Paid until a day; it is left before, taken up again about its end, or not."""
        dice, key, behaviour = self.world.dice, home.family.key, self.world.behaviour
        paid, again = behaviour.spans["cover"], behaviour.spans["renewed"]
        today = self.year.day_of(now)
        until = since + timedelta(dice.whole(paid.fewest, paid.most, key, "paid", today))
        self.line.cover(key, home.own, until, now)
        end = cover.end_of_cover(self.world.protocols.renewal, "AMV", until, until)
        told = cover.notices(self.world.protocols.renewal, end, today, today)
        contacts = [Contact((one.contact,), one.on, one.lapses_on) for one in told]
        self._note(home, COVER, now, "", contacts, "paid again", says=until)
        if dice.roll(key, "leaves the mutual", today) < behaviour("leaves_mutual"):
            days = dice.whole(LEAVES_AFTER, (until - today).days, key, "leaves on", today)
            self.year.then(now + days * DAY_MS, 1, partial(self._leave, home))
        elif dice.roll(key, "renews", today) < behaviour("renews"):
            days = max(1, (until - today).days + dice.whole(again.fewest, again.most, key, "renews on", today))
            self.year.then(now + days * DAY_MS, 1, partial(self._cover, home, until))

    def _leave(self, home: Home, now: int) -> None:
        self.line.end_cover(home.family.key, now)
        self._note(home, COVER, now, "", why="ended")

    # --- pregnancies -----------------------------------------------------------------------------------------------

    def expect(self, home: Home, event: Event, now: int) -> None:
        kid, week = event.kid, event.value
        assert kid is not None
        assert isinstance(week, int)
        if home.gone or not home.known:
            return
        self.line.open_pregnancy(kid.key, home.known, home.quartier, week, now)
        anchor = protocols.pregnancy_from_week(week, event.on)
        self.year.note(home, "phone", now, value=home.known)
        self.year.note(home, "place", now, value=home.quartier.centre)
        self.women[kid.key] = Woman(home, kid, ANTENATAL, anchor, event.on)
        self.began[ANTENATAL] += 1
        self._plan(self.women[kid.key], now)

    def is_expected(self, kid: str) -> bool:
        return kid in self.women

    def _plan(self, woman: Woman, now: int) -> None:
        today = self.year.day_of(now)
        told = follow_up_rules.reminded(
            self.world.protocols.pregnancy, woman.anchor, woman.made, woman.opened_on, today
        )
        woman.coming = tuple(Contact((one.contact,), one.anchor_on, one.lapses_on) for one in told)
        self._note(woman.home, woman.kind, now, woman.kid.key, woman.coming)

    def _dated_visit(self, woman: Woman, today: date, now: int) -> None:
        """She comes for what is open, and what it was is noted."""
        open_now = (one for one in woman.coming if one.anchor_on <= today < (one.lapses_on or date.max))
        one = next(open_now, None)
        if one is None or not self._comes(one, woman.kid.key, woman.kind, woman.read_on, today):
            return
        protocol = self.world.protocols.pregnancy
        contact = follow_up_rules.contact_of_visit(protocol, woman.anchor, woman.made, today)
        if contact is None:
            return
        self.late[woman.kind].append((today - one.anchor_on).days)
        self.line.made_contact(woman.kid.key, now)
        woman.made[contact] = today
        if follow_up_rules.next_contact(protocol, woman.anchor, woman.made, today) is None:
            self._end(woman, "complete", now)
        else:
            self._plan(woman, now)

    def birth(self, home: Home, kid: Kid, now: int) -> None:
        """Told some days after it: the child is followed from now on, and the weeks after the birth begin."""
        before = self.women[kid.key]
        self.line.birth(kid, now)
        self._end(before, "born", now)
        today = self.year.day_of(now)
        self.women[kid.key] = Woman(home, kid, POSTNATAL, Anchor("birth", kid.born_on), today)
        self.began[POSTNATAL] += 1
        self._plan(self.women[kid.key], now)

    def lose(self, home: Home, event: Event, now: int) -> None:
        """No child is born of it, whether we are told or not."""
        assert event.kid is not None
        self.lost.add(event.kid.key)
        woman = self.women.get(event.kid.key)
        if woman is not None and not home.gone:
            self.line.loss(event.kid.key, now)
            self._end(woman, "lost", now)

    def set_apart(self, home: Home, now: int) -> None:
        """Another phone, or none: nothing more is sent of it, and the centre ends what it opens anew elsewhere."""
        for kid in self._expected_by(home):
            self.line.moved_away(kid, now)
            self._end(self.women[kid], "set apart", now)

    def _expected_by(self, home: Home) -> Iterator[str]:
        return (kid.key for kid in home.family.kids if kid.key in self.women)

    def _end(self, woman: Woman, why: str, now: int) -> None:
        del self.women[woman.kid.key]
        self._note(woman.home, woman.kind, now, woman.kid.key, why=why)


def _measure(kid: Kid, on: date, mm: int) -> Measure:
    return treatment_rules.measured(built_in_rules(), on, age_months(kid.born_on, on), mm, False, None)


def _is_dead(kid: Kid, today: date) -> bool:
    return kid.died_on is not None and kid.died_on <= today
