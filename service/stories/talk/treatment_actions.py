"""What a mediator's conversation about malnourished children does: take one in, note a measure, send on, or close.

All of it by call after her PIN, and each action asks again whether her account is open. A child of another quartier is
as unknown to her as a code that nobody has. No ration is said here: it is the centre's.
"""

from __future__ import annotations

from sqlalchemy.engine import Connection

from flows.engine import Outcome
from flows.findings import Signature
from service.domain.rations import Discharge, Referred
from service.store import treatment_tables
from service.store.mediator_tables import Mediator
from service.store.people_tables import Child
from service.stories.care import treatments
from service.stories.care.treatments import Answer, Refused, Seen
from service.stories.homes.consents import Words
from service.stories.staff import mediator_accounts
from service.stories.talk.situation import Deed, Situation, Values
from service.stories.talk.wording import born_label, short_date

CODE_DIGITS = 8


def _treatment_seen(tx: Connection, situation: Situation, args: Values) -> Outcome:
    if mediator_accounts.active_on(tx, situation.number) is None:
        return Outcome(False)
    found = _hers(tx, situation, args)
    if found is None:
        return Outcome(True, {"found": "no", "enfant": ""})
    state = "open" if treatment_tables.open_of(tx, found[1].id) else "new"
    return Outcome(True, {"found": state, "enfant": born_label(found[1], situation.language)})


def _open_treatment(tx: Connection, situation: Situation, args: Values) -> Outcome:
    found = _hers(tx, situation, args)
    if found is None or args["consent"] != "oui":
        return Outcome(False)
    one, child = found
    consent = Words(situation.words, situation.language, "told")
    by = mediator_accounts.signature(one)
    try:
        answer = treatments.open_treatment(
            tx, situation.runtime, child, _seen(situation, args), consent, by, situation.now
        )
    except Refused as refused:
        return _refused(refused)
    return _noted(tx, situation, one, answer)


def _note_measure(tx: Connection, situation: Situation, args: Values) -> Outcome:
    found = _hers(tx, situation, args)
    if found is None:
        return Outcome(False)
    one, child = found
    by = mediator_accounts.signature(one)
    try:
        answer = treatments.record_visit(tx, situation.runtime, child, _seen(situation, args), by, situation.now)
    except Refused as refused:
        return _refused(refused)
    return _noted(tx, situation, one, answer)


def _send_child_on(tx: Connection, situation: Situation, args: Values) -> Outcome:
    found = _hers(tx, situation, args)
    if found is None:
        return Outcome(False)
    one, child = found
    sent = treatments.send_on(tx, situation.runtime, child, mediator_accounts.signature(one), situation.now)
    return _noted(tx, situation, one, sent)


def _end_treatment(tx: Connection, situation: Situation, args: Values) -> Outcome:
    found = _hers(tx, situation, args)
    if found is None:
        return Outcome(False)
    one, child = found
    try:
        by = mediator_accounts.signature(one)
        treatments.end(tx, situation.runtime, child, args["why"], by, situation.now)
    except Refused:
        return Outcome(False)
    mediator_accounts.note_use(tx, one, situation.now)
    return Outcome(True)


def _seen(situation: Situation, args: Values) -> Seen:
    return Seen(situation.today, args["mm"], args["oedema"] == "oui")


def _noted(tx: Connection, situation: Situation, one: Mediator, answer: Answer) -> Outcome:
    mediator_accounts.note_use(tx, one, situation.now)
    if isinstance(answer, Discharge):
        return Outcome(True, {"noted": "recovered", "next_on": ""})
    if isinstance(answer, Referred):
        return Outcome(True, {"noted": "sent", "next_on": short_date(answer.seen_again_on)})
    return Outcome(True, {"noted": "yes", "next_on": short_date(answer.on)})


def _refused(why: Refused) -> Outcome:
    state = why.reason if why.reason in ("green", "age", "same_day") else "no"
    return Outcome(True, {"noted": state, "next_on": ""})


def _hers(tx: Connection, situation: Situation, args: Values) -> tuple[Mediator, Child] | None:
    """The followed child of her quartiers with this whole code, and who she is; None for any other."""
    one = mediator_accounts.active_on(tx, situation.number)
    if one is None:
        return None
    try:
        return one, treatments.find(tx, f"{args['code']:0{CODE_DIGITS}d}", one.id)
    except Refused:
        return None


_CODE = {"code": "number"}
_ARM = {**_CODE, "mm": "number", "oedema": "choice"}
_NOTED = {"noted": "choice", "next_on": "text"}
DEEDS = {
    "treatment_seen": Deed(
        _treatment_seen, Signature(_CODE, {"found": "choice", "enfant": "text"}, writes=False), by_call=True
    ),
    "open_treatment": Deed(_open_treatment, Signature({**_ARM, "consent": "choice"}, _NOTED), by_call=True),
    "note_measure": Deed(_note_measure, Signature(_ARM, _NOTED), by_call=True),
    "send_child_on": Deed(_send_child_on, Signature(_CODE, _NOTED), by_call=True),
    "end_treatment": Deed(_end_treatment, Signature({**_CODE, "why": "choice"}), by_call=True),
}
