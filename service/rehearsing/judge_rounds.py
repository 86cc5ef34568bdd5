"""Whether families heard in time that a malaria round was moved or called off, judged from what was said, and when."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from service.domain import local_time
from service.domain.reminder_ladder import Ladder
from service.rehearsing.houses import Broken, House, Plan
from service.rehearsing.judge_centres import Excuse, heard, was_told
from service.rehearsing.truth import COVER, ROUND, Truth, is_about_a_round, names, put_off

PROMISES_OF_ROUNDS = {
    "out of age": "rappels d'une tournée CPS à une famille sans enfant de l'âge",
    "for no round": "rappels d'une tournée CPS déplacée ou annulée",
    "round, no apology": "familles laissées avec une tournée CPS déplacée ou annulée",
    "round, sorry for nothing": "excuses pour une tournée CPS à qui n'en attendait pas",
}


class RoundsCourt:
    """`ladder`: of the rounds; an apology is of use until it closes on the day after."""

    def __init__(self, truth: Truth, ladder: Ladder, excuse: Excuse) -> None:
        self._zone, self._until, self._closes, self._excuse = truth.zone, truth.until, ladder.window.closes, excuse

    def broken_by(self, house: House) -> Iterator[Broken]:
        yield from self._sorry(house)
        yield from self._left_waiting(house)

    def _sorry(self, house: House) -> Iterator[Broken]:
        """Once for each day of a round that fell away, to a family that was told it; with a day that stands."""
        asked: set[tuple[tuple[int, int], int]] = set()
        for one in sorted(filter(is_about_a_round, house.left)):
            fell_away, instead = put_off(one.text)
            wrong = [named for named in instead if not house.standing_on(named, one.at)]
            for named in sorted(fell_away):
                over = [plan for plan in self._called_off(house, one.at) if names({named}, plan.day)]
                last = max((plan.until for plan in over), default=0)
                if not over or (named, last) in asked or not was_told(house, one, named):
                    wrong.append(named)
                asked.add((named, last))
            for named in wrong:
                yield Broken("round, sorry for nothing", one.at, house.key, f"{one.to} {named[0]:02}/{named[1]:02}")

    def _left_waiting(self, house: House) -> Iterator[Broken]:
        for plan in self._called_off(house, self._until):
            today, day = local_time.day_of(plan.until, self._zone), plan.day
            if day is None or (plan.contact.lapses_on or date.max) <= today or not heard(house, plan):
                continue
            if any(other.of not in (ROUND, COVER) and other.day == day for other in house.plans):
                continue  # she may have been told of that day for something else, or comes anyway
            if house.standing_on((day.day, day.month), plan.until):
                continue
            last = max(day, today) + timedelta(1)
            until = local_time.instant(datetime.combine(last, self._closes), self._zone)
            if until > self._until or self._excuse(house, plan.until, plan.until, until) or self._is_ended(house, plan):
                continue
            if not any(is_about_a_round(one) and plan.until <= one.at < until for one in house.left):
                yield Broken("round, no apology", plan.until, house.key, f"{plan.kid} {day.day:02}/{day.month:02}")

    def _called_off(self, house: House, before: int) -> list[Plan]:
        return [one for one in house.plans if one.of == ROUND and one.why == "called off" and one.until <= before]

    def _is_ended(self, house: House, plan: Plan) -> bool:
        """The child was followed no longer before anything could be said."""
        return any(one.kid == plan.kid and one.why in ("died", "left") for one in house.plans)
