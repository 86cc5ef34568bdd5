"""What a message costs: dated prices per channel and operator, and what the carrier says afterwards.

Amounts are whole numbers of hundredths of a franc CFA. `prices/example.yaml` shows the form and is only an example.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from pathlib import Path
from typing import NamedTuple

from service.domain.data_files import CONFIDENCES, DataMistake, Table, parse

EXAMPLE = Path(__file__).parent / "prices" / "example.yaml"
ANY = "any"
_AMOUNT = re.compile(r"[0-9]{1,7}(\.[0-9]{1,6})?")
_COST = re.compile(rf"([A-Z]{{3}}) ({_AMOUNT.pattern})")


class PricesMistake(DataMistake):
    """A price list cannot be used; the text names the place and the remedy."""


class PartPrice(NamedTuple):
    """`operator` is a code, or "any"; the days are the first and the last on which it holds."""

    channel: str
    operator: str
    hundredths: int
    since: date
    until: date | None


class Rate(NamedTuple):
    """What one unit of a currency is worth in francs CFA from a day on."""

    currency: str
    fcfa: Decimal
    since: date
    until: date | None


class PriceList(NamedTuple):
    """`example`: the list that comes with the product. It makes estimates and decides nothing."""

    name: str
    example: bool
    otherwise: int
    rates: tuple[Rate, ...]
    parts: tuple[PartPrice, ...]

    def part_price(self, channel: str, operator: str, day: date) -> int | None:
        """Hundredths for one part that day; None where the list says nothing."""
        fits = [
            one
            for one in self.parts
            if one.channel == channel and one.operator in (operator, ANY) and _holds(one.since, one.until, day)
        ]
        best = max(fits, key=lambda one: (one.operator != ANY, one.since), default=None)
        return best.hundredths if best else None

    def estimate(self, channel: str, operator: str, parts: int, day: date) -> int:
        """Hundredths that a message will cost; where the list says nothing, by its price for all else."""
        price = self.part_price(channel, operator, day)
        return parts * (self.otherwise if price is None else price)

    def true_cost(self, words: str | None, day: date) -> int | None:
        """Hundredths of what a carrier wrote ("XOF 12.0000", "USD 0.0079"); None for an unknown currency or no price.

        What is written there without a cost (nothing, "0", "None") is no price either.
        """
        written = _COST.fullmatch(words or "")
        if not written:
            return None
        fits = [one for one in self.rates if one.currency == written[1] and _holds(one.since, one.until, day)]
        rate = max(fits, key=lambda one: one.since, default=None)
        return _hundredths(Decimal(written[2]) * rate.fcfa) if rate else None

    def cheapest_part(self, channels: Iterable[str], day: date) -> int:
        """The least that a message can cost that day by any of these."""
        wanted = set(channels)
        found = [one for one in self.parts if one.channel in wanted and _holds(one.since, one.until, day)]
        unknown = wanted - {one.channel for one in found} or not found
        return min([one.hundredths for one in found] + ([self.otherwise] if unknown else []))


def load_prices(text: str) -> PriceList:
    """The list written in this YAML text; raises PricesMistake naming the place and the remedy."""
    file = Table(parse(text, PricesMistake), "prices", PricesMistake)
    file.where = name = file.text("prices")
    file.text("why")
    found = PriceList(
        name,
        file.yes("example"),
        _hundredths(_amount(file, "otherwise")),
        tuple(_rate(part) for part in file.tables("rates")),
        tuple(_part(part) for part in file.tables("parts")),
    )
    file.done()
    return found


@cache
def example_prices() -> PriceList:
    """The list that comes with the product."""
    return load_prices(EXAMPLE.read_text("utf-8"))


def _rate(part: Table) -> Rate:
    found = Rate(part.text("currency"), _amount(part, "fcfa"), *_days(part))
    if not re.fullmatch(r"[A-Z]{3}", found.currency):
        raise part.wrong("currency", "three capital letters like XOF")
    _well_sourced(part)
    return found


def _part(part: Table) -> PartPrice:
    channel, operator = part.text("channel"), part.text("operator")
    found = PartPrice(channel, operator, _hundredths(_amount(part, "fcfa")), *_days(part))
    _well_sourced(part)
    return found


def _days(part: Table) -> tuple[date, date | None]:
    since, until = part.day("from"), part.maybe("until", part.day)
    if until is not None and until < since:
        raise part.wrong("until", "no day before 'from'")
    return since, until


def _well_sourced(part: Table) -> None:
    part.text("source")
    part.one_of("confidence", CONFIDENCES)
    part.maybe("why", part.text)
    part.done()


def _amount(part: Table, key: str) -> Decimal:
    written = part.text(key)
    if not _AMOUNT.fullmatch(written):
        raise part.wrong(key, "an amount like 12 or 12.50")
    return Decimal(written)


def _hundredths(francs: Decimal) -> int:
    return int((francs * 100).quantize(Decimal(1), ROUND_HALF_UP))


def _holds(since: date, until: date | None, day: date) -> bool:
    return since <= day and (until is None or day <= until)
