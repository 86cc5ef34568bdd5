"""The centres' year, thrown once before it begins: their days, what is cancelled, added, runs out, and what they tell.

What is true and what was told differ by days. Mothers know the week and the days that are added.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date, timedelta
from typing import Literal, NamedTuple

from service.domain.centre_days import NOTHING_KNOWN, CentreDays, ExtraDay, StockOut, WeeklyDay
from service.rehearsing.behaviour import Behaviour, Span
from service.rehearsing.dice import Dice

WordKind = Literal["week", "cancelled", "extra", "out", "back"]
WORKDAYS, SATURDAY = range(5), 5
YEAR_DAYS = 365
EARLY, TELLS_FROM, TELLS_UNTIL = 7 * 60 + 30, 10 * 60 + 5, 17 * 60
"""Minutes of the day: the morning's cancellations before anything leaves, the rest by daylight."""


class Word(NamedTuple):
    """What a centre tells on a day, at a minute of it. `antigens` of an extra day are all; `until` None: not known."""

    on: date
    minute: int
    kind: WordKind
    since: date
    until: date | None = None
    antigen: str = ""
    week: tuple[WeeklyDay, ...] = ()

    @property
    def takes_away(self) -> bool:
        return self.kind in ("cancelled", "out")

    def takes(self, day: date) -> bool:
        """Whether this may be why nothing, or not everything, is given on this day."""
        last = self.since if self.kind == "cancelled" else self.until or date.max
        return self.takes_away and self.since <= day <= last


class CentreYear(NamedTuple):
    """`real` is what whoever comes finds, `known` what mothers know; `words` in the order in which they are told."""

    name: str
    real: CentreDays
    known: CentreDays
    week: CentreDays
    words: tuple[Word, ...]


NOWHERE = CentreYear("", NOTHING_KNOWN, NOTHING_KNOWN, NOTHING_KNOWN, ())
"""Where no centre is known, every day is as good as any other."""


def after(days: CentreDays, word: Word) -> CentreDays:
    """What is known of a centre once it has said this too."""
    if word.kind == "week":
        return days._replace(weekly=word.week)
    if word.kind == "cancelled":
        return days._replace(cancelled=days.cancelled | {word.since})
    if word.kind == "extra":
        return days._replace(extra=(*days.extra, ExtraDay(word.since)))
    others = tuple(one for one in days.stock_outs if one.antigen != word.antigen)
    if word.kind == "out":
        return days._replace(stock_outs=(*others, StockOut(word.antigen, word.since, word.until)))
    shorter = [one for one in days.stock_outs if one.antigen == word.antigen]
    ended = tuple(one._replace(until=word.since - timedelta(1)) for one in shorter if one.since < word.since)
    return days._replace(stock_outs=(*others, *ended))


class Throw(NamedTuple):
    """What the dice and the model make of one centre's year."""

    dice: Dice
    behaviour: Behaviour
    name: str
    first: date
    last: date

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    def happens(self, figure: str, *place: object, share: float = 1.0) -> bool:
        return self.dice.roll(self.name, figure, *place) < self.behaviour(figure) * share

    def span(self, which: str, *place: object) -> timedelta:
        span: Span = self.behaviour.spans[which]
        return timedelta(self.dice.whole(span.fewest, span.most, self.name, which, *place))

    def minute(self, *place: object) -> int:
        return self.dice.whole(TELLS_FROM, TELLS_UNTIL, self.name, "minute", *place)


def year_of(throw: Throw, antigens: Collection[str]) -> CentreYear:
    """One centre's year. A vaccine runs out once at the most."""
    week = CentreDays(tuple(_week(throw)))
    words = [Word(throw.first, 0, "week", throw.first, week=week.weekly), *_cancelled(throw, week)]
    lost = frozenset(one.since for one in words if one.kind == "cancelled")
    added = list(_added(throw, week))
    outs = [out for antigen in sorted(antigens) if (out := _stock_out(throw, antigen)) is not None]
    words += added + [word for out in outs for word in _stock_words(throw, out)]
    extra = tuple(ExtraDay(one.since) for one in added)
    return CentreYear(
        throw.name,
        real=CentreDays(week.weekly, lost, extra, tuple(outs)),
        known=CentreDays(week.weekly, extra=extra),
        week=week,
        words=tuple(sorted((one for one in words if one.on <= throw.last), key=_in_time)),
    )


def _in_time(word: Word) -> tuple[object, ...]:
    return word.on, word.minute, word.kind, word.since, word.antigen


def _week(throw: Throw) -> Iterator[WeeklyDay]:
    many = 3 if throw.happens("three_days") else 2
    days = sorted(sorted(WORKDAYS, key=lambda day: throw.dice.roll(throw.name, "weekday", day))[:many])
    yield from (WeeklyDay(day) for day in days)
    if throw.happens("kept_to_one_day"):
        yield WeeklyDay(throw.dice.pick(days, throw.name, "one day"), frozenset(throw.behaviour.short_lived))


def _cancelled(throw: Throw, week: CentreDays) -> Iterator[Word]:
    """Told before the morning's first message, or some days before; never before the year."""
    for day in _days(throw):
        if day.weekday() not in week.weekdays(day) or not throw.happens("cancelled", day):
            continue
        told = day if throw.happens("cancelled_that_morning", day) else day - throw.span("notice", day)
        if told == day or told < throw.first:
            yield Word(day, EARLY, "cancelled", day, day)
        else:
            yield Word(told, throw.minute("cancelled", day), "cancelled", day, day)


def _added(throw: Throw, week: CentreDays) -> Iterator[Word]:
    """At most one a month, Monday to Saturday, beside the days of the week."""
    for first in (day for day in _days(throw) if day.day == 1):
        if not throw.happens("extra_day", first):
            continue
        month = [day for day in (first + timedelta(many) for many in range(28)) if day <= throw.last]
        free = [day for day in month if day.weekday() <= SATURDAY and day.weekday() not in week.weekdays(day)]
        if free:
            on = throw.dice.pick(free, throw.name, "extra on", first)
            told = max(throw.first, on - throw.span("extra_notice", first))
            yield Word(told, throw.minute("extra", on), "extra", on, on)


def _stock_out(throw: Throw, antigen: str) -> StockOut | None:
    if not throw.happens("out_of_stock", antigen, share=throw.days / YEAR_DAYS):
        return None
    since = throw.first + timedelta(throw.dice.whole(1, throw.days, throw.name, "out since", antigen))
    return StockOut(antigen, since, since + throw.span("stock_out", antigen))


def _stock_words(throw: Throw, out: StockOut) -> Iterator[Word]:
    """That it is out, when it is thought to be back, that this was wrong, that it is back: as far as it was said."""
    assert out.until is not None
    told = out.since + throw.span("told_after", out.antigen)
    back = out.until + timedelta(1)
    back_told = back + throw.span("told_after", out.antigen, "back")
    minute = throw.minute("out", out.antigen)
    if not throw.happens("end_foretold", out.antigen):
        yield Word(told, minute, "out", out.since, None, out.antigen)
        yield Word(back_told, minute, "back", back, None, out.antigen)
        return
    thought = max(told, out.until + throw.span("misjudged", out.antigen))
    yield Word(told, minute, "out", out.since, thought, out.antigen)
    if thought < out.until:
        yield Word(thought, TELLS_UNTIL, "out", out.since, None, out.antigen)
    if thought != out.until:
        yield Word(back_told, minute, "back", back, None, out.antigen)


def _days(throw: Throw) -> Iterator[date]:
    return (throw.first + timedelta(many) for many in range(throw.days))
