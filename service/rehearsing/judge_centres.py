"""What a rehearsed year's messages had to know of the centres' days, judged from what the centres told, and when."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, time, timedelta
from itertools import chain

from service.domain import local_time
from service.domain.centre_days import LOOKED_AHEAD_DAYS, CentreDays
from service.rehearsing.houses import Broken, House, Plan
from service.rehearsing.truth import (
    VACCINE,
    Left,
    Told,
    Truth,
    calls_late,
    days_named,
    is_about_a_round,
    is_apology,
    is_recall,
    names,
    put_off,
)

DAY_MS = 24 * 60 * 60_000
SORRY_UNTIL = time(17)
"""Of the day after: later than the last moment at which it helps, no apology is asked for."""
Excuse = Callable[[House, int, int, int], str]
PROMISES_OF_CENTRES = {
    "cancelled": "rappels pour un jour annulé",
    "no stock": "rappels pour un vaccin en rupture seulement",
    "sorry twice": "excuses répétées pour une même occasion",
    "sorry for nothing": "excuses à qui n'attendait pas ce jour",
    "no apology": "familles laissées avec un jour annulé",
    "sorry, wrong day": "excuses qui donnent un jour sans rendez-vous",
}


class CentresCourt:
    """`antigen_of`: dose -> antigen. `excuse` says why nothing was to be said to a family between two moments."""

    def __init__(self, truth: Truth, antigen_of: Mapping[str, str], excuse: Excuse) -> None:
        self._zone, self._until, self._antigen_of, self._excuse = truth.zone, truth.until, antigen_of, excuse
        self._told: dict[str, list[Told]] = defaultdict(list)
        for one in sorted(truth.words, key=lambda one: one.at):
            self._told[one.centre].append(one)

    def broken_by(self, house: House) -> Iterator[Broken]:
        return chain(self._called_in_vain(house), self._sorry(house), self._left_waiting(house))

    def _days_at(self, house: House, at: int) -> CentreDays | None:
        """What the family's centre had told by then."""
        told = self._told.get(house.place_at(at) or "", [])
        place = bisect_right([one.at for one in told], at)
        return told[place - 1].days if place else None

    def _called_in_vain(self, house: House) -> Iterator[Broken]:
        for one in filter(is_recall, house.left):
            days = self._days_at(house, one.at)
            if days is None:
                continue
            today = local_time.day_of(one.at, self._zone)
            late = house.late_at(one.at, today) if calls_late(one) else []
            for named in sorted(days_named(one.text)):
                plans = house.told_of(named, one.at)
                # Of several who are late the words do not tell who is called: it may be for what no session gives.
                plans += late
                if any(plan.of != VACCINE for plan in plans):
                    continue  # it is for something that no session gives
                if any(self._still_matters(house, one, day) for day in days.cancelled if _is(day, {named})):
                    yield _found("cancelled", house, one, named)
                elif plans and not any(self._is_given(days, plan, today) for plan in plans):
                    yield _found("no stock", house, one, named)

    def _still_matters(self, house: House, one: Left, day: date) -> bool:
        """A day that has passed at another centre sends nobody to a closed door: she is late, wherever she goes."""
        at = local_time.start_of_day(day, self._zone)
        return at > one.at - DAY_MS or house.place_at(max(at, house.places[0].since)) == house.place_at(one.at)

    def _is_given(self, days: CentreDays, plan: Plan, today: date) -> bool:
        """Any of its doses: on its day, or, when that has passed, on the next day of the week for it."""
        week = CentreDays(days.weekly)
        for antigen in {self._antigen_of[dose] for dose in plan.contact.doses}:
            day = plan.contact.on
            if day is not None and day < today:
                day = week.first_day([antigen], today)
            if day is not None and not any(
                out.antigen == antigen and out.since <= day and (out.until is None or day <= out.until)
                for out in days.stock_outs
            ):
                return True
        return False

    # --- pardon ----------------------------------------------------------------------------------------------------

    def _sorry(self, house: House) -> Iterator[Broken]:
        """Once for each time that something was taken away, to a family that had been told the day."""
        asked: set[Told] = set()
        for one in sorted(filter(_is_of_a_centre, house.left)):
            today = local_time.day_of(one.at, self._zone)
            fell_away, instead = put_off(one.text)
            for named in sorted(instead):
                if not house.standing_on(named, one.at) and not self._is_late(house, one.at, today):
                    yield _found("sorry, wrong day", house, one, named)
            days = [
                day for day in (today + timedelta(many) for many in range(-1, LOOKED_AHEAD_DAYS)) if _is(day, fell_away)
            ]
            reasons = [word for word in self._words_for(house, one.at) if any(word.word.takes(day) for day in days)]
            free = [word for word in reasons if word not in asked]
            asked |= set(free[-1:])
            for named in sorted(fell_away):
                if not was_told(house, one, named) or house.standing_on(named, one.at):
                    yield _found("sorry for nothing", house, one, named)
            if not reasons:
                yield _found("sorry for nothing", house, one, min(fell_away, default=(0, 0)))
            elif not free:
                yield _found("sorry twice", house, one, min(fell_away))

    def _is_late(self, house: House, at: int, today: date) -> bool:
        """Whoever is late may come on any day of the centre's."""
        return bool(house.late_at(at, today))

    def _left_waiting(self, house: House) -> Iterator[Broken]:
        """Whoever had been told a day that falls away hears of it, unless something else is told before it can be."""
        for told in self._words_for(house, self._until):
            today = local_time.day_of(told.at, self._zone)
            for plan in house.plans:
                day = plan.contact.on
                if (
                    plan.of != VACCINE
                    or plan.until != told.at
                    or day is None
                    or day < today
                    or not told.word.takes(day)
                ):
                    continue
                named = (day.day, day.month)
                until = local_time.instant(datetime.combine(day + timedelta(1), SORRY_UNTIL), self._zone)
                if told.at >= until or house.standing_on(named, told.at) or not heard(house, plan):
                    continue
                later = [
                    one.until
                    for one in house.plans
                    if one.since == told.at and (one.kid, one.of) == (plan.kid, VACCINE)
                ]
                if min([*later, self._until]) < until or self._excuse(house, told.at, told.at, until):
                    continue
                if not any(_is_of_a_centre(one) and told.at <= one.at < until for one in house.left):
                    yield Broken("no apology", told.at, house.key, f"{plan.kid} {named[0]:02}/{named[1]:02}")

    def _words_for(self, house: House, before: int) -> list[Told]:
        """What the centre that was the family's had taken away by then."""
        words = chain.from_iterable(self._told.values())
        return sorted(
            (one for one in words if one.at <= before and one.word.takes_away and house.place_at(one.at) == one.centre),
            key=lambda one: one.at,
        )


def _is_of_a_centre(one: Left) -> bool:
    return is_apology(one) and not is_about_a_round(one)


def heard(house: House, plan: Plan) -> bool:
    day = plan.day
    return any(is_recall(one) and plan.since <= one.at < plan.until and _names(one, day) for one in house.left)


def _names(one: Left, day: date | None) -> bool:
    return names(days_named(one.text), day)


def was_told(house: House, sorry: Left, day: tuple[int, int]) -> bool:
    """By a recall, or by an earlier apology that gave it."""
    return any(
        one.at < sorry.at and day in (days_named(one.text) if is_recall(one) else put_off(one.text)[1])
        for one in house.left
        if is_recall(one) or is_apology(one)
    )


def _is(day: date, named: set[tuple[int, int]]) -> bool:
    return (day.day, day.month) in named


def _found(what: str, house: House, one: Left, named: tuple[int, int]) -> Broken:
    return Broken(what, one.at, house.key, f"{one.to} {named[0]:02}/{named[1]:02}")
