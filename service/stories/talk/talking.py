"""One turn of a conversation, by whichever way people talk to us: begin, answer, carry out what was decided."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy.engine import Connection

from flows import engine
from flows.engine import FormLeft, Handset, TextSent, Turn
from flows.loader import load_bundle
from flows.model import Flow
from service.runtime import Runtime
from service.store import conversation_tables
from service.store.people_tables import Caller
from service.stories.talk import effects
from service.stories.talk.situation import Situation
from service.stories.talk.threads import Reply

MOST_ACTIONS = 8


def begin(tx: Connection, situation: Situation, flow: Flow, caller: Caller | None, handset: Handset) -> Turn:
    """The first turn of a flow, whatever it had to ask of us on the way carried out."""
    runtime = situation.runtime
    turn = engine.begin(
        flow,
        situation.today,
        language=caller.language if caller else None,
        facts=effects.facts(tx, situation, caller),
        speaks=runtime.languages_for(situation.channel, flow),
        handset=handset,
        way=situation.way,
    )
    return carried_out(tx, situation, flow, turn, handset)


def answer(
    tx: Connection, situation: Situation, flow: Flow, progress: engine.Progress, typed: str, handset: Handset
) -> Turn:
    """The turn after an answer, everything it decided carried out in this transaction."""
    turn = engine.answer(flow, progress, typed, situation.today, handset)
    return carried_out(tx, situation, flow, turn, handset)


def carried_out(tx: Connection, situation: Situation, flow: Flow, turn: Turn, handset: Handset) -> Turn:
    """Do what the turn asks until it shows a screen."""
    for _ in range(MOST_ACTIONS):
        effects.carry_out(tx, situation, turn.events)
        if turn.pending is None:
            return turn
        spoken = replace(situation, language=turn.progress.language)
        outcome = effects.perform(tx, spoken, turn.pending)
        turn = engine.resume(flow, turn.progress, outcome, situation.today, handset)
    raise AssertionError(f"{flow.id}: more than {MOST_ACTIONS} actions without a question")


def would_write(tx: Connection, situation: Situation, flow: Flow, turn: Turn, handset: Handset) -> bool:
    """Whether anything would be written or sent before the next screen. Only what reads is carried out."""
    for _ in range(MOST_ACTIONS):
        if any(isinstance(event, TextSent | FormLeft) for event in turn.events):
            return True
        if turn.pending is None:
            return False
        if effects.SIGNATURES[turn.pending.name].writes:
            return True
        spoken = replace(situation, language=turn.progress.language)
        turn = engine.resume(flow, turn.progress, effects.perform(tx, spoken, turn.pending), situation.today, handset)
    return True


def reply_of(turn: Turn) -> Reply:
    assert turn.screen is not None
    return Reply(turn.screen.text, turn.screen.more)


def flow_of(runtime: Runtime, tx: Connection, flow_hash: str) -> Flow:
    """The very version with which the conversation began: sessions outlive a deployment and a new publication."""
    flow = runtime.known_flows.get(flow_hash)
    if flow is None:
        body = conversation_tables.flow_body(tx, flow_hash)
        assert body is not None, "every published version is kept while somebody may stand in it"
        flow = runtime.known_flows[flow_hash] = load_bundle(body)
    return flow
