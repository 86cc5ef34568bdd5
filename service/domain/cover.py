"""The end of a health cover (AMV, RAMED): the day its renewal contacts count from. No price, no debt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import NamedTuple

from service.domain.ages import add_months
from service.domain.data_files import Table
from service.domain.protocol_file import AnchorKind, Protocol, open_protocol, read_built_in
from service.domain.protocol_parameters import ProtocolMistake, Value, how_sure, number
from service.domain.protocols import Anchor, NotPossible, contacts_of


class Scheme(NamedTuple):
    """`valid_months` None: the scheme itself gives the last day."""

    id: str
    name_fr: str
    ends: AnchorKind
    valid_months: int | None
    confidence: str


class Notice(NamedTuple):
    """A contact that a household is told of on `on`; from `lapses_on` on it is not any more."""

    contact: str
    on: date
    lapses_on: date


@dataclass(frozen=True, eq=False)
class Renewal:
    """Contacts around the end of a cover, and the schemes."""

    protocol: Protocol
    schemes: Mapping[str, Scheme]

    def with_parameters(self, values: Mapping[str, Value]) -> Renewal:
        """The same file with some parameters settled otherwise."""
        return load_renewal(self.protocol.text, {**self.protocol.settled, **values})


@cache
def built_in_renewal(name: str = "ml-mutual-renewal") -> Renewal:
    """The file that comes with the product."""
    return load_renewal(read_built_in(name))


def end_of_cover(renewal: Renewal, scheme: str, begins_on: date, last_day: date | None = None) -> Anchor:
    """The last covered day: the one that was said, else worked out from the first. Raises NotPossible.

    A card valid for months ends the day before that anniversary: on the early side where the source is silent.
    """
    found = renewal.schemes.get(scheme)
    if found is None:
        raise NotPossible(f"scheme '{scheme}' is unknown; known: {', '.join(renewal.schemes)}")
    if last_day is None:
        if found.valid_months is None:
            raise NotPossible(f"how long {scheme} covers is not known: give its last day")
        last_day = add_months(begins_on, found.valid_months) - timedelta(1)
    if last_day < begins_on:
        raise NotPossible(f"a cover does not end on {last_day}, before it begins on {begins_on}")
    return Anchor(found.ends, last_day)


def notices(renewal: Renewal, end: Anchor, given_on: date, today: date) -> tuple[Notice, ...]:
    """What a household is told of the end of its cover, whose last day was given on `given_on`.

    Whoever has just been at the mutual is not told what it heard there: contacts that began by then are left out.
    """
    coming = contacts_of(renewal.protocol, end, {}, today)
    told = [one for one in coming if one.remind and one.planned_on > given_on]
    return tuple(Notice(one.id, one.planned_on, one.lapses_on) for one in told)


def is_asked_at_home(renewal: Renewal, end: Anchor, today: date) -> bool:
    """Whether the cover has ended, and a mediator may still ask whether the family wishes to go on."""
    coming = contacts_of(renewal.protocol, end, {}, today)
    return any(not one.remind and one.opens_on <= today and end.on < today for one in coming)


def days_asked_at_home(renewal: Renewal, kind: AnchorKind) -> int:
    """How long after the last day a mediator asks, in days; 0 where she never does."""
    return max((rule.last or 0 for rule in renewal.protocol.contacts[kind] if not rule.remind), default=0)


def load_renewal(text: str, settled: Mapping[str, Value] | None = None) -> Renewal:
    """The protocol and schemes of this YAML text; raises ProtocolMistake naming the place and the remedy."""
    file, protocol = open_protocol(text, settled or {})
    schemes = {key: _scheme(key, part, protocol) for key, part in file.named("schemes").items()}
    file.done()
    if not schemes:
        raise ProtocolMistake(f"{protocol.name}: 'schemes' is empty")
    return Renewal(protocol, schemes)


def _scheme(key: str, part: Table, protocol: Protocol) -> Scheme:
    ends = part.one_of("ends", tuple(protocol.contacts))
    scheme = Scheme(
        id=key,
        name_fr=part.text("name_fr"),
        ends=ends,  # type: ignore[arg-type]  # one of the protocol's own anchors
        valid_months=part.maybe("valid_months", lambda key: number(part, key, protocol.parameters, 1)),
        confidence=how_sure(part, protocol.sources),
    )
    part.done()
    return scheme
