"""What the conversations about a child do: enrol it, show its next visit, no longer follow it."""

from __future__ import annotations

from typing import Any

from sqlalchemy.engine import Connection

from flows.engine import Outcome
from flows.findings import Signature
from service.domain import ages, visits
from service.store import phone_tables, place_tables
from service.store.consent_tables import FOLLOW_UP
from service.stories.homes import consents, families
from service.stories.talk.situation import (
    Deed,
    Situation,
    Values,
    caller,
    decided_on,
    own_child,
    own_children,
    words_shown,
)
from service.stories.talk.wording import birth_label, place_label, short_date, visit_label


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
        consent=words_shown(situation),
    )
    if args["consent"] != "oui":
        return Outcome(False)
    try:
        enrolled = families.enrol_child(tx, situation.runtime, situation.number, enrolment, situation.now)
    except families.CannotEnrol:
        return Outcome(False)
    # Where SMS are stopped it is no moment to offer more of them.
    stopped = phone_tables.opted_out(tx, phone_tables.index_of(tx, situation.number), consents.CAMPAIGN)
    to_ask = enrolled.to_ask and not stopped
    return Outcome(True, {"child_code": enrolled.code, **_visit(enrolled.next_visit), "demander": to_ask})


def _agree_to_more(tx: Connection, situation: Situation, args: Values) -> Outcome:
    """Informations and visits at home, each a yes or a no of its own, of whoever enrolled the child."""
    found = caller(tx, situation)
    if found is None or found.person_id is None or args["answer"] not in _MORE:
        return Outcome(False)
    if consents.is_to_be_asked(tx, found.person_id):  # elsewhere she may have chosen meanwhile
        for purpose, given in zip((FOLLOW_UP, consents.CAMPAIGN), _MORE[args["answer"]], strict=True):
            consents.keep(tx, found.person_id, purpose, words_shown(situation), situation.now, given=given)
    return Outcome(True)


def _my_children(tx: Connection, situation: Situation, args: Values) -> Outcome:
    children = own_children(tx, situation)
    labels = tuple((str(child.id), birth_label(place, child)) for place, child in enumerate(children, 1))
    return Outcome(True, options=labels)


def _next_visit(tx: Connection, situation: Situation, args: Values) -> Outcome:
    child = own_child(tx, situation, args["child"])
    if child is None:
        return Outcome(False)
    visit = families.next_visit(tx, situation.runtime, child, situation.today)
    days = (situation.today - visit.on).days if visit.on and visit.state == "late" else 0
    told = {
        **_visit(visit),
        "centre": visit.centre or place_label(None, situation.language),
        "state": visit.state,
        "days": max(days, 0),
        "child_code": families.show_code(child.code),
    }
    return Outcome(True, told)


def _stop_child(tx: Connection, situation: Situation, args: Values) -> Outcome:
    child = own_child(tx, situation, args["child"])
    if child is None:
        return Outcome(False)
    if not decided_on(tx, situation, [child]):
        return Outcome(True, {"decide": False})
    families.stop_child(tx, situation.runtime, child.id, situation.now)
    return Outcome(True, {"decide": True})


def _visit(visit: families.Visit) -> dict[str, Any]:
    return {"due": short_date(visit.on) if visit.on else "", "centre": visit.centre}


_MORE = {"les_deux": (True, True), "passages": (True, False), "infos": (False, True), "non": (False, False)}
"""answer -> visits at home, informations."""
_VISIT = {"due": "text", "centre": "text"}
_ENROLMENT = {
    "name": "text",
    "birth": "date",
    "precision": "choice",
    "sex": "choice",
    "zone": "id",
    "last_visit": "choice",
    "last_visit_on": "date?",
    "consent": "choice",
}
DEEDS = {
    "quartiers": Deed(_quartiers, Signature(options=True, writes=False)),
    "visits_so_far": Deed(_visits_so_far, Signature({"birth": "date"}, options=True, writes=False)),
    "date_of_age": Deed(_date_of_age, Signature({"age": "number", "unit": "choice"}, {"birth": "date"}, writes=False)),
    "enrol_child": Deed(_enrol_child, Signature(_ENROLMENT, {"child_code": "text", **_VISIT, "demander": "yes_no"})),
    "agree_to_more": Deed(_agree_to_more, Signature({"answer": "choice"})),
    "my_children": Deed(_my_children, Signature(options=True, writes=False)),
    "next_visit": Deed(
        _next_visit,
        Signature({"child": "id"}, {**_VISIT, "state": "choice", "days": "number", "child_code": "text"}, writes=False),
    ),
    "stop_child": Deed(_stop_child, Signature({"child": "id"}, {"decide": "yes_no"}), by_call=True),
}
