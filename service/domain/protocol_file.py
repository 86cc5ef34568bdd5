"""A follow-up protocol: dated contacts of one programme, read strictly from `protocols/*.yaml`.

Every offset of a file is a whole number of days from an anchor (the start of a pregnancy, a birth, an admission, a
round, an end of cover). What is not sure is a parameter of the file, and a programme settles it by `settled`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Literal, NamedTuple

from service.domain.data_files import Table, parse
from service.domain.protocol_parameters import (
    Parameter,
    ProtocolMistake,
    Value,
    filled,
    how_sure,
    offset,
    read_parameter,
    settle,
)

FOLDER = Path(__file__).parent / "protocols"
AnchorKind = Literal["last_menses", "birth", "admission", "round", "end_of_cover", "end_of_card"]
ANCHORS = ("last_menses", "birth", "admission", "round", "end_of_cover", "end_of_card")
ANNOUNCED, NEXT, NEVER = "announced end", "until next contact", "never"


class Act(NamedTuple):
    """Something done at a contact, in a mediator's words. Makes sense from `first` to `last` days after the anchor.

    A `carried` act that was missed is done at the next contact that still comes.
    """

    id: str
    text_fr: str
    first: int | None
    last: int | None
    carried: bool


class ContactRule(NamedTuple):
    """One contact, in days from its anchor, or from the contact it `follows`; `repeats` counts from the last visit.

    `closes` None: the day announced with the anchor. `last` is the last day on which a missed one is caught up, never
    before `closes`; None where `closes` is. From `silent_from` on no family is
    reminded, for fear of what happened since.
    """

    id: str
    opens: int
    best: int
    closes: int | None
    last: int | None
    acts: tuple[Act, ...]
    remind: bool
    follows: str | None
    repeats: bool
    silent_from: int | None = None


@dataclass(frozen=True, eq=False)
class Protocol:
    """Everything one file says of contacts. Unchanging: the readers take `settled` and give another."""

    name: str
    country: str
    title_fr: str
    source_date: str
    label_fr: str  # all that a family may be told of any contact
    sources: Mapping[str, str]
    parameters: Mapping[str, Parameter]
    contacts: Mapping[AnchorKind, tuple[ContactRule, ...]]
    text: str = field(repr=False)
    settled: Mapping[str, Value] = field(repr=False)

    def number(self, name: str) -> int:
        """The value of a parameter that is a number."""
        value = self.word(name)
        if not isinstance(value, int):
            raise ProtocolMistake(f"{self.name}: parameter '{name}' is not a number")
        return value

    def word(self, name: str) -> Value:
        if name not in self.parameters:
            raise ProtocolMistake(f"{self.name}: parameter '{name}' is unknown; known: {', '.join(self.parameters)}")
        return self.parameters[name].value

    def with_parameters(self, values: Mapping[str, Value]) -> Protocol:
        """The same contacts with some parameters settled otherwise; every check of them is made again.

        Rounds, rations and schemes have their own: it settles the contacts and the rest together.
        """
        return open_protocol(self.text, {**self.settled, **values})[1] if values else self


def load_protocol(text: str, settled: Mapping[str, Value] | None = None) -> Protocol:
    """The protocol written in this YAML text; raises ProtocolMistake naming the place and the remedy."""
    file, protocol = open_protocol(text, settled or {})
    file.done()
    return protocol


def open_protocol(text: str, settled: Mapping[str, Value]) -> tuple[Table, Protocol]:
    """As `load_protocol`, for a file with parts of its own: the caller takes them, then says `done`."""
    file = Table(parse(text, ProtocolMistake), "protocol", ProtocolMistake)
    file.where = name = file.text("protocol")
    sources = file.plain("sources")
    written = {key: read_parameter(part, sources) for key, part in file.named("parameters").items()}
    parameters = settle(name, written, settled)
    acts = {key: _act(key, part, parameters, sources) for key, part in file.named("acts").items()}
    courses = {}
    for key, part in file.named("courses").items():
        if key not in ANCHORS:
            raise ProtocolMistake(f"{name}: courses: '{key}' is no anchor; known: {', '.join(ANCHORS)}")
        courses[key] = _chosen_model(part, acts, parameters, sources)
    protocol = Protocol(
        name=name,
        country=file.text("country"),
        title_fr=file.text("title_fr"),
        source_date=file.text("source_date"),
        label_fr=file.text("label_fr"),
        sources=sources,
        parameters=parameters,
        contacts=courses,  # type: ignore[arg-type]  # each key was just seen to be an anchor
        text=text,
        settled=dict(settled),
    )
    return file, protocol


def read_built_in(name: str) -> str:
    """The text of a protocol that comes with the product."""
    path = FOLDER / f"{name}.yaml"
    if not re.fullmatch(r"[a-z0-9-]+", name) or not path.is_file():
        known = ", ".join(sorted(file.stem for file in FOLDER.glob("*.yaml")))
        raise ProtocolMistake(f"no protocol '{name}' comes with the product; known: {known}")
    return path.read_text(encoding="utf-8")


def _act(key: str, part: Table, parameters: Mapping[str, Parameter], sources: Mapping[str, str]) -> Act:
    found = Act(
        id=key,
        text_fr=filled(part, "text_fr", parameters),
        first=part.maybe("first", lambda key: offset(part, key, parameters)),
        last=part.maybe("last", lambda key: offset(part, key, parameters)),
        carried=part.yes("carried"),
    )
    how_sure(part, sources)
    part.done()
    return found


def _chosen_model(
    part: Table, acts: Mapping[str, Act], parameters: Mapping[str, Parameter], sources: Mapping[str, str]
) -> tuple[ContactRule, ...]:
    """All models are read and checked; the one that the parameter names is taken."""
    by = part.text("chosen_by")
    models = {}
    for name, model in part.named("models").items():
        how_sure(model, sources)
        models[name] = _contacts(model, acts, lambda one, key: offset(one, key, parameters))
        model.done()
    part.done()
    chooses = parameters.get(by)
    if chooses is None or set(chooses.one_of) != set(models):
        raise ProtocolMistake(f"{part.where}: '{by}' must be a parameter with one_of: {', '.join(models)}")
    return models[str(chooses.value)]


Offset = Callable[[Table, str], int]


def _contacts(model: Table, acts: Mapping[str, Act], read: Offset) -> tuple[ContactRule, ...]:
    parts = model.tables("contacts")
    if not parts:
        raise ProtocolMistake(f"{model.where}: 'contacts' is empty")
    opens = [read(part, "opens") for part in parts]
    silent_from = model.maybe("silent_from", lambda key: read(model, key))
    rules: list[ContactRule] = []
    for part, after in zip(parts, [*opens[1:], None], strict=True):
        rules.append(_contact(part, acts, read, after)._replace(silent_from=silent_from))
        part.done()
        ids = [rule.id for rule in rules]
        if ids.count(ids[-1]) > 1:
            raise ProtocolMistake(f"{part.where}: contact '{ids[-1]}' is there twice")
        if rules[-1].follows and rules[-1].follows not in ids[:-1]:
            raise ProtocolMistake(f"{part.where}: '{ids[-1]}' follows '{rules[-1].follows}', which is not before it")
    if any(rule.repeats for rule in rules) and len(rules) > 1:
        raise ProtocolMistake(f"{model.where}: a contact that repeats stands alone")
    for before, rule in pairwise(rules):
        if not rule.follows and (before.last is None or rule.opens <= before.last):
            raise ProtocolMistake(f"{model.where}: '{rule.id}' opens before '{before.id}' has ended")
    return tuple(rules)


def _contact(part: Table, acts: Mapping[str, Act], read: Offset, next_opens: int | None) -> ContactRule:
    opens, best = read(part, "opens"), read(part, "best")
    announced = part.text("closes") == ANNOUNCED
    closes = None if announced else read(part, "closes")
    rule = ContactRule(
        id=part.text("contact"),
        opens=opens,
        best=best,
        closes=closes,
        last=_last_day(part, closes, next_opens, read),
        acts=tuple(_known_act(part, name, acts) for name in part.texts("acts")),
        remind=part.one_of("remind", ("true", "false")) == "true",
        follows=part.maybe("follows", part.text),
        repeats=part.yes("repeats"),
    )
    if not opens <= best or (closes is not None and not best <= closes):
        raise ProtocolMistake(f"{part.where}: 'best' must be within 'opens' and 'closes'")
    return rule


def _last_day(part: Table, closes: int | None, next_opens: int | None, read: Offset) -> int | None:
    said = part.text("caught_up")
    if closes is None:
        part.one_of("caught_up", (NEVER,))
        return None
    if said == NEVER:
        return closes
    if said == NEXT and next_opens is None:
        raise part.wrong("caught_up", "'never' or a last day: no contact comes after this one")
    last = next_opens - 1 if said == NEXT and next_opens is not None else read(part, "caught_up")
    if last < closes:
        raise part.wrong("caught_up", "a day on or after 'closes', and before the next contact opens")
    return last


def _known_act(part: Table, name: str, acts: Mapping[str, Act]) -> Act:
    if name not in acts:
        raise ProtocolMistake(f"{part.where}: act '{name}' is not in 'acts'")
    return acts[name]
