"""Who asks, where and when: what an action may know besides its arguments, and how actions are declared."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeAlias

from sqlalchemy.engine import Connection

from flows.engine import Outcome
from flows.findings import Signature
from service.runtime import Runtime
from service.store import family_changes, people_tables
from service.store.people_tables import Caller, Child
from service.stories.homes.consents import Words

Values: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Situation:
    """`step` names this keystroke; `words` names the flow and its content, `language` the one on the screen.

    `way` is how we are talked to: "ussd" or "sms"; `origin` is the conversation, the same after a cut and a redial.
    """

    runtime: Runtime
    now: int
    today: date
    number: str
    channel: str
    step: str
    words: str
    language: str = "fr"
    way: str = "ussd"
    origin: int = 0


@dataclass(frozen=True, slots=True)
class Deed:
    """One `do:` or `options_from:`: what runs in the keystroke's transaction, and what the checker knows of it.

    `by_call`: never by SMS, which anybody can send in another's name; there it fails as foreseen by the flow.
    """

    run: Callable[[Connection, Situation, Values], Outcome]
    signature: Signature
    by_call: bool = False


def row_id(chosen: object) -> int | None:
    """The id that a choice from data carries; None when it cannot be one of ours."""
    found = re.fullmatch(r"[0-9]{1,19}", str(chosen))
    return int(found[0]) if found and int(found[0]) < 2**63 else None


def caller(tx: Connection, situation: Situation) -> Caller | None:
    """Who may be behind the phone; None when it never called before."""
    return people_tables.find_caller(tx, situation.number)


def words_shown(situation: Situation) -> Words:
    """What a yes or a no on this screen answers."""
    return Words(situation.words, situation.language, situation.way)


def own_children(tx: Connection, situation: Situation) -> list[Child]:
    """The followed children that this phone serves."""
    found = caller(tx, situation)
    return people_tables.children_on_phone(tx, found.phone_id) if found else []


def own_child(tx: Connection, situation: Situation, child_id: str) -> Child | None:
    """The child, only if it is one of this phone's: a progress that was tampered with gets nothing."""
    return next((child for child in own_children(tx, situation) if str(child.id) == child_id), None)


def decided_on(tx: Connection, situation: Situation, children: Iterable[Child]) -> list[Child]:
    """Those of the phone's children whose family is not written to on another phone, where a second number decides
    nothing. Their households are locked."""
    found = caller(tx, situation)
    in_order = sorted(children, key=lambda one: one.household_id)
    return [one for one in in_order if found and family_changes.decides(tx, one.household_id, found.phone_id)]
