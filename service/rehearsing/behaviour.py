"""The stated model of how invented families behave: data with sources, and the chance that a mother comes on a day."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Literal, NamedTuple

from service.domain.data_files import DataMistake, Table, parse

FILE = Path(__file__).parent / "behaviour.yaml"
FIGURES = (
    "born_before",
    "two_children",
    "enrols_by_ussd",
    "up_to_date",
    "wrong_number",
    "number_put_right",
    "new_number",
    "phone_lost",
    "undelivered",
    "stops",
    "stranger_stops",
    "dies",
    "moves",
    "leaves",
    "written_late",
    "three_days",
    "kept_to_one_day",
    "cancelled",
    "cancelled_that_morning",
    "extra_day",
    "out_of_stock",
    "end_foretold",
    "untold",
    "at_home",
    "malnourished",
    "red_arm",
    "danger_sign",
    "ended_early",
    "joins_mutual",
    "renews",
    "leaves_mutual",
    "pregnancy_followed",
    "pregnancy_lost",
)
SPANS = (
    "notice",
    "extra_notice",
    "stock_out",
    "told_after",
    "misjudged",
    "visits_a_week",
    "gain_mm",
    "seen_again",
    "cover",
    "renewed",
)
MOST = 0.95
Kind = Literal["before", "late", "visit"]
KINDS: tuple[Kind, ...] = ("before", "late", "visit")


class BehaviourMistake(DataMistake):
    """The model cannot be used; the text names the place and the remedy."""


class Figure(NamedTuple):
    """A chance; what it is of, and where it comes from, in French."""

    value: float
    says: str
    source: str


class Span(NamedTuple):
    """From the fewest to the most, each as likely."""

    fewest: int
    most: int
    says: str
    source: str


class Band(NamedTuple):
    """From so many days after the appointment on, the chance of a day."""

    since: int
    chance: float


class Reminded(NamedTuple):
    """Of those who come within so many days anyway, this share more come after a message."""

    more: float
    within_days: int
    source: str


class Season(NamedTuple):
    """Malaria rounds of a year: the first one's day, how many, how far apart, how long. `moved` and `cancelled` are
    numbers of rounds: told so many days before their first day, when families have heard of it."""

    month: int
    day: int
    many: int
    every_days: int
    days: int
    announced_before: int
    moved: int
    moved_by: int
    cancelled: int
    told_before: int
    source: str


class Behaviour(NamedTuple):
    name: str
    figures: Mapping[str, Figure]
    bands: tuple[Band, ...]
    reminded: Mapping[Kind, Reminded]
    seasons: Mapping[int, float]
    closed: frozenset[int]
    short_lived: tuple[str, ...]
    spans: Mapping[str, Span]
    rounds: Season
    sources: Mapping[str, str]

    def __call__(self, figure: str) -> float:
        return self.figures[figure].value

    def chance(self, today: date, days_late: int, heard: Kind | None) -> float:
        """That a mother whose appointment was so many days ago comes today; `heard`: what she was told lately."""
        if days_late < 0 or today.isoweekday() in self.closed:
            return 0.0
        season = self.seasons.get(today.month, 1.0)
        own = self._alone(days_late) * season
        if heard is None:
            return own
        # The chance of each day that makes so many more come within these days than would come by themselves.
        reminded = self.reminded[heard]
        stays = math.prod(1 - self._alone(days_late + day) * season for day in range(reminded.within_days))
        if not 0 < stays < 1:
            return own
        wanted = min(MOST, (1 - stays) * (1 + reminded.more))
        return float(1 - (1 - own) ** max(1.0, math.log(1 - wanted) / math.log(stays)))

    def _alone(self, days_late: int) -> float:
        return [band.chance for band in self.bands if band.since <= days_late][-1]


def load_behaviour(text: str) -> Behaviour:
    """The model written in this YAML text; raises BehaviourMistake naming the place and the remedy."""
    file = Table(parse(text, BehaviourMistake), "behaviour", BehaviourMistake)
    name = file.text("behaviour")
    comes, reminded = file.table("comes"), file.table("reminded")
    seasons, closed, figures = file.table("seasons"), file.table("closed"), file.table("figures")
    short_lived, spans = file.table("short_lived"), file.table("spans")
    bands = tuple(Band(part.whole("from"), _chance(part, "chance")) for part in comes.tables("by_days_late"))
    if not bands or bands[0].since != 0 or list(bands) != sorted(set(bands)):
        raise BehaviourMistake("comes: 'by_days_late' begins with from: 0 and goes on with later days")
    messages = {kind: _reminded(reminded.table(kind)) for kind in KINDS}
    months = seasons.table("months")
    found = Behaviour(
        name,
        {one: _figure(figures.table(one)) for one in FIGURES},
        bands,
        messages,
        {int(month): _number(months, month) for month in months.data if month.isdecimal()},
        frozenset(int(day) for day in closed.texts("weekdays") if day.isdecimal()),
        short_lived.texts("antigens"),
        {one: _span(spans.table(one)) for one in SPANS},
        _season(file.table("rounds")),
        {
            "comes": comes.text("source"),
            "seasons": seasons.text("source"),
            "closed": closed.text("source"),
            "short_lived": short_lived.text("source"),
        },
    )
    for part in (file, comes, reminded, seasons, months, closed, short_lived, spans, figures):
        part.done()
    return found


def built_in_behaviour() -> Behaviour:
    return load_behaviour(FILE.read_text("utf-8"))


def _figure(part: Table) -> Figure:
    found = Figure(_chance(part, "value"), part.text("says"), part.text("source"))
    part.done()
    return found


def _span(part: Table) -> Span:
    fewest = part.whole("fewest", -60)
    found = Span(fewest, part.whole("most", fewest), part.text("says"), part.text("source"))
    part.done()
    return found


def _season(part: Table) -> Season:
    first = part.text("first")
    found = re.fullmatch(r"(\d\d)-(\d\d)", first)
    if found is None or not 1 <= int(found[1]) <= 12 or not 1 <= int(found[2]) <= 28:
        raise part.wrong("first", "a month and a day up to the 28th, like 07-15")
    numbers = [part.whole(name, 0) for name in Season._fields[2:-1]]
    season = Season._make([int(found[1]), int(found[2]), *numbers, part.text("source")])
    part.done()
    return season


def _reminded(part: Table) -> Reminded:
    found = Reminded(_number(part, "more"), part.whole("within_days", 1), part.text("source"))
    part.done()
    return found


def _chance(part: Table, key: str) -> float:
    value = _number(part, key)
    if value > 1:
        raise part.wrong(key, "a chance from 0 to 1")
    return value


def _number(part: Table, key: str) -> float:
    try:
        value = float(part.text(key))
    except ValueError:
        raise part.wrong(key, "a number like 0.23") from None
    if not 0 <= value < math.inf:
        raise part.wrong(key, "a number, 0 or more")
    return value
