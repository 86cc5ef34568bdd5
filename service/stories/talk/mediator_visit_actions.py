"""What the mediator's conversation does besides doses: a visit at home, a consent, her list, another PIN.

All of it by call, and each action asks again whether the account is open: it may have been locked or closed meanwhile.
"""

from __future__ import annotations

from sqlalchemy.engine import Connection

from flows.engine import Outcome
from flows.findings import Signature
from service.domain import pins, visit_rules
from service.domain.visit_rules import Status
from service.store import mediator_tables, place_tables
from service.store.consent_tables import FOLLOW_UP
from service.store.people_tables import Child
from service.stories.care import home_visits
from service.stories.care.home_visits import Found
from service.stories.homes import told_consents
from service.stories.homes.consents import CAMPAIGN, Words
from service.stories.homes.told_consents import Told
from service.stories.recall import late_list
from service.stories.recall.late_list import LateChild
from service.stories.staff import mediator_accounts, mediator_doses
from service.stories.talk.mediator_actions import CODE_DIGITS
from service.stories.talk.situation import Deed, Situation, Values, row_id
from service.stories.talk.wording import born_label

ELSEWHERE = "elsewhere"
ANOTHER_PLACE = {"fr": "Ailleurs, autre ville", "bm": "Yɔrɔ wɛrɛ", "en": "Elsewhere"}
MOST_LISTED = 40
"""On a handset: ten pages of four. The whole list is on paper."""


def _visit_code(tx: Connection, situation: Situation, args: Values) -> Outcome:
    one = mediator_accounts.active_on(tx, situation.number)
    if one is None:
        return Outcome(False)
    try:
        return _named(situation, mediator_doses.find_child(tx, one, f"{args['code']:0{CODE_DIGITS}d}"))
    except mediator_doses.Refused:
        return _named(situation, None)


def _visit_listed(tx: Connection, situation: Situation, args: Values) -> Outcome:
    one = mediator_accounts.active_on(tx, situation.number)
    return _named(situation, _her_child(tx, situation, args["child"])) if one else Outcome(False)


def _named(situation: Situation, child: Child | None) -> Outcome:
    if child is None:
        return Outcome(True, {"found": "no", "qui": "", "lequel": ""})
    return Outcome(True, {"found": "yes", "qui": born_label(child, situation.language), "lequel": str(child.id)})


def _late_here(tx: Connection, situation: Situation, args: Values) -> Outcome:
    one = mediator_accounts.active_on(tx, situation.number)
    if one is None:
        return Outcome(False)
    zones = [zone_id for zone_id, _ in mediator_tables.zones_of(tx, one.id)]
    found = late_list.late_children(tx, situation.runtime, zones, situation.today, MOST_LISTED)
    return Outcome(True, options=tuple((str(each.child.id), _line(each)) for each in found))


def _line(late: LateChild) -> dict[str, str]:
    """'4821 7730, 21 j': whoever looks over her shoulder learns nothing."""
    code, days = f"{late.code[:4]} {late.code[4:]}", late.days_late
    return {"fr": f"{code}, {days} j", "bm": f"{code}, tile {days}", "en": f"{code}, {days} d"}


def _other_places(tx: Connection, situation: Situation, args: Values) -> Outcome:
    child = _her_child(tx, situation, args["child"])
    if child is None:
        return Outcome(False)
    zones = [(str(zone_id), name) for zone_id, name in place_tables.zones(tx) if zone_id != child.zone_id]
    return Outcome(True, options=((ELSEWHERE, ANOTHER_PLACE), *zones))


def _record_visit(tx: Connection, situation: Situation, args: Values) -> Outcome:
    status = next((each for each in visit_rules.RULES if each == args["status"] and each != "moved"), None)
    return _record(tx, situation, args["child"], status, None) if status else Outcome(False)


def _record_move(tx: Connection, situation: Situation, args: Values) -> Outcome:
    zone_id = row_id(args["zone"])
    if zone_id is None and args["zone"] != ELSEWHERE:
        return Outcome(False)
    return _record(tx, situation, args["child"], "moved", zone_id)


def _record(tx: Connection, situation: Situation, child_id: str, status: Status, zone_id: int | None) -> Outcome:
    one, child = mediator_accounts.active_on(tx, situation.number), _her_child(tx, situation, child_id)
    if one is None or child is None:
        return Outcome(False)
    try:
        found = Found(status, situation.today, zone_id)
        home_visits.record(tx, situation.runtime, one, child, found, situation.now)
    except mediator_doses.Refused:
        return Outcome(False)
    return Outcome(True)


def _record_consent(tx: Connection, situation: Situation, args: Values) -> Outcome:
    one, child = mediator_accounts.active_on(tx, situation.number), _her_child(tx, situation, args["child"])
    if one is None or child is None or args["answer"] not in _ANSWERS or args["purpose"] not in _ASKED:
        return Outcome(False)
    given, how = _ANSWERS[args["answer"]]
    words, by = Words(situation.words, situation.language, how), mediator_accounts.signature(one)
    told = Told(args["purpose"], given, situation.today, words, by)
    mediator_accounts.note_use(tx, one, situation.now)
    try:
        told_consents.write_down(tx, situation.runtime, child, told, situation.now)
    except told_consents.Refused:
        return Outcome(True, {"garde": False})
    return Outcome(True, {"garde": True})


def _change_pin(tx: Connection, situation: Situation, args: Values) -> Outcome:
    former, new, again = (f"{args[name]:0{pins.DIGITS}d}" for name in ("former", "new", "again"))
    changed = mediator_accounts.change_own_pin(tx, situation.number, former, new, again, situation.now)
    return Outcome(True, {"changed": changed})


def _her_child(tx: Connection, situation: Situation, child_id: str) -> Child | None:
    """The followed child of her quartiers; a progress that was tampered with gets nothing."""
    one, wanted = mediator_accounts.active_on(tx, situation.number), row_id(child_id)
    return mediator_tables.child_of_id(tx, one.id, wanted) if one and wanted is not None else None


_ANSWERS = {
    "dit": (True, told_consents.SPOKEN),
    "papier": (True, told_consents.PAPER),
    "non": (False, told_consents.SPOKEN),
}
_ASKED = (FOLLOW_UP, CAMPAIGN)
_NAMED = {"found": "choice", "qui": "text", "lequel": "choice"}
DEEDS = {
    "visit_code": Deed(_visit_code, Signature({"code": "number"}, _NAMED, writes=False), by_call=True),
    "visit_listed": Deed(_visit_listed, Signature({"child": "id"}, _NAMED, writes=False), by_call=True),
    "late_here": Deed(_late_here, Signature(options=True, writes=False), by_call=True),
    "other_places": Deed(_other_places, Signature({"child": "id"}, options=True, writes=False), by_call=True),
    "record_visit": Deed(_record_visit, Signature({"child": "id", "status": "choice"}), by_call=True),
    "record_move": Deed(_record_move, Signature({"child": "id", "zone": "id"}), by_call=True),
    "record_consent": Deed(
        _record_consent,
        Signature({"child": "id", "purpose": "choice", "answer": "choice"}, {"garde": "yes_no"}),
        by_call=True,
    ),
    "change_pin": Deed(
        _change_pin,
        Signature({"former": "number", "new": "number", "again": "number"}, {"changed": "choice"}),
        by_call=True,
    ),
}
