"""The one door in: whatever a person says, by keystroke, comes here and gets a screen.

One transaction a step: where does this person stand, what does the flow say, carry it out, keep the step. The same step
repeated gets the same screen and no second effect; an older step gets the screen it got then.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import date

from sqlalchemy.engine import Connection

from flows import engine
from flows.engine import Handset, Progress, Turn
from flows.loader import load_bundle
from flows.model import Flow
from service.channels.base import Keystroke
from service.runtime import Runtime
from service.store import conversation_tables, people_tables
from service.store.conversation_tables import Conversation
from service.store.system_tables import count
from service.stories import effects
from service.stories.situation import Situation

SEALED_AS = "conversation.progress"
SESSION_LIFE_MS = 10 * 60_000
"""Longer than any operator keeps a USSD session (one to three minutes): after it, a known id is a new call."""
LONGEST_PATH = 3
"""Keys that may stand in the code dialled (*code*2*1#): menus are three deep, and a form is never filled blindly."""
MOST_ACTIONS = 8


_compact = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


@dataclass(frozen=True, slots=True)
class Reply:
    """What the phone shows: folded text within the screen's limit, and whether the session goes on."""

    text: str
    more: bool


@dataclass(slots=True)
class Thread:
    """What is kept between two keystrokes: progress, the whole input so far, and the screen that each input got."""

    progress: Progress
    typed: str
    screens: list[tuple[int, str, bool]]  # (length of the input, text, more): every input continues the one before

    def sealed(self, runtime: Runtime) -> bytes:
        # Two lines, so that the progress is not wrapped into JSON a second time.
        return runtime.vault.seal(SEALED_AS, f"{self.progress.to_json()}\n{_compact([self.typed, self.screens])}")

    @classmethod
    def opened(cls, runtime: Runtime, sealed: bytes) -> Thread:
        progress, _, rest = runtime.vault.open(SEALED_AS, sealed).partition("\n")
        return cls(Progress.from_json(progress), *json.loads(rest))

    def answer_given_to(self, text: str) -> Reply | None:
        """The screen that this very input got before, if it did."""
        if not self.typed.startswith(text):
            return None
        return next((Reply(shown, more) for length, shown, more in self.screens if length == len(text)), None)


def reply_to(runtime: Runtime, keystroke: Keystroke) -> Reply:
    """Answer one keystroke. Everything it changes is on disk when this returns, or nothing is."""
    now = runtime.now()
    with runtime.database.begin() as tx:
        reply = _answered(runtime, tx, keystroke, now)
    runtime.kept_flows.add(runtime.start_flow().hash)  # now that it is committed
    return reply


def _answered(runtime: Runtime, tx: Connection, keystroke: Keystroke, now: int) -> Reply:
    key = runtime.vault.index(keystroke.channel, keystroke.session, keystroke.phone)
    stored = conversation_tables.find_conversation(tx, key)
    if stored and keystroke.text == "" and now - stored.updated_at > SESSION_LIFE_MS:
        conversation_tables.forget_conversation(tx, stored.id)  # the carrier gives the id out again
        stored = None
    if stored is None:
        reply = _first_step(runtime, tx, keystroke, key, now)
        if reply is not None:
            return reply
        stored = conversation_tables.find_conversation(tx, key)  # its twin arrived a moment earlier
        assert stored is not None
    return _next_step(runtime, tx, stored, keystroke, now)


def _first_step(runtime: Runtime, tx: Connection, keystroke: Keystroke, key: bytes, now: int) -> Reply | None:
    """Open a conversation; None when the same one was opened by another request at this very moment."""
    session_idx = runtime.vault.index(keystroke.channel, keystroke.session)
    if conversation_tables.session_is_known(tx, session_idx):
        count(tx, "ussd_other_phone_in_session")
    flow = runtime.start_flow()
    situation = _situation(runtime, keystroke, flow, f"{key.hex()}:0", now)
    caller = people_tables.find_caller(tx, keystroke.phone)
    if flow.hash not in runtime.kept_flows:
        conversation_tables.keep_flow_version(tx, flow.hash, flow.id, flow.version, flow.bundle, now)
    turn = engine.begin(
        flow,
        situation.today,
        language=caller.language if caller else None,
        facts=effects.facts(tx, situation, caller),
        speaks=runtime.languages_for(keystroke.channel),
        handset=_handset(runtime),
    )
    thread = _opening(runtime, tx, situation, flow, turn, keystroke.text)
    ended = not thread.screens[-1][2]
    sealed = thread.sealed(runtime)
    made = conversation_tables.add_conversation(tx, key, session_idx, keystroke.channel, flow.hash, sealed, ended, now)
    return Reply(*thread.screens[-1][1:]) if made else None


def _opening(runtime: Runtime, tx: Connection, situation: Situation, flow: Flow, turn: Turn, text: str) -> Thread:
    """The first screen, or the one to which a dialled path leads."""
    turn = _carried_out(runtime, tx, situation, flow, turn)
    path = text.split("*") if text else []
    for typed in path if len(path) <= LONGEST_PATH else []:
        if turn.screen is None or not turn.screen.more:
            break
        further = engine.answer(flow, turn.progress, typed, situation.today, _handset(runtime))
        if further.pending and effects.SIGNATURES[further.pending.name].writes:
            break  # "dial *code*4*1# and win": nobody leaves or stops without having seen the question
        turn = _carried_out(runtime, tx, situation, flow, further)
    assert turn.screen is not None
    return Thread(turn.progress, text, [(len(text), turn.screen.text, turn.screen.more)])


def _next_step(runtime: Runtime, tx: Connection, stored: Conversation, keystroke: Keystroke, now: int) -> Reply:
    thread = Thread.opened(runtime, stored.progress)
    given = thread.answer_given_to(keystroke.text)
    if given is not None:
        return given
    last = Reply(*thread.screens[-1][1:])
    typed = _new_input(thread.typed, keystroke.text)
    if stored.ended or typed is None:
        return last
    flow = _flow_of(runtime, tx, stored.flow_hash)
    situation = _situation(runtime, keystroke, flow, f"{stored.id}:{len(thread.screens)}", now)
    turn = engine.answer(flow, thread.progress, typed, situation.today, _handset(runtime))
    turn = _carried_out(runtime, tx, situation, flow, turn)
    assert turn.screen is not None
    thread.progress, thread.typed = turn.progress, keystroke.text
    thread.screens.append((len(keystroke.text), turn.screen.text, turn.screen.more))
    conversation_tables.keep_step(tx, stored.id, thread.sealed(runtime), not turn.screen.more, now)
    return Reply(turn.screen.text, turn.screen.more)


def _new_input(before: str, text: str) -> str | None:
    """What was typed now: what follows the input of the step before and one `*`. None when it does not continue it.

    A `*` that the person typed cannot be told from the carrier's own, so the whole rest is one answer.
    """
    if before == "":
        return text
    return text[len(before) + 1 :] if text.startswith(before + "*") else None


def _carried_out(runtime: Runtime, tx: Connection, situation: Situation, flow: Flow, turn: Turn) -> Turn:
    """Do what the turn asks, in this transaction, until it shows a screen."""
    for _ in range(MOST_ACTIONS):
        effects.carry_out(tx, situation, turn.events)
        if turn.pending is None:
            return turn
        spoken = replace(situation, language=turn.progress.language)
        outcome = effects.perform(tx, spoken, turn.pending)
        turn = engine.resume(flow, turn.progress, outcome, situation.today, _handset(runtime))
    raise AssertionError(f"{flow.id}: more than {MOST_ACTIONS} actions without a question")


def _flow_of(runtime: Runtime, tx: Connection, flow_hash: str) -> Flow:
    """The very version with which the conversation began: sessions outlive a deployment."""
    flow = runtime.known_flows.get(flow_hash)
    if flow is None:
        body = conversation_tables.flow_body(tx, flow_hash)
        assert body is not None, "every conversation keeps the version of its flow"
        flow = runtime.known_flows[flow_hash] = load_bundle(body)
    return flow


def _situation(runtime: Runtime, keystroke: Keystroke, flow: Flow, step: str, now: int) -> Situation:
    today: date = runtime.today(now)
    words = f"{flow.id}:{flow.hash}"
    return Situation(runtime, now, today, keystroke.phone, keystroke.channel, step, words)


def _handset(runtime: Runtime) -> Handset:
    limit = runtime.config.screen_limit
    return engine.USSD if limit == engine.USSD.limit else Handset(limit=limit)
