"""What the conversation about one's own data does: tell what is kept, and forget it."""

from __future__ import annotations

from typing import Any

from sqlalchemy.engine import Connection

from flows.check import Signature
from flows.engine import Outcome
from service.stories import erasure, known_data
from service.stories.situation import Deed, Situation, Values


def _what_is_known(tx: Connection, situation: Situation, args: Values) -> Outcome:
    known = known_data.known_of(tx, situation.runtime, situation.number, situation.language)
    say = situation.runtime.phrases.say
    told: dict[str, Any] = {
        "suivis": known.children,
        "langue": known.language,
        "rappels": say("word.on" if known.reminders else "word.off", situation.language),
        "infos": say("word.on" if known.news else "word.off", situation.language),
        "demandes": ", ".join(known.requests) or say("word.none", situation.language),
    }
    return Outcome(True, told)


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


_KNOWN = {"suivis": "number", "langue": "text", "rappels": "text", "infos": "text", "demandes": "text"}
DEEDS = {
    "what_is_known": Deed(_what_is_known, Signature({}, _KNOWN, writes=False)),
    # By SMS the answer would make the phone known again, too.
    "forget_me": Deed(_forget_me, Signature(), by_call=True),
}
