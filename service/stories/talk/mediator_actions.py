"""What the mediator's conversation does: open her account by its PIN, find a child, write down what was given today.

All of it by call, and each action asks again whether the account is open: it may have been locked or closed meanwhile.
"""

from __future__ import annotations

from sqlalchemy.engine import Connection

from flows.engine import Outcome
from flows.findings import Signature
from service.domain import pins
from service.domain.dose_words import DoseWord
from service.store.mediator_tables import Mediator
from service.store.people_tables import Child
from service.stories.care import care
from service.stories.staff import mediator_accounts, mediator_doses
from service.stories.talk.situation import Deed, Situation, Values
from service.stories.talk.wording import born_label, short_date

ALL = "all"
EVERY_DOSE = {"fr": "Toutes", "bm": "Bɛɛ", "en": "All of them"}
CODE_DIGITS = 8


def _open_account(tx: Connection, situation: Situation, args: Values) -> Outcome:
    typed = f"{args['pin']:0{pins.DIGITS}d}"  # a number loses the noughts before it
    opened = mediator_accounts.check_pin(tx, situation.number, typed, situation.now)
    return Outcome(True, {"opened": "yes" if opened else "no"})


def _child_seen(tx: Connection, situation: Situation, args: Values) -> Outcome:
    one = mediator_accounts.active_on(tx, situation.number)
    if one is None:
        return Outcome(False)
    child = _child(tx, one, args["code"])
    if child is None:
        return Outcome(True, {"found": "no", "enfant": ""})
    return Outcome(True, {"found": "yes", "enfant": born_label(child, situation.language)})


def _doses_due(tx: Connection, situation: Situation, args: Values) -> Outcome:
    child = _her_child(tx, situation, args)
    if child is None:
        return Outcome(False)
    due = _due(tx, situation, child)
    lines = tuple((name, name) for name in due)
    return Outcome(True, options=((ALL, EVERY_DOSE), *lines) if len(due) > 1 else lines)


def _record_seen(tx: Connection, situation: Situation, args: Values) -> Outcome:
    one, child = mediator_accounts.active_on(tx, situation.number), _her_child(tx, situation, args)
    if one is None or child is None:
        return Outcome(False)
    due = _due(tx, situation, child)
    chosen = due if args["dose"] == ALL else [name for name in due if name == args["dose"]]
    antigens = [situation.runtime.calendar.dose(name)[0].record_as for name in chosen]
    told = [DoseWord(antigen, None) for antigen in dict.fromkeys(antigens)]
    try:
        found = mediator_doses.record(tx, situation.runtime, one, child, told, situation.today, situation.now)
    except mediator_doses.Refused:
        return Outcome(False)
    state = "left" if found.left else "coming" if found.next_on else "complete"
    on = short_date(found.next_on) if found.next_on else ""
    return Outcome(True, {"noted": " ".join(chosen) or str(args["dose"]), "state": state, "on": on})


def _due(tx: Connection, situation: Situation, child: Child) -> list[str]:
    """The doses that can be given today, in the order of the booklet."""
    return [due.dose for due in care.assess(tx, situation.runtime, child, situation.today).due]


def _her_child(tx: Connection, situation: Situation, args: Values) -> Child | None:
    one = mediator_accounts.active_on(tx, situation.number)
    return _child(tx, one, args["code"]) if one else None


def _child(tx: Connection, one: Mediator, code: int) -> Child | None:
    """The followed child of her quartiers with this whole code; None for any other."""
    try:
        return mediator_doses.find_child(tx, one, f"{code:0{CODE_DIGITS}d}")
    except mediator_doses.Refused:
        return None


DEEDS = {
    "open_account": Deed(_open_account, Signature({"pin": "number"}, {"opened": "choice"}), by_call=True),
    "child_seen": Deed(
        _child_seen, Signature({"code": "number"}, {"found": "choice", "enfant": "text"}, writes=False), by_call=True
    ),
    "doses_due": Deed(_doses_due, Signature({"code": "number"}, options=True, writes=False), by_call=True),
    "record_seen": Deed(
        _record_seen,
        Signature({"code": "number", "dose": "id"}, {"noted": "text", "state": "choice", "on": "text"}),
        by_call=True,
    ),
}
