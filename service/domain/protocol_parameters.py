"""The settings of a protocol file: what a programme may settle otherwise, and the figures written with them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from service.domain.ages import read_span
from service.domain.data_files import CONFIDENCES, DataMistake, Table

Value = int | str


class ProtocolMistake(DataMistake):
    """A protocol cannot be used, or was asked for something it does not hold."""


class Parameter(NamedTuple):
    """What a programme may settle otherwise: a number, or one word of `one_of`; and what is known about it."""

    value: Value
    one_of: tuple[str, ...]
    confidence: str
    assumption: bool
    why: str
    sources: tuple[str, ...]


def read_parameter(part: Table, sources: Mapping[str, str]) -> Parameter:
    """A parameter as the file gives it; it says where it is from or why it was chosen."""
    one_of = part.maybe_texts("one_of")
    value: Value = part.one_of("value", one_of) if one_of else part.whole("value")
    confidence, assumption = how_sure(part, sources), part.yes("assumption")
    found = Parameter(value, one_of, confidence, assumption, part.maybe("why", part.text) or "", _cited(part, sources))
    part.done()
    return found


def settle(name: str, written: Mapping[str, Parameter], settled: Mapping[str, Value]) -> dict[str, Parameter]:
    """The parameters with these values instead; raises ProtocolMistake for a name or a value that cannot be."""
    for key, value in settled.items():
        if key not in written:
            raise ProtocolMistake(f"{name}: parameter '{key}' is unknown; known: {', '.join(written)}")
        if written[key].one_of and value not in written[key].one_of:
            raise ProtocolMistake(f"{name}: parameter '{key}' must be one of {', '.join(written[key].one_of)}")
        if not written[key].one_of and (type(value) is not int or value < 0):
            raise ProtocolMistake(f"{name}: parameter '{key}' must be a whole number, 0 or more")
    return {key: one._replace(value=settled.get(key, one.value)) for key, one in written.items()}


def number(part: Table, key: str, parameters: Mapping[str, Parameter], low: int = 0) -> int:
    """A whole number, or the name of a parameter that is one."""
    found = parameters.get(str(part.data.get(key)))
    if found is None:
        return part.whole(key, low)
    part.take(key)
    if not isinstance(found.value, int) or found.value < low:
        raise part.wrong(key, f"a whole number, {low} or more")
    return found.value


def how_sure(part: Table, sources: Mapping[str, str]) -> str:
    """The confidence of a fact, which names known sources or says why it stands there without one."""
    why, cited = part.maybe("why", part.text), _cited(part, sources)
    if not why and not cited:
        raise ProtocolMistake(f"{part.where}: says neither 'sources' nor 'why'")
    return part.one_of("confidence", CONFIDENCES)


def _cited(part: Table, sources: Mapping[str, str]) -> tuple[str, ...]:
    cited = part.maybe_texts("sources")
    for key in cited:
        if key not in sources:
            raise ProtocolMistake(f"{part.where}: source '{key}' is not in 'sources'")
    return cited


def filled(part: Table, key: str, parameters: Mapping[str, Parameter]) -> str:
    """The text with each {parameter} written out, so that a figure settled otherwise is said otherwise."""

    def value(found: re.Match[str]) -> str:
        if found[1] not in parameters:
            raise ProtocolMistake(f"{part.where}: '{key}' names {{{found[1]}}}, which is no parameter")
        return str(parameters[found[1]].value)

    return re.sub(r"\{([^{}]*)\}", value, part.text(key))


def offset(part: Table, key: str, parameters: Mapping[str, Parameter]) -> int:
    """'12 weeks', '3 days before' or '40 weeks + late_days', the last word being a parameter: in days."""
    first, *others = re.split(r" ([+-]) ", part.text(key))
    span = read_span(first.removesuffix(" before"))
    if span is None or span.months:
        raise part.wrong(key, "like '12 weeks', '3 days before' or '12 weeks + late_days'")
    days = -span.days if first.endswith(" before") else span.days
    for sign, name in zip(others[::2], others[1::2], strict=True):
        found = parameters.get(name)
        if found is None or not isinstance(found.value, int):
            raise ProtocolMistake(f"{part.where}: '{key}' names '{name}', which is no parameter with a number")
        days += found.value if sign == "+" else -found.value
    return days
