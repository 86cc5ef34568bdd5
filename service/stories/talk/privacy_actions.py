"""What the conversation about one's own data does: tell what is kept, and forget it."""

from __future__ import annotations

from typing import Any

from sqlalchemy.engine import Connection

from flows.engine import Outcome
from flows.findings import Signature
from service.store.consent_tables import FOLLOW_UP
from service.stories.homes import told_consents
from service.stories.homes.consents import CAMPAIGN, REMINDER
from service.stories.keeping import erasure
from service.stories.talk import known_data
from service.stories.talk.situation import Deed, Situation, Values
from service.stories.talk.wording import short_date


def _what_is_known(tx: Connection, situation: Situation, args: Values) -> Outcome:
    known = known_data.known_of(tx, situation.runtime, situation.number, situation.language)
    say = situation.runtime.phrases.say
    told: dict[str, Any] = {
        "suivis": known.children,
        "langue": known.language,
        "rappels": say(_how_reminded(known), situation.language),
        "infos": say("word.on" if known.news else "word.off", situation.language),
        "demandes": ", ".join(known.requests) or say("word.none", situation.language),
    }
    return Outcome(True, told)


def _how_reminded(known: known_data.Known) -> str:
    if not known.reminders:
        return "word.off"
    return "word.by_call" if known.by_call else "word.on"


def _what_was_agreed(tx: Connection, situation: Situation, args: Values) -> Outcome:
    """Of each purpose the last word, its day and its way; a refusal on this phone counts before it."""
    known = known_data.known_of(tx, situation.runtime, situation.number, situation.language)
    say = situation.runtime.phrases.say

    def told(purpose: str, comes: bool) -> str:
        word = known.agreed.get(purpose)
        if word is None:
            return say("word.unasked" if comes else "word.off", situation.language)
        yes_no = say("word.on" if word.given and comes else "word.off", situation.language)
        way = "SMS" if word.how in _BY_SMS else say(_WAYS.get(word.how, "word.call"), situation.language)
        return f"{yes_no}, {short_date(situation.runtime.today(word.at))}, {way}"

    return Outcome(
        True,
        {
            "rappels_dits": told(REMINDER, known.reminders),
            "infos_dites": told(CAMPAIGN, not known.news_stopped),
            "visites_dites": told(FOLLOW_UP, True),
            "mots": say("word.open" if known.explicit else "word.discreet", situation.language),
        },
    )


def _forget_me(tx: Connection, situation: Situation, args: Values) -> Outcome:
    here = situation.step.partition(":")[0]
    erasure.forget_phone(
        tx,
        situation.runtime,
        situation.number,
        situation.way,
        situation.now,
        this_conversation=int(here) if here.isdecimal() else None,
    )
    return Outcome(True)


_BY_SMS = ("sms", "start", "carrier")
_WAYS = {told_consents.PAPER: "word.paper", told_consents.SPOKEN: "word.spoken"}
_KNOWN = {"suivis": "number", "langue": "text", "rappels": "text", "infos": "text", "demandes": "text"}
_AGREED = {"rappels_dits": "text", "infos_dites": "text", "visites_dites": "text", "mots": "text"}
DEEDS = {
    "what_is_known": Deed(_what_is_known, Signature({}, _KNOWN, writes=False)),
    "what_was_agreed": Deed(_what_was_agreed, Signature({}, _AGREED, writes=False)),
    # By SMS the answer would make the phone known again, too.
    "forget_me": Deed(_forget_me, Signature(), by_call=True),
}
