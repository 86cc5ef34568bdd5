"""What a flow's decisions do: one line for each event and for each action, all in the keystroke's transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy.engine import Connection

from flows.check import Signature
from flows.engine import Action, Event, FlowEnded, LanguageChosen, Outcome, TextSent
from service.domain import ages, visits
from service.runtime import Runtime
from service.store import people_tables, phone_tables, place_tables
from service.store.people_tables import Caller
from service.stories import families, opt_outs, outbox
from service.stories.wording import birth_label, short_date, visit_label

Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Situation:
    """Who asks, where and when: what an effect may know besides its arguments.

    `step` names this keystroke; `words` names the flow and its content, `language` the one on the screen.
    """

    runtime: Runtime
    now: int
    today: date
    number: str
    channel: str
    step: str
    words: str
    language: str = "fr"


def facts(tx: Connection, situation: Situation, caller: Caller | None) -> dict[str, Any]:
    """What the first menu needs to know about the caller."""
    children = people_tables.children_on_phone(tx, caller.phone_id) if caller else []
    number_idx = situation.runtime.vault.index(situation.number)
    return {
        "langue_connue": bool(caller and caller.language),
        "enfants": len(children),
        "messages_arretes": phone_tables.opted_out(tx, number_idx, "reminder"),
        "code": situation.runtime.config.service_code,
    }


def carry_out(tx: Connection, situation: Situation, events: Iterable[Event]) -> None:
    for event in events:
        EVENTS[type(event)](tx, situation, event)


def perform(tx: Connection, situation: Situation, action: Action) -> Outcome:
    """Run one `do:` or `options_from:`. An outcome that is not ok is foreseen by the flow; a bug rises."""
    return ACTIONS[action.name](tx, situation, action.args)


# --- events -------------------------------------------------------------------------------------------------


def _language_chosen(tx: Connection, situation: Situation, event: LanguageChosen) -> None:
    phone = phone_tables.ensure_phone(tx, situation.number, situation.now)
    phone_tables.set_language(tx, phone.id, event.language)


def _text_sent(tx: Connection, situation: Situation, event: TextSent) -> None:
    outbox.put(
        tx,
        situation.now,
        outbox.Letter(
            to=situation.number,
            text=event.text,
            key=f"flow:{situation.step}",
            purpose="reply",
            klass="once",
            not_before=situation.now,
            useful_until=situation.now + 86_400_000,
            hours="any",
        ),
    )


def _flow_ended(tx: Connection, situation: Situation, event: FlowEnded) -> None:
    """Nothing to do: the conversation's row says that it ended."""


EVENTS: dict[type, Callable[[Connection, Situation, Any], None]] = {
    LanguageChosen: _language_chosen,
    TextSent: _text_sent,
    FlowEnded: _flow_ended,
}


# --- actions ------------------------------------------------------------------------------------------------


def _quartiers(tx: Connection, situation: Situation, args: Values) -> Outcome:
    return Outcome(True, options=tuple((str(id), name) for id, name in place_tables.zones(tx)))


def _visits_so_far(tx: Connection, situation: Situation, args: Values) -> Outcome:
    made = visits.visits_so_far(situation.runtime.calendar, args["birth"], situation.today)
    return Outcome(True, options=tuple((visit, visit_label(visit)) for visit in ("none", *made)))


def _date_of_age(tx: Connection, situation: Situation, args: Values) -> Outcome:
    birth = ages.birth_of_age(situation.today, args["age"], args["unit"])
    return Outcome(True, {"birth": birth})


def _enrol_child(tx: Connection, situation: Situation, args: Values) -> Outcome:
    enrolment = families.Enrolment(
        name=args["name"],
        born_on=args["birth"],
        birth_precision=args["precision"],
        sex=args["sex"],
        zone_id=int(args["zone"]),
        last_visit=args["last_visit"],
        last_visit_on=args["last_visit_on"],
        consent=families.Consent(situation.words, situation.language, "ussd"),
    )
    if args["consent"] != "oui":
        return Outcome(False)
    try:
        enrolled = families.enrol_child(tx, situation.runtime, situation.number, enrolment, situation.now)
    except families.CannotEnrol:
        return Outcome(False)
    return Outcome(True, {"code": enrolled.code, **_visit(enrolled.next_visit)})


def _my_children(tx: Connection, situation: Situation, args: Values) -> Outcome:
    caller = people_tables.find_caller(tx, situation.number)
    children = people_tables.children_on_phone(tx, caller.phone_id) if caller else []
    return Outcome(
        True, options=tuple((str(child.id), birth_label(place, child)) for place, child in enumerate(children, 1))
    )


def _next_visit(tx: Connection, situation: Situation, args: Values) -> Outcome:
    child = _own_child(tx, situation, args["child"])
    if child is None:
        return Outcome(False)
    visit = families.next_visit(tx, situation.runtime, child, situation.today)
    centre = visit.centre or situation.runtime.phrases.say("centre.unknown", situation.language)
    told = {**_visit(visit), "centre": centre, "state": visit.state, "code": families.show_code(child.code)}
    return Outcome(True, told)


def _stop_child(tx: Connection, situation: Situation, args: Values) -> Outcome:
    child = _own_child(tx, situation, args["child"])
    if child is None:
        return Outcome(False)
    families.stop_child(tx, situation.runtime, child.id, situation.now)
    return Outcome(True)


def _stop_messages(tx: Connection, situation: Situation, args: Values) -> Outcome:
    opt_outs.stop(tx, situation.runtime, situation.number, "ussd", situation.now)
    return Outcome(True)


def _start_messages(tx: Connection, situation: Situation, args: Values) -> Outcome:
    opt_outs.start(tx, situation.runtime, situation.number, situation.now)
    return Outcome(True)


def _own_child(tx: Connection, situation: Situation, child_id: str) -> people_tables.Child | None:
    """The child, only if it is one of this phone's: a progress that was tampered with gets nothing."""
    caller = people_tables.find_caller(tx, situation.number)
    children = people_tables.children_on_phone(tx, caller.phone_id) if caller else []
    return next((child for child in children if str(child.id) == child_id), None)


def _visit(visit: families.Visit) -> dict[str, Any]:
    return {"due": short_date(visit.on) if visit.on else "", "centre": visit.centre}


ACTIONS: dict[str, Callable[[Connection, Situation, Values], Outcome]] = {
    "quartiers": _quartiers,
    "visits_so_far": _visits_so_far,
    "date_of_age": _date_of_age,
    "enrol_child": _enrol_child,
    "my_children": _my_children,
    "next_visit": _next_visit,
    "stop_child": _stop_child,
    "stop_messages": _stop_messages,
    "start_messages": _start_messages,
}

_VISIT = {"due": "text", "centre": "text"}
SIGNATURES: dict[str, Signature] = {
    "quartiers": Signature({}, {}, options=True, writes=False),
    "visits_so_far": Signature({"birth": "date"}, {}, options=True, writes=False),
    "date_of_age": Signature({"age": "number", "unit": "choice"}, {"birth": "date"}, options=False, writes=False),
    "enrol_child": Signature(
        {
            "name": "text",
            "birth": "date",
            "precision": "choice",
            "sex": "choice",
            "zone": "id",
            "last_visit": "choice",
            "last_visit_on": "date?",
            "consent": "choice",
        },
        {"code": "text", **_VISIT},
        options=False,
        writes=True,
    ),
    "my_children": Signature({}, {}, options=True, writes=False),
    "next_visit": Signature(
        {"child": "id"}, {**_VISIT, "state": "choice", "code": "text"}, options=False, writes=False
    ),
    "stop_child": Signature({"child": "id"}, {}, options=False, writes=True),
    "stop_messages": Signature({}, {}, options=False, writes=True),
    "start_messages": Signature({}, {}, options=False, writes=True),
}
"""What the checker knows about each action; a test holds this table and `ACTIONS` together."""
