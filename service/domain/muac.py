"""What the measure of an upper arm means, and how soon a child should be seen: dated data, a pure rule.

The rule sends to people who look; it never names an illness, a ration or a treatment.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple

from service.domain.data_files import CONFIDENCES, DataMistake, Table, parse

FOLDER = Path(__file__).parent / "screening"
Band = Literal["red", "yellow", "green"]
Meaning = Literal["danger", "oedema", "red", "yellow", "green", "not_classified"]
BANDS = ("red", "yellow", "green")
MEANINGS = ("danger", "oedema", "red", "yellow", "green", "not_classified")


class MuacMistake(DataMistake):
    """The file cannot be used; the text names the place and the remedy."""


class CannotBe(ValueError):
    """Neither a colour nor a width that an arm can have."""


class Referral(NamedTuple):
    """Where to, within how many days, and how sure the source is."""

    to: str
    within_days: int
    confidence: str


class Finding(NamedTuple):
    """`band` is what the tape showed, `meaning` what counts: a danger sign and oedema override the tape."""

    band: Band
    meaning: Meaning
    referral: Referral


class Rules(NamedTuple):
    """`red_below` and `yellow_below` in mm; ages in whole months, both included."""

    name: str
    youngest: int
    oldest: int
    narrowest: int
    widest: int
    red_below: int
    yellow_below: int
    referrals: dict[str, Referral]

    def takes_age(self, age_months: int) -> bool:
        """Whether the tape says anything about a child of this age."""
        return self.youngest <= age_months <= self.oldest

    def band_of(self, mm: int) -> Band:
        """The colour of this width; CannotBe outside what an arm can measure."""
        if not self.narrowest <= mm <= self.widest:
            raise CannotBe(f"{mm} mm: an arm measures {self.narrowest} to {self.widest} mm")
        return "red" if mm < self.red_below else "yellow" if mm < self.yellow_below else "green"

    def classify(
        self, *, age_months: int, mm: int | None = None, colour: str = "", oedema: bool = False, danger: bool = False
    ) -> Finding:
        """What a width in mm, or else a colour of the tape, means for a child of this age."""
        band = self.band_of(mm) if mm is not None else _colour(colour)
        meaning = self._meaning(band, age_months, oedema, danger)
        return Finding(band, meaning, self.referrals[meaning])

    def _meaning(self, band: Band, age_months: int, oedema: bool, danger: bool) -> Meaning:
        if danger:
            return "danger"
        if oedema:
            return "oedema"
        return band if self.takes_age(age_months) else "not_classified"


def _colour(written: str) -> Band:
    if written not in BANDS:
        raise CannotBe(f"'{written}' is no colour of the tape")
    return written  # type: ignore[return-value]  # one of the three, as was just seen


@cache
def built_in_rules(name: str = "ml-muac") -> Rules:
    """The rules that come with the product."""
    return load_rules((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))


def load_rules(text: str) -> Rules:
    """The rules written in this YAML text; raises MuacMistake naming the place and the remedy."""
    file = Table(parse(text, MuacMistake), "muac", MuacMistake)
    file.where = name = file.text("muac")
    for key in ("country", "source_date", "bands_why"):
        file.text(key)
    sources = file.plain("sources")
    youngest, oldest = _from_to(file.table("age_months"))
    narrowest, widest = _from_to(file.table("plausible_mm"))
    red_below, yellow_below = _bands(file.tables("bands"), name)
    referrals = dict(_referral(part) for part in file.tables("referrals"))
    file.done()
    missing = sorted(set(MEANINGS) - set(referrals))
    if missing:
        raise MuacMistake(f"{name}: 'referrals' say nothing of {', '.join(missing)}")
    if not narrowest < red_below < yellow_below < widest:
        raise MuacMistake(f"{name}: the bands must follow each other within {narrowest} to {widest} mm")
    assert sources
    return Rules(name, youngest, oldest, narrowest, widest, red_below, yellow_below, referrals)


def _from_to(part: Table) -> tuple[int, int]:
    first, last = part.whole("from"), part.whole("to")
    _said_how_sure(part)
    if first >= last:
        raise MuacMistake(f"{part.where}: 'from' {first} must be below 'to' {last}")
    return first, last


def _bands(parts: list[Table], name: str) -> tuple[int, int]:
    limits: dict[str, tuple[int | None, int | None]] = {}
    for part in parts:
        limits[part.one_of("band", BANDS)] = (part.maybe("from", part.whole), part.maybe("below", part.whole))
        _said_how_sure(part)
    if tuple(limits) != BANDS:
        raise MuacMistake(f"{name}: 'bands' must be {', '.join(BANDS)}, in this order")
    (_, red), (yellow_from, yellow), (green_from, _) = limits.values()
    if red is None or yellow is None or red != yellow_from or yellow != green_from:
        raise MuacMistake(f"{name}: each band must begin where the one before it ends")
    return red, yellow


def _referral(part: Table) -> tuple[str, Referral]:
    when = part.one_of("when", MEANINGS)
    to, within = part.text("to"), part.whole("within_days")
    return when, Referral(to, within, _said_how_sure(part))


def _said_how_sure(part: Table) -> str:
    confidence = part.one_of("confidence", CONFIDENCES)
    part.maybe("why", part.text)
    part.maybe_texts("sources")
    part.done()
    return confidence
