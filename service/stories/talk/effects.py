"""What a flow's decisions do: one line for each event and for each action, all in the keystroke's transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from sqlalchemy.engine import Connection

from flows.engine import Action, Event, FlowEnded, FormLeft, LanguageChosen, Outcome, TextSent
from flows.findings import Signature
from service.clock import DAY_MS
from service.store import handover_tables, mediator_tables, people_tables, phone_tables
from service.store.people_tables import Caller
from service.stories.delivery import outbox
from service.stories.talk import (
    care_actions,
    child_actions,
    feedback_actions,
    follow_up_actions,
    handover_actions,
    mediator_actions,
    mediator_visit_actions,
    mutual_actions,
    phone_actions,
    privacy_actions,
    treatment_actions,
    unfinished,
)
from service.stories.talk.situation import Deed, Situation

# Every action of the conversations, by the room it lives in.
ROOMS = (
    child_actions,
    care_actions,
    handover_actions,
    phone_actions,
    mutual_actions,
    feedback_actions,
    privacy_actions,
    mediator_actions,
    mediator_visit_actions,
    follow_up_actions,
    treatment_actions,
)
DEEDS: dict[str, Deed] = {name: deed for room in ROOMS for name, deed in room.DEEDS.items()}
SIGNATURES: dict[str, Signature] = {name: deed.signature for name, deed in DEEDS.items()}
"""What the checker knows about each action."""


def facts(tx: Connection, situation: Situation, caller: Caller | None) -> dict[str, Any]:
    """What the first menu needs to know about the caller."""
    children = people_tables.children_on_phone(tx, caller.phone_id) if caller else []
    number_idx = phone_tables.index_of(tx, situation.number)
    return {
        "langue_connue": bool(caller and caller.language),
        "enfants": len(children),
        "messages_arretes": phone_tables.opted_out(tx, number_idx, "reminder"),
        # Asked in a call only: an SMS with this number on it proves nothing.
        "passation": situation.way == "ussd"
        and caller is not None
        and handover_tables.is_expected(tx, caller.phone_id, situation.now),
        "mediatrice": situation.way == "ussd" and caller is not None and mediator_tables.is_open(tx, caller.phone_id),
        "code": situation.runtime.config.service_code,
        "urgence": situation.runtime.config.emergency_number,
        "ecoute": situation.runtime.config.help_number,
    }


def carry_out(tx: Connection, situation: Situation, events: Iterable[Event]) -> None:
    """Do what these events say, in their order."""
    for event in events:
        EVENTS[type(event)](tx, situation, event)


def perform(tx: Connection, situation: Situation, action: Action) -> Outcome:
    """Run one `do:` or `options_from:`. An outcome that is not ok is foreseen by the flow; a bug rises."""
    deed = DEEDS[action.name]
    if deed.by_call and situation.way != "ussd":
        return Outcome(False)
    return deed.run(tx, situation, action.args)


def _language_chosen(tx: Connection, situation: Situation, event: LanguageChosen) -> None:
    phone = phone_tables.ensure_phone(tx, situation.number, situation.now)
    phone_tables.set_language(tx, phone.id, event.language)


def _text_sent(tx: Connection, situation: Situation, event: TextSent) -> None:
    """An SMS that a call leads to is none to who said STOP: whoever shares the phone was promised so."""
    outbox.put(
        tx,
        situation.now,
        outbox.Letter(
            to=situation.number,
            text=event.text,
            key=f"flow:{situation.step}:{situation.runtime.vault.index(event.text).hex()[:12]}",
            purpose="talk" if situation.way == "sms" else "notice",
            priority=outbox.PRIORITY["talk"],
            klass="once",
            not_before=situation.now,
            useful_until=situation.now + DAY_MS,
            hours="any",
        ),
    )


def _flow_ended(tx: Connection, situation: Situation, event: FlowEnded) -> None:
    """Nothing to do: the conversation's row says that it ended."""


def _form_left(tx: Connection, situation: Situation, event: FormLeft) -> None:
    unfinished.give_to_mediator(tx, situation.origin, situation.number, event, situation.now)


EVENTS: dict[type, Callable[[Connection, Situation, Any], None]] = {
    LanguageChosen: _language_chosen,
    TextSent: _text_sent,
    FlowEnded: _flow_ended,
    FormLeft: _form_left,
}
