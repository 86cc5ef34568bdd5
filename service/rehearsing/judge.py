"""Whether a rehearsed year kept every promise, judged from the truth alone: what left, and what the line was told.

The judge reads none of the product's records. It shares the schedule with it, which has worked cases of its own.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import NamedTuple

from flows.sms_text import fold
from service.domain import local_time
from service.domain.contacts import Contact
from service.domain.reminder_ladder import Ladder, Step, offset_of
from service.domain.sending_hours import DAYTIME, HoursTable, within
from service.rehearsing.houses import Broken, House, Plan
from service.rehearsing.judge_centres import PROMISES_OF_CENTRES, CentresCourt
from service.rehearsing.judge_lists import PROMISES_OF_LISTS, ListsCourt
from service.rehearsing.judge_rounds import PROMISES_OF_ROUNDS, RoundsCourt
from service.rehearsing.rounds import RoundWord
from service.rehearsing.truth import (
    COVER,
    KINDS,
    NUTRITION,
    ROUND,
    VACCINE,
    Fact,
    Left,
    Truth,
    calls_late,
    days_named,
    is_apology,
    is_recall,
    names,
    next_day,
)

UNCHECKED = ("unchecked", "not called back")
ENDED = {
    "died": "about a child that is gone",
    "left": "about a child that is gone",
    "discharged": "after a discharge",
    "defaulted": "after a discharge",
    "sent on": "after a discharge",
    "called off": "for no round",
    "paid again": "after a cover",
    "ended": "after a cover",
    "born": "after a pregnancy",
    "lost": "after a pregnancy",
    "set apart": "after a pregnancy",
    "complete": "after a pregnancy",
}
"""The promise that a message breaks about something that ended so."""
MOST_DATES, ONE_DAY = 3, timedelta(1)
UNASKED = ("reminder", "campaign", "notice")
WITHIN_A_WEEK_OR_TWO = timedelta(15)
"""A centre's next day, told to whoever is late."""


class Rules(NamedTuple):
    ladders: Mapping[str, Ladder]  # by what a contact is of
    hours: HoursTable
    dead_after_days: int
    antigen_of: Mapping[str, str]  # dose -> antigen
    seen_days: int


class Judgement(NamedTuple):
    """`steps`: recalls by the last step that they said, `about` by what they were of. `checks`: how often somebody had
    to be told, by what it was of, and was looked for."""

    broken: tuple[Broken, ...]
    steps: dict[str, int]
    about: dict[str, int]
    recalls: int
    families: int
    kids: int
    checks: dict[str, int]
    excused: dict[str, int]
    per_family: dict[int, int]

    def count(self, what: str) -> int:
        return sum(one.what == what for one in self.broken)

    @property
    def kids_unchecked(self) -> int:
        return len({one.detail.split()[0] for one in self.broken if one.what in UNCHECKED})


def judge(truth: Truth, rules: Rules) -> Judgement:
    """Every promise of recalls, asked of every message and of every child."""
    of_family: dict[str, list[Fact]] = defaultdict(list)
    for fact in truth.facts:
        of_family[fact.family].append(fact)
    houses = {key: House(key, facts, truth.until) for key, facts in of_family.items()}
    family_of = {phone.value: house for house in houses.values() for phone in house.phones}
    for one in truth.left:
        if one.to in family_of:
            family_of[one.to].left.append(one)
    court = _Court(truth, rules)
    broken = [found for check in _CHECKS for house in houses.values() for found in check(court, house)]
    centres = CentresCourt(truth, rules.antigen_of, court.excuse)
    # The last reminder is useful for a week more; a plan made anew may still say it then.
    last = {of: rules.ladders[of].steps[-1].useful.offset_days for of in (VACCINE, NUTRITION)}
    lists = ListsCourt(truth, last, rules.seen_days)
    rounds = RoundsCourt(truth, rules.ladders[ROUND], court.excuse)
    for house in houses.values():
        broken += [*centres.broken_by(house), *lists.broken_by(house), *rounds.broken_by(house)]
    broken += _doubled(truth) + _to_nobody(truth.left, family_of)
    recalls = [one for one in truth.left if is_recall(one)]
    per_family = Counter(sum(is_recall(one) for one in house.left) for house in houses.values())
    return Judgement(
        broken=tuple(sorted(broken, key=lambda one: (one.at, one.family, one.what, one.detail))),
        steps={name: court.steps[name] for name in court.order},
        about={of: court.about[of] for of in KINDS},
        recalls=len(recalls),
        families=len(houses),
        kids=sum(len(house.kids) for house in houses.values()),
        checks={of: court.checks[of] for of in KINDS},
        excused=dict(sorted(court.excused.items())),
        per_family=dict(sorted(per_family.items())),
    )


class _Court:
    def __init__(self, truth: Truth, rules: Rules) -> None:
        self.zone, self.until, self.rules = truth.zone, truth.until, rules
        self.steps: Counter[str] = Counter()
        self.about: Counter[str] = Counter()
        self.excused: Counter[str] = Counter()
        self.checks: Counter[str] = Counter()
        self.order = sorted({step.name for one in rules.ladders.values() for step in one.steps}, key=offset_of)
        self._announced = {(day.day, day.month) for told in truth.seasons for day in _days_of(told.word)}

    def _windows(self, plan: Plan) -> Iterator[tuple[Step, tuple[int, int, int]]]:
        """None while nobody knows the day."""
        contact = plan.contact
        if contact.on is not None:
            steps = self.rules.ladders[plan.of].steps
            yield from ((step, self._window(step, contact, contact.on)) for step in steps)

    def _window(self, step: Step, contact: Contact, on: date) -> tuple[int, int, int]:
        """From the day of a step, from its hour, until it is no longer useful (all UTC milliseconds)."""
        day = on + timedelta(step.offset_days)
        until = step.useful.from_day(on)
        if contact.lapses_on is not None:
            until = min(until, datetime.combine(contact.lapses_on, time()))
        return (
            local_time.start_of_day(day, self.zone),
            local_time.instant(datetime.combine(day, step.hour), self.zone),
            local_time.instant(until, self.zone),
        )

    def _broken(self, what: str, house: House, one: Left, detail: str = "") -> Broken:
        here = local_time.local(one.at, self.zone)
        return Broken(what, one.at, house.key, f"{one.to} {here:%d/%m %H:%M} {detail}".strip())

    # --- each message ----------------------------------------------------------------------------------------------

    def one_a_day(self, house: House) -> Iterator[Broken]:
        seen: set[date] = set()
        for one in filter(is_recall, house.left):
            day = local_time.day_of(one.at, self.zone)
            if day in seen:
                yield self._broken("one a day", house, one)
            seen.add(day)

    def stopped(self, house: House) -> Iterator[Broken]:
        for one in house.left:
            if one.purpose in UNASKED and any(at <= one.at and number == one.to for at, number in house.stops):
                yield self._broken("after ARRET", house, one)

    def by_day(self, house: House) -> Iterator[Broken]:
        for one in filter(is_recall, house.left):
            if not within(local_time.local(one.at, self.zone), DAYTIME):
                yield self._broken("by night", house, one)

    def old_number(self, house: House) -> Iterator[Broken]:
        for one in filter(is_recall, house.left):
            if house.phone_at(one.at) != one.to:
                yield self._broken("to an old number", house, one)

    def old_centre(self, house: House) -> Iterator[Broken]:
        for one in filter(is_recall, house.left):
            centre = house.place_at(one.at)
            if self._is_of_a_cover(house, one):
                continue
            if centre and fold(f"CSCom {centre},") not in fold(one.text):
                yield self._broken("to an old centre", house, one)

    def _is_of_a_cover(self, house: House, one: Left) -> bool:
        """It names a last covered day and no place: nobody is to go to a health centre for it."""
        named = days_named(one.text)
        is_covers = any(plan.of == COVER and names(named, plan.day) for plan in house.plans)
        return is_covers and "CSCom" not in one.text

    def useful(self, house: House) -> Iterator[Broken]:
        """Each day that a message names is of a followed child, still to be kept, with a step to be said.

        It is the day of a contact, or one to come on which whoever is late may come.
        """
        for one in filter(is_recall, house.left):
            named = days_named(one.text)
            steps: set[str] = set()
            of: set[str] = set()
            today = local_time.day_of(one.at, self.zone)
            for day in sorted(named):
                since = [plan for plan in house.plans if plan.since <= one.at]
                about = [plan for plan in since if names({day}, plan.day)]
                if calls_late(one) and next_day(today, day) - today < WITHIN_A_WEEK_OR_TWO:
                    about += [plan for plan in since if plan.day is not None and plan.day < today]
                standing = [plan for plan in about if one.at < plan.until]
                said = [(plan.of, step) for plan in standing for step in self._steps_at(plan, one.at)]
                steps |= {step for _, step in said}
                of |= {what for what, _ in said}
                if not standing:
                    yield self._broken(self._why_not(about, day), house, one, f"{day}")
                elif not said:
                    yield self._broken("stale", house, one, f"{day}")
            if not named:
                yield self._broken("stale", house, one, "names no day")
            elif steps:
                self.steps[max(steps, key=self.order.index)] += 1
                self.about.update(of)
            if of == {COVER} and one.to != house.asked:
                yield self._broken("cover, another phone", house, one)

    def _why_not(self, about: Sequence[Plan], day: tuple[int, int]) -> str:
        """Which promise a day breaks on which nothing stands."""
        if not about:
            return "out of age" if day in self._announced else "stale"
        last = max(about, key=lambda plan: plan.until)
        return ENDED.get(last.why, "stale")

    def _steps_at(self, plan: Plan, at: int) -> list[str]:
        """The last step that may be said of a contact at this moment."""
        useful = [step.name for step, (day, _, until) in self._windows(plan) if day <= at < until]
        return useful[-1:]

    # --- each child ------------------------------------------------------------------------------------------------

    def unchecked(self, house: House) -> Iterator[Broken]:
        """Every step whose whole time fell while its contact stood was said, or could not be for a known reason."""
        said = sorted((one for one in house.left if is_recall(one) or is_apology(one)), key=lambda one: one.at)
        at = [one.at for one in said]
        for plan in house.plans:
            for step, (day, since, until) in self._windows(plan):
                if since < plan.since or until > min(plan.until, self.until) or since >= until:
                    continue
                self.checks[plan.of] += 1
                then = said[bisect_left(at, day) : bisect_left(at, until)]
                if any(self._may_name(one, plan) for one in then):
                    continue
                excuse = self.excuse(house, day, since, until) or self._excuse_of_cover(house, plan, since, then)
                if excuse:
                    self.excused[excuse] += 1
                    continue
                what = "not called back" if plan.waited else "unchecked" if plan.of == VACCINE else "not reminded"
                yield Broken(what, since, house.key, f"{plan.kid} {step.name} of {plan.contact.on} {plan.of}".strip())

    def _may_name(self, one: Left, plan: Plan) -> bool:
        """A text has room for three days: with three others in it, this one may be left out.

        Whoever is late is told a day to come, and not the one that has passed.
        """
        named, day = days_named(one.text), plan.day
        called = calls_late(one) and day is not None and day < local_time.day_of(one.at, self.zone)
        return plan.of == VACCINE or called or names(named, day) or len(named) >= MOST_DATES

    def _excuse_of_cover(self, house: House, plan: Plan, since: int, said: Sequence[Left]) -> str:
        """It is told to one phone only, and never beside a recall."""
        if plan.of != COVER:
            return ""
        if house.phone_at(since) != house.asked:
            return "another phone"
        lasts = (plan.contact.lapses_on or date.max) - (plan.contact.on or date.max)
        return "a recall that day" if said and lasts <= ONE_DAY else ""

    def excuse(self, house: House, day: int, since: int, until: int) -> str:
        """Why nothing was to be said to this family in this time; "" when there is no reason."""
        phone = house.phone_at(since)
        if not phone:
            return "no phone"
        if any(at < until and number == phone for at, number in house.stops):
            return "ARRET"
        if self.rules.hours.good_instant("reminder", self.zone, since, until) is None:
            return "no good hour"
        if self._given_up(house, phone, until):
            return "number given up"
        if any(day <= spell.since < until for spell in (*house.phones[1:], *house.places[1:])):
            return "number or place changed"
        return ""

    def _given_up(self, house: House, phone: str, before: int) -> bool:
        """So many days whose messages did not arrive, and nothing has since, and nobody called."""
        called = max((at for at, number in house.heard if number == phone and at < before), default=0)
        left = (one for one in house.left if one.to == phone and one.told_at < before)
        told = sorted((one.told_at, one.at, one.delivered) for one in left)
        missed: set[date] = set()
        given_up = False
        for told_at, left_at, delivered in told:
            if told_at < called:
                continue
            missed = set() if delivered else missed | {local_time.day_of(left_at, self.zone)}
            given_up = not delivered and (given_up or len(missed) >= self.rules.dead_after_days)
        return given_up


_CHECKS: tuple[Callable[[_Court, House], Iterator[Broken]], ...] = (
    _Court.one_a_day,
    _Court.stopped,
    _Court.by_day,
    _Court.old_number,
    _Court.old_centre,
    _Court.useful,
    _Court.unchecked,
)


def _days_of(word: RoundWord) -> list[date]:
    return [word.first + timedelta(many) for many in range((word.last - word.first).days + 1)]


PROMISES_OF_FOLLOW_UPS = {
    "not reminded": "rendez-vous de suivi sans rappel",
    "after a discharge": "rappels d'un traitement terminé ou d'un enfant envoyé au centre",
    "after a pregnancy": "rappels d'une grossesse ou d'un suivi après naissance terminés",
    "after a cover": "messages sur une couverture reprise ou arrêtée",
    "cover, another phone": "fins de couverture dites à un autre téléphone",
    **PROMISES_OF_ROUNDS,
}
PROMISES = {
    "one a day": "plus d'un rappel par famille et par jour",
    "after ARRET": "messages après ARRET",
    "about a child that is gone": "messages au sujet d'un enfant décédé ou parti",
    "by night": "messages hors de 08:00–19:00",
    "stale": "messages périmés",
    "doubled": "messages en double",
    "to an old number": "messages à un ancien numéro",
    "to an old centre": "messages qui nomment un autre centre",
    "to nobody's number": "messages à un numéro inconnu",
    "unchecked": "enfants non contrôlés",
    "not called back": "enfants non rappelés au retour d'un vaccin",
    **PROMISES_OF_FOLLOW_UPS,
    **PROMISES_OF_CENTRES,
    **PROMISES_OF_LISTS,
}


def _doubled(truth: Truth) -> list[Broken]:
    """The same message twice, by its id, its key, or its words to one number on one day."""
    seen: set[object] = set()
    found = []
    for one in sorted(truth.left):
        marks: set[object] = {one.message, one.key}
        if is_recall(one):
            marks.add((one.to, one.text, local_time.day_of(one.at, truth.zone)))
        if marks & seen:
            found.append(Broken("doubled", one.at, "", f"{one.to} {one.purpose}"))
        seen |= marks
    return found


def _to_nobody(left: Iterable[Left], family_of: dict[str, House]) -> list[Broken]:
    return [
        Broken("to nobody's number", one.at, "", one.to) for one in left if is_recall(one) and one.to not in family_of
    ]
