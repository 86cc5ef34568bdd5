"""What a calendar says about each dose, worked out once per birth date, so that a million children go fast."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

from service.domain.ages import Span

BIRTH_DATES_REMEMBERED = 4096  # eleven years of birthdays, a few megabytes


class Season(NamedTuple):
    """A dose given at a time of the year and not at an age (R10)."""

    month: int
    day: int
    years_after: int

    def after(self, previous: date) -> date:
        return date(previous.year + self.years_after, self.month, self.day)


class DoseRule(NamedTuple):
    """One dose: exactly one of `recommended` and `season` is set."""

    id: str
    recommended: Span | None
    season: Season | None
    min_age: Span
    min_interval: Span | None
    before_age: Span | None


class LateStart(NamedTuple):
    """`dose` waits `interval` after the one before when the first was given `from_age` or later (R8)."""

    dose: str
    from_age: Span
    interval: Span


class Settings(NamedTuple):
    """The calendar's numbers, each a setting with its confidence in the file."""

    grace_days: int
    live_spacing_days: int
    due_window_days: int
    defaulter_after_days: int
    late_dtp_start_months: int
    late_dtp_interval_2_3_months: int
    zero_dose_from_months: int
    timely_within_days: int


@dataclass(frozen=True)
class Series:
    """The doses of one vaccine, in order."""

    name: str
    record_as: str  # the antigen code under which a dose is written down
    protects_fr: str
    live: str  # "injectable", "oral" or "no"
    doses: tuple[DoseRule, ...]
    birth_dose_of: str | None  # OPV0 is the birth dose of OPV (R5)
    late_start: LateStart | None
    only_in_districts: tuple[str, ...]
    sex: str | None
    confidence: Mapping[str, str]
    sources: tuple[str, ...]
    why: str


class DoseDays(NamedTuple):
    """One dose's ages as days of one child's life."""

    allowed_from: date
    recommended_on: date | None
    lapses_on: date | None


class ChildDays(NamedTuple):
    """What follows from the birth date alone, series by series in the plan's order."""

    doses: tuple[tuple[DoseDays, ...], ...]
    late_from: tuple[date | None, ...]
    zero_dose_from: date


class Course(NamedTuple):
    """One series as `assess` walks it, with what it needs to know of its neighbours."""

    series: str
    antigen: str
    live: bool
    doses: tuple[DoseRule, ...]
    late_place: int | None
    late_interval: Span | None
    birth_dose_before: int | None  # the place in the plan of the series whose first age ends this one (R5)
    has_birth_dose: bool


class Basic(NamedTuple):
    """How many valid doses a series must have for `fully_immunised_basic` (R13)."""

    place: int
    doses: int


class Plan:
    """A profile of a calendar, worked out once. Safe to share between threads."""

    def __init__(
        self, series: Iterable[Series], settings: Settings, zero_dose_antigen: str, basic_doses: Iterable[str]
    ) -> None:
        chosen = tuple(series)
        self.courses = tuple(_course(one, chosen) for one in chosen)
        self.late_starts = tuple(one.late_start for one in chosen)
        self.antigens = frozenset(one.record_as for one in chosen)
        self.live_antigens = frozenset(one.record_as for one in chosen if one.live == "injectable")
        self.grace = timedelta(settings.grace_days)
        self.live_spacing = timedelta(settings.live_spacing_days)
        self.settings = settings
        self.zero_dose_antigen = zero_dose_antigen if zero_dose_antigen in self.antigens else None
        self.basic = _basic(self.courses, tuple(basic_doses))
        self._remembered: dict[date, ChildDays] = {}

    def days_of(self, dob: date) -> ChildDays:
        """Every age of the plan as a day of this child's life (R1)."""
        known = self._remembered.get(dob)
        if known is None:
            if len(self._remembered) >= BIRTH_DATES_REMEMBERED:
                self._remembered.clear()
            known = self._remembered[dob] = self._work_out(dob)
        return known

    def _work_out(self, dob: date) -> ChildDays:
        return ChildDays(
            doses=tuple(tuple(_days(rule, dob) for rule in course.doses) for course in self.courses),
            late_from=tuple(late and late.from_age.after(dob) for late in self.late_starts),
            zero_dose_from=Span(0, self.settings.zero_dose_from_months).after(dob),
        )


def _days(rule: DoseRule, dob: date) -> DoseDays:
    return DoseDays(
        allowed_from=rule.min_age.after(dob),
        recommended_on=rule.recommended and rule.recommended.after(dob),
        lapses_on=rule.before_age and rule.before_age.after(dob),
    )


def _course(one: Series, chosen: tuple[Series, ...]) -> Course:
    names = [other.name for other in chosen]
    ids = [rule.id for rule in one.doses]
    return Course(
        series=one.name,
        antigen=one.record_as,
        live=one.live == "injectable",
        doses=one.doses,
        late_place=ids.index(one.late_start.dose) if one.late_start else None,
        late_interval=one.late_start.interval if one.late_start else None,
        birth_dose_before=names.index(one.birth_dose_of) if one.birth_dose_of else None,
        has_birth_dose=any(other.birth_dose_of == one.name for other in chosen),
    )


def _basic(courses: tuple[Course, ...], wanted: tuple[str, ...]) -> tuple[Basic, ...] | None:
    """Doses fill in order, so 'all of these are valid' is a count per series; None when the profile lacks one."""
    found: dict[int, int] = {}
    for dose in wanted:
        place = next((n for n, course in enumerate(courses) if dose in [r.id for r in course.doses]), None)
        if place is None:
            return None
        number = [rule.id for rule in courses[place].doses].index(dose) + 1
        found[place] = max(found.get(place, 0), number)
    return tuple(Basic(place, doses) for place, doses in found.items())
