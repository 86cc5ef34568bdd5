"""What the conversations about this phone do: stop and start what comes, all or by purpose, and how it is worded."""

from __future__ import annotations

from sqlalchemy.engine import Connection

from flows.engine import Outcome
from flows.findings import Signature
from service.store import phone_tables
from service.store.consent_tables import FOLLOW_UP
from service.stories.delivery import spoken
from service.stories.homes import consents, families, pauses
from service.stories.homes.consents import VOICE
from service.stories.recall import retelling
from service.stories.talk import opt_outs
from service.stories.talk.situation import Deed, Situation, Values, caller, own_children, words_shown

_STOPPABLE = (opt_outs.EVERYTHING, *opt_outs.PURPOSES)


def _my_messages(tx: Connection, situation: Situation, args: Values) -> Outcome:
    number_idx = phone_tables.index_of(tx, situation.number)
    comes = {purpose: not phone_tables.opted_out(tx, number_idx, purpose) for purpose in opt_outs.PURPOSES}
    children = own_children(tx, situation)
    refused = bool(children) and all(child.quiet_why == pauses.REFUSED for child in children)
    found = caller(tx, situation)
    said = consents.said_of_phone(tx, found.phone_id) if found else {}
    news, visits = said.get(consents.CAMPAIGN), said.get(FOLLOW_UP)
    told = {
        "rappels": comes["reminder"] and not refused,
        "infos": comes["campaign"] and news is not None and news.given,
        "jamais_infos": comes["campaign"] and news is None,
        "appels": found is not None and phone_tables.is_by_voice(tx, found.phone_id),
        "visites": visits is None or visits.given,
    }
    return Outcome(True, told)


def _stop_messages(tx: Connection, situation: Situation, args: Values) -> Outcome:
    return _set(tx, situation, args["purpose"], given=False)


def _start_messages(tx: Connection, situation: Situation, args: Values) -> Outcome:
    return _set(tx, situation, args["purpose"], given=True)


def _set(tx: Connection, situation: Situation, purpose: str, *, given: bool) -> Outcome:
    runtime, number, now, words = situation.runtime, situation.number, situation.now, words_shown(situation)
    if purpose == FOLLOW_UP:
        found = caller(tx, situation)
        if found is None or found.person_id is None:
            return Outcome(False)
        consents.note(tx, found.phone_id, (FOLLOW_UP,), given, words, now)
    elif purpose not in _STOPPABLE:
        return Outcome(False)
    elif given:
        if purpose == consents.CAMPAIGN:
            families.ensure_caller(tx, runtime, number, now)  # a yes is somebody's
        opt_outs.start(tx, runtime, number, now, purpose=purpose, how=situation.way, words=words)
    else:
        opt_outs.stop(tx, runtime, number, situation.way, now, purpose=purpose, words=words)
    return Outcome(True)


def _choose_calls(tx: Connection, situation: Situation, args: Values) -> Outcome:
    """Reminders come as calls. Only where this line can call, and for a phone that serves children of ours."""
    found, children = caller(tx, situation), own_children(tx, situation)
    if args["consent"] != "oui" or found is None or found.person_id is None or not children:
        return Outcome(False)
    if not spoken.can_call(situation.runtime, situation.language):
        return Outcome(False)
    _hear_by_call(tx, situation, found.phone_id, True)
    for programme_id in sorted({child.programme_id for child in children}):
        consents.keep(tx, found.person_id, VOICE, words_shown(situation), situation.now, programme_id=programme_id)
    return Outcome(True)


def _choose_sms(tx: Connection, situation: Situation, args: Values) -> Outcome:
    found = caller(tx, situation)
    if found is None:
        return Outcome(False)
    _hear_by_call(tx, situation, found.phone_id, False)
    return Outcome(True)


def _hear_by_call(tx: Connection, situation: Situation, phone_id: int, by_call: bool) -> None:
    """What waits already is told by the way just chosen."""
    if phone_tables.is_by_voice(tx, phone_id) != by_call:
        retelling.tell_anew(tx, situation.runtime, phone_id, situation.now)
        if not by_call:
            consents.note(tx, phone_id, (VOICE,), False, words_shown(situation), situation.now)
    phone_tables.set_by_voice(tx, phone_id, by_call)


def _choose_words(tx: Connection, situation: Situation, args: Values) -> Outcome:
    found = caller(tx, situation)
    if found is None or args["words"] not in (consents.EXPLICIT, consents.DISCREET):
        return Outcome(False)
    explicit = args["words"] == consents.EXPLICIT
    words, now = words_shown(situation), situation.now
    return Outcome(consents.choose_words(tx, situation.runtime, found.phone_id, explicit, words, now))


_COMES = {"rappels": "yes_no", "infos": "yes_no", "jamais_infos": "yes_no", "appels": "yes_no", "visites": "yes_no"}
DEEDS = {
    "my_messages": Deed(_my_messages, Signature({}, _COMES, writes=False)),
    "stop_messages": Deed(_stop_messages, Signature({"purpose": "choice"})),
    "start_messages": Deed(_start_messages, Signature({"purpose": "choice"})),
    "choose_calls": Deed(_choose_calls, Signature({"consent": "choice"}), by_call=True),
    "choose_sms": Deed(_choose_sms, Signature(), by_call=True),
    # By SMS anybody could write it in her name, and names would be sent.
    "choose_words": Deed(_choose_words, Signature({"words": "choice"}), by_call=True),
}
