"""What the conversations about a change do: a family moved, has another number, or is not the right one."""

from __future__ import annotations

from sqlalchemy.engine import Connection

from flows.engine import Outcome
from flows.findings import Signature
from service.stories.homes import handovers, moves, wrong_numbers
from service.stories.talk.situation import (
    Deed,
    Situation,
    Values,
    caller,
    decided_on,
    own_child,
    own_children,
    row_id,
    words_shown,
)
from service.stories.talk.wording import WHOLE_FAMILY, birth_label

EVERYONE = "all"


def _my_family(tx: Connection, situation: Situation, args: Values) -> Outcome:
    children = own_children(tx, situation)
    labels = tuple((str(child.id), birth_label(place, child)) for place, child in enumerate(children, 1))
    return Outcome(True, options=((EVERYONE, WHOLE_FAMILY), *labels) if len(children) > 1 else labels)


def _move_family(tx: Connection, situation: Situation, args: Values) -> Outcome:
    children = own_children(tx, situation)
    if args["who"] != EVERYONE:
        children = [child for child in children if str(child.id) == args["who"]]
    found, zone_id = caller(tx, situation), row_id(args["zone"])
    if not children or found is None or zone_id is None:
        return Outcome(False)
    children = decided_on(tx, situation, children)
    if not children:
        return Outcome(True, {"centre": "", "decide": False})
    try:
        place = moves.move(tx, situation.runtime, children, zone_id, found.phone_id, situation.now)
    except moves.NoSuchPlace:
        return Outcome(False)
    return Outcome(True, {"centre": f"CSCom {place.centre}" if place.centre else "", "decide": True})


def _announce_phone(tx: Connection, situation: Situation, args: Values) -> Outcome:
    return _announce(tx, situation, args, handovers.INSTEAD)


def _announce_second(tx: Connection, situation: Situation, args: Values) -> Outcome:
    return _announce(tx, situation, args, handovers.BESIDE)


def _announce(tx: Connection, situation: Situation, args: Values, kind: handovers.Kind) -> Outcome:
    if args["consent"] != "oui":
        return Outcome(False)
    runtime, language = situation.runtime, situation.language
    done = handovers.announce(tx, runtime, situation.number, args["number"], language, situation.now, kind=kind)
    return Outcome(True, {"done": done})


def _second_phone(tx: Connection, situation: Situation, args: Values) -> Outcome:
    return Outcome(True, {"deja": handovers.has_second(tx, situation.number)})


def _remove_second(tx: Connection, situation: Situation, args: Values) -> Outcome:
    return Outcome(handovers.remove_second(tx, situation.runtime, situation.number, situation.now))


def _awaited(tx: Connection, situation: Situation, args: Values) -> Outcome:
    kind = handovers.awaited_as(tx, situation.number, situation.now)
    return Outcome(kind is not None, {"second": kind == handovers.BESIDE})


def _accept_handover(tx: Connection, situation: Situation, args: Values) -> Outcome:
    if args["consent"] != "oui":
        return Outcome(False)
    return Outcome(handovers.accept(tx, situation.runtime, situation.number, words_shown(situation), situation.now))


def _refuse_handover(tx: Connection, situation: Situation, args: Values) -> Outcome:
    return Outcome(handovers.refuse(tx, situation.number, situation.now))


def _claim_child(tx: Connection, situation: Situation, args: Values) -> Outcome:
    if args["consent"] != "oui":
        return Outcome(False)
    runtime, consent = situation.runtime, words_shown(situation)
    done = handovers.claim(tx, runtime, situation.number, args["code"], args["birth"], consent, situation.now)
    return Outcome(True, {"done": done})


def _not_my_child(tx: Connection, situation: Situation, args: Values) -> Outcome:
    child = own_child(tx, situation, args["child"])
    if child is None:
        return Outcome(False)
    wrong_numbers.not_my_child(tx, situation.runtime, situation.number, child, situation.now)
    return Outcome(True)


_MOVE, _MOVED = {"who": "id", "zone": "id"}, {"centre": "text", "decide": "yes_no"}
_CLAIM = {"code": "number", "birth": "number", "consent": "choice"}
DEEDS = {
    "my_family": Deed(_my_family, Signature(options=True, writes=False)),
    "move_family": Deed(_move_family, Signature(_MOVE, _MOVED), by_call=True),
    "announce_phone": Deed(
        _announce_phone, Signature({"number": "phone", "consent": "choice"}, {"done": "choice"}), by_call=True
    ),
    "announce_second": Deed(
        _announce_second, Signature({"number": "phone", "consent": "choice"}, {"done": "choice"}), by_call=True
    ),
    "second_phone": Deed(_second_phone, Signature({}, {"deja": "yes_no"}, writes=False), by_call=True),
    "remove_second": Deed(_remove_second, Signature(), by_call=True),
    "awaited": Deed(_awaited, Signature({}, {"second": "yes_no"}, writes=False), by_call=True),
    "accept_handover": Deed(_accept_handover, Signature({"consent": "choice"}), by_call=True),
    "refuse_handover": Deed(_refuse_handover, Signature(), by_call=True),
    "claim_child": Deed(_claim_child, Signature(_CLAIM, {"done": "choice"}), by_call=True),
    "not_my_child": Deed(_not_my_child, Signature({"child": "id"}), by_call=True),
}
