"""The outcome of an experiment: which doses of a child are counted, and which of them were on time.

The day of a dose is the one recommended for the child's age, whatever came before: nothing that was tried can move it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from service.domain.vaccination import DoseError, Given, assess
from service.domain.vaccine_calendar import Calendar, CalendarMistake


def doses_counted(
    calendar: Calendar, profile: str, born_on: date, enrolled_on: date, first: date, last: date
) -> dict[str, date]:
    """Dose -> its recommended day, of those from `first` to `last` and after the enrolment."""
    try:
        plan = calendar.plan(profile)
    except CalendarMistake:
        return {}
    days = plan.days_of(born_on)
    return {
        rule.id: age.recommended_on
        for course, ages in zip(plan.courses, days.doses, strict=True)
        for rule, age in zip(course.doses, ages, strict=True)
        if age.recommended_on is not None and max(first, enrolled_on + timedelta(1)) <= age.recommended_on <= last
    }


def on_time(
    calendar: Calendar,
    profile: str,
    born_on: date,
    today: date,
    given: Iterable[Given],
    counted: dict[str, date],
    within_days: int,
) -> int:
    """How many of the counted doses were valid and given at most so many days after their day.

    Whoever died, moved away or stopped is counted with the others: by what was meant for them, not by what came.
    """
    try:
        valid = {one.dose: one.on for one in assess(calendar, profile, born_on, today, given).valid}
    except DoseError:
        return 0
    return sum(dose in valid and valid[dose] <= on + timedelta(within_days) for dose, on in counted.items())
