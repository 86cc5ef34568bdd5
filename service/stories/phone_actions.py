"""What the conversations about this phone do: stop and start its messages, all or by purpose."""

from __future__ import annotations

from sqlalchemy.engine import Connection

from flows.check import Signature
from flows.engine import Outcome
from service.store import phone_tables
from service.stories import families, opt_outs, pauses, spoken
from service.stories.families import Consent
from service.stories.situation import Deed, Situation, Values, caller, own_children

_STOPPABLE = (opt_outs.EVERYTHING, *opt_outs.PURPOSES)


def _my_messages(tx: Connection, situation: Situation, args: Values) -> Outcome:
    number_idx = phone_tables.index_of(tx, situation.number)
    comes = {purpose: not phone_tables.opted_out(tx, number_idx, purpose) for purpose in opt_outs.PURPOSES}
    children = own_children(tx, situation)
    refused = bool(children) and all(child.quiet_why == pauses.REFUSED for child in children)
    found = phone_tables.find_phone(tx, situation.number)
    by_voice = found is not None and phone_tables.is_by_voice(tx, found.id)
    reminded = comes["reminder"] and not refused
    return Outcome(True, {"rappels": reminded, "infos": comes["campaign"], "appels": by_voice})


def _stop_messages(tx: Connection, situation: Situation, args: Values) -> Outcome:
    if args["purpose"] not in _STOPPABLE:
        return Outcome(False)
    opt_outs.stop(tx, situation.runtime, situation.number, situation.way, situation.now, purpose=args["purpose"])
    return Outcome(True)


def _start_messages(tx: Connection, situation: Situation, args: Values) -> Outcome:
    if args["purpose"] not in _STOPPABLE:
        return Outcome(False)
    opt_outs.start(tx, situation.runtime, situation.number, situation.now, purpose=args["purpose"], how=situation.way)
    return Outcome(True)


def _choose_calls(tx: Connection, situation: Situation, args: Values) -> Outcome:
    """Reminders come as calls. Only where this line can call, and for a phone that serves children of ours."""
    found, children = caller(tx, situation), own_children(tx, situation)
    if args["consent"] != "oui" or found is None or found.person_id is None or not children:
        return Outcome(False)
    if not spoken.can_call(situation.runtime, situation.language):
        return Outcome(False)
    phone_tables.set_by_voice(tx, found.phone_id, True)
    consent = Consent(situation.words, situation.language, situation.way)
    for programme_id in sorted({child.programme_id for child in children}):
        families.note_consent(tx, found.person_id, programme_id, "voice", consent, situation.now)
    return Outcome(True)


def _choose_sms(tx: Connection, situation: Situation, args: Values) -> Outcome:
    found = caller(tx, situation)
    if found is None:
        return Outcome(False)
    phone_tables.set_by_voice(tx, found.phone_id, False)
    return Outcome(True)


DEEDS = {
    "my_messages": Deed(
        _my_messages, Signature({}, {"rappels": "yes_no", "infos": "yes_no", "appels": "yes_no"}, writes=False)
    ),
    "stop_messages": Deed(_stop_messages, Signature({"purpose": "choice"})),
    "start_messages": Deed(_start_messages, Signature({"purpose": "choice"})),
    "choose_calls": Deed(_choose_calls, Signature({"consent": "choice"}), by_call=True),
    "choose_sms": Deed(_choose_sms, Signature(), by_call=True),
}
