"""From 'we went as far as the ten weeks visit' to doses: what a mother remembers, until the card is seen."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Literal, NamedTuple

from service.domain.vaccine_calendar import Calendar, Visit

Quality = Literal["told", "assumed"]


class GivenAssumed(NamedTuple):
    """A dose nobody has read on a card yet. `assumed` dates are ours and stay out of timeliness."""

    antigen: str
    on: date
    quality: Quality
    dose: str
    visit: str


def visits_so_far(calendar: Calendar, dob: date, today: date) -> tuple[str, ...]:
    """The visits whose recommended age has come, in order: what may be asked about."""
    return tuple(visit.id for visit in calendar.visits if visit.at.after(dob) <= today)


def doses_of_contact(calendar: Calendar, visit_id: str, profile: str | None = None) -> tuple[str, ...]:
    """The doses planned at a visit; only those of the profile when one is named."""
    doses = calendar.visit(visit_id).doses
    if profile is None:
        return doses
    wanted = {rule.id for course in calendar.plan(profile).courses for rule in course.doses}
    return tuple(dose for dose in doses if dose in wanted)


def visits_made(
    calendar: Calendar,
    dob: date,
    last_visit: str | None,
    last_visit_on: date | None,
    profile: str,
    *,
    today: date,
) -> tuple[GivenAssumed, ...]:
    """The doses of every visit up to `last_visit` (None or "none" for no visit yet).

    The last visit is on the day told, or on its recommended day; earlier ones are on theirs, moved earlier where
    the interval to the next visit asks for it. No dose before birth, none after today, an antigen once a
    day; a told day outside of the child's life is moved inside and no longer "told".
    """
    if last_visit is None or last_visit == "none":
        return ()
    last = calendar.visit(last_visit)
    made = calendar.visits[: calendar.visits.index(last) + 1]
    last_on = min(max(last_visit_on or last.at.after(dob), dob), today)
    told = last_visit_on is not None and last_on == last_visit_on
    days = _days_of_visits(calendar, made, dob, last_on)
    found: dict[tuple[str, date], GivenAssumed] = {}
    for visit, on in zip(made, days, strict=True):
        quality: Quality = "told" if told and visit is last else "assumed"
        for dose in doses_of_contact(calendar, visit.id, profile):
            antigen = _antigen(calendar, dose)
            found[antigen, on] = GivenAssumed(antigen, on, quality, dose, visit.id)  # on one day, the later visit's
    return tuple(found.values())


def _antigen(calendar: Calendar, dose: str) -> str:
    return calendar.dose(dose)[0].record_as


def _days_of_visits(calendar: Calendar, made: tuple[Visit, ...], dob: date, last_on: date) -> list[date]:
    """The last visit's day is known; each one before is placed, going backwards."""
    days = [last_on]
    for place in range(len(made) - 2, -1, -1):
        visit, following, next_on = made[place], made[place + 1], days[0]
        latest = next_on - _gap(calendar, visit, following)
        on = min(visit.at.after(dob), latest)
        if on < (youngest := _allowed_from(calendar, visit, dob)):
            on = min(youngest, next_on - timedelta(1))  # an age kept is worth more than an interval kept
        days.insert(0, max(on, dob))
    return days


def _gap(calendar: Calendar, visit: Visit, following: Visit) -> timedelta:
    """The days that must lie between two visits: a day, or the interval of a series that both serve."""
    here = {calendar.dose(dose)[0].record_as for dose in visit.doses}
    intervals = [
        rule.min_interval.days
        for series, rule in map(calendar.dose, following.doses)
        if series.record_as in here and rule.min_interval
    ]
    return timedelta(max(intervals, default=1))


def _allowed_from(calendar: Calendar, visit: Visit, dob: date) -> date:
    return max((calendar.dose(dose)[1].min_age.after(dob) for dose in visit.doses), default=dob)
