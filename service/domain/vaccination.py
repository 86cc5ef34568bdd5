"""Which vaccine doses a child has, is due, will be due. calendars/README.md tells the rules R1 to R16 named here.

Reminder material: it never replaces the health worker or the national calendar.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Literal, NamedTuple

from service.domain.ages import add_months
from service.domain.vaccine_calendar import Calendar, CalendarMistake, built_in_calendar, load_calendar
from service.domain.vaccine_plan import ChildDays, Course, DoseDays, Plan

__all__ = [
    "Assessment",
    "Calendar",
    "CalendarMistake",
    "DoseError",
    "DueDose",
    "Given",
    "InvalidDose",
    "ValidDose",
    "add_months",
    "assess",
    "built_in_calendar",
    "load_calendar",
]

Status = Literal["upcoming", "due", "overdue", "defaulter"]
Reason = Literal["too_young", "interval_too_short", "live_spacing"]
History = dict[str, list[date]]
LiveDoses = list[tuple[str, date]]


class DoseError(Exception):
    """The question itself is wrong: `code` is dose_before_birth, dose_after_as_of or as_of_before_birth (R14)."""

    def __init__(self, code: Literal["dose_before_birth", "dose_after_as_of", "as_of_before_birth"]) -> None:
        super().__init__(code)
        self.code = code


class Given(NamedTuple):
    """A dose as it was written down; a birth dose of OPV is written as OPV."""

    antigen: str
    on: date


class DueDose(NamedTuple):
    """The next dose of a series. It may be given until the day before `lapses_on`, if there is one."""

    dose: str
    series: str
    due_on: date
    status: Status
    lapses_on: date | None


class InvalidDose(NamedTuple):
    """A dose that does not count, with every reason why."""

    antigen: str
    on: date
    reasons: tuple[Reason, ...]


class ValidDose(NamedTuple):
    """A dose that counts, by its place in the series."""

    dose: str
    on: date


class Assessment(NamedTuple):
    """Where a child stands on one day. `due`, `lapsed` and `valid` in the profile's order, `upcoming` by date."""

    due: tuple[DueDose, ...]
    upcoming: tuple[DueDose, ...]
    lapsed: tuple[str, ...]
    invalid: tuple[InvalidDose, ...]
    next_contact: date | None
    penta_zero_dose: bool | None
    fully_immunised_basic: bool | None
    complete: bool  # nothing left to come for; what has lapsed no longer counts
    valid: tuple[ValidDose, ...]


class Followed(NamedTuple):
    """A series after its doses were read in date order."""

    valid: list[date]
    last: date | None  # the last dose that counts for the interval, valid or not


def assess(
    calendar: Calendar,
    profile: str,
    dob: date,
    as_of: date,
    doses: Iterable[Given],
    *,
    grace_days: int | None = None,
) -> Assessment:
    """What is due, coming, lapsed and invalid for a child on `as_of`. Same values in, same answer out.

    The order of `doses` does not matter. Raises DoseError for doses outside the child's life so far.
    """
    plan = calendar.plan(profile)
    grace = plan.grace if grace_days is None else timedelta(grace_days)
    history = _history(plan, dob, as_of, doses)
    child = plan.days_of(dob)
    live = [(antigen, on) for antigen in plan.live_antigens for on in history.get(antigen, ())]

    due: list[DueDose] = []
    upcoming: list[DueDose] = []
    lapsed: list[str] = []
    invalid: list[InvalidDose] = []
    valid: list[ValidDose] = []
    valid_counts: list[int] = []
    for place, course in enumerate(plan.courses):
        followed = _follow(plan, course, place, child, history, live, grace, invalid)
        number = len(followed.valid)
        valid_counts.append(number)
        for rule, on in zip(course.doses, followed.valid, strict=False):
            valid.append(ValidDose(rule.id, on))
        if number == len(course.doses):
            continue
        days = child.doses[place][number]
        due_on = _due_date(plan, course, place, child, followed, live, as_of)
        if has_lapsed(days.lapses_on, due_on, as_of):
            lapsed.append(course.doses[number].id)
            continue
        status = status_on(due_on, as_of, plan.settings.due_window_days, plan.settings.defaulter_after_days)
        found = DueDose(course.doses[number].id, course.series, due_on, status, days.lapses_on)
        (upcoming if status == "upcoming" else due).append(found)

    upcoming.sort(key=_day_due)  # stable: ties stay in the profile's order
    invalid.sort(key=_day_and_antigen)
    return Assessment(
        due=tuple(due),
        upcoming=tuple(upcoming),
        lapsed=tuple(lapsed),
        invalid=tuple(invalid),
        next_contact=as_of if due else upcoming[0].due_on if upcoming else None,
        penta_zero_dose=_has_no_penta(plan, child, history, as_of),
        fully_immunised_basic=_is_fully_immunised(plan, valid_counts),
        complete=not due and not upcoming,
        valid=tuple(valid),
    )


def _day_due(dose: DueDose) -> date:
    return dose.due_on


def _day_and_antigen(dose: InvalidDose) -> tuple[date, str]:
    return dose.on, dose.antigen


def _history(plan: Plan, dob: date, as_of: date, doses: Iterable[Given]) -> History:
    """The days of each antigen of the plan, in order, each once (R12). Refuses impossible dates (R14)."""
    if as_of < dob:
        raise DoseError("as_of_before_birth")
    history: History = {}
    from_the_future = False
    for antigen, on in doses:
        if on < dob:
            raise DoseError("dose_before_birth")
        if on > as_of:
            from_the_future = True  # a dose before birth further on is the graver mistake
        if antigen not in plan.antigens:
            continue
        days = history.get(antigen)
        if days is None:
            history[antigen] = [on]
        elif on not in days:
            days.append(on)
    if from_the_future:
        raise DoseError("dose_after_as_of")
    for days in history.values():
        days.sort()
    return history


def _follow(
    plan: Plan,
    course: Course,
    place: int,
    child: ChildDays,
    history: History,
    live: LiveDoses,
    grace: timedelta,
    invalid: list[InvalidDose],
) -> Followed:
    """Read a series' doses in date order: each valid one fills the first unfilled place (R2, R7).

    What is invalid is added to `invalid` and still counts as the last dose for the next interval (R4).
    """
    days_given, last = _doses_of(course, place, child, history, grace)
    valid: list[date] = []
    for on in days_given:
        number = len(valid)
        if number == len(course.doses):
            break  # kept in the history, changes nothing, except as a live dose (R2, R6)
        reasons: list[Reason] = []
        if on + grace < child.doses[place][number].allowed_from:
            reasons.append("too_young")  # R3
        if last is not None and on + grace < _earliest_after(course, place, child, valid, last):
            reasons.append("interval_too_short")  # R3, R8
        if course.live and len(live) > 1 and _too_near_another_live(course.antigen, on, live, plan.live_spacing):
            reasons.append("live_spacing")  # R6: grace does not apply
        if reasons:
            invalid.append(InvalidDose(course.antigen, on, tuple(reasons)))
        else:
            valid.append(on)
        last = on
    return Followed(valid, last)


def _doses_of(
    course: Course, place: int, child: ChildDays, history: History, grace: timedelta
) -> tuple[list[date], date | None]:
    """The days that belong to this series, and the dose before them if another series holds it.

    OPV given before OPV1's first age is OPV0, once; it is then the dose before OPV1 (R5).
    """
    days = history.get(course.antigen)
    if not days:
        return [], None
    if course.birth_dose_before is not None:
        first_age = child.doses[course.birth_dose_before][0].allowed_from
        return (days[:1], None) if days[0] + grace < first_age else ([], None)
    if course.has_birth_dose and days[0] + grace < child.doses[place][0].allowed_from:
        return days[1:], days[0]
    return days, None


def _earliest_after(course: Course, place: int, child: ChildDays, valid: list[date], last: date) -> date:
    """The first day on which the interval since the last dose, valid or not, is full (R3, R4, R8)."""
    number = len(valid)
    late_from = child.late_from[place]
    if late_from is not None and number == course.late_place and valid[0] >= late_from:
        return course.late_interval.after(last) if course.late_interval else last
    interval = course.doses[number].min_interval
    return interval.after(last) if interval else last


def _too_near_another_live(antigen: str, on: date, live: LiveDoses, spacing: timedelta) -> bool:
    """Another live injectable vaccine was given earlier, on another day, within the spacing (R6)."""
    return any(other != antigen and earlier < on < earlier + spacing for other, earlier in live)


def _due_date(
    plan: Plan,
    course: Course,
    place: int,
    child: ChildDays,
    followed: Followed,
    live: LiveDoses,
    as_of: date,
) -> date:
    """The latest of: the recommended age or season, the interval, what other live doses hold back (R6, R10)."""
    number = len(followed.valid)
    due_on = _recommended_on(course, child.doses[place][number], followed.valid)
    if followed.last is not None:
        due_on = max(due_on, _earliest_after(course, place, child, followed.valid, followed.last))
    if course.live:
        for other, on in live:
            if other != course.antigen and on < as_of:
                due_on = max(due_on, on + plan.live_spacing)
    return due_on


def _recommended_on(course: Course, days: DoseDays, valid: list[date]) -> date:
    """The day of the recommended age, or the season after the last valid dose (R10)."""
    season = course.doses[len(valid)].season
    if season is not None:
        return season.after(valid[-1])
    return days.recommended_on or days.allowed_from


def has_lapsed(lapses_on: date | None, due_on: date, as_of: date) -> bool:
    """The dose is no longer recommended, today or by the time it would be due (R9)."""
    return lapses_on is not None and (as_of >= lapses_on or due_on >= lapses_on)


def status_on(due_on: date, as_of: date, due_window_days: int, defaulter_after_days: int) -> Status:
    """How late a dose is, in a word (R10)."""
    if as_of < due_on:
        return "upcoming"
    days_late = (as_of - due_on).days
    if days_late <= due_window_days:
        return "due"
    return "overdue" if days_late <= defaulter_after_days else "defaulter"


def _has_no_penta(plan: Plan, child: ChildDays, history: History, as_of: date) -> bool | None:
    """Twelve months old without any dose of the zero-dose antigen; None when the profile lacks it (R13)."""
    if plan.zero_dose_antigen is None:
        return None
    return as_of >= child.zero_dose_from and plan.zero_dose_antigen not in history


def _is_fully_immunised(plan: Plan, valid_counts: list[int]) -> bool | None:
    """All basic doses are valid, at any age; None when the profile lacks one of them (R13)."""
    if plan.basic is None:
        return None
    return all(valid_counts[place] >= doses for place, doses in plan.basic)
